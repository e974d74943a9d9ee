"""Scenes of the demonstration: the arena, rendering with exact truth, the videos, and errors against that truth."""

import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Float64, UInt8

from posecut_core.demo.mouse import (
    BODYPARTS,
    SUBSTEPS,
    Individual,
    Paint,
    Posture,
    Window,
    drift,
    eyes,
    fractal_noise,
    fur_texture,
    paint_body,
    paint_tail,
    pose,
    ribbon,
    value_noise,
    wander,
    window_around,
    with_disc,
)
from posecut_core.evaluation.errors import pixel_errors
from posecut_core.labels.table import LabelTable
from posecut_core.progress import Progress, Report, silent
from posecut_core.project.given import given_path
from posecut_core.storage.files import write_text
from posecut_core.video.writer import VideoWriter

# --- arena ------------------------------------------------------------------------------------------------------------
# The arena seen from above: floor, walls, a plank to walk under, and light that is uneven and changes.


_WALL = 15  # thickness of the wall's image in pixels


@dataclass(frozen=True)
class Plank:
    """A board on low feet; what walks under it is hidden."""

    x: float
    y: float
    angle: float  # radians
    length: float = 70.0
    width: float = 23.0

    def axes(
        self, x: Float64[np.ndarray, "*any"], y: Float64[np.ndarray, "*any"]
    ) -> tuple[Float64[np.ndarray, "*any"], Float64[np.ndarray, "*any"]]:
        """Convert pixels to distances along and across the board from its middle."""
        dx, dy, cos, sin = x - self.x, y - self.y, np.cos(self.angle), np.sin(self.angle)
        return dx * cos + dy * sin, dy * cos - dx * sin

    def cover(self, x: Float64[np.ndarray, "*any"], y: Float64[np.ndarray, "*any"]) -> Float64[np.ndarray, "*any"]:
        """Give the share of each pixel that the board hides, 0 to 1."""
        along, across = self.axes(x, y)
        inside = np.minimum(self.length / 2 - np.abs(along), self.width / 2 - np.abs(across))
        return np.clip(inside + 0.5, 0, 1)


@dataclass(frozen=True)
class Arena:
    """What does not move, as light reflected under even light, 0 to 1."""

    floor: Float32[np.ndarray, "H W 3"]  # the plank's shadow is part of it
    board: Float32[np.ndarray, "H W 3"]
    hidden: Float32[np.ndarray, "H W 1"]  # share of each pixel that the board covers


def _build_arena(
    rng: np.random.Generator, *, height: int, width: int, plank: Plank, floor_color: tuple[float, float, float]
) -> Arena:
    """Paint floor, walls and plank."""
    y, x = np.meshgrid(np.arange(height, dtype=float), np.arange(width, dtype=float), indexing="ij")
    shade = 1 - 0.45 * _soft(plank.cover(x - 4, y - 5))
    floor = _floor(rng, height, width, floor_color) * _walls(x, y, height, width)[..., None] * shade[..., None]
    hidden = plank.cover(x, y)
    return Arena(floor.astype(np.float32), _board(rng, plank, x, y), hidden[..., None].astype(np.float32))


def _lighting(rng: np.random.Generator, *, frames: int, height: int, width: int) -> "_Lighting":
    """Draw how the light changes over a video."""
    return _Lighting(
        level=1 + 0.10 * drift(rng, frames, 110.0) + rng.normal(0, 0.006, frames),
        direction=rng.uniform(0, 2 * np.pi) + 0.8 * drift(rng, frames, 160.0),
        slope=0.17 + 0.05 * drift(rng, frames, 90.0),
        passing=np.cumsum(0.9 + 0.6 * drift(rng, frames, 60.0)) + rng.uniform(-80, 120),
        height=height,
        width=width,
    )


@dataclass(frozen=True)
class _Lighting:
    """Light over a video: its level, its slope across the arena, and a soft shadow that passes."""

    level: Float64[np.ndarray, " T"]
    direction: Float64[np.ndarray, " T"]
    slope: Float64[np.ndarray, " T"]
    passing: Float64[np.ndarray, " T"]  # pixels that the passing shadow has come
    height: int
    width: int

    def at(self, frame: int) -> Float32[np.ndarray, "H W 1"]:
        """Give the light that falls on each pixel, about 1."""
        y = np.linspace(-1, 1, self.height, dtype=np.float32)[:, None]
        x = np.linspace(-1, 1, self.width, dtype=np.float32)[None, :]
        angle = self.direction[frame]
        gradient = self.slope[frame] * (np.cos(angle) * x + np.sin(angle) * y)
        vignette = 1 - 0.11 * (x * x + y * y)
        band = (x * 0.8 + y * 0.6) * self.width / 2 - (self.passing[frame] % 520 - 260)
        shadow = 1 - 0.22 * np.exp(-((band / 38) ** 2))
        light = self.level[frame] * (1 + gradient) * vignette * shadow
        return light[..., None].astype(np.float32)


def _floor(
    rng: np.random.Generator, height: int, width: int, color: tuple[float, float, float]
) -> Float64[np.ndarray, "H W 3"]:
    """Paint scattered bedding on a stained floor."""
    stains = fractal_noise(rng, (height, width), (60.0, 60.0), octaves=4)
    grain = value_noise(rng, (height, width), (1.6, 1.6))
    scratches = np.maximum(value_noise(rng, (height, width), (2.2, 46.0)) - 0.55, 0)
    crumbs = np.maximum(value_noise(rng, (height, width), (3.0, 4.0)) - 0.72, 0)
    tone = 1 + 0.09 * stains + 0.045 * grain + 0.20 * scratches
    warmth = np.array([0.30, 0.05, -0.40]) * crumbs[..., None] - 0.8 * crumbs[..., None]
    return np.asarray(color) * tone[..., None] + warmth * 0.5


def _walls(
    x: Float64[np.ndarray, "H W"], y: Float64[np.ndarray, "H W"], height: int, width: int
) -> Float64[np.ndarray, "H W"]:
    """Darken the walls, brighten their upper edge, and shade the floor at their foot."""
    inside = np.minimum.reduce([x, y, width - 1 - x, height - 1 - y]) - _WALL
    foot = 1 - 0.38 * np.exp(-np.maximum(inside, 0) / 5)
    wall = 0.42 - 0.010 * inside + 0.25 * np.exp(-(((inside + _WALL - 3) / 1.5) ** 2))
    blend = np.clip(inside + 0.5, 0, 1)
    return blend * foot + (1 - blend) * wall


def _board(
    rng: np.random.Generator, plank: Plank, x: Float64[np.ndarray, "H W"], y: Float64[np.ndarray, "H W"]
) -> Float32[np.ndarray, "H W 3"]:
    """Paint wood grain along the board, with a lighter edge toward the lamp."""
    along, across = plank.axes(x, y)
    grain = value_noise(rng, (80, 240), (2.2, 60.0))
    rows = np.clip(across + 40, 0, 79).astype(int)
    columns = np.clip(along + 120, 0, 239).astype(int)
    tone = 1 + 0.22 * grain[rows, columns] + 0.16 * np.clip(1.5 - np.abs(across + plank.width / 2 - 1), 0, 1)
    tone = tone - 0.22 * np.clip(1.5 - np.abs(across - plank.width / 2 + 1), 0, 1)
    return (np.array([0.56, 0.43, 0.29]) * tone[..., None]).astype(np.float32)


def _soft(mask: Float64[np.ndarray, "H W"], *, passes: int = 4) -> Float64[np.ndarray, "H W"]:
    """Blur a mask by repeated averaging with its neighbors."""
    for _ in range(passes):
        for axis in (0, 1):
            mask = (np.roll(mask, 1, axis) + 2 * mask + np.roll(mask, -1, axis)) / 4
    return mask


# --- render -----------------------------------------------------------------------------------------------------------
# Scenes and their rendering: every frame as a camera would see it, and where every bodypart truly is.


_SIZE = 256  # height and width of a frame in pixels
_FPS = 30.0
_DUSK = 0.3  # what is left of the light while the lamp is down
_SHADOW = (3, 4)  # pixels by which the animal's shadow falls to the right and down


@dataclass(frozen=True)
class Scene:
    """Everything that decides a video, by its seed to the last bit."""

    name: str
    seed: int
    frames: int
    individual: Individual
    floor: tuple[float, float, float]
    plank: Plank
    exposure: float = 1.0
    noise: float = 0.018
    speed: float = 1.0
    dusk: tuple[tuple[float, float], ...] = ()  # when the lamp is down, as shares of the video's length


@dataclass(frozen=True)
class Truth:
    """Where every bodypart is in every frame, in pixels, and which are hidden under the plank."""

    xy: Float64[np.ndarray, "T K 2"]
    hidden: Bool[np.ndarray, "T K"]


@dataclass(frozen=True)
class Film:
    """A scene that is ready to be drawn."""

    scene: Scene
    posture: Posture
    arena: Arena
    truth: Truth

    def frames(self) -> Iterator[UInt8[np.ndarray, "H W 3"]]:
        """Draw the frames in order; drawing again gives the same frames."""
        rng = np.random.default_rng([self.scene.seed, 2])
        fur = fur_texture(rng)
        lights = _lighting(rng, frames=self.scene.frames, height=_SIZE, width=_SIZE)
        for number in range(self.scene.frames):
            yield _expose(self, number, fur, lights.at(number), rng)


def prepare(scene: Scene) -> Film:
    """Let the animal of a scene walk, and note where its bodyparts are in the middle of each exposure."""
    rng = np.random.default_rng([scene.seed, 1])
    arena = _build_arena(rng, height=_SIZE, width=_SIZE, plank=scene.plank, floor_color=scene.floor)
    walk = wander(rng, frames=scene.frames, waypoints=_waypoints(rng, scene.plank), speed=scene.speed)
    posture = pose(walk, scene.individual)
    xy = posture.bodyparts()[SUBSTEPS // 2 :: SUBSTEPS]
    return Film(scene, posture, arena, Truth(xy, scene.plank.cover(xy[..., 0], xy[..., 1]) > 0.5))


def _waypoints(rng: np.random.Generator, plank: Plank) -> Float64[np.ndarray, "P 2"]:
    """Choose places all over the floor, and now and then both sides of the plank, to walk under it."""
    low, high = _WALL + 30, _SIZE - _WALL - 30
    across = 62 * np.array([-np.sin(plank.angle), np.cos(plank.angle)])
    places = []
    for _ in range(8):
        places += [rng.uniform(low, high, 2) for _ in range(5)]
        side = rng.choice([-1, 1])
        offset = rng.uniform(-22, 22) * np.array([np.cos(plank.angle), np.sin(plank.angle)])
        places += [np.array([plank.x, plank.y]) + offset + side * across * way for way in (1, -1)]
    return np.clip(np.array(places), low, high)


def _expose(
    film: Film, number: int, fur: Float32[np.ndarray, "128 64"], light: Float32[np.ndarray, "H W 1"],
    rng: np.random.Generator,
) -> UInt8[np.ndarray, "H W 3"]:  # fmt: skip
    """Average the moments of one exposure, put the plank on top, and add the camera's blur and noise."""
    moments = slice(number * SUBSTEPS, (number + 1) * SUBSTEPS)
    scene, arena, posture = film.scene, film.arena, film.posture
    points = np.concatenate([posture.spine[moments], posture.tail[moments]], axis=1).reshape(-1, 2)
    window = window_around(points, height=_SIZE, width=_SIZE)
    rows, columns = window.slices
    ground, seen = arena.floor[rows, columns], arena.floor.copy()
    seen[rows, columns] = np.mean(
        [_moment(film, moment, fur, window, ground) for moment in range(moments.start, moments.stop)], axis=0
    )
    seen = (seen + (arena.board - seen) * arena.hidden) * (light * np.float32(scene.exposure * _lamp(scene, number)))
    seen = _soften(np.maximum(seen, 0))
    grain = rng.standard_normal((_SIZE, _SIZE, 1), dtype=np.float32)
    seen = seen + scene.noise * grain * (0.5 + np.sqrt(seen))
    return np.round(255 * np.clip(seen, 0, 1)).astype(np.uint8)


def _lamp(scene: Scene, number: int) -> float:
    moment = number / scene.frames
    return _DUSK if any(start <= moment < stop for start, stop in scene.dusk) else 1.0


def _moment(
    film: Film, moment: int, fur: Float32[np.ndarray, "128 64"], window: Window, ground: Float32[np.ndarray, "h w 3"]
) -> Float32[np.ndarray, "h w 3"]:
    """Draw the animal and its shadow on the ground of a window at one moment."""
    animal = _animal(film.posture, moment, film.scene.individual, fur, window)
    shaded = ground * (1 - 0.42 * _cast(animal.opacity))[..., None]
    return animal.color + shaded * (1 - animal.opacity)[..., None]


def _animal(
    posture: Posture, moment: int, individual: Individual, fur: Float32[np.ndarray, "128 64"], window: Window
) -> Paint:
    """Paint the animal from the ground up: paws, tail, body, ears, eyes."""
    spine, tail, size = posture.spine[moment], posture.tail[moment], individual.size
    skin, dark = individual.skin, _darker(individual.coat)
    black, empty = (0.0, 0.0, 0.0), np.zeros((len(window.y), len(window.x)), np.float32)
    painted = Paint(np.repeat(empty[..., None], 3, axis=2), empty)
    for paw in posture.paws[moment]:
        painted = with_disc(painted, paw, window, radius=2.4 * size, rim=_darker(skin), inner=skin)
    painted = paint_tail(ribbon(tail, window), individual, individual.tail).over(painted)
    breath = float(posture.breath[moment])
    painted = paint_body(ribbon(spine, window), individual, fur, _length(spine), breath).over(painted)
    for ear in posture.ears[moment]:
        painted = with_disc(painted, ear, window, radius=4.6 * size, rim=dark, inner=_between(dark, skin))
    for eye in eyes(spine, size):
        painted = with_disc(painted, eye, window, radius=1.3 * size, rim=black, inner=black)
    return replace(painted, opacity=np.clip(painted.opacity, 0, 1))


def _cast(opacity: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """Shift and soften the silhouette into the shadow that it casts."""
    right, down = _SHADOW
    shadow = np.zeros_like(opacity)
    shadow[down:, right:] = opacity[:-down, :-right]
    for axis in (0, 1, 0, 1):
        shadow = (np.roll(shadow, 2, axis) + np.roll(shadow, -2, axis) + 2 * shadow) / 4
    return shadow


def _soften(image: Float32[np.ndarray, "H W 3"]) -> Float32[np.ndarray, "H W 3"]:
    """Blur slightly, as a lens does."""
    for axis in (0, 1):
        image = 0.14 * np.roll(image, 1, axis) + 0.72 * image + 0.14 * np.roll(image, -1, axis)
    return image


def _length(nodes: Float64[np.ndarray, "N 2"]) -> float:
    return float(np.linalg.norm(np.diff(nodes, axis=0), axis=1).sum())


def _between(one: tuple[float, float, float], other: tuple[float, float, float]) -> tuple[float, float, float]:
    red, green, blue = ((a + b) / 2 for a, b in zip(one, other, strict=True))
    return red, green, blue


def _darker(color: tuple[float, float, float]) -> tuple[float, float, float]:
    red, green, blue = color
    return 0.72 * red, 0.66 * green, 0.66 * blue


# --- scenes -----------------------------------------------------------------------------------------------------------
# The videos of the demonstration: two to label, one to find outliers in, and those that the network never sees.


TO_LABEL = (
    Scene(
        name="dark-mouse",
        seed=11,
        frames=300,
        individual=Individual(size=1.32, girth=1.0, coat=(0.115, 0.10, 0.095), belly=(0.20, 0.18, 0.17)),
        floor=(0.66, 0.65, 0.62),
        plank=Plank(x=96.0, y=160.0, angle=0.5),
    ),
    Scene(
        name="brown-mouse",
        seed=15,
        frames=300,
        individual=Individual(size=1.2, girth=0.94, coat=(0.26, 0.18, 0.12), belly=(0.40, 0.31, 0.23)),
        floor=(0.60, 0.62, 0.64),
        plank=Plank(x=160.0, y=104.0, angle=2.2),
        exposure=0.92,
    ),
)
UNSEEN = Scene(
    name="unseen-mouse",
    seed=19,
    frames=240,
    individual=Individual(size=1.4, girth=1.06, coat=(0.19, 0.165, 0.15), belly=(0.31, 0.28, 0.26)),
    floor=(0.63, 0.63, 0.60),
    plank=Plank(x=108.0, y=100.0, angle=1.25),
    exposure=1.06,
    noise=0.022,
)
FURTHER = replace(
    TO_LABEL[0], name="dark-mouse-again", seed=23, frames=600, dusk=((0.20, 0.23), (0.86, 0.89))
)  # long, and mostly as before: twice the lamp is down for 18 frames
UNSEEN_AT_DUSK = replace(UNSEEN, name="unseen-mouse-at-dusk", dusk=((0.10, 0.14), (0.45, 0.49), (0.72, 0.76)))


# --- filming ----------------------------------------------------------------------------------------------------------
# Scenes written as videos, each with a table of the truth beside it.


def film(scene: Scene, folder: str | os.PathLike[str], *, report: Report = silent) -> Path:
    """Write `<scene>.mp4` and `<scene>_truth.csv` into `folder` and return the video; what is there is kept.

    Raises:
        StorageError: the disk refuses.
    """
    folder = given_path(folder)
    path = folder / f"{scene.name}.mp4"
    if path.is_file():
        return path
    prepared = prepare(scene)
    write_text(folder / f"{scene.name}_truth.csv", _truth_table(prepared.truth))
    with VideoWriter(path, fps=_FPS, width=_SIZE, height=_SIZE) as writer:
        for number, image in enumerate(prepared.frames(), start=1):
            writer.write(image)
            report(Progress(f"drawing {path.name}", number, scene.frames))
    return path


def _truth_table(truth: Truth) -> str:
    """Write the truth as csv: a row per frame, and x, y and whether it is hidden of each bodypart."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["frame", *(f"{part}_{what}" for part in BODYPARTS for what in ("x", "y", "hidden"))])
    columns = np.concatenate([truth.xy.round(3), truth.hidden[..., None]], axis=-1)
    for number, row in enumerate(columns.reshape(len(columns), -1).tolist()):
        table.writerow([number, *(int(value) if place % 3 == 2 else value for place, value in enumerate(row))])
    return text.getvalue()


# --- measuring --------------------------------------------------------------------------------------------------------
# Predictions of a drawn video against its truth, and labels as a person would set them.


def human_labels(
    rng: np.random.Generator, truth: Truth, video: str, numbers: tuple[int, ...], *, jitter: float
) -> LabelTable:
    """Label frames as a person would: a little beside the truth, and hidden bodyparts not at all.

    Args:
        rng: source of the jitter.
        truth: of the whole video.
        video: stem of the video's file name.
        numbers: the frames to label.
        jitter: standard deviation of x and of y around the truth, in pixels.
    """
    rows = np.array(numbers, dtype=np.int64)
    xy = truth.xy[rows] + rng.normal(0, jitter, (len(rows), len(BODYPARTS), 2))
    annotated = np.ones((len(rows), len(BODYPARTS)), dtype=bool)  # a person has, for every bodypart
    return LabelTable(video, BODYPARTS, rows, np.where(truth.hidden[rows][..., None], np.nan, xy), annotated)


def errors_in_view(predicted: Float64[np.ndarray, "T K 2"], truth: Truth) -> Float64[np.ndarray, "T K"]:
    """Measure the distance in pixels of every prediction from the truth; NaN where the bodypart is hidden."""
    return np.where(truth.hidden, np.nan, pixel_errors(predicted, truth.xy))


def mean_errors(predicted: Float64[np.ndarray, "T K 2"], truth: Truth) -> tuple[tuple[float, ...], float]:
    """Average the errors of points in view, in pixels: of each bodypart, and of all points."""
    errors = errors_in_view(predicted, truth)
    return tuple(np.nanmean(errors, axis=0).tolist()), float(np.nanmean(errors))
