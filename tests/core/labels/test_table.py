"""A label table cannot contradict itself."""

import numpy as np
import pytest

from posecut_core.errors import LabelError
from posecut_core.labels.table import LabelTable

XY = np.array([[[1.0, 2.0]], [[np.nan, np.nan]]])


def test_a_table_keeps_what_it_was_given():
    """Frames and missing positions are taken as they are."""
    assert LabelTable("m1", ("nose",), np.array([3, 9]), XY).xy is XY


def test_what_nobody_recorded_follows_from_the_labels():
    """A bodypart labeled in one frame was looked for in all that have a label; without a label nobody looked."""
    xy = np.full((3, 3, 2), np.nan)
    xy[0, 0], xy[1, 1] = 5.0, 6.0
    table = LabelTable("m1", ("nose", "tail", "ear"), np.array([3, 9, 12]), xy)
    assert table.annotated.tolist() == [[True, True, False], [True, True, False], [False, False, False]]


def test_what_was_looked_for_is_kept_with_the_rows():
    """A recorded mask counts frame by frame, also of a part of the table; what is labeled was looked for."""
    looked = np.array([[False], [True]])
    table = LabelTable("m1", ("nose",), np.array([3, 9]), XY, looked)
    assert table.annotated.tolist() == [[True], [True]]
    assert table.rows(np.array([False, True])).annotated.tolist() == [[True]]


@pytest.mark.parametrize(
    ("bodyparts", "numbers", "xy", "words"),
    [
        (("nose", "tail"), [3, 9], XY, "have shape"),
        (("nose",), [9, 3], XY, "must increase"),
        (("nose",), [3, 3], XY, "must increase"),
        (("nose", "nose"), [3, 9], np.repeat(XY, 2, axis=1), "repeat"),
        (("nose",), [3, 9], np.array([[[1.0, np.nan]], [[1.0, 2.0]]]), "an x without its y"),
    ],
)
def test_contradictions_are_refused(bodyparts, numbers, xy, words):
    """Shapes, order, names and half pairs are checked when a table is made."""
    with pytest.raises(LabelError, match=words):
        LabelTable("m1", bodyparts, np.array(numbers), xy)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"numbers": [3, 9]}, "numbers of m1 is a list, expected a numpy array"),
        ({"xy": XY.tolist()}, "xy of m1 is a list, expected a numpy array"),
        ({"bodyparts": "snout"}, r"bodyparts of m1 is the text 'snout', .* write \('snout',\)"),
    ],
)
def test_values_of_other_kinds_are_refused(changes, words):
    """A list where an array belongs, or a text where several do, which was taken letter by letter, is named."""
    table = object.__new__(LabelTable)  # the tests' own check of types would come first
    values = {"video": "m1", "bodyparts": ("nose",), "numbers": np.array([3, 9]), "xy": XY, "recorded": None}
    for field, value in {**values, **changes}.items():
        object.__setattr__(table, field, value)
    with pytest.raises(LabelError, match=words):
        table.__post_init__()
