"""Find the frames of a video that meet the criteria, by whichever heuristic they name."""

from dataclasses import dataclass, replace

import numpy as np

from posecut_core.analysis.predictions import Predictions
from posecut_core.errors import ArgumentError
from posecut_core.refinement.candidates import Candidate, given_frames
from posecut_core.refinement.criteria import CHOSEN_BY_HAND, Criteria
from posecut_core.refinement.disagreement import disagreement
from posecut_core.refinement.fitting import deviations, fitting
from posecut_core.refinement.pose_pca import PosePca, pca_residual
from posecut_core.refinement.thresholds import jump, uncertain


@dataclass(frozen=True)
class Evidence:
    """What is known of one video."""

    predictions: Predictions  # of the bodyparts to compare, all frames of the video
    others: tuple[Predictions, ...] = ()  # by other networks, for disagreement
    poses: PosePca | None = None  # of the same bodyparts, for pca
    numbers: tuple[int, ...] = ()  # frame numbers that a person chose, for list and manual


def find_outliers(evidence: Evidence, criteria: Criteria, *, frames: range, at_least: int = 0) -> tuple[Candidate, ...]:
    """Judge the frames of a part of a video; candidates have their frame numbers in the whole video.

    Args:
        evidence: what is known of the video.
        criteria: the heuristic and its numbers.
        frames: frame numbers to look at; frames chosen by hand may lie outside.
        at_least: how many `fitting` finds whatever epsilon is, so that a threshold too high still shows the worst.

    Raises:
        ArgumentError: a frame chosen by hand is not in the video, or none was given.
        AnalysisError: networks to compare are missing or do not fit each other.
    """
    name, first = criteria.outlieralgorithm, frames.start
    if name in CHOSEN_BY_HAND:
        return given_frames(_checked(evidence, name), reason=name)
    part = _rows(evidence.predictions, frames)
    if name == "uncertain":
        return uncertain(part, p_bound=criteria.p_bound, first=first)
    if name == "jump":
        return jump(part, epsilon=criteria.epsilon, first=first)
    if name == "disagreement":
        others = [_rows(other, frames) for other in evidence.others]
        return disagreement([part, *others], epsilon=criteria.epsilon, first=first)
    if name == "pca":
        assert evidence.poses is not None
        return pca_residual(part, evidence.poses, epsilon=criteria.epsilon, first=first)
    found = deviations(
        part,
        p_bound=criteria.p_bound,
        ar_degree=criteria.ARdegree,
        ma_degree=criteria.MAdegree,
        alpha=criteria.alpha,
    )
    return fitting(part, found, epsilon=criteria.epsilon, at_least=at_least, first=first)


def _rows(predictions: Predictions, frames: range) -> Predictions:
    part = slice(frames.start, frames.stop)
    return replace(predictions, xy=predictions.xy[part], likelihood=predictions.likelihood[part])


def _checked(evidence: Evidence, name: str) -> tuple[int, ...]:
    count = len(evidence.predictions.xy)
    if not evidence.numbers:
        raise ArgumentError(
            f"outlieralgorithm is {name!r} but no frame numbers were given; give them as `frames` "
            "(--frames 5,10-12), or let another outlieralgorithm find frames."
        )
    outside = [number for number in np.unique(evidence.numbers).tolist() if not 0 <= number < count]
    if outside:
        raise ArgumentError(
            f"The video has {count} frames, hence no frame {outside[0]}; choose numbers from 0 to {count - 1}."
        )
    return evidence.numbers
