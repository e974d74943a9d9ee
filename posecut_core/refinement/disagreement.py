"""The heuristic `disagreement`: frames in which networks see a bodypart at different places.

Snapshots of one training, or networks trained from different seeds, agree where the training frames have taught them
what to see, and differ where they have not (query by committee: Seung et al. 1992).
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from posecut_core.analysis.predictions import Predictions
from posecut_core.errors import AnalysisError
from posecut_core.refinement.candidates import Candidate, candidates_at


def disagreement(networks: Sequence[Predictions], *, epsilon: float, first: int = 0) -> tuple[Candidate, ...]:
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


def _check(networks: Sequence[Predictions]) -> None:
    if len(networks) < 2:
        raise AnalysisError(
            f"Found predictions of {len(networks)} network, but disagreement needs two or more; name other shuffles or "
            "snapshots whose predictions are there (run posecut analyze-videos with them first)."
        )
    for other in networks[1:]:
        if other.bodyparts != networks[0].bodyparts or len(other.xy) != len(networks[0].xy):
            raise AnalysisError(
                f"The predictions of {other.scorer} have {len(other.xy)} rows of {', '.join(other.bodyparts)}, those "
                f"of {networks[0].scorer} {len(networks[0].xy)} rows of {', '.join(networks[0].bodyparts)}; analyse "
                "the same video with networks for the same bodyparts."
            )
