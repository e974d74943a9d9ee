"""Training frames in memory: scaled, checked, drawn into batches, and prefetched in a thread."""

import queue
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Float32, Float64, Int, Int32, UInt8
from PIL import Image

from posecut_core.dataset.split import LEAST_FRAMES
from posecut_core.errors import DatasetError, Remedy
from posecut_core.labels.table import LabelTable
from posecut_core.labels.validation import inside
from posecut_core.progress import Progress, Report
from posecut_core.types import FrameRef
from posecut_core.video.frame_store import FrameStore
from posecut_core.video.neighbors import COLORS, channels_of

# --- batches ----------------------------------------------------------------------------------------------------------
# Training frames in memory, scaled once, and the endless sequence of batches drawn from them.
#
# Which frames stand in the batch of a step depends on (seed, step) alone, so that a resumed run sees what it would have
# seen.


class Batch(NamedTuple):
    """Frames of one step with their labels, in pixels of the scaled frames."""

    images: UInt8[Array, "B H W C"]  # padded to a common size at the right and bottom
    sizes: Int[Array, "B 2"]  # (height, width) of each frame
    xy: Float[Array, "B K 2"]  # NaN: absent
    annotated: Bool[Array, "B K"]  # False: nobody has looked for this bodypart in this frame


@dataclass(frozen=True)
class TrainingFrames:
    """All frames of a training set; the fields are those of `Batch`, for F frames."""

    images: UInt8[np.ndarray, "F H W C"]
    sizes: Int32[np.ndarray, "F 2"]
    xy: Float32[np.ndarray, "F K 2"]
    annotated: Bool[np.ndarray, "F K"]

    def __len__(self) -> int:
        """Count the frames."""
        return len(self.images)


def scaled_size(height: int, width: int, *, scale: float) -> tuple[int, int]:
    """Return the whole pixels of a frame scaled by `scale`."""
    return max(1, round(height * scale)), max(1, round(width * scale))


def scale_points(
    xy: Float[np.ndarray, "... 2"], *, source: tuple[int, int], target: tuple[int, int]
) -> Float[np.ndarray, "... 2"]:
    """Move points [..., 2] from an image of (height, width) `source` to one of `target`: (x + 0.5) f - 0.5."""
    factor = np.array([target[1] / source[1], target[0] / source[0]])
    return (xy + 0.5) * factor - 0.5


def resize(
    images: UInt8[Array | np.ndarray, "B H W C"], *, height: int, width: int
) -> UInt8[Array | np.ndarray, "B height width C"]:
    """Scale images with antialiasing; on a processor by Pillow, where XLA takes ten times as long."""
    if images.shape[1:3] == (height, width):
        return images
    if jax.default_backend() == "cpu":
        return np.stack([_resized(image, (width, height)) for image in np.asarray(images)])
    return _resize_on_device(images, height=height, width=width)


def _resized(image: UInt8[np.ndarray, "H W C"], size: tuple[int, int]) -> UInt8[np.ndarray, "height width C"]:
    """Scale an image by Pillow, which takes three channels at once, or one: each by itself, with the same result."""
    color, *further = np.split(image, range(COLORS, image.shape[2]), axis=2)
    parts = [color, *(channel[..., 0] for channel in further)]
    scaled = [Image.fromarray(np.ascontiguousarray(part)).resize(size, Image.Resampling.BILINEAR) for part in parts]
    return np.dstack([np.asarray(part) for part in scaled])


@partial(jax.jit, static_argnames=("height", "width"))
def _resize_on_device(images: UInt8[Array, "B H W C"], *, height: int, width: int) -> UInt8[Array, "B height width C"]:
    shape = (len(images), height, width, images.shape[3])
    scaled = jax.image.resize(images.astype(jnp.float32), shape, "linear", antialias=True)
    return jnp.clip(jnp.round(scaled), 0, 255).astype(jnp.uint8)


def frames_of_step(count: int, *, batch_size: int, seed: int, step: int) -> Int[np.ndarray, " B"]:
    """Return which of `count` frames stand in the batch of `step`: each epoch is a fresh permutation."""
    start, stop = step * batch_size, (step + 1) * batch_size
    epochs = range(start // count, (stop - 1) // count + 1)
    orders = [np.random.default_rng((seed, epoch)).permutation(count) for epoch in epochs]
    return np.concatenate(orders)[start - epochs[0] * count :][:batch_size]


def batch_of_step(
    frames: TrainingFrames, *, batch_size: int, seed: int, step: int, sharding: jax.sharding.Sharding | None = None
) -> Batch:
    """Gather the batch of `step` and send it to the device, or split over devices as `sharding` says."""
    chosen = frames_of_step(len(frames), batch_size=batch_size, seed=seed, step=step)
    fields = (frames.images, frames.sizes, frames.xy, frames.annotated)
    return Batch(*jax.device_put([field[chosen] for field in fields], sharding))


def mirror_order(bodyparts: tuple[str, ...], pairs: tuple[tuple[str, str], ...] | None) -> Int32[np.ndarray, " K"]:
    """Return, for each bodypart, the index of the one that takes its place in a mirrored image.

    Without `pairs`, names that differ only in left/right, or in l/r, are pairs. No bodypart may stand in two of the
    `pairs`.
    """
    order = np.arange(len(bodyparts), dtype=np.int32)
    for one, other in pairs if pairs is not None else _left_right(bodyparts):
        first, second = bodyparts.index(one), bodyparts.index(other)
        order[first], order[second] = second, first
    return order


_SIDES = (("left", "right"), ("Left", "Right"), ("LEFT", "RIGHT"))
_ONE_LETTER = re.compile("[lL]")


def _left_right(bodyparts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = []
    alone = set(bodyparts)
    for name in bodyparts:
        for other in _other_sides(name):
            if other != name and {name, other} <= alone:
                pairs.append((name, other))
                alone -= {name, other}
    return tuple(pairs)


def _other_sides(name: str) -> Iterator[str]:
    """Yield what a left bodypart of this name may be called on the right: `wingR` for `wingL`."""
    for left, right in _SIDES:
        yield name.replace(left, right)
    for found in _ONE_LETTER.finditer(name):
        yield f"{name[: found.start()]}{'r' if found[0] == 'l' else 'R'}{name[found.end() :]}"


# --- loading ----------------------------------------------------------------------------------------------------------
# Read the training frames of a split from their stores, scaled once, into memory.


_MAX_BYTES = 8 * 2**30  # of scaled frames in memory


class _Place(NamedTuple):
    """Where a stored image lies in its full frame."""

    origin: tuple[int, int]  # (x, y) of its top-left pixel
    size: tuple[int, int]  # height, width


KnownImages = MutableMapping[tuple[FrameRef, _Place], UInt8[np.ndarray, "h w C"]]  # scaled images of earlier calls


def load_frames(
    frames: Sequence[FrameRef],
    tables: Mapping[str, LabelTable],
    open_store: Callable[[str], FrameStore],
    *,
    scale: float,
    context: int = 0,
    least: tuple[int, int] = (0, 0),
    known: KnownImages | None = None,
    called: Callable[[FrameRef], str] = str,
    report: Report,
) -> TrainingFrames:
    """Read frames and their labels; labels outside their picture count as if nobody had looked for them.

    Args:
        frames: which.
        tables: the labels of each video.
        open_store: gives the frame store of a video.
        scale: images and labels are scaled by this.
        context: how many frames before and after each are read with it, as far as they are kept.
        least: height and width to which scaled images are padded at least, so that steps need not be compiled anew
            when larger frames join.
        known: images that are not read again; those that are read are added to it.
        called: what sentences call a frame.
        report: called after each frame.

    Raises:
        DatasetError: a frame has no labels or no image any more, or the frames do not fit into memory.
        VideoError: a store is missing or damaged.
    """
    labels, annotated = [_labels(tables, frame, called) for frame in frames], _annotated(frames, tables)
    stores = {video: open_store(video) for video in dict.fromkeys(frame.video for frame in frames)}
    places = _places(frames, stores, called)
    sizes = np.array([scaled_size(*place.size, scale=scale) for place in places], np.int32)
    height, width = np.maximum(sizes.max(axis=0), least).tolist()
    channels = channels_of(context)
    _check_memory(len(frames), height, width, channels)
    images = np.zeros((len(frames), height, width, channels), np.uint8)
    xy = np.empty(np.shape(labels), np.float32)
    for index, (frame, place) in enumerate(zip(frames, places, strict=True)):
        rows, columns = sizes[index].tolist()
        image = None if known is None else known.get((frame, place))
        if image is None:
            read = stores[frame.video].read_with_neighbors(frame.number, context=context)
            image = np.asarray(resize(read[None], height=rows, width=columns)[0])
        if known is not None:
            known[frame, place] = image
        images[index, :rows, :columns] = image
        local = labels[index] - np.array(place.origin)
        outside = ~np.isnan(local[:, 0]) & ~inside(local, np.broadcast_to(np.array(place.size), local.shape))
        local[outside], annotated[index, outside] = np.nan, False
        xy[index] = scale_points(local, source=place.size, target=(rows, columns))
        report(Progress("reading training frames", index + 1, len(frames)))
    return TrainingFrames(images, sizes, xy, annotated)


def _labels(
    tables: Mapping[str, LabelTable], frame: FrameRef, called: Callable[[FrameRef], str]
) -> Float64[np.ndarray, "K 2"]:
    table = tables.get(frame.video)
    rows = [] if table is None else np.flatnonzero(table.numbers == frame.number).tolist()
    if table is None or not rows:
        raise DatasetError(
            f"The training dataset includes {called(frame)}, but the labels kept with it do not; create a new training "
            "dataset.",
            Remedy("create_training_dataset"),
        )
    return table.xy[rows[0]]


def _places(
    frames: Sequence[FrameRef], stores: Mapping[str, FrameStore], called: Callable[[FrameRef], str]
) -> list[_Place]:
    known = {
        (video, number): _Place((origin[0], origin[1]), (size[0], size[1]))
        for video, store in stores.items()
        for number, origin, size in zip(
            store.numbers.tolist(), store.origins.tolist(), store.sizes.tolist(), strict=True
        )
    }
    for frame in frames:
        if (frame.video, frame.number) not in known:
            raise DatasetError(
                f"The training dataset includes {called(frame)}, whose image is missing; extract it again or create a "
                "new training dataset.",
                Remedy("extract_frames", frames=[frame.number], videos=[frame.video]),
                Remedy("create_training_dataset"),
            )
    return [known[frame.video, frame.number] for frame in frames]


def _check_memory(count: int, height: int, width: int, channels: int) -> None:
    needed = count * height * width * channels
    if needed > _MAX_BYTES:
        raise DatasetError(
            f"{count} training frames of {width}x{height} pixels need {needed / 2**30:.1f} GiB of memory, "
            f"at most {_MAX_BYTES / 2**30:.0f} are used; lower global_scale in the shuffle's settings."
        )


def _annotated(frames: Sequence[FrameRef], tables: Mapping[str, LabelTable]) -> Bool[np.ndarray, "F K"]:
    masks = {video: dict(zip(table.numbers.tolist(), table.annotated, strict=True)) for video, table in tables.items()}
    return np.stack([masks[frame.video][frame.number] for frame in frames])


# --- requirements -----------------------------------------------------------------------------------------------------
# What training frames must have, so that training on them can work at all.


_MIN_SIDE = 32  # scaled pixels: two cells of the network's coarsest maps, or there is nothing to look around at


def check_trainable(
    frames: TrainingFrames, refs: Sequence[FrameRef], *, called: Callable[[FrameRef], str] = str
) -> None:
    """Refuse frames from which nothing can be learned; `refs` are these, and `called` says what sentences call them.

    Raises:
        DatasetError: there are fewer than two frames, none has a label, a label is infinite, or a frame is too small.
    """
    if len(frames) < LEAST_FRAMES:
        raise DatasetError(
            f"The training dataset has only {len(frames)} training frame, at least {LEAST_FRAMES} are needed; "
            "label more frames and create a new dataset."
        )
    if np.isnan(frames.xy).all() or not frames.annotated.any():
        raise DatasetError("None of the training frames has a label; label more frames and create a new dataset.")
    for frame, xy in zip(refs, frames.xy, strict=True):
        if np.isinf(xy).any():
            raise DatasetError(
                f"A label of {called(frame)} is infinite, expected a position in pixels; correct it and create a new "
                "dataset."
            )
    _check_sizes(frames, refs, called)


def _check_sizes(frames: TrainingFrames, refs: Sequence[FrameRef], called: Callable[[FrameRef], str]) -> None:
    for frame, (height, width) in zip(refs, frames.sizes.tolist(), strict=True):
        if min(height, width) < _MIN_SIDE:
            raise DatasetError(
                f"The training dataset includes {called(frame)}, which has {width}x{height} pixels when scaled, "
                f"expected at least {_MIN_SIDE} on each side; raise global_scale in the shuffle's settings, or "
                "extract whole frames."
            )


# --- prefetch ---------------------------------------------------------------------------------------------------------
# Background prefetching.


_WAITING = 2  # made ahead: enough to keep both sides busy, little enough for large frames
_PATIENCE = 0.1  # seconds after which a waiting thread looks whether it is still needed

Value = TypeVar("Value")


@contextmanager
def made_ahead(source: Iterable[Value], *, name: str) -> Iterator[Iterator[Value]]:
    """Run `source` in a thread of that `name`; its errors arise where the values are taken.

    The values and their order are those of `source`. The thread has ended when the block is left, however it is left.
    """
    waiting: queue.Queue[tuple[Value] | BaseException | None] = queue.Queue(maxsize=_WAITING)
    stopped = threading.Event()
    thread = threading.Thread(target=_fill, args=(source, waiting, stopped), name=name, daemon=True)
    thread.start()
    try:
        yield _taken(waiting)
    finally:
        stopped.set()
        thread.join()


def _fill(
    source: Iterable[Value],
    waiting: "queue.Queue[tuple[Value] | BaseException | None]",
    stopped: threading.Event,
) -> None:
    try:
        for value in source:
            if not _put(waiting, (value,), stopped):
                return
        _put(waiting, None, stopped)
    except BaseException as error:  # handed on, whatever it is: the other thread raises it
        _put(waiting, error, stopped)


def _put(
    waiting: "queue.Queue[tuple[Value] | BaseException | None]",
    item: tuple[Value] | BaseException | None,
    stopped: threading.Event,
) -> bool:
    """Queue an item as soon as there is room; give up and return False once nobody takes items any more."""
    while not stopped.is_set():
        try:
            waiting.put(item, timeout=_PATIENCE)
            return True
        except queue.Full:
            continue
    return False


def _taken(waiting: "queue.Queue[tuple[Value] | BaseException | None]") -> Iterator[Value]:
    while (item := waiting.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item[0]
