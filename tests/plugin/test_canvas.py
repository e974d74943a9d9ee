"""What the mouse and the keys do in a real window."""

import numpy as np
import pytest
from napari.utils._proxies import PublicOnlyProxy
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QFocusEvent, QOpenGLContext
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_posecut.labeling.keypoints import Proposal
from napari_posecut.session import session_of
from napari_posecut.widgets.docks.label import LabelDock
from posecut_core.project.config import edit_config
from posecut_core.project.opening import open_project
from tests.plugin.conftest import FRAMES
from tests.plugin.hand import CONTROL, LEFT, NONE, RIGHT, SHIFT, Hand, press, seen

PLACES = [(40.0 + 25 * part, 60.0 + 20 * (part % 4)) for part in range(7)]  # far enough from each other


@pytest.fixture
def session(viewer, unlabeled):
    """The session of a window in which an unlabeled project is open."""
    session = session_of(viewer)
    session.open(unlabeled)
    QApplication.processEvents()
    return session


@pytest.fixture
def notified(viewer):
    """What the person was told so far."""
    sentences = []
    session_of(viewer).notified.connect(sentences.append)
    return sentences


@pytest.fixture
def hand(viewer, session):
    """A person's hand at that window."""
    return Hand(viewer)


def _states(labeling):
    return [keypoint.state for keypoint in labeling.keypoints]


def _close_to(session, xy):
    return pytest.approx(xy, abs=1.0 / session.viewer.scene.camera.zoom)


def test_clicks_place_the_bodyparts_in_their_order(session, hand):
    """A click places the current bodypart where the mouse is, and the next one becomes the current one."""
    hand.click(PLACES[0])
    assert session.labeling.keypoints[0].xy == _close_to(session, PLACES[0])
    assert _states(session.labeling) == ["placed"] + ["unset"] * 6
    assert session.labeling.current == session.labeling.keypoints[1]
    assert session.canvas.points.shown.tolist() == [True] + [False] * 6
    assert tuple(session.canvas.points.data[0][::-1]) == session.labeling.keypoints[0].xy


def test_a_marker_is_dragged(session, hand):
    """Pressing on a marker and moving the mouse moves it, without moving the view; the click is one edit."""
    hand.click(PLACES[0])
    center, revision = session.viewer.scene.camera.center, session.labeling.index.label_session.revision
    hand.drag(PLACES[0], PLACES[5])
    assert session.labeling.keypoints[0].xy == _close_to(session, PLACES[5])
    assert _states(session.labeling) == ["placed"] + ["unset"] * 6
    assert session.viewer.scene.camera.center == center
    assert session.labeling.index.label_session.revision == revision + 1


def test_dragging_the_image_moves_the_view(session, hand):
    """A drag that begins on no marker moves the view, and places nothing."""
    hand.click(PLACES[0])
    center = session.viewer.scene.camera.center
    hand.drag(PLACES[4], PLACES[2])
    assert session.viewer.scene.camera.center != center
    assert _states(session.labeling) == ["placed"] + ["unset"] * 6


def test_the_wheel_zooms_and_markers_keep_their_size(session, hand):
    """Turning the wheel zooms; markers stay as big on the screen."""
    zoom, size = session.viewer.scene.camera.zoom, session.canvas.points.size.copy()
    hand.wheel(PLACES[0], 3)
    assert session.viewer.scene.camera.zoom > zoom
    np.testing.assert_allclose(session.canvas.points.size * session.viewer.scene.camera.zoom, size * zoom, rtol=1e-6)
    assert set(_states(session.labeling)) == {"unset"}


def test_a_right_click_deletes(session, hand, notified):
    """A right click on a marker deletes its label; beside markers it does nothing, and says why."""
    hand.click(PLACES[0])
    hand.click(PLACES[1])
    hand.click(PLACES[5], button=RIGHT)
    assert _states(session.labeling)[:2] == ["placed", "placed"]
    assert "no marker is there" in notified[-1]
    hand.click(PLACES[0], button=RIGHT)
    assert _states(session.labeling)[:2] == ["unset", "placed"]
    assert session.labeling.current == session.labeling.keypoints[0]


def test_the_status_bar_says_x_and_y_and_which_bodypart_is_there(session, hand, viewer):
    """In that order, as all of PoseCut does; whichever of its layers is selected, and of suggestions how likely."""
    parts = list(session.labeling.index.columns)
    proposal = Proposal(PLACES[3], 0.7, "net", 10)
    session.labeling.proposals.set_network({session.labeling.frame: {parts[3]: proposal}})
    hand.click(PLACES[0])
    viewer.mouse_over_canvas = True

    def said(xy):
        hand.hover(xy)
        viewer.update_status_from_cursor()
        place, _, known = viewer.status["coordinates"].partition(": ")
        row, column = viewer.cursor.position[-2:]
        assert (column, row) == _close_to(session, xy)
        assert place == f"x {column:.1f}, y {row:.1f}"
        return known

    names = [keypoint.name for keypoint in session.labeling.keypoints]
    assert [said(PLACES[part]) for part in (0, 3, 5)] == [names[0], f"{names[3]}, likelihood 0.70", ""]
    for layer in (session.canvas.image, session.canvas.skeleton):
        viewer.layers.selection.active = layer
        said(PLACES[5])


def test_shift_and_click_hides(session, hand):
    """Shift + click says that the current bodypart is hidden, there."""
    hand.click(PLACES[0], modifier=SHIFT)
    assert session.labeling.keypoints[0].state == "occluded"
    assert session.labeling.keypoints[0].xy == _close_to(session, PLACES[0])


def test_a_click_on_a_proposal_accepts_it(session, hand):
    """A click on a hollow marker makes a label of it as it is, whatever bodypart is the current one."""
    frame, parts = session.labeling.frame, list(session.labeling.index.columns)
    session.labeling.proposals.set_network({frame: {parts[3]: Proposal(PLACES[3], 0.7, "net", 10)}})
    session.labeling.keypoints_changed.emit()
    hand.click((PLACES[3][0] + 1, PLACES[3][1]))
    assert session.labeling.keypoints[3].state == "placed"
    assert session.labeling.keypoints[3].xy == PLACES[3]
    assert _states(session.labeling).count("unset") == 6


def test_a_click_outside_is_refused_with_a_reason(session, hand, caplog):
    """A place far outside the picture is refused, the window goes on."""
    session.viewer.scene.camera.zoom /= 4
    hand.click((-300.0, 60.0))
    assert set(_states(session.labeling)) == {"unset"}
    hand.click(PLACES[0])
    assert session.labeling.keypoints[0].state == "placed"


@pytest.mark.parametrize(
    ("key", "modifier", "states"),
    [
        (Qt.Key.Key_E, None, ["placed", "absent", "unset"]),
        (Qt.Key.Key_O, None, ["placed", "occluded", "unset"]),
        (Qt.Key.Key_Z, CONTROL, ["unset", "unset", "unset"]),
        (Qt.Key.Key_W, None, ["placed", "unset", "unset"]),
    ],
)
def test_keys_change_labels(session, hand, key, modifier, states):
    """A key does what the table says, right after a click on the image."""
    hand.click(PLACES[0])
    hand.key(key, *([modifier] if modifier else []))
    assert _states(session.labeling)[:3] == states


def test_keys_go_about(session, hand):
    """D and A, or the arrows, go to the next and the previous frame; S and W choose a bodypart; X deletes."""
    first, second = session.labeling.index.frames[:2]
    for forth, back in ((Qt.Key.Key_D, Qt.Key.Key_A), (Qt.Key.Key_Right, Qt.Key.Key_Left)):
        hand.key(forth)
        assert session.labeling.frame == second
        hand.key(back)
        assert session.labeling.frame == first
    hand.key(Qt.Key.Key_S)
    hand.key(Qt.Key.Key_Down)
    assert session.labeling.current == session.labeling.keypoints[2]
    hand.key(Qt.Key.Key_W)
    hand.click(PLACES[1])
    hand.hover(PLACES[1])
    hand.key(Qt.Key.Key_X)
    assert set(_states(session.labeling)) == {"unset"}
    hand.key(Qt.Key.Key_Z, CONTROL | SHIFT)  # nothing to redo: told, not raised
    hand.key(Qt.Key.Key_Z, CONTROL)
    assert session.labeling.keypoints[1].state == "placed"


def test_keys_change_the_view(session, hand, notified):
    """H hides the markers, and clicks then place nothing; Z follows the animal."""
    hand.click(PLACES[0])
    hand.key(Qt.Key.Key_H)
    assert not session.canvas.points.visible
    hand.click(PLACES[1])
    assert session.labeling.keypoints[1].state == "unset"
    assert "press H" in notified[-1]
    hand.key(Qt.Key.Key_H)
    hand.click(PLACES[1])
    hand.key(Qt.Key.Key_Z)
    assert session.viewer.scene.camera.center[-2:] == pytest.approx(
        ((PLACES[0][1] + PLACES[1][1]) / 2, (PLACES[0][0] + PLACES[1][0]) / 2), abs=1
    )


def test_a_deleted_layer_comes_back(session, hand):
    """Deleting one of our layers deletes no label: the layer is there again with the next frame."""
    hand.click(PLACES[0])
    session.viewer.layers.remove(session.canvas.points)
    hand.key(Qt.Key.Key_D)
    hand.key(Qt.Key.Key_A)
    assert [layer.name for layer in session.viewer.layers] == ["frame", "skeleton", "labels"]
    assert session.canvas.points.shown.tolist() == [True] + [False] * 6


@pytest.mark.parametrize("name", ["points", "image"])
def test_an_edit_shows_a_deleted_layer_again_first(session, hand, notified, name):
    """Ctrl + Z brings the layer back that somebody has deleted just now, and no label goes for it."""
    hand.click(PLACES[0])
    session.viewer.layers.remove(getattr(session.canvas, name))
    hand.key(Qt.Key.Key_Z, CONTROL)
    assert [layer.name for layer in session.viewer.layers] == ["frame", "skeleton", "labels"]
    assert session.canvas.points.shown.tolist() == [True] + [False] * 6
    assert "had been deleted" in notified[-1]
    hand.key(Qt.Key.Key_Z, CONTROL)
    assert set(_states(session.labeling)) == {"unset"}


def test_dots_have_no_border(session):
    """napari gives new ones its own: bones became gray, and what is not seen a dot in the middle of the image."""
    canvas = session.canvas
    assert [len(dots.data) > 1 and float(dots.border_width.max()) for dots in canvas.layers[1:4]] == [0.0] * 3
    edit_config(session.project.config_path, {"skeleton": [["snout", "tailbase"], ["snout", "neck"]]})
    session.refresh()
    assert len(canvas.skeleton.data) == 80
    assert not canvas.skeleton.border_width.any()


@pytest.mark.parametrize("gone", [("image", "skeleton"), ("image", "skeleton", "points")])
def test_several_deleted_layers_come_back_in_their_order(session, hand, gone):
    """The picture lowest, the markers uppermost; meanwhile the empty image says what has happened."""
    session.spare.finish()
    for name in gone:
        session.viewer.layers.remove(getattr(session.canvas, name))
    hand.key(Qt.Key.Key_D)
    names = [layer.name for layer in session.viewer.layers if layer in session.canvas.layers]
    assert names == ["frame", "epipolar lines", "skeleton", "predictions", "labels"]


def test_no_letter_is_drawn_while_a_project_opens(viewer, unlabeled, monkeypatch):
    """vispy measures texts by ten letters, also where a layer shows none; they are there before the first layer."""
    session, letters = session_of(viewer), []
    session.spare.finish()
    font = viewer.window._qt_viewer.canvas.font_info()
    font = font.font_manager.get_font(font.face)
    draw = font._load_char
    monkeypatch.setattr(font, "_load_char", lambda letter: (letters.append(letter), draw(letter)))
    session.open(unlabeled)
    viewer.screenshot(canvas_only=True, flash=False)
    assert letters == []


def test_a_viewer_of_a_plugin_is_guarded_too(viewer):
    """napari gives plugins a viewer that warns of the parts of a window that are not public."""
    session = session_of(PublicOnlyProxy(viewer))
    session.viewer.layers.remove(session.viewer.add_points([[1.0, 2.0]]))


def test_a_layer_goes_in_the_window_that_shows_it(session):
    """napari runs what is queued for OpenGL then: without a context what is left to draw ended the process."""
    native, contexts = session.viewer.window._qt_viewer.canvas.native, []
    native.doneCurrent()
    session.viewer.layers.events.removing.connect(lambda: contexts.append(QOpenGLContext.currentContext()))
    session.viewer.layers.remove(session.canvas.skeleton)
    assert contexts == [native.context()]


def test_layers_are_drawn_after_one_has_gone(session):
    """Deleted and back again, with the order of the others turned meanwhile: all that is left is drawn."""
    layers = session.viewer.layers
    for _ in range(3):
        for change in (lambda: layers.remove(session.canvas.skeleton), layers.reverse, layers.reverse):
            change()
            QApplication.processEvents()
        session.show_frame(session.labeling.frame.video, session.labeling.frame.number)
        QApplication.processEvents()
    assert [layer.name for layer in layers] == ["frame", "skeleton", "labels"]


def _take_away(session, frame):
    """Take the last picture of a video away, and return what brings it back."""
    chunk = session.project.frame_store(frame.video) / "frames" / "c" / str(FRAMES - 1) / "0" / "0" / "0"
    elsewhere = chunk.rename(chunk.with_name("away"))
    return lambda: elsewhere.rename(chunk)


def test_a_picture_that_cannot_be_read_is_not_another_one(session, hand, viewer, notified):
    """A gray picture stands for it, the title says so, and neither the mouse nor a key labels in it."""
    frame = session.labeling.index.frames[-1]  # not read ahead
    _take_away(session, frame)
    session.show_frame(frame.video, frame.number)
    assert len(np.unique(session.canvas.image.data)) == 1
    assert viewer.title == f"PoseCut: {frame.video}, frame {frame.number} (its image cannot be read)"
    for edit in (lambda: hand.click(PLACES[0]), lambda: hand.key(Qt.Key.Key_E)):
        notified.clear()
        edit()
        assert "damaged" in notified[-1]
        assert set(_states(session.labeling)) == {"unset"}


def test_a_picture_that_can_be_read_again_is_seen_before_it_is_labeled(session, hand, viewer, notified):
    """The click that finds it shows it, and says that it has labeled nothing; the next one labels."""
    frame = session.labeling.index.frames[-1]
    bring_back = _take_away(session, frame)
    session.show_frame(frame.video, frame.number)
    bring_back()
    hand.click(PLACES[0])
    np.testing.assert_array_equal(session.canvas.image.data[0], session.labeling.index.image(frame))
    assert "can be read again" in notified[-1]
    assert "cannot" not in viewer.title
    assert set(_states(session.labeling)) == {"unset"}
    hand.click(PLACES[0])
    assert session.labeling.keypoints[0].state == "placed"


def test_a_frame_number_is_typed(session, hand, viewer):
    """G lets a person type a frame's number; afterwards the keys belong to the image again."""
    viewer.window.add_dock_widget(LabelDock(viewer), area="right")
    QApplication.processEvents()
    last = session.labeling.index.frames[2]
    hand.key(Qt.Key.Key_G)
    for digit in str(last.number):
        hand.key(getattr(Qt.Key, f"Key_{digit}"))
    hand.key(Qt.Key.Key_Return)
    assert session.labeling.frame == last
    hand.key(Qt.Key.Key_A)
    assert session.labeling.frame == session.labeling.index.frames[1]


def test_escape_gives_up_the_typing(session, hand, viewer):
    """After Escape the frame is the same, and the keys belong to the image again."""
    viewer.window.add_dock_widget(LabelDock(viewer), area="right")
    QApplication.processEvents()
    hand.key(Qt.Key.Key_G)
    hand.key(Qt.Key.Key_7)
    hand.key(Qt.Key.Key_Escape)
    assert session.labeling.frame == session.labeling.index.frames[0]
    hand.key(Qt.Key.Key_D)
    assert session.labeling.frame == session.labeling.index.frames[1]


def test_all_keys_are_readable(session, hand, viewer):
    """F1 shows the table of keys over the image, no line cut off, and the buttons stay; F1 or Escape hides it again."""
    dock = LabelDock(viewer)
    viewer.window.add_dock_widget(dock, area="right").setFixedWidth(300)
    QApplication.processEvents()
    for key in (Qt.Key.Key_F1, Qt.Key.Key_Escape):
        hand.key(Qt.Key.Key_F1)
        assert "place the current bodypart" in dock.help.toPlainText()
        assert dock.help.isVisible()
        assert dock.help.horizontalScrollBar().maximum() == 0
        assert dock.bodyparts.horizontalScrollBar().maximum() == 0
        assert dock.buttons.isVisible()
        assert hand.canvas.rect().contains(dock.help.geometry())
        hand.key(key)
        assert not dock.help.isVisible()
    hand.key(Qt.Key.Key_Escape)
    assert not dock.help.isVisible()


def test_a_click_on_the_table_of_keys_labels_nothing(session, hand, viewer):
    """The image lies below it, and the table goes with the labels where a video takes their place."""
    dock = LabelDock(viewer)
    viewer.window.add_dock_widget(dock, area="right")
    QApplication.processEvents()
    press(dock.keys_button)
    for button in (LEFT, RIGHT):
        QTest.mouseClick(dock.help.viewport(), button, NONE, dock.help.viewport().rect().center())
    assert set(_states(session.labeling)) == {"unset"}
    session.hide_labels()
    session.picture_changed.emit()
    assert not dock.help.isVisible()


def test_another_window_does_not_end_the_typing(session, hand, viewer):
    """A window that comes to the front for a moment leaves the keys with the number."""
    dock = LabelDock(viewer)
    viewer.window.add_dock_widget(dock, area="right")
    QApplication.processEvents()
    last = session.labeling.index.frames[2]
    hand.key(Qt.Key.Key_G)
    QApplication.sendEvent(dock.number, QFocusEvent(QEvent.Type.FocusOut, Qt.FocusReason.ActiveWindowFocusReason))
    for digit in str(last.number):
        hand.key(getattr(Qt.Key, f"Key_{digit}"))
    hand.key(Qt.Key.Key_Return)
    assert session.labeling.frame == last


def test_closing_gives_everything_back(viewer, unlabeled):
    """After closing the project there is no layer, key or mouse callback of ours left."""
    callbacks, keys = list(viewer.mouse_drag_callbacks), dict(viewer.keymap)
    session_of(viewer).open(unlabeled)
    session_of(viewer).close()
    assert list(viewer.layers) == []
    assert list(viewer.mouse_drag_callbacks) == callbacks
    assert dict(viewer.keymap) == keys


def test_enter_in_the_number_accepts_nothing(session, hand, viewer):
    """Enter ends the typing of a frame's number; what is proposed in the frame stays a proposal."""
    viewer.window.add_dock_widget(LabelDock(viewer), area="right")
    QApplication.processEvents()
    frame, part = session.labeling.frame, next(iter(session.labeling.index.columns))
    session.labeling.proposals.set_network({frame: {part: Proposal(PLACES[0], 0.7, "net", 10)}})
    hand.key(Qt.Key.Key_G)
    hand.key(Qt.Key.Key_Return)
    assert session.labeling.keypoints[0].state == "proposed"


def test_an_unlabeled_frame_has_no_markers_to_be_seen(session):
    """What has no position leaves no trace in the picture."""
    drawn = session.viewer.screenshot(flash=False)
    session.canvas.points.visible = False
    np.testing.assert_array_equal(session.viewer.screenshot(flash=False), drawn)


def test_a_hollow_proposal_has_the_color_of_its_bodypart(session):
    """Its border tells which bodypart is proposed."""
    part = next(iter(session.labeling.index.columns))
    session.labeling.proposals.set_network({session.labeling.frame: {part: Proposal(PLACES[0], 0.5, "net", 1)}})
    session.labeling.keypoints_changed.emit()
    points = session.canvas.points
    np.testing.assert_allclose(points.border_color[0, :3], points.face_color[0, :3])
    assert points.border_color[:, 3].tolist() == [1.0] + [0.0] * 6


def test_without_frames_nothing_is_shown(viewer, config):
    """A project without extracted frames leaves the picture empty, until there are some, which are shown whole."""
    project = open_project(config)
    store = project.frame_store("walk")
    elsewhere = store.rename(store.with_name("away"))
    session = session_of(viewer)
    session.open(config)
    assert seen(viewer) == []
    elsewhere.rename(store)
    session.refresh()
    assert seen(viewer) == ["frame", "skeleton", "labels"]
    assert viewer.scene.camera.center[-2:] == pytest.approx((23.5, 31.5))


def test_bones_have_the_project_s_color(viewer, config):
    """As in pictures and videos, skeleton_color says it."""
    edit_config(config, {"skeleton_color": "white"})
    session = session_of(viewer)
    session.open(config)
    np.testing.assert_array_equal(session.canvas.skeleton.face_color[:, :3], 1.0)


def test_three_dimensions_are_drawn_without_a_skeleton(viewer, config, notified):
    """Napari's third dimension draws a project without bones, and a click there says why it labels nothing."""
    session = session_of(viewer)
    session.open(config)
    QApplication.processEvents()
    viewer.dims.ndisplay = 3
    viewer.screenshot(flash=False)
    Hand(viewer).click((30.0, 20.0))
    assert set(_states(session.labeling)) == {"unset"}
    assert "in 3D" in notified[-1]
    viewer.dims.ndisplay = 2


def test_where_there_is_nothing_to_go_to_it_is_told(viewer, sample, notified):
    """A project that is all labeled has no further frame that needs a person, and no doubtful proposal."""
    session = session_of(viewer)
    session.open(sample)
    QApplication.processEvents()
    Hand(viewer).key(Qt.Key.Key_D, SHIFT)
    Hand(viewer).key(Qt.Key.Key_Q)
    assert notified == ["All other frames are labeled.", "No suggestion has a likelihood below the pcutoff, 0.6."]
