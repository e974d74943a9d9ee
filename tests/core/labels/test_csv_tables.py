"""Label tables in .csv keep every bit, and damaged ones are named."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from posecut_core.errors import LabelError
from posecut_core.labels.csv_tables import LEVELS, read_csv, write_csv

HEAD = "scorer,Ann,Ann\nbodyparts,nose,nose\ncoords,x,y\n"
COLUMNS = pd.MultiIndex.from_product([["Ann"], ["nose", "Ohr, links"], ["x", "y"]], names=LEVELS)


@settings(max_examples=40)
@given(arrays.arrays(np.float64, st.tuples(st.integers(0, 4), st.just(4)), elements=st.floats(allow_infinity=False)))
def test_tables_round_trip_bit_by_bit(tmp_path_factory, values):
    """Every number comes back as it was, missing ones as NaN, and so do the names."""
    rows = pd.MultiIndex.from_tuples([("labeled-data", "m1", f"img{n}.png") for n in range(5)])[: len(values)]
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    write_csv(path, pd.DataFrame(values, index=rows, columns=COLUMNS))
    frame = read_csv(path)
    np.testing.assert_array_equal(frame.to_numpy(), values)
    assert frame.columns.equals(COLUMNS)
    assert list(frame.index) == list(rows)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_the_old_form_is_read(tmp_path, line_end):
    """Flat names with Windows slashes, a byte order mark and Windows line ends are read."""
    text = "\ufeff" + HEAD + "labeled-data\\m1\\img1.png,1.5,\n"
    (tmp_path / "a.csv").write_bytes(text.replace("\n", line_end).encode())
    frame = read_csv(tmp_path / "a.csv")
    assert list(frame.index) == ["labeled-data\\m1\\img1.png"]
    np.testing.assert_array_equal(frame.to_numpy(), [[1.5, np.nan]])


def test_empty_rows_of_a_table_editor_are_left_out(tmp_path):
    """A row without any cell says nothing, wherever it is."""
    (tmp_path / "a.csv").write_text(HEAD + ",,\nimg1.png,1,2\n,,\n")
    assert list(read_csv(tmp_path / "a.csv").index) == ["img1.png"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (HEAD.encode() + b"img1.png,1\n", "line 4 has 2 cells, expected 3"),
        (HEAD.encode() + b"img1.png,1,left\n", "line 4 holds 'left', expected a number"),
        (HEAD.replace(",", ";").encode() + b"img1.png;1,5;2\n", "separated by semicolons, expected commas"),
        (b"a,b\n1,2\n", "scorer, bodyparts and coords"),
        (b"scorer,Ann\n", "scorer, bodyparts and coords"),
        (b"\xff\xfe\x00", "not readable as text"),
        (HEAD.replace("Ann", "B\xf6").encode("latin-1"), "save it again as 'CSV UTF-8'"),
        (HEAD.encode() + b'"img1.png,1,2\n', "cells|comma"),
    ],
)
def test_damage_is_named(tmp_path, content, words):
    """One sentence tells the file, the place and what to do."""
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(LabelError, match=words) as caught:
        read_csv(tmp_path / "a.csv")
    assert "a.csv" in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    """A missing table gives one sentence."""
    with pytest.raises(LabelError, match="Found no file"):
        read_csv(tmp_path / "a.csv")


@given(st.binary(max_size=60))
def test_any_file_is_a_table_or_an_error(tmp_path_factory, content):
    """Whatever a file holds, reading it gives a table or one kind of error."""
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(HEAD.encode() + content)
    try:
        columns = read_csv(path).shape[1]
    except LabelError:
        columns = 2
    assert columns == 2
