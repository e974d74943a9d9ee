"""Analyze one video from its first frame to its last, in memory that does not grow with its length."""

import functools
import json
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean, median
from typing import BinaryIO

import numpy as np
from jaxtyping import Bool, Float64, UInt8

from posecut_core.dataset.frames import made_ahead
from posecut_core.inference.ensemble import Ensemble
from posecut_core.inference.stored_frames import Predicts, padded
from posecut_core.inference.tracking_crop import (
    COLUMNS,
    SEGMENT,
    TrackedSegments,
    TrackingCrop,
    TrackingReport,
    side_by_side,
    tracking_report,
)
from posecut_core.inference.view import View, analyzed_window
from posecut_core.poses.files import write_predictions
from posecut_core.poses.predictions import AnalysisOrigin, Origin, Predictions, decoder, file_fingerprint
from posecut_core.progress import Progress, Report, silent
from posecut_core.results import counted
from posecut_core.storage.files import storage_error
from posecut_core.types import Crop
from posecut_core.video.demux import HALF_THE_CORES
from posecut_core.video.index import Gap, VideoIndex
from posecut_core.video.neighbors import NumberedFrame
from posecut_core.video.reader import VideoReader

# --- pace -------------------------------------------------------------------------------------------------------------
# How fast an analysis goes at the moment, by which the time that is left is estimated.


_RECENT = 50  # batches
_FEW = 8  # batches, of which most were done while the first one was waited for


@dataclass(frozen=True)
class _Pace:
    """The median of the last batches: compiling, or a computer that slept, is one slow batch, which does not count.

    Of few batches it is the mean.
    """

    seconds: tuple[float, ...] = ()  # per frame, of each of the last batches

    def after(self, frames: int, seconds: float) -> "_Pace":
        """Return the pace after one more batch."""
        return _Pace((*self.seconds, seconds / frames)[-_RECENT:])

    @property
    def frames_per_second(self) -> float:
        """Return how many frames a second there are, after at least one batch."""
        return 1 / max((median if len(self.seconds) > _FEW else mean)(self.seconds), 1e-9)


# --- batches ----------------------------------------------------------------------------------------------------------
# Batches of video frames, decoded and scaled in a thread while the network works on the batch before.


@dataclass(frozen=True)
class _FrameBatch:
    """Consecutive frames of a video."""

    images: UInt8[np.ndarray, "B H W C"]
    decoded: Bool[np.ndarray, " B"]  # false where the frame could not be decoded and the image is black


def _frame_batches(
    frames: Iterable[NumberedFrame], shape: tuple[int, int, int], batch_size: int
) -> Iterator[_FrameBatch]:
    """Group frames of one shape; every number has its place, decodable or not."""
    images, decoded = np.zeros((batch_size, *shape), np.uint8), np.zeros(batch_size, bool)
    filled = 0
    for _, image in frames:
        decoded[filled] = image is not None
        if image is not None:
            images[filled] = image
        filled += 1
        if filled == batch_size:
            yield _FrameBatch(images, decoded)
            images, decoded, filled = np.zeros((batch_size, *shape), np.uint8), np.zeros(batch_size, bool), 0
    if filled:
        yield _FrameBatch(images[:filled], decoded[:filled])


@contextmanager
def _batches_ahead(
    frames: Iterable[NumberedFrame], shape: tuple[int, int, int], batch_size: int
) -> Iterator[Iterator[_FrameBatch]]:
    """Run `_frame_batches` in a thread, a few batches ahead; errors arise where the batches are taken.

    The thread has ended when the block is left, however it is left.
    """
    with made_ahead(_frame_batches(frames, shape, batch_size), name="decoding") as batches:
        yield batches


# --- partial rows -----------------------------------------------------------------------------------------------------
# The rows of an unfinished analysis on disk: written batch by batch, found again after an interruption.
#
# The file is one line of JSON that says what the rows belong to, padded with spaces, followed by float64 rows of
# x, y and likelihood of each bodypart, and of what the tracking crop notes if there is one, or how far the networks of
# an ensemble spread. Rows count only when the line is, byte for byte, the one expected.


_SCHEMA = "posecut analysis rows 3"
_HEADER_BLOCK = 4096  # the header's length is a multiple of this, so that rows are aligned for mapping


class _RowsFile:
    """An open file of rows; `append` is flushed to the operating system (not fsynced) on return."""

    def __init__(self, path: Path, stream: BinaryIO, done: int) -> None:
        self._path = path
        self._stream = stream
        self.done = done  # whole rows in the file

    def append(self, rows: Float64[np.ndarray, "B K C"]) -> None:
        """Add rows of consecutive frames.

        Raises:
            StorageError: the disk is full.
        """
        with _disk(self._path):
            self._stream.write(np.ascontiguousarray(rows, dtype="<f8").tobytes())
            self._stream.flush()
        self.done += len(rows)


@contextmanager
def _open_rows(path: Path, origin: AnalysisOrigin, *, multiple: int = 1) -> Iterator[_RowsFile]:
    """Open the rows of `origin` to go on after the last whole row, or start a new file.

    Rows beyond the last `multiple` of rows are dropped.

    Raises:
        StorageError: the folder cannot be written.
    """
    with _disk(path):
        done = _whole_rows(path, origin)
        done = None if done is None else done // multiple * multiple
        path.parent.mkdir(parents=True, exist_ok=True)
        if done is None:
            path.unlink(missing_ok=True)  # a link would lead elsewhere, a pipe would wait forever
        stream = path.open("xb" if done is None else "r+b")
    try:
        with _disk(path):
            if done is None:
                stream.write(_header(origin))
            stream.seek(len(_header(origin)) + (done or 0) * _row_bytes(origin))
            stream.truncate()
        yield _RowsFile(path, stream, done or 0)
    finally:
        with _disk(path):
            stream.close()  # which writes what could not be written before, and is refused again


def _mapped_rows(path: Path, origin: AnalysisOrigin, count: int | None = None) -> Float64[np.ndarray, "T K C"]:
    """Map all rows of `origin`, or the first of them, without reading them into memory."""
    shape = (origin.frame_count if count is None else count, len(origin.bodyparts), _columns(origin))
    return np.memmap(path, dtype="<f8", mode="r", offset=len(_header(origin)), shape=shape)


def _row_bytes(origin: AnalysisOrigin) -> int:
    return len(origin.bodyparts) * _columns(origin) * 8


def _columns(origin: AnalysisOrigin) -> int:
    if origin.dynamic is not None:
        return COLUMNS
    return 3 if origin.networks == 1 else _FUSED


def _header(origin: AnalysisOrigin) -> bytes:
    """Write the line at the head of the file."""
    known = {name: value for name, value in asdict(origin).items() if value is not None}
    line = json.dumps({"schema": _SCHEMA, **known}, sort_keys=True).encode()
    return line.ljust(-(-(len(line) + 1) // _HEADER_BLOCK) * _HEADER_BLOCK - 1) + b"\n"


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise storage_error(path, error) from error


def _whole_rows(path: Path, origin: AnalysisOrigin) -> int | None:
    """Count the whole rows of `origin` in a file; None where the file is another's or missing."""
    if path.is_symlink() or not path.is_file():
        return None
    header = _header(origin)
    with path.open("rb") as stream:
        if stream.read(len(header)) != header:
            return None
    return min((path.stat().st_size - len(header)) // _row_bytes(origin), origin.frame_count)


# --- video ------------------------------------------------------------------------------------------------------------
# Analyze one video from its first frame to its last, in memory that does not grow with its length.
#
# Decoding runs in a thread ahead of the network. Rows go to a partial file beside the target batch by batch; an
# interrupted analysis goes on behind the last of them.


_SCAN_ROWS = 20_000
_Rows = Callable[[], Float64[np.ndarray, "B K C"]]
_StartsRows = Callable[[UInt8[np.ndarray, "B H W C"], Bool[np.ndarray, " B"]], _Rows]
_STREAMED = 8  # frames that are decoded together where a tracking crop looks at them one by one
_FUSED = 4  # columns of a row of an ensemble: x, y, likelihood, spread
_STARTED = 2  # batches in flight: one is computed and one waits, so that the network never does


@dataclass(frozen=True)
class AnalyzedVideo:
    """One video and where its predictions lie."""

    video: Path
    files: tuple[Path, ...]  # .h5 first, then .csv if wished
    frame_count: int  # rows of the table
    undecodable: tuple[int, ...]  # frames that could not be decoded: NaN with likelihood 0; not looked up where skipped
    frames_per_second: float  # 0 where nothing was left to analyze
    skipped: bool = False  # true if it had been analyzed before
    gaps: tuple[Gap, ...] = ()  # where the file has lost frames, which have no rows; not looked up where skipped
    tracking: TrackingReport | None = None  # what the tracking crop did; None without one, and where skipped
    engine: str = ""  # what computed the predictions, and in which precision; empty where they do not say

    def sentence(self) -> str:
        """Say how much was analyzed, how fast and by which engine."""
        told = counted(self.frame_count, "frame")
        told += "" if self.skipped else f", {self.frames_per_second:.1f} frames/s"
        return f"{told} by {self.engine}" if self.engine else told


def analyze_video(
    predictor: Predicts,
    video: Path,
    target: Path,
    *,
    batch_size: int = 8,
    crop: Crop | None = None,
    csv: bool = False,
    network: str = "",
    scorer: str | None = None,
    tracking: TrackingCrop | None = None,
    scale: float = 1.0,
    report: Report = silent,
) -> AnalyzedVideo:
    """Write predictions for every frame of `video` to `target`, going on where an earlier call was interrupted.

    Args:
        predictor: the network, which is given frames at its scale and finds positions in these.
        video: the video file.
        target: the .h5 to write; the .csv and the rows of an unfinished analysis lie beside it.
        batch_size: frames that the network sees at once; the last batch is padded to it.
        crop: window to analyze; positions are written in pixels of the full frame all the same.
        csv: whether to write a .csv as well.
        network: what tells this network from others of its name; rows of another are not continued.
        scorer: by which columns are named, if not the network's.
        tracking: analyze windows around the animal only; with a batch size above 1, of several segments of the video
            side by side.
        scale: global_scale of the network.
        report: called after each batch.

    Raises:
        VideoError: the video cannot be read.
        AnalysisError: the crop does not lie within the frame.
        StorageError: the folder of `target` cannot be written.
    """
    partial = rows_path(target)
    with VideoReader(video, threads=HALF_THE_CORES) as reader:
        origin = analysis_origin(predictor, network, video, reader.index, crop, tracking)
        origin = replace(origin, scorer=scorer or origin.scorer)
        window = analyzed_window(crop, reader.index, video)
        view = View.of(window, reader.index, scale=scale, context=predictor.context)
        together = 0 if tracking is None else side_by_side(batch_size, math.prod(view.shape))
        size = batch_size if together == 0 else together * SEGMENT if together > 1 else _STREAMED
        with _open_rows(partial, origin, multiple=size if together > 1 else 1) as rows:
            start: _StartsRows = functools.partial(_started_rows, predictor, view, batch_size)
            ahead = _STARTED
            if tracking is not None:
                known = _last_rows(partial, origin, rows.done)
                segments = TrackedSegments(predictor, tracking, view, together, rows.done, known)
                start, ahead = functools.partial(functools.partial, segments), 0  # each needs the rows before it
            speed = _analyze_rest(start, ahead, reader, view, rows, size, origin.frame_count, video.name, report)
    undecodable, files, tracked = _finish(partial, origin, target, csv)
    partial.unlink()
    return AnalyzedVideo(
        video,
        files,
        origin.frame_count,
        undecodable,
        speed,
        gaps=reader.index.gaps,
        tracking=tracked,
        engine=predictor.engine_name,
    )


def rows_path(target: Path) -> Path:
    """Return where the rows of an analysis lie until it is complete."""
    return target.with_name(f".{target.stem}.partial")


def _analyze_rest(
    start: _StartsRows,
    ahead: int,
    reader: VideoReader,
    view: View,
    rows: _RowsFile,
    batch_size: int,
    frame_count: int,
    name: str,
    report: Report,
) -> float:
    """Analyze the frames that have no rows yet; return frames per second, on average."""
    first, pace = rows.done, _Pace()
    begin = last = time.perf_counter()
    frames = view.frames(reader, range(first, frame_count))
    with _batches_ahead(frames, view.shape, batch_size) as batches, reader:  # closed first: decoding ends at once then
        for found in _rows_ahead(start, batches, ahead):
            rows.append(found)
            now = time.perf_counter()
            pace, last = pace.after(len(found), now - last), now
            left = (frame_count - rows.done) / pace.frames_per_second
            values = {"frames_per_s": pace.frames_per_second, "seconds_left": left}
            report(Progress(f"analyzing {name}", rows.done, frame_count, values))
    return (rows.done - first) / max(last - begin, 1e-9)


def _rows_ahead(start: _StartsRows, batches: Iterable[_FrameBatch], ahead: int) -> Iterator[np.ndarray]:
    """Predict batch by batch; so many are begun before the first one is waited for."""
    started: deque[_Rows] = deque()
    for batch in batches:
        started.append(start(batch.images, batch.decoded))
        if len(started) > ahead:
            yield started.popleft()()
    for rows in started:
        yield rows()


def _started_rows(
    predictor: Predicts,
    view: View,
    batch_size: int,
    images: UInt8[np.ndarray, "B H W C"],
    decoded: Bool[np.ndarray, " B"],
) -> _Rows:
    """Begin to predict one batch; undecodable frames get NaN and likelihood 0."""
    together = isinstance(predictor, Ensemble)
    rows = np.full((len(decoded), len(predictor.bodyparts), _FUSED if together else 3), np.nan)
    rows[..., 2] = 0.0
    if not decoded.any():
        return lambda: rows
    given = padded(images, batch_size)
    result = predictor.start_fused(given) if isinstance(predictor, Ensemble) else predictor.start(given)

    def finished() -> Float64[np.ndarray, "B K C"]:
        xy, likelihood, *spread = result()
        used = np.flatnonzero(decoded)
        rows[used, :, :2] = view.placed(xy[used])
        rows[used, :, 2] = likelihood[used]
        if spread:
            rows[used, :, 3] = spread[0][used] * view.pixel
        return rows

    return finished


def _finish(
    partial: Path, origin: AnalysisOrigin, target: Path, csv: bool
) -> tuple[tuple[int, ...], tuple[Path, ...], TrackingReport | None]:
    """Turn complete rows into the final files; return undecodable frame numbers, the paths, what the crop did."""
    rows = _mapped_rows(partial, origin)
    spread = None if origin.networks == 1 else rows[..., 3]
    predictions = Predictions(origin.scorer, origin.bodyparts, rows[..., :2], rows[..., 2], spread)
    tracked = None if origin.dynamic is None else tracking_report(rows)
    settings = {} if tracked is None else {"tracking_crop": asdict(tracked)}
    files = write_predictions(target, predictions, csv=csv, origin=Origin(origin, settings=settings))
    return tuple(_undecodable(rows)), files, tracked


def _last_rows(partial: Path, origin: AnalysisOrigin, done: int) -> Float64[np.ndarray, "2 K C"]:
    """Read the last two finished rows; NaN where there are none."""
    rows = np.full((2, len(origin.bodyparts), _columns(origin)), np.nan)
    if done:
        rows[-min(done, 2) :] = _mapped_rows(partial, origin, done)[-2:]
    return rows


def _undecodable(rows: Float64[np.ndarray, "T K C"]) -> Iterator[int]:
    for start in range(0, len(rows), _SCAN_ROWS):
        missing = np.isnan(rows[start : start + _SCAN_ROWS, :, 0]).all(axis=1)
        yield from (start + int(i) for i in np.flatnonzero(missing))


def analysis_origin(
    predictor: Predicts,
    network: str,
    video: Path,
    index: VideoIndex,
    crop: Crop | None,
    tracking: TrackingCrop | None = None,
) -> AnalysisOrigin:
    """Say what predictions of a video would belong to if they were made now.

    Raises:
        AnalysisError: the crop does not lie within the frame.
    """
    window = analyzed_window(crop, index, video)
    return AnalysisOrigin(
        scorer=predictor.scorer,
        network=network,
        bodyparts=predictor.bodyparts,
        video=file_fingerprint(video),
        frame_count=index.frame_count,
        window=(window.x1, window.x2, window.y1, window.y2),
        decoder=decoder(),
        dynamic=None if tracking is None else (tracking.threshold, tracking.margin),
        engine=predictor.engine_name,
        networks=len(predictor.networks) if isinstance(predictor, Ensemble) else 1,
    )
