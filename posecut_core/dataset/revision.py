"""The label revision of a training dataset: all labels as they were when it was created, named by their hash."""

import csv
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from posecut_core.errors import DatasetError, LabelError
from posecut_core.labels.table import LabelTable
from posecut_core.project.atomic import write_text
from posecut_core.project.reading import read_text

_HASH_LENGTH = 12
_ABSENT = "absent"


def write_revision(folder: Path, tables: Sequence[LabelTable]) -> str:
    """Write the labels of all videos into `folder`; return the file's name, `labels-<hash>.csv`.

    Columns are video, frame, and x and y of each bodypart in pixels of the full frame, or twice `absent`, or nothing
    where nobody has looked for it; `read_revision` is the inverse.
    """
    text = _text(tables)
    write_text(folder / _name(text), text)  # also where it exists: it may be damaged
    return _name(text)


def revision_name(tables: Sequence[LabelTable]) -> str:
    """Return the name of the file that `write_revision` would write."""
    return _name(_text(tables))


def has_revision(folder: Path, tables: Sequence[LabelTable]) -> bool:
    """Tell whether the labels of all videos are those of a training dataset in `folder`."""
    return (folder / _name(_text(tables))).exists()


def read_revision(path: Path) -> dict[str, LabelTable]:
    """Read what `write_revision` wrote, as video -> table.

    Raises:
        DatasetError: the file is missing or not as it was written.
    """
    try:
        text = read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        raise _lost(path, "is missing or unreadable") from error
    if path.name != _name(text):
        raise _lost(path, "is not as it was written")
    try:
        header, *rows = csv.reader(io.StringIO(text))
        bodyparts = tuple(name.removesuffix(" x") for name in header[2::2])
        return {video: _table(video, bodyparts, rows) for video in dict.fromkeys(row[0] for row in rows)}
    except (ValueError, IndexError, OverflowError, csv.Error, LabelError) as error:
        raise _lost(path, "holds what are no labels") from error


def _lost(path: Path, found: str) -> DatasetError:
    return DatasetError(
        f"{path} {found}; restore it from a copy, or create another shuffle and train that (posecut "
        "create-training-dataset), and delete the training datasets that name it, with their folders in posecut-models."
    )


def _table(video: str, bodyparts: tuple[str, ...], rows: list[list[str]]) -> LabelTable:
    own = [row for row in rows if row[0] == video]
    numbers = np.array([int(row[1]) for row in own], dtype=np.int64)
    values = [[np.nan if cell in ("", _ABSENT) else float(cell) for cell in row[2:]] for row in own]
    looked = np.array([[cell != "" for cell in row[2::2]] for row in own])
    return LabelTable(video, bodyparts, numbers, np.array(values).reshape(len(own), len(bodyparts), 2), looked)


def _cell(value: float, looked: bool) -> str:
    if np.isnan(value):
        return _ABSENT if looked else ""
    return repr(value)


def _text(tables: Sequence[LabelTable]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    bodyparts = tables[0].bodyparts
    writer.writerow(["video", "frame", *(f"{part} {axis}" for part in bodyparts for axis in "xy")])
    for table in tables:
        looked = np.repeat(table.looked_at, 2, axis=1).tolist()
        for number, xy, seen in zip(
            table.numbers.tolist(), table.xy.reshape(len(looked), -1).tolist(), looked, strict=True
        ):
            writer.writerow([table.video, number, *map(_cell, xy, seen)])
    return stream.getvalue()


def _name(text: str) -> str:
    return f"labels-{hashlib.sha256(text.encode('utf-8')).hexdigest()[:_HASH_LENGTH]}.csv"
