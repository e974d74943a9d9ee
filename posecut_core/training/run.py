"""What one training run works with: its settings, frames, and the network it begins with or goes on from."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import jax

from posecut_core.backbones import AUTO
from posecut_core.dataset.frames import TrainingFrames, check_trainable, load_frames
from posecut_core.dataset.scoremaps import Distances, distances_between
from posecut_core.dataset.settings import (
    TrainingSettings,
    previous_network,
    read_settings,
    settings_from,
    write_settings,
)
from posecut_core.dataset.split import Split, read_revision, read_split, validation_part
from posecut_core.errors import DatasetError, ModelError, Remedy, VideoError
from posecut_core.evaluation.measurement import gather_frames, with_pictures
from posecut_core.formats.deeplabcut.frames import frame_name
from posecut_core.inference.stored_frames import LabeledFrames
from posecut_core.labels.neighbors import take_neighbors
from posecut_core.labels.notices import note_bodyparts
from posecut_core.model.initialization import begin, placed_weights
from posecut_core.model.pose_net import NetworkSpec, parameter_shapes
from posecut_core.model.snapshots import SnapshotInfo, load_state, newest_sound
from posecut_core.model.step import TrainState, initial_state
from posecut_core.progress import Notice, Report
from posecut_core.project.opening import strangers_among
from posecut_core.project.paths import Project, Training, snapshot_folder, snapshot_steps
from posecut_core.storage.files import file_sha256
from posecut_core.training.dataset import labeled_tables
from posecut_core.types import FrameRef
from posecut_core.video.frame_store import FrameStore


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
        return SnapshotInfo(step, str(self.training.run), self.spec, self.settings.global_scale, self.distances)

    @cached_property
    def distances(self) -> Distances:
        """Return how far the bodyparts of the training frames' labels are from each other."""
        return distances_between(self.frames.xy)


def prepare_run(training: Training, changes: Mapping[str, object], *, report: Report) -> TrainingRun:
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
    with _kept_if_interrupted(training, dataclasses.replace(settings, init_weights=before.init_weights)):
        train, held_out = validation_part(split.train, share=settings.validation_share, seed=settings.seed)
        train, called = with_pictures(project, train, report=report), partial(frame_name, project)
        if settings.context:
            _keep_neighbors(project, (*split.train, *split.test), settings.context, report)
        frames = load_frames(
            train,
            tables,
            lambda video: FrameStore.open(project.frame_store(video)),
            scale=settings.global_scale,
            context=settings.context,
            called=called,
            report=report,
        )
        check_trainable(frames, train, called=called)
        info, damaged = newest_sound(folder)
        _tell_damaged(damaged, info, report)
        if info:
            _check_run(folder, info, str(training.run))
            if settings.net_type == AUTO:  # as a call before this one has chosen
                settings = dataclasses.replace(settings, net_type=info.network.backbone.net_type)
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


@contextmanager
def _kept_if_interrupted(training: Training, settings: TrainingSettings) -> Iterator[None]:
    """Write the settings of a training that is stopped before it has begun, for the call that goes on.

    Initial weights are not among them: whether they can be used was not known yet.
    """
    try:
        yield
    except KeyboardInterrupt:
        if not snapshot_steps(training.folder):
            write_settings(training.settings, settings)
        raise


def further_settings(training: Training) -> dict[str, object]:
    """Return the settings of a further network of a split: those of the first one, with a seed of its own.

    They are written beside it where it has none yet, for `prepare_run` to read. What the first one began with is told
    by its settings too, so that all begin with the same weights; only what is drawn at random differs.

    Raises:
        ModelError: the settings of the first one are missing or unreadable.
        StorageError: the project folder cannot be written.
    """
    first = read_settings(training.of_network(1).settings)
    settings = dataclasses.replace(first, seed=first.seed + training.network - 1)
    if not training.settings.exists():
        write_settings(training.settings, settings)
    told = {entry.name: getattr(settings, entry.name) for entry in dataclasses.fields(settings)}
    return {name: value for name, value in told.items() if not name.startswith("init_")}


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


def _keep_neighbors(project: Project, frames: Sequence[FrameRef], context: int, report: Report) -> None:
    """Read what the network sees around the frames from the project's videos, unless their stores have it.

    Frames of a video that cannot be read train without, which is told.

    Raises:
        StorageError: a frame store cannot be written.
    """
    for video in sorted({frame.video for frame in frames}):
        numbers = [frame.number for frame in frames if frame.video == video]
        try:
            take_neighbors(project, video, context=context, numbers=numbers, report=report)
        except VideoError as error:
            told = f"{video}: its frames train without those before and after them, which cannot be read"
            report(Notice(f"{told}: {str(error).removesuffix('.')}", error.remedies))


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
        ("context", info.network.context, settings.context),
    ):
        if found != asked:
            raise ModelError(
                f"The last snapshot {folder} has {what} {found}, but {asked} is asked for now; "
                "create a new shuffle for another network."
            )
    shapes = jax.eval_shape(lambda tree: initial_state(tree, settings), parameter_shapes(info.network))
    spec = dataclasses.replace(info.network, precision=settings.precision)
    return spec, load_state(folder, info, shapes)
