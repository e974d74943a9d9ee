"""The index of a video: how many frames it really has, when each is shown, and where it lies in the file.

What containers say about themselves is not believed. The frame count is the count of packets found by demuxing the
file once, their order is that of their presentation times, and both are checked by decoding the beginning. Where
times are missing, repeated or made up by the demuxer (AVI with B-frames), the whole file is decoded once instead.
"""

import os
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream
from jaxtyping import Float64, Int64

from posecut_core.errors import VideoError
from posecut_core.video.gaps import Gap, find_gaps, stated_end
from posecut_core.video.packets import (
    NOT_SHOWN,
    UNKNOWN,
    PacketTable,
    Scan,
    make_table,
    order_by_time,
    presentation_times,
    scan,
)
from posecut_core.video.pictures import pictures_from
from posecut_core.video.source import Source

_CHECKED = 40  # packets decoded to check the order of times: more than any decoder holds back
_MADE_UP = {"avi", "h264", "hevc", "m4v", "mpegvideo"}  # containers without presentation times of their own


@dataclass(frozen=True, eq=False)
class VideoIndex:
    """What is known of a video before its frames are decoded."""

    path: Path
    width: int  # pixels, of the picture as it is shown: turned if the file says so
    height: int
    fps: float  # frames per second, on average
    times: Float64[np.ndarray, " T"]  # presentation time of each frame in seconds, increasing
    damaged: tuple[int, ...]  # frame numbers known not to decode; reading may find more
    packets: PacketTable
    gaps: tuple[Gap, ...] = ()  # where frames are missing, which have no numbers

    @property
    def frame_count(self) -> int:
        """Number of frames, damaged ones included."""
        return self.times.size


def index_video(path: str | os.PathLike[str]) -> VideoIndex:
    """Demux a video once and index its frames.

    Raises:
        VideoError: the file is missing, empty, no video, or none of its frames can be decoded.
        StorageError: the file must not be read.
    """
    source = Source(Path(path), threads=False)
    try:
        found = scan(source.container, source.stream)
        rate = _rate(source.stream)
        time_base = source.stream.time_base or 1 / rate
        first, numbers, damaged = _first_and_order(source, found)
        table = make_table(found, numbers)
        times = presentation_times(found, numbers, time_base=time_base, rate=rate)
        width, height = shown_size(first)
        index = VideoIndex(Path(path), width, height, _fps(times, rate), times, tuple(sorted(set(damaged))), table)
        if found.cut or not source.stream.frames:  # some containers tell no count by which a cut would be noticed
            index = _up_to(index, found, sure_count(times, numbers))
        index = _up_to(index, found, _decodable_count(source, index)) if found.cut else index
        return replace(index, gaps=_gaps(source, found, index.times, found_times=times))
    finally:
        source.close()


def shown_size(frame: av.VideoFrame) -> tuple[int, int]:
    """Width and height of a frame in pixels once it is turned as the file says."""
    turned = frame.rotation % 180 == 90
    return (frame.height, frame.width) if turned else (frame.width, frame.height)


def _first_and_order(source: Source, found: Scan) -> tuple[av.VideoFrame, Int64[np.ndarray, " P"], list[int]]:
    """Return a decoded frame, the frame number of each packet, and the numbers of damaged frames."""
    if _times_can_be_trusted(source.stream, found):
        numbers = order_by_time(found)
        opening = list(source.decode(islice(source.from_start(), _CHECKED)))
        places = [numbers[ordinal] for ordinal, _ in opening]
        if opening and all(a < b for a, b in pairwise(places)):
            return opening[0][1], numbers, []
    return _order_by_decoding(source, found)


def _times_can_be_trusted(stream: VideoStream, found: Scan) -> bool:
    shown = found.pts[found.shown]
    complete = bool((shown != UNKNOWN).all()) and np.unique(shown).size == shown.size
    made_up = bool(_MADE_UP & set(stream.container.format.name.split(",")))
    reorders = bool(stream.codec_context.has_b_frames or stream.codec_context.reorder_depth)
    return complete and not (made_up and reorders)


def _order_by_decoding(source: Source, found: Scan) -> tuple[av.VideoFrame, Int64[np.ndarray, " P"], list[int]]:
    """Decode the whole file and number the frames as they come out."""
    order: list[int] = []
    corrupt: list[int] = []
    first: av.VideoFrame | None = None
    for ordinal, frame in source.decode(source.from_start()):
        first = first or frame
        order.append(ordinal)
        if frame.is_corrupt:
            corrupt.append(ordinal)
    if first is None:
        raise VideoError(f"None of the {found.pts.size} frames in {source.path} can be decoded; copy the video again.")
    order = list(dict.fromkeys(order))
    fields = (found.pts == UNKNOWN) & (found.pts != UNKNOWN).any()  # the second of two may have no time of its own
    lost = [int(ordinal) for ordinal in np.setdiff1d(np.flatnonzero(found.shown & ~fields), order)]
    numbers = numbers_from_order(order, lost, packets=found.pts.size)
    return first, numbers, [*(int(numbers[ordinal]) for ordinal in corrupt), *_doubtful(numbers, lost)]


def numbers_from_order(order: list[int], lost: list[int], *, packets: int) -> Int64[np.ndarray, " P"]:
    """Number packets by the order in which they were decoded; a lost one goes where its place in the file suggests.

    With B-frames that place may be off by a few frames; see `_doubtful`.
    """
    order = list(order)
    for ordinal in sorted(lost):
        order.insert(sum(other < ordinal for other in order), ordinal)
    numbers = np.full(packets, NOT_SHOWN, dtype=np.int64)
    numbers[order] = np.arange(len(order))
    return numbers


def _doubtful(numbers: Int64[np.ndarray, " P"], lost: list[int]) -> list[int]:
    """List frame numbers within reach of the reordering around lost packets: one of them is the lost frame."""
    shown = np.sort(numbers[numbers != NOT_SHOWN])
    places = numbers[numbers != NOT_SHOWN]
    reach = int(np.abs(places - shown).max(initial=0))
    around = {number for at in numbers[lost] for number in range(int(at) - reach, int(at) + reach + 1)}
    return sorted(around & set(shown.tolist()))


def sure_count(times: Float64[np.ndarray, " T"], numbers: Int64[np.ndarray, " P"]) -> int:
    """Count the frames whose number is sure where a file was cut off between frames that are stored out of order.

    A frame stored ahead of its time may have survived while some that are shown before it were lost. They leave a
    gap at the end of otherwise regular times; what comes after it is not counted.
    """
    places = numbers[numbers != NOT_SHOWN]
    late = int((np.arange(places.size) - places).max(initial=0))  # stored so many places later than shown, at most
    early = int((places - np.arange(places.size)).max(initial=0))
    steps = np.diff(times)
    tail = max(0, steps.size - late - early)
    usual = np.median(steps) if steps.size else 0.0
    gaps = np.flatnonzero(steps > 1.5 * usual)
    return int(gaps[0]) + 1 if late and gaps.size and gaps[0] >= tail else times.size


def _decodable_count(source: Source, index: VideoIndex) -> int:
    """Count the frames of a file that was cut off, up to the last that can be decoded."""
    last = 0
    for number, picture in pictures_from(source, index.packets, max(0, len(index.packets.keyframes) - 2)):
        good = picture is not None and number not in index.damaged
        last = number + 1 if good or not last else last
    return last


def _gaps(
    source: Source, found: Scan, times: Float64[np.ndarray, " T"], *, found_times: Float64[np.ndarray, " P"]
) -> tuple[Gap, ...]:
    """Find the holes; a file that was cut off may say how many frames it had, or hold some that are not counted."""
    gaps = find_gaps(times, stated_end=stated_end(source.container, source.stream))
    if gaps and gaps[-1].after == times.size - 1:
        return gaps
    lost = max(source.stream.frames - times.size if found.cut else 0, _uncounted(times, found_times))
    return (*gaps, Gap(times.size - 1, lost)) if lost > 0 else gaps


def _uncounted(times: Float64[np.ndarray, " T"], found_times: Float64[np.ndarray, " P"]) -> int:
    """Count the frames between the last that is counted and the last that was found, judged by their usual time."""
    behind = found_times.size - times.size
    usual = float(np.median(np.diff(found_times))) if behind else 0.0
    return max(behind, round((found_times[-1] - times[-1]) / usual)) if usual else behind


def _up_to(index: VideoIndex, found: Scan, count: int) -> VideoIndex:
    if count == index.frame_count:
        return index
    numbers = np.where(index.packets.numbers < count, index.packets.numbers, NOT_SHOWN)
    damaged = tuple(number for number in index.damaged if number < count)
    return replace(index, packets=make_table(found, numbers), times=index.times[:count], damaged=damaged)


def _rate(stream: VideoStream) -> Fraction:
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate:
            return rate
    return Fraction(25)


def _fps(times: Float64[np.ndarray, " T"], rate: Fraction) -> float:
    """Return the rate that the file states where it is about true, else the rate measured."""
    if times.size < 2:
        return float(rate)
    measured = (times.size - 1) / (times[-1] - times[0])
    return float(rate) if abs(measured / float(rate) - 1) < 0.01 else float(measured)
