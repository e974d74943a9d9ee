"""The loop of a training: steps, log and snapshots, and the way back after steps that could not be taken."""

import dataclasses
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice

import jax
import jax.numpy as jnp
import numpy as np
import psutil
from jaxtyping import Int

from posecut_core.dataset.frames import Batch, TrainingFrames, batch_of_step, frames_of_step, mirror_order
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.errors import ModelError, Remedy
from posecut_core.evaluation.errors import mean_error, pixel_errors
from posecut_core.formats.deeplabcut.frames import frame_name
from posecut_core.inference.engine import XlaEngine
from posecut_core.inference.predictor import Predictor
from posecut_core.inference.stored_frames import predict_stored_frames
from posecut_core.model.devices import Placement
from posecut_core.model.log import Metrics, append_log
from posecut_core.model.pose_net import NetworkSpec
from posecut_core.model.snapshots import load_state, read_info, remove_old_snapshots, save_snapshot
from posecut_core.model.step import Taken, TrainState, fit, jitted_step, last_step, step_config, step_values
from posecut_core.progress import Notice, Progress, Report, deferred_interrupt, rough_time
from posecut_core.training.run import TrainingRun
from posecut_core.types import FrameRef

_NO_LONGER_PAYS = "Twice as many steps would lower the loss by less than 7 %"
_NAMED = 5  # frames in a message; the result has all
_LIBRARIES = 1_000_000_000  # bytes; Python, JAX and its compiler at work on a ResNet-50, as measured on Linux
_TRIAL_STEPS = 2  # the first one of a process is slow


@dataclass
class Account:
    """What there is to tell of a training, gathered on the way."""

    end: int  # the last step, as far as is known
    latest: Metrics | None = None
    skipped: list[int] = field(default_factory=list)  # steps
    restored: list[int] = field(default_factory=list)  # steps of the snapshots that training went back to


def train(run: TrainingRun, where: Placement, report: Report) -> Account:
    """Train to the end, writing log and snapshots; an interruption leaves a snapshot of the last whole step.

    Steps that give no finite loss are skipped. After `max_bad_steps` of them in a row, parameters and moments of the
    last snapshot are taken, and training goes on with the next step: with other frames and crops.

    Raises:
        ModelError: the training does not fit into memory, or that did not help.
        StorageError: the disk refused.
    """
    account = Account(last_step(run.state, run.settings))
    remove_old_snapshots(
        run.training.folder, keep=run.settings.max_snapshots_to_keep
    )  # a killed run may not have come to it
    if int(run.state.step) < last_step(run.state, run.settings):
        _tell_estimate(run, where, report)
    state: TrainState | None = run.state
    with deferred_interrupt() as interrupted:
        while state is not None:
            state = _steps(run, where, state, account, report, interrupted)
    return account


def suspect_frames(run: TrainingRun, skipped: list[int]) -> tuple[FrameRef, ...]:
    """Name the frames that stood in skipped steps, those in most of them first."""
    settings = run.settings
    indices = _suspects(skipped, count=len(run.frames), batch_size=settings.batch_size, seed=settings.seed)
    return tuple(run.refs[index] for index in indices)


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
            sooner, account.end = taken.end < account.end, taken.end
            metrics = taken.metrics and _validated(run, taken.state, taken.metrics)
            if metrics is not None:
                _note(run, metrics, account)
                bad = _streak([number for number in account.skipped if number >= first], last=step)
                if len(bad) >= run.settings.max_bad_steps:
                    return _gone_back(run, bad, account, report, is_last=step == account.end)
            owed = owed or step % run.settings.save_iters == 0
            saved = (owed or step == account.end) and _saved(run, step, taken)
            owed = owed and not saved
            try:
                if interrupted():
                    raise KeyboardInterrupt
                if sooner:
                    report(Notice(f"{_NO_LONGER_PAYS}: training ends at step {taken.end:,}"))
                if metrics is not None:
                    report(_progress(metrics, account.end, run.training.network))
            except KeyboardInterrupt:
                if not saved:
                    _saved(run, step, taken)
                raise
    return None


def _note(run: TrainingRun, metrics: Metrics, account: Account) -> None:
    account.latest = metrics
    account.skipped += metrics.skipped
    append_log(run.training.log, metrics)


def _saved(run: TrainingRun, step: int, taken: Taken) -> bool:
    """Write a snapshot unless the step was skipped, except the last: so a resumed run counts as one not interrupted."""
    if not math.isfinite(float(taken.loss)) and step != taken.end:
        return False
    save_snapshot(run.training.folder, run.info(step), taken.state)
    remove_old_snapshots(run.training.folder, keep=run.settings.max_snapshots_to_keep)
    return True


def _gone_back(
    run: TrainingRun, bad: tuple[int, ...], account: Account, report: Report, *, is_last: bool
) -> TrainState:
    """Take the last snapshot at the step that training has reached; once for each snapshot, or it would not end."""
    known = run.training.snapshots
    story = (
        f"{len(bad)} steps in a row, up to step {bad[-1]}, gave no finite loss or gradients, with "
        f"{_listed(run, suspect_frames(run, list(bad)))}"
    )
    if not known or known[-1] in account.restored or is_last:
        raise ModelError(
            f"{story}; check the labels of these frames, or lower learning_rate in the settings, "
            "and train again: it goes on from the last snapshot.",
            Remedy("train_network"),
        )
    account.restored.append(known[-1])
    report(Notice(f"{story}; going on from the snapshot of step {known[-1]}"))
    folder = run.training.snapshot(known[-1])
    shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), run.state)
    return load_state(folder, read_info(folder), shapes)._replace(step=jax.numpy.asarray(bad[-1], jax.numpy.int32))


def _listed(run: TrainingRun, frames: tuple[FrameRef, ...]) -> str:
    named = ", ".join(frame_name(run.training.project, frame) for frame in frames[:_NAMED])
    return named + (f" and {len(frames) - _NAMED} others" if len(frames) > _NAMED else "")


def _progress(metrics: Metrics, end: int, network: int) -> Progress:
    values = {
        "loss": metrics.loss,
        "learning_rate": metrics.learning_rate,
        "steps_per_s": metrics.steps_per_second,
        "seconds_left": (end - metrics.step) / metrics.steps_per_second,
    }
    if not math.isnan(metrics.validation_error):
        values["validation_error"] = metrics.validation_error
    stage = "training" if network == 1 else f"training network {network}"
    return Progress(stage, metrics.step, end, values)


# --- validation -------------------------------------------------------------------------------------------------------


def _validated(run: TrainingRun, state: TrainState, metrics: Metrics) -> Metrics:
    """Add the mean error in pixels on the run's validation frames; without any, nothing is added.

    It is measured as `evaluate_network` measures, and only reported: no snapshot is chosen by it.
    """
    if not run.validation:
        return metrics
    parameters = jax.tree.map(lambda leaf: leaf.addressable_data(0), state.predicting)  # one device evaluates
    predictor = Predictor(run.info(metrics.step), XlaEngine(run.spec, parameters))
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


def _streak(skipped: Sequence[int], *, last: int) -> tuple[int, ...]:
    """Return the unbroken run of skipped steps that ends with step `last`; empty where that was not skipped."""
    known, first = set(skipped), last
    while first in known:
        first -= 1
    return tuple(range(first + 1, last + 1))


def _suspects(skipped: Sequence[int], *, count: int, batch_size: int, seed: int) -> tuple[int, ...]:
    """Return which of `count` frames stood in skipped steps, those in most of them first.

    A frame that spoils every batch is the first, because the others change from batch to batch. Steps are numbered by
    how many were finished after them, as in `Metrics`.
    """
    seen: Counter[int] = Counter()
    for step in skipped:
        seen.update(set(frames_of_step(count, batch_size=batch_size, seed=seed, step=step - 1).tolist()))
    return tuple(sorted(seen, key=lambda frame: (-seen[frame], frame)))


# --- preflight --------------------------------------------------------------------------------------------------------
# What the rest of a training will take: memory from the compiled step, time from two trial steps. The memory is what
# the step allocates and a copy of the state, for the trial; on a CPU also the training frames and what Python and its
# libraries take.


def _tell_estimate(run: TrainingRun, where: Placement, report: Report) -> None:
    _tell_wide_crops(run.frames, run.settings, report)  # first: with such crops it takes minutes to find the rest
    report(Notice("Compiling the network, which takes up to a minute the first time"))
    order = mirror_order(run.spec.bodyparts, run.settings.mirror_pairs)
    found = _estimate(run.state, run.frames, order, spec=run.spec, settings=run.settings, where=where)
    left = last_step(run.state, run.settings) - int(run.state.step)
    report(Notice(f"{left} steps {found.sentence}"))


def _tell_wide_crops(frames: TrainingFrames, settings: TrainingSettings, report: Report) -> None:
    """Tell if most of each crop lies beyond its frame, where there is nothing to learn."""
    longest = int(frames.sizes.max())
    enough = 16 * math.ceil(longest * settings.scale_jitter_up / 16)
    if settings.crop_size > 2 * enough and settings.crop_size > TrainingSettings.crop_size:
        report(
            Notice(
                f"Crops of {settings.crop_size} pixels a side are much larger than the scaled frames, which have "
                f"{longest} at most: a crop_size of {enough} shows as much in a fraction of the time"
            )
        )


@dataclass(frozen=True)
class _Estimate:
    """What the rest of a training will take."""

    memory_gb: float  # 10^9 bytes, at its peak
    minutes: float  # of the steps alone: neither compiling nor saving snapshots counts

    @property
    def sentence(self) -> str:
        """Say how long and how much."""
        time_taken = rough_time(60 * self.minutes)
        return f"will take about {time_taken} (excluding compilation) and {self.memory_gb:.1f} GB of memory"


def _estimate(
    state: TrainState,
    frames: TrainingFrames,
    mirror_order: Int[np.ndarray, " K"],
    *,
    spec: NetworkSpec,
    settings: TrainingSettings,
    where: Placement,
    clock: Callable[[], float] = time.perf_counter,
) -> _Estimate:
    """Compile the step, and try it on a copy of `state` if it fits into memory.

    Raises:
        ModelError: the machine has not enough memory.
    """
    batch = batch_of_step(frames, batch_size=settings.batch_size, seed=0, step=0, sharding=where.batch)
    needed = _step_bytes(state, batch, mirror_order, spec=spec, settings=settings, where=where)
    needed += sum(leaf.nbytes for leaf in jax.tree.leaves(state))
    if where.device.platform == "cpu":
        needed = len(where.batch.device_set) * needed + frames.images.nbytes + _LIBRARIES
    _check_memory(needed, _memory_of(where.device.memory_stats()), settings)
    # `may_alias=False` copies nothing to the first of several devices, and the trial takes the buffers away.
    copy = jax.device_put(jax.tree.map(jnp.copy, state), where.state)
    times = [clock()]
    with closing(fit(copy, frames, mirror_order, spec=spec, settings=settings, where=where)) as steps:
        for taken in islice(steps, _TRIAL_STEPS):
            jax.block_until_ready(taken.state)
            times.append(clock())
    left = last_step(state, settings) - int(state.step)
    return _Estimate(needed / 1e9, left * min(np.diff(times).tolist()) / 60)


def _step_bytes(
    state: TrainState,
    batch: Batch,
    mirror_order: Int[np.ndarray, " K"],
    *,
    spec: NetworkSpec,
    settings: TrainingSettings,
    where: Placement,
) -> int:
    """Compile the step and return the bytes that it needs on each device, arguments and results included."""
    state, order = jax.device_put((state, mirror_order), where.state)
    config, values = step_config(spec, settings), step_values(settings)
    memory = jitted_step().lower(state, batch, order, values, config=config).compile().memory_analysis()
    if memory is None:  # a device that does not tell: the least it can be
        return sum(leaf.nbytes for leaf in jax.tree.leaves((state, batch)))
    results = memory.output_size_in_bytes - memory.alias_size_in_bytes  # the new state takes the place of the old one
    return memory.argument_size_in_bytes + results + memory.temp_size_in_bytes


def _memory_of(stats: Mapping[str, int] | None) -> int:
    """Return the bytes for a training on a device of these `memory_stats`: None for a CPU, which has the machine's."""
    return int(stats["bytes_limit"]) if stats else psutil.virtual_memory().total


def _check_memory(needed: int, available: int, settings: TrainingSettings) -> None:
    """Refuse a training that does not fit.

    Raises:
        ModelError: more is needed than there is.
    """
    if needed > available:
        raise ModelError(
            f"This training needs about {needed / 1e9:.1f} GB of memory, but this computer has {available / 1e9:.1f} "
            f"GB; lower batch_size ({settings.batch_size}), crop_size ({settings.crop_size}) or width, or "
            "choose a smaller net_type."
        )
