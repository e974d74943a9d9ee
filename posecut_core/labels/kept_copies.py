"""Copies of what is about to be replaced: none ever replaces another."""

import itertools
from pathlib import Path

from posecut_core.project.atomic import write_bytes


def keep_copy(path: Path, content: bytes) -> Path:
    """Write `content` to `path`, or under a numbered name beside it where that is taken, and return where.

    Raises:
        StorageError: the disk refuses.
    """
    numbered = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in itertools.count(2))
    free = next(choice for choice in itertools.chain([path], numbered) if not choice.exists())
    write_bytes(free, content)
    return free
