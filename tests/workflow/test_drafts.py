"""Drafts are read as they were proposed, until a person has decided about them."""

import numpy as np

from posecut_core.labels.store import read_drafts, write_drafts
from posecut_core.labels.table import LabelTable
from posecut_core.project.opening import open_project
from posecut_core.workflow.check_labels import write_labels
from posecut_core.workflow.edit_bodyparts import edit_bodyparts


def test_drafts_come_back_under_the_present_names(spot_project):
    """Only bodyparts that nobody has labeled have drafts, which follow a renaming and end with a label."""
    given = LabelTable("spot", ("spot", "beside"), np.array([3, 5]), np.full((2, 2, 2), 7.0), np.ones((2, 2), bool))
    project = open_project(spot_project)
    assert len(read_drafts(project, "spot").numbers) == 0
    write_labels(
        spot_project, LabelTable("spot", ("spot",), np.array([0]), np.full((1, 1, 2), 8.0)), remove_others=True
    )
    write_drafts(project, given, np.full((2, 2), 0.5), model="net")
    edit_bodyparts(spot_project, rename={"beside": "right"})
    write_labels(spot_project, LabelTable("spot", ("spot",), np.array([3]), np.full((1, 1, 2), 9.0)))
    found = read_drafts(open_project(spot_project), "spot")
    assert (found.bodyparts, found.numbers.tolist()) == (("spot", "right"), [3, 5])
    np.testing.assert_array_equal(found.xy[..., 0], [[np.nan, 7.0], [7.0, 7.0]])
