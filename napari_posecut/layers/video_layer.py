"""A video as an Image layer: its frames are decoded when they are shown, and its file is let go of with the layer."""

import os
import weakref
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from napari import Viewer
from napari.components import Dims
from napari.layers import Image
from qtpy.QtCore import QObject, Signal

from napari_posecut.jobs.monitor import in_background
from napari_posecut.layers.video_frames import VideoFrames

_AXES = ("frame", "y", "x")
_ABOUT = "posecut_video"  # key in the layer's metadata: the path of its video


class _Relay(QObject):
    """Bring the news of a decoded picture from its thread to the window. There is one, which outlives every thread."""

    arrived = Signal(object)  # weak reference to the layer

    def __init__(self) -> None:
        super().__init__()
        self.arrived.connect(self._refresh)

    def _refresh(self, shown: "weakref.ref[Image]") -> None:
        layer = shown()
        if layer is not None:
            layer.refresh()


@cache
def _relay() -> _Relay:
    return _Relay()


def show_video(viewer: Viewer, path: str | os.PathLike[str]) -> Image:
    """Add a video to a viewer; removing the layer closes the file.

    Raises:
        VideoError: the file is missing, empty, no video, or none of its frames can be decoded.
        StorageError: the file must not be read.
    """
    frames = in_background(lambda: VideoFrames(path))
    layer = Image(
        frames,
        name=Path(path).name,
        rgb=True,
        multiscale=False,
        contrast_limits=(0, 255),
        projection_mode="none",  # a frame is never mixed with its neighbours
        axis_labels=_AXES,
        metadata={_ABOUT: str(path)},
    )
    relay, shown = _relay(), weakref.ref(layer)
    frames.arrived = lambda number: relay.arrived.emit(shown)
    stop = _keep_flat(viewer.dims)
    viewer.add_layer(layer)

    def close(event: Any) -> None:
        if event.value is layer:
            frames.close()
            stop()
            viewer.layers.events.removed.disconnect(close)

    viewer.layers.events.removed.connect(close)
    return layer


def _keep_flat(dims: Dims) -> Callable[[], None]:
    """Undo what makes napari show the frames beside each other, which takes all of them; return what stops that."""

    def flatten() -> None:
        if dims.ndim - len(_AXES) in dims.displayed:
            dims.ndisplay = 2
            dims.order = tuple(range(dims.ndim))

    changes = (dims.events.ndisplay, dims.events.order)
    for change in changes:
        change.connect(flatten)
    flatten()

    def stop() -> None:
        for change in changes:
            change.disconnect(flatten)

    return stop


def frames_of(layer: Image) -> VideoFrames:
    """Return the frames behind a layer that `show_video` made."""
    frames = layer.data
    assert isinstance(frames, VideoFrames)
    return frames
