"""Engines: what computes score maps from images. XLA is the reference that every other one is measured against."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt8

from posecut_core.dataset.scoremaps import Scoremaps
from posecut_core.model.pose_net import NetworkSpec, scoremaps


@runtime_checkable
class Engine(Protocol):
    """Computes the score maps of one network."""

    @property
    def name(self) -> str:
        """Return what computes and in which precision: xla, openvino-float32, openvino-bfloat16 or openvino-int8."""

    def start(self, images: UInt8[Array | np.ndarray, "B H W C"]) -> Callable[[], Scoremaps]:
        """Begin with images whose sides are multiples of 16, and return at once; the result waits.

        It is to be asked for once. What was started first is done first. The first images of a size take longer: a
        program is compiled for them.
        """


@dataclass(frozen=True)
class XlaEngine:
    """XLA, on a graphics card or on the processor."""

    name: ClassVar[str] = "xla"

    spec: NetworkSpec
    parameters: Any

    def start(self, images: UInt8[Array | np.ndarray, "B H W C"]) -> Callable[[], Scoremaps]:
        """Return what `Engine.start` does; the maps stay on the device."""
        maps = _maps(self.parameters, jnp.asarray(images), spec=self.spec)
        return lambda: maps


@partial(jax.jit, static_argnames=("spec",))
def _maps(parameters: Any, images: UInt8[Array, "B H W C"], *, spec: NetworkSpec) -> Scoremaps:
    return scoremaps(spec, parameters, images.astype(jnp.float32) / 255)
