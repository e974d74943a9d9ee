"""One-step expectations agree with statsmodels' own fit, and say nothing where nothing is known."""

import warnings

import numpy as np
import pytest
from statsmodels.tsa.statespace.sarimax import SARIMAX

from posecut_core.poses import filters
from posecut_core.poses.filters import _expect, expect_movement
from posecut_core.poses.predictions import Predictions


def reference(series, order):
    """What statsmodels expects when it is left to itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = SARIMAX(series, order=order).fit(disp=False)
    predicted = fitted.get_prediction()
    return predicted.predicted_mean, np.asarray(predicted.se_mean)


@pytest.mark.parametrize("order", [(3, 0, 1), (1, 0, 0), (2, 0, 2)])
def test_a_fit_agrees_with_statsmodels(walk, order):
    """Expectations differ by a small part of the noise, deviations by a few per cent."""
    series = walk[:, 0, 0]
    found = _expect(series, ar_degree=order[0], ma_degree=order[2])
    mean, deviation = reference(series, order)
    assert np.abs(found.mean - mean)[10:].max() < 0.3 * deviation[-1]
    np.testing.assert_allclose(found.deviation[10:], deviation[10:], rtol=0.05)


def test_missing_values_are_bridged(walk):
    """A gap is predicted as statsmodels does it, with more doubt the longer it lasts."""
    series = walk[:, 0, 1].copy()
    series[200:206] = np.nan
    found = _expect(series, ar_degree=3, ma_degree=1)
    mean, _ = reference(series, (3, 0, 1))
    assert np.abs(found.mean - mean)[10:].max() < 1
    assert (np.diff(found.deviation[200:207]) > 0).all()


def test_nothing_is_expected_before_the_first_value(walk):
    """The first value observed is no surprise, because nothing was known before it."""
    series = walk[:, 0, 0].copy()
    series[:3] = np.nan
    found = _expect(series, ar_degree=3, ma_degree=1)
    assert np.isnan(found.mean[:4]).all()
    assert np.isfinite(found.mean[4:]).all()


def test_few_values_say_nothing():
    """Ten observed values are too few for a model."""
    series = np.full(50, np.nan)
    series[:10] = np.arange(10)
    assert np.isnan(_expect(series, ar_degree=3, ma_degree=1).mean).all()


def test_what_never_moves_is_expected_where_it_is():
    """A constant coordinate needs no model."""
    found = _expect(np.full(20, 7.0), ar_degree=3, ma_degree=1)
    assert found.mean[1:].tolist() == [7.0] * 19


@pytest.mark.parametrize("series", [np.arange(100.0), 50 * np.cos(np.arange(100) / 5), np.repeat([10.0, 90.0], 50)])
def test_movements_without_noise_are_followed(series):
    """A straight line, a circle's shadow and a single step have a finite expectation everywhere."""
    found = _expect(series, ar_degree=3, ma_degree=1)
    assert np.isfinite(found.mean[1:]).all()
    assert np.median(np.abs(found.mean - series)[5:]) < 2


@pytest.mark.parametrize(
    "series",
    [
        np.tile([0.0, 300.0], 6),
        np.arange(11.0) ** 2,
        1.5 ** np.arange(12),
        1e6 + np.arange(12) % 3 * 1e-3,
        -np.ones(12),
    ],
)
@pytest.mark.parametrize("degrees", [(3, 1), (7, 1), (2, 3)])
def test_short_and_odd_movements_do_no_harm(series, degrees):
    """Whatever a dozen values look like, expectations are finite and of their size, and nothing warns."""
    found = _expect(series, ar_degree=degrees[0], ma_degree=degrees[1])
    assert np.abs(found.mean[1:]).max() < 20 * np.abs(series).max()
    assert (found.deviation[1:] >= 0).all()


def test_a_smooth_movement_without_noise_ends_in_a_usable_fit():
    """Where statsmodels' likelihood breaks down (at three roots near 1), the fit stays at what can be computed."""
    time = np.arange(400)
    series = 200 + 60 * np.sin(time / 37) + np.random.default_rng(0).normal(0, 0.5, 400)
    found = _expect(series, ar_degree=3, ma_degree=1)
    assert np.abs(found.mean - series)[10:].max() < 5
    assert 0.3 < found.deviation[-1] < 1.5


def test_each_coordinate_has_its_own_model(walk):
    """Low likelihoods are missing for the model; x and y of each bodypart stand where their predictions do."""
    likelihood = np.ones((400, 2))
    likelihood[200:206, 1] = 0.001
    found = expect_movement(Predictions("net", ("a", "b"), walk, likelihood), p_bound=0.01, ar_degree=3, ma_degree=1)
    hidden = walk[:, 1, 0].copy()
    hidden[200:206] = np.nan
    np.testing.assert_array_equal(found.mean[:, 0, 1], _expect(walk[:, 0, 1], ar_degree=3, ma_degree=1).mean)
    np.testing.assert_array_equal(found.deviation[:, 1, 0], _expect(hidden, ar_degree=3, ma_degree=1).deviation)


def test_processes_change_nothing(walk, monkeypatch):
    """Shared among processes, expectations are those of one process, in the same order."""
    options = {"p_bound": 0.01, "ar_degree": 1, "ma_degree": 1}
    predictions = Predictions("net", ("a", "b"), walk, np.ones((400, 2)))
    alone = expect_movement(predictions, **options)
    monkeypatch.setattr(filters, "_WORTH_PROCESSES", 0)
    monkeypatch.setattr("os.cpu_count", lambda: 1)  # joblib then stays in this process, by the same path
    np.testing.assert_array_equal(expect_movement(predictions, **options).mean, alone.mean)
