"""The shown frame in napari: image, skeleton and Points layer, the keys that act on them, and the locked view."""

import math
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
from jaxtyping import Float64, UInt8
from napari import Viewer
from napari.components import Dims
from napari.layers import Layer
from napari.utils.events import Event
from psygnal import Signal

from napari_posecut.jobs.monitor import breathe
from napari_posecut.labeling.keypoints import Keypoint, nearest, turned
from napari_posecut.labeling.keys import KEYS
from napari_posecut.labeling.labeling import Labeling
from napari_posecut.layers.convert import dotted_lines, markers, positions, to_rows_columns, to_xy
from napari_posecut.layers.names import LETTERS, Box, beside, readable
from napari_posecut.layers.status import Image, Points, Vectors, words_of
from napari_posecut.preferences import preferences, remember_sizes
from posecut_core.errors import LabelError, PosecutError, Remedy
from posecut_core.labels.state import Position
from posecut_core.plots.colors import colors_of, named_color
from posecut_core.project.config import bones_between
from posecut_core.results import counted
from posecut_core.types import FrameRef

# --- lock -------------------------------------------------------------------------------------------------------------
# Keep napari's own tools off a layer: they would add and move markers past the label store, or shift the picture.
#
# A layer that is not editable stays in napari's mode of moving the view, in which our own clicks and drags work.


def lock(layer: Layer, advice: str = "") -> None:
    """Let napari's tools change a layer neither now nor later.

    Args:
        layer: that PoseCut draws.
        advice: what the status bar says while the layer is chosen, in place of the keys of napari's tools.
    """
    layer.editable = False
    layer.events.editable.connect(_lock_again)
    layer.events.help.connect(lambda event: setattr(event.source, "help", advice))


def _lock_again(event: Event) -> None:
    """Undo what napari does when it makes a layer's controls, gets other data, or shows three dimensions."""
    if event.source.editable:
        event.source.editable = False


# --- automatic fit ----------------------------------------------------------------------------------------------------
# Keep the whole picture in the view while a window and its docks change their sizes, until the user moves the view.


class AutoFit:
    """Watches one viewer; napari itself fits the picture once, to the size that the canvas has by then."""

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._fitted: tuple[float, ...] = ()
        viewer.events.reset_view.connect(self._on_reset_view)
        viewer.canvas.events.size.connect(self._on_resize)

    def _on_reset_view(self) -> None:
        self._fitted = self._camera()

    def _on_resize(self) -> None:
        if self._fitted == self._camera():
            fit_view(self._viewer)

    def _camera(self) -> tuple[float, ...]:
        camera = self._viewer.scene.camera
        return (*camera.center, *camera.angles, camera.zoom)


def fit_view(viewer: Viewer, picture: Layer | None = None) -> None:
    """Fit the view to a picture, or to the pictures that are seen; napari itself counts hidden layers, too."""
    seen = [layer for layer in viewer.layers if layer.visible and layer.ndim == viewer.dims.ndim]
    viewer.reset_view(layers=[picture] if picture is not None else seen or None)


# --- removal ----------------------------------------------------------------------------------------------------------
# A layer that goes must not take the process with it.


def guard_removal(viewer: Viewer) -> None:
    """Make the OpenGL context of a viewer current whenever one of its layers is about to go, whoever removes it.

    napari 0.9 then runs what vispy has queued (`VispyCanvas._clean_and_update_scenegraph`). Without a current context,
    or with that of another window, what is queued is lost, and drawing the layers that stay ends the process.
    """
    window = _window_of(viewer)
    if window is not None:
        viewer.layers.events.removing.connect(lambda: window._qt_viewer.canvas.native.makeCurrent())


def _window_of(viewer: Viewer) -> Any:
    """Return the window, from a plugin's viewer, too, which warns of parts of it; None where there is none."""
    return getattr(getattr(viewer, "__wrapped__", viewer), "window", None)


# --- canvas -----------------------------------------------------------------------------------------------------------
# The shown frame in napari: an image, the skeleton, and a Points layer of markers that the user clicks and drags.
#
# There are no modes: a click places, pressing on a marker drags it, dragging on the image moves the view.


AXES = ("frame", "y", "x")  # of pictures, of which a labeled one is the only frame
_REACH = 12  # screen pixels from a marker's middle within which it is meant
_ADVICE = "click: place the bodypart; drag a marker: move it; F1: all keys"
_HIDDEN = "No label was changed, because the markers are hidden; press H to show them."
_THREE_DIMENSIONS = (
    "No label was changed, because the image is shown in 3D; go back to 2D with the square and cube button at the "
    "bottom left."
)
_OTHER_LAYER = "No label was changed, because the layer {!r} is selected; select the layer 'labels' to label."
_OTHER_DOCK = "No label was changed, because 3 Label is not in front; bring it to the front to label."
_DELETED = "No label was changed, because the layer {!r} had been deleted; it is shown again."
_AWAY = "A video is shown in the place of the frame to label, and the layer {!r} belongs to that frame."
_OUTSIDE = "No label was changed, because the click was outside the image."
_NO_MARKER = "No label was deleted, because no marker is there; right click on the marker of a label or a suggestion."
_NOTHING_THERE = "No label was deleted, because {} has none in this frame."
_NOT_LABELED = (
    "No label was deleted: all bodyparts that are shown are done; choose one, or put the mouse on its marker."
)
_TOOK_BACK = "An edit of {} frames at once was taken back; Ctrl + Shift + Z makes it again."
_MADE_AGAIN = "An edit of {} frames at once was made again; Ctrl + Z takes it back."
_READ_AT_LAST = "The frame's image can be read again; nothing was labeled while it was missing."
STAYS = (
    "Symbols and colors of markers and bones show the bodypart and what is known of it, so they stay; 1 Project has a "
    "choice of colors below its list of bodyparts."
)
_GRAY = 96  # all over, where a picture cannot be read: black would look like a dark video
_EDGE = 0.1  # pixels from the first column and row: a label on 0 counts as one of what is not seen, as in DeepLabCut
_STILL = 4  # screen pixels that the mouse may move during a click
_DOTS = 40  # of a bone
_LINES, _LINE_DOTS = 5, 200  # epipolar lines of a bodypart at most, and the dots of each
_CROSS = 12.0  # screen points: where a network sees a bodypart, beside its label
_AROUND = 2.5  # how much more than the animal the view shows while it follows it


_Value = TypeVar("_Value")


class _Session(Protocol):
    """What the canvas needs of the session of its viewer."""

    places_labels: Callable[[], bool]

    def attempt(self, action: Callable[[], _Value], /) -> _Value | None:
        """Run what may be refused, and tell the user if it is."""
        ...

    def notify(
        self, sentence: str, remedies: Sequence[Remedy] = (), *, kind: Literal["note", "refused", "done"] = "note"
    ) -> None:
        """Show a sentence and buttons for remedies."""
        ...


class Canvas:
    """The layers of a labeling, and what the mouse does in them."""

    def __init__(self, viewer: Viewer, labeling: Labeling, session: _Session) -> None:
        """Make the layers; `prepare` adds those of every frame, hidden, and `show` shows them.

        Args:
            viewer: napari's.
            labeling: what is shown and edited.
            session: of the viewer; it runs edits, and tells the user where one is refused.
        """
        self.viewer = viewer
        self.labeling = labeling
        self.follows = False
        self.shown = False
        self._readable = True  # the frame's picture, so that the user sees what is labeled
        self._sizes_before = preferences().marker_size, preferences().bone_size
        self._unwanted: frozenset[Layer] = frozenset()  # layers that the user has hidden
        self._session = session
        self._symbols: list[str] = []
        self._predicted: Mapping[str, Position] = {}  # identity -> where a network sees a bodypart of the shown frame
        about = {"posecut": str(labeling.index.project.root)}
        self.image = Image(np.zeros((1, 2, 2, 3), np.uint8), name="frame", rgb=True, metadata=about, axis_labels=AXES)
        # Where other cameras see the bodypart that is labeled next; hidden without such.
        marker_size, bone_size = self._sizes_before
        self.epipolar = _empty_points("epipolar lines", about, size=bone_size)
        # Bones are dots: of lines, in whatever layer, napari builds the shader anew at each change, as long as a click
        self.skeleton = _empty_points("skeleton", about, size=bone_size)
        # Where a network sees bodyparts, joined to their labels.
        self.compared = _empty_points("predictions", about, size=_CROSS)
        self.points = _empty_points("labels", about, size=marker_size)
        self._chosen_sizes = {  # screen pixels: of markers, of the dots of lines
            layer: float(layer.current_size) for layer in (self.epipolar, self.skeleton, self.compared, self.points)
        }
        self.points.text.visible = False
        for layer in self.layers:
            lock(layer, _ADVICE)
            layer.visible = False
        self.dress()
        self.points.text.events.visible.connect(self._show_names)
        for event in (self.image.events.contrast_limits, self.image.events.gamma):
            event.connect(self._on_brightness_chosen)
        self.points.events.data.connect(self.show_keypoints)  # points that others add or delete are no labels
        for points in self._chosen_sizes:  # whose controls napari shows
            points.events.current_size.connect(self._on_size_chosen)
            for event in (
                points.events.current_symbol,
                points.events.current_face_color,
                points.events.current_border_color,
            ):
                event.connect(self._on_style_chosen)
        for layer in self.layers:
            layer.events.visible.connect(self._stay_hidden)

    def prepare(self) -> Iterator[None]:
        """Add the layers, and draw what every frame has once where nobody sees it; a piece at a time."""
        self.viewer.dims.ndim = len(AXES)  # which makes napari's slider, as the first layer would
        yield
        for layer in (self.image, self.skeleton, self.points):  # which every frame has
            self._add((layer,))
            yield
        self.viewer.scene.camera.zoom = 1.0  # around the picture of two pixels, a marker would fill the view
        for layer in (self.image, self.skeleton, self.points):
            self._draw_unseen(layer)
            yield

    def prepare_rest(self) -> Iterator[None]:
        """Add the other layers, and draw each once, too."""
        for layer in (self.compared, self.epipolar):
            self._add((layer,))
            yield
            self._draw_unseen(layer)
            yield

    def _add(self, layers: Iterable[Layer]) -> tuple[Layer, ...]:
        """Add those of the layers that the viewer lacks, each in its place among the others, and return them."""
        missing = add_layers(self.viewer, layers)
        for layer in reversed(missing):
            later = self.layers[self.layers.index(layer) + 1 :]
            above = next((one for one in later if one in self.viewer.layers), None)
            if above is not None:
                self.viewer.layers.move(self.viewer.layers.index(layer), self.viewer.layers.index(above))
        return missing

    def _draw_unseen(self, layer: Layer) -> None:
        with layer.events.visible.blocker(self._stay_hidden):
            draw_unseen(self.viewer, layer)

    def dress(self) -> None:
        """Follow the bodyparts of the project, their colors, its skeleton, and whether there are other views."""
        index = self.labeling.index
        names = list(index.columns.values())
        self._colors = colors_of(index.look.colormap, len(names))
        self._edges = bones_between(tuple(names), index.look.skeleton)
        counts = {
            self.epipolar: _LINES * _LINE_DOTS,
            self.skeleton: max(len(self._edges), 1) * _DOTS,
            self.compared: len(names) * (1 + _DOTS),
            self.points: len(names),
        }
        with self.points.events.data.blocker(self.show_keypoints):
            for layer, count in counts.items():
                if len(layer.data) != count:
                    give(layer, np.zeros((count, 2)))
        for dots in (self.epipolar, self.skeleton, self.compared):
            dots.border_width = 0  # of those that it was given, too: a border is seen where a dot is not
        self.skeleton.face_color = named_color(index.look.skeleton_color)
        self.compared.symbol = ["x"] * len(names) + ["disc"] * (len(names) * _DOTS)
        self._symbols = []
        self.points.features = {"bodypart": names}
        self.compared.words = tuple(names)
        # Names of the bodyparts, which napari's "display text" shows.
        text = {"array": [""] * len(names), "default": ""}
        shown = self.points.text.visible
        self.points.text = {"string": text, "visible": shown, "size": LETTERS, "anchor": "center"}
        if self.shown and self.labeling.frame is not None:
            show_layers(self.viewer, (self.epipolar,), shown=self.epipolar in self._used)
            self.show_keypoints()

    def show(self) -> None:
        """Show the frame: listen to the labeling and the mouse."""
        viewer = self.viewer
        self.shown = True
        self._unflatten = keep_flat(viewer.dims, solid=True)
        viewer.scene.camera.events.zoom.connect(self._resize)
        self.show_frame()
        viewer.mouse_drag_callbacks.append(self._pressed)
        self._double_clicks = list(viewer.mouse_double_click_callbacks)
        viewer.mouse_double_click_callbacks.clear()  # a quick second click would zoom in
        self.labeling.frame_changed.connect(self.show_frame)
        self.labeling.keypoints_changed.connect(self.show_keypoints)
        self.labeling.brightness_changed.connect(self._on_brightness_changed)

    def hide(self) -> None:
        """Hide the layers and stop listening, while something else is shown."""
        self.labeling.frame_changed.disconnect(self.show_frame)
        self.labeling.keypoints_changed.disconnect(self.show_keypoints)
        self.labeling.brightness_changed.disconnect(self._on_brightness_changed)
        self._unflatten()
        self.viewer.scene.camera.events.zoom.disconnect(self._resize)
        self.viewer.mouse_drag_callbacks.remove(self._pressed)
        self.viewer.mouse_double_click_callbacks.extend(self._double_clicks)
        self.shown = False
        if any(layer.visible for layer in self.layers):
            over = (self.epipolar, self.skeleton, self.points)
            self._unwanted = frozenset(one for one in over if one in self.viewer.layers and not one.visible)
        show_layers(self.viewer, self.layers, shown=False)

    def close(self) -> None:
        """Take the layers away for good."""
        if self.shown:
            self.hide()
        remove_layers(self.viewer, self.layers)
        sizes = self._chosen_sizes[self.points], self._chosen_sizes[self.skeleton]
        if sizes != self._sizes_before:
            remember_sizes(*sizes)

    def _stay_hidden(self, event: Event) -> None:
        """Keep labels off a picture that they do not belong to."""
        if event.source.visible and not self.shown:
            event.source.visible = False
            self._session.notify(_AWAY.format(event.source.name), (Remedy("label_frames"),), kind="refused")

    def reset_layers(self) -> None:
        """Put the layers back into their order, visible and opaque, with the markers selected."""
        self._unwanted = frozenset()
        there = (layer for layer in self.layers if layer in self.viewer.layers)
        for place, layer in enumerate(there):
            layer.visible, layer.opacity = layer in self._used, 1.0
            self.viewer.layers.move(self.viewer.layers.index(layer), place)
        self.select()

    def select(self) -> None:
        """Select the markers, so that labels can be changed; show what the user has deleted again."""
        if self._deleted is not None:
            self.show_frame()
        if self.points in self.viewer.layers:
            self.viewer.layers.selection.active = self.points

    @property
    def layers(self) -> tuple[Image | Points, ...]:
        """Return the layers, from the lowest to the uppermost."""
        return self.image, self.epipolar, self.skeleton, self.compared, self.points

    @property
    def _used(self) -> tuple[Image | Points, ...]:
        """Return the layers that have something to show."""
        used = {self.epipolar: bool(self.labeling.views.places), self.compared: bool(self._predicted)}
        return tuple(layer for layer in self.layers if used.get(layer, True))

    def show_frame(self) -> None:
        """Show the picture of the labeling's frame, and its keypoints; nothing where there is no frame."""
        if self.labeling.frame is None:
            show_layers(self.viewer, self.layers, shown=False)
            return
        self._predicted = {}
        missing = self._add(self._used)  # which the user has deleted; that deletes no label
        shape, seen = self.image.data.shape, any(layer.visible for layer in self.layers)
        if not seen:
            self.image.visible = True  # of a hidden one, napari would not notice the size
        self._load(self.labeling.frame)
        self.show_keypoints()
        if self.image.data.shape != shape or not seen:
            fit_view(self.viewer, self.image)
        if not seen:
            show_layers(self.viewer, (layer for layer in self._used if layer not in self._unwanted), shown=True)
            self.viewer.layers.selection.active = self.points
        show_layers(self.viewer, missing, shown=True)
        show_layers(self.viewer, (self.compared,), shown=False)
        if self.follows:
            self.zoom_to_animal()

    def compare(self, predicted: Mapping[str, Position]) -> None:
        """Show where a network sees bodyparts, as crosses joined to their labels, until another frame is shown.

        Args:
            predicted: identity of a bodypart -> x, y in pixels of the full frame.
        """
        self._predicted = predicted
        self._add((self.compared,))
        self.show_keypoints()
        self.compared.visible = True

    def edit(self, action: Callable[[], object], *, unseen: bool = False) -> None:
        """Run a change of labels where labels are made, else tell why not; a picture or markers that lack come first.

        Args:
            action: what changes labels; the user is notified where it is refused.
            unseen: whether it may be run where the frame's picture cannot be read.
        """
        refusal, deleted = self._refusal(), self._deleted
        if refusal is not None:
            self._session.notify(*refusal, kind="refused")
        elif deleted is not None:
            self.select()
            self.labeling.keypoints_changed.emit()  # for what is written where no layer is
            self._session.notify(_DELETED.format(deleted.name), kind="refused")
        elif self._readable or unseen:
            self._session.attempt(action)
        else:
            self.show_frame()
            if self._readable:
                self._session.notify(_READ_AT_LAST)

    @property
    def _deleted(self) -> Layer | None:
        """Return what the user has deleted and nobody labels without: the picture, or the markers."""
        needed = (self.image, self.points) if self.labeling.frame is not None else ()
        return next((layer for layer in needed if layer not in self.viewer.layers), None)

    @property
    def takes_edits(self) -> bool:
        """Tell whether a click in the picture can mean a label now."""
        return self.labeling.frame is not None and self._refusal() is None

    def _refusal(self) -> tuple[str, tuple[Remedy, ...]] | None:
        """Say why no label can be changed now, and what helps; None where labels are made."""
        if self.labeling.frame is None:
            return None  # which the labeling says itself
        active = self.viewer.layers.selection.active
        if active is not None and active not in self.layers:
            return _OTHER_LAYER.format(active.name), (Remedy("label_frames"),)
        if not self._session.places_labels():
            return _OTHER_DOCK, (Remedy("label_frames"),)
        if self.viewer.dims.ndisplay != 2:
            return _THREE_DIMENSIONS, ()
        hidden = self.points in self.viewer.layers and not self.points.visible
        return (_HIDDEN, ()) if hidden else None

    def show_keypoints(self) -> None:
        """Show the keypoints of the labeling's frame."""
        keypoints = self.labeling.keypoints
        if len(keypoints) != len(self._colors):  # no frame, or the bodyparts are others until `dress`
            self.points.shown[:] = False
            redraw(self.points)
            return
        keypoints = tuple(replace(one, xy=None) if one.bodypart in self.labeling.hidden else one for one in keypoints)
        style = markers(keypoints, self._colors, elsewhere=self._center())
        self._count_points(style.data)
        self.points.data[:], self.points.shown[:], self.points.face_color[:] = style.data, style.shown, style.face
        self.points.border_color[:] = style.border
        self.points.size[:] = self._sizes(keypoints)
        self.points.words = tuple(words_of(one.name, one.likelihood) for one in keypoints)
        if style.symbol != self._symbols:
            self._symbols = self.points.symbol = style.symbol  # which draws the layer
        else:
            redraw(self.points)
        self._show_bones(keypoints)
        self._show_lines()
        self._show_compared(keypoints)
        self._show_names()

    def _show_names(self) -> None:
        """Write the names of the bodyparts that have markers beside these, where the user wants to see names."""
        keypoints = self.labeling.keypoints
        if self.points.text.visible and len(keypoints) == len(self.points.shown):
            xy = np.where(self.points.shown[:, None], positions(keypoints), np.nan)
            zoom, left = self.viewer.scene.camera.zoom, self.image.translate[2]
            picture = (left * zoom, (left + self.image.data.shape[2]) * zoom)
            placed = beside([keypoint.name for keypoint in keypoints], xy * zoom, picture=picture)
            ground = np.array([self._ground(name.box) for name in placed])
            self.points.text.color = {"array": readable(self._colors, ground), "default": "white"}
            self.points.text.string = {"array": [name.text for name in placed], "default": ""}

    def _ground(self, box: Box) -> float:
        """Return how bright the picture is seen in a box that is as large on the screen, from 0 to 1; 0 beside it."""
        _, top, left = self.image.translate
        low, high = self.image.contrast_limits
        corner = np.array([left, top, left, top])
        x, y, right, bottom = np.maximum(np.round(np.array(box) / self.viewer.scene.camera.zoom - corner), 0).astype(
            int
        )
        patch = self.image.data[0, y : bottom + 1, x : right + 1]
        seen = (float(patch.mean()) - low) / (high - low) if patch.size else 0.0
        return float(np.clip(seen, 0.0, 1.0) ** self.image.gamma)

    def _show_bones(self, keypoints: tuple[Keypoint, ...]) -> None:
        dots = np.full_like(self.skeleton.data, np.nan)
        dots[: _DOTS * len(self._edges)] = dotted_lines(positions(keypoints), self._edges, dots=_DOTS)
        self._show_dots(self.skeleton, dots)

    def _show_lines(self) -> None:
        """Draw where the current bodypart must lie, by its labels in other views, in its color."""
        if not self.labeling.views.places:
            return
        lines, current = self.labeling.epipolar_lines[:_LINES], self.labeling.current
        dots = np.full((_LINES * _LINE_DOTS, 2), np.nan)
        for place, line in enumerate(lines):
            at = np.linspace(0, len(line) - 1, _LINE_DOTS)
            xy = np.stack([np.interp(at, np.arange(len(line)), line[:, axis]) for axis in (0, 1)], axis=-1)
            dots[place * _LINE_DOTS : (place + 1) * _LINE_DOTS] = to_rows_columns(xy)
        part = 0 if current is None else list(self.labeling.index.columns).index(current.bodypart)
        self._show_dots(self.epipolar, dots, color=self._colors[part])

    def _show_dots(
        self, layer: Points, dots: Float64[np.ndarray, "N 2"], *, color: Float64[np.ndarray, " 3"] | None = None
    ) -> None:
        """Draw a layer's dots, where they are others than before; those that are NaN are not seen."""
        seen, size = ~np.isnan(dots[:, 0]), self._size(layer)
        colors = layer.face_color[:, :3] if color is None else np.broadcast_to(color, (len(dots), 3))
        look = np.column_stack([np.where(seen[:, None], dots, self._center()), colors, seen])
        before = np.column_stack([layer.data, layer.face_color])
        if (look != before).any() or (layer.size != size).any():
            layer.data[:], layer.face_color[:], layer.size[:] = look[:, :2], look[:, 2:], size
            redraw(layer)

    def _show_compared(self, keypoints: tuple[Keypoint, ...]) -> None:
        """Draw a cross where a network sees each bodypart, and a line from there to its label."""
        if not self._predicted:
            return
        labels, parts = positions(keypoints), len(keypoints)
        predicted = {part: xy for part, xy in self._predicted.items() if part not in self.labeling.hidden}
        crosses = np.array([predicted.get(one.bodypart, (np.nan, np.nan)) for one in keypoints]).reshape(-1, 2)
        joined = [(part, parts + part) for part in range(parts)]
        lines = dotted_lines(np.concatenate([labels, crosses]), joined, dots=_DOTS)
        places = np.concatenate([to_rows_columns(crosses), lines])
        seen = ~np.isnan(places[:, 0])
        self.compared.data[:] = np.where(seen[:, None], places, self._center())
        self.compared.face_color[:, :3] = np.concatenate([self._colors, np.repeat(self._colors, _DOTS, axis=0)])
        self.compared.face_color[:, 3] = seen
        redraw(self.compared)

    def zoom_to_animal(self) -> None:
        """Zoom to the keypoints of the frame; without any, leave the view as it is."""
        xy = positions(self.labeling.seen)
        seen = xy[~np.isnan(xy[:, 0])]
        if len(seen) > 1:
            low, high = seen.min(axis=0), seen.max(axis=0)
            extent = max(float((high - low).max()), 20.0) * _AROUND
            self.viewer.scene.camera.center = (0.0, *((low + high) / 2)[::-1])
            self.viewer.scene.camera.zoom = min(self.viewer.canvas.size) / extent

    def keypoint_at(self, xy: Position) -> Keypoint | None:
        """Return the keypoint within reach of a position in the full frame; what is hidden is not within reach."""
        if self.points not in self.viewer.layers or not self.points.visible or self.viewer.dims.ndisplay != 2:
            return None
        current = self.labeling.current
        within = _REACH / self.viewer.scene.camera.zoom
        return nearest(self.labeling.seen, xy, within=within, preferred=current.bodypart if current else None)

    def keypoint_under_mouse(self) -> Keypoint | None:
        """Return the keypoint within reach of the mouse."""
        return self.keypoint_at(to_xy(self.viewer.cursor.position))

    def _load(self, frame: FrameRef) -> None:
        picture, (x, y) = self._read(frame)[None], self.labeling.index.origin(frame)
        if picture.shape == self.image.data.shape and (y, x) == tuple(self.image.translate[1:]):
            self.image.data[:] = picture
            redraw(self.image)
        else:
            self.image.data, self.image.translate = picture.copy(), (0, y, x)
        self._show_brightness(frame.video)
        lack = "" if self._readable else " (its image cannot be read)"
        self.viewer.title = f"PoseCut: {frame.video}, {self.labeling.word(frame)}{lack}"

    def _read(self, frame: FrameRef) -> UInt8[np.ndarray, "H W 3"]:
        """Return the frame's picture; a gray one where it cannot be read, and tell the user why."""
        try:
            picture, self._readable = self.labeling.index.image(frame), True
        except PosecutError as error:
            picture, self._readable = np.full_like(self.image.data[0], _GRAY), False
            self._session.notify(str(error), error.remedies, kind="refused")
        return picture

    def _show_brightness(self, video: str) -> None:
        """Show the picture as the user wants to see those of its video; napari's controls change that, too."""
        low, high, gamma = self.labeling.index.brightness(video)
        if (*self.image.contrast_limits, self.image.gamma) != (low, high, gamma):
            with self.image.events.contrast_limits.blocker(self._on_brightness_chosen):
                self.image.contrast_limits = (low, high)
            with self.image.events.gamma.blocker(self._on_brightness_chosen):
                self.image.gamma = gamma

    def _on_brightness_changed(self) -> None:
        if self.labeling.frame is not None:
            self._show_brightness(self.labeling.frame.video)
            self._show_names()

    def _on_brightness_chosen(self) -> None:
        """Keep what napari's controls of the picture, or a program, have set."""
        low, high = self.image.contrast_limits
        self.labeling.set_brightness((float(low), float(high), float(self.image.gamma)))

    def _count_points(self, positions: np.ndarray) -> None:
        """Let the layer have one point per bodypart, where napari's keys or a program gave it others."""
        if len(self.points.data) != len(positions):
            with self.points.events.data.blocker(self.show_keypoints):
                give(self.points, positions)
            self._symbols = []

    def _center(self) -> tuple[float, float]:
        """Return row, column of the picture's middle, where what is not shown lies: it shall not widen the view."""
        height, width = self.image.data.shape[1:3]
        _, row, column = self.image.translate
        return row + height / 2, column + width / 2

    def _resize(self) -> None:
        """Keep the markers as big on the screen as they were, whatever the zoom."""
        keypoints = self.labeling.keypoints
        if len(keypoints) == len(self._colors) == len(self.points.data):
            self.points.size[:] = self._sizes(keypoints)
            for layer in (self.epipolar, self.skeleton):
                layer.size[:] = self._size(layer)
            self.compared.size[:] = self._size(self.skeleton)
            self.compared.size[: len(keypoints)] = self._size(self.compared)
            for layer in self.layers[1:]:
                redraw(layer)

    def _on_size_chosen(self, event: Event) -> None:
        """Draw markers, crosses or lines as big as napari's control says."""
        self._chosen_sizes[event.source] = float(event.source.current_size)
        self._resize()

    def _size(self, layer: Points) -> float:
        """Return the size of a layer's markers or dots in pixels of the picture."""
        return self._chosen_sizes[layer] / float(self.viewer.scene.camera.zoom)

    def _on_style_chosen(self) -> None:
        self._session.notify(STAYS)

    def _sizes(self, keypoints: tuple[Keypoint, ...]) -> np.ndarray:
        current, size = self.labeling.current, self._size(self.points)
        chosen = current.bodypart if current else None
        return np.array([1.4 * size if keypoint.bodypart == chosen else size for keypoint in keypoints])

    def _pressed(self, viewer: Viewer, event: Any) -> Generator[None, None, None]:
        """Follow the mouse from a press to its release."""
        if self.labeling.frame is None:
            return
        if "Alt" in event.modifiers and event.button == 1:
            yield from self._turn_proposals(event)
            return
        held = self.keypoint_at(to_xy(event.position))
        start, far = np.array(event.pos), False
        drags = held is not None and event.button == 1 and self._refusal() is None  # else the view moves
        if drags:
            viewer.scene.camera.mouse_pan = False
        yield
        while event.type == "mouse_move":
            far = far or bool(np.abs(np.array(event.pos) - start).max() > _STILL)
            if far and held is not None and drags:
                self._show_moved({held.bodypart: self._within(to_xy(event.position))})
            yield
        viewer.scene.camera.mouse_pan = True
        self._released(held, to_xy(event.position), event, dragged=far)

    def _turn_proposals(self, event: Any) -> Generator[None, None, None]:
        """Move all proposals with the mouse; with Shift, turn them about their middle."""
        places = self.labeling.movable if self._refusal() is None else {}
        turns, moved = "Shift" in event.modifiers, dict[str, Position]()
        start, (x, y) = to_xy(event.position), np.mean(list(places.values()) or [(0.0, 0.0)], axis=0)
        shift, angle, pressed, far = (0.0, 0.0), 0.0, np.array(event.pos), False
        self.viewer.scene.camera.mouse_pan = not places
        yield
        while event.type == "mouse_move":
            far = far or bool(np.abs(np.array(event.pos) - pressed).max() > _STILL)
            here = to_xy(event.position)
            if turns:
                angle = math.atan2(here[1] - y, here[0] - x) - math.atan2(start[1] - y, start[0] - x)
            else:
                shift = here[0] - start[0], here[1] - start[1]
            moved = {part: self._within(xy) for part, xy in turned(places, shift, angle).items()}
            self._show_moved(moved)
            yield
        self.viewer.scene.camera.mouse_pan = True
        if far:
            self.edit(lambda: self.labeling.propose(moved))
        else:
            self.show_keypoints()

    def _released(self, held: Keypoint | None, xy: Position, event: Any, *, dragged: bool) -> None:
        if event.button == 1 and dragged and held is not None:
            self.edit(lambda: self.labeling.move(held.bodypart, self._within(xy)))
            self.show_keypoints()  # where it was, if the move was refused
        elif event.button == 1 and not dragged:
            self._clicked(held, xy, hidden="Shift" in event.modifiers)
        elif event.button == 2 and not dragged:
            self.edit(lambda: self._delete(held, _NO_MARKER))

    def _clicked(self, held: Keypoint | None, xy: Position, *, hidden: bool) -> None:
        current = self.labeling.current
        is_current_open = current is not None and current.is_open
        if held is not None and is_current_open and held != current and not self._hits(held, xy):
            held = None  # near the marker of another bodypart, the click means the current one
        if held is not None and held.state == "proposed" and held.xy is not None and not hidden:
            where = held.xy
            self.edit(lambda: self.labeling.move(held.bodypart, where))  # it is right as it is
        elif held is not None and not is_current_open:
            self.labeling.choose(held.bodypart)
        else:
            place = self.labeling.occlude if hidden else self.labeling.place
            self.edit(lambda: place(self._inside(xy)))

    def delete(self) -> None:
        """Delete the label under the mouse; without one, that of the current bodypart."""
        self._delete(self.keypoint_under_mouse() or self.labeling.current, _NOT_LABELED)

    def _delete(self, keypoint: Keypoint | None, why: str) -> None:
        """Delete a label or a suggestion.

        Raises:
            LabelError: there is none; without a keypoint, the sentence is `why`.
        """
        if keypoint is None:
            raise LabelError(why)
        self.labeling.unset(keypoint.bodypart)  # which makes it the current one all the same
        if keypoint.state == "unset":
            raise LabelError(_NOTHING_THERE.format(keypoint.name))

    def _hits(self, keypoint: Keypoint, xy: Position) -> bool:
        """Tell whether a position lies on the marker of a keypoint, not only within reach of it."""
        return nearest([keypoint], xy, within=self._size(self.points) / 2) is not None

    def _inside(self, xy: Position) -> Position:
        """Return where a click in the picture means a label.

        Raises:
            LabelError: the click was outside the picture.
        """
        height, width = self.image.data.shape[1:3]
        _, row, column = self.image.translate
        if not (column - 0.5 <= xy[0] <= column + width - 0.5 and row - 0.5 <= xy[1] <= row + height - 0.5):
            raise LabelError(_OUTSIDE)
        return self._within(xy)

    def _within(self, xy: Position) -> Position:
        """Return the position in the picture that is closest to one, where a label counts."""
        height, width = self.image.data.shape[1:3]
        _, row, column = self.image.translate
        x = min(max(xy[0], column + _EDGE), column + width - 0.5)
        y = min(max(xy[1], row + _EDGE), row + height - 0.5)
        return float(x), float(y)

    def _show_moved(self, places: Mapping[str, Position]) -> None:
        """Draw markers where the mouse has them."""
        parts = list(self.labeling.index.columns)
        for part, xy in places.items():
            self.points.data[parts.index(part)] = xy[::-1]
        redraw(self.points)


def redraw(layer: Layer) -> None:
    """Draw a layer whose arrays were changed in place, once; setters would draw each time."""
    layer.refresh(thumbnail=False, extent=False, highlight=False)


def keep_flat(dims: Dims, *, solid: bool = False) -> Callable[[], None]:
    """Undo what makes napari show frames beside each other, which takes all of them; return what stops that.

    Args:
        dims: of the viewer.
        solid: whether three dimensions may be shown all the same.
    """

    def flatten() -> None:
        if dims.ndim - len(AXES) in dims.displayed and not (solid and dims.ndisplay == 3):
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


def add_layers(viewer: Viewer, layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Add those of the layers that a viewer lacks, hidden, and return them; what is selected stays so."""
    missing = tuple(layer for layer in layers if layer not in viewer.layers)
    selected = viewer.layers.selection.active
    for layer in missing:
        layer.visible = False
        viewer.add_layer(layer)
    if missing and selected is not None:
        viewer.layers.selection.active = selected
    return missing


def draw_unseen(viewer: Viewer, layer: Layer) -> None:
    """Draw a hidden layer once where nobody sees it: shaders are compiled then, not when somebody waits for it."""
    if layer.visible or layer not in viewer.layers:
        return
    opacity, layer.opacity = layer.opacity, 0.0
    layer.visible = True
    breathe()
    layer.visible, layer.opacity = False, opacity


def give(layer: Points | Vectors, data: Float64[np.ndarray, "N *D"]) -> None:
    """Give a layer data of another length."""
    if isinstance(layer, Points):
        layer.selected_data = set()  # or some that are no more
    layer.data = data
    layer.set_view_slice()  # which napari leaves out where a layer is hidden, and asks for colors of what is gone


def show_layers(viewer: Viewer, layers: Iterable[Layer], *, shown: bool) -> None:
    """Show those of the layers that a viewer has, or hide them."""
    for layer in layers:
        if layer.visible != shown and layer in viewer.layers:
            layer.visible = shown


def remove_layers(viewer: Viewer, layers: Iterable[Layer]) -> None:
    """Remove those of the layers that a viewer has."""
    there = [layer for layer in layers if layer in viewer.layers]
    if not there:
        return  # napari would collect garbage and draw all the same
    with viewer.layers.batched_update():  # or it would do so after each
        for layer in there:
            viewer.layers.remove(layer)


def preload() -> None:
    """Let napari load what its first layer needs; it takes a second, and a thread may do it."""
    Image(np.zeros((2, 2, 3), np.uint8), rgb=True)


_MEASURED = "ÅÉÑŐjgpqy "  # by these vispy measures every text, also one without letters


def load_letters(viewer: Viewer) -> Iterator[object]:
    """Draw, one by one, the letters that vispy wants before the first Points layer; all at once take 0.06 s."""
    window = _window_of(viewer)
    if getattr(window, "_qt_window", None) is None:
        return  # there is none, or it was closed before anybody had time for this
    known = window._qt_viewer.canvas.font_info()
    font = known.font_manager.get_font(known.face)
    for letter in _MEASURED:
        yield font[letter]


def _empty_points(name: str, about: dict[str, str], *, size: float) -> Points:
    return Points(
        np.zeros((1, 2)),
        name=name,
        size=float(size),  # an int here would round every size that is set
        border_width=0.2,
        border_width_is_relative=True,
        metadata=about,
    )


# --- actions ----------------------------------------------------------------------------------------------------------
# What keys and buttons do to a labeling in its window; `keys.KEYS` names these methods.


class Actions:
    """One method per key; refusals are shown, not raised; so is that there is nothing to go to."""

    frame_requested = Signal()  # the user wants to type a frame's number
    note_requested = Signal()  # the user wants to write a note on the frame
    help_requested = Signal(bool)  # False where it is wanted no more

    def __init__(self, labeling: Labeling, canvas: Canvas, session: _Session) -> None:
        self.labeling = labeling
        self.canvas = canvas
        self._session = session

    def accept(self) -> None:
        """Accept all proposals and go on."""
        self.canvas.edit(lambda: self._notify_left(self.labeling.accept()))

    def next_frame(self) -> None:
        """Show the next frame."""
        self._session.attempt(lambda: self.labeling.step(1))

    def previous_frame(self) -> None:
        """Show the frame before."""
        self._session.attempt(lambda: self.labeling.step(-1))

    def next_open(self) -> None:
        """Show the next frame that needs the user."""
        self._session.attempt(lambda: self._notify_done(self.labeling.next_open()))

    def previous_open(self) -> None:
        """Show the frame before that needs the user."""
        self._session.attempt(lambda: self._notify_done(self.labeling.next_open(-1)))

    def next_bodypart(self) -> None:
        """Choose the next bodypart."""
        self.labeling.choose_next(1)

    def previous_bodypart(self) -> None:
        """Choose the bodypart before."""
        self.labeling.choose_next(-1)

    def reject(self) -> None:
        """Reject all proposals of the frame."""
        self.canvas.edit(lambda: self._notify_left(self.labeling.reject()))

    def toggle_names(self) -> None:
        """Show the names of bodyparts at their markers, or hide them."""
        self.canvas.points.text.visible = not self.canvas.points.text.visible

    def absent(self) -> None:
        """Say that the current bodypart is not in the frame."""
        self.canvas.edit(self.labeling.mark_absent)

    def occluded(self) -> None:
        """Say that the current bodypart is hidden somewhere."""
        self.canvas.edit(self.labeling.occlude)

    def unset(self) -> None:
        """Delete the label under the mouse; without one, that of the current bodypart."""
        self.canvas.edit(self.canvas.delete)

    def copy_pose(self) -> None:
        """Propose the pose of the frame before."""
        self.canvas.edit(self.labeling.copy_pose)

    def next_uncertain(self) -> None:
        """Go to the next proposal of low likelihood."""
        pcutoff = self.labeling.index.project.config.pcutoff
        found = self._session.attempt(lambda: self.labeling.next_uncertain(pcutoff))
        if found:
            self.canvas.zoom_to_animal()
        else:
            self._session.notify(f"No suggestion has a likelihood below the pcutoff, {pcutoff:g}.")

    def undo(self) -> None:
        """Undo; tell if it was more than one sees, as where labels were imported."""
        self.canvas.edit(lambda: self._tell(self.labeling.undo(), _TOOK_BACK), unseen=True)

    def redo(self) -> None:
        """Redo; tell the same."""
        self.canvas.edit(lambda: self._tell(self.labeling.redo(), _MADE_AGAIN), unseen=True)

    def _tell(self, frames: int, sentence: str) -> None:
        if frames > 1:
            self._session.notify(sentence.format(frames))

    def toggle_follow(self) -> None:
        """Follow the animal, or stop following."""
        self.canvas.follows = not self.canvas.follows
        if self.canvas.follows:
            self.canvas.zoom_to_animal()
        else:
            self.canvas.viewer.reset_view()

    def toggle_markers(self) -> None:
        """Hide the markers and the skeleton, or show them."""
        shown = not self.canvas.points.visible
        self.canvas.points.visible = self.canvas.skeleton.visible = shown

    def drop(self) -> None:
        """Take the frame out of training, or back in."""
        self.canvas.edit(self.labeling.drop, unseen=True)

    def ask_frame(self) -> None:
        """Let the user type a frame's number."""
        self.frame_requested.emit()

    def ask_note(self) -> None:
        """Let the user write a note on the frame."""
        self.note_requested.emit()

    def toggle_help(self) -> None:
        """Show the keys, or hide them."""
        self.help_requested.emit(True)

    def close_help(self) -> None:
        """Hide the keys."""
        self.help_requested.emit(False)

    def _notify_done(self, found: bool) -> None:
        if not found and self.labeling.hidden:
            self._session.notify("The bodyparts that are shown are labeled in all other frames.")
        elif not found:
            self._session.notify("All other frames are labeled.")

    def _notify_left(self, proposals: int) -> None:
        if proposals:
            self._session.notify(f"{counted(proposals, 'suggestion')} of bodyparts that are not shown stayed.")


def bind(actions: Actions) -> None:
    """Bind the table of keys in the viewer, and in the layers, whose own keys would come first."""
    for key in KEYS:
        method = getattr(actions, key.action)
        for spelled in key.keys:
            for owner in (actions.canvas.viewer, *actions.canvas.layers):
                owner.bind_key(spelled, lambda _, method=method: method(), overwrite=True)


def unbind(actions: Actions) -> None:
    """Give the keys back; those of hidden layers, too, which would edit what nobody sees."""
    for key in KEYS:
        for spelled in key.keys:
            for owner in (actions.canvas.viewer, *actions.canvas.layers):
                owner.bind_key(spelled, None, overwrite=True)
