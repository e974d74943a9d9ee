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
from posecut_core.cameras.camera import COEFFICIENTS, Camera, checked_cameras
from posecut_core.cameras.files import read_cameras, write_cameras
from posecut_core.cameras.triangulation import triangulate
from posecut_core.cameras.views import USUAL_VIEWS, OtherViews, ViewSession, calibrated_sessions, view_of
from posecut_core.errors import ArgumentError, CameraError, Remedy, VideoError
from posecut_core.formats.deeplabcut.images import read_picture
from posecut_core.labels.store import read_labels
from posecut_core.plots.figures import save_png
from posecut_core.plots.space import draw_residuals
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
    rms: Mapping[str, float]  # pixels by camera: root of the mean squared reprojection error; empty of a file
    coverage: Mapping[str, float]  # part of each image in which the board was seen
    worst: Mapping[int, float]  # the frames with the greatest errors, and these
    findings: tuple[str, ...] = ()  # what is worth knowing
    picture: Path | None = None  # of the residuals

    def summary(self) -> Summary:
        """Say which cameras there are, where they stand, and how well they agree."""
        names = ", ".join(camera.name for camera in self.cameras)
        apart = [
            (float(np.linalg.norm(one.center - other.center)), f"{one.name} and {other.name}")
            for place, one in enumerate(self.cameras)
            for other in self.cameras[place + 1 :]
        ]
        lines = [
            f"{camera}: {error:.2f} pixels of reprojection error; board in {self.coverage[camera]:.0%} of the image"
            for camera, error in self.rms.items()
        ]
        if self.worst:
            worst = ", ".join(f"{number} ({error:.2f})" for number, error in self.worst.items())
            lines.append(f"Frames with the greatest errors in pixels: {worst}")
        lines += self.findings
        lines += [f"Residuals: {self.picture}"] if self.picture else []
        lines += [
            f"The farthest two, {max(apart)[1]}, are {max(apart)[0]:.4g} apart, in the unit that points will have.",
        ]
        if self.views is not None:
            are = "is a view" if self.views == 1 else "are views"
            lines.append(f"{counted(self.views, 'video')} of the project {are} of them.")
        return Summary(f"{counted(len(self.cameras), 'camera')} in {self.path}: {names}.", tuple(lines), _NEXT)


_APART = 1e-6  # of the farthest camera's distance from the origin, or of the unit: nearer ones are at one place
_NEXT = (Remedy("extract_frames", views=USUAL_VIEWS), Remedy("triangulate"))
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
        cameras = _renamed(read_cameras(path), others, path)
    else:
        if coefficients not in COEFFICIENTS["pinhole"]:
            raise ArgumentError(f"coefficients is {coefficients}, expected 0, 4, 5 or 8.")
        wanted = _board(columns, rows, square, board, dictionary, marker, inverted)
        seen = _sightings(project, path, wanted, max(step, 1), others, report)
        origin = None if landmarks else world
        if fisheye:
            done = calibrate(wanted, seen, model="fisheye", coefficients=4, world=origin)
        else:
            done = calibrate(wanted, seen, coefficients=coefficients, world=origin)
        cameras = done.cameras
    checked = _sized(project, checked_cameras(cameras, at_least=2))
    _check_apart(checked)
    moved: tuple[str, ...] = ()
    if landmarks:
        places, moved = _places_of(landmarks, project, checked, world)
        checked = world_of_points(checked, places, length=length)
    replaced = project.cameras.is_file()
    write_cameras(project.cameras, checked)
    if replaced:
        report(Notice(f"{project.cameras} is replaced; points in space that were made with it are out of date"))
    if done is not None:
        save_png(draw_residuals(done.cameras, done.pixels, done.residuals), project.calibration_picture)
    elif path != project.cameras:  # the picture is of cameras that are gone
        project.calibration_picture.unlink(missing_ok=True)
    return _result(project, checked, _count_views(project, checked, report), done, moved)


def _check_apart(cameras: Sequence[Camera]) -> None:
    """Refuse cameras of which two are at one place, as of a video that is there twice, or of files made apart."""
    least = _APART * max(1.0, *(float(np.linalg.norm(camera.center)) for camera in cameras))
    for one, other in combinations(cameras, 2):
        if np.linalg.norm(one.center - other.center) < least:
            raise CameraError(
                f"Cameras {one.name} and {other.name} are at the same place, from which no depth is seen; give what "
                "two cameras recorded, or a file in which they were calibrated together."
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


def _count_views(project: Project, cameras: Sequence[Camera], report: Report) -> int | None:
    """Count the videos of the project that are views of its cameras; None where two are the same view."""
    try:
        views = len(OtherViews.of(project).places)
    except VideoError as error:
        report(Notice.of(error))
        return None
    if not views:
        expected = f"NAME_{cameras[0].name}.mp4"
        report(Notice(f"No video of the project is a view of these cameras, expected names such as {expected}"))
    return views


def _result(
    project: Project, cameras: tuple[Camera, ...], views: int | None, done: Calibration | None, moved: tuple[str, ...]
) -> CalibratedCameras:
    if done is None:
        return CalibratedCameras(project.config_path, project.cameras, cameras, views, {}, {}, {}, moved)
    worst = sorted(done.frame_rms.items(), key=lambda one: -one[1])[:_WORST]
    return CalibratedCameras(
        project.config_path,
        project.cameras,
        cameras,
        views,
        done.rms,
        done.coverage,
        dict(worst),
        done.findings + moved,
        project.calibration_picture,
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


def _images_of_cameras(folder: Path) -> dict[str, _Images]:
    """Find images of a board by camera and number: left07.png, left-7.png, or 7.png in a folder `left`.

    Raises:
        CameraError: a name has no number, or two images of a camera have the same.
    """
    places = [folder, *(path for path in sorted(folder.glob("*")) if path.is_dir())]
    found: dict[str, dict[int, Path]] = {}
    for path in (path for place in places for path in sorted(place.glob("*"))):
        if path.suffix.lower() not in IMAGE_SUFFIXES or path.name.startswith("."):
            continue
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


def _renamed(cameras: tuple[Camera, ...], others: Mapping[str, str], path: Path) -> tuple[Camera, ...]:
    _check_known([*others], [camera.name for camera in cameras], path)
    return tuple(replace(camera, name=others.get(camera.name, camera.name)) for camera in cameras)


def _check_known(wanted: list[str], names: list[str], path: Path) -> None:
    if strange := [name for name in wanted if name not in names]:
        raise CameraError(f"No camera in {path} is called {named_few(strange)}, expected one of {named_few(names)}.")
