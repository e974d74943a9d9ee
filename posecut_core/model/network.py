"""The pose network: a ResNet and two transposed convolutions, for score maps and for location refinement."""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Key

from posecut_core.dataset.scoremaps import Scoremaps
from posecut_core.model.layers import Conv
from posecut_core.model.resnet import ResNet, ResNetSpec

MEAN = (0.485, 0.456, 0.406)  # of ImageNet, RGB in [0, 1]
STDEV = (0.229, 0.224, 0.225)
PRIOR = 0.02  # share of cells that show a bodypart, so that a fresh network starts there
HEAD_NORMAL = nnx.initializers.normal(0.001)


@dataclass(frozen=True)
class NetworkSpec:
    """All that is needed to build the network that a snapshot's parameters belong to."""

    resnet: ResNetSpec
    bodyparts: tuple[str, ...]
    precision: str = "float32"


class Head(nnx.Module):
    """A 3x3 transposed convolution of stride 2: one map per output at half the backbone's stride."""

    def __init__(self, rngs: nnx.Rngs, inputs: int, outputs: int, *, bias: float):
        self.kernel = nnx.Param(HEAD_NORMAL(rngs.params(), (3, 3, inputs, outputs), jnp.float32))
        self.bias = nnx.Param(jnp.full((outputs,), bias, jnp.float32))

    def __call__(self, x: Float[Array, "B h w C"]) -> Float[Array, "B H W O"]:
        """Return maps at twice the resolution of the features."""
        kernel = self.kernel[...].astype(x.dtype)
        return jax.lax.conv_transpose(x, kernel, (2, 2), "SAME").astype(jnp.float32) + self.bias[...][None, None, None]


class PoseNet(nnx.Module):
    """Images in [0, 1] to score maps; see `dataset.scoremaps` for what the maps mean.

    The maps are read from the last stage, and from the second, which has their stride: so fresh networks learn sooner.
    """

    def __init__(self, rngs: nnx.Rngs, spec: NetworkSpec):
        count, channels = len(spec.bodyparts), spec.resnet.channels[-1]
        self.backbone = ResNet(rngs, spec.resnet)
        self.score_head = Head(rngs, channels, count, bias=math.log(PRIOR / (1 - PRIOR)))
        self.locref_head = Head(rngs, channels, 2 * count, bias=0.0)
        self.fine_head = Conv(rngs, spec.resnet.channels[1], 3 * count, kernel=3, draw=HEAD_NORMAL)
        self.dtype = jnp.dtype(spec.precision)

    def __call__(self, images: Float[Array, "B H W 3"]) -> Scoremaps:
        """Return the maps of a batch of images, whose sides are multiples of 16."""
        mean, stdev = jnp.asarray(MEAN)[None, None, None], jnp.asarray(STDEV)[None, None, None]
        features, seen = self.backbone(((images - mean) / stdev).astype(self.dtype))
        scores, locref = self.score_head(features), self.locref_head(features)
        _, height, width, count = scores.shape
        fine = self.fine_head(seen["stage2"]).astype(jnp.float32)  # a cell short where a side is no multiple of 16
        _, rows, columns, _ = fine.shape
        fine = jnp.pad(fine, ((0, 0), (0, height - rows), (0, width - columns), (0, 0)))
        scores, locref = scores + fine[..., :count], locref + fine[..., count:]
        return Scoremaps(scores=scores, locref=locref.reshape(*scores.shape, 2))


@partial(jax.jit, static_argnums=1)
def _initial(key: Key[Array, ""], spec: NetworkSpec) -> Any:
    return nnx.state(PoseNet(nnx.Rngs(params=key), spec), nnx.Param)


def initial_parameters(key: Key[Array, ""], spec: NetworkSpec) -> dict:
    """Draw random parameters as a plain tree of arrays."""
    return nnx.to_pure_dict(_initial(key, spec))


def parameter_shapes(spec: NetworkSpec) -> dict:
    """Return the tree of shapes and dtypes of the parameters, without computing them."""
    return nnx.to_pure_dict(jax.eval_shape(lambda: _initial(jax.random.key(0), spec)))


def scoremaps(spec: NetworkSpec, parameters: dict, images: Float[Array, "B H W 3"]) -> Scoremaps:
    """Apply the network as a pure function of its parameters."""
    network = nnx.eval_shape(lambda: PoseNet(nnx.Rngs(0), spec))
    graph, state = nnx.split(network)
    nnx.replace_by_pure_dict(state, parameters)
    return nnx.merge(graph, state)(images)
