"""What the plugin adds to napari: reader, writer, commands of the menus and the sample project."""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from napari import Viewer, current_viewer
from platformdirs import user_data_path
from qtpy.QtCore import QObject, QProcess, QTimer
from qtpy.QtWidgets import QFileDialog

from napari_posecut.jobs.jobs import Job
from napari_posecut.layers.convert import to_xy
from napari_posecut.session import Session, session_of
from napari_posecut.window import add_flow_bar, open_here
from posecut_core.demo.sample import earlier_project, sample_project
from posecut_core.demo.scene import TO_LABEL
from posecut_core.errors import ArgumentError, PosecutError
from posecut_core.project.opening import config_path
from posecut_core.storage.files import write_text
from posecut_core.storage.yaml_files import read_yaml
from posecut_core.workflow.extract_frames import extract_frames

# --- program ----------------------------------------------------------------------------------------------------------
# How a program of the plugin ends: with a sentence where it is refused, and an exit code.


def exit_code(work: Callable[[], object]) -> int:
    """Run a program's work, write to stderr why it is refused, and return the exit code."""
    try:
        work()
    except PosecutError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


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
    viewer = current_viewer()
    if viewer is not None:
        session_of(viewer).attempt(lambda: open_here(viewer, path))
    return _NO_LAYERS


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
            session.notify(ended.message or "Writing the images was stopped.", ended.remedies)

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

_LayerTuple = tuple[np.ndarray, dict[str, object], str]


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
