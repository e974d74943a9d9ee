"""The calls by which project files become durable; tests put failing and power-losing disks in their place.

Use them through the module (`disk.write(...)`), never by name, so that a replacement is seen everywhere.
"""

import os
import tempfile
from pathlib import Path


def open_file(path: Path, flags: int) -> int:
    """Open a file, or a folder for syncing, and return its handle."""
    return os.open(path, flags | getattr(os, "O_BINARY", 0), 0o666)


def new_file(target: Path) -> tuple[int, Path]:
    """Create an empty file beside `target`, under a name that `leftovers` recognises; return its handle and path."""
    handle, name = tempfile.mkstemp(prefix=f".{target.stem}-", suffix=f".partial{target.suffix}", dir=target.parent)
    return handle, Path(name)


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
