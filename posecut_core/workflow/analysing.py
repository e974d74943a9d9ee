"""Step I: predict every frame of videos (`analyze_videos`)."""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from posecut_core.analysis.inference import Predictor
from posecut_core.analysis.partial_rows import file_fingerprint
from posecut_core.analysis.predicting import Predicts
from posecut_core.analysis.prediction_files import count_rows, prediction_path, read_predictions, write_predictions
from posecut_core.analysis.video import analyse_video
from posecut_core.errors import (
    AnalysisError,
    ArgumentError,
    PosecutError,
    StorageError,
    VideoError,
    raise_together,
    treat_each,
)
from posecut_core.model.snapshots import MANIFEST, snapshot_folder
from posecut_core.progress import Progress, Report, silent
from posecut_core.project.config import Crop
from posecut_core.project.given_files import Videos, given_path
from posecut_core.video.gaps import Gap
from posecut_core.video.index import index_video
from posecut_core.workflow.arguments import chosen_batch_size, chosen_steps, chosen_videos
from posecut_core.workflow.notes import note_bodyparts
from posecut_core.workflow.opening import open_project


@dataclass(frozen=True)
class AnalysedVideo:
    """One video and where its predictions lie."""

    video: Path
    files: tuple[Path, ...]  # .h5 first, then .csv if wished
    frame_count: int  # rows of the table
    undecodable: tuple[int, ...]  # frames that could not be decoded: NaN with likelihood 0; not looked up where skipped
    frames_per_second: float  # 0 where nothing was left to analyse
    skipped: bool  # true if it had been analysed before
    gaps: tuple[Gap, ...] = ()  # where the file has lost frames, which have no rows; not looked up where skipped


@dataclass(frozen=True)
class AnalysedVideos:
    """All videos of one call, in the order in which they were analysed."""

    scorer: str
    videos: tuple[AnalysedVideo, ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file with predictions."""
        return tuple(path for video in self.videos for path in video.files)


def analyze_videos(
    config: str | os.PathLike[str],
    videos: Videos,
    shuffle: int = 1,
    trainingsetindex: int = 0,
    *,
    save_as_csv: bool = False,
    destfolder: str | os.PathLike[str] | None = None,
    videotype: str = "",
    batch_size: int | None = None,
    overwrite: bool = False,
    snapshot: int | str | None = None,
    report: Report = silent,
) -> AnalysedVideos:
    """Write the network's predictions for every frame of videos to `<video><scorer>.h5` beside each video.

    Memory does not grow with the length of a video; an interrupted analysis goes on where it stopped. A video that
    fails does not stop the others: it is named in the error at the end, which carries what was `done`. A video that
    this network has analysed is skipped, unless it has another number of frames since.

    Args:
        config: path of config.yaml; where its `cropping` is true only that window is analysed, and positions are
            given in pixels of the full frame all the same.
        videos: video files, names of project videos, or folders with videos.
        shuffle: which shuffle's network.
        trainingsetindex: which of config.yaml's training fractions.
        save_as_csv: whether to write a .csv as well.
        destfolder: where to write instead of beside each video.
        videotype: suffix of the videos to take from folders; by default any known one.
        batch_size: frames at once; by default config.yaml's batch_size.
        overwrite: whether to analyse videos again that have predictions by this network.
        snapshot: number of training steps of the snapshot, or "last"; by default config.yaml's snapshotindex decides.
        report: told of every batch.

    Raises:
        ArgumentError: nothing was given, or all that was given would be written to one file.
        VideoError: the only video does not exist or cannot be read.
        ModelError: there is no such snapshot.
        StorageError: the folder of the only video cannot be written.
        AnalysisError: some of several videos could not be analysed; the others have been.
    """
    project = open_project(config)
    given = chosen_videos(project, videos, videotype=videotype, report=report)
    size = chosen_batch_size(project, batch_size)
    model_folder = project.model_folder(shuffle, trainingsetindex)
    steps = chosen_steps(model_folder, snapshot, snapshotindex=project.config.snapshotindex)
    predictor = Predictor.load(model_folder, snapshot=steps[-1])
    note_bodyparts(project, predictor.bodyparts, source=f"The network {predictor.scorer}", report=report)
    weights = file_fingerprint(snapshot_folder(model_folder, steps[-1]) / MANIFEST)  # holds hashes of them
    folder = None if destfolder is None else given_path(destfolder)
    targets = {path: prediction_path(path, predictor.scorer, folder) for path in given.paths}
    apart, clashing = _distinct(targets)
    request = _Request(
        predictor, f"{predictor.scorer} {weights}", project.config.crop, size, save_as_csv, overwrite, report
    )
    done, failed = treat_each(apart, lambda path: _analyse_or_skip(request, path, targets[path]))
    analysed = AnalysedVideos(predictor.scorer, tuple(done))
    failed = {**given.refused, **clashing, **failed}
    wrong = "videos could not be analysed"
    raise_together(failed, of=len(done) + len(failed), what=wrong, kind=AnalysisError, done=analysed)
    return analysed


@dataclass(frozen=True)
class _Request:
    """What is the same for all videos of a call."""

    predictor: Predicts
    network: str  # tells weights apart, where their scorer does not
    crop: Crop | None
    batch_size: int
    csv: bool
    overwrite: bool
    report: Report


def _analyse_or_skip(request: _Request, video: Path, target: Path) -> AnalysedVideo:
    if target.is_file() and not request.overwrite and _has_all_rows(request, video, target):
        skipped = _skip(video, target, request.csv)
        request.report(Progress(f"{video.name} was analysed before", skipped.frame_count, skipped.frame_count))
        return skipped
    try:
        result = analyse_video(
            request.predictor,
            video,
            target,
            batch_size=request.batch_size,
            crop=request.crop,
            csv=request.csv,
            network=request.network,
            report=request.report,
        )
    except StorageError as error:
        raise StorageError(f"{str(error).removesuffix('.')}, or give another destfolder.") from error
    return AnalysedVideo(
        video,
        result.files,
        result.frame_count,
        result.undecodable,
        result.frames_per_second,
        skipped=False,
        gaps=result.gaps,
    )


def _has_all_rows(request: _Request, video: Path, target: Path) -> bool:
    """Tell whether a table has a row per frame, or there is no telling: a recording may have grown since."""
    try:
        rows, frames = count_rows(target), index_video(video).frame_count
    except (VideoError, StorageError):  # predictions stay of use where the video has gone bad
        return True
    if rows != frames:
        told = f"{video.name} was analysed before with {rows} frames and has {frames} now; it is analysed anew"
        request.report(Progress(told, 0, 0))
    return rows == frames


def _skip(video: Path, target: Path, csv: bool) -> AnalysedVideo:
    """Describe a video that has predictions; write the .csv if it is wished and missing."""
    files: tuple[Path, ...] = (target,)
    if csv:
        csv_path = target.with_suffix(".csv")
        if not csv_path.is_file():
            write_predictions(target, read_predictions(target), csv=True)
        files = (target, csv_path)
    return AnalysedVideo(video, files, count_rows(target), (), 0.0, skipped=True)


def _distinct(targets: Mapping[Path, Path]) -> tuple[list[Path], dict[str, PosecutError]]:
    """Tell videos with a file of their own from those whose results would have one name."""
    counts = Counter(targets.values())
    clashing: dict[str, PosecutError] = {}
    for path, target in targets.items():
        if counts[target] > 1:
            same = " and ".join(str(other) for other, there in targets.items() if there == target)
            clashing[str(path)] = ArgumentError(
                f"{same} would all be written to {target}; analyse them in separate calls with a destfolder each."
            )
    return [path for path in targets if str(path) not in clashing], clashing
