"""The edits of the shown video as a list: a click on one goes back to it, or makes again what was undone."""

from napari import Viewer
from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from napari_posecut.session import Session, session_of
from napari_posecut.widgets.parts import name_controls

_MOST = 200  # edits that are listed; undo has no limit
_QUIET = 200  # milliseconds without a change, after which the list is written anew
_BY = Qt.ItemDataRole.UserRole


class EditHistory(QWidget):
    """What was done to the labels of the shown video, the last edit below; what was undone is gray."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self._session: Session = session_of(napari_viewer)
        self.edits = QListWidget()
        self.edits.setToolTip("click on an edit to go back to it; gray ones were undone, and a click makes them again")
        self.edits.itemClicked.connect(self._travel)
        self.edits.itemActivated.connect(self._travel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.edits)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_QUIET)
        self._timer.timeout.connect(self.list_edits)
        self._session.labels_changed.connect(self._list_later)
        self._session.project_changed.connect(self._list_later)
        name_controls(self, "history")
        self.list_edits()

    def list_edits(self) -> None:
        """List the edits of the shown video."""
        labeling = self._session.labeling
        edits = labeling.past_edits(_MOST) if labeling is not None else ()
        self.edits.clear()
        first = sum(edit.by <= 0 for edit in edits)
        if edits:
            self._add("before these edits", -first)
        for edit in edits:
            self._add(edit.words, edit.by)
        self.edits.setCurrentRow(first if edits else -1)
        self.edits.setEnabled(labeling is not None and labeling.writable)

    def _add(self, words: str, by: int) -> None:
        item = QListWidgetItem(words, self.edits)
        item.setData(_BY, by)
        if by > 0:
            color = self.palette().color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text)
            item.setForeground(QColor(color))

    def _travel(self, item: QListWidgetItem) -> None:
        labeling, by = self._session.labeling, int(item.data(_BY))
        if labeling is not None and by:
            self._session.attempt(lambda: labeling.travel(by))
            self.list_edits()

    def _list_later(self) -> None:
        self._timer.start()
