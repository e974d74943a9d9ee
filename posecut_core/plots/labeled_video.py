"""Draw poses on the pictures of a video: anti-aliased discs, trails and bones, straight on what an encoder takes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import av
import numpy as np
from jaxtyping import Bool, Float64, UInt8, UInt16

from posecut_core.types import Crop
from posecut_core.video.planes import rows_of

_FADED = 0.25  # opacity and size of the oldest disc of a trail, relative to the newest
_FRACTIONS, _OLDER_FRACTIONS = 16, 4  # of a pixel: how exactly discs are placed, and those of trails
_OPACITY = 256  # of what is opaque: colors are mixed in whole numbers of 16 bits
_STAMPS = 4096  # discs kept: a video draws few kinds, again and again
_OPACITY_STEP = 8  # of _OPACITY, so that likelihoods do not make each disc a kind of its own
_FARTHEST = 1e6  # pixels from the frame: a position beyond that is not one
_BT601 = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]) / 255
_BLACK = (16, 128)  # luma, and both chroma


@dataclass(frozen=True)
class PoseStyle:
    """How a pose looks."""

    colors: UInt8[np.ndarray, "K 3"]
    dotsize: int | float  # diameter of a disc in pixels of the frame
    alphavalue: int | float  # opacity, 0 to 1
    pcutoff: int | float  # only points with a likelihood above it are drawn
    bones: tuple[tuple[int, int], ...] = ()  # pairs of bodyparts to connect
    bone_color: tuple[int, int, int] = (0, 0, 0)
    trailpoints: int = 0  # earlier positions to show
    confidence_to_alpha: bool = False  # whether the likelihood of a point is a part of its opacity

    @cached_property
    def yuv(self) -> UInt8[np.ndarray, "colors 3"]:
        """Colors of bodyparts, and then of bones, in BT.601 of the narrow range."""
        colors = np.vstack([self.colors, self.bone_color])
        return np.round(colors @ _BT601.T + (16, 128, 128)).astype(np.uint8)


@dataclass(frozen=True)
class Layer:
    """Channels of a picture that have the same resolution."""

    pixels: UInt8[np.ndarray, "h w channels"]  # drawn on in place
    colors: UInt8[np.ndarray, "colors channels"]  # of bodyparts, and then of bones
    step: int = 1  # pixels of the frame from one of the layer's to the next


def layers_of(picture: av.VideoFrame, style: PoseStyle, columns: range | None = None) -> tuple[Layer, Layer]:
    """Return luma and chroma of an nv12 picture, or of some of its columns, to draw on."""
    shown = slice(columns.start, columns.stop) if columns else slice(0, picture.width)
    luma, chroma = (rows_of(plane) for plane in picture.planes)
    luma = luma[:, shown, None]
    chroma = chroma.reshape(len(chroma), -1, 2)[:, shown.start // 2 : shown.stop // 2]
    return Layer(luma, style.yuv[:, :1]), Layer(chroma, style.yuv[:, 1:], step=2)


def draw_pose(
    layers: Sequence[Layer],
    xy: Float64[np.ndarray, "past K 2"],
    likelihood: Float64[np.ndarray, "past K"],
    style: PoseStyle,
) -> None:
    """Draw the pose on the layers of a picture, in place; what lies outside is left out.

    Args:
        layers: of the picture.
        xy: positions of the latest frames in pixels of the picture, this frame's last; earlier ones make the trail.
        likelihood: of each position.
        style: colors and sizes.
    """
    shown = _visible_points(xy, likelihood, style.pcutoff)
    opacity = style.alphavalue * (likelihood if style.confidence_to_alpha else np.ones_like(likelihood))
    for first, second in style.bones:
        if shown[-1, first] and shown[-1, second]:
            ends, alpha = xy[-1, [first, second]].tolist(), float(opacity[-1, [first, second]].min())
            for layer in layers:
                _draw_line(layer, ends, max(1.0, style.dotsize / 5), alpha * _OPACITY)
    for age in range(len(xy) - 1, -1, -1):
        strength = 1.0 if age == 0 else _FADED + (0.6 - _FADED) * (1 - age / len(xy))
        radius, fractions = max(0.5, style.dotsize / 2 * strength), _OLDER_FRACTIONS if age else _FRACTIONS
        opacities = np.round(opacity[-1 - age] * (strength * _OPACITY / _OPACITY_STEP)).astype(int) * _OPACITY_STEP
        for k in np.flatnonzero(shown[-1 - age]).tolist():
            x, y = xy[-1 - age, k].tolist()
            for layer in layers:
                _draw_disc(layer, x, y, radius, k, int(opacities[k]), fractions)


def beside(pictures: Sequence[av.VideoFrame], window: Crop | None = None) -> av.VideoFrame:
    """Put nv12 pictures of one size side by side, or copy one: of each a window, or all.

    The window is made larger by a pixel where it begins or ends within a pair of pixels, which share their chroma.
    """
    height, width = pictures[0].height, pictures[0].width
    shown = window or Crop.of_frame(width, height)
    left, top = even_corner(shown)
    right, bottom = shown.x2 + shown.x2 % 2, shown.y2 + shown.y2 % 2
    joined = av.VideoFrame((right - left) * len(pictures), bottom - top, "nv12")
    for place, step in enumerate((1, 2)):
        parts = [rows_of(picture.planes[place]) for picture in (*pictures, joined)]
        rows = slice(top // step, bottom // step)
        for number, part in enumerate(parts[:-1]):
            start = number * (right - left)
            parts[-1][:, start : start + right - left] = part[rows, left:right]
    return joined


def even_corner(window: Crop) -> tuple[int, int]:
    """Return the left and the top of a window, on the borders of pairs of pixels."""
    return window.x1 - window.x1 % 2, window.y1 - window.y1 % 2


def black_picture(width: int, height: int) -> av.VideoFrame:
    """Return an nv12 picture of one color."""
    picture = av.VideoFrame(width + width % 2, height + height % 2, "nv12")
    for plane, value in zip(picture.planes, _BLACK, strict=True):
        rows_of(plane)[:] = value
    return picture


def _visible_points(
    xy: Float64[np.ndarray, "past K 2"], likelihood: Float64[np.ndarray, "past K"], pcutoff: int | float
) -> Bool[np.ndarray, "past K"]:
    """Tell which points are drawn: likelihood above pcutoff, and a position."""
    return (likelihood > pcutoff) & (np.abs(xy) < _FARTHEST).all(axis=-1)  # NaN is not


def _draw_disc(layer: Layer, x: float, y: float, radius: float, part: int, opacity: int, fractions: int) -> None:
    """Blend an anti-aliased disc into a layer."""
    x, y, radius = (x + 0.5) / layer.step - 0.5, (y + 0.5) / layer.step - 0.5, radius / layer.step
    column, of_x = divmod(round(x * fractions), fractions)
    row, of_y = divmod(round(y * fractions), fractions)
    tint, below = _stamp(radius, of_x / fractions, of_y / fractions, opacity, layer.colors[part].tobytes())
    side = len(tint)
    top, left = row - side // 2, column - side // 2
    height, width = layer.pixels.shape[:2]
    if top < 0 or left < 0 or top + side > height or left + side > width:
        inside = slice(max(0, -top), max(0, height - top)), slice(max(0, -left), max(0, width - left))
        tint, below = tint[inside], below[inside]
        if not tint.size:
            return
        top, left = max(0, top), max(0, left)
    window = layer.pixels[top : top + len(tint), left : left + tint.shape[1]]
    window[...] = _mixed(window, tint, below)


@lru_cache(maxsize=_STAMPS)
def _stamp(
    radius: float, of_x: float, of_y: float, opacity: int, color: bytes
) -> tuple[UInt16[np.ndarray, "side side channels"], UInt16[np.ndarray, "side side channels"]]:
    """Return what `_mixed` takes for a disc of a color."""
    places = np.arange(2 * math.ceil(radius + 1) + 1, dtype=np.float64) - math.ceil(radius + 1)
    distance = np.hypot(places[None, :] - of_x, places[:, None] - of_y)
    above = np.round(opacity * np.clip(radius + 0.5 - distance, 0.0, 1.0)).astype(np.uint16)[..., None]
    return _tinted(above, np.frombuffer(color, np.uint8))


def _tinted(
    above: UInt16[np.ndarray, "*place 1"], color: UInt8[np.ndarray, " channels"]
) -> tuple[UInt16[np.ndarray, "*place channels"], UInt16[np.ndarray, "*place channels"]]:
    """Return what a color of some opacity adds to pixels, and what is left of these, in units of 1/256."""
    return above * color + _OPACITY // 2, np.repeat(_OPACITY - above, color.size, axis=-1)  # the half rounds the sum


def _mixed(
    pixels: UInt8[np.ndarray, "*place channels"],
    tint: UInt16[np.ndarray, "*place channels"],
    below: UInt16[np.ndarray, "*place channels"],
) -> UInt16[np.ndarray, "*place channels"]:
    mixed = pixels * below
    mixed += tint
    mixed >>= 8
    return mixed


def _draw_line(layer: Layer, ends: Sequence[Sequence[float]], width: float, opacity: float) -> None:
    """Blend an anti-aliased line into a layer: a band of pixels across it for each pixel along its longer axis."""
    (x1, y1), (x2, y2) = (((x + 0.5) / layer.step - 0.5, (y + 0.5) / layer.step - 0.5) for x, y in ends)
    width = width / layer.step
    height_width = layer.pixels.shape[:2]
    flat = abs(x2 - x1) >= abs(y2 - y1)
    (u1, v1), (u2, v2) = ((x1, y1), (x2, y2)) if flat else ((y1, x1), (y2, x2))
    along, across = height_width[flat], height_width[not flat]  # pixels
    first, last = max(0, math.floor(min(u1, u2) - width)), min(along, math.ceil(max(u1, u2) + width) + 1)
    if first >= last:
        return
    du, dv = u2 - u1, v2 - v1
    slope, length = dv / du if du else 0.0, max(du * du + dv * dv, 1e-12)
    u = np.arange(first, last)[:, None]
    reach = math.ceil((width / 2 + 1) * math.hypot(1.0, slope))
    v = np.rint(v1 + slope * (u - u1)).astype(np.int64) + np.arange(-reach, reach + 1)
    from_u, from_v = u - u1, v - v1
    share = np.minimum(np.maximum((from_u * du + from_v * dv) / length, 0.0), 1.0)
    covered = width / 2 + 0.5 - np.hypot(from_u - share * du, from_v - share * dv)
    drawn = (covered > 0) & (v >= 0) & (v < across)
    above = np.rint(opacity * np.minimum(covered[drawn], 1.0)).astype(np.uint16)[:, None]
    at = np.broadcast_to(u, v.shape)[drawn], v[drawn]
    place = at[::-1] if flat else at
    layer.pixels[place] = _mixed(layer.pixels[place], *_tinted(above, layer.colors[-1]))
