"""Extracted frames, one by one."""

import numpy as np
import pytest

from napari_posecut.labeling.extracted_frames import delete_frame, take_frame
from posecut_core.errors import VideoError
from posecut_core.project.opening import open_project, project_videos
from posecut_core.types import Crop
from posecut_core.video.frame_store import FrameStore, numbers_in


@pytest.fixture
def picture():
    """A frame of noise."""
    return np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)


def test_taken_frame_is_deleted_again(sample, picture):
    """A frame that is taken is there with its pixels; deleting it leaves the others."""
    project = open_project(sample)
    video = next(iter(project_videos(project)))
    before = numbers_in(project.frame_store(video))
    number = next(number for number in range(12) if number not in before)
    assert take_frame(project, video, number, picture, crop=Crop(5, 15, 2, 12))
    assert not take_frame(project, video, number, picture)
    store = FrameStore.open(project.frame_store(video))
    assert np.array_equal(store.read(number), picture[2:12, 5:15])
    assert store.origins[store.numbers.tolist().index(number)].tolist() == [5, 2]
    assert delete_frame(project, video, number)
    assert numbers_in(project.frame_store(video)) == before


def test_labeled_frame_is_not_deleted(sample):
    """A frame that labels know of stays, and so do its labels."""
    project = open_project(sample)
    video = next(iter(project_videos(project)))
    before = numbers_in(project.frame_store(video))
    assert not delete_frame(project, video, before[0])
    assert numbers_in(project.frame_store(video)) == before


def test_what_cannot_be_taken(sample, picture):
    """Damaged frames, other videos and crops outside the frame are refused, and nothing is written."""
    project = open_project(sample)
    video = next(iter(project_videos(project)))
    before = numbers_in(project.frame_store(video))
    with pytest.raises(VideoError, match="cannot be decoded"):
        take_frame(project, video, 0, None)
    with pytest.raises(VideoError, match="not a video of the project"):
        take_frame(project, "cat", 0, picture)
    with pytest.raises(VideoError, match="is not within the 30x20 pixels"):
        take_frame(project, video, 0, picture, crop=Crop(40, 50, 0, 20))
    assert numbers_in(project.frame_store(video)) == before
    assert numbers_in(project.frame_store("cat")) == ()
