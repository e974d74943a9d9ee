"""The pictures of extracted frames: those next to the shown one are read ahead, so that going on waits for no disk."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from posecut_core.video.store import FrameStore


@dataclass(frozen=True, order=True)
class FrameKey:
    """One extracted frame: the stem of its video's file name, and its number in the video."""

    video: str
    number: int


class Pictures:
    """The pictures of some frame stores, read on one thread."""

    def __init__(self, stores: Mapping[str, FrameStore]) -> None:
        self._stores = stores
        self._reading: dict[FrameKey, Future[UInt8[np.ndarray, "H W 3"]]] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="posecut-pictures")

    def read(self, key: FrameKey, *, then: Sequence[FrameKey] = ()) -> UInt8[np.ndarray, "H W 3"]:
        """Return a picture, and begin to read those that are likely to be asked for next; others are forgotten.

        Raises:
            VideoError: it is damaged on disk.
            StorageError: it must not be read.
        """
        ahead = self._reading.get(key)
        if ahead is not None and ahead.exception() is not None:  # the disk may have come back since
            del self._reading[key]
        picture = self._begin(key).result()
        self._reading = {wanted: self._begin(wanted) for wanted in (key, *then)}
        return picture

    def _begin(self, key: FrameKey) -> "Future[UInt8[np.ndarray, 'H W 3']]":
        if key not in self._reading:
            self._reading[key] = self._thread.submit(self._stores[key.video].read, key.number)
        return self._reading[key]
