"""One video in step J: judge its frames, ask whether to go on, extract some of the candidates with drafts."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from posecut_core.analysis.origins import predictions_hash
from posecut_core.analysis.predictions import Predictions, of_bodyparts
from posecut_core.analysis.state_space import ENOUGH
from posecut_core.errors import AnalysisError, ArgumentError, StorageError, VideoError
from posecut_core.labels.store import check_editable, read_labels, write_drafts
from posecut_core.labels.table import LabelTable
from posecut_core.model.snapshots import step_of
from posecut_core.progress import Progress, Report
from posecut_core.project.layout import Project
from posecut_core.refinement.candidate_files import candidates_path, put_candidates
from posecut_core.refinement.candidates import Candidate, numbers_of
from posecut_core.refinement.criteria import Criteria
from posecut_core.refinement.outliers import Evidence, find_outliers
from posecut_core.refinement.pose_pca import PosePca, learn_poses
from posecut_core.video.extraction import extract
from posecut_core.video.index import index_video
from posecut_core.video.selection import window
from posecut_core.video.store import FrameStore
from posecut_core.workflow.arguments import chosen_bodyparts
from posecut_core.workflow.creating import add_new_videos
from posecut_core.workflow.notes import note_bodyparts
from posecut_core.workflow.opening import frame_folders, open_project
from posecut_core.workflow.provenance import FoundTable


@dataclass(frozen=True)
class FoundOutliers:
    """What was found in one video, before anything is extracted."""

    video: Path
    criteria: Criteria
    candidates: tuple[Candidate, ...]
    looked_at: int  # frames
    fresh: tuple[int, ...]  # frame numbers of the candidates that are not among the project's frames yet
    number_of_frames: int  # how many of these are going to be extracted, at most


Confirm = Callable[[FoundOutliers], bool | Criteria]


@dataclass(frozen=True)
class OutlierVideo:
    """What became of one video."""

    video: Path
    criteria: Criteria  # with which the candidates were found in the end
    looked_at: int  # frames
    candidates: int
    table: Path  # the candidates as .csv, those of other algorithms from earlier calls among them
    confirmed: bool  # False: nothing was extracted or written, because someone said so
    added: tuple[int, ...] = ()  # frame numbers that are new
    drafts: int = 0  # positions proposed in them, to be corrected
    damaged: tuple[int, ...] = ()  # frame numbers that were to be extracted and could not be decoded


@dataclass(frozen=True)
class Wish:
    """How frames are chosen, the same for every video."""

    bodyparts: str | Sequence[str] | None
    frames: tuple[int, ...]
    number_of_frames: int
    algorithm: str  # of the choice among candidates
    seed: int
    confirm: Confirm | None
    report: Report


@dataclass(frozen=True)
class _Analysed:
    """A video of which outliers are looked for."""

    project: Project
    video: Path
    predictions: tuple[Predictions, ...]  # by the network whose outliers are wanted, then by those to compare it with
    stored: Sequence[int]  # numbers of the frames that the project had of it when the work began


def stored_numbers(project: Project, videos: Sequence[Path]) -> dict[str, list[int]]:
    """Return stem -> numbers of the frames that the project has of videos; none where they cannot be read."""
    stored: dict[str, list[int]] = {video.stem: [] for video in videos}
    for stem in stored:
        with contextlib.suppress(VideoError, StorageError):  # which extraction says, of that video
            stored[stem] += FrameStore.open(project.frame_store(stem)).numbers.tolist()
    return stored


def treat_video(
    project: Project,
    video: Path,
    tables: Sequence[FoundTable],
    criteria: Criteria,
    wish: Wish,
    *,
    stored: Sequence[int],
) -> OutlierVideo:
    """Find the outliers of a video, ask, and extract some of them.

    Args:
        project: the opened project.
        video: an analysed video.
        tables: predictions by the network whose outliers are wanted, then by those to compare it with.
        criteria: what makes a frame an outlier.
        wish: how frames are chosen.
        stored: numbers of the frames that the project had of the video when the work began.

    Raises:
        ArgumentError: a bodypart or a frame number is not possible.
        AnalysisError: predictions do not fit the video or each other, labels are too few to learn poses from, or the
            table of candidates is damaged.
        LabelError: the video's labels cannot be written now; no frame is then extracted.
        VideoError: the video cannot be read, or cannot join the project.
        StorageError: the disk refuses.
    """
    predictions = tuple(table.predictions for table in tables)
    _check_length(video, predictions)
    source = f"The prediction of {video.name} by {predictions[0].scorer}"
    note_bodyparts(project, predictions[0].bodyparts, source=source, report=wish.report)
    found, confirmed = _agreed(_Analysed(project, video, predictions, stored), criteria, wish)
    table = candidates_path(tables[0].path)
    if confirmed:
        judged = predictions_hash(predictions[0])
        put_candidates(table, found.candidates, reason=found.criteria.outlieralgorithm, predictions=judged)
    treated = OutlierVideo(video, found.criteria, found.looked_at, len(found.candidates), table, confirmed)
    return _extract(project, found, predictions[0], wish, treated) if confirmed and found.fresh else treated


def _check_length(video: Path, predictions: Sequence[Predictions]) -> None:
    count = index_video(video).frame_count
    for network in predictions:
        if len(network.xy) != count:
            raise AnalysisError(
                f"The predictions of {video.name} by {network.scorer} have {len(network.xy)} rows, but the video has "
                f"{count} frames; run posecut analyze-videos again."
            )


def _agreed(analysed: _Analysed, criteria: Criteria, wish: Wish) -> tuple[FoundOutliers, bool]:
    """Find outliers until someone agrees to the criteria or gives up; frames chosen by hand need nobody's agreement."""
    found = _found(analysed, criteria, wish)
    while wish.confirm is not None and found.criteria.outlieralgorithm != "manual":
        answer = wish.confirm(found)
        if isinstance(answer, bool):
            return found, answer
        try:
            found = _found(analysed, answer, wish)
        except (ArgumentError, AnalysisError) as error:
            # such criteria cannot run here; the last that could still stand
            wish.report(Progress(str(error).removesuffix("."), 0, 0))
    return found, True


def _found(analysed: _Analysed, criteria: Criteria, wish: Wish) -> FoundOutliers:
    project, video, predictions = analysed.project, analysed.video, analysed.predictions
    frames = window(len(predictions[0].xy), start=project.config.start, stop=project.config.stop)
    wish.report(Progress(f"judging {video.name} by {criteria.outlieralgorithm}", 0, len(frames)))
    evidence = _evidence(project, predictions, criteria, wish)
    worst = 2 * wish.number_of_frames  # of a fit, if the threshold is too high; as many as DeepLabCut takes
    candidates = find_outliers(evidence, criteria, frames=frames, at_least=worst if len(frames) > worst else 0)
    wish.report(Progress(f"judging {video.name} by {criteria.outlieralgorithm}", len(frames), len(frames)))
    if criteria.outlieralgorithm == "fitting":
        _note_too_few(video, evidence.predictions, frames, criteria, wish.report)
    fresh = tuple(number for number in numbers_of(candidates) if number not in analysed.stored)
    return FoundOutliers(video, criteria, candidates, len(frames), fresh, wish.number_of_frames)


def _note_too_few(video: Path, predictions: Predictions, frames: range, criteria: Criteria, report: Report) -> None:
    """Say where `fitting` finds nothing because there is nothing that a model could learn from."""
    seen = (predictions.likelihood[frames.start : frames.stop] >= criteria.p_bound).sum(axis=0)
    if seen.max(initial=0) < ENOUGH:
        told = (
            f"fitting says nothing about {video.name}: none of its bodyparts has {ENOUGH} positions of likelihood "
            f"{criteria.p_bound:g} or more in the {len(frames)} frames from start to stop of config.yaml; look at more "
            "frames, lower p_bound, or choose another outlieralgorithm"
        )
        report(Progress(told, 0, 0))


def _evidence(project: Project, predictions: Sequence[Predictions], criteria: Criteria, wish: Wish) -> Evidence:
    bodyparts = chosen_bodyparts(predictions[0].bodyparts, wish.bodyparts)
    return Evidence(
        of_bodyparts(predictions[0], bodyparts),
        others=tuple(_same_bodyparts(other, bodyparts) for other in predictions[1:]),
        poses=_labelled_poses(project, bodyparts) if criteria.outlieralgorithm == "pca" else None,
        numbers=wish.frames,
    )


def _same_bodyparts(other: Predictions, bodyparts: tuple[str, ...]) -> Predictions:
    chosen_bodyparts(other.bodyparts, bodyparts)
    return of_bodyparts(other, bodyparts)


def _labelled_poses(project: Project, bodyparts: tuple[str, ...]) -> PosePca:
    """Learn from all labels of the project; a bodypart that it has no more is labelled nowhere."""
    labels = [read_labels(project, folder.name).xy for folder in frame_folders(project)]
    xy = np.concatenate([np.empty((0, len(project.config.bodyparts), 2)), *labels])
    of_part = dict(zip(project.config.bodyparts, np.moveaxis(xy, 1, 0), strict=True))
    return learn_poses(np.stack([of_part.get(part, np.full((len(xy), 2), np.nan)) for part in bodyparts], axis=1))


def _extract(
    project: Project, found: FoundOutliers, predictions: Predictions, wish: Wish, treated: OutlierVideo
) -> OutlierVideo:
    """Extract some of the candidates into the project, which the video joins, and propose what the network sees."""
    add_new_videos(project.config_path, [found.video], report=wish.report)
    project = open_project(project.config_path)
    check_editable(project, found.video.stem)  # frames that are stored without drafts never get any: they are known
    by_hand = found.criteria.outlieralgorithm == "manual"
    done = extract(
        found.video,
        project.frame_store(found.video.stem),
        algorithm=wish.algorithm,
        number_of_frames=min(wish.number_of_frames, len(found.fresh)),
        seed=wish.seed,
        numbers=found.fresh if by_hand else None,
        among=found.fresh,
        report=wish.report,
    )
    if not done.numbers:  # all of them damaged
        return replace(treated, damaged=done.damaged)
    parts = [part for part in project.config.bodyparts if part in predictions.bodyparts]
    rows, seen = np.array(done.numbers, dtype=np.int64), of_bodyparts(predictions, tuple(parts))
    table = LabelTable(found.video.stem, seen.bodyparts, rows, seen.xy[rows])
    model, step = predictions.scorer, step_of(predictions.scorer)
    likelihood = np.clip(seen.likelihood[rows], 0.0, 1.0)  # scores of some of DeepLabCut's networks pass 1
    drafts = write_drafts(project, table, likelihood, model=model, snapshot=step)
    return replace(treated, added=done.numbers, drafts=drafts, damaged=done.damaged)
