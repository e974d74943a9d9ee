"""Analyse one video from its first frame to its last, in memory that does not grow with its length.

Decoding runs in a thread ahead of the network. Rows go to a partial file beside the target batch by batch; an
interrupted analysis goes on behind the last of them.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from posecut_core.analysis.batches import FrameBatch, batches_ahead
from posecut_core.analysis.origins import AnalysisOrigin, Origin, decoder, file_fingerprint
from posecut_core.analysis.pace import Pace
from posecut_core.analysis.partial_rows import RowsFile, mapped_rows, open_rows
from posecut_core.analysis.predicting import Predicts, padded
from posecut_core.analysis.prediction_files import write_predictions
from posecut_core.analysis.predictions import Predictions
from posecut_core.errors import AnalysisError
from posecut_core.progress import Progress, Report, silent
from posecut_core.project.config import Crop
from posecut_core.video.gaps import Gap
from posecut_core.video.index import VideoIndex
from posecut_core.video.reader import VideoReader

_SCAN_ROWS = 20_000


@dataclass(frozen=True)
class VideoAnalysis:
    """What the analysis of one video left behind."""

    video: Path
    files: tuple[Path, ...]  # .h5 and, if wished, .csv
    frame_count: int  # rows in each file
    undecodable: tuple[int, ...]  # frames that could not be decoded: NaN with likelihood 0
    frames_per_second: float  # of this run; 0 if all frames had been analysed before
    gaps: tuple[Gap, ...]  # where the file has lost frames, which have no rows


def analyse_video(
    predictor: Predicts,
    video: Path,
    target: Path,
    *,
    batch_size: int = 8,
    crop: Crop | None = None,
    csv: bool = False,
    network: str = "",
    scorer: str | None = None,
    report: Report = silent,
) -> VideoAnalysis:
    """Write predictions for every frame of `video` to `target`, going on where an earlier call was interrupted.

    Args:
        predictor: the network.
        video: the video file.
        target: the .h5 to write; the .csv and the rows of an unfinished analysis lie beside it.
        batch_size: frames that the network sees at once; the last batch is padded to it.
        crop: window to analyse; positions are written in pixels of the full frame all the same.
        csv: whether to write a .csv as well.
        network: what tells this network from others of its name; rows of another are not continued.
        scorer: by which columns are named, if not the network's.
        report: told of every batch.

    Raises:
        VideoError: the video cannot be read.
        AnalysisError: the crop does not lie within the frame.
        StorageError: the folder of `target` cannot be written.
    """
    partial = rows_path(target)
    with VideoReader(video) as reader:
        origin = analysis_origin(predictor, network, video, reader.index, crop)
        origin = replace(origin, scorer=scorer or origin.scorer)
        window = analysed_window(crop, reader.index, video)
        with open_rows(partial, origin) as rows:
            speed = _analyse_rest(predictor, reader, window, rows, batch_size, origin.frame_count, video.name, report)
    undecodable, files = _finish(partial, origin, target, csv)
    partial.unlink()
    return VideoAnalysis(video, files, origin.frame_count, undecodable, speed, reader.index.gaps)


def rows_path(target: Path) -> Path:
    """Return where the rows of an analysis lie until it is complete."""
    return target.with_name(f".{target.stem}.partial")


def _analyse_rest(
    predictor: Predicts,
    reader: VideoReader,
    window: Crop,
    rows: RowsFile,
    batch_size: int,
    frame_count: int,
    name: str,
    report: Report,
) -> float:
    """Analyse the frames that have no rows yet; return frames per second, on average."""
    first, pace = rows.done, Pace()
    begin = last = time.perf_counter()
    frames = reader.frames(range(first, frame_count))
    with batches_ahead(frames, window, batch_size) as batches, reader:  # closed first: decoding ends at once then
        for batch in batches:
            rows.append(_predicted_rows(predictor, batch, window, batch_size))
            now = time.perf_counter()
            pace, last = pace.after(len(batch.decoded), now - last), now
            left = (frame_count - rows.done) / pace.frames_per_second
            values = {"frames_per_s": pace.frames_per_second, "seconds_left": left}
            report(Progress(f"analysing {name}", rows.done, frame_count, values))
    return (rows.done - first) / max(last - begin, 1e-9)


def _predicted_rows(
    predictor: Predicts, batch: FrameBatch, window: Crop, batch_size: int
) -> Float64[np.ndarray, "B K 3"]:
    """Predict one batch; undecodable frames get NaN and likelihood 0."""
    rows = np.full((len(batch.decoded), len(predictor.bodyparts), 3), np.nan)
    rows[..., 2] = 0.0
    if batch.decoded.any():
        xy, likelihood = predictor.predict(padded(batch.images, batch_size))
        used = np.flatnonzero(batch.decoded)
        rows[used, :, :2] = xy[used] + (window.x1, window.y1)
        rows[used, :, 2] = likelihood[used]
    return rows


def _finish(partial: Path, origin: AnalysisOrigin, target: Path, csv: bool) -> tuple[tuple[int, ...], tuple[Path, ...]]:
    """Turn complete rows into the final files; return undecodable frame numbers and the files' paths."""
    rows = mapped_rows(partial, origin)
    predictions = Predictions(origin.scorer, origin.bodyparts, rows[..., :2], rows[..., 2])
    files = write_predictions(target, predictions, csv=csv, origin=Origin(origin))
    return tuple(_undecodable(rows)), files


def _undecodable(rows: Float64[np.ndarray, "T K 3"]) -> Iterator[int]:
    for start in range(0, len(rows), _SCAN_ROWS):
        missing = np.isnan(rows[start : start + _SCAN_ROWS, :, 0]).all(axis=1)
        yield from (start + int(i) for i in np.flatnonzero(missing))


def analysis_origin(
    predictor: Predicts, network: str, video: Path, index: VideoIndex, crop: Crop | None
) -> AnalysisOrigin:
    """Say what predictions of a video would belong to if they were made now.

    Raises:
        AnalysisError: the crop does not lie within the frame.
    """
    window = analysed_window(crop, index, video)
    return AnalysisOrigin(
        scorer=predictor.scorer,
        network=network,
        bodyparts=predictor.bodyparts,
        video=file_fingerprint(video),
        frame_count=index.frame_count,
        window=(window.x1, window.x2, window.y1, window.y2),
        decoder=decoder(),
    )


def analysed_window(crop: Crop | None, index: VideoIndex, video: Path) -> Crop:
    """Check that the crop lies within the frame; without one the window is the frame."""
    if crop is None:
        return Crop(0, index.width, 0, index.height)
    if not (0 <= crop.x1 < crop.x2 <= index.width and 0 <= crop.y1 < crop.y2 <= index.height):
        raise AnalysisError(
            f"The crop x {crop.x1} to {crop.x2}, y {crop.y1} to {crop.y2} does not fit into {video.name}, which is "
            f"{index.width} x {index.height} pixels; correct x1, x2, y1, y2 in config.yaml or set cropping to false."
        )
    return crop
