"""Frames of a video by their number, in any order or one after the other."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from jaxtyping import UInt8

from posecut_core.errors import VideoError
from posecut_core.video.index import VideoIndex, index_video
from posecut_core.video.pictures import Picture, pictures_from
from posecut_core.video.source import Source


class VideoReader:
    """Read RGB frames with exact numbers, counted from 0.

        with VideoReader("rat.mp4") as reader:
            image = reader.read(1200)

    Raises:
        VideoError: the file is missing, empty, no video, or none of its frames can be decoded.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.index: VideoIndex = index_video(path)
        self._source = Source(Path(path))
        self._known_damaged = frozenset(self.index.damaged)
        self._damaged = set(self.index.damaged)
        self._began = 0  # position of the keyframe that the running decoding began with
        self._next = self.index.frame_count  # number that it yields next
        self._pictures: Iterator[Picture] = iter(())

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._pictures = iter(())
        self._next = self.index.frame_count
        self._source.close()

    @property
    def damaged(self) -> tuple[int, ...]:
        """Numbers of the frames found damaged so far, increasing."""
        return tuple(sorted(self._damaged))

    def read(self, number: int) -> UInt8[np.ndarray, "H W 3"]:
        """Read one frame in RGB.

        Raises:
            VideoError: the video has no such frame, or it is damaged.
        """
        self._check(number)
        picture = self._picture(number)
        if picture is None:
            raise VideoError(f"Frame {number} of {self.index.path} is damaged; choose another frame.")
        return self._image(picture)

    def frames(self, numbers: Iterable[int] | None = None) -> Iterator[tuple[int, UInt8[np.ndarray, "H W 3"] | None]]:
        """Yield frame numbers in increasing order, each once, with their RGB images or None where damaged.

        Args:
            numbers: the frames to read; None for all. Gaps wider than a group of pictures are jumped over.

        Raises:
            VideoError: the video has no frame of one of the numbers.
        """
        for number, picture in self.pictures(numbers):
            yield number, None if picture is None else self._image(picture)

    def pictures(self, numbers: Iterable[int] | None = None) -> Iterator[Picture]:
        """Yield like `frames`, but as decoded: not converted to RGB, not turned."""
        wanted = range(self.index.frame_count) if numbers is None else numbers
        if not (isinstance(wanted, range) and wanted.step > 0):
            wanted = sorted(set(wanted))
        if wanted:
            self._check(wanted[0])
            self._check(wanted[-1])
        for number in wanted:
            yield number, self._picture(number)

    def _check(self, number: int) -> None:
        count = self.index.frame_count
        if not 0 <= number < count:
            raise VideoError(
                f"{self.index.path} has {count} frames, hence no frame {number}; choose a number from 0 to {count - 1}."
            )

    def _picture(self, number: int) -> av.VideoFrame | None:
        if number in self._known_damaged:
            return None
        nearest = self.index.packets.keyframe_before(number)
        if not self._reaches(number, nearest):
            self._begin(nearest)
        picture = self._advance(number)
        if picture is None and nearest > 0 and self._began == nearest:
            self._begin(nearest - 1)  # not every frame marked as a keyframe can be decoded without those before it
            picture = self._advance(number)
        if picture is None and self._source.strangers:
            self._begin(0)  # packets differ after a seek: only their count from the start of the file tells them
            picture = self._advance(number)
        if picture is None:
            self._damaged.add(number)
        return picture

    def _reaches(self, number: int, nearest: int) -> bool:
        """Tell whether decoding on arrives at a frame no later than starting again at its keyframe."""
        table = self.index.packets
        begins = int(table.numbers[table.keyframes[nearest]])
        return self._next <= number and (self._began == nearest or begins <= self._next)

    def _begin(self, position: int) -> None:
        self._pictures = pictures_from(self._source, self.index.packets, position)
        self._began = position
        self._next = 0

    def _advance(self, number: int) -> av.VideoFrame | None:
        for found, picture in self._pictures:
            self._next = found + 1
            if found == number:
                return picture
        return None

    def _image(self, picture: av.VideoFrame) -> UInt8[np.ndarray, "H W 3"]:
        """Convert to RGB as the file states its colours, turn as it says, and scale if the size changes midway."""
        quarters = round(picture.rotation / 90) % 4
        height, width = self.index.height, self.index.width
        if quarters % 2:
            height, width = width, height
        image = picture.reformat(width, height, format="rgb24", threads=1).to_ndarray()
        return np.ascontiguousarray(np.rot90(image, quarters)) if quarters else image
