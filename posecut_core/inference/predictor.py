"""A trained network, ready to look at images."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32, Float64, UInt8

from posecut_core.dataset.frames import resize, scale_points, scaled_size
from posecut_core.dataset.scoremaps import STRIDE, decode
from posecut_core.dataset.settings import read_settings
from posecut_core.errors import ArgumentError, ModelError, Remedy, StorageError
from posecut_core.inference import openvino
from posecut_core.inference.deviation import (
    MEASURED,
    Deviation,
    compare,
    poses_of,
    read_deviations,
    sample_images,
    write_deviations,
)
from posecut_core.inference.engine import Engine, XlaEngine
from posecut_core.inference.ensemble import Ensemble
from posecut_core.inference.export import network_onnx
from posecut_core.inference.exported import open_network
from posecut_core.inference.stored_frames import Poses, Predicts, check_images
from posecut_core.model.devices import use_compilation_cache
from posecut_core.model.pose_net import parameter_shapes
from posecut_core.model.snapshots import SnapshotInfo, ensemble_scorer, load_parameters, read_info
from posecut_core.progress import Notice, Report, silent
from posecut_core.project.given import given_path
from posecut_core.project.opening import open_project
from posecut_core.project.paths import QUANTIZED, Project, Training, snapshot_folder, snapshot_steps
from posecut_core.project.state import read_state
from posecut_core.storage.files import file_sha256
from posecut_core.types import EngineName

_decode = jax.jit(decode)


@dataclass(frozen=True)
class ImageScoremaps:
    """What the network says about every part of an image."""

    likelihood: Float32[np.ndarray, "h w K"]
    cell: Float64[np.ndarray, "2"]  # width and height of a cell in pixels of the image
    origin: Float64[np.ndarray, "2"]  # x, y of the middle of the top-left cell


@dataclass(frozen=True)
class Predictor:
    """Predict poses with a trained network."""

    info: SnapshotInfo
    engine: Engine

    @classmethod
    def load(
        cls,
        model_folder: str | os.PathLike[str],
        *,
        snapshot: str | int = "last",
        engine: EngineName = "xla",
        latency: bool = False,
        report: Report = silent,
    ) -> "Predictor":
        """Load the snapshot of a step, or the last one.

        What JAX compiles for it is kept in the user's cache folder, so that the next start is immediate; a folder that
        JAX was given before stays, and JAX_ENABLE_COMPILATION_CACHE=0 turns this off.

        Args:
            model_folder: folder of the training.
            snapshot: number of training steps, or "last".
            engine: what computes, as in `analyze_videos`; others than XLA need the project that the folder lies in.
            latency: whether single images shall be done as soon as possible, rather than as many as possible in all.
            report: told what computes and how far it is from XLA.

        Raises:
            ModelError: there is no such snapshot, or it is damaged; or the engine is not installed or deviates too
                much.
        """
        use_compilation_cache()
        model_folder = given_path(model_folder)
        steps = snapshot_steps(model_folder)
        if not steps:
            raise ModelError(f"There is no trained network in {model_folder}; train it first.", Remedy("train_network"))
        step = steps[-1] if snapshot == "last" else snapshot
        if step not in steps:
            known = ", ".join(map(str, steps))
            raise ModelError(f"There is no snapshot of step {step} in {model_folder}; choose one of {known}.")
        folder = snapshot_folder(model_folder, int(step))
        info = read_info(folder)
        parameters = load_parameters(folder, parameter_shapes(info.network))
        loaded = cls(info, XlaEngine(info.network, parameters))
        if engine == "xla":
            return loaded
        return chosen_engine(loaded, _training_in(model_folder), engine, latency=latency, report=report)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "Predictor":
        """Open an exported network, a .onnx or .safetensors file, without its project.

        Raises:
            ModelError: there is no such file, it is damaged, its description is missing, or onnxruntime is.
        """
        use_compilation_cache()
        return cls(*open_network(given_path(path)))

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

    @property
    def engine_name(self) -> str:
        """What computes, and in which precision."""
        return self.engine.name

    @property
    def context(self) -> int:
        """How many frames before and after each it sees."""
        return self.info.network.context

    def predict(self, images: Any) -> Poses:
        """Return (x, y) in pixels of the given images, uint8 [B, H, W, 3] in RGB, and likelihoods.

        A network with a `context` takes the frames around each in further channels, which `with_neighbors` adds. A
        program is compiled for each shape of `images`.

        Raises:
            ArgumentError: `images` is something else.
        """
        check_images(images, what="What was given to predict is", batch=True, context=self.context)
        if not len(images):
            return np.empty((0, len(self.bodyparts), 2)), np.empty((0, len(self.bodyparts)))
        return self.start(images)()

    def start(self, images: UInt8[np.ndarray, "B H W C"]) -> Callable[[], Poses]:
        """Begin to predict and return at once; the result waits, and then is that of `predict`."""
        source = images.shape[1:3]
        started, size = self.engine.start(self.scaled(images)), self._size(images)

        def result() -> Poses:
            maps = started()
            found = decode if isinstance(maps.scores, np.ndarray) else _decode
            xy, likelihood = found(maps, self.info.distances)
            points = scale_points(np.asarray(xy, np.float64), source=size, target=source)
            return points, np.asarray(likelihood, np.float64)

        return result

    def scoremaps(self, image: UInt8[np.ndarray, "H W C"]) -> ImageScoremaps:
        """Return the likelihood of each bodypart in each cell of its score map."""
        size = self._size(image[None])
        scores = np.asarray(
            self.engine.start(self.scaled(image[None]))().scores[0, : -(-size[0] // STRIDE), : -(-size[1] // STRIDE)]
        )
        first = np.array([[0.0, 0.0], [STRIDE, STRIDE]]) + (STRIDE - 1) / 2
        origin, second = scale_points(first, source=size, target=(image.shape[0], image.shape[1]))
        return ImageScoremaps(np.asarray(jax.nn.sigmoid(scores), np.float32), second - origin, origin)

    def scaled(self, images: UInt8[np.ndarray, "B H W C"]) -> UInt8[Array | np.ndarray, "B height width C"]:
        """Return images as the engine is given them: scaled, and their edges repeated to the sides that it can take."""
        height, width = self._size(images)
        scaled, multiple = resize(images, height=height, width=width), self.info.network.backbone.stages[-1].stride
        if height % multiple == width % multiple == 0:
            return scaled
        pad = jnp.pad if isinstance(scaled, jax.Array) else np.pad
        return pad(scaled, ((0, 0), (0, -height % multiple), (0, -width % multiple), (0, 0)), mode="edge")

    def _size(self, images: UInt8[np.ndarray, "B H W C"]) -> tuple[int, int]:
        return scaled_size(images.shape[1], images.shape[2], scale=self.info.global_scale)


# --- engines ----------------------------------------------------------------------------------------------------------
# Which engine a network is given: one that is fast, and whose deviation from XLA was measured and is small enough.


_INT8_FRAMES = 64  # that decide on the scales of int8
_WORDS = {
    "openvino-bfloat16": "OpenVINO in bfloat16",
    "openvino-float32": "OpenVINO in float32",
    "openvino-int8": "OpenVINO in int8",
}


def chosen_engine(
    predictor: Predictor, training: Training, engine: EngineName, *, latency: bool = False, report: Report = silent
) -> Predictor:
    """Give a network the engine that is asked for, once its deviation from XLA has been measured and is small enough.

    It is measured on frames of the training dataset, and kept with the snapshot. `auto` is XLA on a graphics card, else
    the first of OpenVINO in bfloat16, OpenVINO in float32 and XLA that may be used.

    Args:
        predictor: the network, computing with XLA.
        training: the training that it is of.
        engine: what is asked for.
        latency: whether single images shall be done as soon as possible, rather than as many as possible in all.
        report: told what computes and how far it is from XLA, and why what comes first does not.

    Raises:
        ModelError: an engine that was asked for by name is not installed, or deviates too much.
    """
    if not isinstance(predictor.engine, XlaEngine):
        return predictor
    limits = read_state(training.project.settings_path).engine_limits
    spec, parameters = predictor.engine.spec, predictor.engine.parameters

    # Each once, for all candidates, and only where it is needed.
    network = cache(lambda: network_onnx(spec, parameters).SerializeToString())
    images = cache(lambda: sample_images(training, MEASURED, context=predictor.context))
    reference = cache(lambda: poses_of(predictor, images()))
    for name in _candidates(engine):
        try:
            made = _openvino_engine(name, predictor, network, training, latency, report)
            other = replace(predictor, engine=made)
            deviation = _deviation(reference, other, images, training, report)
        except ModelError as error:  # a backbone that cannot be written for OpenVINO
            if engine != "auto":
                raise
            report(Notice.of(error))
            continue
        if deviation.doubt:
            return _in_doubt(predictor, other, engine, deviation, report)
        excess = deviation.excess(limits[name if name in limits else "openvino"])
        if not excess:
            report(Notice(f"{_WORDS[name]} computes: {deviation.sentence}"))
            return other
        if engine != "auto":
            raise ModelError(
                f"{_WORDS[name]} is refused for {predictor.scorer}: {excess}; use engine auto, or raise engine_limits "
                f"in {training.project.settings_path}.",
                Remedy("analyze_videos", engine="auto"),
            )
        report(Notice(f"{_WORDS[name]} is not used: {excess}"))
    return predictor


def _in_doubt(
    predictor: Predictor, other: Predictor, engine: EngineName, deviation: Deviation, report: Report
) -> Predictor:
    """Take an engine of which nothing is known only where it was asked for by name."""
    taken = predictor if engine == "auto" else other
    name = _WORDS.get(taken.engine_name, "XLA")
    report(Notice(f"{name} computes; how far OpenVINO is from XLA is not known, as {deviation.doubt}"))
    return taken


def _training_in(folder: Path) -> Training:
    """Find the training of a folder in its project.

    Raises:
        ModelError: it is no training's.
        ProjectError: the project cannot be opened.
    """
    path = folder.resolve()
    if len(path.parents) > 2 and (path.parents[2] / "config.yaml").is_file():
        for project in open_project(path.parents[2]).iterations():
            for training in project.trainings():
                if training.folder.resolve() == path:
                    return training
    raise ModelError(f"{folder} is not the folder of a training in a project; use engine xla.")


def _candidates(engine: EngineName) -> tuple[str, ...]:
    """Return the engines to try before XLA."""
    if engine == "xla" or (engine == "auto" and (jax.default_backend() != "cpu" or not openvino.is_installed())):
        return ()
    if not openvino.is_installed():
        raise ModelError(
            f"Engine {engine} needs OpenVINO, which is not installed; install it with pip install openvino, or use "
            "engine auto.",
            Remedy("analyze_videos", engine="auto"),
        )
    if engine == "openvino-int8":
        return ("openvino-int8",)
    names = (f"openvino-{openvino.fastest_precision()}", "openvino-float32")
    return names[:1] if engine == "openvino" else tuple(dict.fromkeys(names))


def _deviation(
    reference: Callable[[], Poses],
    other: Predictor,
    images: Callable[[], list[UInt8[np.ndarray, "H W C"]]],
    training: Training,
    report: Report,
) -> Deviation:
    """Return how far an engine is from XLA, measured now if it never was."""
    snapshot = training.snapshot(other.step)
    pcutoff = training.project.config.pcutoff
    known = read_deviations(snapshot, runtime=openvino.runtime())
    if other.engine_name not in known or not known[other.engine_name].answers(pcutoff):
        report(Notice(f"measuring how far {_WORDS[other.engine_name]} is from XLA on {len(images())} frames"))
        known[other.engine_name] = compare(
            reference,
            poses_of(other, images()),
            scale=scale_of(other),
            pcutoff=pcutoff,
            runtime=openvino.runtime(),
        )
        write_deviations(snapshot, known)
    return known[other.engine_name]


def _openvino_engine(
    name: str,
    predictor: Predictor,
    network: Callable[[], bytes],
    training: Training,
    latency: bool,
    report: Report,
) -> openvino.OpenvinoEngine:
    """Make an engine, which writes the network for OpenVINO once it is given images; for int8 it is quantized now.

    Raises:
        ModelError: the network cannot be written so, NNCF is not installed, or there are no frames to quantize it by.
    """
    if name != "openvino-int8":
        precision: openvino.Precision = "bfloat16" if name == "openvino-bfloat16" else "float32"
        key = file_sha256(training.manifest(predictor.step))  # holds hashes of the parameters
        return openvino.OpenvinoEngine(network, precision=precision, latency=latency, key=key)
    model = _quantized(network, predictor, training, report)
    return openvino.OpenvinoEngine(lambda: model, precision="int8", latency=latency, key=model.sha256)


def _quantized(
    network: Callable[[], bytes], predictor: Predictor, training: Training, report: Report
) -> openvino.Quantized:
    """Return the quantized network, made now if it is missing, damaged or of another network of this step."""
    snapshot = training.snapshot(predictor.step)
    sha256 = file_sha256(training.manifest(predictor.step))
    kept = openvino.read_quantized(snapshot / QUANTIZED, network=sha256)
    if kept is not None:
        return kept
    images = sample_images(training, _INT8_FRAMES, context=predictor.context)
    if not images:
        raise ModelError(
            f"{predictor.scorer} cannot be quantized to int8, which needs frames of its training dataset; use engine "
            "auto.",
            Remedy("analyze_videos", engine="auto"),
        )
    report(Notice(f"quantizing {predictor.scorer} to int8 by {len(images)} frames, once"))
    made = openvino.quantized(
        network(), [np.asarray(predictor.scaled(image[None]), np.float32) / 255 for image in images]
    )
    others = read_deviations(snapshot, runtime=openvino.runtime())
    others.pop("openvino-int8", None)
    write_deviations(snapshot, others)
    with suppress(StorageError):  # quantized anew the next time
        openvino.write_quantized(snapshot / QUANTIZED, made, network=sha256)
    return made


def loaded_ensemble(training: Training, step: int, engine: EngineName = "xla", *, report: Report = silent) -> Ensemble:
    """Load all networks of a training after `step` steps, each with an engine as `chosen_engine` chooses it.

    Raises:
        ModelError: there are not several, one is damaged, or the engine does not do for it.
    """
    networks = []
    for one in training.ensemble(step):
        loaded = Predictor.load(one.folder, snapshot=step)
        networks.append(chosen_engine(loaded, one, engine, report=report))
    within = read_settings(training.settings).pos_dist_thresh
    return Ensemble(tuple(networks), ensemble_scorer(networks[0].info, training), within)


def scale_of(network: Predicts) -> float:
    """Return the global_scale of a network; 1 where it has none."""
    if isinstance(network, Ensemble):
        return scale_of(network.networks[0])
    return network.info.global_scale if isinstance(network, Predictor) else 1.0


def of_scaled(network: Predicts) -> Predicts:
    """Return the same network for images that have its scale already; positions are in pixels of these."""
    if isinstance(network, Ensemble):
        networks = tuple(map(of_scaled, network.networks))
        return replace(network, networks=networks, within=network.within * scale_of(network))
    if not isinstance(network, Predictor):
        return network
    return replace(network, info=replace(network.info, global_scale=1.0))


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
