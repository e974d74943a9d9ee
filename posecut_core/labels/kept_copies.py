"""Copies of what is about to be replaced: none ever replaces another, and none is made twice."""

import itertools
from pathlib import Path

from posecut_core.project.atomic import storage_error, write_bytes


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
