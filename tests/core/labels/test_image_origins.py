"""An image's place in the full frame follows from its size."""

import re
from pathlib import Path

import pytest
from PIL import Image

from posecut_core.formats.deeplabcut.frames import image_origin, odd_sizes
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
    """A crop beyond the border gives smaller images."""
    sets = {"/data/m1.mp4": Crop(40, 90, 30, 90)}
    project = Project(tmp_path, ProjectConfig("t", "s", "d", ("a",), sets))
    write_state(project.settings_path, ProjectState(videos={"m1": VideoRecord(1, "0" * 64, 100, 64, 48)}))
    assert image_origin(project, "m1", (18, 24)) == (40, 30)
    assert image_origin(project, "m1", (48, 64)) == (0, 0)


@pytest.mark.parametrize(
    ("sizes", "wrong", "possible"),
    [
        ([(64, 48), (24, 18)], None, None),
        (
            [(128, 96)] * 2,
            r"m1: 2 images \(128 x 96 pixels\) are larger than .* \(64 x 48\), so they were rescaled",
            None,
        ),
        ([(40, 50)], r"1 image \(40 x 50 pixels\) is larger", None),
        (
            [(32, 24), (64, 48)],
            None,
            r"1 image \(32 x 24 pixels\) is smaller .* of the same aspect ratio.*unless .* cropped",
        ),
        ([(43, 32)], None, r"of the same aspect ratio"),
        (
            [(64, 52), (20, 10)],
            None,
            r"2 images \(64 x 52, 20 x 10 pixels\) are neither .* top left corner is assumed",
        ),
    ],
)
def test_images_of_another_scale_than_the_video_are_told(tmp_path, sizes, wrong, possible):
    """Kind: labels that fit other pixels. What is larger than a frame is no piece of it; a crop may be of any size."""
    project = sized_project(tmp_path, sizes)
    write_state(project.settings_path, ProjectState(videos={"m1": VideoRecord(1, "0" * 64, 100, 64, 48)}))
    for found, words in zip(odd_sizes(project, "m1"), (wrong, possible), strict=True):
        assert len(found) == (words is not None)
        assert all(re.search(words, text) for text in found)


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ([(64, 48)] * 3, None),
        (
            [(64, 48)] * 2 + [(128, 96)],
            r"m1: 1 image \(128 x 96 pixels\) is not .* others \(64 x 48\) but of the same aspect ratio",
        ),
        ([(64, 48)] * 2 + [(50, 48)], r"1 image \(50 x 48 pixels\) is not of the size of the others \(64 x 48\)"),
    ],
)
def test_without_a_video_images_are_held_against_each_other(tmp_path, sizes, words):
    """Kind: one image of a folder that was saved at another scale, while nobody knows how large a frame is."""
    wrong, possible = odd_sizes(sized_project(tmp_path, sizes), "m1")
    assert wrong == ()
    assert len(possible) == (words is not None)
    assert all(re.search(words, text) for text in possible)


def sized_project(root, sizes):
    project = Project(root, ProjectConfig("t", "s", "d", ("a",), {"/data/m1.mp4": Crop(40, 90, 30, 90)}))
    project.frame_folder("m1").mkdir(parents=True)
    for number, size in enumerate(sizes):
        Image.new("L", size).save(project.frame_folder("m1") / f"img{number}.png")
    return project
