"""How long a training will take, before it has begun: the work of a step, and how fast this computer works."""

import importlib.util
import time
from functools import cache
from pathlib import Path

import numpy as np

from posecut_core.backbones import AUTO, ON_ACCELERATORS, ON_PROCESSORS
from posecut_core.dataset.settings import TrainingSettings

# Billions of floating-point operations of a plain matrix product that take as long as one crop of 224x224 in a step:
# three times those of the network, divided by the share of a plain product's speed that a step reaches. That was
# measured of resnet_50 (0.46) and efficientnet_lite0 (0.15, as depthwise convolutions wait for memory).
_OF_A_CROP = {
    "resnet_18": 35.0,
    "resnet_34": 65.0,
    "resnet_50": 78.0,
    "resnet_101": 124.0,
    "resnet_152": 170.0,
    "mobilenet_v2_0.5": 6.1,
    "mobilenet_v2_1.0": 20.0,
    "mobilenet_v2_1.4": 38.0,
    "efficientnet_lite0": 29.0,
    "efficientnet_lite2": 43.0,
}
_OF_WIDTH = 1.6  # power of the share of channels; half of them take a third of the time
_SIDE, _TRIALS = 1024, 3
_ON_A_CARD = 6.0e12  # of a small graphics card, in the same measure
_CARD_PLUGINS = ("jax_cuda12_plugin", "jax_cuda13_plugin")


def step_operations(settings: TrainingSettings) -> float:
    """Return the work of a step, in operations of a plain matrix product that take as long.

    A network that is registered elsewhere counts as `resnet_50`.
    """
    chosen = settings.net_type
    if chosen == AUTO:
        light = settings.init_weights != "random" and not has_graphics_card()
        chosen = ON_PROCESSORS if light else ON_ACCELERATORS
    crop = _OF_A_CROP.get(chosen, _OF_A_CROP[ON_ACCELERATORS])
    return 1e9 * crop * settings.width**_OF_WIDTH * settings.batch_size * (settings.crop_size / 224) ** 2


@cache
def operations_per_second() -> float:
    """Measure how fast this computer multiplies matrices, once; of a graphics card it is a guess."""
    if has_graphics_card():
        return _ON_A_CARD
    matrix = np.ones((_SIDE, _SIDE), np.float32)
    times = []
    for _ in range(_TRIALS):
        began = time.perf_counter()
        matrix @ matrix
        times.append(time.perf_counter() - began)
    return 2 * _SIDE**3 / min(times)


@cache
def has_graphics_card() -> bool:
    """Tell whether trainings will find an NVIDIA card, without importing JAX."""
    driver = Path("/proc/driver/nvidia/version").exists()
    return driver and any(importlib.util.find_spec(name) is not None for name in _CARD_PLUGINS)
