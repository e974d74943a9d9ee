"""Step G: train the network (`train_network`): what a run begins with, and its loop."""

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

from posecut_core.dataset.frames import TrainingFrames, check_trainable, frames_of_step, load_frames, mirror_order
from posecut_core.dataset.settings import (
    TrainingSettings,
    previous_network,
    read_settings,
    settings_from,
    write_settings,
)
from posecut_core.dataset.split import Split, read_revision, read_split, validation_part
from posecut_core.errors import DatasetError, ModelError, Remedy
from posecut_core.evaluation.errors import mean_error, pixel_errors
from posecut_core.evaluation.measurement import gather_frames, with_pictures
from posecut_core.inference.predictor import Predictor
from posecut_core.inference.stored_frames import LabeledFrames, predict_stored_frames
from posecut_core.labels.images import adopt_project
from posecut_core.labels.notices import note_bodyparts
from posecut_core.model.devices import Placement, chosen_devices, placement, use_compilation_cache
from posecut_core.model.initialization import begin, placed_weights
from posecut_core.model.log import Metrics, append_log, start_log
from posecut_core.model.pose_net import NetworkSpec, parameter_shapes
from posecut_core.model.preflight import estimate
from posecut_core.model.snapshots import (
    SnapshotInfo,
    load_state,
    newest_sound,
    read_info,
    remove_old_snapshots,
    save_snapshot,
)
from posecut_core.model.step import Taken, TrainState, fit, initial_state
from posecut_core.progress import Notice, Progress, Report, deferred_interrupt, silent
from posecut_core.project.given import forgiving
from posecut_core.project.opening import strangers_among
from posecut_core.project.paths import Project, Training, snapshot_folder, snapshot_steps
from posecut_core.storage.files import file_sha256
from posecut_core.storage.locks import sole_writer
from posecut_core.types import FrameRef
from posecut_core.video.frame_store import FrameStore
from posecut_core.workflow.create_training_dataset import labeled_tables

# --- training run -----------------------------------------------------------------------------------------------------
# What one training run works with: its settings, frames, and the network it begins with or goes on from.


@dataclass(frozen=True)
class TrainingRun:
    """Everything that one call of `train_network` trains with."""

    training: Training
    settings: TrainingSettings
    spec: NetworkSpec
    frames: TrainingFrames
    refs: tuple[FrameRef, ...]  # which these are
    state: TrainState
    damaged: tuple[Path, ...]  # snapshots that could not be gone on from
    validation: tuple[LabeledFrames, ...]  # of each video that has some

    def info(self, step: int) -> SnapshotInfo:
        """Say what a snapshot of `step` holds."""
        return SnapshotInfo(step, str(self.training.run), self.spec, self.settings.global_scale)


def _prepare_run(training: Training, changes: Mapping[str, object], *, report: Report) -> TrainingRun:
    """Read what a shuffle trains with, and change its settings by what is not None in `changes`.

    Raises:
        LabelError: the project has no labels.
        DatasetError: there is no such training dataset, it cannot work, or it has frames of a video that is not listed.
        ModelError: settings, weights or a snapshot cannot be used.
    """
    project, folder = training.project, training.folder
    if not training.split.exists():
        labeled_tables(project, report=report)  # a project without labels hears that first
    split = read_split(training.split)
    _refuse_strangers(project, training.split, split)
    before = read_settings(training.settings, report=report)
    settings = _with_same_weights(folder, before, _changed(before, changes, report))
    _check_weights(folder, before, settings)
    tables = read_revision(project.training_datasets / split.labels)
    bodyparts = next(iter(tables.values())).bodyparts
    note_bodyparts(project, bodyparts, source=f"The training dataset {training.split.name}", report=report)
    _check_mirror_pairs(training.settings, settings, bodyparts)
    _check_validation(folder, before, settings)
    train, held_out = validation_part(split.train, share=settings.validation_share, seed=settings.seed)
    train = with_pictures(project, train, report=report)
    frames = load_frames(
        train,
        tables,
        lambda video: FrameStore.open(project.frame_store(video)),
        scale=settings.global_scale,
        report=report,
    )
    check_trainable(frames, train)
    info, damaged = newest_sound(folder)
    _tell_damaged(damaged, info, report)
    if info:
        _check_run(folder, info, str(training.run))
        spec, state = _resume(folder, info, settings, bodyparts)
    else:
        previous = previous_network(training)
        found = placed_weights(settings.init_weights, folder, project.root)
        settings = dataclasses.replace(settings, init_weights=found)
        begun = begin(settings, bodyparts, previous=previous, report=report)
        settings, spec, state = begun.settings, begun.spec, initial_state(begun.parameters, begun.settings)
    write_settings(training.settings, settings)
    _tell_kept(training.settings, before, settings, changes, report)
    validation = gather_frames(project, tables, train=(), test=held_out, report=report) if held_out else ()
    return TrainingRun(training, settings, spec, frames, train, state, damaged, validation)


def _refuse_strangers(project: Project, path: Path, split: Split) -> None:
    """Refuse a training dataset with frames of videos that are not, or no longer, the project's."""
    videos = strangers_among(project, sorted({frame.video for frame in (*split.train, *split.test)}))
    if videos:
        raise DatasetError(
            f"The training dataset {path.name} holds frames of {', '.join(map(repr, videos))}, expected only videos "
            f"that `video_sets` in {project.config_path} lists; create another one, or list "
            "them there again.",
            Remedy("create_training_dataset", config=project.root),
        )


def _changed(before: TrainingSettings, changes: Mapping[str, object], report: Report) -> TrainingSettings:
    given = {name: value for name, value in changes.items() if value is not None}
    values = {entry.name: getattr(before, entry.name) for entry in dataclasses.fields(before)}
    return settings_from({**values, **given}, report=report)


def _with_same_weights(folder: Path, before: TrainingSettings, settings: TrainingSettings) -> TrainingSettings:
    """Call weights of a training that goes on as it began, where they are the same file by another path."""
    found = placed_weights(settings.init_weights)
    same = found == placed_weights(before.init_weights, folder)
    if not same and before.init_sha256 and Path(found).is_file():
        same = file_sha256(Path(found)) == before.init_sha256
    return dataclasses.replace(settings, init_weights=before.init_weights) if same else settings


def _check_weights(folder: Path, before: TrainingSettings, settings: TrainingSettings) -> None:
    if settings.init_weights != before.init_weights and snapshot_steps(folder):
        raise ModelError(
            f"The training in {folder} began with weights {before.init_weights}, not {settings.init_weights}; "
            "give no weights to go on, or create a new shuffle."
        )


def _tell_kept(
    path: Path, before: TrainingSettings, settings: TrainingSettings, changes: Mapping[str, object], report: Report
) -> None:
    """Tell which settings the arguments of this call have replaced: the file says what the network was trained with."""
    kept = [
        f"{name} {getattr(settings, name)} instead of {getattr(before, name)}"
        for name, value in changes.items()
        if value is not None and getattr(settings, name) != getattr(before, name)
    ]
    if kept:
        text = f"{path} now has {', '.join(kept)}: it keeps what a network is trained with, for later calls too"
        report(Notice(text))


def _tell_damaged(damaged: tuple[Path, ...], info: SnapshotInfo | None, report: Report) -> None:
    if damaged:
        names = ", ".join(path.name.removeprefix("damaged-") for path in damaged)
        beginning = f"from step {info.step}, the newest sound one" if info else "from the beginning: no other is left"
        report(Notice(f"Damaged and set aside: {names}. Training goes on {beginning}"))


def _check_run(folder: Path, info: SnapshotInfo, name: str) -> None:
    if info.run != name:
        raise ModelError(
            f"The last snapshot {snapshot_folder(folder, info.step)} is of training {info.run}, but this is {name}; "
            "move that snapshot to where it belongs, or create a new shuffle."
        )


def _check_validation(folder: Path, before: TrainingSettings, settings: TrainingSettings) -> None:
    """Refuse to let frames validate that have trained."""
    parts = [(one.validation_share, one.seed if one.validation_share else None) for one in (before, settings)]
    if parts[0] != parts[1] and snapshot_steps(folder):
        raise ModelError(
            f"The training in {folder} began with validation_share {before.validation_share:g} and seed {before.seed}, "
            f"not {settings.validation_share:g} and {settings.seed}: other frames would validate than those that were "
            "held out; create a new shuffle."
        )


def _check_mirror_pairs(path: Path, settings: TrainingSettings, bodyparts: tuple[str, ...]) -> None:
    named = [name for pair in settings.mirror_pairs or () for name in pair]
    unknown = [name for name in named if name not in bodyparts]
    if unknown or len(set(named)) != len(named):
        wrong = f"the unknown bodypart {unknown[0]}" if unknown else "a bodypart twice"
        raise ModelError(
            f"In {path}: setting mirror_pairs names {wrong}; give pairs of {', '.join(bodyparts)}, each once."
        )


def _resume(
    model_folder: Path, info: SnapshotInfo, settings: TrainingSettings, bodyparts: tuple[str, ...]
) -> tuple[NetworkSpec, TrainState]:
    folder = snapshot_folder(model_folder, info.step)
    backbone = info.network.backbone
    for what, found, asked in (
        ("bodyparts", ", ".join(info.network.bodyparts), ", ".join(bodyparts)),
        ("net_type", backbone.net_type, settings.net_type),
        ("width", backbone.width, settings.width if settings.init_weights == "random" else backbone.width),
        ("norm", backbone.norm, backbone.norm if settings.norm == "auto" else settings.norm),
        ("intermediate_supervision", info.network.intermediate, settings.intermediate_supervision),
        ("global_scale", info.global_scale, settings.global_scale),
    ):
        if found != asked:
            raise ModelError(
                f"The last snapshot {folder} has {what} {found}, but {asked} is asked for now; "
                "create a new shuffle for another network."
            )
    shapes = jax.eval_shape(lambda tree: initial_state(tree, settings), parameter_shapes(info.network))
    spec = dataclasses.replace(info.network, precision=settings.precision)
    return spec, load_state(folder, info, shapes)


# --- validation -------------------------------------------------------------------------------------------------------
# The error of a network in training on frames that do not train it.


def _validated(run: TrainingRun, state: TrainState, metrics: Metrics) -> Metrics:
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


def _streak(skipped: Sequence[int], *, last: int) -> tuple[int, ...]:
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
    remove_old_snapshots(
        run.training.folder, keep=run.settings.max_snapshots_to_keep
    )  # a killed run may not have come to it
    if int(run.state.step) < run.settings.maxiters:
        _tell_estimate(run, where, report)
    state: TrainState | None = run.state
    with deferred_interrupt() as interrupted:
        while state is not None:
            state = _steps(run, where, state, account, report, interrupted)
    return account


def _suspect_frames(run: TrainingRun, skipped: list[int]) -> tuple[FrameRef, ...]:
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
            metrics = taken.metrics and _validated(run, taken.state, taken.metrics)
            if metrics is not None:
                _note(run, metrics, account)
                bad = _streak([number for number in account.skipped if number >= first], last=step)
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
    append_log(run.training.log, metrics)


def _saved(run: TrainingRun, step: int, taken: Taken) -> bool:
    """Write a snapshot unless the step was skipped, except the last: so a resumed run counts as one not interrupted."""
    if not math.isfinite(float(taken.loss)) and step != run.settings.maxiters:
        return False
    save_snapshot(run.training.folder, run.info(step), taken.state)
    remove_old_snapshots(run.training.folder, keep=run.settings.max_snapshots_to_keep)
    return True


def _gone_back(run: TrainingRun, bad: tuple[int, ...], account: Account, report: Report) -> TrainState:
    """Take the last snapshot at the step that training has reached; once for each snapshot, or it would not end."""
    known = run.training.snapshots
    story = (
        f"{len(bad)} steps in a row, up to step {bad[-1]}, gave no finite loss or gradients, with "
        f"{_listed(_suspect_frames(run, list(bad)))}"
    )
    if not known or known[-1] in account.restored or bad[-1] == run.settings.maxiters:
        raise ModelError(
            f"{story}; check the labels of these frames, or lower learning_rate in {run.training.settings}, "
            "and train again: it goes on from the last snapshot."
        )
    account.restored.append(known[-1])
    report(Notice(f"{story}; going on from the snapshot of step {known[-1]}"))
    folder = run.training.snapshot(known[-1])
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
    """Train the network of a shuffle, or continue from its last snapshot.

    Ctrl-C, SIGTERM, or a KeyboardInterrupt raised by `report`, leaves a snapshot; calling again goes on from it. A
    damaged snapshot is renamed to `damaged-snapshot-...`, and training goes on from the one before it. Before the first
    step `report` is told how long the steps and how much memory the training will take.

    Args:
        config: path of config.yaml.
        shuffle: which shuffle: which split of the labelled frames, and its network.
        trainingsetindex: which of config.yaml's training fractions, counted from 0.
        maxiters: stop after this many steps in all. What is given here replaces what the shuffle's settings.yaml says,
            so that a later call continues in the same way; by default as that file says.
        displayiters: log the loss every so many steps; by default as settings.yaml says.
        saveiters: write a snapshot every so many steps; by default as settings.yaml says.
        max_snapshots_to_keep: delete older snapshots than so many; by default as settings.yaml says.
        gputouse: train on this device only, counted from 0; by default on all, if batch_size divides by their number.
        weights: what a new training begins with: "imagenet" (weights that are downloaded once, then cached), "random",
            "previous" (the last network of this shuffle in an earlier iteration), or a .safetensors file of a ResNet;
            by default as settings.yaml says, which is imagenet.
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
    training = adopt_project(config, report=report).training(shuffle, trainingsetindex)
    changes = {
        "maxiters": maxiters,
        "display_iters": displayiters,
        "save_iters": saveiters,
        "max_snapshots_to_keep": max_snapshots_to_keep,
        "init_weights": None if weights is None else os.fspath(weights),
        **(settings or {}),
    }
    # The first arrays would otherwise take memory of a device that was not asked for.
    with _alone(training), jax.default_device(devices[0]):
        run = _prepare_run(training, changes, report=report)
        first = int(run.state.step)
        start_log(run.training.log, step=first)
        account = train(run, placement(devices, batch_size=run.settings.batch_size), report)
    metrics = account.latest
    last = run.training.snapshots[-1]
    return TrainedNetwork(
        shuffle=shuffle,
        trainingsetindex=trainingsetindex,
        first_step=first,
        last_step=last,
        loss=metrics.loss if metrics else math.nan,
        seconds_per_step=1 / metrics.steps_per_second if metrics else math.nan,
        model_folder=run.training.folder,
        snapshot=training.snapshot(last),
        log=run.training.log,
        damaged=run.damaged,
        skipped=tuple(account.skipped),
        suspects=_suspect_frames(run, account.skipped),
        restored=tuple(account.restored),
    )


def _alone(training: Training) -> contextlib.AbstractContextManager[None]:
    """Keep other programs from training the same shuffle; one that does not exist is told of elsewhere."""
    if not training.folder.is_dir():
        return contextlib.nullcontext()
    return sole_writer(training.log, doing=f"Shuffle {training.shuffle} is being trained")
