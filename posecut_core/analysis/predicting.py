"""What analysis asks of a network, so that neither videos nor evaluation need to know how it is built."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64, UInt8


@runtime_checkable
class Predicts(Protocol):
    """Anything that finds bodyparts in images; `posecut_core.analysis.inference.Predictor` does."""

    @property
    def bodyparts(self) -> tuple[str, ...]:
        """The K bodyparts that it looks for."""

    @property
    def scorer(self) -> str:
        """Its name in tables and file names."""

    def predict(
        self, images: UInt8[np.ndarray, "B H W 3"]
    ) -> tuple[Float64[np.ndarray, "B K 2"], Float64[np.ndarray, "B K"]]:
        """Find positions in pixels of the given images, and their likelihoods."""


def padded(images: UInt8[np.ndarray, "B H W 3"], count: int) -> UInt8[np.ndarray, "N H W 3"]:
    """Repeat the last image until there are `count`, so that a network compiles for one batch size only."""
    if len(images) == count:
        return images
    return np.concatenate([images, np.repeat(images[-1:], count - len(images), axis=0)])
