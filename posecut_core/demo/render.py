"""Scenes and their rendering: every frame as a camera would see it, and where every bodypart truly is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32, Float64, UInt8

from posecut_core.demo.animal import Individual, Posture, pose
from posecut_core.demo.arena import WALL, Arena, Plank, build_arena, lighting
from posecut_core.demo.coat import (
    Paint,
    Window,
    eyes,
    fur_texture,
    paint_body,
    paint_tail,
    ribbon,
    window_around,
    with_disc,
)
from posecut_core.demo.motion import SUBSTEPS, wander

SIZE = 256  # height and width of a frame in pixels
FPS = 30.0
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
        lights = lighting(rng, frames=self.scene.frames, height=SIZE, width=SIZE)
        for number in range(self.scene.frames):
            yield _expose(self, number, fur, lights.at(number), rng)


def prepare(scene: Scene) -> Film:
    """Let the animal of a scene walk, and note where its bodyparts are in the middle of each exposure."""
    rng = np.random.default_rng([scene.seed, 1])
    arena = build_arena(rng, height=SIZE, width=SIZE, plank=scene.plank, floor_colour=scene.floor)
    walk = wander(rng, frames=scene.frames, waypoints=_waypoints(rng, scene.plank), speed=scene.speed)
    posture = pose(walk, scene.individual)
    xy = posture.bodyparts()[SUBSTEPS // 2 :: SUBSTEPS]
    return Film(scene, posture, arena, Truth(xy, scene.plank.cover(xy[..., 0], xy[..., 1]) > 0.5))


def _waypoints(rng: np.random.Generator, plank: Plank) -> Float64[np.ndarray, "P 2"]:
    """Choose places all over the floor, and now and then both sides of the plank, to walk under it."""
    low, high = WALL + 30, SIZE - WALL - 30
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
    window = window_around(points, height=SIZE, width=SIZE)
    rows, columns = window.slices
    ground, seen = arena.floor[rows, columns], arena.floor.copy()
    seen[rows, columns] = np.mean(
        [_moment(film, moment, fur, window, ground) for moment in range(moments.start, moments.stop)], axis=0
    )
    seen = (seen + (arena.board - seen) * arena.hidden) * (light * np.float32(scene.exposure * _lamp(scene, number)))
    seen = _soften(np.maximum(seen, 0))
    grain = rng.standard_normal((SIZE, SIZE, 1), dtype=np.float32)
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
    return animal.colour + shaded * (1 - animal.opacity)[..., None]


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


def _darker(colour: tuple[float, float, float]) -> tuple[float, float, float]:
    red, green, blue = colour
    return 0.72 * red, 0.66 * green, 0.66 * blue
