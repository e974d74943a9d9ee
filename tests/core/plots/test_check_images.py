"""Pictures of labels."""

import numpy as np
import pytest
from matplotlib.image import imread

from posecut_core.errors import ArgumentError
from posecut_core.plots.frames import draw_check_image
from posecut_core.project.config import bones_between

IMAGE = np.full((480, 640, 3), 200, np.uint8)
XY = np.array([[100.0, 100.0], [300.0, 100.0], [np.nan, np.nan]])
PARTS = ("snout", "tail", "paw")


def test_labels_are_marked_in_their_colors(tmp_path):
    """The colormap's first and last color stand where the first and last label are."""
    xy = np.array([[100.0, 100.0], [300.0, 100.0], [200.0, 300.0]])
    draw_check_image(tmp_path / "c.png", IMAGE, xy, bodyparts=PARTS, colormap="jet", alphavalue=1.0, title="frame 1")
    frame = imread(tmp_path / "c.png")[-480:, :640, :3]
    assert frame[100, 100, 2] > 0.3 > frame[100, 100, 0]
    assert frame[300, 200, 0] > 0.3 > frame[300, 200, 2]
    assert (frame[200, 500] == frame[10, 10]).all()


def test_drafts_are_marked_otherwise(tmp_path):
    """A draft is crossed, which leaves the pixel right of it free, where a label's stroke lies."""
    drafts = np.array([[np.nan, np.nan], [np.nan, np.nan], [200.0, 300.0]])
    draw_check_image(tmp_path / "c.png", IMAGE, XY, bodyparts=PARTS, drafts=drafts, dotsize=20, alphavalue=1.0)
    frame = imread(tmp_path / "c.png")[-480:, :640, :3]
    ground = frame[10, 10]
    assert (frame[100, 107] != ground).any()
    assert (frame[300, 200] != ground).any()
    assert (frame[300, 207] == ground).all()


def test_the_skeleton_joins_labels_that_are_there(tmp_path):
    """A bone to a missing label is left out, one between two labels is a line."""
    bones = (("snout", "tail"), ("tail", "paw"))
    draw_check_image(tmp_path / "c.png", IMAGE, XY, bodyparts=PARTS, skeleton=bones, alphavalue=1.0)
    assert imread(tmp_path / "c.png")[-480:][100, 200, :3].max() < 0.5


def test_bones_with_an_unknown_end_are_left_out():
    """The skeleton may name bodyparts that are not drawn."""
    assert bones_between(PARTS, (("tail", "snout"), ("tail", "wing"))) == ((1, 0),)


def test_an_unknown_colormap_writes_no_picture(tmp_path):
    """Nothing is left half-written."""
    with pytest.raises(ArgumentError, match="colormap"):
        draw_check_image(tmp_path / "c.png", IMAGE, XY, bodyparts=PARTS, colormap="no such map")
    assert not list(tmp_path.iterdir())
