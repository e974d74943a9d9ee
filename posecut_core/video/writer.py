"""Encode RGB images as a video that players, editors and presentations open.

Pictures are BT.601 yuv420p, whose color is kept at half resolution; sides of odd length are padded by repeating
the last row or column.
"""

import contextlib
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream
from jaxtyping import Float64, Int64, UInt8

from posecut_core.errors import ArgumentError, StorageError, VideoError
from posecut_core.storage.files import atomic_path, storage_error

_SLOWEST, _FASTEST = 0.001, 100_000  # frames per second; slower ones round to none
_TICK = Fraction(1, 90_000)  # of a second: the clock of images that do not follow each other at one rate
_FAST = {"preset": "ultrafast", "qp": "20", "x264-params": "rc-lookahead=0:sync-lookahead=0"}  # frames are seen once
_BT601 = {"colorspace": 6, "color_primaries": 6, "color_trc": 6, "color_range": 1}  # numbers of ISO/IEC 23091-2
ENCODABLE: dict[str, Any] = {"format": "nv12", "dst_colorspace": "ITU601", "dst_color_range": "MPEG"}


class VideoWriter:
    """Write images one after the other into `path`, which appears whole when the block ends without an error.

        with VideoWriter("rat.mp4", fps=30, width=640, height=480) as writer:
            writer.write(image)

    Args:
        path: the file to write; its suffix (mp4, mov, mkv, avi) gives the container.
        fps: frames per second.
        width: columns of every image.
        height: rows of every image.
        times: when each image is shown, in increasing seconds; by default they follow each other at `fps`.
        comment: text that the file carries; `comment_of` reads it.
        fast: whether to take about a sixth of the time, for a larger file.

    Raises:
        ArgumentError: `fps` or the size cannot be that of a video.
        StorageError: the disk is full, read-only or not writable.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        fps: float,
        width: int,
        height: int,
        times: Float64[np.ndarray, " T"] | None = None,
        comment: str = "",
        fast: bool = False,
    ) -> None:
        if not _SLOWEST <= fps <= _FASTEST:
            raise ArgumentError(
                f"A video cannot have {fps} frames per second; give a number from {_SLOWEST} to {_FASTEST}."
            )
        if min(width, height) < 1:
            raise ArgumentError(f"A video cannot have {width}x{height} pixels; give a width and a height above 0.")
        self.path = Path(path)
        self.written = 0
        self._rate = Fraction(fps).limit_denominator(1001)
        self._clock = 1 / self._rate if times is None else _TICK
        self._ticks = None if times is None else _ticks(times)
        self._size = (height, width)
        self._comment = comment
        self._effort = _FAST if fast else {"crf": "18", "preset": "veryfast"}
        self._encoding = self._encode()

    def __enter__(self) -> "VideoWriter":
        self._encoding.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._encoding.__exit__(kind, error, trace)

    @contextlib.contextmanager
    def _encode(self) -> Iterator[None]:
        with atomic_path(self.path) as temporary:
            with _sentences(self.path):
                self._container, self._stream = self._open(temporary)
                if self._comment:
                    self._container.metadata["comment"] = self._comment
            try:
                yield
                with _sentences(self.path):
                    self._container.mux(self._stream.encode(None))
                    self._container.close()
            finally:
                _close_quietly(self._container)
            _verify(temporary, self.path, self.written)

    def write(self, image: UInt8[np.ndarray, "H W 3"]) -> None:
        """Append one RGB image of the size given at the start.

        Raises:
            VideoError: the image has another size.
            StorageError: the disk is full or not writable any more.
        """
        if image.shape[:2] != self._size:
            found, expected = f"{image.shape[1]}x{image.shape[0]}", f"{self._size[1]}x{self._size[0]}"
            raise VideoError(f"An image of {found} pixels does not fit {self.path}; give images of {expected}.")
        self.write_picture(encodable(image))

    def write_picture(self, picture: av.VideoFrame) -> None:
        """Append a picture as `encodable` makes them; its time is set.

        Raises:
            StorageError: the disk is full or not writable any more.
        """
        picture.pts = self.written if self._ticks is None else int(self._ticks[self.written])
        picture.time_base = self._clock
        with _sentences(self.path):
            self._container.mux(self._stream.encode(picture))
        self.written += 1

    def _open(self, path: Path) -> tuple[OutputContainer, VideoStream]:
        options = {"movflags": "faststart"} if path.suffix.lower() in (".mp4", ".mov") else {}
        container = av.open(str(path), mode="w", options=options)
        codec, layout, choices = "libx264", "nv12", self._effort
        if codec not in av.codecs_available:
            codec, layout, choices = "mpeg4", "yuv420p", {"qmin": "2", "qmax": "4"}
        stream = container.add_stream(codec, rate=self._rate, options=choices)
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = (side + side % 2 for side in self._size)
        stream.pix_fmt = layout
        stream.codec_context.thread_count = os.cpu_count() or 1  # x264 would take half as many again
        stream.codec_context.time_base = self._clock
        for name, number in _BT601.items():
            setattr(stream.codec_context, name, number)
        return container, stream


def encodable(image: UInt8[np.ndarray, "H W 3"]) -> av.VideoFrame:
    """Convert an RGB image to a picture that encoders take: nv12, BT.601, and sides of even length."""
    frame = av.VideoFrame.from_ndarray(_even(image), format="rgb24")
    return frame.reformat(threads=1, **ENCODABLE)


def comment_of(path: Path) -> str:
    """Read the text that a video carries; nothing where it carries none or cannot be read."""
    try:
        with av.open(str(path)) as container:
            return container.metadata.get("comment", "")
    except (av.error.FFmpegError, OSError, ValueError):  # which is said where the video is used
        return ""


def _ticks(times: Float64[np.ndarray, " T"]) -> Int64[np.ndarray, " T"]:
    """Count ticks from the first image on; no two images share one."""
    ordinals = np.arange(times.size)
    ticks = np.round((times - times[:1]) / float(_TICK)).astype(np.int64)
    return np.maximum.accumulate(ticks - ordinals) + ordinals


def _even(image: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "H2 W2 3"]:
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return np.ascontiguousarray(image)


def _verify(written: Path, path: Path, expected: int) -> None:
    """Count the frames in the file: a full disk does not always make an encoder fail."""
    if expected == 0:
        raise VideoError(f"No image was written to {path}; a video needs at least one.")
    with _sentences(path), av.open(str(written)) as container:
        found = sum(packet.size > 0 for packet in container.demux(video=0))
    if found != expected:
        raise StorageError(f"{path} holds {found} of {expected} frames after writing; check the disk and try again.")


def _close_quietly(container: OutputContainer) -> None:
    with contextlib.suppress(av.error.FFmpegError, OSError):
        container.close()


@contextlib.contextmanager
def _sentences(path: Path) -> Iterator[None]:
    """Turn the encoder's and the disk's refusals into one sentence."""
    try:
        yield
    except (StorageError, VideoError):
        raise
    except OSError as error:
        raise storage_error(path, error) from error
    except (av.error.FFmpegError, ValueError) as error:
        raise VideoError(f"Cannot encode {path} in this format and size; choose a file that ends in .mp4.") from error
