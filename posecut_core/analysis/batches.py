"""Batches of video frames, decoded in a thread while the network works on the batch before."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, UInt8

from posecut_core.dataset.ahead import made_ahead
from posecut_core.project.config import Crop

NumberedFrame = tuple[int, UInt8[np.ndarray, "H W 3"] | None]  # None where the frame could not be decoded


@dataclass(frozen=True)
class FrameBatch:
    """Consecutive frames of a video."""

    images: UInt8[np.ndarray, "B H W 3"]
    decoded: Bool[np.ndarray, " B"]  # false where the frame could not be decoded and the image is black


def frame_batches(frames: Iterable[NumberedFrame], window: Crop, batch_size: int) -> Iterator[FrameBatch]:
    """Group frames, cropped to `window`; every number has its place, decodable or not."""
    shape = (batch_size, window.y2 - window.y1, window.x2 - window.x1, 3)
    images, decoded = np.zeros(shape, np.uint8), np.zeros(batch_size, bool)
    filled = 0
    for _, image in frames:
        decoded[filled] = image is not None
        if image is not None:
            images[filled] = image[window.y1 : window.y2, window.x1 : window.x2]
        filled += 1
        if filled == batch_size:
            yield FrameBatch(images, decoded)
            images, decoded, filled = np.zeros(shape, np.uint8), np.zeros(batch_size, bool), 0
    if filled:
        yield FrameBatch(images[:filled], decoded[:filled])


@contextmanager
def batches_ahead(frames: Iterable[NumberedFrame], window: Crop, batch_size: int) -> Iterator[Iterator[FrameBatch]]:
    """Run `frame_batches` in a thread, a few batches ahead; errors arise where the batches are taken.

    The thread has ended when the block is left, however it is left.
    """
    with made_ahead(frame_batches(frames, window, batch_size), name="decoding") as batches:
        yield batches
