"""The whole picture stays in the view."""

import numpy as np
import pytest

from napari_posecut.session import session_of
from napari_posecut.window import add_flow_bar
from tests.plugin.hand import Hand


@pytest.fixture
def wide(viewer, sample, qtbot):
    """A window with the docks, in which a picture is shown that is much wider than high."""
    viewer.window.resize(1280, 800)
    session_of(viewer).open(sample)
    viewer.layers.clear()
    viewer.add_image(np.zeros((50, 200, 3), np.uint8), rgb=True)
    viewer.reset_view()
    qtbot.wait(1)
    return viewer


def _is_whole(viewer, width=200):
    return width * viewer.scene.camera.zoom <= viewer.canvas.size[1]


def test_a_dock_that_opens_leaves_the_picture_whole(wide, qtbot):
    """A dock takes room from the canvas; the picture is fitted again."""
    zoom = wide.scene.camera.zoom
    add_flow_bar(wide).open("3 Label")
    qtbot.waitUntil(lambda: wide.scene.camera.zoom < zoom)
    qtbot.waitUntil(lambda: _is_whole(wide))


def test_a_view_that_a_person_chose_stays(wide, qtbot):
    """After the wheel was turned, another size of the window changes the zoom no more."""
    Hand(wide).wheel((100.0, 25.0), 2)
    zoom, size = wide.scene.camera.zoom, wide.canvas.size
    wide.window.resize(1000, 700)
    qtbot.waitUntil(lambda: wide.canvas.size != size)
    assert wide.scene.camera.zoom == zoom
