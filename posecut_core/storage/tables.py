"""Tables on disk: pandas tables in HDF5 as DeepLabCut keeps them, and csv files with a header."""

import contextlib
import csv
import io
import pickletools
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import tables
from jaxtyping import Float64

from posecut_core.errors import AnalysisError, LabelError
from posecut_core.progress import Notice, Report
from posecut_core.storage.files import atomic_path, keep_copy, read_text, write_text
from posecut_core.storage.hdf import open_hdf

# --- stored lists -----------------------------------------------------------------------------------------------------
# Decode the lists of names that pandas keeps in HDF5 attributes, without running anything.
#
# pandas stores the column names of table-format files in pickle's notation. Loading a pickle can run any code, so the
# notation is only read here, symbol by symbol (`pickletools` parses and never executes): lists, tuples, texts and
# numbers
# are understood, and anything else is refused.


_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_VALUES = frozenset(
    [
        "UNICODE",
        "BINUNICODE",
        "SHORT_BINUNICODE",
        "BINUNICODE8",
        "STRING",
        "BINSTRING",
        "SHORT_BINSTRING",
        "INT",
        "BININT",
        "BININT1",
        "BININT2",
        "LONG",
        "LONG1",
        "FLOAT",
        "BINFLOAT",
    ]
)
_STORE = frozenset(["PUT", "BINPUT", "LONG_BINPUT"])
_FETCH = frozenset(["GET", "BINGET", "LONG_BINGET"])
_IGNORED = frozenset(["PROTO", "FRAME", "STOP"])
_MARK = object()


def _decode_list(encoded: bytes) -> list[object]:
    """Decode a list of plain values.

    Raises:
        LabelError: the bytes hold anything but nested lists and tuples of texts, numbers and None.
    """
    stack: list[object] = []
    memory: dict[int, object] = {}
    try:
        for operation, argument, _ in pickletools.genops(encoded):
            _apply(operation.name, argument, stack, memory)
    except LabelError:
        raise
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise LabelError("its stored column names are damaged") from error
    if len(stack) != 1 or not isinstance(stack[0], list):
        raise LabelError("its stored column names are damaged")
    return stack[0]


def _apply(name: str, argument: object, stack: list[object], memory: dict[int, object]) -> None:
    if name in _VALUES:
        stack.append(argument)
    elif name in _CONSTANTS:
        stack.append(_CONSTANTS[name])
    elif name in _STORE:
        memory[int(str(argument))] = stack[-1]
    elif name == "MEMOIZE":
        memory[len(memory)] = stack[-1]
    elif name in _FETCH:
        stack.append(memory[int(str(argument))])
    elif name in _BUILDERS:
        _BUILDERS[name](stack)
    elif name not in _IGNORED:
        raise LabelError(f"its stored column names contain the instruction {name}, which could run code")


def _since_mark(stack: list[object]) -> list[object]:
    start = len(stack) - 1 - stack[::-1].index(_MARK)
    items = stack[start + 1 :]
    del stack[start:]
    return items


def _append(stack: list[object]) -> None:
    item = stack.pop()
    stack[-1].append(item)  # type: ignore[attr-defined]


def _extend(stack: list[object]) -> None:
    items = _since_mark(stack)
    stack[-1].extend(items)  # type: ignore[attr-defined]


def _tuple_of(count: int) -> Callable[[list[object]], None]:
    def build(stack: list[object]) -> None:
        items = tuple(stack[-count:])
        del stack[-count:]
        stack.append(items)

    return build


_BUILDERS: dict[str, Callable[[list[object]], None]] = {
    "MARK": lambda stack: stack.append(_MARK),
    "EMPTY_LIST": lambda stack: stack.append([]),
    "EMPTY_TUPLE": lambda stack: stack.append(()),
    "LIST": lambda stack: stack.append(_since_mark(stack)),
    "TUPLE": lambda stack: stack.append(tuple(_since_mark(stack))),
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "APPEND": _append,
    "APPENDS": _extend,
}


# --- pandas tables ----------------------------------------------------------------------------------------------------
# pandas tables in HDF5 files as DeepLabCut keeps them: written for pandas 1.5 to 3, read without running anything.
#
# Writing is pandas' own (PyTables). Reading goes through h5py, because PyTables unpickles attributes of files it opens.


KEY = "df_with_missing"  # DeepLabCut's name of the group
_OTHER_KEYS = ("keypoints",)  # of napari-deeplabcut
_ROWS_AT_ONCE = 20_000  # of an array
_UNREADABLE = (  # what h5py and pandas raise on a damaged file
    *(OSError, KeyError, ValueError, TypeError, IndexError, RuntimeError, AttributeError, OverflowError),
    *(AssertionError, NotImplementedError, MemoryError),
)
_PANDAS_VERSION = "0.15.2"  # pandas < 3 needs this attribute, pandas 3 leaves it out


def write_hdf(path: Path, frame: pd.DataFrame, *, attributes: Mapping[str, str] | None = None) -> None:
    """Replace `path` by a table in the fixed layout, as DeepLabCut writes labels.

    Args:
        path: The .h5 file.
        frame: Float columns under (scorer, bodyparts, coords).
        attributes: Of the file, in ASCII; pandas passes over them.

    Raises:
        StorageError: the disk refuses; the old file is then unchanged.
    """
    with _replaced(path) as temporary:
        with _timeless_store(temporary) as store:
            store.put(KEY, frame, format="fixed", track_times=False)
        _name_version(temporary, attributes)
        if len(frame) and not np.array_equal(read_hdf(temporary).to_numpy(), frame.to_numpy(float), equal_nan=True):
            raise _not_written()


def write_hdf_table(
    path: Path,
    chunks: Callable[[], Iterator[pd.DataFrame]],
    *,
    rows: int,
    attributes: Mapping[str, str] | None = None,
    arrays: Mapping[str, Float64[np.ndarray, "rows columns"]] | None = None,
) -> None:
    """Replace `path` by a table in the table layout, as DeepLabCut writes predictions, in memory of one chunk.

    Args:
        path: The .h5 file.
        chunks: Called for its parts, top to bottom: float columns, one level of row names.
        rows: How many there are in all.
        attributes: Of the file, in ASCII; pandas passes over them.
        arrays: Beside the table, by name; pandas passes over them too. They may be mapped from disk.

    Raises:
        StorageError: the disk refuses; the old file is then unchanged.
    """
    with _replaced(path) as temporary:
        with _timeless_store(temporary) as store:
            for chunk in chunks():
                store.append(KEY, chunk, format="table", index=False, expectedrows=rows)
        _name_version(temporary, attributes)
        _read_back(temporary, chunks())
        _put_arrays(temporary, arrays or {})


@contextlib.contextmanager
def _replaced(path: Path) -> Iterator[Path]:
    """Yield a temporary path; what HDF5 raises where it cannot write becomes an error of the disk."""
    with atomic_path(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore", tables.NaturalNameWarning)
        try:
            yield temporary
        except (tables.HDF5ExtError, LabelError, KeyError, RuntimeError) as error:
            raise _not_written() from error


@contextlib.contextmanager
def _timeless_store(path: Path) -> Iterator[pd.HDFStore]:
    """Yield an empty store whose objects note no times, so that the same table is the same file, bit for bit."""
    with pd.HDFStore(path, "w") as store:
        file = store.root._v_file
        for name in ("create_array", "create_carray", "create_earray", "create_vlarray", "create_table"):
            setattr(file, name, _timeless(getattr(file, name)))
        yield store


def _timeless(create: Callable[..., object]) -> Callable[..., object]:
    return lambda *arguments, **options: create(*arguments, **{**options, "track_times": False})


def _name_version(path: Path, attributes: Mapping[str, str] | None) -> None:
    with h5py.File(path, "r+") as file:
        for name, text in (attributes or {}).items():
            file.attrs[name] = np.bytes_(text)
        file[KEY].attrs["pandas_version"] = np.bytes_(_PANDAS_VERSION)


def _put_arrays(path: Path, arrays: Mapping[str, Float64[np.ndarray, "rows columns"]]) -> None:
    """Add arrays to a file, part by part, and compare each part with what was to be written."""
    if not arrays:
        return
    with h5py.File(path, "r+") as file:
        for name, values in arrays.items():
            written = file.create_dataset(name, shape=values.shape, dtype="<f8")
            for start in range(0, len(values), _ROWS_AT_ONCE):
                written[start : start + _ROWS_AT_ONCE] = values[start : start + _ROWS_AT_ONCE]
    with h5py.File(path, "r") as file:
        for name, values in arrays.items():
            for start in range(0, len(values), _ROWS_AT_ONCE):
                part = slice(start, start + _ROWS_AT_ONCE)
                if not np.array_equal(file[name][part], values[part], equal_nan=True):
                    raise _not_written()


def _read_back(path: Path, chunks: Iterator[pd.DataFrame]) -> None:
    """Compare a file with what was to be written, before the old one is replaced."""
    with h5py.File(path, "r") as file:
        records, start = file[KEY]["table"], 0
        for chunk in chunks:
            found = records[start : start + len(chunk)]["values_block_0"]
            start += len(chunk)
            if not np.array_equal(found, chunk.to_numpy(), equal_nan=True):
                raise _not_written()


def _not_written() -> OSError:
    """Return the error of a file that is not as it should have been written: a full disk leaves HDF5 unmoved."""
    return OSError(0, "the file differs from what was written; the disk may be full")


def read_array(path: Path, name: str) -> Float64[np.ndarray, "rows columns"] | None:
    """Read an array that lies beside the table of a file; None where there is none.

    Raises:
        LabelError: it holds something else than numbers in rows and columns, or the file is damaged.
    """
    try:
        with open_hdf(path) as file:
            found = file.get(name)
            if found is None:
                return None
            return np.asarray(found[()], dtype=np.float64).reshape(len(found), -1)
    except LabelError:
        raise
    except _UNREADABLE as error:
        raise LabelError(f"{path} is not a readable HDF5 file; restore it from a copy.") from error


def read_hdf(path: Path) -> pd.DataFrame:
    """Read a table that pandas or DeepLabCut wrote, in fixed or table layout; text is decoded, values are float64.

    Raises:
        LabelError: the file is missing, damaged, or holds something else.
    """
    try:
        with open_hdf(path) as file:
            return _table_of(file, path)
    except FileNotFoundError as error:
        raise LabelError(f"Found no file {path}; expected a table of labels or predictions there.") from error
    except LabelError:
        raise
    except _UNREADABLE as error:
        raise LabelError(
            f"{path} is not a readable HDF5 table (it may be truncated, or compressed as few programs read it); "
            f"restore it from a copy{_or_text(path)}."
        ) from error


def _or_text(path: Path) -> str:
    """Say what else than a copy helps: without a table as text, deleting the other would lose all."""
    return ", or delete it so that the .csv is used" if path.with_suffix(".csv").exists() else ""


def _table_of(file: h5py.File, path: Path) -> pd.DataFrame:
    try:
        return _read_group(_only_table(file))
    except LabelError as error:
        raise LabelError(f"Cannot read {path} because {error}; restore it from a copy{_or_text(path)}.") from error


def _only_table(file: h5py.File) -> h5py.Group:
    for key in (KEY, *_OTHER_KEYS):
        if isinstance(file.get(key), h5py.Group):
            return file[key]
    groups = [file[name] for name in file if isinstance(file[name], h5py.Group) and "pandas_type" in file[name].attrs]
    if len(groups) != 1:
        raise LabelError(f"it holds {len(groups)} pandas tables instead of one under {KEY!r}")
    return groups[0]


def _read_group(group: h5py.Group) -> pd.DataFrame:
    kind = group.attrs["pandas_type"].decode()
    if kind == "frame_table":
        return _read_table(group)
    if kind == "frame":
        return _read_fixed(group)
    raise LabelError(f"it holds a pandas {kind} instead of a frame")


def _read_table(group: h5py.Group) -> pd.DataFrame:
    """Read the layout in which each row is one record: its name, then one block of numbers per type of column."""
    records = group["table"]
    columns: list[object] = []
    blocks: list[np.ndarray] = []
    for name in records.dtype.names:
        if name.startswith("values_block_"):
            columns += _decode_list(bytes(records.attrs[f"{name}_kind"]))
            blocks.append(_floats(records[name].reshape(len(records), -1)))
    order = [columns.index(column) for column in _ordered_columns(group)]
    values = np.concatenate(blocks, axis=1) if blocks else np.empty((len(records), 0))
    return pd.DataFrame(
        values[:, order],
        index=pd.Index(_plain(records["index"])),
        columns=_columns([columns[place] for place in order]),
    )


def _ordered_columns(group: h5py.Group) -> list[object]:
    """Return the names of columns in order, stored as [(axis, names)]."""
    axes = _decode_list(bytes(group.attrs["non_index_axes"]))
    return list(axes[0][1])  # type: ignore[index]


def _read_fixed(group: h5py.Group) -> pd.DataFrame:
    """Read the layout in which names of rows, names of columns and blocks of numbers are arrays of their own."""
    columns, rows = _axis(group, "axis0"), _axis(group, "axis1")
    frame = pd.DataFrame(np.nan, index=_rows(rows), columns=_columns(columns, _titles(group, "axis0")))
    for number in range(int(group.attrs["nblocks"])):
        values = group[f"block{number}_values"]
        places = [columns.index(item) for item in _axis(group, f"block{number}_items")]
        if len(rows) and places:
            frame.iloc[:, places] = _floats(values[:] if values.attrs.get("transposed", 1) else values[:].T)
    return frame


def _axis(group: h5py.Group, name: str) -> list[object]:
    if group.attrs[f"{name}_variety"] != b"multi":
        return [] if "shape" in group[name].attrs else _plain(group[name][:])
    levels = []
    for level in range(int(group.attrs[f"{name}_nlevels"])):
        codes = group[f"{name}_label{level}"]
        names = _plain(group[f"{name}_level{level}"][:])
        numbers = [] if "shape" in codes.attrs else codes[:].tolist()
        if any(number < 0 for number in numbers):
            raise LabelError("it has rows or columns without a name")
        levels.append([names[number] for number in numbers])
    return list(zip(*levels, strict=True))


def _plain(values: np.ndarray) -> list[object]:
    """Return names as text or numbers."""
    if values.dtype.kind == "S":
        return [value.decode("utf-8") for value in values.tolist()]
    if values.dtype.kind in "iuf":
        return values.tolist()
    raise LabelError(f"its names are stored as {values.dtype} instead of text or whole numbers")


def _floats(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind not in "fiu":
        raise LabelError("some of its columns hold text or mixed values instead of numbers")
    return values.astype(np.float64)


def _rows(names: list[object]) -> pd.Index:
    if names and isinstance(names[0], tuple):
        return pd.MultiIndex.from_tuples(names)
    return pd.Index(names)


def _titles(group: h5py.Group, axis: str) -> list[str]:
    """Return what the levels of an axis are called; "" where that is not said."""
    levels = range(int(group.attrs.get(f"{axis}_nlevels", 0)))
    named = (group[f"{axis}_level{level}"].attrs.get("name", b"") for level in levels)
    return [name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in named]


def _columns(names: list[object], found: Sequence[str] = ()) -> pd.MultiIndex:
    """Return column names as (scorer, bodyparts, coords), with individuals second where there are four levels.

    Args:
        names: of the columns.
        found: what their levels are called; another order than the usual one counts where it names all of them.
    """
    tuples = [tuple(str(level) for level in name) for name in names if isinstance(name, tuple)]
    levels = {len(name) for name in tuples}
    if len(tuples) != len(names) or not levels <= {3, 4} or len(levels) != 1:
        raise LabelError("its columns are not named by scorer, bodypart and coordinate")
    titles = ["scorer", "individuals", "bodyparts", "coords"] if levels == {4} else ["scorer", "bodyparts", "coords"]
    if sorted(found) == sorted(titles):
        order = [found.index(title) for title in titles]
        tuples = [tuple(name[place] for place in order) for name in tuples]
    return pd.MultiIndex.from_tuples(tuples, names=titles)


# --- csv rows ---------------------------------------------------------------------------------------------------------
# Tables of text with a header, as csv files that people open in spreadsheets and save again.


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read the rows of a table as column -> cell; there are none where there is no file.

    Raises:
        AnalysisError: it is not a table.
    """
    try:
        return list(csv.DictReader(io.StringIO(read_text(path, errors="replace"))))
    except FileNotFoundError:
        return []
    except (OSError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise AnalysisError(
            f"{path} is not a table of comma-separated values ({reason}); delete it, and it is written again."
        ) from error


def own_rows(path: Path, columns: Sequence[str], *, report: Report) -> list[dict[str, str]]:
    """Read a table that is about to be replaced; one that lacks any of `columns` is kept under another name.

    Args:
        path: the table.
        columns: those without which its rows say nothing.
        report: told where a table was kept.

    Raises:
        StorageError: the copy cannot be written.
    """
    rows = read_rows(path)
    missing = [name for name in columns if rows and name not in rows[0]]
    if not missing:
        return rows
    kept = keep_copy(path.with_name(f"{path.stem}-other-format{path.suffix}"), path.read_bytes())
    text = (
        f"{path} has no column {missing[0]!r}, probably because a spreadsheet saved it with semicolons; it is kept as "
        f"{kept.name} and a new table is started; to continue with the old rows, save them with commas under the old "
        "name"
    )
    report(Notice(text))
    return []


def write_rows(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
    """Replace a table; cells that a row lacks are empty, and those of other columns are left out.

    Raises:
        StorageError: the folder cannot be written.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())
