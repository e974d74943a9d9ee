"""Napari's own tools cannot change the layers of a labeling."""

import numpy as np
import pytest
from napari.layers import Points
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_posecut.layers.canvas import lock
from napari_posecut.session import session_of
from tests.plugin.hand import CONTROL, Hand


@pytest.fixture
def session(viewer, sample):
    """The session of a window in which a labeled project is open."""
    session = session_of(viewer)
    session.open(sample)
    QApplication.processEvents()
    return session


@pytest.mark.parametrize("mode", ["add", "select", "transform"])
def test_a_locked_layer_takes_no_tool(viewer, mode):
    """A layer stays in the mode in which the mouse moves the view, in a window too and after its data were replaced."""
    points = Points(np.zeros((2, 2)))
    lock(points)
    viewer.add_layer(points)
    points.data = np.ones((3, 2))
    viewer.dims.ndisplay = 3
    viewer.dims.ndisplay = 2
    points.mode = mode
    assert points.mode == "pan_zoom"


def test_the_status_bar_names_our_keys(viewer):
    """Where napari would name the keys of its tools, ours are named."""
    points = Points(np.zeros((2, 2)))
    lock(points, "F1: all keys")
    viewer.add_layer(points)
    assert viewer.help == "F1: all keys"


@pytest.mark.parametrize("key", [Qt.Key.Key_2, Qt.Key.Key_3, Qt.Key.Key_5, Qt.Key.Key_P])
def test_keys_of_napari_leave_markers_and_picture_where_they_are(session, key):
    """The keys of napari's tools, and a drag afterwards, move no layer; a click labels as ever."""
    hand = Hand(session.viewer)
    places = session.canvas.points.data.copy()
    for layer in session.viewer.layers:
        session.viewer.layers.selection.active = layer
        hand.key(key)
        assert layer.mode == "pan_zoom"
        hand.drag((4.0, 4.0), (30.0, 30.0))
    assert all(np.array_equal(layer.affine.affine_matrix, np.eye(layer.ndim + 1)) for layer in session.viewer.layers)
    np.testing.assert_array_equal(session.canvas.points.data, places)
    session.labeling.choose(session.labeling.keypoints[0].bodypart)
    hand.click((100.0, 4.0))
    assert session.labeling.keypoints[0].xy == pytest.approx((100.0, 4.0), abs=1.0)


def test_points_deleted_by_napari_are_there_again(session):
    """Ctrl + A and 1, napari's way to delete all points, delete no label and no marker."""
    hand = Hand(session.viewer)
    before = session.labeling.keypoints
    places = session.canvas.points.data.copy()
    session.viewer.layers.selection.active = session.canvas.points
    hand.key(Qt.Key.Key_A, CONTROL)
    hand.key(Qt.Key.Key_1)
    assert session.labeling.keypoints == before
    np.testing.assert_array_equal(session.canvas.points.data, places)


def test_pasted_points_are_gone_with_the_next_frame(session):
    """Points that napari pastes are no labels: the next frame has its own markers, and the zoom works meanwhile."""
    hand = Hand(session.viewer)
    session.viewer.layers.selection.active = session.canvas.points
    for key in (Qt.Key.Key_A, Qt.Key.Key_C, Qt.Key.Key_V):
        hand.key(key, CONTROL)
    assert len(session.canvas.points.data) == 14
    hand.wheel((50.0, 50.0), 1)
    hand.key(Qt.Key.Key_D)
    points = session.canvas.points
    places = [keypoint.xy for keypoint in session.labeling.keypoints if keypoint.xy]
    np.testing.assert_allclose(points.data[points.shown][:, ::-1], places)
    assert len(points.data) == len(points.shown) == len(points.symbol) == 7


def test_points_added_by_a_program_are_taken_away(session):
    """What a program adds to the layer is no label."""
    session.canvas.points.add((3.0, 4.0))
    assert len(session.canvas.points.data) == 7
