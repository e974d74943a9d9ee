"""Tables of the docks."""

import numpy as np
import pytest
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QStyleOptionViewItem, QTreeWidgetItem

from napari_posecut.widgets.parts import LowTable, colored_row, told_apart, without_beginning


def test_a_table_has_its_headings_and_no_branches(qtbot):
    """Rows stand at the left edge, below the headings."""
    table = LowTable(("bodypart", "likelihood"))
    qtbot.addWidget(table)
    assert [table.headerItem().text(column) for column in range(table.columnCount())] == ["bodypart", "likelihood"]
    assert not table.rootIsDecorated()


def test_a_row_shows_its_bodypart_s_color(qtbot):
    """The square before the first cell is filled with it, also where the row is selected."""
    row = colored_row(np.array([200, 10, 30], np.uint8), "snout", "0.90")
    assert [row.text(0), row.text(1)] == ["snout", "0.90"]
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):
        assert row.icon(0).pixmap(12, 12, mode).toImage().pixelColor(5, 5).getRgb()[:3] == (200, 10, 30)


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (("cage3_mouse1_left", "cage3_mouse12_left"), ("…mouse1_left", "…mouse12_left")),
        (("mouse", "rat"), ("mouse", "rat")),
        (("cage3_mouse1",), ("cage3_mouse1",)),
    ],
)
def test_names_lose_the_words_that_all_begin_with(names, shown):
    """Whole words and numbers stay, and so does a name that is alone."""
    assert tuple(without_beginning(name, names) for name in names) == shown


def test_long_names_look_different(qtbot):
    """Where a column has no room, what tells the names apart is shown; where it has, the whole is."""
    table = LowTable(("video", "frames"))
    qtbot.addWidget(table)
    names = [f"2026-11-30_openfield_cohort-a_camera-top_session-{number}" for number in (1, 2)]
    for name in names:
        table.addTopLevelItem(QTreeWidgetItem([name, "0"]))
    option, index = QStyleOptionViewItem(), table.indexFromItem(table.topLevelItem(1))
    for width, shown in ((120, "…2"), (2000, names[1])):
        option.rect.setWidth(width)
        table.itemDelegateForColumn(0).initStyleOption(option, index)
        assert option.text == shown


def test_names_that_differ_in_their_middle_look_different(qtbot):
    """Kind: of two digits of one limb, cut in the middle, only what they share was seen."""
    table = LowTable(("bodypart",))
    qtbot.addWidget(table)
    names = [f"{side}_fore_{part}_of_third_digit" for side in ("left", "right") for part in ("knuckle", "tip", "joint")]
    metrics = table.fontMetrics()
    room = metrics.horizontalAdvance("left_fore_knuckle_…")
    cut = told_apart(names, room, metrics)
    assert len(set(cut)) == len(names)
    assert all(metrics.horizontalAdvance(one) <= room for one in cut)
    assert told_apart(names, 10_000, metrics) == names
