"""Label tables as .csv in DeepLabCut's layout: three header lines, then one line per image.

The first header line tells how many columns name the image: `scorer,Ann,...` one, `scorer,,,Ann,...` three.
"""

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from posecut_core.errors import LabelError
from posecut_core.project.atomic import atomic_path

LEVELS = ("scorer", "bodyparts", "coords")


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    """Replace `path` by a table in DeepLabCut's layout; numbers are written so that reading gives the same bits.

    Raises:
        StorageError: the disk refuses; the old file is then unchanged.
    """
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, encoding="utf-8", lineterminator="\n")


def read_csv(path: Path) -> pd.DataFrame:
    """Read a table in DeepLabCut's layout; an empty cell is NaN.

    Raises:
        LabelError: the file is missing, empty, ragged, of another layout, or a cell is no number.
    """
    lines = _lines(path)
    if len(lines) < len(LEVELS) or [line[0] for line in lines[: len(LEVELS)]] != list(LEVELS):
        raise LabelError(
            f"{path} begins with {','.join(lines[0][:3])!r}, expected three lines that begin with scorer, "
            "bodyparts and coords, separated by commas; restore it from a copy."
        )
    leading = 1 + next((place for place, cell in enumerate(lines[0][1:]) if cell), len(lines[0]) - 1)
    rows = lines[len(LEVELS) :]
    values = [_numbers(path, place, row[leading:]) for place, row in enumerate(rows, start=len(LEVELS) + 1)]
    columns = pd.MultiIndex.from_arrays([line[leading:] for line in lines[: len(LEVELS)]], names=LEVELS)
    return pd.DataFrame(np.array(values).reshape(len(rows), len(columns)), index=_index(rows, leading), columns=columns)


def _lines(path: Path) -> list[list[str]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise LabelError(f"Found no file {path}; expected a table of labels there.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise LabelError(
            f"{path} is not readable as text in UTF-8; save it again as 'CSV UTF-8', or restore it from a copy."
        ) from error
    try:
        lines = [line for line in csv.reader(text.splitlines()) if any(line)]  # table editors leave empty rows
    except csv.Error as error:
        raise LabelError(
            f"{path} is not a table of comma-separated values ({error}); restore it from a copy."
        ) from error
    if not lines:
        raise LabelError(f"{path} is empty, expected a table of labels; restore it from a copy or label again.")
    if lines[0][0].startswith("scorer;"):
        raise LabelError(
            f"{path} is separated by semicolons, expected commas between cells and a point in 1.5; save it so, as "
            "with the language set to English."
        )
    for number, line in enumerate(lines, start=1):
        if len(line) != len(lines[0]):
            raise LabelError(
                f"{path} line {number} has {len(line)} cells, expected {len(lines[0])} as in line 1; correct that line."
            )
    return lines


def _numbers(path: Path, line: int, cells: list[str]) -> list[float]:
    numbers = []
    for cell in cells:
        try:
            numbers.append(float(cell) if cell.strip() else np.nan)
        except ValueError as error:
            raise LabelError(
                f"{path} line {line} holds {cell!r}, expected a number or an empty cell; correct that cell."
            ) from error
    return numbers


def _index(rows: list[list[str]], leading: int) -> pd.Index:
    if leading > 1:
        return pd.MultiIndex.from_tuples([tuple(row[:leading]) for row in rows], names=[None] * leading)
    return pd.Index([row[0] for row in rows], dtype=object)
