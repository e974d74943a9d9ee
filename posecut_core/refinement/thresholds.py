"""The heuristics that look at one value at a time: low likelihoods (`uncertain`) and long steps (`jump`).

Source: Nath et al. 2019, step J.
"""

import numpy as np

from posecut_core.analysis.predictions import Predictions
from posecut_core.refinement.candidates import Candidate, candidates_at


def uncertain(predictions: Predictions, *, p_bound: float, first: int = 0) -> tuple[Candidate, ...]:
    """Find frames in which a bodypart has a likelihood below `p_bound`; the score is the lowest likelihood.

    Such a bodypart may also be hidden, not mistaken.

    Args:
        predictions: of the frames and bodyparts to look at.
        p_bound: likelihoods below it count.
        first: frame number of row 0.
    """
    low = predictions.likelihood < p_bound
    return candidates_at(
        predictions.likelihood.min(axis=1),
        low,
        reason="uncertain",
        bodyparts=predictions.bodyparts,
        first=first,
    )


def jump(predictions: Predictions, *, epsilon: float, first: int = 0) -> tuple[Candidate, ...]:
    """Find frames in which a bodypart lies more than `epsilon` pixels from where it was a frame before.

    The score is the longest step. The first frame has none before it and is no candidate; nor is a frame without a
    position, or the one after it.

    Args:
        predictions: of the frames and bodyparts to look at.
        epsilon: pixels; longer steps count.
        first: frame number of row 0.
    """
    steps = np.zeros(predictions.likelihood.shape)
    steps[1:] = np.linalg.norm(np.diff(predictions.xy, axis=0), axis=-1)
    steps[np.isnan(steps)] = 0.0
    far = steps > epsilon
    return candidates_at(steps.max(axis=1), far, reason="jump", bodyparts=predictions.bodyparts, first=first)
