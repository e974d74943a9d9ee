"""A journal: a file of JSON lines that only grows, each with its number and a checksum.

    {"revision":1,"edit":{...},"crc":"3f0a91c2"}

The checksum is CRC-32 of everything before `,"crc"`. What follows the last good line is a torn tail, as a crash leaves
it; a bad line with a good one after it, or a line out of turn, is damage.
"""

import contextlib
import json
import os
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from posecut_core.errors import LabelError
from posecut_core.storage import disk
from posecut_core.storage.files import parse_json, read_bytes, storage_error, sync, write_all

Record = Mapping[str, object]
_PAGE = 4096  # bytes that a disk writes at once


@dataclass(frozen=True)
class JournalText:
    """What a journal holds."""

    records: tuple[tuple[int, Record], ...]  # revision, edit; of every good line
    length: int  # bytes up to the end of the last good line
    tail: bytes  # what follows it
    damaged: tuple[int, ...]  # numbers of bad lines before the last good one, counted from 1

    @property
    def revision(self) -> int:
        """Return the revision of the last good line; 0 for an empty journal."""
        return self.records[-1][0] if self.records else 0


def read_journal(path: Path) -> JournalText:
    """Read a journal; one that does not exist is empty.

    Raises:
        LabelError: the file cannot be read.
    """
    try:
        content = read_bytes(path) if os.path.lexists(path) else b""
    except OSError as error:
        raise LabelError(f"Cannot read {path} ({error.strerror}); check its permissions and the disk.") from error
    return _parse_journal(content)


def _parse_journal(content: bytes) -> JournalText:
    """Tell good lines, damage and torn tail of a journal apart."""
    records: list[tuple[int, Record]] = []
    bad: list[int] = []
    damaged: list[int] = []
    length = place = 0
    for number, line in enumerate(_lines(content), start=1):
        place += len(line)
        found = _parse_line(line)
        if found is None or (records and found[0] <= records[-1][0]):
            bad.append(number)
            continue
        if records and not bad and found[0] != records[-1][0] + 1:
            bad.append(number)  # the lines between are gone
        records.append(found)
        damaged += bad
        bad, length = [], place
    return JournalText(tuple(records), length, content[length:], tuple(damaged))


def journal_line(revision: int, edit: Record) -> bytes:
    """Write one line, with its end; `_parse_journal` is the inverse."""
    body = json.dumps({"revision": revision, "edit": edit}, separators=(",", ":"), allow_nan=False)[:-1].encode("ascii")
    return b'%s,"crc":"%08x"}\n' % (body, zlib.crc32(body))


def cut_tail(path: Path, text: JournalText) -> None:
    """Cut off what follows the last good line. Whoever calls holds the lock and has kept the tail.

    Raises:
        StorageError: the disk refuses.
    """
    try:
        handle = disk.open_file(path, os.O_RDWR)
        try:
            disk.truncate(handle, text.length)
            disk.sync_data(handle)
        finally:
            disk.close(handle)
    except OSError as error:
        raise storage_error(path, error) from error


@dataclass(frozen=True)
class _End:
    """How far a journal reaches."""

    revision: int
    length: int  # bytes


class JournalWriter:
    """Appends to a journal. Whoever writes holds the lock.

    What was written outlives this process, however it ends; what is durable outlives a loss of power, too. A disk takes
    one flush for all that was written before it began.
    """

    def __init__(self, path: Path, text: JournalText) -> None:
        self._path = path
        self._handle: int | None = None
        self._clean = not text.tail
        self._written = self._durable = _End(text.revision, text.length)
        self._refused: OSError | None = None  # by a flush
        self._flushing = Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="posecut-journal")  # has none before it is needed

    @property
    def revision(self) -> int:
        """Return the revision of the last edit."""
        return self._written.revision

    @property
    def durable(self) -> int:
        """Return the revision of the last edit that is durable."""
        return self._durable.revision

    def append(self, *edits: Record) -> int:
        """Add edits and return the last one's revision once all are durable; after an error the journal is as it was.

        Raises:
            StorageError: the disk refuses; the same edit may be tried again.
        """
        self.write(*edits)
        return self.settle()

    def write(self, *edits: Record) -> int:
        """Add edits and return the last one's revision; they are durable once `settle` has returned.

        Raises:
            StorageError: the disk refuses, these or those before that are not durable; the same may be tried again.
        """
        lines = b"".join(journal_line(revision, edit) for revision, edit in enumerate(edits, self.revision + 1))
        if (self._written.length + len(lines)) // _PAGE != self._durable.length // _PAGE:
            self.settle()  # pages may reach the disk in any order, and a gap before a good line would be damage
        try:
            handle = self._opened()
            if not self._clean:
                disk.truncate(handle, self._written.length)
            self._clean = False
            write_all(handle, lines)
        except OSError as error:
            self._take_back()
            raise storage_error(self._path, error) from error
        self._clean = True
        self._written = _End(self.revision + len(edits), self._written.length + len(lines))
        return self.revision

    def settle(self) -> int:
        """Return the last revision once all edits are durable; after an error those that are not are gone.

        Raises:
            StorageError: the disk refuses; the same edits may be tried again.
        """
        with self._flushing:
            self._flush()
            refused, self._refused = self._refused, None
            if refused is not None:
                self._written, self._clean = self._durable, False
                self._take_back()
                raise storage_error(self._path, refused) from refused
        return self.revision

    def settle_soon(self, refused: Callable[[], object]) -> None:
        """Let a thread make durable what was written; it calls `refused` where the disk refuses; then call `settle`."""

        def flush() -> None:
            with self._flushing:
                self._flush()
            if self._refused is not None:
                refused()

        self._thread.submit(flush)

    def close(self) -> None:
        """Let go of the file; what is durable stays so, whatever the disk says to that."""
        self._thread.shutdown()
        if self._handle is not None:
            with contextlib.suppress(OSError):
                disk.close(self._handle)
            self._handle = None

    def _flush(self) -> None:
        """Make durable what was written; after a refusal nothing is, as a disk forgets what it has refused once."""
        end = self._written
        if self._handle is None or self._refused is not None or end == self._durable:
            return
        try:
            disk.sync_data(self._handle)
        except OSError as error:
            self._refused = error
        else:
            self._durable = end

    def _opened(self) -> int:
        if self._handle is None:
            handle = disk.open_file(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
            try:
                sync(self._path.parent)  # or the file itself may be gone after a loss of power
            except OSError:
                disk.close(handle)
                raise
            self._handle = handle
        return self._handle

    def _take_back(self) -> None:
        """Cut off what does not count; where that fails as well, the next write does it first."""
        try:
            if self._handle is not None and not self._clean:
                disk.truncate(self._handle, self._written.length)
                self._clean = True
        except OSError:
            self._clean = False


def _lines(content: bytes) -> list[bytes]:
    """Split at line ends and keep them; the last line may lack its own."""
    pieces = content.split(b"\n")
    return [piece + b"\n" for piece in pieces[:-1]] + [piece for piece in pieces[-1:] if piece]


def _parse_line(line: bytes) -> tuple[int, Record] | None:
    """Return revision and edit of a line; None where it is not exactly as it was written."""
    body, mark, tail = line.rpartition(b',"crc":"')
    if not mark or tail != b'%08x"}\n' % zlib.crc32(body):
        return None
    try:
        record = parse_json(body + b"}")
        revision, edit = record["revision"], record["edit"]
    except (ValueError, KeyError, TypeError):
        return None
    return (revision, edit) if isinstance(revision, int) and isinstance(edit, dict) else None
