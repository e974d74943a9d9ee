"""A lock between programs that is waited for, as whoever holds it is soon done. The system frees it when one ends."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import filelock

from posecut_core.errors import BusyError
from posecut_core.project import disk
from posecut_core.project.atomic import storage_error

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
    try:
        disk.refuse_link(path)
        lock.acquire()
    except filelock.Timeout as error:
        raise BusyError(f"Another program keeps {path} locked, expected it to be free; {advice}.") from error
    except (OSError, NotImplementedError) as error:
        raise storage_error(path, error if isinstance(error, OSError) else OSError(0, "it has no locks")) from error
    try:
        yield
    finally:
        lock.release()
