"""Train and evaluate on several splits, so that an error is not one lucky split's (`cross_validate`)."""

import csv
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from posecut_core.distributed.executors import each_on
from posecut_core.errors import ArgumentError, ModelError, Remedy, treat_all
from posecut_core.evaluation.errors import Spread, pixels, spread
from posecut_core.labels.images import adopt_project
from posecut_core.model.initialization import with_network
from posecut_core.progress import Notice, Report, silent
from posecut_core.project.given import forgiving
from posecut_core.results import Summary, counted
from posecut_core.storage.files import write_text
from posecut_core.training.dataset import Fold, chosen_settings, cross_validation_folds, labeled_tables, shuffle_of
from posecut_core.workflow.evaluate_network import EvaluatedSnapshot, evaluate_network
from posecut_core.workflow.train_network import train_network

# --- cross validation -------------------------------------------------------------------------------------------------
# Train and evaluate on several splits, so that an error is not one lucky split's (`cross_validate`).


@dataclass(frozen=True)
class ValidatedFold:
    """One split: a shuffle that was trained and evaluated; errors are means in pixels."""

    name: str  # the video that tests, or the seed of the split
    shuffle: int
    training_iterations: int
    train_frames: int
    test_frames: int
    train_error: float
    test_error: float


@dataclass(frozen=True)
class CrossValidation:
    """The test error over several splits, in pixels."""

    folds: tuple[ValidatedFold, ...]
    test: Spread  # over the folds, each of which counts the same
    confidence: float  # of the interval in `test`
    table: Path  # .csv with a row per fold

    def summary(self) -> Summary:
        """Say the error of each split, then what they say together."""
        lines = [
            f"{fold.name} (shuffle {fold.shuffle}): {pixels(fold.test_error)} on "
            f"{counted(fold.test_frames, 'test frame')}, {pixels(fold.train_error)} on "
            f"{counted(fold.train_frames, 'training frame')}"
            for fold in self.folds
        ]
        test = self.test
        text = f"Test error over {counted(test.count, 'split')}: mean {pixels(test.mean)}"
        if test.count > 1:
            text += (
                f", standard deviation {test.sd:.2f} px, {100 * self.confidence:g}% confidence interval of the mean "
                f"{test.low:.2f} to {test.high:.2f} px (Student's t, corrected for training frames shared by splits)"
            )
        return Summary(f"{text}.", (*lines, f"Table: {self.table}"), (Remedy("analyze_videos"),))


@forgiving
def cross_validate(
    config: str | os.PathLike[str],
    *,
    splits: int = 3,
    leave_one_video_out: bool = False,
    trainingsetindex: int = 0,
    seed: int | None = None,
    net_type: str | None = None,
    settings: Mapping[str, object] | None = None,
    maxiters: int | None = None,
    weights: str | os.PathLike[str] | None = None,
    confidence: float = 0.95,
    batch_size: int | None = None,
    cluster: str | None = None,
    report: Report = silent,
) -> CrossValidation:
    """Train and evaluate on several splits: mean, spread and confidence interval of the test error.

    Each split is a shuffle as create_training_dataset makes it, and its last snapshot is evaluated. All are trained
    for the same number of steps. Called again after an interruption, shuffles of the same frames, labels and settings
    are taken up, unless they were trained for more steps: those already trained are not trained again. A split that
    fails does not stop the others: it is named in the error at the end. The interval is described in
    `posecut_core.evaluation.errors`.

    Args:
        config: path of config.yaml; its TrainingFraction gives the share of training frames of random splits.
        splits: how many random splits, 2 or more.
        leave_one_video_out: split by videos: each video with labels tests what the others have taught.
        trainingsetindex: which of config.yaml's training fractions, counted from 0.
        seed: of the first split, the next one has seed + 1; by default that of shuffle 1, the project's seed + 1.
        net_type: as in `create_training_dataset`.
        settings: further training settings.
        maxiters: training steps of each split; by default as the training settings say.
        weights: "imagenet", "random", or a .safetensors file to begin with; by default as the training
            settings say.
        confidence: probability that the interval is meant to hold the mean error, between 0 and 1.
        batch_size: frames at once in the evaluation; by default batch_size in config.yaml.
        cluster: train several splits at once, as `analyze_videos` does with videos; the results are the same. Evaluated
            they are here.
        report: notified of every split, of training and of evaluation.

    Raises:
        ArgumentError: splits or confidence is out of range.
        LabelError: there are no labels.
        DatasetError: the labels cannot be split so.
        ModelError: settings or weights cannot be used.
        StorageError: the disk refused; what was trained is kept.
    """
    if not 0 < confidence < 1:
        raise ArgumentError(f"confidence is {confidence:g}; give a probability between 0 and 1, such as 0.95.")
    each = each_on(cluster, stage="trained splits", report=report)
    project = adopt_project(config, report=report)
    tables = labeled_tables(project, report=report)
    named = {"maxiters": maxiters, "init_weights": None if weights is None else os.fspath(weights)}
    changes = {**({} if net_type is None else {"net_type": net_type}), **(settings or {})}
    changes |= {name: value for name, value in named.items() if value is not None}
    wanted = with_network(chosen_settings(project, tables, changes, report=report), report=report)
    changes |= {name: getattr(wanted, name) for name in ("net_type", "init_weights") if name in changes}
    folds = cross_validation_folds(project, tables, None if leave_one_video_out else splits, trainingsetindex, seed)
    numbers = [shuffle_of(project, fold, wanted, trainingsetindex=trainingsetindex) for fold in folds]
    steps = wanted.maxiters  # named, as settings of a shuffle that is taken up may say another number
    training = _Training(project.config_path, trainingsetindex, steps, changes, len(folds))
    table = project.evaluation_results / f"CrossValidation-{'videos' if leave_one_video_out else 'splits'}.csv"

    def together(trained: list[_Split]) -> CrossValidation:
        found = []
        for split in trained:  # one after the other, as they share a table
            evaluation = evaluate_network(
                config, split.shuffle, trainingsetindex=trainingsetindex, snapshots="last", batch_size=batch_size,
                report=report,
            )  # fmt: skip
            found.append(_validated(split.fold, evaluation.rows[-1]))
        if found:
            _write_table(table, found)
        ratio = float(np.mean([fold.test_frames / fold.train_frames for fold in found])) if found else 0.0
        test = spread([fold.test_error for fold in found], test_ratio=ratio, confidence=confidence)
        return CrossValidation(tuple(found), test, confidence, table)

    return treat_all(
        [_Split(place, fold, number) for place, (fold, number) in enumerate(zip(folds, numbers, strict=True), start=1)],
        partial(_train, training),
        together,
        what="splits could not be trained",
        kind=ModelError,
        name=lambda split: split.fold.name,
        each=each,
    )


@dataclass(frozen=True)
class _Training:
    """What is the same for all splits."""

    config: Path
    trainingsetindex: int
    steps: int
    settings: Mapping[str, object]
    splits: int  # in all


@dataclass(frozen=True)
class _Split:
    """One of the splits."""

    place: int  # counted from 1
    fold: Fold
    shuffle: int

    def __str__(self) -> str:
        return self.fold.name


def _train(training: _Training, split: _Split, report: Report) -> _Split:
    """Train the network of a split, or go on with it."""
    report(Notice(f"Split {split.place} of {training.splits}: {split.fold.name}"))
    train_network(
        training.config, split.shuffle, training.trainingsetindex, maxiters=training.steps, settings=training.settings,
        report=report,
    )  # fmt: skip
    return split


def _validated(fold: Fold, row: EvaluatedSnapshot) -> ValidatedFold:
    return ValidatedFold(
        name=fold.name,
        shuffle=row.shuffle,
        training_iterations=row.training_iterations,
        train_frames=row.train_frames,
        test_frames=row.test_frames,
        train_error=row.errors.train,
        test_error=row.errors.test,
    )


def _write_table(path: Path, folds: list[ValidatedFold]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("split", "shuffle", "training iterations", "train frames", "test frames", "train px", "test px"))
    for fold in folds:
        errors = ("" if np.isnan(error) else f"{error:.4f}" for error in (fold.train_error, fold.test_error))
        counts = (fold.shuffle, fold.training_iterations, fold.train_frames, fold.test_frames)
        writer.writerow((fold.name, *counts, *errors))
    write_text(path, text.getvalue())
