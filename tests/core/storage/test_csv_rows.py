"""Tables that survive a spreadsheet."""

import pytest

from posecut_core.progress import silent
from posecut_core.storage.tables import own_rows, read_rows, write_rows

ROWS = [{"step": "5", "error": "1.5"}, {"step": "10", "error": ""}]


@pytest.fixture
def table(tmp_path):
    """A table of two rows."""
    write_rows(tmp_path / "t.csv", ("step", "error"), [ROWS[0], {"step": "10", "color": "red"}])
    return tmp_path / "t.csv"


def test_rows_come_back(table, tmp_path):
    """A missing cell is empty and a cell too many left out; where there is no file there are no rows."""
    assert read_rows(table) == own_rows(table, ("step",), report=silent) == ROWS
    assert read_rows(tmp_path / "none.csv") == own_rows(tmp_path / "none.csv", ("step",), report=silent) == []


def test_a_byte_order_mark_is_no_part_of_the_first_column(table):
    """Spreadsheets put one before the header of a table that they save as UTF-8."""
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes())
    assert read_rows(table) == ROWS


def test_a_table_of_another_format_is_kept(table):
    """Each such table stays as it is under a name of its own, once, and somebody hears of it."""
    tables = [text.encode() for text in ("step;error\n1;2\n", "step;error\n1;3\n")]
    reports = []
    for content in (tables[0], *tables):
        table.write_bytes(content)
        assert own_rows(table, ("step", "error"), report=reports.append) == []
    kept = [table.with_name(name) for name in ("t-other-format.csv", "t-other-format-2.csv")]
    assert [path.read_bytes() for path in kept] == tables
    assert sorted(table.parent.iterdir()) == sorted([table, *kept])
    assert "t.csv has no column 'step'" in reports[0].text
    assert "kept as t-other-format-2.csv" in reports[2].text
