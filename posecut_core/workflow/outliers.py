"""Step J: find frames in which a network errs, and extract some of them for correction (`extract_outlier_frames`)."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from posecut_core.errors import AnalysisError, ArgumentError, raise_together, treat_each
from posecut_core.progress import Report, silent
from posecut_core.project.atomic import resumable
from posecut_core.project.given_files import Videos
from posecut_core.project.given_values import forgiving
from posecut_core.project.settings import read_settings
from posecut_core.refinement.criteria import CHOSEN_BY_HAND, Criteria
from posecut_core.workflow.arguments import chosen_videos
from posecut_core.workflow.creating import joining
from posecut_core.workflow.extracting import ALGORITHMS
from posecut_core.workflow.opening import check_videos, open_project
from posecut_core.workflow.outlier_video import Confirm, OutlierVideo, Wish, stored_numbers, treat_video
from posecut_core.workflow.provenance import chosen_network, existing_predictions


@dataclass(frozen=True)
class ExtractedOutliers:
    """What `extract_outlier_frames` did."""

    config_path: Path
    scorer: str  # the network whose predictions were judged
    extractionalgorithm: str
    seed: int
    videos: tuple[OutlierVideo, ...]


@forgiving
def extract_outlier_frames(
    config: str | os.PathLike[str],
    videos: Videos,
    outlieralgorithm: str = "jump",
    *,
    comparisonbodyparts: str | Sequence[str] | None = None,
    epsilon: int | float = 20,
    p_bound: int | float = 0.01,
    ARdegree: int = 3,  # noqa: N803 (the paper's name)
    MAdegree: int = 1,  # noqa: N803 (the paper's name)
    alpha: int | float = 0.01,
    extractionalgorithm: str = "kmeans",
    frames: Sequence[int] | None = None,
    number_of_frames: int | None = None,
    shuffle: int = 1,
    trainingsetindex: int = 0,
    snapshot: int | str | None = None,
    other_shuffles: Sequence[int] = (),
    other_snapshots: Sequence[int] = (),
    destfolder: str | os.PathLike[str] | None = None,
    videotype: str | Sequence[str] = "",
    seed: int | None = None,
    confirm: Confirm | None = None,
    report: Report = silent,
) -> ExtractedOutliers:
    """Find frames in which predictions look wrong, and extract some of them with the predictions as drafts of labels.

    All candidates between config.yaml's `start` and `stop` go to a table beside the predictions and replace there those
    of an earlier call with the same algorithm. Of those that are not among the project's frames already,
    `number_of_frames` are extracted; a video that the project lacks joins it.
    Called again, it extracts others, or goes on where it was interrupted. Source: Nath et al. 2019, step J.

    Args:
        config: path of config.yaml.
        videos: analysed videos: files, names of project videos, or folders.
        outlieralgorithm: "jump" (a bodypart moves more than `epsilon` in one frame), "uncertain" (a likelihood is below
            `p_bound`), "fitting" (bodyparts lie on average more than `epsilon` from what a state-space model of their
            movement expects; with too few of these, the farthest), "pca" (a bodypart lies more than `epsilon` from any
            pose like the labelled ones), "disagreement" (two networks place a bodypart more than `epsilon` apart),
            "list" (choose among `frames`), or "manual" (take all of `frames`: the core has no window to choose in).
        comparisonbodyparts: those to judge by; by default all.
        epsilon: pixels.
        p_bound: likelihood; for "fitting", positions below it are missing.
        ARdegree: for "fitting": how many earlier values the model looks at.
        MAdegree: for "fitting": how many earlier errors the model looks at.
        alpha: for "fitting": a candidate names the bodyparts outside the interval of probability 1 - alpha.
        extractionalgorithm: "kmeans" takes candidates that look different, "uniform" takes them at random.
        frames: frame numbers of one video, for "list" and "manual".
        number_of_frames: frames to extract per video; by default config.yaml's numframes2pick.
        shuffle: which shuffle's network.
        trainingsetindex: which of config.yaml's training fractions.
        snapshot: number of training steps of the snapshot, or "last"; by default config.yaml's snapshotindex decides.
        other_shuffles: for "disagreement": networks to compare with, such as those of other seeds.
        other_snapshots: for "disagreement": snapshots of `shuffle` to compare with.
        destfolder: where analyze_videos wrote, if not beside the videos.
        videotype: suffix of the videos to take from folders.
        seed: where the choice among candidates starts; by default the seed in posecut.yaml.
        confirm: told what was found in a video before any frame is extracted; returns whether to go on, or other
            criteria, with which the video is judged again, and those after it. Without it nobody is asked.
        report: told how far the work is.

    Raises:
        ArgumentError: an algorithm, a number or a bodypart is not possible.
        AnalysisError: a video has not been analysed by a network, or only by an earlier one of its name, or has changed
            since; or "pca" has too few labels. Of several videos, those that can be treated are done.
        LabelError: the labels of a video cannot be written now, as somebody edits them; it then gets no frames.
        VideoError: a video cannot be read, is another than was added, or has the name of another one of the project.
        StorageError: the disk refuses; frames of finished videos are kept.
    """
    criteria = Criteria(outlieralgorithm, epsilon, p_bound, ARdegree, MAdegree, alpha)
    project = open_project(config, report=report)
    given = chosen_videos(project, videos, videotype=videotype, report=report)
    _check(outlieralgorithm, extractionalgorithm, frames, number_of_frames, given.paths)
    _, clashing = joining(project, given.paths)
    networks = [(shuffle, snapshot), *((other, None) for other in other_shuffles)]
    networks += [(shuffle, step) for step in other_snapshots]
    chosen = [chosen_network(project, number, trainingsetindex, step) for number, step in networks]
    wish = Wish(
        bodyparts=None if comparisonbodyparts == "all" else comparisonbodyparts,
        frames=tuple(frames or ()),
        number_of_frames=project.config.numframes2pick if number_of_frames is None else number_of_frames,
        algorithm=extractionalgorithm,
        seed=read_settings(project.settings_path).seed if seed is None else seed,
        confirm=confirm,
        report=report,
    )
    paths = [path for path in given.paths if str(path) not in clashing]
    judged = criteria

    def treat(path: Path) -> OutlierVideo:
        nonlocal judged
        check_videos(project, [path])
        tables = [existing_predictions(project, path, network, destfolder, report=report) for network in chosen]
        treated = treat_video(project, path, tables, judged, wish, stored=stored[path.stem])
        judged = treated.criteria
        return treated

    chosen_by = (wish.bodyparts, wish.frames, wish.number_of_frames, wish.algorithm, wish.seed)
    request = (criteria, paths, chosen, chosen_by, destfolder)
    with resumable(project.unfinished_outliers, request, lambda: stored_numbers(project, paths)) as stored:
        done, failed = treat_each(paths, treat)
        extracted = ExtractedOutliers(
            project.config_path, chosen[0].scorer, extractionalgorithm, wish.seed, tuple(done)
        )
        failed = {**given.refused, **clashing, **failed}
        wrong = "videos could not be searched for outliers"
        raise_together(failed, of=len(done) + len(failed), what=wrong, kind=AnalysisError, done=extracted)
    return extracted


def _check(
    outlieralgorithm: str,
    extractionalgorithm: str,
    frames: Sequence[int] | None,
    number_of_frames: int | None,
    paths: Sequence[Path],
) -> None:
    """Refuse what no project could make right."""
    if extractionalgorithm not in ALGORITHMS:
        raise ArgumentError(f"extractionalgorithm is {extractionalgorithm!r}, expected 'kmeans' or 'uniform'.")
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
        raise ArgumentError(f"Frame numbers belong to one video, but {len(paths)} were given; name one video.")
