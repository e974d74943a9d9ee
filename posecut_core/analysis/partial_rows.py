"""The rows of an unfinished analysis on disk: written batch by batch, found again after an interruption.

The file is one line of JSON that says what the rows belong to, padded with spaces, followed by float64 rows of
x, y and likelihood of each bodypart. Rows count only when the line is, byte for byte, the one expected.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import Float64

from posecut_core.project.atomic import storage_error

_SCHEMA = "posecut analysis rows 1"
_HEADER_BLOCK = 4096  # the header's length is a multiple of this, so that rows are aligned for mapping
_FINGERPRINT_BYTES = 1 << 20


@dataclass(frozen=True)
class RowsOrigin:
    """What the rows belong to; rows of anything else are not continued but replaced."""

    network: str  # scorer and whatever else tells two networks apart
    bodyparts: tuple[str, ...]
    video: str  # fingerprint of the file
    frame_count: int
    window: tuple[int, int, int, int]  # x1, x2, y1, y2 of the analysed part of the frame

    @property
    def row_bytes(self) -> int:
        """Length of one row."""
        return len(self.bodyparts) * 3 * 8

    @property
    def header(self) -> bytes:
        """The line at the head of the file."""
        line = json.dumps({"schema": _SCHEMA, **asdict(self)}, sort_keys=True).encode()
        return line.ljust(-(-(len(line) + 1) // _HEADER_BLOCK) * _HEADER_BLOCK - 1) + b"\n"


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
def open_rows(path: Path, origin: RowsOrigin) -> Iterator[RowsFile]:
    """Open the rows of `origin` to go on after the last whole row, or start a new file.

    Raises:
        StorageError: the folder cannot be written.
    """
    with _disk(path):
        done = _whole_rows(path, origin)
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("r+b" if done is not None else "wb")
    try:
        with _disk(path):
            if done is None:
                stream.write(origin.header)
            stream.seek(len(origin.header) + (done or 0) * origin.row_bytes)
            stream.truncate()
        yield RowsFile(path, stream, done or 0)
    finally:
        with _disk(path):
            stream.close()  # which writes what could not be written before, and is refused again


def mapped_rows(path: Path, origin: RowsOrigin) -> Float64[np.ndarray, "T K 3"]:
    """Map the finished rows of `origin` without reading them into memory."""
    shape = (origin.frame_count, len(origin.bodyparts), 3)
    return np.memmap(path, dtype="<f8", mode="r", offset=len(origin.header), shape=shape)


def file_fingerprint(path: Path) -> str:
    """Tell one large file from another by its size, its beginning and its end."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        digest.update(stream.read(_FINGERPRINT_BYTES))
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - _FINGERPRINT_BYTES))
        digest.update(stream.read(_FINGERPRINT_BYTES))
    return f"{size}-{digest.hexdigest()[:32]}"


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise storage_error(path, error) from error


def _whole_rows(path: Path, origin: RowsOrigin) -> int | None:
    """Count the whole rows of `origin` in a file; None where the file is another's or missing."""
    if not path.is_file():
        return None
    header = origin.header
    with path.open("rb") as stream:
        if stream.read(len(header)) != header:
            return None
    return min((path.stat().st_size - len(header)) // origin.row_bytes, origin.frame_count)
