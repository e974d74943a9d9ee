"""Locks between programs: one that is waited for, and one that is held, with a note of who holds it."""

import contextlib
import errno
import hashlib
import json
import os
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import filelock

from posecut_core.errors import BusyError, StorageError
from posecut_core.storage import disk
from posecut_core.storage.files import SETTINGS, read_json, storage_error, write_text

# --- waiting lock -----------------------------------------------------------------------------------------------------
# A lock between programs that is waited for, as whoever holds it is soon done. The system frees it when one ends.


PATIENCE = 10.0  # seconds


@contextlib.contextmanager
def hold(path: Path, *, advice: str = "close that program", patience: float | None = None) -> Iterator[None]:
    """Hold the lock of the file `path`, which stays where it is.

    Args:
        path: the lock's file.
        advice: what to do where another program keeps it.
        patience: seconds to wait for it; None waits `PATIENCE`.

    Raises:
        BusyError: the lock does not come free.
        StorageError: the folder cannot be written to or knows no locks.
    """
    lock = filelock.FileLock(path, timeout=PATIENCE if patience is None else patience)
    if not _locked(lock, path):
        raise BusyError(f"{path} is locked by another program; {advice}.")
    try:
        yield
    finally:
        lock.release()


def _locked(lock: filelock.BaseFileLock, path: Path) -> bool:
    """Wait for a lock of the system, as long as it says; tell whether it is held now.

    Raises:
        StorageError: the folder cannot be written to or knows no locks.
    """
    try:
        disk.refuse_link(path)
        lock.acquire()
    except filelock.Timeout:
        return False
    except (OSError, NotImplementedError) as error:
        raise _refused(
            path, error if isinstance(error, OSError) else OSError(0, "it does not support locks")
        ) from error
    return True


def _refused(path: Path, error: OSError) -> StorageError:
    """Name the folder that cannot be written to, which a person knows; of a link at the lock's place, that."""
    return storage_error(path if error.errno == errno.ELOOP else path.parent, error)


# --- lock -------------------------------------------------------------------------------------------------------------
# One writer at a time: a lock of the operating system, and a note of who holds it.
#
# The system frees the lock of a program that ends, however it ends; a note that is left behind is then stale. Between
# computers that share a disk the system's lock may not reach, so a note from another computer is believed. A killed
# program's note stays forever if this computer's name changed since, as laptops' names do with the network.


@dataclass(frozen=True)
class Holder:
    """Who writes."""

    host: str
    pid: int

    def __str__(self) -> str:
        if self.pid == os.getpid() and not self.elsewhere:
            return "another window or session of this program"
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
        with contextlib.suppress(OSError):  # a note that stays is recognized as stale
            note_path(self.path).unlink(missing_ok=True)
        self.handle.release()


def note_path(path: Path) -> Path:
    """Return where the note of the holder lies, beside the lock's own file."""
    return path.with_name(f"{path.name}-holder.json")


def acquire(path: Path, *, take_over: bool = False, patience: float = 0) -> Lock | Holder | None:
    """Try to become the writer.

    Args:
        path: the lock's file.
        take_over: whether to disbelieve a note from another computer, whose program is known to have ended.
        patience: seconds to wait for whoever holds it.

    Returns:
        The lock; who holds it, where somebody does; None where the holder left no readable note.

    Raises:
        StorageError: the folder cannot be written to.
    """
    handle = filelock.FileLock(path, timeout=patience, thread_local=False)
    if not _locked(handle, path):
        return read_note(path)
    before = read_note(path)
    if before and before.elsewhere and not take_over:
        handle.release()
        return before
    try:
        write_text(note_path(path), json.dumps(asdict(Holder(platform.node(), os.getpid()))))
    except BaseException as error:
        handle.release()
        if isinstance(error, StorageError):
            raise _refused(path, error) from error
        raise
    return Lock(path, handle, before)


def read_note(path: Path) -> Holder | None:
    """Return who holds a lock by its note; None where there is none, or none that can be read."""
    try:
        values = read_json(note_path(path), at_most=SETTINGS)
        return Holder(str(values["host"]), int(values["pid"]))
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None


@contextlib.contextmanager
def sole_writer(target: Path, *, doing: str, patience: float = 0) -> Iterator[None]:
    """Be the only one that makes `target`, and whatever lies beside it until then; nothing of the lock stays behind.

    Args:
        target: the file or folder that is being made; its own folder is made if it is missing.
        doing: what is done, for whoever comes second, as "m3.mp4 is being analyzed".
        patience: seconds to wait for another program that is at it; where that takes long, none.

    Raises:
        BusyError: another program is at it, which is named.
        StorageError: the folder cannot be written to.
    """
    path = _lock_path(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(target, error) from error
    lock = _acquire_present(path, patience)
    if not isinstance(lock, Lock):
        who = str(lock) if lock else "another program"
        advice = f"; if that has ended, delete {note_path(path)}" if lock and lock.elsewhere else ""
        raise BusyError(f"{doing} by {who} right now; wait until it is done and try again{advice}.")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            note_path(path).unlink(missing_ok=True)
            if os.name != "nt":  # where an open file cannot be deleted, and filelock deletes it itself
                path.unlink(missing_ok=True)
        lock.handle.release()


def clear_lock(target: Path) -> None:
    """Delete what a killed program left of the lock of a target that is complete; one that is held stays."""
    if _lock_path(target).exists():
        with contextlib.suppress(StorageError), sole_writer(target, doing=target.name):
            pass


def _lock_path(target: Path) -> Path:
    """Name a lock; the target's name may be as long as names can be, so that it is not made of it."""
    return target.with_name(f".posecut-{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]}.lock")


def _acquire_present(path: Path, patience: float) -> Lock | Holder | None:
    """Acquire a lock whose file its holders delete: one on a file that is gone by then, or another, locks nothing."""
    while True:
        before = _inode(path)
        lock = acquire(path, patience=patience)
        if not isinstance(lock, Lock):
            return lock
        now = _inode(path)
        if now is not None and before in (None, now):
            return lock
        lock.handle.release()


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None
