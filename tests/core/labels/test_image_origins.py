"""An image's place in the full frame follows from its size."""

from pathlib import Path

import pytest

from posecut_core.labels.image_origins import image_origin
from posecut_core.project.config import Crop, ProjectConfig
from posecut_core.project.layout import Project


@pytest.mark.parametrize(
    ("video", "size", "origin"),
    [("m1", (8, 10), (40, 60)), ("m1", (10, 8), (0, 0)), ("m1", (48, 64), (0, 0)), ("m2", (8, 10), (0, 0))],
)
def test_only_an_image_of_the_crops_size_is_a_crop(video, size, origin):
    """Images of other sizes, and of videos without a crop, are full frames."""
    sets = {"C:\\data\\m1.avi": Crop(40, 50, 60, 68), "/data/m2.avi": None}
    project = Project(Path("/p"), ProjectConfig("t", "s", "d", ("a",), sets))
    assert image_origin(project, video, size) == origin
