"""What files came from: a trained network, for a page; predictions and what is made of them, before they are used."""

import dataclasses
import json
import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from posecut_core import __version__
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.dataset.split import Split
from posecut_core.errors import AnalysisError
from posecut_core.formats.deeplabcut.results import results_scorer
from posecut_core.plots.report import Section, Table
from posecut_core.poses.files import filtered_path, prediction_path, read_predictions
from posecut_core.poses.predictions import (
    AnalysisOrigin,
    Origin,
    Predictions,
    check_source,
    in_words,
    predictions_hash,
    read_origin,
)
from posecut_core.progress import Notice, Report
from posecut_core.project.given import given_folder
from posecut_core.project.paths import Project
from posecut_core.storage.files import file_sha256
from posecut_core.workflow.arguments import Snapshots, chosen_scorer, chosen_steps

LIBRARIES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "scipy", "zarr", "matplotlib")


@dataclass(frozen=True)
class Network:
    """A trained network, told from others of its name."""

    scorer: str
    sha256: str  # of the snapshot's manifest, which holds the hashes of its weights
    dlc_scorer: str  # by which DeepLabCut would look for its results


@dataclass(frozen=True)
class FoundTable:
    """Predictions that belong to a video and a network, as far as they say."""

    path: Path  # the .h5
    predictions: Predictions
    origin: Origin | None  # of the predictions, or of the filtered ones

    @property
    def derived(self) -> Origin:
        """The origin of what is made of these predictions, but for the settings."""
        return Origin(self.origin.analysis if self.origin else None, predictions_hash(self.predictions))


def chosen_network(project: Project, shuffle: int, trainingsetindex: int, snapshot: Snapshots | None) -> Network:
    """Say which network is meant, without loading it.

    Raises:
        ModelError: there is no such snapshot, or it is damaged.
    """
    scorer = chosen_scorer(project, shuffle, trainingsetindex, snapshot)
    model_folder = project.model_folder(shuffle, trainingsetindex)
    steps = chosen_steps(model_folder, snapshot, snapshotindex=project.config.snapshotindex)
    sha256 = file_sha256(project.snapshot_manifest(shuffle, steps[-1], trainingsetindex))
    return Network(scorer, sha256, results_scorer(project, shuffle, trainingsetindex, scorer))


def existing_predictions(
    project: Project,
    video: Path,
    network: Network,
    destfolder: str | os.PathLike[str] | None,
    *,
    filtered: bool = False,
    report: Report,
) -> FoundTable:
    """Read a video's predictions by a network, or the filtered ones, and check that they came from both.

    Those that do not say what they came from are taken at their name, and `report` is told.

    Raises:
        AnalysisError: the video has not been analysed by this network, or its predictions not filtered; or what is
            there came from another network or video of the name, or was filtered from other predictions.
    """
    folder = None if destfolder is None else given_folder(destfolder)
    ours, named = (prediction_path(video, scorer, folder) for scorer in (network.scorer, network.dlc_scorer))
    path = named if not ours.is_file() and read_origin(named) else ours  # DeepLabCut's own say nothing
    if not path.is_file():
        raise AnalysisError(
            f"Found no predictions of {video.name} by {network.scorer}, expected {path}; run posecut analyze-videos "
            "first, or give the destfolder, shuffle and snapshot that it was given."
        )
    origin = read_origin(path)
    if origin is None or origin.analysis is None:
        told = "does not say which network and video it came from, as PoseCut 0.1 wrote it or another program"
        report(Notice(f"{path.name} {told}; it is taken at its name"))
    else:
        _check_analysis(project, video, network, path, origin.analysis, report)
    found = FoundTable(path, read_predictions(path), origin)
    if not filtered:
        return found
    ours, named = filtered_path(ours), filtered_path(named)
    return _existing_filtered(video, found, named if not ours.is_file() and read_origin(named) else ours)


def _check_analysis(
    project: Project, video: Path, network: Network, path: Path, found: AnalysisOrigin, report: Report
) -> None:
    check_source(path, found, video, network.sha256)
    crop = project.config.crop
    if crop is not None and found.window != (crop.x1, crop.x2, crop.y1, crop.y2):
        told = f"{video.name} was analysed in the window {in_words(found.window)}, not in that of config.yaml"
        report(Notice(told))


def _existing_filtered(video: Path, unfiltered: FoundTable, path: Path) -> FoundTable:
    if not path.is_file():
        raise AnalysisError(
            f"Found no filtered predictions of {video.name}, expected {path}; run filterpredictions first."
        )
    found = FoundTable(path, read_predictions(path), read_origin(path))
    if found.origin is not None and found.origin.predictions:
        fits = found.origin.predictions == predictions_hash(unfiltered.predictions)
    else:  # filters leave likelihoods as they are
        fits = np.array_equal(found.predictions.likelihood, unfiltered.predictions.likelihood, equal_nan=True)
    if not fits:
        raise AnalysisError(
            f"The filtered predictions of {video.name} in {path} were made from other predictions than those that are "
            "there now; run filterpredictions again."
        )
    return found


def check_replaceable(path: Path) -> None:
    """Refuse to write over results of DeepLabCut, whose names ours may have.

    Raises:
        AnalysisError: there is a file that PoseCut did not write.
    """
    if path.is_file() and read_origin(path) is None:
        raise AnalysisError(
            f"{path} is there already, and PoseCut did not write it; move it away, or give another destfolder."
        )


def provenance(split: Split, settings: TrainingSettings) -> tuple[Section, ...]:
    """Describe a training for a page: what it can be repeated with."""
    return (
        Section("Seeds and data", (_data(split, settings),)),
        Section("Settings of the training", (_settings(settings),)),
        Section("Versions", (_versions(),)),
    )


def _data(split: Split, settings: TrainingSettings) -> Table:
    seed = "none, the frames were given" if split.seed is None else str(split.seed)
    rows = (("seed of the split", seed), ("seed of the training", str(settings.seed)), ("labels", split.labels))
    return Table(("what", "value"), rows)


def _settings(settings: TrainingSettings) -> Table:
    rows = tuple(
        (entry.name, json.dumps(getattr(settings, entry.name), ensure_ascii=False), entry.metadata["meaning"])
        for entry in dataclasses.fields(settings)
    )
    return Table(("setting", "value", "meaning"), rows)


def _versions() -> Table:
    found = (("posecut", __version__), ("Python", platform.python_version()))
    return Table(("when evaluated", "version"), (*found, *((name, version(name)) for name in LIBRARIES)))
