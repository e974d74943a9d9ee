"""A label table cannot contradict itself."""

import numpy as np
import pytest

from posecut_core.errors import LabelError
from posecut_core.labels.table import LabelTable

XY = np.array([[[1.0, 2.0]], [[np.nan, np.nan]]])


def test_a_table_keeps_what_it_was_given():
    """Frames and missing positions are taken as they are."""
    assert LabelTable("m1", ("nose",), np.array([3, 9]), XY).xy is XY


def test_a_bodypart_that_is_labelled_nowhere_was_not_looked_for():
    """One label in one frame is enough to have been looked for."""
    xy = np.concatenate([XY, np.full((2, 1, 2), np.nan)], axis=1)
    assert LabelTable("m1", ("nose", "tail"), np.array([3, 9]), xy).looked_for.tolist() == [True, False]


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


@pytest.mark.parametrize(("numbers", "xy", "name"), [([3, 9], XY, "numbers"), (np.array([3, 9]), XY.tolist(), "xy")])
def test_lists_are_refused(numbers, xy, name):
    """A list where an array belongs is named, with what to do."""
    table = object.__new__(LabelTable)  # the tests' own check of types would come first
    for field, value in (("video", "m1"), ("bodyparts", ("nose",)), ("numbers", numbers), ("xy", xy)):
        object.__setattr__(table, field, value)
    with pytest.raises(LabelError, match=rf"{name} of m1 is a list, expected a numpy array"):
        table.__post_init__()
