"""Stored images are named as DeepLabCut names them, and lie where they were cropped."""

import numpy as np
import pytest

from posecut_core.errors import LabelError
from posecut_core.labels.stored_images import image_names, image_origins
from posecut_core.project.config import Crop, ProjectConfig
from posecut_core.project.layout import Project
from posecut_core.project.settings import Settings, VideoRecord, write_settings
from posecut_core.video.store import FrameStore

IMAGE = np.zeros((8, 10, 3), dtype=np.uint8)


@pytest.fixture
def project(tmp_path):
    """A project whose video m1 has two stored frames: one cropped at (40, 60), one at (5, 6)."""
    project = Project(
        tmp_path, ProjectConfig("reach", "Ann", "Oct30", ("nose",), {"/data/m1.mp4": Crop(40, 50, 60, 68)})
    )
    FrameStore.open(project.frame_store("m1"), create=True).append([(20, IMAGE, (5, 6)), (3, IMAGE, (40, 60))])
    return project


def test_origins_are_those_of_the_store(project):
    """Each frame has the place at which it was cropped; one that was never extracted is refused."""
    assert image_origins(project, "m1", np.array([3, 20])).tolist() == [[40, 60], [5, 6]]
    with pytest.raises(LabelError, match="Frame 21 of m1 is labelled but was never extracted"):
        image_origins(project, "m1", np.array([21]))


def test_names_are_padded_by_the_videos_length(project):
    """New images are named as DeepLabCut would, those in the folder or in the labels keep their names."""
    assert image_names(project, "m1", [3]) == {3: "img0003.png"}
    write_settings(project.settings_path, Settings(videos={"m1": VideoRecord(1, "0" * 64, 10**5, 64, 48)}))
    assert image_names(project, "m1", [3, 20]) == {3: "img00003.png", 20: "img00020.png"}
    (project.frame_folder("m1") / "img020.png").write_bytes(b"")
    assert image_names(project, "m1", [3, 20]) == {3: "img00003.png", 20: "img020.png"}
