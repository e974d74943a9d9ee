"""Pictures of labels and predictions."""

import numpy as np
from matplotlib.image import imread

from posecut_core.plots.frames import evaluation_picture

RED = np.array([[1.0, 0.0, 0.0]])


def red_near(tmp_path, x, y, *, likelihood, labeled=(50.0, 50.0)):
    """Draw one bodypart predicted at (300, 200) and return which pixels around (x, y) are red."""
    picture = evaluation_picture(
        np.full((480, 640, 3), 255, np.uint8),
        np.array([labeled]),
        np.array([[300.0, 200.0]]),
        np.array([likelihood]),
        bodyparts=("snout",),
        colors=RED,
        pcutoff=0.6,
        alphavalue=1.0,
        dotsize=20,
    )
    picture.save(tmp_path / "e.png")
    part = imread(tmp_path / "e.png")[-480:][y - 12 : y + 13, x - 12 : x + 13, :3]
    return (part[..., 0] > 0.6) & (part[..., 1] < 0.4)


def test_the_human_label_is_a_plus(tmp_path):
    """A '+' has arms along the axes and nothing on its diagonals."""
    red = red_near(tmp_path, 50, 50, likelihood=0.9)
    assert red[12, 12]
    assert red[12, 6]
    assert not red[6, 6]


def test_a_likely_prediction_is_a_dot(tmp_path):
    """A '.' is filled around its middle."""
    red = red_near(tmp_path, 300, 200, likelihood=0.61)
    assert red[10:15, 10:15].all()


def test_a_prediction_at_the_cutoff_is_an_x(tmp_path):
    """An 'x' has arms along the diagonals and nothing along the axes."""
    red = red_near(tmp_path, 300, 200, likelihood=0.6)
    assert red[12, 12]
    assert red[9, 9]
    assert not red[12, 6]


def test_a_missing_label_leaves_only_the_prediction(tmp_path):
    """Without a label there is no '+'."""
    assert not red_near(tmp_path, 50, 50, likelihood=0.9, labeled=(np.nan, np.nan)).any()
