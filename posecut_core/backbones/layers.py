"""The few layers of our networks, in NHWC, with float32 parameters that may compute in another precision."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Shaped

from posecut_core.backbones.kernels import convolve, depthwise, transposed
from posecut_core.video.neighbors import COLORS

_GROUPS = 32
EPSILON = 1e-5  # of GroupNorm

Draw = Callable[[tuple[int, ...], float], Array]  # normal numbers of a shape and a standard deviation


def drawing(seed: int) -> Draw:
    """Draw on the host: XLA takes ten seconds to compile what draws the parameters of a ResNet-50."""
    generator = np.random.default_rng(seed)
    return lambda shape, stdev: jnp.asarray(np.float32(stdev) * generator.standard_normal(shape, np.float32))


def undrawn(shape: tuple[int, ...], stdev: float) -> Array:
    """Return zeros, an initializer for abstract evaluation (`eval_shape`)."""
    return jnp.zeros(shape, jnp.float32)


class Conv(nnx.Module):
    """A convolution without bias, padded as `kernels.convolve` says.

    Without a `stdev` it is drawn for rectified inputs (He et al. 2015).
    """

    def __init__(
        self,
        draw: Draw,
        inputs: int,
        outputs: int,
        *,
        kernel: int,
        stride: int = 1,
        dilation: int = 1,
        same: bool = False,
        stdev: float | None = None,
    ):
        he = math.sqrt(2 / (kernel * kernel * inputs))
        self.kernel = nnx.Param(draw((kernel, kernel, inputs, outputs), he if stdev is None else stdev))
        self.stride, self.dilation, self.same = stride, dilation, same

    def __call__(self, x: Shaped[Array, "B H W I"]) -> Shaped[Array, "B h w O"]:
        """Apply the layer."""
        kernel = self.kernel[...].astype(x.dtype)
        return convolve(x, kernel, stride=self.stride, dilation=self.dilation, same=self.same)


class Stem(Conv):
    """The first convolution of a backbone, of images in RGB and maybe of further channels.

    Kernels of further channels begin at zero and are parameters of their own: what pretrained weights see in an image
    stays what it is.
    """

    def __init__(self, draw: Draw, channels: int, outputs: int, *, kernel: int, stride: int, same: bool = False):
        super().__init__(draw, COLORS, outputs, kernel=kernel, stride=stride, same=same)
        further = channels - COLORS
        self.further = nnx.Param(jnp.zeros((kernel, kernel, further, outputs), jnp.float32)) if further else None

    def __call__(self, x: Shaped[Array, "B H W C"]) -> Shaped[Array, "B h w O"]:
        """Apply the layer."""
        if self.further is None:
            return super().__call__(x)
        kernel = jnp.concatenate([self.kernel[...], self.further[...]], axis=2).astype(x.dtype)
        return convolve(x, kernel, stride=self.stride, dilation=self.dilation, same=self.same)


class DepthwiseConv(nnx.Module):
    """A convolution of each channel by itself, without bias, padded as `kernels.convolve` says."""

    def __init__(self, draw: Draw, channels: int, *, kernel: int, stride: int, dilation: int, same: bool):
        self.kernel = nnx.Param(draw((kernel, kernel, 1, channels), math.sqrt(2) / kernel))
        self.stride, self.dilation, self.same = stride, dilation, same

    def __call__(self, x: Shaped[Array, "B H W C"]) -> Shaped[Array, "B h w C"]:
        """Apply the layer."""
        kernel = self.kernel[...].astype(x.dtype)
        return depthwise(x, kernel, stride=self.stride, dilation=self.dilation, same=self.same)


class TransposedConv(nnx.Module):
    """A 3x3 transposed convolution of stride 2 without bias: maps of twice the resolution, in float32."""

    def __init__(self, draw: Draw, inputs: int, outputs: int, *, stdev: float):
        self.kernel = nnx.Param(draw((3, 3, inputs, outputs), stdev))

    def __call__(self, x: Shaped[Array, "B h w I"]) -> Float[Array, "B H W O"]:
        """Apply the layer."""
        return transposed(x, self.kernel[...].astype(x.dtype))


class GroupNorm(nnx.Module):
    """Normalize each image by groups of channels (Wu & He 2018): right for the small batches of small computers."""

    def __init__(self, channels: int, *, scale: float = 1.0):
        self.scale = nnx.Param(jnp.full((channels,), scale, jnp.float32))
        self.bias = nnx.Param(jnp.zeros((channels,), jnp.float32))

    def __call__(self, x: Shaped[Array, "B H W C"]) -> Shaped[Array, "B H W C"]:
        """Apply the layer."""
        return group_norm(x, self.scale[...], self.bias[...])


@jax.jit
def group_norm(
    x: Shaped[Array, "B H W C"], scale: Float[Array, " C"], bias: Float[Array, " C"]
) -> Shaped[Array, "B H W C"]:
    """Apply a GroupNorm; what writes networks as ONNX knows it by this name."""
    values = x.astype(jnp.float32)
    mean = _over_groups(values.mean(axis=(1, 2)))
    variance = jnp.maximum(_over_groups(jnp.square(values).mean(axis=(1, 2))) - jnp.square(mean), 0.0)
    factor = jax.lax.rsqrt(variance + EPSILON) * scale[None]
    return _affine(x, factor, bias[None] - mean * factor)


def groups_of(channels: int) -> int:
    """Return into how many groups a GroupNorm divides its channels."""
    return math.gcd(_GROUPS, channels)


class FrozenBatchNorm(nnx.Module):
    """BatchNorm whose statistics are folded into a scale and a bias, which are trained (paper; DeeperCut)."""

    def __init__(self, channels: int, *, scale: float = 1.0):
        self.scale = nnx.Param(jnp.full((channels,), scale, jnp.float32))
        self.bias = nnx.Param(jnp.zeros((channels,), jnp.float32))

    def __call__(self, x: Shaped[Array, "B H W C"]) -> Shaped[Array, "B H W C"]:
        """Apply the layer."""
        return _affine(x, self.scale[...][None], self.bias[...][None])


def norm_of(norm: str, channels: int, *, scale: float = 1.0) -> GroupNorm | FrozenBatchNorm:
    """Make the layer that a backbone's field `norm` asks for."""
    return (GroupNorm if norm == "group" else FrozenBatchNorm)(channels, scale=scale)


def _over_groups(values: Float[Array, "B C"]) -> Float[Array, "B C"]:
    batch, channels = values.shape
    groups = values.reshape(batch, groups_of(channels), -1)
    return jnp.broadcast_to(groups.mean(axis=-1, keepdims=True), groups.shape).reshape(batch, channels)


def _affine(
    x: Shaped[Array, "B H W C"], factor: Float[Array, "#B C"], bias: Float[Array, "#B C"]
) -> Shaped[Array, "B H W C"]:
    return (x * factor[:, None, None] + bias[:, None, None]).astype(x.dtype)
