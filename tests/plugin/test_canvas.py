"""What the mouse and the keys do in a real window."""

import numpy as np
import pytest
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QFocusEvent
from qtpy.QtWidgets import QApplication

from napari_posecut.labelling.keypoints import Proposal
from napari_posecut.session import desk_of
from napari_posecut.widgets.docks.label import LabelDock
from posecut_core.project.config import edit_config
from posecut_core.project.opening import open_project
from tests.plugin.conftest import FRAMES
from tests.plugin.hand import CONTROL, RIGHT, SHIFT, Hand

PLACES = [(40.0 + 25 * part, 60.0 + 20 * (part % 4)) for part in range(7)]  # far enough from each other


@pytest.fixture
def desk(viewer, unlabelled):
    """The desk of a window in which an unlabelled project is open."""
    desk = desk_of(viewer)
    desk.open(unlabelled)
    QApplication.processEvents()
    return desk


@pytest.fixture
def told(viewer):
    """What the person was told so far."""
    sentences = []
    desk_of(viewer).told.connect(sentences.append)
    return sentences


@pytest.fixture
def hand(viewer, desk):
    """A person's hand at that window."""
    return Hand(viewer)


def _states(labelling):
    return [mark.state for mark in labelling.marks]


def _close_to(desk, xy):
    return pytest.approx(xy, abs=1.0 / desk.viewer.scene.camera.zoom)


def test_clicks_place_the_bodyparts_in_their_order(desk, hand):
    """A click places the current bodypart where the mouse is, and the next one becomes the current one."""
    hand.click(PLACES[0])
    assert desk.labelling.marks[0].xy == _close_to(desk, PLACES[0])
    assert _states(desk.labelling) == ["placed"] + ["unset"] * 6
    assert desk.labelling.current == desk.labelling.marks[1]
    assert desk.canvas.points.shown.tolist() == [True] + [False] * 6
    assert tuple(desk.canvas.points.data[0][::-1]) == desk.labelling.marks[0].xy


def test_a_marker_is_dragged(desk, hand):
    """Pressing on a marker and moving the mouse moves it, without moving the view; the click is one edit."""
    hand.click(PLACES[0])
    centre, revision = desk.viewer.scene.camera.center, desk.labelling.browser.session.revision
    hand.drag(PLACES[0], PLACES[5])
    assert desk.labelling.marks[0].xy == _close_to(desk, PLACES[5])
    assert _states(desk.labelling) == ["placed"] + ["unset"] * 6
    assert desk.viewer.scene.camera.center == centre
    assert desk.labelling.browser.session.revision == revision + 1


def test_dragging_the_image_moves_the_view(desk, hand):
    """A drag that begins on no marker moves the view, and places nothing."""
    hand.click(PLACES[0])
    centre = desk.viewer.scene.camera.center
    hand.drag(PLACES[4], PLACES[2])
    assert desk.viewer.scene.camera.center != centre
    assert _states(desk.labelling) == ["placed"] + ["unset"] * 6


def test_the_wheel_zooms_and_markers_keep_their_size(desk, hand):
    """Turning the wheel zooms; markers stay as big on the screen."""
    zoom, size = desk.viewer.scene.camera.zoom, desk.canvas.points.size.copy()
    hand.wheel(PLACES[0], 3)
    assert desk.viewer.scene.camera.zoom > zoom
    np.testing.assert_allclose(desk.canvas.points.size * desk.viewer.scene.camera.zoom, size * zoom, rtol=1e-6)
    assert set(_states(desk.labelling)) == {"unset"}


def test_a_right_click_deletes(desk, hand):
    """A right click on a marker deletes its label; beside markers it does nothing."""
    hand.click(PLACES[0])
    hand.click(PLACES[1])
    hand.click(PLACES[5], button=RIGHT)
    assert _states(desk.labelling)[:2] == ["placed", "placed"]
    hand.click(PLACES[0], button=RIGHT)
    assert _states(desk.labelling)[:2] == ["unset", "placed"]
    assert desk.labelling.current == desk.labelling.marks[0]


def test_shift_and_click_hides(desk, hand):
    """Shift + click says that the current bodypart is hidden, there."""
    hand.click(PLACES[0], modifier=SHIFT)
    assert desk.labelling.marks[0].state == "occluded"
    assert desk.labelling.marks[0].xy == _close_to(desk, PLACES[0])


def test_a_click_on_a_proposal_accepts_it(desk, hand):
    """A click on a hollow marker makes a label of it as it is, whatever bodypart is the current one."""
    frame, parts = desk.labelling.frame, list(desk.labelling.browser.columns)
    desk.labelling.proposals.take({frame: {parts[3]: Proposal(PLACES[3], 0.7, "net", 10)}})
    desk.labelling.marks_changed.emit()
    hand.click((PLACES[3][0] + 1, PLACES[3][1]))
    assert desk.labelling.marks[3].state == "placed"
    assert desk.labelling.marks[3].xy == PLACES[3]
    assert _states(desk.labelling).count("unset") == 6


def test_a_click_outside_is_refused_with_a_reason(desk, hand, caplog):
    """A place far outside the picture is refused, the window goes on."""
    desk.viewer.scene.camera.zoom /= 4
    hand.click((-300.0, 60.0))
    assert set(_states(desk.labelling)) == {"unset"}
    hand.click(PLACES[0])
    assert desk.labelling.marks[0].state == "placed"


@pytest.mark.parametrize(
    ("key", "modifier", "states"),
    [
        (Qt.Key.Key_E, None, ["placed", "absent", "unset"]),
        (Qt.Key.Key_O, None, ["placed", "occluded", "unset"]),
        (Qt.Key.Key_Z, CONTROL, ["unset", "unset", "unset"]),
        (Qt.Key.Key_W, None, ["placed", "unset", "unset"]),
    ],
)
def test_keys_change_labels(desk, hand, key, modifier, states):
    """A key does what the table says, right after a click on the image."""
    hand.click(PLACES[0])
    hand.key(key, *([modifier] if modifier else []))
    assert _states(desk.labelling)[:3] == states


def test_keys_go_about(desk, hand):
    """D and A, or the arrows, go to the next and the previous frame; S and W choose a bodypart; X deletes."""
    first, second = desk.labelling.browser.frames[:2]
    for forth, back in ((Qt.Key.Key_D, Qt.Key.Key_A), (Qt.Key.Key_Right, Qt.Key.Key_Left)):
        hand.key(forth)
        assert desk.labelling.frame == second
        hand.key(back)
        assert desk.labelling.frame == first
    hand.key(Qt.Key.Key_S)
    hand.key(Qt.Key.Key_Down)
    assert desk.labelling.current == desk.labelling.marks[2]
    hand.key(Qt.Key.Key_W)
    hand.click(PLACES[1])
    hand.hover(PLACES[1])
    hand.key(Qt.Key.Key_X)
    assert set(_states(desk.labelling)) == {"unset"}
    hand.key(Qt.Key.Key_Z, CONTROL | SHIFT)  # nothing to redo: told, not raised
    hand.key(Qt.Key.Key_Z, CONTROL)
    assert desk.labelling.marks[1].state == "placed"


def test_keys_change_the_view(desk, hand, told):
    """H hides the markers, and clicks then place nothing; Z follows the animal."""
    hand.click(PLACES[0])
    hand.key(Qt.Key.Key_H)
    assert not desk.canvas.points.visible
    hand.click(PLACES[1])
    assert desk.labelling.marks[1].state == "unset"
    assert "press H" in told[-1]
    hand.key(Qt.Key.Key_H)
    hand.click(PLACES[1])
    hand.key(Qt.Key.Key_Z)
    assert desk.viewer.scene.camera.center[-2:] == pytest.approx(
        ((PLACES[0][1] + PLACES[1][1]) / 2, (PLACES[0][0] + PLACES[1][0]) / 2), abs=1
    )


def test_a_deleted_layer_comes_back(desk, hand):
    """Deleting one of our layers deletes no label: the layer is there again with the next frame."""
    hand.click(PLACES[0])
    desk.viewer.layers.remove(desk.canvas.points)
    hand.key(Qt.Key.Key_D)
    hand.key(Qt.Key.Key_A)
    assert list(desk.viewer.layers) == list(desk.canvas.layers)
    assert desk.canvas.points.shown.tolist() == [True] + [False] * 6


def _take_away(desk, frame):
    """Take the last picture of a video away, and return what brings it back."""
    chunk = desk.project.frame_store(frame.video) / "frames" / "c" / str(FRAMES - 1) / "0" / "0" / "0"
    elsewhere = chunk.rename(chunk.with_name("away"))
    return lambda: elsewhere.rename(chunk)


def test_a_picture_that_cannot_be_read_is_not_another_one(desk, hand, viewer, told):
    """A grey picture stands for it, the title says so, and neither the mouse nor a key labels in it."""
    frame = desk.labelling.browser.frames[-1]  # not read ahead
    _take_away(desk, frame)
    desk.show_frame(frame.video, frame.number)
    assert len(np.unique(desk.canvas.image.data)) == 1
    assert viewer.title == f"PoseCut: {frame.video}, frame {frame.number} (its picture cannot be read)"
    for edit in (lambda: hand.click(PLACES[0]), lambda: hand.key(Qt.Key.Key_E)):
        told.clear()
        edit()
        assert "damaged" in told[-1]
        assert set(_states(desk.labelling)) == {"unset"}


def test_a_picture_that_can_be_read_again_is_seen_before_it_is_labelled(desk, hand, viewer, told):
    """The click that finds it shows it, and says that it has labelled nothing; the next one labels."""
    frame = desk.labelling.browser.frames[-1]
    bring_back = _take_away(desk, frame)
    desk.show_frame(frame.video, frame.number)
    bring_back()
    hand.click(PLACES[0])
    np.testing.assert_array_equal(desk.canvas.image.data, desk.labelling.browser.image(frame))
    assert "could be read at last" in told[-1]
    assert "cannot" not in viewer.title
    assert set(_states(desk.labelling)) == {"unset"}
    hand.click(PLACES[0])
    assert desk.labelling.marks[0].state == "placed"


def test_a_frame_number_is_typed(desk, hand, viewer):
    """G lets a person type a frame's number; afterwards the keys belong to the image again."""
    viewer.window.add_dock_widget(LabelDock(viewer), area="right")
    QApplication.processEvents()
    last = desk.labelling.browser.frames[2]
    hand.key(Qt.Key.Key_G)
    for digit in str(last.number):
        hand.key(getattr(Qt.Key, f"Key_{digit}"))
    hand.key(Qt.Key.Key_Return)
    assert desk.labelling.frame == last
    hand.key(Qt.Key.Key_A)
    assert desk.labelling.frame == desk.labelling.browser.frames[1]


def test_escape_gives_up_the_typing(desk, hand, viewer):
    """After Escape the frame is the same, and the keys belong to the image again."""
    viewer.window.add_dock_widget(LabelDock(viewer), area="right")
    QApplication.processEvents()
    hand.key(Qt.Key.Key_G)
    hand.key(Qt.Key.Key_7)
    hand.key(Qt.Key.Key_Escape)
    assert desk.labelling.frame == desk.labelling.browser.frames[0]
    hand.key(Qt.Key.Key_D)
    assert desk.labelling.frame == desk.labelling.browser.frames[1]


def test_all_keys_are_readable(desk, hand, viewer):
    """F1 shows the table of keys without cutting a line off, in a dock of 300 pixels; F1 hides it again."""
    dock = LabelDock(viewer)
    viewer.window.add_dock_widget(dock, area="right").setFixedWidth(300)
    QApplication.processEvents()
    hand.key(Qt.Key.Key_F1)
    assert "place the current bodypart" in dock.help.toPlainText()
    assert dock.help.horizontalScrollBar().maximum() == 0
    assert dock.bodyparts.horizontalScrollBar().maximum() == 0
    hand.key(Qt.Key.Key_F1)
    assert not dock.help.isVisible()
    assert dock.buttons.isVisible()


def test_another_window_does_not_end_the_typing(desk, hand, viewer):
    """A window that comes to the front for a moment leaves the keys with the number."""
    dock = LabelDock(viewer)
    viewer.window.add_dock_widget(dock, area="right")
    QApplication.processEvents()
    last = desk.labelling.browser.frames[2]
    hand.key(Qt.Key.Key_G)
    QApplication.sendEvent(dock.number, QFocusEvent(QEvent.Type.FocusOut, Qt.FocusReason.ActiveWindowFocusReason))
    for digit in str(last.number):
        hand.key(getattr(Qt.Key, f"Key_{digit}"))
    hand.key(Qt.Key.Key_Return)
    assert desk.labelling.frame == last


def test_closing_gives_everything_back(viewer, unlabelled):
    """After closing the project there is no layer, key or mouse callback of ours left."""
    callbacks, keys = list(viewer.mouse_drag_callbacks), dict(viewer.keymap)
    desk_of(viewer).open(unlabelled)
    desk_of(viewer).close()
    assert list(viewer.layers) == []
    assert list(viewer.mouse_drag_callbacks) == callbacks
    assert dict(viewer.keymap) == keys


def test_enter_in_the_number_accepts_nothing(desk, hand, viewer):
    """Enter ends the typing of a frame's number; what is proposed in the frame stays a proposal."""
    viewer.window.add_dock_widget(LabelDock(viewer), area="right")
    QApplication.processEvents()
    frame, part = desk.labelling.frame, next(iter(desk.labelling.browser.columns))
    desk.labelling.proposals.take({frame: {part: Proposal(PLACES[0], 0.7, "net", 10)}})
    hand.key(Qt.Key.Key_G)
    hand.key(Qt.Key.Key_Return)
    assert desk.labelling.marks[0].state == "proposed"


def test_an_unlabelled_frame_has_no_markers_to_be_seen(desk):
    """What has no position leaves no trace in the picture."""
    drawn = desk.viewer.screenshot(flash=False)
    desk.canvas.points.visible = False
    np.testing.assert_array_equal(desk.viewer.screenshot(flash=False), drawn)


def test_a_hollow_proposal_has_the_colour_of_its_bodypart(desk):
    """Its border tells which bodypart is proposed."""
    part = next(iter(desk.labelling.browser.columns))
    desk.labelling.proposals.take({desk.labelling.frame: {part: Proposal(PLACES[0], 0.5, "net", 1)}})
    desk.labelling.marks_changed.emit()
    points = desk.canvas.points
    np.testing.assert_allclose(points.border_color[0, :3], points.face_color[0, :3])
    assert points.border_color[:, 3].tolist() == [1.0] + [0.0] * 6


def test_without_frames_nothing_is_shown(viewer, config):
    """A project without extracted frames leaves the picture empty, until there are some, which are shown whole."""
    project = open_project(config)
    store = project.frame_store("walk")
    elsewhere = store.rename(store.with_name("away"))
    desk = desk_of(viewer)
    desk.open(config)
    assert len(viewer.layers) == 0
    elsewhere.rename(store)
    desk.refresh()
    assert len(viewer.layers) == 3
    assert viewer.scene.camera.center[-2:] == pytest.approx((23.5, 31.5))


def test_bones_have_the_project_s_colour(viewer, config):
    """As in pictures and videos, skeleton_color says it."""
    edit_config(config, {"skeleton_color": "white"})
    desk = desk_of(viewer)
    desk.open(config)
    np.testing.assert_array_equal(desk.canvas.skeleton.face_color[:, :3], 1.0)


def test_three_dimensions_are_drawn_without_a_skeleton(viewer, config, told):
    """Napari's third dimension draws a project without bones, and a click there says why it labels nothing."""
    desk = desk_of(viewer)
    desk.open(config)
    QApplication.processEvents()
    viewer.dims.ndisplay = 3
    viewer.screenshot(flash=False)
    Hand(viewer).click((30.0, 20.0))
    assert set(_states(desk.labelling)) == {"unset"}
    assert "three dimensions" in told[-1]
    viewer.dims.ndisplay = 2


def test_where_there_is_nothing_to_go_to_it_is_told(viewer, sample, told):
    """A project that is all labelled has no further frame that needs a person, and no doubtful proposal."""
    desk = desk_of(viewer)
    desk.open(sample)
    QApplication.processEvents()
    Hand(viewer).key(Qt.Key.Key_D, SHIFT)
    Hand(viewer).key(Qt.Key.Key_Q)
    assert told == ["All other frames are labelled.", "No proposal has a likelihood below the pcutoff, 0.6."]
