"""Predictions of one video or of labelled frames: positions and likelihoods."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64


@dataclass(frozen=True)
class Predictions:
    """Where the network sees each bodypart, frame by frame.

    xy is in pixels of the full frame; a frame that could not be decoded has NaN everywhere and likelihood 0.
    """

    scorer: str  # name of the network, as in file names
    bodyparts: tuple[str, ...]
    xy: Float64[np.ndarray, "T K 2"]
    likelihood: Float64[np.ndarray, "T K"]


def of_bodyparts(predictions: Predictions, bodyparts: Sequence[str]) -> Predictions:
    """Keep only some bodyparts of predictions, in the order given."""
    columns = [predictions.bodyparts.index(part) for part in bodyparts]
    return replace(
        predictions,
        bodyparts=tuple(bodyparts),
        xy=predictions.xy[:, columns],
        likelihood=predictions.likelihood[:, columns],
    )
