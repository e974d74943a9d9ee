"""Step G: train the network (`train_network`): the loop with its log, snapshots, validation and skipped steps."""

import contextlib
import dataclasses
import math
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import jax
import numpy as np

from posecut_core.dataset.frames import frames_of_step, mirror_order
from posecut_core.errors import ModelError
from posecut_core.evaluation.errors import mean_error, pixel_errors
from posecut_core.inference.predictor import Predictor
from posecut_core.inference.stored_frames import predict_stored_frames
from posecut_core.model.devices import Placement, chosen_devices, placement, use_compilation_cache
from posecut_core.model.log import Metrics, append_log, start_log
from posecut_core.model.preflight import estimate
from posecut_core.model.snapshots import load_state, read_info, remove_old_snapshots, save_snapshot
from posecut_core.model.step import Taken, TrainState, fit
from posecut_core.progress import Notice, Progress, Report, deferred_interrupt, silent
from posecut_core.project.given import forgiving
from posecut_core.project.paths import Project, snapshot_folder, snapshot_steps
from posecut_core.storage.locks import sole_writer
from posecut_core.types import FrameRef
from posecut_core.workflow.opening import open_project
from posecut_core.workflow.training_run import TrainingRun, prepare_run

# --- validation -------------------------------------------------------------------------------------------------------
# The error of a network in training on frames that do not train it.


def validated(run: TrainingRun, state: TrainState, metrics: Metrics) -> Metrics:
    """Add the mean error in pixels on the run's validation frames; without any, nothing is added.

    It is measured as `evaluate_network` measures, and only reported: no snapshot is chosen by it.
    """
    if not run.validation:
        return metrics
    predictor = Predictor(run.info(metrics.step), state.predicting)
    errors = [
        pixel_errors(
            predict_stored_frames(predictor, video, batch_size=run.settings.batch_size, advance=_untold).xy, video.xy
        )
        for video in run.validation
    ]
    together = np.concatenate(errors)
    return dataclasses.replace(metrics, validation_error=mean_error(together, ~np.isnan(together)))


def _untold(count: int) -> None:
    """Count nothing: validation is part of a step's time."""


# --- skipped steps ----------------------------------------------------------------------------------------------------
# Which steps were skipped because their loss or gradients were not finite, and which frames stood in them.


def streak(skipped: Sequence[int], *, last: int) -> tuple[int, ...]:
    """Return the unbroken run of skipped steps that ends with step `last`; empty where that was not skipped."""
    known, first = set(skipped), last
    while first in known:
        first -= 1
    return tuple(range(first + 1, last + 1))


def suspects(skipped: Sequence[int], *, count: int, batch_size: int, seed: int) -> tuple[int, ...]:
    """Return which of `count` frames stood in skipped steps, those in most of them first.

    A frame that spoils every batch is the first, because the others change from batch to batch. Steps are numbered by
    how many were finished after them, as in `Metrics`.
    """
    seen: Counter[int] = Counter()
    for step in skipped:
        seen.update(set(frames_of_step(count, batch_size=batch_size, seed=seed, step=step - 1).tolist()))
    return tuple(sorted(seen, key=lambda frame: (-seen[frame], frame)))


# --- training loop ----------------------------------------------------------------------------------------------------
# The loop of `train_network`: steps, log and snapshots, and the way back after steps that could not be taken.


_NAMED = 5  # frames in a message; the result has all


@dataclass
class Account:
    """What there is to tell of a training, gathered on the way."""

    latest: Metrics | None = None
    skipped: list[int] = field(default_factory=list)  # steps
    restored: list[int] = field(default_factory=list)  # steps of the snapshots that training went back to


def train(run: TrainingRun, where: Placement, report: Report) -> Account:
    """Train to `maxiters`, writing log and snapshots; an interruption leaves a snapshot of the last whole step.

    Steps that give no finite loss are skipped. After `max_bad_steps` of them in a row, parameters and moments of the
    last snapshot are taken, and training goes on with the next step: with other frames and crops.

    Raises:
        ModelError: the training does not fit into memory, or that did not help.
        StorageError: the disk refused.
    """
    account = Account()
    remove_old_snapshots(run.folder, keep=run.settings.max_snapshots_to_keep)  # a killed run may not have come to it
    if int(run.state.step) < run.settings.maxiters:
        _tell_estimate(run, where, report)
    state: TrainState | None = run.state
    with deferred_interrupt() as interrupted:
        while state is not None:
            state = _steps(run, where, state, account, report, interrupted)
    return account


def suspect_frames(run: TrainingRun, skipped: list[int]) -> tuple[FrameRef, ...]:
    """Name the frames that stood in skipped steps, those in most of them first."""
    settings = run.settings
    indices = suspects(skipped, count=len(run.frames), batch_size=settings.batch_size, seed=settings.seed)
    return tuple(run.refs[index] for index in indices)


def _tell_estimate(run: TrainingRun, where: Placement, report: Report) -> None:
    order = mirror_order(run.spec.bodyparts, run.settings.mirror_pairs)
    found = estimate(run.state, run.frames, order, spec=run.spec, settings=run.settings, where=where)
    left = run.settings.maxiters - int(run.state.step)
    report(Notice(f"{left} steps {found.sentence}"))


def _steps(
    run: TrainingRun,
    where: Placement,
    state: TrainState,
    account: Account,
    report: Report,
    interrupted: Callable[[], bool],
) -> TrainState | None:
    """Train to the end, or return the state to go on from after too many skipped steps in a row."""
    order, owed = mirror_order(run.spec.bodyparts, run.settings.mirror_pairs), False
    first = int(state.step) + 1
    with closing(fit(state, run.frames, order, spec=run.spec, settings=run.settings, where=where)) as steps:
        for step, taken in enumerate(steps, start=first):
            metrics = taken.metrics and validated(run, taken.state, taken.metrics)
            if metrics is not None:
                _note(run, metrics, account)
                bad = streak([number for number in account.skipped if number >= first], last=step)
                if len(bad) >= run.settings.max_bad_steps:
                    return _gone_back(run, bad, account, report)
            owed = owed or step % run.settings.save_iters == 0
            saved = (owed or step == run.settings.maxiters) and _saved(run, step, taken)
            owed = owed and not saved
            try:
                if interrupted():
                    raise KeyboardInterrupt
                if metrics is not None:
                    report(_progress(metrics, run.settings.maxiters))
            except KeyboardInterrupt:
                if not saved:
                    _saved(run, step, taken)
                raise
    return None


def _note(run: TrainingRun, metrics: Metrics, account: Account) -> None:
    account.latest = metrics
    account.skipped += metrics.skipped
    append_log(run.log, metrics)


def _saved(run: TrainingRun, step: int, taken: Taken) -> bool:
    """Write a snapshot unless the step was skipped, except the last: so a resumed run counts as one not interrupted."""
    if not math.isfinite(float(taken.loss)) and step != run.settings.maxiters:
        return False
    save_snapshot(run.folder, run.info(step), taken.state)
    remove_old_snapshots(run.folder, keep=run.settings.max_snapshots_to_keep)
    return True


def _gone_back(run: TrainingRun, bad: tuple[int, ...], account: Account, report: Report) -> TrainState:
    """Take the last snapshot at the step that training has reached; once for each snapshot, or it would not end."""
    known = snapshot_steps(run.folder)
    story = (
        f"{len(bad)} steps in a row, up to step {bad[-1]}, gave no finite loss or gradients, with "
        f"{_listed(suspect_frames(run, list(bad)))}"
    )
    if not known or known[-1] in account.restored or bad[-1] == run.settings.maxiters:
        raise ModelError(
            f"{story}; check the labels of these frames, or lower learning_rate in {run.folder / 'settings.yaml'}, "
            "and train again: it goes on from the last snapshot."
        )
    account.restored.append(known[-1])
    report(Notice(f"{story}; going on from the snapshot of step {known[-1]}"))
    folder = snapshot_folder(run.folder, known[-1])
    shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), run.state)
    return load_state(folder, read_info(folder), shapes)._replace(step=jax.numpy.asarray(bad[-1], jax.numpy.int32))


def _listed(frames: tuple[FrameRef, ...]) -> str:
    named = ", ".join(f"frame {frame.number} of {frame.video}" for frame in frames[:_NAMED])
    return named + (f" and {len(frames) - _NAMED} others" if len(frames) > _NAMED else "")


def _progress(metrics: Metrics, maxiters: int) -> Progress:
    values = {
        "loss": metrics.loss,
        "learning_rate": metrics.learning_rate,
        "steps_per_s": metrics.steps_per_second,
        "seconds_left": (maxiters - metrics.step) / metrics.steps_per_second,
    }
    if not math.isnan(metrics.validation_error):
        values["validation_error"] = metrics.validation_error
    return Progress("training", metrics.step, maxiters, values)


# --- training ---------------------------------------------------------------------------------------------------------
# Step G: train the network (`train_network`).


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
    skipped: tuple[int, ...] = ()  # steps of this call whose loss or gradients were not finite
    suspects: tuple[FrameRef, ...] = ()  # frames that stood in those steps, those in most of them first
    restored: tuple[int, ...] = ()  # steps of the snapshots that training went back to after many of them in a row


@forgiving
def train_network(
    config: str | os.PathLike[str],
    shuffle: int = 1,
    trainingsetindex: int = 0,
    *,
    maxiters: int | None = None,
    displayiters: int | None = None,
    saveiters: int | None = None,
    max_snapshots_to_keep: int | None = None,
    gputouse: int | None = None,
    weights: str | os.PathLike[str] | None = None,
    settings: Mapping[str, object] | None = None,
    report: Report = silent,
) -> TrainedNetwork:
    """Train the network of a shuffle, or go on from its last snapshot.

    Ctrl-C, SIGTERM, or a KeyboardInterrupt raised by `report`, leaves a snapshot; calling again goes on from it. A
    damaged snapshot is renamed to `damaged-snapshot-...`, and training goes on from the one before it. Before the first
    step `report` is told how long the steps and how much memory the training will take.

    Args:
        config: path of config.yaml.
        shuffle: which training dataset.
        trainingsetindex: which of config.yaml's training fractions.
        maxiters: end after this many steps in all; this and `settings` replace what settings.yaml says, in the file.
        displayiters: report and log every so many steps.
        saveiters: write a snapshot every so many steps.
        max_snapshots_to_keep: delete older ones.
        gputouse: index of the device to train on; None takes all, if `batch_size` divides by their number.
        weights: "imagenet" (the default; fetched once from the model hub), "random", "previous" (the last network of
            this shuffle in an earlier iteration), or a .safetensors file of a ResNet to start from; only for the first
            call.
        settings: any other settings of settings.yaml.
        report: told of every `displayiters` steps: loss, steps_per_s, seconds_left, and validation_error in pixels
            where the setting `validation_share` is above 0.

    Raises:
        ArgumentError: there is no such device.
        DatasetError: there is no such training dataset, or it cannot work.
        ModelError: settings, weights or a snapshot cannot be used, the memory is too small, or the loss is not finite
            any more.
        StorageError: the disk refused; the snapshots that were there are intact.
    """
    devices = chosen_devices(gputouse)
    use_compilation_cache()
    project = open_project(config, report=report)
    changes = {
        "maxiters": maxiters,
        "display_iters": displayiters,
        "save_iters": saveiters,
        "max_snapshots_to_keep": max_snapshots_to_keep,
        "init_weights": None if weights is None else os.fspath(weights),
        **(settings or {}),
    }
    # The first arrays would otherwise take memory of a device that was not asked for.
    with _alone(project, shuffle, trainingsetindex), jax.default_device(devices[0]):
        run = prepare_run(project, shuffle, trainingsetindex, changes, report=report)
        first = int(run.state.step)
        start_log(run.log, step=first)
        account = train(run, placement(devices, batch_size=run.settings.batch_size), report)
    metrics = account.latest
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
        skipped=tuple(account.skipped),
        suspects=suspect_frames(run, account.skipped),
        restored=tuple(account.restored),
    )


def _alone(project: Project, shuffle: int, trainingsetindex: int) -> contextlib.AbstractContextManager[None]:
    """Keep other programs from training the same shuffle; one that does not exist is told of elsewhere."""
    folder = project.model_folder(shuffle, trainingsetindex)
    if not folder.is_dir():
        return contextlib.nullcontext()
    return sole_writer(folder / "log.csv", doing=f"Shuffle {shuffle} is being trained")
