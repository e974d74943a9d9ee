"""Give a project its calibrated cameras, from recordings of a board or from a file (`calibrate_cameras`)."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import get_args

import numpy as np
from jaxtyping import Float64, UInt8

from posecut_core.cameras.boards import Board, BoardKind, Sightings, find_boards
from posecut_core.cameras.calibration import Calibration, calibrate, world_of_points
from posecut_core.cameras.camera import COEFFICIENTS, Camera, LensModel, at_one_place, checked_cameras
from posecut_core.cameras.files import read_cameras
from posecut_core.cameras.triangulation import triangulate
from posecut_core.cameras.views import (
    USUAL_VIEWS,
    ViewSession,
    calibrated_sessions,
    missing_views,
    replace_cameras,
    view_of,
)
from posecut_core.errors import ArgumentError, CameraError, Remedy, VideoError
from posecut_core.formats.deeplabcut.images import read_picture
from posecut_core.labels.store import read_labels
from posecut_core.plots.figures import save_png
from posecut_core.plots.space import draw_residuals
from posecut_core.poses.files import find_predictions
from posecut_core.progress import Notice, Progress, Report, silent
from posecut_core.project.given import forgiving, given_path, named_few, videos_in
from posecut_core.project.opening import open_project, project_videos
from posecut_core.project.paths import IMAGE_SUFFIXES, Project
from posecut_core.project.state import read_state
from posecut_core.results import Summary, counted
from posecut_core.video.index import index_video
from posecut_core.video.reader import VideoReader


@dataclass(frozen=True)
class CalibratedCameras:
    """The cameras that a project has now."""

    config_path: Path
    path: Path  # cameras.yaml
    cameras: tuple[Camera, ...]
    views: int | None  # videos of the project that are views of them; None where that cannot be told
    analyzed: int  # sessions of these of which two views or more have been analyzed
    rms: Mapping[str, float]  # pixels by camera: root of the mean squared reprojection error; empty of a file
    coverage: Mapping[str, float]  # part of each image in which the board was seen
    worst: Mapping[int, float]  # the frames with the greatest errors, and these
    findings: tuple[str | Notice, ...] = ()  # what is worth knowing
    picture: Path | None = None  # of the residuals

    def summary(self) -> Summary:
        """Say which cameras there are, where they stand, and how well they agree."""
        apart = [
            (float(np.linalg.norm(one.center - other.center)), f"{one.name} and {other.name}")
            for one, other in combinations(self.cameras, 2)
        ]
        lines: list[str | Notice] = [
            f"{camera}: {error:.2f} pixels of reprojection error; board in {self.coverage[camera]:.0%} of the image"
            for camera, error in self.rms.items()
        ]
        if self.worst:
            worst = ", ".join(f"{number} ({error:.2f})" for number, error in self.worst.items())
            lines.append(f"Frames with the greatest errors in pixels: {worst}")
        lines += self.findings
        lines += [f"Residuals: {self.picture}"] if self.picture else []
        lines.append(
            f"The farthest two, {max(apart)[1]}, are {max(apart)[0]:.4g} apart, in the unit that points will have."
        )
        if self.views:
            are = "is a view" if self.views == 1 else "are views"
            lines.append(f"{counted(self.views, 'video')} of the project {are} of them.")
        names = ", ".join(camera.name for camera in self.cameras)
        return Summary(f"{counted(len(self.cameras), 'camera')} in {self.path}: {names}.", tuple(lines), self._next())

    def _next(self) -> tuple[Remedy, ...]:
        """Say what can be done with the views that there are."""
        if self.analyzed:
            return (Remedy("triangulate"),)
        return (Remedy("extract_frames", views=USUAL_VIEWS),) if self.views else ()


_WORST = 3  # frames that are named


@forgiving
def calibrate_cameras(
    config: str | os.PathLike[str],
    source: str | os.PathLike[str],
    *,
    columns: int | None = None,
    rows: int | None = None,
    square: int | float | None = None,
    board: str = "checkerboard",
    dictionary: str = "DICT_4X4_1000",
    marker: int | float = 0.75,
    inverted: bool = False,
    fisheye: bool = False,
    coefficients: int = 5,
    world: int | None = None,
    world_points: Sequence[str] | None = None,
    length: int | float | None = None,
    step: int = 1,
    rename: Mapping[str, str] | None = None,
    report: Report = silent,
) -> CalibratedCameras:
    """Give a project calibrated cameras: from a board that they saw, or from a file of PoseCut or of another program.

    With `columns`, `rows` and `square`, `source` is a folder of videos of a board that began together, one of each
    camera: left.mp4, or board_left.mp4. Or it has images of the board, those of one moment under one number: left07.png
    and right07.png, or a folder for each camera. The cameras need not all see the board at once. Without, it is a file:
    cameras.yaml, OpenCV's and ROS's .yaml, the .toml of Anipose and caliscope, the .mat of DANNCE, Label3D and
    Bouguet's toolbox; or a folder with a file for each camera. The project keeps its cameras in cameras.yaml.

    Args:
        config: path of config.yaml.
        source: the folder of videos or images, or the file.
        columns: squares of the board along its first side, all of them, not inner corners.
        rows: squares along the other side.
        square: length of a square's side; points in space will have its unit.
        board: "checkerboard", or "charuco" with markers in the white squares.
        dictionary: of a ChArUco board's markers.
        marker: side of a marker, as a part of the square's.
        inverted: whether black squares are white, and the reverse.
        fisheye: whether lenses see very wide.
        coefficients: of the distortion: 0, 4, 5 or 8; of fisheyes 4.
        world: number of a frame in which the board lies where the world begins; by default the first camera does.
        world_points: three bodyparts that are labeled in two or more views: the world begins at the first, its x axis
            goes through the second, and the third lies in the plane of x and y; with `world`, in this frame.
        length: distance of the first two in the unit that the world shall have; by default it keeps its own.
        step: look at every n-th frame or image only.
        rename: other names for cameras, as A:left,B:right; videos are told by the names of their cameras.
        report: called after each frame, and told where cameras are replaced or no video of the project is a view.

    Raises:
        ArgumentError: the board cannot be, or is not said whole, there is no such number of coefficients, or the three
            points are no bodyparts.
        CameraError: OpenCV is not installed; a camera did not see the board, or not together with the others; the file
            is missing, or holds no cameras, fewer than two, or some that cannot be; no camera has a name that is to be
            changed; or the three points are not labeled, or lie on a line.
        VideoError: a video or image cannot be read.
        StorageError: the project cannot be written.
    """
    project, path = open_project(config), given_path(source)
    landmarks = _landmarks(project, world_points, length)
    done, others = None, dict(rename or {})
    if (columns, rows, square) == (None, None, None):
        cameras = _renamed(_read(path), others, path)
    else:
        wanted = _board(columns, rows, square, board, dictionary, marker, inverted)
        done = _calibrated(
            project, path, wanted, others,
            fisheye=fisheye, coefficients=coefficients, world=None if landmarks else world, step=step, report=report,
        )  # fmt: skip
        cameras = done.cameras
    checked = _sized(project, checked_cameras(cameras, at_least=2))
    _check_apart(checked, pictures=done is None and path.is_dir())
    findings: list[str | Notice] = [*done.findings] if done else []
    if landmarks:
        places, moved = _places_of(landmarks, project, checked, world)
        checked = world_of_points(checked, places, length=length)
        findings += moved
    replace_cameras(project, checked, report)
    if done is not None:
        save_png(draw_residuals(done.cameras, done.pixels, done.residuals), project.calibration_picture)
    elif path != project.cameras:  # the picture is of cameras that are gone
        project.calibration_picture.unlink(missing_ok=True)
    sessions, told = _sessions(project, checked)
    worst = sorted(done.frame_rms.items(), key=lambda one: -one[1])[:_WORST] if done else []
    return CalibratedCameras(
        config_path=project.config_path,
        path=project.cameras,
        cameras=checked,
        views=None if sessions is None else sum(len(session.views) for session in sessions),
        analyzed=sum(map(_is_analyzed, sessions or ())),
        rms=done.rms if done else {},
        coverage=done.coverage if done else {},
        worst=dict(worst),
        findings=(*findings, *told),
        picture=project.calibration_picture if done else None,
    )


def _sessions(
    project: Project, cameras: tuple[Camera, ...]
) -> tuple[tuple[ViewSession, ...] | None, tuple[Notice, ...]]:
    """Return the sessions of the project's videos, and what they lack; None where two videos are the same view."""
    videos = [*project_videos(project).values()]
    try:
        sessions = calibrated_sessions(project, videos, cameras)
    except VideoError as error:
        return None, (Notice.of(error),)
    return sessions, missing_views(project, videos, cameras, sessions)


def _is_analyzed(session: ViewSession) -> bool:
    return sum(bool(find_predictions(video)) for video in session.views.values()) > 1


def _check_apart(cameras: Sequence[Camera], *, pictures: bool) -> None:
    """Refuse cameras of which two are at one place, as of a video that is there twice, or of files made apart.

    Where such files lie in a folder, the `pictures` of a board that are there too were not looked at.
    """
    board = (
        ", or say how many columns and rows of squares the board in its pictures has, and of which size"
        if pictures
        else ""
    )
    for one, other in combinations(cameras, 2):
        if at_one_place(one, other):
            raise CameraError(
                f"Cameras {one.name} and {other.name} are at the same place, from which no depth is seen; give what "
                f"two cameras recorded, or a file in which they were calibrated together{board}."
            )


def _sized(project: Project, cameras: tuple[Camera, ...]) -> tuple[Camera, ...]:
    """Give cameras whose file does not tell the size of their frames that of a video of the project."""
    if all(min(camera.size) > 0 for camera in cameras):
        return cameras
    sizes: dict[str, tuple[int, int]] = {}
    with suppress(VideoError):
        for session in calibrated_sessions(project, project_videos(project).values(), cameras):
            for camera, video in session.views.items():
                index = index_video(video)
                sizes[camera] = (index.width, index.height)
    return tuple(
        camera if min(camera.size) > 0 else replace(camera, size=sizes.get(camera.name, (0, 0))) for camera in cameras
    )


def _board(
    columns: int | None,
    rows: int | None,
    square: float | None,
    board: str,
    dictionary: str,
    marker: float,
    inverted: bool,
) -> Board:
    if columns is None or rows is None or square is None:
        raise ArgumentError(
            f"The board has columns {columns}, rows {rows} and square {square}, expected all three; count its squares "
            "and measure one."
        )
    kinds = {kind: kind for kind in get_args(BoardKind)}
    if board not in kinds:
        raise ArgumentError(f"board is {board!r}, expected one of {', '.join(kinds)}.")
    return Board(columns, rows, square, kinds[board], dictionary, marker, inverted)


# --- recordings of a board --------------------------------------------------------------------------------------------


def _calibrated(
    project: Project,
    folder: Path,
    board: Board,
    others: Mapping[str, str],
    *,
    fisheye: bool,
    coefficients: int,
    world: int | None,
    step: int,
    report: Report,
) -> Calibration:
    """Calibrate cameras by what they recorded of a board."""
    if coefficients not in COEFFICIENTS["pinhole"]:
        raise ArgumentError(f"coefficients is {coefficients}, expected 0, 4, 5 or 8.")
    seen = _sightings(project, folder, board, max(step, 1), others, report)
    model: LensModel = "fisheye" if fisheye else "pinhole"
    return calibrate(board, seen, model=model, coefficients=4 if fisheye else coefficients, world=world)


_Images = Mapping[int, Path]  # by number
_NUMBERED = re.compile(r"(.*?)[ ._-]*(\d+)", re.DOTALL)  # the name of an image: its camera's, and a number


def _sightings(
    project: Project, folder: Path, board: Board, step: int, others: Mapping[str, str], report: Report
) -> dict[str, Sightings]:
    """Look for the board in each camera's video or images."""
    recordings = _recordings(project, folder)
    names = [name for name, _ in recordings]
    _check_known([*others], names, folder)
    by_camera: dict[str, Path | _Images] = {}
    for name, recording in recordings:
        camera = others.get(name, name)
        if camera in by_camera:
            raise CameraError(f"Two videos in {folder} are of camera {camera}; leave one of each.")
        by_camera[camera] = recording
    found: dict[str, Sightings] = {}
    for camera, recording in by_camera.items():
        if isinstance(recording, Path):
            with VideoReader(recording) as reader:
                found[camera] = find_boards(board, _frames(reader, step, report))
        else:
            found[camera] = find_boards(board, _read_images(camera, recording, step, report))
    return found


def _recordings(project: Project, folder: Path) -> list[tuple[str, Path | _Images]]:
    """List what the cameras recorded, each with its name."""
    videos, pattern = videos_in(folder), read_state(project.settings_path).views or USUAL_VIEWS
    images = {} if videos else _images_of_cameras(folder)
    if len(videos) < 2 and len(images) < 2:
        there = f" and images of {counted(len(images), 'camera')}" if images else ""
        raise CameraError(
            f"Found {counted(len(videos), 'video')}{there} in {folder}, expected a video or images of the board by "
            "each of two or more cameras; give the folder that has them."
        )
    places = [(video, view_of(video.stem, pattern)) for video in videos]
    return [*((place[1] if place else video.stem, video) for video, place in places), *images.items()]


def _images_in(folder: Path) -> list[Path]:
    """List the images in a folder and in those that lie in it."""
    places = [folder, *(path for path in sorted(folder.glob("*")) if path.is_dir())]
    paths = [path for place in places for path in sorted(place.glob("*"))]
    return [path for path in paths if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")]


def _images_of_cameras(folder: Path) -> dict[str, _Images]:
    """Find images of a board by camera and number: left07.png, left-7.png, or 7.png in a folder `left`.

    Raises:
        CameraError: a name has no number, or two images of a camera have the same.
    """
    found: dict[str, dict[int, Path]] = {}
    for path in _images_in(folder):
        named = _NUMBERED.fullmatch(path.stem)
        camera = path.parent.name if path.parent != folder else named[1] if named else ""
        if named is None or not camera:
            raise CameraError(
                f"The name of {path} does not say its camera and its number, expected left07{path.suffix}, or "
                f"07{path.suffix} in a folder called after the camera; images of one number are of one moment."
            )
        other = found.setdefault(camera, {}).setdefault(int(named[2]), path)
        if other != path:
            raise CameraError(f"{other} and {path} are both number {int(named[2])} of camera {camera}; leave one.")
    return {camera: dict(sorted(images.items())) for camera, images in found.items()}


def _read_images(
    camera: str, images: _Images, step: int, report: Report
) -> Iterator[tuple[int, UInt8[np.ndarray, "H W 3"] | None]]:
    for done, (number, path) in enumerate([*images.items()][::step], start=1):
        yield number, read_picture(path)
        report(Progress(f"looking for the board in images of {camera}", min(done * step, len(images)), len(images)))


def _frames(reader: VideoReader, step: int, report: Report) -> Iterator[tuple[int, UInt8[np.ndarray, "H W 3"] | None]]:
    count = reader.index.frame_count
    for number, image in reader.frames(range(0, count, step)):
        yield number, image
        report(Progress(f"looking for the board in {reader.index.path.name}", number + 1, count))


# --- the world from labels --------------------------------------------------------------------------------------------


_DISAGREE = 20.0  # pixels between labels of several views and their point, above which they are of different things
_STILL = 0.02  # of the distance of the first two points: one that moves by more between frames does not lie still


def _landmarks(project: Project, names: Sequence[str] | None, length: float | None) -> tuple[str, ...]:
    """Return the bodyparts that the world begins at; none where it does not."""
    if names is None and length is None:
        return ()
    known, given = project.config.bodyparts, tuple(names or ())
    if len({*given}) != 3 or not {*given} <= {*known}:
        raise ArgumentError(
            f"world_points is {', '.join(given) or 'not given'}, expected three of the bodyparts {named_few(known)}; "
            "label them in two or more views of a frame."
        )
    if length is not None and not 0 < length < np.inf:
        raise ArgumentError(f"length is {length}, expected the distance of the first two points, more than 0.")
    return given


def _places_of(
    landmarks: tuple[str, ...], project: Project, cameras: tuple[Camera, ...], number: int | None
) -> tuple[Float64[np.ndarray, "3 3"], tuple[str, ...]]:
    """Return where labeled bodyparts are in space, and what is worth knowing of that.

    Raises:
        CameraError: one is not labeled in two views of a frame.
        VideoError: two videos are the same view of one session.
    """
    sessions = calibrated_sessions(project, project_videos(project).values(), cameras)
    found = [_labeled_points(landmarks, project, session, cameras, number) for session in sessions]
    points = np.concatenate([np.empty((0, 3, 3)), *found])
    there = np.isfinite(points).all(axis=-1)
    for landmark, seen in zip(landmarks, there.any(axis=0).tolist(), strict=True):
        if not seen:
            where = "any frame" if number is None else f"frame {number}"
            raise CameraError(
                f"{landmark} is not labeled in two views of {where}; label it where two cameras see it.",
                Remedy("label_frames", config=project.root),
            )
    places = np.nanmedian(points, axis=0)
    allowed = _STILL * float(np.linalg.norm(places[1] - places[0]))
    away = np.where(there, np.linalg.norm(points - places, axis=-1), 0.0).max(axis=0)
    told = [
        f"{landmark} is up to {far:.3g} away from where it usually is; label points that lie still, or one frame"
        for landmark, far in zip(landmarks, away.tolist(), strict=True)
        if far > allowed
    ]
    return places, tuple(told)


def _labeled_points(
    landmarks: tuple[str, ...],
    project: Project,
    session: ViewSession,
    cameras: tuple[Camera, ...],
    number: int | None,
) -> Float64[np.ndarray, "F 3 3"]:
    """Return where bodyparts are in each frame of a session that has labels."""
    seeing = [camera for camera in cameras if camera.name in session.views]
    tables = [read_labels(project, session.views[camera.name].stem) for camera in seeing]
    numbers = np.unique(np.concatenate([np.empty(0, np.int64), *(table.numbers for table in tables)]))
    numbers = numbers if number is None else numbers[numbers == number]
    if len(seeing) < 2 or not len(numbers):
        return np.empty((0, 3, 3))
    pixels = np.full((len(numbers), 3, len(seeing), 2), np.nan)
    for at, table in enumerate(tables):
        _, rows, own = np.intersect1d(numbers, table.numbers, return_indices=True)
        columns = [table.bodyparts.index(landmark) for landmark in landmarks]
        pixels[rows, :, at] = table.xy[own][:, columns]
    found = triangulate(seeing, pixels, max_error=_DISAGREE)
    return np.where((found.mean_error <= _DISAGREE)[..., None], found.points, np.nan)


# --- cameras of a file ------------------------------------------------------------------------------------------------


def _read(path: Path) -> tuple[Camera, ...]:
    """Read cameras from a file or a folder.

    Raises:
        ArgumentError: it is a folder of recordings, and nothing says which board is in them.
        CameraError: there are none.
    """
    try:
        return read_cameras(path)
    except CameraError as error:
        if not path.is_dir() or not (videos_in(path) or _images_in(path)):
            raise
        raise ArgumentError(
            f"{path} has videos or images, but nothing says which board is in them; give its columns and rows, which "
            "are squares and not inner corners, the side of a square, and of a board with markers that it is a "
            "charuco; or give the file that has the cameras.",
            Remedy("calibrate_cameras", source=path, columns="COLUMNS", rows="ROWS", square="SQUARE"),
        ) from error


def _renamed(cameras: tuple[Camera, ...], others: Mapping[str, str], path: Path) -> tuple[Camera, ...]:
    _check_known([*others], [camera.name for camera in cameras], path)
    return tuple(replace(camera, name=others.get(camera.name, camera.name)) for camera in cameras)


def _check_known(wanted: list[str], names: list[str], path: Path) -> None:
    if strange := [name for name in wanted if name not in names]:
        raise CameraError(f"No camera in {path} is called {named_few(strange)}, expected one of {named_few(names)}.")
