"""undo_labels and redo_labels."""

import numpy as np
import pytest

from posecut_core.errors import ArgumentError, LabelError
from posecut_core.labels.store import read_labels
from posecut_core.labels.table import LabelTable
from posecut_core.project.opening import open_project
from posecut_core.workflow.check_labels import write_labels
from posecut_core.workflow.undo_labels import redo_labels, undo_labels


def spots(config):
    return read_labels(open_project(config), "spot").xy[:, 0, 0].tolist()


def test_several_edits_are_taken_back_and_made_again(spot_project):
    """Each call of write_labels is one step; the labels are bit for bit those of before."""
    first = spots(spot_project)
    for x in (20.0, 30.0):
        write_labels(spot_project, LabelTable("spot", ("spot",), np.array([3]), np.array([[[x, 5.0]]])))
    last = spots(spot_project)
    undone = undo_labels(spot_project, "spot", steps="2")
    assert (spots(spot_project), undone.redoable) == (first, 2)
    assert [change.split(" is ")[0] for change in undone.changes] == ["frame 3: spot"]
    assert redo_labels(spot_project, "Spot.mp4", steps=2).redoable == 0
    assert spots(spot_project) == last


@pytest.mark.parametrize(("step", "steps", "asked"), [(undo_labels, 5, "5 edits were"), (redo_labels, 1, "1 edit was")])
def test_more_than_there_is_changes_nothing(spot_project, step, steps, asked):
    """The number of edits that there are is said."""
    before = spots(spot_project)
    with pytest.raises(LabelError, match=rf"^{asked} requested, but spot has \d to .*nothing was changed"):
        step(spot_project, "spot", steps=steps)
    with pytest.raises(ArgumentError, match="steps is 0"):
        step(spot_project, "spot", steps=0)
    assert spots(spot_project) == before
