"""The index of a video: how many frames it really has, when each is shown, and where it lies in the file.

What containers say about themselves is not believed. The frame count is the count of packets found by demuxing the
file once, their order is that of their presentation times, and both are checked by decoding the beginning. Where
times are missing, repeated or made up by the demuxer (AVI with B-frames), the whole file is decoded once instead.
"""

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from io import BufferedReader
from itertools import islice, pairwise
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from jaxtyping import Float64, Int64

from posecut_core.errors import VideoError
from posecut_core.storage.files import open_file
from posecut_core.video.decode import pictures_from
from posecut_core.video.demux import (
    NOT_SHOWN,
    UNKNOWN,
    PacketTable,
    Scan,
    Source,
    make_table,
    order_by_time,
    packet_places,
    presentation_times,
    scan,
    track_count,
)
from posecut_core.video.orientation import orientation_of

# --- gaps -------------------------------------------------------------------------------------------------------------
# Frames that a damaged file has lost altogether: their packets are gone, so that no decoder could name them.


_REGULAR = 0.9  # share of the steps in time that must be alike; else the rate varies, and a pause means nothing
_ALIKE = 0.3  # of the usual step: containers round times to milliseconds
_NEAR = (5, 8)  # frames within which a late one is made up for
_AT_END = 3  # frames: a stated duration is rarely exact
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")  # how files begin: .wmv, .asf
_BEGINNINGS = (_ASF, b"FLV\x01", b"\x1aE\xdf\xa3", b"RIFF")
_MOST_PARTS = 200_000  # of a file that are looked at: an hour of .flv


@dataclass(frozen=True)
class Gap:
    """What a file lacks or has besides its numbered frames: a hole, behind which they go on, or other recordings."""

    after: int  # number of the last frame before it
    frames: int  # how many are missing, judged by the usual time between two
    empty: bool = False  # the file has places for them, which its recorder left empty: nothing is damaged
    appended: bool = False  # it is behind the end: another recording, of which nobody knows how many frames it has
    tracks: int = 0  # the file has so many video tracks side by side, of which the first has the numbered frames

    @property
    def sentence(self) -> str:
        """Say where it is, without the video's name."""
        if self.tracks:
            told = f"the file has {self.tracks} video tracks, and the first is read"
            return f"{told}; to use another one too, save it as a separate video"
        if self.appended:
            told = (
                f"the file contains another recording after frame {self.after}, the last one, which players do not show"
            )
            return f"{told}; video files cannot be joined by concatenating them: add each recording as a separate video"
        if self.empty:
            them, told = "it" if self.frames == 1 else "them", f"{_places(self.frames)} after frame {self.after}"
            return f"{told}: the recorder left {them} empty, and nothing is damaged"
        what = "1 frame is" if self.frames == 1 else f"about {self.frames} frames are"
        return f"{what} missing after frame {self.after}, where the file is damaged or truncated"


def gap_sentences(gaps: Sequence[Gap]) -> tuple[str, ...]:
    """Say where the holes of a video are; of several places that are merely empty in one sentence."""
    empty = [gap for gap in gaps if gap.empty]
    if len(empty) < 2:
        return tuple(gap.sentence for gap in gaps)
    told = f"{_places(sum(gap.frames for gap in empty))}, the first after frame {empty[0].after}"
    others = (gap.sentence for gap in gaps if not gap.empty)
    return (f"{told}: the recorder left them empty, and nothing is damaged", *others)


def _places(count: int) -> str:
    return "1 place holds no picture" if count == 1 else f"{count} places hold no picture"


def _is_regular(steps: Float64[np.ndarray, " S"]) -> bool:
    """Tell whether the steps between times are alike, so that a longer one means something."""
    usual = float(np.median(steps)) if steps.size else 0.0
    return usual > 0 and bool(np.mean(np.abs(steps - usual) <= _ALIKE * usual) >= _REGULAR)


def _find_gaps(times: Float64[np.ndarray, " T"], *, stated_end: float | None) -> tuple[Gap, ...]:
    """Find the holes between frames, and behind the last one.

    Args:
        times: presentation times in seconds, increasing.
        stated_end: when the video ends by what its container says, in seconds; None where it does not say.
    """
    steps = np.diff(times)
    if not _is_regular(steps):
        return ()
    lost = np.minimum(np.round(steps / np.median(steps)).astype(np.int64) - 1, _missing_around(times, steps))
    gaps = [Gap(int(place), int(lost[place])) for place in np.flatnonzero(lost > 0)]
    if stated_end is not None:
        at_end = _missing_at_end(times, stated_end)
        gaps += [Gap(times.size - 1, at_end)] if at_end >= _AT_END else []
    return tuple(gaps)


def _missing_around(times: Float64[np.ndarray, " T"], steps: Float64[np.ndarray, " S"]) -> Int64[np.ndarray, " S"]:
    """Count what is missing near each step: a frame that is only late is followed by shorter ones."""
    found = np.zeros(steps.size, np.int64)
    for near in _NEAR:
        before = np.maximum(np.arange(steps.size) - near, 0)
        behind = np.minimum(np.arange(steps.size) + 1 + near, steps.size)
        missing = np.round((times[behind] - times[before]) / np.median(steps)).astype(np.int64) - (behind - before)
        found = np.maximum(found, missing)
    return found


def _missing_at_end(times: Float64[np.ndarray, " T"], stated_end: float) -> int:
    """Count the frames between the last one and the end that a container states, judged by their usual time."""
    usual = float(np.median(np.diff(times))) if times.size > 1 else 0.0
    return max(0, round((stated_end - times[-1]) / usual) - 1) if usual else 0


def _empty_places(
    places: Int64[np.ndarray, " P"], frames: Int64[np.ndarray, " P"], shown: Int64[np.ndarray, " T"]
) -> tuple[Gap, ...]:
    """List the places between those of an AVI's packets that hold nothing.

    Args:
        places: of each packet, increasing.
        frames: how many frames the packets up to each of them hold.
        shown: the place at which each frame is shown as far as the file tells, increasing.
    """
    lost, lost_shown = np.diff(places) - 1, np.diff(shown) - 1
    if lost_shown.sum() == lost.sum():  # else only the places at which frames are stored can be believed
        return tuple(Gap(int(at), int(lost_shown[at]), empty=True) for at in np.flatnonzero(lost_shown > 0))
    return tuple(Gap(int(frames[at]) - 1, int(lost[at]), empty=True) for at in np.flatnonzero(lost > 0))


def _holds_another(path: Path) -> bool:
    """Tell whether another recording lies behind a file's own end, as where two files were joined byte by byte.

    Only containers that say where they end are looked through: behind it FFmpeg reads nothing.
    """
    with open_file(path) as file:
        head = file.read(len(_ASF))
        if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
            return _holds_another_movie(file)
        walk = {_ASF: _asf_objects, b"FLV\x01": _flv_tags, b"RIFF": _riff_parts}
        parts = next((walk[magic] for magic in walk if head.startswith(magic)), None)
        if parts is None:
            return False
        ends = list(islice(parts(file), _MOST_PARTS))
        return bool(ends) and _is_beginning(file, ends[-1])


def _is_beginning(file: BufferedReader, at: int) -> bool:
    file.seek(at)
    head = file.read(len(_ASF))
    return head.startswith(_BEGINNINGS) or head[4:8] == b"ftyp"


def _holds_another_movie(file: BufferedReader) -> bool:
    """Look for a second movie in .mp4 and .mov; one of fragments goes on behind any box."""
    boxes = list(islice(_boxes(file), _MOST_PARTS))
    kinds = [kind for kind, _ in boxes]
    if b"moof" in kinds or b"moov" not in kinds:
        return False
    return kinds.count(b"moov") > 1 or b"ftyp" in kinds[1:] or _is_beginning(file, boxes[-1][1])


def _boxes(file: BufferedReader) -> Iterator[tuple[bytes, int]]:
    """Go through the boxes of an .mp4; give the kind of each and where it ends."""
    size, at = file.seek(0, 2), 0
    while True:
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        at += length or size - at
        if len(head) < 8 or (length < 8 and length) or at > size:
            return
        yield head[4:8], at


def _asf_objects(file: BufferedReader) -> Iterator[int]:
    """Give where each object of an .asf ends, up to another header."""
    size, at = file.seek(0, 2), 0
    while True:
        file.seek(at)
        head = file.read(24)
        length = int.from_bytes(head[16:24], "little")
        if len(head) < 24 or not 24 <= length <= size - at or (at and head.startswith(_ASF)):
            return
        at += length
        yield at


def _flv_tags(file: BufferedReader) -> Iterator[int]:
    """Give where each tag of an .flv ends."""
    file.seek(5)
    at = int.from_bytes(file.read(4), "big") + 4
    while True:
        file.seek(at)
        head = file.read(4)
        if len(head) < 4 or head[0] & 0x1F not in (8, 9, 18):
            return
        at += int.from_bytes(head[1:4], "big") + 15
        yield at


def _riff_parts(file: BufferedReader) -> Iterator[int]:
    """Give where each part of an .avi ends; FFmpeg reads on in the next one."""
    at = 0
    while True:
        file.seek(at)
        head = file.read(8)
        length = int.from_bytes(head[4:8], "little")
        if not head.startswith(b"RIFF") or not length:
            return
        at += 8 + length + length % 2
        yield at


def _clock_seconds(tag: str) -> float | None:
    """Read a time such as 00:01:02.5; None where a tag is none, or damaged."""
    with suppress(ValueError):
        hours, minutes, seconds = (float(part) for part in tag.split(":"))
        if math.isfinite(found := 3600 * hours + 60 * minutes + seconds):
            return found
    return None


def stated_end(container: InputContainer, stream: VideoStream) -> float | None:
    """Return when the video's frames end by what a Matroska file says; other containers tell by counts of packets."""
    if "matroska" not in container.format.name:
        return None
    end = _clock_seconds(stream.metadata.get("DURATION", ""))
    if end is not None:
        return end
    alone = len(container.streams) == 1  # else it is the end of whichever is longest
    return container.duration / 1e6 if alone and container.duration else None


# --- index ------------------------------------------------------------------------------------------------------------
# The index of a video: how many frames it really has, when each is shown, and where it lies in the file.
#
# What containers say about themselves is not believed. The frame count is the count of packets found by demuxing the
# file once, their order is that of their presentation times, and both are checked by decoding the beginning. Where
# times are missing, repeated or made up by the demuxer (AVI with B-frames), the whole file is decoded once instead.


_CHECKED = 40  # packets decoded to check the order of times: more than any decoder holds back
_BARE = {"h264", "hevc", "vvc", "m4v", "mpegvideo", "vc1", "obu"}  # streams without a container
_MADE_UP = {"avi", *_BARE}  # without presentation times of their own


@dataclass(frozen=True, eq=False)
class VideoIndex:
    """What is known of a video before its frames are decoded."""

    path: Path
    width: int  # pixels, of the picture as it is shown: turned if the file says so
    height: int
    fps: float  # frames per second, on average
    times: Float64[np.ndarray, " T"]  # presentation time of each frame in seconds, increasing
    damaged: tuple[int, ...]  # frame numbers known not to decode; reading may find more
    suspect: tuple[int, ...]  # those that did not decode from the start of the file on, and may on another way
    packets: PacketTable
    gaps: tuple[Gap, ...] = ()  # where frames are missing, which have no numbers

    @property
    def frame_count(self) -> int:
        """Number of frames, damaged ones included."""
        return self.times.size

    @property
    def is_steady(self) -> bool:
        """Whether each frame is shown within half a frame's time of where `fps` alone would have it."""
        late = self.times - self.times[:1] - np.arange(self.times.size) / self.fps
        return bool(np.abs(late).max(initial=0.0) <= 0.5 / self.fps)


def index_video(path: str | os.PathLike[str]) -> VideoIndex:
    """Demux a video once and index its frames.

    Raises:
        VideoError: the file is missing, empty, no video, or none of its frames can be decoded.
        StorageError: the file must not be read.
    """
    source = Source(Path(path), threads=1)
    try:
        found = scan(source.container, source.stream, source.packets())
        rate = _rate(source.stream)
        time_base = source.stream.time_base or 1 / rate
        order = _first_and_order(source, found)
        table = make_table(found, order.numbers)
        times = presentation_times(found, order.numbers, time_base=time_base, rate=rate)
        width, height = _shown_size(order.first)
        damaged = tuple(sorted({*order.doubtful, *table.numbers[found.corrupt & found.shown].tolist()}))
        index = VideoIndex(
            Path(path), width, height, _fps(times, rate), times, damaged=damaged, suspect=order.suspect, packets=table
        )
        if _may_be_cut(source, found, times):
            index = _up_to(index, found, _sure_count(times, order.numbers))
        index = _up_to(index, found, _decodable_count(source, index)) if found.cut else index
        gaps = _gaps(source, found, index.packets.numbers, index.times, found_times=times)
        more = (Gap(index.frame_count - 1, 0, appended=True),) if _holds_another(Path(path)) else ()
        tracks = track_count(source.container)
        beside = (Gap(index.frame_count - 1, 0, tracks=tracks),) if tracks > 1 else ()
        return replace(index, gaps=(*gaps, *more, *beside))
    finally:
        source.close()


def _shown_size(frame: av.VideoFrame) -> tuple[int, int]:
    """Width and height of a frame in pixels once it is turned as the file says."""
    return orientation_of(frame).size(frame.width, frame.height)


@dataclass(frozen=True)
class _Order:
    """Which frame each packet holds."""

    first: av.VideoFrame  # one that could be decoded
    numbers: Int64[np.ndarray, " P"]
    doubtful: tuple[int, ...] = ()  # frame numbers near a packet that did not decode: one of them is its
    suspect: tuple[int, ...] = ()  # frame numbers that came out damaged


def _first_and_order(source: Source, found: Scan) -> _Order:
    if _times_can_be_trusted(source.stream, found):
        numbers = order_by_time(found)
        opening = list(source.decode(islice(source.from_start(), _CHECKED)))
        places = [numbers[ordinal] for ordinal, _ in opening]
        if opening and all(a < b for a, b in pairwise(places)):
            return _Order(opening[0][1], numbers)
    return _order_by_decoding(source, found)


def _times_can_be_trusted(stream: VideoStream, found: Scan) -> bool:
    shown = (found.pts + found.shift)[found.shown]
    complete = bool((found.pts[found.shown] != UNKNOWN).all()) and np.unique(shown).size == shown.size
    made_up = bool(_MADE_UP & set(stream.container.format.name.split(",")))
    reorders = bool(stream.codec_context.has_b_frames or stream.codec_context.reorder_depth)
    return complete and not (made_up and reorders)


def _order_by_decoding(source: Source, found: Scan) -> _Order:
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
        lacks = f"none of its {found.pts.size} frames can be decoded" if found.pts.size else "it holds no frames"
        raise VideoError(f"{source.path}: {lacks}; copy the video again.")
    order = list(dict.fromkeys(order))
    fields = (found.pts == UNKNOWN) & (found.pts != UNKNOWN).any()  # the second of two may have no time of its own
    lost = [int(ordinal) for ordinal in np.setdiff1d(np.flatnonzero(found.shown & ~fields), order)]
    numbers = _numbers_from_order(order, lost, packets=found.pts.size)
    return _Order(first, numbers, tuple(_doubtful(numbers, lost)), tuple(numbers[corrupt].tolist()))


def _numbers_from_order(order: list[int], lost: list[int], *, packets: int) -> Int64[np.ndarray, " P"]:
    """Number packets by the order in which they were decoded; a lost one goes where its place in the file suggests.

    With B-frames that place may be off by a few frames; see `_doubtful`.
    """
    places = np.searchsorted(np.sort(order), np.sort(lost)) + np.arange(len(lost))
    is_lost = np.zeros(len(order) + len(lost), bool)
    is_lost[places] = True
    numbers = np.full(packets, NOT_SHOWN, dtype=np.int64)
    numbers[order], numbers[np.sort(lost).astype(np.int64)] = np.flatnonzero(~is_lost), places
    return numbers


def _doubtful(numbers: Int64[np.ndarray, " P"], lost: list[int]) -> list[int]:
    """List frame numbers within reach of the reordering around lost packets: one of them is the lost frame."""
    shown = np.sort(numbers[numbers != NOT_SHOWN])
    places = numbers[numbers != NOT_SHOWN]
    reach = int(np.abs(places - shown).max(initial=0))
    around = {number for at in numbers[lost] for number in range(int(at) - reach, int(at) + reach + 1)}
    return sorted(around & set(shown.tolist()))


def _may_be_cut(source: Source, found: Scan, times: Float64[np.ndarray, " T"]) -> bool:
    """Tell whether the end of a file may be missing; some containers tell neither a count nor an end."""
    if found.cut or source.stream.frames:
        return found.cut
    end = stated_end(source.container, source.stream)
    if end is not None:
        return _missing_at_end(times, end) > 0
    return not found.corrupt.any()  # which explains a hole


def _sure_count(times: Float64[np.ndarray, " T"], numbers: Int64[np.ndarray, " P"]) -> int:
    """Count the frames whose number is sure where a file was cut off between frames that are stored out of order.

    A frame stored ahead of its time may have survived while some that are shown before it were lost. They leave a
    gap before the last frame of otherwise regular times: the frame stored last of a group is shown just before the
    one stored first. Other gaps are holes, and what is behind them counts.
    """
    places = numbers[numbers != NOT_SHOWN]
    late = int((np.arange(places.size) - places).max(initial=0))  # stored so many places later than shown, at most
    early = int((places - np.arange(places.size)).max(initial=0))
    steps = np.diff(times)
    gaps = np.flatnonzero(steps > 1.5 * np.median(steps)) if late and _is_regular(steps) else steps[:0]
    if not gaps.size or gaps[-1] != steps.size - 1:
        return times.size
    return int(gaps[gaps >= steps.size - late - early][0]) + 1


def _decodable_count(source: Source, index: VideoIndex) -> int:
    """Count the frames of a file that was cut off, up to the last that can be decoded."""
    last = 0
    for number, picture in pictures_from(source, index.packets, max(0, len(index.packets.keyframes) - 2)):
        good = picture is not None and number not in index.damaged
        last = number + 1 if good or not last else last
    return last


def _gaps(
    source: Source,
    found: Scan,
    numbers: Int64[np.ndarray, " P"],
    times: Float64[np.ndarray, " T"],
    *,
    found_times: Float64[np.ndarray, " P"],
) -> tuple[Gap, ...]:
    """Find the holes; a file that was cut off may say how many frames it had, or hold some that are not counted."""
    places = packet_places(source.container, found.dts)
    if places is None:
        gaps, known = _find_gaps(times, stated_end=stated_end(source.container, source.stream)), times.size
    else:
        shown = np.round(found_times / float(source.stream.time_base or 1)).astype(np.int64)
        gaps = _empty_places(places, np.cumsum(numbers != NOT_SHOWN), shown[: times.size])
        known = int(places[-1]) + 1 - (found_times.size - times.size)
    if gaps and gaps[-1].after == times.size - 1:
        return gaps
    lost = max(source.stream.frames - known if found.cut else 0, _uncounted(times, found_times))
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
    damaged, suspect = (tuple(n for n in known if n < count) for known in (index.damaged, index.suspect))
    table = make_table(found, numbers)
    return replace(index, packets=table, times=index.times[:count], damaged=damaged, suspect=suspect)


def _rate(stream: VideoStream) -> Fraction:
    """Return the rate that the file states; a bare stream has its own, for which FFmpeg puts 25 first."""
    bare = (stream.codec_context.framerate,) if _BARE & set(stream.container.format.name.split(",")) else ()
    for rate in (*bare, stream.average_rate, stream.guessed_rate):
        if rate:
            return rate
    return Fraction(25)


def _fps(times: Float64[np.ndarray, " T"], rate: Fraction) -> float:
    """Return the rate that the file states where it is about true, else the rate measured."""
    if times.size < 2:
        return float(rate)
    measured = (times.size - 1) / (times[-1] - times[0])
    return float(rate) if abs(measured / float(rate) - 1) < 0.01 else float(measured)
