"""Frames of a video by their number, in any order or one after the other."""

import os
from collections.abc import Iterable, Iterator
from functools import partial
from threading import Event, RLock
from types import TracebackType
from typing import Any

import av
import numpy as np
from jaxtyping import UInt8

from posecut_core.errors import VideoError
from posecut_core.video.decode import Picture, Run
from posecut_core.video.index import VideoIndex, index_video
from posecut_core.video.orientation import AS_DECODED, orientation_of
from posecut_core.video.planes import can_be_halved, with_halved_chroma
from posecut_core.video.writer import ENCODABLE, encodable


class VideoReader:
    """Read RGB frames with exact numbers, counted from 0.

        with VideoReader("rat.mp4") as reader:
            image = reader.read(1200)

    A frame counts as damaged once two ways of reading agree: from the file's first packet on, and from the keyframe
    before it. What is found on either way is remembered, so that a file is read from its start about once for this,
    however much of it is damaged.

    Args:
        path: the video, or an address of it such as s3://bucket/rat.mp4.
        sure: whether to read from the start of the file, which may take long, where nothing else tells whether a
            frame is damaged; else `frames` leaves it out, and `read` refuses it.
        threads: that decode; by default one for each core. Fewer take less processor time, which is what counts where
            the cores have other work besides.

    Raises:
        VideoError: the file is missing, empty, no video, or none of its frames can be decoded.
    """

    def __init__(self, path: str | os.PathLike[str], *, sure: bool = True, threads: int | None = None) -> None:
        self.index: VideoIndex = index_video(path)
        self._sure = sure
        self._reading, self._halted = RLock(), Event()
        self._damaged = set(self.index.damaged)
        self._lost_from_start = set(self.index.suspect)  # as one way of reading has it; the other may still find them
        self._lost_from_keyframe: set[int] = set()
        self._misleading: set[int] = set()  # positions of keyframes that others are needed for
        run = partial(Run, self.index.path, self.index.packets, threads=threads, halted=self._halted)
        self._near = run()  # the others read what this one could not
        self._again = run(afresh=True)
        self._whole = run()  # from the start of the file

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; reading it on another thread ends with a VideoError."""
        self._halted.set()
        with self._reading:
            for run in (self._near, self._again, self._whole):
                run.close()

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
        image = None if picture is None else self._image(number, picture)
        if image is None:
            raise VideoError(f"Frame {number} of {self.index.path} is damaged; choose another frame.")
        return image

    def frames(
        self, numbers: Iterable[int] | None = None, *, size: tuple[int, int] | None = None
    ) -> Iterator[tuple[int, UInt8[np.ndarray, "H W 3"] | None]]:
        """Yield frame numbers in increasing order, each once, with their RGB images or None where damaged.

        Args:
            numbers: the frames to read; None for all. Gaps wider than a group of pictures are jumped over.
            size: height and width that images are scaled to, with antialiasing, while they are converted; by default
                they have the video's.

        Raises:
            VideoError: the video has no frame of one of the numbers, or was closed meanwhile.
        """
        for number, picture in self.pictures(numbers):
            yield number, None if picture is None else self._image(number, picture, size)

    def pictures(self, numbers: Iterable[int] | None = None) -> Iterator[Picture]:
        """Yield like `frames`, but as decoded: not converted to RGB, not turned."""
        wanted = range(self.index.frame_count) if numbers is None else numbers
        if not (isinstance(wanted, range) and wanted.step > 0):
            wanted = sorted(set(wanted))
        if wanted:
            self._check(wanted[0])
            self._check(wanted[-1])
        for number in wanted:
            picture = self._picture(number)
            if picture is not None or number in self._damaged:
                yield number, picture

    def encodable(self, numbers: Iterable[int] | None = None) -> Iterator[Picture]:
        """Yield like `frames`, but as `writer.encodable` makes pictures, each free to draw on."""
        for number, picture in self.pictures(numbers):
            if picture is None:
                yield number, None
            elif not self._is_shown_so(picture) or picture.width % 2 or picture.height % 2:
                image = self._image(number, picture)
                yield number, None if image is None else encodable(image)
            elif can_be_halved(picture):
                yield number, with_halved_chroma(picture)
            else:
                yield number, self._converted(number, picture, **ENCODABLE)

    def _is_shown_so(self, picture: av.VideoFrame) -> bool:
        """Tell whether a picture is shown as it was decoded: neither turned nor mirrored nor scaled."""
        has_size = (picture.width, picture.height) == (self.index.width, self.index.height)
        return has_size and orientation_of(picture) == AS_DECODED

    def _check(self, number: int) -> None:
        count = self.index.frame_count
        if not 0 <= number < count:
            raise VideoError(f"Frame {number} is out of range: {self.index.path} has {count} frames (0-{count - 1}).")

    def _picture(self, number: int) -> av.VideoFrame | None:
        """Return a picture; None where the frame is damaged or, unless it has to be sure, may be."""
        with self._reading:
            if self._halted.is_set():
                raise VideoError(f"{self.index.path} was closed; open it again to read more of its frames.")
            if number in self._damaged:
                return None
            position = self._entry(number)
            picture = None if number in self._lost_from_keyframe else self._from_keyframe(number, position)
            if picture is None and number not in self._lost_from_start:
                picture = self._from_start(number)
                if picture is not None and position > 0:
                    self._misleading.add(position)
            if picture is None and number in self._lost_from_keyframe & self._lost_from_start:
                self._damaged.add(number)
            return picture

    def _from_keyframe(self, number: int, position: int) -> av.VideoFrame | None:
        """Read a frame; where that fails, look at its whole group from the keyframe before it.

        That finds a frame only where coming from the start had lost the keyframe already: a decoder with several
        threads now and then overlooks what it has noticed once.
        """
        picture = self._near.picture(number, position)
        if self._near.from_start:
            self._lost_from_start |= self._near.lost
        if picture is not None:
            return picture
        table = self.index.packets
        picture = self._again.picture(number, position)
        if position > 0 and self._near.from_start and table.numbers[table.keyframes[position]] in self._lost_from_start:
            self._lost_from_keyframe |= self._again.lost
            return picture
        self._again.look_ahead(table.last_of_group(number))
        self._lost_from_keyframe |= {number, *self._again.lost}
        return None

    def _from_start(self, number: int) -> av.VideoFrame | None:
        """Read from the file's first packet; if it need not be sure, only where reading goes on from there anyway."""
        on_the_way = self._near.from_start and self._near.is_before(number)
        if not on_the_way and not self._sure:
            return None
        run = self._near if on_the_way else self._whole
        picture = run.picture(number, 0)
        self._lost_from_start |= run.lost
        return picture

    def _entry(self, number: int) -> int:
        """Return the position of the keyframe to begin with."""
        position = self.index.packets.keyframe_before(number)
        while position in self._misleading:
            position -= 1
        return position

    def _image(
        self, number: int, picture: av.VideoFrame, size: tuple[int, int] | None = None
    ) -> UInt8[np.ndarray, "H W 3"] | None:
        """Convert to RGB as the file states its colors, turn as it says, and scale if another size is wished or stated.

        None, and damaged, where it states colors that there are none of, as a flipped bit in its head does.
        """
        orientation = orientation_of(picture)
        height, width = size or (self.index.height, self.index.width)
        width, height = orientation.size(width, height)
        converted = self._converted(number, picture, format="rgb24", width=width, height=height)
        if converted is None:
            return None
        return np.ascontiguousarray(orientation.apply(converted.to_ndarray()))

    def _converted(self, number: int, picture: av.VideoFrame, **wished: Any) -> av.VideoFrame | None:
        try:
            converted = picture.reformat(threads=1, **wished)
            converted.make_writable()
            return converted
        except (av.error.FFmpegError, OSError, ValueError):
            self._damaged.add(number)
            return None
