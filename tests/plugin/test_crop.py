"""The crop of a video in config.yaml."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_posecut.labeling.extracted_frames import partial_crops, write_crop
from napari_posecut.layers.convert import crop_corners, to_crop
from posecut_core.errors import VideoError
from posecut_core.project.opening import open_project
from posecut_core.types import Crop


def test_crop_round_trip(unlabeled):
    """A crop that is written is read again, and nothing else in config.yaml changes."""
    project = open_project(unlabeled)
    before = unlabeled.read_text()
    one, other = (path.stem for path in sorted(project.videos.glob("*.mp4")))
    kept = project.config.crop_of(other)
    write_crop(project, one, Crop(3, 50, 7, 90))
    again = open_project(unlabeled)
    assert again.config.crop_of(one) == Crop(3, 50, 7, 90)
    assert again.config.crop_of(other) == kept
    changed = set(unlabeled.read_text().splitlines()) - set(before.splitlines())
    assert len(changed) == 1
    assert "3, 50, 7, 90" in changed.pop()


def test_a_crop_of_the_whole_frame_leaves_nothing_out(unlabeled):
    """config.yaml lists a crop for each video, as DeepLabCut does; only one that is smaller than the frame counts."""
    project = open_project(unlabeled)
    assert partial_crops(project) == {}
    one = min(path.stem for path in project.videos.glob("*.mp4"))
    write_crop(project, one, Crop(3, 50, 7, 90))
    assert partial_crops(open_project(unlabeled)) == {one: Crop(3, 50, 7, 90)}


def test_videos_that_were_never_read_are_looked_at(unlabeled):
    """DeepLabCut's projects list a crop for each video, and no sizes: whole frames are told by the files."""
    project = open_project(unlabeled)
    project.settings_path.write_text("schema: 1\n")
    assert partial_crops(open_project(unlabeled)) == {}
    one = min(path.stem for path in project.videos.glob("*.mp4"))
    write_crop(project, one, Crop(3, 50, 7, 90))
    assert partial_crops(open_project(unlabeled)) == {one: Crop(3, 50, 7, 90)}


def test_unknown_video_has_no_crop(unlabeled):
    """A video that config.yaml does not list is refused."""
    project = open_project(unlabeled)
    assert project.config.crop_of("cat") is None
    with pytest.raises(VideoError, match="lists no video cat"):
        write_crop(project, "cat", Crop(0, 1, 0, 1))


@given(st.integers(0, 99), st.integers(0, 79), st.integers(1, 100), st.integers(1, 80))
def test_rectangle_round_trip(x, y, width, height):
    """A crop drawn as a rectangle is the same crop again, and stays within the frame."""
    crop = Crop(x, min(x + width, 100), y, min(y + height, 80))
    assert to_crop(crop_corners(crop), width=100, height=80) == crop
    outside = np.array([(-9.0, -9.0), (-9.0, 300.0), (300.0, 300.0), (300.0, -9.0)])
    assert to_crop(outside, width=100, height=80) == Crop(0, 100, 0, 80)
