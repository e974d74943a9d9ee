"""Replace files whole or not at all, and turn the disk's refusals into sentences."""

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from posecut_core.errors import PosecutError, StorageError
from posecut_core.project import disk
from posecut_core.project.reading import read_json

_REASONS = {
    errno.ENOSPC: "the disk is full: free some space and run the same command again",
    errno.EDQUOT: "your disk quota is used up: free some space and run the same command again",
    errno.EACCES: "permission was denied: choose a folder that you may write to, or change its permissions",
    errno.EPERM: "permission was denied: choose a folder that you may write to, or change its permissions",
    errno.ELOOP: "a link is in its place, which may lead anywhere: put the file itself there, or delete the link",
    errno.EROFS: "the file system is read-only: choose a folder that you may write to",
}

State = TypeVar("State")


def storage_error(path: Path, error: OSError) -> StorageError:
    """Say in one sentence why `path` could not be written; an error that says so already gives its reason only."""
    while isinstance(error, StorageError):
        if not isinstance(error.__cause__, OSError):
            return error
        error = error.__cause__
    reason = _REASONS.get(error.errno or 0, f"{error.strerror or error}: check the disk and run the same command again")
    told = StorageError(f"Cannot write {path}; {reason}.")
    told.is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return told


@contextlib.contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target` that replaces it when the block ends without an error.

    The file is synced before it is renamed, so that after a crash `target` holds either its old or its new content.

    Raises:
        StorageError: the disk is full, read-only or not writable.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = disk.new_file(target)
    except OSError as error:
        raise storage_error(target, error) from error
    try:
        disk.close(handle)
        yield temporary
        sync(temporary)
        os.chmod(temporary, 0o666 & ~_umask())
        disk.replace(temporary, target)
        sync(target.parent)
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise storage_error(target, error) from error
    finally:
        with contextlib.suppress(OSError):  # the error that led here says more
            temporary.unlink(missing_ok=True)


def write_text(target: Path, text: str) -> None:
    """Replace `target` by `text` in UTF-8."""
    _replace_content(target, text.encode("utf-8"))


def write_bytes(target: Path, content: bytes) -> None:
    """Replace the content of `target`; a link stays a link to the replaced file, but for one that leads elsewhere."""
    leads = target.resolve() if target.is_symlink() else target
    _replace_content(leads if leads.is_relative_to(target.parent.resolve()) else target, content)


def write_all(handle: int, content: bytes) -> None:
    """Write the whole of `content`, also where the disk takes it in pieces."""
    rest = memoryview(content)
    while rest:
        rest = rest[disk.write(handle, bytes(rest)) :]


@contextlib.contextmanager
def resumable(path: Path, request: object, begin: Callable[[], State]) -> Iterator[State]:
    """Yield what work begins with; the same work that was stopped between its files goes on with what it began with.

    That is kept in `path` until the block ends without an error, or with one before anything was done.

    Args:
        path: a file of this work alone.
        request: what is to be done: other work begins anew.
        begin: tells how things are now, in what JSON can write.

    Raises:
        StorageError: the disk refuses.
    """
    digest = hashlib.sha256(repr(request).encode()).hexdigest()
    state = _kept_state(path, digest)
    if state is None:
        state = begin()
        write_text(path, json.dumps({"request": digest, "state": state}))
    try:
        yield state
    except BaseException:
        with contextlib.suppress(OSError, PosecutError):  # the error that led here says more
            if begin() == state:
                path.unlink(missing_ok=True)
        raise
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise storage_error(path, error) from error


def _kept_state(path: Path, digest: str) -> Any:
    """Return what was kept of the same request; None where there is none, or it was damaged."""
    try:
        content = read_json(path)
        return content["state"] if content["request"] == digest else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def sync(path: Path) -> None:
    """Make a file, or the entries of a folder, durable."""
    if os.name == "nt" and path.is_dir():
        return  # Windows cannot open a folder for syncing
    handle = disk.open_file(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        disk.sync_all(handle)
    finally:
        disk.close(handle)


def leftovers(folder: Path, *, prefix: str) -> tuple[Path, ...]:
    """List the temporary files that killed programs left in `folder`, of targets whose names begin with `prefix`."""
    return tuple(sorted(folder.glob(f".{prefix}*.partial*")))


def _replace_content(target: Path, content: bytes) -> None:
    with atomic_path(target) as temporary:
        handle = disk.open_file(temporary, os.O_WRONLY)
        try:
            write_all(handle, content)
        finally:
            disk.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
