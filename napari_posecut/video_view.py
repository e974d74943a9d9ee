"""A video in the place of the labelling: the labelling's layers go, and come back when it is left."""

from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from napari.layers import Image, Layer
from psygnal import Signal

from napari_posecut.canvas import take_away
from napari_posecut.desk import Desk
from napari_posecut.video_layer import show_video

_SHOWN: "WeakKeyDictionary[Desk, VideoView]" = WeakKeyDictionary()  # one at a time


class VideoView:
    """The look at one video of a project; asking for a frame to label leaves it, as does removing its layer."""

    left = Signal()

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.layer: Image | None = None
        self._others: tuple[Layer, ...] = ()
        self._config: Path | None = None

    def show(self, path: Path) -> Image:
        """Show a video; another that was shown goes.

        Raises:
            VideoError: it is missing, or cannot be read as a video.
            StorageError: it must not be read.
        """
        viewer, before = self._desk.viewer, _SHOWN.get(self._desk)
        if before is not None:
            before.leave()
        self._desk.hide_labels()
        try:
            self.layer = show_video(viewer, path)
        except BaseException:
            self._desk.show_labels()
            raise
        _SHOWN[self._desk] = self
        self._config = self._desk.project.config_path if self._desk.project else None
        viewer.title = f"PoseCut: {path.name}"
        viewer.reset_view()
        viewer.layers.events.removed.connect(self._removed)
        self._desk.project_changed.connect(self._look)
        if self._desk.labelling is not None:
            self._desk.labelling.frame_changed.connect(self._give_way)
        return self.layer

    def add(self, *layers: Layer) -> None:
        """Show more on top of the video, which goes with it."""
        self._others += layers
        for layer in layers:
            self._desk.viewer.add_layer(layer)

    def leave(self) -> None:
        """Take the video away, and go back to the labelling."""
        layer, self.layer = self.layer, None
        if layer is None:
            return
        viewer = self._desk.viewer
        _SHOWN.pop(self._desk, None)
        viewer.layers.events.removed.disconnect(self._removed)
        self._desk.project_changed.disconnect(self._look)
        if self._desk.labelling is not None:
            self._desk.labelling.frame_changed.disconnect(self._give_way)
        take_away(viewer, (*self._others, layer))
        self._others = ()
        self._desk.show_labels()
        self.left.emit()

    def _removed(self, event: Any) -> None:
        if event.value is self.layer:
            self.leave()

    def _give_way(self) -> None:
        """Leave if somebody asked for a frame to label; its layers are there already."""
        if self._desk.canvas is not None:
            self.leave()

    def _look(self) -> None:
        """Leave if another project is open now."""
        if self._desk.project is None or self._desk.project.config_path != self._config:
            self.leave()
