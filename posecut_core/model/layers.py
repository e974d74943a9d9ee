"""The few layers of a ResNet, in NHWC, with float32 parameters that may compute in another precision."""

import math

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Shaped

GROUPS = 32
HE_NORMAL = nnx.initializers.he_normal()


class Conv(nnx.Module):
    """A convolution without bias, padded as in torchvision: by dilation * (kernel - 1) / 2 on every side."""

    def __init__(
        self,
        rngs: nnx.Rngs,
        inputs: int,
        outputs: int,
        *,
        kernel: int,
        stride: int = 1,
        dilation: int = 1,
        draw: nnx.Initializer = HE_NORMAL,
    ):
        self.kernel = nnx.Param(draw(rngs.params(), (kernel, kernel, inputs, outputs), jnp.float32))
        self.stride, self.dilation = stride, dilation

    def __call__(self, x: Shaped[Array, "B H W I"]) -> Shaped[Array, "B h w O"]:
        """Apply the layer."""
        kernel = self.kernel[...].astype(x.dtype)
        if kernel.shape[0] == 1:
            # On the CPU XLA runs a matrix product a third faster than the same 1x1 convolution.
            return jnp.einsum("bhwi,io->bhwo", x[:, :: self.stride, :: self.stride], kernel[0, 0])
        pad = self.dilation * (kernel.shape[0] - 1) // 2
        return jax.lax.conv_general_dilated(
            x,
            kernel,
            (self.stride, self.stride),
            ((pad, pad), (pad, pad)),
            rhs_dilation=(self.dilation, self.dilation),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )


class GroupNorm(nnx.Module):
    """Normalise each image by groups of channels (Wu & He 2018): right for the small batches of small computers."""

    def __init__(self, channels: int, *, scale: float = 1.0):
        self.scale = nnx.Param(jnp.full((channels,), scale, jnp.float32))
        self.bias = nnx.Param(jnp.zeros((channels,), jnp.float32))

    def __call__(self, x: Shaped[Array, "B H W C"]) -> Shaped[Array, "B H W C"]:
        """Apply the layer."""
        batch, _, _, channels = x.shape
        flat = x.astype(jnp.float32).reshape(batch, -1, channels)
        mean = _over_groups(flat.mean(axis=1))
        variance = jnp.maximum(_over_groups(jnp.square(flat).mean(axis=1)) - jnp.square(mean), 0.0)
        factor = jax.lax.rsqrt(variance + 1e-5) * self.scale[...][None]
        return _affine(x, factor, self.bias[...][None] - mean * factor)


class FrozenBatchNorm(nnx.Module):
    """BatchNorm whose statistics are folded into a scale and a bias, which are trained (paper; DeeperCut)."""

    def __init__(self, channels: int, *, scale: float = 1.0):
        self.scale = nnx.Param(jnp.full((channels,), scale, jnp.float32))
        self.bias = nnx.Param(jnp.zeros((channels,), jnp.float32))

    def __call__(self, x: Shaped[Array, "B H W C"]) -> Shaped[Array, "B H W C"]:
        """Apply the layer."""
        return _affine(x, self.scale[...][None], self.bias[...][None])


def _over_groups(values: Float[Array, "B C"]) -> Float[Array, "B C"]:
    batch, channels = values.shape
    groups = values.reshape(batch, math.gcd(GROUPS, channels), -1)
    return jnp.broadcast_to(groups.mean(axis=-1, keepdims=True), groups.shape).reshape(batch, channels)


def _affine(
    x: Shaped[Array, "B H W C"], factor: Float[Array, "#B C"], bias: Float[Array, "#B C"]
) -> Shaped[Array, "B H W C"]:
    return (x * factor[:, None, None] + bias[:, None, None]).astype(x.dtype)


def max_pool(x: Shaped[Array, "B H W C"], *, before: int) -> Shaped[Array, "B h w C"]:
    """Take the maximum of 3x3 windows at stride 2, padded by `before` pixels in front and to a full window behind.

    Written as maxima of slices: the gradient of XLA's own window maximum takes four times as long on the CPU.
    """
    low = float("-inf")
    for axis in (1, 2):
        length = (x.shape[axis] + 1) // 2
        widths = [(0, 0)] * 4
        widths[axis] = (before, max(0, 2 * length + 1 - before - x.shape[axis]))
        padded = jnp.pad(x, widths, constant_values=low)
        taps = [jax.lax.slice_in_dim(padded, tap, tap + 2 * length - 1, 2, axis=axis) for tap in range(3)]
        x = jnp.maximum(jnp.maximum(taps[0], taps[1]), taps[2])
    return x
