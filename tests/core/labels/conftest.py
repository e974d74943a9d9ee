"""A small project with frames to label."""

import numpy as np
import pytest

from posecut_core.project.config import ProjectConfig
from posecut_core.project.paths import Project
from posecut_core.types import Crop
from posecut_core.video.frame_store import FrameStore

IMAGE = np.zeros((8, 10, 3), dtype=np.uint8)


@pytest.fixture
def project(tmp_path):
    """A project whose video m1 has two stored frames: 3, cropped at (40, 60), and 20, cropped at (5, 6)."""
    video_sets = {"/data/m1.mp4": Crop(40, 50, 60, 68)}
    project = Project(tmp_path, ProjectConfig("reach", "Ann", "Oct30", ("nose", "tail"), video_sets))
    frames = [(20, IMAGE + 20, (5, 6)), (3, IMAGE + 3, (40, 60))]
    FrameStore.open(project.frame_store("m1"), create=True).append(frames)
    return project
