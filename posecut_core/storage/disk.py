"""The calls by which project files become durable; tests put failing and power-losing disks in their place.

Use them through the module (`disk.write(...)`), never by name, so that a replacement is seen everywhere. File names
are made to fit here too.
"""

import contextlib
import errno
import functools
import hashlib
import os
import platform
import re
import secrets
import shutil
import tempfile
import time
import unicodedata
import zlib
from pathlib import Path

import psutil

_MOST_BYTES = 255  # of a file's name, on nearly every disk
_DRAWN = 8  # letters that `tempfile` draws, of the 255
_TEMPORARY = re.compile(r"\..*-([0-9a-f]{4})-(\d+)-([0-9a-f]{4})-\w{8}\.partial(\..*)?", re.DOTALL)
_ONE_DAY = 24 * 3600.0  # seconds


def fitting_name(stem: str, ending: str, *, room: int = 0) -> str:
    """Name a file `<stem><ending>`; a stem that is too long for that is cut, and told from others by its hash.

    Args:
        stem: what the file belongs to.
        ending: what is never cut.
        room: bytes to leave for names that are made of this one.
    """
    most = _MOST_BYTES - room - len(os.fsencode(ending))
    if len(os.fsencode(stem)) <= most:
        return stem + ending
    mark = _mark(stem)
    return os.fsencode(stem)[: max(0, most - len(mark))].decode("utf-8", "ignore") + mark + ending


def ending_after(stem: str, name: str) -> str | None:
    """Return what follows the stem in a name that `fitting_name` made of it; None in a name of something else."""
    stem, name = (unicodedata.normalize("NFC", text) for text in (stem, name))  # some disks spell letters otherwise
    if name.startswith(stem):
        return name.removeprefix(stem)
    _, mark, ending = name.partition(_mark(stem))
    return ending if mark else None


def _mark(stem: str) -> str:
    return "-" + hashlib.sha256(os.fsencode(unicodedata.normalize("NFC", stem))).hexdigest()[:10]


def open_file(path: Path, flags: int) -> int:
    """Open a file, or a folder for syncing, and return its handle; nothing is written through a link.

    Raises:
        OSError: the disk refuses, or a link is in the place of a file to write.
    """
    if flags & (os.O_WRONLY | os.O_RDWR):
        refuse_link(path)
        flags |= getattr(os, "O_NOFOLLOW", 0)
    return os.open(path, flags | getattr(os, "O_BINARY", 0), 0o666)


def refuse_link(path: Path) -> None:
    """Refuse a link in the place of a file to write: it may lead out of the project.

    Raises:
        OSError: there is one.
    """
    if path.is_symlink():
        raise OSError(errno.ELOOP, "it is a link", str(path))


def new_file(target: Path) -> tuple[int, Path]:
    """Create an empty file beside `target`, under a name that `leftovers` recognizes; return its handle and path."""
    _sweep(target.parent, os.getpid())
    prefix, ending = _temporary_name(target)
    handle, name = tempfile.mkstemp(prefix=prefix, suffix=ending, dir=target.parent)
    return handle, Path(name)


def new_folder(target: Path) -> Path:
    """Create an empty folder beside `target`, under a name as that of `new_file`, and return its path."""
    _sweep(target.parent, os.getpid())
    prefix, ending = _temporary_name(target)
    return Path(tempfile.mkdtemp(prefix=prefix, suffix=ending, dir=target.parent))


def delete_folder(folder: Path) -> None:
    """Delete a folder at once: whoever is killed meanwhile leaves nothing, or all of it, under its name.

    Raises:
        OSError: the disk refuses; the folder is as it was.
    """
    prefix, ending = _temporary_name(folder)
    aside = folder.with_name(f"{prefix}{secrets.token_hex(_DRAWN // 2)}{ending}")
    os.rename(folder, aside)
    shutil.rmtree(aside, ignore_errors=True)


def _temporary_name(target: Path) -> tuple[str, str]:
    """Return beginning and end of names of what is going to be renamed to `target`: they tell which process writes."""
    ending = f".partial{target.suffix}"
    owner = f"-{_process_mark(os.getpid())}-"
    return fitting_name(f".{target.stem}", owner, room=len(os.fsencode(ending)) + _DRAWN), ending


@functools.cache
def _sweep(folder: Path, process: int) -> None:
    """Delete what killed programs have left unfinished in a folder; once is enough for each that writes there."""
    for path in folder.iterdir():
        found = _TEMPORARY.fullmatch(path.name)
        if found and _is_left(path, f"{found[1]}-{found[2]}-{found[3]}"):
            with contextlib.suppress(OSError):  # it goes next time
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _is_left(path: Path, mark: str) -> bool:
    """Tell whether who writes a file has ended; of another computer one cannot know before a day has gone by."""
    host, number, _ = mark.split("-")
    if host != _host_mark():
        with contextlib.suppress(OSError):
            return time.time() - path.stat().st_mtime > _ONE_DAY
    return mark != _process_mark(int(number))


@functools.cache
def _host_mark() -> str:
    return f"{zlib.crc32(platform.node().encode()) & 0xFFFF:04x}"


def _process_mark(number: int) -> str:
    """Name a running process, so that another one that gets its number later is told from it."""
    try:
        begun = int(psutil.Process(number).create_time() * 100) & 0xFFFF
    except psutil.Error:
        return ""
    return f"{_host_mark()}-{number}-{begun:04x}"


def write(handle: int, content: bytes) -> int:
    """Write some of `content` and return how many bytes were taken."""
    return os.write(handle, content)


def truncate(handle: int, size: int) -> None:
    """Cut a file down to `size` bytes."""
    os.ftruncate(handle, size)


def sync_data(handle: int) -> None:
    """Make what was written to a file durable, and its length."""
    getattr(os, "fdatasync", os.fsync)(handle)


def sync_all(handle: int) -> None:
    """Make a file with all that is said about it, or a folder's entries, durable."""
    os.fsync(handle)


def replace(source: Path, target: Path) -> None:
    """Give `source` the name of `target`, at once."""
    os.replace(source, target)


def close(handle: int) -> None:
    """Let go of a handle."""
    os.close(handle)
