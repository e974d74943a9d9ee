"""Read the training frames of a split from their stores, scaled once, into memory."""

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float64, UInt8

from posecut_core.dataset.batches import TrainingFrames, resize, scale_points, scaled_size
from posecut_core.dataset.split import FrameRef
from posecut_core.errors import DatasetError
from posecut_core.labels.placement import inside
from posecut_core.labels.table import LabelTable
from posecut_core.progress import Progress, Report
from posecut_core.video.store import FrameStore

MAX_BYTES = 8 * 2**30  # of scaled frames in memory
_resize = jax.jit(resize, static_argnames=("height", "width"))


class _Place(NamedTuple):
    """Where a stored image lies in its full frame."""

    origin: tuple[int, int]  # (x, y) of its top-left pixel
    size: tuple[int, int]  # height, width


KnownImages = MutableMapping[tuple[FrameRef, _Place], UInt8[np.ndarray, "h w 3"]]  # scaled images of earlier calls


def load_frames(
    frames: Sequence[FrameRef],
    tables: Mapping[str, LabelTable],
    open_store: Callable[[str], FrameStore],
    *,
    scale: float,
    least: tuple[int, int] = (0, 0),
    known: KnownImages | None = None,
    report: Report,
) -> TrainingFrames:
    """Read frames and their labels; labels outside their picture count as if nobody had looked for them.

    Args:
        frames: which.
        tables: the labels of each video.
        open_store: gives the frame store of a video.
        scale: images and labels are scaled by this.
        least: height and width to which scaled images are padded at least, so that steps need not be compiled anew
            when larger frames join.
        known: images that are not read again; those that are read are added to it.
        report: told of every frame.

    Raises:
        DatasetError: a frame has no labels or no image any more, or the frames do not fit into memory.
        VideoError: a store is missing or damaged.
    """
    labels, looked_at = [_labels(tables, frame) for frame in frames], _looked_at(frames, tables)
    stores = {video: open_store(video) for video in dict.fromkeys(frame.video for frame in frames)}
    places = _places(frames, stores)
    sizes = np.array([scaled_size(*place.size, scale=scale) for place in places], np.int32)
    height, width = np.maximum(sizes.max(axis=0), least).tolist()
    _check_memory(len(frames), height, width)
    images = np.zeros((len(frames), height, width, 3), np.uint8)
    xy = np.empty(np.shape(labels), np.float32)
    for index, (frame, place) in enumerate(zip(frames, places, strict=True)):
        rows, columns = sizes[index].tolist()
        image = None if known is None else known.get((frame, place))
        if image is None:
            image = _scaled(stores[frame.video].read(frame.number), rows, columns)
        if known is not None:
            known[frame, place] = image
        images[index, :rows, :columns] = image
        local = labels[index] - np.array(place.origin)
        outside = ~np.isnan(local[:, 0]) & ~inside(local, np.broadcast_to(np.array(place.size), local.shape))
        local[outside], looked_at[index, outside] = np.nan, False
        xy[index] = scale_points(local, source=place.size, target=(rows, columns))
        report(Progress("reading training frames", index + 1, len(frames)))
    return TrainingFrames(images, sizes, xy, looked_at)


def _labels(tables: Mapping[str, LabelTable], frame: FrameRef) -> Float64[np.ndarray, "K 2"]:
    table = tables.get(frame.video)
    rows = [] if table is None else np.flatnonzero(table.numbers == frame.number).tolist()
    if table is None or not rows:
        raise DatasetError(
            f"Frame {frame.number} of {frame.video} belongs to the training dataset, but its label revision has no "
            "labels of it; create a new training dataset (posecut create-training-dataset)."
        )
    return table.xy[rows[0]]


def _places(frames: Sequence[FrameRef], stores: Mapping[str, FrameStore]) -> list[_Place]:
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
                f"Frame {frame.number} of {frame.video} belongs to the training dataset, but its image is gone; "
                "extract it again (posecut extract-frames --frames) or create a new training dataset."
            )
    return [known[frame.video, frame.number] for frame in frames]


def _check_memory(count: int, height: int, width: int) -> None:
    needed = count * height * width * 3
    if needed > MAX_BYTES:
        raise DatasetError(
            f"{count} training frames of {width}x{height} pixels need {needed / 2**30:.1f} GiB of memory, "
            f"at most {MAX_BYTES / 2**30:.0f} are used; lower global_scale in the shuffle's settings.yaml."
        )


def _scaled(image: UInt8[np.ndarray, "H W 3"], height: int, width: int) -> UInt8[np.ndarray, "h w 3"]:
    values = _resize(jnp.asarray(image)[None], height=height, width=width)[0]
    return np.asarray(jnp.clip(jnp.round(values), 0, 255).astype(jnp.uint8))


def _looked_at(frames: Sequence[FrameRef], tables: Mapping[str, LabelTable]) -> Bool[np.ndarray, "F K"]:
    masks = {video: dict(zip(table.numbers.tolist(), table.looked_at, strict=True)) for video, table in tables.items()}
    return np.stack([masks[frame.video][frame.number] for frame in frames])
