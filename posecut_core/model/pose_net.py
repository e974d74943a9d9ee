"""The pose network: a backbone and heads, for score maps and for location refinement."""

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from posecut_core.backbones import Backbone, Pretraining
from posecut_core.backbones.layers import Conv, Draw, TransposedConv, drawing, undrawn
from posecut_core.dataset.scoremaps import STRIDE, Scoremaps
from posecut_core.errors import ModelError
from posecut_core.video.neighbors import COLORS, GREEN, channels_of

_PRIOR = 0.02  # share of cells that show a bodypart, so that a fresh network starts there
_HEAD_STDEV = 0.001

Parameters = dict[str, Any]  # a tree of arrays


@dataclass(frozen=True)
class NetworkSpec:
    """All that is needed to build the network that a snapshot's parameters belong to."""

    backbone: Backbone
    bodyparts: tuple[str, ...]
    precision: str = "float32"
    intermediate: bool = False  # whether a head on the stage before the last is trained too
    context: int = 0  # frames before and after each that it sees too

    @property
    def channels(self) -> int:
        """Return how many channels its images have, as `video.neighbors` lays them out."""
        return channels_of(self.context)

    def stages(self) -> tuple[int, int, int | None]:
        """Return which stages of the backbone the maps are read from: the last, the finer, and the one before the last.

        Raises:
            ModelError: the backbone has not all of those that this network needs.
        """
        strides = [stage.stride for stage in self.backbone.stages]
        coarse = [place for place, stride in enumerate(strides) if stride == 2 * STRIDE]
        if STRIDE not in strides or not coarse or strides[-1] != 2 * STRIDE:
            raise ModelError(
                f"{self.backbone.net_type} has stages of stride {', '.join(map(str, strides))}, expected one of "
                f"{STRIDE} and a last one of {2 * STRIDE}; choose another net_type."
            )
        if self.intermediate and len(coarse) == 1:
            raise ModelError(
                f"{self.backbone.net_type} has no second stage of stride {2 * STRIDE} for intermediate_supervision; "
                "set it to false."
            )
        fine = max(place for place, stride in enumerate(strides) if stride == STRIDE)
        return coarse[-1], fine, coarse[-2] if self.intermediate else None


class PoseNet(nnx.Module):
    """Images in [0, 1] to score maps; see `dataset.scoremaps` for what the maps mean.

    The maps are read from the last stage, and from the one that has their stride: so fresh networks learn sooner.
    Of three maps per bodypart the first are the scores, the others the offsets.
    """

    def __init__(self, draw: Draw, spec: NetworkSpec):
        count = len(spec.bodyparts)
        self.last, self.fine, self.middle = spec.stages()
        channels = [stage.channels for stage in spec.backbone.stages]
        self.backbone = spec.backbone.build(draw, spec.channels)
        self.head = TransposedConv(draw, channels[self.last], 3 * count, stdev=_HEAD_STDEV)
        self.fine_head = Conv(draw, channels[self.fine], 3 * count, kernel=3, stdev=_HEAD_STDEV)
        self.bias = nnx.Param(_prior(count))
        middle = None if self.middle is None else channels[self.middle]
        self.middle_head = TransposedConv(draw, middle, 3 * count, stdev=_HEAD_STDEV) if middle else None
        self.middle_bias = nnx.Param(_prior(count)) if middle else None
        self.pretraining = spec.backbone.pretraining
        self.dtype = jnp.dtype(spec.precision)

    def __call__(self, images: Float[Array, "B H W C"]) -> tuple[Scoremaps, ...]:
        """Return the maps of images, whose sides are multiples of 16, and those of the stage before the last if any."""
        features = self.backbone(_normalized(images, self.pretraining).astype(self.dtype))
        fine = self.fine_head(features[self.fine]).astype(jnp.float32)
        final = _maps(self.head(features[self.last]) + fine, self.bias[...])
        if self.middle is None or self.middle_head is None or self.middle_bias is None:
            return (final,)
        return final, _maps(self.middle_head(features[self.middle]), self.middle_bias[...])


def _normalized(images: Float[Array, "B H W C"], pretraining: Pretraining) -> Float[Array, "B H W C"]:
    """Normalize colors; what follows them becomes the change from the frame: 0 where nothing moves."""
    further = (GREEN,) * (images.shape[-1] - COLORS)
    mean, stdev = (
        jnp.asarray([*values, *(values[each] for each in further)])[None, None, None] for values in pretraining[:2]
    )
    normalized = (images - mean) / stdev
    if not further:
        return normalized
    red, green, blue, neighbors = jnp.split(normalized, (1, 2, 3), axis=-1)
    return jnp.concatenate([red, green, blue, neighbors - green], axis=-1)


def _prior(count: int) -> Float[Array, " O"]:
    """Return what maps of `count` bodyparts begin with: the logit of the prior for scores, 0 for offsets."""
    return jnp.where(jnp.arange(3 * count) < count, math.log(_PRIOR / (1 - _PRIOR)), 0.0).astype(jnp.float32)


def _maps(values: Float[Array, "B h w O"], bias: Float[Array, " O"]) -> Scoremaps:
    values = values + bias[None, None, None]
    count = values.shape[-1] // 3
    scores, locref = jnp.split(values, [count], axis=-1)
    return Scoremaps(scores=scores, locref=locref.reshape(*values.shape[:-1], count, 2))


def initial_parameters(seed: int, spec: NetworkSpec) -> Parameters:
    """Draw random parameters as a plain tree of arrays."""
    return nnx.to_pure_dict(nnx.state(PoseNet(drawing(seed), spec), nnx.Param))


def parameter_shapes(spec: NetworkSpec) -> Parameters:
    """Return the tree of shapes and dtypes of the parameters, without computing them."""
    return nnx.to_pure_dict(jax.eval_shape(lambda: nnx.state(PoseNet(undrawn, spec), nnx.Param)))


def scoremaps(spec: NetworkSpec, parameters: Parameters, images: Float[Array, "B H W C"]) -> Scoremaps:
    """Apply the network as a pure function of its parameters."""
    return training_maps(spec, parameters, images)[0]


def training_maps(spec: NetworkSpec, parameters: Parameters, images: Float[Array, "B H W C"]) -> tuple[Scoremaps, ...]:
    """Return all maps that are trained, the ones that predict first."""
    network = nnx.eval_shape(lambda: PoseNet(undrawn, spec))
    graph, state = nnx.split(network)
    nnx.replace_by_pure_dict(state, parameters)
    return nnx.merge(graph, state)(images)
