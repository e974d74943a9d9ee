"""A video as an Image layer: its frames are decoded when they are shown, and its file is let go of with the layer."""

import os
import weakref
from pathlib import Path
from typing import Any

from napari import Viewer
from napari.layers import Image
from qtpy.QtCore import QObject, Signal

from napari_posecut.background import in_background
from napari_posecut.video_frames import VideoFrames

AXES = ("frame", "y", "x")
ABOUT = "posecut_video"  # key in the layer's metadata: the path of its video


class _Arrivals(QObject):
    """Bring the news of a decoded picture from its thread to the window."""

    arrived = Signal(int)

    def __init__(self, layer: Image) -> None:
        super().__init__()
        self._layer = weakref.ref(layer)
        self.arrived.connect(self._refresh)

    def _refresh(self, number: int) -> None:
        layer = self._layer()
        if layer is not None:
            layer.refresh()


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
        axis_labels=AXES,
        metadata={ABOUT: str(path)},
    )
    arrivals = _Arrivals(layer)
    frames.arrived = arrivals.arrived.emit
    viewer.add_layer(layer)

    def close(event: Any) -> None:
        if event.value is layer:
            frames.close()
            viewer.layers.events.removed.disconnect(close)

    viewer.layers.events.removed.connect(close)
    return layer


def frames_of(layer: Image) -> VideoFrames:
    """Return the frames behind a layer that `show_video` made."""
    frames = layer.data
    assert isinstance(frames, VideoFrames)
    return frames
