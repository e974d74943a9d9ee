"""Windows for tests, and a small project to open in them."""

import gc

import numpy as np
import pytest

from posecut_core.video.store import FrameStore
from posecut_core.video.writer import VideoWriter
from posecut_core.workflow.creating import create_new_project
from posecut_core.workflow.opening import open_project


@pytest.fixture
def viewer(qtbot):
    """A viewer that nobody sees."""
    from napari import Viewer

    made = Viewer(show=False, show_welcome_screen=False)
    yield made
    made.close()
    del made
    gc.collect()


@pytest.fixture
def config(tmp_path):
    """config.yaml of a project with three frames of a video, none of them labelled."""
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
    yield made
    made.reset()
