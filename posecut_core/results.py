"""What came out of a step, for programs that run it for somebody: its result as JSON, or its failure in a sentence."""

import dataclasses
import errno
import json
import math
import os
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from posecut_core.errors import PosecutError, Remedy
from posecut_core.progress import Notice
from posecut_core.storage.files import storage_error

_OBEYED, _JOINING = ("Cc", "Cf", "Cs"), "\n\u200c\u200d"  # controls, directions of writing, half letters
_MANY, _SPANS = 20, 12  # lines, and ranges of frames, that are shown; the result has all
_LONGEST = 2000  # letters of a sentence
_REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)


@dataclass(frozen=True)
class Summary:
    """What is said of a result, without commands and buttons: each front end names those of `following`."""

    text: str  # what came of the step, in one or two sentences; "" where `lines` say it
    lines: tuple[str | Notice, ...] = ()  # details: what became of each video, where files are
    following: tuple[Remedy, ...] = ()  # the steps that come next
    exit_code: int = 0  # of a program that ends with this result
    is_warning: bool = False  # the step did what it should, but what came of it is not good enough


def counted(number: int, noun: str) -> str:
    """Write a number with its noun: 1 frame, 2 frames."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def first_of(changes: Sequence[str]) -> list[str]:
    """Return the first of many lines, and how many more there are."""
    more = len(changes) - _MANY
    return [*changes[:_MANY], *([f"and {more} more"] if more > 0 else [])]


def spans(numbers: Sequence[int]) -> str:
    """Write increasing numbers with neighbors joined, 3-5, 9, the first of them where they are many; never none."""
    breaks = [index for index in range(1, len(numbers)) if numbers[index] != numbers[index - 1] + 1]
    edges = zip([0, *breaks], [*breaks, len(numbers)], strict=True)
    parts = [str(numbers[a]) if b - a == 1 else f"{numbers[a]}-{numbers[b - 1]}" for a, b in edges]
    return ", ".join(parts[:_SPANS]) + (f" and {len(parts) - _SPANS} more ranges" if len(parts) > _SPANS else "")


@dataclass(frozen=True)
class Failure:
    """What is wrong, what helps, and how the program ends."""

    error: str
    kind: str
    code: str
    exit_code: int
    remedies: tuple[Remedy, ...] = ()


def explain(error: BaseException, *, keep: Callable[[BaseException], str]) -> Failure:
    """Say in a sentence what happened and what to do.

    Args:
        error: what stopped the work.
        keep: puts the details of an error that nobody foresaw where they can be read, and says where.
    """
    if isinstance(error, PosecutError):
        lines = str(error).splitlines() if error.failed else [str(error)]  # of several things, each has its line
        told = "\n  ".join(_cut(_one_line(line)) for line in lines)
        return Failure(told, type(error).__name__, error.code, error.exit_code, error.remedies)
    if isinstance(error, MemoryError):
        advice = "close other programs, or use a smaller batch_size, and try again"
        return Failure(f"The computer ran out of memory; {advice}.", "MemoryError", "memory", 1)
    if isinstance(error, OSError) and error.errno in _REFUSALS:
        return explain(storage_error(Path(str(error.filename or "the output")), error), keep=keep)
    place, summary = keep(error), _one_line(f"{type(error).__name__}: {error}")[:200]
    message = f"Unexpected error: {summary}. Please report it with that text; {place}."
    return Failure(message, type(error).__name__, "unexpected", 1)


def _one_line(text: str) -> str:
    """Join the lines of a message, and write letters that a terminal would obey as their codes."""
    return printable(" ".join(text.split()))


def printable(text: str) -> str:
    """Write letters that a terminal would obey as their codes: a name in a file may hold colors, or clear the screen.

    Line ends stay, and what joins letters.
    """
    return "".join(
        letter.encode("unicode_escape").decode("ascii")
        if unicodedata.category(letter) in _OBEYED and letter not in _JOINING
        else letter
        for letter in text
    )


def as_json(result: object) -> str:
    """Write a result as one line of JSON: one object, in which paths are strings and missing numbers are null."""
    return json.dumps(_plain(result), allow_nan=False)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):  # an array; numpy itself is not needed to show help
        return _plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _cut(sentence: str) -> str:
    """Leave out the middle of a sentence that nobody reads to its end: it cites a cell or a name without bounds."""
    half = _LONGEST // 2
    return sentence if len(sentence) <= _LONGEST else f"{sentence[:half]} ... {sentence[-half:]}"
