"""Bundle adjustment: cameras and what they saw, adjusted together so that both agree best.

What was seen are rigid boards, each with a pose in every frame, or single points. The errors are weighted by Huber's
loss. Each board or point is solved for together with its own pixels only (the Schur complement), so that a step's work
grows with their number and not with its cube.

Sources: Triggs, McLauchlan, Hartley and Fitzgibbon 2000, Bundle Adjustment: A Modern Synthesis, sections 6 and 8.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float64, Int64
from scipy.spatial.transform import Rotation

from posecut_core.cameras.camera import Camera, LensModel, distorted, pixels

_STEPS = 60  # at most
_ENOUGH = 1e-8  # of the cost: a step that lowers it by less is the last
_LENS, _PLACE = 4, 6  # parameters of a matrix (fx, fy, cx, cy), and of a place (rotation vector, translation)


@dataclass(frozen=True, eq=False)
class Observations:
    """Pixels that cameras saw."""

    camera: Int64[np.ndarray, " O"]
    body: Int64[np.ndarray, " O"]  # which board or point
    local: Float64[np.ndarray, "O 3"]  # where on the board; not used for points
    pixel: Float64[np.ndarray, "O 2"]
    weight: Float64[np.ndarray, " O"]

    def only(self, kept: Bool[np.ndarray, " O"]) -> "Observations":
        """Return some of them."""
        return Observations(*(getattr(self, key)[kept] for key in ("camera", "body", "local", "pixel", "weight")))


class Free(NamedTuple):
    """What of the cameras may change."""

    lens: bool  # focal lengths and principal points
    distortion: int  # how many of the coefficients
    first: bool  # the place of the first camera; where it stays, the world does


class _Slopes(NamedTuple):
    """Residuals in pixels, and their derivatives by the parameters of the cameras and of the bodies."""

    residual: Float64[np.ndarray, "O 2"]
    camera: Float64[np.ndarray, "O 2 P"]
    body: Float64[np.ndarray, "O 2 Q"]


def adjusted(
    cameras: tuple[Camera, ...],
    bodies: Float64[np.ndarray, "B Q"],
    seen: Observations,
    *,
    free: Free,
    scale: float,
    prior: Float64[np.ndarray, "C P"] | None = None,
) -> tuple[tuple[Camera, ...], Float64[np.ndarray, "B Q"]]:
    """Adjust cameras and bodies by Levenberg-Marquardt.

    Args:
        cameras: first estimates; all have the same lens model and number of coefficients.
        bodies: first estimates: a rotation vector and a translation for each board, or the place of each point.
        seen: what the cameras saw of them.
        free: what of the cameras may change.
        scale: residual in pixels from which on errors count in proportion, and no longer by their square.
        prior: standard deviations of each camera's parameters (`parameters_of`) around the first estimate; none by
            default.
    """
    start = np.stack([parameters_of(camera) for camera in cameras])
    loose = _free_columns(cameras, free)
    pull = np.zeros_like(start) if prior is None else 1 / prior**2
    now, damping = (start, bodies), 1e-3
    cost = _cost(cameras, *now, seen, scale, pull, start)
    for _ in range(_STEPS):
        slopes = _slopes(cameras, *now, seen)
        weight = _weights(slopes.residual, seen, scale)
        step = _step(slopes, seen, weight, (now[0] - start) * pull, pull, loose, damping, bodies=len(bodies))
        tried = (now[0] + step[0], now[1] + step[1])
        found = _cost(cameras, *tried, seen, scale, pull, start)
        if found < cost:
            done, now, cost, damping = cost - found < _ENOUGH * cost, tried, found, max(damping * 0.2, 1e-9)
            if done:
                break
        elif damping > 1e6:
            break
        else:
            damping *= 10
    return tuple(_with_parameters(camera, row) for camera, row in zip(cameras, now[0], strict=True)), now[1]


def residuals(
    cameras: tuple[Camera, ...], bodies: Float64[np.ndarray, "B Q"], seen: Observations
) -> Float64[np.ndarray, "O 2"]:
    """Return by how many pixels the cameras see something elsewhere than it is."""
    return _slopes(cameras, np.stack([parameters_of(camera) for camera in cameras]), bodies, seen).residual


def parameters_of(camera: Camera) -> Float64[np.ndarray, " P"]:
    """Return what of a camera is adjusted: fx, fy / fx, cx, cy, the distortion, a rotation vector, the translation."""
    turn = Rotation.from_matrix(camera.rotation).as_rotvec()
    (fx, _, cx), (_, fy, cy), _ = camera.matrix
    lens = np.array([fx, fy / fx, cx, cy])
    return np.concatenate([lens, camera.distortion, turn, camera.translation])


def _with_parameters(camera: Camera, row: Float64[np.ndarray, " P"]) -> Camera:
    fx, ratio, cx, cy = row[:_LENS]
    matrix = np.array([[fx, camera.matrix[0, 1], cx], [0.0, fx * ratio, cy], [0.0, 0.0, 1.0]])
    turned = Rotation.from_rotvec(row[-6:-3]).as_matrix()
    return replace(camera, matrix=matrix, distortion=row[_LENS:-_PLACE], rotation=turned, translation=row[-3:])


def _free_columns(cameras: tuple[Camera, ...], free: Free) -> Bool[np.ndarray, " CP"]:
    count = len(cameras[0].distortion)
    one = np.array([free.lens] * _LENS + [at < free.distortion for at in range(count)] + [True] * _PLACE)
    columns = np.tile(one, (len(cameras), 1))
    columns[0, -_PLACE:] = free.first
    return columns.ravel()


def _weights(residual: Float64[np.ndarray, "O 2"], seen: Observations, scale: float) -> Float64[np.ndarray, " O"]:
    return seen.weight * np.minimum(1.0, scale / np.maximum(np.linalg.norm(residual, axis=1), 1e-12))


def _cost(
    cameras: tuple[Camera, ...],
    rows: Float64[np.ndarray, "C P"],
    bodies: Float64[np.ndarray, "B Q"],
    seen: Observations,
    scale: float,
    pull: Float64[np.ndarray, "C P"],
    start: Float64[np.ndarray, "C P"],
) -> float:
    length = np.linalg.norm(_evaluated(cameras, rows, bodies, seen, slopes=False)[0], axis=1)
    huber = np.where(length < scale, length**2, 2 * scale * length - scale**2)
    total = float((seen.weight * huber).sum() + (pull * (rows - start) ** 2).sum())
    return total if np.isfinite(total) else np.inf


def _slopes(
    cameras: tuple[Camera, ...],
    rows: Float64[np.ndarray, "C P"],
    bodies: Float64[np.ndarray, "B Q"],
    seen: Observations,
) -> _Slopes:
    return _Slopes(*_evaluated(cameras, rows, bodies, seen, slopes=True))


def _evaluated(
    cameras: tuple[Camera, ...],
    rows: Float64[np.ndarray, "C P"],
    bodies: Float64[np.ndarray, "B Q"],
    seen: Observations,
    *,
    slopes: bool,
) -> tuple[np.ndarray, ...]:
    """Compute residuals, and their derivatives if they are asked for, in chunks of one size."""
    skews = np.array([camera.matrix[0, 1] for camera in cameras])
    arrays = (rows[seen.camera], bodies[seen.body], skews[seen.camera], seen.local, seen.pixel)
    program, count = _program(cameras[0].model, slopes), len(seen.body)
    size = 1 << max(count - 1, 1).bit_length()  # few sizes, so that little is compiled
    with jax.enable_x64(True):
        done = program(*(np.resize(array, (size, *array.shape[1:])) for array in arrays))
    return tuple(np.asarray(part)[:count] for part in done)


@lru_cache
def _program(model: LensModel, slopes: bool) -> Any:
    def residual(row: Array, body: Array, skew: Array, local: Array, pixel: Array) -> Array:
        point = _turned(body[:3], local) + body[3:] if body.size == _PLACE else body
        x, y, z = _turned(row[-6:-3], point) + row[-3:]
        fx, ratio, cx, cy = row[:_LENS]
        fy = fx * ratio
        matrix = jnp.stack([jnp.stack([fx, skew, cx]), jnp.stack([0 * fy, fy, cy]), jnp.asarray([0.0, 0.0, 1.0])])
        return pixels(distorted(jnp.stack([x, y]) / z, row[_LENS:-_PLACE], model), matrix) - pixel

    if not slopes:
        return jax.jit(lambda *arrays: (jax.vmap(residual)(*arrays),))
    both = jax.vmap(jax.jacfwd(residual, argnums=(0, 1)))
    return jax.jit(lambda *arrays: (jax.vmap(residual)(*arrays), *both(*arrays)))


def _turned(vector: Array, point: Array) -> Array:
    """Turn a point by a rotation vector (Rodrigues)."""
    square = (vector**2).sum()
    near = square < 1e-12
    safe = jnp.where(near, 1.0, square)
    angle = jnp.sqrt(safe)
    sine = jnp.where(near, 1.0, jnp.sin(angle) / angle)
    cosine = jnp.where(near, 0.5, (1 - jnp.cos(angle)) / safe)
    once = jnp.cross(vector, point)
    return point + sine * once + cosine * jnp.cross(vector, once)


def _step(
    slopes: _Slopes,
    seen: Observations,
    weight: Float64[np.ndarray, " O"],
    pulled: Float64[np.ndarray, "C P"],
    pull: Float64[np.ndarray, "C P"],
    loose: Bool[np.ndarray, " CP"],
    damping: float,
    *,
    bodies: int,
) -> tuple[Float64[np.ndarray, "C P"], Float64[np.ndarray, "B Q"]]:
    """Solve for the cameras by the Schur complement, and then for each body; one that nobody saw stays."""
    count, per = pull.shape
    weighted = weight[:, None, None] * slopes.body
    own = _gathered(seen.body, np.einsum("oai,oaj->oij", weighted, slopes.body), bodies)
    side = _gathered(seen.body, np.einsum("oai,oa->oi", weighted, slopes.residual), bodies)
    own += damping * own * np.eye(own.shape[-1]) + 1e-12 * np.eye(own.shape[-1])
    mixed = _gathered(
        seen.body * count + seen.camera, np.einsum("oai,oaj->oij", slopes.camera, weighted), bodies * count
    )
    mixed = mixed.reshape(bodies, count * per, -1)
    weighted = weight[:, None, None] * slopes.camera
    blocks = _gathered(seen.camera, np.einsum("oai,oaj->oij", weighted, slopes.camera), count)
    gradient = _gathered(seen.camera, np.einsum("oai,oa->oi", weighted, slopes.residual), count) + pulled
    square = np.zeros((count, per, count, per))
    square[np.arange(count), :, np.arange(count)] = blocks + pull[:, :, None] * np.eye(per)
    whole = square.reshape(count * per, count * per)
    whole += damping * np.diag(np.diag(whole)) + 1e-12 * np.eye(len(whole))
    inverse = np.linalg.inv(own)
    through = mixed @ inverse
    whole -= np.tensordot(through, mixed, axes=((0, 2), (0, 2)))
    right = gradient.ravel() - np.einsum("bij,bj->i", through, side)
    moved = np.zeros(count * per)
    moved[loose] = -np.linalg.lstsq(whole[np.ix_(loose, loose)], right[loose], rcond=None)[0]
    moves = -np.einsum("bij,bj->bi", inverse, side + np.einsum("bpi,p->bi", mixed, moved))
    return moved.reshape(count, per), moves


def _gathered(place: Int64[np.ndarray, " O"], parts: Float64[np.ndarray, "O ..."], count: int) -> np.ndarray:
    """Add up parts that belong to the same place."""
    total = np.zeros((count, *parts.shape[1:]))
    np.add.at(total, place, parts)
    return total
