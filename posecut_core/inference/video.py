"""Analyse one video from its first frame to its last, in memory that does not grow with its length."""

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import BinaryIO

import numpy as np
from jaxtyping import Bool, Float64, UInt8

from posecut_core.dataset.frames import made_ahead
from posecut_core.errors import AnalysisError
from posecut_core.inference.stored_frames import Predicts, padded
from posecut_core.poses.files import write_predictions
from posecut_core.poses.predictions import AnalysisOrigin, Origin, Predictions, decoder, file_fingerprint
from posecut_core.progress import Progress, Report, silent
from posecut_core.storage.files import storage_error
from posecut_core.types import Crop
from posecut_core.video.index import Gap, VideoIndex
from posecut_core.video.reader import VideoReader

# --- pace -------------------------------------------------------------------------------------------------------------
# How fast an analysis goes at the moment, by which the time that is left is estimated.


_RECENT = 50  # batches


@dataclass(frozen=True)
class _Pace:
    """The median of the last batches: compiling, or a computer that slept, is one slow batch, which does not count."""

    seconds: tuple[float, ...] = ()  # per frame, of each of the last batches

    def after(self, frames: int, seconds: float) -> "_Pace":
        """Return the pace after one more batch."""
        return _Pace((*self.seconds, seconds / frames)[-_RECENT:])

    @property
    def frames_per_second(self) -> float:
        """Return how many frames a second there are, after at least one batch."""
        return 1 / max(median(self.seconds), 1e-9)


# --- batches ----------------------------------------------------------------------------------------------------------
# Batches of video frames, decoded in a thread while the network works on the batch before.


_NumberedFrame = tuple[int, UInt8[np.ndarray, "H W 3"] | None]  # None where the frame could not be decoded


@dataclass(frozen=True)
class _FrameBatch:
    """Consecutive frames of a video."""

    images: UInt8[np.ndarray, "B H W 3"]
    decoded: Bool[np.ndarray, " B"]  # false where the frame could not be decoded and the image is black


def _frame_batches(frames: Iterable[_NumberedFrame], window: Crop, batch_size: int) -> Iterator[_FrameBatch]:
    """Group frames, cropped to `window`; every number has its place, decodable or not."""
    shape = (batch_size, window.y2 - window.y1, window.x2 - window.x1, 3)
    images, decoded = np.zeros(shape, np.uint8), np.zeros(batch_size, bool)
    filled = 0
    for _, image in frames:
        decoded[filled] = image is not None
        if image is not None:
            images[filled] = image[window.y1 : window.y2, window.x1 : window.x2]
        filled += 1
        if filled == batch_size:
            yield _FrameBatch(images, decoded)
            images, decoded, filled = np.zeros(shape, np.uint8), np.zeros(batch_size, bool), 0
    if filled:
        yield _FrameBatch(images[:filled], decoded[:filled])


@contextmanager
def _batches_ahead(frames: Iterable[_NumberedFrame], window: Crop, batch_size: int) -> Iterator[Iterator[_FrameBatch]]:
    """Run `_frame_batches` in a thread, a few batches ahead; errors arise where the batches are taken.

    The thread has ended when the block is left, however it is left.
    """
    with made_ahead(_frame_batches(frames, window, batch_size), name="decoding") as batches:
        yield batches


# --- partial rows -----------------------------------------------------------------------------------------------------
# The rows of an unfinished analysis on disk: written batch by batch, found again after an interruption.
#
# The file is one line of JSON that says what the rows belong to, padded with spaces, followed by float64 rows of
# x, y and likelihood of each bodypart. Rows count only when the line is, byte for byte, the one expected.


_SCHEMA = "posecut analysis rows 2"
_HEADER_BLOCK = 4096  # the header's length is a multiple of this, so that rows are aligned for mapping


class _RowsFile:
    """An open file of rows; `append` is flushed to the operating system (not fsynced) on return."""

    def __init__(self, path: Path, stream: BinaryIO, done: int) -> None:
        self._path = path
        self._stream = stream
        self.done = done  # whole rows in the file

    def append(self, rows: Float64[np.ndarray, "B K 3"]) -> None:
        """Add rows of consecutive frames.

        Raises:
            StorageError: the disk is full.
        """
        with _disk(self._path):
            self._stream.write(np.ascontiguousarray(rows, dtype="<f8").tobytes())
            self._stream.flush()
        self.done += len(rows)


@contextmanager
def _open_rows(path: Path, origin: AnalysisOrigin) -> Iterator[_RowsFile]:
    """Open the rows of `origin` to go on after the last whole row, or start a new file.

    Raises:
        StorageError: the folder cannot be written.
    """
    with _disk(path):
        done = _whole_rows(path, origin)
        path.parent.mkdir(parents=True, exist_ok=True)
        if done is None:
            path.unlink(missing_ok=True)  # a link would lead elsewhere, a pipe would wait for ever
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


def _mapped_rows(path: Path, origin: AnalysisOrigin) -> Float64[np.ndarray, "T K 3"]:
    """Map the finished rows of `origin` without reading them into memory."""
    shape = (origin.frame_count, len(origin.bodyparts), 3)
    return np.memmap(path, dtype="<f8", mode="r", offset=len(_header(origin)), shape=shape)


def _row_bytes(origin: AnalysisOrigin) -> int:
    return len(origin.bodyparts) * 3 * 8


def _header(origin: AnalysisOrigin) -> bytes:
    """Write the line at the head of the file."""
    line = json.dumps({"schema": _SCHEMA, **asdict(origin)}, sort_keys=True).encode()
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
# Analyse one video from its first frame to its last, in memory that does not grow with its length.
#
# Decoding runs in a thread ahead of the network. Rows go to a partial file beside the target batch by batch; an
# interrupted analysis goes on behind the last of them.


_SCAN_ROWS = 20_000


@dataclass(frozen=True)
class AnalyzedVideo:
    """One video and where its predictions lie."""

    video: Path
    files: tuple[Path, ...]  # .h5 first, then .csv if wished
    frame_count: int  # rows of the table
    undecodable: tuple[int, ...]  # frames that could not be decoded: NaN with likelihood 0; not looked up where skipped
    frames_per_second: float  # 0 where nothing was left to analyse
    skipped: bool = False  # true if it had been analysed before
    gaps: tuple[Gap, ...] = ()  # where the file has lost frames, which have no rows; not looked up where skipped


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
    report: Report = silent,
) -> AnalyzedVideo:
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
        window = analyzed_window(crop, reader.index, video)
        with _open_rows(partial, origin) as rows:
            speed = _analyse_rest(predictor, reader, window, rows, batch_size, origin.frame_count, video.name, report)
    undecodable, files = _finish(partial, origin, target, csv)
    partial.unlink()
    return AnalyzedVideo(video, files, origin.frame_count, undecodable, speed, gaps=reader.index.gaps)


def rows_path(target: Path) -> Path:
    """Return where the rows of an analysis lie until it is complete."""
    return target.with_name(f".{target.stem}.partial")


def _analyse_rest(
    predictor: Predicts,
    reader: VideoReader,
    window: Crop,
    rows: _RowsFile,
    batch_size: int,
    frame_count: int,
    name: str,
    report: Report,
) -> float:
    """Analyse the frames that have no rows yet; return frames per second, on average."""
    first, pace = rows.done, _Pace()
    begin = last = time.perf_counter()
    frames = reader.frames(range(first, frame_count))
    with _batches_ahead(frames, window, batch_size) as batches, reader:  # closed first: decoding ends at once then
        for batch in batches:
            rows.append(_predicted_rows(predictor, batch, window, batch_size))
            now = time.perf_counter()
            pace, last = pace.after(len(batch.decoded), now - last), now
            left = (frame_count - rows.done) / pace.frames_per_second
            values = {"frames_per_s": pace.frames_per_second, "seconds_left": left}
            report(Progress(f"analysing {name}", rows.done, frame_count, values))
    return (rows.done - first) / max(last - begin, 1e-9)


def _predicted_rows(
    predictor: Predicts, batch: _FrameBatch, window: Crop, batch_size: int
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
    rows = _mapped_rows(partial, origin)
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
    window = analyzed_window(crop, index, video)
    return AnalysisOrigin(
        scorer=predictor.scorer,
        network=network,
        bodyparts=predictor.bodyparts,
        video=file_fingerprint(video),
        frame_count=index.frame_count,
        window=(window.x1, window.x2, window.y1, window.y2),
        decoder=decoder(),
    )


def analyzed_window(crop: Crop | None, index: VideoIndex, video: Path) -> Crop:
    """Check that the crop lies within the frame; without one the window is the frame."""
    if crop is None:
        return Crop.of_frame(index.width, index.height)
    if not crop.lies_in(index.width, index.height):
        raise AnalysisError(
            f"The crop x {crop.x1} to {crop.x2}, y {crop.y1} to {crop.y2} does not fit into {video.name}, which is "
            f"{index.width} x {index.height} pixels; correct x1, x2, y1, y2 in config.yaml or set cropping to false."
        )
    return crop
