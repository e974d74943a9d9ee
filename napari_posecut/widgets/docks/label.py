"""Dock 3: the bodyparts of the shown frame, its neighbours, and the buttons beside the keys."""

from napari import Viewer
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QGridLayout,
    QHeaderView,
    QLabel,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QTextEdit,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_posecut.labelling.frame_index import MEANING
from napari_posecut.labelling.keypoints import Mark
from napari_posecut.labelling.keys import key_help
from napari_posecut.labelling.labelling import Labelling
from napari_posecut.preferences import preferences
from napari_posecut.session import Assistance, Desk, desk_of
from napari_posecut.widgets.parts import colored_row, table_of
from posecut_core.plots.figures import bytes_of, colors_of
from posecut_core.types import FrameRef

# --- help line --------------------------------------------------------------------------------------------------------
# The line of the dock 3 Label that says how a network helps, and lets a person do without.


class _HelpLine(QWidget):
    """Whether a network helps while a person labels, and what it does at the moment."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._assistance: Assistance | None = None
        self.helps = QCheckBox("Suggest poses while labelling")
        self.helps.setToolTip("Hollow markers are proposals; press Enter to accept them. It trains while you label.")
        self.helps.toggled.connect(self._let_help)
        self.says = QLabel()
        self.says.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.helps)
        layout.addWidget(self.says)
        self.follow()

    def follow(self) -> None:
        """Listen to the help of the project that is open now."""
        found = self._desk.assistance
        if found is not self._assistance and found is not None:
            found.changed.connect(self._say)
        self._assistance = found
        self.helps.setEnabled(found is not None)
        if found is not None:
            self.helps.setChecked(found.helps)

    def _say(self, sentence: str) -> None:
        self.says.setText(sentence)

    def _let_help(self, on: bool) -> None:
        found = self._assistance
        if found is not None and found.helps != on:
            self._desk.attempt(lambda: found.let_help(on))
            self.says.setText("" if on else "Suggestions off")


# --- label ------------------------------------------------------------------------------------------------------------
# Dock 3: the bodyparts of the shown frame, its neighbours, and the buttons beside the keys.


_BUTTONS = (  # what is written on them, the method of `Actions` that they call, how the key is called
    ("Accept proposals", "accept", "Enter"),
    ("Undo", "undo", "Ctrl + Z"),
    ("Next to label", "next_open", "Shift + D"),
    ("Redo", "redo", "Ctrl + Shift + Z"),
    ("Low likelihood", "next_doubtful", "Q"),
    ("Copy pose before", "copy_pose", "C"),
    ("Absent", "absent", "E"),
    ("Hidden", "occluded", "O"),
    ("Delete label", "unset", "X"),
    ("Drop frame", "drop", "Ctrl + Delete"),
)
_STATES = {"unset": "", "proposed": "proposed", "placed": "labelled", "occluded": "hidden", "absent": "absent"}


class LabelDock(QWidget):
    """The labelling of the shown frame."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.desk: Desk = desk_of(napari_viewer)
        self.heading = QLabel()
        self.heading.setWordWrap(True)
        self._items: list[QTreeWidgetItem] = []  # of the table of bodyparts
        self.bodyparts = table_of(("bodypart", "state", "likelihood"))
        self.bodyparts.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keys stay with the image
        header = self.bodyparts.header()
        if header is not None:
            header.setStretchLastSection(False)
            header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)  # within the dock, however narrow it is
        self.bodyparts.itemClicked.connect(self._choose)
        self.number = _Number()
        self.number.setMaximum(2**31 - 1)
        self.number.editingFinished.connect(self._go_to_number)
        self.number.given_up.connect(self.show_marks)  # with the number of the shown frame
        self.advance = QCheckBox("go on by itself when a frame is done")
        self.advance.setChecked(preferences().advance)
        self.advance.toggled.connect(self._set_advance)
        self.network = _HelpLine(self.desk)
        self.progress = QProgressBar()
        self.buttons = QWidget()
        self.keys_button = QPushButton("Keys and mouse (F1)")
        self.help = QTextEdit(_help_text())  # which breaks long lines, as a table of Qt does not
        self.help.setReadOnly(True)
        self.help.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.help.setVisible(False)
        self._create_layout()
        self.desk.project_changed.connect(self._on_project_changed)
        self.desk.labels_changed.connect(self.show_marks)
        self.desk.help_asked.connect(self.toggle_help)
        self.desk.frame_asked.connect(self._ask_number)
        self._on_project_changed()

    def show_marks(self) -> None:
        """Show the bodyparts of the frame and the progress of the project."""
        labelling = self.desk.labelling
        if labelling is None or labelling.frame is None:
            self.heading.setText("No frames to label yet: open a project (1 Project), and extract frames (2 Frames).")
            self.bodyparts.clear()
            self._items = []
            return
        frame, status = labelling.frame, labelling.status(labelling.frame)
        reading = "" if labelling.writable else "; for reading only"
        self.heading.setText(f"<b>{frame.video}</b>, frame {frame.number}: {MEANING[status]}{reading}")
        self.number.setValue(frame.number)
        self._fill(labelling)
        counted = labelling.progress
        self.progress.setMaximum(max(counted.frames, 1))
        self.progress.setValue(counted.done)
        self.progress.setFormat(f"{counted.done} of {counted.frames} done, {counted.open} points open")

    def toggle_help(self) -> None:
        """Show all keys in the place of the buttons, which do the same, or hide them."""
        shown = self.help.isHidden()
        self.help.setVisible(shown)
        self.buttons.setVisible(not shown)

    def _create_layout(self) -> None:
        layout = QVBoxLayout(self)
        layout.addWidget(self.heading)
        layout.addWidget(self.progress)
        layout.addWidget(self.bodyparts, stretch=3)
        grid = QGridLayout(self.buttons)
        grid.setContentsMargins(0, 0, 0, 0)
        for place, (text, action, key) in enumerate(_BUTTONS):
            button = QPushButton(text)
            button.setToolTip(f"{text} (key: {key})")
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keys stay with the image
            button.clicked.connect(lambda _=False, action=action: self._act(action))
            grid.addWidget(button, place // 2, place % 2)
        layout.addWidget(self.buttons)
        form = QFormLayout()
        form.addRow("go to frame", self.number)
        layout.addLayout(form)
        layout.addWidget(self.advance)
        layout.addWidget(self.network)
        self.keys_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.keys_button.clicked.connect(self.toggle_help)
        layout.addWidget(self.keys_button)
        layout.addWidget(self.help, stretch=4)

    def _on_project_changed(self) -> None:
        """Show the labelling that is open now, which goes on by itself as the box says."""
        self.network.follow()
        self._set_advance(self.advance.isChecked())
        self.show_marks()

    def _fill(self, labelling: Labelling) -> None:
        marks, current = labelling.marks, labelling.current
        if len(self._items) != len(marks):
            self.bodyparts.clear()
            colours = bytes_of(colors_of(labelling.browser.project.config.colormap, len(marks)))
            self._items = [colored_row(colour) for colour in colours]
            self.bodyparts.addTopLevelItems(self._items)
        chosen = None
        for item, mark in zip(self._items, marks, strict=True):
            _write(item, mark)
            chosen = item if current is not None and mark.bodypart == current.bodypart else chosen
        self.bodyparts.setCurrentItem(chosen)

    def _choose(self, item: QTreeWidgetItem) -> None:
        if self.desk.labelling is not None:
            self.desk.labelling.choose(item.data(0, Qt.ItemDataRole.UserRole))

    def _act(self, action: str) -> None:
        if self.desk.actions is not None:
            getattr(self.desk.actions, action)()

    def _set_advance(self, on: bool) -> None:
        if self.desk.labelling is not None:
            self.desk.labelling.advance = on

    def _ask_number(self) -> None:
        self.number.setFocus()
        self.number.selectAll()

    def _go_to_number(self) -> None:
        labelling, number = self.desk.labelling, self.number.value()
        if labelling is not None and labelling.frame is not None and number != labelling.frame.number:
            key = FrameRef(labelling.frame.video, number)
            self.desk.attempt(lambda: labelling.go_to(key))
            self.show_marks()


class _Number(QSpinBox):
    """A number whose keys stay its own: Qt would hand Enter on, and the window would accept proposals.

    Enter and Escape give the keys back to the image; another window that comes to the front meanwhile does not.
    """

    given_up = Signal()  # by Escape

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 (Qt's name)
        super().keyPressEvent(event)
        if event is not None:
            event.accept()
            if event.key() == Qt.Key.Key_Escape:
                self.given_up.emit()
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape):
                self.clearFocus()


def _help_text() -> str:
    rows = "".join(f"<tr><td><b>{do}</b>&nbsp;</td><td>{meaning}</td></tr>" for do, meaning in key_help())
    return f"<table cellpadding=2>{rows}</table>"


def _write(item: QTreeWidgetItem, mark: Mark) -> None:
    item.setText(0, mark.name)
    item.setText(1, _STATES[mark.state])
    item.setText(2, "" if mark.likelihood is None else f"{mark.likelihood:.2f}")
    item.setData(0, Qt.ItemDataRole.UserRole, mark.bodypart)
