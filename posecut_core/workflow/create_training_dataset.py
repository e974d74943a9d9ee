"""Step F: gather the labels and split them into training and test frames (`create_training_dataset`)."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from posecut_core.backbones import net_types
from posecut_core.dataset.frames import scale_to
from posecut_core.dataset.settings import (
    TrainingSettings,
    fitting_network,
    previous_training,
    settings_from,
    with_inherited,
    write_settings,
)
from posecut_core.dataset.split import (
    Split,
    revision_name,
    split_by_indices,
    split_by_seed,
    write_revision,
    write_split,
)
from posecut_core.errors import ArgumentError, DatasetError, LabelError, ProjectError, Remedy
from posecut_core.formats.deeplabcut.frames import double_frames
from posecut_core.formats.deeplabcut.tables import swapped_folder
from posecut_core.labels.images import adopt_project
from posecut_core.labels.notices import note_outside, note_removed, note_sizes
from posecut_core.labels.store import lost_pictures, read_labels
from posecut_core.labels.table import LabelTable
from posecut_core.labels.validation import without_outside
from posecut_core.model.initialization import placed_weights
from posecut_core.progress import Notice, Report, silent
from posecut_core.project.config import training_percent
from posecut_core.project.given import forgiving
from posecut_core.project.opening import frame_folders, note_strangers
from posecut_core.project.paths import Project, Training
from posecut_core.project.state import read_state
from posecut_core.storage.files import resumable
from posecut_core.types import FrameRef
from posecut_core.video.frame_store import FrameStore

# --- shuffles ---------------------------------------------------------------------------------------------------------
# The numbered splits of a project, each with the settings of its training: which there are, and how one is written.


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


def free_shuffle(project: Project, fractions: Sequence[int]) -> int:
    """Return the number after the last shuffle that `_taken_shuffles` finds."""
    return max(_taken_shuffles(project, fractions), default=0) + 1


def write_shuffle(training: Training, *, split: Split, settings: TrainingSettings) -> None:
    """Write a split, whose labels are written already, and the settings of its training.

    Raises:
        StorageError: the project folder cannot be written.
    """
    write_settings(training.settings, settings)
    write_split(training.split, split)  # last: a shuffle with a split has settings


# --- datasets ---------------------------------------------------------------------------------------------------------
# Step F: gather the labels and split them into training and test frames (`create_training_dataset`).


_COMFORTABLE_SIDE = 400  # pixels: frames are scaled down towards this, so that a computer without a GPU keeps up
_SMALLEST_SCALE = 0.4
_Indices = tuple[Sequence[int], Sequence[int]]  # of training and of test frames


@dataclass(frozen=True)
class CreatedShuffle:
    """One training dataset and where its training is set up."""

    shuffle: int
    trainingsetindex: int
    train_frames: int
    test_frames: int
    seed: int | None
    split: Path
    settings: Path
    previous: Path | None = None  # snapshot of an earlier iteration that its training may begin with


@dataclass(frozen=True)
class CreatedDataset:
    """All shuffles of one call."""

    shuffles: tuple[CreatedShuffle, ...]
    labels: Path  # the labels as they were, in pixels of the full frame
    labelled_frames: int


@forgiving
def create_training_dataset(
    config: str | os.PathLike[str],
    num_shuffles: int = 1,
    *,
    shuffles: Sequence[int] | None = None,
    trainingsetindex: int | None = None,
    train_indices: Sequence[Sequence[int]] | None = None,
    test_indices: Sequence[Sequence[int]] | None = None,
    seed: int | None = None,
    net_type: str | None = None,
    settings: Mapping[str, object] | None = None,
    report: Report = silent,
) -> CreatedDataset:
    """Split the labelled frames into frames to train on and frames to test on.

    The settings of each training, what weights it begins with among them, are then in a file to edit.

    Args:
        config: path of config.yaml; its TrainingFraction gives the share of training frames.
        num_shuffles: how many random splits to make.
        shuffles: numbers for these splits, as 1,2,3; by default the next free ones.
        trainingsetindex: which entry of TrainingFraction; by default a dataset is made for each.
        train_indices: for each shuffle, positions of the training frames among all labelled frames, which are
            sorted by video and frame number; by default they are drawn.
        test_indices: for each shuffle, positions of the test frames; by default all that do not train.
        seed: of the first shuffle, the next one has seed + 1; by default the project's seed and the shuffle's number.
        net_type: resnet_18, 34, 50, 101 or 152; small ones are fast. By default that of the same shuffle in the
            iteration before, with its width, norm, initial weights and scale, and in the first iteration
            default_net_type in config.yaml.
        settings: further training settings (see settings.yaml, which is written with all of them).
        report: told about images that are copied, labels to look at, and settings of the iteration before.

    Raises:
        LabelError: there are no labels, or a frame shows another picture than the one that was labelled.
        DatasetError: the labels cannot be split so, or a shuffle exists already.
        ProjectError: config.yaml's default_net_type is no network of ours, and no other is given.
        ModelError: a setting is unknown or cannot work.
    """
    project = adopt_project(config, report=report)
    tables = labeled_tables(project, report=report)
    frames = [FrameRef(table.video, number) for table in tables for number in table.numbers.tolist()]
    fractions = _fraction_indices(project, trainingsetindex)
    given = {**({} if net_type is None else {"net_type": net_type}), **(settings or {})}
    revision = revision_name(tables)
    request = (num_shuffles, shuffles, fractions, train_indices, test_indices, seed, sorted(given.items()), revision)

    def numbers_now() -> list[int]:
        return _shuffle_numbers(project, num_shuffles, shuffles, fractions)

    with resumable(project.unfinished_datasets, request, numbers_now) as numbers:
        keys = [(number, index) for number in numbers for index in fractions]
        before = {key: previous_training(project.training(*key)) for key in keys}
        own = {key: with_inherited(before[key], key[0], given, report) for key in keys}
        chosen = {key: chosen_settings(project, tables, own[key], report=report) for key in keys}
        previous = {key: fitting_network(before[key], of_key.net_type) for key, of_key in chosen.items()}
        seeds = _seeds(project, numbers, seed)
        indices = _indices(numbers, len(frames), train_indices, test_indices)
        splits = {
            (number, index): _split(
                frames, fraction=project.training_fraction(index), seed=own_seed, indices=own_indices
            )
            for number, own_seed, own_indices in zip(numbers, seeds, indices, strict=True)
            for index in fractions
        }
        write_revision(project.training_datasets, tables)
        created = [_write(project, key, split, revision, chosen[key], previous[key]) for key, split in splits.items()]
    return CreatedDataset(tuple(created), project.training_datasets / revision, len(frames))


def labeled_tables(project: Project, *, report: Report = silent) -> list[LabelTable]:
    """Read the labels of all videos; frames in which nobody has looked for anything are left out.

    Frames without a picture and labels outside theirs are left out, and told, as are labels of bodyparts that
    config.yaml no longer lists, and folders of no video of it.

    Raises:
        LabelError: nothing is labelled, or a frame shows another picture than the one that was labelled.
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
        labelled = np.asarray(table.annotated.any(axis=1))
        if labelled.any():
            tables.append(table.rows(labelled))
    if all(np.isnan(table.xy).all() for table in tables):
        raise lost_pictures(project, videos) or LabelError(
            f"No frame in {project.labeled_data} is labelled; extract frames and label them first.",
            Remedy("extract_frames", config=project.root),
            Remedy("label_frames", config=project.root),
        )
    note_removed(project, report=report)
    return tables


def _comfortable_scale(project: Project, tables: Sequence[LabelTable]) -> float:
    """Choose global_scale so that the longest side of the labelled frames comes down to about 400 pixels."""
    stores = [FrameStore.open(project.frame_store(table.video)) for table in tables]
    longest = max(
        int(store.sizes[np.isin(store.numbers, table.numbers)].max(initial=1))
        for store, table in zip(stores, tables, strict=True)
    )
    return scale_to(_COMFORTABLE_SIDE, longest, least=_SMALLEST_SCALE)


def chosen_settings(
    project: Project, tables: Sequence[LabelTable], given: Mapping[str, object], *, report: Report = silent
) -> TrainingSettings:
    """Return the settings of a training: those given, and what suits the project.

    Raises:
        ProjectError: config.yaml's default_net_type is needed and is no network of ours.
        ModelError: a setting is unknown or cannot work.
    """
    if "net_type" not in given:
        check_net_type(project)
    values: dict[str, object] = {"net_type": project.config.default_net_type, **given}
    weights = values.get("init_weights")
    if isinstance(weights, str | os.PathLike):
        values["init_weights"] = placed_weights(os.fspath(weights))
    if "global_scale" not in values:
        values["global_scale"] = _comfortable_scale(project, tables)
    return settings_from(values, report=report)


def check_net_type(project: Project) -> None:
    """Refuse a default_net_type that is no network of ours; DeepLabCut has others.

    Raises:
        ProjectError: it is so.
    """
    if project.config.default_net_type not in net_types():
        raise ProjectError(
            f"{project.config_path}: default_net_type is {project.config.default_net_type!r}, expected one of "
            f"{', '.join(net_types())}; correct it there, or give net_type."
        )


def _fraction_indices(project: Project, index: int | None) -> Sequence[int]:
    """List which entries of TrainingFraction are meant; None means all."""
    if index is None:
        return range(len(project.config.training_fractions))
    project.training_fraction(index)
    return (index,)


def _shuffle_numbers(
    project: Project, count: int, shuffles: Sequence[int] | None, fractions: Sequence[int]
) -> list[int]:
    if shuffles is None:
        if count < 1:
            raise ArgumentError(f"{count} shuffles were asked for; give a number from 1.")
        first = free_shuffle(project, fractions)
        return list(range(first, first + count))
    if not shuffles or len(set(shuffles)) != len(shuffles):
        raise ArgumentError("Give each shuffle's number once, and at least one.")
    if min(shuffles) < 1:
        raise ArgumentError(f"Shuffle {min(shuffles)} was asked for; shuffles are numbered from 1.")
    known = sorted(_taken_shuffles(project, fractions) & set(shuffles))
    if known:
        raise DatasetError(f"Shuffle {known[0]} exists already; choose another number, or none for the next free one.")
    return list(shuffles)


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


def _write(
    project: Project,
    key: tuple[int, int],
    split: Split,
    revision: str,
    settings: TrainingSettings,
    previous: Path | None,
) -> CreatedShuffle:
    shuffle, index = key
    training = project.training(shuffle, index)
    write_shuffle(training, split=dataclasses.replace(split, labels=revision), settings=settings)
    return CreatedShuffle(
        shuffle=shuffle,
        trainingsetindex=index,
        train_frames=len(split.train),
        test_frames=len(split.test),
        seed=split.seed,
        split=training.split,
        settings=training.settings,
        previous=previous,
    )
