"""Errors of several splits."""

import math

import numpy as np
import pytest
from scipy import stats

from posecut_core.evaluation.errors import spread


def test_without_test_frames_in_common_it_is_students_t():
    """At a ratio of 0 the interval is the textbook's."""
    errors = [2.0, 3.0, 2.5, 4.0]
    found = spread(errors, test_ratio=0.0)
    low, high = stats.t.interval(0.95, 3, np.mean(errors), stats.sem(errors))
    assert (found.mean, found.sd) == (pytest.approx(2.875), pytest.approx(np.std(errors, ddof=1)))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found.count == 4


def test_shared_training_frames_widen_the_interval():
    """With a quarter as many test as training frames, the variance of the mean is sd² (1/n + 1/4)."""
    plain, corrected = (spread([1.0, 2.0, 3.0], test_ratio=ratio) for ratio in (0.0, 0.25))
    factor = math.sqrt(1 / 3 + 0.25) / math.sqrt(1 / 3)
    assert corrected.high - corrected.mean == pytest.approx(factor * (plain.high - plain.mean))


def test_more_confidence_is_a_wider_interval():
    """99% reaches farther than 90% on both sides."""
    narrow, wide = (spread([11.0, 12.0, 13.0], test_ratio=0.1, confidence=level) for level in (0.9, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_no_distance_is_below_zero():
    """Splits that differ much do not make the interval reach below 0."""
    assert spread([1.0, 9.0], test_ratio=0.1).low == 0.0


@pytest.mark.parametrize(("errors", "count"), [([], 0), ([float("nan")], 0), ([2.0, float("nan")], 1)])
def test_one_error_has_no_spread(errors, count):
    """Fewer than two known errors give NaN, without a warning."""
    found = spread(errors, test_ratio=0.1)
    assert found.count == count
    assert np.isnan([found.sd, found.low, found.high]).all()
    assert math.isnan(found.mean) == (count == 0)
