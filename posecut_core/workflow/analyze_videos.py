"""Step I: predict every frame of videos (`analyze_videos`)."""

import contextlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
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
)
from posecut_core.formats.deeplabcut.results import results_scorer
from posecut_core.inference.predictor import (
    Predictor,
    chosen_batch_size,
    chosen_engine,
    loaded_ensemble,
    of_scaled,
    scale_of,
)
from posecut_core.inference.stored_frames import Predicts
from posecut_core.inference.tracking_crop import Dynamic, TrackingCrop, given_tracking
from posecut_core.inference.video import AnalyzedVideo, analysis_origin, analyze_video, rows_path
from posecut_core.labels.notices import note_bodyparts
from posecut_core.poses.files import (
    check_replaceable,
    count_rows,
    csv_agrees,
    prediction_path,
    read_predictions,
    write_csv,
    write_predictions,
)
from posecut_core.poses.predictions import AnalysisOrigin, differences, read_origin
from posecut_core.progress import Notice, Progress, Report, silent
from posecut_core.project.given import Videos, forgiving, given_folder
from posecut_core.project.opening import chosen_videos, note_other_videos, open_project
from posecut_core.project.state import read_state
from posecut_core.results import Summary, counted, spans
from posecut_core.storage.locks import clear_lock, sole_writer
from posecut_core.types import Crop, EngineName
from posecut_core.video.index import gap_sentences, index_video
from posecut_core.video.reader import VideoReader


@dataclass(frozen=True)
class AnalyzedVideos:
    """All videos of one call, in the order in which they were analyzed."""

    scorer: str
    videos: tuple[AnalyzedVideo, ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file with predictions."""
        return tuple(path for video in self.videos for path in video.files)

    def summary(self) -> Summary:
        """Say where the predictions are, and which frames could not be read."""
        lines = [line for video in self.videos for line in _lines(video)]
        videos = [video.video for video in self.videos]
        text = f"{counted(len(videos), 'video')} analyzed by {self.scorer}."
        if any(video.skipped for video in self.videos):
            text += " Results of earlier analyses were kept; overwrite them to analyze again."
        following = (Remedy("plot_trajectories", videos=videos), Remedy("create_labeled_video", videos=videos))
        return Summary(text, tuple(lines), following)


def _lines(video: AnalyzedVideo) -> Iterator[str]:
    """Say where the predictions of a video are, and what it lacks."""
    name, files = video.video.name, ", ".join(map(str, video.files))
    yield f"{name} had been analyzed before: {files}" if video.skipped else f"{name}: {video.sentence()}: {files}"
    if video.undecodable:
        yield f"  {name}: frames without predictions, because they are damaged: {spans(video.undecodable)}"
    yield from (f"  {name}: {sentence}" for sentence in gap_sentences(video.gaps))
    if video.tracking:
        yield f"  {name}: {video.tracking.sentence()}"


@forgiving
def analyze_videos(
    config: str | os.PathLike[str],
    videos: Videos,
    shuffle: int = 1,
    trainingsetindex: int = 0,
    *,
    save_as_csv: bool = False,
    destfolder: str | os.PathLike[str] | None = None,
    videotype: str | Sequence[str] = "",
    batch_size: int | None = None,
    dynamic: Dynamic = (False, 0.5, 10),
    overwrite: bool = False,
    snapshot: int | str | None = None,
    ensemble: bool = False,
    dlc_names: bool = False,
    engine: EngineName | None = None,
    cluster: str | None = None,
    report: Report = silent,
) -> AnalyzedVideos:
    """Predict the bodyparts in every frame of videos.

    Predictions are written to `<video><scorer>.h5` beside each video. Memory does not grow with the length of a video;
    an interrupted analysis goes on where it stopped. A video that fails does not stop the others: it is named in the
    error at the end, which carries what was `done`. A video that was analyzed before is skipped if its predictions came
    from this very network, from the same video and the same window, and analyzed again if not, which is reported.
    Predictions that do not say where they came from are taken at their name.

    Args:
        config: path of config.yaml; where its `cropping` is true only that window is analyzed, and positions are
            given in pixels of the full frame all the same.
        videos: video files, names of project videos, folders with videos, or addresses such as s3://bucket/a.mp4.
        shuffle: which shuffle: which split of the labeled frames, and its network.
        trainingsetindex: which of config.yaml's training fractions, counted from 0.
        save_as_csv: write a .csv beside the .h5.
        destfolder: folder of the predictions; by default beside each video, if that lies on this computer.
        videotype: take only videos of this suffix from folders, such as mp4; by default all.
        batch_size: frames at once; by default batch_size in config.yaml.
        dynamic: state, detection threshold and margin of a tracking crop, such as True,0.5,10. If the state is True,
            only a window around the bodyparts found in the frame before is analyzed: those of at least this likelihood,
            with a margin of so many pixels, and more where they moved fast. The full frame is analyzed where too little
            is found, and every 48th frame, where both are compared. The batch size is 8 then, unless one is given.
        overwrite: analyze videos again that have predictions by this network.
        snapshot: number of training steps of the snapshot, or "last"; by default snapshotindex in config.yaml decides.
        ensemble: ask all networks of the shuffle (`seeds` of `train_network`), which takes as many times as long. A
            position is the mean of those that agree, the likelihood counts only these, and the .h5 has in addition how
            many pixels the networks spread, for "kalman" of `filterpredictions` and "spread" of
            `extract_outlier_frames`.
        dlc_names: name files and columns as DeepLabCut 3 does, for programs that go by its names; predictions that are
            there under PoseCut's names are then copied.
        engine: what computes the poses: "xla", the reference and the fastest on a graphics card; "openvino", in
            bfloat16 where the processor has it; "openvino-int8", faster and less exact; or "auto", the fastest one that
            is as exact as XLA, which is measured once for each network. By default engine in posecut.yaml decides,
            which is auto. If an engine is given, predictions by another one are made again.
        cluster: analyze several videos at once: by processes of this computer, as local:4; by a scheduler of dask that
            runs already, as tcp://HOST:8786; or by jobs of SLURM, as slurm:FILE, where FILE describes them. The results
            are the same. A worker that dies is replaced, and its video goes on where it was.
        report: called after each batch.

    Raises:
        ArgumentError: nothing was given, or all that was given would be written to one file, or a tracking crop is
            asked of an ensemble.
        VideoError: the only video does not exist or cannot be read.
        ModelError: there is no such snapshot or ensemble, or the engine is not installed or deviates too much for this
            network.
        StorageError: the folder of the only video cannot be written.
        AnalysisError: some of several videos could not be analyzed; the others have been.
    """
    project = open_project(config)
    given = chosen_videos(project, videos, videotype=videotype, elsewhere=True, report=report)
    note_other_videos(project, given.paths, report=report)
    tracking = given_tracking(dynamic)
    if ensemble and tracking is not None:
        raise ArgumentError("An ensemble sees whole frames, but dynamic asks for a tracking crop; choose one of both.")
    size = chosen_batch_size(project, 8 if tracking and batch_size is None else batch_size)
    folder = None if destfolder is None else given_folder(destfolder)
    each = each_on(cluster, stage="analyzed videos", report=report)
    training = project.training(shuffle, trainingsetindex)
    step = training.chosen_steps(snapshot)[-1]
    weights = training.sha256(step, ensemble=ensemble)
    wanted = engine or read_state(project.settings_path).engine
    call = _Call(
        project.config_path, shuffle, trainingsetindex, step, ensemble, weights, tracking, project.config.crop, size,
        wanted, save_as_csv, overwrite, dlc_names,
    )  # fmt: skip
    request = _request(call, report)
    note_bodyparts(
        project, request.predictor.bodyparts, source=f"The network {request.predictor.scorer}", report=report
    )
    targets = {path: prediction_path(path, request.scorer, folder) for path in given.paths}
    apart, clashing = _distinct(targets)
    return treat_all(
        [(path, targets[path]) for path in apart],
        partial(_analyze_or_skip, request) if cluster is None else partial(_analyze_in_worker, call),
        lambda done: AnalyzedVideos(request.scorer, tuple(done)),
        what="videos could not be analyzed",
        kind=AnalysisError,
        name=lambda pair: str(pair[0]),
        failed={**given.refused, **clashing},
        each=each,
    )


@dataclass(frozen=True)
class _Call:
    """What a worker makes the request of: paths and settings, and no network."""

    config: Path
    shuffle: int
    trainingsetindex: int
    step: int
    ensemble: bool
    weights: str  # their hash: a worker that outlives a training has the former one
    tracking: TrackingCrop | None
    crop: Crop | None  # of config.yaml, which may change in the life of a worker
    batch_size: int
    engine: EngineName
    csv: bool
    overwrite: bool
    dlc_names: bool


def _request(call: _Call, report: Report) -> "_Request":
    """Load the network of a call.

    Raises:
        ModelError: it cannot be loaded, or the engine does not do for it.
    """
    project = open_project(call.config)
    training = project.training(call.shuffle, call.trainingsetindex)
    latency = call.tracking is not None and call.batch_size == 1
    predictor: Predicts
    if call.ensemble:
        predictor = loaded_ensemble(training, call.step, call.engine, report=report)
    else:
        loaded = Predictor.load(training.folder, snapshot=call.step)
        predictor = chosen_engine(loaded, training, call.engine, latency=latency, report=report)
    return _Request(
        of_scaled(predictor),
        call.tracking,
        scale_of(predictor),
        results_scorer(training, predictor.scorer) if call.dlc_names else predictor.scorer,
        call.weights,
        call.crop,
        call.batch_size,
        call.csv,
        call.overwrite,
        call.engine != "auto",
    )


@lru_cache(maxsize=1)
def _request_of_worker(call: _Call) -> "_Request":
    return _request(call, silent)


def _analyze_in_worker(call: _Call, pair: tuple[Path, Path], report: Report) -> AnalyzedVideo:
    return _analyze_or_skip(_request_of_worker(call), pair, report)


@dataclass(frozen=True)
class _Request:
    """What is the same for all videos of a call."""

    predictor: Predicts  # for frames at its scale
    tracking: TrackingCrop | None
    scale: float
    scorer: str  # by which files and columns are named
    network: str  # tells weights apart, where their scorer does not
    crop: Crop | None
    batch_size: int
    csv: bool
    overwrite: bool
    by_name: bool  # whether the engine was named, so that predictions by another one do not do
    report: Report = silent  # of one video


def _analyze_or_skip(request: _Request, pair: tuple[Path, Path], report: Report) -> AnalyzedVideo:
    """Analyze a video into a table, if that is not there."""
    video, target = pair
    request = replace(request, report=report)
    try:
        if request.scorer != request.predictor.scorer:
            check_replaceable(target)
        if target.is_file() and not request.overwrite and _fits(request, video, target):  # also on a read-only disk
            clear_lock(target)
            skipped = _skip(request, video, target)
            request.report(Progress(f"{video.name} was analyzed before", skipped.frame_count, skipped.frame_count))
            return skipped
        with sole_writer(target, doing=f"{video.name} is being analyzed"):
            return _copy(request, video, target) or _analyze(request, video, target)
    except StorageError as error:
        told = f"{str(error).removesuffix('.')}, or give another folder for the results."
        raise type(error)(told, *error.remedies) from error


def _copy(request: _Request, video: Path, target: Path) -> AnalyzedVideo | None:
    """Write predictions that are there under our name of the network under another one; None where there are none."""
    if request.scorer == request.predictor.scorer:
        return None
    ours = prediction_path(video, request.predictor.scorer, target.parent)
    origin = read_origin(ours)
    if request.overwrite or origin is None or origin.analysis is None or not _fits(request, video, ours):
        return None
    named = replace(origin, analysis=replace(origin.analysis, scorer=request.scorer))
    predictions = replace(read_predictions(ours), scorer=request.scorer)
    files = write_predictions(target, predictions, csv=request.csv, origin=named)
    return AnalyzedVideo(video, files, len(predictions.xy), (), 0.0, skipped=True, engine=origin.analysis.engine)


def _analyze(request: _Request, video: Path, target: Path) -> AnalyzedVideo:
    return analyze_video(
        request.predictor,
        video,
        target,
        batch_size=request.batch_size,
        crop=request.crop,
        csv=request.csv,
        network=request.network,
        scorer=request.scorer,
        tracking=request.tracking,
        scale=request.scale,
        report=request.report,
    )


def _fits(request: _Request, video: Path, target: Path) -> bool:
    """Tell whether a table is what an analysis would write now, as far as it says; `report` learns why it is not.

    Predictions stay of use where the video has gone bad: then only the network has to be the same.

    Raises:
        AnalysisError: the crop does not lie within the frame.
    """
    origin = read_origin(target)
    found = origin.analysis if origin else None
    try:
        index, rows = index_video(video), count_rows(target)
        wanted = analysis_origin(request.predictor, request.network, video, index, request.crop, request.tracking)
        why = _misfit(request, video, target, found, wanted, rows)
    except (VideoError, StorageError):
        why = "by another network of the same name" if found and found.network != request.network else ""
    if why:
        request.report(Notice(f"{video.name} was analyzed before {why}; it is analyzed again"))
    elif found is None:
        told = f"{target.name} does not say which network and video it came from, as PoseCut 0.1 wrote it or another "
        request.report(
            Notice(f"{told}program; its file name is trusted; to be sure, analyze the video again and overwrite it")
        )
    return not why


def _misfit(
    request: _Request, video: Path, target: Path, found: AnalysisOrigin | None, wanted: AnalysisOrigin, rows: int
) -> str:
    """Say why a table is not what an analysis would write now; nothing where it is, or does not say."""
    if rows != wanted.frame_count:
        return f"with {rows} frames and has {wanted.frame_count} now"
    if found is not None and (differs := differences(found, wanted)):
        return " and ".join(differs)
    if found is not None and request.by_name and found.engine != wanted.engine:
        return f"with {found.engine} instead of {wanted.engine}"
    if found is not None and found.decoder == wanted.decoder:
        return ""
    if (parts := read_predictions(target).bodyparts) != wanted.bodyparts:
        return f"for the bodyparts {', '.join(parts)}"
    return "when some of its frames could not be read, which can be now" if _reads_more(video, target) else ""


def _reads_more(video: Path, target: Path) -> bool:
    """Tell whether any frame without predictions can be decoded here."""
    empty = np.flatnonzero(np.isnan(read_predictions(target).xy).all(axis=(1, 2)))
    if not len(empty):
        return False
    with VideoReader(video) as reader:
        return any(image is not None for _, image in reader.frames(empty.tolist()))


def _skip(request: _Request, video: Path, target: Path) -> AnalyzedVideo:
    """Describe a video that has predictions; write the .csv if it is wished, and missing or not that of the .h5."""
    with contextlib.suppress(OSError):
        rows_path(target).unlink(missing_ok=True)  # a call may have been killed when it had written the table
    files: tuple[Path, ...] = (target,)
    csv_path = target.with_suffix(".csv")
    if request.csv or csv_path.is_file():
        predictions = read_predictions(target)
        agrees = csv_path.is_file() and csv_agrees(csv_path, predictions)
        if request.csv and not agrees:
            write_csv(csv_path, predictions)
        elif not agrees:
            told = f"{csv_path.name} disagrees with {target.name}; another program or an earlier analysis wrote it"
            request.report(Notice(f"{told}; to replace it, analyze the video and have a .csv written"))
        files = (target, csv_path) if request.csv else files
    origin = read_origin(target)
    engine = origin.analysis.engine if origin and origin.analysis else ""
    return AnalyzedVideo(video, files, count_rows(target), (), 0.0, skipped=True, engine=engine)


def _distinct(targets: Mapping[Path, Path]) -> tuple[list[Path], dict[str, PosecutError]]:
    """Tell videos with a file of their own from those whose results would have one name."""
    names = {target: os.path.normcase(target) for target in targets.values()}
    counts = Counter(names[target] for target in targets.values())
    clashing: dict[str, PosecutError] = {}
    for path, target in targets.items():
        if counts[names[target]] > 1:
            same = " and ".join(str(other) for other, there in targets.items() if names[there] == names[target])
            clashing[str(path)] = ArgumentError(
                f"{same} would all be written to {target}; analyze them in separate calls with different destfolders."
            )
    return [path for path in targets if str(path) not in clashing], clashing
