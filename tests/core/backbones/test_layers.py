"""Each layer against its definition, or against what XLA makes of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from posecut_core.backbones import kernels
from posecut_core.backbones.layers import (
    Conv,
    DepthwiseConv,
    FrozenBatchNorm,
    GroupNorm,
    TransposedConv,
    drawing,
    undrawn,
)


def drawn(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


def assert_equal_with_gradients(one, other, *inputs, tolerance):
    """Two functions have equal results, and gradients toward each input."""
    found, back = jax.vjp(jax.jit(one), *inputs)
    expected, other_back = jax.vjp(jax.jit(other), *inputs)
    toward = drawn(*expected.shape, seed=9)
    for ours, theirs in zip((found, *back(toward)), (expected, *other_back(toward)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize(("height", "width"), [(8, 12), (7, 9), (5, 8), (2, 1)])
def test_pooling_is_the_same_on_every_device(height, width, before):
    """Maxima of slices, as on the CPU, equal XLA's window maximum, and so do their gradients."""
    pools = (lambda x, pool=pool: pool(x, before) for pool in (kernels.cpu_max_pool, kernels.plain_max_pool))
    assert_equal_with_gradients(*pools, drawn(2, height, width, 3), tolerance=1e-6)


@pytest.mark.parametrize("same", [False, True])
@pytest.mark.parametrize(
    ("kernel", "stride", "dilation"), [(1, 1, 1), (1, 2, 1), (3, 1, 1), (3, 2, 1), (3, 1, 2), (7, 2, 1)]
)
def test_convolving_is_the_same_on_every_device(kernel, stride, dilation, same):
    """Products, and gradients of our own, as on the CPU, equal XLA's convolution and what XLA derives from it."""
    forms = (
        lambda x, weights, form=form: form(x, weights, stride, dilation, same)
        for form in (kernels.cpu_convolve, kernels.plain_convolve)
    )
    weights = drawn(kernel, kernel, 3, 4, seed=1) / kernel
    assert_equal_with_gradients(*forms, drawn(2, 9, 8, 3), weights, tolerance=1e-4)


@pytest.mark.parametrize("same", [False, True])
@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(3, 1, 1), (3, 2, 1), (3, 1, 2), (5, 1, 2), (5, 2, 1)])
def test_convolving_by_channels_is_the_same_on_every_device(kernel, stride, dilation, same):
    """Shifted products, and gradients of our own, as on the CPU, equal XLA's convolution and its gradients."""
    forms = (
        lambda x, weights, form=form: form(x, weights, stride, dilation, same)
        for form in (kernels.cpu_depthwise, kernels.plain_convolve)
    )
    weights = drawn(kernel, kernel, 1, 3, seed=1) / kernel
    assert_equal_with_gradients(*forms, drawn(2, 9, 8, 3), weights, tolerance=1e-5)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 5), (4, 2)])
def test_convolving_transposed_is_the_same_on_every_device(height, width):
    """Taps laid out and added up, as on the CPU, equal XLA's transposed convolution and its gradients."""
    x, weights = drawn(2, height, width, 8), drawn(3, 3, 8, 3, seed=1)
    assert_equal_with_gradients(kernels.cpu_transposed, kernels.plain_transposed, x, weights, tolerance=1e-5)


@pytest.mark.parametrize("backend", ["cpu", "gpu"])
def test_only_the_cpu_has_other_forms(monkeypatch, backend):
    """Which form runs is a matter of the backend; elsewhere XLA's own is kept."""
    monkeypatch.setattr(kernels.jax, "default_backend", lambda: backend)
    for layer, operation in (
        (Conv(drawing(0), 3, 4, kernel=1), "conv_general_dilated"),
        (DepthwiseConv(drawing(0), 3, kernel=3, stride=1, dilation=1, same=False), "conv_general_dilated"),
        (TransposedConv(drawing(0), 3, 4, stdev=1.0), "conv_general_dilated"),
        (lambda x: kernels.max_pool(x, before=1), "reduce_window"),
    ):
        assert (operation in str(jax.make_jaxpr(layer)(drawn(1, 4, 4, 3)))) is (backend == "gpu")


def test_barriers_reach_the_compiled_program():
    """The pass that `CPU_OPTIONS` leaves out exists: without the option it takes the gradients' barriers away."""

    def loss(x, weights):
        return jnp.sum(kernels.cpu_convolve(x, weights, 1, 1, False) ** 2)

    arguments = drawn(1, 8, 8, 2), drawn(3, 3, 2, 2)
    programs = [
        jax.jit(jax.grad(loss, argnums=1), compiler_options=options).lower(*arguments).compile().as_text()
        for options in (kernels.CPU_OPTIONS, None)
    ]
    assert ["opt-barrier" in program for program in programs] == [True, False]


@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 2)])
def test_a_3x3_convolution_is_its_sum(stride, dilation):
    """Each output is the sum over taps `dilation` apart around the cell that the stride picks, zeros outside."""
    conv, x = Conv(drawing(0), 2, 3, kernel=3, stride=stride, dilation=dilation), drawn(1, 7, 6, 2)
    padded = np.pad(np.asarray(x), ((0, 0), (dilation, dilation), (dilation, dilation), (0, 0)))
    kernel = np.asarray(conv.kernel[...])
    expected = sum(
        padded[:, dilation * i : dilation * i + 7, dilation * j : dilation * j + 6] @ kernel[i, j]
        for i in range(3)
        for j in range(3)
    )[:, ::stride, ::stride]
    np.testing.assert_allclose(conv(x), expected, rtol=1e-5, atol=1e-5)


def test_kernels_are_drawn_for_rectified_inputs():
    """Equal seeds draw equal kernels, with He's standard deviation or the one that is asked for."""
    one, again = (Conv(drawing(3), 16, 64, kernel=3).kernel[...] for _ in range(2))
    np.testing.assert_array_equal(one, again)
    assert float(jnp.std(one)) == pytest.approx(np.sqrt(2 / (9 * 16)), rel=0.05)
    assert float(jnp.std(Conv(drawing(3), 16, 64, kernel=3, stdev=0.5).kernel[...])) == pytest.approx(0.5, rel=0.05)
    assert not Conv(undrawn, 2, 2, kernel=1).kernel[...].any()


def scaled(norm, channels):
    norm.scale[...], norm.bias[...] = drawn(channels, seed=1), drawn(channels, seed=2)
    return norm


@pytest.mark.parametrize(("channels", "groups"), [(64, 32), (8, 8), (48, 16)])
def test_group_norm_is_the_formula(channels, groups):
    """Each group of channels of each image has mean 0 and variance 1 before scale and bias (Wu & He 2018, eq. 1-7)."""
    norm, x = scaled(GroupNorm(channels), channels), 3 + 2 * drawn(2, 4, 5, channels)
    grouped = np.asarray(x, np.float64).reshape(2, 4, 5, groups, -1)
    mean, variance = (moment(grouped, axis=(1, 2, 4), keepdims=True) for moment in (np.mean, np.var))
    plain = ((grouped - mean) / np.sqrt(variance + 1e-5)).reshape(x.shape)
    expected = plain * np.asarray(norm.scale[...]) + np.asarray(norm.bias[...])
    np.testing.assert_allclose(norm(x), expected, rtol=1e-4, atol=1e-4)


def test_group_norm_of_a_constant_image_is_finite():
    """A constant image, whose variance rounds to 0 or below, gives the bias and a finite gradient."""
    norm, x = GroupNorm(32), jnp.full((1, 3, 3, 32), 1234.567)
    np.testing.assert_allclose(norm(x), 0, atol=0.1)
    assert np.isfinite(jax.jit(jax.grad(lambda x: norm(x).sum()))(x)).all()


def test_frozen_batch_norm_is_an_affine_map():
    """Each channel is scaled and shifted, whatever else is in the batch."""
    norm, x = scaled(FrozenBatchNorm(4), 4), drawn(2, 3, 3, 4)
    np.testing.assert_allclose(norm(x), x * drawn(4, seed=1)[None, None, None] + drawn(4, seed=2)[None, None, None])
    np.testing.assert_array_equal(norm(x)[:1], norm(x[:1]))


@pytest.mark.parametrize(
    "layer",
    [
        lambda: Conv(drawing(0), 32, 32, kernel=1),
        lambda: Conv(drawing(0), 32, 32, kernel=3),
        lambda: GroupNorm(32),
        lambda: FrozenBatchNorm(32),
    ],
)
def test_layers_keep_the_precision_of_their_input(layer):
    """Parameters are float32; what is computed has the precision of what comes in, and nearly the same values."""
    layer, x = layer(), drawn(1, 4, 4, 32)
    low = layer(x.astype(jnp.bfloat16))
    assert low.dtype == jnp.bfloat16
    np.testing.assert_allclose(low.astype(jnp.float32), layer(x), atol=0.1)
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(nnx.state(layer)))
