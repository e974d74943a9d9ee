"""Step F: gather the labels and split them into training and test frames (`create_training_dataset`)."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from posecut_core.dataset.settings import (
    TrainingSettings,
    fitting_network,
    previous_training,
    with_inherited,
)
from posecut_core.dataset.split import (
    Split,
    revision_name,
    write_revision,
)
from posecut_core.errors import Remedy
from posecut_core.labels.images import adopt_project
from posecut_core.progress import Report, silent
from posecut_core.project.given import forgiving
from posecut_core.project.opening import chosen_stems
from posecut_core.project.paths import Project
from posecut_core.results import Summary, counted
from posecut_core.storage.files import resumable
from posecut_core.training.dataset import (
    chosen_settings,
    drawn_splits,
    fraction_indices,
    labeled_tables,
    rows_of,
    shuffle_numbers,
    write_shuffle,
)
from posecut_core.types import FrameRef

# --- datasets ---------------------------------------------------------------------------------------------------------
# Step F: gather the labels and split them into training and test frames (`create_training_dataset`).


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

    def summary(self) -> Summary:
        """Say how the frames are split, and where the training can be adjusted."""
        lines = tuple(
            f"Shuffle {made.shuffle}: {counted(made.train_frames, 'training frame')} and "
            f"{counted(made.test_frames, 'test frame')}; settings of its training: {made.settings}"
            for made in self.shuffles
        )
        following = tuple(
            Remedy(
                "train_network",
                shuffle=made.shuffle,
                trainingsetindex=made.trainingsetindex,
                **({"weights": "previous"} if made.previous else {}),
            )
            for made in self.shuffles
        )
        return Summary(f"{counted(self.labelled_frames, 'labeled frame')} split.", lines, following)


@forgiving
def create_training_dataset(
    config: str | os.PathLike[str],
    num_shuffles: int = 1,
    *,
    shuffles: Sequence[int] | None = None,
    trainingsetindex: int | None = None,
    videos: str | Sequence[str] | None = None,
    train_indices: Sequence[Sequence[int]] | None = None,
    test_indices: Sequence[Sequence[int]] | None = None,
    seed: int | None = None,
    net_type: str | None = None,
    settings: Mapping[str, object] | None = None,
    report: Report = silent,
) -> CreatedDataset:
    """Split the labeled frames into frames to train on and frames to test on.

    The settings of each training, what weights it begins with among them, are then in a file to edit.

    Args:
        config: path of config.yaml; its TrainingFraction gives the share of training frames.
        num_shuffles: how many random splits to make.
        shuffles: numbers for these splits, as 1,2,3; by default the next free ones.
        trainingsetindex: which entry of TrainingFraction; by default a dataset is made for each.
        videos: only labeled frames of these videos of the project, such as the views of one camera; by default of all.
        train_indices: for each shuffle, positions of the training frames among all labeled frames of these videos,
            which are sorted by video and frame number; by default they are drawn.
        test_indices: for each shuffle, positions of the test frames; by default all that do not train.
        seed: of the first shuffle, the next one has seed + 1; by default the project's seed and the shuffle's number.
        net_type: a ResNet (resnet_18, 34, 50, 101 or 152) or a network that is fast without a graphics card:
            mobilenet_v2_0.5, 1.0 or 1.4, efficientnet_lite0 or 2; with auto, training chooses by the device. By
            default that of the same shuffle in the iteration before, with its width, norm, initial weights and scale,
            and in the first iteration default_net_type in config.yaml, where resnet_50, as DeepLabCut has it in every
            project, means auto.
        settings: further training settings (see settings.yaml, which is written with all of them).
        report: notified about images that are copied, labels to look at, and settings of the iteration before.

    Raises:
        VideoError: a video is not one with labels.
        LabelError: there are no labels, or a frame shows another picture than the one that was labeled.
        DatasetError: the labels cannot be split so, or a shuffle exists already.
        ProjectError: config.yaml's default_net_type is no network of ours, and no other is given.
        ModelError: a setting is unknown or cannot work.
    """
    project = adopt_project(config, report=report)
    tables = labeled_tables(project, report=report)
    wanted = chosen_stems([table.video for table in tables], videos)
    frames = [FrameRef(table.video, number) for table in tables for number in table.numbers.tolist()]
    frames = [frame for frame in frames if frame.video in wanted]
    fractions = fraction_indices(project, trainingsetindex)
    given = {**({} if net_type is None else {"net_type": net_type}), **(settings or {})}
    revision = revision_name(tables)
    request: tuple[object, ...] = (num_shuffles, shuffles, fractions, train_indices, test_indices, seed)
    request += (sorted(given.items()), revision, *([wanted] if videos is not None else []))

    def numbers_now() -> list[int]:
        return shuffle_numbers(project, num_shuffles, shuffles, fractions)

    with resumable(project.unfinished_datasets, request, numbers_now) as numbers:
        keys = [(number, index) for number in numbers for index in fractions]
        before = {key: previous_training(project.training(*key)) for key in keys}
        own = {key: with_inherited(before[key], key[0], given, report) for key in keys}
        splits = drawn_splits(
            project, frames, numbers=numbers, fractions=fractions, seed=seed, train=train_indices, test=test_indices
        )
        training = {key: rows_of(tables, splits[key].train) for key in keys}  # test frames shall not choose settings
        chosen = {key: chosen_settings(project, training[key], own[key], report=report) for key in keys}
        previous = {key: fitting_network(before[key], of_key.net_type) for key, of_key in chosen.items()}
        write_revision(project.training_datasets, tables)
        created = [_write(project, key, split, revision, chosen[key], previous[key]) for key, split in splits.items()]
    return CreatedDataset(tuple(created), project.training_datasets / revision, len(frames))


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
