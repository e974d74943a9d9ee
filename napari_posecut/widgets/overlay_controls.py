"""How predictions are drawn over a video: pcutoff, trails, skeleton, and which bodyparts are seen."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QSlider,
    QSpinBox,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_posecut.overlay import OverlayStyle
from napari_posecut.widgets.tables import coloured_row, table_of
from posecut_core.plots.colours import bytes_of

_TRAIL = 10  # frames at first


class OverlayControls(QWidget):
    """The controls of the overlay; `changed` by a person or by another video."""

    changed = Signal()
    bodypart_chosen = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.pcutoff, self.pcutoff_text = QSlider(Qt.Orientation.Horizontal), QLabel()
        self.pcutoff.setRange(0, 100)
        self.pcutoff.setToolTip("bodyparts of lower likelihood are hollow, and have no skeleton and no trail")
        self.trail = QSpinBox()
        self.trail.setRange(0, 100)
        self.trail.setValue(_TRAIL)
        self.trail.setSuffix(" frames")
        self.skeleton = QCheckBox("skeleton")
        self.skeleton.setChecked(True)
        self.bodyparts = table_of(("bodypart", "likelihood"))
        self._lay_out()
        self.pcutoff.valueChanged.connect(self._change)
        self.trail.valueChanged.connect(self._change)
        self.skeleton.toggled.connect(self._change)
        self.bodyparts.itemChanged.connect(self._change)
        self.bodyparts.currentItemChanged.connect(self.bodypart_chosen)

    @property
    def chosen_bodypart(self) -> str:
        """Return the bodypart whose row is marked; empty if there is none."""
        item = self.bodyparts.currentItem()
        return "" if item is None else item.text(0)

    @property
    def shown(self) -> Bool[np.ndarray, " K"]:
        """Return which bodyparts are ticked."""
        return np.array([item.checkState(0) == Qt.CheckState.Checked for item in self._rows()], dtype=np.bool_)

    def show_video(self, names: tuple[str, ...], style: OverlayStyle) -> None:
        """List the bodyparts of a video, all ticked, and begin with the project's pcutoff."""
        with _silent(self.bodyparts, self.pcutoff):
            self.pcutoff.setValue(round(100 * style.pcutoff))
            self.bodyparts.clear()
            for name, colour in zip(names, bytes_of(style.colours), strict=True):
                row = coloured_row(colour, name, "")
                row.setCheckState(0, Qt.CheckState.Checked)
                self.bodyparts.addTopLevelItem(row)
            self.bodyparts.setCurrentItem(self.bodyparts.topLevelItem(0))
            self.bodyparts.resizeColumnToContents(0)
        self._change()

    def show_likelihoods(self, likelihoods: Float[np.ndarray, " K"]) -> None:
        """Write the likelihoods of the shown frame beside the bodyparts."""
        with _silent(self.bodyparts):
            for item, likelihood in zip(self._rows(), likelihoods, strict=True):
                item.setText(1, f"{likelihood:.2f}")

    def styled(self, style: OverlayStyle) -> OverlayStyle:
        """Return the project's style with what a person chose here."""
        edges = style.edges if self.skeleton.isChecked() else ()
        cutoff = self.pcutoff.value() / 100
        return replace(style, shown=self.shown, pcutoff=cutoff, trail=self.trail.value(), edges=edges)

    def _change(self) -> None:
        self.pcutoff_text.setText(f"{self.pcutoff.value() / 100:.2f}")
        self.changed.emit()

    def _rows(self) -> list[QTreeWidgetItem]:
        items = (self.bodyparts.topLevelItem(row) for row in range(self.bodyparts.topLevelItemCount()))
        return [item for item in items if item is not None]

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        row = QHBoxLayout()
        row.addWidget(self.pcutoff)
        row.addWidget(self.pcutoff_text)
        form = QFormLayout()
        form.addRow("pcutoff", row)
        form.addRow("trails", self.trail)
        form.addRow("", self.skeleton)
        layout.addLayout(form)
        layout.addWidget(self.bodyparts, stretch=1)


@contextmanager
def _silent(*widgets: QWidget) -> Iterator[None]:
    """Let nothing be said of what a program does with widgets."""
    for widget in widgets:
        widget.blockSignals(True)
    yield
    for widget in widgets:
        widget.blockSignals(False)
