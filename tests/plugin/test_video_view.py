"""A video in the place of the labelling."""

import pytest

from napari_posecut.session import desk_of
from napari_posecut.widgets.parts.playback import VideoView
from posecut_core.errors import VideoError
from posecut_core.project.opening import project_videos

LABELLING = ["frame", "skeleton", "labels"]


@pytest.fixture
def desk(viewer, sample):
    """A desk with a project open."""
    desk = desk_of(viewer)
    desk.open(sample)
    return desk


def names(desk):
    """Names of the layers that are shown."""
    return [layer.name for layer in desk.viewer.layers]


def test_video_takes_turns_with_labelling(desk):
    """The labelling's layers go when a video comes, and the other way round."""
    view, (first, second) = VideoView(desk), project_videos(desk.project).values()
    view.show(first)
    assert names(desk) == [first.name]
    other = VideoView(desk)
    other.show(second)
    assert names(desk) == [second.name]
    assert view.layer is None
    other.leave()
    assert names(desk) == LABELLING


def test_frame_to_label_ends_the_look(desk):
    """Asking for a frame to label leaves the video; reading the project again does not."""
    view, path = VideoView(desk), next(iter(project_videos(desk.project).values()))
    view.show(path)
    desk.refresh()
    assert names(desk) == [path.name]
    frame = desk.labelling.frame
    desk.show_frame(frame.video, frame.number)
    assert names(desk) == LABELLING
    assert view.layer is None


def test_removing_the_layer_leaves(desk):
    """A person who removes the video's layer is back at the labelling."""
    view = VideoView(desk)
    layer = view.show(next(iter(project_videos(desk.project).values())))
    desk.viewer.layers.remove(layer)
    assert names(desk) == LABELLING


def test_missing_video_leaves_labelling_as_it_is(desk, tmp_path):
    """A video that cannot be shown is refused, and the labelling is there."""
    with pytest.raises(VideoError):
        VideoView(desk).show(tmp_path / "missing.mp4")
    assert names(desk) == LABELLING
