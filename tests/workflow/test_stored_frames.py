"""Videos are meant by stem, file name or path."""

import pytest

from posecut_core.errors import VideoError
from posecut_core.project.config import edit_config, read_config
from posecut_core.project.opening import chosen_stems, open_project, videos_with_frames


@pytest.mark.parametrize("name", ["b", "b.mp4", "videos/b.mp4"])
def test_a_video_has_several_names(name):
    """Stem, file name and path mean the same video."""
    assert chosen_stems(["a", "b"], [name]) == ("b",)


def test_none_means_all():
    """Without a wish all videos are meant, in their order."""
    assert chosen_stems(["b", "a"], None) == ("b", "a")


def test_order_is_the_projects():
    """Videos come in the project's order, each once."""
    assert chosen_stems(["b", "a"], ["a", "b.mp4", "b"]) == ("b", "a")


def test_a_stem_with_a_dot_is_found():
    """A stem is not cut at its own dots."""
    assert chosen_stems(["day1.cam2"], ["day1.cam2"]) == ("day1.cam2",)


def test_an_unknown_video_is_named():
    """The message lists the videos that there are."""
    with pytest.raises(VideoError, match="no video 'c'; choose among a, b"):
        chosen_stems(["a", "b"], ["c"])


def test_videos_with_frames(spot_project):
    """Only videos whose frames were extracted are listed."""
    listed = dict.fromkeys([*read_config(spot_project).video_sets, "other.mp4"])
    edit_config(spot_project, {"video_sets": listed})
    project = open_project(spot_project)
    (project.labeled_data / "other").mkdir()
    assert videos_with_frames(project, None) == ("spot",)
    with pytest.raises(VideoError, match="no extracted frames of other"):
        videos_with_frames(project, ["other"])
