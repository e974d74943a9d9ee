"""ResNets against the networks they follow (tests/golden/make_resnet.py), activation by activation."""

import json
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from posecut_core.backbones.layers import drawing, undrawn
from posecut_core.backbones.resnet import Block, ResNet, ResNetSpec
from posecut_core.model.initialization import _backbone_of_weights, _convert_weights
from posecut_core.model.pose_net import NetworkSpec, parameter_shapes
from tests.golden.make_resnet import drawn_image, drawn_weights, sampled_places

GOLDEN = Path(__file__).parents[2] / "golden" / "resnet.npz"
INTERMEDIATES = ("stem", "pool", "stage1", "stage2", "stage3", "stage4")


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as archive:
        return dict(archive)


def backbone(tensors, metadata, *, depth):
    """Return a ResNet that holds the tensors."""
    resnet = _backbone_of_weights(tensors, metadata, net_type=f"resnet_{depth}", norm="auto", source="drawn")
    spec = NetworkSpec(resnet, ("nose",))
    zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, np.float32), parameter_shapes(spec))
    parameters = _convert_weights(tensors, zeros, spec, source="drawn")
    graph, state = nnx.split(nnx.eval_shape(lambda: ResNet(undrawn, resnet, 3)))
    nnx.replace_by_pure_dict(state, parameters["backbone"])
    return nnx.merge(graph, state)


def intermediates(golden, name, metadata=None):
    """Return what our network computes from the weights and the image that the golden network `name` saw."""
    tensors = drawn_weights(json.loads(str(golden[f"{name}/tensors"])))
    network = backbone(tensors, metadata or {}, depth=int(re.match(r"resnet(\d+)", name)[1]))
    seen = network(jnp.asarray(drawn_image().transpose(0, 2, 3, 1)))  # compiled whole it takes far longer
    return {key: np.asarray(value) for key, value in zip(INTERMEDIATES, seen, strict=True)}


def assert_equals_golden(golden, key, found):
    assert found.shape == tuple(golden[f"{key}/shape"])
    np.testing.assert_allclose(found.ravel()[sampled_places(found.shape)], golden[key], rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("name", ["resnet34", "resnet101", "resnet152", "resnet50_gn"])
def test_every_intermediate_is_that_of_the_original(golden, name):
    """With equal weights, stem, pool and stages equal those of timm's network of output stride 16."""
    seen = intermediates(golden, name)
    for key in INTERMEDIATES:
        assert_equals_golden(golden, f"{name}/{key}", seen[key])


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_features_are_also_those_of_the_network_as_it_was_trained(golden, name):
    """Every intermediate is the original's, and every other cell that of the network that strides to the end."""
    seen = intermediates(golden, name)
    for key in INTERMEDIATES:
        assert_equals_golden(golden, f"{name}/{key}", seen[key])
    # Every other cell is what the network that strides in its last stage, as it was trained, computes.
    assert_equals_golden(golden, f"{name}-plain/stage4", seen["stage4"][:, ::2, ::2])


def test_networks_that_stride_in_their_first_convolution_keep_their_features(golden):
    """Dilation in place of the last stride leaves the features of a Caffe-like ResNet-50 as they were."""
    name = "resnet50-caffe-plain"
    seen = intermediates(golden, name, {"stride_in": "conv1"})
    for key in INTERMEDIATES[:5]:
        assert_equals_golden(golden, f"{name}/{key}", seen[key])
    assert_equals_golden(golden, f"{name}/stage4", seen["stage4"][:, ::2, ::2])


@pytest.mark.parametrize(
    ("depth", "blocks", "channels"),
    [
        (18, (2, 2, 2, 2), (64, 128, 256, 512)),
        (34, (3, 4, 6, 3), (64, 128, 256, 512)),
        (50, (3, 4, 6, 3), (256, 512, 1024, 2048)),
        (101, (3, 4, 23, 3), (256, 512, 1024, 2048)),
        (152, (3, 8, 36, 3), (256, 512, 1024, 2048)),
    ],
)
def test_depths_have_the_blocks_of_the_paper(depth, blocks, channels):
    """Blocks per stage and channels are those of He et al. 2016, table 1."""
    spec = ResNetSpec(depth=depth)
    assert spec.channels == channels
    network = nnx.eval_shape(lambda: ResNet(undrawn, spec, 3))
    assert tuple(len(stage) for stage in network.stages) == blocks
    convolutions = 1 + sum(len(block.convs) for stage in network.stages for block in stage)
    assert convolutions + 1 == depth  # the classifier is left out


@pytest.mark.parametrize(("height", "width"), [(16, 16), (64, 96), (65, 33)])
def test_features_are_those_of_the_stages(height, width):
    """Features have the image's sides by each stage's stride, rounded up, and its channels; the last stride is 16."""
    spec = ResNetSpec(depth=18, width=0.125)
    images = jax.ShapeDtypeStruct((2, height, width, 3), jnp.float32)
    features = jax.eval_shape(lambda images: ResNet(undrawn, spec, 3)(images), images)
    expected = [(2, -(-height // stride), -(-width // stride), channels) for stride, channels in spec.stages]
    assert [each.shape for each in features] == expected
    assert spec.stages[-1] == (16, 64)


@pytest.mark.parametrize("depth", [18, 50])
def test_a_fresh_block_is_the_identity(depth):
    """A fresh block without a projection changes nothing, so that deep networks begin as shallow ones."""
    block = Block(drawing(0), ResNetSpec(depth=depth), 8, 8, stride=1, dilations=(1, 1))
    x = jax.random.uniform(jax.random.key(0), (1, 4, 4, 8))
    np.testing.assert_array_equal(block(x), x)
