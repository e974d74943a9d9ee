"""The drawn animal: how it moves, its posture and bodyparts, its fur, and how it is painted."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

# --- texture ----------------------------------------------------------------------------------------------------------
# Smooth random textures for floors, fur and wood.


def value_noise(
    rng: np.random.Generator, shape: tuple[int, int], cell: tuple[float, float]
) -> Float32[np.ndarray, "H W"]:
    """Draw smooth noise of mean 0 and range about -1 to 1.

    Args:
        rng: source of randomness.
        shape: height and width in pixels.
        cell: height and width of one blob in pixels; unequal numbers give streaks.
    """
    rows, columns = (np.arange(size) / length for size, length in zip(shape, cell, strict=True))
    grid = rng.uniform(-1, 1, (int(rows[-1]) + 2, int(columns[-1]) + 2))
    upper, lower = _between(grid, rows, columns)
    weight = _smoothstep(rows % 1)[:, None]
    return (upper * (1 - weight) + lower * weight).astype(np.float32)


def fractal_noise(
    rng: np.random.Generator, shape: tuple[int, int], cell: tuple[float, float], *, octaves: int = 4
) -> Float32[np.ndarray, "H W"]:
    """Add up `octaves` of value noise, each at half the size and half the strength of the one before."""
    layers = [
        value_noise(rng, shape, (cell[0] / 2**octave, cell[1] / 2**octave)) / 2**octave for octave in range(octaves)
    ]
    return np.asarray(np.stack(layers).sum(axis=0))


def _between(
    grid: Float64[np.ndarray, "h w"], rows: Float64[np.ndarray, " H"], columns: Float64[np.ndarray, " W"]
) -> tuple[Float64[np.ndarray, "H W"], Float64[np.ndarray, "H W"]]:
    """Interpolate the grid rows above and below each pixel along the columns."""
    top, left = rows.astype(int), columns.astype(int)
    weight = _smoothstep(columns % 1)
    along = grid[:, left] * (1 - weight) + grid[:, left + 1] * weight
    return along[top], along[top + 1]


def _smoothstep(x: Float64[np.ndarray, " N"]) -> Float64[np.ndarray, " N"]:
    return x * x * (3 - 2 * x)


# --- motion -----------------------------------------------------------------------------------------------------------
# How the animal moves: a wandering leader point, and a spine and tail that follow it.


SUBSTEPS = 3  # moments of one exposure that are drawn and averaged; the middle one is the truth
_WARM_UP = 120  # moments simulated before the first frame, so that the tail has settled
_TURN = 0.055  # largest change of heading per moment, radians
_TOP_SPEED = 1.15  # pixels per moment


@dataclass(frozen=True)
class Walk:
    """Where the animal goes, moment by moment; a video of T frames has M = 3 T moments."""

    neck: Float64[np.ndarray, "M 2"]
    heading: Float64[np.ndarray, " M"]  # radians, direction of travel
    head: Float64[np.ndarray, " M"]  # radians, direction of the head
    traveled: Float64[np.ndarray, " M"]  # pixels since the start; drives the gait


def wander(rng: np.random.Generator, *, frames: int, waypoints: Float64[np.ndarray, "P 2"], speed: float = 1.0) -> Walk:
    """Walk from waypoint to waypoint with pauses, turns and a scanning head.

    Args:
        rng: source of randomness.
        frames: length of the video.
        waypoints: places to visit in turn, in pixels; the walk starts at the first.
        speed: factor on the usual speed.
    """
    moments = frames * SUBSTEPS + _WARM_UP
    pace = np.clip(0.62 + 0.75 * drift(rng, moments, 150.0), 0.0, 1.0) * _TOP_SPEED * speed
    veer = 0.012 * drift(rng, moments, 40.0)
    scan = 0.55 * drift(rng, moments, 70.0)
    necks, headings = _steer(waypoints, pace, veer)
    steps = np.linalg.norm(np.diff(necks, axis=0, prepend=necks[:1]), axis=1)
    return Walk(necks, headings, headings + scan, np.cumsum(steps))


def drift(rng: np.random.Generator, moments: int, period: float) -> Float64[np.ndarray, " M"]:
    """Draw a smooth random signal, mostly within -1 and 1, that changes over `period` moments."""
    knots = rng.normal(0, 0.55, int(moments / period * 2) + 4)
    places = np.linspace(1, len(knots) - 2.001, moments)
    left, weight = places.astype(int), places % 1
    weight = (1 - np.cos(np.pi * weight)) / 2
    return knots[left] * (1 - weight) + knots[left + 1] * weight


def _follow(
    leader: Float64[np.ndarray, "M 2"],
    heading: Float64[np.ndarray, " M"],
    lengths: Float64[np.ndarray, " S"],
    bends: Float64[np.ndarray, " S"],
) -> Float64[np.ndarray, "N C 2"]:
    """Pull a chain of S links behind the leader; the warm-up is cut off.

    Args:
        leader: first point of the chain at every moment.
        heading: direction against which the first link bends, radians.
        lengths: length of each link in pixels.
        bends: largest angle of each link against the one before it, radians.
    """
    chain = leader[0] - np.concatenate([[0.0], np.cumsum(lengths)])[:, None] * _unit(heading[0])
    chains = np.empty((len(leader), *chain.shape))
    for moment, (point, angle) in enumerate(zip(leader, heading, strict=True)):
        chain[0] = point
        for link, (length, bend) in enumerate(zip(lengths, bends, strict=True)):
            toward = chain[link] - chain[link + 1]
            turned = _wrap(np.arctan2(toward[1], toward[0]) - angle)
            angle = angle + np.clip(turned, -bend, bend)
            chain[link + 1] = chain[link] - length * _unit(angle)
        chains[moment] = chain
    return chains[_WARM_UP:]


def _settled(values: Float64[np.ndarray, "M *rest"]) -> Float64[np.ndarray, "N *rest"]:
    """Drop the moments of the warm-up."""
    return values[_WARM_UP:]


def _steer(
    waypoints: Float64[np.ndarray, "P 2"], pace: Float64[np.ndarray, " M"], veer: Float64[np.ndarray, " M"]
) -> tuple[Float64[np.ndarray, "M 2"], Float64[np.ndarray, " M"]]:
    """Turn toward the next waypoint, slower where the turn is sharp."""
    position, target = waypoints[0].copy(), 1
    angle = float(np.arctan2(*(waypoints[1] - waypoints[0])[::-1]))
    positions, angles = np.empty((len(pace), 2)), np.empty(len(pace))
    for moment in range(len(pace)):
        away = waypoints[target % len(waypoints)] - position
        target += int(np.hypot(*away) < 24)
        turn = _wrap(np.arctan2(away[1], away[0]) - angle)
        moving = pace[moment] / _TOP_SPEED
        angle += float(np.clip(0.06 * turn, -_TURN, _TURN)) * min(1.0, 0.25 + moving) + veer[moment] * moving
        position = position + pace[moment] * (1 - 0.55 * abs(turn) / np.pi) * _unit(angle)
        positions[moment], angles[moment] = position, angle
    return positions, angles


def _unit(angle: float) -> Float64[np.ndarray, "2"]:
    return np.array([np.cos(angle), np.sin(angle)])


def _wrap(angle: float) -> float:
    return float((angle + np.pi) % (2 * np.pi) - np.pi)


# --- animal -----------------------------------------------------------------------------------------------------------
# The animal's build and its posture: nodes of spine and tail, ears, paws, and where its bodyparts are.


BODYPARTS = ("snout", "leftear", "rightear", "neck", "centre", "tailbase", "tailtip")
SKELETON = (
    ("snout", "leftear"),
    ("snout", "rightear"),
    ("leftear", "neck"),
    ("rightear", "neck"),
    ("neck", "centre"),
    ("centre", "tailbase"),
    ("tailbase", "tailtip"),
)
_HEAD_LINKS, _BODY_LINKS, _TAIL_LINKS = 3, 7, 11
_STRIDE = 26.0  # pixels traveled per cycle of the gait


@dataclass(frozen=True)
class Individual:
    """One animal's build and coat."""

    size: float  # factor on every length
    girth: float  # factor on the width of the body
    coat: tuple[float, float, float]  # color of the back, 0 to 1
    belly: tuple[float, float, float]  # color of the flanks
    skin: tuple[float, float, float] = (0.80, 0.58, 0.54)  # ears, paws, tail

    @property
    def head(self) -> float:
        """Length from the snout to the neck in pixels."""
        return 21.0 * self.size

    @property
    def trunk(self) -> float:
        """Length from the neck to the tail's base in pixels."""
        return 42.0 * self.size

    @property
    def tail(self) -> float:
        """Length of the tail in pixels."""
        return 50.0 * self.size


@dataclass(frozen=True)
class Posture:
    """Where everything of the animal is at each of M moments, in pixels of the frame."""

    spine: Float64[np.ndarray, "M S 2"]  # from the snout to the tail's base
    tail: Float64[np.ndarray, "M Q 2"]  # from the tail's base to its tip
    ears: Float64[np.ndarray, "M 2 2"]  # left, right
    paws: Float64[np.ndarray, "M 4 2"]  # left fore, right fore, left hind, right hind
    breath: Float64[np.ndarray, " M"]  # factor on the girth

    def bodyparts(self) -> Float64[np.ndarray, "M 7 2"]:
        """Collect the points in the order of `BODYPARTS`."""
        center = (_HEAD_LINKS * 2 + _BODY_LINKS + 1) // 2
        points = [
            self.spine[:, :1],
            self.ears,
            self.spine[:, [_HEAD_LINKS, center]],
            self.spine[:, -1:],
            self.tail[:, -1:],
        ]
        return np.concatenate(points, axis=1)


def pose(walk: Walk, individual: Individual) -> Posture:
    """Give the walk a body: head in front of the neck, trunk and tail pulled behind it."""
    lengths = np.repeat([individual.trunk / _BODY_LINKS, individual.tail / _TAIL_LINKS], [_BODY_LINKS, _TAIL_LINKS])
    bends = np.repeat([0.30, 0.32], [_BODY_LINKS, _TAIL_LINKS])
    chain = _follow(walk.neck, walk.heading, lengths, bends)
    gait = _settled(walk.traveled)[:, None] * (2 * np.pi / _STRIDE)
    chain = chain + _sway(chain, gait, individual.size)
    head = _head(chain[:, 0], _settled(walk.head), individual.head)
    moments = np.arange(len(chain))
    return Posture(
        spine=np.concatenate([head, chain[:, : _BODY_LINKS + 1]], axis=1),
        tail=chain[:, _BODY_LINKS:],
        ears=_ears(chain[:, 0], _settled(walk.head), individual),
        paws=_paws(chain, gait, individual),
        breath=1 + 0.025 * np.sin(moments * 0.35),
    )


def _head(
    neck: Float64[np.ndarray, "M 2"], direction: Float64[np.ndarray, " M"], length: float
) -> Float64[np.ndarray, "M 3 2"]:
    reach = length * np.linspace(1, 0, _HEAD_LINKS, endpoint=False)
    return neck[:, None] + reach[:, None] * _units(direction)[:, None]


def _ears(
    neck: Float64[np.ndarray, "M 2"], direction: Float64[np.ndarray, " M"], individual: Individual
) -> Float64[np.ndarray, "M 2 2"]:
    """Place the ears beside the back of the head; the image's y runs down, so left is at a smaller angle."""
    forward = _units(direction)
    left = np.stack([forward[:, 1], -forward[:, 0]], axis=1)
    middle = neck + 0.33 * individual.head * forward
    spread = 7.4 * individual.size
    return np.stack([middle + spread * left, middle - spread * left], axis=1)


def _sway(
    chain: Float64[np.ndarray, "M N 2"], gait: Float64[np.ndarray, "M 1"], size: float
) -> Float64[np.ndarray, "M N 2"]:
    """Swing the hips and the tail sideways with the gait, more toward the tip."""
    along = np.arange(chain.shape[1])
    growth = np.clip(along / _BODY_LINKS, 0, 1) * 0.9 + np.clip((along - _BODY_LINKS) / _TAIL_LINKS, 0, 1) * 2.2
    sideways = growth * size * np.sin(gait - along * 0.45)
    return sideways[..., None] * _normals(chain)


def _paws(
    chain: Float64[np.ndarray, "M N 2"], gait: Float64[np.ndarray, "M 1"], individual: Individual
) -> Float64[np.ndarray, "M 4 2"]:
    """Step diagonally: left fore with right hind."""
    normals = _normals(chain)
    forward = np.stack([normals[..., 1], -normals[..., 0]], axis=-1)
    paws = []
    for node, spread in ((1, 8.6), (_BODY_LINKS - 2, 11.6)):
        for side in (-1, 1):
            phase = gait + (np.pi if (side > 0) == (node == 1) else 0.0)
            step = 4.5 * individual.size * np.sin(phase)
            outward = side * spread * individual.size * individual.girth
            paws.append(chain[:, node] + step * forward[:, node] + outward * normals[:, node])
    return np.stack(paws, axis=1)


def _normals(chain: Float64[np.ndarray, "M N 2"]) -> Float64[np.ndarray, "M N 2"]:
    """Point to the animal's right at each node (seen from above, y down)."""
    tangent = np.gradient(chain, axis=1)
    tangent /= np.linalg.norm(tangent, axis=-1, keepdims=True)
    return np.stack([tangent[..., 1], -tangent[..., 0]], axis=-1)


def _units(angles: Float64[np.ndarray, " M"]) -> Float64[np.ndarray, "M 2"]:
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


# --- coat -------------------------------------------------------------------------------------------------------------
# Painting the animal on a small window of the frame: distance to spine and tail, fur, ears, paws.


_LAMP = np.array([-0.62, -0.78])  # direction toward the lamp in the image plane
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
    """Color and opacity of the animal, color already multiplied by opacity."""

    color: Float32[np.ndarray, "H W 3"]
    opacity: Float32[np.ndarray, "H W"]

    def over(self, other: "Paint") -> "Paint":
        """Lay this on top of another."""
        rest = 1 - self.opacity
        return Paint(self.color + other.color * rest[..., None], self.opacity + other.opacity * rest)


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
    direction = link / length[:, None]
    shape = len(window.y), len(window.x)
    nearest, least = np.zeros(shape, np.intp), np.full(shape, np.inf, np.float32)
    along, across = np.empty(shape, np.float32), np.empty(shape, np.float32)
    for number in range(len(link)):  # one after another: all at once would not stay in the processor's cache
        (x, y), dx, dy = direction[number], window.x[None] - start[number, 0], window.y[:, None] - start[number, 1]
        reach = np.clip(dx * x + dy * y, 0, length[number])
        away = (dx - reach * x) ** 2 + (dy - reach * y) ** 2
        closer = away < least
        for kept, values in ((nearest, number), (least, away), (along, reach), (across, dx * y - dy * x)):
            np.copyto(kept, values, where=closer)
    before = np.concatenate([[0], np.cumsum(length)[:-1]]).astype(np.float32)
    right = np.stack([link[:, 1], -link[:, 0]], axis=1) / length[:, None]
    facing = (right @ _LAMP).astype(np.float32)
    return Ribbon(before[nearest] + along, across, np.sqrt(least), facing[nearest])


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
    color = coat * (shade * (1 + 0.24 * fur[rows, columns]))[..., None]
    nose = np.clip(1 - place.along / (2.6 * individual.size), 0, 1)[..., None]
    color = color * (1 - nose) + np.asarray(individual.skin, np.float32) * nose
    return _paint(color, half - place.distance)


def paint_tail(place: Ribbon, individual: Individual, length: float) -> Paint:
    """Paint the tail: thick at its base, ringed, thin at its tip."""
    half = individual.size * (0.95 + 2.1 * np.exp(-place.along / (0.22 * length)))
    rings = 1 + 0.08 * np.sin(place.along * 2.4)
    side = np.clip(place.across / half, -1, 1)
    shade = (0.66 + 0.18 * side * place.lit) * rings
    return _paint(np.asarray(individual.skin, np.float32) * shade[..., None], half - place.distance)


def _paint_disc(
    center: Float64[np.ndarray, "2"],
    window: Window,
    *,
    radius: float,
    rim: tuple[float, float, float],
    inner: tuple[float, float, float],
) -> Paint:
    """Paint an ear, a paw or an eye: a disc whose color changes from rim to middle."""
    dx, dy = window.x[None, :] - np.float32(center[0]), window.y[:, None] - np.float32(center[1])
    distance = np.sqrt(dx * dx + dy * dy)
    inside = np.clip((radius * 0.86 - distance) / (0.45 * radius), 0, 1)[..., None]
    color = np.asarray(rim, np.float32) * (1 - inside) + np.asarray(inner, np.float32) * inside
    return _paint(color, np.float32(radius) - distance)


def with_disc(
    below: Paint,
    center: Float64[np.ndarray, "2"],
    window: Window,
    *,
    radius: float,
    rim: tuple[float, float, float],
    inner: tuple[float, float, float],
) -> Paint:
    """Lay a disc on top of what is painted; only the pixels around it are computed."""
    low = np.floor(center - radius).astype(int) - 1 - [int(window.x[0]), int(window.y[0])]
    columns, rows = (slice(max(0, start), start + int(2 * radius) + 4) for start in low.tolist())
    disc = _paint_disc(center, Window(window.x[columns], window.y[rows]), radius=radius, rim=rim, inner=inner)
    patch = disc.over(Paint(below.color[rows, columns], below.opacity[rows, columns]))
    color, opacity = below.color.copy(), below.opacity.copy()
    color[rows, columns], opacity[rows, columns] = patch.color, patch.opacity
    return Paint(color, opacity)


def eyes(spine: Float64[np.ndarray, "S 2"], size: float) -> Float64[np.ndarray, "2 2"]:
    """Place the eyes between snout and ears, on both sides."""
    forward = spine[0] - spine[_HEAD_LINKS]
    forward = forward / np.hypot(*forward)
    side = np.array([forward[1], -forward[0]]) * 4.6 * size
    middle = 0.62 * spine[0] + 0.38 * spine[_HEAD_LINKS]
    return np.stack([middle + side, middle - side])


def _paint(color: Float32[np.ndarray, "H W 3"] | Float64[np.ndarray, "H W 3"], inside: np.ndarray) -> Paint:
    """Cut a color out where `inside` (pixels to the outline) is positive, with a smooth edge."""
    opacity = np.clip(inside + 0.5, 0, 1).astype(np.float32)
    return Paint((color * opacity[..., None]).astype(np.float32), opacity)
