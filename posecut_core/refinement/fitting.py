"""The heuristic `fitting`: frames that lie far from where a state-space model of the movement expects them.

Source: Nath et al. 2019, step J. Each coordinate of each bodypart has a model of its own; a prediction with a low
likelihood is missing for the model, and still compared with what it expects.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64
from scipy.special import ndtri

from posecut_core.analysis.predictions import Predictions
from posecut_core.analysis.state_space import expect_movement
from posecut_core.refinement.candidates import Candidate, candidates_at


@dataclass(frozen=True)
class Deviations:
    """How far predictions lie from what is expected; NaN where nothing is."""

    distance: Float64[np.ndarray, "T K"]  # pixels
    outside: Bool[np.ndarray, "T K"]  # whether x or y leaves the interval that holds it with probability 1 - alpha


def deviations(
    predictions: Predictions, *, p_bound: float, ar_degree: int = 3, ma_degree: int = 1, alpha: float = 0.01
) -> Deviations:
    """Fit a model to each coordinate of each bodypart and compare.

    Args:
        predictions: of the frames and bodyparts to look at.
        p_bound: positions with a likelihood below it are missing for the model.
        ar_degree: how many earlier values the model looks at.
        ma_degree: how many earlier errors it looks at.
        alpha: a position outside the interval of 1 - alpha counts as `outside`.
    """
    expected = expect_movement(predictions, p_bound=p_bound, ar_degree=ar_degree, ma_degree=ma_degree)
    difference = predictions.xy - expected.mean
    outside = np.abs(difference) > ndtri(1 - alpha / 2) * expected.deviation  # False where either is NaN
    return Deviations(np.linalg.norm(difference, axis=-1), outside.any(axis=-1))


def fitting(
    predictions: Predictions, found: Deviations, *, epsilon: float, at_least: int = 0, first: int = 0
) -> tuple[Candidate, ...]:
    """Find frames whose bodyparts lie, on average, more than `epsilon` pixels from what is expected.

    The score is that average over the bodyparts that have a position. The bodyparts named are those outside their
    interval, or the farthest one if none is.

    Args:
        predictions: that were compared.
        found: their deviations.
        epsilon: pixels.
        at_least: if fewer frames than this qualify, those with the greatest distances are taken, whatever epsilon is.
        first: frame number of row 0.
    """
    known = ~np.isnan(found.distance)
    total, count = np.nansum(found.distance, axis=1), known.sum(axis=1)
    scores = np.where(count > 0, total / np.maximum(count, 1), -1.0)
    chosen = scores > epsilon
    if chosen.sum() < at_least:
        chosen[np.argsort(-scores, kind="stable")[:at_least]] = True
    farthest = np.nan_to_num(found.distance, nan=-1.0).argmax(axis=1)
    one = farthest[:, None] == np.arange(known.shape[1])
    concerned = np.where(found.outside.any(axis=1, keepdims=True), found.outside, one)
    return candidates_at(
        scores,
        concerned & known.any(axis=1, keepdims=True) & chosen[:, None],
        reason="fitting",
        bodyparts=predictions.bodyparts,
        first=first,
    )
