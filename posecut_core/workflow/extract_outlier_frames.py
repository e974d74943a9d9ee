"""Step J: find frames in which a network errs, and extract some of them for correction (`extract_outlier_frames`)."""

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from posecut_core.distributed.executors import each_on
from posecut_core.errors import (
    AnalysisError,
    ArgumentError,
    PosecutError,
    Remedy,
    StorageError,
    VideoError,
    treat_all,
    treat_each,
)
from posecut_core.labels.contents import refuse_new_names
from posecut_core.labels.images import adopt_project
from posecut_core.labels.notices import note_bodyparts
from posecut_core.labels.store import check_editable, read_labels
from posecut_core.model.snapshots import chosen_network
from posecut_core.poses.files import FoundTable, existing_predictions, read_predictions
from posecut_core.poses.filters import ENOUGH
from posecut_core.poses.points import images_of_points
from posecut_core.poses.predictions import Network, Predictions, check_length, of_bodyparts, predictions_hash
from posecut_core.progress import Notice, Progress, Report, silent
from posecut_core.project.creation import joining
from posecut_core.project.given import Videos, chosen_bodyparts, forgiving, given_folder
from posecut_core.project.opening import check_videos, chosen_videos, frame_folders, open_project
from posecut_core.project.paths import Project
from posecut_core.project.state import read_state
from posecut_core.refinement.candidates import (
    CHOSEN_BY_HAND,
    Candidate,
    Criteria,
    candidates_path,
    criteria_from,
    numbers_of,
    put_candidates,
)
from posecut_core.refinement.drafts import draft_predictions
from posecut_core.refinement.heuristics import Evidence, PosePca, find_outliers, learn_poses
from posecut_core.results import Summary, counted, spans
from posecut_core.storage.files import resumable
from posecut_core.types import Algorithm, OutlierAlgorithm
from posecut_core.video.extraction import extract, window
from posecut_core.video.frame_store import numbers_in
from posecut_core.video.index import index_video
from posecut_core.workflow.create_project import add_new_videos

# --- outlier video ----------------------------------------------------------------------------------------------------
# One video in step J: judge its frames, ask whether to go on, extract some of the candidates with drafts.


_WRONG_IF = {
    "jump": "a bodypart moves by more than {} pixels",
    "fitting": "bodyparts are more than {} pixels off the expected path",
    "pca": "a bodypart is more than {} pixels from any pose like the labeled ones",
    "disagreement": "two networks are more than {} pixels apart",
    "spread": "networks spread by more than {} pixels",
    "reprojection": "a bodypart is more than {} pixels from where several cameras together see it",
}


@dataclass(frozen=True)
class FoundOutliers:
    """What was found in one video, before anything is extracted."""

    video: Path
    criteria: Criteria
    candidates: tuple[Candidate, ...]
    looked_at: int  # frames
    fresh: tuple[int, ...]  # frame numbers of the candidates that are not among the project's frames yet
    number_of_frames: int  # how many of these are going to be extracted, at most
    predictions: Path  # the .h5 that was judged
    sha256: str  # of these predictions, so that others are noticed

    def summary(self) -> Summary:
        """Say how many frames were found, how, and how many would be extracted."""
        count, new = len(self.candidates), len(self.fresh)
        known = f", {count - new} of them extracted before" if new < count else ""
        return Summary(
            f"{self.video.name}: {count} of {counted(self.looked_at, 'frame')} found ({self._how()}){known}; "
            f"{min(new, self.number_of_frames)} would be extracted."
        )

    def _how(self) -> str:
        criteria = self.criteria
        if criteria.outlieralgorithm in CHOSEN_BY_HAND:
            return "given by hand"
        if criteria.outlieralgorithm == "uncertain":
            return f"a likelihood is below {criteria.p_bound:g}"
        near = sum(one.score <= criteria.epsilon for one in self.candidates)
        farthest = f", and the {near} farthest of the others" if near else ""
        return f"{_WRONG_IF[criteria.outlieralgorithm].format(f'{criteria.epsilon:g}')}{farthest}"


@dataclass(frozen=True)
class OutlierFrames:
    """What `find_outlier_frames` found."""

    scorer: str  # the network whose predictions were judged
    videos: tuple[FoundOutliers, ...]

    def summary(self) -> Summary:
        """Say how many frames look wrong, and how many of them would be extracted."""
        found = sum(len(numbers_of(video.candidates)) for video in self.videos)
        wanted = sum(min(video.number_of_frames, len(video.fresh)) for video in self.videos)
        of_all = f"of {sum(video.looked_at for video in self.videos):,} frames"
        text = f"{found:,} {of_all} look wrong; {wanted:,} of them would be extracted."
        if not found:
            text = f"None {of_all} looks wrong by these criteria; try others."
        elif not wanted:
            text = f"{found:,} {of_all} look wrong, and the project has them all already."
        return Summary(text, tuple(video.summary().text for video in self.videos))


Confirm = Callable[[FoundOutliers], bool | Criteria]
_Stored = Mapping[str, Sequence[int]]  # stem of a video -> numbers of the frames that the project had of it


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
    at_random: tuple[int, ...] = ()  # those of `added` that chance chose

    def _lines(self) -> list[str]:
        found = f"{self.video.name}: {self.candidates} of {counted(self.looked_at, 'frame')} found"
        if not self.confirmed:
            return [found, "  canceled: nothing was extracted or written"]
        lines = [f"{found}, all in {self.table}"]
        if self.added:
            others = f", {len(self.at_random)} of them at random" if self.at_random else ""
            drafts = counted(self.drafts, "suggestion")
            lines.append(f"  {counted(len(self.added), 'new frame')}{others}, with {drafts}")
        elif not self.damaged:
            why = (
                "none was extracted: the project has them all" if self.candidates else "so there is nothing to extract"
            )
            lines.append(f"  {why}")
        if self.damaged:
            none = "" if self.added else "none was extracted: "
            lines.append(f"  {none}left out because they are damaged: {spans(self.damaged)}")
        return lines


@dataclass(frozen=True)
class _Wish:
    """How frames are chosen, the same for every video."""

    bodyparts: str | Sequence[str] | None
    frames: tuple[int, ...]
    number_of_frames: int
    random_share: float  # of these
    algorithm: str  # of the choice among candidates
    seed: int
    confirm: Confirm | None
    report: Report

    @property
    def at_random(self) -> int:
        """How many of the frames chance chooses, unless they are named."""
        return int(self.number_of_frames * self.random_share)

    @property
    def outliers(self) -> int:
        """How many of the frames look wrong, at most."""
        return self.number_of_frames - self.at_random


@dataclass(frozen=True)
class _Analyzed:
    """A video of which outliers are looked for."""

    project: Project
    video: Path
    table: Path  # the .h5 of the first of these:
    predictions: tuple[Predictions, ...]  # by the network whose outliers are wanted, then by those to compare it with
    stored: Sequence[int]  # numbers of the frames that the project had of it when the work began


def _stored_numbers(project: Project, videos: Sequence[Path]) -> dict[str, list[int]]:
    """Return stem -> numbers of the frames that the project has of videos; none where they cannot be read."""
    stored: dict[str, list[int]] = {video.stem: [] for video in videos}
    for stem in stored:
        with contextlib.suppress(VideoError, StorageError):  # which extraction says, of that video
            stored[stem] += numbers_in(project.frame_store(stem))
    return stored


def _treat_video(
    project: Project,
    video: Path,
    tables: Sequence[FoundTable],
    criteria: Criteria,
    wish: _Wish,
    *,
    stored: Sequence[int],
) -> OutlierVideo:
    """Find the outliers of a video, ask, and extract some of them.

    Args:
        project: the opened project.
        video: an analyzed video.
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
    analyzed = _analyzed(project, video, tables, wish.report, stored=stored)
    found, confirmed = _agreed(analyzed, criteria, wish)
    return _put_and_extract(project, found, analyzed.predictions[0], wish, stored=stored, confirmed=confirmed)


def _treat_found(
    project: Project, wish: _Wish, stored: _Stored, most: int | None, found: FoundOutliers, report: Report
) -> OutlierVideo:
    """Extract some of the frames that were found earlier, where the predictions are still those that were judged.

    Args:
        project: the opened project.
        wish: how frames are chosen.
        stored: numbers of the frames that the project had of each video when the work began.
        most: how many frames to extract, if not as many as were wished when they were found.
        found: what was found in the video.
        report: called with progress and notices.
    """
    wish = replace(wish, number_of_frames=found.number_of_frames if most is None else most, report=report)
    check_videos(project, [found.video])
    predictions = read_predictions(found.predictions)
    if predictions_hash(predictions) != found.sha256:
        raise AnalysisError(
            f"{found.predictions} has changed since frames that look wrong were looked for in {found.video.name}; look "
            "for them again.",
            Remedy("find_outlier_frames", config=project.root, videos=[found.video]),
        )
    known = stored[found.video.stem]
    found = replace(found, fresh=_fresh(found.candidates, known))
    return _put_and_extract(project, found, predictions, wish, stored=known, confirmed=True)


def _fresh(candidates: tuple[Candidate, ...], stored: Sequence[int]) -> tuple[int, ...]:
    """Return the frame numbers of candidates that are not among those that are stored."""
    return tuple(number for number in numbers_of(candidates) if number not in stored)


def _put_and_extract(
    project: Project,
    found: FoundOutliers,
    predictions: Predictions,
    wish: _Wish,
    *,
    stored: Sequence[int],
    confirmed: bool,
) -> OutlierVideo:
    """List what was found in the table of candidates, and extract some of it, where someone agreed."""
    table = candidates_path(found.predictions)
    if confirmed:
        reason = found.criteria.outlieralgorithm
        put_candidates(table, found.candidates, reason=reason, predictions=found.sha256)
    treated = OutlierVideo(found.video, found.criteria, found.looked_at, len(found.candidates), table, confirmed)
    if not (confirmed and found.fresh):
        return treated
    frames = window(len(predictions.xy), start=project.config.start, stop=project.config.stop)
    unknown = tuple(number for number in frames if number not in stored)
    return _extract(project, found, predictions, wish, treated, unknown=unknown)


def _analyzed(
    project: Project, video: Path, tables: Sequence[FoundTable], report: Report, *, stored: Sequence[int]
) -> _Analyzed:
    """Check the predictions of a video, and say where they have bodyparts that the project has not."""
    predictions = tuple(table.predictions for table in tables)
    count = index_video(video).frame_count
    for network in predictions:
        check_length(network, video, count)
    source = f"The prediction of {video.name} by {predictions[0].scorer}"
    note_bodyparts(project, predictions[0].bodyparts, source=source, report=report)
    return _Analyzed(project, video, tables[0].path, predictions, stored)


def _agreed(analyzed: _Analyzed, criteria: Criteria, wish: _Wish) -> tuple[FoundOutliers, bool]:
    """Find outliers until someone agrees to the criteria or gives up; frames chosen by hand need nobody's agreement."""
    found = _found(analyzed, criteria, wish)
    while wish.confirm is not None and found.criteria.outlieralgorithm != "manual":
        answer = wish.confirm(found)
        if isinstance(answer, bool):
            return found, answer
        try:
            found = _found(analyzed, answer, wish)
        except (ArgumentError, AnalysisError) as error:
            # such criteria cannot run here; the last that could still stand
            wish.report(Notice.of(error))
    return found, True


def _found(analyzed: _Analyzed, criteria: Criteria, wish: _Wish) -> FoundOutliers:
    project, video, predictions = analyzed.project, analyzed.video, analyzed.predictions
    frames = window(len(predictions[0].xy), start=project.config.start, stop=project.config.stop)
    wish.report(Progress(f"judging {video.name}", 0, len(frames)))
    evidence = _evidence(analyzed, criteria, wish)
    worst = 2 * wish.outliers  # of a fit, if the threshold is too high; as many as DeepLabCut takes
    candidates = find_outliers(evidence, criteria, frames=frames, at_least=worst if len(frames) > worst else 0)
    wish.report(Progress(f"judging {video.name}", len(frames), len(frames)))
    if criteria.outlieralgorithm == "fitting":
        _note_too_few(video, evidence.predictions, frames, criteria, wish.report)
    fresh = _fresh(candidates, analyzed.stored)
    judged = predictions_hash(predictions[0])
    return FoundOutliers(video, criteria, candidates, len(frames), fresh, wish.number_of_frames, analyzed.table, judged)


def _note_too_few(video: Path, predictions: Predictions, frames: range, criteria: Criteria, report: Report) -> None:
    """Say where `fitting` finds nothing because there is nothing that a model could learn from."""
    seen = (predictions.likelihood[frames.start : frames.stop] >= criteria.p_bound).sum(axis=0)
    if seen.max(initial=0) < ENOUGH:
        told = (
            f"fitting cannot judge {video.name}: none of its bodyparts has {ENOUGH} positions of likelihood "
            f"{criteria.p_bound:g} or more in the {len(frames)} frames from start to stop of config.yaml; look at "
            "more frames, lower the likelihood below which positions are missing, or judge the frames in another way"
        )
        report(Notice(told))


def _evidence(analyzed: _Analyzed, criteria: Criteria, wish: _Wish) -> Evidence:
    project, predictions = analyzed.project, analyzed.predictions
    bodyparts = chosen_bodyparts(predictions[0].bodyparts, wish.bodyparts)
    images = None
    if criteria.outlieralgorithm == "reprojection":
        of_all = images_of_points(project, analyzed.video, analyzed.table, predictions[0])
        images = of_all[:, [predictions[0].bodyparts.index(part) for part in bodyparts]]
    return Evidence(
        of_bodyparts(predictions[0], bodyparts),
        others=tuple(_same_bodyparts(other, bodyparts) for other in predictions[1:]),
        poses=_labeled_poses(project, bodyparts) if criteria.outlieralgorithm == "pca" else None,
        images=images,
        numbers=wish.frames,
    )


def _same_bodyparts(other: Predictions, bodyparts: tuple[str, ...]) -> Predictions:
    chosen_bodyparts(other.bodyparts, bodyparts)
    return of_bodyparts(other, bodyparts)


def _labeled_poses(project: Project, bodyparts: tuple[str, ...]) -> PosePca:
    """Learn from all labels of the project; a bodypart that it has no more is labeled nowhere."""
    labels = [read_labels(project, folder.name).xy for folder in frame_folders(project)]
    xy = np.concatenate([np.empty((0, len(project.config.bodyparts), 2)), *labels])
    of_part = dict(zip(project.config.bodyparts, np.moveaxis(xy, 1, 0), strict=True))
    return learn_poses(np.stack([of_part.get(part, np.full((len(xy), 2), np.nan)) for part in bodyparts], axis=1))


def _extract(
    project: Project,
    found: FoundOutliers,
    predictions: Predictions,
    wish: _Wish,
    treated: OutlierVideo,
    *,
    unknown: Sequence[int],
) -> OutlierVideo:
    """Extract candidates and random frames into the project, which the video joins; propose what the network sees."""
    add_new_videos(project.config_path, [found.video], report=wish.report)
    project = open_project(project.config_path)
    check_editable(project, found.video.stem)  # frames that are stored without drafts never get any: they are known
    store = project.frame_store(found.video.stem)
    if found.criteria.outlieralgorithm in CHOSEN_BY_HAND:
        wish = replace(wish, random_share=0.0)
    share, outliers = wish.random_share, min(wish.outliers, len(found.fresh))
    take = partial(extract, found.video, store, seed=wish.seed, report=wish.report)
    done = take(
        algorithm=wish.algorithm,
        number_of_frames=outliers,
        numbers=found.fresh if found.criteria.outlieralgorithm == "manual" else None,
        among=found.fresh,
    )
    added, damaged = {*done.numbers}, {*done.damaged}
    chance: set[int] = set()
    rest = [number for number in unknown if number not in added]
    along = round(outliers * share / (1 - share))  # few outliers take few others along
    if at_random := min(wish.at_random, along, len(rest)):
        more = take(algorithm="uniform", number_of_frames=at_random, among=rest)
        chance, damaged = {*more.numbers}, damaged | {*more.damaged}
        added |= chance
    treated = replace(treated, damaged=tuple(sorted(damaged)))
    if not added:  # all of them damaged
        return treated
    numbers = tuple(sorted(added))
    drafts = draft_predictions(project, found.video.stem, predictions, numbers)
    return replace(treated, added=numbers, at_random=tuple(sorted(chance)), drafts=drafts)


# --- outliers ---------------------------------------------------------------------------------------------------------
# Step J: find frames in which a network errs, and extract some of them for correction (`extract_outlier_frames`).


@dataclass(frozen=True)
class ExtractedOutliers:
    """What `extract_outlier_frames` did."""

    config_path: Path
    scorer: str  # the network whose predictions were judged
    extractionalgorithm: Algorithm
    seed: int
    videos: tuple[OutlierVideo, ...]

    def summary(self) -> Summary:
        """Say how many frames were found and extracted, and where their table and drafts are."""
        root, lines = self.config_path.parent, tuple(line for video in self.videos for line in video._lines())
        if frames := sum(len(video.added) for video in self.videos):
            drafts = counted(sum(video.drafts for video in self.videos), "suggestion")
            text = f"{counted(frames, 'new frame')} extracted, with {drafts}. Now correct these: they are not "
            text += "used for training before review."
            return Summary(text, lines, (Remedy("label_frames", config=root), Remedy("merge_datasets", config=root)))
        damaged = any(video.damaged for video in self.videos)
        text = "No frame was extracted."
        if any(video.confirmed for video in self.videos):
            text += " Another threshold, or another way to judge frames, finds others."
        return Summary(text, lines, exit_code=VideoError.exit_code if damaged else 0, is_warning=True)


_UNSEARCHED = "videos could not be searched for outliers"


@dataclass(frozen=True)
class _Search:
    """Where outliers are looked for: the videos and the networks that have analyzed them."""

    project: Project
    paths: tuple[Path, ...]
    failed: dict[str, PosecutError]  # what was given and cannot be looked at -> why
    networks: tuple[Network, ...]  # the one that is judged, then those to compare it with
    shuffles: tuple[int, ...]  # of these
    destfolder: Path | None
    report: Report

    def tables(self, path: Path) -> list[FoundTable]:
        """Return the predictions of a video by each network."""
        check_videos(self.project, [path])
        found = []
        for network, shuffle in zip(self.networks, self.shuffles, strict=True):
            try:
                found.append(existing_predictions(self.project, path, network, self.destfolder, report=self.report))
            except AnalysisError as error:
                if shuffle != self.shuffles[0]:
                    error.suggest(Remedy("analyze_videos", config=self.project.root, videos=[path], shuffle=shuffle))
                raise
        return found


@forgiving
def find_outlier_frames(
    config: str | os.PathLike[str],
    videos: Videos,
    outlieralgorithm: OutlierAlgorithm = "jump",
    *,
    comparisonbodyparts: str | Sequence[str] | None = None,
    epsilon: int | float = 20,
    p_bound: int | float = 0.01,
    ARdegree: int = 3,  # noqa: N803 (the paper's name)
    MAdegree: int = 1,  # noqa: N803 (the paper's name)
    alpha: int | float = 0.01,
    frames: Sequence[int] | None = None,
    number_of_frames: int | None = None,
    shuffle: int = 1,
    trainingsetindex: int = 0,
    snapshot: int | str | None = None,
    ensemble: bool = False,
    other_shuffles: Sequence[int] = (),
    other_snapshots: Sequence[int] = (),
    destfolder: str | os.PathLike[str] | None = None,
    videotype: str | Sequence[str] = "",
    report: Report = silent,
) -> OutlierFrames:
    """Find frames in which predictions look wrong; nothing is extracted and no file is written.

    Args:
        config: path of config.yaml.
        videos: analyzed videos: files, names of project videos, or folders.
        outlieralgorithm: what makes a frame suspect, as for `extract_outlier_frames`, but for "manual".
        comparisonbodyparts: as for `extract_outlier_frames`, and so are all others.
        epsilon: pixels.
        p_bound: likelihood.
        ARdegree: for "fitting".
        MAdegree: for "fitting".
        alpha: for "fitting".
        frames: for "list".
        number_of_frames: that would be extracted per video; by default numframes2pick in config.yaml.
        shuffle: which shuffle's network.
        trainingsetindex: which of config.yaml's training fractions, counted from 0.
        snapshot: number of training steps of the snapshot, or "last"; by default snapshotindex in config.yaml decides.
        ensemble: judge the predictions of all networks of the shuffle together, as "spread" always does.
        other_shuffles: for "disagreement".
        other_snapshots: for "disagreement".
        destfolder: folder of the predictions; by default beside each video.
        videotype: take only videos of this suffix from folders, such as mp4; by default all.
        report: called with progress and notices.

    Raises:
        ArgumentError: an algorithm, a number or a bodypart is not possible, or frames are given by hand.
        AnalysisError: as for `extract_outlier_frames`.
        VideoError: a video cannot be read.
    """
    if outlieralgorithm == "manual":
        raise ArgumentError("Frames given by hand have been chosen already; extract them.")
    criteria = criteria_from(
        outlieralgorithm=outlieralgorithm, epsilon=epsilon, p_bound=p_bound, ARdegree=ARdegree, MAdegree=MAdegree,
        alpha=alpha,
    )  # fmt: skip
    networks = _networks(shuffle, snapshot, other_shuffles, other_snapshots)
    several = ensemble or outlieralgorithm == "spread"
    search = _search(open_project(config), videos, networks, trainingsetindex, several, destfolder, videotype, report)
    _check(outlieralgorithm, frames, number_of_frames, search.paths)
    wish = _wish(search, comparisonbodyparts, frames, number_of_frames)
    stored = _stored_numbers(search.project, search.paths)
    return treat_all(
        search.paths,
        partial(_find, search, criteria, wish, stored, report=report),
        lambda done: OutlierFrames(search.networks[0].scorer, tuple(done)),
        what=_UNSEARCHED,
        kind=AnalysisError,
        failed=search.failed,
    )


@forgiving
def extract_outlier_frames(
    config: str | os.PathLike[str],
    videos: Videos | OutlierFrames,
    outlieralgorithm: OutlierAlgorithm = "jump",
    *,
    comparisonbodyparts: str | Sequence[str] | None = None,
    epsilon: int | float = 20,
    p_bound: int | float = 0.01,
    ARdegree: int = 3,  # noqa: N803 (the paper's name)
    MAdegree: int = 1,  # noqa: N803 (the paper's name)
    alpha: int | float = 0.01,
    extractionalgorithm: Algorithm = "kmeans",
    random_share: int | float = 0.5,
    frames: Sequence[int] | None = None,
    number_of_frames: int | None = None,
    shuffle: int = 1,
    trainingsetindex: int = 0,
    snapshot: int | str | None = None,
    ensemble: bool = False,
    other_shuffles: Sequence[int] = (),
    other_snapshots: Sequence[int] = (),
    destfolder: str | os.PathLike[str] | None = None,
    videotype: str | Sequence[str] = "",
    seed: int | None = None,
    confirm: Confirm | None = None,
    cluster: str | None = None,
    report: Report = silent,
) -> ExtractedOutliers:
    """Find frames in which predictions look wrong, and extract some of them to label next.

    They get the predictions as suggestions. All candidates between config.yaml's `start` and `stop` go to a table
    beside the predictions and replace there those of an earlier call with the same algorithm. Of those that are not
    among the project's frames already, `number_of_frames` are extracted; a video that the project lacks joins it.
    Called again, it extracts others, or goes on where it was interrupted. Source: Nath et al. 2019, step J.

    In Python, `videos` may also be what `find_outlier_frames` found, where you may have left candidates out: frames are
    then chosen among these, and nothing is judged again.

    Args:
        config: path of config.yaml.
        videos: analyzed videos: files, names of project videos, or folders.
        outlieralgorithm: "jump" (a bodypart moves more than `epsilon` in one frame), "uncertain" (a likelihood is below
            `p_bound`), "fitting" (bodyparts lie on average more than `epsilon` from where a model of their movement
            expects them; with too few of these, the farthest), "pca" (a bodypart lies more than `epsilon` from any
            pose like the labeled ones), "disagreement" (two networks place a bodypart more than `epsilon` apart),
            "spread" (the networks of an ensemble spread by more than `epsilon`), "reprojection" (a bodypart lies more
            than `epsilon` from the image of its point in space, from triangulate), "list" (choose among `frames`), or
            "manual" (take all of `frames`).
        comparisonbodyparts: judge by these bodyparts only, separated by commas; by default all.
        epsilon: pixels; more finds fewer frames.
        p_bound: likelihood; more finds more frames. For "fitting", positions below it are missing.
        ARdegree: for "fitting": how many earlier values the model looks at.
        MAdegree: for "fitting": how many earlier errors the model looks at.
        alpha: for "fitting": report the bodyparts outside the (1 - alpha) prediction interval.
        extractionalgorithm: "kmeans" takes candidates that look different, "uniform" takes them at random.
        random_share: this part of the frames, from 0 to below 1, is taken at random: a network also errs where
            nothing looks wrong. Few that look wrong take as few along. Frames that are named are taken alone.
        frames: frame numbers of one video for "list" and "manual", as 5,10-12.
        number_of_frames: frames to extract per video; by default numframes2pick in config.yaml.
        shuffle: which shuffle: which split of the labeled frames, and its network.
        trainingsetindex: which of config.yaml's training fractions, counted from 0.
        snapshot: number of training steps of the snapshot, or "last"; by default snapshotindex in config.yaml decides.
        ensemble: judge the predictions of all networks of the shuffle together, as "spread" always does.
        other_shuffles: for "disagreement": shuffles whose networks to compare with, as 2,3; they must have analyzed the
            videos.
        other_snapshots: for "disagreement": snapshots of the same shuffle to compare with, by training steps.
        destfolder: folder of the predictions; by default beside each video.
        videotype: take only videos of this suffix from folders, such as mp4; by default all.
        seed: another seed chooses others of the frames found; by default the seed in posecut.yaml.
        confirm: told what was found in a video before any frame is extracted; returns whether to go on, or other
            criteria, with which the video is judged again, and those after it. Without it nobody is asked.
        cluster: treat several videos at once, as `analyze_videos` does; the results are the same. Nobody can be asked.
        report: called with progress and notices.

    Raises:
        ArgumentError: an algorithm, a number or a bodypart is not possible, or somebody is to be asked on a cluster.
        AnalysisError: a video has not been analyzed by a network, or only by an earlier one of its name, or has changed
            since; or "pca" has too few labels. Of several videos, those that can be treated are done.
        LabelError: the labels of a video cannot be written now, as somebody edits them; it then gets no frames.
        VideoError: a video cannot be read, is another than was added, or has the name of another one of the project.
        StorageError: the disk refuses; frames of finished videos are kept.
    """
    criteria = criteria_from(
        outlieralgorithm=outlieralgorithm, epsilon=epsilon, p_bound=p_bound, ARdegree=ARdegree, MAdegree=MAdegree,
        alpha=alpha,
    )  # fmt: skip
    networks = _networks(shuffle, snapshot, other_shuffles, other_snapshots)
    if cluster is not None and confirm is not None:
        raise ArgumentError("On a cluster all videos are treated at once, so that nobody can be asked about each.")
    project = adopt_project(config, report=report)
    if isinstance(videos, OutlierFrames):
        known = {found.video: found for found in videos.videos}
        search = _Search(project, tuple(known), {}, (), (), None, report)
        scorer = videos.scorer
    else:
        known = {}
        several = ensemble or outlieralgorithm == "spread"
        search = _search(project, videos, networks, trainingsetindex, several, destfolder, videotype, report)
        scorer = search.networks[0].scorer
    _check(outlieralgorithm, frames, number_of_frames, search.paths, random_share)
    wish = _wish(
        search, comparisonbodyparts, frames, number_of_frames, random_share, extractionalgorithm, seed, confirm
    )
    refuse_new_names(project)
    _, clashing = joining(project, search.paths)
    search.failed.update(clashing)
    paths = [path for path in search.paths if str(path) not in clashing]
    judged = criteria

    def treat(path: Path) -> OutlierVideo:
        nonlocal judged
        if path in known:
            return _treat_found(project, wish, stored, number_of_frames, known[path], report)
        treated = _treat_video(project, path, search.tables(path), judged, wish, stored=stored[path.stem])
        judged = treated.criteria
        return treated

    def together(done: list[OutlierVideo]) -> ExtractedOutliers:
        return ExtractedOutliers(project.config_path, scorer, extractionalgorithm, wish.seed, tuple(done))

    chosen_by = (wish.bodyparts, wish.frames, wish.number_of_frames, wish.random_share, wish.algorithm, wish.seed)
    request = (criteria, paths, list(search.networks), chosen_by, destfolder, *known.values())
    with resumable(project.unfinished_outliers, request, lambda: _stored_numbers(project, paths)) as stored:
        if cluster is None:
            return treat_all(paths, treat, together, what=_UNSEARCHED, kind=AnalysisError, failed=search.failed)
        apart, wish = replace(search, report=silent), replace(wish, report=silent)
        new = [path for path in paths if path not in known]
        found, failed = each_on(cluster, stage="judged videos", report=report)(
            new, partial(_find, apart, criteria, wish, stored)
        )
        known |= {one.video: one for one in found}
        found = _joined(project, [known[path] for path in paths if path in known], stored, failed, report)
        return treat_all(
            found,
            partial(_treat_found, project, wish, stored, number_of_frames),
            together,
            what=_UNSEARCHED,
            kind=AnalysisError,
            name=lambda one: str(one.video),
            failed={**search.failed, **failed},
            each=each_on(cluster, stage="videos with extracted frames", report=report),
        )


def _joined(
    project: Project,
    found: Sequence[FoundOutliers],
    stored: _Stored,
    failed: dict[str, PosecutError],
    report: Report,
) -> list[FoundOutliers]:
    """Let videos with new frames join the project, one after the other, before several programs extract these at once.

    Returns:
        what was found in those that could; why the others could not goes to `failed`.
    """

    def join(one: FoundOutliers) -> FoundOutliers:
        if _fresh(one.candidates, stored[one.video.stem]):
            add_new_videos(project.config_path, [one.video], report=report)
        return one

    done, refused = treat_each(found, join, name=lambda one: str(one.video))
    failed.update(refused)
    return done


def _find(
    search: _Search,
    criteria: Criteria,
    wish: _Wish,
    stored: _Stored,
    path: Path,
    report: Report,
) -> FoundOutliers:
    """Find the outliers of a video."""
    search, wish = replace(search, report=report), replace(wish, report=report)
    analyzed = _analyzed(search.project, path, search.tables(path), report, stored=stored[path.stem])
    return _found(analyzed, criteria, wish)


def _networks(
    shuffle: int, snapshot: int | str | None, other_shuffles: Sequence[int], other_snapshots: Sequence[int]
) -> list[tuple[int, int | str | None]]:
    """List shuffle and snapshot of each network, the one that is judged first."""
    others = [(other, None) for other in other_shuffles]
    return [(shuffle, snapshot), *others, *((shuffle, step) for step in other_snapshots)]


def _search(
    project: Project,
    videos: Videos,
    networks: Sequence[tuple[int, int | str | None]],
    trainingsetindex: int,
    ensemble: bool,
    destfolder: str | os.PathLike[str] | None,
    videotype: str | Sequence[str],
    report: Report,
) -> _Search:
    given = chosen_videos(project, videos, videotype=videotype, report=report)
    chosen = [
        chosen_network(project.training(number, trainingsetindex), step, ensemble=ensemble and place == 0)
        for place, (number, step) in enumerate(networks)
    ]
    folder = None if destfolder is None else given_folder(destfolder)
    shuffles = tuple(number for number, _ in networks)
    return _Search(project, tuple(given.paths), dict(given.refused), tuple(chosen), shuffles, folder, report)


def _wish(
    search: _Search,
    bodyparts: str | Sequence[str] | None,
    frames: Sequence[int] | None,
    number_of_frames: int | None,
    random_share: float = 0.0,
    algorithm: Algorithm = "kmeans",
    seed: int | None = None,
    confirm: Confirm | None = None,
) -> _Wish:
    return _Wish(
        bodyparts=None if bodyparts == "all" else bodyparts,
        frames=tuple(frames or ()),
        number_of_frames=search.project.config.numframes2pick if number_of_frames is None else number_of_frames,
        random_share=random_share,
        algorithm=algorithm,
        seed=read_state(search.project.settings_path).seed if seed is None else seed,
        confirm=confirm,
        report=search.report,
    )


def _check(
    outlieralgorithm: OutlierAlgorithm,
    frames: Sequence[int] | None,
    number_of_frames: int | None,
    paths: Sequence[Path],
    random_share: float = 0.0,
) -> None:
    """Refuse what no project could make right."""
    if not 0 <= random_share < 1:
        raise ArgumentError(f"The share of random frames is {random_share:g}, expected 0 or more, and less than 1.")
    if number_of_frames is not None and number_of_frames < 1:
        raise ArgumentError(f"number_of_frames is {number_of_frames}, expected 1 or more.")
    if frames is None:
        return
    if outlieralgorithm not in CHOSEN_BY_HAND:
        raise ArgumentError(
            f"Frame numbers were given but outlieralgorithm is {outlieralgorithm!r}; use 'list' to choose among them, "
            "'manual' to take them all, or leave them out."
        )
    if len(paths) != 1:
        raise ArgumentError(f"Frame numbers need exactly one video, but {len(paths)} were given; name one.")
