"""An analyzed video in the window, in the place of the labeling: frames, markers, skeleton, trails, a score map."""

import weakref
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float, Float64
from napari import Viewer
from napari.layers import Layer
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_posecut.jobs.monitor import breathe
from napari_posecut.layers.canvas import fit_view, give, redraw, remove_layers
from napari_posecut.layers.convert import to_rows_columns
from napari_posecut.layers.overlay import OverlayStyle, line_colors, pose_lines, pose_markers
from napari_posecut.layers.status import Image, Points, words_of
from napari_posecut.layers.video import Picture, VideoLayers, frames_of
from napari_posecut.session import Session
from posecut_core.errors import AnalysisError
from posecut_core.poses.predictions import Predictions, check_length

# --- video view -------------------------------------------------------------------------------------------------------
# A video in the place of the labeling: the labeling's layers are hidden until it is left, and those of videos after it.


_SHOWN: "WeakKeyDictionary[Session, VideoView]" = WeakKeyDictionary()  # one at a time


class VideoView:
    """The look at one video of a project; asking for a frame to label leaves it, as does removing its layer."""

    closed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self.layer: Image | None = None
        self._added: tuple[Layer, ...] = ()
        self._config: Path | None = None

    def show(self, path: Path) -> Image:
        """Show a video; another that was shown goes.

        Raises:
            VideoError: it is missing, or cannot be read as a video.
            StorageError: it must not be read.
        """
        viewer, before = self._session.viewer, _SHOWN.get(self._session)
        if before is not None:
            before.close()
        self._session.hide_labels()
        breathe()  # this takes a moment, and so does what follows
        layers = self._session.video_layers
        assert layers is not None, "videos are those of an open project"
        try:
            layers.play(path)
        except BaseException:
            self._session.show_labels()
            raise
        breathe()
        self.layer = layers.picture
        _SHOWN[self._session] = self
        self._config = self._session.project.config_path if self._session.project else None
        viewer.title = f"PoseCut: {path.name}"
        fit_view(viewer, self.layer)
        viewer.layers.selection.active = self.layer
        viewer.layers.events.removed.connect(self._on_layer_removed)
        self._session.project_changed.connect(self._on_project_changed)
        self._session.labels_wanted.connect(self.close)
        self._session.picture_changed.emit()
        return self.layer

    def add(self, *layers: Layer) -> None:
        """Show more on top of the video, which goes with it; not where it has been left meanwhile."""
        viewer = self._session.viewer
        for layer in layers:
            breathe()  # napari takes a moment for each
            if self.layer is None:
                return
            if layer in viewer.layers:
                layer.visible = True
            else:
                self._added += (layer,)
                viewer.add_layer(layer)
        breathe()

    def close(self) -> None:
        """Hide the video, and go back to the labeling."""
        layer, self.layer = self.layer, None
        if layer is None:
            return
        meanwhile = breathe if self._session.labeling is not None else _at_once
        viewer, layers = self._session.viewer, self._session.video_layers
        _SHOWN.pop(self._session, None)
        viewer.layers.events.removed.disconnect(self._on_layer_removed)
        self._session.project_changed.disconnect(self._on_project_changed)
        self._session.labels_wanted.disconnect(self.close)
        remove_layers(viewer, self._added)
        self._added = ()
        if layers is not None:
            layers.leave()
            meanwhile()
            layers.stop()
            meanwhile()
        self._session.show_labels()
        meanwhile()
        self._session.picture_changed.emit()
        self.closed.emit()

    def _on_layer_removed(self, event: Any) -> None:
        if event.value is self.layer:
            QTimer.singleShot(0, self.close)  # napari is not done with the layer yet, nor with others that go

    def _on_project_changed(self) -> None:
        """Leave if another project is open now."""
        if self._session.project is None or self._session.project.config_path != self._config:
            self.close()


def _at_once() -> None:
    """Let nothing be drawn in between."""


# --- playback ---------------------------------------------------------------------------------------------------------
# An analyzed video in the window: its frames, and over the current one markers, skeleton, trails and a score map.
#
# The layers over the video hold one frame only: what napari does per frame grows with the points of a layer, not with
# those that are seen. They are written in place, for setting `data` anew measures and draws the whole layer list again.


class Playback:
    """The analyzed video that a session shows; none at first."""

    changed = Signal()  # another video is shown, or none
    frame_changed = Signal(int)

    def __init__(self, session: Session) -> None:
        self._session = weakref.ref(session)
        self.video: Path | None = None
        self.predictions: Predictions | None = None
        self.style = OverlayStyle(np.empty((0, 3)), np.empty(0, bool))
        self._view: VideoView | None = None
        self._beside: Predictions | None = None

    @property
    def frame(self) -> int:
        """Return the number of the frame that is shown."""
        return int(self._viewer.dims.current_step[0])

    @property
    def frames(self) -> int:
        """Return how many frames the video has that is shown; 0 where none is."""
        return 0 if self.predictions is None else len(self.predictions.xy)

    @property
    def fps(self) -> float:
        """Return the frames per second of the video that is shown; 0 where none is."""
        layer = self._view.layer if self._view is not None else None
        return frames_of(layer).fps if layer is not None else 0.0

    def picture(self) -> Picture | None:
        """Return the picture of the frame that is shown, however long it takes; None where it cannot be decoded."""
        layer = self._view.layer if self._view is not None else None
        return frames_of(layer).read(self.frame) if layer is not None else None

    def show(self, video: Path, predictions: Predictions, style: OverlayStyle) -> None:
        """Show a video from its first frame on, with what a network sees in it, in the place of the labeling.

        Raises:
            VideoError: the video cannot be read.
            StorageError: it must not be read.
            AnalysisError: the predictions have fewer or more frames than the video.
        """
        self.close()
        session = self._session()
        assert session is not None, "a session outlives its docks"
        view = VideoView(session)
        image = view.show(video)
        try:
            check_length(predictions, video, image.data.shape[0])
        except AnalysisError:
            view.close()
            raise
        breathe()
        if view.layer is None:  # the video was left meanwhile
            return
        self._viewer.dims.set_current_step(0, 0)  # napari begins in the middle
        self.video, self.predictions, self.style, self._view = video, predictions, style, view
        self._layers.widen_lines(max(1.0, image.data.shape[2] / 500))
        for points in (self._layers.bodyparts, self._layers.beside):
            _count(points, style)
        view.closed.connect(self._on_view_closed)
        self._viewer.dims.events.current_step.connect(self._on_frame_changed)
        self.set_style(style)
        view.add(*(one for one in (self._layers.lines, self._layers.bodyparts) if one not in self._layers.unwanted))
        if self._view is view:
            self.changed.emit()

    def set_style(self, style: OverlayStyle) -> None:
        """Draw the overlay differently."""
        self.style = style
        if self.predictions is not None:
            colors = line_colors(style)
            give(self._layers.lines, np.zeros((max(len(colors), 1), 2, 2)))
            self._layers.lines.edge_color = colors if len(colors) else "black"
            self._draw()

    def show_beside(self, predictions: Predictions | None) -> None:
        """Show other predictions of the same bodyparts in the video as crosses, too; None takes them away.

        Raises:
            AnalysisError: they have fewer or more frames than the video.
        """
        if predictions is not None and self.video is not None:
            check_length(predictions, self.video, self.frames)
        self._beside = predictions
        if self.predictions is not None:
            self._layers.beside.visible = predictions is not None
            self._draw()

    def go_to(self, frame: int) -> None:
        """Show a frame of the video."""
        if self.predictions is not None:
            self._viewer.dims.set_current_step(0, frame)

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
        layer = self._layers.scoremap
        layer.data, layer.name = likelihood, name
        layer.scale, layer.translate = to_rows_columns(cell), to_rows_columns(origin)
        layer.visible = True

    def hide_map(self) -> None:
        """Take the score map away."""
        self._layers.scoremap.visible = False

    def close(self) -> None:
        """Take the video and everything over it away, and go back to the labeling."""
        if self._view is not None:
            self._view.close()

    @property
    def _layers(self) -> VideoLayers:
        session = self._session()
        layers = None if session is None else session.video_layers
        assert layers is not None, "videos are those of an open project"
        return layers

    @property
    def _viewer(self) -> Viewer:
        session = self._session()
        assert session is not None, "a session outlives its docks"
        return session.viewer

    def _on_view_closed(self) -> None:
        """Stop listening; the view may have been left by someone else."""
        self._viewer.dims.events.current_step.disconnect(self._on_frame_changed)
        self.video = self.predictions = self._view = self._beside = None
        self.changed.emit()

    def _on_frame_changed(self) -> None:
        """Draw what belongs to the frame that the slider has come to."""
        if self.predictions is None or self.frame >= len(self.predictions.xy):
            return  # layers are going
        self.hide_map()
        self._draw()
        self.frame_changed.emit(self.frame)

    def _draw(self) -> None:
        predictions, style, number = self.predictions, self.style, self.frame
        assert predictions is not None
        _mark(self._layers.bodyparts, predictions, number, style)
        if self._beside is not None:
            _mark(self._layers.beside, self._beside, number, style)
        lines = pose_lines(predictions.xy, predictions.likelihood, number, style)
        self._layers.lines.data[: len(lines)] = lines
        redraw(self._layers.lines)


_PLAYBACKS: "WeakKeyDictionary[Session, Playback]" = WeakKeyDictionary()


def playback_of(session: Session) -> Playback:
    """Return the playback of a session; there is one, and it is made when it is first asked for."""
    if session not in _PLAYBACKS:
        _PLAYBACKS[session] = Playback(session)
    return _PLAYBACKS[session]


def _mark(points: Points, predictions: Predictions, number: int, style: OverlayStyle) -> None:
    """Put the markers of a layer to where they are in a frame."""
    likelihood = predictions.likelihood[number]
    look = pose_markers(predictions.xy[number], likelihood, style)
    points.words = tuple(map(words_of, predictions.bodyparts, likelihood.tolist()))
    if len(points.data) != len(look.data):  # napari's keys deleted some
        give(points, look.data)
    points.data[:], points.shown[:], points.face_color[:] = look.data, look.shown, look.face
    points.border_color[:, 3] = look.shown  # napari draws all points of a plane, shown or not
    redraw(points)


def _count(points: Points, style: OverlayStyle) -> None:
    """Let a layer have one marker per bodypart, in its color."""
    give(points, np.zeros((len(style.colors), 2)))
    points.border_color = np.concatenate([style.colors, np.ones((len(style.colors), 1))], axis=1)
