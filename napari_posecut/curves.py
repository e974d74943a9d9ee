"""Curves of many bodyparts over many frames, as a picture of few pixels; arrays in, arrays out.

A column of pixels may stand for hundreds of frames: it shows their extremes, so that no single outlier is lost.
"""

import numpy as np
from jaxtyping import Float, UInt8


def extremes(
    values: Float[np.ndarray, "K T"], first: float, last: float, columns: int
) -> Float[np.ndarray, "2 K columns"]:
    """Return the least and the greatest value in each of `columns` equal parts of the frames `first` to `last`.

    A part that holds no whole frame shows the one that it lies in. NaN is skipped; a part of nothing else is NaN.
    """
    edges = np.linspace(first, last, columns, endpoint=False)
    begins = np.clip(edges.astype(np.int64), 0, values.shape[1] - 1)
    end = min(max(int(np.ceil(last)), int(begins[-1]) + 1), values.shape[1])
    part = values[:, :end]
    return np.stack([np.fmin.reduceat(part, begins, axis=1), np.fmax.reduceat(part, begins, axis=1)])


def draw_lane(
    found: Float[np.ndarray, "2 K columns"],
    colours: UInt8[np.ndarray, "K 3"],
    *,
    low: float,
    high: float,
    height: int,
) -> UInt8[np.ndarray, "height columns 4"]:
    """Paint curves of which each column's extremes are known, joined from column to column, one over the other.

    Args:
        found: of `extremes`.
        colours: of the K curves.
        low: value at the bottom row.
        high: value at the top row.
        height: rows.

    Returns:
        Red, green, blue and opacity; transparent where no curve is.
    """
    image = np.zeros((height, found.shape[2], 4), np.uint8)
    least, greatest = _joined(found)
    per_row = (height - 1) / max(high - low, 1e-9)
    with np.errstate(invalid="ignore"):
        top, bottom = (high - greatest) * per_row, (high - least) * per_row
        rows = np.arange(height)[:, None]
        for curve, colour in enumerate(colours):
            on = (rows >= np.round(top[curve])) & (rows <= np.round(bottom[curve]))
            image[on] = (*colour, 255)
    return image


def value_range(values: Float[np.ndarray, "K T"]) -> tuple[float, float]:
    """Return the least and the greatest value, or 0 and 1 where there is none."""
    if not np.isfinite(values).any():
        return 0.0, 1.0
    return float(np.nanmin(values)), float(np.nanmax(values))


def _joined(found: Float[np.ndarray, "2 K columns"]) -> Float[np.ndarray, "2 K columns"]:
    """Stretch each column until it touches the one before it, so that a curve has no gaps but those of its data."""
    least, greatest = found.copy()
    with np.errstate(invalid="ignore"):
        least[:, 1:] = np.where(np.isnan(least[:, 1:]), np.nan, np.fmin(least[:, 1:], found[1, :, :-1]))
        greatest[:, 1:] = np.where(np.isnan(greatest[:, 1:]), np.nan, np.fmax(greatest[:, 1:], found[0, :, :-1]))
    return np.stack([least, greatest])
