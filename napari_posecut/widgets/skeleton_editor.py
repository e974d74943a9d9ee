"""The skeleton of a project: pairs of bodyparts that lines join."""

from qtpy.QtWidgets import QComboBox, QGridLayout, QLabel, QListWidget, QPushButton, QVBoxLayout, QWidget

from napari_posecut.desk import Desk
from posecut_core.errors import ArgumentError
from posecut_core.project.config import edit_config

Bone = tuple[str, str]


class SkeletonEditor(QWidget):
    """A list of pairs; every change is written at once, and seen in the image."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.bones = QListWidget()
        self.one, self.other = QComboBox(), QComboBox()
        self.join_button, self.cut_button = QPushButton("Join by a line"), QPushButton("Remove the line")
        self.join_button.clicked.connect(lambda: desk.attempt(self.join))
        self.cut_button.clicked.connect(lambda: desk.attempt(self.cut))
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
        desk.project_changed.connect(self._follow)
        self._follow()

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
                f"A line from {bone[0]} to {bone[1]} cannot be drawn or is there already, expected two bodyparts that "
                "no line joins yet; choose another pair."
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

    def _skeleton(self) -> tuple[Bone, ...]:
        return self._desk.require_project().config.skeleton

    def _write(self, skeleton: list[Bone]) -> None:
        edit_config(self._desk.require_project().config_path, {"skeleton": [list(bone) for bone in skeleton]})
        self._desk.refresh()

    def _follow(self) -> None:
        config = self._desk.project.config if self._desk.project else None
        names = list(config.bodyparts) if config else []
        self.bones.clear()
        self.bones.addItems([f"{one} to {other}" for one, other in config.skeleton] if config else [])
        for place, box in enumerate((self.one, self.other)):
            if [box.itemText(row) for row in range(box.count())] != names:
                box.clear()
                box.addItems(names)
                box.setCurrentIndex(min(place, len(names) - 1))
