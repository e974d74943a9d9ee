"""What is drawn over one frame of an analysed video: markers, skeleton, trails; arrays in, arrays out.

Every array has the same length in all frames, so that whoever shows it need not build its colours again: what is not to
be seen is not `shown`, or a line without length.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64

from napari_posecut.convert import FILLED, to_rows_columns

_FAINTEST = 0.15  # opacity of a trail's end


@dataclass(frozen=True)
class OverlayStyle:
    """What is drawn of K bodyparts, and how."""

    colours: Float64[np.ndarray, "K 3"]  # red green blue from 0 to 1
    shown: Bool[np.ndarray, " K"]
    pcutoff: float = 0.6  # markers of lower likelihood are hollow, and have neither bones nor trails
    edges: tuple[tuple[int, int], ...] = ()  # bones, as pairs of bodyparts
    bone_colour: tuple[float, float, float] = (0.0, 0.0, 0.0)
    trail: int = 0  # frames


@dataclass(frozen=True)
class PoseMarkers:
    """What a Points layer shows of one frame."""

    data: Float64[np.ndarray, "K 2"]  # row, column
    shown: Bool[np.ndarray, " K"]
    face: Float64[np.ndarray, "K 4"]


def pose_markers(xy: Float[np.ndarray, "K 2"], likelihood: Float[np.ndarray, " K"], style: OverlayStyle) -> PoseMarkers:
    """Return the markers of a frame: hollow where the likelihood is not above the pcutoff."""
    placed = ~np.isnan(xy).any(axis=1)
    opacity = np.where((likelihood > style.pcutoff) & placed & style.shown, FILLED["placed"], FILLED["proposed"])
    face = np.concatenate([style.colours, opacity[:, None]], axis=1)
    return PoseMarkers(to_rows_columns(np.where(placed[:, None], xy, 0.0)), placed & style.shown, face)


def pose_lines(
    xy: Float[np.ndarray, "T K 2"], likelihood: Float[np.ndarray, "T K"], number: int, style: OverlayStyle
) -> Float64[np.ndarray, "N 2 2"]:
    """Return the lines of a frame, each as where it begins and how far it goes, in rows and columns.

    First the trails, the way of each bodypart through the last frames, as trail x K lines from frame to frame; then the
    bones. Only frames from `number - style.trail` to `number` are looked at, however long the video is.

    Args:
        xy: positions of the whole video.
        likelihood: of the whole video.
        number: the frame shown.
        style: what is drawn.
    """
    frames = np.arange(number - style.trail, number + 1)
    window = np.maximum(frames, 0)
    places = to_rows_columns(xy[window])
    seen = _seen(xy[window], likelihood[window], style) & (frames >= 0)[:, None]
    bones = np.array(style.edges, dtype=np.int64).reshape(-1, 2).T
    starts = np.concatenate([places[:-1].reshape(-1, 2), places[-1, bones[0]]])
    ends = np.concatenate([places[1:].reshape(-1, 2), places[-1, bones[1]]])
    both = np.concatenate([(seen[:-1] & seen[1:]).ravel(), seen[-1, bones[0]] & seen[-1, bones[1]]])
    lines = np.stack([starts, ends - starts], axis=1)
    return np.where(both[:, None, None], lines, 0.0).astype(np.float64)


def line_colours(style: OverlayStyle) -> Float64[np.ndarray, "N 4"]:
    """Return the colours of `pose_lines`: a trail has that of its bodypart, and is fainter the longer ago it is."""
    age = np.linspace(_FAINTEST, 1.0, style.trail) if style.trail else np.empty(0)
    parts = len(style.colours)
    trails = np.column_stack([np.tile(style.colours, (style.trail, 1)), np.repeat(age, parts)])
    return np.concatenate([trails, np.tile((*style.bone_colour, 1.0), (len(style.edges), 1))])


def _seen(
    xy: Float[np.ndarray, "... K 2"], likelihood: Float[np.ndarray, "... K"], style: OverlayStyle
) -> Bool[np.ndarray, "... K"]:
    return ~np.isnan(xy).any(axis=-1) & (likelihood > style.pcutoff) & style.shown
