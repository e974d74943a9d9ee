"""An analyzed video in the place of the labeling: one frame of markers, lines and a score map over it."""

from dataclasses import replace

import numpy as np
import pytest

from napari_posecut.layers.overlay import analyzed_videos, read_trajectories, style_of
from napari_posecut.session import session_of
from napari_posecut.widgets.parts.playback import playback_of
from posecut_core.errors import AnalysisError
from tests.plugin.hand import seen
from tests.plugin.widgets.analyzed_project import FRAMES, analyze

NO_TURN = {"cell": np.array([8.0, 8.0]), "origin": np.array([3.5, 3.5])}


@pytest.fixture
def shown(viewer, sample):
    """The session, its playback, and what is shown: the first video from its first frame on."""
    analyze(sample)
    session = session_of(viewer)
    session.open(sample)
    found = analyzed_videos(session.project)[0]
    predictions = read_trajectories(session.project, found).predictions
    playback = playback_of(session)
    playback.show(found.video, predictions, style_of(session.project.config, predictions.bodyparts))
    return session, playback, found


def _layer(session, name):
    return next(layer for layer in session.viewer.layers if layer.name == name)


def test_a_desk_has_one_playback(shown):
    """Two docks that show videos share it."""
    session, playback, _ = shown
    assert playback_of(session) is playback


def test_markers_follow_the_frame(shown):
    """The slider and `go_to` come to the same; a marker of low likelihood is hollow."""
    session, playback, _ = shown
    heard = []
    playback.frame_changed.connect(heard.append)
    playback.go_to(3)
    points = _layer(session, "bodyparts")
    np.testing.assert_allclose(points.data[:, 1], 23.0)  # one pixel per frame, from 20 on
    assert points.face_color[0, 3] == 0.0
    assert points.face_color[1, 3] > 0.5
    session.viewer.dims.set_current_step(0, 5)
    np.testing.assert_allclose(points.data[:, 1], 25.0)
    assert heard == [3, 5]
    assert playback.frame == 5


def test_the_status_bar_says_which_bodypart_is_under_the_mouse(shown):
    """Its place, its name and its likelihood in the frame that is shown."""
    session, playback, _ = shown
    playback.go_to(3)
    points, found = _layer(session, "bodyparts"), playback.predictions
    row, column = points.data[-1].tolist()
    said = points.get_status((3.0, row, column), world=True)["coordinates"]
    name, likelihood = found.bodyparts[-1], found.likelihood[3, -1]
    assert said == f"x {column:.1f}, y {row:.1f}: {name}, likelihood {likelihood:.2f}"


def test_deleted_markers_come_back(shown):
    """napari's keys select and delete all points; the next frame has its own again."""
    session, playback, _ = shown
    points = _layer(session, "bodyparts")
    points.selected_data = set(range(len(points.data)))
    points.remove_selected()
    assert len(points.data) == 0
    playback.go_to(4)
    np.testing.assert_allclose(points.data[:, 1], 24.0)


def test_layers_are_made_once(shown, qtbot):
    """napari takes a tenth of a second for each; drawn in between, OpenGL crashed where one with a map was removed."""
    session, playback, found = shown
    layers, predictions = list(session.viewer.layers), playback.predictions
    for _ in range(3):
        playback.show_map(np.full((4, 5), 0.5, np.float32), name="score map of snout", **NO_TURN)
        qtbot.wait(1)
        playback.close()
        qtbot.wait(1)
        assert seen(session.viewer) == ["frame", "skeleton", "labels"]
        playback.show(found.video, predictions, replace(playback.style, edges=()))
        qtbot.wait(1)
        assert seen(session.viewer) == [found.video.name, "skeleton and trails", "bodyparts"]
    assert list(session.viewer.layers) == layers


def test_another_style_is_drawn_at_once(shown):
    """Trails have a line per frame and bodypart."""
    session, playback, _ = shown
    playback.go_to(4)
    parts = len(playback.predictions.bodyparts)
    playback.set_style(replace(playback.style, edges=(), trail=2))
    lines = _layer(session, "skeleton and trails")
    assert lines.data.shape == (2 * parts, 2, 2)
    np.testing.assert_allclose(lines.data[-1, 1], (0.0, 1.0))


def test_a_score_map_goes_with_its_frame(shown):
    """It lies between picture and markers, and another frame has none."""
    session, playback, _ = shown
    playback.show_map(np.full((4, 5), 0.5, np.float32), name="score map of snout", **NO_TURN)
    names = [layer.name for layer in session.viewer.layers]
    assert names.index("score map of snout") == names.index("skeleton and trails") - 1
    playback.go_to(1)
    assert "score map of snout" not in seen(session.viewer)


def test_the_labeling_comes_back(shown):
    """Closing hides every layer of the video."""
    session, playback, _ = shown
    notified = []
    playback.changed.connect(lambda: notified.append(playback.video))
    playback.close()
    assert notified == [None]
    assert seen(session.viewer) == ["frame", "skeleton", "labels"]
    session.viewer.dims.set_current_step(0, 0)
    assert playback.predictions is None


def test_predictions_of_another_length_are_refused(shown):
    """They would be drawn on the wrong frames."""
    session, playback, found = shown
    whole = playback.predictions
    short = replace(whole, xy=whole.xy[:-1], likelihood=whole.likelihood[:-1])
    with pytest.raises(AnalysisError, match=f"{FRAMES - 1} rows, but the video has {FRAMES} frames"):
        playback.show(found.video, short, playback.style)
    assert playback.video is None
    assert session.canvas is not None


def test_napari_controls_of_what_lies_over_a_video_stay(shown):
    """Sizes, widths and what is hidden are those of the next frame and the next video; colors say why they stay."""
    session, playback, found = shown
    markers, lines = _layer(session, "bodyparts"), _layer(session, "skeleton and trails")
    sentences = []
    session.notified.connect(sentences.append)
    markers.current_size, lines.edge_width = 24.0, 3.5
    assert not sentences
    markers.current_face_color = "red"
    assert "so they stay" in sentences[-1]
    markers.visible = False
    playback.go_to(3)
    playback.show(found.video, playback.predictions, playback.style)
    assert (markers.canvas_size_limits, lines.edge_width) == ((24.0, 24.0), 3.5)
    assert seen(session.viewer) == [found.video.name, "skeleton and trails"]
