"""Frames that a damaged file has lost altogether: their packets are gone, so that no decoder could name them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from jaxtyping import Float64, Int64

from posecut_core.storage.files import open_file

_REGULAR = 0.9  # share of the steps in time that must be alike; else the rate varies, and a pause means nothing
_ALIKE = 0.3  # of the usual step: containers round times to milliseconds
_NEAR = (5, 8)  # frames within which a late one is made up for
_AT_END = 3  # frames: a stated duration is rarely exact
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")  # how files begin: .wmv, .asf
_BEGINNINGS = (_ASF, b"FLV\x01", b"\x1aE\xdf\xa3", b"RIFF")
_MOST_PARTS = 200_000  # of a file that are looked at: an hour of .flv


@dataclass(frozen=True)
class Gap:
    """A hole in a video of regular rate; the frames behind it are numbered as if it were not there."""

    after: int  # number of the last frame before it
    frames: int  # how many are missing, judged by the usual time between two
    empty: bool = False  # the file has places for them, which its recorder left empty: nothing is damaged
    appended: bool = False  # it is behind the end: another recording, of which nobody knows how many frames it has

    @property
    def sentence(self) -> str:
        """Say where it is, without the video's name."""
        if self.appended:
            told = f"another recording lies behind frame {self.after}, the last one, and no program shows it"
            return f"{told}: such files are not joined by their bytes; take each recording as a video of its own"
        if self.empty:
            them, told = "it" if self.frames == 1 else "them", f"{_places(self.frames)} after frame {self.after}"
            return f"{told}: the recorder left {them} empty, and nothing is damaged"
        what = "1 frame is" if self.frames == 1 else f"about {self.frames} frames are"
        return f"{what} missing after frame {self.after}, where the file is damaged or was cut off"


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


def is_regular(steps: Float64[np.ndarray, " S"]) -> bool:
    """Tell whether the steps between times are alike, so that a longer one means something."""
    usual = float(np.median(steps)) if steps.size else 0.0
    return usual > 0 and bool(np.mean(np.abs(steps - usual) <= _ALIKE * usual) >= _REGULAR)


def find_gaps(times: Float64[np.ndarray, " T"], *, stated_end: float | None) -> tuple[Gap, ...]:
    """Find the holes between frames, and behind the last one.

    Args:
        times: presentation times in seconds, increasing.
        stated_end: when the video ends by what its container says, in seconds; None where it does not say.
    """
    steps = np.diff(times)
    if not is_regular(steps):
        return ()
    lost = np.minimum(np.round(steps / np.median(steps)).astype(np.int64) - 1, _missing_around(times, steps))
    gaps = [Gap(int(place), int(lost[place])) for place in np.flatnonzero(lost > 0)]
    if stated_end is not None:
        at_end = missing_at_end(times, stated_end)
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


def missing_at_end(times: Float64[np.ndarray, " T"], stated_end: float) -> int:
    """Count the frames between the last one and the end that a container states, judged by their usual time."""
    usual = float(np.median(np.diff(times))) if times.size > 1 else 0.0
    return max(0, round((stated_end - times[-1]) / usual) - 1) if usual else 0


def empty_places(
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


def holds_another(path: Path) -> bool:
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


def _is_beginning(file: BinaryIO, at: int) -> bool:
    file.seek(at)
    head = file.read(len(_ASF))
    return head.startswith(_BEGINNINGS) or head[4:8] == b"ftyp"


def _holds_another_movie(file: BinaryIO) -> bool:
    """Look for a second movie in .mp4 and .mov; one of fragments goes on behind any box."""
    boxes = list(islice(_boxes(file), _MOST_PARTS))
    kinds = [kind for kind, _ in boxes]
    if b"moof" in kinds or b"moov" not in kinds:
        return False
    return kinds.count(b"moov") > 1 or b"ftyp" in kinds[1:] or _is_beginning(file, boxes[-1][1])


def _boxes(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
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


def _asf_objects(file: BinaryIO) -> Iterator[int]:
    """Give where each object of an .asf ends, up to another header."""
    at = 0
    while True:
        file.seek(at)
        head = file.read(24)
        length = int.from_bytes(head[16:24], "little")
        if len(head) < 24 or length < 24 or (at and head.startswith(_ASF)):
            return
        at += length
        yield at


def _flv_tags(file: BinaryIO) -> Iterator[int]:
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


def _riff_parts(file: BinaryIO) -> Iterator[int]:
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


def stated_end(container: InputContainer, stream: VideoStream) -> float | None:
    """Return when the video's frames end by what a Matroska file says; other containers tell by counts of packets."""
    if "matroska" not in container.format.name:
        return None
    tag = stream.metadata.get("DURATION", "")
    if tag.count(":") == 2:
        hours, minutes, seconds = (float(part) for part in tag.split(":"))
        return 3600 * hours + 60 * minutes + seconds
    alone = len(container.streams) == 1  # else it is the end of whichever is longest
    return container.duration / 1e6 if alone and container.duration else None
