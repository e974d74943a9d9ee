"""Make resnet.npz: what the original ResNets compute, for tests/core/backbones/test_resnet.py.

    python tests/golden/make_resnet.py    (needs torch, torchvision and timm, which the tests do not)

Weights and the image are drawn by `drawn_weights` and `drawn_image` from a seed, so that only samples of the
intermediate activations need storing: SAMPLES values of each, at places drawn from the same seed.
"""

import json
from pathlib import Path

import numpy as np

SAMPLES = 200
SIZE = (64, 96)
DEPTHS = (18, 34, 50, 101, 152)
PLAIN_DEPTHS = (18, 50)


def drawn_image() -> np.ndarray:
    """Return a [1, 3, H, W] float32 input."""
    return np.random.default_rng(1).normal(size=(1, 3, *SIZE)).astype(np.float32)


def drawn_weights(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Draw tensors of the given shapes in the order of their names; variances are positive, activations stay small."""
    generator = np.random.default_rng(2)
    return {name: _drawn(generator, name, shapes[name]) for name in sorted(shapes)}


def _drawn(generator: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
    values = generator.normal(size=shape)
    if len(shape) == 4:
        values *= np.sqrt(2 / np.prod(shape[1:]))
    elif name.endswith("running_var"):
        values = 0.5 + values**2
    elif name.endswith("weight"):
        values = 0.7 + 0.1 * values
    else:
        values *= 0.1
    return values.astype(np.float32)


def sampled_places(shape: tuple[int, ...]) -> np.ndarray:
    """Choose places in the flattened [1, H, W, C] activation."""
    return np.random.default_rng(3).integers(np.prod(shape), size=SAMPLES)


def _with_caffe_strides(model):
    """Move each stride into the first convolution and pad the pooling behind only, as the first ResNets had it."""
    import torch

    for layer in (model.layer2, model.layer3, model.layer4):
        layer[0].conv1.stride, layer[0].conv2.stride = (2, 2), (1, 1)
    model.maxpool = torch.nn.Sequential(
        torch.nn.ConstantPad2d((0, 1, 0, 1), float("-inf")), torch.nn.MaxPool2d(kernel_size=3, stride=2)
    )
    return model


def _networks():
    """Yield (name, network): timm's dilated ones of output stride 16, torchvision's plain ones of 32."""
    import timm
    import torchvision

    for name in (*(f"resnet{depth}" for depth in DEPTHS), "resnet50_gn"):
        yield name, timm.create_model(name, output_stride=16, num_classes=0)
    for depth in PLAIN_DEPTHS:
        yield f"resnet{depth}-plain", getattr(torchvision.models, f"resnet{depth}")()
    yield "resnet50-caffe-plain", _with_caffe_strides(torchvision.models.resnet50())


def _layers(model):
    layers = {"stem": model.get_submodule("act1" if hasattr(model, "act1") else "relu"), "pool": model.maxpool}
    return layers | {f"stage{number}": getattr(model, f"layer{number}") for number in range(1, 5)}


def activations(model, layers, *, unused):
    """Return the shapes of the tensors drawn for a network, and its named intermediates [1, H, W, C] in float64."""
    import torch

    state = model.state_dict()
    shapes = {name: tuple(value.shape) for name, value in state.items() if value.ndim and not name.startswith(unused)}
    weights = {name: torch.from_numpy(value) for name, value in drawn_weights(shapes).items()}
    model.load_state_dict(weights, strict=False)
    found = {}
    for name, layer in layers.items():
        layer.register_forward_hook(lambda _, __, out, name=name: found.update({name: out}))
    with torch.no_grad():
        model.double().eval()(torch.from_numpy(drawn_image()).double())
    return shapes, {name: value.numpy().transpose(0, 2, 3, 1) for name, value in found.items()}


def store(file, networks, layers_of, *, unused):
    """Run the networks and store the samples."""
    golden = {}
    for network, model in networks:
        shapes, seen = activations(model, layers_of(model), unused=unused)
        golden[f"{network}/tensors"] = np.array(json.dumps(shapes))
        for name, array in seen.items():
            golden[f"{network}/{name}/shape"] = np.array(array.shape)
            golden[f"{network}/{name}"] = array.ravel()[sampled_places(array.shape)].astype(np.float32)
    np.savez_compressed(Path(__file__).with_name(file), **golden)


if __name__ == "__main__":
    store("resnet.npz", _networks(), _layers, unused=("fc.",))
