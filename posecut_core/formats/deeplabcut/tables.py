"""CollectedData_<scorer>.h5 and .csv: the labels of one video as DeepLabCut and spreadsheets leave them."""

import contextlib
import csv
import io
import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Float64

from posecut_core.errors import LabelError
from posecut_core.formats.deeplabcut.images import is_image, last_part, numbers_of
from posecut_core.progress import Notice, Report, silent
from posecut_core.project.given import foreign_bodyparts, same_name
from posecut_core.project.paths import IMAGE_SUFFIXES
from posecut_core.storage.files import atomic_path, read_bytes
from posecut_core.storage.tables import read_hdf, write_hdf

# --- csv tables -------------------------------------------------------------------------------------------------------
# Label tables as .csv in DeepLabCut's layout, also as spreadsheets leave them: header lines, then a line per image.
#
# The last header line tells how many columns name the image: `coords,x,...` one, `coords,,,x,...` three.


_LEVELS = ("scorer", "bodyparts", "coords")
_SEVERAL = ("scorer", "individuals", "bodyparts", "coords")
_MOST = 0.9  # of the numbers of a table
_SHOWN = 40  # characters of a cell in a message
_SEPARATORS = (",", ";", "\t")
_PLACEHOLDER = re.compile(r"Unnamed: \d+(_level_\d+)?")  # pandas' name of a column without one
_MISSING = frozenset(["nan", "na", "n/a", "#n/a", "#nv", "<na>", "null", "none", "-", "--", "\u2013", "\u2014"])
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?|[+-]?inf(inity)?", re.ASCII | re.IGNORECASE)
_GROUPED = re.compile(r"[+-]?\d{1,3}([ '\u2019\u00a0\u202f]\d{3})+(?!\d)", re.ASCII)
_THOUSANDS = {mark: re.compile(rf"[+-]?\d{{1,3}}(\{mark}\d{{3}})+(?![\d{mark}]).*", re.ASCII) for mark in ",."}
_DATE = re.compile(r"\d+[./-]\d+[./-]\d+|\d.*[^\W\d_]{3}|[^\W\d_]{3}.*\d")


def _write_csv(path: Path, frame: pd.DataFrame) -> None:
    """Replace `path` by a table in DeepLabCut's layout; numbers are written so that reading gives the same bits.

    Raises:
        StorageError: the disk refuses; the old file is then unchanged.
    """
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, encoding="utf-8", lineterminator="\n")


def read_csv(path: Path, *, report: Report = silent) -> pd.DataFrame:
    """Read a table in DeepLabCut's layout, as programs and spreadsheets write it; an empty cell is NaN.

    Cells are separated by commas, semicolons or tabs, numbers have a point or a comma. Names that are left out because
    their cells were merged are filled in, and rows and columns without any content are left out.

    Args:
        path: The .csv file.
        report: Told where the file seems to be cut off within its last number.

    Raises:
        LabelError: the file is missing, empty, ragged, of another layout, or a cell is no number.
    """
    text = _text(path)
    separator, lines = _lines(path, text)
    first = _first_column(lines[0][1])
    levels, rows = _header(path, [(number, cells[first:]) for number, cells in lines])
    leading = next((place for place, cell in enumerate(levels[-1]) if cell and place), len(levels[-1]))
    if leading == len(levels[-1]):
        raise LabelError(
            f"{path} names no coordinates in its coords row, expected x and y of each bodypart; correct its header, "
            "or restore it from a copy."
        )
    width = 1 + max((place for place, cell in enumerate(levels[-1]) if cell), default=0)
    columns = filled_columns(list(zip(*(level[leading:width] for level in levels), strict=True)))
    _check_widths(path, rows, width, header=lines[0][0])
    rows = _without_names_of_levels(rows, leading)
    names = _filled_rows(path, [(number, cells[:leading]) for number, cells in rows])
    cells = [(number, cells[leading:width]) for number, cells in rows]
    mark = _decimal_mark(path, [cell for _, row in cells for cell in row], separator)
    values = _numbers(path, cells, columns, mark)
    if not text.endswith(("\n", "\r")) and _may_be_cut([row for _, row in cells], [len(row) for _, row in rows], mark):
        told = (
            f"{path} has no line break at its end and may be truncated: its last number is {cells[-1][1][-1]!r} "
            f"({' '.join(columns[-1][-2:])} of {names[-1][-1]}); compare it with the image and restore the file from "
            "a copy, or, if it is right, end that line with a line break"
        )
        report(Notice(told))
    index = pd.MultiIndex.from_tuples(names) if leading > 1 and names else pd.Index([name[-1] for name in names])
    return pd.DataFrame(values, index=index, columns=pd.MultiIndex.from_tuples(columns, names=_titles(levels)))


def filled_columns(columns: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return names of columns in which those that merged cells or pandas left out are those of the column before."""
    before: tuple[str, ...] = ()
    filled = []
    for column in columns:
        cleaned = tuple("" if _PLACEHOLDER.fullmatch(name) else name.strip() for name in column)
        known = tuple(name or old for name, old in zip(cleaned[:-1], before or cleaned, strict=False))
        before = (*known, cleaned[-1].lower())
        filled.append(before)
    return filled


def _lines(path: Path, text: str) -> tuple[str, list[tuple[int, list[str]]]]:
    """Return what separates cells, and number and cells of each line that has any content."""
    separator, text, skipped = _separator(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    lines = []
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                lines.append((reader.line_num + skipped, cells))
    except csv.Error as error:
        raise LabelError(f"{path} is not a table of separated values; restore it from a copy.") from error
    if not lines:
        raise LabelError(f"{path} is empty, expected a table of labels; restore it from a copy or label again.")
    return separator, lines


def _text(path: Path) -> str:
    """Return a file's text: in UTF-8 or UTF-16 where it is that, else as Windows programs of Western Europe write it.

    Raises:
        LabelError: it cannot be read, or is no text.
    """
    try:
        content = read_bytes(path)
    except FileNotFoundError as error:
        raise LabelError(f"Found no file {path}; expected a table of labels there.") from error
    except OSError as error:
        raise LabelError(f"Cannot read {path} ({error.strerror}); check its permissions.") from error
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff")) or content[1:8:2] == bytes(4)
    for encoding in ("utf-16" if wide else "utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise LabelError(f"{path} is not readable as text; save it again as 'CSV UTF-8', or restore it from a copy.")


def _separator(text: str) -> tuple[str, str, int]:
    """Return what separates cells, the text without a line that only says so, and how many lines that were."""
    first, end, rest = text.partition("\n")
    said = re.fullmatch(r"\"?sep=([,;\t|])\"?\r?", first, re.IGNORECASE)
    if said and end:
        return said[1], rest, 1
    line = re.split(r"[\r\n]", text.lstrip("\r\n"), maxsplit=1)[0]
    return max(_SEPARATORS, key=lambda mark: (line.count(mark), mark == ",")), text, 0


def _first_column(cells: list[str]) -> int:
    """Return where a table begins: a program that numbers rows puts a column before it."""
    titles = [cell.lower() for cell in cells]
    place = titles.index("scorer") if "scorer" in titles else 0
    return 0 if any(titles[:place]) else place


def _header(path: Path, lines: list[tuple[int, list[str]]]) -> tuple[list[list[str]], list[tuple[int, list[str]]]]:
    """Return the header's lines, of equal lengths, and the rows below them."""
    titles = [cells[0].lower() if cells else "" for _, cells in lines[: len(_SEVERAL)]]
    count = next((len(known) for known in (_LEVELS, _SEVERAL) if tuple(titles[: len(known)]) == known), 0)
    if not count:
        found = ", ".join(repr(title) for title in titles[: len(_LEVELS)])
        raise LabelError(
            f"{path} has lines that begin with {found}, expected three that begin with scorer, bodyparts and coords "
            "and then one per image, as DeepLabCut writes them; write these lines, or restore it from a copy."
        )
    header = [["" if _PLACEHOLDER.fullmatch(cell) else cell for cell in cells] for _, cells in lines[:count]]
    width = max(map(len, header))
    return [[*cells, *[""] * (width - len(cells))] for cells in header], lines[count:]


def _titles(levels: Sequence[object]) -> tuple[str, ...]:
    return _LEVELS if len(levels) == len(_LEVELS) else _SEVERAL


def _check_widths(path: Path, rows: Iterable[tuple[int, list[str]]], width: int, *, header: int) -> None:
    for number, cells in rows:
        if len(cells) < width or any(cells[width:]):
            raise LabelError(
                f"{path} line {number} has {len(cells)} cells, expected {width} as the header from line {header} on; "
                "correct that line."
            )


def _without_names_of_levels(rows: list[tuple[int, list[str]]], leading: int) -> list[tuple[int, list[str]]]:
    """Leave out the line in which pandas names the columns that name images."""
    if (
        rows
        and not any(rows[0][1][leading:])
        and not last_part(rows[0][1][leading - 1]).lower().endswith(IMAGE_SUFFIXES)
    ):
        return rows[1:]
    return rows


def _filled_rows(path: Path, rows: list[tuple[int, list[str]]]) -> list[tuple[str, ...]]:
    """Return the names of rows; folders that merged cells left out are those of the row before."""
    before: list[str] = []
    names = []
    for number, cells in rows:
        if not cells[-1]:
            raise LabelError(
                f"{path} line {number} has numbers but no image name, expected it in column {len(cells)}; write it "
                "there, or empty the line."
            )
        before = [cell or old for cell, old in zip(cells, before or cells, strict=True)]
        names.append(tuple(before))
    return names


def _numbers(
    path: Path, rows: Sequence[tuple[int, list[str]]], columns: Sequence[tuple[str, ...]], mark: str
) -> np.ndarray:
    values = np.full((len(rows), len(columns)), np.nan)
    for row, (number, cells) in enumerate(rows):
        for column, cell in enumerate(cells):
            value = _number(cell, mark)
            if value is None:
                shown = cell[:_SHOWN]
                hint = "; a spreadsheet may have turned a number into a date" if _DATE.search(shown) else ""
                raise LabelError(
                    f"{path} line {number} holds {shown!r} as {' '.join(columns[column][-2:])}, expected a number or "
                    f"an empty cell{hint}; correct that cell."
                )
            values[row, column] = value
    return values


def _may_be_cut(rows: Sequence[list[str]], widths: Sequence[int], mark: str) -> bool:
    """Tell whether the last line, which has no end, is shorter than the others or ends in a number cut within.

    A number that is cut has fewer decimals than the others; people may round single ones, which nine in ten tell.

    Args:
        rows: Cells of each line below the header, without names.
        widths: How many cells each line has in all.
        mark: What precedes decimals.
    """
    if not rows or not rows[-1][-1]:
        return False
    if len(widths) > 1 and widths[-1] < min(widths[:-1]):
        return True
    numbers = [cell for row in rows for cell in row if not math.isnan(_number(cell, mark) or 0.0)]
    *others, last = [len(re.split(r"\D", cell.partition(mark)[2], maxsplit=1)[0]) for cell in numbers] or [0]
    more = sum(decimals > last for decimals in others)
    return more > 0 and more >= _MOST * len(others)


def _decimal_mark(path: Path, cells: Sequence[str], separator: str) -> str:
    """Tell whether numbers have a point or a comma before their decimals.

    Raises:
        LabelError: the cells contradict each other, or could mean both.
    """
    pointed, comma = ([cell for cell in cells if mark in cell and _is_numeric(cell)] for mark in ".,")
    if not comma:
        return "."
    votes = Counter(max(".,", key=cell.rfind) for cell in comma if "." in cell)
    if votes:
        for own, cells in ((".", pointed), (",", comma)):
            votes[own] += sum(not ({*".,"} <= {*cell} or _THOUSANDS[own].fullmatch(cell)) for cell in cells)
        return votes.most_common(1)[0][0]  # a cell of the other kind is named where it is read
    thousands = all(_THOUSANDS[","].fullmatch(cell) for cell in comma)
    if pointed and thousands:
        return "."
    if pointed and not all(_THOUSANDS["."].fullmatch(cell) for cell in pointed):
        raise LabelError(
            f"{path} holds both {comma[0]!r} and {pointed[0]!r}, expected one decimal separator, as in 1.5 or 1,5; "
            "correct the other cells."
        )
    if any(cell.count(",") > 1 for cell in comma):
        return "."
    if thousands and separator != ";":
        raise LabelError(
            f"{path} holds {comma[0]!r}, where the separator is ambiguous, expected numbers such as 1234.5; save it "
            "without a thousands separator."
        )
    return ","


def _is_numeric(cell: str) -> bool:
    return bool(re.fullmatch(r"[+-]?[\d., '\u2019\u00a0\u202f]+(e[+-]?\d+)?", cell, re.ASCII | re.IGNORECASE))


def _number(cell: str, mark: str) -> float | None:
    """Return the number in a cell, NaN where it says that there is none, and None where it is something else."""
    if not cell or cell.lower() in _MISSING:
        return math.nan
    if _GROUPED.match(cell):
        cell = re.sub(r"[ '\u2019\u00a0\u202f]", "", cell)
    group = "," if mark == "." else "."
    if group in cell:
        if not _THOUSANDS[group].fullmatch(cell):
            return None
        cell = cell.replace(group, "")
    cell = cell.replace(mark, ".")
    return float(cell) if _NUMBER.fullmatch(cell) else None


# --- collected data ---------------------------------------------------------------------------------------------------
# CollectedData_<scorer>.h5 and .csv: the labels of one video as DeepLabCut keeps them.
#
# Positions here are in pixels of the stored images; `labels/exchange.py` turns them into pixels of the full frame.


ROUNDED = 0.01  # pixels: spreadsheets round


@dataclass(frozen=True)
class ImageLabels:
    """Labels of the images of one folder, in the order of their frame numbers."""

    names: dict[int, str]  # frame number -> file name of the image, numbers increasing
    bodyparts: tuple[str, ...]
    xy: Float64[np.ndarray, "F K 2"]  # pixels of the stored image; NaN in both where missing


def read_collected_data(
    folder: Path,
    scorer: str,
    *,
    bodyparts: Sequence[str],
    suffix: Literal[".h5", ".csv"] | None = None,
    report: Report = silent,
) -> ImageLabels | None:
    """Read the labels of a folder; None where there are none.

    Args:
        folder: The video's folder in labeled-data.
        scorer: As config.yaml names it.
        bodyparts: The project's, in its order; a bodypart that the file lacks is NaN.
        suffix: Which file; by default the .h5, or the .csv where the .h5 is missing or damaged.
        report: Told where the .h5 is damaged, and where a newer .csv disagrees or seems to be truncated.

    Raises:
        LabelError: no file is readable, or it does not fit the project.
    """
    path, frame = _read_one(_path(folder, scorer, suffix), report) if suffix else _read_either(folder, scorer, report)
    if frame is None:
        return None
    frame = _checked_columns(frame, path, scorer, bodyparts, report)
    frame = own_rows(frame, path, report)
    names = list(frame.index)
    _check_names(names, path)
    wanted = pd.MultiIndex.from_product([list(bodyparts), ["x", "y"]])
    values = frame.reindex(columns=wanted).to_numpy(dtype=np.float64).reshape(len(frame), len(bodyparts), 2)
    rows = _rows_that_count(names, numbers_of(folder, names), values, path)
    xy = values[list(rows.values())]
    _check_pairs(xy, [names[row] for row in rows.values()], bodyparts, path)
    if np.isinf(xy).any():
        report(Notice(f"{path} places {int(np.isinf(xy).any(axis=-1).sum())} labels at infinity, which are ignored"))
        xy = np.where(np.isinf(xy).any(axis=-1, keepdims=True), np.nan, xy)
    return ImageLabels({number: names[row] for number, row in rows.items()}, tuple(bodyparts), xy)


def read_rows(folder: Path, scorer: str) -> dict[str, Float64[np.ndarray, " _"]]:
    """Return name of the image -> numbers of its row in the labels of a folder; none where they cannot be read."""
    try:
        path, frame = _read_either(folder, scorer, silent)
        own = None if frame is None else own_rows(frame, path, silent)
    except LabelError:
        return {}
    rows = [] if own is None else zip(own.index, own.to_numpy(dtype=np.float64), strict=True)
    return {name: row for name, row in rows if is_image(name)}


def same_labels(one: Float64[np.ndarray, " _"], other: Float64[np.ndarray, " _"]) -> bool:
    """Tell whether two rows say the same, as far as programs and spreadsheets round."""
    return np.allclose(one, other, rtol=0, atol=ROUNDED, equal_nan=True)


def foreign_rows(folder: Path, scorer: str) -> tuple[Path, ...]:
    """Return the files of a folder that also hold labels of other folders; those are lost where one is replaced."""
    found = []
    for path in (_path(folder, scorer, suffix) for suffix in (".h5", ".csv")):
        with contextlib.suppress(LabelError):
            if path.exists() and any(other is not None for other, _ in _placed(_read_one(path)[1], folder)):
                found.append(path)
    return tuple(found)


def write_collected_data(folder: Path, scorer: str, labels: ImageLabels) -> None:
    """Replace the .h5 and the .csv of a folder, each whole.

    Raises:
        StorageError: the disk refuses; the file concerned is then unchanged.
    """
    names, count = list(labels.names.values()), len(labels.names)
    rows = pd.MultiIndex.from_arrays([["labeled-data"] * count, [folder.name] * count, names])
    columns = pd.MultiIndex.from_product([[scorer], list(labels.bodyparts), ["x", "y"]], names=_LEVELS)
    frame = pd.DataFrame(labels.xy.reshape(count, 2 * len(labels.bodyparts)), index=rows, columns=columns)
    write_hdf(_path(folder, scorer, ".h5"), frame)  # first, because it is the one that counts
    _write_csv(_path(folder, scorer, ".csv"), frame)


def _path(folder: Path, scorer: str, suffix: str) -> Path:
    return folder / f"CollectedData_{scorer}{suffix}"


def _check_names(names: Sequence[str], path: Path) -> None:
    wrong = next((name for name in names if not is_image(name)), None)
    if wrong is not None:
        raise LabelError(f"{path} names the image {wrong!r}, expected names such as img0123.png; rename it.")


def _rows_that_count(
    names: Sequence[str], numbers: Mapping[str, int], values: Float64[np.ndarray, "F K 2"], path: Path
) -> dict[int, int]:
    """Return frame number -> row, in increasing order: where several rows are of one frame, the labeled one.

    Raises:
        LabelError: a frame is labeled differently in two rows.
    """
    found: dict[int, int] = {}
    for row, name in enumerate(names):
        known = found.setdefault(numbers[name], row)
        if known == row or np.isnan(values[row]).all() or same_labels(values[known].ravel(), values[row].ravel()):
            continue
        if not np.isnan(values[known]).all():
            pair = f"{name} twice" if names[known] == name else f"both {names[known]} and {name}, which are one frame"
            raise LabelError(
                f"{path} labels {pair}, and differently, in rows {known + 1} and {row + 1} of its images; remove the "
                f"row that is wrong{_there(path)}."
            )
        found[numbers[name]] = row
    return dict(sorted(found.items()))


def _there(path: Path) -> str:
    """Say where a table can be corrected: a person edits text, and a .h5 that is left would be read instead."""
    if path.suffix == ".csv":
        return ""
    text = path.with_suffix(".csv")
    if text.exists():
        return f" (in {text.name} next to it, which is read once the .h5 is moved elsewhere)"
    return f" (save the table as {text.name} in DeepLabCut's layout, and move the .h5 elsewhere)"


def _read_one(path: Path, report: Report = silent) -> tuple[Path, pd.DataFrame]:
    return path, read_hdf(path) if path.suffix == ".h5" else read_csv(path, report=report)


def collected_bodyparts(folder: Path, scorer: str) -> tuple[str, ...]:
    """Return the bodyparts that the table of a folder has columns of; none where there is no table.

    Raises:
        LabelError: no file is readable, or there are several animals.
    """
    path, frame = _read_either(folder, scorer, silent)
    return () if frame is None else tuple(dict.fromkeys(part for part, _ in _named(frame, path)[1]))


def _read_either(folder: Path, scorer: str, report: Report) -> tuple[Path, pd.DataFrame | None]:
    hdf, text = _path(folder, scorer, ".h5"), _path(folder, scorer, ".csv")
    if hdf.exists():
        try:
            frame = read_hdf(hdf)
        except LabelError:
            if not text.exists():
                raise
            told = f"{hdf} is damaged, so the labels are read from {text.name} instead; check them and delete the .h5"
            report(Notice(told))
        else:
            if text.exists() and _is_edited(text, hdf, frame):
                told = (
                    f"{text} is newer than {hdf.name} and disagrees with it, but the .h5 is read; delete the .h5 if "
                    "the .csv is right, else delete the .csv"
                )
                report(Notice(told))
            return hdf, frame
    if text.exists():
        return _read_one(text, report)
    for path in (hdf, text):
        if path.is_symlink():
            raise LabelError(f"{path} is a link to a missing file; restore that file, or remove the link.")
    others = sorted(path.name for path in folder.glob("CollectedData_*") if path.suffix in (".h5", ".csv"))
    if others:
        wanted = _path(folder, scorer, Path(others[0]).suffix).name
        raise LabelError(
            f"{folder} holds {others[0]}, expected {wanted}; set `scorer` in config.yaml to the name in the file, or "
            "remove the file."
        )
    return hdf, None


def _is_edited(text: Path, hdf: Path, frame: pd.DataFrame) -> bool:
    """Tell whether the .csv was changed after the .h5, by a hand or a program that does not know the .h5."""
    if text.stat().st_mtime_ns <= hdf.stat().st_mtime_ns:
        return False  # the usual writers leave both; whichever comes last, they say the same
    try:
        one, other = (_by_name(table, text) for table in (frame, read_csv(text)))
    except LabelError:
        return True
    return not (
        list(one.index) == list(other.index)
        and list(one.columns) == list(other.columns)
        and np.allclose(one, other, rtol=0, atol=ROUNDED, equal_nan=True)
    )


def _by_name(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return what a table says of its own folder's images, whatever the names of its rows and columns look like."""
    named = frame.set_axis(pd.MultiIndex.from_tuples(_named(frame, path)[1]), axis=1)
    return own_rows(named, path, silent).sort_index(axis=0).sort_index(axis=1)


def _named(frame: pd.DataFrame, path: Path) -> tuple[list[str], list[tuple[str, ...]]]:
    """Return the scorers of a table, and its columns by bodypart and coordinate.

    Raises:
        LabelError: there are several animals; a single one may have a name or a placeholder for one.
    """
    columns = filled_columns([tuple(map(str, column)) for column in frame.columns])
    animals = dict.fromkeys(column[1] for column in columns if len(column) == len(_SEVERAL) and column[1])
    if len(animals) > 1:
        raise LabelError(
            f"{path} holds labels of several individuals ({', '.join(animals)}), expected one animal; use a "
            f"single-animal project, or keep the columns of one individual{_there(path)}."
        )
    return list(dict.fromkeys(column[0] for column in columns if column[0])), [column[-2:] for column in columns]


def _checked_columns(
    frame: pd.DataFrame, path: Path, scorer: str, bodyparts: Sequence[str], report: Report
) -> pd.DataFrame:
    """Return a table with columns by bodypart and coordinate, all of which the project knows.

    Raises:
        LabelError: they do not fit the project.
    """
    scorers, columns = _named(frame, path)
    if len(scorers) > 1:
        raise LabelError(
            f"{path} holds labels by {', '.join(map(repr, scorers))}, expected one scorer, {scorer!r} as in "
            f"config.yaml; keep the columns of one{_there(path)}."
        )
    if scorers not in ([scorer], []):
        report(Notice(_of_other_scorer(path, scorers[0], scorer)))
    remedy = f"add them to `bodyparts` there, or rename or remove their columns{_there(path)}"
    parts = dict.fromkeys(part for part, _ in columns)
    foreign = foreign_bodyparts(parts, bodyparts, source=str(path), remedy=remedy)
    if foreign:
        raise LabelError(foreign)
    _check_coordinates(columns, path)
    return frame.set_axis(pd.MultiIndex.from_tuples(columns), axis=1)


def _check_coordinates(columns: list[tuple[str, ...]], path: Path) -> None:
    """Make sure that each bodypart has one x and one y.

    Raises:
        LabelError: one has not.
    """
    coords = list(dict.fromkeys(coord for _, coord in columns))
    if not set(coords) <= {"x", "y"}:
        raise LabelError(
            f"{path} has the columns {', '.join(coords)} per bodypart, expected x and y only (likelihood marks "
            f"predictions, which are no labels); remove the other columns{_there(path)}."
        )
    for part in dict.fromkeys(part for part, _ in columns):
        found = [coord for name, coord in columns if name == part]
        if sorted(found) != ["x", "y"]:
            twice = "a column twice" if len(found) != len(set(found)) else f"only the column {found[0]}"
            raise LabelError(
                f"{path} holds {twice} for {part}, expected x and y of each bodypart once; correct its header, or "
                "restore it from a copy."
            )


def own_rows(frame: pd.DataFrame, path: Path, report: Report) -> pd.DataFrame:
    """Return the rows of a table that are of its own folder's images, by the images' names.

    A row belongs to the folder that it names. One name alone, of a folder that is not there, is what the folder was
    called before.

    Raises:
        LabelError: rows name folders that are not there, or a folder's labels are in this table only.
    """
    folder, placed = path.parent, _placed(frame, path.parent)
    others = Counter(other for other, _ in placed if other is not None)
    images = [image for _, image in placed]
    if len(others) == 1 and others.total() == len(placed) and not os.path.isdir(folder.parent / next(iter(others))):
        told = f"{path} names its folder {next(iter(others))!r}; read as an earlier name of {folder.name!r}"
        report(Notice(told))
        return frame.set_axis(images, axis=0)
    _check_others(path, others, alone=others.total() == len(placed))
    if others:
        listed = ", ".join(f"{count} of {name!r}" for name, count in others.items())
        report(Notice(f"{path} also holds rows of other folders ({listed}), ignored; each folder's own table is read"))
    own = [row for row, (other, _) in enumerate(placed) if other is None]
    return frame.iloc[own].set_axis([images[row] for row in own], axis=0)


def _check_others(path: Path, others: Mapping[str, int], *, alone: bool) -> None:
    """Make sure that rows of other folders are rows of folders that have labels of their own.

    Raises:
        LabelError: they are not, or a table holds rows of one other folder only.
    """
    folder = path.parent
    absent = [name for name in others if not os.path.isdir(folder.parent / name)]
    if absent:
        raise LabelError(
            f"{path} holds rows of {', '.join(map(repr, absent))}, which {'is' if len(absent) == 1 else 'are'} no "
            f"folder in {folder.parent}, beside others, expected rows of {folder.name!r}; remove these rows, or write "
            f"the name of the folder there that has their images{_there(path)}."
        )
    if alone and len(others) == 1:
        raise LabelError(_of_other_folder(path, next(iter(others))))
    bare = [name for name in others if not _has_labels(folder.parent / name)]
    if bare:
        raise LabelError(
            f"{path} holds rows of {', '.join(map(repr, bare))}, expected rows of {folder.name!r} or copies of what "
            f"other folders hold; copy {path.name} to {', '.join(str(folder.parent / name) for name in bare)} too: "
            "each folder takes its own rows."
        )


def _of_other_folder(path: Path, other: str) -> str:
    """Say that a table holds rows of another folder only, which is there."""
    folder = path.parent
    return (
        f"{path} holds rows of {other!r} only, expected rows of {folder.name!r}: the two folders may have been "
        f"swapped, or the table is a copy of the other's; give the folders their names back, or move the copy out of "
        f"{folder.parent}, or, if its labels are of images in {folder.name!r}, write that name into its rows"
        f"{_there(path)}."
    )


def swapped_folder(folder: Path, scorer: str) -> str:
    """Say which table of a folder holds rows of one other folder only, which is there; "" where none does."""
    for path in (_path(folder, scorer, suffix) for suffix in (".h5", ".csv")):
        with contextlib.suppress(LabelError):
            named = {other for other, _ in _placed(_read_one(path)[1], folder)} if path.exists() else set()
            other = named.pop() if len(named) == 1 else None
            if other is not None and os.path.isdir(folder.parent / other):
                return _of_other_folder(path, other)
    return ""


def other_scorer(folder: Path, scorer: str) -> str:
    """Say which table of a folder has another scorer in its columns than in its name; "" where none does."""
    for path in (_path(folder, scorer, suffix) for suffix in (".h5", ".csv")):
        with contextlib.suppress(LabelError):
            scorers = _named(_read_one(path)[1], path)[0] if path.exists() else []
            if len(scorers) == 1 and scorers != [scorer]:
                return _of_other_scorer(path, scorers[0], scorer)
    return ""


def _of_other_scorer(path: Path, found: str, scorer: str) -> str:
    return f"{path} has the scorer {found!r} in its columns; read as {scorer!r}, as in its file name"


def _has_labels(folder: Path) -> bool:
    return any(next(folder.glob(pattern), None) for pattern in ("CollectedData_*", "labels.jsonl"))


def _placed(frame: pd.DataFrame, folder: Path) -> list[tuple[str | None, str]]:
    """Return folder and image's name of each row; None for the folder itself."""
    found = []
    for row in frame.index:
        levels = row if isinstance(row, tuple) else (row,)
        *before, image = [
            part for part in re.split(r"[\\/]+", "/".join(map(str, levels))) if part not in ("", ".")
        ] or [""]
        if "labeled-data" in before:
            last = len(before) - before[::-1].index("labeled-data")
            named = before[last : last + 1]
        else:
            named = [] if folder.name in before else before[-1:]
        found.append((named[0] if named and not _is_folder(named[0], folder) else None, image))
    return found


def _is_folder(name: str, folder: Path) -> bool:
    """Tell whether a row's name means a folder, also after it was copied between systems or read as a number."""
    if name == folder.name or (same_name(name, folder.name) and not os.path.isdir(folder.parent / name)):
        return True
    numeric = all(
        re.fullmatch(r"\d+(\.\d+)?(e\+?\d+)?", text, re.ASCII | re.IGNORECASE) for text in (name, folder.name)
    )
    return numeric and float(name) == float(folder.name) and not os.path.isdir(folder.parent / name)


def _check_pairs(xy: Float64[np.ndarray, "F K 2"], names: list[str], bodyparts: Sequence[str], path: Path) -> None:
    half = np.argwhere(np.isnan(xy[..., 0]) != np.isnan(xy[..., 1]))
    if len(half):
        frame, part = half[0]
        raise LabelError(
            f"{path} gives only one of x and y for {bodyparts[part]} in {names[frame]}, expected both or neither; "
            "complete or empty that pair."
        )
