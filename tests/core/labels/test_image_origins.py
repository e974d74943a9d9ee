"""An image's place in the full frame follows from its size."""

from pathlib import Path

import pytest

from posecut_core.formats.deeplabcut.frames import image_origin, unplaced_images
from posecut_core.project.config import ProjectConfig
from posecut_core.project.paths import Project
from posecut_core.project.state import ProjectState, VideoRecord, write_state
from posecut_core.types import Crop


@pytest.mark.parametrize(
    ("video", "size", "origin"),
    [("m1", (8, 10), (40, 60)), ("m1", (10, 8), (0, 0)), ("m1", (48, 64), (0, 0)), ("m2", (8, 10), (0, 0))],
)
def test_only_an_image_of_the_crops_size_is_a_crop(video, size, origin):
    """Images of other sizes, and of videos without a crop, are full frames."""
    sets = {"C:\\data\\m1.avi": Crop(40, 50, 60, 68), "/data/m2.avi": None}
    project = Project(Path("/p"), ProjectConfig("t", "s", "d", ("a",), sets))
    assert image_origin(project, video, size) == origin


def test_a_crop_ends_where_the_frame_does(tmp_path):
    """A crop beyond the border gives smaller images; images of neither size are told, as their place is not known."""
    sets = {"/data/m1.mp4": Crop(40, 90, 30, 90)}
    project = Project(tmp_path, ProjectConfig("t", "s", "d", ("a",), sets))
    write_state(project.settings_path, ProjectState(videos={"m1": VideoRecord(1, "0" * 64, 100, 64, 48)}))
    assert image_origin(project, "m1", (18, 24)) == (40, 30)
    assert image_origin(project, "m1", (48, 64)) == (0, 0)
    assert unplaced_images(project, "m1", [(18, 24), (48, 64)]) == ""
    assert "1 images (20 x 10 pixels)" in unplaced_images(project, "m1", [(18, 24), (10, 20), (48, 64)])
