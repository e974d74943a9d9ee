"""Replace files whole or not at all, and turn the disk's refusals into sentences."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from posecut_core.errors import StorageError

_REASONS = {
    errno.ENOSPC: "the disk is full: free some space and run the same command again",
    errno.EDQUOT: "your disk quota is used up: free some space and run the same command again",
    errno.EACCES: "permission was denied: choose a folder that you may write to, or change its permissions",
    errno.EPERM: "permission was denied: choose a folder that you may write to, or change its permissions",
    errno.EROFS: "the file system is read-only: choose a folder that you may write to",
}


def storage_error(path: Path, error: OSError) -> StorageError:
    """Say in one sentence why `path` could not be written; an error that says so already gives its reason only."""
    while isinstance(error, StorageError):
        if not isinstance(error.__cause__, OSError):
            return error
        error = error.__cause__
    reason = _REASONS.get(error.errno or 0, f"{error.strerror or error}: check the disk and run the same command again")
    return StorageError(f"Cannot write {path}; {reason}.")


@contextlib.contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target` that replaces it when the block ends without an error.

    The file is synced before it is renamed, so that after a crash `target` holds either its old or its new content.

    Raises:
        StorageError: the disk is full, read-only or not writable.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.stem}-", suffix=f".partial{target.suffix}", dir=target.parent)
        os.close(handle)
    except OSError as error:
        raise storage_error(target, error) from error
    temporary = Path(name)
    try:
        yield temporary
        sync(temporary)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, target)
        sync(target.parent)
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise storage_error(target, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(target: Path, text: str) -> None:
    """Replace `target` by `text` in UTF-8."""
    with atomic_path(target) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_bytes(target: Path, content: bytes) -> None:
    """Replace the content of `target`; a link stays a link to the replaced file."""
    target = target.resolve() if target.is_symlink() else target
    with atomic_path(target) as temporary:
        temporary.write_bytes(content)


def sync(path: Path) -> None:
    """Make a file, or the entries of a folder, durable."""
    if os.name == "nt" and path.is_dir():
        return  # Windows cannot open a folder for syncing
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
