"""Looking through a video, and taking frames from it by hand."""

from collections.abc import Callable

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_posecut.background import in_background
from napari_posecut.crop import read_crop
from napari_posecut.desk import Desk
from napari_posecut.extracted_frames import take_frame
from napari_posecut.video_layer import frames_of
from napari_posecut.video_view import VideoView
from posecut_core.errors import VideoError
from posecut_core.workflow.opening import check_videos, resolve_video

KEY = "T"


class FramePicker(QWidget):
    """A button that shows a video in the place of the labelling, and one that takes the frame at its slider."""

    taken = Signal()

    def __init__(self, desk: Desk, video: Callable[[], str | None], cropped: Callable[[], bool]) -> None:
        """Make the buttons.

        Args:
            desk: of the viewer.
            video: tells the stem of the video that is chosen.
            cropped: tells whether only the crop of a frame is kept.
        """
        super().__init__()
        self._desk, self._chosen, self._cropped = desk, video, cropped
        self._video = ""
        self._some_taken = False
        self.view = VideoView(desk)
        self.view.left.connect(self._left)
        self.look_button = QPushButton("Look through the chosen video")
        self.look_button.clicked.connect(lambda: desk.attempt(self.look))
        self.hint = QLabel()
        self.hint.setWordWrap(True)
        self.take_button = QPushButton(f"Take this frame ({KEY})")
        self.take_button.clicked.connect(lambda: desk.attempt(self.take))
        self.back_button = QPushButton("Back to labelling")
        self.back_button.clicked.connect(self.view.leave)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.look_button)
        layout.addWidget(self.hint)
        row = QHBoxLayout()
        row.addWidget(self.take_button)
        row.addWidget(self.back_button)
        layout.addLayout(row)
        self._show_buttons()

    @property
    def number(self) -> int:
        """Return the number of the frame at the slider."""
        return int(self._desk.viewer.dims.current_step[0])

    def look(self) -> None:
        """Show the chosen video.

        Raises:
            ProjectError: no project is open.
            VideoError: no video is chosen, or it is missing, damaged or another than was added.
        """
        project, video = self._desk.require_project(), self._chosen()
        if video is None:
            raise VideoError("No video is chosen; choose one in the list above.")
        path = resolve_video(project, video)
        in_background(lambda: check_videos(project, [path]))
        self.view.show(path)
        self._video, viewer = video, self._desk.viewer
        viewer.dims.set_current_step(0, 0)
        viewer.bind_key(KEY, lambda _: self._desk.attempt(self.take), overwrite=True)
        viewer.dims.events.current_step.connect(self._show_number)
        self._show_buttons()

    def take(self) -> None:
        """Extract the frame at the slider.

        Raises:
            VideoError: the frame cannot be decoded, the crop is not within it, other work extracts frames at the
                moment, or no video is shown.
            StorageError: the disk refuses.
        """
        project, layer = self._desk.require_project(), self.view.layer
        if layer is None or self._desk.board.writing("frames"):
            raise VideoError("Other work extracts frames at the moment; wait until it has ended, then take this frame.")
        number, crop = self.number, read_crop(project, self._video) if self._cropped() else None
        new = take_frame(project, self._video, number, frames_of(layer).read(number), crop=crop)
        self._some_taken = self._some_taken or new
        self._show_number()
        self.hint.setText(f"{self.hint.text()}: {'taken' if new else 'was taken before'}")
        self.taken.emit()

    def _show_number(self, *_: object) -> None:
        if self.view.layer is not None:
            self.hint.setText(f"{self._video}, frame {self.number} of {len(frames_of(self.view.layer))}")

    def _left(self) -> None:
        viewer = self._desk.viewer
        viewer.bind_key(KEY, None, overwrite=True)
        viewer.dims.events.current_step.disconnect(self._show_number)
        self._show_buttons()
        if self._some_taken:
            self._some_taken = False
            self._desk.attempt(self._desk.refresh)

    def _show_buttons(self) -> None:
        looking = self.view.layer is not None
        self.look_button.setVisible(not looking)
        for widget in (self.hint, self.take_button, self.back_button):
            widget.setVisible(looking)
        self._show_number()
