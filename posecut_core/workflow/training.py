"""Step G: train the network (`train_network`)."""

import dataclasses
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jax

from posecut_core.dataset.batches import TrainingFrames, mirror_order
from posecut_core.dataset.loading import load_frames
from posecut_core.dataset.revision import read_revision
from posecut_core.dataset.settings import TrainingSettings, read_settings, settings_from, write_settings
from posecut_core.dataset.split import read_split
from posecut_core.errors import DatasetError, ModelError, ProjectError
from posecut_core.model.log import append_log, start_log
from posecut_core.model.network import NetworkSpec, initial_parameters, parameter_shapes
from posecut_core.model.pretrained import convert_weights, read_weights, spec_of_weights
from posecut_core.model.resnet import ResNetSpec
from posecut_core.model.snapshots import (
    SnapshotInfo,
    load_state,
    read_info,
    remove_old_snapshots,
    save_snapshot,
    snapshot_folder,
    snapshot_steps,
)
from posecut_core.model.training import Metrics, TrainState, fit, initial_state
from posecut_core.progress import Progress, Report, deferred_interrupt, silent
from posecut_core.project.layout import Project
from posecut_core.video.store import FrameStore
from posecut_core.workflow.datasets import labelled_tables
from posecut_core.workflow.opening import open_project


@dataclass(frozen=True)
class TrainedNetwork:
    """What a training left behind."""

    shuffle: int
    trainingsetindex: int
    first_step: int  # 0, or the step of the snapshot that training went on from
    last_step: int
    loss: float  # mean over the last report; NaN where no step was needed
    seconds_per_step: float  # as above
    model_folder: Path
    snapshot: Path
    log: Path


@dataclass(frozen=True)
class _Run:
    """Everything that one call of `train_network` trains with."""

    folder: Path
    name: str  # <Task><date>shuffle<s>
    settings: TrainingSettings
    spec: NetworkSpec
    frames: TrainingFrames
    state: TrainState

    @property
    def log(self) -> Path:
        return self.folder / "log.csv"

    def info(self, step: int) -> SnapshotInfo:
        return SnapshotInfo(step, self.name, self.spec, self.settings.global_scale)


def train_network(
    config: str | os.PathLike[str],
    shuffle: int = 1,
    trainingsetindex: int = 0,
    *,
    maxiters: int | None = None,
    displayiters: int | None = None,
    saveiters: int | None = None,
    max_snapshots_to_keep: int | None = None,
    weights: str | os.PathLike[str] | None = None,
    settings: Mapping[str, object] | None = None,
    report: Report = silent,
) -> TrainedNetwork:
    """Train the network of a shuffle, or go on from its last snapshot.

    Ctrl-C, or a KeyboardInterrupt raised by `report`, leaves a snapshot; calling again goes on from it.

    Args:
        config: path of config.yaml.
        shuffle: which training dataset.
        trainingsetindex: which of config.yaml's training fractions.
        maxiters: end after this many steps in all; as all arguments that follow, it replaces what settings.yaml says.
        displayiters: report and log every so many steps.
        saveiters: write a snapshot every so many steps.
        max_snapshots_to_keep: delete older ones.
        weights: "random", or a .safetensors file of a ResNet to start from.
        settings: any other settings of settings.yaml.
        report: told of every `displayiters` steps: loss, steps_per_s, seconds_left.

    Raises:
        DatasetError: there is no such training dataset, or it cannot work.
        ModelError: settings, weights or a snapshot cannot be used, or the loss is not finite any more.
        StorageError: the disk refused; the snapshots that were there are intact.
    """
    project = open_project(config, report=report)
    changes = {
        "maxiters": maxiters,
        "display_iters": displayiters,
        "save_iters": saveiters,
        "max_snapshots_to_keep": max_snapshots_to_keep,
        "init_weights": None if weights is None else os.fspath(weights),
        **(settings or {}),
    }
    run = _prepare(project, shuffle, trainingsetindex, changes, report)
    first = int(run.state.step)
    start_log(run.log, step=first)
    metrics = _train(run, report)
    last = snapshot_steps(run.folder)[-1]
    return TrainedNetwork(
        shuffle=shuffle,
        trainingsetindex=trainingsetindex,
        first_step=first,
        last_step=last,
        loss=metrics.loss if metrics else math.nan,
        seconds_per_step=1 / metrics.steps_per_second if metrics else math.nan,
        model_folder=run.folder,
        snapshot=snapshot_folder(run.folder, last),
        log=run.log,
    )


def _prepare(
    project: Project, shuffle: int, trainingsetindex: int, changes: Mapping[str, object], report: Report
) -> _Run:
    if not 0 <= trainingsetindex < len(project.config.training_fractions):
        raise ProjectError(f"config.yaml has no TrainingFraction of index {trainingsetindex}; add one or use index 0.")
    split_path = project.split_path(shuffle, trainingsetindex)
    if not split_path.exists():
        labelled_tables(project)  # a project without labels hears that first
    split = read_split(split_path)
    folder = project.model_folder(shuffle, trainingsetindex)
    settings = _changed(folder / "settings.yaml", changes)
    tables = read_revision(project.training_datasets / split.labels)
    bodyparts = next(iter(tables.values())).bodyparts
    _check_mirror_pairs(settings, bodyparts)
    frames = load_frames(
        split.train,
        tables,
        lambda video: FrameStore.open(project.frame_store(video)),
        scale=settings.global_scale,
        report=report,
    )
    if not frames.looked_at.any():
        raise DatasetError("None of the training frames has a label; label more frames and create a new dataset.")
    spec, state = _start(folder, settings, bodyparts)
    write_settings(folder / "settings.yaml", settings)
    name = f"{project.config.task}{project.config.date}shuffle{shuffle}"
    return _Run(folder, name, settings, spec, frames, state)


def _changed(path: Path, changes: Mapping[str, object]) -> TrainingSettings:
    given = {name: value for name, value in changes.items() if value is not None}
    old = read_settings(path)
    values = {entry.name: getattr(old, entry.name) for entry in dataclasses.fields(old)}
    return settings_from({**values, **given})


def _check_mirror_pairs(settings: TrainingSettings, bodyparts: tuple[str, ...]) -> None:
    named = [name for pair in settings.mirror_pairs or () for name in pair]
    unknown = [name for name in named if name not in bodyparts]
    if unknown or len(set(named)) != len(named):
        wrong = f"the unknown bodypart {unknown[0]}" if unknown else "a bodypart twice"
        raise ModelError(f"Setting mirror_pairs names {wrong}; give pairs of {', '.join(bodyparts)}, each once.")


def _start(folder: Path, settings: TrainingSettings, bodyparts: tuple[str, ...]) -> tuple[NetworkSpec, TrainState]:
    """Return the last snapshot's network and state, or a fresh network's."""
    steps = snapshot_steps(folder)
    if steps:
        return _resume(snapshot_folder(folder, steps[-1]), settings, bodyparts)
    depth = int(settings.net_type.removeprefix("resnet_"))
    key = jax.random.key(settings.seed)
    if settings.init_weights == "random":
        norm = "group" if settings.norm == "auto" else settings.norm
        spec = NetworkSpec(ResNetSpec(depth=depth, norm=norm), bodyparts, settings.precision)
        return spec, initial_state(initial_parameters(key, spec), settings)
    path = Path(settings.init_weights).expanduser()
    tensors, metadata = read_weights(path)
    resnet = spec_of_weights(tensors, metadata, depth=depth, norm=settings.norm, source=str(path))
    spec = NetworkSpec(resnet, bodyparts, settings.precision)
    parameters = convert_weights(tensors, initial_parameters(key, spec), spec, source=str(path))
    return spec, initial_state(parameters, settings)


def _resume(folder: Path, settings: TrainingSettings, bodyparts: tuple[str, ...]) -> tuple[NetworkSpec, TrainState]:
    info = read_info(folder)
    depth = f"resnet_{info.network.resnet.depth}"
    for what, found, asked in (
        ("bodyparts", ", ".join(info.network.bodyparts), ", ".join(bodyparts)),
        ("net_type", depth, settings.net_type),
        ("global_scale", info.global_scale, settings.global_scale),
    ):
        if found != asked:
            raise ModelError(
                f"The last snapshot {folder} has {what} {found}, but {asked} is asked for now; "
                "create a new shuffle for another network."
            )
    shapes = jax.eval_shape(lambda tree: initial_state(tree, settings), parameter_shapes(info.network))
    return info.network, load_state(folder, shapes)


def _train(run: _Run, report: Report) -> Metrics | None:
    """Run `fit` to its end, writing log and snapshots; an interruption leaves a snapshot of the last whole step."""
    order = mirror_order(run.spec.bodyparts, run.settings.mirror_pairs)
    latest: Metrics | None = None
    with deferred_interrupt() as interrupted:
        steps = fit(run.state, run.frames, order, spec=run.spec, settings=run.settings)
        for step, (state, metrics) in enumerate(steps, start=int(run.state.step) + 1):
            if metrics is not None:
                latest = _checked(run, metrics)
                append_log(run.log, metrics)
            if step % run.settings.save_iters == 0 or step == run.settings.maxiters:
                _save(run, step, state)
            try:
                if interrupted():
                    raise KeyboardInterrupt
                if metrics is not None:
                    report(_progress(metrics, run.settings))
            except KeyboardInterrupt:
                _save(run, step, state)
                raise
    return latest


def _save(run: _Run, step: int, state: TrainState) -> None:
    if step not in snapshot_steps(run.folder):
        save_snapshot(run.folder, run.info(step), state)
        remove_old_snapshots(run.folder, keep=run.settings.max_snapshots_to_keep)


def _checked(run: _Run, metrics: Metrics) -> Metrics:
    if not math.isfinite(metrics.loss):
        raise ModelError(
            f"The loss is not finite any more at step {metrics.step}; lower learning_rate in "
            f"{run.folder / 'settings.yaml'} and train again, it goes on from the last snapshot."
        )
    return metrics


def _progress(metrics: Metrics, settings: TrainingSettings) -> Progress:
    left = (settings.maxiters - metrics.step) / metrics.steps_per_second
    values = {
        "loss": metrics.loss,
        "learning_rate": metrics.learning_rate,
        "steps_per_s": metrics.steps_per_second,
        "seconds_left": left,
    }
    return Progress("training", metrics.step, settings.maxiters, values)
