"""Dock 2 in a real window."""

import pytest
from qtpy.QtCore import Qt

from napari_posecut.labeling.extracted_frames import listed_videos
from napari_posecut.widgets.docks.frames import FramesDock
from posecut_core.project.config import read_config
from posecut_core.types import FrameRef
from tests.plugin.hand import seen
from tests.plugin.immediate_jobs import work_at_once


@pytest.fixture
def dock(viewer, qtbot):
    """The dock, with nothing open."""
    dock = FramesDock(viewer)
    qtbot.addWidget(dock)
    return dock


@pytest.fixture
def opened(dock, sample):
    """The dock with a project of two videos of twelve frames, three of each extracted and labeled."""
    dock.session.open(sample)
    dock.confirm = lambda question: True
    return dock


def counts(dock):
    """Extracted frames of each video, as the dock lists them."""
    return [int(dock.videos.topLevelItem(row).text(1)) for row in range(dock.videos.topLevelItemCount())]


def test_nothing_open_says_what_to_do(dock):
    """Without a project nothing can be extracted, and the dock says what is missing."""
    assert "1 Project" in dock.heading.text()
    assert not dock.extract_button.isEnabled()


def test_it_fits_beside_the_picture(viewer, qtbot, sample):
    """On a small screen there are 300 pixels for the docks of the right side, in napari's style."""
    dock = FramesDock(viewer)
    dock.session.open(sample)
    viewer.window.add_dock_widget(dock, area="right")
    qtbot.wait(1)
    assert dock.minimumSizeHint().width() <= 300


def test_frames_are_extracted_of_ticked_videos(opened, monkeypatch):
    """The form asks for what it says, and the frames are there to label when the work is done."""
    asked = work_at_once(opened.session, monkeypatch)
    assert counts(opened) == [3, 3]
    opened.videos.topLevelItem(1).setCheckState(0, Qt.CheckState.Unchecked)
    opened.algorithm.setCurrentIndex(1)
    opened.count.setValue(8)
    opened.stop.setValue(90)
    opened.others.setChecked(True)
    opened.extract_button.click()
    assert asked[0].verb == "extract_frames"
    assert asked[0].arguments["algo"] == "uniform"
    assert counts(opened)[0] > 3
    assert counts(opened)[1] == 3
    assert len(opened.session.labeling.index.frames) == sum(counts(opened))
    assert read_config(opened.session.project.config_path).stop == 0.9
    assert opened.videos.topLevelItem(1).checkState(0) == Qt.CheckState.Unchecked


def test_nothing_ticked_is_told(opened, monkeypatch):
    """Without a ticked video no work begins."""
    asked = work_at_once(opened.session, monkeypatch)
    for row in range(2):
        opened.videos.topLevelItem(row).setCheckState(0, Qt.CheckState.Unchecked)
    opened.extract_button.click()
    assert asked == []


def test_frame_is_taken_from_a_video(opened):
    """A frame that is taken by hand is counted at once, and labeled when the person is back."""
    viewer, picker = opened.session.viewer, opened.picker
    before = opened.session.labeling.index.frames
    known = {key.number for key in before if key.video == opened.videos.topLevelItem(0).text(0)}
    number = next(number for number in range(12) if number not in known)
    picker.look_button.click()
    viewer.dims.set_current_step(0, number)
    assert f"frame {number} of 12" in picker.hint.text()
    picker.take_button.click()
    picker.take_button.click()
    assert "was extracted before" in picker.hint.text()
    assert counts(opened) == [4, 3]
    picker.back_button.click()
    assert set(opened.session.labeling.index.frames) - set(before) == {FrameRef(picker_video(opened), number)}
    assert seen(viewer) == ["frame", "skeleton", "labels"]
    opened.session.show_frame(picker_video(opened), number)
    opened.delete_button.click()
    assert counts(opened) == [3, 3]
    assert opened.session.labeling.index.frames == before


def test_replaced_video_gives_no_frames(opened):
    """A file that has taken the place of a project's video is not looked through, and the person is told why."""
    notified = []
    opened.session.notified.connect(notified.append)
    first, second = listed_videos(opened.session.project).values()
    first.unlink()
    first.write_bytes(second.read_bytes())
    opened.picker.look_button.click()
    assert opened.picker.view.layer is None
    assert "is not the file that was added" in notified[0]


def test_the_part_of_the_videos_is_kept(opened):
    """What a person chose for this project is not forgotten when frames were extracted."""
    opened.start.setValue(20)
    opened.stop.setValue(60)
    opened.count.setValue(7)
    opened.session.refresh()
    assert (opened.start.value(), opened.stop.value(), opened.count.value()) == (20, 60, 7)


def test_labeled_frame_is_dropped_instead_of_deleted(opened):
    """Deleting a frame with labels keeps both, and takes it out of training."""
    labeling = opened.session.labeling
    frame = labeling.frame
    asked = []
    opened.confirm = asked.append
    assert opened.delete_button.text() == "Drop the current frame from training"
    opened.delete_button.click()
    assert labeling.status(frame) == "done"
    assert "Drop" in asked[0]
    assert "Delete" not in asked[0]
    opened.confirm = lambda question: True
    opened.delete_button.click()
    assert counts(opened) == [3, 3]
    assert labeling.status(frame) == "dropped"


def test_dock_is_narrow(opened):
    """Beside an image on a small screen the dock needs at most 300 pixels."""
    opened.picker.look_button.click()
    assert opened.minimumSizeHint().width() <= 300
    assert opened.minimumSizeHint().height() <= 670
    opened.picker.back_button.click()  # or the video would outlive the dock


def picker_video(dock):
    """Name of the video that was looked through: the first."""
    return dock.videos.topLevelItem(0).text(0)
