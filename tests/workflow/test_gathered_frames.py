"""The labeled frames that a network is measured on."""

import numpy as np
import pytest

from posecut_core.errors import DatasetError
from posecut_core.evaluation.measurement import frame_names, gather_frames
from posecut_core.labels.store import read_labels
from posecut_core.labels.table import LabelTable
from posecut_core.project.opening import open_project
from posecut_core.types import FrameRef
from posecut_core.video.frame_store import FrameStore

TRAIN, TEST = (FrameRef("spot", 9),), (FrameRef("spot", 5),)


def test_frames_of_the_split_are_gathered_with_labels_and_origins(spot_project):
    """Each frame has its place in train or test, its label in the full frame, and where its stored image lies."""
    project = open_project(spot_project)
    (frames,) = gather_frames(project, {"spot": read_labels(project, "spot")}, train=TRAIN, test=TEST)
    assert frames.numbers.tolist() == [5, 9]
    assert frames.is_train.tolist() == [False, True]
    assert frames.origins.tolist() == [[6, 4], [0, 0]]
    assert frames.sizes.tolist() == [[44, 58], [48, 64]]
    np.testing.assert_allclose(frames.xy[:, 0], [[20.5, 15.5], [34.5, 29.5]])
    assert [int(name[3:-4]) for name in frame_names(project, frames)] == [5, 9]


def test_absence_needs_a_label_elsewhere(spot_project):
    """A bodypart is looked for where any frame of the video has it, and the frame has any label at all."""
    project = open_project(spot_project)
    table = read_labels(project, "spot")
    (frames,) = gather_frames(project, {"spot": table}, train=TRAIN, test=TEST)
    assert frames.annotated.tolist() == [[True, True], [True, True]]
    xy = table.xy.copy()
    xy[:, 1] = np.nan
    xy[table.numbers == 5] = np.nan
    table = LabelTable("spot", table.bodyparts, table.numbers, xy)
    (frames,) = gather_frames(project, {"spot": table}, train=TRAIN, test=TEST)
    assert frames.annotated.tolist() == [[False, False], [True, False]]


def test_without_any_label_there_is_nothing_to_measure(spot_project):
    """Frames whose rows are gone are counted in the message."""
    project = open_project(spot_project)
    table = read_labels(project, "spot")
    nothing = {"spot": LabelTable("spot", table.bodyparts, table.numbers[:0], table.xy[:0])}
    with pytest.raises(DatasetError, match="None of the 2 frames"):
        gather_frames(project, nothing, train=TRAIN, test=TEST)


def test_frames_whose_labels_are_gone_are_left_out_and_named(spot_project):
    """Kind: rows that a table lost. The error of the frames that were left was told as if it were that of all."""
    project, told = open_project(spot_project), []
    table = read_labels(project, "spot")
    rest = {"spot": table.rows(table.numbers != 9)}
    (frames,) = gather_frames(project, rest, train=TRAIN, test=TEST, report=told.append)
    assert frames.numbers.tolist() == [5]
    (note,) = told
    assert "spot: left out because they are no longer labeled: img09.png" in note.text


def test_frames_whose_pictures_are_gone_are_left_out_and_named(spot_project):
    """Kind: a frame without its picture was a traceback while a network was validated, or had another frame's place."""
    project, told = open_project(spot_project), []
    table = read_labels(project, "spot")
    FrameStore.open(project.frame_store("spot")).remove([9])
    (frames,) = gather_frames(project, {"spot": table}, train=TRAIN, test=TEST, report=told.append)
    assert frames.numbers.tolist() == [5]
    assert "Frame 9 of spot is labeled but was never extracted, or its image is lost" in told[0].text
    with pytest.raises(DatasetError, match=r"Frame 9 of spot is labeled but was never extracted") as raised:
        gather_frames(project, {"spot": table}, train=TRAIN, test=())
    assert [(remedy.step, remedy.arguments["frames"]) for remedy in raised.value.remedies] == [("extract_frames", [9])]


def test_labels_outside_their_picture_are_not_measured(spot_project):
    """As they are not trained on."""
    project = open_project(spot_project)
    table = read_labels(project, "spot")
    xy = table.xy.copy()
    xy[table.numbers == 5, 0] = (0, 0)
    table = LabelTable("spot", table.bodyparts, table.numbers, xy)
    (frames,) = gather_frames(project, {"spot": table}, train=TRAIN, test=TEST)
    assert np.isnan(frames.xy[0, 0]).all()
    assert frames.annotated[:, 0].tolist() == [False, True]
