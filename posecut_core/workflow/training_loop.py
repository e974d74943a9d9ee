"""The loop of `train_network`: steps, log and snapshots, and the way back after steps that could not be taken."""

import math
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

import jax

from posecut_core.dataset.batches import mirror_order
from posecut_core.dataset.split import FrameRef
from posecut_core.errors import ModelError
from posecut_core.model.devices import Placement
from posecut_core.model.estimate import estimate
from posecut_core.model.log import Metrics, append_log
from posecut_core.model.skipped_steps import streak, suspects
from posecut_core.model.snapshots import (
    load_state,
    read_info,
    remove_old_snapshots,
    save_snapshot,
    snapshot_folder,
    snapshot_steps,
)
from posecut_core.model.training import Taken, TrainState, fit
from posecut_core.progress import Progress, Report, deferred_interrupt
from posecut_core.workflow.training_run import TrainingRun
from posecut_core.workflow.validation import validated

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
    report(Progress(f"{left} steps {found.sentence}", 0, 0, {"minutes": found.minutes, "memory_gb": found.memory_gb}))


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
    report(Progress(f"{story}; going on from the snapshot of step {known[-1]}", 0, 0))
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
