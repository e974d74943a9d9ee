"""Predictions of one video or of labelled frames: positions and likelihoods."""

from dataclasses import dataclass

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
