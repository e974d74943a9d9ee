"""MobileNetV2 and EfficientNet-Lite against timm's (tests/golden/make_mobile.py), activation by activation."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from posecut_core.backbones import backbone_of
from posecut_core.backbones.kernels import plain_forms
from posecut_core.backbones.layers import drawing, undrawn
from posecut_core.backbones.mobile import Block, MobileSpec
from posecut_core.errors import ModelError
from posecut_core.model.initialization import _backbone_of_weights, _convert_weights
from posecut_core.model.pose_net import NetworkSpec, parameter_shapes
from tests.golden.make_resnet import drawn_image, drawn_weights, sampled_places

GOLDEN = Path(__file__).parents[2] / "golden" / "mobile.npz"
NAMES = ("mobilenet_v2_0.5", "mobilenet_v2_1.0", "mobilenet_v2_1.4", "efficientnet_lite0", "efficientnet_lite2")


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as archive:
        return dict(archive)


def network_of(tensors, net_type):
    """Return a network that holds the tensors."""
    backbone = _backbone_of_weights(tensors, {}, net_type=net_type, norm="auto", source="drawn")
    spec = NetworkSpec(backbone, ("nose",))
    zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, np.float32), parameter_shapes(spec))
    parameters = _convert_weights(tensors, zeros, spec, source="drawn")
    graph, state = nnx.split(nnx.eval_shape(lambda: backbone.build(undrawn, 3)))
    nnx.replace_by_pure_dict(state, parameters["backbone"])
    return nnx.merge(graph, state)


@pytest.mark.parametrize("name", NAMES)
def test_every_intermediate_is_that_of_the_original(golden, name):
    """With equal weights, stem and groups equal those of timm's network of output stride 16.

    One cell of each two by two is also that of the network that strides to the end, as it was trained: the first, or
    where padding is as in TensorFlow the last.
    """
    tensors = drawn_weights(json.loads(str(golden[f"{name}/tensors"])))
    with plain_forms():  # these compile sooner
        seen = network_of(tensors, name)(jnp.asarray(drawn_image().transpose(0, 2, 3, 1)))
    for number, found in enumerate(seen):
        key = f"{name}/{'stem' if number == 0 else f'group{number - 1}'}"
        assert found.shape == tuple(golden[f"{key}/shape"])
        assert_equals(golden[key], found)
    first = int(MobileSpec(name).lite)
    assert_equals(golden[f"{name}-plain/group6"], seen[-1][:, first::2, first::2])


def assert_equals(expected, found):
    np.testing.assert_allclose(np.ravel(found)[sampled_places(found.shape)], expected, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("name", NAMES)
def test_features_are_those_of_the_stages(name):
    """Features have the image's sides by each stage's stride and its channels, from a half to a sixteenth."""
    spec = MobileSpec(name, width=0.5)
    images = jax.ShapeDtypeStruct((2, 64, 96, 3), jnp.float32)
    features = jax.eval_shape(lambda images: spec.build(undrawn, 3)(images), images)
    assert [each.shape for each in features] == [(2, 64 // s, 96 // s, channels) for s, channels in spec.stages]
    assert [stage.stride for stage in spec.stages] == [2, 2, 4, 8, 16, 16, 16, 16]


@pytest.mark.parametrize(("expansion", "lite"), [(1, False), (6, True)])
def test_a_fresh_block_is_the_identity(expansion, lite):
    """A fresh block that adds to its input changes nothing."""
    spec = backbone_of("efficientnet_lite0" if lite else "mobilenet_v2_1.0")
    group = spec.groups[0]._replace(channels=8, expansion=expansion)
    block = Block(drawing(0), spec, 8, group, stride=1, dilation=1)
    x = jax.random.uniform(jax.random.key(0), (1, 4, 4, 8))
    np.testing.assert_array_equal(block(x), x)


def test_weights_of_other_networks_are_refused():
    """Weights of a ResNet, and of another of these networks, are refused by what does not fit."""
    with pytest.raises(ModelError, match=r"ResNet\.safetensors has no tensor blocks\.0\.0\.conv_dw\.weight"):
        backbone_of("efficientnet_lite0").of_weights({}, {}, source="ResNet.safetensors")
    with pytest.raises(ValueError, match="Unsupported network mobilenet_v2_9"):
        MobileSpec("mobilenet_v2_9")
