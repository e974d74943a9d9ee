"""Read the training frames of a split from their stores, scaled once, into memory."""

from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float64, Int32, UInt8

from posecut_core.dataset.batches import TrainingFrames, resize, scale_points, scaled_size
from posecut_core.dataset.split import FrameRef
from posecut_core.errors import DatasetError
from posecut_core.labels.table import LabelTable
from posecut_core.progress import Progress, Report
from posecut_core.video.store import FrameStore

MAX_BYTES = 8 * 2**30  # of scaled frames in memory
_resize = jax.jit(resize, static_argnames=("height", "width"))


def load_frames(
    frames: Sequence[FrameRef],
    tables: Mapping[str, LabelTable],
    open_store: Callable[[str], FrameStore],
    *,
    scale: float,
    report: Report,
) -> TrainingFrames:
    """Read `frames` and their labels; `open_store` gives the frame store of a video.

    Raises:
        DatasetError: a frame has no label any more, or the frames do not fit into memory.
        VideoError: a frame is not in its store.
    """
    stores = {video: open_store(video) for video in dict.fromkeys(frame.video for frame in frames)}
    sizes = _scaled_sizes(frames, stores, scale)
    height, width = sizes.max(axis=0).tolist()
    _check_memory(len(frames), height, width)
    images = np.zeros((len(frames), height, width, 3), np.uint8)
    labels = []
    for index, frame in enumerate(frames):
        image, (rows, columns) = stores[frame.video].read(frame.number), sizes[index].tolist()
        images[index, :rows, :columns] = _scaled(image, rows, columns)
        xy = _labels(tables, frame) - _origin(stores[frame.video], frame.number)
        labels.append(scale_points(xy, source=image.shape[:2], target=(rows, columns)))
        report(Progress("reading training frames", index + 1, len(frames)))
    return TrainingFrames(images, sizes, np.stack(labels).astype(np.float32), _looked_at(frames, tables))


def _scaled_sizes(
    frames: Sequence[FrameRef], stores: Mapping[str, FrameStore], scale: float
) -> Int32[np.ndarray, "F 2"]:
    sizes = {
        video: dict(zip(store.numbers.tolist(), store.sizes.tolist(), strict=True)) for video, store in stores.items()
    }
    for frame in frames:
        if frame.number not in sizes[frame.video]:
            raise DatasetError(
                f"Frame {frame.number} of {frame.video} belongs to the training dataset, but its image is gone; "
                "extract it again (posecut extract-frames --frames) or create a new training dataset."
            )
    return np.array([scaled_size(*sizes[frame.video][frame.number], scale=scale) for frame in frames], np.int32)


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


def _labels(tables: Mapping[str, LabelTable], frame: FrameRef) -> Float64[np.ndarray, "K 2"]:
    table = tables[frame.video]
    return table.xy[np.searchsorted(table.numbers, frame.number)]


def _origin(store: FrameStore, number: int) -> Float64[np.ndarray, " 2"]:
    return store.origins[np.searchsorted(store.numbers, number)].astype(np.float64)


def _looked_at(frames: Sequence[FrameRef], tables: Mapping[str, LabelTable]) -> Bool[np.ndarray, "F K"]:
    """Take a bodypart that is labelled nowhere in a video as not looked for there, rather than absent everywhere."""
    seen = {video: ~np.isnan(table.xy[..., 0]).all(axis=0) for video, table in tables.items()}
    return np.stack([seen[frame.video] for frame in frames])
