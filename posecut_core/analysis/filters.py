"""Smooth predictions over time; likelihoods stay as they are.

Source: the two filters that users of DeepLabCut know, median and ARIMA.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float64

from posecut_core.analysis.predictions import Predictions
from posecut_core.analysis.state_space import expect_movement
from posecut_core.errors import ArgumentError


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
        raise ArgumentError(f"windowlength is {windowlength}, expected an odd number of frames from 1 on; 5 is usual.")
    columns = predictions.xy.reshape(len(predictions.xy), -1).T
    smooth = [_median(column, windowlength) for column in columns]
    return replace(predictions, xy=np.stack(smooth, axis=1).reshape(predictions.xy.shape))


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


def _median(column: Float64[np.ndarray, " T"], windowlength: int) -> Float64[np.ndarray, " T"]:
    padded = np.pad(column, windowlength // 2, constant_values=np.nan)
    smooth = column.copy()
    present = ~np.isnan(column)
    smooth[present] = np.nanmedian(np.lib.stride_tricks.sliding_window_view(padded, windowlength)[present], axis=1)
    return smooth
