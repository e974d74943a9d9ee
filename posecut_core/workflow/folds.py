"""The splits that a cross-validation needs, and which shuffles of the project are already made of them."""

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass

from posecut_core.dataset.settings import TrainingSettings, read_settings
from posecut_core.dataset.split import FrameRef, Split, read_split, split_by_indices, split_by_seed
from posecut_core.errors import ArgumentError, DatasetError
from posecut_core.model.snapshots import snapshot_steps
from posecut_core.project.layout import Project
from posecut_core.workflow.shuffles import free_shuffle, write_shuffle

_MAY_DIFFER = ("maxiters", "display_iters", "save_iters", "max_snapshots_to_keep", "init_origin", "init_sha256")


@dataclass(frozen=True)
class Fold:
    """One split of a cross-validation; the frames that test."""

    name: str  # the video that tests, or the seed of the split
    split: Split


def random_folds(
    frames: Sequence[FrameRef], *, count: int, fraction: float, seed: int, labels: str
) -> tuple[Fold, ...]:
    """Split all frames at random, each time by the next seed.

    Raises:
        ArgumentError: there would be fewer than two splits.
        DatasetError: no frame is left for training, or none for testing.
    """
    if count < 2:
        raise ArgumentError(f"{count} splits were asked for, but a spread needs at least 2; give 2 or more.")
    seeds = range(seed, seed + count)
    folds = [Fold(f"seed {own}", split_by_seed(frames, fraction=fraction, seed=own, labels=labels)) for own in seeds]
    if not folds[0].split.test:
        raise DatasetError(
            f"With TrainingFraction {fraction:g} all {len(frames)} labelled frames train and none is left to test; "
            "lower TrainingFraction in config.yaml."
        )
    return tuple(folds)


def video_folds(frames: Sequence[FrameRef], *, fraction: float, labels: str) -> tuple[Fold, ...]:
    """Split once for each video: its frames test, those of all other videos train.

    Raises:
        DatasetError: only one video has labels.
    """
    videos = sorted({frame.video for frame in frames})
    if len(videos) < 2:
        raise DatasetError(
            f"Only {', '.join(videos)} has labelled frames, but leaving one video out needs at least 2 videos; label "
            "frames of another video, or use random splits."
        )
    return tuple(Fold(video, _without(frames, video, fraction, labels)) for video in videos)


def shuffle_of(project: Project, fold: Fold, settings: TrainingSettings, *, trainingsetindex: int) -> int:
    """Find the shuffle that is made of this fold and trains with these settings, or make one; return its number.

    How long it trains and how often it reports may differ: a shuffle that exists is trained further, but one that has
    been trained for longer is left as it is, and another is made.

    Raises:
        DatasetError: a training dataset is damaged.
        ModelError: settings of a shuffle are damaged.
        StorageError: the project folder cannot be written.
    """
    for number in _numbers(project, trainingsetindex):
        split = read_split(project.split_path(number, trainingsetindex))
        if (split.train, split.test, split.labels) != (fold.split.train, fold.split.test, fold.split.labels):
            continue
        folder = project.model_folder(number, trainingsetindex)
        if max(snapshot_steps(folder), default=0) > settings.maxiters:
            continue
        found = read_settings(folder / "settings.yaml")
        if dataclasses.replace(found, **{name: getattr(settings, name) for name in _MAY_DIFFER}) == settings:
            return number
    number = free_shuffle(project, (trainingsetindex,))
    write_shuffle(project, number, trainingsetindex, split=fold.split, settings=settings)
    return number


def _without(frames: Sequence[FrameRef], video: str, fraction: float, labels: str) -> Split:
    train = [place for place, frame in enumerate(frames) if frame.video != video]
    test = [place for place, frame in enumerate(frames) if frame.video == video]
    return split_by_indices(frames, train=train, test=test, fraction=fraction, labels=labels)


def _numbers(project: Project, trainingsetindex: int) -> list[int]:
    """Return the shuffles of a training fraction, ascending."""
    prefix = re.escape(project.dataset_name(1, trainingsetindex).removesuffix("1"))
    matches = (re.fullmatch(prefix + r"([1-9]\d*)", path.stem) for path in project.training_datasets.glob("*.yaml"))
    return sorted(int(match[1]) for match in matches if match)
