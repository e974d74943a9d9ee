"""Calibration of cameras from what they saw of a board, or of the animal itself.

Each camera's lens is estimated alone first, by OpenCV, from images that differ most. Where two cameras see the board at
the same time, one follows from the other; along the tree of the pairs that agree best every camera gets its place. All
is then adjusted together (`adjustment`).

Source: Zhang 2000, IEEE PAMI 22(11), for the lens.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64
from scipy.spatial.transform import Rotation

from posecut_core.cameras.adjustment import Free, Observations, adjusted, parameters_of, residuals
from posecut_core.cameras.boards import Board, Sighting, Sightings, opencv
from posecut_core.cameras.camera import Camera, LensModel, checked_cameras, distort, undistort
from posecut_core.cameras.triangulation import Triangulation, triangulate
from posecut_core.errors import CameraError

_LENS_FRAMES = 40  # images that a lens is estimated from; more change little
_ALIKE = 0.01  # of the image: a board that lies within so little in all images has not been moved
_LEAST_FRAMES = 5  # images of the board for a lens
_TOGETHER = 3  # frames in which two cameras must see the board to be connected
_ADJUSTED_FRAMES = 300  # adjusted together, at most
_OFF = 4.0  # times the usual error of a camera's images: such an image was misread, or its board bent
_HUBER = 1.0  # pixels
_LAGS = 30  # frames by which videos may be out of step and it is noticed
_IN_STEP = 0.02  # disagreement of two cameras in radians, below which they are in step
_CLEARLY = 0.5  # of the disagreement in step: so much less tells that videos are out of step
_CELLS = 8  # of an image's side, for its coverage
_ROUNDS = 2  # of an adjustment: the second without what did not fit after the first
_LEAST_POINTS, _MOST_POINTS = 20, 3000  # of an animal, that cameras are refined by
_REFINED = {  # standard deviations of a calibration that is refined
    "focal": 0.02,  # of the focal length
    "ratio": 0.002,  # of the two focal lengths
    "center": 10.0,  # pixels
    "turn": 0.05,  # radians
    "place": 0.05,  # of the distance to the world's origin
}
_EXACT = 1e-9  # of a parameter that keeps its value
_UP = np.diag([1.0, -1.0, -1.0])  # axes of a board that lies on the floor: its own third axis points into it


@dataclass(frozen=True, eq=False)
class Calibration:
    """Cameras that were calibrated together, and how well they agree with what they saw."""

    cameras: tuple[Camera, ...]
    rms: Mapping[str, float]  # pixels, by camera: root of the mean squared distance between corner and image
    lens_rms: Mapping[str, float]  # the same of each camera's lens alone, as OpenCV says it
    frame_rms: Mapping[int, float]  # by frame
    coverage: Mapping[str, float]  # part of each image in which corners were seen, from 0 to 1
    pixels: Mapping[str, Float64[np.ndarray, "O 2"]]  # corners seen, by camera
    residuals: Mapping[str, Float64[np.ndarray, "O 2"]]  # by how many pixels their images are off
    findings: tuple[str, ...] = ()  # what is worth knowing


def calibrate(
    board: Board,
    sightings: Mapping[str, Sightings],
    *,
    model: LensModel = "pinhole",
    coefficients: int = 5,
    world: int | None = None,
) -> Calibration:
    """Calibrate cameras that saw a board, in frames of which equal numbers were taken at the same time.

    Args:
        board: what they saw.
        sightings: where, by camera (`find_boards`).
        model: of the lenses.
        coefficients: of the distortion: 0, 4, 5 or 8, of a fisheye 4.
        world: number of a frame in which the board lies where the world begins: its first corner is the origin, x goes
            along its rows, and z up from the side that is printed. By default the first camera is the world's origin.

    Raises:
        CameraError: a camera did not see the board often enough or never together with the others, or the videos are
            out of step; OpenCV is not installed.
    """
    sightings = {name: _spread_out(board, seen) for name, seen in sightings.items()}
    findings = _check_seen(board, sightings)
    lenses = {name: _lens(name, board, seen, model, coefficients) for name, seen in sightings.items()}
    views = {name: _views(lens.camera, board, sightings[name]) for name, lens in lenses.items()}
    findings += _out_of_step(board, views)
    cameras = _placed(board, _same_lens([lens.camera for lens in lenses.values()]), views)
    cameras, bodies, seen, frames = _all_adjusted(board, cameras, views, _lens_prior(cameras, lenses), world)
    rms = {name: lens.rms for name, lens in lenses.items()}
    done = _report(cameras, bodies, seen, frames, rms, tuple(findings))
    if world is None:
        return done
    return replace(done, cameras=_world_of_board(cameras, bodies, frames, world, board))


def world_of_points(
    cameras: Sequence[Camera], points: Float64[np.ndarray, "3 3"], *, length: float | None = None
) -> tuple[Camera, ...]:
    """Move the world to three points: its origin, one on the x axis, and one in the plane of x and y.

    Args:
        cameras: calibrated together.
        points: the three in the world as it is, x y z each.
        length: distance of the first two in the unit that the world shall have; by default it keeps its own.

    Raises:
        CameraError: the points are not finite, or lie on a line.
    """
    cameras = checked_cameras(cameras)
    origin, along, beside = points
    x = along - origin
    z = np.cross(x, beside - origin)
    if not np.isfinite(points).all() or np.linalg.norm(z) <= 1e-6 * np.linalg.norm(x) ** 2:
        raise CameraError("The three points do not span a plane; label three that do not lie on a line.")
    x, z, size = x / np.linalg.norm(x), z / np.linalg.norm(z), float(np.linalg.norm(x))
    return _in_world(cameras, np.stack([x, np.cross(z, x), z]), origin, 1.0 if length is None else length / size)


def refine_cameras(
    cameras: Sequence[Camera],
    points: Float64[np.ndarray, "*B C 2"],
    likelihood: Float64[np.ndarray, "*B C"] | None = None,
    *,
    pcutoff: float = 0.9,
    max_error: float = 20.0,
) -> Calibration:
    """Improve cameras by what they saw of an animal, without a board; lenses keep their distortion.

    They stay near where they were: only how views disagree is seen, neither the scale nor the place of the whole.

    Args:
        cameras: a calibration that is nearly right.
        points: pixels, as for `triangulate`.
        likelihood: of the pixels.
        pcutoff: likelihood below which a view does not count; the confident ones are what is learned from.
        max_error: pixels by which views may disagree with the others before they are taken for wrong.

    Raises:
        CameraError: fewer than two cameras, lenses of different models, or too few points seen together.
    """
    cameras = _same_lens(checked_cameras(cameras, at_least=2))
    flat = points.reshape(-1, len(cameras), 2)
    weights = None if likelihood is None else likelihood.reshape(-1, len(cameras))
    prior = np.stack([_prior(camera) for camera in cameras])
    free = Free(lens=True, distortion=0, first=True)
    refined = cameras
    for _ in range(_ROUNDS):
        found = triangulate(refined, flat, weights, pcutoff=pcutoff, max_error=max_error)
        seen, points = _seen_together(found, flat)
        refined, points = adjusted(cameras, points, seen, free=free, scale=2 * _HUBER, prior=prior)
    return _report(refined, points, seen, np.arange(len(points)), {}, ())


def _seen_together(
    found: Triangulation, pixels: Float64[np.ndarray, "N C 2"]
) -> tuple[Observations, Float64[np.ndarray, "B 3"]]:
    """Return what views saw of points on which several agree, evenly chosen where they are many, and where these are.

    Raises:
        CameraError: they are too few.
    """
    known = np.flatnonzero(found.used.sum(axis=1) >= 2)
    if len(known) < _LEAST_POINTS:
        raise CameraError(
            f"Only {len(known)} points are seen by two cameras with confidence, expected {_LEAST_POINTS} or more; give "
            "more videos, or a lower pcutoff."
        )
    known = known[np.linspace(0, len(known) - 1, min(len(known), _MOST_POINTS)).astype(int)]
    body, camera = np.nonzero(found.used[known])
    seen = Observations(camera, body, np.zeros((len(body), 3)), pixels[known][body, camera], np.ones(len(body)))
    return seen, found.points[known]


# --- what the cameras saw ---------------------------------------------------------------------------------------------


def _spread_out(board: Board, seen: Sightings) -> Sightings:
    """Leave out images in which all corners lie on one line: they do not say how the board lies."""

    def spans(view: Sighting) -> bool:
        local = board.corners[view.corners, :2]
        return bool(np.linalg.matrix_rank(local - local[0]) == 2)

    return replace(seen, frames={number: view for number, view in seen.frames.items() if spans(view)})


def _check_seen(board: Board, sightings: Mapping[str, Sightings]) -> list[str]:
    """Refuse cameras that did not see the board, and say what is odd."""
    if not sightings:
        raise CameraError("There are no cameras to calibrate; give images or videos of the board.")
    for name, seen in sightings.items():
        if len(seen.frames) < _LEAST_FRAMES:
            instead = f" It sees a {seen.other}." if seen.other else ""
            marked = ", dictionary, which side is columns, whether it is inverted" if board.kind == "charuco" else ""
            raise CameraError(
                f"Camera {name} saw the {board} in {len(seen.frames)} of {seen.looked} images, expected "
                f"{_LEAST_FRAMES} or more.{instead} Check its columns, rows and kind{marked}, and that it is in the "
                "picture."
            )
    looked = {name: seen.looked for name, seen in sightings.items()}
    if len(set(looked.values())) > 1:
        counts = ", ".join(f"{name} {count}" for name, count in looked.items())
        return [
            f"The cameras have different numbers of images ({counts}); frames of one number count as one moment, so "
            "check that all cameras began together"
        ]
    return []


@dataclass(frozen=True, eq=False)
class _View:
    """The board in one image, and where it is before the camera."""

    sighting: Sighting
    turned: Float64[np.ndarray, "3 3"]
    moved: Float64[np.ndarray, "3"]
    error: float  # root of the mean squared error in pixels

    def upside_down(self, board: Board) -> "_View":
        """Take the board to be turned by half a circle in its plane."""
        corners = board.corners
        sighting = replace(self.sighting, corners=len(corners) - 1 - self.sighting.corners)
        turned = self.turned @ np.diag([-1.0, -1.0, 1.0])
        return replace(
            self, sighting=sighting, turned=turned, moved=self.moved + self.turned @ (corners[0] + corners[-1])
        )


_Views = dict[int, _View]


@dataclass(frozen=True, eq=False)
class _Lens:
    """A camera without its place, from its own images alone."""

    camera: Camera
    rms: float  # pixels
    deviations: Float64[np.ndarray, " P"]  # how sure its first parameters are, in the order of `parameters_of`
    errors: Float64[np.ndarray, " I"]  # pixels, of each image


def _lens(name: str, board: Board, seen: Sightings, model: LensModel, coefficients: int) -> _Lens:
    """Estimate a lens from the images that differ most, and again without those that then fit badly."""
    shapes = _shapes(board, seen)
    if np.ptp(shapes, axis=0).max() < _ALIKE:
        raise _untold(name)
    chosen = _differing(seen, shapes)
    found = _lens_of(name, board, seen.size, chosen, model, coefficients)
    usual = max(float(np.median(found.errors)), 0.1)
    kept = [view for view, error in zip(chosen, found.errors.tolist(), strict=True) if error <= _OFF * usual]
    if len(kept) == len(chosen) or len(kept) < _LEAST_FRAMES:
        return found
    return _lens_of(name, board, seen.size, kept, model, coefficients)


def _lens_of(
    name: str, board: Board, size: tuple[int, int], chosen: list[Sighting], model: LensModel, coefficients: int
) -> _Lens:
    local = [board.corners[view.corners].astype(np.float32) for view in chosen]
    pixel = [view.pixels.astype(np.float32) for view in chosen]
    found: _Lens | None
    try:
        if model == "fisheye":
            found = _fisheye(name, size, local, pixel)
        else:
            found = _pinhole(name, size, local, pixel, coefficients)
    except opencv().error:
        found = None
    if found is None or not np.isfinite(found.deviations).all():
        raise _untold(name)
    return found


def _untold(name: str) -> CameraError:
    return CameraError(
        f"The lens of camera {name} cannot be told from its images of the board, which are too much alike or too "
        "inexact; film the board near and far, leaning to all sides."
    )


def _pinhole(name: str, size: tuple[int, int], local: list[Any], pixel: list[Any], coefficients: int) -> _Lens:
    """Estimate a pinhole's lens; one that folds its image gets fewer coefficients."""
    cv2 = opencv()
    for count in dict.fromkeys((coefficients, min(coefficients, 4), 0)):
        rms, matrix, bent, turns, moves, sure, *_ = cv2.calibrateCameraExtended(
            local, pixel, size, None, None, flags=_lens_flags(count)
        )
        sure = np.maximum(sure.ravel()[: 4 + count], _EXACT)
        sure[1] /= matrix[0, 0]
        try:
            camera = Camera(name, size, matrix, bent.ravel()[:count])
        except CameraError as error:
            folded = error
        else:
            return _Lens(camera, float(rms), sure, _image_errors(camera, local, pixel, turns, moves))
    raise folded


def _fisheye(name: str, size: tuple[int, int], local: list[Any], pixel: list[Any]) -> _Lens:
    """Estimate a fisheye; OpenCV does not say how sure it is of one, so it is held to what it says."""
    cv2 = opencv()
    options = cv2 if hasattr(cv2, "CALIB_RECOMPUTE_EXTRINSIC") else cv2.fisheye  # moved in OpenCV 5
    flags = options.CALIB_RECOMPUTE_EXTRINSIC | options.CALIB_FIX_SKEW
    wide = [[part[None].astype(np.float64) for part in parts] for parts in (local, pixel)]
    for fixed in (0, options.CALIB_FIX_K3 | options.CALIB_FIX_K4):
        rms, matrix, bent, turns, moves = cv2.fisheye.calibrate(
            *wide, size, np.eye(3), np.zeros((4, 1)), flags=flags | fixed
        )
        sure = np.array([1e-3 * matrix[0, 0], 1e-3, 1.0, 1.0, *[_EXACT] * 4])
        try:
            camera = Camera(name, size, matrix, bent.ravel(), model="fisheye")
        except CameraError as error:
            folded = error
        else:
            return _Lens(camera, float(rms), sure, _image_errors(camera, local, pixel, turns, moves))
    raise folded


def _image_errors(
    camera: Camera, local: list[Any], pixel: list[Any], turns: Sequence[Any], moves: Sequence[Any]
) -> Float64[np.ndarray, " I"]:
    """Return the root of the mean squared error of each image in pixels, where the board is as OpenCV says."""
    errors = []
    for corners, seen, turn, moved in zip(local, pixel, turns, moves, strict=True):
        there = Rotation.from_rotvec(np.ravel(turn)).apply(corners.astype(np.float64)) + np.ravel(moved)
        off = distort(camera, there[:, :2] / there[:, 2:]) - seen
        errors.append(np.sqrt((off**2).sum(axis=1).mean()))
    return np.array(errors)


def _lens_prior(cameras: tuple[Camera, ...], lenses: Mapping[str, _Lens]) -> Float64[np.ndarray, "C P"]:
    """Let lenses change as far as their own images allow: these do not depend on whether videos are in step."""
    prior = np.stack([np.full_like(parameters_of(camera), np.inf) for camera in cameras])
    for row, camera in zip(prior, cameras, strict=True):
        sure = lenses[camera.name].deviations
        row[:-6] = _EXACT  # coefficients that only another camera has
        row[: len(sure)] = sure
    return prior


def _lens_flags(coefficients: int) -> int:
    cv2 = opencv()
    fixed = cv2.CALIB_FIX_K3 if coefficients < 5 else 0
    if coefficients == 0:
        fixed |= cv2.CALIB_FIX_K1 | cv2.CALIB_FIX_K2 | cv2.CALIB_ZERO_TANGENT_DIST
    return int(fixed | (cv2.CALIB_RATIONAL_MODEL if coefficients == 8 else 0))


def _shapes(board: Board, seen: Sightings) -> Float64[np.ndarray, "I 6"]:
    """Return how the board lies in each image: an affine map, in shares of the board's and the image's size."""
    size, shapes = board.square * max(board.columns, board.rows), []
    for view in seen.frames.values():
        flat = np.column_stack([board.corners[view.corners, :2] / size, np.ones(len(view.corners))])
        shapes.append(np.linalg.lstsq(flat, view.pixels / max(seen.size), rcond=None)[0].ravel())
    return np.array(shapes)


def _differing(seen: Sightings, shapes: Float64[np.ndarray, "I 6"]) -> list[Sighting]:
    """Choose images in which the board lies as differently as possible, each farthest from those chosen before."""
    views = list(seen.frames.values())
    away = np.full(len(views), np.inf)
    at, chosen = int(np.argmax([len(view.corners) for view in views])), []
    for _ in range(min(_LENS_FRAMES, len(views))):
        chosen.append(at)
        away = np.minimum(away, np.linalg.norm(shapes - shapes[at], axis=1))
        at = int(away.argmax())
    return [views[at] for at in sorted(chosen)]


def _views(camera: Camera, board: Board, seen: Sightings) -> _Views:
    """Find where the board is before the camera in each image, without those that fit it badly."""
    cv2 = opencv()
    views: _Views = {}
    for number, sighting in seen.frames.items():
        local = board.corners[sighting.corners]
        direction = undistort(camera, sighting.pixels)
        if np.isnan(direction).any():
            continue
        found, turn, moved = cv2.solvePnP(local, direction, np.eye(3), None, flags=cv2.SOLVEPNP_IPPE)
        if not found:
            continue
        turn, moved = cv2.solvePnPRefineLM(local, direction, np.eye(3), None, turn, moved)
        turned = Rotation.from_rotvec(turn.ravel()).as_matrix()
        there = local @ turned.T + moved.ravel()
        off = (there[:, :2] / there[:, 2:] - direction) * camera.matrix[0, 0]
        views[number] = _View(sighting, turned, moved.ravel(), float(np.sqrt((off**2).sum(axis=1).mean())))
    usual = np.median([view.error for view in views.values()]) if views else 0.0
    return {number: view for number, view in views.items() if view.error <= _OFF * max(usual, 0.1)}


# --- how the cameras lie to each other --------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Between:
    """From one camera into another, by several frames."""

    frames: tuple[int, ...]  # of the first
    turned: Float64[np.ndarray, "N 3 3"]
    moved: Float64[np.ndarray, "N 3"]
    flipped: tuple[bool, ...]  # whether the board is upside down for the second
    away: Float64[np.ndarray, " N"]  # from the middle one: an angle in radians, and a part of the distance

    @property
    def spread(self) -> float:
        """How far frames disagree."""
        return float(np.median(self.away))


def _between(board: Board, one: _Views, other: _Views, *, lag: int = 0) -> _Between | None:
    """Compare two cameras, the second so many frames later; None where too few frames are common."""
    common = [number for number in one if number + lag in other]
    if len(common) < _TOGETHER:
        return None
    common = [common[at] for at in np.unique(np.linspace(0, len(common) - 1, min(len(common), 60)).astype(int))]
    kinds = (False, True) if board.ambiguous else (False,)
    turned, moved = [], []
    for number, flip in itertools.product(common, kinds):
        there = other[number + lag].upside_down(board) if flip else other[number + lag]
        turned.append(there.turned @ one[number].turned.T)
        moved.append(there.moved - turned[-1] @ one[number].moved)
    turns, moves = np.array(turned), np.array(moved)
    traces = np.einsum("aij,bij->ab", turns, turns)
    scale = np.median([np.linalg.norm(one[number].moved) for number in common])
    away = np.arccos(np.clip((traces - 1) / 2, -1, 1)) + np.linalg.norm(moves[:, None] - moves, axis=-1) / scale
    by_frame = away.reshape(len(away), len(common), len(kinds))
    middle = int(np.median(by_frame.min(axis=2), axis=1).argmin())
    kind = by_frame[middle].argmin(axis=1)
    rows = np.arange(len(common)) * len(kinds) + kind
    return _Between(tuple(common), turns[rows], moves[rows], tuple(bool(at) for at in kind), away[middle, rows])


def _out_of_step(board: Board, views: Mapping[str, _Views]) -> list[str]:
    """Find videos that agree much better when one is moved by some frames.

    Raises:
        CameraError: by more than a frame; by one or less, they can be calibrated.
    """
    told = []
    for (name, one), (other_name, other) in itertools.combinations(views.items(), 2):
        now = _between(board, one, other)
        if now is None or now.spread < _IN_STEP:
            continue
        spreads = {}
        for lag in range(-_LAGS, _LAGS + 1):
            found = _between(board, one, other, lag=lag)
            if found is not None and len(found.frames) >= 2 * _LEAST_FRAMES:
                spreads[lag] = found.spread
        best = min(spreads, key=lambda lag: spreads[lag], default=0)
        if best == 0 or spreads[best] > _CLEARLY * now.spread:
            continue
        late, early = (other_name, name) if best > 0 else (name, other_name)
        if abs(best) > 1:
            raise CameraError(
                f"The videos of {early} and {late} are out of step: {late} shows the board {abs(best)} frames later. "
                f"Cut its first {abs(best)} frames off, so that equal frame numbers are one moment."
            )
        told.append(
            f"The video of {late} is about one frame later than that of {early}, so that a moving board does not fit "
            "well; cut its first frame off, calibrate again and keep the calibration with the smaller errors, or hold "
            "the board still in each place"
        )
    return told


def _placed(board: Board, cameras: tuple[Camera, ...], views: dict[str, _Views]) -> tuple[Camera, ...]:
    """Give each camera its place before the first, along the tree of pairs that agree best."""
    placed = {cameras[0].name: replace(cameras[0], rotation=np.eye(3), translation=np.zeros(3))}
    while len(placed) < len(cameras):
        best: tuple[float, str, str, _Between] | None = None
        for name, other in itertools.product(placed, views):
            found = None if other in placed else _between(board, views[name], views[other])
            cost = np.inf if found is None else found.spread / np.sqrt(len(found.frames))
            if found is not None and (best is None or cost < best[0]):
                best = (cost, name, other, found)
        if best is None:
            raise _not_connected(views, list(placed))
        _, name, other, between = best
        if board.ambiguous:
            flips = dict(zip(between.frames, between.flipped, strict=True))
            views[other] = {at: view.upside_down(board) if flips.get(at) else view for at, view in views[other].items()}
        near = between.away <= 3 * max(between.spread, 1e-6)
        turned = Rotation.from_matrix(between.turned[near]).mean().as_matrix()
        moved = np.median(between.moved[near], axis=0)
        camera = next(camera for camera in cameras if camera.name == other)
        rotation, translation = turned @ placed[name].rotation, turned @ placed[name].translation + moved
        placed[other] = replace(camera, rotation=rotation, translation=translation)
    return tuple(placed[camera.name] for camera in cameras)


def _not_connected(views: Mapping[str, _Views], placed: list[str]) -> CameraError:
    missing = [name for name in views if name not in placed]
    together = max(len(views[name].keys() & views[other].keys()) for name in placed for other in missing)
    return CameraError(
        f"Camera {missing[0]} is not connected: it sees the board together with {', '.join(placed)} in {together} "
        f"frames at most, expected {_TOGETHER} or more. Record the board where two cameras see it at once."
    )


def _all_adjusted(
    board: Board,
    cameras: tuple[Camera, ...],
    views: Mapping[str, _Views],
    prior: Float64[np.ndarray, "C P"],
    world: int | None,
) -> tuple[tuple[Camera, ...], Float64[np.ndarray, "B 6"], Observations, Int64[np.ndarray, " B"]]:
    """Adjust cameras and boards together, and again without the images that then fit badly."""
    frames = _chosen_frames(views, world)
    bodies = np.stack([_board_in_world(cameras, views, number) for number in frames.tolist()])
    seen = _observations(board, cameras, views, frames)
    start, free = cameras, Free(lens=True, distortion=len(cameras[0].distortion), first=False)
    for _ in range(_ROUNDS):
        try:
            cameras, bodies = adjusted(start, bodies, seen, free=free, scale=_HUBER, prior=prior)
        except CameraError:  # a lens that folds its image, where the board was not near its border
            free = free._replace(distortion=0)
            cameras, bodies = adjusted(start, bodies, seen, free=free, scale=_HUBER, prior=prior)
        image = seen.body * len(cameras) + seen.camera
        squares = (residuals(cameras, bodies, seen) ** 2).sum(axis=1)
        errors = np.sqrt(np.bincount(image, squares) / np.maximum(np.bincount(image), 1))
        seen = seen.only(errors[image] <= _OFF * np.median(errors[np.unique(image)]))
    kept, body = np.unique(seen.body, return_inverse=True)
    return cameras, bodies[kept], replace(seen, body=body), frames[kept]


def _chosen_frames(views: Mapping[str, _Views], world: int | None) -> Int64[np.ndarray, " B"]:
    """Choose frames to adjust by, those that several cameras see first, and the one in which the world lies."""
    counts: dict[int, int] = {}
    for seen in views.values():
        for number in seen:
            counts[number] = counts.get(number, 0) + 1
    several = sorted(number for number, count in counts.items() if count > 1)
    alone = sorted(number for number, count in counts.items() if count == 1)
    chosen: list[int] = []
    for numbers in (several, alone):
        room = min(len(numbers), _ADJUSTED_FRAMES - len(chosen))
        chosen += [numbers[at] for at in np.linspace(0, len(numbers) - 1, room).astype(int)] if room else []
    chosen += [world] if world is not None and world in counts else []
    return np.unique(np.array(chosen, dtype=np.int64))


def _board_in_world(cameras: tuple[Camera, ...], views: Mapping[str, _Views], number: int) -> Float64[np.ndarray, "6"]:
    """Return where the board is, by the camera that saw most of it."""
    seeing = [camera for camera in cameras if number in views[camera.name]]
    camera = max(seeing, key=lambda camera: len(views[camera.name][number].sighting.corners))
    view = views[camera.name][number]
    turned = camera.rotation.T @ view.turned
    return np.concatenate(
        [Rotation.from_matrix(turned).as_rotvec(), camera.rotation.T @ (view.moved - camera.translation)]
    )


def _observations(
    board: Board, cameras: tuple[Camera, ...], views: Mapping[str, _Views], frames: Int64[np.ndarray, " B"]
) -> Observations:
    parts = [
        (at, body, view.sighting)
        for at, camera in enumerate(cameras)
        for body, number in enumerate(frames.tolist())
        if (view := views[camera.name].get(number)) is not None
    ]
    counts = [len(sighting.corners) for _, _, sighting in parts]
    return Observations(
        camera=np.repeat([at for at, _, _ in parts], counts),
        body=np.repeat([body for _, body, _ in parts], counts),
        local=np.concatenate([board.corners[sighting.corners] for _, _, sighting in parts]),
        pixel=np.concatenate([sighting.pixels for _, _, sighting in parts]),
        weight=np.ones(sum(counts)),
    )


# --- the world, and what is reported ----------------------------------------------------------------------------------


def _same_lens(cameras: Sequence[Camera]) -> tuple[Camera, ...]:
    """Give all cameras as many coefficients as one of them has."""
    if len({camera.model for camera in cameras}) > 1:
        raise CameraError("Some cameras have fisheye lenses and others not; they are not adjusted together.")
    most = max(len(camera.distortion) for camera in cameras)
    return tuple(
        replace(camera, distortion=np.pad(camera.distortion, (0, most - len(camera.distortion)))) for camera in cameras
    )


def _prior(camera: Camera) -> Float64[np.ndarray, " P"]:
    """Say how far a camera's parameters may be off that is refined."""
    deviations = np.ones_like(parameters_of(camera))
    focal, center = _REFINED["focal"] * camera.matrix[0, 0], _REFINED["center"]
    deviations[:4] = focal, _REFINED["ratio"], center, center
    deviations[-6:-3] = _REFINED["turn"]
    deviations[-3:] = _REFINED["place"] * max(float(np.linalg.norm(camera.translation)), 1e-6)
    return deviations


def _in_world(
    cameras: tuple[Camera, ...], axes: Float64[np.ndarray, "3 3"], origin: Float64[np.ndarray, "3"], scale: float
) -> tuple[Camera, ...]:
    """Return the cameras in a world with other axes (rows), origin and unit."""
    return tuple(
        replace(
            camera,
            rotation=camera.rotation @ axes.T,
            translation=scale * (camera.translation + camera.rotation @ origin),
        )
        for camera in cameras
    )


def _world_of_board(
    cameras: tuple[Camera, ...],
    bodies: Float64[np.ndarray, "B 6"],
    frames: Int64[np.ndarray, " B"],
    number: int,
    board: Board,
) -> tuple[Camera, ...]:
    if number not in frames:
        near = int(frames[np.abs(frames - number).argmin()])
        raise CameraError(
            f"The board is not seen well enough in frame {number}; the nearest frame in which it is has the number "
            f"{near}."
        )
    body = bodies[int(np.flatnonzero(frames == number)[0])]
    turned = Rotation.from_rotvec(body[:3]).as_matrix()
    return _in_world(cameras, (turned @ _UP).T, body[3:] + turned @ board.corners[0], 1.0)


def _report(
    cameras: tuple[Camera, ...],
    bodies: Float64[np.ndarray, "B Q"],
    seen: Observations,
    frames: Int64[np.ndarray, " B"],
    lens_rms: Mapping[str, float],
    findings: tuple[str, ...],
) -> Calibration:
    off = residuals(cameras, bodies, seen)
    squares = (off**2).sum(axis=1)
    names = [camera.name for camera in cameras]
    of = {name: seen.camera == at for at, name in enumerate(names)}
    by_frame = np.sqrt(np.bincount(seen.body, squares) / np.bincount(seen.body))
    pixels = {name: seen.pixel[rows] for name, rows in of.items()}
    return Calibration(
        cameras=cameras,
        rms={name: float(np.sqrt(squares[rows].mean())) for name, rows in of.items()},
        lens_rms=dict(lens_rms),
        frame_rms={int(number): float(error) for number, error in zip(frames, by_frame, strict=True)},
        coverage={camera.name: _coverage(pixels[camera.name], camera.size) for camera in cameras},
        pixels=pixels,
        residuals={name: off[rows] for name, rows in of.items()},
        findings=findings,
    )


def _coverage(pixels: Float64[np.ndarray, "O 2"], size: tuple[int, int]) -> float:
    """Return in which part of an image's cells something was seen."""
    if min(size) == 0:
        return float("nan")
    cells = np.clip((pixels / size * _CELLS).astype(int), 0, _CELLS - 1)
    return len(np.unique(cells, axis=0)) / _CELLS**2
