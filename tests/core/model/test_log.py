"""log.csv across interruptions."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecut_core.errors import StorageError
from posecut_core.model.log import Metrics, append_log, read_log, start_log


def row(step):
    return Metrics(step, 0.1 / step, 1e-3, 12.5)


def test_rows_come_back(tmp_path):
    """What is appended is read again exactly, under the columns' names."""
    path = tmp_path / "log.csv"
    start_log(path, step=0)
    rows = (Metrics(3, 1 / 3, 1e-5, 0.1), Metrics(6, math.inf, 0.5, 2.0, (4, 6)))
    for metrics in rows:
        append_log(path, metrics)
    assert read_log(path) == rows
    assert path.read_text().splitlines()[0] == "step,loss,learning_rate,steps_per_second,skipped,validation_error"


def test_the_validation_error_is_empty_where_nothing_validates(tmp_path):
    """A row with an error has it as its last cell, a row without has an empty one, and both come back."""
    path = tmp_path / "log.csv"
    rows = (Metrics(1, 0.5, 0.1, 2.0), Metrics(2, 0.5, 0.1, 2.0, (), 3.25))
    start_log(path, step=0)
    for metrics in rows:
        append_log(path, metrics)
    assert [line.split(",")[-1] for line in path.read_text().splitlines()[1:]] == ["", "3.25"]
    assert read_log(path) == rows


def test_a_resumed_run_has_no_row_twice(tmp_path):
    """Rows after the snapshot that training goes on from are dropped; they come again."""
    path = tmp_path / "log.csv"
    start_log(path, step=0)
    for step in (2, 4, 6):
        append_log(path, row(step))
    start_log(path, step=4)
    append_log(path, row(6))
    assert read_log(path) == (row(2), row(4), row(6))


def test_a_row_cut_short_is_left_out(tmp_path):
    """After a crash in the middle of a row, the log goes on with whole rows."""
    path = tmp_path / "log.csv"
    start_log(path, step=0)
    append_log(path, row(2))
    with path.open("a") as stream:
        stream.write("4,0.0")
    start_log(path, step=4)
    append_log(path, row(6))
    assert read_log(path) == (row(2), row(6))


@given(st.binary(max_size=60))
def test_no_content_stops_a_training(tmp_path_factory, content):
    """Whatever stands in the file, a new log can begin."""
    path = tmp_path_factory.mktemp("log") / "log.csv"
    path.write_bytes(content)
    start_log(path, step=0)
    append_log(path, row(1))
    assert read_log(path)[-1] == row(1)


def test_a_missing_log_is_empty(tmp_path):
    """No file, no rows."""
    assert read_log(tmp_path / "log.csv") == ()


def test_a_disk_that_refuses_is_named(tmp_path):
    """What cannot be written is a StorageError with the path."""
    with pytest.raises(StorageError, match=r"log\.csv"):
        append_log(tmp_path / "missing" / "log.csv", row(1))
