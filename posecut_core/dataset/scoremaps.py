"""Score-map and location-refinement targets, and their inverse: from maps back to positions.

Cell (i, j) of a map with stride s stands for the point x = s * j + (s - 1) / 2, y = s * i + (s - 1) / 2 of the
network's input. A bodypart's target is a disc of ones of radius `pos_dist_thresh` around the label, and within the disc
the offset from the cell to the label in units of `LOCREF_STDEV` (Insafutdinov et al. 2016; paper, Box 2).
"""

from typing import Any, NamedTuple

import jax
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


class Distances(NamedTuple):
    """How far bodyparts of the labels are from each other, in pixels of the network's input."""

    mean: Float[Array | np.ndarray, "K K"]
    spread: Float[Array | np.ndarray, "K K"]  # 0 for a bodypart and itself, and for two that few frames show together


_TOGETHER = 5  # frames that show both bodyparts tell how far they are from each other
_LEAST_SPREAD = 0.05  # of the largest mean: labels are few, and other animals have other proportions
_MIDDLE = (16, 50, 84)  # percentiles: of a normal distribution the mean, and a spread to each side


def distances_between(xy: Float[np.ndarray, "F K 2"]) -> Distances:
    """Measure how far the bodyparts of labeled frames are from each other; labels that are missing are NaN.

    Percentiles stand for mean and spread, so that a few wrong labels change neither.
    """
    between = np.linalg.norm(xy[:, :, None] - xy[:, None], axis=-1)
    known = ((~np.isnan(between)).sum(axis=0) >= _TOGETHER) & ~np.eye(xy.shape[1], dtype=bool)
    mean, spread = np.zeros((2, *known.shape), np.float32)
    if known.any():
        low, mean[known], high = np.nanpercentile(between[:, known], _MIDDLE, axis=0)
        spread[known] = (high - low) / 2 + _LEAST_SPREAD * mean.max()
    return Distances(mean, spread)


def decode(
    maps: Scoremaps, distances: Distances | None = None
) -> tuple[Float[Array | np.ndarray, "B K 2"], Float[Array | np.ndarray, "B K"]]:
    """Find each bodypart: (x, y) in pixels of the network's input, and the likelihood at its cell.

    With `distances` a bodypart is where it is likely and lies as labels do beside the others, which may be another peak
    of its map than the highest; without, as for networks of PoseCut 0.1.0, where it is most likely. The 3x3 cells
    around that cell vote for where their locref points, weighted by their probability relative to its own, so that
    positions stay sound where every probability underflows. NumPy's maps are decoded by NumPy, which takes less time
    than to hand a few of them to XLA, and no compiling for each of their shapes.
    """
    batch, height, width, bodyparts = maps.scores.shape
    xp: Any = maps.scores.__array_namespace__()
    scores = maps.scores.reshape(batch, height * width, bodyparts)
    best = xp.argmax(scores, axis=1)
    if distances is not None:
        best = _with_fitting(best, maps, distances)
    rows, columns = best // width, best % width
    steps = xp.arange(-1, 2)
    near_rows = rows[..., None, None] + steps[None, None, :, None]
    near_columns = columns[..., None, None] + steps[None, None, None, :]
    valid = (near_rows >= 0) & (near_rows < height) & (near_columns >= 0) & (near_columns < width)
    near_rows, near_columns = xp.clip(near_rows, 0, height - 1), xp.clip(near_columns, 0, width - 1)
    sample = xp.arange(batch)[:, None, None, None]
    bodypart = xp.arange(bodyparts)[None, :, None, None]
    near = _log_likelihood(maps.scores[sample, near_rows, near_columns, bodypart])
    highest = _log_likelihood(xp.take_along_axis(scores, best[:, None], axis=1)[:, 0])
    weights = xp.exp(near - highest[..., None, None]) * valid
    locref = maps.locref[sample, near_rows, near_columns, bodypart] * LOCREF_STDEV
    cells = xp.stack(xp.broadcast_arrays(near_columns, near_rows), axis=-1)
    votes = STRIDE * cells + (STRIDE - 1) / 2 + locref
    xy = xp.sum(votes * weights[..., None], axis=(2, 3)) / xp.sum(weights, axis=(2, 3))[..., None]
    return xy, xp.exp(highest)


def _log_likelihood(scores: Any) -> Any:
    """Return the logarithm of the sigmoid."""
    return -scores.__array_namespace__().logaddexp(-scores, 0.0)


def _likelihood(scores: Any) -> Any:
    return scores.__array_namespace__().exp(_log_likelihood(scores))


# --- poses as labels are ----------------------------------------------------------------------------------------------
# Which peak of its map a bodypart is: all are chosen together, as a pictorial structure (Felzenszwalb & Huttenlocher
# 2005) whose springs are the distances between labels, by a mean field. Where a map has one peak, that is the bodypart.


_ODD = 4.0  # spreads that a distance is off in a pose which is looked at again; most are not, which saves time
_SIZES = (0.5, 2.0)  # of an animal beside those of the labels: its bodyparts tell
_SURE = 0.9  # likelihood from which a peak is not doubted: a posture that no label shows is no mistake
_PEAKS = 4  # of each map
_LEAST_LIKELIHOOD = 1e-4  # of a peak other than the highest
_ROUNDS = 6  # after which nothing changes any more
_SPRINGS = 2.0  # weight of distances beside logarithms of likelihoods
_FREEDOM = 3.0  # degrees of freedom of Student's t, which forgives rare postures


def _with_fitting(best: Any, maps: Scoremaps, distances: Distances) -> Any:
    """Choose other cells than the likeliest, `best` [B, K], in the images in which these are no pose as labels are."""
    likelihood = _likelihood(maps.scores.max(axis=(1, 2)))
    xy = _pointed_at(best[..., None], maps)
    size = _size(xy[:, :, 0], likelihood, distances)
    is_odd = (abs(_spreads_away(xy, size, distances)) > _ODD).any(axis=(1, 2, 3, 4))
    if isinstance(is_odd, np.ndarray):
        if is_odd.any():
            odd = Scoremaps(*(field[is_odd] for field in maps))
            best[is_odd] = _fitting_cells(odd, size[is_odd], distances)
        return best
    return jax.lax.cond(
        is_odd.any(),
        lambda: jnp.where(is_odd[:, None], _fitting_cells(maps, size, distances), best),
        lambda: best,
    )


def _pointed_at(cells: Any, maps: Scoremaps) -> Any:
    """Return the positions [B, K, P, 2], up to a shift of all, at which the locref of cells [B, K, P] points."""
    batch, _, width, bodyparts = maps.scores.shape
    xp: Any = maps.scores.__array_namespace__()
    sample, bodypart = xp.arange(batch)[:, None, None], xp.arange(bodyparts)[None, :, None]
    rows, columns = cells // width, cells % width
    offsets = maps.locref[sample, rows, columns, bodypart] * LOCREF_STDEV
    return STRIDE * xp.stack([columns, rows], axis=-1) + offsets


def _size(xy: Any, likelihood: Any, distances: Distances) -> Any:
    """Return how large animals [B] are beside those of the labels: the median of the ratios of all known distances.

    Those between likely bodyparts count more.
    """
    xp: Any = xy.__array_namespace__()
    batch, bodyparts, _ = xy.shape
    mean, spread = (xp.asarray(one)[None] for one in distances)
    ratios = (_apart(xy[:, :, None], xy[:, None]) / xp.where(spread > 0, mean, 1.0)).reshape(batch, bodyparts**2)
    weights = likelihood[:, :, None] * likelihood[:, None] * (spread > 0)
    order = xp.argsort(ratios, axis=1)
    below = xp.cumsum(xp.take_along_axis(weights.reshape(batch, bodyparts**2), order, axis=1), axis=1)
    middle = xp.argmax(below >= below[:, -1:] / 2, axis=1)[:, None]
    median = xp.take_along_axis(xp.take_along_axis(ratios, order, axis=1), middle, axis=1)[:, 0]
    return xp.clip(median, *_SIZES)


def _spreads_away(xy: Any, size: Any, distances: Distances) -> Any:
    """Return by how many spreads distances of points [B, K, P, 2] are off: [B, K, P, K, P]; 0 where unknown.

    Those of an animal of another size [B] are taken as if it had that of the labels.
    """
    xp = xy.__array_namespace__()
    between = _apart(xy[:, :, :, None, None], xy[:, None, None])
    mean, spread = (xp.asarray(one)[None, :, None, :, None] for one in distances)
    away = between / size[:, None, None, None, None] - mean
    return xp.where(spread > 0, away / xp.where(spread > 0, spread, 1.0), 0.0)


def _apart(one: Any, other: Any) -> Any:
    return one.__array_namespace__().sqrt(((one - other) ** 2).sum(axis=-1))


def _fitting_cells(maps: Scoremaps, size: Any, distances: Distances) -> Any:
    """Choose a cell [B, K] for each bodypart, of the peaks of its map."""
    xp: Any = maps.scores.__array_namespace__()
    cells, scores = _peaks(maps.scores)
    likelihood = _likelihood(scores)
    is_meant = (likelihood >= _LEAST_LIKELIHOOD) & (likelihood[..., :1] < _SURE)
    known = xp.where(is_meant | (xp.arange(_PEAKS) == 0)[None, None], _log_likelihood(scores), -xp.inf)
    springs = _springs(_pointed_at(cells, maps), size, distances)
    share = _shares(known)
    for _ in range(_ROUNDS):
        sure = (share * likelihood).sum(axis=-1, keepdims=True)
        pulls = (springs @ (share * sure).reshape(len(share), -1, 1)).reshape(share.shape)
        share = _shares(known + _SPRINGS * pulls)
    chosen = xp.argmax(share, axis=-1)[..., None]
    return xp.take_along_axis(cells, chosen, axis=-1)[..., 0]


def _peaks(scores: Any) -> tuple[Any, Any]:
    """Find the highest peaks of each map, highest first: their cells and scores [B, K, P]; -inf where there are fewer.

    A peak is no lower than the eight cells around it.
    """
    batch, height, width, bodyparts = scores.shape
    xp = scores.__array_namespace__()
    around = scores
    for axis in (1, 2):
        before, after = (slice(None),) * axis + (slice(-1),), (slice(None),) * axis + (slice(1, None),)
        edge = xp.full_like(around[(slice(None),) * axis + (slice(1),)], -xp.inf)
        neighbors = [xp.concatenate(pair, axis=axis) for pair in ((edge, around[before]), (around[after], edge))]
        around = xp.maximum(around, xp.maximum(*neighbors))
    left = xp.where(scores >= around, scores, -xp.inf).reshape(batch, height * width, bodyparts)
    places, found = xp.arange(height * width)[None, :, None], []
    for _ in range(_PEAKS):
        best = xp.argmax(left, axis=1)
        found.append((best, xp.max(left, axis=1)))
        left = xp.where(places == best[:, None], -xp.inf, left)
    cells, heights = (xp.stack(one, axis=-1) for one in zip(*found, strict=True))
    return cells, heights


def _springs(xy: Any, size: Any, distances: Distances) -> Any:
    """Tell how well any two peaks [B, K, P, 2] go together: logarithms of likelihoods [B, K * P, K * P], at most 0."""
    xp = xy.__array_namespace__()
    side = xy.shape[1] * xy.shape[2]
    others = xp.maximum((xp.asarray(distances.spread) > 0).sum(axis=1), 1)[None, :, None, None, None]
    fits = -(_FREEDOM + 1) / 2 * xp.log1p(_spreads_away(xy, size, distances) ** 2 / _FREEDOM) / others
    return fits.reshape(len(xy), side, side)


def _shares(logarithms: Any) -> Any:
    """Return the softmax over the last axis."""
    xp = logarithms.__array_namespace__()
    weights = xp.exp(logarithms - xp.max(logarithms, axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)
