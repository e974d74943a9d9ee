"""Filters take single errors out and leave the rest where it is."""

import numpy as np
import pytest

from posecut_core.errors import ArgumentError
from posecut_core.poses.filters import arima_filtered, median_filtered
from posecut_core.poses.predictions import Predictions


def line(values):
    """One bodypart that moves along x only."""
    x = np.asarray(values, dtype=float)
    return Predictions("net", ("a",), np.stack([x, np.zeros_like(x)], axis=-1)[:, None], np.full((len(x), 1), 0.5))


@pytest.mark.parametrize(
    ("values", "windowlength", "smooth"),
    [
        ([1, 2, 90, 4, 5], 3, [1.5, 2, 4, 5, 4.5]),
        ([1, 90, 90, 4, 5, 6, 7], 5, [90, 47, 5, 6, 6, 5.5, 6]),
        ([3, 1, 2], 1, [3, 1, 2]),
        ([1, 2, 3], 9, [2, 2, 2]),
    ],
)
def test_medians_are_those_of_the_frames_around(values, windowlength, smooth):
    """The window is cut at the ends; likelihoods stay."""
    found = median_filtered(line(values), windowlength=windowlength)
    np.testing.assert_array_equal(found.xy[:, 0, 0], smooth)
    np.testing.assert_array_equal(found.likelihood, line(values).likelihood)


def test_what_is_missing_stays_missing():
    """A frame without a position gets none, and does not disturb its neighbors."""
    predictions = line([1, 2, 3, 4, 5])
    predictions.xy[2] = np.nan
    np.testing.assert_array_equal(
        median_filtered(predictions, windowlength=3).xy[:, 0, 0], [1.5, 1.5, np.nan, 4.5, 4.5]
    )


@pytest.mark.parametrize("windowlength", [0, 4, -3])
def test_a_window_has_a_middle(windowlength):
    """Even windows are refused."""
    with pytest.raises(ArgumentError, match="odd number"):
        median_filtered(line([1, 2]), windowlength=windowlength)


def test_the_model_bridges_what_is_unlikely(walk):
    """A displaced, unlikely position comes back to where its neighbors are; the first frame stays."""
    xy, likelihood = walk.copy(), np.ones((400, 2))
    xy[250, 0], likelihood[250, 0] = 900.0, 0.001
    found = arima_filtered(Predictions("net", ("a", "b"), xy, likelihood), p_bound=0.01, ar_degree=3, ma_degree=1)
    np.testing.assert_array_equal(found.xy[0], xy[0])
    assert np.abs(found.xy[250, 0] - walk[250, 0]).max() < 15
    assert np.abs(found.xy[1:] - walk[1:]).max() < 15
