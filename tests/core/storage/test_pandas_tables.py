"""Tables in HDF5 are read as pandas wrote them, and reading runs nothing."""

import warnings

import h5py
import numpy as np
import pandas as pd
import pytest
import tables

from posecut_core.errors import LabelError, StorageError
from posecut_core.storage import tables as pandas_tables
from posecut_core.storage.tables import KEY, read_hdf, write_hdf, write_hdf_table

COLUMNS = pd.MultiIndex.from_product([["Ann"], ["nose", "Ohr ä"], ["x", "y"]], names=["scorer", "bodyparts", "coords"])
LEVELS = pd.MultiIndex.from_tuples([("labeled-data", "m1", f"img{n}.png") for n in range(3)])
FLAT = pd.Index([f"labeled-data\\m1\\img{n}.png" for n in range(3)])


def table(index, rows=3):
    values = np.arange(12.0).reshape(3, 4)
    values[1, 2:] = np.nan
    return pd.DataFrame(values, index=index, columns=COLUMNS)[:rows]


def write(path, frame, layout):
    if layout == "fixed":
        write_hdf(path, frame)
    else:
        write_hdf_table(path, lambda: iter([frame]), rows=len(frame))


@pytest.mark.parametrize(
    ("index", "layout"),
    [(LEVELS, "fixed"), (FLAT, "fixed"), (FLAT, "table"), (pd.RangeIndex(3), "fixed"), (pd.RangeIndex(3), "table")],
)
def test_tables_round_trip(tmp_path, index, layout):
    """Both layouts give back names and numbers, also through pandas itself."""
    path = tmp_path / "a.h5"
    write(path, table(index), layout)
    for frame in (read_hdf(path), pd.read_hdf(path)):
        np.testing.assert_array_equal(frame.to_numpy(), table(index).to_numpy())
        assert list(frame.index) == list(index)
        assert list(frame.columns) == list(COLUMNS)
        assert list(frame.columns.names) == ["scorer", "bodyparts", "coords"]


def test_older_pandas_finds_its_version(tmp_path):
    """The attribute that pandas < 3 needs is there, in the group that DeepLabCut names."""
    for layout in ("fixed", "table"):
        write(tmp_path / "a.h5", table(FLAT), layout)
        with h5py.File(tmp_path / "a.h5") as file:
            assert file[KEY].attrs["pandas_version"] == b"0.15.2"


def test_an_empty_table_is_read(tmp_path):
    """A table without rows has its columns."""
    write_hdf(tmp_path / "a.h5", table(LEVELS, rows=0))
    assert read_hdf(tmp_path / "a.h5").shape == (0, 4)


@pytest.mark.parametrize("layout", ["fixed", "table"])
def test_columns_of_several_types_keep_their_places(tmp_path, layout):
    """Whole-number columns, which pandas stores apart, come back in order."""
    frame = table(FLAT).astype({COLUMNS[1]: np.int64})
    frame.to_hdf(tmp_path / "a.h5", key="other", mode="w", format=layout)
    np.testing.assert_array_equal(read_hdf(tmp_path / "a.h5").to_numpy(), table(FLAT).to_numpy())


def test_a_failed_write_leaves_the_old_file(tmp_path):
    """A table that the layout does not allow does not cost the old one."""
    path = tmp_path / "a.h5"
    write_hdf(path, table(LEVELS))
    with pytest.raises((NotImplementedError, ValueError, TypeError)):
        write(path, table(LEVELS), "table")
    assert read_hdf(path).shape == (3, 4)
    assert list(tmp_path.iterdir()) == [path]


def test_reading_runs_no_code(tmp_path, monkeypatch):
    """A file whose attributes would run a command when unpickled is refused, and the command does not run."""
    path, trace = tmp_path / "a.h5", tmp_path / "ran"
    write(path, table(FLAT), "table")
    bomb = b"cos\nmkdir\n(V" + str(trace).encode() + b"\ntR."
    with h5py.File(path, "r+") as file:
        for node, name in [(file[KEY], "non_index_axes"), (file[KEY]["table"], "values_block_0_kind")]:
            node.attrs[name] = np.bytes_(bomb)
    with pytest.raises(LabelError, match="could run code"):
        read_hdf(path)
    assert not trace.exists()


def test_values_stored_as_objects_are_refused(tmp_path):
    """Text among the numbers, which pandas pickles, is named and not loaded."""
    frame = table(LEVELS).astype({COLUMNS[0]: object})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.PerformanceWarning)
        frame.to_hdf(tmp_path / "a.h5", key=KEY, mode="w")
    with pytest.raises(LabelError, match="text or mixed values instead of numbers"):
        read_hdf(tmp_path / "a.h5")


@pytest.mark.parametrize("damage", ["empty", "cut", "text", "plain", "series"])
def test_damage_is_named(tmp_path, damage):
    """What is not a table of ours gives one sentence with the file's name."""
    path = tmp_path / "a.h5"
    write_hdf(path, table(LEVELS))
    if damage == "plain":
        with h5py.File(path, "w") as file:
            file["x"] = [1.0]
    elif damage == "series":
        pd.Series([1.0, 2.0]).to_hdf(path, key=KEY, mode="w")
    else:
        content = {"empty": b"", "cut": path.read_bytes()[:3000], "text": b"hello"}[damage]
        path.write_bytes(content)
    with pytest.raises(LabelError, match=r"a\.h5 .*; restore it from a copy"):
        read_hdf(path)


def test_a_missing_file_is_named(tmp_path):
    """A missing table gives one sentence."""
    with pytest.raises(LabelError, match="Found no file"):
        read_hdf(tmp_path / "a.h5")


def refuse(*arguments, **options):
    raise tables.HDF5ExtError("HDF5 error back trace")


@pytest.mark.parametrize(
    ("owner", "name", "stand_in"),
    [
        (pd.HDFStore, "put", refuse),
        (pandas_tables, "read_hdf", lambda path: table(LEVELS) + 1),
        (pandas_tables, "read_hdf", lambda path: table(LEVELS, rows=2)),
    ],
)
def test_what_the_disk_did_not_take_is_not_taken_for_written(tmp_path, monkeypatch, owner, name, stand_in):
    """HDF5 raises its own errors on a full disk, or none at all: the file is read back, or the old one stays."""
    path = tmp_path / "a.h5"
    write_hdf(path, table(LEVELS))
    before = path.read_bytes()
    monkeypatch.setattr(owner, name, stand_in)
    with pytest.raises(StorageError, match="differs from what was written"):
        write_hdf(path, table(LEVELS))
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (before, [path])


@pytest.mark.parametrize("layout", ["fixed", "table"])
def test_the_same_table_is_the_same_file(tmp_path, monkeypatch, layout):
    """No time stands in a file, or a step that was killed and run again could not be held against one that was not."""
    given = []
    create = tables.File.create_table if layout == "table" else tables.File.create_array
    monkeypatch.setattr(
        tables.File,
        create.__name__,
        lambda *words, **options: given.append(options["track_times"]) or create(*words, **options),
    )
    write(tmp_path / "a.h5", table(FLAT if layout == "table" else LEVELS), layout)
    assert given
    assert not any(given)


@pytest.mark.parametrize("kind", ["endless", "external link", "other file", "virtual", "loop"])
def test_parts_that_a_file_cannot_hold_are_refused(tmp_path, kind):
    """The kind: an .h5 from others whose parts lie in other files, or claim more numbers than all disks have."""
    path = tmp_path / "a.h5"
    columns = pd.MultiIndex.from_product([["me"], ["nose"], ["x", "y"]], names=["scorer", "bodyparts", "coords"])
    write_hdf(path, pd.DataFrame([[1.0, 2.0]], index=["img1.png"], columns=columns))
    layout = h5py.VirtualLayout((1, 2), "f8")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (1, 2))
    name = "df_with_missing/block0_values"
    with h5py.File(path, "r+") as file:
        del file[name]
        {
            "endless": lambda: file.create_dataset(name, (10**12, 2), "f8", chunks=(1, 2)),
            "external link": lambda: file.__setitem__(name, h5py.ExternalLink("/etc/passwd", "/")),
            "other file": lambda: file.create_dataset(name, (1, 2), "f8", external=[("/etc/passwd", 0, 16)]),
            "virtual": lambda: file.create_virtual_dataset(name, layout),
            "loop": lambda: file.__setitem__(name, h5py.SoftLink(f"/{name}")),
        }[kind]()
    with pytest.raises(LabelError, match=f"Cannot read {path} because its part 'block0_values' (is a|is in|claims)"):
        read_hdf(path)


def test_napari_deeplabcuts_key_is_read(tmp_path):
    """Its tables lie under another name; of several, that is the one."""
    frame = pd.DataFrame(
        [[1.0, 2.0]], index=LEVELS[:1], columns=pd.MultiIndex.from_tuples([("a", "b", "x"), ("a", "b", "y")])
    )
    frame.to_hdf(tmp_path / "a.h5", key="keypoints", mode="w")
    (frame + 1).to_hdf(tmp_path / "a.h5", key="meta", mode="a")
    np.testing.assert_array_equal(read_hdf(tmp_path / "a.h5").to_numpy(), [[1, 2]])


@pytest.mark.parametrize("text", [True, False])
def test_advice_loses_no_labels(tmp_path, text):
    """Kind: advice that is followed literally. The only table of labels is never to be deleted."""
    (tmp_path / "a.h5").write_bytes(b"damaged")
    if text:
        (tmp_path / "a.csv").write_text("")
    with pytest.raises(LabelError, match="restore it from a copy") as caught:
        read_hdf(tmp_path / "a.h5")
    assert ("delete it" in str(caught.value)) is text


@pytest.mark.parametrize("order", [["bodyparts", "scorer", "coords"], ["coords", "bodyparts", "scorer"]])
@pytest.mark.parametrize("animals", [False, True])
def test_levels_of_columns_are_told_by_their_names(tmp_path, order, animals):
    """Kind: a table whose levels are named in another order was read by their places: bodyparts as scorers."""
    frame = table(LEVELS)
    if animals:
        columns = [(scorer, "single", part, coord) for scorer, part, coord in frame.columns]
        frame.columns = pd.MultiIndex.from_tuples(columns, names=["scorer", "individuals", "bodyparts", "coords"])
    usual = frame.columns
    moved = frame.set_axis(usual.reorder_levels([*order, *(["individuals"] if animals else [])]), axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tables.NaturalNameWarning)
        moved.to_hdf(tmp_path / "a.h5", key=KEY, mode="w")
    found = read_hdf(tmp_path / "a.h5")
    assert found.columns.equals(usual)
    np.testing.assert_array_equal(found.to_numpy(), frame.to_numpy())
