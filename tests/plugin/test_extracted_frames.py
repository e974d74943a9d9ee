"""Extracted frames, one by one."""

import numpy as np
import pytest

from napari_posecut.labeling.extracted_frames import delete_frame, listed_videos, take_frame
from napari_posecut.labeling.frame_index import FrameIndex
from posecut_core.errors import VideoError
from posecut_core.project.opening import open_project, project_videos
from posecut_core.types import Crop
from posecut_core.video.frame_store import FrameStore, numbers_in
from posecut_core.workflow.create_project import add_new_videos


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


def test_videos_and_their_frames_are_in_the_order_of_their_numbers(config):
    """Lists of videos, and the frames that come one after the other, have session2 before session10."""
    video = next(iter(listed_videos(open_project(config)).values()))
    for name in ("session10", "session2"):
        other = video.with_name(f"{name}.mp4")
        other.write_bytes(video.read_bytes())
        add_new_videos(config, [other])
        store = FrameStore.open(open_project(config).frame_store(name), create=True)
        store.append([(0, np.zeros((48, 64, 3), np.uint8), (0, 0))])
    project = open_project(config)
    assert [*listed_videos(project)] == ["session2", "session10", "walk"]
    assert [key.video for key in FrameIndex(project).frames][:3] == ["session2", "session10", "walk"]
