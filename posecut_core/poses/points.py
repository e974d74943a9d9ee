"""Predictions in space: values of one session of views, their files, and what makes them steadier.

A table has the columns scorer, bodyparts, coords (x, y, z, likelihood, error, uncertainty) and a row per frame from 0.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float64

from posecut_core.cameras.camera import project as image_of
from posecut_core.cameras.views import calibrated_cameras, calibrated_sessions
from posecut_core.errors import AnalysisError, ArgumentError, LabelError, Remedy
from posecut_core.poses.files import NETWORKS, TABLE_ROWS, write_table
from posecut_core.poses.predictions import Origin, Predictions, predictions_hash, read_origin
from posecut_core.poses.skeleton import Bones
from posecut_core.project.given import given_path, named_few
from posecut_core.project.opening import project_videos
from posecut_core.project.paths import Project
from posecut_core.storage.disk import ending_after, fitting_name
from posecut_core.storage.files import file_sha256
from posecut_core.storage.tables import read_hdf

_COORDS = ("x", "y", "z", "likelihood", "error", "uncertainty")
_ENDING = "_3d"
_ROUNDS = 50  # of moving the ends of bones
_LONGEST_ENDING = len("_errors.png")  # of the files that are derived from points


@dataclass(frozen=True)
class Points3D:
    """Where each bodypart is in space, frame by frame; NaN where too few views see it."""

    scorer: str  # name of the network that saw it, as in file names
    bodyparts: tuple[str, ...]
    xyz: Float64[np.ndarray, "T K 3"]  # in the unit of the calibration, mostly millimeters
    likelihood: Float64[np.ndarray, "T K"]  # mean of the views used
    error: Float64[np.ndarray, "T K"]  # pixels between the views used and the point's images: root of the mean square
    uncertainty: Float64[np.ndarray, "T K"]  # standard deviation in the unit of `xyz`, of all three axes together


# --- files ------------------------------------------------------------------------------------------------------------


def points_path(session: str, scorer: str, folder: Path) -> Path:
    """Name the .h5 of a session's points: `<session><scorer>_3d.h5`."""
    return folder / fitting_name(session, f"{scorer}{_ENDING}.h5", room=_LONGEST_ENDING)


def write_points(path: Path, points: Points3D, *, csv: bool = False, origin: Origin | None = None) -> tuple[Path, ...]:
    """Write points as .h5 and, if wished, .csv; each is replaced whole or not at all.

    Args:
        path: of the .h5; the .csv lies beside it, and one that is there is replaced in any case.
        points: of one session.
        csv: whether to write the .csv as well.
        origin: what the points came from; the .h5 says so.

    Raises:
        StorageError: the folder cannot be written.
    """
    levels = [[points.scorer], points.bodyparts, _COORDS]
    columns = pd.MultiIndex.from_product(levels, names=["scorer", "bodyparts", "coords"])

    def chunks() -> Iterator[pd.DataFrame]:
        for start in range(0, max(len(points.xyz), 1), TABLE_ROWS):
            part = slice(start, start + TABLE_ROWS)
            others = (points.likelihood[part], points.error[part], points.uncertainty[part])
            values = np.concatenate([points.xyz[part], np.stack(others, axis=-1)], axis=-1)
            rows = values.reshape(len(values), len(columns))
            yield pd.DataFrame(rows, columns=columns, index=np.arange(start, start + len(rows)))

    return write_table(path, chunks, rows=len(points.xyz), csv=csv, origin=origin)


def read_points(path: str | os.PathLike[str]) -> Points3D:
    """Read the points of a session from their .h5.

    Raises:
        AnalysisError: the file is missing or holds something else.
    """
    path, again = given_path(path), Remedy("triangulate")
    if not path.is_file():
        raise AnalysisError(f"Found no points at {path}; triangulate the session first.", again)
    try:
        frame = read_hdf(path)
    except LabelError as error:
        raise AnalysisError(
            f"{path} is not a readable .h5 of points; delete it and triangulate the session again.", again
        ) from error
    levels = frame.columns
    if levels.nlevels != 3 or set(levels.get_level_values(2)) != set(_COORDS):
        raise AnalysisError(
            f"{path} is not a table of points with the columns {', '.join(_COORDS)}; choose one whose name ends in "
            f"{_ENDING}.h5."
        )
    parts = tuple(str(part) for part in levels.get_level_values(1).unique())
    scorer = str(levels.get_level_values(0)[0])
    ordered = frame.reindex(columns=pd.MultiIndex.from_product([[scorer], parts, _COORDS], names=levels.names))
    values = ordered.to_numpy(dtype=np.float64).reshape(len(frame), len(parts), len(_COORDS))
    return Points3D(scorer, parts, values[..., :3], values[..., 3], values[..., 4], values[..., 5])


def images_of_points(
    project: Project, video: Path, table: Path, predictions: Predictions
) -> Float64[np.ndarray, "T K 2"]:
    """Return where the points of a session fall in one of its views; NaN where there is no point.

    Args:
        project: with calibrated cameras.
        video: the view.
        table: its predictions, beside which the points lie, or beside those of another view in the project.
        predictions: what they are.

    Raises:
        CameraError: the cameras are not calibrated.
        AnalysisError: the video is no view, or its session has not been triangulated since it was analyzed, or since
            the cameras were calibrated.
    """
    cameras = {camera.name: camera for camera in calibrated_cameras(project)}
    sessions = calibrated_sessions(project, [video], cameras.values())
    if not sessions:
        raise AnalysisError(
            f"{video.name} is no view of {named_few(list(cameras))}, the project's cameras; rename the video, or judge "
            "its frames in another way."
        )
    (session,), again = sessions, Remedy("triangulate", config=project.root, videos=[video.parent])
    ((name, _),) = session.views.items()
    folders = dict.fromkeys([table.parent, *(path.parent for path in project_videos(project).values())])
    paths = [path for folder in folders for path in _points_in(folder, session.name, predictions.scorer)]
    current = (path for path in paths if _is_made_of(path, project, name, predictions))
    path = next(current, next(iter(paths), points_path(session.name, predictions.scorer, table.parent)))
    points = read_points(path)
    if not _is_made_of(path, project, name, predictions):
        raise AnalysisError(
            f"The points in {path} are out of date: the cameras or the predictions of {video.name} have changed since; "
            "triangulate the session again.",
            again,
        )
    images = np.full(predictions.xy.shape, np.nan)
    images[: len(points.xyz)] = image_of(cameras[name], points.xyz)
    return images


def _points_in(folder: Path, session: str, scorer: str) -> list[Path]:
    """List the points of a session in a folder, those by this network first; that of another view may be another."""
    found = [points_path(session, scorer, folder), *sorted(folder.glob(f"*{_ENDING}.h5"))]
    named = [path for path in found[1:] if (ending_after(session, path.stem) or "").startswith(NETWORKS)]
    return [path for path in dict.fromkeys([found[0], *named]) if path.is_file()]


def _is_made_of(path: Path, project: Project, camera: str, predictions: Predictions) -> bool:
    """Tell whether points were made of these predictions of a view, by the cameras as they are."""
    origin = read_origin(path)
    made = origin.settings if origin else {}
    same = made.get("filtered") or made.get("views", {}).get(camera) == predictions_hash(predictions)
    return bool(same) and made.get("calibration") == file_sha256(project.cameras)


# --- steadier points --------------------------------------------------------------------------------------------------


def smoothed(points: Points3D, *, period: float) -> Points3D:
    """Smooth movements over time, each point by as much as it is uncertain; missing points stay missing.

    A movement to and fro within `period` frames is halved where points are as certain as most, slower ones stay.
    Source: Eilers 2003, Analytical Chemistry 75(14), with weights.

    Args:
        points: of one session.
        period: in frames, more than 2.

    Raises:
        ArgumentError: the period is 2 frames or less, in which nothing can move to and fro.
    """
    if period <= 2:
        raise ArgumentError(f"smoothing is {period:g}, expected more than 2 frames, or 0 for none; 6 is usual.")
    xyz = points.xyz.copy()
    strength = (2 * np.sin(np.pi / period)) ** -4
    for k in range(len(points.bodyparts)):
        seen = np.isfinite(xyz[:, k]).all(axis=1)
        if seen.sum() > 2:
            weight = _certainty(points.uncertainty[:, k], seen)
            path = _whittaker(np.where(seen[:, None], xyz[:, k], 0.0), weight, strength)
            xyz[seen, k] = path[seen]
    return replace(points, xyz=xyz)


def _certainty(uncertainty: Float64[np.ndarray, " T"], seen: np.ndarray) -> Float64[np.ndarray, " T"]:
    """Return weights that are 1 for the usual uncertainty and 0 where nothing is seen."""
    usual = np.nanmedian(uncertainty[seen])
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.clip((usual / uncertainty) ** 2, 1e-3, 1e3)
    return np.where(seen, np.nan_to_num(weight, nan=1.0), 0.0)


def _whittaker(
    path: Float64[np.ndarray, "T 3"], weight: Float64[np.ndarray, " T"], strength: float
) -> Float64[np.ndarray, "T 3"]:
    """Minimize the weighted squares of changes plus `strength` times those of second differences."""
    from scipy.linalg import solveh_banded  # a tenth of a second, for which no window waits to label

    bands, difference = np.zeros((3, len(path))), (1.0, -2.0, 1.0)
    for below in range(3):  # the diagonal
        for at in range(3 - below):
            bands[below, at : len(path) - 2 + at] += strength * difference[at] * difference[at + below]
    bands[0] += weight
    return solveh_banded(bands, weight[:, None] * path, lower=True)


def with_constant_bones(points: Points3D, bones: Bones) -> Points3D:
    """Give each bone its median length in every frame, moving its ends as little as their certainty asks.

    The ends of a bone that is too long or short move along it, the more uncertain one more; in a few rounds the bones
    of a skeleton agree. Source: Müller et al. 2007, J. Vis. Commun. Image R. 18(2), with variances for inverse masses.

    Args:
        points: of one session.
        bones: pairs of bodyparts, as places in the points.
    """
    xyz, variance = points.xyz.copy(), np.nan_to_num(points.uncertainty, nan=1.0) ** 2 + 1e-12
    spans = {bone: np.linalg.norm(xyz[:, bone[1]] - xyz[:, bone[0]], axis=-1) for bone in map(tuple, bones)}
    lengths = {bone: np.nanmedian(span) for bone, span in spans.items() if np.isfinite(span).any()}
    for _ in range(_ROUNDS):
        for (a, b), length in lengths.items():
            across = xyz[:, b] - xyz[:, a]
            span = np.linalg.norm(across, axis=-1)
            known = span > 0  # False where an end is missing
            share = np.where(known, (span - length) / np.where(known, span, 1.0), 0.0)
            move = np.where(known[:, None], across, 0.0) * (share / (variance[:, a] + variance[:, b]))[:, None]
            xyz[:, a] += move * variance[:, a, None]
            xyz[:, b] -= move * variance[:, b, None]
    return replace(points, xyz=xyz)
