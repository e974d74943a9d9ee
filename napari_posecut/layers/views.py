"""The views of a session side by side and in step: videos, what a network sees, and where points in space fall."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64
from napari import Viewer
from napari.layers import Image, Points

from napari_posecut.layers.canvas import lock
from napari_posecut.layers.overlay import OverlayStyle, pose_markers
from napari_posecut.layers.video import frames_of, show_video
from posecut_core.poses.predictions import Predictions

_GAP = 1.02  # of a video's width, to the next one
_MARKER, _RING = 8, 14  # pixels of the screen


@dataclass(frozen=True)
class View:
    """What is shown of one camera."""

    video: Path
    predictions: Predictions
    images: Float64[np.ndarray, "T K 2"] | None = None  # of points in space; None where there are none


def show_views(viewer: Viewer, views: Mapping[str, View], style: OverlayStyle) -> None:
    """Show videos beside each other under one slider; markers are what a network sees, rings are points in space.

    Args:
        viewer: an empty one; the videos are closed with it.
        views: by camera, with the same bodyparts.
        style: of the bodyparts.

    Raises:
        VideoError: a video is missing, or cannot be read.
        StorageError: one must not be read.
    """
    shown: list[Image] = []
    places: list[float] = []
    for camera, view in views.items():
        places.append(places[-1] + _GAP * shown[-1].data.shape[2] if shown else 0.0)
        shown.append(show_video(viewer, view.video))
        shown[-1].name, shown[-1].translate = camera, (0, 0, places[-1])
    colors = np.tile(style.colors, (len(views), 1))
    seen, rings = _markers(colors, "bodyparts", _MARKER), _markers(colors, "points in space", _RING)
    rings.face_color[:, 3] = 0
    for layer in (*shown, rings, seen):
        lock(layer)
    for layer in (rings, seen):
        viewer.add_layer(layer)
    draw = partial(_draw, viewer, tuple(views.values()), places, seen, rings, style)
    viewer.dims.events.current_step.connect(lambda event: draw())
    viewer.dims.set_point(0, 0)
    viewer.reset_view()
    draw()
    window = getattr(viewer, "window", None)  # None of a viewer without one
    if window is not None:  # napari tells nobody else that a window is closed
        window._qt_window.destroyed.connect(partial(_close, shown))


def _close(videos: list[Image]) -> None:
    for image in videos:
        frames_of(image).close()


def _markers(colors: Float64[np.ndarray, "N 3"], name: str, size: int) -> Points:
    opaque = np.concatenate([colors, np.ones((len(colors), 1))], axis=1)
    return Points(
        np.zeros((len(colors), 2)), name=name, size=size, canvas_size_limits=(size, size), border_width=0.2,
        border_color=opaque, face_color=opaque,
    )  # fmt: skip


def _draw(
    viewer: Viewer,
    views: tuple[View, ...],
    places: list[float],
    seen: Points,
    rings: Points,
    style: OverlayStyle,
) -> None:
    """Put the markers where they are in the frame that the slider has come to."""
    if seen not in viewer.layers or rings not in viewer.layers:
        return
    number = int(viewer.dims.current_step[0])
    for at, (view, left) in enumerate(zip(views, places, strict=True)):
        part = slice(at * len(style.colors), (at + 1) * len(style.colors))
        is_there = number < len(view.predictions.xy)
        frame = min(number, len(view.predictions.xy) - 1)
        look = pose_markers(view.predictions.xy[frame], view.predictions.likelihood[frame], style)
        _put(seen, part, look.data, left, look.shown & is_there)
        seen.face_color[part] = look.face
        xy = np.full_like(view.predictions.xy[frame], np.nan) if view.images is None else view.images[frame]
        look = pose_markers(xy, np.ones(len(xy)), style)
        _put(rings, part, look.data, left, look.shown & is_there)
    for layer in (seen, rings):
        layer.refresh(thumbnail=False, extent=False)


def _put(
    layer: Points, part: slice, data: Float64[np.ndarray, "K 2"], left: float, shown: Bool[np.ndarray, " K"]
) -> None:
    layer.data[part], layer.shown[part] = data + np.array([0.0, left]), shown
    layer.border_color[part, 3] = shown  # napari draws all points of a plane, shown or not
