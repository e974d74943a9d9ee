"""The operations of our layers: as XLA has them, and for processors in forms with the same result that take less time.

Other devices keep the plain forms.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

CPU_OPTIONS = {"xla_disable_hlo_passes": "cse_barrier_expander"}  # or barriers are gone before XLA decides what to fuse


def convolve(
    x: Shaped[Array, "B H W I"], kernel: Shaped[Array, "k k I O"], *, stride: int, dilation: int
) -> Shaped[Array, "B h w O"]:
    """Convolve, padded as in torchvision: by dilation * (kernel - 1) / 2 on every side."""
    return (cpu_convolve if _on_cpu() else plain_convolve)(x, kernel, stride, dilation)


def max_pool(x: Shaped[Array, "B H W C"], *, before: int) -> Shaped[Array, "B h w C"]:
    """Take the maximum of 3x3 windows at stride 2, padded by `before` pixels in front and to a full window behind."""
    return (cpu_max_pool if _on_cpu() else plain_max_pool)(x, before)


def transposed(x: Shaped[Array, "B h w I"], kernel: Shaped[Array, "3 3 I O"]) -> Float[Array, "B H W O"]:
    """Convolve transposed at stride 2: maps of twice the resolution, in float32."""
    return (cpu_transposed if _on_cpu() else plain_transposed)(x, kernel)


_plain: ContextVar[bool] = ContextVar("_plain", default=False)


@contextmanager
def plain_forms() -> Iterator[None]:
    """Have the plain forms on processors too, for as long as a network is traced to be written down."""
    token = _plain.set(True)
    try:
        yield
    finally:
        _plain.reset(token)


def _on_cpu() -> bool:
    return jax.default_backend() == "cpu" and not _plain.get()


# --- plain ------------------------------------------------------------------------------------------------------------


def plain_convolve(
    x: Shaped[Array, "B H W I"], kernel: Shaped[Array, "k k I O"], stride: int, dilation: int
) -> Shaped[Array, "B h w O"]:
    """Return what `convolve` does."""
    pad = dilation * (kernel.shape[0] - 1) // 2
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        (stride, stride),
        ((pad, pad), (pad, pad)),
        rhs_dilation=(dilation, dilation),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def plain_max_pool(x: Shaped[Array, "B H W C"], before: int) -> Shaped[Array, "B h w C"]:
    """Return what `max_pool` does."""
    behind = [(side + 1) // 2 * 2 + 1 - before - side for side in x.shape[1:3]]
    padding = ((0, 0), (before, behind[0]), (before, behind[1]), (0, 0))
    return jax.lax.reduce_window(x, x.dtype.type(-jnp.inf), jax.lax.max, (1, 3, 3, 1), (1, 2, 2, 1), padding)


def plain_transposed(x: Shaped[Array, "B h w I"], kernel: Shaped[Array, "3 3 I O"]) -> Float[Array, "B H W O"]:
    """Return what `transposed` does."""
    return jax.lax.conv_transpose(x, kernel, (2, 2), "SAME").astype(jnp.float32)


# --- on processors ----------------------------------------------------------------------------------------------------


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def cpu_convolve(
    x: Shaped[Array, "B H W I"], kernel: Shaped[Array, "k k I O"], stride: int, dilation: int
) -> Shaped[Array, "B h w O"]:
    """Convolve, with a gradient that takes two thirds of the time of XLA's own.

    XLA fuses what comes before into the transposition that the gradient towards the kernel begins with, and walks
    memory across. The barrier keeps the two apart (`CPU_OPTIONS` makes it last); for 1x1 convolutions the input, the
    lesser of the two, is transposed.
    """
    return _products(x, kernel, stride, dilation)


def _products(
    x: Shaped[Array, "B H W I"], kernel: Shaped[Array, "k k I O"], stride: int, dilation: int
) -> Shaped[Array, "B h w O"]:
    if kernel.shape[0] == 1:  # a matrix product takes a third less time than the same 1x1 convolution
        return jnp.einsum("bhwi,io->bhwo", x[:, ::stride, ::stride], kernel[0, 0])
    return plain_convolve(x, kernel, stride, dilation)


_Saved = tuple[Shaped[Array, "B H W I"], Shaped[Array, "k k I O"]]


def _forward(
    x: Shaped[Array, "B H W I"], kernel: Shaped[Array, "k k I O"], stride: int, dilation: int
) -> tuple[Shaped[Array, "B h w O"], _Saved]:
    return _products(x, kernel, stride, dilation), (x, kernel)


def _backward(stride: int, dilation: int, saved: _Saved, gradient: Shaped[Array, "B h w O"]) -> _Saved:
    x, kernel = saved
    x, gradient = jax.lax.optimization_barrier((x, gradient))
    (to_input,) = jax.vjp(lambda x: _products(x, kernel, stride, dilation), x)[1](gradient)
    if kernel.shape[0] == 1:
        return to_input, jnp.einsum("bhwi,bhwo->io", x[:, ::stride, ::stride], gradient)[None, None]
    (to_kernel,) = jax.vjp(lambda kernel: _products(x, kernel, stride, dilation), kernel)[1](gradient)
    return to_input, to_kernel


cpu_convolve.defvjp(_forward, _backward)


def cpu_max_pool(x: Shaped[Array, "B H W C"], before: int) -> Shaped[Array, "B h w C"]:
    """Pool by maxima of slices: the gradient of XLA's own window maximum takes four times as long."""
    low = float("-inf")
    for axis in (1, 2):
        length = (x.shape[axis] + 1) // 2
        widths = [(0, 0)] * 4
        widths[axis] = (before, max(0, 2 * length + 1 - before - x.shape[axis]))
        padded = jnp.pad(x, widths, constant_values=low)
        taps = [jax.lax.slice_in_dim(padded, tap, tap + 2 * length - 1, 2, axis=axis) for tap in range(3)]
        x = jnp.maximum(jnp.maximum(taps[0], taps[1]), taps[2])
    return x


def cpu_transposed(x: Shaped[Array, "B h w I"], kernel: Shaped[Array, "3 3 I O"]) -> Float[Array, "B H W O"]:
    """Convolve transposed at stride 2: one matrix product makes all taps, whose gradient takes a tenth of the time."""
    taps = jnp.einsum("bhwi,uvio->bhwuvo", x, kernel).astype(jnp.float32)
    return _interleave(_interleave(taps, axis=1), axis=2)


def _interleave(taps: Float[Array, "..."], *, axis: int) -> Float[Array, "..."]:
    """Lay the taps on axis 3 out along `axis`: the last of cell i adds to cell 2i, then to 2i + 1 and 2i + 2."""
    last, middle, first = (jnp.take(taps, tap, axis=3) for tap in range(3))
    before = [(1, 0) if index == axis else (0, 0) for index in range(last.ndim)]
    shifted = jax.lax.slice_in_dim(jnp.pad(last, before), 0, last.shape[axis], axis=axis)
    pairs = jnp.stack([first + shifted, middle], axis=axis + 1)
    return pairs.reshape(*pairs.shape[:axis], -1, *pairs.shape[axis + 2 :])
