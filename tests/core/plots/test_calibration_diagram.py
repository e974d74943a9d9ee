"""The reliability diagram."""

import dataclasses

import numpy as np
import pytest

from posecut_core.evaluation.reliability import calibration
from posecut_core.plots.figures import png_bytes
from posecut_core.plots.report import draw_reliability

ERRORS = np.array([[2.0], [3.0], [40.0], [np.nan]])
FOUND = calibration(ERRORS, np.array([[0.95], [0.75], [0.15], [0.05]]), np.ones((4, 1), bool), within=17)
NOTHING = calibration(ERRORS, ERRORS, np.zeros((4, 1), bool), within=17)


def legend(figure):
    """Return what the legend says."""
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_points_lie_at_their_likelihood_and_share():
    """Every range with points has its mean likelihood and its share right, and below it its count."""
    upper, lower = draw_reliability(FOUND, title="net").axes
    line = next(line for line in upper.lines if "predictions" in line.get_label())
    np.testing.assert_allclose(line.get_xydata(), [[0.05, 0], [0.15, 0], [0.75, 1], [0.95, 1]])
    assert lower.patches[0].get_data().values.sum() == 4


def test_the_suggestion_is_a_line_of_its_own():
    """It is drawn where there is one, and named with its value."""
    assert "suggested pcutoff 0.45" in legend(draw_reliability(FOUND, title=""))
    without = dataclasses.replace(FOUND, suggested_pcutoff=float("nan"))
    assert not any("suggested" in label for label in legend(draw_reliability(without, title="")))


def test_the_legend_hides_no_bar():
    """It lies below the drawings, whose bars may stand anywhere."""
    figure = draw_reliability(FOUND, title="")
    png_bytes(figure)  # lays it out
    box = figure.legends[0].get_window_extent()
    assert not any(box.overlaps(axes.get_tightbbox()) for axes in figure.axes)


@pytest.mark.parametrize("found", [FOUND, NOTHING])
def test_a_picture_comes_out_whatever_was_found(found):
    """Without points a sentence says so; no warning either way."""
    assert png_bytes(draw_reliability(found, title="net")).startswith(b"\x89PNG")
