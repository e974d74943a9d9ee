"""The arena seen from above: floor, walls, a plank to walk under, and light that is uneven and changes."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from posecut_core.demo.motion import drift
from posecut_core.demo.texture import fractal_noise, value_noise

WALL = 15  # thickness of the wall's image in pixels


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


def build_arena(
    rng: np.random.Generator, *, height: int, width: int, plank: Plank, floor_colour: tuple[float, float, float]
) -> Arena:
    """Paint floor, walls and plank."""
    y, x = np.meshgrid(np.arange(height, dtype=float), np.arange(width, dtype=float), indexing="ij")
    shade = 1 - 0.45 * _soft(plank.cover(x - 4, y - 5))
    floor = _floor(rng, height, width, floor_colour) * _walls(x, y, height, width)[..., None] * shade[..., None]
    hidden = plank.cover(x, y)
    return Arena(floor.astype(np.float32), _board(rng, plank, x, y), hidden[..., None].astype(np.float32))


def lighting(rng: np.random.Generator, *, frames: int, height: int, width: int) -> "Lighting":
    """Draw how the light changes over a video."""
    return Lighting(
        level=1 + 0.10 * drift(rng, frames, 110.0) + rng.normal(0, 0.006, frames),
        direction=rng.uniform(0, 2 * np.pi) + 0.8 * drift(rng, frames, 160.0),
        slope=0.17 + 0.05 * drift(rng, frames, 90.0),
        passing=np.cumsum(0.9 + 0.6 * drift(rng, frames, 60.0)) + rng.uniform(-80, 120),
        height=height,
        width=width,
    )


@dataclass(frozen=True)
class Lighting:
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
    rng: np.random.Generator, height: int, width: int, colour: tuple[float, float, float]
) -> Float64[np.ndarray, "H W 3"]:
    """Paint scattered bedding on a stained floor."""
    stains = fractal_noise(rng, (height, width), (60.0, 60.0), octaves=4)
    grain = value_noise(rng, (height, width), (1.6, 1.6))
    scratches = np.maximum(value_noise(rng, (height, width), (2.2, 46.0)) - 0.55, 0)
    crumbs = np.maximum(value_noise(rng, (height, width), (3.0, 4.0)) - 0.72, 0)
    tone = 1 + 0.09 * stains + 0.045 * grain + 0.20 * scratches
    warmth = np.array([0.30, 0.05, -0.40]) * crumbs[..., None] - 0.8 * crumbs[..., None]
    return np.asarray(colour) * tone[..., None] + warmth * 0.5


def _walls(
    x: Float64[np.ndarray, "H W"], y: Float64[np.ndarray, "H W"], height: int, width: int
) -> Float64[np.ndarray, "H W"]:
    """Darken the walls, brighten their upper edge, and shade the floor at their foot."""
    inside = np.minimum.reduce([x, y, width - 1 - x, height - 1 - y]) - WALL
    foot = 1 - 0.38 * np.exp(-np.maximum(inside, 0) / 5)
    wall = 0.42 - 0.010 * inside + 0.25 * np.exp(-(((inside + WALL - 3) / 1.5) ** 2))
    blend = np.clip(inside + 0.5, 0, 1)
    return blend * foot + (1 - blend) * wall


def _board(
    rng: np.random.Generator, plank: Plank, x: Float64[np.ndarray, "H W"], y: Float64[np.ndarray, "H W"]
) -> Float32[np.ndarray, "H W 3"]:
    """Paint wood grain along the board, with a lighter edge towards the lamp."""
    along, across = plank.axes(x, y)
    grain = value_noise(rng, (80, 240), (2.2, 60.0))
    rows = np.clip(across + 40, 0, 79).astype(int)
    columns = np.clip(along + 120, 0, 239).astype(int)
    tone = 1 + 0.22 * grain[rows, columns] + 0.16 * np.clip(1.5 - np.abs(across + plank.width / 2 - 1), 0, 1)
    tone = tone - 0.22 * np.clip(1.5 - np.abs(across - plank.width / 2 + 1), 0, 1)
    return (np.array([0.56, 0.43, 0.29]) * tone[..., None]).astype(np.float32)


def _soft(mask: Float64[np.ndarray, "H W"], *, passes: int = 4) -> Float64[np.ndarray, "H W"]:
    """Blur a mask by repeated averaging with its neighbours."""
    for _ in range(passes):
        for axis in (0, 1):
            mask = (np.roll(mask, 1, axis) + 2 * mask + np.roll(mask, -1, axis)) / 4
    return mask
