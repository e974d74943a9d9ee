"""Score-map and location-refinement targets, and their inverse: from maps back to positions.

Cell (i, j) of a map with stride s stands for the point x = s * j + (s - 1) / 2, y = s * i + (s - 1) / 2 of the
network's input. A bodypart's target is a disc of ones of radius `pos_dist_thresh` around the label, and within the disc
the offset from the cell to the label in units of `LOCREF_STDEV` (Insafutdinov et al. 2016; paper, Box 2).
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

STRIDE = 8
LOCREF_STDEV = 7.2801
Number = float | Float[Array | np.ndarray, ""] | np.float32  # that a program is given, or made for


class Scoremaps(NamedTuple):
    """What the network says about a batch."""

    scores: Float[Array | np.ndarray, "B h w K"]  # logits
    locref: Float[Array | np.ndarray, "B h w K 2"]  # (dx, dy) in units of LOCREF_STDEV pixels


class Targets(NamedTuple):
    """What the network should say, and where that is known."""

    scores: Float[Array, "B h w K"]  # 0 to 1
    locref: Float[Array, "B h w K 2"]
    inside: Bool[Array, "B h w K"]  # cells of the discs, where locref is trained


def _cell_centers(height: int, width: int) -> Float[Array, "h w 2"]:
    """Return the (x, y) for which each cell stands, in pixels of the network's input."""
    x = STRIDE * jnp.arange(width, dtype=jnp.float32) + (STRIDE - 1) / 2
    y = STRIDE * jnp.arange(height, dtype=jnp.float32) + (STRIDE - 1) / 2
    return jnp.stack(jnp.broadcast_arrays(x[None, :], y[:, None]), axis=-1)


def encode(xy: Float[Array, "B K 2"], *, height: int, width: int, radius: Number) -> Targets:
    """Draw targets on maps of `height` x `width` cells; a NaN label is absent: an empty map.

    `radius` is `pos_dist_thresh` in pixels of the network's input. The nearest cell always belongs to the disc, so
    that no label is lost when the radius is smaller than a cell.
    """
    present = ~jnp.isnan(xy[..., 0])
    offset = jnp.where(present[..., None], xy, 0.0)[:, None, None] - _cell_centers(height, width)[None, :, :, None]
    distance = jnp.hypot(offset[..., 0], offset[..., 1])
    nearest = jnp.max(jnp.abs(offset), axis=-1) <= STRIDE / 2
    inside = ((distance <= radius) | nearest) & present[:, None, None]
    locref = jnp.where(inside[..., None], offset, 0.0) / LOCREF_STDEV
    return Targets(scores=inside.astype(jnp.float32), locref=locref, inside=inside)


def decode(
    maps: Scoremaps,
) -> tuple[Float[Array | np.ndarray, "B K 2"], Float[Array | np.ndarray, "B K"]]:
    """Find each bodypart: (x, y) in pixels of the network's input, and the likelihood at its cell.

    The 3x3 cells around the most likely one vote for where their locref points, weighted by their probability
    relative to its own, so that positions stay sound where every probability underflows. NumPy's maps are decoded by
    NumPy, which takes less time than to hand a few of them to XLA, and no compiling for each of their shapes.
    """
    batch, height, width, bodyparts = maps.scores.shape
    xp: Any = maps.scores.__array_namespace__()
    best = xp.argmax(maps.scores.reshape(batch, height * width, bodyparts), axis=1)
    rows, columns = best // width, best % width
    steps = xp.arange(-1, 2)
    near_rows = rows[..., None, None] + steps[None, None, :, None]
    near_columns = columns[..., None, None] + steps[None, None, None, :]
    valid = (near_rows >= 0) & (near_rows < height) & (near_columns >= 0) & (near_columns < width)
    near_rows, near_columns = xp.clip(near_rows, 0, height - 1), xp.clip(near_columns, 0, width - 1)
    sample = xp.arange(batch)[:, None, None, None]
    bodypart = xp.arange(bodyparts)[None, :, None, None]
    near = -xp.logaddexp(-maps.scores[sample, near_rows, near_columns, bodypart], 0.0)  # logarithm of the sigmoid
    highest = -xp.logaddexp(-xp.max(maps.scores, axis=(1, 2)), 0.0)
    weights = xp.exp(near - highest[..., None, None]) * valid
    locref = maps.locref[sample, near_rows, near_columns, bodypart] * LOCREF_STDEV
    cells = xp.stack(xp.broadcast_arrays(near_columns, near_rows), axis=-1)
    votes = STRIDE * cells + (STRIDE - 1) / 2 + locref
    xy = xp.sum(votes * weights[..., None], axis=(2, 3)) / xp.sum(weights, axis=(2, 3))[..., None]
    return xy, xp.exp(highest)
