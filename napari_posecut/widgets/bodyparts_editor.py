"""The bodyparts of a project: add, rename, put into another order."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_posecut.background import in_background
from napari_posecut.desk import Desk
from posecut_core.project.config import edit_config
from posecut_core.workflow.bodyparts import edit_bodyparts

_OLD = Qt.ItemDataRole.UserRole  # the name that config.yaml has; None of a new bodypart


@dataclass(frozen=True)
class Row:
    """One line of the editor."""

    old: str | None  # the name that config.yaml has; None of a new bodypart
    new: str


def rewrite_bodyparts(config: Path, rows: Sequence[Row]) -> None:
    """Rename, add and reorder bodyparts in config.yaml and in all labels.

    Args:
        config: path of config.yaml.
        rows: all bodyparts in their new order.

    Raises:
        ArgumentError: a name is taken, empty or twice there.
        LabelError: somebody else edits labels, or another program changed them and nobody has decided about it.
        StorageError: the disk refuses.
    """
    rename = {row.old: row.new for row in rows if row.old is not None and row.old != row.new}
    edited = edit_bodyparts(config, rename=rename, add=[row.new for row in rows if row.old is None])
    order = [row.new for row in rows]
    if list(edited.bodyparts) != order:
        edit_config(edited.config_path, {"bodyparts": order})
        edit_bodyparts(config)  # writes the label files with their columns in that order


class BodypartsEditor(QWidget):
    """A list to type and drag in; nothing is written before `apply`."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.names = QListWidget()
        self.names.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.names.itemChanged.connect(self._compare)
        model = self.names.model()
        assert model is not None
        model.rowsMoved.connect(self._compare)
        self.apply_button, self.revert_button = QPushButton("Save"), QPushButton("Revert")
        self.apply_button.setToolTip("write the names and their order into config.yaml and all labels")
        self.apply_button.clicked.connect(self.apply)
        self.revert_button.clicked.connect(self.revert)
        add = QPushButton("Add")
        add.clicked.connect(lambda: self.add())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        hint = QLabel("<b>Bodyparts</b>: double-click to rename, drag to reorder.")
        hint.setWordWrap(True)
        layout.addWidget(hint)
        layout.addWidget(self.names)
        row = QHBoxLayout()
        for button in (add, self.revert_button, self.apply_button):
            row.addWidget(button)
        layout.addLayout(row)
        desk.project_changed.connect(self._follow)
        self.revert()

    @property
    def rows(self) -> list[Row]:
        """What the list says now."""
        items = (self.names.item(place) for place in range(self.names.count()))
        return [Row(item.data(_OLD), item.text().strip()) for item in items if item is not None]

    def add(self, name: str = "new bodypart") -> None:
        """Add a line, whose name may be typed over."""
        item = self._item(None, name)
        self.names.addItem(item)
        self.names.setCurrentItem(item)
        self._compare()
        self.names.editItem(item)

    def apply(self) -> None:
        """Write what the list says; labelling is let go of meanwhile."""
        self._desk.attempt(self._write)

    def revert(self) -> None:
        """List the bodyparts as config.yaml has them."""
        project = self._desk.project
        self.names.clear()
        for name in project.config.bodyparts if project else ():
            self.names.addItem(self._item(name, name))
        self._compare()

    def _write(self) -> None:
        project, labelling, rows = self._desk.require_project(), self._desk.labelling, self.rows
        assert labelling is not None
        labelling.pause()
        try:
            in_background(lambda: rewrite_bodyparts(project.config_path, rows))
        finally:
            self._desk.refresh()
        self.revert()

    def _follow(self) -> None:
        """Take over what config.yaml has, unless something is typed here that is not saved."""
        project = self._desk.project
        known = {row.old for row in self.rows if row.old is not None}
        if project is None or known != set(project.config.bodyparts) or not self.apply_button.isEnabled():
            self.revert()

    def _item(self, old: str | None, name: str) -> QListWidgetItem:
        item = QListWidgetItem(name)
        item.setData(_OLD, old)
        item.setFlags((item.flags() | Qt.ItemFlag.ItemIsEditable) & ~Qt.ItemFlag.ItemIsDropEnabled)
        return item

    def _compare(self, *_: object) -> None:
        project = self._desk.project
        listed = [Row(name, name) for name in project.config.bodyparts] if project else []
        for button in (self.apply_button, self.revert_button):
            button.setEnabled(self.rows != listed)
