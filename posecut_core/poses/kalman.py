"""A Kalman smoother (Rauch-Tung-Striebel) of all bodyparts at once; it trusts each position as far as it is likely.

Each bodypart moves at a nearly constant velocity, in x and y alike: position and velocity are its state, and the
acceleration is white noise. A predicted position is the true one plus noise or, with the probability that its
likelihood leaves, lies anywhere. The noise of each frame is therefore divided by the probability that the position is
right, given the likelihood and how far it lies from the smoothed path; both follow from each other in a few rounds.
How strong the noise and the accelerations are is chosen for each bodypart by maximum likelihood. Where several networks
were asked, the noise of a frame is in proportion to the variance of what they see there.

Sources: Rauch, Tung and Striebel 1965, AIAA Journal 3(8); Ting, Theodorou and Schaal 2007, IROS, for the weights;
Biderman et al. 2024, Nature Methods 21 (ensemble Kalman smoother), for the spread of networks as noise.
"""

from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Bool, Float64

_CHUNK = 4096  # frames that are smoothed at once: the memory does not grow with a video, and one program fits all
_ROUNDS = 4  # of weights and paths; more change hundredths of a pixel
_DRIVES = np.logspace(-6, 3, 28)  # variances of acceleration tried, in units of the noise's
_SUREST = 0.999  # no position is believed more than that, whatever its likelihood
_LEAST_NOISE = 0.01  # standard deviation in pixels: exact positions have some too
_WINDOW = 5  # frames whose median the weights begin from
_UNKNOWN = (1e8, 1e4)  # variances of position and velocity before the first frame, in units of the noise's


class _State(NamedTuple):
    """Mean and covariance of a position and its velocity; x and y have the same covariance."""

    position: Float64[Array, "K 2"]
    velocity: Float64[Array, "K 2"]
    pp: Float64[Array, " K"]
    pv: Float64[Array, " K"]
    vv: Float64[Array, " K"]


def smoothed_path(
    xy: Float64[np.ndarray, "T K 2"],
    likelihood: Float64[np.ndarray, "T K"],
    seen: Bool[np.ndarray, "T K"],
    spread: Float64[np.ndarray, "T K"] | None = None,
) -> Float64[np.ndarray, "T K 2"]:
    """Estimate where each bodypart was in every frame, from the frames before and after it.

    Args:
        xy: predicted positions in pixels.
        likelihood: probability that a position is right.
        seen: which positions count; others may be NaN.
        spread: pixels by which networks of an ensemble differ; None of one network, whose noise is the same everywhere.

    Returns:
        A position everywhere, except for bodyparts that are seen nowhere, which are NaN.
    """
    if not seen.any():
        return np.full_like(xy, np.nan)
    rows = -(-len(xy) // _CHUNK) * _CHUNK
    measured, prior = np.zeros((rows, *xy.shape[1:])), np.zeros((rows, xy.shape[1]))
    measured[: len(xy)] = np.where(seen[..., None], xy, 0.0)
    prior[: len(xy)] = np.where(seen, np.clip(likelihood, 1 - _SUREST, _SUREST), 0.0)
    weights = prior * _first_weights(np.where(seen[..., None], xy, np.nan), rows)
    relative = np.ones((rows, xy.shape[1]))
    if spread is not None:
        relative[: len(xy)] = _relative_noise(spread, seen)
    known = np.asarray(seen.any(axis=0))[:, None]
    extent = np.where(known, _extent(xy, seen), 1.0)
    first = measured[seen.argmax(axis=0), np.arange(xy.shape[1])]
    path = measured
    with jax.enable_x64(True):
        for _ in range(_ROUNDS):
            noise, drive = _fit(measured, weights, relative, first)
            path, variance = _smooth(measured, weights / relative, first, noise, drive)
            weights = _weights(path - measured, variance, prior, noise * relative, extent.prod(axis=-1))
    return np.where(known, path[: len(xy)], np.nan)


def _relative_noise(spread: Float64[np.ndarray, "T K"], seen: Bool[np.ndarray, "T K"]) -> Float64[np.ndarray, "T K"]:
    """Return the variance of each position in units of that where networks differ by the median of their spread.

    Networks that agree exactly may be wrong together, so it is at least half.
    """
    columns = pd.DataFrame(np.where(seen, spread, np.nan))
    usual = columns.median().fillna(0.0).clip(lower=_LEAST_NOISE).to_numpy()
    return np.where(seen, (1 + (columns.fillna(0.0).to_numpy() / usual) ** 2) / 2, 1.0)


def _extent(xy: Float64[np.ndarray, "T K 2"], seen: Bool[np.ndarray, "T K"]) -> Float64[np.ndarray, "K 2"]:
    """Measure the box that each bodypart is seen in, in pixels."""
    low, high = (np.where(seen[..., None], xy, outside) for outside in (np.inf, -np.inf))
    return high.max(axis=0, initial=-np.inf) - low.min(axis=0, initial=np.inf) + 1.0


def _first_weights(xy: Float64[np.ndarray, "T K 2"], rows: int) -> Float64[np.ndarray, "rows K"]:
    """Doubt positions far from the median of the frames around them, as movements there go."""
    columns = pd.DataFrame(xy.reshape(len(xy), -1))
    median = columns.rolling(_WINDOW, center=True, min_periods=1).median().to_numpy().reshape(xy.shape)
    away = ((xy - median) ** 2).sum(axis=-1)
    steps = pd.DataFrame(np.hypot(*np.moveaxis(np.diff(xy, axis=0, prepend=xy[:1]), -1, 0)))
    usual = steps.rolling(_WINDOW, center=True, min_periods=1).median().fillna(0.0).to_numpy()
    noise = np.array([np.median(part[part > 0]) if (part > 0).any() else 0.0 for part in away.T])
    weights = np.zeros((rows, xy.shape[1]))
    weights[: len(xy)] = np.nan_to_num(np.exp(-away / (2 * (noise + usual**2 + _LEAST_NOISE**2))))
    return weights


def _weights(
    error: Float64[np.ndarray, "T K 2"],
    variance: Float64[np.ndarray, "T K"],
    prior: Float64[np.ndarray, "T K"],
    noise: Float64[np.ndarray, "T K"],
    area: Float64[np.ndarray, " K"],
) -> Float64[np.ndarray, "T K"]:
    """Return the probability that each position is right, knowing the path; 0 where nothing is seen."""
    distance = (error**2).sum(axis=-1) + 2 * variance
    right = prior * np.exp(-distance / (2 * noise)) / (2 * np.pi * noise)
    return right / (right + (1 - prior) / area)


def _chunks(*arrays: Float64[np.ndarray, "T ..."]) -> Iterator[tuple[Float64[np.ndarray, "rows ..."], ...]]:
    for start in range(0, len(arrays[0]), _CHUNK):
        yield tuple(array[start : start + _CHUNK] for array in arrays)


def _fit(
    measured: Float64[np.ndarray, "T K 2"],
    weights: Float64[np.ndarray, "T K"],
    relative: Float64[np.ndarray, "T K"],
    first: Float64[np.ndarray, "K 2"],
) -> tuple[Float64[np.ndarray, " K"], Float64[np.ndarray, " K"]]:
    """Choose the variances of noise and acceleration under which the predicted positions are most likely."""
    states = jax.vmap(lambda _: _start(first, jnp.ones(len(first))))(jnp.asarray(_DRIVES))
    total = jnp.zeros((2, len(_DRIVES), len(first)))
    for chunk in _chunks(measured, weights / relative):
        states, sums = _innovations(states, *chunk)
        total += sums
    squares, logs = np.asarray(total)
    count = np.maximum(weights.sum(axis=0), 1e-12)
    likelihood = -logs - count * np.log(np.maximum(squares, 1e-300))
    best = likelihood.argmax(axis=0)
    noise = np.maximum(squares[best, np.arange(len(best))] / (2 * count), _LEAST_NOISE**2)
    return noise, _DRIVES[best] * noise


def _smooth(
    measured: Float64[np.ndarray, "T K 2"],
    weights: Float64[np.ndarray, "T K"],
    first: Float64[np.ndarray, "K 2"],
    noise: Float64[Array | np.ndarray, " K"],
    drive: Float64[Array | np.ndarray, " K"],
) -> tuple[Float64[np.ndarray, "T K 2"], Float64[np.ndarray, "T K"]]:
    """Return the smoothed positions and the variance of each, chunk by chunk: forward, then back with each again."""
    noise, drive = jnp.asarray(noise), jnp.asarray(drive)
    state, before = _start(first, noise), []
    for chunk in _chunks(measured, weights):
        before.append(state)
        state = _filtered(state, *chunk, noise, drive)[0]
    after = _predicted(state, drive)
    path, variance = np.empty_like(measured), np.empty_like(weights)
    for place in range(len(before) - 1, -1, -1):
        rows = slice(place * _CHUNK, (place + 1) * _CHUNK)
        after, path[rows], variance[rows] = _smoothed(before[place], after, measured[rows], weights[rows], noise, drive)
    return path, variance


def _start(first: Float64[Array | np.ndarray, "K 2"], noise: Float64[Array | np.ndarray, " K"]) -> _State:
    position, scale = jnp.asarray(first), jnp.asarray(noise)
    return _State(position, jnp.zeros_like(position), _UNKNOWN[0] * scale, jnp.zeros_like(scale), _UNKNOWN[1] * scale)


def _predicted(state: _State, drive: Float64[Array, " K"]) -> _State:
    """Move on by one frame."""
    position, velocity, pp, pv, vv = state
    return _State(position + velocity, velocity, pp + 2 * pv + vv + drive / 3, pv + vv + drive / 2, vv + drive)


def _updated(
    state: _State, measured: Float64[Array, "K 2"], weight: Float64[Array, " K"], noise: Float64[Array, " K"]
) -> _State:
    """Take a position into account, whose noise is divided by its weight; one of weight 0 changes nothing."""
    expected = weight * state.pp + noise
    of_position, of_velocity = weight * state.pp / expected, weight * state.pv / expected
    error = measured - state.position
    return _State(
        state.position + of_position[:, None] * error,
        state.velocity + of_velocity[:, None] * error,
        state.pp * noise / expected,
        state.pv * noise / expected,
        state.vv - of_velocity * state.pv,
    )


@jax.jit
def _filtered(
    state: _State,
    measured: Float64[Array, "rows K 2"],
    weights: Float64[Array, "rows K"],
    noise: Float64[Array, " K"],
    drive: Float64[Array, " K"],
) -> tuple[_State, _State]:
    """Return the state after the last frame, and after every one."""

    def step(before: _State, row: tuple[Array, Array]) -> tuple[_State, _State]:
        after = _updated(_predicted(before, drive), *row, noise)
        return after, after

    return jax.lax.scan(step, state, (measured, weights))


@jax.jit
def _smoothed(
    before: _State,
    after: _State,
    measured: Float64[Array, "rows K 2"],
    weights: Float64[Array, "rows K"],
    noise: Float64[Array, " K"],
    drive: Float64[Array, " K"],
) -> tuple[_State, Float64[Array, "rows K 2"], Float64[Array, "rows K"]]:
    """Smooth a chunk between the state before it and the smoothed one after it; return its first state as well."""

    def step(following: _State, here: _State) -> tuple[_State, tuple[Array, Array]]:
        ahead = _predicted(here, drive)
        determinant = ahead.pp * ahead.vv - ahead.pv**2
        from_position = (here.pp + here.pv, here.pv)  # covariances of this position and the next state
        from_velocity = (here.pv + here.vv, here.vv)
        (a, b), (c, d) = (
            ((one * ahead.vv - two * ahead.pv) / determinant, (two * ahead.pp - one * ahead.pv) / determinant)
            for one, two in (from_position, from_velocity)
        )
        position, velocity = following.position - ahead.position, following.velocity - ahead.velocity
        pp, pv, vv = following.pp - ahead.pp, following.pv - ahead.pv, following.vv - ahead.vv
        found = _State(
            here.position + a[:, None] * position + b[:, None] * velocity,
            here.velocity + c[:, None] * position + d[:, None] * velocity,
            here.pp + a * a * pp + 2 * a * b * pv + b * b * vv,
            here.pv + a * c * pp + (a * d + b * c) * pv + b * d * vv,
            here.vv + c * c * pp + 2 * c * d * pv + d * d * vv,
        )
        return found, (found.position, found.pp)

    _, states = _filtered(before, measured, weights, noise, drive)
    first, (path, variance) = jax.lax.scan(step, after, states, reverse=True)
    return first, path, variance


@jax.jit
def _innovations(
    states: _State, measured: Float64[Array, "rows K 2"], weights: Float64[Array, "rows K"]
) -> tuple[_State, Float64[Array, "2 drives K"]]:
    """Sum the squared one-step errors of filters with each of `_DRIVES`, and the logarithms of their variances."""
    drives, noise = jnp.asarray(_DRIVES), jnp.ones(measured.shape[1])

    def one(state: _State, drive: Array, row: tuple[Array, Array]) -> tuple[_State, tuple[Array, Array]]:
        position, weight = row
        ahead = _predicted(state, drive * noise)
        expected = weight * ahead.pp + 1
        squares = weight * ((position - ahead.position) ** 2).sum(axis=-1) / expected
        return _updated(ahead, position, weight, noise), (squares, jnp.log(expected))

    def step(carry: tuple[_State, Array], row: tuple[Array, Array]) -> tuple[tuple[_State, Array], None]:
        found, (squares, logs) = jax.vmap(one, in_axes=(0, 0, None))(carry[0], drives, row)
        return (found, carry[1] + jnp.stack([squares, logs])), None

    zeros = jnp.zeros((2, len(_DRIVES), measured.shape[1]))
    (states, sums), _ = jax.lax.scan(step, (states, zeros), (measured, weights))
    return states, sums
