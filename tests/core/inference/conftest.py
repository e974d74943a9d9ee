"""A network that needs no training, and videos whose truth is known."""

from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pytest

from posecut_core.video.writer import VideoWriter


@dataclass
class BrightSpot:
    """Finds the center of bright pixels as "spot" and a point 3 pixels to its right as "beside"."""

    scorer: str = "PoseCut_fakeshuffle1_10"
    bodyparts: tuple[str, ...] = ("spot", "beside")
    shapes: list = field(default_factory=list)  # of the batches it has seen
    fail_at: int | None = None  # raise on this batch, as Ctrl-C does

    engine_name = "xla"
    context = 0

    def start(self, images):
        return partial(self.predict, images)

    def predict(self, images):
        if len(self.shapes) == self.fail_at:
            raise KeyboardInterrupt
        self.shapes.append(images.shape)
        bright = images.max(axis=3) > 128
        weight = np.maximum(bright.sum(axis=(1, 2)), 1)
        y, x = np.indices(images.shape[1:3], dtype=float)
        spot = np.stack([(bright * x).sum(axis=(1, 2)) / weight, (bright * y).sum(axis=(1, 2)) / weight], axis=-1)
        likelihood = np.where(bright.any(axis=(1, 2)), 0.9, 0.1)
        return np.stack([spot, spot + np.array([3.0, 0.0])], axis=1), np.repeat(likelihood[:, None], 2, axis=1)


@dataclass
class Around:
    """Finds the bright square in the frame before as "before", and in the frame after as "after"."""

    network: object  # finds it in an image
    context: int = 1
    scorer: str = "PoseCut_aroundshuffle1_10"
    bodyparts: tuple[str, ...] = ("before", "after")
    engine_name: str = "xla"

    def start(self, images):
        return partial(self.predict, images)

    def predict(self, images):
        seen = [self.network.predict(np.repeat(images[..., channel, None], 3, axis=3)) for channel in (3, 4)]
        xy, likelihood = (np.stack([one[part][:, 0] for one in seen], axis=1) for part in (0, 1))
        return xy, likelihood


def spot_position(number):
    """Where the center of the spot is in a frame of the fixture's videos."""
    return np.array([10.5 + 2 * number, 12.5 + number])


@pytest.fixture
def network():
    return BrightSpot()


@pytest.fixture
def make_network():
    return BrightSpot


@pytest.fixture
def make_network_around():
    """Make a network that looks at the frames around each."""
    return lambda **options: Around(BrightSpot(**options))


@pytest.fixture
def truth():
    return spot_position


@pytest.fixture
def spot_video(tmp_path):
    """A video of 11 frames, 64 x 48, in which a bright square moves."""
    path = tmp_path / "spot.mp4"
    with VideoWriter(path, fps=25, width=64, height=48) as writer:
        for number in range(11):
            image = np.zeros((48, 64, 3), np.uint8)
            left, top = (spot_position(number) - 1.5).astype(int)
            image[top : top + 4, left : left + 4] = 255
            writer.write(image)
    return path
