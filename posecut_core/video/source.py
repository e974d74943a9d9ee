"""An opened video file: demux from a keyframe on and decode, each frame tied to the packet that held it.

Before it is decoded, a packet's timestamp is replaced by its ordinal; decoders hand timestamps through to the frame,
whatever order they return frames in. So a frame's identity does not rest on timestamps, which some containers lack
and others invent.
"""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import av
from av.codec.context import ThreadType
from av.container import InputContainer
from av.video.stream import VideoStream

from posecut_core.errors import StorageError, VideoError
from posecut_core.video.packets import UNKNOWN, PacketTable, filled_packets, sums_agree

TaggedFrame = tuple[int, av.VideoFrame]  # ordinal of the packet, what was decoded from it
TaggedPacket = tuple[int, av.Packet]

_HIDES_DAMAGE_IN_THREADS = {"mpeg4", "msmpeg4", "msmpeg4v1", "msmpeg4v2", "msmpeg4v3", "h263", "wmv1", "wmv2", "flv"}
_HIDES_DAMAGE = {"mjpeg", "mjpegb"}  # by the picture of another frame, unless told to refuse what it cannot decode
_CONTAINERS = (  # FFmpeg's names of those that hold pictures themselves; playlists open other files before one knows
    *("mov", "matroska", "webm", "avi", "mpegts", "mpeg", "mpegvideo", "flv", "live_flv", "asf", "asf_o", "ogg", "mxf"),
    *("h264", "hevc", "vvc", "m4v", "mjpeg", "mjpeg_2000", "av1", "obu", "ivf", "gif", "nut", "gxf", "dv", "rm", "wtv"),
    *("yuv4mpegpipe", "dirac", "vc1", "vc1test", "h261", "h263", "nsv", "nuv", "cine", "cavsvideo", "avs2", "avs3"),
    *("evc", "r3d", "smjpeg", "mpjpeg", "ingenient", "film_cpk", "dhav", "ifv", "pva", "ipmovie", "mlv", "dnxhd"),
)
_HEAD = 1 << 16  # bytes at a file's beginning that cannot all be zero
_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": ",".join(_CONTAINERS)}


def open_video(path: Path) -> tuple[InputContainer, VideoStream]:
    """Open a file and choose its first video stream.

    Raises:
        VideoError: the file is missing, empty, no video, or has sound only.
        StorageError: the file must not be read.
    """
    _check_file(path)
    try:
        container = av.open(f"file:{path}", metadata_errors="ignore", options=dict(_OPTIONS))
    except av.error.ArgumentError as error:
        raise _no_video(path) from error
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise VideoError(
            f"{path} cannot be read as a video: it is damaged, cut off or of another kind; copy it again from its "
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
    """One open file with its decoder. Close it after use; decoding ends with a VideoError once `halted` is set."""

    def __init__(self, path: Path, *, threads: bool = True, halted: Event | None = None) -> None:
        self.path = path
        self.halted = halted or Event()
        self.began = 0  # ordinal of the packet that the running decoding began with
        self._has_sums = False  # of FFV1: a packet with right ones was met
        self._threads = threads
        self._open()

    def _open(self) -> None:
        self.container, self.stream = open_video(self.path)
        self.began = 0
        self._saw_first = False
        if self.stream.codec_context.name in _HIDES_DAMAGE:
            self.stream.codec_context.options = {"err_detect": "explode"}
        parallel = self._threads and self.stream.codec_context.name not in _HIDES_DAMAGE_IN_THREADS
        self.stream.thread_type = ThreadType.AUTO if parallel else ThreadType.SLICE

    def close(self) -> None:
        """Let go of the file."""
        self.container.close()

    def from_start(self) -> Iterator[TaggedPacket]:
        """Demux the whole file."""
        self.close()
        self._open()
        return enumerate(filled_packets(self.container, self.stream))

    def from_keyframe(self, table: PacketTable, position: int) -> Iterator[TaggedPacket]:
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

    def _show(self, packets: Iterator[TaggedPacket]) -> None:
        """Decode the file's first packet: it alone may tell which encoder's ways the decoder must follow."""
        for _ in self.decode(itertools.islice(packets, 1)):
            pass

    def _seek(self, table: PacketTable, stamp: int) -> Iterator[TaggedPacket]:
        try:
            self.container.seek(stamp, stream=self.stream, backward=True)
        except (av.error.FFmpegError, OSError):
            return
        expected = -1
        for packet in filled_packets(self.container, self.stream):
            ordinal = expected if expected >= 0 and table.is_at(packet, expected) else table.find(packet)
            expected = -1 if ordinal is None else ordinal + 1
            if ordinal is not None:
                yield ordinal, packet

    def decode(self, packets: Iterator[TaggedPacket]) -> Iterator[TaggedFrame]:
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
        right = sums_agree(packet)
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


def _at_a_keyframe(table: PacketTable, packets: Iterator[TaggedPacket]) -> Iterator[TaggedPacket]:
    return itertools.dropwhile(lambda packet: packet[0] not in table.keyframes, packets)


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
            raise VideoError(f"{path} begins with zeros alone: copying it did not end; copy it again from its source.")


def _moving_pictures(container: InputContainer) -> VideoStream | None:
    for stream in container.streams.video:
        cover = stream.disposition & av.stream.Disposition.attached_pic
        if not cover and stream.codec_context is not None:
            return stream
    return None
