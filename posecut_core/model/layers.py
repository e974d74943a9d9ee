"""The few layers of a ResNet, in NHWC, with float32 parameters that may compute in another precision."""

import math
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Shaped

GROUPS = 32

Draw = Callable[[tuple[int, ...], float], Array]  # normal numbers of a shape and a standard deviation


def drawing(seed: int) -> Draw:
    """Draw on the host: XLA takes ten seconds to compile what draws the parameters of a ResNet-50."""
    generator = np.random.default_rng(seed)
    return lambda shape, stdev: jnp.asarray(np.float32(stdev) * generator.standard_normal(shape, np.float32))


def undrawn(shape: tuple[int, ...], stdev: float) -> Array:
    """Stand in for `drawing` where only shapes matter."""
    return jnp.zeros(shape, jnp.float32)


class Conv(nnx.Module):
    """A convolution without bias, padded as in torchvision: by dilation * (kernel - 1) / 2 on every side.

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
        stdev: float | None = None,
    ):
        he = math.sqrt(2 / (kernel * kernel * inputs))
        self.kernel = nnx.Param(draw((kernel, kernel, inputs, outputs), he if stdev is None else stdev))
        self.stride, self.dilation = stride, dilation

    def __call__(self, x: Shaped[Array, "B H W I"]) -> Shaped[Array, "B h w O"]:
        """Apply the layer."""
        return _convolve(x, self.kernel[...].astype(x.dtype), self.stride, self.dilation)


def _plain(
    x: Shaped[Array, "B H W I"], kernel: Shaped[Array, "k k I O"], stride: int, dilation: int
) -> Shaped[Array, "B h w O"]:
    if kernel.shape[0] == 1:
        # On the CPU XLA runs a matrix product a third faster than the same 1x1 convolution.
        return jnp.einsum("bhwi,io->bhwo", x[:, ::stride, ::stride], kernel[0, 0])
    pad = dilation * (kernel.shape[0] - 1) // 2
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        (stride, stride),
        ((pad, pad), (pad, pad)),
        rhs_dilation=(dilation, dilation),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _convolve(
    x: Shaped[Array, "B H W I"], kernel: Shaped[Array, "k k I O"], stride: int, dilation: int
) -> Shaped[Array, "B h w O"]:
    """Convolve, with a gradient that takes two thirds of the time of XLA's own on the CPU.

    There XLA fuses what comes before into the transposition that the gradient towards the kernel begins with, and walks
    memory across. The barrier keeps the two apart (`training.CPU_OPTIONS` makes it last); for 1x1 convolutions the
    input, the lesser of the two, is transposed.
    """
    return _plain(x, kernel, stride, dilation)


_Saved = tuple[Shaped[Array, "B H W I"], Shaped[Array, "k k I O"]]


def _forward(
    x: Shaped[Array, "B H W I"], kernel: Shaped[Array, "k k I O"], stride: int, dilation: int
) -> tuple[Shaped[Array, "B h w O"], _Saved]:
    return _plain(x, kernel, stride, dilation), (x, kernel)


def _backward(stride: int, dilation: int, saved: _Saved, gradient: Shaped[Array, "B h w O"]) -> _Saved:
    x, kernel = saved
    x, gradient = jax.lax.optimization_barrier((x, gradient))
    (to_input,) = jax.vjp(lambda x: _plain(x, kernel, stride, dilation), x)[1](gradient)
    if kernel.shape[0] == 1:
        return to_input, jnp.einsum("bhwi,bhwo->io", x[:, ::stride, ::stride], gradient)[None, None]
    (to_kernel,) = jax.vjp(lambda kernel: _plain(x, kernel, stride, dilation), kernel)[1](gradient)
    return to_input, to_kernel


_convolve.defvjp(_forward, _backward)


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
