"""Step G: train the network (`train_network`)."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from posecut_core.dataset.batches import mirror_order
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.errors import ModelError
from posecut_core.model.log import append_log, start_log
from posecut_core.model.snapshots import remove_old_snapshots, save_snapshot, snapshot_folder, snapshot_steps
from posecut_core.model.training import Metrics, TrainState, all_finite, fit
from posecut_core.progress import Progress, Report, deferred_interrupt, silent
from posecut_core.workflow.opening import open_project
from posecut_core.workflow.training_run import TrainingRun, prepare_run
from posecut_core.workflow.validation import validated


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
    damaged: tuple[
        Path, ...
    ]  # snapshots that were damaged, as they are called now; training went on from the one before


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

    Ctrl-C, or a KeyboardInterrupt raised by `report`, leaves a snapshot; calling again goes on from it. A damaged
    snapshot is renamed to `damaged-snapshot-...`, and training goes on from the one before it.

    Args:
        config: path of config.yaml.
        shuffle: which training dataset.
        trainingsetindex: which of config.yaml's training fractions.
        maxiters: end after this many steps in all; as all arguments that follow, it replaces what settings.yaml says.
        displayiters: report and log every so many steps.
        saveiters: write a snapshot every so many steps.
        max_snapshots_to_keep: delete older ones.
        weights: "random", or a .safetensors file of a ResNet to start from; only for the first call.
        settings: any other settings of settings.yaml.
        report: told of every `displayiters` steps: loss, steps_per_s, seconds_left, and validation_error in pixels
            where the setting `validation_share` is above 0.

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
    run = prepare_run(project, shuffle, trainingsetindex, changes, report=report)
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
        damaged=run.damaged,
    )


def _train(run: TrainingRun, report: Report) -> Metrics | None:
    """Run `fit` to its end, writing log and snapshots; an interruption leaves a snapshot of the last whole step."""
    order = mirror_order(run.spec.bodyparts, run.settings.mirror_pairs)
    latest: Metrics | None = None
    with deferred_interrupt() as interrupted:
        steps = fit(run.state, run.frames, order, spec=run.spec, settings=run.settings)
        for step, (state, metrics) in enumerate(steps, start=int(run.state.step) + 1):
            if metrics is not None:
                metrics = latest = validated(run, state, _checked(run, metrics))
                append_log(run.log, metrics)
            due = step % run.settings.save_iters == 0 or step == run.settings.maxiters
            if due:
                _save(run, step, state)
            try:
                if interrupted():
                    raise KeyboardInterrupt
                if metrics is not None:
                    report(_progress(metrics, run.settings))
            except KeyboardInterrupt:
                if not due:
                    _save(run, step, state)
                raise
    return latest


def _save(run: TrainingRun, step: int, state: TrainState) -> None:
    if not all_finite(state.parameters):
        raise _diverged(run, step)
    save_snapshot(run.folder, run.info(step), state)
    remove_old_snapshots(run.folder, keep=run.settings.max_snapshots_to_keep)


def _checked(run: TrainingRun, metrics: Metrics) -> Metrics:
    if not math.isfinite(metrics.loss):
        raise _diverged(run, metrics.step)
    return metrics


def _diverged(run: TrainingRun, step: int) -> ModelError:
    return ModelError(
        f"The loss is not finite any more at step {step}; lower learning_rate in "
        f"{run.folder / 'settings.yaml'} and train again, it goes on from the last snapshot."
    )


def _progress(metrics: Metrics, settings: TrainingSettings) -> Progress:
    left = (settings.maxiters - metrics.step) / metrics.steps_per_second
    values = {
        "loss": metrics.loss,
        "learning_rate": metrics.learning_rate,
        "steps_per_s": metrics.steps_per_second,
        "seconds_left": left,
    }
    if not math.isnan(metrics.validation_error):
        values["validation_error"] = metrics.validation_error
    return Progress("training", metrics.step, settings.maxiters, values)
