"""Step H: measure how far the network's positions lie from the labels (`evaluate_network`)."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from posecut_core.analysis.evaluation import MeanErrors, mean_errors, mean_errors_by_bodypart, pixel_errors
from posecut_core.analysis.evaluation_files import put_row, result_row, write_bodypart_errors, write_frame_predictions
from posecut_core.analysis.inference import Predictor
from posecut_core.analysis.labelled_frames import FramePredictions, LabelledFrames
from posecut_core.analysis.predicting import Predicts
from posecut_core.dataset.split import read_split
from posecut_core.errors import ArgumentError
from posecut_core.progress import Report, silent
from posecut_core.project.layout import Project
from posecut_core.workflow.arguments import Snapshots, chosen_batch_size, chosen_bodyparts, chosen_steps
from posecut_core.workflow.evaluated_frames import draw_all, frame_names, labelled_frames, predict_all
from posecut_core.workflow.opening import open_project

_COMBINED = "CombinedEvaluation-results.csv"


@dataclass(frozen=True)
class EvaluatedSnapshot:
    """Errors of one snapshot in pixels, and its files."""

    scorer: str
    shuffle: int
    training_iterations: int
    train_percent: int  # share of the labelled frames that the network was trained on
    train_frames: int
    test_frames: int
    pcutoff: float
    errors: MeanErrors  # over all bodyparts
    bodyparts: tuple[str, ...]
    bodypart_errors: tuple[MeanErrors, ...]
    results_csv: Path
    bodyparts_csv: Path
    predictions: Path  # .h5 of the labelled frames
    images: tuple[Path, ...]


@dataclass(frozen=True)
class Evaluation:
    """All snapshots of one call."""

    rows: tuple[EvaluatedSnapshot, ...]
    combined_csv: Path

    @property
    def scorer(self) -> str:
        """Name of the snapshot that was evaluated last."""
        return self.rows[-1].scorer

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that was written, each once."""
        own = [(row.results_csv, row.bodyparts_csv, row.predictions, *row.images) for row in self.rows]
        return tuple(dict.fromkeys([self.combined_csv, *(path for paths in own for path in paths)]))


def evaluate_network(
    config: str | os.PathLike[str],
    shuffle: int | Sequence[int] = (1,),
    plotting: bool = False,
    *,
    trainingsetindex: int = 0,
    snapshots: Snapshots | None = None,
    bodyparts: Sequence[str] | None = None,
    batch_size: int | None = None,
    report: Report = silent,
) -> Evaluation:
    """Measure mean Euclidean distances between labels and predictions on training and test frames.

    Args:
        config: path of config.yaml; its `pcutoff` divides likely from unlikely predictions.
        shuffle: which shuffles' networks, one or several.
        plotting: whether to draw every labelled frame with labels and predictions.
        trainingsetindex: which of config.yaml's training fractions.
        snapshots: "last", "all", a number of training steps or several; by default config.yaml's snapshotindex.
        bodyparts: those to measure; by default all.
        batch_size: frames at once; by default config.yaml's batch_size.
        report: told of every batch and picture.

    Raises:
        ArgumentError: no shuffle is given, or a bodypart is unknown.
        DatasetError: there is no such training dataset.
        ModelError: there is no such snapshot.
        StorageError: the project folder cannot be written.
    """
    project = open_project(config)
    shuffles = (shuffle,) if isinstance(shuffle, int) else tuple(shuffle)
    if not shuffles:
        raise ArgumentError("No shuffle was given; give the number of at least one, such as 1.")
    chosen_bodyparts(project.config.bodyparts, bodyparts)
    size = chosen_batch_size(project, batch_size)
    chosen = [(number, step) for number in shuffles for step in _steps(project, number, trainingsetindex, snapshots)]
    rows = []
    for number, step in chosen:
        predictor = Predictor.load(project.model_folder(number, trainingsetindex), snapshot=step)
        job = EvaluationJob(project, number, trainingsetindex, step, bodyparts)
        rows.append(evaluate_snapshot(job, predictor, plotting=plotting, batch_size=size, report=report))
    return Evaluation(tuple(rows), project.evaluation_results / _COMBINED)


@dataclass(frozen=True)
class EvaluationJob:
    """Which snapshot of which project is evaluated on which bodyparts."""

    project: Project
    shuffle: int
    trainingsetindex: int
    step: int
    bodyparts: Sequence[str] | None


def evaluate_snapshot(
    job: EvaluationJob, predictor: Predicts, *, plotting: bool, batch_size: int, report: Report
) -> EvaluatedSnapshot:
    """Evaluate one snapshot and write its files.

    Raises:
        DatasetError: there is no such training dataset, or none of its frames is labelled any more.
        StorageError: the project folder cannot be written.
    """
    config = job.project.config
    known = tuple(part for part in predictor.bodyparts if part in config.bodyparts)
    bodyparts = chosen_bodyparts(known, job.bodyparts)
    frames = labelled_frames(job.project, read_split(job.project.split_path(job.shuffle, job.trainingsetindex)))
    predicted = predict_all(predictor, frames, batch_size=batch_size, report=report)
    labels = np.concatenate([video.xy for video in frames])[:, [config.bodyparts.index(part) for part in bodyparts]]
    columns = [predictor.bodyparts.index(part) for part in bodyparts]
    likelihood = np.concatenate([found.likelihood for found in predicted])[:, columns]
    errors = pixel_errors(np.concatenate([found.xy for found in predicted])[:, columns], labels)
    is_train = np.concatenate([video.is_train for video in frames])
    overall = mean_errors(errors, likelihood, is_train, pcutoff=config.pcutoff)
    by_bodypart = mean_errors_by_bodypart(errors, likelihood, is_train, pcutoff=config.pcutoff)
    folder = job.project.evaluation_folder(job.shuffle, job.trainingsetindex)
    tables = _write_tables(job, predictor, frames, predicted, overall, bodyparts, by_bodypart)
    images: tuple[Path, ...] = ()
    if plotting:
        images = draw_all(
            folder / f"LabeledImages_{predictor.scorer}", job.project, predictor, frames, predicted, bodyparts, report
        )
    return EvaluatedSnapshot(
        scorer=predictor.scorer,
        shuffle=job.shuffle,
        training_iterations=job.step,
        train_percent=_percent(job),
        train_frames=int(is_train.sum()),
        test_frames=int((~is_train).sum()),
        pcutoff=config.pcutoff,
        errors=overall,
        bodyparts=bodyparts,
        bodypart_errors=by_bodypart,
        results_csv=tables[0],
        bodyparts_csv=tables[1],
        predictions=tables[2],
        images=images,
    )


def _steps(project: Project, shuffle: int, trainingsetindex: int, snapshots: Snapshots | None) -> tuple[int, ...]:
    model_folder = project.model_folder(shuffle, trainingsetindex)
    return chosen_steps(model_folder, snapshots, snapshotindex=project.config.snapshotindex)


def _percent(job: EvaluationJob) -> int:
    """Return the share of training frames, truncated as in DeepLabCut's names."""
    return int(100 * job.project.config.training_fractions[job.trainingsetindex])


def _write_tables(
    job: EvaluationJob,
    predictor: Predicts,
    frames: tuple[LabelledFrames, ...],
    predicted: tuple[FramePredictions, ...],
    overall: MeanErrors,
    bodyparts: tuple[str, ...],
    by_bodypart: tuple[MeanErrors, ...],
) -> tuple[Path, Path, Path]:
    """Write the tables of one snapshot; return the paths of results, errors per bodypart, and predictions."""
    project, folder = job.project, job.project.evaluation_folder(job.shuffle, job.trainingsetindex)
    results = folder / f"{predictor.scorer}-results.csv"
    row = result_row(
        overall,
        step=job.step,
        percent=_percent(job),
        shuffle=job.shuffle,
        pcutoff=project.config.pcutoff,
        bodyparts=None if job.bodyparts is None else bodyparts,
    )
    put_row(results, row)
    put_row(project.evaluation_results / _COMBINED, row)
    keypoints = folder / f"{predictor.scorer}-keypoint-results.csv"
    write_bodypart_errors(keypoints, bodyparts, by_bodypart)
    predictions = folder / f"{predictor.scorer}.h5"
    write_frame_predictions(
        predictions,
        [("labeled-data", video.video, name) for video in frames for name in frame_names(project, video)],
        np.concatenate([found.xy for found in predicted]),
        np.concatenate([found.likelihood for found in predicted]),
        scorer=predictor.scorer,
        bodyparts=predictor.bodyparts,
    )
    return results, keypoints, predictions
