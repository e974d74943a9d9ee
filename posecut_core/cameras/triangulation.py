"""Points in space from the pixels in which several cameras see them, with their errors and uncertainty.

Pixels become directions first, each with the metric of its pixel: by how many pixels a change of direction moves it.
All that follows works on these, whatever the lens. A point is solved for linearly, weighted by likelihood, and refined
by Levenberg-Marquardt on the reprojection errors. Where a view disagrees by more than `max_error`, pairs of views are
tried instead, the one that most views agree with is taken (MSAC), and the point refined with those views alone.

Few points are solved with NumPy; JAX computes the same where there are many.

Sources: Hartley and Zisserman 2004, Multiple View Geometry, sections 12.2 and 4.7; Torr and Zisserman 2000, CVIU 78(1),
for MSAC.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from posecut_core.cameras.camera import (
    Camera,
    at_one_place,
    checked_cameras,
    distortion_slopes,
    project,
    repeat,
    undistort,
)
from posecut_core.errors import CameraError

_CHUNK = 4096  # points that are solved at once: they fit a cache, and one program fits all
_FEW = 4096  # points that NumPy solves sooner than JAX compiles
_STEPS = 8  # of Levenberg-Marquardt, from the linear solution
_PAIRS = 66  # of views tried, at most: all of twelve cameras
_LEAST_ANGLE = 0.3  # degrees between two rays; a point on rays that are closer to parallel has no depth
_USUAL_NOISE = 1.0  # pixels, before residuals tell more
_UPPER = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))  # entries of a symmetric matrix that are kept
_DIAGONAL = np.array([i == j for i, j in _UPPER], dtype=np.float64)
_BELIEF = 20.0  # how many residuals the usual noise counts for


@dataclass(frozen=True)
class Evidence:
    """What points tell of their views, counted; that of parts of a recording can be added up."""

    squares: float  # weighted, of the errors of the views used
    freedom: int  # degrees of freedom of these
    points: int
    seen: int  # by two or more confident views
    parallel: int  # rays, so that a point has no depth
    disagreeing: int  # points of which no two views agree

    def __add__(self, other: "Evidence") -> "Evidence":
        """Add up what two parts of a recording tell."""
        return Evidence(*(one + another for one, another in zip(astuple(self), astuple(other), strict=True)))

    @property
    def noise(self) -> float:
        """Return by how many pixels views scatter."""
        return float(np.sqrt((self.squares + _BELIEF * _USUAL_NOISE**2) / (self.freedom + _BELIEF)))

    @property
    def findings(self) -> tuple[str, ...]:
        """Say what is worth knowing."""
        told = []
        if not self.seen:
            told.append("No point is seen by two cameras with enough likelihood, so none has a place in space")
        if self.parallel:
            told.append(
                f"{self.parallel} of {self.points} points lie where the rays of their cameras are parallel within "
                f"{_LEAST_ANGLE} degrees, and have no place in space; set the cameras farther apart"
            )
        if self.disagreeing:
            told.append(f"Of {self.disagreeing} of {self.points} points no two views agree")
        return tuple(told)


@dataclass(frozen=True, eq=False)
class Triangulation:
    """Points in space, in the unit of the cameras; NaN where fewer than two views are confident or agree."""

    points: Float64[np.ndarray, "*B 3"]
    error: Float64[np.ndarray, "*B C"]  # pixels from what each camera saw to the point's image; NaN where it saw none
    used: Bool[np.ndarray, "*B C"]  # the views that the point was made of
    likelihood: Float64[np.ndarray, "*B"]  # mean of the views used
    covariance: Float64[np.ndarray, "*B 3 3"]  # of the point, by the likelihood and geometry of the views used
    evidence: Evidence  # of the noise, on which the covariance stands

    @property
    def noise(self) -> float:
        """Return by how many pixels the views scatter that were triangulated together."""
        return self.evidence.noise

    @property
    def mean_error(self) -> Float64[np.ndarray, "*B"]:
        """Root of the mean squared error of the views used, in pixels."""
        squares = np.where(self.used, np.nan_to_num(self.error) ** 2, 0.0).sum(axis=-1)
        count = self.used.sum(axis=-1)
        return np.sqrt(np.divide(squares, count, out=np.full(count.shape, np.nan), where=count > 0))


def triangulate(
    cameras: Sequence[Camera],
    points: Float64[np.ndarray, "*B C 2"],
    likelihood: Float64[np.ndarray, "*B C"] | None = None,
    *,
    pcutoff: float = 0.6,
    max_error: float = 10.0,
) -> Triangulation:
    """Find points in space from the pixels in which several cameras see them.

    Args:
        cameras: calibrated together, in the order of the points' axis C.
        points: pixels; NaN where a camera does not see the point.
        likelihood: probability that each pixel is right, by which it is weighted; 1 by default.
        pcutoff: likelihood below which a view does not count.
        max_error: pixels by which a view may disagree with the others; one that is farther away does not count. Two
            views alone cannot tell which of them is wrong: where these disagree, there is no point.

    Raises:
        CameraError: there are fewer than two cameras, all are at one place, or points are of another number of cameras.
    """
    cameras = checked_cameras(cameras, at_least=2)
    likelihood = np.ones(points.shape[:-1]) if likelihood is None else likelihood
    if points.shape[-2:] != (len(cameras), 2) or likelihood.shape != points.shape[:-1]:
        raise CameraError(
            f"Points of shape {points.shape} and likelihoods of shape {likelihood.shape} do not fit {len(cameras)} "
            "cameras; give pixels with the axes ..., camera, (x, y)."
        )
    if all(at_one_place(cameras[0], camera) for camera in cameras[1:]):
        names = ", ".join(camera.name for camera in cameras)
        raise CameraError(f"Cameras {names} are at the same place, from which no depth is seen; calibrate them again.")
    flat, weights = points.reshape(-1, len(cameras), 2), likelihood.reshape(-1, len(cameras))
    seen = np.isfinite(flat).all(axis=-1) & (weights >= pcutoff) & (weights > 0)
    weights = np.where(seen, np.minimum(weights, 1.0), 0.0)
    return _result(points.shape[:-2], weights, _solve_all(cameras, flat, weights, max_error))


# --- results ----------------------------------------------------------------------------------------------------------


class _Solved(NamedTuple):
    """Points that were solved, the points last so that each operation runs along them."""

    point: Float[Any, "3 N"]
    used: Bool[Any, "C N"]
    error: Float[Any, "C N"]  # in pixels, exact
    covariance: Float[Any, "6 N"]  # at a noise of one pixel: xx, xy, xz, yy, yz, zz
    parallel: Float[Any, " N"]  # cosine of the widest angle between two rays


def _result(shape: tuple[int, ...], weights: Float64[np.ndarray, "N C"], solved: _Solved) -> Triangulation:
    used = solved.used.T
    seen, several = (weights > 0).sum(axis=1) >= 2, used.sum(axis=1) >= 2
    flat = several & (solved.parallel > np.cos(np.radians(_LEAST_ANGLE)))
    found = several & ~flat
    error = np.where((weights > 0) & found[:, None], solved.error.T, np.nan)
    used &= found[:, None]
    evidence = Evidence(
        squares=float((weights * np.where(used, error, 0.0) ** 2).sum()),
        freedom=int((2 * used.sum(axis=1) - 3)[found].sum()),
        points=len(found),
        seen=int(seen.sum()),
        parallel=int(flat.sum()),
        disagreeing=int((seen & ~several).sum()),
    )
    covariance = np.full((len(found), 3, 3), np.nan)
    covariance[found] = evidence.noise**2 * solved.covariance.T[found][:, [[0, 1, 2], [1, 3, 4], [2, 4, 5]]]
    likelihood = np.full(len(found), np.nan)
    likelihood[found] = (weights * used).sum(axis=1)[found] / used.sum(axis=1)[found]
    return Triangulation(
        points=np.where(found, solved.point, np.nan).T.reshape(*shape, 3),
        error=error.reshape(*shape, -1),
        used=used.reshape(*shape, -1),
        likelihood=likelihood.reshape(shape),
        covariance=covariance.reshape(*shape, 3, 3),
        evidence=evidence,
    )


# --- solving ----------------------------------------------------------------------------------------------------------


class _Views(NamedTuple):
    """What views say of points."""

    rotation: Float64[np.ndarray, "C 3 3"]
    translation: Float64[np.ndarray, "C 3"]
    direction: Float[Any, "2 C N"]  # x/z and y/z in the camera
    metric: Float[Any, "4 C N"]  # pixels by direction: x by x, x by y, y by x, y by y
    weight: Float[Any, "C N"]  # 0 where a camera did not see the point


class _Fit(NamedTuple):
    """How well a point fits its views, and which way is better."""

    error: Float[Any, "C N"]  # squared, in pixels; infinite behind a camera
    cost: Float[Any, " N"]
    information: Float[Any, "6 N"]
    gradient: Float[Any, "3 N"]


_Limit = Any  # float, also JAX's
_Solver = Callable[[tuple[Camera, ...], Any, Any, _Limit], _Solved]


def _solve_all(
    cameras: tuple[Camera, ...], pixels: Float64[np.ndarray, "N C 2"], weights: Float64[np.ndarray, "N C"], limit: float
) -> _Solved:
    """Solve with all views first, and with pairs where a view contradicts."""
    count, views = len(pixels), len(cameras)
    solved = _Solved(
        point=np.full((3, count), np.nan),
        used=np.zeros((views, count), bool),
        error=np.full((views, count), np.nan),
        covariance=np.full((6, count), np.nan),
        parallel=np.ones(count),
    )
    seen = (weights > 0).sum(axis=1)
    _solve_rows(np.flatnonzero(seen >= 2), _together, cameras, pixels, weights, limit, solved)
    contradicted = (seen > 2) & (solved.used.sum(axis=0) < seen)
    _solve_rows(np.flatnonzero(contradicted), _in_pairs, cameras, pixels, weights, limit, solved)
    return solved


def _solve_rows(
    rows: Int[np.ndarray, " R"],
    solver: _Solver,
    cameras: tuple[Camera, ...],
    pixels: Float64[np.ndarray, "N C 2"],
    weights: Float64[np.ndarray, "N C"],
    limit: float,
    solved: _Solved,
) -> None:
    """Solve some of the points, and put them in their places."""
    few = len(rows) <= _FEW
    run = partial(solver, cameras) if few else _compiled(solver, cameras)
    for start in range(0, len(rows), _CHUNK):
        part = rows[start : start + _CHUNK]
        padded = part if few else np.resize(part, _CHUNK)  # one size, so that it is compiled once
        with _quietly(few):
            done = run(pixels[padded], weights[padded], limit)
        for whole, piece in zip(solved, done, strict=True):
            whole[..., part] = np.asarray(piece)[..., : len(part)]


@lru_cache(maxsize=8)
def _compiled(solver: _Solver, cameras: tuple[Camera, ...]) -> Callable[..., _Solved]:
    import jax

    return jax.jit(partial(solver, cameras))


@contextmanager
def _quietly(few: bool) -> Iterator[None]:
    """Let NumPy divide by zero where no view is, and JAX compute in double precision and along the last axis alike."""
    if few:
        with np.errstate(all="ignore"):
            yield
        return
    import jax

    with jax.enable_x64(True), jax.numpy_rank_promotion("allow"):
        yield


def _together(
    cameras: tuple[Camera, ...], pixels: Float[Any, "N C 2"], weights: Float[Any, "N C"], limit: _Limit
) -> _Solved:
    views = _views(cameras, pixels, weights)
    start = _solve3(*_summed(_linear(views)))
    return _concluded(cameras, pixels, views, _refined(views, start), limit)


def _in_pairs(
    cameras: tuple[Camera, ...], pixels: Float[Any, "N C 2"], weights: Float[Any, "N C"], limit: _Limit
) -> _Solved:
    """Take the pair of views that most others agree with, and then all that agree."""
    xp = pixels.__array_namespace__()
    views = _views(cameras, pixels, weights)
    squares, sides = _linear(views)
    pairs = _pairs(len(cameras))

    def attempt(number: Any, best: tuple[Any, Any]) -> tuple[Any, Any]:
        one, other = xp.asarray(pairs)[number]
        point = _solve3(squares[:, one] + squares[:, other], sides[:, one] + sides[:, other])
        score = (views.weight * xp.minimum(_fit(views, point).error, limit**2)).sum(axis=0)
        better = (views.weight[one] > 0) & (views.weight[other] > 0) & (score < best[0])
        return xp.where(better, score, best[0]), xp.where(better, point, best[1])

    nothing = (xp.full(len(pixels), xp.inf), xp.full((3, len(pixels)), xp.nan))
    _, point = repeat(len(pairs), attempt, nothing)
    for _ in range(2):
        agree = _fit(views, point).error < limit**2
        views_left = views._replace(weight=xp.where(agree, views.weight, 0.0))
        point = _refined(views_left, point)
    return _concluded(cameras, pixels, views, point, limit)


def _pairs(views: int) -> Int[np.ndarray, "P 2"]:
    """List the pairs of views to try: all, or of very many cameras an even choice."""
    pairs = np.array(list(itertools.combinations(range(views), 2)))
    if len(pairs) > _PAIRS:
        pairs = pairs[np.random.default_rng(0).permutation(len(pairs))[:_PAIRS]]
    return pairs


def _views(cameras: tuple[Camera, ...], pixels: Float[Any, "N C 2"], weights: Float[Any, "N C"]) -> _Views:
    xp = pixels.__array_namespace__()
    directions, metrics = [], []
    for at, camera in enumerate(cameras):
        direction = undistort(camera, pixels[:, at])
        xx, xy, yy = distortion_slopes(direction, camera.distortion, camera.model)
        (fx, skew, _), (_, fy, _), _ = camera.matrix
        directions.append(direction)
        metrics.append(xp.stack([fx * xx + skew * xy, fx * xy + skew * yy, fy * xy + 0 * yy, fy * yy]))
    direction = xp.stack(directions).transpose(2, 0, 1)
    looks = xp.isfinite(direction).all(axis=0)  # a pixel beyond a fold looks nowhere
    return _Views(
        rotation=np.stack([camera.rotation for camera in cameras]),
        translation=np.stack([camera.translation for camera in cameras]),
        direction=xp.where(looks, direction, 0.0),
        metric=xp.where(looks, xp.stack(metrics, axis=1), 0.0),
        weight=xp.where(looks, weights.T, 0.0),
    )


def _linear(views: _Views) -> tuple[Float[Any, "6 C N"], Float[Any, "3 C N"]]:
    """Return each view's part of the normal equations of the point: x (r3 X + t3) = r1 X + t1, and so for y."""
    r, t = views.rotation[..., None], views.translation[..., None]
    squares: Any = 0.0
    sides: Any = 0.0
    xp = views.weight.__array_namespace__()
    for axis, at in enumerate(views.direction):
        row = [at * r[:, 2, i] - r[:, axis, i] for i in range(3)]
        side = t[:, axis] - at * t[:, 2]
        squares = squares + xp.stack([views.weight * row[i] * row[j] for i, j in _UPPER])
        sides = sides + xp.stack([views.weight * row[i] * side for i in range(3)])
    return squares, sides


def _summed(parts: tuple[Float[Any, "6 C N"], Float[Any, "3 C N"]]) -> tuple[Float[Any, "6 N"], Float[Any, "3 N"]]:
    return parts[0].sum(axis=1), parts[1].sum(axis=1)


def _inverse(matrix: Float[Any, "6 N"]) -> Float[Any, "6 N"]:
    """Invert symmetric 3x3 matrices by their cofactors."""
    xx, xy, xz, yy, yz, zz = matrix
    cxx, cxy, cxz = yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy
    cyy, cyz, czz = xx * zz - xz * xz, xy * xz - xx * yz, xx * yy - xy * xy
    xp = matrix.__array_namespace__()
    return xp.stack([cxx, cxy, cxz, cyy, cyz, czz]) / (xx * cxx + xy * cxy + xz * cxz)


def _solve3(matrix: Float[Any, "6 N"], side: Float[Any, "3 N"]) -> Float[Any, "3 N"]:
    """Solve symmetric systems of three equations."""
    xx, xy, xz, yy, yz, zz = _inverse(matrix)
    x, y, z = side
    xp = matrix.__array_namespace__()
    return xp.stack([xx * x + xy * y + xz * z, xy * x + yy * y + yz * z, xz * x + yz * y + zz * z])


def _fit(views: _Views, point: Float[Any, "3 N"]) -> _Fit:
    r, t = views.rotation[..., None], views.translation[..., None]
    xp = point.__array_namespace__()
    x, y, z = (r[:, i, 0] * point[0] + r[:, i, 1] * point[1] + r[:, i, 2] * point[2] + t[:, i] for i in range(3))
    at = (x / z, y / z)
    off_x, off_y = at[0] - views.direction[0], at[1] - views.direction[1]
    xx, xy, yx, yy = views.metric
    off = (xx * off_x + xy * off_y, yx * off_x + yy * off_y)
    slopes = [[(r[:, axis, i] - at[axis] * r[:, 2, i]) / z for i in range(3)] for axis in range(2)]
    by = [
        [xx * slopes[0][i] + xy * slopes[1][i] for i in range(3)],
        [yx * slopes[0][i] + yy * slopes[1][i] for i in range(3)],
    ]
    error = xp.where(z > 0, off[0] ** 2 + off[1] ** 2, xp.inf)
    weight = views.weight
    return _Fit(
        error=error,
        cost=xp.where(weight > 0, weight * error, 0.0).sum(axis=0),
        information=xp.stack([(weight * (by[0][i] * by[0][j] + by[1][i] * by[1][j])).sum(axis=0) for i, j in _UPPER]),
        gradient=xp.stack([(weight * (by[0][i] * off[0] + by[1][i] * off[1])).sum(axis=0) for i in range(3)]),
    )


def _refined(views: _Views, start: Float[Any, "3 N"]) -> Float[Any, "3 N"]:
    """Lower the reprojection errors by Levenberg-Marquardt, each point with a damping of its own."""
    xp = start.__array_namespace__()

    def step(_: Any, state: tuple[Any, _Fit, Any]) -> tuple[Any, _Fit, Any]:
        point, fit, damping = state
        damped = fit.information * (1 + xp.asarray(_DIAGONAL)[:, None] * damping)
        tried = point - _solve3(damped, fit.gradient)
        found = _fit(views, tried)
        better = found.cost <= fit.cost
        kept = _Fit(*(xp.where(better, new, old) for new, old in zip(found, fit, strict=True)))
        return xp.where(better, tried, point), kept, xp.where(better, damping * 0.1, damping * 10 + 1e-6)

    point, _, _ = repeat(_STEPS, step, (start, _fit(views, start), xp.full(start.shape[1], 1e-4)))
    return point


def _concluded(
    cameras: tuple[Camera, ...],
    pixels: Float[Any, "N C 2"],
    views: _Views,
    point: Float[Any, "3 N"],
    limit: _Limit,
) -> _Solved:
    xp = pixels.__array_namespace__()
    seen = views.weight > 0
    fit = _fit(views, point)
    used = seen & (fit.error < limit**2)
    images = xp.stack([project(camera, point.T) for camera in cameras], axis=1)
    rays = [point - camera.center[:, None] for camera in cameras]
    rays = [ray / xp.sqrt((ray**2).sum(axis=0)) for ray in rays]
    parallel = xp.ones(point.shape[1])
    for one, other in itertools.combinations(range(len(cameras)), 2):
        cosine = xp.abs((rays[one] * rays[other]).sum(axis=0))
        parallel = xp.where(used[one] & used[other], xp.minimum(parallel, cosine), parallel)
    return _Solved(
        point=point,
        used=used,
        error=xp.sqrt(((images - pixels) ** 2).sum(axis=-1)).T,
        covariance=_inverse(_fit(views._replace(weight=xp.where(used, views.weight, 0.0)), point).information),
        parallel=parallel,
    )
