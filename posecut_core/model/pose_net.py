"""The pose network: a ResNet and two transposed convolutions, for score maps and for location refinement."""

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Shaped

from posecut_core.dataset.scoremaps import Scoremaps
from posecut_core.model.layers import Conv, Draw, drawing, undrawn
from posecut_core.model.resnet import ResNet, ResNetSpec

MEAN = (0.485, 0.456, 0.406)  # of ImageNet, RGB in [0, 1]
STDEV = (0.229, 0.224, 0.225)
PRIOR = 0.02  # share of cells that show a bodypart, so that a fresh network starts there
HEAD_STDEV = 0.001


@dataclass(frozen=True)
class NetworkSpec:
    """All that is needed to build the network that a snapshot's parameters belong to."""

    resnet: ResNetSpec
    bodyparts: tuple[str, ...]
    precision: str = "float32"
    intermediate: bool = False  # whether a head on the third stage is trained too


class Head(nnx.Module):
    """A 3x3 transposed convolution of stride 2: maps at half the backbone's stride."""

    def __init__(self, draw: Draw, inputs: int, outputs: int):
        self.kernel = nnx.Param(draw((3, 3, inputs, outputs), HEAD_STDEV))

    def __call__(self, x: Shaped[Array, "B h w C"]) -> Float[Array, "B H W O"]:
        """Return maps at twice the resolution of the features.

        One matrix product makes all taps: on the CPU its gradient takes a tenth of the time of XLA's convolution's.
        """
        taps = jnp.einsum("bhwi,uvio->bhwuvo", x, self.kernel[...].astype(x.dtype)).astype(jnp.float32)
        return _interleave(_interleave(taps, axis=1), axis=2)


def _interleave(taps: Float[Array, "..."], *, axis: int) -> Float[Array, "..."]:
    """Lay the taps on axis 3 out along `axis`: the last of cell i adds to cell 2i, then to 2i + 1 and 2i + 2."""
    last, middle, first = (jnp.take(taps, tap, axis=3) for tap in range(3))
    before = [(1, 0) if index == axis else (0, 0) for index in range(last.ndim)]
    shifted = jax.lax.slice_in_dim(jnp.pad(last, before), 0, last.shape[axis], axis=axis)
    pairs = jnp.stack([first + shifted, middle], axis=axis + 1)
    return pairs.reshape(*pairs.shape[:axis], -1, *pairs.shape[axis + 2 :])


class PoseNet(nnx.Module):
    """Images in [0, 1] to score maps; see `dataset.scoremaps` for what the maps mean.

    The maps are read from the last stage, and from the second, which has their stride: so fresh networks learn sooner.
    Of three maps per bodypart the first are the scores, the others the offsets.
    """

    def __init__(self, draw: Draw, spec: NetworkSpec):
        count = len(spec.bodyparts)
        self.backbone = ResNet(draw, spec.resnet)
        self.head = Head(draw, spec.resnet.channels[-1], 3 * count)
        self.fine_head = Conv(draw, spec.resnet.channels[1], 3 * count, kernel=3, stdev=HEAD_STDEV)
        self.bias = nnx.Param(_prior(count))
        self.middle_head = Head(draw, spec.resnet.channels[2], 3 * count) if spec.intermediate else None
        self.middle_bias = nnx.Param(_prior(count)) if spec.intermediate else None
        self.dtype = jnp.dtype(spec.precision)

    def __call__(self, images: Float[Array, "B H W 3"]) -> tuple[Scoremaps, ...]:
        """Return the maps of images, whose sides are multiples of 16, and those of the third stage if any."""
        mean, stdev = jnp.asarray(MEAN)[None, None, None], jnp.asarray(STDEV)[None, None, None]
        features, seen = self.backbone(((images - mean) / stdev).astype(self.dtype))
        fine = self.fine_head(seen["stage2"]).astype(jnp.float32)
        final = _maps(self.head(features) + fine, self.bias[...])
        if self.middle_head is None or self.middle_bias is None:
            return (final,)
        return final, _maps(self.middle_head(seen["stage3"]), self.middle_bias[...])


def _prior(count: int) -> Float[Array, " O"]:
    """Return what maps of `count` bodyparts begin with: the logit of the prior for scores, 0 for offsets."""
    return jnp.where(jnp.arange(3 * count) < count, math.log(PRIOR / (1 - PRIOR)), 0.0).astype(jnp.float32)


def _maps(values: Float[Array, "B h w O"], bias: Float[Array, " O"]) -> Scoremaps:
    values = values + bias[None, None, None]
    count = values.shape[-1] // 3
    return Scoremaps(scores=values[..., :count], locref=values[..., count:].reshape(*values.shape[:-1], count, 2))


def initial_parameters(seed: int, spec: NetworkSpec) -> dict:
    """Draw random parameters as a plain tree of arrays."""
    return nnx.to_pure_dict(nnx.state(PoseNet(drawing(seed), spec), nnx.Param))


def parameter_shapes(spec: NetworkSpec) -> dict:
    """Return the tree of shapes and dtypes of the parameters, without computing them."""
    return nnx.to_pure_dict(jax.eval_shape(lambda: nnx.state(PoseNet(undrawn, spec), nnx.Param)))


def scoremaps(spec: NetworkSpec, parameters: dict, images: Float[Array, "B H W 3"]) -> Scoremaps:
    """Apply the network as a pure function of its parameters."""
    return training_maps(spec, parameters, images)[0]


def training_maps(spec: NetworkSpec, parameters: dict, images: Float[Array, "B H W 3"]) -> tuple[Scoremaps, ...]:
    """Return all maps that are trained, the ones that predict first."""
    network = nnx.eval_shape(lambda: PoseNet(undrawn, spec))
    graph, state = nnx.split(network)
    nnx.replace_by_pure_dict(state, parameters)
    return nnx.merge(graph, state)(images)
