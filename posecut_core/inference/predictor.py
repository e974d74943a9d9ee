"""A trained network, ready to look at images."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Float64, UInt8

from posecut_core.dataset.frames import resize, scale_points, scaled_size
from posecut_core.dataset.scoremaps import STRIDE, Scoremaps, decode
from posecut_core.errors import ArgumentError, ModelError, Remedy
from posecut_core.model.devices import use_compilation_cache
from posecut_core.model.pose_net import NetworkSpec, parameter_shapes, scoremaps
from posecut_core.model.snapshots import SnapshotInfo, load_parameters, read_info
from posecut_core.project.paths import Project, snapshot_folder, snapshot_steps


@partial(jax.jit, static_argnames=("spec", "size"))
def _locate(
    parameters: Any, images: UInt8[Array, "B H W 3"], *, spec: NetworkSpec, size: tuple[int, int]
) -> tuple[Float[Array, "B K 2"], Float[Array, "B K"]]:
    """Scale images to `size`, run the network, decode; positions are pixels of the scaled image.

    Only B x K x 3 numbers leave the device.
    """
    return decode(_maps(parameters, images, spec, size))


@partial(jax.jit, static_argnames=("spec", "size"))
def _score(
    parameters: Any, images: UInt8[Array, "B H W 3"], *, spec: NetworkSpec, size: tuple[int, int]
) -> Float[Array, "B h w K"]:
    """Scale images to `size` and run the network; probabilities of the cells that lie in the scaled image."""
    probabilities = jax.nn.sigmoid(_maps(parameters, images, spec, size).scores)
    return probabilities[:, : -(-size[0] // STRIDE), : -(-size[1] // STRIDE)]


def _maps(parameters: Any, images: UInt8[Array, "B H W 3"], spec: NetworkSpec, size: tuple[int, int]) -> Scoremaps:
    scaled = resize(images, height=size[0], width=size[1]) / 255
    multiple = spec.backbone.stages[-1].stride
    bottom, right = -size[0] % multiple, -size[1] % multiple
    return scoremaps(spec, parameters, jnp.pad(scaled, ((0, 0), (0, bottom), (0, right), (0, 0)), mode="edge"))


@dataclass(frozen=True)
class ImageScoremaps:
    """What the network says about every part of an image."""

    likelihood: Float32[np.ndarray, "h w K"]
    cell: Float64[np.ndarray, "2"]  # width and height of a cell in pixels of the image
    origin: Float64[np.ndarray, "2"]  # x, y of the middle of the top-left cell


@dataclass(frozen=True)
class Predictor:
    """Predict poses with the parameters of one snapshot."""

    info: SnapshotInfo
    parameters: Any

    @classmethod
    def load(cls, model_folder: Path, *, snapshot: str | int = "last") -> "Predictor":
        """Load the snapshot of a step, or the last one.

        Raises:
            ModelError: there is no such snapshot, or it is damaged.
        """
        use_compilation_cache()
        steps = snapshot_steps(model_folder)
        if not steps:
            raise ModelError(f"There is no trained network in {model_folder}; train it first.", Remedy("train_network"))
        step = steps[-1] if snapshot == "last" else snapshot
        if step not in steps:
            known = ", ".join(map(str, steps))
            raise ModelError(f"There is no snapshot of step {step} in {model_folder}; choose one of {known}.")
        folder = snapshot_folder(model_folder, int(step))
        info = read_info(folder)
        return cls(info, load_parameters(folder, parameter_shapes(info.network)))

    @property
    def bodyparts(self) -> tuple[str, ...]:
        """Names of the bodyparts, in the order of predictions."""
        return self.info.network.bodyparts

    @property
    def scorer(self) -> str:
        """Name of the network for result files."""
        return self.info.scorer

    @property
    def step(self) -> int:
        """Training steps that the snapshot has seen."""
        return self.info.step

    def predict(
        self, images: UInt8[np.ndarray, "B H W 3"]
    ) -> tuple[Float64[np.ndarray, "B K 2"], Float64[np.ndarray, "B K"]]:
        """Return (x, y) in pixels of the given images, and likelihoods; compiled once per shape of `images`."""
        source = images.shape[1:3]
        size = scaled_size(source[0], source[1], scale=self.info.global_scale)
        xy, likelihood = _locate(self.parameters, jnp.asarray(images), spec=self.info.network, size=size)
        points = scale_points(np.asarray(xy, np.float64), source=size, target=source)
        return points, np.asarray(likelihood, np.float64)

    def scoremaps(self, image: UInt8[np.ndarray, "H W 3"]) -> ImageScoremaps:
        """Return the likelihood of each bodypart in each cell of its score map."""
        source = image.shape[:2]
        size = scaled_size(source[0], source[1], scale=self.info.global_scale)
        likelihood = _score(self.parameters, jnp.asarray(image[None]), spec=self.info.network, size=size)
        first = np.array([[0.0, 0.0], [STRIDE, STRIDE]]) + (STRIDE - 1) / 2
        origin, second = scale_points(first, source=size, target=(source[0], source[1]))
        return ImageScoremaps(np.asarray(likelihood[0], np.float32), second - origin, origin)


def chosen_batch_size(project: Project, batch_size: int | None) -> int:
    """Return how many frames the network sees at once; None means config.yaml's batch_size.

    Raises:
        ArgumentError: it is less than 1.
    """
    if batch_size is None:
        return project.config.batch_size
    if batch_size < 1:
        raise ArgumentError(f"batch_size is {batch_size}, expected 1 or more.")
    return batch_size
