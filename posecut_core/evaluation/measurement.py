"""A network measured on the labeled frames: gathered, predicted, drawn, and written as tables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from posecut_core.dataset.settings import TrainingSettings, read_settings
from posecut_core.dataset.split import Split, read_split, validation_part
from posecut_core.errors import DatasetError, LabelError, Remedy
from posecut_core.evaluation.errors import MeanErrors, mean_errors, mean_errors_by_bodypart, pixel_errors, worst_frames
from posecut_core.evaluation.reliability import Calibration, calibration
from posecut_core.evaluation.tables import (
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
from posecut_core.formats.deeplabcut.frames import image_names, never_extracted, without_picture
from posecut_core.inference.stored_frames import (
    FramePredictions,
    LabeledFrames,
    Predicts,
    predict_stored_frames,
    stored_frames,
)
from posecut_core.labels.notices import note_bodyparts
from posecut_core.labels.replaced_images import disputed_frames, disputed_images, review_images
from posecut_core.labels.store import read_labels
from posecut_core.labels.table import LabelTable
from posecut_core.labels.validation import without_outside
from posecut_core.progress import Notice, Progress, Report, silent
from posecut_core.project.given import chosen_bodyparts, named_few
from posecut_core.project.opening import strangers_among
from posecut_core.project.paths import EvaluationFiles, Project, Training
from posecut_core.types import FrameRef
from posecut_core.video.frame_store import FrameStore

# --- gathered frames --------------------------------------------------------------------------------------------------
# Labeled frames with their images' places, gathered from the project for a network to be measured on.


def gather_frames(
    project: Project,
    tables: Mapping[str, LabelTable],
    *,
    train: Sequence[FrameRef],
    test: Sequence[FrameRef],
    validation: Sequence[FrameRef] = (),
    report: Report = silent,
) -> tuple[LabeledFrames, ...]:
    """Gather the frames that `tables` has labels of, video by video, in increasing order of their numbers.

    Frames without labels, without a picture or with two are left out and told; labels outside their picture are not
    measured.

    Raises:
        DatasetError: none is left.
        VideoError: a frame store is damaged.
    """
    found, every = [], (*train, *validation, *test)
    labeled = [frame for frame in every if _is_labeled(tables, frame)]
    bare = [frame for frame in every if frame.video in tables and not _is_labeled(tables, frame)]
    _tell_bare(project, bare, report)
    there = {*with_pictures(project, labeled, report=report)}
    for video in sorted({frame.video for frame in there}):
        sides = [[frame.number for frame in side if frame.video == video] for side in (there, train, validation)]
        labels = tables[video].rows(np.isin(tables[video].numbers, sides[0]))
        found.append(_of_video(project, labels, train=sides[1], validation=sides[2]))
    if not found:
        raise DatasetError(
            f"None of the {len(every)} frames of the training dataset is labeled now; restore the labels, or create "
            "another training dataset and train it.",
            Remedy("create_training_dataset", config=project.root),
        )
    return tuple(found)


def _tell_bare(project: Project, frames: Sequence[FrameRef], report: Report) -> None:
    """Tell frames of a training dataset that have no labels any more."""
    for video in sorted({frame.video for frame in frames}):
        names = image_names(project, video, sorted(frame.number for frame in frames if frame.video == video))
        told = f"{video}: left out because they are no longer labeled: {named_few(list(names.values()))}"
        report(Notice(told))


def with_pictures(project: Project, frames: Sequence[FrameRef], *, report: Report = silent) -> tuple[FrameRef, ...]:
    """Return the frames that have a picture; those whose picture is gone are reported.

    Left out, too, are frames whose image shows another picture than what was labeled: adopting the project tells them.

    Raises:
        DatasetError: none is left.
        VideoError: a frame store is damaged.
    """
    left_out, lost = set[FrameRef](), list[LabelError]()
    for video in sorted({frame.video for frame in frames}):
        absent = without_picture(project, video, sorted(frame.number for frame in frames if frame.video == video))
        if absent:
            lost.append(never_extracted(project, video, absent))
            report(Notice.of(lost[-1]))
        left_out |= {FrameRef(video, number) for number in (*absent, *disputed_frames(project, video))}
    found = tuple(frame for frame in frames if frame not in left_out)
    if frames and not found:
        raise DatasetError(str(lost[0]), *lost[0].remedies) if lost else _all_disputed(project, frames)
    return found


def _tell_disputed(project: Project, video: str, report: Report) -> None:
    """Report the images that show another picture than what was labeled: their frames are not measured."""
    disputed = disputed_images(project, video, review_images(project, video))
    if disputed:
        report(disputed)


def frame_names(project: Project, frames: LabeledFrames) -> list[str]:
    """List the names of the frames' images, as the labels have them."""
    names = image_names(project, frames.video, frames.numbers.tolist())
    return [names[number] for number in frames.numbers.tolist()]


def _is_labeled(tables: Mapping[str, LabelTable], frame: FrameRef) -> bool:
    return frame.video in tables and frame.number in tables[frame.video].numbers


def _all_disputed(project: Project, frames: Sequence[FrameRef]) -> DatasetError:
    videos = sorted({frame.video for frame in frames})
    found = (disputed_images(project, video, review_images(project, video)) for video in videos)
    told = [notice for notice in found if notice]
    return DatasetError(
        f"None of the {len(frames)} frames can be used. {'; '.join(notice.text for notice in told)}.",
        *(remedy for notice in told for remedy in notice.remedies),
    )


def _of_video(project: Project, table: LabelTable, *, train: list[int], validation: list[int]) -> LabeledFrames:
    store = FrameStore.open(project.frame_store(table.video))
    labels = without_outside(table, store)
    frames = stored_frames(table.video, store, labels.numbers)
    return LabeledFrames(
        **vars(frames),
        xy=labels.xy,
        annotated=labels.annotated,
        is_train=np.isin(labels.numbers, train),
        validates=np.isin(labels.numbers, validation),
    )


# --- evaluated frames -------------------------------------------------------------------------------------------------
# The labeled frames that a network is measured on: predicted, and drawn with labels and predictions.


def _predict_all(
    predictor: Predicts, frames: tuple[LabeledFrames, ...], *, batch_size: int, report: Report
) -> tuple[FramePredictions, ...]:
    """Predict the labeled frames of every video."""
    advance = counted(f"evaluating {predictor.scorer}", frames, report)
    return tuple(predict_stored_frames(predictor, video, batch_size=batch_size, advance=advance) for video in frames)


def counted(stage: str, frames: tuple[LabeledFrames, ...], report: Report) -> Callable[[int], None]:
    """Return a function that is told of finished frames and reports how many there are by now."""
    done, total = 0, sum(len(video.numbers) for video in frames)

    def advance(count: int) -> None:
        nonlocal done
        done += count
        report(Progress(stage, done, total))

    return advance


# --- measurement ------------------------------------------------------------------------------------------------------
# One snapshot's predictions of the labeled frames beside their labels: what an evaluation is made of.


@dataclass(frozen=True)
class EvaluationJob:
    """Which snapshot of which project is evaluated on which bodyparts."""

    training: Training
    step: int
    bodyparts: str | Sequence[str] | None  # None: all
    ensemble: bool = False  # all networks of the training, together

    @property
    def network(self) -> str:
        """Return the hash that tells what is evaluated from others of its name."""
        return self.training.sha256(self.step, ensemble=self.ensemble)

    @property
    def project(self) -> Project:
        """Return the project of the training."""
        return self.training.project


@dataclass(frozen=True)
class Measurement:
    """Predictions and errors in pixels; F frames of all videos, K bodyparts that are evaluated."""

    split: Split
    settings: TrainingSettings
    bodyparts: tuple[str, ...]
    left_out: tuple[str, ...]  # bodyparts of the project or the network that are not evaluated
    frames: tuple[LabeledFrames, ...]
    predicted: tuple[FramePredictions, ...]  # of all bodyparts that the network knows
    errors: Float64[np.ndarray, "F K"]
    likelihood: Float64[np.ndarray, "F K"]
    annotated: Bool[np.ndarray, "F K"]
    is_train: Bool[np.ndarray, " F"]
    validates: Bool[np.ndarray, " F"]  # held out of the training frames by `validation_share`

    @property
    def is_test(self) -> Bool[np.ndarray, " F"]:
        """Tell which frames had no part in the training."""
        return ~self.is_train & ~self.validates

    def overall(self, pcutoff: int | float) -> MeanErrors:
        """Average over all bodyparts."""
        return mean_errors(self.errors, self.likelihood, self.is_train, pcutoff=pcutoff, validates=self.validates)

    def by_bodypart(self, pcutoff: int | float) -> tuple[MeanErrors, ...]:
        """Average for each bodypart alone."""
        return mean_errors_by_bodypart(
            self.errors, self.likelihood, self.is_train, pcutoff=pcutoff, validates=self.validates
        )

    @property
    def calibration(self) -> Calibration:
        """Compare likelihoods with how often predictions of test frames are right."""
        judged = self.annotated & self.is_test[:, None]
        return calibration(self.errors, self.likelihood, judged, within=self.settings.pos_dist_thresh)


def measure(job: EvaluationJob, predictor: Predicts, *, batch_size: int, report: Report) -> Measurement:
    """Predict the frames of the shuffle's training dataset that are labeled, and hold them against their labels.

    Raises:
        DatasetError: there is no such training dataset, or none of its frames is labeled any more; or as many frames
            would have validated the training as no training allows.
        ModelError: the settings of the training are missing or unreadable.
    """
    project, config = job.project, job.project.config
    settings = read_settings(job.training.settings)
    split = read_split(job.training.split)
    note_bodyparts(project, predictor.bodyparts, source=f"The network {predictor.scorer}", report=report)
    videos = sorted({frame.video for frame in (*split.train, *split.test)})
    strangers = strangers_among(project, videos)
    if strangers:
        text = f"Frames of {', '.join(map(repr, strangers))} are left out: `video_sets` does not list such videos"
        report(Notice(text))
    tables = {video: read_labels(project, video, report=report) for video in videos if video not in strangers}
    for video in tables:
        _tell_disputed(project, video, report)
    train, held_out = validation_part(split.train, share=settings.validation_share, seed=settings.seed)
    frames = gather_frames(project, tables, train=train, test=split.test, validation=held_out, report=report)
    bodyparts = chosen_bodyparts(tuple(p for p in predictor.bodyparts if p in config.bodyparts), job.bodyparts)
    in_labels = [config.bodyparts.index(part) for part in bodyparts]
    in_network = [predictor.bodyparts.index(part) for part in bodyparts]
    predicted = _predict_all(predictor, frames, batch_size=batch_size, report=report)
    labels = np.concatenate([video.xy for video in frames])[:, in_labels]
    return Measurement(
        split=split,
        settings=settings,
        bodyparts=bodyparts,
        left_out=tuple(dict.fromkeys(p for p in (*config.bodyparts, *predictor.bodyparts) if p not in bodyparts)),
        frames=frames,
        predicted=predicted,
        errors=pixel_errors(np.concatenate([found.xy for found in predicted])[:, in_network], labels),
        likelihood=np.concatenate([found.likelihood for found in predicted])[:, in_network],
        annotated=np.concatenate([video.annotated for video in frames])[:, in_labels],
        is_train=np.concatenate([video.is_train for video in frames]),
        validates=np.concatenate([video.validates for video in frames]),
    )


# --- evaluation results -----------------------------------------------------------------------------------------------
# The tables and the diagram that an evaluation leaves in the project.


def write_results(
    job: EvaluationJob, predictor: Predicts, measured: Measurement, *, report: Report = silent
) -> EvaluationFiles:
    """Write what was measured of one snapshot; `report` is notified of tables that another program saved otherwise.

    Raises:
        StorageError: the folder cannot be written.
    """
    scorer = predictor.scorer
    files = job.training.evaluation(scorer)
    for table in (files.results, job.project.combined_evaluation):
        put_row(table, _row(job, measured), report=report)
    write_bodypart_errors(files.bodyparts, measured.bodyparts, measured.by_bodypart(job.project.config.pcutoff))
    write_frame_errors(files.frames, _frame_errors(measured))
    write_reliability(files.calibration, measured.calibration)
    write_frame_predictions(
        files.predictions,
        [("labeled-data", video.video, name) for video in measured.frames for name in frame_names(job.project, video)],
        np.concatenate([found.xy for found in measured.predicted]),
        np.concatenate([found.likelihood for found in measured.predicted]),
        scorer=scorer,
        bodyparts=predictor.bodyparts,
        network=job.network,
    )
    return files


def evaluated_steps(job: EvaluationJob, measured: Measurement) -> tuple[StepErrors, ...]:
    """Read the errors of all snapshots of the same training that have been evaluated in the same way."""
    steps = [step for step in job.training.snapshots if step == job.step or not job.ensemble]
    networks = {step: job.training.sha256(step, ensemble=job.ensemble) for step in steps}
    return errors_by_step(job.project.combined_evaluation, _row(job, measured), networks=networks)


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
        percent=job.training.percent,
        shuffle=job.training.shuffle,
        pcutoff=pcutoff,
        bodyparts=None if job.bodyparts is None else measured.bodyparts,
        network=job.network,
        networks=len(job.training.networks()) if job.ensemble else 1,
    )
