"""A project's labels are in pixels of the full frame, whatever crop the images have."""

import numpy as np
import pandas as pd
import pytest

from posecut_core.errors import LabelError
from posecut_core.labels.store import read_labels, write_labels
from posecut_core.labels.table import LabelTable
from posecut_core.project.config import Crop, ProjectConfig
from posecut_core.project.layout import Project
from posecut_core.video.store import FrameStore

NUMBERS = np.array([3, 20], dtype=np.int64)
XY = np.array([[[41.25, 62.5], [np.nan, np.nan]], [[45.0, 66.0], [47.0, 68.0]]])
IMAGE = np.zeros((8, 10, 3), dtype=np.uint8)


@pytest.fixture
def project(tmp_path):
    """A project whose video m1 has two stored frames: one cropped at (40, 60), one at (5, 6)."""
    video_sets = {"/data/m1.mp4": Crop(40, 50, 60, 68)}
    project = Project(tmp_path, ProjectConfig("reach", "Ann", "Oct30", ("nose", "tail"), video_sets))
    FrameStore.open(project.frame_store("m1"), create=True).append([(20, IMAGE, (5, 6)), (3, IMAGE, (40, 60))])
    return project


def test_labels_round_trip_in_the_full_frame(project):
    """What is written is read back; the file holds positions inside each stored image."""
    write_labels(project, LabelTable("m1", ("nose", "tail"), NUMBERS, XY))
    labels = read_labels(project, "m1")
    np.testing.assert_array_equal(labels.numbers, NUMBERS)
    np.testing.assert_array_equal(labels.xy, XY)
    frame = pd.read_hdf(project.collected_data("m1"))
    np.testing.assert_array_equal(frame.to_numpy(), [[1.25, 2.5, np.nan, np.nan], [40, 60, 42, 62]])


def test_bodyparts_take_the_projects_order(project):
    """A table with fewer bodyparts, in another order, fills the project's columns."""
    write_labels(project, LabelTable("m1", ("tail",), NUMBERS, XY[:, :1]))
    labels = read_labels(project, "m1")
    assert labels.bodyparts == ("nose", "tail")
    np.testing.assert_array_equal(labels.xy[:, 1], XY[:, 0])
    assert np.isnan(labels.xy[:, 0]).all()


def test_a_video_without_labels_has_an_empty_table(project):
    """Unlabelled videos are no error."""
    assert read_labels(project, "m1").xy.shape == (0, 2, 2)
    assert read_labels(project, "never added").numbers.size == 0


def test_an_unknown_bodypart_is_refused(project):
    """Labels of a bodypart that the project lacks are not written, and the message names it."""
    with pytest.raises(LabelError, match="'ear', expected only bodyparts of the project"):
        write_labels(project, LabelTable("m1", ("nose", "ear"), NUMBERS, XY))
    assert not project.collected_data("m1").exists()


def test_a_label_without_its_frame_is_refused(project):
    """A labelled frame that was never extracted is named, in writing and in reading."""
    table = LabelTable("m1", ("nose", "tail"), np.array([3, 21]), XY)
    with pytest.raises(LabelError, match="Frame 21 of m1 is labelled but was never extracted"):
        write_labels(project, table)
    write_labels(project, LabelTable("m1", ("nose", "tail"), NUMBERS, XY))
    FrameStore.open(project.frame_store("m1")).remove([20])
    with pytest.raises(LabelError, match="Frame 20 of m1"):
        read_labels(project, "m1")
