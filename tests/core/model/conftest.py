"""A thin network that compiles in a moment, and its parameters."""

import jax
import numpy as np
import pytest

from posecut_core.backbones.resnet import ResNetSpec
from posecut_core.model.pose_net import NetworkSpec, parameter_shapes


def drawn(generator, path, leaf):
    name = path[-1].key
    if name == "scale":
        return np.ones(leaf.shape, np.float32)
    values = generator.normal(size=leaf.shape)
    return (values * (np.sqrt(2 / np.prod(leaf.shape[:-1])) if name == "kernel" else 0.1)).astype(np.float32)


@pytest.fixture(scope="session")
def thin():
    """A ResNet-18 of an eighth of the width, for two bodyparts."""
    return NetworkSpec(ResNetSpec(depth=18, width=0.125), ("left ear", "right ear"))


@pytest.fixture
def thin_parameters(thin):
    """Parameters for it, all blocks in use, drawn without compiling anything."""
    generator = np.random.default_rng(0)
    shapes = parameter_shapes(thin)
    return jax.tree.map_with_path(lambda path, leaf: jax.numpy.asarray(drawn(generator, path, leaf)), shapes)
