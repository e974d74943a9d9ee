"""A row beside a long list of videos: find some by their names, check or clear them all at once."""

from functools import partial

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QTreeWidget, QTreeWidgetItem, QWidget

_FEW = 8  # rows; so many can be checked one by one
_CHECKED = Qt.CheckState.Checked


class ChecksRow(QWidget):
    """Hidden while the list is short; the buttons leave rows alone that the filter hides.

    Args:
        rows: the list; its first column has names and checks.
    """

    def __init__(self, rows: QTreeWidget) -> None:
        super().__init__()
        self._items = partial(_items_of, rows)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("filter")
        self.filter.setToolTip("show only videos whose name has this")
        self.filter.setClearButtonEnabled(True)
        self.count = QLabel()
        self.all_button, self.none_button = QPushButton("All"), QPushButton("None")
        self.all_button.setToolTip("check all videos that are shown here")
        self.none_button.setToolTip("clear all videos that are shown here")
        self.all_button.clicked.connect(lambda: self._check(_CHECKED))
        self.none_button.clicked.connect(lambda: self._check(Qt.CheckState.Unchecked))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.filter, stretch=1)
        for widget in (self.count, self.all_button, self.none_button):
            layout.addWidget(widget)
        model = rows.model()
        assert model is not None
        for changed in (model.rowsInserted, model.rowsRemoved, self.filter.textChanged):
            changed.connect(self.show_rows)
        rows.itemChanged.connect(self._count)
        self.show_rows()

    def show_rows(self) -> None:
        """Show the rows that the filter leaves, and the row itself where the list is long."""
        items, wanted = self._items(), self.filter.text().strip().lower()
        for item in items:
            if item.isHidden() == (wanted in item.text(0).lower()):  # or Qt would lay all rows out anew
                item.setHidden(not item.isHidden())
        self.setVisible(len(items) > _FEW)
        self._count()

    def _count(self) -> None:
        items = self._items()
        self.count.setText(f"{sum(item.checkState(0) == _CHECKED for item in items)} of {len(items)}")
        self.count.setToolTip("videos that are checked")

    def _check(self, state: Qt.CheckState) -> None:
        for item in self._items():
            if not item.isHidden():
                item.setCheckState(0, state)


def _items_of(rows: QTreeWidget) -> list[QTreeWidgetItem]:
    items = (rows.topLevelItem(row) for row in range(rows.topLevelItemCount()))
    return [item for item in items if item is not None]
