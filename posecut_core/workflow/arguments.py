"""What a user's arguments stand for: videos, snapshots, bodyparts, predictions, and whether those still fit."""

import difflib
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from posecut_core import __version__
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.dataset.split import Split
from posecut_core.errors import AnalysisError, ArgumentError, ModelError, Remedy, VideoError, raise_together
from posecut_core.formats.deeplabcut.results import results_scorer
from posecut_core.model.snapshots import read_info
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
from posecut_core.progress import Notice, Report, silent
from posecut_core.project.given import GivenVideos, Videos, given_folder, given_names, given_videos
from posecut_core.project.paths import Project, snapshot_folder, snapshot_steps
from posecut_core.storage.files import file_sha256
from posecut_core.storage.values import properties
from posecut_core.workflow.opening import named_video, project_videos

# --- arguments --------------------------------------------------------------------------------------------------------
# What a user's arguments stand for: which video files, which snapshots, which bodyparts, which prediction file.


Snapshots = int | str | Sequence[int]  # steps, "last" or "all"


def chosen_videos(
    project: Project, videos: Videos, *, videotype: str | Sequence[str] = "", report: Report = silent
) -> GivenVideos:
    """List the video files meant by files, names of project videos, folders and patterns, each file once.

    Args:
        project: the opened project.
        videos: what was given.
        videotype: suffixes of the videos to take from folders; by default any known one.
        report: told what is left out, and what is no video, before the work on the others begins.

    Raises:
        ArgumentError: nothing is given.
        VideoError: none of it is a video.
    """
    known = tuple(project_videos(project))
    given = given_videos(videos, videotype=videotype, named=lambda name: named_video(project, name), known=known)
    if not given.paths:
        raise_together(given.refused, of=len(given.refused), what="are no videos", kind=VideoError, done=None)
    for sentence in (*given.notes, *(str(error) for error in given.refused.values())):
        report(Notice(sentence))
    return given


def chosen_steps(model_folder: Path, snapshots: Snapshots | None, *, snapshotindex: int | str) -> tuple[int, ...]:
    """List the snapshots meant, as numbers of training steps.

    Args:
        model_folder: folder of the trained network.
        snapshots: "last", "all", a number of steps or several; None leaves it to `snapshotindex`.
        snapshotindex: of config.yaml: a position in the list of snapshots (-1 is the last), or "all".

    Raises:
        ModelError: there is no such snapshot.
    """
    steps = snapshot_steps(model_folder)
    if not steps:
        split = (model_folder / "settings.yaml").exists()
        raise ModelError(
            f"Found no snapshot of a trained network in {model_folder}; "
            f"{'train it' if split else 'create its training dataset and train it'} first, or choose another shuffle.",
            Remedy("train_network" if split else "create_training_dataset"),
        )
    if snapshots is None:
        snapshots = _by_index(steps, snapshotindex, model_folder)
    if snapshots == "all":
        return steps
    if snapshots == "last":
        return steps[-1:]
    wanted = [snapshots] if isinstance(snapshots, int | str) else list(snapshots)
    chosen = tuple(step for step in wanted if isinstance(step, int) and step in steps)
    if len(chosen) < len(wanted) or not wanted:
        missing = ", ".join(str(step) for step in wanted if step not in chosen) or "(none was given)"
        available = ", ".join(map(str, steps))
        raise ModelError(f"Found no snapshot {missing} in {model_folder}; choose among {available}, 'last' and 'all'.")
    return chosen


def chosen_bodyparts(known: tuple[str, ...], wanted: str | Sequence[str] | None) -> tuple[str, ...]:
    """List the bodyparts meant, in the network's order; None means all, as does "all" where no bodypart is called so.

    Raises:
        ArgumentError: one is not known.
    """
    if wanted is None:
        return known
    names = given_names(wanted, what="bodyparts", known=known)
    if names == ("all",) and "all" not in known:
        return known
    for name in names or ("",):
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise ArgumentError(
                f"The network knows no bodypart {name!r}{f', perhaps {near[0]!r}' if near else ''}; "
                f"choose among {', '.join(known)}."
            )
    return tuple(part for part in known if part in names)


def chosen_batch_size(project: Project, batch_size: int | None) -> int:
    """Return how many frames the network sees at once; None means config.yaml's batch_size.

    Raises:
        ArgumentError: it is less than 1.
    """
    if batch_size is None:
        return project.config.batch_size
    if batch_size < 1:
        raise ArgumentError(f"batch_size is {batch_size}, but the network needs at least one frame; give 1 or more.")
    return batch_size


def chosen_scorer(project: Project, shuffle: int, trainingsetindex: int, snapshot: Snapshots | None) -> str:
    """Name the network as its prediction files do, without loading it.

    Raises:
        ModelError: there is no such snapshot, or it is damaged.
    """
    model_folder = project.model_folder(shuffle, trainingsetindex)
    steps = chosen_steps(model_folder, snapshot, snapshotindex=project.config.snapshotindex)
    return read_info(snapshot_folder(model_folder, steps[-1])).scorer


def _by_index(steps: tuple[int, ...], snapshotindex: int | str, model_folder: Path) -> Snapshots:
    if snapshotindex == "all":
        return "all"
    index = int(snapshotindex)
    if not -len(steps) <= index < len(steps):
        raise ModelError(
            f"snapshotindex in config.yaml is {index}, but {model_folder} holds {len(steps)} snapshots; "
            "set it to -1 for the last one."
        )
    return steps[index]


# --- provenance -------------------------------------------------------------------------------------------------------
# What files came from: a trained network, for a page; predictions and what is made of them, before they are used.


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
            f"Found no predictions of {video.name} by {network.scorer}, expected {path}; analyze the video first, or "
            "give the destfolder, shuffle and snapshot with which it was analyzed.",
            Remedy("analyze_videos", config=project.root, videos=[video]),
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
            f"Found no filtered predictions of {video.name}, expected {path}; filter them first.",
            Remedy("filterpredictions", videos=[video]),
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
        (name, json.dumps(getattr(settings, name), ensure_ascii=False), about["description"])
        for name, about in properties(TrainingSettings).items()
    )
    return Table(("setting", "value", "meaning"), rows)


def _versions() -> Table:
    found = (("posecut", __version__), ("Python", platform.python_version()))
    return Table(("when evaluated", "version"), (*found, *((name, version(name)) for name in LIBRARIES)))
