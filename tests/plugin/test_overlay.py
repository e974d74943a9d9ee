"""What is drawn over a frame."""

import numpy as np
import pytest

from napari_posecut.layers.overlay import OverlayStyle, line_colors, pose_lines, pose_markers

COLORS = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
XY = np.stack([np.stack([10.0 * np.arange(3) + t, np.full(3, 5.0 * t)], axis=1) for t in range(6)])
LIKELIHOOD = np.full((6, 3), 0.9)


def style(**changes):
    return OverlayStyle(COLORS, **{"shown": np.ones(3, bool), "edges": ((0, 1), (1, 2)), "trail": 2} | changes)


def test_markers_are_hollow_below_the_pcutoff():
    """A likelihood that is not above the pcutoff leaves the marker's face open; rows are y, columns x."""
    look = pose_markers(XY[1], np.array([0.9, 0.6, 0.1]), style(pcutoff=0.6))
    np.testing.assert_array_equal(look.face[:, 3] > 0, [True, False, False])
    np.testing.assert_array_equal(look.data, [[5, 1], [5, 11], [5, 21]])


def test_what_has_no_position_is_not_shown():
    """Neither is a bodypart that a person hides."""
    xy = XY[1].copy()
    xy[0] = np.nan
    look = pose_markers(xy, LIKELIHOOD[1], style(shown=np.array([True, True, False])))
    np.testing.assert_array_equal(look.shown, [False, True, False])
    assert np.isfinite(look.data).all()


def test_trails_lead_from_the_last_frames_to_this_one():
    """Two frames of trail are two lines per bodypart, then come the bones; each line ends where the next begins."""
    lines = pose_lines(XY, LIKELIHOOD, 4, style())
    assert lines.shape == (2 * 3 + 2, 2, 2)
    np.testing.assert_array_equal(lines[0].sum(axis=0), lines[3, 0])
    np.testing.assert_array_equal(lines[3:6].sum(axis=1), XY[4][:, ::-1])
    np.testing.assert_array_equal(lines[6], [[20, 4], [0, 10]])


@pytest.mark.parametrize("number", [0, 1])
def test_a_trail_begins_with_the_video(number):
    """Lines to frames before the first have no length; there are as many lines as in all frames."""
    lengths = np.abs(pose_lines(XY, LIKELIHOOD, number, style())[:6, 1]).sum(axis=1)
    assert np.count_nonzero(lengths) == 3 * number


def test_unlikely_and_hidden_bodyparts_have_no_lines():
    """A bodypart below the pcutoff breaks its trail and its bones; one that is hidden has none."""
    likelihood = LIKELIHOOD.copy()
    likelihood[4, 0] = 0.1
    lines = pose_lines(XY, likelihood, 4, style(shown=np.array([True, True, False])))
    drawn = np.abs(lines[:, 1]).sum(axis=1) > 0
    np.testing.assert_array_equal(drawn, [True, True, False, False, True, False, False, False])


def test_lines_have_their_colors():
    """A trail fades toward the past; bones come last, in a color of their own."""
    colors = line_colors(style(bone_color=(0.5, 0.5, 0.5)))
    assert colors.shape == (8, 4)
    np.testing.assert_array_equal(colors[3:6, :3], COLORS)
    assert (colors[:3, 3] < colors[3:6, 3]).all()
    np.testing.assert_array_equal(colors[6], [0.5, 0.5, 0.5, 1])
    assert len(line_colors(style(trail=0, edges=()))) == 0


def test_only_the_frames_around_are_read():
    """However long a video is, no more of it is touched than the trail."""
    long = np.full((1000, 3, 2), np.nan)
    long[500:503] = XY[:3]
    lines = pose_lines(long, np.ones((1000, 3)), 502, style())
    np.testing.assert_array_equal(lines, pose_lines(XY, np.ones((6, 3)), 2, style()))
