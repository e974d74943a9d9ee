"""Curves of a training."""

import numpy as np
import pytest

from posecut_core.evaluation.tables import StepErrors
from posecut_core.model.log import Metrics
from posecut_core.plots.figures import png_bytes
from posecut_core.plots.report import draw_errors, draw_loss

ROWS = (Metrics(50, 0.5, 1e-3, 4.0), Metrics(100, 0.1, 5e-4, 5.0, (), 8.0), Metrics(150, 0.05, 1e-4, 5.0, (), 6.0))
EVALUATED = (StepErrors(100, 4.0, 6.0), StepErrors(150, 3.0, 5.0))
UNTESTED = (StepErrors(150, 3.0, float("nan")),)


def test_the_loss_is_drawn_over_steps():
    """Loss, learning rate and speed have axes of their own."""
    upper, middle, lower = draw_loss(ROWS, title="").axes
    np.testing.assert_allclose(upper.lines[0].get_xydata(), [[50, 0.5], [100, 0.1], [150, 0.05]])
    np.testing.assert_allclose(middle.lines[0].get_ydata(), [1e-3, 5e-4, 1e-4])
    np.testing.assert_allclose(lower.lines[0].get_ydata(), [4, 5, 5])


def test_errors_of_three_kinds_are_told_apart():
    """Validation errors come from the log, training and test errors from evaluations."""
    (axes,) = draw_errors(ROWS, EVALUATED, title="").axes
    drawn = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert drawn == {
        "validation frames": [[100, 8], [150, 6]],
        "training frames": [[100, 4], [150, 3]],
        "test frames": [[100, 6], [150, 5]],
    }


@pytest.mark.parametrize(
    "figure",
    [
        draw_loss((), title="empty"),
        draw_loss((Metrics(1, 0.0, 0.1, 1.0),), title="no loss at all"),
        draw_errors((), UNTESTED, title="no test frames"),
        draw_errors(ROWS, EVALUATED, title="all"),
    ],
)
def test_a_picture_comes_out_whatever_was_logged(figure):
    """An empty log, a loss of 0 and missing test errors are drawn without a warning."""
    assert png_bytes(figure).startswith(b"\x89PNG")
