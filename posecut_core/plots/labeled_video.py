"""Draw poses on frames with numpy alone: anti-aliased discs, trails and bones, fast enough for long videos."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, UInt8

_FADED = 0.25  # opacity and size of the oldest disc of a trail, relative to the newest


@dataclass(frozen=True)
class PoseStyle:
    """How a pose looks."""

    colours: UInt8[np.ndarray, "K 3"]
    dotsize: int | float  # diameter of a disc in pixels of the frame
    alphavalue: int | float  # opacity, 0 to 1
    pcutoff: int | float  # only points with a likelihood above it are drawn
    bones: tuple[tuple[int, int], ...] = ()  # pairs of bodyparts to connect
    bone_colour: tuple[int, int, int] = (0, 0, 0)
    trailpoints: int = 0  # earlier positions to show


def draw_pose(
    image: UInt8[np.ndarray, "H W 3"],
    xy: Float64[np.ndarray, "past K 2"],
    likelihood: Float64[np.ndarray, "past K"],
    style: PoseStyle,
) -> UInt8[np.ndarray, "H W 3"]:
    """Return a copy of the frame with the pose drawn on it.

    Args:
        image: the frame.
        xy: positions of the latest frames in pixels, this frame's last; earlier ones make the trail.
        likelihood: of each position.
        style: colours and sizes.
    """
    drawn = image.copy()
    shown = _visible_points(xy, likelihood, style.pcutoff)
    for first, second in style.bones:
        if shown[-1, first] and shown[-1, second]:
            _draw_line(drawn, xy[-1, first], xy[-1, second], max(1.0, style.dotsize / 5), style)
    for age in range(len(xy) - 1, -1, -1):
        strength = 1.0 if age == 0 else _FADED + (0.6 - _FADED) * (1 - age / len(xy))
        for k in np.flatnonzero(shown[-1 - age]):
            radius = max(0.5, style.dotsize / 2 * strength)
            _draw_disc(drawn, xy[-1 - age, k], radius, style.colours[k], style.alphavalue * strength)
    return drawn


def _visible_points(
    xy: Float64[np.ndarray, "past K 2"], likelihood: Float64[np.ndarray, "past K"], pcutoff: int | float
) -> Bool[np.ndarray, "past K"]:
    """Tell which points are drawn: likelihood above pcutoff, and a position."""
    return (likelihood > pcutoff) & ~np.isnan(xy).any(axis=-1)


def _draw_disc(
    image: UInt8[np.ndarray, "H W 3"],
    centre: Float64[np.ndarray, "2"],
    radius: float,
    colour: UInt8[np.ndarray, "3"],
    alpha: int | float,
) -> None:
    """Blend an anti-aliased disc into `image` in place; what lies outside the frame is left out."""
    part = _window(image, centre, centre, radius)
    if part is None:
        return
    distance = np.hypot(_columns(part) - centre[0], _rows(part) - centre[1])
    _blend(image, part, colour, alpha * np.clip(radius + 0.5 - distance, 0.0, 1.0))


def _draw_line(
    image: UInt8[np.ndarray, "H W 3"],
    start: Float64[np.ndarray, "2"],
    end: Float64[np.ndarray, "2"],
    width: float,
    style: PoseStyle,
) -> None:
    part = _window(image, start, end, width)
    if part is None:
        return
    direction = end - start
    x, y = _columns(part) - start[0], _rows(part) - start[1]
    along = np.clip((x * direction[0] + y * direction[1]) / max(float(direction @ direction), 1e-12), 0.0, 1.0)
    distance = np.hypot(x - along * direction[0], y - along * direction[1])
    colour = np.array(style.bone_colour, dtype=np.uint8)
    _blend(image, part, colour, style.alphavalue * np.clip(width / 2 + 0.5 - distance, 0.0, 1.0))


def _window(
    image: UInt8[np.ndarray, "H W 3"], start: Float64[np.ndarray, "2"], end: Float64[np.ndarray, "2"], reach: float
) -> tuple[slice, slice] | None:
    """Find the rows and columns within `reach` of a segment; None where they lie outside the frame."""
    low, high = np.minimum(start, end) - reach - 1, np.maximum(start, end) + reach + 1
    height, width = image.shape[:2]
    left, right = max(0, math.floor(low[0])), min(width, math.ceil(high[0]) + 1)
    top, bottom = max(0, math.floor(low[1])), min(height, math.ceil(high[1]) + 1)
    return (slice(top, bottom), slice(left, right)) if left < right and top < bottom else None


def _rows(part: tuple[slice, slice]) -> Float64[np.ndarray, "h 1"]:
    return np.arange(part[0].start, part[0].stop, dtype=np.float64)[:, None]


def _columns(part: tuple[slice, slice]) -> Float64[np.ndarray, "1 w"]:
    return np.arange(part[1].start, part[1].stop, dtype=np.float64)[None, :]


def _blend(
    image: UInt8[np.ndarray, "H W 3"],
    part: tuple[slice, slice],
    colour: UInt8[np.ndarray, "3"],
    opacity: Float64[np.ndarray, "h w"],
) -> None:
    below = image[part].astype(np.float32)
    mixed = below + (colour.astype(np.float32) - below) * opacity[..., None].astype(np.float32)
    image[part] = np.round(mixed).astype(np.uint8)
