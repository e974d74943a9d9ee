"""Label tables as .csv in DeepLabCut's layout, also as spreadsheets leave them: header lines, then a line per image.

The last header line tells how many columns name the image: `coords,x,...` one, `coords,,,x,...` three.
"""

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from posecut_core.errors import LabelError
from posecut_core.labels.image_names import SUFFIXES, last_part
from posecut_core.project.atomic import atomic_path
from posecut_core.project.reading import read_bytes

LEVELS = ("scorer", "bodyparts", "coords")
SEVERAL = ("scorer", "individuals", "bodyparts", "coords")
_SHOWN = 40  # characters of a cell in a message
_SEPARATORS = (",", ";", "\t")
_PLACEHOLDER = re.compile(r"Unnamed: \d+(_level_\d+)?")  # pandas' name of a column without one
_MISSING = frozenset(["nan", "na", "n/a", "#n/a", "#nv", "<na>", "null", "none", "-", "--", "\u2013", "\u2014"])
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?|[+-]?inf(inity)?", re.ASCII | re.IGNORECASE)
_GROUPED = re.compile(r"[+-]?\d{1,3}([ '\u2019\u00a0\u202f]\d{3})+(?!\d)", re.ASCII)
_THOUSANDS = {mark: re.compile(rf"[+-]?\d{{1,3}}(\{mark}\d{{3}})+(?![\d{mark}]).*", re.ASCII) for mark in ",."}
_DATE = re.compile(r"\d+[./-]\d+[./-]\d+|\d.*[^\W\d_]{3}|[^\W\d_]{3}.*\d")


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    """Replace `path` by a table in DeepLabCut's layout; numbers are written so that reading gives the same bits.

    Raises:
        StorageError: the disk refuses; the old file is then unchanged.
    """
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, encoding="utf-8", lineterminator="\n")


def read_csv(path: Path) -> pd.DataFrame:
    """Read a table in DeepLabCut's layout, as programs and spreadsheets write it; an empty cell is NaN.

    Cells are separated by commas, semicolons or tabs, numbers have a point or a comma. Names that are left out because
    their cells were merged are filled in, and rows and columns without any content are left out.

    Raises:
        LabelError: the file is missing, empty, ragged, of another layout, or a cell is no number.
    """
    separator, lines = _lines(path)
    first = _first_column(lines[0][1])
    levels, rows = _header(path, [(number, cells[first:]) for number, cells in lines])
    leading = next((place for place, cell in enumerate(levels[-1]) if cell and place), len(levels[-1]))
    if leading == len(levels[-1]):
        raise LabelError(
            f"{path} names no coordinates in its line of coords, expected x and y of each bodypart; correct its "
            "header, or restore it from a copy."
        )
    width = 1 + max((place for place, cell in enumerate(levels[-1]) if cell), default=0)
    columns = filled_columns(list(zip(*(level[leading:width] for level in levels), strict=True)))
    _check_widths(path, rows, width, header=lines[0][0])
    rows = _without_names_of_levels(rows, leading)
    names = _filled_rows(path, [(number, cells[:leading]) for number, cells in rows])
    cells = [(number, cells[leading:width]) for number, cells in rows]
    values = _numbers(path, cells, columns, separator)
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


def _lines(path: Path) -> tuple[str, list[tuple[int, list[str]]]]:
    """Return what separates cells, and number and cells of each line that has any content."""
    text = _text(path)
    separator, text, skipped = _separator(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    lines = []
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                lines.append((reader.line_num + skipped, cells))
    except csv.Error as error:
        raise LabelError(f"{path} is not a table of separated values ({error}); restore it from a copy.") from error
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
    titles = [cells[0].lower() if cells else "" for _, cells in lines[: len(SEVERAL)]]
    count = next((len(known) for known in (LEVELS, SEVERAL) if tuple(titles[: len(known)]) == known), 0)
    if not count:
        found = ", ".join(repr(title) for title in titles[: len(LEVELS)])
        raise LabelError(
            f"{path} has lines that begin with {found}, expected three that begin with scorer, bodyparts and coords "
            "and then one per image, as DeepLabCut writes them; write these lines, or restore it from a copy."
        )
    header = [["" if _PLACEHOLDER.fullmatch(cell) else cell for cell in cells] for _, cells in lines[:count]]
    width = max(map(len, header))
    return [[*cells, *[""] * (width - len(cells))] for cells in header], lines[count:]


def _titles(levels: Sequence[object]) -> tuple[str, ...]:
    return LEVELS if len(levels) == len(LEVELS) else SEVERAL


def _check_widths(path: Path, rows: Iterable[tuple[int, list[str]]], width: int, *, header: int) -> None:
    for number, cells in rows:
        if len(cells) < width or any(cells[width:]):
            raise LabelError(
                f"{path} line {number} has {len(cells)} cells, expected {width} as the header from line {header} on; "
                "correct that line."
            )


def _without_names_of_levels(rows: list[tuple[int, list[str]]], leading: int) -> list[tuple[int, list[str]]]:
    """Leave out the line in which pandas names the columns that name images."""
    if rows and not any(rows[0][1][leading:]) and not last_part(rows[0][1][leading - 1]).lower().endswith(SUFFIXES):
        return rows[1:]
    return rows


def _filled_rows(path: Path, rows: list[tuple[int, list[str]]]) -> list[tuple[str, ...]]:
    """Return the names of rows; folders that merged cells left out are those of the row before."""
    before: list[str] = []
    names = []
    for number, cells in rows:
        if not cells[-1]:
            raise LabelError(
                f"{path} line {number} has numbers but names no image, expected its name in column {len(cells)}; "
                "write it there, or empty the line."
            )
        before = [cell or old for cell, old in zip(cells, before or cells, strict=True)]
        names.append(tuple(before))
    return names


def _numbers(
    path: Path, rows: Sequence[tuple[int, list[str]]], columns: Sequence[tuple[str, ...]], separator: str
) -> np.ndarray:
    mark = _decimal_mark(path, [cell for _, cells in rows for cell in cells], separator)
    values = np.full((len(rows), len(columns)), np.nan)
    for row, (number, cells) in enumerate(rows):
        for column, cell in enumerate(cells):
            value = _number(cell, mark)
            if value is None:
                shown = cell[:_SHOWN]
                hint = ", and not a date, which a spreadsheet may have made of a number" if _DATE.search(shown) else ""
                raise LabelError(
                    f"{path} line {number} holds {shown!r} as {' '.join(columns[column][-2:])}, expected a number or "
                    f"an empty cell{hint}; correct that cell."
                )
            values[row, column] = value
    return values


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
            f"{path} holds both {comma[0]!r} and {pointed[0]!r}, expected one kind of decimals, 1.5 or 1,5; correct "
            "the cells of the other kind."
        )
    if any(cell.count(",") > 1 for cell in comma):
        return "."
    if thousands and separator != ";":
        raise LabelError(
            f"{path} holds {comma[0]!r}, which could be thousands or decimals, expected numbers such as 1234.5; save "
            "it without a separator of thousands."
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
