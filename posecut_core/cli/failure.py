"""How a run ends: exceptions as one sentence with an exit code, and results as JSON."""

import dataclasses
import errno
import json
import math
import os
import platform
import sys
import tempfile
import traceback
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from posecut_core.errors import PosecutError

# --- failure ----------------------------------------------------------------------------------------------------------
# Exceptions turned into one sentence, an exit code and, where nobody foresaw them, a log file.


_OBEYED, _JOINING = ("Cc", "Cf", "Cs"), "\n\u200c\u200d"  # controls, directions of writing, half letters
_LONGEST = 2000  # letters of a sentence
USAGE, INTERRUPTED, BROKEN_PIPE = 2, 130, 141
_REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)
UsageProblem = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")


@dataclass(frozen=True)
class Failure:
    """What a user is told, and how the program ends."""

    error: str
    kind: str
    exit_code: int


def write_log(error: BaseException) -> Path | None:
    """Write the details of an error into a file of its own; None where the disk refuses."""
    from posecut_core import __version__

    head = f"posecut {__version__}, Python {platform.python_version()}, {platform.platform()}\n{sys.argv}\n\n"
    text = head + "".join(traceback.format_exception(error))
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="posecut-", suffix=".log", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write(text)
    except OSError:
        return None
    return Path(file.name)


def explain(
    error: BaseException, *, when_interrupted: str = "", keep: Callable[[BaseException], Path | None] = write_log
) -> Failure:
    """Say in a sentence what happened and what to do.

    Args:
        error: what stopped the work.
        when_interrupted: what is kept when the user stopped it.
        keep: puts the details of an error that nobody foresaw into a file, and returns its path.
    """
    if isinstance(error, PosecutError):
        lines = str(error).splitlines() if error.failed else [str(error)]  # of several things, each has its line
        return Failure("\n  ".join(_cut(one_line(line)) for line in lines), type(error).__name__, error.exit_code)
    if isinstance(error, KeyboardInterrupt):
        return Failure(f"Interrupted. {when_interrupted}".rstrip(), "Interrupted", INTERRUPTED)
    if isinstance(error, UsageProblem):
        return Failure(_usage(error), "UsageError", USAGE)
    if isinstance(error, MemoryError):
        advice = "close other programs, or use a smaller batch_size, and run the same command again"
        return Failure(f"The computer ran out of memory; {advice}.", "MemoryError", 1)
    if isinstance(error, OSError):
        return _disk(error, keep)
    return _unforeseen(error, keep)


def one_line(text: str) -> str:
    """Join the lines of a message, and write letters that a terminal would obey as their codes."""
    return printable(" ".join(text.split()))


def _cut(sentence: str) -> str:
    """Leave out the middle of a sentence that nobody reads to its end: it cites a cell or a name without bounds."""
    half = _LONGEST // 2
    return sentence if len(sentence) <= _LONGEST else f"{sentence[:half]} ... {sentence[-half:]}"


def printable(text: str) -> str:
    """Write letters that a terminal would obey as their codes: a name in a file may hold colours, or clear the screen.

    Line ends stay, and what joins letters.
    """
    return "".join(
        letter.encode("unicode_escape").decode("ascii")
        if unicodedata.category(letter) in _OBEYED and letter not in _JOINING
        else letter
        for letter in text
    )


def _usage(error: BaseException) -> str:
    message = one_line(error.format_message()) if hasattr(error, "format_message") else str(error)
    message = message.replace(": Value error, ", ": ")  # as typer tells a word that is none of the choices
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "posecut"
    end = "" if message.endswith(("?", "!", ".")) else "."
    return f"{message}{end} For help: {path} --help"


def _disk(error: OSError, keep: Callable[[BaseException], Path | None]) -> Failure:
    # imported here because the rooms below are not needed to show help
    from posecut_core.storage.files import storage_error

    if error.errno not in _REFUSALS:
        return _unforeseen(error, keep)
    translated = storage_error(Path(str(error.filename or "the output")), error)
    return Failure(one_line(str(translated)), "StorageError", translated.exit_code)


def _unforeseen(error: BaseException, keep: Callable[[BaseException], Path | None]) -> Failure:
    place = keep(error)
    kept = f"; the details are in {place}" if place else "; add --debug to see the details"
    summary = one_line(f"{type(error).__name__}: {error}")[:200]
    message = f"PoseCut met an error that it does not know ({summary}){kept}: please report it with that text."
    return Failure(message, type(error).__name__, 1)


# --- outcome ----------------------------------------------------------------------------------------------------------
# Results as JSON: one object, in which paths are strings and missing numbers are null.


def as_json(result: object) -> str:
    """Write a result as one line of JSON that any program reads."""
    return json.dumps(plain(result), allow_nan=False)


def plain(value: Any) -> Any:
    """Turn dataclasses, paths, arrays and NaN into what JSON has."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):  # an array; numpy itself is not needed to show help
        return plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
