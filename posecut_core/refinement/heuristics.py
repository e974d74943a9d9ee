"""The heuristics that find frames in which predictions look wrong (paper, step J), and the choice among them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float64
from scipy.special import ndtri

from posecut_core.errors import AnalysisError, ArgumentError, Remedy
from posecut_core.poses.filters import expect_movement
from posecut_core.poses.predictions import Predictions
from posecut_core.refinement.candidates import CHOSEN_BY_HAND, Candidate, Criteria, candidates_at, given_frames
from posecut_core.results import counted

# --- thresholds -------------------------------------------------------------------------------------------------------
# The heuristics that look at one value at a time: low likelihoods (`_uncertain`) and long steps (`_jump`).
#
# Source: Nath et al. 2019, step J.


def _uncertain(predictions: Predictions, *, p_bound: float, first: int = 0) -> tuple[Candidate, ...]:
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


def _jump(predictions: Predictions, *, epsilon: float, first: int = 0) -> tuple[Candidate, ...]:
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


# --- disagreement -----------------------------------------------------------------------------------------------------
# The heuristics `_disagreement` and `_spread`: frames in which networks see a bodypart at different places.
#
# Snapshots of one training, or networks trained from different seeds, agree where the training frames have taught them
# what to see, and differ where they have not (query by committee: Seung et al. 1992).


def _disagreement(networks: Sequence[Predictions], *, epsilon: float, first: int = 0) -> tuple[Candidate, ...]:
    """Find frames in which two of the networks place a bodypart more than `epsilon` pixels apart.

    The score is the greatest distance. Where a network gives no position, the others are compared.

    Args:
        networks: predictions of the same frames and bodyparts by two or more networks.
        epsilon: pixels.
        first: frame number of row 0.

    Raises:
        AnalysisError: there are fewer than two networks, or their frames or bodyparts differ.
    """
    _check(networks)
    apart = np.zeros(networks[0].likelihood.shape)
    for one, other in combinations(networks, 2):
        apart = np.fmax(apart, np.linalg.norm(one.xy - other.xy, axis=-1))
    far = apart > epsilon
    bodyparts = networks[0].bodyparts
    return candidates_at(apart.max(axis=1), far, reason="disagreement", bodyparts=bodyparts, first=first)


def _spread(predictions: Predictions, *, epsilon: float, first: int = 0) -> tuple[Candidate, ...]:
    """Find frames in which the networks of an ensemble place a bodypart more than `epsilon` pixels apart.

    The score is the greatest spread: the root mean square of their distances from the position that they agree on.

    Args:
        predictions: of the frames and bodyparts to look at, by an ensemble.
        epsilon: pixels.
        first: frame number of row 0.

    Raises:
        AnalysisError: they are those of one network.
    """
    if predictions.spread is None:
        raise AnalysisError(
            f"The predictions by {predictions.scorer} are those of one network, but a spread needs several; train and "
            "analyze with an ensemble, or judge frames in another way.",
            Remedy("analyze_videos", ensemble=True),
        )
    spread = np.nan_to_num(predictions.spread, nan=0.0)
    bodyparts = predictions.bodyparts
    return candidates_at(spread.max(axis=1), spread > epsilon, reason="spread", bodyparts=bodyparts, first=first)


def _check(networks: Sequence[Predictions]) -> None:
    if len(networks) < 2:
        raise AnalysisError(
            f"Found predictions of {len(networks)} network, but disagreement needs two or more; analyze the video "
            "with other shuffles or snapshots first, and name them."
        )
    for other in networks[1:]:
        if other.bodyparts != networks[0].bodyparts or len(other.xy) != len(networks[0].xy):
            raise AnalysisError(
                f"The predictions of {other.scorer} have {len(other.xy)} rows of {', '.join(other.bodyparts)}, those "
                f"of {networks[0].scorer} {len(networks[0].xy)} rows of {', '.join(networks[0].bodyparts)}; analyze "
                "the same video with networks for the same bodyparts."
            )


# --- fitting ----------------------------------------------------------------------------------------------------------
# The heuristic `_fitting`: frames that lie far from where a state-space model of the movement expects them.
#
# Source: Nath et al. 2019, step J. Each coordinate of each bodypart has a model of its own; a prediction with a low
# likelihood is missing for the model, and still compared with what it expects.


@dataclass(frozen=True)
class _Deviations:
    """How far predictions lie from what is expected; NaN where nothing is."""

    distance: Float64[np.ndarray, "T K"]  # pixels
    outside: Bool[np.ndarray, "T K"]  # whether x or y leaves the interval that holds it with probability 1 - alpha


def deviations(
    predictions: Predictions, *, p_bound: float, ar_degree: int = 3, ma_degree: int = 1, alpha: float = 0.01
) -> _Deviations:
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
    return _Deviations(np.linalg.norm(difference, axis=-1), outside.any(axis=-1))


def _fitting(
    predictions: Predictions, found: _Deviations, *, epsilon: float, at_least: int = 0, first: int = 0
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


# --- pose pca ---------------------------------------------------------------------------------------------------------
# What a pose can look like, learned from labeled poses by principal components, and how far predictions are from it.
#
# Source: Biderman et al. 2024 (Lightning Pose), there as a loss and for one view; here poses are taken about their own
# center, so that it does not matter where in the frame the animal is.


_EXPLAINED = 0.99  # share of the variance of labeled poses that the components keep


@dataclass(frozen=True)
class PosePca:
    """Poses about their center: a mean, and the directions in which they vary."""

    mean: Float64[np.ndarray, " D"]  # x, y of each bodypart, D = 2 K
    components: Float64[np.ndarray, "N D"]  # orthonormal

    def residuals(self, xy: Float64[np.ndarray, "T K 2"]) -> Float64[np.ndarray, "T K"]:
        """Return the pixels between each bodypart and the nearest possible pose; NaN where a bodypart is missing."""
        poses = _centered(xy) - self.mean
        rest = poses - poses @ self.components.T @ self.components
        return np.linalg.norm(rest.reshape(xy.shape), axis=-1)


def learn_poses(xy: Float64[np.ndarray, "F K 2"]) -> PosePca:
    """Learn what poses look like from labeled frames; frames with a missing bodypart are left out.

    Args:
        xy: pixels.

    Raises:
        AnalysisError: there are fewer than three bodyparts, or fewer than two frames per bodypart show all of them.
    """
    complete = xy[~np.isnan(xy).any(axis=(1, 2))]
    bodyparts = xy.shape[1]
    if bodyparts < 3:
        raise AnalysisError(
            f"Only {counted(bodyparts, 'bodypart')} can be compared, but learning the shape of a pose needs at least "
            "3; compare more bodyparts, or judge frames in another way."
        )
    if len(complete) < 2 * bodyparts:
        fewer = " compare fewer bodyparts," if bodyparts > 3 else ""
        raise AnalysisError(
            f"{len(complete)} labeled frames show all {bodyparts} bodyparts, but learning the shape of a pose needs "
            f"two frames per bodypart ({2 * bodyparts}); label more,{fewer} or judge frames in another way."
        )
    poses = _centered(complete)
    mean = poses.mean(axis=0)
    _, sizes, directions = np.linalg.svd(poses - mean, full_matrices=False)
    shares = np.cumsum(sizes**2) / max(float((sizes**2).sum()), np.finfo(float).tiny)
    return PosePca(mean, directions[: int(np.searchsorted(shares, _EXPLAINED)) + 1])


def _pca_residual(predictions: Predictions, poses: PosePca, *, epsilon: float, first: int = 0) -> tuple[Candidate, ...]:
    """Find frames with a bodypart more than `epsilon` pixels from any pose like the labeled ones.

    The score is the greatest of these distances. A misplaced bodypart also draws on the others, so that several may be
    named; frames in which a bodypart has no position are no candidates.

    Args:
        predictions: of the bodyparts that `poses` was learned on, in the same order.
        poses: what poses look like.
        epsilon: pixels.
        first: frame number of row 0.
    """
    residuals = np.nan_to_num(poses.residuals(predictions.xy), nan=0.0)
    far = residuals > epsilon
    return candidates_at(residuals.max(axis=1), far, reason="pca", bodyparts=predictions.bodyparts, first=first)


def _centered(xy: Float64[np.ndarray, "F K 2"]) -> Float64[np.ndarray, "F D"]:
    return (xy - xy.mean(axis=1, keepdims=True)).reshape(len(xy), -1)


# --- reprojection -----------------------------------------------------------------------------------------------------
# The heuristic `_reprojection`: frames in which a camera sees a bodypart elsewhere than the other cameras say.


def _reprojection(
    predictions: Predictions, images: Float64[np.ndarray, "T K 2"], *, epsilon: float, first: int = 0
) -> tuple[Candidate, ...]:
    """Find frames with a bodypart more than `epsilon` pixels from the image of its point in space.

    The score is the greatest distance. Where there is no point, or no position, there is nothing to compare.

    Args:
        predictions: of the frames and bodyparts to look at.
        images: of the points that several views gave together, in this view; NaN where there is none.
        epsilon: pixels.
        first: frame number of row 0.
    """
    apart = np.nan_to_num(np.linalg.norm(predictions.xy - images, axis=-1), nan=0.0)
    bodyparts = predictions.bodyparts
    return candidates_at(apart.max(axis=1), apart > epsilon, reason="reprojection", bodyparts=bodyparts, first=first)


# --- outliers ---------------------------------------------------------------------------------------------------------
# Find the frames of a video that meet the criteria, by whichever heuristic they name.


@dataclass(frozen=True)
class Evidence:
    """What is known of one video."""

    predictions: Predictions  # of the bodyparts to compare, all frames of the video
    others: tuple[Predictions, ...] = ()  # by other networks, for disagreement
    poses: PosePca | None = None  # of the same bodyparts, for pca
    numbers: tuple[int, ...] = ()  # frame numbers that a person chose, for list and manual
    images: Float64[np.ndarray, "T K 2"] | None = None  # of points in space, for reprojection


def find_outliers(evidence: Evidence, criteria: Criteria, *, frames: range, at_least: int = 0) -> tuple[Candidate, ...]:
    """Judge the frames of a part of a video; candidates have their frame numbers in the whole video.

    Args:
        evidence: what is known of the video.
        criteria: the heuristic and its numbers.
        frames: frame numbers to look at; frames chosen by hand may lie outside.
        at_least: how many `_fitting` finds whatever epsilon is, so that a threshold too high still shows the worst.

    Raises:
        ArgumentError: a frame chosen by hand is not in the video, or none was given.
        AnalysisError: networks to compare are missing or do not fit each other.
    """
    name, first = criteria.outlieralgorithm, frames.start
    if name in CHOSEN_BY_HAND:
        return given_frames(_checked(evidence, name), reason=name)
    part = _rows(evidence.predictions, frames)
    if name == "uncertain":
        return _uncertain(part, p_bound=criteria.p_bound, first=first)
    if name == "jump":
        return _jump(part, epsilon=criteria.epsilon, first=first)
    if name == "disagreement":
        others = [_rows(other, frames) for other in evidence.others]
        return _disagreement([part, *others], epsilon=criteria.epsilon, first=first)
    if name == "spread":
        return _spread(part, epsilon=criteria.epsilon, first=first)
    if name == "pca":
        assert evidence.poses is not None
        return _pca_residual(part, evidence.poses, epsilon=criteria.epsilon, first=first)
    if name == "reprojection":
        assert evidence.images is not None
        return _reprojection(part, evidence.images[frames.start : frames.stop], epsilon=criteria.epsilon, first=first)
    found = deviations(
        part,
        p_bound=criteria.p_bound,
        ar_degree=criteria.ARdegree,
        ma_degree=criteria.MAdegree,
        alpha=criteria.alpha,
    )
    return _fitting(part, found, epsilon=criteria.epsilon, at_least=at_least, first=first)


def _rows(predictions: Predictions, frames: range) -> Predictions:
    part = slice(frames.start, frames.stop)
    spread = None if predictions.spread is None else predictions.spread[part]
    return replace(predictions, xy=predictions.xy[part], likelihood=predictions.likelihood[part], spread=spread)


def _checked(evidence: Evidence, name: str) -> tuple[int, ...]:
    count = len(evidence.predictions.xy)
    if not evidence.numbers:
        raise ArgumentError(
            f"outlieralgorithm is {name!r} but no frame numbers were given; give them as `frames`, such as 5,10-12, or "
            "let another outlieralgorithm find frames."
        )
    outside = [number for number in np.unique(evidence.numbers).tolist() if not 0 <= number < count]
    if outside:
        raise ArgumentError(
            f"The video has {count} frames, so frame {outside[0]} is out of range; choose numbers from 0 to "
            f"{count - 1}."
        )
    return evidence.numbers
