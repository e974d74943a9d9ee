"""Tracking crop: analyze only a window around the last confident pose (DeepLabCut's `dynamic`).

A video is analyzed in segments of `SEGMENT` frames. The first frame of each is seen whole; in the others the network
sees a window around the pose before, in one of a few sizes so that it is compiled once for each, and at the scale of
the full frame. Where too little of the animal is found in the window, that frame is seen whole after all. The window is
tried on the first frame of each segment too, and how far it is from the full frame is part of the result.

A row is what is known about a frame: x, y and likelihood of each bodypart, `_FULL`, `_LOST` or `_WINDOW`, and the
distance between window and full frame where it was measured. The next window follows from the last two rows alone, so
an analysis that was interrupted goes on as if it had not been.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int, UInt8

from posecut_core.dataset.frames import scaled_size
from posecut_core.errors import ArgumentError
from posecut_core.inference.stored_frames import Poses, Predicts, padded
from posecut_core.inference.view import View
from posecut_core.types import Crop

SEGMENT = 48  # frames, of which the first is seen whole
COLUMNS = 5  # of a row: x, y, likelihood, which image was seen, distance between window and full frame
_WINDOW, _FULL, _LOST = 0.0, 1.0, 2.0  # _LOST: the full frame, as too little was found in the window
_SHARES = (0.12, 0.2, 0.4)  # of the frame's area that windows have
_GRID = 16  # scaled pixels: windows begin at multiples of it, where cells of the full frame begin too
_CONTEXT = 24  # scaled pixels around the margin that the network sees in addition
_BORDER = 8  # scaled pixels: a bodypart this close to the edge of a window may lie beyond it
_GROUPS = 2  # of segments side by side: one is computed while what it needs is made ready for the other
_SCANNED = 20_000  # rows that are looked at together
_LEAST = 20  # distances that have a 99th percentile

Dynamic = Sequence[object] | str  # DeepLabCut's (state, detection threshold, margin), or that as a text

_Row = Float64[np.ndarray, "K 5"]


@dataclass(frozen=True)
class TrackingCrop:
    """How the window follows the animal.

    Raises:
        ArgumentError: the threshold is no probability, or the margin is negative.
    """

    threshold: float = 0.5  # likelihood from which a bodypart counts as found
    margin: float = 10.0  # pixels of the full frame around the bodyparts, in addition to how far they moved

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise ArgumentError(f"The threshold of dynamic is {self.threshold:g}, expected a likelihood from 0 to 1.")
        if not 0 <= self.margin < math.inf:
            raise ArgumentError(f"The margin of dynamic is {self.margin:g}, expected 0 or more pixels.")


def given_tracking(dynamic: object) -> TrackingCrop | None:
    """Understand DeepLabCut's `dynamic`: (state, detection threshold, margin); None where the state is false.

    A text such as "True,0.5,10" means the same, and the state alone leaves the others at their defaults.

    Raises:
        ArgumentError: it is something else.
    """
    values = dynamic.strip().strip("()[]").split(",") if isinstance(dynamic, str) else dynamic
    entries: list[Any] = list(values) if isinstance(values, Sequence) else [values]
    state = {"true": True, "1": True, "false": False, "0": False, "none": False}
    on = state.get(str(entries[0]).strip().lower()) if entries else None
    try:
        numbers = [float(entry) for entry in entries[1:]]
    except (TypeError, ValueError):
        on = None
    if on is None or len(entries) > 3:
        raise ArgumentError(
            f"dynamic is {dynamic!r}, expected a state, a detection threshold and a margin, such as True, 0.5, 10."
        )
    return TrackingCrop(*numbers) if on else None


# --- windows ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Windows:
    """Windows of frames of one size."""

    tracking: TrackingCrop
    height: int
    width: int
    scale: float  # global_scale of the network

    @cached_property
    def _factor(self) -> Float64[np.ndarray, "2"]:
        """Scaled pixels per pixel in x and y."""
        height, width = scaled_size(self.height, self.width, scale=self.scale)
        return np.array([width / self.width, height / self.height])

    @cached_property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Height and width of the windows, increasing, in pixels of the frame."""
        height, width = scaled_size(self.height, self.width, scale=self.scale)
        sides = [-(-math.sqrt(share * height * width) // _GRID) * _GRID for share in _SHARES]
        scaled = [(min(max(side, 2 * _GRID), height), min(max(side, 2 * _GRID), width)) for side in sides]
        x, y = self._factor
        smaller = [size for size in scaled if size[0] * size[1] <= 0.75 * height * width]
        return tuple(dict.fromkeys((round(rows / y), round(columns / x)) for rows, columns in smaller))

    def needed(self, last: _Row, before: _Row) -> Float64[np.ndarray, "2 2"] | None:
        """Return the least and greatest x, y that the next frame's window must hold; None where nothing was found.

        It grows with the farthest way that a bodypart moved between the two frames. Rows of NaN are unknown.
        """
        found = last[:, 2] >= self.tracking.threshold
        if not found.any():
            return None
        both = found & (before[:, 2] >= self.tracking.threshold)
        moved = np.hypot(*(last[both, :2] - before[both, :2]).T).max(initial=0.0)
        reach = self.tracking.margin + moved + _CONTEXT / self._factor
        corners = np.stack([last[found, :2].min(axis=0) - reach, last[found, :2].max(axis=0) + reach])
        return np.clip(corners, 0.0, [self.width, self.height])

    def size_for(self, needed: Float64[np.ndarray, "2 2"]) -> int | None:
        """Return the index of the smallest size that holds it; None where only the full frame does."""
        width, height = needed[1] - needed[0]
        return next((index for index, size in enumerate(self.sizes) if height <= size[0] and width <= size[1]), None)

    def placed(self, needed: Float64[np.ndarray, "2 2"], size: tuple[int, int]) -> Crop:
        """Return the window of a size around what it must hold, within the frame."""
        grid = _GRID / self._factor
        free = np.array([self.width - size[1], self.height - size[0]])
        corner = needed.mean(axis=0) - np.array([size[1], size[0]]) / 2
        x, y = np.clip(np.round(np.round(corner / grid) * grid), 0, free).astype(int).tolist()
        return Crop(x, x + size[1], y, y + size[0])

    def holds(self, row: Float64[np.ndarray, "K 3"], last: _Row, window: Crop) -> bool:
        """Tell whether a pose found in a window can be all of the animal.

        It is not if fewer than half as many bodyparts were found as in the frame before, or if one lies at an edge of
        the window that is not the frame's.
        """
        found = row[:, 2] >= self.tracking.threshold
        if not found.any() or 2 * found.sum() < (last[:, 2] >= self.tracking.threshold).sum():
            return False
        border = _BORDER / self._factor
        low, high = np.array([window.x1, window.y1]), np.array([window.x2, window.y2])
        low = np.where(low > 0, low + border, -np.inf)
        high = np.where(high < [self.width, self.height], high - border, np.inf)
        return bool(((row[found, :2] >= low) & (row[found, :2] <= high)).all())


# --- frames -----------------------------------------------------------------------------------------------------------


_Image = UInt8[np.ndarray, "H W C"]


@dataclass(frozen=True)
class _WindowPredictor:
    """A network that sees a window of each frame, and the whole frame where the window does not hold the animal."""

    predictor: Predicts
    windows: Windows  # of frames of this size
    together: int  # windows that the network is given at once: small images of their own take longer

    def start(
        self, images: Sequence[_Image], last: Float64[np.ndarray, "S K 5"], before: Float64[np.ndarray, "S K 5"]
    ) -> Callable[[], Float64[np.ndarray, "S K 5"]]:
        """Begin with the next frame of each segment, given the rows of the two frames before it, NaN where unknown.

        The result waits, and returns the rows of these frames.
        """
        fitting = self._fitting(last, before)
        finish = self._started(images, last, fitting)
        alone = self._whole(images, [place for place in range(len(images)) if place not in fitting])

        def rows() -> Float64[np.ndarray, "S K 5"]:
            found, is_accepted = finish()
            lost = [place for place in fitting if not is_accepted[place]]
            for places, poses in (*alone, *self._whole(images, lost)):
                found[places, :, :2], found[places, :, 2] = poses()
                found[places, :, 3] = np.where(np.isnan(found[places, :, 3]), _FULL, _LOST)
            return found

        return rows

    def in_windows(
        self, images: Sequence[_Image], last: Float64[np.ndarray, "S K 5"], before: Float64[np.ndarray, "S K 5"]
    ) -> tuple[Float64[np.ndarray, "S K 5"], Bool[np.ndarray, " S"]]:
        """Predict what lies in windows; tell which of the frames have one that holds the animal."""
        return self._started(images, last, self._fitting(last, before))()

    def _fitting(self, last: Float64[np.ndarray, "S K 5"], before: Float64[np.ndarray, "S K 5"]) -> dict[int, Crop]:
        """Return the window of each frame that has one, all of one size."""
        needed = {i: box for i in range(len(last)) if (box := self.windows.needed(last[i], before[i])) is not None}
        sizes = {i: size for i, box in needed.items() if (size := self.windows.size_for(box)) is not None}
        return {i: self.windows.placed(needed[i], self.windows.sizes[max(sizes.values())]) for i in sizes}

    def _started(
        self, images: Sequence[_Image], last: Float64[np.ndarray, "S K 5"], fitting: dict[int, Crop]
    ) -> Callable[[], tuple[Float64[np.ndarray, "S K 5"], Bool[np.ndarray, " S"]]]:
        """Begin with the windows of some frames; the result waits, and is that of `in_windows`."""
        cut = [images[i][crop.y1 : crop.y2, crop.x1 : crop.x2] for i, crop in fitting.items()]
        poses = self.predictor.start(padded(np.stack(cut), self.together)) if cut else None

        def finish() -> tuple[Float64[np.ndarray, "S K 5"], Bool[np.ndarray, " S"]]:
            rows, is_accepted = np.full((len(images), last.shape[1], COLUMNS), np.nan), np.zeros(len(images), bool)
            if poses is not None:
                for (i, crop), xy, likelihood in zip(fitting.items(), *poses(), strict=False):  # without the padding
                    rows[i, :, :2], rows[i, :, 2] = xy + np.array([crop.x1, crop.y1]), likelihood
                    rows[i, :, 3] = _WINDOW
                    is_accepted[i] = self.windows.holds(rows[i, :, :3], last[i], crop)
            return rows, is_accepted

        return finish

    def _whole(self, images: Sequence[_Image], places: Sequence[int]) -> list[tuple[list[int], Callable[[], Poses]]]:
        """Begin with whole frames; few of them one by one, which costs less than a padded batch."""
        size = self.together if len(places) == self.together else 1
        chosen = [list(places[start : start + size]) for start in range(0, len(places), size)]
        return [(each, self.predictor.start(np.stack([images[place] for place in each]))) for each in chosen]


class Tracker:
    """Follow one animal through frames that come one by one."""

    def __init__(self, predictor: Predicts, windows: Windows) -> None:
        self._network = _WindowPredictor(predictor, windows, together=1)
        self._unknown = np.full((len(predictor.bodyparts), COLUMNS), np.nan)
        self._last = self._before = self._unknown
        self._count = self._full = self._losses = 0

    def __call__(self, image: UInt8[np.ndarray, "H W C"]) -> Float64[np.ndarray, "K 3"]:
        """Return x, y and likelihood in the next frame."""
        if self._count % SEGMENT == 0:
            self._last = self._before = self._unknown
        (row,) = self._network.start([image], self._last[None], self._before[None])()
        self._before, self._last, self._count = self._last, row, self._count + 1
        self._full += bool(row[0, 3] >= _FULL)
        self._losses += bool(row[0, 3] == _LOST)
        return row[:, :3]

    @property
    def report(self) -> "TrackingReport":
        """What it did so far; windows are not compared with the full frame, which would take time."""
        return TrackingReport(self._count, self._full, self._losses, 0, None, None)


# --- videos -----------------------------------------------------------------------------------------------------------


def side_by_side(batch_size: int, frame_bytes: int, *, memory: int = 128 * 2**20) -> int:
    """Return how many segments of a video are analyzed side by side: as many as frames fit into memory."""
    return max(1, min(batch_size, memory // (SEGMENT * frame_bytes)))


class TrackedSegments:
    """Segments of a video, one after the other or several side by side.

    Args:
        predictor: the network, for frames as it sees them.
        tracking: how windows follow the animal.
        view: what the network sees of frames.
        together: segments side by side; each batch but the last is then that many whole segments.
        first: number of the first frame.
        earlier: rows of the two frames before it, NaN where there are none.
    """

    def __init__(
        self,
        predictor: Predicts,
        tracking: TrackingCrop,
        view: View,
        together: int,
        first: int,
        earlier: Float64[np.ndarray, "2 K 5"],
    ) -> None:
        shrunk = view.size[1] / (view.window.x2 - view.window.x1)
        windows = Windows(replace(tracking, margin=tracking.margin * shrunk), *view.size, 1.0)
        self._network = _WindowPredictor(predictor, windows, -(-together // _GROUPS))
        self._together, self._view = together, view
        self._first, self._earlier = first, earlier

    def __call__(
        self, images: UInt8[np.ndarray, "N H W C"], decoded: Bool[np.ndarray, " N"]
    ) -> Float64[np.ndarray, "N K 5"]:
        """Return the rows of the next frames, in the full frame; NaN and likelihood 0 where `decoded` is false."""
        rows = np.concatenate([self._earlier, np.full((len(images), *self._earlier.shape[1:]), np.nan)])
        rows[2:, :, 2] = 0.0
        length = SEGMENT if self._together > 1 else len(images)
        begins = np.arange(0, len(images), length)
        groups = [
            begins[start : start + self._network.together] for start in range(0, len(begins), self._network.together)
        ]
        started: deque[Callable[[], None]] = deque()
        for step in range(min(length, len(images))):
            for group in groups:
                if len(started) == len(groups):
                    started.popleft()()  # which is this group's step before
                started.append(self._step(images, decoded, rows, group + step))
        for finish in started:
            finish()
        self._check(images, decoded, rows)
        self._first, self._earlier = self._first + len(images), rows[-2:]
        return rows[2:]

    def _step(
        self,
        images: UInt8[np.ndarray, "N H W C"],
        decoded: Bool[np.ndarray, " N"],
        rows: Float64[np.ndarray, "M K 5"],
        places: Int[np.ndarray, " S"],
    ) -> Callable[[], None]:
        """Begin with the next frames of some segments; the result waits, and writes their rows."""
        places = places[places < len(images)]
        places = places[decoded[places]]
        poses = self._network.start([images[place] for place in places], *self._before(rows, places))

        def finish() -> None:
            rows[places + 2] = self._placed(poses())

        return finish

    def _before(
        self, rows: Float64[np.ndarray, "M K 5"], places: Int[np.ndarray, " S"]
    ) -> tuple[Float64[np.ndarray, "S K 5"], Float64[np.ndarray, "S K 5"]]:
        """Return the rows of the two frames before each place, NaN where they are of another segment."""
        known = ((self._first + places) % SEGMENT)[:, None, None]
        last = np.where(known >= 1, self._seen(rows[places + 1]), np.nan)
        return last, np.where(known >= 2, self._seen(rows[places]), np.nan)

    def _placed(self, rows: Float64[np.ndarray, "S K 5"]) -> Float64[np.ndarray, "S K 5"]:
        return np.concatenate([self._view.placed(rows[..., :2]), rows[..., 2:]], axis=-1)

    def _seen(self, rows: Float64[np.ndarray, "S K 5"]) -> Float64[np.ndarray, "S K 5"]:
        return np.concatenate([self._view.seen(rows[..., :2]), rows[..., 2:]], axis=-1)

    def _check(
        self, images: UInt8[np.ndarray, "N H W C"], decoded: Bool[np.ndarray, " N"], rows: Float64[np.ndarray, "M K 5"]
    ) -> None:
        """Note how far windows would be from the full frame in the first frames of segments."""
        firsts = np.arange(-self._first % SEGMENT, len(images), SEGMENT)
        firsts = firsts[decoded[firsts]]
        for start in range(0, len(firsts), self._network.together):
            self._compare(images, rows, firsts[start : start + self._network.together])

    def _compare(
        self, images: UInt8[np.ndarray, "N H W C"], rows: Float64[np.ndarray, "M K 5"], places: Int[np.ndarray, " S"]
    ) -> None:
        last, before = self._seen(rows[places + 1]), self._seen(rows[places])
        found, holds = self._network.in_windows([images[place] for place in places], last, before)
        found, full = self._placed(found), rows[places + 2]
        sure = holds[:, None] & (np.minimum(found[..., 2], full[..., 2]) >= self._network.windows.tracking.threshold)
        distance = np.hypot(*np.moveaxis(found[..., :2] - full[..., :2], -1, 0))
        rows[places + 2, :, 4] = np.where(sure, distance, np.nan)


# --- result -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TrackingReport:
    """What a tracking crop did in a video, and how far it was from the full frame where both were analyzed."""

    frames: int
    full_frames: int  # of them that were seen whole
    losses: int  # of these, frames in whose window too little was found
    compared: int  # bodyparts found confidently both in the window and in the full frame
    median_difference: float | None  # between the two, in pixels of the video; None where nothing was compared
    p99_difference: float | None  # its 99th percentile; None of fewer than 20

    def sentence(self) -> str:
        """Say it in a sentence."""
        share = 100 * self.full_frames / max(self.frames, 1)
        lost = "once" if self.losses == 1 else f"{self.losses} times"
        told = f"tracking crop: {share:.1f}% of the frames were analyzed whole, the animal was lost {lost}"
        if self.median_difference is None:
            return f"{told}; no window was compared with the full frame"
        high = "" if self.p99_difference is None else f", {self.p99_difference:.2f} px (99th percentile)"
        return (
            f"{told}; {self.compared} positions in windows differ from the full frame by "
            f"{self.median_difference:.2f} px of the video (median){high}"
        )


def tracking_report(rows: Float64[np.ndarray, "T K 5"]) -> TrackingReport:
    """Sum up the rows of a video, a part of which is in memory at a time."""
    full = losses = 0
    differences: list[float] = []
    for start in range(0, len(rows), _SCANNED):
        seen, distance = rows[start : start + _SCANNED, 0, 3], rows[start : start + _SCANNED, :, 4]
        full += int((seen >= _FULL).sum())
        losses += int((seen == _LOST).sum())
        differences += distance[~np.isnan(distance)].tolist()
    middle, high = (
        float(np.percentile(differences, share)) if len(differences) >= least else None
        for share, least in ((50, 1), (99, _LEAST))
    )
    return TrackingReport(len(rows), full, losses, len(differences), middle, high)
