"""File > Open Sample: a small project of drawn mice, some of whose frames are labelled.

Drawing takes some seconds, so that a process of its own does it (`python -m napari_posecut.sample FOLDER`), and the
project opens when it is ready. It stays in the person's data folder, with what they have labelled.
"""

import sys
from dataclasses import replace
from pathlib import Path

from napari import Viewer, current_viewer
from platformdirs import user_data_path
from qtpy.QtCore import QProcess

from napari_posecut.desk import Desk, desk_of
from napari_posecut.window import furnish, open_here
from posecut_core.demo.sample import earlier_project, sample_project
from posecut_core.demo.scenes import TO_LABEL
from posecut_core.errors import PosecutError
from posecut_core.workflow.extracting import extract_frames

FRAMES, LABELLED, OPEN = 60, 6, 4  # of each video: in all, labelled, and left for the person to label
_DRAWN = ".drawn"  # a file beside the project: it is whole


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
    extract_frames(config, algo="uniform", number_of_frames=OPEN)
    (folder / _DRAWN).touch()
    return config


def open_sample() -> list[tuple[object, ...]]:
    """Open the sample in the current window, as soon as it is drawn; there are no layers to add."""
    viewer = current_viewer()
    if viewer is not None:
        folder = sample_folder()
        config = earlier_project(folder)
        if config is not None and (folder / _DRAWN).is_file():
            desk_of(viewer).attempt(lambda: open_here(viewer, config))
        else:
            _draw_and_open(viewer)
    return []


def _draw_and_open(viewer: Viewer) -> None:
    desk, folder = desk_of(viewer), sample_folder()
    process = QProcess(furnish(viewer))  # which goes with the window, and the process with it
    process.finished.connect(lambda code: _drawn(desk, folder, process, code))
    process.start(sys.executable, ["-P", "-m", "napari_posecut.sample", str(folder)])
    desk.tell("The sample is being drawn; it opens by itself in some seconds.")


def _drawn(desk: Desk, folder: Path, process: QProcess, code: int) -> None:
    config = earlier_project(folder)
    if code == 0 and config is not None:
        desk.attempt(lambda: open_here(desk.viewer, config))
    else:
        desk.tell(process.readAllStandardError().data().decode("utf-8", "replace").strip() or "No sample was drawn.")
    process.deleteLater()


def main() -> int:
    """Draw the sample into the folder on the command line, and return the exit code."""
    try:
        draw_sample(Path(sys.argv[1]))
    except PosecutError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
