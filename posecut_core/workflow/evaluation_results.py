"""The tables and the diagram that an evaluation leaves in the project."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from posecut_core.analysis.evaluation import worst_frames
from posecut_core.analysis.evaluation_files import (
    FrameError,
    StepErrors,
    errors_by_step,
    put_row,
    result_row,
    write_bodypart_errors,
    write_frame_errors,
    write_frame_predictions,
    write_reliability,
)
from posecut_core.analysis.predicting import Predicts
from posecut_core.model.snapshots import snapshot_steps
from posecut_core.plots.calibration_diagram import draw_reliability
from posecut_core.plots.figures import save_png
from posecut_core.progress import Report, silent
from posecut_core.project.hashing import file_sha256
from posecut_core.project.layout import Project
from posecut_core.workflow.gathered_frames import frame_names
from posecut_core.workflow.measurement import EvaluationJob, Measurement


@dataclass(frozen=True)
class EvaluationFiles:
    """Where the results of one snapshot are."""

    results: Path
    bodyparts: Path
    calibration: Path
    diagram: Path  # .png
    predictions: Path  # .h5
    frames: Path


def combined_csv(project: Project) -> Path:
    """Return the table of all evaluations of this iteration."""
    return project.evaluation_results / "CombinedEvaluation-results.csv"


def write_results(
    job: EvaluationJob, predictor: Predicts, measured: Measurement, *, report: Report = silent
) -> EvaluationFiles:
    """Write what was measured of one snapshot; `report` is told of tables that another program saved otherwise.

    Raises:
        StorageError: the folder cannot be written.
    """
    folder, scorer = job.project.evaluation_folder(job.shuffle, job.trainingsetindex), predictor.scorer
    files = EvaluationFiles(
        results=folder / f"{scorer}-results.csv",
        bodyparts=folder / f"{scorer}-keypoint-results.csv",
        calibration=folder / f"{scorer}-calibration.csv",
        diagram=folder / f"{scorer}-calibration.png",
        predictions=folder / f"{scorer}.h5",
        frames=folder / f"{scorer}-frame-results.csv",
    )
    for table in (files.results, combined_csv(job.project)):
        put_row(table, _row(job, measured), report=report)
    write_bodypart_errors(files.bodyparts, measured.bodyparts, measured.by_bodypart(job.project.config.pcutoff))
    write_frame_errors(files.frames, _frame_errors(measured))
    write_reliability(files.calibration, measured.calibration)
    save_png(draw_reliability(measured.calibration, title=scorer), files.diagram)
    write_frame_predictions(
        files.predictions,
        [("labeled-data", video.video, name) for video in measured.frames for name in frame_names(job.project, video)],
        np.concatenate([found.xy for found in measured.predicted]),
        np.concatenate([found.likelihood for found in measured.predicted]),
        scorer=scorer,
        bodyparts=predictor.bodyparts,
        network=_network(job),
    )
    return files


def evaluated_steps(job: EvaluationJob, measured: Measurement) -> tuple[StepErrors, ...]:
    """Read the errors of all snapshots of the same training that have been evaluated in the same way."""
    steps = snapshot_steps(job.project.model_folder(job.shuffle, job.trainingsetindex))
    networks = {step: _network(replace(job, step=step)) for step in steps}
    return errors_by_step(combined_csv(job.project), _row(job, measured), networks=networks)


def _frame_errors(measured: Measurement) -> list[FrameError]:
    every = np.ones(len(measured.errors), bool)
    names = [(video.video, int(number)) for video in measured.frames for number in video.numbers]
    ranked = worst_frames(measured.errors, every, count=len(names))
    return [
        FrameError(*names[place], bool(measured.is_train[place]), mean, validates=bool(measured.validates[place]))
        for place, mean in ranked
    ]


def _row(job: EvaluationJob, measured: Measurement) -> dict[str, str]:
    pcutoff = job.project.config.pcutoff
    return result_row(
        measured.overall(pcutoff),
        measured.calibration,
        step=job.step,
        percent=job.percent,
        shuffle=job.shuffle,
        pcutoff=pcutoff,
        bodyparts=None if job.bodyparts is None else measured.bodyparts,
        network=_network(job),
    )


def _network(job: EvaluationJob) -> str:
    """Tell the network from others of its name, as the results of its evaluation do."""
    return file_sha256(job.project.snapshot_manifest(job.shuffle, job.step, job.trainingsetindex))
