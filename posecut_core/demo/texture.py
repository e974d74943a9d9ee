"""Smooth random textures for floors, fur and wood."""

import numpy as np
from jaxtyping import Float32, Float64


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
