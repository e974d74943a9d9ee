"""Step H: measure how far the network's positions lie from the labels, and report it (`evaluate_network`)."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from posecut_core.errors import ArgumentError, Remedy
from posecut_core.evaluation.errors import FEW_TEST_FRAMES, MeanErrors, pixels, worst_frames
from posecut_core.evaluation.measurement import (
    EvaluationJob,
    Measurement,
    evaluated_steps,
    frame_names,
    measure,
    write_results,
)
from posecut_core.evaluation.reliability import Calibration
from posecut_core.inference.predictor import Predictor, chosen_batch_size, loaded_ensemble
from posecut_core.inference.stored_frames import Predicts
from posecut_core.labels.agreement import Agreement, pooled, read_agreement
from posecut_core.model.log import read_log
from posecut_core.plots.figures import png_bytes, save_png
from posecut_core.plots.frames import draw_all, draw_frame
from posecut_core.plots.report import (
    Picture,
    Section,
    Table,
    Words,
    draw_errors,
    draw_loss,
    draw_reliability,
    page,
    provenance,
)
from posecut_core.progress import Report, silent
from posecut_core.project.given import chosen_bodyparts, forgiving
from posecut_core.project.opening import open_project
from posecut_core.project.paths import EvaluationFiles, Snapshots
from posecut_core.project.state import look_of
from posecut_core.results import Summary, counted
from posecut_core.storage.files import write_text
from posecut_core.storage.locks import sole_writer

# --- reporting --------------------------------------------------------------------------------------------------------
# report.html: all that is known about one trained network, on a page that can be passed on as it is.


_WORST_FRAMES = 6
_PICTURE_WIDTH = 900  # pixels


def _write_report(job: EvaluationJob, predictor: Predicts, measured: Measurement) -> Path:
    """Write the report of a snapshot in place of an earlier one of the same shuffle.

    Raises:
        StorageError: the folder cannot be written.
    """
    sections = (
        Section("Result", (_summary(job, measured), *_doubted(measured), _covered(measured))),
        Section("Errors of each bodypart", (_bodyparts(measured, job.project.config.pcutoff, _people(job, measured)),)),
        Section("Training", _curves(job, measured)),
        Section("Likelihood", _likelihood(measured.calibration, job.project.config.pcutoff)),
        Section("Worst frames", _worst(job, predictor, measured)),
        *provenance(measured.split, measured.settings),
    )
    path = job.training.evaluation(predictor.scorer).report
    write_text(path, page(predictor.scorer, sections))
    return path


def _summary(job: EvaluationJob, measured: Measurement) -> Table:
    pcutoff = job.project.config.pcutoff
    errors, found, people = measured.overall(pcutoff), measured.calibration, pooled(_people(job, measured).values())
    counts = [str(int(side.sum())) for side in (measured.is_train, measured.is_test, measured.validates)]
    columns, empty = (4, ("",)) if measured.validates.any() else (3, ())
    return Table(
        ("", "training frames", "test frames", "validation frames")[:columns],
        (
            ("frames", *counts)[:columns],
            ("labeled points", *map(str, (errors.train_pairs, errors.test_pairs, errors.validation_pairs)))[:columns],
            ("mean error", *map(_pixels, (errors.train, errors.test, errors.validation)))[:columns],
            (
                f"mean error of likelihood {pcutoff:g} or more",
                _pixels(errors.train_pcutoff),
                _pixels(errors.test_pcutoff),
                *empty,
            ),
            ("expected calibration error", "", _number(found.expected_error, 3), *empty),
            ("suggested pcutoff", "", _number(found.suggested_pcutoff, 3), *empty),
            *([("distance between two people's labels", "", _pixels(people.mean), *empty)] if people.pairs else []),
        ),
    )


def _people(job: EvaluationJob, measured: Measurement) -> dict[str, Agreement]:
    """Return how far two people's labels of the measured bodyparts lie apart, where `check_labels` compared them."""
    known = read_agreement(job.project.label_agreement)
    return {part: known[part] for part in measured.bodyparts if part in known}


def _covered(measured: Measurement) -> Words:
    """Say which bodyparts the errors are of: an average over some looks like one over all."""
    left_out = f"; {', '.join(measured.left_out)} left out" if measured.left_out else ""
    return Words(f"Errors and labeled points are those of {', '.join(measured.bodyparts)}{left_out}.")


def _doubted(measured: Measurement) -> tuple[Words, ...]:
    """Say so where few frames were tested."""
    tested = int(np.count_nonzero(measured.is_test))
    return (Words(f"{_says_little(tested)}."),) if 0 < tested < FEW_TEST_FRAMES else ()


def _says_little(tested: int) -> str:
    return f"The error of only {counted(tested, 'test frame')} says little about new frames"


def _bodyparts(measured: Measurement, pcutoff: float, people: Mapping[str, Agreement]) -> Table:
    likely = f"test error of likelihood {pcutoff:g} or more"
    header: tuple[str, ...] = ("bodypart", "training error", "test error", likely, "test labels")
    rows = list(map(_bodypart, measured.bodyparts, measured.by_bodypart(pcutoff)))
    if people:
        header = (*header, "two people")
        rows = [(*row, _pixels(people[row[0]].mean) if row[0] in people else "") for row in rows]
    return Table(header, tuple(rows))


def _bodypart(name: str, errors: MeanErrors) -> tuple[str, ...]:
    values = (errors.train, errors.test, errors.test_pcutoff)
    return (name, *map(_pixels, values), str(errors.test_pairs))


def _curves(job: EvaluationJob, measured: Measurement) -> tuple[Picture, Picture]:
    rows = read_log(job.training.log)
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
        "They suggest no pcutoff, because none separates right from wrong predictions."
        if math.isnan(found.suggested_pcutoff)
        else f"A pcutoff of {found.suggested_pcutoff:.2f} separates right from wrong best (greatest Youden index); "
        f"config.yaml has {pcutoff:g}."
    )
    words = (
        f"{found.points_right} of {found.points} predictions on test frames are right: within {found.within:g} px "
        "(pos_dist_thresh) of the label. A bodypart without a label counts as absent in that frame, and its "
        f"prediction as wrong, unless it was not annotated there. {suggestion}"
    )
    diagram = png_bytes(draw_reliability(found, title=""))
    return Picture(
        diagram, "Reliability of likelihoods: how often predictions of a given likelihood are right."
    ), Words(words)


def _worst(job: EvaluationJob, predictor: Predicts, measured: Measurement) -> tuple[Words | Picture, ...]:
    """Draw the test frames of the greatest mean error; training frames where no test frame has labels."""
    tested = worst_frames(measured.errors, measured.is_test, count=_WORST_FRAMES)
    worst = tested or worst_frames(measured.errors, measured.is_train, count=_WORST_FRAMES)
    places = [
        (video, found, place)
        for video, found in zip(measured.frames, measured.predicted, strict=True)
        for place in range(len(video.numbers))
    ]
    names = [name for video in measured.frames for name in frame_names(job.project, video)]
    drawn = [
        draw_frame(look_of(job.project), predictor, *places[index], measured.bodyparts, image=names[index])
        for index, _ in worst
    ]
    pictures = [
        Picture(picture.png(most_width=_PICTURE_WIDTH), f"Mean error {error:.2f} px.")
        for picture, (_, error) in zip(drawn, worst, strict=True)
    ]
    kind = "test" if tested else "training"
    return (Words(f"The {kind} frames with the largest mean errors, worst first."), *pictures)


def _pixels(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.2f} px"


def _number(value: float, digits: int) -> str:
    return "" if math.isnan(value) else f"{value:.{digits}f}"


# --- evaluating -------------------------------------------------------------------------------------------------------
# Step H: measure how far the network's positions lie from the labels (`evaluate_network`).


_MUCH = 2.0  # times the training error: more is said to be much above it


@dataclass(frozen=True)
class EvaluatedSnapshot:
    """Errors of one snapshot in pixels, and its files."""

    scorer: str
    shuffle: int
    training_iterations: int
    train_percent: int  # share of the labeled frames that the network was trained on
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
    predictions: Path  # .h5 of the labeled frames
    frames_csv: Path  # their mean errors, the greatest first
    images: tuple[Path, ...]
    report: Path  # .html of the shuffle, about the snapshot of it that was evaluated last
    left_out: tuple[str, ...] = ()  # bodyparts of the project or the network that were not measured
    validation_frames: int = 0  # held out of the training frames by `validation_share`, counted with neither
    people: Agreement | None = None  # how far two people's labels of these bodyparts lie apart; None: not compared

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that was written about this snapshot alone."""
        tables = (self.results_csv, self.bodyparts_csv, self.calibration_csv, self.frames_csv, self.predictions)
        return (*tables, self.calibration_png, *self.images, self.report)

    @property
    def _has_few_tests(self) -> bool:
        return self.test_frames < FEW_TEST_FRAMES

    def _lines(self) -> list[str]:
        errors = self.errors
        both = (errors.train_pcutoff, errors.test_pcutoff)
        known = " and ".join(map(pixels, both[:1] if all(map(math.isnan, both)) else both))
        likely = f"with likelihood {self.pcutoff:g} or more: {known}"
        frames = counted(self.validation_frames, "frame")
        validated = f", {pixels(errors.validation)} on {frames} that validated" if self.validation_frames else ""
        covered = f"these errors are those of {', '.join(self.bodyparts)}; not measured: {', '.join(self.left_out)}."
        return [
            f"{self.scorer}: mean error {pixels(errors.train)} on {counted(self.train_frames, 'training frame')}, "
            f"{pixels(errors.test)} on {counted(self.test_frames, 'test frame')}{validated} ({likely})",
            *([f"{self.scorer}: {covered}"] if self.left_out else []),
            f"{self.scorer}: {self.calibration.sentence(self.pcutoff, few=self._has_few_tests)}",
            *([f"Two people's labels of the same frames are {self.people.sentence()}"] if self.people else []),
        ]

    def _verdict(self) -> tuple[str, tuple[str, ...], bool]:
        """Say by its errors if the network is ready for videos, which steps come next, and if that is a warning."""
        train, test, within = self.errors.train, self.errors.test, self.calibration.within
        if math.isnan(test):
            text = (
                "No label of a test frame could be measured, so nothing is known about new frames; label more frames, "
                "or lower TrainingFraction in config.yaml, and create another training dataset."
            )
            return text, ("extract_frames", "create_training_dataset"), True
        judged, error = ("training", train) if self._has_few_tests else ("test", test)
        if error > within:
            text = (
                f"The {judged} error is above {within:g} px (pos_dist_thresh), beyond which a prediction counts as "
                "wrong: the network is not ready; check the labels, train longer or label more frames."
            )
            return text, ("check_labels", "train_network", "extract_frames"), True
        if math.isnan(self.errors.train_pcutoff) and math.isnan(self.errors.test_pcutoff):
            text = (
                f"No prediction reaches the pcutoff of {self.pcutoff:g}, so figures and labeled videos would be "
                "empty: the network is not ready; train longer."
            )
            return text, ("train_network",), True
        if self._has_few_tests:
            text = f"{_says_little(self.test_frames)}; label more frames, or train and test on several splits."
            return text, ("extract_frames", "cross_validate", "analyze_videos"), True
        if test > _MUCH * train:
            text = (
                f"The test error is more than {_MUCH:g} times the training error: the network overfits its training "
                "frames; label more frames before you rely on it."
            )
            return text, ("extract_frames", "analyze_videos"), True
        text = (
            "The test error is not much above the training error: if it is accurate enough, the network is ready for "
            "videos."
        )
        return text, ("analyze_videos",), False


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

    def summary(self) -> Summary:
        """Say the errors of each snapshot, and whether the last one is ready for videos."""
        lines = [line for row in self.rows for line in row._lines()]
        lines.append(f"Tables: {self.combined_csv.parent}")
        lines += [f"All on one page: {path}" for path in dict.fromkeys(row.report for row in self.rows)]
        if not self.rows:
            return Summary("", tuple(lines))
        text, steps, warns = self.rows[-1]._verdict()
        of_shuffle = {"train_network", "analyze_videos"}
        shuffle = {"shuffle": self.rows[-1].shuffle}
        following = tuple(Remedy(step, **(shuffle if step in of_shuffle else {})) for step in steps)
        return Summary(text, tuple(lines), following, is_warning=warns)


@forgiving
def evaluate_network(
    config: str | os.PathLike[str],
    shuffle: int | Sequence[int] = (1,),
    plotting: bool = False,
    *,
    trainingsetindex: int = 0,
    snapshots: Snapshots | None = None,
    ensemble: bool = False,
    bodyparts: str | Sequence[str] | None = None,
    batch_size: int | None = None,
    report: Report = silent,
) -> Evaluation:
    """Measure how far the predictions are from the labels, on training and on test frames.

    Errors are mean Euclidean distances in pixels. Likelihoods are held against how often predictions of test frames are
    right, which is to say within the shuffle's `pos_dist_thresh` of the label; a pcutoff is suggested from the same
    points. It is not written into config.yaml, and no snapshot is chosen by any of this. `report.html` shows all of it
    on one page. Frames that validated a training (its setting `validation_share`) are reported apart: they trained
    nothing, but were watched.

    Args:
        config: path of config.yaml; its `pcutoff` divides likely from unlikely predictions.
        shuffle: which shuffles' networks, one or several, as 1 or 1,2,3.
        plotting: draw labels and predictions on every labeled frame.
        trainingsetindex: which of config.yaml's training fractions, counted from 0.
        snapshots: "last", "all", or numbers of training steps; by default snapshotindex in config.yaml decides.
        ensemble: measure all networks of each shuffle together, as `analyze_videos` asks them.
        bodyparts: measure only these, separated by commas; by default all.
        batch_size: frames at once; by default batch_size in config.yaml.
        report: called after each batch and picture.

    Raises:
        ArgumentError: no shuffle is given, or a bodypart is unknown.
        DatasetError: there is no such training dataset.
        ModelError: there is no such snapshot or ensemble.
        BusyError: another program evaluates the same snapshot.
        StorageError: the project folder cannot be written.
    """
    project = open_project(config)
    shuffles = (shuffle,) if isinstance(shuffle, int) else tuple(shuffle)
    if not shuffles:
        raise ArgumentError("No shuffle was given; give at least one, such as 1.")
    chosen_bodyparts(project.config.bodyparts, bodyparts)
    size = chosen_batch_size(project, batch_size)
    trainings = [project.training(number, trainingsetindex) for number in shuffles]
    chosen = [(training, step) for training in trainings for step in training.chosen_steps(snapshots)]
    rows = []
    for training, step in chosen:
        predictor = loaded_ensemble(training, step) if ensemble else Predictor.load(training.folder, snapshot=step)
        job = EvaluationJob(training, step, bodyparts, ensemble)
        diagram = training.evaluation(predictor.scorer).diagram
        with sole_writer(diagram, doing=f"{predictor.scorer} is being evaluated"):  # a full or read-only disk shows now
            rows.append(_evaluate_snapshot(job, predictor, plotting=plotting, batch_size=size, report=report))
    return Evaluation(tuple(rows), project.combined_evaluation)


def _evaluate_snapshot(
    job: EvaluationJob, predictor: Predicts, *, plotting: bool, batch_size: int, report: Report
) -> EvaluatedSnapshot:
    """Evaluate one snapshot and write its files.

    Raises:
        DatasetError: there is no such training dataset, or none of its frames is labeled any more.
        ModelError: the settings of the training are missing or unreadable.
        StorageError: the project folder cannot be written.
    """
    measured = measure(job, predictor, batch_size=batch_size, report=report)
    files = write_results(job, predictor, measured, report=report)
    save_png(draw_reliability(measured.calibration, title=predictor.scorer), files.diagram)
    images: tuple[Path, ...] = ()
    if plotting:
        folder = files.results.parent / f"LabeledImages_{predictor.scorer}"
        images = draw_all(
            folder, job.project, predictor, measured.frames, measured.predicted, measured.bodyparts, report
        )
    return _evaluated(job, predictor, measured, files, images, _write_report(job, predictor, measured))


def _evaluated(
    job: EvaluationJob,
    predictor: Predicts,
    measured: Measurement,
    files: EvaluationFiles,
    images: tuple[Path, ...],
    report: Path,
) -> EvaluatedSnapshot:
    pcutoff, people = job.project.config.pcutoff, pooled(_people(job, measured).values())
    return EvaluatedSnapshot(
        scorer=predictor.scorer,
        shuffle=job.training.shuffle,
        training_iterations=job.step,
        train_percent=job.training.percent,
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
        people=people if people.pairs else None,
    )
