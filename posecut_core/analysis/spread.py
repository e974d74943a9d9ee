"""Errors of several splits taken together: mean, spread and a confidence interval. Numbers in, numbers out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Spread:
    """Mean of the errors of n splits in pixels, and how sure it is; NaN where there are too few."""

    mean: float
    sd: float  # standard deviation between splits (n - 1)
    low: float  # ends of the confidence interval of the mean
    high: float
    count: int  # splits with an error


def spread(errors: Sequence[float], *, test_ratio: float, confidence: float = CONFIDENCE) -> Spread:
    """Take the errors of several splits together; splits whose error is NaN are left out.

    The interval is Student's t, mean ± t · sd · sqrt(1/n + test_ratio), with the correction of Nadeau & Bengio (2003):
    splits of the same frames share most of their training frames, so their errors vary less than those of independent
    experiments would, and the plain interval (1/n alone) would promise too much. It ends at 0, as distances do.

    Args:
        errors: mean test error of each split, in pixels.
        test_ratio: test frames per training frame of a split.
        confidence: probability that the interval is meant to hold the mean, between 0 and 1.
    """
    known = np.array([error for error in errors if not math.isnan(error)], dtype=np.float64)
    count = len(known)
    mean = float(known.mean()) if count else math.nan
    if count < 2:
        return Spread(mean, math.nan, math.nan, math.nan, count)
    sd = float(known.std(ddof=1))
    reach = float(stdtrit(count - 1, (1 + confidence) / 2)) * sd * math.sqrt(1 / count + test_ratio)
    return Spread(mean, sd, max(0.0, mean - reach), mean + reach, count)
