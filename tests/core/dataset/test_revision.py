"""The labels of a training dataset never change after it was made."""

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posecut_core.dataset.split import has_revision, read_revision, write_revision
from posecut_core.errors import DatasetError
from posecut_core.labels.table import LabelTable

PRINTABLE = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=12)


def table(video="m1", *, shift=0.0):
    xy = np.array([[[1.25, 2.0], [np.nan, np.nan]], [[1 / 3, -0.5], [1e-7, 640.0]]]) + shift
    return LabelTable(video, ("nose", "tail, tip"), np.array([3, 12]), xy)


def same(one, other):
    np.testing.assert_array_equal(one.numbers, other.numbers)
    np.testing.assert_array_equal(one.xy, other.xy)
    np.testing.assert_array_equal(one.annotated, other.annotated)
    return (one.video, one.bodyparts) == (other.video, other.bodyparts)


@st.composite
def tables(draw):
    bodyparts = tuple(draw(st.lists(PRINTABLE, min_size=1, max_size=3, unique=True)))
    made = []
    for video in draw(st.lists(PRINTABLE, min_size=1, max_size=3, unique=True)):
        numbers = np.array(sorted(draw(st.sets(st.integers(0, 2**40), min_size=1, max_size=4))))
        floats = st.floats(allow_nan=False, allow_infinity=False)
        xy = draw(arrays.arrays(np.float64, (len(numbers), len(bodyparts), 2), elements=floats))
        xy[draw(arrays.arrays(bool, xy.shape[:2]))] = np.nan
        made.append((video, bodyparts, numbers, xy, draw(arrays.arrays(bool, xy.shape[:2]))))
    return made


@settings(max_examples=30, deadline=None)
@given(tables())
def test_reading_undoes_writing(tmp_path_factory, made):
    """Every video, frame and position comes back bit by bit, and what was looked for."""
    made = [LabelTable(*fields) for fields in made]
    folder = tmp_path_factory.getbasetemp() / "revisions"
    found = read_revision(folder / write_revision(folder, made))
    assert list(found) == [one.video for one in made]
    assert all(same(found[one.video], one) for one in made)


def test_the_name_follows_from_the_labels(tmp_path):
    """The same labels have the same name, other labels another, and both stay."""
    first = write_revision(tmp_path, [table()])
    assert first == write_revision(tmp_path, [table()])
    second = write_revision(tmp_path, [table(shift=1e-9)])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted({first, second})


def test_a_folder_knows_the_labels_that_it_has(tmp_path):
    """Another position is another revision."""
    write_revision(tmp_path, [table()])
    assert has_revision(tmp_path, [table()])
    assert not has_revision(tmp_path, [table(shift=1e-9)])


def test_a_changed_revision_is_refused_and_can_be_made_again(tmp_path):
    """Who edits the file hears of it, and creating the dataset again mends it."""
    path = tmp_path / write_revision(tmp_path, [table()])
    path.write_text(path.read_text().replace("1.25", "1.5"))
    with pytest.raises(
        DatasetError, match="has changed since it was written; restore it from a copy, or create another shuffle"
    ):
        read_revision(path)
    assert write_revision(tmp_path, [table()]) == path.name
    assert same(read_revision(path)["m1"], table())


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"video,frame\n"])
def test_a_missing_or_damaged_revision_is_one_sentence(tmp_path, content):
    """No file, no text, no table: the user hears what to run."""
    path = tmp_path / "labels-0123456789ab.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DatasetError, match="restore it from a copy, or create another shuffle"):
        read_revision(path)
