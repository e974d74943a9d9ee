"""The least that is a backbone: two convolutions, which compile in a moment."""

from dataclasses import dataclass
from typing import ClassVar

import jax
from flax import nnx

from posecut_core.backbones import Pretraining, Stage
from posecut_core.backbones.layers import Conv, Stem


class TwoConvs(nnx.Module):
    """Two convolutions, one for each stage."""

    def __init__(self, draw, stages, channels):
        self.first = Stem(draw, channels, stages[0].channels, kernel=7, stride=8)
        self.second = Conv(draw, stages[0].channels, stages[1].channels, kernel=3, stride=2)

    def __call__(self, x):
        first = jax.nn.relu(self.first(x))
        return first, jax.nn.relu(self.second(first))


@dataclass(frozen=True)
class Toy:
    """The least that is a backbone."""

    family: ClassVar[str] = "toy"
    classifier: ClassVar[tuple[str, ...]] = ()
    net_type: ClassVar[str] = "toy_1"
    pretraining: ClassVar[Pretraining] = Pretraining()
    width: float = 1.0
    norm: str = "group"
    coarsest: int = 16

    @property
    def stages(self):
        return Stage(8, 4), Stage(self.coarsest, 6)

    def build(self, draw, channels):
        return TwoConvs(draw, self.stages, channels)

    def of_weights(self, tensors, metadata, *, source):
        return self

    def tensor_names(self, parameters):
        return {name: (name, "kernel") for name in parameters}

    def repository(self, norm):
        return None
