"""Files as others may have left them, read within bounds: never a pipe, a device, or more than such a file can hold.

What is refused is an OSError or a ValueError whose words say what was found; each reader makes its sentence of it.
"""

import errno
import io
import json
import os
import re
import stat
from pathlib import Path
from typing import Any

SETTINGS = 4 * 2**20  # bytes of a file that people write: ten thousand videos
RECORDS = 2**28  # bytes of a file that programs write about frames: a million frames
_DEEPEST = 100  # lists and mappings within each other
_BITS = 14_000  # of whole numbers: Python writes no longer ones
_SURROGATES = re.compile("[\ud800-\udfff]")
_ESCAPED = re.compile(rb"\\u[dD][89a-fA-F]")
MOST_VALUES = 10**6  # that a text may stand for


def open_file(path: Path) -> io.BufferedReader:
    """Open a regular file for reading.

    Raises:
        OSError: there is none, it is a folder, a pipe or a device, or it must not be read.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    stream = os.fdopen(handle, "rb")
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return stream
    stream.close()
    raise OSError(errno.EINVAL, "it is no file but a pipe or a device", str(path))


def read_bytes(path: Path, *, at_most: int = RECORDS) -> bytes:
    """Read a regular file.

    Raises:
        OSError: it cannot be opened, or holds more than `at_most` bytes.
    """
    with open_file(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        if size > at_most:
            raise OSError(errno.EFBIG, f"it has {size} bytes, expected at most {at_most}", str(path))
        return stream.read(at_most)


def read_text(path: Path, *, at_most: int = RECORDS, errors: str = "strict") -> str:
    r"""Read a text in UTF-8; a byte order mark is dropped, and line ends become `\n`.

    Raises:
        OSError: it cannot be opened, or holds more than `at_most` bytes.
        UnicodeDecodeError: it is no UTF-8.
    """
    text = read_bytes(path, at_most=at_most).decode("utf-8-sig", errors)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_json(path: Path, *, at_most: int = RECORDS) -> Any:
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
        raise ValueError("lists or mappings lie too deep within each other") from error
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
        raise ValueError("a text holds half a letter")
    if not isinstance(value, dict | list | tuple | set):
        return 1
    if id(value) not in known:
        known[id(value)] = 0  # until it is counted
        inside = [*value.keys(), *value.values()] if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_count(item, known) for item in inside)
    elif not known[id(value)]:
        raise RecursionError
    return known[id(value)]
