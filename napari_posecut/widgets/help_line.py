"""The line of the dock 3 Label that says how a network helps, and lets a person do without."""

from qtpy.QtWidgets import QCheckBox, QLabel, QVBoxLayout, QWidget

from napari_posecut.assistance import Assistance
from napari_posecut.desk import Desk


class HelpLine(QWidget):
    """Whether a network helps while a person labels, and what it does at the moment."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._assistance: Assistance | None = None
        self.helps = QCheckBox("a network helps: it proposes poses")
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
            self.says.setText("" if on else "No network helps.")
