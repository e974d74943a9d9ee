"""Reliability of likelihoods and choice of pcutoff. Arrays in, values out.

A prediction counts as right where it lies within a distance of its label: by default the shuffle's `pos_dist_thresh`,
the distance that the network was taught to call the bodypart. A bodypart that was looked for and is not labeled in a
frame is absent there: whatever is predicted for it is wrong, at any likelihood. Bodyparts that nobody looked for are
not judged.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

_BINS = 10


@dataclass(frozen=True)
class ReliabilityBin:
    """Predictions whose likelihood is at least `low` and below `high`; the last bin holds its upper end, too."""

    low: float
    high: float
    points: int
    likelihood: float  # mean; NaN where the bin is empty
    share_right: float  # NaN where the bin is empty


@dataclass(frozen=True)
class Calibration:
    """How likelihoods compare with the share of right predictions, on held-out points."""

    within: float  # pixels: a prediction this close to its label is right
    points: int  # held-out points that were judged
    points_right: int
    expected_error: float  # expected calibration error, 0 to 1; NaN without points
    suggested_pcutoff: float  # NaN where the points give no reason for any
    bins: tuple[ReliabilityBin, ...]

    def sentence(self, pcutoff: float, *, few: bool = False) -> str:
        """Say what the likelihoods are worth, and which `pcutoff` would be better than the one that is in use.

        Args:
            pcutoff: that of config.yaml.
            few: whether the points are of so few frames that they are no reason to change it.
        """
        if not self.points:
            return "no test frame has points for judging likelihoods."
        judged = (
            f"expected calibration error {self.expected_error:.3f}; {self.points_right} of {self.points} predictions "
            f"on test frames within {self.within:g} px of the label"
        )
        if few:
            return f"{judged}."
        if math.isnan(self.suggested_pcutoff):
            return f"{judged}; they suggest no other pcutoff than {pcutoff:g}."
        return (
            f"{judged}; a pcutoff of {self.suggested_pcutoff:.2f} separates them best from the others (config.yaml has "
            f"{pcutoff:g}; change it there if you like)."
        )


def calibration(
    errors: Float64[np.ndarray, "F K"],
    likelihood: Float64[np.ndarray, "F K"],
    judged: Bool[np.ndarray, "F K"],
    *,
    within: int | float,
) -> Calibration:
    """Compare likelihoods with how often predictions are right.

    Args:
        errors: distances in pixels between predictions and labels, NaN where there is no label.
        likelihood: of each prediction, 0 to 1.
        judged: the points to judge: of held-out frames, and looked for there.
        within: largest distance in pixels of a right prediction.
    """
    right = (errors <= within)[judged]  # NaN is not within any distance
    likely = likelihood[judged]
    bins = _reliability_bins(likely, right)
    return Calibration(
        within=float(within),
        points=len(right),
        points_right=int(np.count_nonzero(right)),
        expected_error=_expected_calibration_error(bins),
        suggested_pcutoff=_best_cutoff(likely, right),
        bins=bins,
    )


def _reliability_bins(
    likelihood: Float64[np.ndarray, " N"], right: Bool[np.ndarray, " N"], *, count: int = _BINS
) -> tuple[ReliabilityBin, ...]:
    """Sort points into `count` bins of equal width by their likelihood."""
    places = np.minimum((likelihood * count).astype(int), count - 1)
    return tuple(
        _bin(place / count, (place + 1) / count, likelihood[places == place], right[places == place])
        for place in range(count)
    )


def _expected_calibration_error(bins: tuple[ReliabilityBin, ...]) -> float:
    """Average |likelihood - share of right predictions| over the points (Naeini et al. 2015; Guo et al. 2017).

    0 is perfect; NaN where there are no points.
    """
    used = [entry for entry in bins if entry.points]
    total = sum(entry.points for entry in used)
    if not total:
        return float("nan")
    return sum(entry.points * abs(entry.likelihood - entry.share_right) for entry in used) / total


def _best_cutoff(likelihood: Float64[np.ndarray, " N"], right: Bool[np.ndarray, " N"]) -> float:
    """Find the likelihood that best tells right predictions from wrong ones: the greatest Youden index.

    The index (Youden 1950) is the share of right predictions kept less the share of wrong ones kept. It weighs both
    shares alike, so that it does not depend on how rare wrong predictions are among the labeled frames, which were
    chosen and are no fair sample of a video; F1 does. Of equally good cutoffs the lowest is taken, which keeps most
    predictions. It lies midway between two likelihoods that were seen, so that it makes no difference whether a
    prediction at the cutoff is kept.

    Returns:
        NaN where all points are right, all are wrong, or no cutoff is better than none.
    """
    count_right = np.count_nonzero(right)
    if count_right in (0, len(right)):
        return float("nan")
    order = np.argsort(likelihood)
    ordered, ordered_right = likelihood[order], right[order]
    lost_right = np.cumsum(ordered_right)[:-1] / count_right  # by a cutoff above the first n + 1 points
    lost_wrong = np.cumsum(~ordered_right)[:-1] / (len(right) - count_right)
    between = np.diff(ordered) > 0
    youden = np.where(between, lost_wrong - lost_right, -np.inf)
    best = int(np.argmax(youden))
    return float(ordered[best : best + 2].mean()) if youden[best] > 0 else float("nan")


def _bin(
    low: float, high: float, likelihood: Float64[np.ndarray, " N"], right: Bool[np.ndarray, " N"]
) -> ReliabilityBin:
    if not len(right):
        return ReliabilityBin(low, high, 0, float("nan"), float("nan"))
    return ReliabilityBin(low, high, len(right), float(likelihood.mean()), float(right.mean()))
