"""The operations of our layers: as XLA has them, and for processors in forms with the same result that take less time.

Other devices keep the plain forms.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial, reduce

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

CPU_OPTIONS = {"xla_disable_hlo_passes": "cse_barrier_expander"}  # or barriers are gone before XLA decides what to fuse


def convolve(
    x: Shaped[Array, "B H W I"], kernel: Shaped[Array, "k k I O"], *, stride: int, dilation: int, same: bool = False
) -> Shaped[Array, "B h w O"]:
    """Convolve, padded as in torchvision: by dilation * (kernel - 1) / 2 on every side.

    With `same` it is padded as in TensorFlow: by the least that gives sides of the image's by the stride, rounded up,
    and by one pixel more behind than in front where that is odd.
    """
    return (cpu_convolve if _on_cpu() else plain_convolve)(x, kernel, stride, dilation, same)


def depthwise(
    x: Shaped[Array, "B H W C"], kernel: Shaped[Array, "k k 1 C"], *, stride: int, dilation: int, same: bool = False
) -> Shaped[Array, "B h w C"]:
    """Convolve each channel with a kernel of its own, padded as in `convolve`."""
    return (cpu_depthwise if _on_cpu() else plain_convolve)(x, kernel, stride, dilation, same)


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
    x: Shaped[Array, "B H W I"], kernel: Shaped[Array, "k k J O"], stride: int, dilation: int, same: bool
) -> Shaped[Array, "B h w O"]:
    """Return what `convolve` does, and `depthwise` where the kernel has one input (J)."""
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        (stride, stride),
        _padding(x, kernel, stride, dilation, same),
        rhs_dilation=(dilation, dilation),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=x.shape[3] // kernel.shape[2],
    )


def _padding(
    x: Shaped[Array, "B H W I"], kernel: Shaped[Array, "k k J O"], stride: int, dilation: int, same: bool
) -> list[tuple[int, int]]:
    """Return the pixels in front and behind, for height and width."""
    reach = dilation * (kernel.shape[0] - 1)
    totals = [max(reach + 1 - (side % stride or stride), 0) if same else reach for side in x.shape[1:3]]
    return [(total // 2, total - total // 2) for total in totals]


def plain_max_pool(x: Shaped[Array, "B H W C"], before: int) -> Shaped[Array, "B h w C"]:
    """Return what `max_pool` does."""
    behind = [(side + 1) // 2 * 2 + 1 - before - side for side in x.shape[1:3]]
    padding = ((0, 0), (before, behind[0]), (before, behind[1]), (0, 0))
    return jax.lax.reduce_window(x, x.dtype.type(-jnp.inf), jax.lax.max, (1, 3, 3, 1), (1, 2, 2, 1), padding)


def plain_transposed(x: Shaped[Array, "B h w I"], kernel: Shaped[Array, "3 3 I O"]) -> Float[Array, "B H W O"]:
    """Return what `transposed` does."""
    return jax.lax.conv_transpose(x, kernel, (2, 2), "SAME").astype(jnp.float32)


# --- on processors ----------------------------------------------------------------------------------------------------


@partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def cpu_convolve(
    x: Shaped[Array, "B H W I"], kernel: Shaped[Array, "k k I O"], stride: int, dilation: int, same: bool
) -> Shaped[Array, "B h w O"]:
    """Convolve, with a gradient that takes two thirds of the time of XLA's own.

    XLA fuses what comes before into the transposition that the gradient toward the kernel begins with, and walks
    memory across. The barrier keeps the two apart (`CPU_OPTIONS` makes it last); for 1x1 convolutions the input, the
    lesser of the two, is transposed.
    """
    return _products(x, kernel, stride, dilation, same)


def _products(
    x: Shaped[Array, "B H W I"], kernel: Shaped[Array, "k k I O"], stride: int, dilation: int, same: bool
) -> Shaped[Array, "B h w O"]:
    if kernel.shape[0] == 1:  # a matrix product takes a third less time than the same 1x1 convolution
        return jnp.einsum("bhwi,io->bhwo", x[:, ::stride, ::stride], kernel[0, 0])
    return plain_convolve(x, kernel, stride, dilation, same)


_Saved = tuple[Shaped[Array, "B H W I"], Shaped[Array, "k k I O"]]


def _forward(
    x: Shaped[Array, "B H W I"], kernel: Shaped[Array, "k k I O"], stride: int, dilation: int, same: bool
) -> tuple[Shaped[Array, "B h w O"], _Saved]:
    return _products(x, kernel, stride, dilation, same), (x, kernel)


def _backward(stride: int, dilation: int, same: bool, saved: _Saved, gradient: Shaped[Array, "B h w O"]) -> _Saved:
    x, kernel = saved
    x, gradient = jax.lax.optimization_barrier((x, gradient))
    (to_input,) = jax.vjp(lambda x: _products(x, kernel, stride, dilation, same), x)[1](gradient)
    if kernel.shape[0] == 1:
        return to_input, jnp.einsum("bhwi,bhwo->io", x[:, ::stride, ::stride], gradient)[None, None]
    (to_kernel,) = jax.vjp(lambda kernel: _products(x, kernel, stride, dilation, same), kernel)[1](gradient)
    return to_input, to_kernel


cpu_convolve.defvjp(_forward, _backward)


def cpu_depthwise(
    x: Shaped[Array, "B H W C"], kernel: Shaped[Array, "k k 1 C"], stride: int, dilation: int, same: bool
) -> Shaped[Array, "B h w C"]:
    """Convolve channel by channel as a sum of shifted products: XLA's own takes 7 to 90 times as long."""
    return _depthwise(x, kernel, stride, dilation, tuple(_padding(x, kernel, stride, dilation, same)))


_Pads = tuple[tuple[int, int], ...]


@partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def _depthwise(
    x: Shaped[Array, "B H W C"], kernel: Shaped[Array, "k k 1 C"], stride: int, dilation: int, pads: _Pads
) -> Shaped[Array, "B h w C"]:
    return _depthwise_forward(x, kernel, stride, dilation, pads)[0]


_SavedPadded = tuple[Shaped[Array, "B P Q C"], Shaped[Array, "k k 1 C"]]


def _depthwise_forward(
    x: Shaped[Array, "B H W C"], kernel: Shaped[Array, "k k 1 C"], stride: int, dilation: int, pads: _Pads
) -> tuple[Shaped[Array, "B h w C"], _SavedPadded]:
    padded = _padded(x, pads)
    reach = dilation * (kernel.shape[0] - 1)
    starts = [range(0, reach + 1, dilation)] * 2
    sides = [(side - reach - 1) // stride + 1 for side in padded.shape[1:3]]
    return _shifted_sum(padded, kernel, starts, sides, stride), (padded, kernel)


def _depthwise_backward(
    stride: int, dilation: int, pads: _Pads, saved: _SavedPadded, gradient: Shaped[Array, "B h w C"]
) -> tuple[Shaped[Array, "B H W C"], Shaped[Array, "k k 1 C"]]:
    padded, kernel = saved
    sides = [side - sum(pad) for side, pad in zip(padded.shape[1:3], pads, strict=True)]
    gradient = jax.lax.optimization_barrier(gradient)
    to_input = _to_input(gradient, kernel, sides, pads, stride, dilation)
    return to_input, _to_kernel(padded, gradient, kernel.shape[0], stride, dilation)


_depthwise.defvjp(_depthwise_forward, _depthwise_backward)


def _padded(x: Shaped[Array, "B H W C"], pads: Sequence[tuple[int, int]]) -> Shaped[Array, "B P Q C"]:
    """Pad, and keep XLA from doing what comes before again for every tap."""
    return jax.lax.optimization_barrier(jnp.pad(x, ((0, 0), *pads, (0, 0))))


def _shifted_sum(
    x: Shaped[Array, "B H W C"],
    kernel: Shaped[Array, "k l 1 C"],
    starts: Sequence[Sequence[int]],
    sides: Sequence[int],
    stride: int,
) -> Shaped[Array, "B h w C"]:
    """Add up windows of x of these sides, each times its tap; they begin at `starts` (of rows and of columns)."""
    windows = [
        _window(x, (top, left), sides, stride) * kernel[i, j][None, None]
        for i, top in enumerate(starts[0])
        for j, left in enumerate(starts[1])
    ]
    return reduce(jnp.add, windows) if windows else jnp.zeros((x.shape[0], *sides, x.shape[3]), x.dtype)


def _window(
    x: Shaped[Array, "B H W C"], start: tuple[int, int], sides: Sequence[int], stride: int
) -> Shaped[Array, "B h w C"]:
    stop = [first + stride * (side - 1) + 1 for first, side in zip(start, sides, strict=True)]
    return jax.lax.slice(x, (0, *start, 0), (x.shape[0], *stop, x.shape[3]), (1, stride, stride, 1))


def _to_input(
    gradient: Shaped[Array, "B h w C"],
    kernel: Shaped[Array, "k k 1 C"],
    sides: Sequence[int],
    pads: Sequence[tuple[int, int]],
    stride: int,
    dilation: int,
) -> Shaped[Array, "B H W C"]:
    """Return the gradient toward an input of these sides: cells that lie alike to the stride at a time.

    Pixel stride * m + phase of the input was seen through tap i by cell m + (phase + pad - dilation * i) / stride.
    """
    size = kernel.shape[0]
    counts = [-(-side // stride) for side in sides]
    lowest = [(before - dilation * (size - 1)) // stride for before, _ in pads]
    highest = [(before + stride - 1) // stride for before, _ in pads]
    around = [
        (max(0, -low), max(0, high + count - given))
        for low, high, count, given in zip(lowest, highest, counts, gradient.shape[1:3], strict=True)
    ]
    padded = _padded(gradient, around)

    def taps(axis: int, phase: int) -> list[tuple[int, int]]:
        """Return the taps through which pixels of a phase were seen, and where the cells begin that saw them."""
        ways = ((tap, phase + pads[axis][0] - dilation * tap) for tap in range(size))
        return [(tap, way // stride + around[axis][0]) for tap, way in ways if way % stride == 0]

    def of_phase(row: int, column: int) -> Shaped[Array, "B h w C"]:
        rows, columns = taps(0, row), taps(1, column)
        own = kernel[np.ix_([tap for tap, _ in rows], [tap for tap, _ in columns])]
        return _shifted_sum(padded, own, [[start for _, start in each] for each in (rows, columns)], counts, 1)

    lines = [jnp.stack([of_phase(row, column) for column in range(stride)], axis=3) for row in range(stride)]
    whole = jnp.stack(lines, axis=2).reshape(len(gradient), stride * counts[0], stride * counts[1], -1)
    return whole[:, : sides[0], : sides[1]]


def _to_kernel(
    padded: Shaped[Array, "B H W C"], gradient: Shaped[Array, "B h w C"], size: int, stride: int, dilation: int
) -> Shaped[Array, "k k 1 C"]:
    """Return the gradient toward the kernel, row by row: a reduction of whole images takes 20 times as long."""
    batch, rows, width, channels = gradient.shape
    reach, span = dilation * (size - 1), stride * (width - 1) + 1

    def add(place: Array, total: Shaped[Array, "l k C"]) -> Shaped[Array, "l k C"]:
        image, row = place // rows, place % rows
        own = jax.lax.dynamic_slice(gradient, (image, row, 0, 0), (1, 1, width, channels))[0]
        around = jax.lax.dynamic_slice(padded, (image, stride * row, 0, 0), (1, reach + 1, padded.shape[2], channels))
        seen = around[0, ::dilation]
        sums = [jnp.sum(seen[:, left : left + span : stride] * own, axis=1) for left in range(0, reach + 1, dilation)]
        return total + jnp.stack(sums)

    none = jnp.zeros((size, size, channels), gradient.dtype)
    return jax.lax.fori_loop(0, batch * rows, add, none).swapaxes(0, 1)[:, :, None]


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
