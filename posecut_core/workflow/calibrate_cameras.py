"""Give a project its calibrated cameras, from videos of a board or from a file (`calibrate_cameras`)."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import numpy as np
from jaxtyping import UInt8

from posecut_core.cameras.boards import Board, BoardKind, Sightings, find_boards
from posecut_core.cameras.calibration import Calibration, calibrate
from posecut_core.cameras.camera import COEFFICIENTS, Camera, checked_cameras
from posecut_core.cameras.files import read_cameras, write_cameras
from posecut_core.cameras.views import USUAL_VIEWS, OtherViews, view_of
from posecut_core.errors import ArgumentError, CameraError, Remedy
from posecut_core.plots.figures import save_png
from posecut_core.plots.space import draw_residuals
from posecut_core.progress import Notice, Progress, Report, silent
from posecut_core.project.given import forgiving, given_path, named_few, videos_in
from posecut_core.project.opening import open_project
from posecut_core.project.paths import Project
from posecut_core.project.state import read_state
from posecut_core.results import Summary, counted
from posecut_core.video.reader import VideoReader


@dataclass(frozen=True)
class CalibratedCameras:
    """The cameras that a project has now."""

    config_path: Path
    path: Path  # cameras.yaml
    cameras: tuple[Camera, ...]
    views: int  # videos of the project that are views of them
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
            f"{counted(self.views, 'video')} of the project {'is a view' if self.views == 1 else 'are views'} of them.",
        ]
        return Summary(f"{counted(len(self.cameras), 'camera')} in {self.path}: {names}.", tuple(lines), _NEXT)


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
    step: int = 1,
    rename: Mapping[str, str] | None = None,
    report: Report = silent,
) -> CalibratedCameras:
    """Give a project calibrated cameras: from videos of a board, or from a file of PoseCut or of another program.

    With `columns`, `rows` and `square`, `source` is a folder of videos of a board that began together, one of each
    camera: left.mp4, or board_left.mp4. The cameras need not all see the board at once. Without, it is a file:
    cameras.yaml, OpenCV's and ROS's .yaml, the .toml of Anipose and caliscope, the .mat of DANNCE, Label3D and
    Bouguet's toolbox; or a folder with a file for each camera. The project keeps its cameras in cameras.yaml.

    Args:
        config: path of config.yaml.
        source: the folder of videos, or the file.
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
        step: look at every n-th frame only.
        rename: other names for cameras, as A:left,B:right; videos are told by the names of their cameras.
        report: called after each frame, and told where cameras are replaced or no video of the project is a view.

    Raises:
        ArgumentError: the board cannot be, or is not said whole, or there is no such number of coefficients.
        CameraError: OpenCV is not installed; a camera did not see the board, or not together with the others; the file
            is missing, or holds no cameras, fewer than two, or some that cannot be; or no camera has a name that is to
            be changed.
        VideoError: a video cannot be read.
        StorageError: the project cannot be written.
    """
    project, path = open_project(config), given_path(source)
    done, others = None, dict(rename or {})
    if (columns, rows, square) == (None, None, None):
        cameras = _renamed(read_cameras(path), others, path)
    else:
        if coefficients not in COEFFICIENTS["pinhole"]:
            raise ArgumentError(f"coefficients is {coefficients}, expected 0, 4, 5 or 8.")
        wanted = _board(columns, rows, square, board, dictionary, marker, inverted)
        seen = _sightings(project, path, wanted, max(step, 1), others, report)
        if fisheye:
            done = calibrate(wanted, seen, model="fisheye", coefficients=4, world=world)
        else:
            done = calibrate(wanted, seen, coefficients=coefficients, world=world)
        cameras = done.cameras
    checked = checked_cameras(cameras, at_least=2)
    if project.cameras.is_file():
        report(Notice(f"{project.cameras} is replaced; points in space that were made with it are out of date"))
    write_cameras(project.cameras, checked)
    if done is not None:
        save_png(draw_residuals(done.cameras, done.pixels, done.residuals), project.calibration_picture)
    views = len(OtherViews.of(project).places)
    if not views:
        expected = f"NAME_{checked[0].name}.mp4"
        report(Notice(f"No video of the project is a view of these cameras, expected names such as {expected}"))
    return _result(project, checked, views, done)


def _result(project: Project, cameras: tuple[Camera, ...], views: int, done: Calibration | None) -> CalibratedCameras:
    if done is None:
        return CalibratedCameras(project.config_path, project.cameras, cameras, views, {}, {}, {})
    worst = sorted(done.frame_rms.items(), key=lambda one: -one[1])[:_WORST]
    return CalibratedCameras(
        project.config_path,
        project.cameras,
        cameras,
        views,
        done.rms,
        done.coverage,
        dict(worst),
        done.findings,
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


def _sightings(
    project: Project, folder: Path, board: Board, step: int, others: Mapping[str, str], report: Report
) -> dict[str, Sightings]:
    """Look for the board in each camera's video."""
    videos, pattern = videos_in(folder), read_state(project.settings_path).views or USUAL_VIEWS
    if len(videos) < 2:
        raise CameraError(
            f"Found {counted(len(videos), 'video')} in {folder}, expected one of the board by each of two or more "
            "cameras; give the folder that has them."
        )
    places = [(video, view_of(video.stem, pattern)) for video in videos]
    names = [place[1] if place else video.stem for video, place in places]
    _check_known([*others], names, folder)
    by_camera: dict[str, Path] = {}
    for name, video in zip(names, videos, strict=True):
        camera = others.get(name, name)
        if camera in by_camera:
            raise CameraError(f"Two videos in {folder} are of camera {camera}; leave one of each.")
        by_camera[camera] = video
    found: dict[str, Sightings] = {}
    for camera, video in by_camera.items():
        with VideoReader(video) as reader:
            found[camera] = find_boards(board, _frames(reader, step, report))
    return found


def _frames(reader: VideoReader, step: int, report: Report) -> Iterator[tuple[int, UInt8[np.ndarray, "H W 3"] | None]]:
    count = reader.index.frame_count
    for number, image in reader.frames(range(0, count, step)):
        yield number, image
        report(Progress(f"looking for the board in {reader.index.path.name}", number + 1, count))


def _renamed(cameras: tuple[Camera, ...], others: Mapping[str, str], path: Path) -> tuple[Camera, ...]:
    _check_known([*others], [camera.name for camera in cameras], path)
    return tuple(replace(camera, name=others.get(camera.name, camera.name)) for camera in cameras)


def _check_known(wanted: list[str], names: list[str], path: Path) -> None:
    if strange := [name for name in wanted if name not in names]:
        raise CameraError(f"No camera in {path} is called {named_few(strange)}, expected one of {named_few(names)}.")
