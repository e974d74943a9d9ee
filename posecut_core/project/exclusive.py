"""Let one program at a time change a file that several may change: the others wait a moment."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import filelock

from posecut_core.errors import StorageError
from posecut_core.project.atomic import storage_error

_PATIENCE = 10  # seconds


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock; another program that holds it is done in a moment.

    Args:
        path: The lock's own file; it stays where it is.

    Raises:
        StorageError: the folder cannot be written to, or the lock does not come free.
    """
    try:
        with filelock.FileLock(path, timeout=_PATIENCE):
            yield
    except filelock.Timeout as error:
        raise StorageError(
            f"Another program keeps {path} locked, expected it to be free; close that program."
        ) from error
    except (OSError, NotImplementedError) as error:
        if isinstance(error, StorageError):
            raise
        raise storage_error(path, error if isinstance(error, OSError) else OSError(0, "no locks")) from error
