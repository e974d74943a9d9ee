"""A network written as ONNX computes what the network computes, in another program."""

from collections import Counter
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import onnxruntime
import pytest
from flax import nnx

from posecut_core.backbones.layers import Conv, FrozenBatchNorm
from posecut_core.backbones.resnet import ResNetSpec
from posecut_core.errors import ModelError
from posecut_core.inference.export import network_onnx
from posecut_core.model.pose_net import NetworkSpec, initial_parameters, scoremaps
from tests.toy_backbone import Toy, TwoConvs


class Light(TwoConvs):
    """What other networks are made of: depthwise convolutions, padding behind only, ceilings, means, divisions."""

    def __init__(self, draw, stages, channels):
        super().__init__(draw, stages, channels)
        self.norm = FrozenBatchNorm(stages[0].channels)
        self.pointwise = Conv(draw, stages[0].channels, stages[0].channels, kernel=1)
        self.depthwise = nnx.Param(draw((3, 3, 1, stages[0].channels), 1.0))

    def __call__(self, x):
        first, _ = super().__call__(x)
        spatial = jax.lax.conv_general_dilated(
            first,
            self.depthwise[...],
            (1, 1),
            ((0, 2), (0, 2)),
            feature_group_count=first.shape[-1],
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        first = (
            first
            + jnp.clip(spatial, -1, 1)
            + jnp.split(jnp.concatenate([spatial, jax.nn.sigmoid(first)], -1), 2, axis=-1)[1]
        )
        first = jax.nn.relu6(self.norm(self.pointwise(first)))
        means = jnp.sqrt(jnp.square(first).mean(axis=(1, 2), keepdims=True))
        first = first * jax.nn.sigmoid(means) * jax.lax.rsqrt(1 + jnp.square(first))
        return first, jax.nn.relu(self.second(first))


class Sine(TwoConvs):
    """A layer that nobody writes."""

    def __call__(self, x):
        first, last = super().__call__(x)
        return first, jnp.sin(last)


@dataclass(frozen=True)
class Made(Toy):
    """A toy of other layers."""

    module: type = Light

    def build(self, draw, channels):
        return self.module(draw, self.stages, channels)


def network(backbone, **more):
    spec = NetworkSpec(backbone, ("nose", "tail"), **more)
    generator = np.random.default_rng(0)
    parameters = jax.tree.map(
        lambda leaf: leaf + 0.1 * generator.standard_normal(leaf.shape).astype(np.float32), initial_parameters(0, spec)
    )
    return spec, parameters


@pytest.mark.parametrize(
    ("backbone", "context"),
    [
        (Toy(), 0),
        (Toy(), 2),
        (Made(), 0),
        (ResNetSpec(18, 0.125, "frozen_batch", pool_before=0), 0),
        (ResNetSpec(18, 0.125, "group"), 0),
    ],
    ids=["toy", "context", "light", "frozen_batch", "group"],
)
def test_a_written_network_computes_the_same_on_images_of_any_size(backbone, context):
    """Score maps and offsets equal those of JAX to rounding, for any batch, height and width."""
    spec, parameters = network(backbone, context=context)
    session = onnxruntime.InferenceSession(network_onnx(spec, parameters).SerializeToString())
    for size in ((1, 64, 96), (3, 48, 32))[isinstance(backbone, ResNetSpec) :]:  # which takes long to compile
        images = np.random.default_rng(1).random((*size, spec.channels), np.float32)
        expected = jax.jit(scoremaps, static_argnums=0)(spec, parameters, images)
        for mine, theirs in zip(session.run(None, {"images": images}), expected, strict=True):
            np.testing.assert_allclose(mine, theirs, atol=1e-4, rtol=1e-4)


def test_norms_ceilings_and_layouts_take_no_time():
    """A BatchNorm lies in its convolution; channels are moved where images come in and where maps go out."""
    spec, parameters = network(ResNetSpec(18, 0.125, "frozen_batch"), intermediate=True, precision="bfloat16")
    kinds = Counter(node.op_type for node in network_onnx(spec, parameters).graph.node)
    assert kinds["Conv"] == 21 + 2  # 21 of the backbone, two of the heads; the intermediate head predicts nothing
    assert (kinds["Mul"], kinds["Transpose"], kinds["ConvTranspose"]) == (0, 3, 0)
    assert kinds["Add"] == 8 + 2  # of the blocks and of the heads
    clipped = Counter(node.op_type for node in network_onnx(*network(Made())).graph.node)
    assert (clipped["Clip"], clipped["Min"]) == (1, 1)


def test_what_cannot_be_written_is_refused():
    """A network of other layers is refused by the name of what it computes."""
    with pytest.raises(ModelError, match="computes sin, which cannot be written as ONNX"):
        network_onnx(*network(Made(module=Sine)))
