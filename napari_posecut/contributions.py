"""What the plugin adds to napari: readers, writer, commands of the menus and the sample project."""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any, Literal

import numpy as np
import pandas as pd
from napari import Viewer, current_viewer
from napari.utils.notifications import show_error
from platformdirs import user_data_path
from qtpy.QtCore import QObject, QProcess, QTimer
from qtpy.QtWidgets import QFileDialog

from napari_posecut.jobs.jobs import Job
from napari_posecut.layers.convert import to_rows_columns, to_xy
from napari_posecut.remedies import in_window
from napari_posecut.session import Session, kind_of_end, session_of
from napari_posecut.window import add_flow_bar, exit_code, open_here
from posecut_core.demo.sample import earlier_project, sample_project
from posecut_core.demo.scene import TO_LABEL
from posecut_core.errors import ArgumentError, PosecutError
from posecut_core.interchange.registry import Format, Labels, VideoLabels, VideoPoses, format_of
from posecut_core.plots.colors import colors_of
from posecut_core.project.opening import config_path
from posecut_core.project.state import DISTINCT
from posecut_core.storage.files import open_file, write_text
from posecut_core.storage.yaml_files import read_yaml
from posecut_core.workflow.extract_frames import extract_frames

# --- reader -----------------------------------------------------------------------------------------------------------
# Open a project that was dropped on napari: its config.yaml, or its folder.


_NO_LAYERS = [(None,)]  # napari's word for: read, and nothing to add
_KEYS = {"Task", "scorer", "video_sets"}  # which a project's config.yaml has, also one that is no YAML any more
_LINES = re.compile(r"^(\w+)[ \t]*:", re.MULTILINE)
_Reader = Callable[[str], list[tuple[None]]]


def project_reader(path: str | Sequence[str]) -> _Reader | None:
    """Return what opens the project at a path in the current window; None for anything that is not a project.

    Args:
        path: of a project's config.yaml, or of its folder; several paths are never a project.
    """
    return _open if isinstance(path, str) and _is_project(Path(path)) else None


def _is_project(path: Path) -> bool:
    """Tell whether a path leads to a project, be it damaged: opening it says what is wrong, as napari cannot."""
    if path.name != "config.yaml" and not (path / "config.yaml").is_file():
        return False
    try:
        return set(_LINES.findall(read_yaml(config_path(path)))) >= _KEYS
    except PosecutError:
        return False


def _open(path: str) -> list[tuple[None]]:
    viewer = _asking_viewer()
    if viewer is not None:
        session_of(viewer).attempt(lambda: open_here(viewer, path))
    return _NO_LAYERS


def _asking_viewer() -> Viewer | None:
    """Return the viewer that opens a file now, else the one in front; None where a script reads without any.

    npe2 hands a reader the path alone, and the viewer whose `open` was called need not be in front.
    """
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        caller = frame.f_locals.get("self")
        if isinstance(caller, Viewer):
            return caller
        frame = frame.f_back
    return current_viewer()


# --- points of other programs -----------------------------------------------------------------------------------------
# Labels and poses in a file of another program as Points layers, to look at them: one for each video, or each animal.


_LayerTuple = tuple[np.ndarray, dict[str, object], str]
_SHOWN = ("sleap", "sleap-analysis", "coco", "lightning-pose", "nwb", "movement")  # DeepLabCut's plugin reads its own
_COCO = re.compile(rb'"(images|annotations|categories)"\s*:')  # in a file that may be any JSON
_HEAD = 1 << 16  # bytes in which that must be seen
_POINT_SIZE = 8  # pixels of the frame


def points_reader(path: str | Sequence[str]) -> Callable[[str], Sequence[_LayerTuple | tuple[None]]] | None:
    """Return what reads labels or poses of another program as points; None for any other file.

    Args:
        path: of a file of SLEAP (.slp, analysis .h5), COCO keypoints, NWB, movement (.nc) or Lightning Pose (.csv).
    """
    return _read_points if isinstance(path, str) and _formats(Path(path)) else None


def _formats(path: Path) -> list[tuple[str, Format]]:
    """Return what a file may hold, labels or poses, and in which format; nothing where it is of none."""
    found: list[tuple[str, Format]] = []
    kinds: tuple[Literal["labels", "poses"], ...] = ("labels", "poses")
    for what in kinds:
        with suppress(PosecutError, OSError):
            found.append((what, format_of(path, what)))
    found = [(what, one) for what, one in found if one.name in _SHOWN]
    if any(one.name == "coco" for _, one in found):
        with open_file(path) as file:
            return found if _COCO.search(file.read(_HEAD)) else []
    return found


def _read_points(path: str) -> Sequence[_LayerTuple | tuple[None]]:
    """Read a file as layers; what is wrong with it is told by napari."""
    try:
        return _layers(Path(path)) or _NO_LAYERS
    except PosecutError as error:
        show_error(in_window(error))
        return _NO_LAYERS


def _layers(path: Path) -> list[_LayerTuple]:
    refused: list[PosecutError] = []
    for what, one in _formats(path):
        try:
            found = one.function(f"read_{what}")(path)
        except ArgumentError:  # a package is missing
            raise
        except PosecutError as error:  # a file may hold poses and no labels
            refused.append(error)
            continue
        if isinstance(found, VideoPoses):
            return [_points_layer(f"{path.name} {name}".rstrip(), pose_points(found, name)) for name in found.animals]
        named = [(Path(video.video).name, label_points(found, video)) for video in found.videos]
        return [_points_layer(f"{path.name} {name}", points) for name, points in named if len(points)]
    raise refused[0]


def pose_points(poses: VideoPoses, animal: str) -> pd.DataFrame:
    """Return the positions of an animal: a row for each, with frame, x, y, bodypart and likelihood."""
    found = poses.animals[animal]
    frames, parts = np.nonzero(np.isfinite(found.xy).all(axis=2))
    places = {"frame": frames, "x": found.xy[frames, parts, 0], "y": found.xy[frames, parts, 1]}
    names = np.array(found.bodyparts, dtype=object)[parts]
    return pd.DataFrame({**places, "bodypart": names, "likelihood": found.likelihood[frames, parts]})


def label_points(labels: Labels, video: VideoLabels) -> pd.DataFrame:
    """Return the labels of a video that have a place: a row for each, with frame, x, y, bodypart, state and animal.

    Images are counted in the order of their names, which are another column then.
    """
    images = sorted(key for key in video.frames if isinstance(key, str))
    numbers = {name: place for place, name in enumerate(images)}

    def rows() -> Iterator[tuple[object, ...]]:
        for key, animals in video.frames.items():
            number, image = (numbers[key], key) if isinstance(key, str) else (key, "")
            for animal, points in animals.items():
                for part, point in points.items():
                    if point.xy is not None:
                        yield number, *point.xy, part, point.state, animal, image

    columns = ["frame", "x", "y", "bodypart", "state", "animal", "image"]
    table = pd.DataFrame(list(rows()), columns=columns)
    return table if images else table.drop(columns="image")


def _points_layer(name: str, points: pd.DataFrame) -> _LayerTuple:
    """Return a Points layer of rows with frame, x and y, in a color for each bodypart; all else are its features."""
    places = to_rows_columns(points[["x", "y"]].to_numpy(dtype=np.float64))
    data = np.column_stack([points["frame"].to_numpy(dtype=np.float64), places])
    codes, parts = pd.factorize(points["bodypart"])
    attributes: dict[str, object] = {
        "name": name,
        "features": points.drop(columns=["frame", "x", "y"]),
        "face_color": colors_of(DISTINCT, len(parts))[codes],
        "border_width": 0.0,
        "size": _POINT_SIZE,
    }
    return data, attributes, "points"


# --- writer -----------------------------------------------------------------------------------------------------------
# Write a Points layer as a table: a row per point, with its frame, its position and its features.


def write_points(path: str, data: Any, attributes: Mapping[str, Any]) -> list[str]:
    """Write the points of a layer that are shown, and return the paths of what was written.

    Args:
        path: of the table.
        data: N points of (row, column) or (frame, row, column).
        attributes: of the layer; `features` become columns, and points that are not `shown` are left out.

    Raises:
        ArgumentError: the points have other dimensions.
        StorageError: the disk refuses.
    """
    write_text(Path(path), _table(np.asarray(data), attributes).to_csv(index=False))
    return [path]


def _table(points: np.ndarray, attributes: Mapping[str, Any]) -> pd.DataFrame:
    """Return the points of a layer with x to the right and y down, in pixels of the full frame."""
    if points.ndim != 2 or points.shape[1] not in (2, 3):
        raise ArgumentError(
            f"The points have the shape {points.shape}, expected rows of (row, column) or (frame, row, column); choose "
            "a layer of PoseCut."
        )
    shown = np.broadcast_to(np.asarray(attributes.get("shown", True), dtype=bool), len(points))
    columns: dict[str, Any] = {"frame": points[:, 0].round().astype(np.int64)} if points.shape[1] == 3 else {}
    places = np.array([to_xy(point) for point in points], dtype=np.float64).reshape(-1, 2)
    columns |= {"x": places[:, 0], "y": places[:, 1]}
    features = pd.DataFrame(attributes.get("features", {}))
    columns |= {str(name): features[name].to_numpy() for name in features if str(name) not in columns}
    return pd.DataFrame(columns)[shown & ~np.isnan(places).any(axis=1)]


# --- commands ---------------------------------------------------------------------------------------------------------
# What PoseCut adds to napari's own menus.


def ask_for_project(viewer: Viewer) -> None:
    """Let the user choose a config.yaml, and open its project."""
    bar = add_flow_bar(viewer)
    path, _ = QFileDialog.getOpenFileName(bar, "Open a project of PoseCut or DeepLabCut", "", "config.yaml (*.yaml)")
    if path:
        session_of(viewer).attempt(lambda: open_here(viewer, path))


def export_deeplabcut(viewer: Viewer) -> None:
    """Write the frames of the open project as images, in the background."""
    session = session_of(viewer)
    if session.attempt(session.require_project) is None:
        return
    job = session.attempt(lambda: session.start("export_deeplabcut", {}))
    if job is None:
        return

    def notify(ended: Job) -> None:
        if ended is job:
            session.jobs.ended.disconnect(notify)
            said = ended.message or "Writing the images was stopped."
            session.notify(said, ended.remedies, kind=kind_of_end(ended))

    session.jobs.ended.connect(notify)


# --- sample -----------------------------------------------------------------------------------------------------------
# File > Open Sample: a small project of drawn mice, some of whose frames are labeled.
#
# Drawing takes some seconds, so a process of its own does it (`python -m napari_posecut.contributions FOLDER`), and the
# project opens when it is ready. It stays in the user's data folder, with what they have labeled.


_FRAMES, _LABELED, _OPEN = 60, 6, 4  # of each video: in all, labeled, and left for the user where they are others
_DRAW = (sys.executable, "-P", "-m", "napari_posecut.contributions")
_DRAWN = ".drawn"  # a file beside the project: it is whole
_WAITING = "sample"  # what the layer's metadata say that stands for the project until it is drawn


def _sample_folder() -> Path:
    """Return the folder of the sample."""
    return user_data_path("posecut", appauthor=False) / "sample"


def _draw_sample(folder: Path) -> Path:
    """Draw the videos, label some frames, and return the path of config.yaml; what is there stays.

    Raises:
        ArgumentError: the folder holds something else.
        StorageError: the disk refuses.
    """
    scenes = tuple(replace(scene, frames=_FRAMES) for scene in TO_LABEL)
    config = sample_project(folder, scenes=scenes, frames_to_label=_LABELED)
    numbers = range(_FRAMES // (2 * _OPEN), _FRAMES, _FRAMES // _OPEN)
    for scene in scenes:
        extract_frames(config, "manual", frames=numbers, videos=[scene.name])
    (folder / _DRAWN).touch()
    return config


def open_sample() -> list[_LayerTuple]:
    """Open the sample in the current window, as soon as it is drawn.

    Returns:
        an empty layer that stands for it until then, since napari takes no sample without layers.
    """
    viewer = current_viewer()
    if viewer is not None:
        _Drawing(session_of(viewer), _sample_folder(), add_flow_bar(viewer))
    return [(np.zeros((0, 2)), {"name": "the sample is being drawn", "metadata": {"posecut": _WAITING}}, "points")]


class _Drawing(QObject):
    """The drawing of the sample, and its opening; it goes with the window that waits for it."""

    def __init__(self, session: Session, folder: Path, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._folder = session, folder
        self._process = QProcess(self)
        self._process.finished.connect(self._drawn)
        if (folder / _DRAWN).is_file():
            QTimer.singleShot(0, self._open)  # when napari has added its layers
        else:
            self._process.start(_DRAW[0], [*_DRAW[1:], str(folder)])
            session.notify("The sample is being drawn; it opens in a few seconds.")

    def _drawn(self, code: int) -> None:
        if code == 0:
            self._open()
            return
        self._stop_waiting()
        said = self._process.readAllStandardError().data().decode("utf-8", "replace").strip()
        self._session.notify(said or "The sample could not be drawn; try again.")

    def _open(self) -> None:
        self._stop_waiting()
        config = earlier_project(self._folder)
        if config is not None:
            self._session.attempt(lambda: open_here(self._session.viewer, config))

    def _stop_waiting(self) -> None:
        layers = self._session.viewer.layers
        for layer in [layer for layer in layers if layer.metadata.get("posecut") == _WAITING]:
            layers.remove(layer)
        self.deleteLater()


def main() -> int:
    """Draw the sample into the folder on the command line, and return the exit code."""
    return exit_code(lambda: _draw_sample(Path(sys.argv[1])))


if __name__ == "__main__":
    sys.exit(main())
