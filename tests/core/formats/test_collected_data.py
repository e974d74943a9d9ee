"""CollectedData files are read in every form DeepLabCut wrote, checked, and replaced whole."""

import os

import numpy as np
import pandas as pd
import pytest

from posecut_core.errors import LabelError
from posecut_core.formats.deeplabcut.tables import (
    ImageLabels,
    foreign_rows,
    read_collected_data,
    swapped_folder,
    write_collected_data,
)
from tests.structure.source import ROOT

XY = np.array([[[1.1, 2.2], [np.nan, np.nan]], [[5.5, 6.6], [7.7, 8.8]]])
LABELS = ImageLabels({3: "img03.png", 20: "img20.png"}, ("nose", "tail"), XY)
HEAD = "scorer,,,Ann,Ann,Ann,Ann\nbodyparts,,,nose,nose,tail,tail\ncoords,,,x,y,x,y\n"
ROW = "labeled-data,m1,img03.png,{}\n"


@pytest.fixture
def folder(tmp_path):
    """A video's folder in labeled-data."""
    path = tmp_path / "labeled-data" / "m1"
    path.mkdir(parents=True)
    return path


def read(folder, bodyparts=("nose", "tail"), scorer="Ann"):
    return read_collected_data(folder, scorer, bodyparts=bodyparts)


def csv(folder, rows, head=HEAD):
    (folder / "CollectedData_Ann.csv").write_text(head + rows)


@pytest.mark.parametrize("left", [".h5", ".csv", ""])
def test_labels_round_trip(folder, left):
    """Both files hold all labels: either alone, or a damaged .h5 beside a good .csv, gives them back."""
    write_collected_data(folder, "Ann", LABELS)
    if left:
        (folder / f"CollectedData_Ann{'.csv' if left == '.h5' else '.h5'}").unlink()
    else:
        (folder / "CollectedData_Ann.h5").write_bytes(b"damaged")
    labels = read(folder)
    assert (labels.names, labels.bodyparts) == (LABELS.names, LABELS.bodyparts)
    np.testing.assert_array_equal(labels.xy, XY)


def test_the_table_of_the_docs_is_read(folder):
    """What the how-to on labeling without a window tells people to write is read as it says."""
    page = ROOT / "docs" / "how_to" / "label_without_window.md"
    text = page.read_text(encoding="utf-8").split("```text\n")[1].split("```")[0]
    (folder / "CollectedData_ada.csv").write_text(text)
    labels = read(folder, bodyparts=("snout", "tailbase"), scorer="ada")
    assert list(labels.names) == [3, 40]
    np.testing.assert_array_equal(labels.xy[:, 0], [[81.5, 40.0], [90.0, 41.0]])
    assert np.isnan(labels.xy[1, 1]).all()


def test_a_damaged_h5_is_told(folder):
    """Where the .csv stands in for it, both files are named, and what to do."""
    write_collected_data(folder, "Ann", LABELS)
    (folder / "CollectedData_Ann.h5").write_bytes(b"damaged")
    said = told(folder)
    assert "Ann.h5 is damaged, so the labels are read from CollectedData_Ann.csv" in said
    assert said.endswith("check them and delete the .h5")


@pytest.mark.parametrize(
    ("old", "new", "is_told"),
    [
        ("5.5", "9.5", True),
        ("img03", "img04", True),
        ("7.7,8.8", ",", True),
        ("7.7", "seven", True),
        ("5.5", "5.5001", False),
        ("5.5", "5.5", False),
    ],
)
def test_a_csv_edited_by_hand_is_told(folder, old, new, is_told):
    """A newer .csv that says otherwise than the .h5 is not ignored silently; rounding, or the same, is no edit."""
    write_collected_data(folder, "Ann", LABELS)
    path = folder / "CollectedData_Ann.csv"
    path.write_text(path.read_text().replace(old, new))
    os.utime(path, ns=(0, (folder / "CollectedData_Ann.h5").stat().st_mtime_ns + 1))
    assert told(folder).endswith("delete the .h5 if the .csv is right, else delete the .csv") is is_told
    np.testing.assert_array_equal(read(folder).xy, XY)
    os.utime(path, ns=(0, 0))
    assert told(folder) == ""


def told(folder):
    said = []
    read_collected_data(folder, "Ann", bodyparts=("nose", "tail"), report=said.append)
    return "; ".join(notice.text for notice in said)


@pytest.mark.parametrize("separator", ["/", "\\"])
@pytest.mark.parametrize("layout", ["fixed", "table"])
def test_flat_names_are_read(folder, separator, layout):
    """Old files name an image by one path, on Windows with backslashes; rows need not be in order."""
    names = [separator.join(["labeled-data", "m1", name]) for name in ("img20.png", "img03.png")]
    columns = pd.MultiIndex.from_product([["Ann"], ["nose", "tail"], ["x", "y"]])
    frame = pd.DataFrame(XY[::-1].reshape(2, 4), index=names, columns=columns)
    frame.to_hdf(folder / "CollectedData_Ann.h5", key="df_with_missing", mode="w", format=layout)
    labels = read(folder)
    assert labels.names == LABELS.names
    np.testing.assert_array_equal(labels.xy, XY)


def test_columns_take_the_projects_order(folder):
    """Bodyparts are reordered, and those that the file lacks are missing."""
    write_collected_data(folder, "Ann", LABELS)
    labels = read(folder, bodyparts=("tail", "ear", "nose"))
    np.testing.assert_array_equal(labels.xy[:, [2, 0]], XY)
    assert np.isnan(labels.xy[:, 1]).all()


def test_a_folder_without_labels_has_none(folder):
    """Extracted frames may not be labeled yet."""
    assert read(folder) is None
    assert read(folder / "nowhere") is None


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (ROW.format("1,,3,4"), "only one of x and y for nose in img03.png"),
        (ROW.format("1,2,3,4") + ROW.format("1,2,3,5").replace("03", "3"), "both img03.png and img3.png"),
        (ROW.format("1,2,3,4") + ROW.format("1,2,3,5"), "img03.png twice, and differently"),
        (ROW.format("1,2,3,4").replace("img03.png", "mouse"), "the image 'mouse'"),
        (ROW.format("1,2,3,four"), "'four'"),
    ],
)
def test_doubtful_rows_are_named(folder, rows, words):
    """Half pairs, frames labeled twice and differently, and rows of no image give one sentence with file and row."""
    csv(folder, rows)
    with pytest.raises(LabelError, match=words) as caught:
        read(folder)
    assert "CollectedData_Ann.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("nose", "snout", "has 'snout', expected only bodyparts of config"),
        ("coords,,,x,y,x,y", "coords,,,x,y,x,z", "x, y, z per bodypart"),
        ("coords,,,x,y,x,y", "coords,,,x,y,y,y", "a column twice for tail"),
        ("coords,,,x,y,x,y", "coords,,,x,y,x,likelihood", "likelihood marks predictions"),
        ("tail,tail", "nose,nose", "holds a column twice for nose"),
    ],
)
def test_columns_that_do_not_fit_are_named(folder, old, new, words):
    """Unknown bodyparts, another scorer, likelihoods and repeats give one sentence."""
    csv(folder, ROW.format("1,2,3,4"), head=HEAD.replace(old, new))
    with pytest.raises(LabelError, match=words):
        read(folder)


@pytest.mark.parametrize("form", ["h5", "csv"])
@pytest.mark.parametrize("animals", [("mouse1",), ("",), ("Unnamed: 3_level_1", "Unnamed: 4_level_1"), ("m", "single")])
def test_a_level_of_individuals_is_read_for_one_animal(folder, form, animals):
    """Kind: a table with a level more. One individual, however it is called, is the animal; several are refused."""
    pairs = [("nose", "x"), ("nose", "y"), ("tail", "x"), ("tail", "y")]
    names = [animals[place % len(animals)] for place in (0, 0, 1, 1)]
    columns = pd.MultiIndex.from_tuples(
        [("Ann", name, *pair) for name, pair in zip(names, pairs, strict=True)],
        names=["scorer", "individuals", "bodyparts", "coords"],
    )
    index = pd.MultiIndex.from_tuples([("labeled-data", "m1", name) for name in LABELS.names.values()])
    frame = pd.DataFrame(XY.reshape(2, 4), index=index, columns=columns)
    if form == "csv":
        frame.to_csv(folder / "CollectedData_Ann.csv")
    else:
        frame.to_hdf(folder / "CollectedData_Ann.h5", key="df_with_missing", mode="w")
    if "single" in animals:
        with pytest.raises(LabelError, match=r"several individuals \(m, single\)"):
            read(folder)
    else:
        np.testing.assert_array_equal(read(folder).xy, XY)


def test_another_scorer_in_the_columns_is_told(folder):
    """An experimenter who was renamed in the file's name only; two in one table are refused."""
    csv(folder, ROW.format("1,2,3,4"), head=HEAD.replace("Ann", "Bob"))
    assert "the scorer 'Bob' in its columns; read as 'Ann'" in told(folder)
    csv(folder, ROW.format("1,2,3,4"), head=HEAD.replace("Ann,Ann\nb", "Bob,Bob\nb"))
    with pytest.raises(LabelError, match="labels by 'Ann', 'Bob', expected one scorer"):
        read(folder)


IMAGES = ("img03.png", "img20.png")


@pytest.mark.parametrize(
    "form",
    [
        "labeled-data,m1,{}",
        "labeled-data/m1/{}",
        "./labeled-data/m1/{}",
        "labeled-data\\m1\\{}",
        "D:\\lab\\m1\\labeled-data\\m1\\{}",
        "/home/ann/labeled-data/m1/{}",
        "labeled-data/m1/images/{}",
        "project,labeled-data,m1,{}",
        "m1/{}",
        "m1/images/{}",
        "{}",
    ],
)
@pytest.mark.parametrize("layout", ["csv", "h5"])
def test_rows_name_their_images_in_many_forms(folder, form, layout):
    """Kind: the same image under other names; none of these forms says that it is another video's."""
    names = [tuple(form.format(image).split(",")) for image in IMAGES]
    index = pd.MultiIndex.from_tuples(names) if len(names[0]) > 1 else pd.Index([name[0] for name in names])
    columns = pd.MultiIndex.from_product(
        [["Ann"], ["nose", "tail"], ["x", "y"]], names=["scorer", "bodyparts", "coords"]
    )
    frame = pd.DataFrame(XY.reshape(2, 4), index=index, columns=columns)
    if layout == "csv":
        frame.to_csv(folder / "CollectedData_Ann.csv")
    else:
        frame.to_hdf(folder / "CollectedData_Ann.h5", key="df_with_missing", mode="w")
    assert told(folder) == ""
    assert read(folder).names == LABELS.names
    np.testing.assert_array_equal(read(folder).xy, XY)


def shared_table(folder, *rows):
    csv(folder, "".join(f"labeled-data,{video},{image},{cells}\n" for video, image, cells in rows))


def test_rows_of_other_videos_are_other_videos_rows(folder):
    """Kind: a row belongs to the folder that it names. One table for all videos, copied to each, is sorted."""
    other = folder.with_name("m2")
    other.mkdir()
    rows = [("m1", "img03.png", "1,2,3,4"), ("m2", "img03.png", "5,6,7,8"), ("m2", "img04.png", "5,6,7,9")]
    shared_table(folder, *rows)
    with pytest.raises(LabelError, match=rf"holds rows of 'm2'.*copy CollectedData_Ann.csv to {other} too"):
        read(folder)
    shared_table(other, *rows)
    assert list(read(folder).names.values()) == ["img03.png"]
    assert list(read(other).names.values()) == ["img03.png", "img04.png"]
    np.testing.assert_array_equal(read(other).xy[0], [[5, 6], [7, 8]])
    assert "also holds rows of other folders (2 of 'm2')" in told(folder)
    assert foreign_rows(folder, "Ann") == (folder / "CollectedData_Ann.csv",)
    assert swapped_folder(folder, "Ann") == ""


def test_a_table_of_another_folder_is_not_to_be_removed(folder):
    """Kind: advice that costs labels. Two folders may have been swapped; a folder's earlier name is none of another."""
    shared_table(folder, ("m2", "img03.png", "5,6,7,8"))
    assert swapped_folder(folder, "Ann") == ""
    folder.with_name("m2").mkdir()
    with pytest.raises(
        LabelError, match=r"may have been swapped.*; give the folders their names back, or move"
    ) as refused:
        read(folder)
    assert swapped_folder(folder, "Ann") == str(refused.value)


def test_a_table_that_is_a_link_to_nowhere_is_no_table_of_another_scorer(folder):
    """Kind: a link to nowhere. The advice was to set the scorer to what it is already."""
    (folder / "CollectedData_Ann.csv").symlink_to("nowhere")
    with pytest.raises(LabelError, match="is a link to a missing file; restore that file"):
        read(folder)


@pytest.mark.parametrize(
    ("videos", "words"),
    [
        (("m1", "gone"), "rows of 'gone', which is no folder"),
        (("gone", "lost"), "rows of 'gone', 'lost', which are no folder"),
        (("m2", "m2"), "rows of 'm2' only, expected rows of 'm1'"),
    ],
)
def test_labels_never_land_on_other_pictures(folder, videos, words):
    """Rows of folders that are not there, beside others, and a whole table of another folder are refused by name."""
    folder.with_name("m2").mkdir()
    shared_table(folder, *((video, image, "1,2,3,4") for video, image in zip(videos, IMAGES, strict=True)))
    with pytest.raises(LabelError, match=words):
        read(folder)


@pytest.mark.parametrize(
    ("name", "row"), [("m1", "session"), ("0012", "12"), ("1e5", "100000.0"), ("k\u00e4fig", "ka\u0308fig")]
)
def test_a_renamed_folder_keeps_its_labels(tmp_path, name, row):
    """One other name alone is what the folder was called before, or its number or umlaut as another program has it."""
    folder = tmp_path / "labeled-data" / name
    folder.mkdir(parents=True)
    shared_table(folder, *((row, image, "1,2,3,4") for image in IMAGES))
    assert list(read(folder).names.values()) == list(IMAGES)
    assert (f"{row!r}; read as an earlier name of {name!r}" in told(folder)) is (name == "m1")


def test_rows_that_repeat_count_once_if_they_agree(folder):
    """Kind: tables that were appended to one another. Two rows that differ are named both, and none is chosen."""
    csv(folder, ROW.format("1,2,,") * 2)
    np.testing.assert_array_equal(read(folder).xy, [[[1, 2], [np.nan, np.nan]]])
    csv(folder, ROW.format("1,2,,") + ROW.format("1,2,,").replace("03", "04") + ROW.format("1,9,,"))
    with pytest.raises(LabelError, match=r"img03.png twice, and differently, in rows 1 and 3 of its images"):
        read(folder)


@pytest.mark.parametrize("kind", ["h5", "csv"])
def test_another_scorers_labels_are_not_overlooked(folder, kind):
    """Labels under another name are reported instead of being taken for none, also where a hand wrote one file only."""
    write_collected_data(folder, "Bob", LABELS)
    (folder / f"CollectedData_Bob.{'csv' if kind == 'h5' else 'h5'}").unlink()
    with pytest.raises(LabelError, match=rf"CollectedData_Bob\.{kind}, expected CollectedData_Ann\.{kind}"):
        read(folder)


def test_an_empty_table_has_no_labels(folder):
    """A table without rows is written and read."""
    write_collected_data(folder, "Ann", ImageLabels({}, ("nose", "tail"), np.empty((0, 2, 2))))
    assert read(folder).names == {}
