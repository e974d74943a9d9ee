"""Predict extracted frames from a frame store, by anything that predicts."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt8

from posecut_core.errors import ArgumentError, Remedy, VideoError
from posecut_core.results import counted
from posecut_core.video.frame_store import FrameStore
from posecut_core.video.neighbors import channels_of

# --- predicting -------------------------------------------------------------------------------------------------------
# What analysis asks of a network, so that neither videos nor evaluation need to know how it is built.


Poses = tuple[Float64[np.ndarray, "B K 2"], Float64[np.ndarray, "B K"]]  # positions and likelihoods


@runtime_checkable
class Predicts(Protocol):
    """Anything that finds bodyparts in images; `posecut_core.inference.predictor.Predictor` does."""

    @property
    def bodyparts(self) -> tuple[str, ...]:
        """The K bodyparts that it looks for."""

    @property
    def scorer(self) -> str:
        """Its name in tables and file names."""

    @property
    def engine_name(self) -> str:
        """What computes, and in which precision."""

    @property
    def context(self) -> int:
        """How many frames before and after each it sees, in channels of images as `video.neighbors` lays them out."""

    def predict(self, images: UInt8[np.ndarray, "B H W C"]) -> Poses:
        """Find positions in pixels of the given images, and their likelihoods."""

    def start(self, images: UInt8[np.ndarray, "B H W C"]) -> Callable[[], Poses]:
        """Begin to predict and return at once; the result waits, and then is that of `predict`."""


def check_images(given: Any, *, what: str, batch: bool, context: int = 0) -> None:
    """Refuse what is no image of 8 bits, or no batch of them.

    Args:
        given: uint8 [H, W, 3], [H, W, 1] or [H, W]; or, of a batch, [B, H, W, 3].
        what: the sentence's subject and verb.
        batch: which of both is expected.
        context: of the network that is to see a batch.

    Raises:
        ArgumentError: it is something else.
    """
    kind: Any = getattr(given, "dtype", type(given).__name__)
    shape: tuple[int, ...] = getattr(given, "shape", ())
    axes = 3 if batch else 2
    channels: tuple[tuple[int, ...], ...] = ((channels_of(context),),) if batch else ((), (1,), (3,))
    if kind != np.uint8 or len(shape) < axes or shape[axes:] not in channels or 0 in shape[batch:]:
        found = f"{'x'.join(map(str, shape))} of {kind}" if shape else kind
        expected, advice = "height x width x 3", "convert it to RGB with 8 bits"
        if batch:
            expected, advice = f"images x {expected}", f"{advice}, and give a single image as image[None]"
        if context:
            expected = f"images x height x width x {channels_of(context)}"
            advice = (
                f"the network sees {counted(context, 'frame')} before and after each, which with_neighbors adds as "
                "channels"
            )
        raise ArgumentError(f"{what} {found}, expected {expected} of uint8; {advice}.")


def padded(images: UInt8[np.ndarray, "B H W C"], count: int) -> UInt8[np.ndarray, "N H W C"]:
    """Repeat the last image until there are `count`, so that a network compiles for one batch size only."""
    if len(images) == count:
        return images
    return np.concatenate([images, np.repeat(images[-1:], count - len(images), axis=0)])


# --- labeled frames ---------------------------------------------------------------------------------------------------
# Predict extracted frames from a frame store, where frames of one video may be crops of different sizes.


@dataclass(frozen=True)
class StoredFrames:
    """Extracted frames of one video."""

    video: str
    store: FrameStore
    numbers: Int64[np.ndarray, " F"]
    origins: Int64[np.ndarray, "F 2"]  # x, y of each stored image's top-left pixel in the full frame
    sizes: Int64[np.ndarray, "F 2"]  # height, width of each stored image


@dataclass(frozen=True)
class LabeledFrames(StoredFrames):
    """Labeled frames of one video that belong to a training dataset."""

    xy: Float64[np.ndarray, "F K 2"]  # labels in pixels of the full frame
    annotated: Bool[np.ndarray, "F K"]  # bodyparts that are absent where they have no label
    is_train: Bool[np.ndarray, " F"]  # the others are test frames, except those that validate
    validates: Bool[np.ndarray, " F"]  # held out of the training frames, to watch the training


@dataclass(frozen=True)
class FramePredictions:
    """Predictions of chosen frames, in pixels of the full frame."""

    xy: Float64[np.ndarray, "F K 2"]
    likelihood: Float64[np.ndarray, "F K"]


def stored_frames(video: str, store: FrameStore, numbers: Int64[np.ndarray, " F"]) -> StoredFrames:
    """Choose frames of a store, which has all of them.

    Raises:
        VideoError: it lacks one.
    """
    absent = sorted({*numbers.tolist()}.difference(store.numbers.tolist()))
    if absent:
        raise VideoError(
            f"Frame {absent[0]} of {video} is not among the extracted frames in {store.path}, expected its image; "
            "extract it again.",
            Remedy("extract_frames", frames=absent, videos=[video]),
        )
    places = np.searchsorted(store.numbers, numbers)
    return StoredFrames(video, store, numbers, store.origins[places], store.sizes[places])


def predict_stored_frames(
    predictor: Predicts, frames: StoredFrames, *, batch_size: int, advance: Callable[[int], None]
) -> FramePredictions:
    """Predict stored frames; positions in crops are shifted back to where they lie in the full frame.

    Frames of one size share batches, each padded to `batch_size`, so that the network compiles once per size.

    Args:
        predictor: the network.
        frames: which frames of which store.
        batch_size: frames that the network sees at once.
        advance: told after each batch how many frames it held.

    Raises:
        VideoError: the store lacks one of the frames.
    """
    shape = (len(frames.numbers), len(predictor.bodyparts))
    xy, likelihood = np.full((*shape, 2), np.nan), np.zeros(shape)
    for places in _batches_of_one_size(frames.sizes, batch_size):
        images = np.stack(
            [
                frames.store.read_with_neighbors(number, context=predictor.context)
                for number in frames.numbers[places].tolist()
            ]
        )
        found_xy, found_likelihood = predictor.predict(padded(images, batch_size))
        xy[places] = found_xy[: len(places)] + frames.origins[places][:, None, :]
        likelihood[places] = found_likelihood[: len(places)]
        advance(len(places))
    return FramePredictions(xy, likelihood)


def _batches_of_one_size(sizes: Int64[np.ndarray, "F 2"], batch_size: int) -> Iterator[Int64[np.ndarray, " B"]]:
    """Group positions of images of one size into batches of at most `batch_size`, each position once."""
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place, (height, width) in enumerate(sizes.tolist()):
        groups[height, width].append(place)
    for places in groups.values():
        for start in range(0, len(places), batch_size):
            yield np.array(places[start : start + batch_size], dtype=np.int64)
