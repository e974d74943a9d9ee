"""An analysed video in napari: its frames, and over the current one markers, skeleton, trails and a score map.

The layers over the video hold one frame only: what napari does per frame grows with the points of a layer, not with those
that are seen.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float, Float64
from napari import Viewer
from napari.layers import Image, Layer, Points, Vectors
from psygnal import Signal

from napari_posecut.convert import to_rows_columns
from napari_posecut.overlay import OverlayStyle, pose_markers, skeleton_lines, trail_colours, trail_lines
from napari_posecut.video_layer import show_video
from posecut_core.analysis.predictions import Predictions

_MARKER = 10  # pixels of the screen
_NO_LINES = np.zeros((0, 2, 2))


class Playback:
    """The analysed video that a viewer shows; none at first."""

    changed = Signal()  # another video is shown, or none
    frame_changed = Signal(int)

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.video: Path | None = None
        self.predictions: Predictions | None = None
        self.style = OverlayStyle(np.empty((0, 3)), np.empty(0, bool))
        self._layers: tuple[Layer, ...] = ()
        self._map: Image | None = None

    @property
    def frame(self) -> int:
        """Return the number of the frame that is shown."""
        return int(self.viewer.dims.current_step[0])

    def show(self, video: Path, predictions: Predictions, style: OverlayStyle) -> None:
        """Show a video from its first frame on, with what a network sees in it.

        Raises:
            VideoError: the video cannot be read.
        """
        self.close()
        image = show_video(self.viewer, video)
        self.video, self.predictions, self.style = video, predictions, style
        width = max(1.0, image.data.shape[-2] / 500)
        self._trails = Vectors(_NO_LINES, name="trails", vector_style="line", edge_width=width)
        self._skeleton = Vectors(_NO_LINES, name="skeleton", vector_style="line", edge_width=width)
        self._points = _empty_points(style)
        for layer in (self._trails, self._skeleton, self._points):
            layer.metadata["posecut"] = str(video)
            self.viewer.add_layer(layer)
        self._layers = (image, self._trails, self._skeleton, self._points)
        self.viewer.dims.events.current_step.connect(self._follow)
        self.viewer.layers.events.removed.connect(self._miss)
        self.set_style(style)
        self.changed.emit()

    def set_style(self, style: OverlayStyle) -> None:
        """Draw the overlay differently."""
        self.style = style
        if self.predictions is None:
            return
        count = style.trail * len(style.colours)
        if len(self._trails.data) != count:
            self._trails.data = np.zeros((count, 2, 2))
            if count:
                self._trails.edge_color = trail_colours(style)
        self._draw()

    def go_to(self, frame: int) -> None:
        """Show a frame of the video."""
        if self.predictions is not None:
            self.viewer.dims.set_current_step(0, frame)

    def show_map(
        self,
        likelihood: Float[np.ndarray, "h w"],
        *,
        cell: Float64[np.ndarray, " 2"],
        origin: Float64[np.ndarray, " 2"],
        name: str,
    ) -> None:
        """Lay a score map over the frame, until another frame is shown.

        Args:
            likelihood: of each cell.
            cell: width and height of a cell in pixels of the full frame.
            origin: x, y of the middle of the top-left cell.
            name: of the layer.
        """
        self.hide_map()
        self._map = Image(
            likelihood,
            name=name,
            scale=to_rows_columns(cell),
            translate=to_rows_columns(origin),
            opacity=0.5,
            colormap="inferno",
            blending="translucent",
            contrast_limits=(0.0, 1.0),
            interpolation2d="linear",
        )
        self.viewer.add_layer(self._map)
        self.viewer.layers.move(len(self.viewer.layers) - 1, self.viewer.layers.index(self._trails))

    def hide_map(self) -> None:
        """Take the score map away."""
        shown, self._map = self._map, None
        if shown is not None and shown in self.viewer.layers:
            self.viewer.layers.remove(shown)

    def close(self) -> None:
        """Take the video and everything over it away, and stop listening."""
        if self.predictions is None:
            return
        self.viewer.dims.events.current_step.disconnect(self._follow)
        self.viewer.layers.events.removed.disconnect(self._miss)
        layers, self._layers = self._layers, ()
        self.video = self.predictions = None
        self.hide_map()
        for layer in layers:
            if layer in self.viewer.layers:
                self.viewer.layers.remove(layer)
        self.changed.emit()

    def _follow(self) -> None:
        """Draw what belongs to the frame that the slider has come to."""
        self.hide_map()
        self._draw()
        self.frame_changed.emit(self.frame)

    def _draw(self) -> None:
        predictions, style, number = self.predictions, self.style, self.frame
        assert predictions is not None
        xy, likelihood = predictions.xy[number], predictions.likelihood[number]
        look = pose_markers(xy, likelihood, style)
        with self._points.events.data.blocker():
            self._points.data = look.data
        if not np.array_equal(look.shown, self._points.shown):
            self._points.shown = look.shown
        if not np.array_equal(look.face, self._points.face_color):
            self._points.face_color = look.face
        self._skeleton.data = skeleton_lines(xy, likelihood, style)
        if style.trail:
            self._trails.data = trail_lines(predictions.xy, predictions.likelihood, number, style)

    def _miss(self, event: object) -> None:
        """Close when somebody removes one of the layers: the others mean nothing without it."""
        if any(layer not in self.viewer.layers for layer in self._layers):
            self.close()


def _empty_points(style: OverlayStyle) -> Points:
    points = Points(
        np.zeros((len(style.colours), 2)),
        name="bodyparts",
        size=_MARKER,
        border_width=0.2,
        border_color=np.concatenate([style.colours, np.ones((len(style.colours), 1))], axis=1),
        canvas_size_limits=(_MARKER, _MARKER),
    )
    points.editable = False  # predictions are looked at here, not changed
    return points
