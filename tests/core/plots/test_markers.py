"""Frames with markers on them and a legend beside them."""

import io

import numpy as np
import pytest
from matplotlib.image import imread

from posecut_core.plots.frames import FramePicture, _bodypart_legend, _display_scale

GREEN = np.array([[0.0, 1.0, 0.0]])


def painted(tmp_path, marker, xy, *, size=(480, 640), shown=True):
    """Draw one green marker on black and return where the saved picture is green in the frame's own pixels."""
    picture = FramePicture(np.zeros((*size, 3), np.uint8), title="", legend=())
    picture.mark(np.array([xy]), GREEN, shown=np.array([shown]), marker=marker, size=20, alpha=1.0)
    picture.save(tmp_path / "p.png")
    image = imread(tmp_path / "p.png")[-round(size[0] * _display_scale(*size)) :]
    return np.argwhere((image[..., 1] > 0.5) & (image[..., 0] < 0.4))


@pytest.mark.parametrize("marker", ["+", "x", "."])
def test_a_marker_lies_on_its_pixel(tmp_path, marker):
    """The middle of a marker is within half a pixel of the position it stands for."""
    rows, columns = painted(tmp_path, marker, (200.0, 100.0)).T
    np.testing.assert_allclose((columns.mean(), rows.mean()), (200, 100), atol=0.6)


def test_small_frames_are_enlarged_by_a_whole_number(tmp_path):
    """A frame of 64 x 48 is drawn ten times larger; pixel (20, 10) then has its center at (204.5, 104.5)."""
    assert _display_scale(48, 64) == 10
    rows, columns = painted(tmp_path, "+", (20.0, 10.0), size=(48, 64)).T
    np.testing.assert_allclose((columns.mean(), rows.mean()), (204.5, 104.5), atol=0.6)


def test_a_png_is_no_wider_than_asked_for():
    """A wide picture is reduced for a page, a narrow one is left as it is."""
    picture = FramePicture(np.zeros((480, 640, 3), np.uint8), title="", legend=())
    widths = [imread(io.BytesIO(picture.png(most_width=most))).shape[1] for most in (320, 2000)]
    assert widths == [320, 640]


def test_huge_frames_are_reduced():
    """A 4K frame gives a picture that fits a screen."""
    assert _display_scale(2160, 3840) == 0.5
    assert _display_scale(1080, 1920) == _display_scale(480, 640) == 1.0


@pytest.mark.parametrize(("xy", "shown"), [((np.nan, np.nan), True), ((50.0, 50.0), False)])
def test_hidden_and_missing_points_leave_no_mark(tmp_path, xy, shown):
    """NaN and points that are not shown are not drawn."""
    assert len(painted(tmp_path, "+", xy, shown=shown)) == 0


def test_the_legend_never_covers_the_frame(tmp_path):
    """Forty names make the picture wider, in as many columns as it takes, and leave the frame as it is."""
    names = tuple(f"bodypart number {k}" for k in range(40))
    legend = _bodypart_legend(names, np.full((40, 3), 0.5))
    picture = FramePicture(np.zeros((480, 640, 3), np.uint8), title="frame 3", legend=legend)
    picture.save(tmp_path / "p.png")
    image = imread(tmp_path / "p.png")
    assert (image[-480:, :640, :3] == 0).all()
    assert (image[-480:, 640:, :3] < 0.5).any()
    assert image.shape[1] > 640 + 2 * 100
