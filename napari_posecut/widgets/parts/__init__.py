"""Parts that several docks share; tables, which are plain lists with headings."""

from collections.abc import Iterable

import numpy as np
from jaxtyping import UInt8
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QTreeWidget, QTreeWidgetItem

_SIDE = 12  # pixels of a square of colour


def table_of(headings: Iterable[str]) -> QTreeWidget:
    """Make an empty table whose rows have nothing below them."""
    table = QTreeWidget()
    table.setHeaderLabels(tuple(headings))
    table.setRootIsDecorated(False)
    return table


def colored_row(color: UInt8[np.ndarray, "3"], *cells: str) -> QTreeWidgetItem:
    """Make a row with a square of a bodypart's colour before its first cell."""
    square = QPixmap(_SIDE, _SIDE)
    square.fill(QColor(*color.tolist()))
    row = QTreeWidgetItem(cells)
    row.setIcon(0, QIcon(square))
    return row
