"""Files that survive: read within bounds, replaced whole or not at all, copied aside before they change."""

import contextlib
import errno
import hashlib
import io
import itertools
import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from posecut_core.errors import PosecutError, StorageError
from posecut_core.storage import disk
from posecut_core.storage.remote import address_of, open_remote

# --- reading ----------------------------------------------------------------------------------------------------------
# Files as others may have left them, read within bounds: never a pipe, a device, or more than such a file can hold.
#
# What is refused is an OSError or a ValueError whose words say what was found; each reader makes its sentence of it.


SETTINGS = 4 * 2**20  # bytes of a file that people write: ten thousand videos
_END_BYTES = 2**20  # of the beginning and of the end, by which a large file is known again
_RECORDS = 2**28  # bytes of a file that programs write about frames: a million frames
_DEEPEST = 100  # lists and mappings within each other
_BITS = 14_000  # of whole numbers: Python writes no longer ones
_SURROGATES = re.compile("[\ud800-\udfff]")
_ESCAPED = re.compile(rb"\\u[dD][89a-fA-F]")
MOST_VALUES = 10**6  # that a text may stand for


def open_file(path: Path) -> io.BufferedReader:
    """Open a regular file for reading, also one elsewhere.

    Raises:
        OSError: there is none, it is a folder, a pipe or a device, or it must not be read.
    """
    if address := address_of(path):
        return io.BufferedReader(open_remote(address))
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    stream = os.fdopen(handle, "rb")
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return stream
    stream.close()
    raise OSError(errno.EINVAL, "it is a pipe or a device, not a file", str(path))


def read_bytes(path: Path, *, at_most: int = _RECORDS) -> bytes:
    """Read a regular file.

    Raises:
        OSError: it cannot be opened, or holds more than `at_most` bytes.
    """
    with open_file(path) as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        if size > at_most:
            raise OSError(errno.EFBIG, f"it has {size} bytes, expected at most {at_most}", str(path))
        return stream.read(at_most)


def read_text(path: Path, *, at_most: int = _RECORDS, errors: str = "strict") -> str:
    r"""Read a text in UTF-8; a byte order mark is dropped, and line ends become `\n`.

    Raises:
        OSError: it cannot be opened, or holds more than `at_most` bytes.
        UnicodeDecodeError: it is no UTF-8.
    """
    text = read_bytes(path, at_most=at_most).decode("utf-8-sig", errors)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_json(path: Path, *, at_most: int = _RECORDS) -> Any:
    """Read a JSON text.

    Raises:
        OSError: it cannot be opened, or holds more than `at_most` bytes.
        ValueError: it is no JSON, or lists lie in lists without end.
    """
    return parse_json(read_bytes(path, at_most=at_most))


def parse_json(text: str | bytes) -> Any:
    """Parse a JSON text.

    Raises:
        ValueError: it is no JSON, lists lie in lists without end, or a text holds what is no letter.
    """
    content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    try:
        value = json.loads(text)
        if _ESCAPED.search(content):
            count_values(value)
    except RecursionError as error:
        raise ValueError("lists or mappings are nested too deeply") from error
    return value


def refuse_deep(text: str) -> None:
    """Refuse a YAML text whose brackets open too deep; a parser would take minutes to find out.

    Raises:
        RecursionError: they do.
    """
    depth = 0
    for letter in text if text.count("[") + text.count("{") > _DEEPEST else "":
        depth += (letter in "[{") - (letter in "]}")
        if depth > _DEEPEST:
            raise RecursionError


def count_values(value: object) -> int:
    """Count the values that a text stands for, once its references (`*name`) are written out.

    Raises:
        ValueError: a number has thousands of digits, or a text is none.
        RecursionError: a value holds itself.
    """
    return _count(value, {})


def _count(value: object, known: dict[int, int]) -> int:
    if isinstance(value, int) and value.bit_length() > _BITS:
        raise ValueError("a number has thousands of digits")
    if isinstance(value, str) and _SURROGATES.search(value):
        raise ValueError("a text holds an incomplete character")
    if not isinstance(value, dict | list | tuple | set):
        return 1
    if id(value) not in known:
        known[id(value)] = 0  # until it is counted
        inside = [*value.keys(), *value.values()] if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_count(item, known) for item in inside)
    elif not known[id(value)]:
        raise RecursionError
    return known[id(value)]


# --- hashing ----------------------------------------------------------------------------------------------------------
# The SHA-256 of a file: what tells that it is still as it was written or fetched.


def fingerprint(path: Path) -> tuple[int, str]:
    """Return the size in bytes and the SHA-256 of the first and last MiB of a file, by which it is known again."""
    with open_file(path) as file:
        digest = hashlib.sha256(file.read(_END_BYTES))
        size = file.seek(0, 2)
        file.seek(max(0, size - _END_BYTES))
        digest.update(file.read(_END_BYTES))
    return size, digest.hexdigest()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal, without reading it into memory."""
    with open_file(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# --- atomic -----------------------------------------------------------------------------------------------------------
# Replace files whole or not at all, and turn the disk's refusals into sentences.


_REASONS = {
    errno.ENOSPC: "the disk is full: free some space and try again",
    errno.EDQUOT: "your disk quota is used up: free some space and try again",
    errno.EACCES: "permission was denied: change its permissions, or work in a folder that you may write to",
    errno.EPERM: "permission was denied: change its permissions, or work in a folder that you may write to",
    errno.ELOOP: "it is a link: put the file itself there, or delete the link",
    errno.EROFS: "the file system is read-only: work in a folder that you may write to, such as a copy of the project",
    errno.EISDIR: "it is a folder: give the path of a file",
    errno.EEXIST: "a file lies where it needs a folder: choose another path",
    errno.ENOTDIR: "a file lies where it needs a folder: choose another path",
    errno.ENAMETOOLONG: "its name is too long: choose a shorter one",
}

State = TypeVar("State")


def storage_error(path: Path, error: OSError) -> StorageError:
    """Say in one sentence why `path` could not be written; of a StorageError its cause is used."""
    while isinstance(error, StorageError):
        if not isinstance(error.__cause__, OSError):
            return error
        error = error.__cause__
    reason = _REASONS.get(error.errno or 0, f"{error.strerror or error}: check the disk and try again")
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
    """Replace the content of `target`; a link within its folder stays a link to the replaced file."""
    leads = target.resolve() if target.is_symlink() else target
    _replace_content(leads if leads.is_relative_to(target.parent.resolve()) else target, content)


def write_all(handle: int, content: bytes) -> None:
    """Write the whole of `content`, also where the disk takes it in pieces."""
    rest = memoryview(content)
    while rest:
        rest = rest[disk.write(handle, bytes(rest)) :]


Stamps = tuple[tuple[int, int, int] | None, ...]


def stamps(*paths: Path) -> Stamps:
    """Return inode, size and time of writing of files, None for one that is missing: after a change they differ."""
    return tuple(map(_stamp, paths))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


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


# --- kept copies ------------------------------------------------------------------------------------------------------
# Copies of what is about to be replaced: none ever replaces another, and none is made twice.


def keep_copy(path: Path, content: bytes) -> Path:
    """Write `content` to `path`, or under a numbered name beside it where that is taken, and return where.

    A copy that is there already, as of a call that was killed after it, is that copy.

    Raises:
        StorageError: the disk refuses.
    """
    numbered = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in itertools.count(2))
    for choice in itertools.chain([path], numbered):
        if not choice.exists():
            write_bytes(choice, content)
            return choice
        if _is_copy(choice, content):
            return choice
    raise AssertionError  # numbers have no end


def _is_copy(path: Path, content: bytes) -> bool:
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError as error:
        raise storage_error(path, error) from error
