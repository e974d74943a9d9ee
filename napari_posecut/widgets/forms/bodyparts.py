"""The forms for the bodyparts of a project and for its skeleton."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_posecut.jobs.monitor import in_background
from napari_posecut.session import Session
from napari_posecut.widgets.parts import LowList, color_icon
from posecut_core.errors import ArgumentError
from posecut_core.plots.colors import bytes_of, colors_of
from posecut_core.project.config import edit_config
from posecut_core.project.state import read_state, update_state
from posecut_core.workflow.edit_bodyparts import edit_bodyparts

# --- bodyparts editor -------------------------------------------------------------------------------------------------
# The bodyparts of a project: add, rename, put into another order.


_OLD = Qt.ItemDataRole.UserRole  # the name that config.yaml has; None of a new bodypart


@dataclass(frozen=True)
class Row:
    """One line of the editor."""

    old: str | None  # the name that config.yaml has; None of a new bodypart
    new: str


def _rewrite_bodyparts(config: Path, rows: Sequence[Row]) -> None:
    """Rename, add and reorder bodyparts in config.yaml and in all labels.

    Args:
        config: path of config.yaml.
        rows: all bodyparts in their new order.

    Raises:
        ArgumentError: a name is taken, empty or twice there.
        LabelError: someone else edits labels, or another program changed them and nobody has decided about it.
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

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.names = LowList()
        self.names.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.names.itemChanged.connect(self._compare)
        model = self.names.model()
        assert model is not None
        model.rowsMoved.connect(self._compare)
        self.apply_button, self.revert_button = QPushButton("Save"), QPushButton("Revert")
        self.apply_button.setToolTip("save the names and their order in the project and in all labels")
        self.apply_button.clicked.connect(self.apply)
        self.revert_button.clicked.connect(self.revert)
        self.add_button = QPushButton("Add")
        self.add_button.clicked.connect(lambda: self.add())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        hint = QLabel("<b>Bodyparts</b>: double-click to rename, drag to reorder.")
        hint.setWordWrap(True)
        layout.addWidget(hint)
        layout.addWidget(self.names)
        self.colors = QComboBox()
        self.colors.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for text, name in (("colors: the project's colormap", "colormap"), ("colors: 25 distinct ones", "distinct")):
            self.colors.addItem(text, name)
        self.colors.setToolTip("distinct ones differ for color-blind people too, and stay when a bodypart is added")
        self.colors.activated.connect(lambda _: session.attempt(self.choose_palette))
        layout.addWidget(self.colors)
        row = QHBoxLayout()
        for button in (self.add_button, self.revert_button, self.apply_button):
            row.addWidget(button)
        layout.addLayout(row)
        session.project_changed.connect(self._on_project_changed)
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
        """Write what the list says; labeling is let go of meanwhile."""
        self._session.attempt(self._write)

    def choose_palette(self) -> None:
        """Draw the bodyparts in other colors from now on, here and in all pictures.

        Raises:
            ProjectError, VideoError, LabelError: as for `Session.refresh`.
            StorageError: posecut.yaml cannot be written.
        """
        project, palette = self._session.require_project(), self.colors.currentData()
        update_state(project, lambda state: replace(state, palette=palette))
        self._session.refresh()

    def revert(self) -> None:
        """List the bodyparts as config.yaml has them."""
        project = self._session.project
        self.names.clear()
        names = project.config.bodyparts if project else ()
        colors = bytes_of(colors_of(self._session.look.colormap, len(names))) if project else ()
        for name, color in zip(names, colors, strict=True):
            item = self._item(name, name)
            item.setIcon(color_icon(color.tolist()))
            self.names.addItem(item)
        state = self._session.attempt(lambda: read_state(project.settings_path)) if project else None
        self.colors.setCurrentIndex(self.colors.findData(state.palette if state else "colormap"))
        self._compare()

    def _write(self) -> None:
        project, rows = self._session.require_project(), self.rows
        with self._session.labels_released():
            in_background(lambda: _rewrite_bodyparts(project.config_path, rows))
        self.revert()

    def _on_project_changed(self) -> None:
        """Take over what config.yaml has, unless something is typed here that is not saved."""
        project = self._session.project
        known = {row.old for row in self.rows if row.old is not None}
        if project is None or known != set(project.config.bodyparts) or not self.apply_button.isEnabled():
            self.revert()

    def _item(self, old: str | None, name: str) -> QListWidgetItem:
        item = QListWidgetItem(name)
        item.setData(_OLD, old)
        item.setFlags((item.flags() | Qt.ItemFlag.ItemIsEditable) & ~Qt.ItemFlag.ItemIsDropEnabled)
        return item

    def _compare(self, *_: object) -> None:
        project = self._session.project
        listed = [Row(name, name) for name in project.config.bodyparts] if project else []
        for button in (self.apply_button, self.revert_button):
            button.setEnabled(self.rows != listed)


# --- skeleton editor --------------------------------------------------------------------------------------------------
# The skeleton of a project: pairs of bodyparts that lines join.


_Bone = tuple[str, str]


class SkeletonEditor(QWidget):
    """A list of pairs; every change is written at once, and seen in the image."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.bones = LowList()
        self.one, self.other = QComboBox(), QComboBox()
        self.join_button, self.cut_button = QPushButton("Add line"), QPushButton("Remove line")
        self.join_button.clicked.connect(lambda: session.attempt(self.join))
        self.cut_button.clicked.connect(lambda: session.attempt(self.cut))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(QLabel("<b>Skeleton</b>: lines between bodyparts"))
        layout.addWidget(self.bones)
        grid = QGridLayout()
        for place, widget in enumerate((self.one, self.other, self.join_button, self.cut_button)):
            grid.addWidget(widget, place // 2, place % 2)
        for box in (self.one, self.other):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        layout.addLayout(grid)
        session.project_changed.connect(self._on_project_changed)
        self._on_project_changed()

    def join(self) -> None:
        """Join the two chosen bodyparts by a line.

        Raises:
            ArgumentError: they are the same, or joined already.
            ProjectError: no project is open, or its config.yaml cannot be read.
            StorageError: it cannot be written.
        """
        skeleton, bone = self._skeleton(), (self.one.currentText(), self.other.currentText())
        if bone[0] == bone[1] or any(set(bone) == set(other) for other in skeleton):
            raise ArgumentError(
                f"A line needs two different bodyparts that no line joins yet, which {bone[0]} and {bone[1]} are "
                "not; choose another pair."
            )
        self._write([*skeleton, bone])

    def cut(self) -> None:
        """Remove the chosen line.

        Raises:
            ProjectError, StorageError: as for `join`.
        """
        chosen, skeleton = self.bones.currentRow(), self._skeleton()
        if chosen >= 0:
            self._write([bone for place, bone in enumerate(skeleton) if place != chosen])

    def _skeleton(self) -> tuple[_Bone, ...]:
        return self._session.require_project().config.skeleton

    def _write(self, skeleton: list[_Bone]) -> None:
        edit_config(self._session.require_project().config_path, {"skeleton": [list(bone) for bone in skeleton]})
        self._session.refresh()

    def _on_project_changed(self) -> None:
        config = self._session.project.config if self._session.project else None
        names = list(config.bodyparts) if config else []
        self.bones.clear()
        self.bones.addItems([f"{one} to {other}" for one, other in config.skeleton] if config else [])
        for place, box in enumerate((self.one, self.other)):
            if [box.itemText(row) for row in range(box.count())] != names:
                box.clear()
                box.addItems(names)
                box.setCurrentIndex(min(place, len(names) - 1))
