"""The coded packets of a video in the order of the file: which frame each holds and how to know it again.

A packet's place in the file, counted from 0, is its *ordinal*; the *number* of a frame is its place in the order of
presentation. B-frames, edit lists and frames that are never shown make the two differ.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from jaxtyping import Bool, Float64, Int64

Mark = Literal["pos", "pts", "dts"]
NOT_SHOWN = -1
_EMPTY_MPEG4 = 8  # bytes: a "not coded" picture, which stands for none or for the one before
UNKNOWN = np.iinfo(np.int64).min  # a timestamp or a position that the container does not tell


@dataclass(frozen=True)
class Scan:
    """What demuxing once tells about every packet; UNKNOWN where it tells nothing."""

    pts: Int64[np.ndarray, " P"]
    dts: Int64[np.ndarray, " P"]
    pos: Int64[np.ndarray, " P"]
    sizes: Int64[np.ndarray, " P"]  # bytes
    key: Bool[np.ndarray, " P"]
    shown: Bool[np.ndarray, " P"]  # false for frames left out by an edit list or by the codec
    cut: bool  # the file ends, or breaks, before its last packet is complete


@dataclass(frozen=True)
class PacketTable:
    """Enough to find the packets of any frame number again after a seek."""

    mark: Mark | None  # what tells packets apart; None: only their count from the start of the file
    marks: Int64[np.ndarray, " P"]
    sizes: Int64[np.ndarray, " P"]
    sorter: Int64[np.ndarray, " P"]  # ordinals in increasing order of marks
    numbers: Int64[np.ndarray, " P"]  # frame number of each packet or NOT_SHOWN
    ordinals: Int64[np.ndarray, " T"]  # packet of each frame number
    waits: Int64[np.ndarray, " T"]  # highest frame number among the packets up to that of each frame
    keyframes: Int64[np.ndarray, " G"]  # ordinals, increasing; the first packet is taken for one
    pts: Int64[np.ndarray, " G"]  # of the keyframes, for seeking
    dts: Int64[np.ndarray, " G"]

    def find(self, packet: av.Packet) -> int | None:
        """Return the ordinal of a packet, None for one that the scan did not see."""
        value = getattr(packet, self.mark) if self.mark else None
        if value is None:
            return None
        place = int(np.searchsorted(self.marks, value, sorter=self.sorter))
        ordinal = int(self.sorter[min(place, self.sorter.size - 1)])
        return ordinal if self.is_at(packet, ordinal) and self.marks[ordinal] == value else None

    def is_at(self, packet: av.Packet, ordinal: int) -> bool:
        """Tell whether a packet is the one at `ordinal`, as far as it can be told from a single packet."""
        if ordinal >= self.sizes.size or packet.size != self.sizes[ordinal]:
            return False
        value = getattr(packet, self.mark) if self.mark else None
        return value is None or value == int(self.marks[ordinal])

    def keyframe_before(self, number: int) -> int:
        """Return the position in `keyframes` of the last one from which frame `number` can be decoded."""
        ordinal = self.ordinals[number]
        position = int(np.searchsorted(self.keyframes, ordinal, side="right")) - 1
        while position > 0 and not 0 <= self.numbers[self.keyframes[position]] <= number:
            position -= 1  # frames shown before a keyframe that is stored before them may need the one before it
        return position


def filled_packets(container: InputContainer, stream: VideoStream) -> Iterator[av.Packet]:
    """Yield the packets that hold data, up to the point where the file breaks."""
    try:
        for packet in container.demux(stream):
            if packet.size:
                yield packet
    except (av.error.FFmpegError, OSError):
        return


def scan(container: InputContainer, stream: VideoStream) -> Scan:
    """Demux the whole file once, decoding nothing."""
    rows = []
    corrupt = False
    for packet in filled_packets(container, stream):
        stamps = [UNKNOWN if value is None else value for value in (packet.pts, packet.dts, packet.pos)]
        rows.append((*stamps, packet.size, packet.is_keyframe, _is_shown(packet, stream.codec_context.name)))
        corrupt = packet.is_corrupt
    table = np.array(rows, dtype=np.int64).reshape(-1, 6)
    pts, dts, pos = (np.ascontiguousarray(table[:, column]) for column in range(3))
    pos[pos < 0] = UNKNOWN
    key, shown = table[:, 4] > 0, table[:, 5] > 0
    return Scan(pts, dts, pos, table[:, 3].copy(), key, shown, cut=corrupt or stream.frames > len(rows))


def order_by_time(scan: Scan) -> Int64[np.ndarray, " P"]:
    """Number the shown packets by their presentation time."""
    numbers = np.full(scan.pts.size, NOT_SHOWN, dtype=np.int64)
    shown = np.flatnonzero(scan.shown)
    numbers[shown[np.argsort(scan.pts[shown], kind="stable")]] = np.arange(shown.size)
    return numbers


def make_table(scan: Scan, numbers: Int64[np.ndarray, " P"]) -> PacketTable:
    """Build the table from a scan and the frame number of each packet."""
    mark = _telling_mark(scan)
    marks = np.arange(numbers.size) if mark is None else getattr(scan, mark)
    shown = np.flatnonzero(numbers != NOT_SHOWN)
    ordinals = shown[np.argsort(numbers[shown])]
    keyframes = np.union1d([0], np.flatnonzero(scan.key & (numbers != NOT_SHOWN))).astype(np.int64)
    return PacketTable(
        mark=mark,
        marks=marks,
        sizes=scan.sizes,
        sorter=np.argsort(marks, kind="stable"),
        numbers=numbers,
        ordinals=ordinals,
        waits=np.maximum.accumulate(numbers)[ordinals],
        keyframes=keyframes,
        pts=scan.pts[keyframes],
        dts=scan.dts[keyframes],
    )


def presentation_times(
    scan: Scan, numbers: Int64[np.ndarray, " P"], *, time_base: Fraction, rate: Fraction
) -> Float64[np.ndarray, " T"]:
    """Return the presentation time of each frame in seconds; where the file has none, count at `rate`."""
    shown = numbers != NOT_SHOWN
    for stamps in (scan.pts, scan.dts):
        if shown.any() and (stamps[shown] != UNKNOWN).all():
            return np.sort(stamps[shown]) * float(time_base)
    return np.arange(shown.sum()) / float(rate)


def _telling_mark(scan: Scan) -> Mark | None:
    """Choose what stays the same after a seek and differs between packets: the position in the file at best.

    Some packets may lack a position (MPEG program streams), because others that have one precede them.
    """
    known = scan.pos[scan.pos != UNKNOWN]
    if known.size * 10 > scan.pos.size and np.unique(known).size == known.size:
        return "pos"
    marks: tuple[Mark, ...] = ("pts", "dts")
    for mark in marks:
        values = getattr(scan, mark)
        if (values != UNKNOWN).all() and np.unique(values).size == values.size:
            return mark
    return None


def _is_shown(packet: av.Packet, codec: str) -> bool:
    if codec == "vp8":
        return not packet.is_discard and bool(bytes(packet)[0] & 0x10)  # show_frame, RFC 6386 section 9.1
    empty = codec == "mpeg4" and packet.size <= _EMPTY_MPEG4
    return not packet.is_discard and not empty
