"""Painting the animal on a small window of the frame: distance to spine and tail, fur, ears, paws."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from posecut_core.demo.animal import HEAD_LINKS, Individual
from posecut_core.demo.texture import fractal_noise

_LAMP = np.array([-0.62, -0.78])  # direction towards the lamp in the image plane
# Half width of the body in pixels at fractions of the way from the snout to the tail's base.
_PROFILE = np.array(
    [[0, 1.6], [0.05, 3.4], [0.14, 5.4], [0.25, 7.0], [0.34, 7.0], [0.45, 8.8], [0.62, 12.0], [0.76, 12.6],
     [0.88, 10.2], [0.96, 6.0], [1.0, 3.0]]
)  # fmt: skip


@dataclass(frozen=True)
class Window:
    """A rectangle of the frame: its pixel columns and rows."""

    x: Float32[np.ndarray, " W"]
    y: Float32[np.ndarray, " H"]

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns of the window in the frame."""
        return slice(int(self.y[0]), int(self.y[-1]) + 1), slice(int(self.x[0]), int(self.x[-1]) + 1)


@dataclass(frozen=True)
class Ribbon:
    """Every pixel's place along and across a curve."""

    along: Float32[np.ndarray, "H W"]  # pixels from the first node
    across: Float32[np.ndarray, "H W"]  # pixels to the right of the curve, signed
    distance: Float32[np.ndarray, "H W"]
    lit: Float32[np.ndarray, "H W"]  # how far the curve's right side faces the lamp, -1 to 1


@dataclass(frozen=True)
class Paint:
    """Colour and opacity of the animal, colour already multiplied by opacity."""

    colour: Float32[np.ndarray, "H W 3"]
    opacity: Float32[np.ndarray, "H W"]

    def over(self, other: "Paint") -> "Paint":
        """Lay this on top of another."""
        rest = 1 - self.opacity
        return Paint(self.colour + other.colour * rest[..., None], self.opacity + other.opacity * rest)


def window_around(points: Float64[np.ndarray, "N 2"], *, height: int, width: int, margin: int = 18) -> Window:
    """Cut the smallest window that holds the points and a margin, inside the frame."""
    low = np.maximum(np.floor(points.min(0)) - margin, 0).astype(int)
    high = np.minimum(np.ceil(points.max(0)) + margin + 1, [width, height]).astype(int)
    return Window(np.arange(low[0], high[0], dtype=np.float32), np.arange(low[1], high[1], dtype=np.float32))


def fur_texture(rng: np.random.Generator) -> Float32[np.ndarray, "128 64"]:
    """Draw hair: streaks along the body; rows run along it and columns across, two cells per pixel."""
    return fractal_noise(rng, (256, 128), (11.0, 3.5), octaves=3)[:128, :64]


def ribbon(nodes: Float64[np.ndarray, "N 2"], window: Window) -> Ribbon:
    """Find for every pixel the nearest point of the polyline."""
    start, link = nodes[:-1].astype(np.float32), np.diff(nodes, axis=0).astype(np.float32)
    length = np.hypot(link[:, 0], link[:, 1])
    direction = (link / length[:, None])[:, :, None, None]
    dx = window.x[None, None, :] - start[:, 0, None, None]
    dy = window.y[None, :, None] - start[:, 1, None, None]
    reach = np.clip(dx * direction[:, 0] + dy * direction[:, 1], 0, length[:, None, None])
    away = (dx - reach * direction[:, 0]) ** 2 + (dy - reach * direction[:, 1]) ** 2
    nearest = np.argmin(away, axis=0)[None]

    def take(values: Float32[np.ndarray, "N H W"]) -> Float32[np.ndarray, "H W"]:
        return np.take_along_axis(values, nearest, axis=0)[0]

    before = np.concatenate([[0], np.cumsum(length)[:-1]]).astype(np.float32)[nearest[0]]
    cross = take(dx * direction[:, 1] - dy * direction[:, 0])
    right = np.stack([link[:, 1], -link[:, 0]], axis=1) / length[:, None]
    facing = (right @ _LAMP).astype(np.float32)[nearest[0]]
    return Ribbon(before + take(reach), cross, np.sqrt(take(away)), facing)


def paint_body(
    place: Ribbon, individual: Individual, fur: Float32[np.ndarray, "128 64"], length: float, breath: float
) -> Paint:
    """Paint head and trunk: fur that sticks to the body, darker on the back, rounded by the lamp."""
    fraction, widths = _PROFILE[:, 0], _PROFILE[:, 1] * individual.size
    girth = np.where(fraction > 0.34, individual.girth * breath, 1.0)
    half = np.interp(place.along / length, fraction, widths * girth).astype(np.float32)
    side = np.clip(place.across / half, -1, 1)
    height = np.sqrt(1 - 0.92 * side * side)
    shade = 0.60 + 0.40 * height + 0.20 * side * place.lit
    rows = (np.clip(place.along * 1.5, 0, 127)).astype(int)
    columns = np.clip(place.across * 2 + 32, 0, 63).astype(int)
    back = np.exp(-((place.across / (0.55 * half)) ** 2))[..., None]
    coat = np.asarray(individual.coat, np.float32) * back + np.asarray(individual.belly, np.float32) * (1 - back)
    colour = coat * (shade * (1 + 0.24 * fur[rows, columns]))[..., None]
    nose = np.clip(1 - place.along / (2.6 * individual.size), 0, 1)[..., None]
    colour = colour * (1 - nose) + np.asarray(individual.skin, np.float32) * nose
    return _paint(colour, half - place.distance)


def paint_tail(place: Ribbon, individual: Individual, length: float) -> Paint:
    """Paint the tail: thick at its base, ringed, thin at its tip."""
    half = individual.size * (0.95 + 2.1 * np.exp(-place.along / (0.22 * length)))
    rings = 1 + 0.08 * np.sin(place.along * 2.4)
    side = np.clip(place.across / half, -1, 1)
    shade = (0.66 + 0.18 * side * place.lit) * rings
    return _paint(np.asarray(individual.skin, np.float32) * shade[..., None], half - place.distance)


def paint_disc(
    centre: Float64[np.ndarray, "2"],
    window: Window,
    *,
    radius: float,
    rim: tuple[float, float, float],
    inner: tuple[float, float, float],
) -> Paint:
    """Paint an ear, a paw or an eye: a disc whose colour changes from rim to middle."""
    dx, dy = window.x[None, :] - np.float32(centre[0]), window.y[:, None] - np.float32(centre[1])
    distance = np.sqrt(dx * dx + dy * dy)
    inside = np.clip((radius * 0.86 - distance) / (0.45 * radius), 0, 1)[..., None]
    colour = np.asarray(rim, np.float32) * (1 - inside) + np.asarray(inner, np.float32) * inside
    return _paint(colour, np.float32(radius) - distance)


def with_disc(
    below: Paint,
    centre: Float64[np.ndarray, "2"],
    window: Window,
    *,
    radius: float,
    rim: tuple[float, float, float],
    inner: tuple[float, float, float],
) -> Paint:
    """Lay a disc on top of what is painted; only the pixels around it are computed."""
    low = np.floor(centre - radius).astype(int) - 1 - [int(window.x[0]), int(window.y[0])]
    columns, rows = (slice(max(0, start), start + int(2 * radius) + 4) for start in low.tolist())
    disc = paint_disc(centre, Window(window.x[columns], window.y[rows]), radius=radius, rim=rim, inner=inner)
    patch = disc.over(Paint(below.colour[rows, columns], below.opacity[rows, columns]))
    colour, opacity = below.colour.copy(), below.opacity.copy()
    colour[rows, columns], opacity[rows, columns] = patch.colour, patch.opacity
    return Paint(colour, opacity)


def eyes(spine: Float64[np.ndarray, "S 2"], size: float) -> Float64[np.ndarray, "2 2"]:
    """Place the eyes between snout and ears, on both sides."""
    forward = spine[0] - spine[HEAD_LINKS]
    forward = forward / np.hypot(*forward)
    side = np.array([forward[1], -forward[0]]) * 4.6 * size
    middle = 0.62 * spine[0] + 0.38 * spine[HEAD_LINKS]
    return np.stack([middle + side, middle - side])


def _paint(colour: Float32[np.ndarray, "H W 3"] | Float64[np.ndarray, "H W 3"], inside: np.ndarray) -> Paint:
    """Cut a colour out where `inside` (pixels to the outline) is positive, with a smooth edge."""
    opacity = np.clip(inside + 0.5, 0, 1).astype(np.float32)
    return Paint((colour * opacity[..., None]).astype(np.float32), opacity)
