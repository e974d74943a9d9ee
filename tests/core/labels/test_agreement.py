"""Labels of two people are compared where both have labeled the same frames."""

import numpy as np
import pytest

from posecut_core.labels.agreement import compare_labels, pooled, read_agreement, write_agreement
from posecut_core.labels.table import LabelTable

NAN = (np.nan, np.nan)


def table(numbers, xy, parts=("snout", "tail")):
    return LabelTable("m1", parts, np.array(numbers), np.array(xy, float))


@pytest.fixture
def compared():
    """Two frames that both have labeled; the tail is missing in one of them, and the other person knows an ear."""
    mine = table([1, 3, 5], [[(0, 0), (9, 9)], [(10, 10), (0, 0)], [(1, 1), (1, 1)]])
    other = table(
        [3, 4, 5],
        [[(2, 2), NAN, (13, 14)], [(0, 0), (0, 0), (0, 0)], [(1, 1), (1, 9), (1, 1)]],
        ("ear", "tail", "snout"),
    )
    return compare_labels([(mine, other)])


def test_only_what_both_know_is_compared(compared):
    """Frames, bodyparts by their names, and labels that one of both did not place, which are counted."""
    assert compared.frames == 2
    assert (compared.bodyparts["snout"].pairs, compared.bodyparts["snout"].mean) == (2, pytest.approx(2.5))
    assert compared.bodyparts["snout"].rmse == pytest.approx(np.sqrt(25 / 2))
    assert (compared.bodyparts["tail"].pairs, compared.bodyparts["tail"].one_sided) == (1, 1)
    assert set(compared.bodyparts) == {"snout", "tail"}


def test_the_farthest_labels_come_first(compared):
    """So that a person looks at these."""
    found = [(one.number, one.bodypart, one.distance) for one in compared.differences]
    assert found == [(5, "tail", 8.0), (3, "snout", 5.0), (5, "snout", 0.0)]


def test_all_labels_count_the_same_together(compared):
    """Mean and its standard error are those of all distances, of whichever bodypart."""
    distances = np.array([5.0, 0.0, 8.0])
    assert compared.overall.mean == pytest.approx(distances.mean())
    assert compared.overall.rmse == pytest.approx(np.sqrt((distances**2).mean()))
    assert compared.overall.standard_error == pytest.approx(distances.std(ddof=1) / np.sqrt(3))
    assert "4.33 ± 2.33 px apart" in compared.overall.sentence()


def test_a_comparison_comes_back_from_its_table(compared, tmp_path):
    """Bodypart by bodypart; where nothing was compared there is nothing."""
    path = tmp_path / "label-agreement.csv"
    assert read_agreement(path) == {}
    write_agreement(path, compared)
    found = read_agreement(path)
    assert list(found) == ["snout", "tail"]
    assert found["snout"].rmse == pytest.approx(compared.bodyparts["snout"].rmse, rel=1e-4)
    assert found["tail"].one_sided == 1
    assert pooled(found.values()).pairs == 3
    path.write_text("something,else\n1,2\n")
    assert read_agreement(path) == {}


def test_nothing_in_common_has_no_distance():
    """No number is made up."""
    found = compare_labels([(table([1], [[(0, 0), NAN]]), table([1], [[NAN, (0, 0)]]))])
    assert (found.overall.pairs, found.overall.one_sided, found.differences) == (0, 2, ())
    assert np.isnan(found.overall.mean)
    assert found.overall.sentence() == "no label of both people"
