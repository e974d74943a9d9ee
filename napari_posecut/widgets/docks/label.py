"""Dock 3: the bodyparts of the shown frame, its neighbors, and the buttons beside the keys."""

import math

from napari import Viewer
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QKeyEvent, QResizeEvent
from qtpy.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QGridLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_posecut.labeling.frame_index import AS_IT_IS, MEANING, Brightness
from napari_posecut.labeling.labeling import Labeling
from napari_posecut.preferences import preferences
from napari_posecut.session import Assistant, Session, session_of
from napari_posecut.widgets.parts import image_of, name_controls, scroll_content
from napari_posecut.widgets.parts.bodypart_table import BodypartTable
from napari_posecut.widgets.parts.frame_tree import FrameTree
from napari_posecut.widgets.parts.job_line import WrappedLabel, wrappable
from napari_posecut.widgets.parts.keys_help import KeysHelp
from posecut_core.errors import Remedy
from posecut_core.types import FrameRef

# --- help line --------------------------------------------------------------------------------------------------------
# The line of the dock 3 Label that says how a network helps, and lets the user do without.


class _AssistantLine(QWidget):
    """Whether a network helps while the user labels, and what it does at the moment."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._assistant: Assistant | None = None
        self.propose = QCheckBox("suggest poses while labeling")
        self.propose.setToolTip(
            "Hollow markers are suggestions; press Enter to accept them. The network learns while you label."
        )
        self.propose.toggled.connect(self._set_enabled)
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.propose)
        layout.addWidget(self.sentence)
        self.listen()

    def listen(self) -> None:
        """Listen to the help of the project that is open now."""
        found = self._session.assistant
        if found is not self._assistant and found is not None:
            found.changed.connect(self._show_sentence)
        self._assistant = found
        self.propose.setEnabled(found is not None)
        if found is not None:
            self.propose.setChecked(found.enabled)

    def _show_sentence(self, sentence: str) -> None:
        self.sentence.setText(sentence)

    def _set_enabled(self, on: bool) -> None:
        found = self._assistant
        if found is not None and found.enabled != on:
            self._session.attempt(lambda: found.set_enabled(on))
            self.sentence.setText("" if on else "No poses are suggested.")


# --- brightness -------------------------------------------------------------------------------------------------------
# How bright the pictures of a video are shown: gamma, and the gray values that are black and white.


_STRONGEST = 120  # gray values at either end that are black and white at full contrast
_BRIGHTEST, _DARKEST = 0.2, 2.0  # gamma, as far as napari's own control goes


class _BrightnessSliders(QWidget):
    """Two sliders for the pictures of the shown video."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.brightness, self.contrast = QSlider(Qt.Orientation.Horizontal), QSlider(Qt.Orientation.Horizontal)
        self.brightness.setRange(-100, 100)
        self.contrast.setRange(0, 100)
        self.brightness.setToolTip("brightness of the pictures of this video, kept with the project")
        self.contrast.setToolTip("contrast of the pictures of this video, kept with the project")
        self.reset_button = QPushButton("Reset")
        self.reset_button.setToolTip("show the pictures of this video as they are")
        self.reset_button.clicked.connect(self._reset)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for row, (text, slider) in enumerate((("brightness", self.brightness), ("contrast", self.contrast))):
            layout.addWidget(QLabel(text), row, 0)
            layout.addWidget(slider, row, 1)
            slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keys with the image
            slider.valueChanged.connect(self._take)
        layout.addWidget(self.reset_button, 0, 2, 2, 1)
        self._labeling: Labeling | None = None

    def listen(self) -> None:
        """Follow what napari's own controls set in the project that is open now."""
        labeling = self._session.labeling
        if labeling is not self._labeling and labeling is not None:
            labeling.brightness_changed.connect(self.show_video)
        self._labeling = labeling

    def show_video(self) -> None:
        """Show how bright the pictures of the shown video are."""
        labeling = self._session.labeling
        low, high, gamma = labeling.brightness if labeling is not None else AS_IT_IS
        contrast = round(100 * (255 - (high - low)) / (2 * _STRONGEST))
        for slider, value in ((self.brightness, _slider_of(gamma)), (self.contrast, contrast)):
            slider.blockSignals(True)
            slider.setValue(value)
            slider.blockSignals(False)
        self.reset_button.setEnabled((low, high, gamma) != AS_IT_IS)

    def _take(self) -> None:
        cut = self.contrast.value() / 100 * _STRONGEST
        self._set((cut, 255 - cut, _gamma_of(self.brightness.value())))

    def _reset(self) -> None:
        self._set(AS_IT_IS)

    def _set(self, brightness: Brightness) -> None:
        if self._session.labeling is not None:
            self._session.labeling.set_brightness(brightness)
        self.show_video()


def _gamma_of(slider: int) -> float:
    """Return the gamma of a slider from -100, dark, to 100, bright; `_slider_of` is the inverse."""
    return float((_BRIGHTEST if slider > 0 else _DARKEST) ** (abs(slider) / 100))


def _slider_of(gamma: float) -> int:
    end, sign = (_BRIGHTEST, 1) if gamma < 1 else (_DARKEST, -1)
    return round(100 * sign * math.log(gamma) / math.log(end))


# --- label ------------------------------------------------------------------------------------------------------------
# Dock 3: the bodyparts of the shown frame, its neighbors, and the buttons beside the keys.


_TALL = 850  # pixels of a dock in which bodyparts and frames have room below each other
_BUTTONS = (  # what is written on them, the method of `Actions` that they call, how the key is called
    ("Accept suggestions", "accept", "Enter"),
    ("Undo", "undo", "Ctrl + Z"),
    ("Next unlabeled", "next_open", "Shift + D"),
    ("Redo", "redo", "Ctrl + Shift + Z"),
    ("Next unlikely", "next_uncertain", "Q"),
    ("Copy last pose", "copy_pose", "C"),
    ("Reject suggestions", "reject", "Shift + X"),
    ("Names on the image", "toggle_names", "N"),
    ("Absent", "absent", "E"),
    ("Hidden", "occluded", "O"),
    ("Delete label", "unset", "X"),
    ("Drop frame", "drop", "Ctrl + Delete"),
)


class LabelDock(QWidget):
    """The labeling of the shown frame."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.session: Session = session_of(napari_viewer)
        self.heading = WrappedLabel()
        self.bodyparts = BodypartTable(self.session)
        self.frames: FrameTree | None = None  # once there was room for it
        self.number = _Number()
        self.number.setMaximum(2**31 - 1)
        self.number.editingFinished.connect(self._go_to_number)
        self.number.canceled.connect(self.show_keypoints)  # with the number of the shown frame
        self.note = _NoteLine()
        self.note.setPlaceholderText("note on this frame (M)")
        self.note.setToolTip("for you and for others; Enter keeps it. The filmstrip can show frames with notes first.")
        self.note.editingFinished.connect(self._write_note)
        self.note.canceled.connect(self._show_note)
        self._note_of: FrameRef | None = None  # the frame whose note is shown
        self.brightness = _BrightnessSliders(self.session)
        self.advance = QCheckBox("go to the next frame when one is done")
        self.advance.setChecked(preferences().advance)
        self.advance.toggled.connect(self._set_advance)
        self.network = _AssistantLine(self.session)
        self.progress = QProgressBar()
        self.buttons = QWidget()
        self.action_buttons: dict[str, QPushButton] = {}
        self.keys_button = QPushButton("Keys and mouse (F1)")
        self.help = KeysHelp(self)
        self._create_layout()
        self.session.project_changed.connect(self._on_project_changed)
        self.session.labels_changed.connect(self.show_keypoints)
        self.session.help_requested.connect(self.show_help)
        self.session.picture_changed.connect(self._hide_help)
        self.session.frame_requested.connect(self._focus_number)
        name_controls(self, "label")
        self._on_project_changed()

    def apply_remedy(self, remedy: Remedy) -> None:
        """Show the labels, of a remedy's video or frame if it names one, with their layer selected."""
        labeling, videos, numbers = self.session.labeling, *map(remedy.arguments.get, ("videos", "frames"))
        self.session.show_labels()
        if labeling is not None and isinstance(videos, list):
            wanted = numbers if isinstance(numbers, list) else None
            frames = [key for key in labeling.index.frames if key.video in videos]
            frames = [key for key in frames if wanted is None or key.number in wanted]
            if frames:
                self.session.show_frame(frames[0].video, frames[0].number)
        if self.session.canvas is not None:
            self.session.canvas.select()

    def show_keypoints(self) -> None:
        """Show the bodyparts of the frame and the progress of the project."""
        labeling = self.session.labeling
        if labeling is None or labeling.frame is None:
            self.heading.setText("No frames to label yet: open a project (1 Project), and extract frames (2 Frames).")
            self.bodyparts.show_frame()
            return
        frame, status = labeling.frame, labeling.status(labeling.frame)
        reading = "" if labeling.writable else "; read-only"
        self.heading.setText(
            f"<b>{wrappable(frame.video)}</b>, {wrappable(labeling.word(frame))}: {MEANING[status]}{reading}"
        )
        self.number.setValue(frame.number)
        if frame != self._note_of or not self.note.hasFocus():
            self._note_of = frame
            self._show_note()
        self.brightness.show_video()
        self.bodyparts.show_frame()
        counted = labeling.progress
        self.progress.setMaximum(max(counted.frames, 1))
        self.progress.setValue(counted.done)
        self.progress.setFormat(f"{counted.done} of {counted.frames} frames done, {counted.open} bodyparts left")

    def focus_note(self) -> None:
        """Let the user write the note on the shown frame."""
        self.note.setFocus()
        self.note.selectAll()

    def show_help(self, wanted: bool) -> None:
        """Show all keys over the image; hide them where they are shown already, or are not wanted."""
        image = image_of(self.window() or self)
        if wanted and self.help.isHidden() and image is not None:
            self.help.show_over(image)
        else:
            self.help.hide()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 (Qt's name)
        """On a tall screen, list the frames below the bodyparts, too."""
        super().resizeEvent(event)
        tall = self.height() >= _TALL
        if tall and self.frames is None:
            self.frames = FrameTree(self.session)
            name_controls(self.frames, "label.frames")
            self._lists.addWidget(self.frames)
        if self.frames is not None:
            self.frames.setVisible(tall)

    def _create_layout(self) -> None:
        content = QWidget()
        layout, self._lists = QVBoxLayout(content), QVBoxLayout()
        layout.addWidget(self.heading)
        layout.addWidget(self.progress)
        self._lists.addWidget(self.bodyparts)
        layout.addLayout(self._lists, stretch=3)
        grid = QGridLayout(self.buttons)
        grid.setContentsMargins(0, 0, 0, 0)
        for place, (text, action, key) in enumerate(_BUTTONS):
            button = self.action_buttons[action] = QPushButton(text)
            button.setToolTip(f"{text} (key: {key})")
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keys stay with the image
            button.clicked.connect(lambda _=False, action=action: self._act(action))
            grid.addWidget(button, place // 2, place % 2)
        layout.addWidget(self.buttons)
        form = QFormLayout()
        form.addRow("go to frame", self.number)
        layout.addLayout(form)
        layout.addWidget(self.note)
        layout.addWidget(self.brightness)
        layout.addWidget(self.advance)
        layout.addWidget(self.network)
        self.keys_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.keys_button.clicked.connect(lambda: self.show_help(wanted=True))
        layout.addWidget(self.keys_button)
        scroll_content(self, content)

    def _hide_help(self) -> None:
        """Hide the keys of labeling while something else is shown."""
        if self.session.canvas is None:
            self.help.hide()

    def _on_project_changed(self) -> None:
        """Show the labeling that is open now, which goes on by itself as the box says."""
        self.network.listen()
        self.brightness.listen()
        self._set_advance(self.advance.isChecked())
        self.show_keypoints()

    def _act(self, action: str) -> None:
        labeling = self.session.labeling
        if self.session.actions is not None:
            getattr(self.session.actions, action)()
        elif labeling is not None and (frame := labeling.frame) is not None:  # a video is shown in its place
            self.session.attempt(lambda: self.session.show_frame(frame.video, frame.number))

    def _set_advance(self, on: bool) -> None:
        if self.session.labeling is not None:
            self.session.labeling.advance = on

    def _focus_number(self) -> None:
        self.number.setFocus()
        self.number.selectAll()

    def _show_note(self) -> None:
        labeling = self.session.labeling
        self.note.setText("" if labeling is None else " ".join(labeling.note.split()))

    def _write_note(self) -> None:
        """Keep the note, if it is another one than before and its frame is still the one that is shown."""
        labeling, note = self.session.labeling, self.note.text().strip()
        shown = labeling.frame if labeling is not None else None
        if labeling is not None and shown == self._note_of and note != " ".join(labeling.note.split()):
            self.session.attempt(lambda: labeling.write_note(note))

    def _go_to_number(self) -> None:
        labeling, number = self.session.labeling, self.number.value()
        if labeling is not None and labeling.frame is not None and number != labeling.frame.number:
            key = FrameRef(labeling.frame.video, number)
            self.session.attempt(lambda: labeling.go_to(key))
            self.show_keypoints()


class _NoteLine(QLineEdit):
    """A line whose keys stay its own, as those of `_Number`; Escape takes back what was typed."""

    canceled = Signal()  # by Escape

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 (Qt's name)
        super().keyPressEvent(event)
        _keep_key(self, event)


class _Number(QSpinBox):
    """A number whose keys stay its own: Qt would hand Enter on, and the window would accept proposals.

    Enter and Escape give the keys back to the image; another window that comes to the front meanwhile does not.
    """

    canceled = Signal()  # by Escape

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 (Qt's name)
        super().keyPressEvent(event)
        _keep_key(self, event)


def _keep_key(field: _NoteLine | _Number, event: QKeyEvent | None) -> None:
    """Hand no key of a field on; Enter and Escape give the keys back to the image."""
    if event is None:
        return
    event.accept()
    if event.key() == Qt.Key.Key_Escape:
        field.canceled.emit()
    if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape):
        field.clearFocus()
