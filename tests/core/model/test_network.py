"""The pose network: shapes, where a fresh one starts, precision."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posecut_core.backbones.resnet import ResNetSpec
from posecut_core.model.pose_net import _PRIOR, initial_parameters, parameter_shapes, scoremaps, training_maps


def images(count, height, width):
    return jnp.asarray(np.random.default_rng(0).random((count, height, width, 3), np.float32))


@pytest.mark.parametrize(("height", "width"), [(16, 16), (48, 80), (32, 64)])
def test_maps_have_stride_8(thin, height, width):
    """Maps have a cell per 8 pixels, one score and two offsets per bodypart."""
    shapes = parameter_shapes(thin)
    found = jax.eval_shape(
        lambda parameters, x: scoremaps(thin, parameters, x),
        shapes,
        jax.ShapeDtypeStruct((3, height, width, 3), jnp.float32),
    )
    cells = (height // 8, width // 8)
    assert found.scores.shape == (3, *cells, 2)
    assert found.locref.shape == (3, *cells, 2, 2)


def test_images_of_a_batch_do_not_mix(thin, thin_parameters):
    """An image gets the same maps whatever stands beside it in the batch."""
    network, x = jax.jit(scoremaps, static_argnums=0), images(2, 32, 32)
    # Batches of one size run one program: those of two round differently, by more than 1e-5 on some processors.
    beside, alone = network(thin, thin_parameters, x), network(thin, thin_parameters, x.at[0].set(0))
    np.testing.assert_allclose(beside.scores[1:], alone.scores[1:], atol=1e-5)
    np.testing.assert_allclose(beside.locref[1:], alone.locref[1:], atol=1e-5)


@pytest.mark.parametrize("norm", ["group", "frozen_batch"])
def test_bfloat16_is_close(thin, thin_parameters, norm):
    """In bfloat16 the maps are float32 still, and close to what float32 gives; parameters are the same."""
    spec = dataclasses.replace(thin, backbone=dataclasses.replace(thin.backbone, norm=norm))
    low = dataclasses.replace(spec, precision="bfloat16")
    assert jax.tree.map(lambda leaf: leaf.dtype, parameter_shapes(low)) == jax.tree.map(
        lambda leaf: leaf.dtype, parameter_shapes(spec)
    )
    network, x = jax.jit(scoremaps, static_argnums=0), images(1, 64, 64)
    exact, close = network(spec, thin_parameters, x), network(low, thin_parameters, x)
    for one, other in zip(exact, close, strict=True):
        assert other.dtype == jnp.float32
        deviation = float(jnp.std(one - jnp.mean(one)))
        np.testing.assert_allclose(one, other, atol=0.15 * deviation)


def test_a_fresh_network_expects_little(thin):
    """Before training every cell's probability is near the share of cells that show a bodypart."""
    maps = jax.jit(scoremaps, static_argnums=0)(thin, initial_parameters(0, thin), images(1, 64, 64))
    np.testing.assert_allclose(jax.nn.sigmoid(maps.scores), _PRIOR, atol=0.02)
    np.testing.assert_allclose(maps.locref, 0, atol=0.2)


def test_parameters_follow_from_the_seed(thin):
    """Equal seeds draw equal parameters, other keys others, of the shapes that are announced."""
    one, again, other = (initial_parameters(seed, thin) for seed in (0, 0, 1))
    jax.tree.map(np.testing.assert_array_equal, one, again)
    assert not np.array_equal(one["backbone"]["stem"]["kernel"], other["backbone"]["stem"]["kernel"])
    announced = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), parameter_shapes(thin))
    assert jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), one) == announced


def test_the_paper_s_network_has_its_size(thin):
    """A ResNet-50 without its classifier has torchvision's 23,508,032 parameters."""
    spec = dataclasses.replace(thin, backbone=ResNetSpec(depth=50))
    backbone = parameter_shapes(spec)["backbone"]
    assert sum(leaf.size for leaf in jax.tree.leaves(backbone)) == 23_508_032


def test_intermediate_supervision_adds_maps_of_the_third_stage(thin):
    """They have the shape of the final ones and parameters of their own; what predicts stays the same."""
    spec = dataclasses.replace(thin, intermediate=True)
    parameters, x = initial_parameters(0, spec), images(1, 32, 48)
    final, middle = jax.jit(training_maps, static_argnums=0)(spec, parameters, x)
    assert jax.tree.map(jnp.shape, final) == jax.tree.map(jnp.shape, middle)
    np.testing.assert_allclose(jax.nn.sigmoid(middle.scores), _PRIOR, atol=0.02)
    alone = {name: value for name, value in parameters.items() if not name.startswith("middle")}
    assert jax.tree.structure(alone) == jax.tree.structure(parameter_shapes(thin))
    np.testing.assert_allclose(jax.jit(scoremaps, static_argnums=0)(thin, alone, x).scores, final.scores, atol=1e-5)


def test_a_context_begins_as_the_network_without(thin):
    """Kernels of neighbors begin at zero and are all that is new: nothing changes until they have learned something."""
    seeing = dataclasses.replace(thin, context=2)
    before, after = initial_parameters(0, thin), initial_parameters(0, seeing)
    assert after["backbone"]["stem"].pop("further").shape == (7, 7, 4, 64)
    jax.tree.map(np.testing.assert_array_equal, before, after)
    x = jnp.asarray(np.random.default_rng(0).random((1, 32, 48, 7), np.float32))
    alone, beside = scoremaps(thin, before, x[..., :3]), scoremaps(seeing, initial_parameters(0, seeing), x)
    jax.tree.map(lambda one, other: np.testing.assert_allclose(one, other, atol=1e-6), alone, beside)


def test_where_nothing_moves_neighbors_say_nothing(thin, thin_parameters):
    """Whatever their kernels are, frames that repeat the frame in the middle leave the maps as they are."""
    seeing = dataclasses.replace(thin, context=1)
    further = jnp.asarray(np.random.default_rng(1).normal(size=(7, 7, 2, 64)).astype(np.float32))
    backbone = thin_parameters["backbone"]
    moved = {**thin_parameters, "backbone": {**backbone, "stem": {**backbone["stem"], "further": further}}}
    x = images(1, 32, 48)
    still = jnp.concatenate([x, x[..., 1:2], x[..., 1:2]], axis=-1)
    alone = scoremaps(thin, thin_parameters, x)
    found = scoremaps(seeing, moved, still)
    jax.tree.map(lambda one, other: np.testing.assert_allclose(one, other, atol=1e-5), alone, found)
    differs = scoremaps(seeing, moved, still.at[..., 3].add(0.5))
    assert float(jnp.abs(differs.scores - alone.scores).max()) > 1e-3
