"""The rows of an unfinished analysis on disk: written batch by batch, found again after an interruption.

The file is one line of JSON that says what the rows belong to, padded with spaces, followed by float64 rows of
x, y and likelihood of each bodypart. Rows count only when the line is, byte for byte, the one expected.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import Float64

from posecut_core.analysis.origins import AnalysisOrigin
from posecut_core.project.atomic import storage_error

_SCHEMA = "posecut analysis rows 2"
_HEADER_BLOCK = 4096  # the header's length is a multiple of this, so that rows are aligned for mapping


class RowsFile:
    """An open file of rows; `append` is on disk as far as the operating system goes when it returns."""

    def __init__(self, path: Path, stream: BinaryIO, done: int) -> None:
        self._path = path
        self._stream = stream
        self.done = done  # whole rows in the file

    def append(self, rows: Float64[np.ndarray, "B K 3"]) -> None:
        """Add rows of consecutive frames.

        Raises:
            StorageError: the disk is full.
        """
        with _disk(self._path):
            self._stream.write(np.ascontiguousarray(rows, dtype="<f8").tobytes())
            self._stream.flush()
        self.done += len(rows)


@contextmanager
def open_rows(path: Path, origin: AnalysisOrigin) -> Iterator[RowsFile]:
    """Open the rows of `origin` to go on after the last whole row, or start a new file.

    Raises:
        StorageError: the folder cannot be written.
    """
    with _disk(path):
        done = _whole_rows(path, origin)
        path.parent.mkdir(parents=True, exist_ok=True)
        if done is None:
            path.unlink(missing_ok=True)  # a link would lead elsewhere, a pipe would wait for ever
        stream = path.open("xb" if done is None else "r+b")
    try:
        with _disk(path):
            if done is None:
                stream.write(_header(origin))
            stream.seek(len(_header(origin)) + (done or 0) * _row_bytes(origin))
            stream.truncate()
        yield RowsFile(path, stream, done or 0)
    finally:
        with _disk(path):
            stream.close()  # which writes what could not be written before, and is refused again


def mapped_rows(path: Path, origin: AnalysisOrigin) -> Float64[np.ndarray, "T K 3"]:
    """Map the finished rows of `origin` without reading them into memory."""
    shape = (origin.frame_count, len(origin.bodyparts), 3)
    return np.memmap(path, dtype="<f8", mode="r", offset=len(_header(origin)), shape=shape)


def _row_bytes(origin: AnalysisOrigin) -> int:
    return len(origin.bodyparts) * 3 * 8


def _header(origin: AnalysisOrigin) -> bytes:
    """Write the line at the head of the file."""
    line = json.dumps({"schema": _SCHEMA, **asdict(origin)}, sort_keys=True).encode()
    return line.ljust(-(-(len(line) + 1) // _HEADER_BLOCK) * _HEADER_BLOCK - 1) + b"\n"


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise storage_error(path, error) from error


def _whole_rows(path: Path, origin: AnalysisOrigin) -> int | None:
    """Count the whole rows of `origin` in a file; None where the file is another's or missing."""
    if path.is_symlink() or not path.is_file():
        return None
    header = _header(origin)
    with path.open("rb") as stream:
        if stream.read(len(header)) != header:
            return None
    return min((path.stat().st_size - len(header)) // _row_bytes(origin), origin.frame_count)
