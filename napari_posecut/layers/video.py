"""A video as an Image layer: its frames are decoded on a thread when they are shown, under exact frame numbers."""

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from napari import Viewer
from napari.layers import Layer
from napari.utils.events import Event

from napari_posecut.jobs.monitor import breathe, in_background, on_window_thread
from napari_posecut.layers.canvas import (
    AXES,
    STAYS,
    add_layers,
    draw_unseen,
    keep_flat,
    lock,
    redraw,
    remove_layers,
    show_layers,
)
from napari_posecut.layers.status import Image, Points, Vectors
from posecut_core.errors import PosecutError
from posecut_core.video.reader import VideoReader

# --- frames -----------------------------------------------------------------------------------------------------------
# A video as an array that is decoded on a thread: nobody waits long for one of its frames.
#
#     frames = VideoFrames("rat.mp4")
#     frames.shape           # (120000, 480, 640, 3)
#     frames[1200]           # decoded in time, or gray; then `arrived` is called with 1200 when it is there
#     frames.close()


_GRAY = 128  # of a picture that cannot be decoded, or is not there yet
_PATIENCE = 0.06  # seconds for which a picture is waited for, as the user does not notice
_BLOCK = 16  # frames decoded together: stepping backwards then rarely decodes from a keyframe again
_MEMORY = 256 * 2**20  # bytes of decoded pictures kept

Picture = UInt8[np.ndarray, "H W 3"]


class VideoFrames:
    """The pictures of a video, T H W 3 in RGB, as napari asks for them."""

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(self, path: str | os.PathLike[str], *, patience: float = _PATIENCE) -> None:
        """Index a video and begin to decode on a thread.

        Args:
            path: the video.
            patience: seconds for which a picture is waited for before a gray one stands in for it.

        Raises:
            VideoError: the file is missing, empty, no video, or none of its frames can be decoded.
            StorageError: the file must not be read.
        """
        self.path = Path(path)
        self.arrived: Callable[[int], None] = _ignore  # called on the decoding thread
        self._reader = VideoReader(path, sure=False)
        index = self._reader.index
        self.shape = (index.frame_count, index.height, index.width, 3)
        self.fps = float(index.fps)  # frames per second, on average
        self._kept: dict[int, Picture | None] = {}  # None where it cannot be decoded; the oldest first
        self._most = max(4 * _BLOCK, _MEMORY // (index.height * index.width * 3))
        self._patience = patience
        self._wanted: int | None = None
        self._asked: int | None = None  # the frame of the last question, which is not let go of
        self._late: int | None = None
        self._changed = threading.Condition()
        self._closed = False
        self._doubtful: set[int] = set()  # may be damaged: only reading from the start of the file can tell
        self._patient: VideoReader | None = None  # reads these, while all others are still shown
        for work in (self._decode, self._make_sure):
            threading.Thread(target=work, name=f"decoding {self.path.name}", daemon=True).start()

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> UInt8[np.ndarray, "..."]:
        """Return pictures, or parts of them, as numpy does for whole numbers and slices.

        One gray picture stands in for all where a slice is longer than a block: napari asks for whole videos before it
        lets anybody refuse, and would go through every pixel of an answer that has their length.
        """
        first, *rest = key if isinstance(key, tuple) else (key,)
        inside = tuple(rest)
        if isinstance(first, slice):
            return self._several(range(*first.indices(len(self))))[(slice(None), *inside)]
        number = int(first)
        if not -len(self) <= number < len(self):
            raise IndexError(f"Frame {number} is out of range: the video has {len(self)} frames.")
        return self._now(number % len(self))[inside]

    def read(self, number: int) -> Picture | None:
        """Return a picture however long it takes; None where it cannot be decoded."""
        return self._wait(number, patience=None)

    def close(self) -> None:
        """Let go of the file; pictures are gray from now on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            patient = self._patient
        if patient:
            patient.close()

    @property
    def closed(self) -> bool:
        """Tell whether the file was let go of."""
        return self._closed

    def _several(self, numbers: range) -> UInt8[np.ndarray, "F H W 3"]:
        if not numbers:
            return np.empty((0, *self.shape[1:]), np.uint8)
        if len(numbers) > _BLOCK:
            return np.full((1, *self.shape[1:]), _GRAY, np.uint8)
        return np.stack([self._now(number) for number in numbers])

    def _now(self, number: int) -> Picture:
        """Return a picture if it is there in time; else a gray one."""
        picture = self._wait(number, patience=self._patience)
        return np.full(self.shape[1:], _GRAY, np.uint8) if picture is None else picture

    def _wait(self, number: int, *, patience: float | None) -> Picture | None:
        with self._changed:
            self._wanted = self._asked = number  # also if it is there: what comes after it may not be
            self._changed.notify_all()
            there = self._changed.wait_for(lambda: number in self._kept or self._closed, patience)
            self._late = None if there else number
            return self._kept.get(number)

    def _decode(self) -> None:
        """Decode what is wanted, and then what lies around it, until the video is closed."""
        around: list[int] = []  # blocks
        try:
            while (block := self._next(around)) is not None:
                missing = [number for number in self._numbers(block) if self._is_missing(number)]
                for number, picture in _decoded(self._reader, missing):
                    if not self._keep(number, picture):
                        break
                else:
                    with self._changed:
                        self._doubtful.update(number for number in missing if number not in self._kept)
                        self._changed.notify_all()
        finally:
            self._reader.close()

    def _make_sure(self) -> None:
        """Read the frames that may be damaged from the start of the file, until the video is closed."""
        while (number := self._next_doubtful()) is not None:
            try:
                self._patient = self._patient or VideoReader(self.path)
                picture = dict(_decoded(self._patient, [number]))[number]
            except (PosecutError, OSError):
                picture = None
            if self._closed:
                break
            self._keep(number, picture)
        if self._patient:
            self._patient.close()

    def _next_doubtful(self) -> int | None:
        """Wait for a frame that may be damaged, the one asked for last before others; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._doubtful or self._closed)
            if self._closed:
                return None
            return self._asked if self._asked in self._doubtful else min(self._doubtful)

    def _next(self, around: list[int]) -> int | None:
        """Wait for the next block to decode; None at the end."""
        with self._changed:
            while not self._closed:
                if self._wanted is not None:
                    block, self._wanted = self._wanted // _BLOCK, None
                    around[:] = [block, block + 1, block - 1]
                while around:
                    block = around.pop(0)
                    if any(self._is_missing(number) for number in self._numbers(block)):
                        return block
                self._changed.wait_for(lambda: self._wanted is not None or self._closed)
            return None

    def _is_missing(self, number: int) -> bool:
        return number not in self._kept and number not in self._doubtful

    def _numbers(self, block: int) -> range:
        return range(max(block, 0) * _BLOCK, min((block + 1) * _BLOCK, len(self)))

    def _keep(self, number: int, picture: Picture | None) -> bool:
        """Keep a picture, and tell whether to go on with its block."""
        fits = picture is not None and picture.shape == self.shape[1:]
        with self._changed:
            self._kept[number] = picture if fits else None
            self._doubtful.discard(number)
            while len(self._kept) > self._most:
                del self._kept[next(kept for kept in self._kept if kept != self._asked)]
            late = number == self._late
            self._late = None if late else self._late
            self._changed.notify_all()
            wanted = self._wanted
            elsewhere = wanted is not None and wanted not in self._kept and wanted // _BLOCK != number // _BLOCK
            go_on = not (self._closed or elsewhere)
        if late:
            self.arrived(number)
        return go_on


def _decoded(reader: VideoReader, numbers: list[int]) -> Iterator[tuple[int, Picture | None]]:
    """Decode frames; what the file itself refuses counts as damaged."""
    last = -1
    try:
        for number, picture in reader.frames(numbers):
            last = number
            yield number, picture
    except (PosecutError, OSError, ValueError, MemoryError):
        yield from ((number, None) for number in numbers if number > last)


def _ignore(number: int) -> None:
    """Tell nobody that a picture is there."""


# --- layer ------------------------------------------------------------------------------------------------------------
# The Image layer of a video; removing it closes the file.


_ABOUT = "posecut_video"  # key in the layer's metadata: the path of its video
_NO_VIDEO = "video"  # name of a layer without one
_NO_PICTURE = np.zeros((1, 2, 2, 3), np.uint8)


def show_video(viewer: Viewer, path: str | os.PathLike[str]) -> Image:
    """Add a video to a viewer; removing the layer closes the file.

    Raises:
        VideoError: the file is missing, empty, no video, or none of its frames can be decoded.
        StorageError: the file must not be read.
    """
    layer = video_image(name=Path(path).name)
    stop = play(layer, viewer, path)
    viewer.add_layer(layer)

    def close(event: Any) -> None:
        if event.value is layer:
            stop()
            viewer.layers.events.removed.disconnect(close)

    viewer.layers.events.removed.connect(close)
    return layer


def video_image(*, name: str) -> Image:
    """Return a layer for a video, which `play` gives one."""
    return Image(
        _NO_PICTURE,
        name=name,
        rgb=True,
        multiscale=False,
        contrast_limits=(0, 255),
        projection_mode="none",  # a frame is never mixed with its neighbors
        axis_labels=AXES,
        metadata={_ABOUT: ""},
    )


def play(layer: Image, viewer: Viewer, path: str | os.PathLike[str]) -> Callable[[], None]:
    """Let a layer show a video, and return what stops that and closes the file; its last frames stay with the layer.

    Raises:
        VideoError: the file is missing, empty, no video, or none of its frames can be decoded.
        StorageError: the file must not be read.
    """
    frames = in_background(lambda: VideoFrames(path))
    shown = weakref.ref(layer)
    arrived = on_window_thread(lambda: _redraw(shown))
    frames.arrived = lambda number: arrived()
    unflatten = keep_flat(viewer.dims)
    if layer in viewer.layers:
        viewer.dims.set_range(0, (0, len(frames) - 1, 1))  # which lays out the slider, as its data would
        breathe()
    layer.visible = True  # of a hidden one, napari would not notice how many frames it has
    layer.data, layer.metadata = frames, {_ABOUT: str(path)}

    def stop() -> None:
        frames.close()
        unflatten()

    return stop


def _redraw(shown: "weakref.ref[Image]") -> None:
    layer = shown()
    if layer is not None:
        redraw(layer)


def frames_of(layer: Image) -> VideoFrames:
    """Return the frames behind a layer that `show_video` made."""
    frames = layer.data
    assert isinstance(frames, VideoFrames)
    return frames


# --- kept layers ------------------------------------------------------------------------------------------------------
# The layers in which a project's videos are shown, made once with the project: napari takes a tenth of a second to add
# a layer or to remove one, and a hundredth to show or hide it.


_MARKER = 10  # pixels of the screen


class VideoLayers:
    """The layers for one video at a time, hidden while there is none: its picture, and what lies over it."""

    def __init__(self, viewer: Viewer, notify: Callable[[str], object]) -> None:
        """Make the layers; `prepare` adds them, as does the first video.

        Args:
            viewer: napari's.
            notify: tells the user something.
        """
        self._viewer, self._notify = viewer, notify
        self.unwanted: frozenset[Layer] = frozenset()  # layers that the user has hidden
        self._usual_width, self._chosen_width = 1.0, 0.0  # of lines, in pixels of the video; 0 before one is chosen
        self.picture = video_image(name=_NO_VIDEO)
        self.scoremap = Image(
            np.zeros((2, 2), np.float32),
            name="score map",
            opacity=0.5,
            colormap="inferno",
            contrast_limits=(0.0, 1.0),
            interpolation2d="linear",
            metadata={_ABOUT: ""},
        )
        self.lines = Vectors(
            np.zeros((1, 2, 2)), name="skeleton and trails", vector_style="line", ndim=2, metadata={_ABOUT: ""}
        )
        self.bodyparts, self.beside = _markers("bodyparts", "disc"), _markers("beside", "x")
        self.over = (self.scoremap, self.lines, self.bodyparts, self.beside)
        for layer in (self.picture, *self.over):
            lock(layer)  # predictions are looked at here, not changed
        self.lines.events.edge_width.connect(self._on_width_chosen)
        for points in (self.bodyparts, self.beside):
            points.events.current_size.connect(_follow_size)
            for event in (
                points.events.current_symbol,
                points.events.current_face_color,
                points.events.current_border_color,
            ):
                event.connect(self._on_style_chosen)
        self._stop: Callable[[], None] = _nothing

    def prepare(self) -> Iterator[None]:
        """Add the layers, and draw each once where nobody sees it; a piece at a time."""
        for layer in (self.picture, *self.over):
            add_layers(self._viewer, (layer,))
            yield
        for layer in (self.picture, *self.over):
            draw_unseen(self._viewer, layer)
            yield

    def restore(self) -> None:
        """Add the layers that are not there yet, or that the user has deleted."""
        for layer in (self.picture, *self.over):
            if add_layers(self._viewer, (layer,)):
                breathe()

    def play(self, path: Path) -> None:
        """Show a video.

        Raises:
            VideoError, StorageError: as for `play`.
        """
        self.restore()
        self._stop = play(self.picture, self._viewer, path)
        self.picture.name = path.name

    def widen_lines(self, width: float) -> None:
        """Draw lines so wide as suits a video, in its pixels, where the user has chosen no other width."""
        self._usual_width = width
        self.lines.edge_width = self._chosen_width or width

    def _on_width_chosen(self) -> None:
        if self.lines.edge_width != self._usual_width:
            self._chosen_width = float(self.lines.edge_width)

    def _on_style_chosen(self) -> None:
        self._notify(STAYS)

    def leave(self) -> None:
        """Hide what lies over the video; what the user has hidden stays so over the next one."""
        shown = [one for one in (self.lines, self.bodyparts) if one in self._viewer.layers]
        if any(one.visible for one in shown):  # not so over a video without predictions
            self.unwanted = frozenset(one for one in shown if not one.visible)
        show_layers(self._viewer, self.over, shown=False)

    def stop(self) -> None:
        """Hide the video, and let go of its file."""
        self._stop()
        self._stop = _nothing
        self.picture.data, self.picture.metadata, self.picture.name = _NO_PICTURE, {_ABOUT: ""}, _NO_VIDEO
        self.picture.visible = False

    def close(self) -> None:
        """Take the layers away for good."""
        self.stop()
        remove_layers(self._viewer, (self.picture, *self.over))


def _follow_size(event: Event) -> None:
    """Draw markers as big on the screen as napari's control says."""
    event.source.canvas_size_limits = (event.source.current_size, event.source.current_size)


def _nothing() -> None:
    """There is no video to let go of."""


def _markers(name: str, symbol: str) -> Points:
    return Points(
        np.zeros((1, 2)),
        name=name,
        symbol=symbol,
        size=_MARKER,
        border_width=0.2,
        canvas_size_limits=(_MARKER, _MARKER),
        metadata={_ABOUT: ""},
    )
