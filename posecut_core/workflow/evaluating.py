"""Step H: measure how far the network's positions lie from the labels (`evaluate_network`)."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from posecut_core.analysis.calibration import Calibration
from posecut_core.analysis.evaluation import MeanErrors
from posecut_core.analysis.inference import Predictor
from posecut_core.analysis.predicting import Predicts
from posecut_core.errors import ArgumentError
from posecut_core.progress import Report, silent
from posecut_core.project.given_values import forgiving
from posecut_core.project.layout import Project
from posecut_core.workflow.arguments import Snapshots, chosen_batch_size, chosen_bodyparts, chosen_steps
from posecut_core.workflow.evaluated_frames import draw_all
from posecut_core.workflow.evaluation_results import EvaluationFiles, combined_csv, write_results
from posecut_core.workflow.measurement import EvaluationJob, Measurement, measure
from posecut_core.workflow.opening import open_project
from posecut_core.workflow.reporting import write_report


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
    errors: MeanErrors  # over all of `bodyparts`
    bodyparts: tuple[str, ...]
    bodypart_errors: tuple[MeanErrors, ...]
    calibration: Calibration  # on the test frames; nothing is changed by the pcutoff that it suggests
    results_csv: Path
    bodyparts_csv: Path
    calibration_csv: Path
    calibration_png: Path
    predictions: Path  # .h5 of the labelled frames
    frames_csv: Path  # their mean errors, the greatest first
    images: tuple[Path, ...]
    report: Path  # .html of the shuffle, about the snapshot of it that was evaluated last
    left_out: tuple[str, ...] = ()  # bodyparts of the project or the network that were not measured
    validation_frames: int = 0  # held out of the training frames by `validation_share`, counted with neither

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that was written about this snapshot alone."""
        tables = (self.results_csv, self.bodyparts_csv, self.calibration_csv, self.frames_csv, self.predictions)
        return (*tables, self.calibration_png, *self.images, self.report)


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
        return tuple(dict.fromkeys([self.combined_csv, *(path for row in self.rows for path in row.files)]))


@forgiving
def evaluate_network(
    config: str | os.PathLike[str],
    shuffle: int | Sequence[int] = (1,),
    plotting: bool = False,
    *,
    trainingsetindex: int = 0,
    snapshots: Snapshots | None = None,
    bodyparts: str | Sequence[str] | None = None,
    batch_size: int | None = None,
    report: Report = silent,
) -> Evaluation:
    """Measure mean Euclidean distances between labels and predictions on training and test frames.

    Likelihoods are held against how often predictions of test frames are right, which is to say within the
    shuffle's `pos_dist_thresh` of the label; a pcutoff is suggested from the same points. It is not written into
    config.yaml, and no snapshot is chosen by any of this. `report.html` shows all of it on one page. Frames that
    validated a training (its setting `validation_share`) are reported apart: they trained nothing, but were watched.

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
    project = open_project(config, report=report)
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
    return Evaluation(tuple(rows), combined_csv(project))


def evaluate_snapshot(
    job: EvaluationJob, predictor: Predicts, *, plotting: bool, batch_size: int, report: Report
) -> EvaluatedSnapshot:
    """Evaluate one snapshot and write its files.

    Raises:
        DatasetError: there is no such training dataset, or none of its frames is labelled any more.
        ModelError: the settings of the training are missing or unreadable.
        StorageError: the project folder cannot be written.
    """
    measured = measure(job, predictor, batch_size=batch_size, report=report)
    files = write_results(job, predictor, measured, report=report)
    images: tuple[Path, ...] = ()
    if plotting:
        folder = files.results.parent / f"LabeledImages_{predictor.scorer}"
        images = draw_all(
            folder, job.project, predictor, measured.frames, measured.predicted, measured.bodyparts, report
        )
    return _evaluated(job, predictor, measured, files, images, write_report(job, predictor, measured))


def _steps(project: Project, shuffle: int, trainingsetindex: int, snapshots: Snapshots | None) -> tuple[int, ...]:
    model_folder = project.model_folder(shuffle, trainingsetindex)
    return chosen_steps(model_folder, snapshots, snapshotindex=project.config.snapshotindex)


def _evaluated(
    job: EvaluationJob,
    predictor: Predicts,
    measured: Measurement,
    files: EvaluationFiles,
    images: tuple[Path, ...],
    report: Path,
) -> EvaluatedSnapshot:
    pcutoff = job.project.config.pcutoff
    return EvaluatedSnapshot(
        scorer=predictor.scorer,
        shuffle=job.shuffle,
        training_iterations=job.step,
        train_percent=job.percent,
        train_frames=int(np.count_nonzero(measured.is_train)),
        test_frames=int(np.count_nonzero(measured.is_test)),
        pcutoff=pcutoff,
        errors=measured.overall(pcutoff),
        bodyparts=measured.bodyparts,
        bodypart_errors=measured.by_bodypart(pcutoff),
        calibration=measured.calibration,
        results_csv=files.results,
        bodyparts_csv=files.bodyparts,
        calibration_csv=files.calibration,
        calibration_png=files.diagram,
        predictions=files.predictions,
        frames_csv=files.frames,
        images=images,
        report=report,
        left_out=measured.left_out,
        validation_frames=int(np.count_nonzero(measured.validates)),
    )
