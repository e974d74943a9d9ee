"""Drafts lie beside the labels in DeepLabCut's layout and are no labels."""

import numpy as np
import pandas as pd
import pytest

from posecut_core.labels.pandas_tables import read_hdf
from posecut_core.labels.store import read_labels
from posecut_core.workflow.drafts import Drafts, write_drafts
from posecut_core.workflow.opening import open_project


@pytest.fixture
def project(spot_project):
    """Opened; of its frames 0, 3, 5 and 9, frame 5 is a crop that begins at (6, 4)."""
    return open_project(spot_project)


def drafts(numbers, x, *, scorer="net"):
    xy = np.full((len(numbers), 2, 2), x)
    return Drafts(scorer, ("spot", "beside"), np.array(numbers), xy, np.full((len(numbers), 2), 0.25))


def test_drafts_are_in_pixels_of_the_stored_image(project):
    """The .h5 and the .csv hold positions from the corner of the crop, and the likelihoods."""
    path = write_drafts(project, "spot", drafts([3, 5], 20.0))
    assert path == project.frame_folder("spot") / "machinelabels-iter0.h5"
    table = read_hdf(path)
    assert table.columns[0] == ("net", "spot", "x")
    assert [row[-1] for row in table.index] == ["img03.png", "img05.png"]
    assert table.to_numpy()[:, :3].tolist() == [[20.0, 20.0, 0.25], [14.0, 16.0, 0.25]]
    text = pd.read_csv(path.with_name("machinelabels.csv"), header=[0, 1, 2], index_col=[0, 1, 2])
    np.testing.assert_array_equal(text.to_numpy(), table.to_numpy())


def test_later_drafts_join_earlier_ones(project):
    """Frames of an earlier call stay; a frame that has a draft gets the new one."""
    write_drafts(project, "spot", drafts([3, 9], 20.0))
    table = read_hdf(write_drafts(project, "spot", drafts([0, 3], 30.0)))
    assert [(row[-1], x) for row, x in zip(table.index, table.to_numpy()[:, 0], strict=True)] == [
        ("img00.png", 30.0),
        ("img03.png", 30.0),
        ("img09.png", 20.0),
    ]


def test_another_network_replaces_them(project):
    """Drafts of two networks are not mixed."""
    write_drafts(project, "spot", drafts([3], 20.0))
    table = read_hdf(write_drafts(project, "spot", drafts([9], 30.0, scorer="better")))
    assert [row[-1] for row in table.index] == ["img09.png"]


def test_labels_stay_as_they_are(project):
    """What people have placed is not touched."""
    before = read_labels(project, "spot")
    write_drafts(project, "spot", drafts([0, 3], 30.0))
    np.testing.assert_array_equal(read_labels(project, "spot").xy, before.xy)
