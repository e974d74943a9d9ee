"""Smooth predictions over time: median, ARIMA, spline and Kalman filters, and the model behind the second."""

import os
import warnings
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float64
from joblib import Parallel, delayed
from numpy.linalg import LinAlgError
from scipy.interpolate import Akima1DInterpolator
from scipy.optimize import least_squares
from scipy.signal import lfilter
from statsmodels.tsa.statespace.kalman_filter import MEMORY_CONSERVE, MEMORY_NO_PREDICTED
from statsmodels.tsa.statespace.sarimax import SARIMAX
from statsmodels.tsa.statespace.tools import constrain_stationary_univariate
from threadpoolctl import threadpool_limits

from posecut_core.errors import ArgumentError
from posecut_core.poses.kalman import smoothed_path
from posecut_core.poses.predictions import Predictions
from posecut_core.project.given import forgiving

# --- state space ------------------------------------------------------------------------------------------------------
# An ARMA model of one coordinate over time, and what it expects of each frame from the frames before it.
#
# The model is statsmodels' SARIMAX, fitted by maximum likelihood (Nath et al. 2019, step J, references 49 and 50);
# missing values are left to its Kalman filter. What makes it quick is where the fit begins: at the least squares of the
# one-step errors, which a recursive filter computes many times faster than the likelihood.


ENOUGH = 11  # observed values; fewer say nothing about how a coordinate moves
_TOLERANCE = 1e9  # of L-BFGS, in units of the machine's precision: predictions then differ by some hundredths of noise
_WORTH_PROCESSES = 200_000  # values to fit; fewer are done before a second process has begun
_ROUNDING = 1e-9  # of the greatest variance: what is more negative than that is no variance
_BROKEN = -1e12  # log-likelihood of what cannot be computed
_AS_BEFORE = -5.0  # unconstrained parameter that stands for a coordinate that stays nearly where it was


@dataclass(frozen=True)
class Expectation:
    """What a model expects of each frame, knowing the frames before it; NaN where it knows nothing yet."""

    mean: Float64[np.ndarray, "T *K"]
    deviation: Float64[np.ndarray, "T *K"]  # standard deviation of what is then observed


def expect_movement(predictions: Predictions, *, p_bound: float, ar_degree: int, ma_degree: int) -> Expectation:
    """Fit a model to each coordinate of each bodypart; long videos are shared by the processor's cores.

    Args:
        predictions: of the frames and bodyparts to look at.
        p_bound: positions with a likelihood below it are missing for the model.
        ar_degree: how many earlier values the model looks at, at least 1.
        ma_degree: how many earlier errors it looks at.

    Returns:
        x and y of each frame and bodypart, in pixels.
    """
    seen = np.where((predictions.likelihood < p_bound)[..., None], np.nan, predictions.xy)
    columns, degrees = seen.reshape(len(seen), -1).T, {"ar_degree": ar_degree, "ma_degree": ma_degree}
    if seen.size < _WORTH_PROCESSES:
        expected = [_expect(column, **degrees) for column in columns]
    else:
        expected = Parallel(n_jobs=os.cpu_count())(delayed(_expect)(column, **degrees) for column in columns)
    mean, deviation = ([one.mean for one in expected], [one.deviation for one in expected])
    return Expectation(np.stack(mean, axis=1).reshape(seen.shape), np.stack(deviation, axis=1).reshape(seen.shape))


def _expect(series: Float64[np.ndarray, " T"], *, ar_degree: int, ma_degree: int) -> Expectation:
    """Fit an ARMA model to a coordinate and predict every value from those before it.

    Up to the first observed value there is nothing to predict from: the expectation there is NaN, not the model's mean
    of 0, which would make the first frame an outlier always.

    Args:
        series: x or y in pixels; NaN is missing.
        ar_degree: how many earlier values the model looks at, at least 1.
        ma_degree: how many earlier errors it looks at.

    Returns:
        NaN everywhere where fewer than 11 values are observed.
    """
    observed = np.flatnonzero(np.isfinite(series))
    if len(observed) < ENOUGH:
        return Expectation(np.full(len(series), np.nan), np.full(len(series), np.nan))
    if np.ptp(series[observed]) == 0:  # no likelihood has a maximum there
        mean, deviation = np.full(len(series), series[observed[0]]), np.zeros(len(series))
    else:
        mean, variance = _fitted(series, ar_degree, ma_degree)
        deviation = np.sqrt(np.maximum(variance, 0.0))
    unknown = np.arange(len(series)) <= observed[0]
    return Expectation(np.where(unknown, np.nan, mean), np.where(unknown, np.nan, deviation))


class _Model(SARIMAX):
    """A model whose likelihood is very low, instead of 0 or an error, where the filter breaks down.

    That happens close to the border of what is stationary, where smooth movements lie: the covariance of the first
    state is then lost in rounding, and statsmodels' own fit may end there with a likelihood of 0 and without forecasts.
    """

    def loglike(self, params: np.ndarray, *args: object, **kwargs: object) -> float:
        """Return the log-likelihood of parameters."""
        try:
            value = float(super().loglike(params, *args, **kwargs))
        except LinAlgError:
            return _BROKEN
        return value if np.isfinite(value) and value != 0 else _BROKEN


def _fitted(series: np.ndarray, ar_degree: int, ma_degree: int) -> tuple[np.ndarray, np.ndarray]:
    """Fit the model, and return means and variances; where the fit cannot be used, of a model near where it began."""
    usual = _ladder(_start(_filled(series), ar_degree, ma_degree), ar_degree)
    # threads on matrices this small make the filter several times slower, ten times and more where other work runs
    with threadpool_limits(limits=1), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of fits that end at the border of what is stationary
        model = _Model(series, order=(ar_degree, 0, ma_degree), concentrate_scale=True)
        begin = next(one for one in usual if model.loglike(one) != _BROKEN)
        fitted = model.fit(begin, disp=False, return_params=True, factr=_TOLERANCE)
        found = (_filtered(model, one) for one in (fitted, *usual) if model.loglike(one) != _BROKEN)
        return next(pair for pair in found if _sound(pair[1]))


def _filtered(model: SARIMAX, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Predict mean and variance of each value, keeping only the predicted states in memory."""
    model.update(parameters)
    model.ssm.conserve_memory = MEMORY_CONSERVE & ~MEMORY_NO_PREDICTED
    states = model.ssm.filter()
    # the first state is the coordinate itself; statsmodels' own forecasts are 0 where the value is missing
    return states.predicted_state[0, : model.nobs], states.predicted_state_cov[0, 0, : model.nobs]


def _sound(variance: np.ndarray) -> bool:
    return bool(variance.min() > -_ROUNDING * variance.max())  # False also where one of them is NaN


def _ladder(start: np.ndarray, ar_degree: int) -> list[np.ndarray]:
    """List models to begin with: ever farther from the border of what is stationary, at last one that stays put."""
    powers = np.concatenate([np.arange(1, ar_degree + 1), np.zeros(len(start) - ar_degree)])
    return [*(start * share**powers for share in (1.0, 0.9999, 0.999, 0.99, 0.9)), np.eye(1, len(start))[0] * 0.999]


def _filled(series: np.ndarray) -> np.ndarray:
    """Bridge missing values by straight lines."""
    rows, observed = np.arange(len(series)), np.isfinite(series)
    return np.interp(rows, rows[observed], series[observed])


def _start(series: np.ndarray, ar_degree: int, ma_degree: int) -> np.ndarray:
    """Return the coefficients with the least squares of one-step errors among stationary and invertible models."""

    def coefficients(free: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        ar, ma = free[:ar_degree], free[ar_degree:]
        return constrain_stationary_univariate(ar), -constrain_stationary_univariate(ma) if ma_degree else ma

    def errors(free: np.ndarray) -> np.ndarray:
        ar, ma = coefficients(free)
        return lfilter(np.concatenate([[1.0], -ar]), np.concatenate([[1.0], ma]), series)[ar_degree + ma_degree :]

    begin = np.zeros(ar_degree + ma_degree)
    begin[0] = _AS_BEFORE
    return np.concatenate(coefficients(least_squares(errors, begin, max_nfev=30).x))


# --- filters ----------------------------------------------------------------------------------------------------------
# Smooth predictions over time; likelihoods stay as they are.
#
# Sources: the filters that users of DeepLabCut know, median, ARIMA and spline; the Kalman smoother is in `kalman`.


@forgiving
def median_filtered(predictions: Predictions, *, windowlength: int) -> Predictions:
    """Replace each coordinate by the median of the frames around it.

    At the ends the window is cut, not filled up. Missing positions are left out of it and stay missing.

    Args:
        predictions: of one video.
        windowlength: frames, an odd number; single errors vanish from 3 on, runs of n from 2 n + 1 on.

    Raises:
        ArgumentError: windowlength is even or less than 1.
    """
    if windowlength < 1 or windowlength % 2 == 0:
        raise ArgumentError(f"windowlength is {windowlength}, expected an odd number of frames, 1 or more; 5 is usual.")
    columns = pd.DataFrame(predictions.xy.reshape(len(predictions.xy), -1))
    smooth = columns.rolling(windowlength, center=True, min_periods=1).median().where(columns.notna())
    return replace(predictions, xy=smooth.to_numpy().reshape(predictions.xy.shape))


@forgiving
def arima_filtered(predictions: Predictions, *, p_bound: float, ar_degree: int, ma_degree: int) -> Predictions:
    """Replace each coordinate by what a state-space model of its movement expects from the frames before.

    Positions with a likelihood below `p_bound`, and missing ones, are bridged. Until the first position that counts
    nothing is expected, and predictions stay as they are.

    Args:
        predictions: of one video.
        p_bound: likelihood.
        ar_degree: how many earlier values the model looks at, at least 1.
        ma_degree: how many earlier errors it looks at.
    """
    mean = expect_movement(predictions, p_bound=p_bound, ar_degree=ar_degree, ma_degree=ma_degree).mean
    known = ~np.isnan(mean).any(axis=-1, keepdims=True)  # both coordinates of a position, or neither
    return replace(predictions, xy=np.where(known, mean, predictions.xy))


@forgiving
def spline_filtered(predictions: Predictions, *, pcutoff: float, max_gap: int) -> Predictions:
    """Fill gaps by a spline through the positions around them, and leave the others as they are.

    The spline is Akima's modified one (makima): smooth, and without the swings of a cubic one beside single errors.

    Args:
        predictions: of one video.
        pcutoff: positions with a likelihood below it, and missing ones, are gaps.
        max_gap: the longest gap to fill, in frames; longer ones, and those at either end, become NaN.

    Raises:
        ArgumentError: max_gap is negative.
    """
    seen = _seen(predictions, pcutoff)
    filled = _fillable(seen, max_gap)
    xy = np.where(seen[..., None], predictions.xy, np.nan)
    rows = np.arange(len(xy))
    for k in np.flatnonzero(filled.any(axis=0)):
        spline = Akima1DInterpolator(rows[seen[:, k]], xy[seen[:, k], k], method="makima")
        xy[filled[:, k], k] = spline(rows[filled[:, k]])
    return replace(predictions, xy=xy)


@forgiving
def kalman_filtered(predictions: Predictions, *, pcutoff: float, max_gap: int) -> Predictions:
    """Replace each position by where a Kalman smoother expects it, knowing the frames before and after.

    A position weighs as much as its likelihood says and its neighbors bear out, so that single errors vanish even
    where the network was sure. How much is smoothed follows from the noise of each bodypart, and, in predictions of an
    ensemble, from how far its networks spread in that frame.

    Args:
        predictions: of one video.
        pcutoff: positions with a likelihood below it, and missing ones, are gaps.
        max_gap: the longest gap to fill, in frames; longer ones, and those at either end, become NaN.

    Raises:
        ArgumentError: max_gap is negative.
    """
    seen = _seen(predictions, pcutoff)
    filled = _fillable(seen, max_gap)
    path = smoothed_path(predictions.xy, predictions.likelihood, seen, predictions.spread)
    return replace(predictions, xy=np.where((seen | filled)[..., None], path, np.nan))


def _seen(predictions: Predictions, pcutoff: float) -> Bool[np.ndarray, "T K"]:
    return (predictions.likelihood >= pcutoff) & np.isfinite(predictions.xy).all(axis=-1)


def _fillable(seen: Bool[np.ndarray, "T K"], max_gap: int) -> Bool[np.ndarray, "T K"]:
    """Find the frames in gaps of at most `max_gap` frames between two seen positions."""
    if max_gap < 0:
        raise ArgumentError(f"max_gap is {max_gap}, expected a number of frames, 0 or more; 10 is usual.")
    rows = np.arange(len(seen))[:, None]
    before = np.maximum.accumulate(np.where(seen, rows, -1), axis=0)
    after = np.minimum.accumulate(np.where(seen, rows, len(seen))[::-1], axis=0)[::-1]
    return ~seen & (before >= 0) & (after < len(seen)) & (after - before - 1 <= max_gap)
