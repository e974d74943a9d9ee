"""Frames that a damaged file has lost altogether: their packets are gone, so that no decoder could name them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from jaxtyping import Float64, Int64

_REGULAR = 0.9  # share of the steps in time that must be alike; else the rate varies, and a pause means nothing
_ALIKE = 0.3  # of the usual step: containers round times to milliseconds
_NEAR = (5, 8)  # frames within which a late one is made up for
_AT_END = 3  # frames: a stated duration is rarely exact


@dataclass(frozen=True)
class Gap:
    """A hole in a video of regular rate; the frames behind it are numbered as if it were not there."""

    after: int  # number of the last frame before it
    frames: int  # how many are missing, judged by the usual time between two
    empty: bool = False  # the file has places for them, which its recorder left empty: nothing is damaged

    @property
    def sentence(self) -> str:
        """Say where it is, without the video's name."""
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
