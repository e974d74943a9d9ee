"""Where labels lie beside the stored pictures of their frames: in them, just outside, or as only mistakes do.

A label counts where 0 < x < width and 0 < y < height in its picture, as in DeepLabCut. Outside it nothing is to be
seen, and (0, 0) is what other programs write for "not visible".
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float64, Int64

from posecut_core.errors import LabelError
from posecut_core.labels.table import LabelTable
from posecut_core.video.store import FrameStore

FAR = 0.1  # of the longer side of the picture; a label just outside it may be meant


def outside(table: LabelTable, store: FrameStore) -> tuple[str, ...]:
    """Name the labels that lie outside the stored picture of their frame, as "frame 12 snout".

    Args:
        table: labels of one video.
        store: its frames; those that it lacks are not judged.
    """
    found = np.argwhere(_uncounted(table, store))
    return tuple(f"frame {table.numbers[row]} {table.bodyparts[part]}" for row, part in found)


def without_outside(table: LabelTable, store: FrameStore) -> LabelTable:
    """Return the table without the labels that lie outside their picture, as if nobody had looked for them."""
    found = _uncounted(table, store)
    if not found.any():
        return table
    return replace(table, xy=np.where(found[..., None], np.nan, table.xy), looked=table.looked_at & ~found)


def inside(xy: Float64[np.ndarray, "*batch 2"], size: Int64[np.ndarray, "*batch 2"]) -> Bool[np.ndarray, "*batch"]:
    """Tell which positions in pixels of a picture count as within it.

    Args:
        xy: the positions; NaN is not within.
        size: height and width of the picture of each.
    """
    x, y = np.moveaxis(xy, -1, 0)
    return (x > 0) & (x < size[..., 1]) & (y > 0) & (y < size[..., 0])


def beyond(
    numbers: Int64[np.ndarray, " F"], xy: Float64[np.ndarray, "F K 2"], store: FrameStore, *, margin: float
) -> Bool[np.ndarray, "F K"]:
    """Tell which positions lie further outside the stored picture of their frame than a margin.

    Args:
        numbers: frame numbers, in any order; frames that the store lacks are not judged.
        xy: positions in pixels of the full frame.
        store: the frames of the video.
        margin: share of the picture's longer side by which a position may lie outside.
    """
    found = np.zeros(xy.shape[:2], dtype=bool)
    known = np.isin(numbers, store.numbers)
    places = np.searchsorted(store.numbers, numbers[known])
    local = xy[known] - store.origins[places][:, None]
    sizes = store.sizes[places]
    slack = 0.5 + margin * sizes.max(axis=1, initial=0)[:, None, None]
    limits = sizes[:, None, ::-1] - 1.0 + slack  # x is limited by the width
    found[known] = ((local < -slack) | (local > limits)).any(axis=-1)
    return found


def _uncounted(table: LabelTable, store: FrameStore) -> Bool[np.ndarray, "F K"]:
    found = ~np.isnan(table.xy).any(axis=-1)
    known = np.isin(table.numbers, store.numbers)
    places = np.searchsorted(store.numbers, table.numbers[known])
    local = table.xy[known] - store.origins[places][:, None]
    found[known] &= ~inside(local, np.broadcast_to(store.sizes[places][:, None], local.shape))
    found[~known] = False
    return found


def far_labels(video: str, places: Sequence[str]) -> LabelError:
    """Say that labels lie where only a mistake puts them, such as those of another video or scale."""
    return LabelError(
        f"Labels of {video} lie far outside their frame ({places[0]}, {len(places)} in all), expected pixels of "
        "the full frame, and no position for what is not to be seen; correct them, nothing was written."
    )
