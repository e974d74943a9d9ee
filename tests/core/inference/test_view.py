"""What a network sees of a video's frames."""

import numpy as np
import pytest

from posecut_core.dataset.frames import resize
from posecut_core.inference.view import View
from posecut_core.types import Crop
from posecut_core.video.reader import VideoReader


@pytest.mark.parametrize("crop", [None, Crop(4, 60, 6, 40)])
def test_frames_are_seen_as_they_are_scaled_in_training(spot_video, crop):
    """Whole frames are scaled by FFmpeg, windows by Pillow: nearly the same pixels."""
    with VideoReader(spot_video) as reader:
        window = crop or Crop.of_frame(64, 48)
        view = View.of(window, reader.index, scale=0.5)
        assert view.is_whole == (crop is None)
        height, width = view.size
        for number, seen in view.frames(reader, range(3, 6)):
            image = reader.read(number)[None, window.y1 : window.y2, window.x1 : window.x2]
            (expected,) = resize(image, height=height, width=width)
            assert np.abs(seen.astype(float) - expected).mean() < 1


def test_positions_go_to_the_frame_and_back(spot_video):
    """The middle of the top left pixel of what is seen lies between pixels of the window."""
    with VideoReader(spot_video) as reader:
        view = View.of(Crop(4, 60, 6, 40), reader.index, scale=0.5)
    np.testing.assert_allclose(view.placed(np.zeros(2)), [4.5, 6.5])
    points = np.random.default_rng(0).uniform(-5, 60, (4, 3, 2))
    np.testing.assert_allclose(view.seen(view.placed(points)), points)
