"""Planes of decoded pictures as arrays."""

import av
import numpy as np
from av.video.plane import VideoPlane
from jaxtyping import UInt8, UInt16

_BT601 = {2, 5, 6}  # matrices of ISO/IEC 23091-2: not said, and both of its numbers
_NARROW = {0, 1}  # FFmpeg's ranges: not said, and the narrow one


def rows_of(plane: VideoPlane) -> UInt8[np.ndarray, "rows bytes"]:
    """Return the bytes of a plane, which may be more in a row than its pixels; writing changes the picture."""
    return np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)


def can_be_halved(picture: av.VideoFrame) -> bool:
    """Tell whether `with_halved_chroma` makes what an encoder takes of a picture whose sides are even."""
    return picture.format.name == "yuv444p" and picture.colorspace in _BT601 and picture.color_range in _NARROW


def with_halved_chroma(picture: av.VideoFrame) -> av.VideoFrame:
    """Convert yuv444p to nv12 by the means of 2x2 pixels; FFmpeg, which filters wider, takes three times as long."""
    converted = av.VideoFrame(picture.width, picture.height, "nv12")
    luma, chroma = (rows_of(plane) for plane in converted.planes)
    y, u, v = (rows_of(plane)[:, : picture.width] for plane in picture.planes)
    luma[:, : picture.width] = y
    pairs = _means_of_four(v)
    pairs <<= 8
    pairs |= _means_of_four(u)
    chroma.view("<u2")[:, : picture.width // 2] = pairs
    return converted


def _means_of_four(channel: UInt8[np.ndarray, "rows columns"]) -> UInt16[np.ndarray, "rows/2 columns/2"]:
    """Return the mean of each 2x2 pixels."""
    pairs = channel.view("<u2")
    sums = pairs & 255
    sums += pairs >> 8
    means = sums[::2] + sums[1::2]
    means += 2
    means >>= 2
    return means
