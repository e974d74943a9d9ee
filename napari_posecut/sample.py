"""File > Open Sample: a small project of drawn mice, some of whose frames are labelled.

Drawing takes some seconds, so that a process of its own does it (`python -m napari_posecut.sample FOLDER`), and the
project opens when it is ready. It stays in the person's data folder, with what they have labelled.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from napari import current_viewer
from platformdirs import user_data_path
from qtpy.QtCore import QObject, QProcess, QTimer

from napari_posecut.desk import Desk, desk_of
from napari_posecut.program import exit_code
from napari_posecut.window import furnish, open_here
from posecut_core.demo.sample import earlier_project, sample_project
from posecut_core.demo.scenes import TO_LABEL
from posecut_core.workflow.extracting import extract_frames

FRAMES, LABELLED, OPEN = 60, 6, 4  # of each video: in all, labelled, and left for the person where they are others
DRAW = (sys.executable, "-P", "-m", "napari_posecut.sample")
_DRAWN = ".drawn"  # a file beside the project: it is whole
_WAITING = "sample"  # what the layer's metadata say that stands for the project until it is drawn

LayerTuple = tuple[np.ndarray, dict[str, object], str]


def sample_folder() -> Path:
    """Return the folder of the sample."""
    return user_data_path("posecut", appauthor=False) / "sample"


def draw_sample(folder: Path) -> Path:
    """Draw the videos, label some frames, and return the path of config.yaml; what is there stays.

    Raises:
        ArgumentError: the folder holds something else.
        StorageError: the disk refuses.
    """
    scenes = tuple(replace(scene, frames=FRAMES) for scene in TO_LABEL)
    config = sample_project(folder, scenes=scenes, frames_to_label=LABELLED)
    numbers = range(FRAMES // (2 * OPEN), FRAMES, FRAMES // OPEN)
    for scene in scenes:
        extract_frames(config, "manual", frames=numbers, videos=[scene.name])
    (folder / _DRAWN).touch()
    return config


def open_sample() -> list[LayerTuple]:
    """Open the sample in the current window, as soon as it is drawn.

    Returns:
        an empty layer that stands for it until then, since napari takes no sample without layers.
    """
    viewer = current_viewer()
    if viewer is not None:
        Drawing(desk_of(viewer), sample_folder(), furnish(viewer))
    return [(np.zeros((0, 2)), {"name": "the sample is being drawn", "metadata": {"posecut": _WAITING}}, "points")]


class Drawing(QObject):
    """The drawing of the sample, and its opening; it goes with the window that waits for it."""

    def __init__(self, desk: Desk, folder: Path, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._folder = desk, folder
        self._process = QProcess(self)
        self._process.finished.connect(self._drawn)
        if (folder / _DRAWN).is_file():
            QTimer.singleShot(0, self._open)  # when napari has added its layers
        else:
            self._process.start(DRAW[0], [*DRAW[1:], str(folder)])
            desk.tell("The sample is being drawn; it opens by itself in some seconds.")

    def _drawn(self, code: int) -> None:
        if code == 0:
            self._open()
            return
        self._stop_waiting()
        said = self._process.readAllStandardError().data().decode("utf-8", "replace").strip()
        self._desk.tell(said or "The sample could not be drawn; try it again.")

    def _open(self) -> None:
        self._stop_waiting()
        config = earlier_project(self._folder)
        if config is not None:
            self._desk.attempt(lambda: open_here(self._desk.viewer, config))

    def _stop_waiting(self) -> None:
        layers = self._desk.viewer.layers
        for layer in [layer for layer in layers if layer.metadata.get("posecut") == _WAITING]:
            layers.remove(layer)
        self.deleteLater()


def main() -> int:
    """Draw the sample into the folder on the command line, and return the exit code."""
    return exit_code(lambda: draw_sample(Path(sys.argv[1])))


if __name__ == "__main__":
    sys.exit(main())
