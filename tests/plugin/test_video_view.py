"""A video in the place of the labeling."""

import pytest

from napari_posecut.session import session_of
from napari_posecut.widgets.parts.playback import VideoView
from posecut_core.errors import VideoError
from posecut_core.project.opening import project_videos

LABELING = ["frame", "skeleton", "labels"]


@pytest.fixture
def session(viewer, sample):
    """A session with a project open."""
    session = session_of(viewer)
    session.open(sample)
    return session


def names(session):
    """Names of the layers that are shown."""
    return [layer.name for layer in session.viewer.layers]


def test_video_takes_turns_with_labeling(session):
    """The labeling's layers go when a video comes, and the other way round."""
    view, (first, second) = VideoView(session), project_videos(session.project).values()
    view.show(first)
    assert names(session) == [first.name]
    other = VideoView(session)
    other.show(second)
    assert names(session) == [second.name]
    assert view.layer is None
    other.close()
    assert names(session) == LABELING


def test_frame_to_label_ends_the_look(session):
    """Asking for a frame to label leaves the video; reading the project again does not."""
    view, path = VideoView(session), next(iter(project_videos(session.project).values()))
    view.show(path)
    session.refresh()
    assert names(session) == [path.name]
    frame = session.labeling.frame
    session.show_frame(frame.video, frame.number)
    assert names(session) == LABELING
    assert view.layer is None


def test_removing_the_layer_leaves(session):
    """A person who removes the video's layer is back at the labeling."""
    view = VideoView(session)
    layer = view.show(next(iter(project_videos(session.project).values())))
    session.viewer.layers.remove(layer)
    assert names(session) == LABELING


def test_missing_video_leaves_labeling_as_it_is(session, tmp_path):
    """A video that cannot be shown is refused, and the labeling is there."""
    with pytest.raises(VideoError):
        VideoView(session).show(tmp_path / "missing.mp4")
    assert names(session) == LABELING
