"""Tables of the docks."""

import numpy as np

from napari_posecut.widgets.parts import LowTable, colored_row


def test_a_table_has_its_headings_and_no_branches(qtbot):
    """Rows stand at the left edge, below the headings."""
    table = LowTable(("bodypart", "likelihood"))
    qtbot.addWidget(table)
    assert [table.headerItem().text(column) for column in range(table.columnCount())] == ["bodypart", "likelihood"]
    assert not table.rootIsDecorated()


def test_a_row_shows_its_bodypart_s_color(qtbot):
    """The square before the first cell is filled with it."""
    row = colored_row(np.array([200, 10, 30], np.uint8), "snout", "0.90")
    assert [row.text(0), row.text(1)] == ["snout", "0.90"]
    assert row.icon(0).pixmap(12, 12).toImage().pixelColor(5, 5).getRgb()[:3] == (200, 10, 30)
