"""Several networks of one training as one: their positions fused, and how far they spread as an uncertainty."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, UInt8

from posecut_core.inference.stored_frames import Poses, Predicts

_LEAST = 1e-9  # weight of a position, however unlikely: where all are, their mean is taken


class FusedPoses(NamedTuple):
    """What several networks see in images together."""

    xy: Float64[np.ndarray, "B K 2"]  # pixels
    likelihood: Float64[np.ndarray, "B K"]
    spread: Float64[np.ndarray, "B K"]  # pixels


def fused(xy: Float64[np.ndarray, "N B K 2"], likelihood: Float64[np.ndarray, "N B K"], *, within: float) -> FusedPoses:
    """Fuse the positions of N networks, which may take like parts of an animal for each other.

    A position is the mean of those that agree, weighted by their likelihoods: of the networks within reach of the one
    that has the greatest sum of likelihoods within its own reach. A mean of all would lie between two legs where one
    network takes the other leg.

    Args:
        xy: positions in pixels.
        likelihood: of each.
        within: pixels by which networks differ that see the same part of an animal.

    Returns:
        Positions; the mean over all networks of their likelihoods, of which those that see the bodypart elsewhere count
        as 0; and the root mean square of the distances of all networks from the position.
    """
    near = np.linalg.norm(xy[:, None] - xy[None], axis=-1) <= within
    best = (near * likelihood).sum(axis=1).argmax(axis=0)
    agrees = np.take_along_axis(near, best[None, None], axis=0)[0]
    weights = (agrees * np.maximum(likelihood, _LEAST))[..., None]
    position = (weights * xy).sum(axis=0) / weights.sum(axis=0)
    spread = np.sqrt(((xy - position) ** 2).sum(axis=-1).mean(axis=0))
    return FusedPoses(position, (agrees * likelihood).mean(axis=0), spread)


@dataclass(frozen=True)
class Ensemble:
    """Networks that differ in the seed of their training, asked together."""

    networks: tuple[Predicts, ...]
    scorer: str
    within: float  # pixels of the given images by which networks differ that see the same part of an animal

    @property
    def bodyparts(self) -> tuple[str, ...]:
        """Names of the bodyparts, in the order of predictions."""
        return self.networks[0].bodyparts

    @property
    def engine_name(self) -> str:
        """What computes, and in which precision; engines are joined by + where not all networks have the same."""
        return "+".join(dict.fromkeys(network.engine_name for network in self.networks))

    @property
    def context(self) -> int:
        """How many frames before and after each the networks see."""
        return self.networks[0].context

    def predict(self, images: UInt8[np.ndarray, "B H W C"]) -> Poses:
        """Find positions in pixels of the given images, and their likelihoods."""
        return self.start(images)()

    def start(self, images: UInt8[np.ndarray, "B H W C"]) -> Callable[[], Poses]:
        """Begin to predict and return at once; the result waits, and then is that of `predict`."""
        result = self.start_fused(images)
        return lambda: result()[:2]

    def start_fused(self, images: UInt8[np.ndarray, "B H W C"]) -> Callable[[], FusedPoses]:
        """Begin to predict as `start` does; the result also tells how far the networks spread."""
        started = [network.start(images) for network in self.networks]

        def result() -> FusedPoses:
            poses = [one() for one in started]
            xy, likelihood = (np.stack(values) for values in zip(*poses, strict=True))
            return fused(xy, likelihood, within=self.within)

        return result
