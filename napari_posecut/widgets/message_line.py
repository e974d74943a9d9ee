"""One line for what the window has to say; it has its place also while it is empty, so that no picture moves."""

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QHBoxLayout, QLineEdit, QToolButton, QWidget

from napari_posecut.background import at_work
from napari_posecut.desk import Desk

_SOON = 20  # milliseconds within which nobody goes on


class MessageLine(QWidget):
    """The last sentence of a desk, until the labelling goes on or a person takes it away; it can be copied."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._just_told = QTimer(self)  # active while what the sentence belongs to may still change labels or project
        self._just_told.setSingleShot(True)
        self._just_told.setInterval(_SOON)
        self._just_told.timeout.connect(self._wait_for_work)
        self.sentence = QLineEdit()
        self.sentence.setReadOnly(True)
        self.sentence.setFrame(False)
        self.sentence.setPlaceholderText("messages come here")
        self.dismiss = QToolButton()
        self.dismiss.setText("Clear")
        self.dismiss.setToolTip("take this message away")
        self.dismiss.clicked.connect(self._clear)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.sentence, stretch=1)
        layout.addWidget(self.dismiss)
        desk.told.connect(self.show_sentence)
        desk.project_changed.connect(self._go_on)
        desk.labels_changed.connect(self._go_on)
        self._clear()

    def show_sentence(self, sentence: str) -> None:
        """Show a sentence from its beginning; a longer one than there is room for also under the mouse."""
        self.sentence.setText(" ".join(sentence.split()))
        self.sentence.setCursorPosition(0)
        self.sentence.setToolTip(sentence)
        self.dismiss.setEnabled(bool(sentence))
        self._just_told.start()

    def _wait_for_work(self) -> None:
        if at_work():
            self._just_told.start()

    def _go_on(self) -> None:
        """Let a sentence go that a person had the time to see."""
        if not self._just_told.isActive():
            self._clear()

    def _clear(self) -> None:
        self.show_sentence("")
