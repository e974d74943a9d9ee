"""What a pose can look like, learned from labelled poses by principal components, and how far predictions are from it.

Source: Biderman et al. 2024 (Lightning Pose), there as a loss and for one view; here poses are taken about their own
centre, so that it does not matter where in the frame the animal is.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from posecut_core.analysis.predictions import Predictions
from posecut_core.errors import AnalysisError
from posecut_core.refinement.candidates import Candidate, candidates_at

_EXPLAINED = 0.99  # share of the variance of labelled poses that the components keep


@dataclass(frozen=True)
class PosePca:
    """Poses about their centre: a mean, and the directions in which they vary."""

    mean: Float64[np.ndarray, " D"]  # x, y of each bodypart, D = 2 K
    components: Float64[np.ndarray, "N D"]  # orthonormal

    def residuals(self, xy: Float64[np.ndarray, "T K 2"]) -> Float64[np.ndarray, "T K"]:
        """Return the pixels between each bodypart and the nearest possible pose; NaN where a bodypart is missing."""
        poses = _centred(xy) - self.mean
        rest = poses - poses @ self.components.T @ self.components
        return np.linalg.norm(rest.reshape(xy.shape), axis=-1)


def learn_poses(xy: Float64[np.ndarray, "F K 2"]) -> PosePca:
    """Learn what poses look like from labelled frames; frames with a missing bodypart are left out.

    Args:
        xy: pixels.

    Raises:
        AnalysisError: there are fewer than three bodyparts, or fewer than two frames per bodypart show all of them.
    """
    complete = xy[~np.isnan(xy).any(axis=(1, 2))]
    bodyparts = xy.shape[1]
    if bodyparts < 3:
        raise AnalysisError(
            f"{bodyparts} bodyparts are compared, but the shape of a pose is learned from at least 3; compare more "
            "bodyparts, or choose another outlieralgorithm."
        )
    if len(complete) < 2 * bodyparts:
        fewer = " compare fewer bodyparts," if bodyparts > 3 else ""
        raise AnalysisError(
            f"{len(complete)} labelled frames show all of {bodyparts} bodyparts, but the shape of a pose is learned "
            f"from two frames for each ({2 * bodyparts}); label more,{fewer} or choose another outlieralgorithm."
        )
    poses = _centred(complete)
    mean = poses.mean(axis=0)
    _, sizes, directions = np.linalg.svd(poses - mean, full_matrices=False)
    shares = np.cumsum(sizes**2) / max(float((sizes**2).sum()), np.finfo(float).tiny)
    return PosePca(mean, directions[: int(np.searchsorted(shares, _EXPLAINED)) + 1])


def pca_residual(predictions: Predictions, poses: PosePca, *, epsilon: float, first: int = 0) -> tuple[Candidate, ...]:
    """Find frames with a bodypart more than `epsilon` pixels from any pose like the labelled ones.

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


def _centred(xy: Float64[np.ndarray, "F K 2"]) -> Float64[np.ndarray, "F D"]:
    return (xy - xy.mean(axis=1, keepdims=True)).reshape(len(xy), -1)
