"""What the window must never do: label by accident, lose a label, or say done of what was not done."""

import dataclasses

import numpy as np
import pytest
from napari.layers import Shapes
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QCheckBox, QComboBox, QSlider, QWidget

from napari_posecut.labeling.keypoints import Proposal
from napari_posecut.session import session_of
from napari_posecut.window import add_flow_bar, open_here
from posecut_core.dataset.settings import TrainingSettings, write_settings
from posecut_core.dataset.split import Split, write_split
from posecut_core.model.log import Metrics, append_log, start_log
from posecut_core.progress import Notice, Progress
from posecut_core.project.opening import project_videos
from posecut_core.video.frame_store import FrameStore
from tests.plugin.hand import LEFT, NONE, Hand, press
from tests.plugin.widgets.fake_jobs import FakeJobs

PLACE, NEAR = (60.0, 60.0), 8  # x, y in a frame; screen pixels, within reach of a marker and not on it


@pytest.fixture
def opened(viewer, unlabeled, qtbot):
    """The row of buttons of a window in which an unlabeled project is open, with 3 Label in front."""
    session_of(viewer).jobs = FakeJobs()
    open_here(viewer, unlabeled)
    qtbot.wait(1)
    return add_flow_bar(viewer)


def labels(bar):
    """Return the names of the bodyparts that are labeled in the shown frame."""
    return [one.name for one in session_of(bar._viewer).labeling.keypoints if one.state == "placed"]


def message(bar):
    """Return what the message line says."""
    return bar.message.sentence.text()


def test_a_click_labels_only_while_a_dock_of_labels_is_in_front(opened):
    """Beside 2 Frames a click on the image says why it places nothing; a button leads to where it does."""
    opened.open("2 Frames")
    Hand(opened._viewer).click(PLACE)
    assert labels(opened) == []
    assert "3 Label" in message(opened)
    press(opened.message.remedies.buttons[0])
    Hand(opened._viewer).click(PLACE)
    assert labels(opened) == ["snout"]


def test_a_click_with_another_layer_selected_is_no_label(opened):
    """Who draws a polygon does not label with its corners."""
    viewer = opened._viewer
    viewer.add_layer(Shapes(name="arena", ndim=2))
    Hand(viewer).click(PLACE)
    assert labels(opened) == []
    assert "arena" in message(opened)


def test_a_click_outside_the_image_is_no_label(opened):
    """The black border is no place for a bodypart."""
    Hand(opened._viewer).click((-6.0, 60.0))
    assert labels(opened) == []
    assert "outside the image" in message(opened)


def test_near_a_proposal_of_another_bodypart_a_click_places_the_current_one(opened):
    """Only on its marker a proposal is meant."""
    session, viewer = session_of(opened._viewer), opened._viewer
    part = list(session.labeling.index.columns)[3]
    session.labeling.proposals.set_network({session.labeling.frame: {part: Proposal(PLACE, 0.7, "net", 10)}})
    session.labeling.keypoints_changed.emit()
    Hand(viewer).click((PLACE[0] + NEAR / viewer.scene.camera.zoom, PLACE[1]))
    assert labels(opened) == ["snout"]


def test_undo_takes_a_copied_pose_back_and_no_label(opened):
    """C and Ctrl + Z leave everything as it was."""
    viewer, labeling = opened._viewer, session_of(opened._viewer).labeling
    hand = Hand(viewer)
    hand.click(PLACE)
    labeling.step(1)
    second, before = labeling.frame, labeling.index.label_session.revision
    hand.key(Qt.Key.Key_C)
    assert [one.name for one in labeling.keypoints if one.state == "proposed"] == ["snout"]
    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert {one.state for one in labeling.keypoints} == {"unset"}
    assert (labeling.frame, labeling.index.label_session.revision) == (second, before)
    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert labeling.index.label_session.revision == before + 1


def controls_of(opened, kind):
    """Return napari's controls of the layer of markers that are of one kind."""
    opened._viewer.layers.selection.active = opened._viewer.layers["labels"]
    QApplication.processEvents()
    return [one for one in opened.window().findChildren(kind) if one.isVisible()]


def test_napari_controls_of_the_markers_work(opened):
    """The slider of sizes changes the markers, for the next time too; symbol and color say why they stay."""
    viewer, session = opened._viewer, session_of(opened._viewer)
    Hand(viewer).click(PLACE)
    before, styles = session.canvas.points.size.copy(), session.canvas.points.symbol.tolist()
    (sizes,) = [one for one in controls_of(opened, QWidget) if one.toolTip().startswith("Change the size")]
    slider = sizes.findChild(QSlider)
    for _ in range(10):
        QTest.keyClick(slider, Qt.Key.Key_Right)
    np.testing.assert_allclose(session.canvas.points.size, 2 * before)
    (symbols,) = [one for one in controls_of(opened, QComboBox) if one.toolTip().startswith("Change the symbol")]
    QTest.keyClick(symbols, Qt.Key.Key_Down)
    assert "so they stay" in message(opened)
    assert session.canvas.points.symbol.tolist() == styles
    session.hide_labels()
    session.show_labels()
    np.testing.assert_allclose(session.canvas.points.size, 2 * before)


def test_names_of_bodyparts_are_shown_at_their_markers(opened):
    """napari's "display text" does so, for those that have a marker."""
    points = session_of(opened._viewer).canvas.points
    Hand(opened._viewer).click(PLACE)
    assert not points.text.visible
    (box,) = [one for one in controls_of(opened, QCheckBox) if "text" in one.toolTip().lower()]
    QTest.mouseClick(box, LEFT, NONE, QPoint(8, box.height() // 2))
    assert [str(name).strip() for name in points.text.values] == ["snout", *[""] * (len(points.data) - 1)]
    Hand(opened._viewer).click((80.0, 70.0))
    assert str(points.text.values[1]) != ""


def test_the_status_does_not_wait_for_frames_that_are_there(opened):
    """While the network is compiled, 3 Label says that it prepares to learn."""
    session, dock = session_of(opened._viewer), opened.open("3 Label")
    session.assistant.set_enabled(True)
    session.jobs.end("failed")  # there is no trained network: one learns
    session.jobs.report(Progress("waiting for labeled frames", 4, 5))
    assert dock.network.sentence.text() == "Waiting for labeled frames: 4 of 5."
    session.jobs.report(Progress("preparing to learn from 5 labeled frames", 0))
    assert dock.network.sentence.text() == "Preparing to learn from 5 labeled frames."


def test_a_short_training_leaves_the_network_that_learns(opened):
    """Where its proposals are the better ones it proposes, and goes on learning, and 3 Label says why."""
    session, dock = session_of(opened._viewer), opened.open("3 Label")
    session.assistant.set_enabled(True)
    session.jobs.end("failed")
    session.jobs.start("create_dataset_and_train", {})
    session.jobs.end("done")
    assert session.jobs.job.request.verb == "propose"
    session.jobs.report(Notice("The network that learns from your labels goes on proposing: it is 3 px from them"))
    assert "goes on proposing" in dock.network.sentence.text()
    session.jobs.end("done", result={"learns": True})
    assert session.jobs.job.request.verb == "assist"


def test_a_double_click_does_not_zoom(opened):
    """Two quick clicks leave the view as it is, and napari has its own gesture back when a video is shown."""
    viewer = opened._viewer
    hand, zoom = Hand(viewer), viewer.scene.camera.zoom
    hand.click(PLACE)
    QTest.mouseDClick(hand.canvas, LEFT, NONE, hand.place(PLACE))
    assert viewer.scene.camera.zoom == zoom
    session_of(viewer).hide_labels()
    assert len(viewer.mouse_double_click_callbacks) == 1


def test_3_label_brings_the_labels_back(opened):
    """What is shown is what is edited: after a video, the dock's button shows its frame again."""
    session, frames = session_of(opened._viewer), opened.open("2 Frames")
    press(frames.picker.look_button)
    assert session.canvas is None
    press(opened.buttons["3 Label"])
    assert session.canvas is not None
    assert [layer.name for layer in opened._viewer.layers] == ["frame", "skeleton", "labels"]


def test_help_opens_only_when_it_is_asked_for(opened):
    """Showing a video and going back leaves the buttons of 3 Label where they were."""
    session, dock = session_of(opened._viewer), opened.open("3 Label")
    for _ in range(2):
        session.hide_labels()
        session.show_labels()
    assert dock.help.isHidden()


def test_without_frames_2_frames_comes_to_the_front(viewer, unlabeled):
    """A project with nothing to label yet opens where frames are chosen."""
    from posecut_core.project.opening import open_project

    project = open_project(unlabeled)
    for video in project_videos(project):
        store = FrameStore.open(project.frame_store(video))
        store.remove(store.numbers.tolist())
    open_here(viewer, unlabeled)
    assert not viewer.window.dock_widgets["2 Frames"].visibleRegion().isEmpty()
    assert "3 Label" not in viewer.window.dock_widgets


@pytest.fixture
def trained(viewer, sample):
    """4 Train of a project whose shuffle 1 is trained to its end, with the frames that it was made of."""
    session = session_of(viewer)
    session.jobs = FakeJobs()
    session.open(sample)
    frames, training = session.labeling.index.frames, session.project.training(1)
    training.folder.mkdir(parents=True)
    training.split.parent.mkdir(parents=True, exist_ok=True)
    write_split(training.split, Split(frames[:3], frames[3:5], 0.6, 0, "labels"))
    write_settings(training.settings, TrainingSettings(net_type="resnet_18", maxiters=60, init_weights="random"))
    start_log(training.log, step=0)
    append_log(training.log, Metrics(60, 0.5, 1e-3, 2.0))
    return add_flow_bar(viewer).open("4 Train")


def test_train_never_says_done_without_the_new_labels(trained):
    """A labeled frame that the finished training lacks is named, and the button trains the next shuffle."""
    assert "1 labeled frame is not in it" in trained.heading.text()
    assert trained.start_button.text() == "Train with all labels"
    press(trained.start_button)
    arguments = trained.session.jobs.job.request.arguments
    assert arguments["shuffle"] == 2
    assert arguments["settings"] == {"net_type": "resnet_18", "maxiters": 60, "init_weights": "random"}


def test_train_starts_nothing_that_is_done_already(trained):
    """With all labels and all steps there is nothing to train, and the window says so; more steps are."""
    project = trained.session.project
    frames = trained.session.labeling.index.frames
    write_split(project.training(1).split, Split(frames[:3], frames[3:], 0.6, 0, "labels"))
    trained._show_shuffle()
    notified = []
    trained.session.notified.connect(notified.append)
    press(trained.start_button)
    assert trained.session.jobs.running == ()
    assert "trained to its end" in notified[0]
    trained.form.fields["maxiters"].value = 90
    assert trained.start_button.text() == "Resume"
    press(trained.start_button)
    assert trained.session.jobs.job.request.arguments == {"shuffle": 1, "settings": {"maxiters": 90}}


def test_a_new_shuffle_begins_with_the_settings_of_the_one_before(trained):
    """Its form shows them, and the training gets them."""
    trained.shuffle.setValue(2)
    assert trained.form.fields["net_type"].value == "resnet_18"
    trained.form.fields["maxiters"].value = 80
    press(trained.start_button)
    wanted = {"net_type": "resnet_18", "maxiters": 80, "init_weights": "random"}
    assert trained.session.jobs.job.request.arguments == {"shuffle": 2, "settings": wanted}


def test_notes_of_an_earlier_iteration_go(trained):
    """Done is not said of a training that has not begun."""
    session = trained.session
    session.jobs.start("create_dataset_and_train", {"shuffle": 1})
    session.jobs.end("done", result={})
    assert trained.notes.text().startswith("Done")
    config = dataclasses.replace(session.project.config, iteration=1)
    session.project = dataclasses.replace(session.project, config=config)
    session.project_changed.emit()
    assert trained.notes.text() == ""
