"""One writer at a time: a lock of the operating system, and a note of who holds it.

The system frees the lock of a program that ends, however it ends; a note that is left behind is then stale. Between
computers that share a disk the system's lock may not reach, so a note from another computer is believed. A killed
program's note stays for ever if this computer's name changed since, as laptops' names do with the network.
"""

import contextlib
import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

import filelock

from posecut_core.project.atomic import storage_error, write_text


@dataclass(frozen=True)
class Holder:
    """Who writes."""

    host: str
    pid: int

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"

    @property
    def elsewhere(self) -> bool:
        """Tell whether it is on another computer, where one cannot see whether it still runs."""
        return self.host != platform.node()


@dataclass(frozen=True)
class Lock:
    """A lock that is held."""

    path: Path  # its file; it stays where it is
    handle: filelock.BaseFileLock
    stale: Holder | None  # who held it before and ended without letting go

    def release(self) -> None:
        """Let go, so that others can write."""
        with contextlib.suppress(OSError):  # a note that stays is recognised as stale
            note_path(self.path).unlink(missing_ok=True)
        self.handle.release()


def note_path(path: Path) -> Path:
    """Return where the note of the holder lies, beside the lock's own file."""
    return path.with_name(f"{path.name}-holder.json")


def acquire(path: Path, *, take_over: bool = False) -> Lock | Holder | None:
    """Try to become the writer, without waiting.

    Args:
        path: the lock's file.
        take_over: whether to disbelieve a note from another computer, whose program is known to have ended.

    Returns:
        The lock; who holds it, where somebody does; None where the holder left no readable note.

    Raises:
        StorageError: the folder cannot be written to.
    """
    handle = filelock.FileLock(path, timeout=0, thread_local=False)
    try:
        handle.acquire()
    except filelock.Timeout:
        return read_note(path)
    except (OSError, NotImplementedError) as error:
        raise storage_error(path, error if isinstance(error, OSError) else OSError(0, "it has no locks")) from error
    before = read_note(path)
    if before and before.elsewhere and not take_over:
        handle.release()
        return before
    try:
        write_text(note_path(path), json.dumps(asdict(Holder(platform.node(), os.getpid()))))
    except BaseException:
        handle.release()
        raise
    return Lock(path, handle, before)


def read_note(path: Path) -> Holder | None:
    """Return who holds a lock by its note; None where there is none, or none that can be read."""
    try:
        values = json.loads(note_path(path).read_text(encoding="utf-8"))
        return Holder(str(values["host"]), int(values["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
