"""Coded packets and their decoder: each frame of a video file is tied to the packet that held it."""

import itertools
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Literal

import av
import numpy as np
from av.codec.context import ThreadType
from av.container import InputContainer
from av.video.stream import VideoStream
from jaxtyping import Bool, Float64, Int64

from posecut_core.errors import StorageError, VideoError
from posecut_core.storage.remote import RemoteFile, address_of, open_remote

# --- packets ----------------------------------------------------------------------------------------------------------
# The coded packets of a video in the order of the file: which frame each holds and how to know it again.
#
# A packet's place in the file, counted from 0, is its *ordinal*; the *number* of a frame is its place in the order of
# presentation. B-frames, edit lists and frames that are never shown make the two differ.


Mark = Literal["pos", "pts", "dts"]
NOT_SHOWN = -1
UNKNOWN = np.iinfo(np.int64).min  # a timestamp or a position that the container does not tell
_EMPTY_MPEG4 = 8  # bytes: a "not coded" picture, which stands for none or for the one before
_VOP = b"\0\0\1\xb6"  # begins a picture of MPEG-4 part 2, whose kind is in the two bits that follow: 0 for intra
_HEADERS = 512  # bytes: more than the headers that may stand before it
_SLICE_FOOTER = 8  # bytes behind a slice of FFV1: 3 of its size, 1 of its state, 4 of its sum
_TURNED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_BROKEN_OFF = {"mpegts", "mpeg", "flv"}  # containers whose clock may jump, as where recordings were appended
_STORED_AHEAD = 16  # frames: more than any codec stores before their time
_JUMP = 10  # seconds: a clock that leaps further was set anew


@dataclass(frozen=True)
class Scan:
    """What demuxing once tells about every packet; UNKNOWN where it tells nothing."""

    pts: Int64[np.ndarray, " P"]
    dts: Int64[np.ndarray, " P"]
    pos: Int64[np.ndarray, " P"]
    sizes: Int64[np.ndarray, " P"]  # bytes
    key: Bool[np.ndarray, " P"]
    shown: Bool[np.ndarray, " P"]  # false for frames left out by an edit list or by the codec
    shift: Int64[np.ndarray, " P"]  # added to times, the clock goes on where the file sets it anew
    corrupt: Bool[np.ndarray, " P"]  # bytes are missing in it, or between it and the next
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
    corrupt: Bool[np.ndarray, " P"]  # bytes are missing in the packet, or between it and the next
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

    def last_of_group(self, number: int) -> int:
        """Return the number of the last frame that has the same keyframe before it as frame `number`."""
        for keyframe in self.keyframes[self.keyframe_before(number) + 1 :]:
            if self.numbers[keyframe] > number:
                return int(self.numbers[keyframe]) - 1
        return self.ordinals.size - 1


def scan(container: InputContainer, stream: VideoStream, packets: Iterator[av.Packet]) -> Scan:
    """Look at all packets of a file, decoding nothing."""
    codec = stream.codec_context.name
    rows = []
    for packet in packets:
        stamps = [UNKNOWN if value is None else value for value in (packet.pts, packet.dts, packet.pos)]
        rows.append((*stamps, packet.size, _is_key(packet, codec), _is_shown(packet, codec), packet.is_corrupt))
    table = np.array(rows, dtype=np.int64).reshape(-1, 7)
    pts, dts, pos, sizes = (np.ascontiguousarray(table[:, column]) for column in range(4))
    pos[pos < 0] = UNKNOWN
    key, shown, corrupt = (table[:, column] > 0 for column in range(4, 7))
    late = int(
        "mpegts" in container.format.name
    )  # it notices a loss while the packet before is still being put together
    corrupt = np.concatenate([np.zeros(late, bool), corrupt])
    own = (dts != UNKNOWN) & (pos != UNKNOWN if (pos != UNKNOWN).any() else True)  # others' times are estimates
    shift, last = _steady_clock(pts, dts, np.flatnonzero(own), unit=stream.time_base, container=container.format.name)
    corrupt[last[key[last + 1]]] = False  # nothing is missing where one recording ends and the next begins
    places = packet_places(container, dts)
    count = len(rows) if places is None else int(places[-1]) + 1
    cut = bool(corrupt[len(rows) - 1 :].any()) or stream.frames > count
    return Scan(pts, dts, pos, sizes, key, shown, shift, corrupt[: len(rows)], cut=cut)


def packet_places(container: InputContainer, dts: Int64[np.ndarray, " P"]) -> Int64[np.ndarray, " P"] | None:
    """Return which of an AVI's places each packet fills, for some may be empty; None for other containers."""
    is_avi = container.format.name == "avi" and dts.size > 0
    return dts if is_avi and (dts != UNKNOWN).all() and (np.diff(dts) > 0).all() else None


def order_by_time(scan: Scan) -> Int64[np.ndarray, " P"]:
    """Number the shown packets by their presentation time."""
    numbers = np.full(scan.pts.size, NOT_SHOWN, dtype=np.int64)
    shown = np.flatnonzero(scan.shown)
    times = scan.pts[shown] + scan.shift[shown]
    numbers[shown[np.argsort(times, kind="stable")]] = np.arange(shown.size)
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
        corrupt=scan.corrupt,
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
            return np.sort(stamps[shown] + scan.shift[shown]) * float(time_base)
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


def _sums_agree(packet: av.Packet) -> bool:
    """Tell whether each slice of an FFV1 packet has the sum (RFC 9043, section 4.9) that stands behind it.

    FFmpeg fills a slice that has not with that of the frame before, and says nothing.
    """
    data, end = bytes(packet), packet.size
    while end > 0:
        footer = max(0, end - _SLICE_FOOTER)
        begin = footer - int.from_bytes(data[footer : footer + 3])
        # the standard's sum takes the high bit of each byte first, zlib's the low one
        if begin < 0 or zlib.crc32(data[begin:end].translate(_TURNED), 0xFFFFFFFF) != 0xFFFFFFFF:
            return False
        end = begin
    return True


def _steady_clock(
    pts: Int64[np.ndarray, " P"],
    dts: Int64[np.ndarray, " P"],
    known: Int64[np.ndarray, " Q"],
    *,
    unit: Fraction | None,
    container: str,
) -> tuple[Int64[np.ndarray, " P"], Int64[np.ndarray, " J"]]:
    """Find where the clock of a file is set anew, as where recordings were appended.

    Args:
        pts: presentation time of each packet.
        dts: decoding time of each packet.
        known: ordinals of the packets of which the container itself tells the times.
        unit: seconds per unit of the times.
        container: FFmpeg's name of its kind.

    Returns:
        What to add to the times of each packet so that they go on, and the ordinals of the last packets before.
    """
    shift, steps, apart = np.zeros(dts.size, np.int64), np.diff(dts[known]), np.diff(known)
    if not (steps > 0).any():
        return shift, known[:0]
    usual = int(np.median((steps / apart)[steps > 0]))
    may_leap = unit is not None and bool(_BROKEN_OFF & set(container.split(",")))
    leaps = steps * float(unit or 0) > _JUMP if may_leap else np.zeros(steps.size, bool)
    begins = known[np.flatnonzero((steps < -_STORED_AHEAD * usual) | leaps) + 1]
    clock = np.where(pts == UNKNOWN, dts, pts)
    for begin, end in pairwise([*begins.tolist(), dts.size]):
        told = clock[begin:end][clock[begin:end] != UNKNOWN]
        shift[begin:end] = (clock + shift)[:begin].max() + usual - told.min()
    return shift, begins - 1


def _is_key(packet: av.Packet, codec: str) -> bool:
    """Tell whether a packet begins with a frame that needs no other; AVI flags may stand at empty packets instead."""
    if codec != "mpeg4":
        return packet.is_keyframe
    head = bytes(memoryview(packet)[:_HEADERS])
    at = head.find(_VOP) + len(_VOP)
    return head[at] >> 6 == 0 if len(_VOP) <= at < len(head) else packet.is_keyframe


def _is_shown(packet: av.Packet, codec: str) -> bool:
    if codec == "vp8":
        return not packet.is_discard and bool(bytes(packet)[0] & 0x10)  # show_frame, RFC 6386 section 9.1
    empty = codec == "mpeg4" and packet.size <= _EMPTY_MPEG4
    return not packet.is_discard and not empty


# --- source -----------------------------------------------------------------------------------------------------------
# An opened video file: demux from a keyframe on and decode, each frame tied to the packet that held it.
#
# Before it is decoded, a packet's timestamp is replaced by its ordinal; decoders hand timestamps through to the frame,
# whatever order they return frames in. So a frame's identity does not rest on timestamps, which some containers lack
# and others invent.


TaggedFrame = tuple[int, av.VideoFrame]  # ordinal of the packet, what was decoded from it
_TaggedPacket = tuple[int, av.Packet]

_HIDES_DAMAGE_IN_THREADS = {"mpeg4", "msmpeg4", "msmpeg4v1", "msmpeg4v2", "msmpeg4v3", "h263", "wmv1", "wmv2", "flv"}
_HIDES_DAMAGE = {"mjpeg", "mjpegb"}  # by the picture of another frame, unless told to refuse what it cannot decode
_CONTAINERS = (  # FFmpeg's names of those that hold pictures themselves; playlists open other files before one knows
    *("mov", "matroska", "webm", "avi", "mpegts", "mpeg", "mpegvideo", "flv", "live_flv", "asf", "asf_o", "ogg", "mxf"),
    *("h264", "hevc", "vvc", "m4v", "mjpeg", "mjpeg_2000", "av1", "obu", "ivf", "gif", "nut", "gxf", "dv", "rm", "wtv"),
    *("yuv4mpegpipe", "dirac", "vc1", "vc1test", "h261", "h263", "nsv", "nuv", "cine", "cavsvideo", "avs2", "avs3"),
    *("evc", "r3d", "smjpeg", "mpjpeg", "ingenient", "film_cpk", "dhav", "ifv", "pva", "ipmovie", "mlv", "dnxhd"),
)
_HEAD = 1 << 16  # bytes at a file's beginning that cannot all be zero
HALF_THE_CORES = max(1, (os.cpu_count() or 1) // 2)  # threads for decoding beside other work, which takes as much
_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": ",".join(_CONTAINERS)}


def open_video(path: Path, remote: RemoteFile | None = None) -> tuple[InputContainer, VideoStream]:
    """Open a file and choose its first video stream.

    Args:
        path: the file.
        remote: what reads it, where it lies elsewhere.

    Raises:
        VideoError: the file is missing, empty, no video, or has sound only.
        StorageError: the file must not be read.
    """
    if remote is None:
        _check_file(path)
    try:
        container = av.open(remote or f"file:{path}", "r", metadata_errors="ignore", options=dict(_OPTIONS))
    except av.error.ArgumentError as error:
        raise _no_video(path) from error
    except (av.error.FFmpegError, OSError, ValueError) as error:
        if remote is not None and remote.failed:
            raise remote.failed from error
        raise VideoError(
            f"{path} cannot be read as a video: it is damaged, truncated or not a video; copy it again from its "
            "source or convert it to mp4."
        ) from error
    stream = _moving_pictures(container)
    if stream is None:
        container.close()
        raise _no_video(path)
    return container, stream


def _no_video(path: Path) -> VideoError:
    return VideoError(f"{path} holds no video that can be decoded; give a video file, for example .mp4 or .avi.")


class Source:
    """One open file with its decoder. Close it after use; decoding ends with a VideoError once `halted` is set.

    Args:
        path: the video.
        threads: that decode; by default as many as FFmpeg likes, which has one for each core.
        halted: what ends decoding.
    """

    def __init__(self, path: Path, *, threads: int | None = None, halted: Event | None = None) -> None:
        self.path = path
        self.halted = halted or Event()
        self.began = 0  # ordinal of the packet that the running decoding began with
        self._has_sums = False  # of FFV1: a packet with right ones was met
        self._threads = threads
        self._open()

    def _open(self) -> None:
        address = address_of(self.path)
        self._remote = _opened(address) if address else None
        self.container, self.stream = open_video(self.path, self._remote)
        self.began = 0
        self._saw_first = False
        if self.stream.codec_context.name in _HIDES_DAMAGE:
            self.stream.codec_context.options = {"err_detect": "explode"}
        parallel = self._threads != 1 and self.stream.codec_context.name not in _HIDES_DAMAGE_IN_THREADS
        self.stream.thread_type = ThreadType.AUTO if parallel else ThreadType.SLICE
        if self._threads is not None:
            self.stream.codec_context.thread_count = self._threads

    def close(self) -> None:
        """Let go of the file."""
        self.container.close()

    def packets(self) -> Iterator[av.Packet]:
        """Yield the packets that hold data, up to the point where the file breaks.

        Raises:
            VideoError: a file elsewhere cannot be read any more, which would look like its end.
        """
        try:
            for packet in self.container.demux(self.stream):
                self._refuse_lost()
                if packet.size:
                    yield packet
        except (av.error.FFmpegError, OSError):
            pass
        self._refuse_lost()

    def _refuse_lost(self) -> None:
        if self._remote is not None and self._remote.failed:
            raise self._remote.failed

    def from_start(self) -> Iterator[_TaggedPacket]:
        """Demux the whole file."""
        self.close()
        self._open()
        return enumerate(self.packets())

    def from_keyframe(self, table: PacketTable, position: int) -> Iterator[_TaggedPacket]:
        """Demux from a keyframe at `position` of the table's keyframes, or from an earlier one.

        Containers seek to where they please, so the packet found is looked up: one after the wanted keyframe makes
        us ask for an earlier time, then count the packets from the beginning of the file.
        """
        if position == 0:
            return self.from_start()
        if not self._saw_first:
            self._show(self.from_start())
        wanted = int(table.keyframes[position])
        for stamp in _stamps_before(table, position):
            packets = _at_a_keyframe(table, self._seek(table, stamp))
            landed = next(packets, None)
            if landed is not None and landed[0] <= wanted:
                self.began = landed[0]
                return itertools.chain([landed], packets)
        packets = self.from_start()
        self._show(packets)
        self.stream.codec_context.flush_buffers()
        self.began = wanted
        return itertools.dropwhile(lambda packet: packet[0] < wanted, packets)

    def _show(self, packets: Iterator[_TaggedPacket]) -> None:
        """Decode the file's first packet: it alone may tell which encoder's ways the decoder must follow."""
        for _ in self.decode(itertools.islice(packets, 1)):
            pass

    def _seek(self, table: PacketTable, stamp: int) -> Iterator[_TaggedPacket]:
        try:
            self.container.seek(stamp, stream=self.stream, backward=True)
        except (av.error.FFmpegError, OSError):
            self._refuse_lost()
            return
        expected = -1
        for packet in self.packets():
            ordinal = expected if expected >= 0 and table.is_at(packet, expected) else table.find(packet)
            expected = -1 if ordinal is None else ordinal + 1
            if ordinal is not None:
                yield ordinal, packet

    def decode(self, packets: Iterator[_TaggedPacket]) -> Iterator[TaggedFrame]:
        """Decode packets into frames, in the decoder's order; undecodable ones are left out."""
        for ordinal, packet in packets:
            self._saw_first = self._saw_first or ordinal == 0
            packet.pts = packet.dts = ordinal
            if self._is_whole(packet):
                yield from self._decode(packet)
        yield from self._decode(None)

    def _is_whole(self, packet: av.Packet) -> bool:
        if self.stream.codec_context.name != "ffv1":
            return True
        right = _sums_agree(packet)
        self._has_sums |= right
        return right or not self._has_sums

    def _decode(self, packet: av.Packet | None) -> Iterator[TaggedFrame]:
        if self.halted.is_set():
            raise VideoError(f"{self.path} was closed while it was being read.")
        try:
            frames = self.stream.codec_context.decode(packet)
        except (av.error.FFmpegError, OSError):
            return
        yield from ((frame.pts, frame) for frame in frames if frame.pts is not None)


def _stamps_before(table: PacketTable, position: int) -> Iterator[int]:
    """Times to seek to, best first: mp4 seeks by decoding time, mkv by presentation time."""
    if table.mark is None:
        return
    for earlier in range(position, max(-1, position - 3), -1):
        for stamp in (int(table.pts[earlier]), int(table.dts[earlier])):
            if stamp != UNKNOWN:
                yield stamp


def _at_a_keyframe(table: PacketTable, packets: Iterator[_TaggedPacket]) -> Iterator[_TaggedPacket]:
    return itertools.dropwhile(lambda packet: packet[0] not in table.keyframes, packets)


def _opened(address: str) -> RemoteFile:
    """Open a video elsewhere.

    Raises:
        VideoError: there is none, it is empty, or it cannot be read in parts.
    """
    try:
        remote = open_remote(address)
    except FileNotFoundError as error:
        raise VideoError(f"There is no video at {address}; check the address and the spelling.") from error
    except OSError as error:
        raise VideoError(
            f"{address} cannot be read, as {error.strerror}; check the address, your keys and the connection, or "
            "download it."
        ) from error
    head = remote.read(_HEAD)
    if not any(head or b""):
        remote.close()
        raise VideoError(f"{address} is empty or begins with zeros only; copy it again from its source.")
    remote.seek(0)
    return remote


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise VideoError(f"{path} is a folder, not a video; give one of the files in it.")
    if not path.exists():
        raise VideoError(f"There is no video at {path}; check the path and the spelling.")
    if not os.access(path, os.R_OK):
        raise StorageError(f"Cannot read {path}; permission was denied: change its permissions.")
    if not path.is_file():
        raise VideoError(f"{path} is a pipe or a device, not a video; give a file.")
    if path.stat().st_size == 0:
        raise VideoError(f"{path} is empty; copy the video again from its source.")
    with path.open("rb") as file:
        if not any(file.read(_HEAD)):  # in which FFmpeg would look for a picture as long as memory lasts
            raise VideoError(
                f"{path} begins with zeros only, so it was not copied completely; copy it again from its source."
            )


def _moving_pictures(container: InputContainer) -> VideoStream | None:
    return next(_tracks(container), None)


def track_count(container: InputContainer) -> int:
    """Count the video tracks of a file, of which the first is read; covers and single pictures beside it are none."""
    first, *others = _tracks(container)
    return len([first, *(stream for stream in others if stream.frames != 1)])


def _tracks(container: InputContainer) -> Iterator[VideoStream]:
    for stream in container.streams.video:
        cover = stream.disposition & av.stream.Disposition.attached_pic
        if not cover and stream.codec_context is not None:
            yield stream
