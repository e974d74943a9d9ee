"""Keypoints and positions as napari's layers hold them: the only place where (x, y) becomes (row, column)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64

from napari_posecut.labeling.keypoints import Keypoint, KeypointState
from posecut_core.labels.state import Position
from posecut_core.types import Crop

_SYMBOLS: Mapping[KeypointState, str] = {
    "unset": "disc",
    "proposed": "disc",
    "placed": "disc",
    "occluded": "square",
    "absent": "disc",
}
FILLED: Mapping[KeypointState, float] = {"unset": 0.0, "proposed": 0.0, "placed": 0.8, "occluded": 0.25, "absent": 0.0}


class MarkerStyle(NamedTuple):
    """What a Points layer shows of the K bodyparts of a frame, one point each, in their order."""

    data: Float64[np.ndarray, "K 2"]  # row, column
    shown: Bool[np.ndarray, " K"]
    face: Float64[np.ndarray, "K 4"]  # hollow for a proposal, filled for a label
    border: Float64[np.ndarray, "K 4"]
    symbol: list[str]


def markers(
    keypoints: Sequence[Keypoint], colors: Float64[np.ndarray, "K 3"], *, elsewhere: tuple[float, float] = (0.0, 0.0)
) -> MarkerStyle:
    """Return what the keypoints of a frame look like; those without a position are not shown.

    Args:
        keypoints: one per bodypart.
        colors: of the bodyparts, red green blue from 0 to 1.
        elsewhere: row, column of the keypoints that are not shown.
    """
    count = len(keypoints)
    shown = np.array([keypoint.xy is not None for keypoint in keypoints], dtype=bool)
    solid = np.concatenate([colors, shown.astype(np.float64)[:, None]], axis=1)  # napari draws all points of a plane
    face = solid * np.array([(1, 1, 1, FILLED[keypoint.state]) for keypoint in keypoints]).reshape(count, 4)
    places = [_to_row_column(keypoint.xy) if keypoint.xy else elsewhere for keypoint in keypoints]
    return MarkerStyle(
        data=np.array(places, dtype=np.float64).reshape(count, 2),
        shown=shown,
        face=face,
        border=solid,
        symbol=[_SYMBOLS[keypoint.state] for keypoint in keypoints],
    )


def dotted_lines(
    xy: Float64[np.ndarray, "K 2"], edges: Sequence[tuple[int, int]], *, dots: int
) -> Float64[np.ndarray, "N 2"]:
    """Return the lines of a skeleton as a Points layer has them: each line is so many dots, from end to end.

    Args:
        xy: positions of the bodyparts; NaN where one has none, and so are the dots of its lines.
        edges: pairs of bodyparts.
        dots: of each line; at least 2.
    """
    ends = to_rows_columns(xy)[np.array(edges, dtype=np.int64).reshape(-1, 2)]
    along = np.linspace(0.0, 1.0, dots)[:, None]
    return (ends[:, :1] * (1 - along) + ends[:, 1:] * along).reshape(-1, 2)


def positions(keypoints: Sequence[Keypoint]) -> Float64[np.ndarray, "K 2"]:
    """Return x, y of keypoints; NaN where one has no position."""
    return np.array([keypoint.xy or (np.nan, np.nan) for keypoint in keypoints], dtype=np.float64).reshape(
        len(keypoints), 2
    )


def _to_row_column(xy: Position) -> tuple[float, float]:
    """Return where napari draws a position of the full frame."""
    return xy[1], xy[0]


def to_rows_columns(xy: Float[np.ndarray, "... 2"]) -> Float[np.ndarray, "... 2"]:
    """Return where napari draws many positions of the full frame."""
    return xy[..., ::-1]


def to_xy(row_column: Sequence[float]) -> Position:
    """Return the position in the full frame of a place in napari's world; the last two coordinates count."""
    return float(row_column[-1]), float(row_column[-2])


def crop_corners(crop: Crop) -> Float64[np.ndarray, "4 2"]:
    """Return the outer corners of a crop as a Shapes layer has them; the middle of a pixel is a whole number."""
    top, left, bottom, right = crop.y1 - 0.5, crop.x1 - 0.5, crop.y2 - 0.5, crop.x2 - 0.5
    return np.array([(top, left), (top, right), (bottom, right), (bottom, left)])


def to_crop(corners: Float64[np.ndarray, "4 D"], *, width: int, height: int) -> Crop:
    """Return the crop that a rectangle means, whole pixels within a frame of `width` x `height`; at least one.

    Args:
        corners: as a Shapes layer has them; the last two coordinates count.
        width: of the frame in pixels.
        height: as `width`.
    """
    low, high = corners[:, -2:].min(axis=0), corners[:, -2:].max(axis=0)
    most = np.array([height, width])
    first = np.clip(np.round(low + 0.5), 0, most - 1).astype(int)
    last = np.clip(np.round(high + 0.5), first + 1, most).astype(int)
    return Crop(x1=int(first[1]), x2=int(last[1]), y1=int(first[0]), y2=int(last[0]))
