"""report.html: all that is known about one trained network, on a page that can be passed on as it is."""

import math
from pathlib import Path

from posecut_core.analysis.calibration import Calibration
from posecut_core.analysis.evaluation import MeanErrors, worst_frames
from posecut_core.analysis.predicting import Predicts
from posecut_core.model.log import read_log
from posecut_core.plots.calibration_diagram import draw_reliability
from posecut_core.plots.figures import png_bytes
from posecut_core.plots.page import Picture, Section, Table, Words, page
from posecut_core.plots.training_curves import draw_errors, draw_loss
from posecut_core.project.atomic import write_text
from posecut_core.workflow.evaluated_frames import draw_frame
from posecut_core.workflow.evaluation_results import evaluated_steps
from posecut_core.workflow.gathered_frames import frame_names
from posecut_core.workflow.measurement import EvaluationJob, Measurement
from posecut_core.workflow.provenance import provenance

WORST_FRAMES = 6
_PICTURE_WIDTH = 900  # pixels


def write_report(job: EvaluationJob, predictor: Predicts, measured: Measurement) -> Path:
    """Write the report of a snapshot in place of an earlier one of the same shuffle.

    Raises:
        StorageError: the folder cannot be written.
    """
    sections = (
        Section("Result", (_summary(job, measured), _covered(measured))),
        Section("Errors of each bodypart", (_bodyparts(measured, job.project.config.pcutoff),)),
        Section("Training", _curves(job, measured)),
        Section("Likelihood", _likelihood(measured.calibration, job.project.config.pcutoff)),
        Section("Worst frames", _worst(job, predictor, measured)),
        *provenance(measured.split, measured.settings),
    )
    path = job.project.evaluation_folder(job.shuffle, job.trainingsetindex) / "report.html"
    write_text(path, page(predictor.scorer, sections))
    return path


def _summary(job: EvaluationJob, measured: Measurement) -> Table:
    pcutoff = job.project.config.pcutoff
    errors, found = measured.overall(pcutoff), measured.calibration
    counts = [str(int(side.sum())) for side in (measured.is_train, measured.is_test, measured.validates)]
    columns, empty = (4, ("",)) if measured.validates.any() else (3, ())
    return Table(
        ("", "training frames", "test frames", "validation frames")[:columns],
        (
            ("frames", *counts)[:columns],
            ("labelled points", *map(str, (errors.train_pairs, errors.test_pairs, errors.validation_pairs)))[:columns],
            ("mean error", *map(_pixels, (errors.train, errors.test, errors.validation)))[:columns],
            (
                f"mean error of likelihood {pcutoff:g} or more",
                _pixels(errors.train_pcutoff),
                _pixels(errors.test_pcutoff),
                *empty,
            ),
            ("expected calibration error", "", _number(found.expected_error, 3), *empty),
            ("suggested pcutoff", "", _number(found.suggested_pcutoff, 3), *empty),
        ),
    )


def _covered(measured: Measurement) -> Words:
    """Say which bodyparts the errors are of: an average over some looks like one over all."""
    left_out = f"; {', '.join(measured.left_out)} left out" if measured.left_out else ""
    return Words(f"Errors and labelled points are those of {', '.join(measured.bodyparts)}{left_out}.")


def _bodyparts(measured: Measurement, pcutoff: float) -> Table:
    likely = f"test error of likelihood {pcutoff:g} or more"
    header = ("bodypart", "training error", "test error", likely, "test labels")
    return Table(header, tuple(map(_bodypart, measured.bodyparts, measured.by_bodypart(pcutoff))))


def _bodypart(name: str, errors: MeanErrors) -> tuple[str, ...]:
    values = (errors.train, errors.test, errors.test_pcutoff)
    return (name, *map(_pixels, values), str(errors.test_pairs))


def _curves(job: EvaluationJob, measured: Measurement) -> tuple[Picture, Picture]:
    rows = read_log(job.project.model_folder(job.shuffle, job.trainingsetindex) / "log.csv")
    return (
        Picture(png_bytes(draw_loss(rows, title="")), "Loss, learning rate and speed, from log.csv."),
        Picture(
            png_bytes(draw_errors(rows, evaluated_steps(job, measured), title="")),
            "Mean errors of the snapshots that have been evaluated, and on validation frames while training where "
            "validation_share is above 0. No snapshot is chosen by them.",
        ),
    )


def _likelihood(found: Calibration, pcutoff: float) -> tuple[Picture, Words]:
    suggestion = (
        "They give no reason for any pcutoff, as none divides right predictions from wrong ones."
        if math.isnan(found.suggested_pcutoff)
        else f"A pcutoff of {found.suggested_pcutoff:.2f} divides right from wrong ones best (greatest Youden index); "
        f"config.yaml has {pcutoff:g}."
    )
    words = (
        f"{found.points_right} of {found.points} predictions on test frames are right: within {found.within:g} px "
        f"(pos_dist_thresh) of the label. A bodypart without a label counts as absent in that frame, and its "
        f"prediction as wrong, unless nobody looked for it there. {suggestion}"
    )
    diagram = png_bytes(draw_reliability(found, title=""))
    return Picture(diagram, "How often predictions of a likelihood are right."), Words(words)


def _worst(job: EvaluationJob, predictor: Predicts, measured: Measurement) -> tuple[Words | Picture, ...]:
    """Draw the test frames of the greatest mean error; training frames where no test frame has labels."""
    tested = worst_frames(measured.errors, measured.is_test, count=WORST_FRAMES)
    worst = tested or worst_frames(measured.errors, measured.is_train, count=WORST_FRAMES)
    places = [
        (video, found, place)
        for video, found in zip(measured.frames, measured.predicted, strict=True)
        for place in range(len(video.numbers))
    ]
    names = [name for video in measured.frames for name in frame_names(job.project, video)]
    drawn = [
        draw_frame(job.project.config, predictor, *places[index], measured.bodyparts, image=names[index])
        for index, _ in worst
    ]
    pictures = [
        Picture(picture.png(most_width=_PICTURE_WIDTH), f"Mean error {error:.2f} px.")
        for picture, (_, error) in zip(drawn, worst, strict=True)
    ]
    kind = "test" if tested else "training"
    return (Words(f"The {kind} frames of the greatest mean error, worst first."), *pictures)


def _pixels(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.2f} px"


def _number(value: float, digits: int) -> str:
    return "" if math.isnan(value) else f"{value:.{digits}f}"
