"""A project's labels are in pixels of the full frame, whatever crop the images have."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from posecut_core.errors import BusyError, LabelError
from posecut_core.labels.edits import DropFrame, Undo
from posecut_core.labels.session import LabelSession
from posecut_core.labels.state import LabelOrigin, Point
from posecut_core.labels.store import (
    known_frames,
    lost_pictures,
    read_labels,
    read_state,
    removed_bodyparts,
    write_drafts,
    write_labels,
)
from posecut_core.labels.table import LabelTable
from posecut_core.video.frame_store import FrameStore
from tests.core.labels.conftest import IMAGE

NUMBERS = np.array([3, 20], dtype=np.int64)
XY = np.array([[[41.25, 62.5], [np.nan, np.nan]], [[8.0, 9.0], [10.0, 11.0]]])


def test_labels_round_trip_in_the_full_frame(project):
    """What is written is read back; the file holds positions inside each stored image."""
    write_labels(project, LabelTable("m1", ("nose", "tail"), NUMBERS, XY))
    labels = read_labels(project, "m1")
    np.testing.assert_array_equal(labels.numbers, NUMBERS)
    np.testing.assert_array_equal(labels.xy, XY)
    frame = pd.read_hdf(project.collected_data("m1"))
    np.testing.assert_array_equal(frame.to_numpy(), [[1.25, 2.5, np.nan, np.nan], [3, 3, 5, 5]])


def test_bodyparts_take_the_projects_order(project):
    """A table with fewer bodyparts, in another order, fills the project's columns."""
    write_labels(project, LabelTable("m1", ("tail",), NUMBERS, XY[:, :1]))
    labels = read_labels(project, "m1")
    assert labels.bodyparts == ("nose", "tail")
    np.testing.assert_array_equal(labels.xy[:, 1], XY[:, 0])
    assert np.isnan(labels.xy[:, 0]).all()


def test_a_video_without_labels_has_an_empty_table(project):
    """Unlabeled videos are no error."""
    assert read_labels(project, "m1").xy.shape == (0, 2, 2)
    assert read_labels(project, "never added").numbers.size == 0


def test_an_unknown_bodypart_is_refused(project):
    """Labels of a bodypart that the project lacks are not written, and the message names it."""
    with pytest.raises(LabelError, match=r"'ear', expected only bodyparts of config\.yaml"):
        write_labels(project, LabelTable("m1", ("nose", "ear"), NUMBERS, XY))
    assert not project.collected_data("m1").exists()


def test_a_label_without_its_frame_is_left_out(project):
    """Kind: one picture that is gone kept all others from use. It is named, its labels stay, and they are not read."""
    table = LabelTable("m1", ("nose", "tail"), np.array([3, 21]), XY)
    with pytest.raises(LabelError, match="Frame 21 of m1 is labeled but was never extracted"):
        write_labels(project, table)
    write_labels(project, LabelTable("m1", ("nose", "tail"), NUMBERS, XY))
    FrameStore.open(project.frame_store("m1")).remove([20])
    told = []
    assert read_labels(project, "m1", report=told.append).numbers.tolist() == [3]
    assert "Frame 20 of m1 is labeled but was never extracted" in told[0].text
    assert "Frame 20 of m1" in str(lost_pictures(project, ["m1"]))
    write_labels(project, LabelTable("m1", ("nose", "tail"), NUMBERS[:1], XY[:1] + 0.5))
    assert pd.read_hdf(project.collected_data("m1")).index.get_level_values(2).tolist() == [
        "img0003.png",
        "img0020.png",
    ]
    FrameStore.open(project.frame_store("m1")).append([(20, IMAGE + 20, (5, 6))])
    np.testing.assert_array_equal(read_labels(project, "m1").xy, XY + np.array([[[0.5]], [[0]]]))
    assert lost_pictures(project, ["m1"]) is None


def test_other_frames_and_bodyparts_stay(project):
    """Unless it is asked for, a table says nothing about what it does not contain; one step takes it back."""
    write_labels(project, LabelTable("m1", ("nose", "tail"), NUMBERS, XY))
    write_labels(project, LabelTable("m1", ("nose",), NUMBERS[:1], XY[:1, :1] + 1))
    expected = XY.copy()
    expected[0, 0] += 1
    np.testing.assert_array_equal(read_labels(project, "m1").xy, expected)
    with LabelSession.open(project, "m1") as session:
        session.apply(Undo())
    np.testing.assert_array_equal(read_labels(project, "m1").xy, XY)
    write_labels(project, LabelTable("m1", ("nose",), NUMBERS[:1], XY[:1, :1]), remove_others=True)
    assert read_labels(project, "m1").numbers.tolist() == [3]


def test_absent_and_not_looked_for_are_different(project):
    """What a table records about looking comes back."""
    looked = np.array([[True, False], [True, True]])
    write_labels(project, LabelTable("m1", ("nose", "tail"), NUMBERS, XY, looked))
    assert read_labels(project, "m1").annotated.tolist() == looked.tolist()
    assert read_state(project, "m1").point(3, "tail") is None
    write_labels(project, LabelTable("m1", ("nose", "tail"), NUMBERS, XY))
    assert read_state(project, "m1").point(3, "tail") == Point("absent")


def test_drafts_are_no_labels_and_leave_labels_alone(project):
    """They know their network; what a person has said of, and what was dropped, is left out."""
    write_labels(project, LabelTable("m1", ("nose", "tail"), NUMBERS[:1], XY[:1], np.array([[True, False]])))
    with LabelSession.open(project, "m1") as session:
        session.apply(DropFrame(20))
    found = LabelTable("m1", ("tail", "nose"), NUMBERS, np.full((2, 2, 2), 42.0))
    assert write_drafts(project, found, np.full((2, 2), 0.3), model="net", snapshot=720) == 1
    state = read_state(project, "m1")
    assert state.point(3, "tail") == Point("proposed", (42.0, 42.0), LabelOrigin("machine", 0.3, "net", 720))
    assert state.unreviewed == ((3, "tail"),)
    labels = read_labels(project, "m1")
    assert (labels.numbers.tolist(), labels.annotated.tolist()) == ([3], [[True, False]])
    assert known_frames(project, "m1") == {3, 20}


def test_bodyparts_that_were_removed_are_known_by_their_labels(project):
    """One without any is not missed."""
    write_labels(project, LabelTable("m1", ("nose",), NUMBERS, XY[:, :1]))
    for left, gone in ((("nose", "tail"), ()), (("nose",), ()), (("tail",), ("nose",))):
        changed = replace(project, config=replace(project.config, bodyparts=left))
        assert removed_bodyparts(changed, ["m1", "never added"]) == gone


def test_labels_lie_on_the_pictures_that_were_labeled(project):
    """A frame that was extracted again with other pixels is noticed."""
    write_labels(project, LabelTable("m1", ("nose", "tail"), NUMBERS, XY))
    read_labels(project, "m1", pictures=True)
    store = FrameStore.open(project.frame_store("m1"))
    store.remove([20])
    store.append([(20, np.full((8, 10, 3), 99, np.uint8), (5, 6))])
    np.testing.assert_array_equal(read_labels(project, "m1").xy, XY)
    with pytest.raises(LabelError, match="Frame 20 of m1"):
        read_labels(project, "m1", pictures=True)


def test_labels_that_somebody_edits_are_not_written(project):
    """They can be read meanwhile."""
    write_labels(project, LabelTable("m1", ("nose", "tail"), NUMBERS, XY))
    with LabelSession.open(project, "m1"), pytest.raises(BusyError, match="is editing them"):
        write_labels(project, LabelTable("m1", ("nose", "tail"), NUMBERS, XY + 1))
    np.testing.assert_array_equal(read_labels(project, "m1").xy, XY)
