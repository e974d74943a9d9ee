"""Write a trained network as a file that works without the project, also in other programs."""

import os
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from posecut_core.inference.deviation import MEASURED, Deviation, compare, poses_of, sample_images
from posecut_core.inference.engine import Engine, XlaEngine
from posecut_core.inference.exported import description_path, write_onnx, write_safetensors
from posecut_core.inference.predictor import Predictor, scale_of
from posecut_core.progress import Notice, Report, silent
from posecut_core.project.given import forgiving
from posecut_core.project.opening import open_project
from posecut_core.results import Summary
from posecut_core.types import ExportFormat


@dataclass(frozen=True)
class ExportedModel:
    """Where an exported network lies."""

    scorer: str
    format: str
    files: tuple[Path, ...]  # the network; its description, where that is a file of its own
    deviation: Deviation | None  # of an ONNX file's poses from the network's, on frames of the training dataset

    def summary(self) -> Summary:
        """Say where the files are, and how far onnxruntime is from the network."""
        lines = tuple(f"Wrote {path}." for path in self.files)
        return Summary(
            f"In onnxruntime its {self.deviation.sentence}." if self.deviation and self.deviation.points else "", lines
        )


@forgiving
def export_model(
    config: str | os.PathLike[str],
    shuffle: int = 1,
    trainingsetindex: int = 0,
    *,
    snapshot: int | str | None = None,
    format: ExportFormat = "onnx",
    destfolder: str | os.PathLike[str] | None = None,
    report: Report = silent,
) -> ExportedModel:
    """Write a trained network as a file that works without the project, also in other programs.

    `<scorer>.onnx` runs wherever ONNX does; `<scorer>.json` beside it says what goes in and how poses are read from the
    maps that come out. `<scorer>.safetensors` holds the parameters by name, and the same description. `Predictor.open`
    opens both. An ONNX file is run in onnxruntime before it gets its name, and its poses are compared with those of the
    network on labeled frames.

    Args:
        config: path of config.yaml.
        shuffle: which shuffle's network.
        trainingsetindex: which of config.yaml's training fractions, counted from 0.
        snapshot: number of training steps of the snapshot, or "last"; by default snapshotindex in config.yaml decides.
        format: "onnx", for other programs, or "safetensors", the parameters as they are.
        destfolder: where to write; by default `exported-models-posecut` in the project.
        report: told what is being done.

    Raises:
        ArgumentError: the format is neither.
        ModelError: there is no such snapshot, onnxruntime is not installed, or the network cannot be written as ONNX.
        StorageError: the disk refuses.
    """
    project = open_project(config)
    training = project.training(shuffle, trainingsetindex)
    predictor = Predictor.load(training.folder, snapshot=training.chosen_steps(snapshot)[-1])
    assert isinstance(predictor.engine, XlaEngine)
    target = (project.exported_models if destfolder is None else Path(destfolder)) / f"{predictor.scorer}.{format}"
    parameters = predictor.engine.parameters
    if format == "safetensors":
        write_safetensors(target, predictor.info, parameters)
        return ExportedModel(predictor.scorer, format, (target,), None)
    images = sample_images(training, MEASURED, context=predictor.context)
    shown = np.stack(images[:2]) if images else _drawn(predictor)
    measured: list[Deviation] = []

    def measure(engine: Engine) -> dict[str, str | int | float]:
        report(Notice(f"comparing {target.name} in onnxruntime with the network on {len(images)} frames"))
        other, named = Predictor(predictor.info, engine), f"onnxruntime {version('onnxruntime')}"
        measured.append(
            compare(
                lambda: poses_of(predictor, images),
                poses_of(other, images),
                scale=scale_of(predictor),
                pcutoff=project.config.pcutoff,
                runtime=named,
            )
        )
        return asdict(measured[0])

    write_onnx(target, predictor.info, parameters, images=predictor.scaled(shown), measure=measure)
    return ExportedModel(predictor.scorer, format, (target, description_path(target)), measured[0])


def _drawn(predictor: Predictor) -> UInt8[np.ndarray, "B H W C"]:
    """Draw images at random, where a project has none any more."""
    shape = (2, 64, 96, predictor.info.network.channels)
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)
