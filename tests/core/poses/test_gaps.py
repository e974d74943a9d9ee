"""The spline fills gaps, the Kalman smoother smooths too; both against drawn movements whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest

from posecut_core.errors import ArgumentError
from posecut_core.poses.filters import kalman_filtered, median_filtered, spline_filtered
from posecut_core.poses.predictions import Predictions

GAP = 6  # frames
WISHES = {"pcutoff": 0.6, "max_gap": 10}


@pytest.fixture(scope="module")
def truth():
    """Where three bodyparts are: one runs along a curve, one rests and reaches, one wanders."""
    time = np.arange(600)
    curve = np.stack([200 + 120 * np.cos(time / 25), 150 + 80 * np.sin(time / 12)], axis=-1)
    reach = np.stack([100 + 90 * np.clip(np.sin(time / 15), 0, 1), np.full(600, 80.0)], axis=-1)
    velocity, rng = np.zeros((600, 2)), np.random.default_rng(3)
    for t in time[1:]:
        velocity[t] = 0.95 * velocity[t - 1] + rng.normal(0, 0.6, 2)
    return np.stack([curve, reach, 200 + np.cumsum(velocity, axis=0)], axis=1)


@pytest.fixture(scope="module")
def predicted(truth):
    """The same as a network sees it: noise of 1.5 px, errors with and without a low likelihood, and gaps."""
    rng = np.random.default_rng(0)
    xy, likelihood = truth + rng.normal(0, 1.5, truth.shape), rng.beta(40, 1, truth.shape[:2])
    wrong = rng.random(likelihood.shape) < 0.03
    xy[wrong] += rng.normal(0, 60, (wrong.sum(), 2))
    likelihood[wrong] = rng.uniform(0, 0.99, wrong.sum())
    for start in range(50, 590, 60):
        xy[start : start + GAP] = rng.uniform(0, 400, (GAP, 3, 2))
        likelihood[start : start + GAP] = rng.uniform(0, 0.3, (GAP, 3))
    return Predictions("net", ("curve", "reach", "walk"), xy, likelihood)


def errors(found, truth):
    """Root mean square of the distances from the truth: of all frames, and of those in gaps."""
    squares = ((found.xy - truth) ** 2).sum(axis=-1)
    gap = (found.likelihood < 0.3).all(axis=-1)
    return np.sqrt(squares.mean()), np.sqrt(squares[gap].mean())


def test_both_come_nearer_to_the_truth_than_the_median(predicted, truth):
    """Errors in px, all and in gaps: raw 81 and 265, median 60 and 199, spline 9.0 and 3.0, Kalman 1.1 and 2.0.

    The spline keeps what a network errs with a high likelihood; the smoother leaves less than the noise of 1.5 px.
    """
    raw, median = errors(predicted, truth), errors(median_filtered(predicted, windowlength=5), truth)
    spline, kalman = (errors(smooth(predicted, **WISHES), truth) for smooth in (spline_filtered, kalman_filtered))
    assert raw > median > spline > kalman
    assert raw[1] > median[1] > 10 * spline[1] > 10 * kalman[1]
    assert kalman[0] < 1.5
    assert kalman[1] < 3


def test_a_shape_has_its_own_noise(truth):
    """What is exact already is not smoothed away, not even where movements are abrupt."""
    exact = Predictions("net", ("curve", "reach", "walk"), truth, np.ones(truth.shape[:2]))
    assert np.abs(kalman_filtered(exact, **WISHES).xy - truth).max() < 0.5


def test_a_long_video_is_smoothed_in_pieces(predicted, monkeypatch):
    """Where a piece ends makes no difference."""
    whole = kalman_filtered(predicted, **WISHES)
    monkeypatch.setattr("posecut_core.poses.kalman._CHUNK", 128)
    np.testing.assert_allclose(kalman_filtered(predicted, **WISHES).xy, whole.xy, atol=1e-6)


@pytest.mark.parametrize("smooth", [spline_filtered, kalman_filtered])
def test_what_cannot_be_known_is_missing(predicted, smooth):
    """That is a longer gap, what lies before the first position and after the last, and a bodypart never seen."""
    xy, likelihood = predicted.xy[:40].copy(), np.ones((40, 3))
    likelihood[10:15, 0] = 0.1
    xy[[*range(4), *range(37, 40)], 1] = np.nan
    xy[:, 2] = np.nan
    found = smooth(replace(predicted, xy=xy, likelihood=likelihood), pcutoff=0.6, max_gap=4).xy
    expected = np.isnan(xy).any(axis=-1) | (likelihood < 0.6)
    np.testing.assert_array_equal(np.isnan(found).any(axis=-1), expected)


@pytest.mark.parametrize("smooth", [spline_filtered, kalman_filtered])
@pytest.mark.parametrize("frames", [0, 1, 2])
def test_the_shortest_videos_stay_as_they_are(predicted, smooth, frames):
    """One or two positions say nothing of each other."""
    few = Predictions("net", predicted.bodyparts, predicted.xy[:frames], np.ones((frames, 3)))
    np.testing.assert_allclose(smooth(few, **WISHES).xy, few.xy, atol=0.05)


@pytest.mark.parametrize("smooth", [spline_filtered, kalman_filtered])
def test_a_gap_has_a_length(predicted, smooth):
    """A negative one is refused."""
    with pytest.raises(ArgumentError, match="max_gap is -1"):
        smooth(predicted, pcutoff=0.6, max_gap=-1)


def test_the_spread_of_networks_tells_how_noisy_a_position_is(truth):
    """Where networks differ in proportion to the noise of each frame, less of it is left than without that."""
    rng = np.random.default_rng(1)
    noise = np.where(rng.random(truth.shape[:2]) < 0.3, 8.0, 0.8)
    xy = truth + noise[..., None] * rng.normal(size=truth.shape)
    noisy = Predictions("net", ("curve", "reach", "walk"), xy, np.full(noise.shape, 0.9))
    together = replace(noisy, spread=noise * rng.uniform(0.7, 1.3, noise.shape))
    paths = (kalman_filtered(one, **WISHES).xy for one in (noisy, together))
    alone, known = (np.sqrt(((path - truth) ** 2).sum(axis=-1).mean()) for path in paths)
    assert known < 0.8 * alone
    agreeing = replace(noisy, spread=np.zeros(noise.shape))
    np.testing.assert_allclose(kalman_filtered(agreeing, **WISHES).xy, kalman_filtered(noisy, **WISHES).xy, atol=0.5)
