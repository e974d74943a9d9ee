"""Batches of video frames, decoded in a thread while the network works on the batch before."""

import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, UInt8

from posecut_core.project.config import Crop

_WAITING_BATCHES = 2  # decoded ahead: enough to keep both sides busy, little enough for large frames
_PATIENCE = 0.1  # seconds after which a waiting decoder looks whether it is still needed


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
    waiting: queue.Queue[FrameBatch | BaseException | None] = queue.Queue(maxsize=_WAITING_BATCHES)
    stopped = threading.Event()
    source = frame_batches(frames, window, batch_size)
    thread = threading.Thread(target=_fill, args=(source, waiting, stopped), name="decoding", daemon=True)
    thread.start()
    try:
        yield _taken(waiting)
    finally:
        stopped.set()
        thread.join()


def _fill(
    source: Iterator[FrameBatch],
    waiting: "queue.Queue[FrameBatch | BaseException | None]",
    stopped: threading.Event,
) -> None:
    try:
        for batch in source:
            if not _put(waiting, batch, stopped):
                return
        _put(waiting, None, stopped)
    except BaseException as error:  # handed on, whatever it is: the other thread raises it
        _put(waiting, error, stopped)


def _put(
    waiting: "queue.Queue[FrameBatch | BaseException | None]",
    item: FrameBatch | BaseException | None,
    stopped: threading.Event,
) -> bool:
    """Queue an item as soon as there is room; give up and return False once nobody takes items any more."""
    while not stopped.is_set():
        try:
            waiting.put(item, timeout=_PATIENCE)
            return True
        except queue.Full:
            continue
    return False


def _taken(waiting: "queue.Queue[FrameBatch | BaseException | None]") -> Iterator[FrameBatch]:
    while (item := waiting.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item
