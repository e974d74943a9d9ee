"""Videos as layers of a real window."""

import numpy as np
import pytest
from napari.components import Dims

from napari_posecut.layers.canvas import AXES
from napari_posecut.layers.video import _ABOUT, frames_of, show_video
from posecut_core.errors import VideoError
from posecut_core.project.opening import open_project, project_videos
from posecut_core.video.reader import VideoReader


def _turn_to_3d(dims):
    dims.ndisplay = 3


@pytest.fixture
def video(unlabeled):
    """Path of a video of twelve frames."""
    return next(iter(project_videos(open_project(unlabeled)).values()))


def test_slider_shows_exact_frames(viewer, video, qtbot):
    """The slider goes through the frames by their numbers, and what is shown is what the core decodes."""
    layer = show_video(viewer, video)
    assert layer.axis_labels == AXES
    assert layer.metadata == {_ABOUT: str(video)}
    assert viewer.dims.nsteps[0] == 12
    with VideoReader(video) as reader:
        for number in (7, 2, 11):
            expected = reader.read(number)
            viewer.dims.set_current_step(0, number)
            qtbot.waitUntil(lambda expected=expected: _shows(viewer, layer, expected), timeout=30_000)


def test_file_is_closed_with_its_layer(viewer, video):
    """Removing the layer lets go of the file; removing another one does not."""
    layer, other = show_video(viewer, video), show_video(viewer, video)
    viewer.layers.remove(layer)
    assert frames_of(layer).closed
    assert not frames_of(other).closed
    viewer.layers.clear()
    assert frames_of(other).closed


@pytest.mark.parametrize("turn", [Dims.roll, _turn_to_3d], ids=["roll", "3d"])
def test_frames_are_no_dimension_to_look_at(viewer, video, turn):
    """Napari's buttons never show frames beside each other, also if pressed before; without the video they work."""
    viewer.add_image(np.zeros((3, 4, 5)))
    turn(viewer.dims)
    layer = show_video(viewer, video)
    for _ in range(2):
        assert viewer.dims.displayed == (1, 2)
        assert layer._slice.image.raw.shape == layer.data.shape[1:]
        turn(viewer.dims)
    viewer.layers.remove(layer)
    turn(viewer.dims)
    assert 0 in viewer.dims.displayed


def test_no_video_no_layer(viewer, tmp_path):
    """A file that is no video is refused, and no layer is added."""
    with pytest.raises(VideoError, match="There is no video"):
        show_video(viewer, tmp_path / "missing.mp4")
    assert not viewer.layers


def _shows(viewer, layer, expected):
    """Tell whether the value under the middle of the picture is that of the frame, as napari sliced it."""
    place = (viewer.dims.point[0], expected.shape[0] // 2, expected.shape[1] // 2)
    shown = layer.get_value(place, view_direction=None, dims_displayed=[1, 2], world=True)
    return np.array_equal(shown, expected[place[1], place[2]])
