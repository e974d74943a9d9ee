"""A video in the place of the labeling."""

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_posecut.session import session_of
from napari_posecut.widgets.parts.playback import VideoView
from napari_posecut.window import add_flow_bar
from posecut_core.errors import VideoError
from posecut_core.project.opening import project_videos
from posecut_core.video.writer import VideoWriter
from tests.plugin.hand import Hand, seen

LABELING = ["frame", "skeleton", "labels"]


@pytest.fixture
def session(viewer, sample):
    """A session with a project open."""
    session = session_of(viewer)
    session.open(sample)
    return session


def names(session):
    """Names of the layers that are shown."""
    return seen(session.viewer)


def test_video_takes_turns_with_labeling(session):
    """The labeling's layers are hidden when a video comes, and are the same ones when it has gone."""
    view, (first, second) = VideoView(session), project_videos(session.project).values()
    session.spare.finish()
    layers = list(session.viewer.layers)
    view.show(first)
    assert names(session) == [first.name]
    other = VideoView(session)
    other.show(second)
    assert names(session) == [second.name]
    assert view.layer is None
    other.close()
    assert names(session) == LABELING
    assert list(session.viewer.layers) == layers


def test_layers_of_videos_are_made_while_nobody_waits(session):
    """Those of every frame are there at once; the others come in pieces, each drawn once and hidden again."""
    assert [layer.name for layer in session.viewer.layers] == LABELING
    session.spare.finish()
    assert names(session) == LABELING
    assert [(layer.name, layer.opacity) for layer in session.viewer.layers] == [
        ("frame", 1.0),
        ("epipolar lines", 1.0),
        ("skeleton", 1.0),
        ("predictions", 1.0),
        ("labels", 1.0),
        ("video", 1.0),
        ("score map", 0.5),
        ("skeleton and trails", 0.7),
        ("bodyparts", 1.0),
        ("beside", 1.0),
    ]
    session.close()
    assert not session.viewer.layers


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


def test_labels_stay_off_a_video(session):
    """Neither napari's list of layers nor a key shows or edits labels of a frame that is not the one to be seen."""
    notified = []
    session.notified.connect(notified.append)
    canvas, frame = session.canvas, session.labeling.frame
    VideoView(session).show(next(iter(project_videos(session.project).values())))
    for layer in canvas.layers:
        layer.visible = True
    session.viewer.layers.selection.active = canvas.points
    QApplication.processEvents()
    Hand(session.viewer).key(Qt.Key.Key_D)
    assert not any(layer.visible for layer in canvas.layers)
    assert "belongs to that frame" in notified[-1]
    assert session.labeling.frame == frame


def test_a_video_is_seen_whole_beside_larger_frames(session, tmp_path):
    """Hidden layers do not count where the view is fitted."""
    small = tmp_path / "small.mp4"
    with VideoWriter(small, fps=10, width=32, height=32) as writer:
        writer.write(np.zeros((32, 32, 3), np.uint8))
    VideoView(session).show(small)
    assert session.viewer.scene.camera.center[-2:] == pytest.approx((15.5, 15.5))


def test_other_colors_leave_the_video_where_it_is(session, viewer):
    """A palette that is chosen while a video is shown is that of the labels once they are back."""
    bar = add_flow_bar(viewer)
    colors, bodyparts = session.canvas._colors, bar.open("1 Project").bodyparts
    view, path = VideoView(session), next(iter(project_videos(session.project).values()))
    view.show(path)
    bodyparts.colors.setCurrentIndex(0)
    bodyparts.colors.activated.emit(0)
    assert names(session) == [path.name]
    view.close()
    assert names(session) == LABELING
    assert not np.allclose(session.canvas._colors, colors)


@pytest.mark.parametrize("every", [False, True])
def test_removing_the_layer_leaves(session, qtbot, every):
    """A person who removes the video's layer, alone or with all others, is back at the labeling."""
    view = VideoView(session)
    layer = view.show(next(iter(project_videos(session.project).values())))
    session.viewer.layers.selection = set(session.viewer.layers) if every else {layer}
    session.viewer.layers.remove_selected()
    qtbot.waitUntil(lambda: view.layer is None)
    assert names(session) == LABELING


def test_missing_video_leaves_labeling_as_it_is(session, tmp_path):
    """A video that cannot be shown is refused, and the labeling is there."""
    with pytest.raises(VideoError):
        VideoView(session).show(tmp_path / "missing.mp4")
    assert names(session) == LABELING
