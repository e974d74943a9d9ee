"""A real window on small projects; napari's settings are neither read from nor written to the home folder.

Window tests need a screen. Without one they fail, rather than being skipped: `bash tests/run` brings its own (Xvfb).
An exception in Qt's loop fails the test in which it happens (pytest-qt sees to that).
"""

import gc
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

os.environ["NAPARI_CONFIG"] = ""  # settings in memory only; napari reads this while it is imported

from posecut_core.demo.sample import VIDEOS, create, film_all, frames_of, label
from posecut_core.demo.scene import TO_LABEL
from posecut_core.progress import silent
from posecut_core.project.opening import open_project
from posecut_core.video.frame_store import FrameStore
from posecut_core.video.writer import VideoWriter
from posecut_core.workflow.create_project import create_new_project
from posecut_core.workflow.extract_frames import extract_frames

SCENES = tuple(replace(scene, frames=12) for scene in TO_LABEL)
FRAMES = 3  # extracted of each of the two videos


class Stock(NamedTuple):
    """Projects to copy from: the same one with and without labels."""

    labeled: Path
    unlabeled: Path


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    """Refuse to begin without a screen, where Qt would end the process."""
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        pytest.fail("The window's tests need a screen; run `bash tests/run`, or pytest under `xvfb-run -a`.")
    return ["posecut tests"]


@pytest.fixture(scope="session", autouse=True)
def _loaded() -> None:
    """Load what a session loads in a thread: a test that adds a layer meanwhile would meet half a registry of units."""
    from napari_posecut.layers.canvas import preload

    preload()


@pytest.fixture(scope="session")
def stock(tmp_path_factory) -> Stock:
    """Draw two videos, make a project of them, and label a copy of it."""
    unlabeled, labeled = (tmp_path_factory.mktemp(name) / "mouse" for name in ("unlabeled", "labeled"))
    config = create(unlabeled, film_all(SCENES, unlabeled / VIDEOS, silent), silent)
    extracted = extract_frames(config, number_of_frames=FRAMES)
    shutil.copytree(unlabeled, labeled)
    label(labeled / config.relative_to(unlabeled), SCENES, frames_of(extracted))
    return Stock(labeled, unlabeled)


@pytest.fixture
def sample(stock, tmp_path) -> Path:
    """Path of config.yaml of a project of two videos with three labeled frames each."""
    return copied(stock.labeled, tmp_path)


@pytest.fixture
def unlabeled(stock, tmp_path) -> Path:
    """Path of config.yaml of the same project before anything was labeled."""
    return copied(stock.unlabeled, tmp_path)


@pytest.fixture
def viewer(qtbot, monkeypatch) -> Iterator["napari.Viewer"]:
    """An empty napari window of 1280 x 800 pixels on the screen; a project that is open in it is closed at the end."""
    from napari.settings import get_plugin_settings, get_settings

    from napari_posecut.jobs import monitor

    gc.collect()  # windows of earlier tests; what else is there by now is looked through no more
    gc.freeze()
    monkeypatch.setattr(monitor, "_SPARE", 2**31 - 1)  # nobody is idle in a test, however slowly it runs
    get_settings().reset()
    get_plugin_settings("posecut").reset()
    get_plugin_settings("posecut").labeling.helps = False  # no network trains beside the tests
    with window(qtbot) as viewer:
        viewer.window.activate()
        qtbot.wait(1)
        yield viewer


@contextmanager
def window(qtbot) -> Iterator["napari.Viewer"]:
    """Show an empty window of 1280 x 800 pixels, and close at the end what is open in it, and the window."""
    import napari

    from napari_posecut.session import session_of

    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(1280, 800)
    qtbot.wait(1)
    yield viewer
    session_of(viewer).close()
    viewer.close()
    qtbot.wait(1)


@pytest.fixture
def opened(viewer, unlabeled, qtbot):
    """The row of buttons of a window in which an unlabeled project is open, with 3 Label in front."""
    from napari_posecut.session import session_of
    from napari_posecut.window import add_flow_bar, open_here
    from tests.plugin.widgets.fake_jobs import FakeJobs

    session_of(viewer).jobs = FakeJobs()
    open_here(viewer, unlabeled)
    qtbot.wait(1)
    return add_flow_bar(viewer)


def copied(stock: Path, folder: Path) -> Path:
    """Copy a project with its videos, and return the path of its config.yaml."""
    shutil.copytree(stock, folder / stock.name, symlinks=True)
    return next((folder / stock.name).glob("*/config.yaml"))


@pytest.fixture
def config(tmp_path):
    """config.yaml of a project with three frames of a video, none of them labeled."""
    video = tmp_path / "walk.mp4"
    with VideoWriter(video, fps=10, width=64, height=48) as writer:
        for number in range(4):
            writer.write(np.full((48, 64, 3), 60 * number, np.uint8))
    made = create_new_project("Reach", "ada", [video], tmp_path, bodyparts=("hand", "tip")).config_path
    store = FrameStore.open(open_project(made).frame_store("walk"), create=True)
    store.append((number, np.full((48, 64, 3), 60 * number, np.uint8), (0, 0)) for number in (0, 2, 3))
    return made


@pytest.fixture
def settings(qtbot):
    """napari's settings for the plugin, as they were before, after the test too."""
    from napari.settings import get_plugin_settings

    made = get_plugin_settings("posecut")
    made.reset()
    made.labeling.helps = False  # no network trains beside the tests
    yield made
    made.reset()
