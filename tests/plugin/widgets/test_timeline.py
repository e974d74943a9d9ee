"""A plot over the frames whose cursor chooses one."""

import numpy as np
import pyqtgraph as pg
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication

from napari_posecut.widgets.parts.curves import Lane, Timeline, _extremes


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
    plot = timeline.getItem(1, 0).vb
    return timeline.mapFromScene(plot.mapViewToScene(pg.Point(frame + 0.5, 0.5)))


def colors(timeline):
    image = timeline.grab().toImage()
    return {image.pixelColor(x, y).name() for x in range(70, 560, 3) for y in range(5, 170, 3)}


def test_a_click_and_a_drag_choose_frames(qtbot, timeline):
    """Pressing chooses the frame there, and moving on chooses others; each is told once."""
    notified = []
    timeline.frame_chosen.connect(notified.append)
    qtbot.mousePress(timeline.viewport(), Qt.MouseButton.LeftButton, pos=at(timeline, 250))
    qtbot.mouseMove(timeline.viewport(), at(timeline, 750))
    qtbot.mouseRelease(timeline.viewport(), Qt.MouseButton.LeftButton, pos=at(timeline, 750))
    assert abs(notified[0] - 250) <= 1
    assert abs(timeline.frame - 750) <= 1 or len(notified) == 1  # Qt sends no moves where the pointer cannot be put
    timeline.set_frame(10)
    assert timeline.frame == 10
    assert 10 not in notified


def test_a_click_near_a_mark_means_it(qtbot, timeline):
    """A marked frame is as wide as a finger is steady, however narrow its line."""
    timeline.show_marks(np.array([100, 500]))
    with qtbot.waitSignal(timeline.frame_chosen) as notified:
        qtbot.mousePress(timeline.viewport(), Qt.MouseButton.LeftButton, pos=at(timeline, 508))
    assert notified.args == [500]


def test_hidden_curves_are_not_drawn(timeline):
    """Curves have the colors of their bodyparts, and go with them."""
    assert {"#ff0000", "#00ff00"} & colors(timeline)
    timeline.show_curves(np.array([False, True]))
    assert "#ff0000" not in colors(timeline)
    assert "#00ff00" in colors(timeline)


def test_zooming_stays_within_the_video(timeline):
    """No zoom leads beyond the first or the last frame, or to fewer frames than can be told apart."""
    timeline.zoom(900, 1100)
    assert (timeline.first, timeline.last) == (800, 1000)
    timeline.zoom(500, 501)
    assert timeline.last - timeline.first == 20
    timeline.grab()


def test_the_wheel_zooms_around_the_mouse(qtbot, timeline):
    """The frame under the mouse stays there, and a double click shows all frames again."""
    place = at(timeline, 250)
    turn = QWheelEvent(
        QPointF(place),
        timeline.viewport().mapToGlobal(QPointF(place)),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(timeline.viewport(), turn)
    assert timeline.last - timeline.first < 1000
    assert abs(at(timeline, 250).x() - place.x()) <= 1
    qtbot.mouseDClick(timeline.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert (timeline.first, timeline.last) == (0, 1000)


def test_no_outlier_is_lost():
    """One frame of a hundred thousand is still the extreme of its column, also the last one, and beside gaps."""
    values = np.zeros(100_000, np.float32)
    values[77_777], values[-1], values[:10] = 9, 7, np.nan
    values[20] = -3
    least, greatest = _extremes(values, 0, 100_000, 500)
    assert (greatest[388], greatest[-1], least[0]) == (9, 7, -3)
    assert np.count_nonzero(least) + np.count_nonzero(greatest) == 3


@pytest.mark.parametrize(("first", "last", "columns"), [(0, 10, 5), (2, 6, 4), (3, 7, 40), (9, 10, 3)])
def test_columns_show_their_frames(first, last, columns):
    """Each column's extremes are those of the frames in it, or of the one in which it lies."""
    least, greatest = _extremes(np.arange(10.0), first, last, columns)
    assert least[0] == first
    assert greatest[-1] == last - 1
    assert (np.diff(least) >= 0).all()


def test_missing_values_are_gaps():
    """NaN is skipped where a column has other values, and leaves a gap where it has none."""
    found = _extremes(np.array([1.0, np.nan, np.nan, np.nan, 4.0, 5.0]), 0, 6, 3)
    np.testing.assert_array_equal(found[0], [1, np.nan, 4])


@pytest.mark.parametrize("values", [np.full((1, 3), np.nan), np.full((1, 3), 5.0)])
def test_lanes_without_a_range_are_drawn(timeline, values):
    """Nothing, or the same value everywhere, is no trouble."""
    timeline.show_video(3, (Lane("x", values),), np.array([[255, 0, 0]], np.uint8))
    timeline.grab()


def test_the_number_of_the_frame_covers_no_lane(timeline):
    """It stands above the lanes, where it hides nothing that is marked in the first one."""
    timeline.show_rows(1000, {"jump": (3, 40), "unlikely": (500,)})
    timeline.set_frame(40)
    number, first = timeline.getItem(0, 0), timeline.getItem(1, 0)
    assert number.text == "frame 40"
    assert number.sceneBoundingRect().bottom() <= first.vb.sceneBoundingRect().top()
