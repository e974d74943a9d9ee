"""Label tables in .csv keep every bit, and damaged ones are named."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from posecut_core.errors import LabelError
from posecut_core.formats.deeplabcut.tables import _LEVELS, _write_csv, read_csv
from posecut_core.progress import Notice

HEAD = "scorer,Ann,Ann\nbodyparts,nose,nose\ncoords,x,y\n"
COLUMNS = pd.MultiIndex.from_product([["Ann"], ["nose", "Ohr, links"], ["x", "y"]], names=_LEVELS)


@settings(max_examples=40)
@given(arrays.arrays(np.float64, st.tuples(st.integers(0, 4), st.just(4)), elements=st.floats(allow_infinity=False)))
def test_tables_round_trip_bit_by_bit(tmp_path_factory, values):
    """Every number comes back as it was, missing ones as NaN, and so do the names."""
    rows = pd.MultiIndex.from_tuples([("labeled-data", "m1", f"img{n}.png") for n in range(5)])[: len(values)]
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    _write_csv(path, pd.DataFrame(values, index=rows, columns=COLUMNS))
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


WIDE = "scorer,,,Ann,Ann\nbodyparts,,,nose,nose\ncoords,,,x,y\nlabeled-data,m1,img1.png,1234.5,2.25\n"


@pytest.mark.parametrize(
    "text",
    [
        WIDE.replace(",", ";").replace(".5", ",5").replace(".25", ",25"),
        WIDE.replace(",", ";").replace("1234.5", "1.234,5").replace(".25", ",25"),
        WIDE.replace(",", ";").replace("1234.5", "1 234,5").replace(".25", ",25"),
        WIDE.replace(",", "\t"),
        WIDE.replace(",", "\t").replace(".5", ",5").replace(".25", ",25"),
        WIDE.replace("1234.5", '"1,234.5"'),
        WIDE.replace("1234.5", '"1234,5"').replace("2.25", '"2,25"'),
        WIDE.replace("1234.5", "1.2345E+03"),
        "sep=;\n" + WIDE.replace(",", ";"),
        WIDE.replace("Ann,Ann", "Ann,").replace("nose,nose", "nose,"),
        WIDE.replace("\n", ",,\n") + ",,,,,,\n",
        WIDE.replace("scorer,,", "scorer,Unnamed: 1_level_0,Unnamed: 2_level_0"),
        WIDE.replace("\n", "\n,", 3).replace("scorer", ",scorer", 1).replace("\n,labeled", "\n0,labeled"),
        WIDE.replace("coords,,,x,y\n", "coords,,,x,y\nfolder,video,image,,\n"),
        WIDE.replace("x,y", " X , Y ").replace("nose", " nose "),
        '"' + WIDE.replace(",", '","').replace("\n", '"\n"')[:-1],
        WIDE.replace("\n", "\r\n"),
        WIDE.replace("\n", "\r"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_tables_as_spreadsheets_leave_them_are_read(tmp_path, text, encoding):
    """Kind: the same table in another dress: separators, decimals, merged and added cells, encodings, line ends."""
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    frame = read_csv(tmp_path / "a.csv")
    np.testing.assert_array_equal(frame.to_numpy(), [[1234.5, 2.25]])
    assert list(frame.index) == [("labeled-data", "m1", "img1.png")]
    assert list(frame.columns) == [("Ann", "nose", "x"), ("Ann", "nose", "y")]


@pytest.mark.parametrize("cell", ["", " ", "NaN", "n/a", "NA", "#N/A", "-", "\u2013", "None", "null"])
def test_cells_that_say_nothing_are_missing(tmp_path, cell):
    """However a program writes that there is no number, there is none."""
    (tmp_path / "a.csv").write_text(HEAD + f"img1.png,{cell},0\n")
    np.testing.assert_array_equal(read_csv(tmp_path / "a.csv").to_numpy(), [[np.nan, 0]])


def test_folders_left_out_by_merged_cells_are_those_above(tmp_path):
    """A spreadsheet writes a merged cell once; the rows below belong to the same folder until another is named."""
    rows = "labeled-data,m1,img1.png,1,2\n,,img2.png,3,4\n,m2,img1.png,5,6\n"
    (tmp_path / "a.csv").write_text(WIDE[: WIDE.index("labeled")] + rows)
    expected = [
        ("labeled-data", "m1", "img1.png"),
        ("labeled-data", "m1", "img2.png"),
        ("labeled-data", "m2", "img1.png"),
    ]
    assert list(read_csv(tmp_path / "a.csv").index) == expected


@settings(max_examples=60)
@given(
    st.lists(st.floats(-1e5, 1e5, width=32), min_size=2, max_size=2),
    st.sampled_from([(";", ","), (";", "."), ("\t", "."), (",", ".")]),
    st.sampled_from(["utf-8-sig", "utf-16", "utf-8"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_numbers_survive_a_spreadsheet(tmp_path_factory, numbers, marks, encoding, line_end):
    """Whatever a number is, it comes back as it was written, in each dress that is not ambiguous."""
    separator, decimal = marks
    cells = [f"{number:.4f}".replace(".", decimal) for number in numbers]
    text = line_end.join([*HEAD.replace(",", separator).split("\n")[:3], separator.join(["img1.png", *cells]), ""])
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(text.encode(encoding))
    np.testing.assert_array_equal(read_csv(path).to_numpy(), [[float(f"{number:.4f}") for number in numbers]])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (HEAD.encode() + b"img1.png,1\n", "line 4 has 2 cells, expected 3"),
        (
            HEAD.encode() + b"img1.png,1,left\n",
            "line 4 holds 'left' as nose y, expected a number or an empty cell; correct",
        ),
        (HEAD.encode() + b"img1.png,1,12. Mai\n", "line 4 holds '12. Mai' as nose y.*a spreadsheet may have turned"),
        (HEAD.encode() + b"img1.png,123.456.789,2\n", "line 4 holds '123.456.789' as nose x"),
        (HEAD.encode() + b'img1.png,1.5,"2,5"\n', "holds both '2,5' and '1.5', expected one decimal separator"),
        (HEAD.encode() + b'img1.png,21.0,"1.234,5"\nimg2.png,21.5,2.5\n', "line 4 holds '1.234,5' as nose y"),
        (HEAD.encode() + b'img1.png,"1,234.5","2,5"\nimg2.png,"21,5","2,5"\n', "line 4 holds '1,234.5' as nose x"),
        (HEAD.encode() + b'img1.png,5,"2,500"\n', "holds '2,500', where the separator is ambiguous"),
        (HEAD.encode() + b"img1.png,1,2,3\n", "line 4 has 4 cells, expected 3"),
        (HEAD.encode() + b",1,2\n", "line 4 has numbers but no image name, expected it in column 1"),
        (HEAD.encode() + b"img1.png,1_0,2\n", "holds '1_0'"),
        (b"bodyparts,nose,nose\ncoords,x,y\nimg1.png,1,2\n", "begin with 'bodyparts', 'coords', 'img1.png', expected"),
        (b"scorer,A\nbodyparts,n\ncoords\nimg1.png\n", "names no coordinates"),
        (HEAD.encode() + b"img1.png,1," + b"9" * 10**5 + b"x\n", "line 4 holds '9{40}' as"),
        (b'sep="\n' + HEAD.encode(), "begin with 'sep"),
        (b"a,b\n1,2\n", "scorer, bodyparts and coords"),
        (b"scorer,Ann\n", "scorer, bodyparts and coords"),
        (b"\xff\xfe\x00", "not readable as text"),
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


@pytest.mark.parametrize(
    ("text", "is_told"),
    [
        (WIDE + "labeled-data,m1,img2.png,60.0,2", True),
        (WIDE + "labeled-data,m1,img2.png,60.0,20.", True),
        (WIDE.replace(",", ";").replace(".", ",") + "labeled-data;m1;img2,png;60,0;2".replace("img2,", "img2."), True),
        ('"' + (WIDE + "labeled-data,m1,img2.png,60.0,2").replace(",", '","').replace("\n", '"\n"'), True),
        (HEAD + "img1.png,12.3456,78.9123\n" * 5 + "img2.png,7.0,12.3456\nimg3.png,1.2345,1.2", True),
        (WIDE.replace("\n", ",,\n") + "labeled-data,m1,img2.png,60.0,20.0", True),
        (WIDE + "labeled-data,m1,img2.png,60.0,2\n", False),
        (WIDE + "labeled-data,m1,img2.png,60.0,20.0", False),
        (WIDE + "labeled-data,m1,img2.png,,", False),
        (HEAD + "img1.png,12,34\nimg2.png,56,7", False),
        (HEAD + "img1.png,12.5,34.25\nimg2.png,56,70.5", False),
        (HEAD + "img1.png,,7", False),
        (HEAD.rstrip(), False),
    ],
)
def test_a_table_cut_within_its_last_number_is_told(tmp_path, text, is_told):
    """Kind: a file that was cut off is still a table, whose last number is another one: 20.0 became 2."""
    (tmp_path / "a.csv").write_text(text)
    told = list[Notice]()
    read_csv(tmp_path / "a.csv", report=told.append)
    assert bool(told) is is_told
    if is_told:
        assert "no line break at its end" in told[0].text
        assert "(nose y of img" in told[0].text
