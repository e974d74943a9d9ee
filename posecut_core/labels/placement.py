"""Where labels lie beside the stored pictures of their frames: in them, just outside, or as only mistakes do.

A label counts where 0 < x < width and 0 < y < height in its picture, as in DeepLabCut. Outside it nothing is to be
seen, and (0, 0) is what other programs write for "not visible".
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Float64, Int64, Shaped

from posecut_core.errors import LabelError
from posecut_core.labels.table import LabelTable
from posecut_core.video.store import FrameStore

NUMBERS: Mapping[int, str] = MappingProxyType({})  # frames are called by their numbers
FAR = 0.1  # of the longer side of the picture; a label just outside it may be meant


def without_outside(table: LabelTable, store: FrameStore) -> LabelTable:
    """Return the table without the labels that lie outside their picture, as if nobody had looked for them."""
    found = _not_inside(table, store)
    if not found.any():
        return table
    return replace(table, xy=np.where(found[..., None], np.nan, table.xy), looked=table.looked_at & ~found)


def inside(xy: Float64[np.ndarray, "*batch 2"], size: Shaped[np.ndarray, "*batch 2"]) -> Bool[np.ndarray, "*batch"]:
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


def uncounted(
    table: LabelTable, origins: Float64[np.ndarray, "F 2"], sizes: Float64[np.ndarray, "F 2"]
) -> tuple[Bool[np.ndarray, "F K"], Bool[np.ndarray, "F K"]]:
    """Tell which labels lie at (0, 0) of their picture, as for "not visible", and which others are not within it.

    Args:
        table: labels of one video.
        origins: x, y of each picture's top-left pixel in the full frame.
        sizes: height and width of each picture; frames of which they are NaN are not judged.
    """
    local = table.xy - origins[:, None]
    judged = ~np.isnan(local).any(axis=-1) & ~np.isnan(sizes).any(axis=-1)[:, None]
    out = judged & ~inside(local, np.broadcast_to(sizes[:, None], local.shape))
    corner = judged & (local == 0).all(axis=-1)
    return corner, out & ~corner


def labels_named(table: LabelTable, which: Bool[np.ndarray, "F K"], words: Mapping[int, str]) -> tuple[str, ...]:
    """Name labels of a table, as "frame 12 snout".

    Args:
        table: labels of one video.
        which: those to name.
        words: frame number -> what it is called where that is not "frame" and the number.
    """
    rows = ((int(table.numbers[row]), table.bodyparts[part]) for row, part in np.argwhere(which))
    return tuple(f"{words.get(number, f'frame {number}')} {part}" for number, part in rows)


def _not_inside(table: LabelTable, store: FrameStore) -> Bool[np.ndarray, "F K"]:
    known = np.isin(table.numbers, store.numbers)
    places = np.searchsorted(store.numbers, table.numbers[known])
    origins, sizes = np.full((2, len(known), 2), np.nan)
    origins[known], sizes[known] = store.origins[places], store.sizes[places]
    corner, out = uncounted(table, origins, sizes)
    return corner | out


def far_labels(video: str, places: Sequence[str]) -> LabelError:
    """Say that labels lie where only a mistake puts them, such as those of another video or scale."""
    return LabelError(
        f"Labels of {video} lie far outside their frame ({places[0]}, {len(places)} in all), expected pixels of "
        "the full frame, and no position for what is not to be seen; correct them, nothing was written."
    )
