"""Weights of a ResNet-18 of an eighth of the width, drawn, as torchvision would name them."""

import numpy as np

NORM = ("weight", "bias", "running_mean", "running_var")


def torchvision_tensors(*, width=8, statistics=True):
    """Draw the tensors of a thin ResNet-18 under torchvision's names."""
    generator = np.random.default_rng(0)
    tensors = {}

    def add(conv, norm, *shape):
        tensors[f"{conv}.weight"] = generator.normal(size=shape).astype(np.float32)
        for name in NORM if statistics else NORM[:2]:
            tensors[f"{norm}.{name}"] = generator.uniform(0.5, 1.5, shape[0]).astype(np.float32)

    add("conv1", "bn1", 64, 3, 7, 7)
    inputs = 64
    for stage in range(1, 5):
        outputs = width * 2 ** (stage - 1)
        for block in (0, 1):
            prefix = f"layer{stage}.{block}"
            add(f"{prefix}.conv1", f"{prefix}.bn1", outputs, inputs, 3, 3)
            add(f"{prefix}.conv2", f"{prefix}.bn2", outputs, outputs, 3, 3)
            if inputs != outputs:
                add(f"{prefix}.downsample.0", f"{prefix}.downsample.1", outputs, inputs, 1, 1)
            inputs = outputs
    return tensors
