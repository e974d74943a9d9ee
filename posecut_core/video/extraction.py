"""Extract frames to label from a video into its frame store.

Candidates are decoded once, shrunk to thumbnails as they come; only the frames chosen are then decoded in full.
"""

import math
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from jaxtyping import Float32, Int64, UInt8
from threadpoolctl import threadpool_limits

from posecut_core.errors import ArgumentError, VideoError
from posecut_core.progress import Progress, Report, silent
from posecut_core.types import Crop
from posecut_core.video.frame_store import FrameStore, StoredFrame
from posecut_core.video.index import Gap, VideoIndex
from posecut_core.video.orientation import orientation_of
from posecut_core.video.reader import VideoReader

# --- sampling ---------------------------------------------------------------------------------------------------------
# Choose frames worth labeling: spread evenly at random, or unlike each other (k-means).
#
# Both follow the protocol (Nath et al. 2019, "Extract frames"): uniform draws from a window of the video; k-means
# groups
# downsampled frames by their look and draws from every group, which finds rare postures too.


_Features = UInt8[np.ndarray, "T D"] | Float32[np.ndarray, "T D"]


def window(count: int, *, start: float, stop: float) -> range:
    """Return the frame numbers from fraction `start` to fraction `stop` of a video of `count` frames.

    The bounds are rounded outwards and taken as the decimal numbers that a user wrote: 0.7 of 10 frames is 7.

    Raises:
        ArgumentError: not 0 <= start < stop <= 1.
    """
    if not 0 <= start < stop <= 1:
        raise ArgumentError(
            f"start {start} and stop {stop} are not a part of a video; give fractions with 0 <= start < stop <= 1."
        )
    first, last = Fraction(str(float(start))) * count, Fraction(str(float(stop))) * count
    return range(math.floor(first), math.ceil(last))


def _uniform_ranking(numbers: Int64[np.ndarray, " T"], *, seed: int) -> Int64[np.ndarray, " T"]:
    """Put frame numbers into the random order in which they are to be taken."""
    return np.random.default_rng(seed).permutation(numbers)


def _kmeans_ranking(
    features: _Features, numbers: Int64[np.ndarray, " T"], *, number_of_frames: int, seed: int
) -> Int64[np.ndarray, " T"]:
    """Put all candidates into the order in which they are to be taken: one from each cluster, then a second, ...

    Clusters may turn out empty, so that their first members are fewer than wanted; second members fill up.
    """
    if len(numbers) <= number_of_frames:
        return numbers.copy()
    clusters = _clusters(features, count=number_of_frames, seed=seed)
    shuffled = np.random.default_rng(seed).permutation(len(numbers))
    turns = np.empty(len(numbers), dtype=np.int64)
    for cluster in np.unique(clusters):
        members = shuffled[clusters[shuffled] == cluster]
        turns[members] = np.arange(members.size)
    sizes = np.bincount(clusters, minlength=number_of_frames)
    return numbers[np.lexsort((clusters, -sizes[clusters], turns))]


def _clusters(features: _Features, *, count: int, seed: int) -> Int64[np.ndarray, " T"]:
    """Assign each row to one of `count` clusters, of which some may stay empty."""
    from sklearn.cluster import MiniBatchKMeans  # half a second, for which no window waits to label
    from sklearn.exceptions import ConvergenceWarning

    centered = features.astype(np.float32)
    centered -= centered.mean(axis=0)
    kmeans = MiniBatchKMeans(n_clusters=count, random_state=seed, batch_size=1024, max_iter=50, tol=1e-3, n_init=1)
    # matrices this small are slower with threads, ten times and more where other work runs
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct frames than clusters: frames fill up
        return kmeans.fit_predict(centered).astype(np.int64)


# --- extraction -------------------------------------------------------------------------------------------------------
# Extract frames to label from a video into its frame store.
#
# Candidates are decoded once, shrunk to thumbnails as they come; only the frames chosen are then decoded in full.


_MAX_CANDIDATES = 20_000  # thumbnails held for k-means: about 13 MB in gray, 40 MB in color
_REPORT_EVERY = 50  # frames


@dataclass(frozen=True)
class Extracted:
    """What an extraction did."""

    numbers: tuple[int, ...]  # frame numbers chosen, increasing, also those that the store had before
    added: int  # frames new in the store
    damaged: tuple[int, ...]  # frame numbers found damaged on the way, and left out
    frame_count: int  # frames of the video
    step: int  # every step-th frame was a candidate
    seed: int
    wanted: int  # how many frames were asked for
    gaps: tuple[Gap, ...]  # where the video has lost frames


def extract(
    video_path: str | os.PathLike[str],
    store_path: str | os.PathLike[str],
    *,
    algorithm: str = "kmeans",
    number_of_frames: int = 20,
    start: float = 0.0,
    stop: float = 1.0,
    crop: Crop | None = None,
    step: int = 1,
    resize_width: int = 30,
    color: bool = False,
    seed: int = 0,
    numbers: Sequence[int] | None = None,
    among: Sequence[int] | None = None,
    report: Report = silent,
) -> Extracted:
    """Choose frames of a video and add them to a frame store, which is created if need be.

    Args:
        video_path: the video.
        store_path: folder of the frame store.
        algorithm: "kmeans" or "uniform"; ignored where `numbers` are given.
        number_of_frames: how many to choose; damaged frames are replaced by others.
        start: fraction of the video at which candidates begin.
        stop: fraction at which they end.
        crop: the window of the full frame to keep; None keeps all.
        step: every step-th frame is a candidate. Videos with more than `_MAX_CANDIDATES` use a larger step for k-means.
        resize_width: pixels across the thumbnails that k-means compares.
        color: compare thumbnails in color instead of gray.
        seed: the same seed chooses the same frames.
        numbers: the frames to extract, instead of choosing.
        among: frame numbers to choose among, instead of those between `start` and `stop`.
        report: called with progress and notices.

    Raises:
        ArgumentError: a number makes no sense.
        VideoError: the video cannot be read, a frame number is past its end, or `crop` is not within the frame.
        StorageError: the frame store cannot be written; it is then as it was before.
    """
    _check_arguments(algorithm, number_of_frames=number_of_frames, step=step, resize_width=resize_width)
    with VideoReader(video_path) as reader:
        area = kept_window(crop, (reader.index.width, reader.index.height), reader.index.path)
        if numbers is not None:
            step, ranking = 1, _given(numbers, reader.index)
            number_of_frames = len(ranking)
        else:
            whole = window(reader.index.frame_count, start=start, stop=stop)
            candidates = (whole if among is None else _given(among, reader.index).tolist())[::step]
            if algorithm == "uniform":
                ranking = _uniform_ranking(np.array(candidates), seed=seed)
            else:
                coarser = max(1, -(-len(candidates) // _MAX_CANDIDATES))
                step *= coarser
                candidates, look = candidates[::coarser], (resize_width, color)
                found, features = _thumbnails(reader, candidates, area, look, step, report)
                ranking = _kmeans_ranking(features, found, number_of_frames=number_of_frames, seed=seed)
        chosen, added = _store(reader, Path(store_path), ranking, number_of_frames, area, report)
        index = reader.index
        return Extracted(
            chosen, added, reader.damaged, index.frame_count, step, seed, wanted=number_of_frames, gaps=index.gaps
        )


def _check_arguments(algorithm: str, **counts: int) -> None:
    if algorithm not in ("kmeans", "uniform"):
        raise ArgumentError(f"Unknown algorithm {algorithm!r}; use 'kmeans' or 'uniform'.")
    for name, value in counts.items():
        if value < 1:
            raise ArgumentError(f"{name} is {value}; give a whole number of at least 1.")


def kept_window(crop: Crop | None, size: tuple[int, int], video: Path) -> Crop:
    """Check that the crop lies within the frame; without one the window is the frame.

    Args:
        crop: the window of the full frame to keep; None keeps all.
        size: width and height of the frame.
        video: named where the crop is refused.

    Raises:
        VideoError: the crop is empty, or not within the frame.
    """
    width, height = size
    if crop is None:
        return Crop.of_frame(width, height)
    if not crop.lies_in(width, height):
        raise VideoError(
            f"The crop x {crop.x1} to {crop.x2}, y {crop.y1} to {crop.y2} is not within the "
            f"{width}x{height} pixels of {video}; correct it under video_sets in config.yaml."
        )
    return crop


def _given(numbers: Sequence[int], index: VideoIndex) -> Int64[np.ndarray, " F"]:
    for number in numbers:
        if not 0 <= number < index.frame_count:
            raise VideoError(
                f"Frame {number} is out of range: {index.path} has {index.frame_count} frames "
                f"(0-{index.frame_count - 1})."
            )
    return np.unique(np.array(numbers, dtype=np.int64))


def _thumbnails(
    reader: VideoReader, candidates: Sequence[int], area: Crop, look: tuple[int, bool], step: int, report: Report
) -> tuple[Int64[np.ndarray, " T"], UInt8[np.ndarray, "T D"]]:
    """Decode the candidates and keep a thumbnail of each that is not damaged."""
    stage, shown = f"reading {reader.index.path.name}", (reader.index.width, reader.index.height)
    found: list[int] = []
    rows: list[np.ndarray] = []
    for done, (number, picture) in enumerate(reader.pictures(candidates)):
        if done % _REPORT_EVERY == 0:
            report(Progress(stage, done, len(candidates), {"step": step}))
        if picture is not None:
            found.append(number)
            small = _thumbnail(picture, area, shown=shown, width=look[0], color=look[1])
            rows.append(small.ravel())
    report(Progress(stage, len(candidates), len(candidates), {"step": step}))
    if not found:
        raise VideoError(
            f"None of the {len(candidates)} frames from {min(candidates)} to {max(candidates)} of {reader.index.path} "
            "can be decoded; choose others, for example by changing start and stop."
        )
    return np.array(found, dtype=np.int64), np.stack(rows)


def _thumbnail(
    picture: av.VideoFrame, area: Crop, *, shown: tuple[int, int], width: int, color: bool
) -> UInt8[np.ndarray, "h w C"]:
    """Shrink the area of a decoded picture to about `width` pixels across; never enlarge it.

    The whole picture is scaled before it is cut, which spares converting it at full size.

    Args:
        picture: as decoded: not turned, and of whatever size it has.
        area: the window to keep, in pixels of the video as it is shown.
        shown: width and height of the video as it is shown, to which pictures of another size are scaled.
        width: pixels across the thumbnail.
        color: in color instead of gray.
    """
    factor, orientation = min(1.0, width / (area.x2 - area.x1)), orientation_of(picture)
    across, down = (max(1, round(side * factor)) for side in orientation.size(*shown))
    small = picture.reformat(
        across, down, format="rgb24" if color else "gray", interpolation="AREA", threads=1
    ).to_ndarray()
    small = orientation.apply(small.reshape(*small.shape[:2], -1))
    rows, columns = _scaled(area.y1, area.y2, factor), _scaled(area.x1, area.x2, factor)
    return np.ascontiguousarray(small[rows, columns])


def _scaled(first: int, last: int, factor: float) -> slice:
    begin = int(first * factor)
    return slice(begin, max(begin + 1, round(last * factor)))


def _store(
    reader: VideoReader,
    path: Path,
    ranking: Int64[np.ndarray, " F"],
    number_of_frames: int,
    area: Crop,
    report: Report,
) -> tuple[tuple[int, ...], int]:
    """Write the first frames of the ranking that can be decoded; return their numbers and how many were new.

    They are written together: where the disk refuses or the user interrupts, none of them is.
    """
    begun = not path.exists()
    store = FrameStore.open(path, create=True)
    chosen: list[int] = []

    def cut_frames() -> Iterator[StoredFrame]:
        known, rest = set(store.numbers.tolist()), ranking.tolist()
        while rest and (wanted := number_of_frames - len(chosen)):
            taken, rest = rest[:wanted], rest[wanted:]
            chosen.extend(known.intersection(taken))
            yield from _cut_frames(reader, sorted(set(taken) - known), area, chosen)
            report(Progress(f"saving frames of {reader.index.path.name}", len(chosen), number_of_frames))

    try:
        added = store.append(cut_frames())
    except BaseException:
        if begun:
            store.delete_if_empty()
        raise
    return tuple(sorted(chosen)), added


def _cut_frames(reader: VideoReader, numbers: list[int], area: Crop, chosen: list[int]) -> Iterator[StoredFrame]:
    """Decode frames at full size, cut to `area`, and note those that could be decoded in `chosen`."""
    for number, image in reader.frames(numbers):
        if image is not None:
            chosen.append(number)
            yield number, np.ascontiguousarray(image[area.y1 : area.y2, area.x1 : area.x2]), (area.x1, area.y1)
