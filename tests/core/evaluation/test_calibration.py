"""Likelihoods held against right and wrong."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecut_core.evaluation.reliability import (
    _best_cutoff,
    _expected_calibration_error,
    _reliability_bins,
    calibration,
)

POINTS = st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), min_size=1, max_size=40)


def arrays(points):
    likelihood, right = zip(*points, strict=True)
    return np.array(likelihood, dtype=np.float64), np.array(right, dtype=bool)


def youden(cutoff, likelihood, right):
    kept = likelihood >= cutoff
    return kept[right].mean() - kept[~right].mean()


def test_right_is_within_the_distance_of_a_label():
    """A prediction at the distance is right; without a label it is wrong at any likelihood; what is not judged counts
    for nothing."""
    errors = np.array([[5.0, 5.1], [np.nan, np.nan]])
    likelihood = np.array([[0.9, 0.4], [0.7, 0.99]])
    found = calibration(errors, likelihood, np.array([[True, True], [True, False]]), within=5)
    assert (found.points, found.points_right, found.within) == (3, 1, 5.0)
    assert found.suggested_pcutoff == pytest.approx(0.8)
    assert found.expected_error == pytest.approx((0.1 + 0.4 + 0.7) / 3)


def test_bins_share_the_points_among_them():
    """A likelihood at an edge belongs to the bin above, 1 to the last; an empty bin has no mean."""
    bins = _reliability_bins(np.array([0.0, 0.1, 0.25, 0.5, 1.0]), np.array([False, True, True, False, True]), count=4)
    assert [entry.points for entry in bins] == [2, 1, 1, 1]
    assert [(entry.low, entry.high) for entry in bins] == [(0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1)]
    assert (bins[0].likelihood, bins[0].share_right) == (pytest.approx(0.05), 0.5)
    empty = _reliability_bins(np.array([0.9]), np.array([True]))[0]
    assert math.isnan(empty.likelihood)
    assert math.isnan(empty.share_right)


def test_likelihoods_that_mean_what_they_say_have_no_error():
    """Eight of ten right at 0.8 is perfect; ten of ten at 0.8 is 0.2 off."""
    likelihood = np.full(10, 0.8)
    eight = np.arange(10) < 8
    assert _expected_calibration_error(_reliability_bins(likelihood, eight)) == pytest.approx(0)
    assert _expected_calibration_error(_reliability_bins(likelihood, np.ones(10, bool))) == pytest.approx(0.2)


def test_without_points_nothing_is_known():
    """No test frame: an error of NaN, no suggestion, and no warning."""
    nothing = np.zeros((0, 2))
    found = calibration(nothing, nothing, np.zeros((0, 2), bool), within=17)
    assert (found.points, math.isnan(found.expected_error), math.isnan(found.suggested_pcutoff)) == (0, True, True)


def test_a_cutoff_divides_right_from_wrong():
    """It lies midway between the likelihoods on its two sides; of equally good ones the lowest is taken."""
    assert _best_cutoff(np.array([0.9, 0.2, 0.6]), np.array([True, False, True])) == pytest.approx(0.4)
    alternating = np.array([0.1, 0.2, 0.3, 0.4]), np.array([False, True, False, True])
    assert _best_cutoff(*alternating) == pytest.approx(0.15)


@pytest.mark.parametrize(
    ("likelihood", "right"),
    [([0.2, 0.9], [True, True]), ([0.2, 0.9], [False, False]), ([0.2, 0.9], [True, False]), ([0.5] * 2, [True, False])],
)
def test_no_cutoff_is_suggested_without_reason(likelihood, right):
    """All right, all wrong, the wrong ones more likely, or all equally likely: there is nothing to divide by."""
    assert math.isnan(_best_cutoff(np.array(likelihood), np.array(right)))


@given(POINTS)
def test_no_other_cutoff_is_better(points):
    """The Youden index at the cutoff is at least that at every likelihood that was seen."""
    likelihood, right = arrays(points)
    cutoff = _best_cutoff(likelihood, right)
    if 0 < right.sum() < len(right):
        best = max(youden(value, likelihood, right) for value in (*likelihood, 1.1))
        assert math.isnan(cutoff) if best <= 1e-12 else youden(cutoff, likelihood, right) == pytest.approx(best)


@given(POINTS)
def test_the_error_is_a_share(points):
    """Every point is in one bin, and the expected calibration error lies between 0 and 1."""
    bins = _reliability_bins(*arrays(points))
    assert sum(entry.points for entry in bins) == len(points)
    assert 0 <= _expected_calibration_error(bins) <= 1
