"""Training datasets: the labels they are made of, their settings, their splits under the numbers of shuffles."""

import dataclasses
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from posecut_core.backbones import AUTO, net_types
from posecut_core.dataset.settings import (
    CHOSEN,
    TrainingSettings,
    read_settings,
    settings_from,
    usual_net_type,
    usual_steps,
    write_settings,
)
from posecut_core.dataset.sizes import LabeledSizes, comfortable_scale, disc_radius, longest_side
from posecut_core.dataset.split import (
    Split,
    read_split,
    split_by_indices,
    split_by_seed,
    write_revision,
    write_split,
)
from posecut_core.errors import ArgumentError, DatasetError, LabelError, ProjectError, Remedy, perhaps
from posecut_core.formats.deeplabcut.frames import double_frames
from posecut_core.formats.deeplabcut.tables import swapped_folder
from posecut_core.labels.animal import animal_of
from posecut_core.labels.notices import note_outside, note_removed, note_sizes
from posecut_core.labels.store import lost_pictures, read_labels
from posecut_core.labels.table import LabelTable
from posecut_core.labels.validation import without_outside
from posecut_core.model.initialization import placed_weights
from posecut_core.progress import Notice, Report, silent
from posecut_core.project.config import training_percent
from posecut_core.project.opening import frame_folders, holds_frames, note_strangers
from posecut_core.project.paths import Project, Training
from posecut_core.project.state import read_state
from posecut_core.results import counted
from posecut_core.types import FrameRef
from posecut_core.video.frame_store import FrameStore

# Settings in which a shuffle may differ that a cross-validation takes further.
_MAY_DIFFER = (
    "maxiters",
    "display_iters",
    "save_iters",
    "max_snapshots_to_keep",
    "init_origin",
    "init_sha256",
)
_Indices = tuple[Sequence[int], Sequence[int]]  # of training and of test frames


# --- labels and settings ----------------------------------------------------------------------------------------------


def labeled_tables(project: Project, *, report: Report = silent) -> list[LabelTable]:
    """Read the labels of all videos; frames in which nobody has looked for anything are left out.

    Frames without a picture and labels outside theirs are left out, and told, as are labels of bodyparts that
    config.yaml no longer lists, and folders of no video of it.

    Raises:
        LabelError: nothing is labeled, or a frame shows another picture than the one that was labeled.
    """
    note_strangers(project, report=report)
    tables, videos = [], [folder.name for folder in frame_folders(project)]
    for video in videos:
        table = read_labels(project, video, pictures=True, report=report)
        note_outside(project, table, report=report)
        note_sizes(project, video, report=report)
        swapped = swapped_folder(project.frame_folder(video), project.config.scorer)
        for told in filter(None, (*double_frames(project, video), swapped)):
            report(Notice(told.removesuffix(".")))
        if project.frame_store(video).exists():
            table = without_outside(table, FrameStore.open(project.frame_store(video)))
        labeled = np.asarray(table.annotated.any(axis=1))
        if labeled.any():
            tables.append(table.rows(labeled))
    if all(np.isnan(table.xy).all() for table in tables):
        raise lost_pictures(project, videos) or _unlabeled(project)
    note_removed(project, report=report)
    return tables


def _unlabeled(project: Project) -> LabelError:
    label = Remedy("label_frames", config=project.root)
    if any(map(holds_frames, frame_folders(project))):
        return LabelError(f"No frame in {project.labeled_data} is labeled; label some first.", label)
    return LabelError(
        f"No frame in {project.labeled_data} is labeled; extract frames and label them first.",
        Remedy("extract_frames", config=project.root),
        label,
    )


def rows_of(tables: Sequence[LabelTable], frames: Collection[FrameRef]) -> list[LabelTable]:
    """Return the tables with the rows of these frames only; without tables that have none of them."""
    found, wanted = [], frozenset(frames)
    for table in tables:
        rows = np.array([FrameRef(table.video, number) in wanted for number in table.numbers.tolist()])
        found += [table.rows(rows)] if rows.any() else []
    return found


def chosen_settings(
    project: Project, tables: Sequence[LabelTable], given: Mapping[str, object], *, report: Report = silent
) -> TrainingSettings:
    """Return the settings of a training: those given, and what suits the project and the labels that train.

    Raises:
        ProjectError: config.yaml's default_net_type is needed and is no network of ours.
        ModelError: a setting is unknown or cannot work.
    """
    if "net_type" not in given:
        check_net_type(project)
    values: dict[str, object] = {"net_type": usual_net_type(project), **given}
    weights = values.get("init_weights")
    if isinstance(weights, str | os.PathLike):
        values["init_weights"] = placed_weights(os.fspath(weights))
    values = {name: value for name, value in values.items() if name not in CHOSEN or value != AUTO}
    values |= _suiting(project, tables, values, report)
    return settings_from(values, report=report)


def check_net_type(project: Project) -> None:
    """Refuse a default_net_type that is no network of ours; DeepLabCut has others.

    Raises:
        ProjectError: it is so.
    """
    named, known = project.config.default_net_type, (AUTO, *net_types())
    if named not in known:
        raise ProjectError(
            f"{project.config_path}: default_net_type is {named!r}, expected one of {', '.join(net_types())} or {AUTO}"
            f"{perhaps(named, known)}; correct it there, or give net_type."
        )


def _suiting(
    project: Project, tables: Sequence[LabelTable], given: Mapping[str, object], report: Report
) -> dict[str, object]:
    """Choose the settings that follow from the labels and are not given; tell them, and why, in one notice."""
    animal = animal_of(np.concatenate([table.xy for table in tables]))
    view = read_state(project.settings_path).view
    chosen, told = dict[str, object](), list[str]()
    longest = longest_side(project, tables)
    if "global_scale" not in given:
        chosen["global_scale"] = comfortable_scale(longest)
        told += [f"global_scale {chosen['global_scale']:g}, to save time and memory"] * (chosen["global_scale"] != 1)
    scale = settings_from({"global_scale": {**chosen, **given}["global_scale"]}).global_scale
    if "pos_dist_thresh" not in given:
        chosen["pos_dist_thresh"] = disc_radius(scale=scale)
    if "crop_size" not in given:
        chosen["crop_size"] = crop = LabeledSizes(animal.size, longest).crop_size(scale=scale)
        why = "so that crops hold the whole animal" if crop > TrainingSettings.crop_size else "as the frames are small"
        told += [f"crop_size {crop}, {why}"] * (crop != TrainingSettings.crop_size)
    if "rotation" not in given:
        chosen["rotation"] = rotation = animal.rotation(view)
        told += [f"rotation {rotation:g}, as {animal.seen(view)}"] * (rotation != TrainingSettings.rotation)
    if "maxiters" not in given:
        frames = sum(len(table.numbers) for table in tables)
        chosen["maxiters"] = steps = usual_steps(frames)
        told.append(f"maxiters {steps:,}, for {counted(frames, 'training frame')}")
    if told:
        report(Notice(f"Chosen for this training: {'; '.join(told)}. Give other values where these do not fit"))
    return chosen


# --- shuffles ---------------------------------------------------------------------------------------------------------


def fraction_indices(project: Project, index: int | None) -> Sequence[int]:
    """List which entries of TrainingFraction are meant; None means all."""
    if index is None:
        return range(len(project.config.training_fractions))
    project.training_fraction(index)
    return (index,)


def shuffle_numbers(
    project: Project, count: int, shuffles: Sequence[int] | None, fractions: Sequence[int]
) -> list[int]:
    """Return the numbers of the shuffles to make: those asked for, or the next free ones.

    Raises:
        ArgumentError: none is asked for, one twice, or one below 1.
        DatasetError: one of them exists already.
    """
    if shuffles is None:
        if count < 1:
            raise ArgumentError(f"{count} shuffles were asked for; give a number from 1.")
        first = _free_shuffle(project, fractions)
        return list(range(first, first + count))
    if not shuffles or len(set(shuffles)) != len(shuffles):
        raise ArgumentError("Give each shuffle's number once, and at least one.")
    if min(shuffles) < 1:
        raise ArgumentError(f"Shuffle {min(shuffles)} was asked for; shuffles are numbered from 1.")
    known = sorted(_taken_shuffles(project, fractions) & set(shuffles))
    if known:
        raise DatasetError(f"Shuffle {known[0]} exists already; choose another number, or none for the next free one.")
    return list(shuffles)


def _free_shuffle(project: Project, fractions: Sequence[int]) -> int:
    """Return the number after the last shuffle that `_taken_shuffles` finds."""
    return max(_taken_shuffles(project, fractions), default=0) + 1


def _taken_shuffles(project: Project, fractions: Sequence[int]) -> set[int]:
    """Return the shuffles that have a split, or a model folder with more in it than settings.

    Args:
        project: the project.
        fractions: entries of TrainingFraction; a shuffle of any of them counts.
    """
    percents = {training_percent(project.training_fraction(index)) for index in fractions}
    return {
        training.shuffle
        for training in project.trainings()
        if training.shuffle and training.percent in percents and _is_taken(training)
    }


def _is_taken(training: Training) -> bool:
    files = training.folder.iterdir() if training.folder.is_dir() else ()
    return training.split.exists() or any(path != training.settings for path in files)


def write_shuffle(training: Training, *, split: Split, settings: TrainingSettings) -> None:
    """Write a split, whose labels are written already, and the settings of its training.

    Raises:
        StorageError: the project folder cannot be written.
    """
    write_settings(training.settings, settings)
    write_split(training.split, split)  # last: a shuffle with a split has settings


# --- splits -----------------------------------------------------------------------------------------------------------


def drawn_splits(
    project: Project,
    frames: Sequence[FrameRef],
    *,
    numbers: Sequence[int],
    fractions: Sequence[int],
    seed: int | None,
    train: Sequence[Sequence[int]] | None,
    test: Sequence[Sequence[int]] | None,
) -> dict[tuple[int, int], Split]:
    """Split the frames for each shuffle and entry of TrainingFraction, by these indices or at random.

    Raises:
        ArgumentError: there are not as many lists of indices as shuffles, or only those of test frames; or the seed is
            negative.
        DatasetError: the frames cannot be split so.
    """
    seeds = _seeds(project, numbers, seed)
    indices = _indices(numbers, len(frames), train, test)
    return {
        (number, index): _split(frames, fraction=project.training_fraction(index), seed=own_seed, indices=own_indices)
        for number, own_seed, own_indices in zip(numbers, seeds, indices, strict=True)
        for index in fractions
    }


def _seeds(project: Project, numbers: Sequence[int], seed: int | None) -> list[int]:
    if seed is None:
        base = read_state(project.settings_path).seed
        return [base + number for number in numbers]
    if seed < 0:
        raise ArgumentError(f"Seed {seed} was asked for; give a whole number from 0.")
    return list(range(seed, seed + len(numbers)))


def _indices(
    numbers: Sequence[int], count: int, train: Sequence[Sequence[int]] | None, test: Sequence[Sequence[int]] | None
) -> Sequence[_Indices | None]:
    """Return for each shuffle the training and test indices among `count` frames, None where they are to be drawn."""
    for given in (train, test):
        if given is not None and len(given) != len(numbers):
            raise ArgumentError(
                f"Indices are given for {len(given)} shuffles, but {len(numbers)} are made; give one list each."
            )
    if train is None and test is not None:
        raise ArgumentError("Test indices are given without training indices; give both or the training indices.")
    if train is None:
        return [None] * len(numbers)
    rest = test if test is not None else [sorted(set(range(count)).difference(own)) for own in train]
    return list(zip(train, rest, strict=True))


def _split(frames: Sequence[FrameRef], *, fraction: float, seed: int, indices: _Indices | None) -> Split:
    if indices is None:
        return split_by_seed(frames, fraction=fraction, seed=seed, labels="")
    return split_by_indices(frames, train=indices[0], test=indices[1], fraction=fraction, labels="")


# --- folds ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fold:
    """One split of a cross-validation; the frames that test."""

    name: str  # the video that tests, or the seed of the split
    split: Split


def cross_validation_folds(
    project: Project, tables: Sequence[LabelTable], count: int | None, trainingsetindex: int, seed: int | None
) -> tuple[Fold, ...]:
    """Make `count` random splits, or one per video where `count` is None."""
    fraction = project.training_fraction(trainingsetindex)
    frames = [FrameRef(table.video, number) for table in tables for number in table.numbers.tolist()]
    labels = write_revision(project.training_datasets, tables)
    if count is None:
        return _video_folds(frames, fraction=fraction, labels=labels)
    first = read_state(project.settings_path).seed + 1 if seed is None else seed
    return _random_folds(frames, count=count, fraction=fraction, seed=first, labels=labels)


def shuffle_of(project: Project, fold: Fold, settings: TrainingSettings, *, trainingsetindex: int) -> int:
    """Find the shuffle that is made of this fold and trains with these settings, or make one; return its number.

    How long it trains and how often it reports may differ: a shuffle that exists is trained further, but one that has
    been trained for longer is left as it is, and another is made.

    Raises:
        DatasetError: a training dataset is damaged.
        ModelError: settings of a shuffle are damaged.
        StorageError: the project folder cannot be written.
    """
    there = [training for training in project.trainings() if training.split.exists()]
    percent = project.training(1, trainingsetindex).percent
    for training in sorted(there, key=lambda training: training.shuffle):
        if not training.shuffle or training.percent != percent:
            continue
        split = read_split(training.split)
        if (split.train, split.test, split.labels) != (fold.split.train, fold.split.test, fold.split.labels):
            continue
        if max(training.snapshots, default=0) > settings.maxiters:
            continue
        found = read_settings(training.settings)
        if dataclasses.replace(found, **{name: getattr(settings, name) for name in _MAY_DIFFER}) == settings:
            return training.shuffle
    number = _free_shuffle(project, (trainingsetindex,))
    write_shuffle(project.training(number, trainingsetindex), split=fold.split, settings=settings)
    return number


def _random_folds(
    frames: Sequence[FrameRef], *, count: int, fraction: float, seed: int, labels: str
) -> tuple[Fold, ...]:
    """Split all frames at random, each time by the next seed.

    Raises:
        ArgumentError: there would be fewer than two splits.
        DatasetError: no frame is left for training, or none for testing.
    """
    if count < 2:
        raise ArgumentError(
            f"{count} splits were requested, but a standard deviation needs at least 2; give 2 or more."
        )
    seeds = range(seed, seed + count)
    folds = [Fold(f"seed {own}", split_by_seed(frames, fraction=fraction, seed=own, labels=labels)) for own in seeds]
    if not folds[0].split.test:
        raise DatasetError(
            f"With TrainingFraction {fraction:g} all {len(frames)} labeled frames are training frames and none is "
            "left for testing; lower TrainingFraction in config.yaml."
        )
    return tuple(folds)


def _video_folds(frames: Sequence[FrameRef], *, fraction: float, labels: str) -> tuple[Fold, ...]:
    """Split once for each video: its frames test, those of all other videos train.

    Raises:
        DatasetError: only one video has labels.
    """
    videos = sorted({frame.video for frame in frames})
    if len(videos) < 2:
        raise DatasetError(
            f"Only {', '.join(videos)} has labeled frames, but leaving one video out needs at least 2 videos; label "
            "frames of another video, or use random splits."
        )
    return tuple(Fold(video, _without(frames, video, fraction, labels)) for video in videos)


def _without(frames: Sequence[FrameRef], video: str, fraction: float, labels: str) -> Split:
    train = [place for place, frame in enumerate(frames) if frame.video != video]
    test = [place for place, frame in enumerate(frames) if frame.video == video]
    return split_by_indices(frames, train=train, test=test, fraction=fraction, labels=labels)
