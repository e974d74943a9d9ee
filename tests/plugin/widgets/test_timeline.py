"""A plot over the frames whose cursor chooses one."""

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt

from napari_posecut.widgets.parts.timeline import Lane, Timeline


@pytest.fixture
def timeline(qtbot):
    widget = Timeline()
    qtbot.addWidget(widget)
    widget.resize(570, 200)  # 500 pixels of frames
    rng = np.random.default_rng(0)
    lane = Lane("x", rng.random((2, 1000), np.float32))
    widget.show_video(1000, (lane,), np.array([[255, 0, 0], [0, 255, 0]], np.uint8))
    widget.show()
    return widget


def at(timeline, frame):
    return QPoint(round(62 + (frame + 0.5) / 1000 * (timeline.width() - 70)), 50)


def colours(timeline):
    image = timeline.grab().toImage()
    return {image.pixelColor(x, y).name() for x in range(70, 560, 3) for y in range(5, 170, 3)}


def test_a_click_and_a_drag_choose_frames(qtbot, timeline):
    """Pressing chooses the frame there, and moving on chooses others; each is told once."""
    told = []
    timeline.frame_chosen.connect(told.append)
    qtbot.mousePress(timeline, Qt.MouseButton.LeftButton, pos=at(timeline, 250))
    qtbot.mouseMove(timeline, at(timeline, 750))
    qtbot.mouseRelease(timeline, Qt.MouseButton.LeftButton, pos=at(timeline, 750))
    assert abs(told[0] - 250) <= 1
    assert abs(timeline.frame - 750) <= 1 or len(told) == 1  # Qt sends no moves where the pointer cannot be put
    timeline.set_frame(10)
    assert timeline.frame == 10
    assert 10 not in told


def test_a_click_near_a_mark_means_it(qtbot, timeline):
    """A marked frame is as wide as a finger is steady, however narrow its line."""
    timeline.show_marks(np.array([100, 500]))
    with qtbot.waitSignal(timeline.frame_chosen) as told:
        qtbot.mousePress(timeline, Qt.MouseButton.LeftButton, pos=at(timeline, 508))
    assert told.args == [500]


def test_hidden_curves_are_not_drawn(timeline):
    """Curves have the colours of their bodyparts, and go with them."""
    assert {"#ff0000", "#00ff00"} & colours(timeline)
    timeline.show_curves(np.array([False, True]))
    assert "#ff0000" not in colours(timeline)
    assert "#00ff00" in colours(timeline)


def test_zooming_stays_within_the_video(timeline):
    """No zoom leads beyond the first or the last frame, or to fewer frames than can be told apart."""
    timeline.zoom(900, 1100)
    assert (timeline.first, timeline.last) == (800, 1000)
    timeline.zoom(500, 501)
    assert timeline.last - timeline.first == 20
    timeline.grab()
