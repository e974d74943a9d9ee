"""Labels like a person's, and errors against the truth."""

import numpy as np

from posecut_core.demo.mouse import BODYPARTS
from posecut_core.demo.scene import Truth, errors_in_view, human_labels, mean_errors

K = len(BODYPARTS)


def _truth():
    hidden = np.zeros((500, K), dtype=bool)
    hidden[::5, 2] = True
    return Truth(np.random.default_rng(0).uniform(0, 200, (500, K, 2)), hidden)


def test_labels_jitter_around_the_truth():
    """The spread is as asked, there is no bias, and hidden points have no label."""
    truth, numbers = _truth(), tuple(range(500))
    table = human_labels(np.random.default_rng(1), truth, "mouse", numbers, jitter=0.7)
    np.testing.assert_array_equal(np.isnan(table.xy[..., 0]), truth.hidden)
    assert table.annotated.all()
    difference = (table.xy - truth.xy)[~truth.hidden]
    assert abs(difference.mean()) < 0.05
    assert 0.65 < difference.std() < 0.75


def test_only_points_in_view_are_measured():
    """The error is the distance in pixels; hidden points have none."""
    truth = _truth()
    errors = errors_in_view(truth.xy + np.array([3.0, 4.0]), truth)
    np.testing.assert_allclose(errors[~truth.hidden], 5)
    assert np.isnan(errors[truth.hidden]).all()


def test_errors_are_averaged_over_points_in_view():
    """Each bodypart has its mean, and every point in view counts alike in that of all."""
    truth = _truth()
    off = np.where(np.arange(K) == 2, 10.0, 1.0)
    per_part, mean = mean_errors(truth.xy + off[:, None] * np.array([1.0, 0.0]), truth)
    np.testing.assert_allclose(per_part, off)
    np.testing.assert_allclose(mean, (10 * 400 + (K - 1) * 500) / (400 + (K - 1) * 500))
