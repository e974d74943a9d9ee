"""Take a picture of every dock of a window, and say what does not fit into it.

    xvfb-run -a -s "-screen 0 1280x800x24" python tests/benchmarks/window_docks.py [--screenshots DIR]

Without `--project`, one is made of 60 videos and 25 bodyparts with long names. Of another folder a copy is opened: for
instance DeepLabCut's example project. Each dock, and each of its tabs, is brought to the front. The last line is one
JSON object: `window`, the greatest size that the window took, in pixels; `screen`; and `cut`, the controls whose text
is wider than they are.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ["NAPARI_CONFIG"] = ""  # napari's settings stay out of it

import numpy as np
from napari import Viewer
from napari.settings import get_plugin_settings
from qtpy.QtGui import QGuiApplication
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QAbstractButton, QLabel, QTabWidget, QWidget

from napari_posecut.window import add_flow_bar, open_window
from posecut_core.project.opening import open_project
from posecut_core.video.frame_store import FrameStore
from posecut_core.video.writer import VideoWriter
from posecut_core.workflow.create_project import create_new_project
from tests.benchmarks.openfield import print_result

VIDEOS, BODYPARTS, FRAMES = 60, 25, 4
WIDTH, HEIGHT = 320, 240  # pixels of the videos
ROOM = 6  # pixels by which Qt itself says that a text is wider than its button


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, help="folder of a project (default: one with many videos)")
    parser.add_argument("--screenshots", type=Path, help="where the pictures go (default: none are taken)")
    parser.add_argument("--theme", choices=("dark", "light"), default="dark", help="napari's (default: %(default)s)")
    parser.add_argument("--fill", action="store_true", help="let the window take the whole screen")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="posecut-docks-") as folder:
        if arguments.project is None:
            config = large_project(Path(folder))
        else:
            config = Path(shutil.copytree(arguments.project, Path(folder) / arguments.project.name)) / "config.yaml"
        get_plugin_settings("posecut").labeling.helps = False
        viewer = open_window(config)
        viewer.theme = arguments.theme
        screen = QGuiApplication.primaryScreen().size()
        if arguments.fill:
            viewer.window.resize(screen.width(), screen.height())
        sizes, cut = [], {}
        for number, name in enumerate(docks_in_turn(viewer), start=1):
            window = add_flow_bar(viewer).window()
            sizes.append((window.width(), window.height()))
            docks = viewer.window.dock_widgets.values()
            cut |= {f"{name}: {text}": missing for dock in docks for text, missing in cut_texts(dock)}
            if arguments.screenshots is not None:
                arguments.screenshots.mkdir(parents=True, exist_ok=True)
                picture = arguments.screenshots / f"{number:02d}-{name.replace(' ', '-')}.png"
                viewer.screenshot(str(picture), canvas_only=False)
        viewer.close()
    greatest = [max(side) for side in zip(*sizes, strict=True)]
    print_result({"window": greatest, "screen": [screen.width(), screen.height()], "cut": cut})
    return 1 if cut or greatest[0] > screen.width() or greatest[1] > screen.height() else 0


def large_project(folder: Path) -> Path:
    """Make a project of many videos with long names, whose frames are extracted, and return its config.yaml."""
    videos = []
    for number in range(VIDEOS):
        video = folder / "videos" / f"cohort3_mouse{number:03d}_openfield_baseline_2026-11-{1 + number % 28:02d}.mp4"
        video.parent.mkdir(exist_ok=True)
        with VideoWriter(video, fps=10, width=WIDTH, height=HEIGHT) as writer:
            for frame in range(FRAMES):
                writer.write(np.full((HEIGHT, WIDTH, 3), 40 * frame + number, np.uint8))
        videos.append(video)
    parts = [f"{side}_{limb}_{place}" for side in ("left", "right") for limb in ("fore", "hind") for place in _PLACES]
    config = create_new_project(
        "locomotion_in_the_large_arena", "experimenter", videos, folder, bodyparts=[*parts, "snout"][:BODYPARTS]
    ).config_path
    project = open_project(config)
    for video in videos:
        store = FrameStore.open(project.frame_store(video.stem), create=True)
        store.append((number, np.full((HEIGHT, WIDTH, 3), 90, np.uint8), (0, 0)) for number in range(FRAMES))
    return config


_PLACES = ("shoulder_joint", "elbow_joint", "wrist_joint", "knuckle_of_third_digit", "tip_of_third_digit", "hip")


def docks_in_turn(viewer: Viewer) -> Iterator[str]:
    """Bring each dock, and each of its tabs, to the front; at last the filmstrip and the list of edits, too."""
    bar = add_flow_bar(viewer)
    for title in bar.buttons:
        dock = bar.open(title)
        tabs = dock.findChildren(QTabWidget)
        QTest.qWait(300)
        if not tabs:
            yield title
        for place in range(tabs[0].count() if tabs else 0):
            if tabs[0].isTabVisible(place):
                tabs[0].setCurrentIndex(place)
                QTest.qWait(150)
                yield f"{title} {tabs[0].tabText(place)}"
    bar.open("3 Label")
    bar.show_filmstrip()
    QTest.qWait(1000)  # for the small pictures
    yield "filmstrip"
    bar.show_history()
    bar.show_panels(True)
    QTest.qWait(300)
    yield "everything"


def cut_texts(dock: QWidget) -> Iterator[tuple[str, int]]:
    """List the texts of a dock that are wider than what is seen of them, and by how many pixels."""
    for widget in dock.findChildren(QWidget):
        if not widget.isVisible() or not isinstance(widget, QAbstractButton | QLabel) or not widget.text():
            continue
        wraps = isinstance(widget, QLabel) and widget.wordWrap()
        missing = (0 if wraps else widget.minimumSizeHint().width()) - widget.visibleRegion().boundingRect().width()
        if widget.visibleRegion().isEmpty():
            continue
        if missing > ROOM:
            yield widget.text(), missing


if __name__ == "__main__":
    sys.exit(main())
