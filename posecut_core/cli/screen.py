"""Progress on a terminal as a bar, and anywhere else as a line now and then."""

import contextlib
import dataclasses
import errno
import json
import math
import os
import platform
import sys
import tempfile
import time
import traceback
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from posecut_core.errors import PosecutError
from posecut_core.progress import Notice, Progress, Report

# --- failure ----------------------------------------------------------------------------------------------------------
# Exceptions turned into one sentence, an exit code and, where nobody foresaw them, a log file.


_OBEYED, _JOINING = ("Cc", "Cf", "Cs"), "\n\u200c\u200d"  # controls, directions of writing, half letters
_LONGEST = 2000  # letters of a sentence
INTERRUPTED, BROKEN_PIPE = 130, 141
_REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)


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


# --- screen -----------------------------------------------------------------------------------------------------------
# Progress on a terminal as a bar, and anywhere else as a line now and then.


_INTERVAL = 10.0  # seconds between two lines of the same stage in a log


@contextlib.contextmanager
def progress_display(console: Console) -> Iterator[Report]:
    """Yield a function that shows reports; what it drew is tidied up at the end."""
    if not console.is_terminal:
        yield PlainDisplay(console)
        return
    columns: tuple[ProgressColumn, ...] = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
    )
    columns += (TimeElapsedColumn(), TextColumn("{task.fields[details]}", markup=False))
    display = BarDisplay(Bars(*columns, console=console, transient=True))
    try:
        yield display
    finally:
        display.finish()


class BarDisplay:
    """A bar for the stage at work; a finished one becomes a line, after which the terminal is free for questions."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._task: TaskID | None = None
        self._last = Progress("", 0)

    def __call__(self, progress: Progress | Notice) -> None:
        """Move the bar, begin another when the stage changes, or write a notice."""
        if isinstance(progress, Notice):
            self.finish()
            self._bars.console.print(printable(progress.text), style="bold", markup=False, highlight=False)
            return
        if progress.stage != self._last.stage:
            self.finish()
            self._task = self._bars.add_task(printable(progress.stage), total=progress.total, details="")
            self._bars.start()
        self._last = progress
        if self._task is not None:
            self._bars.update(self._task, completed=progress.done, total=progress.total, details=details(progress))

    def finish(self) -> None:
        """Turn the bar into a line."""
        if self._task is not None:
            self._bars.stop()
            self._bars.remove_task(self._task)
            self._bars.console.print(f"  {plain_line(self._last)}", markup=False, highlight=False)
        self._task, self._last = None, Progress("", 0)


class PlainDisplay:
    """A line when a stage begins and ends, and every few seconds between."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._stage = ""
        self._spoken = 0.0

    def __call__(self, progress: Progress | Notice) -> None:
        """Write a line if it is time for one; a notice always is."""
        if isinstance(progress, Notice):
            self._write(printable(progress.text))
            return
        now = time.monotonic()
        ended = progress.done == progress.total
        if progress.stage != self._stage or ended or now - self._spoken >= _INTERVAL:
            self._stage, self._spoken = progress.stage, now
            self._write(plain_line(progress))

    def _write(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def plain_line(progress: Progress) -> str:
    """Write how far a job is in one line."""
    total = f"/{progress.total}" if progress.total is not None else ""
    return f"{printable(progress.stage)}: {progress.done}{total} {details(progress)}".rstrip()


def details(progress: Progress) -> str:
    """Write loss, speed and time left, where the report has them."""
    values = progress.values
    parts = []
    if "loss" in values:
        parts.append(f"loss {values['loss']:.4f}")
    if "validation_error" in values:
        parts.append(f"validation error {values['validation_error']:.2f} px")
    for key, unit in (("steps_per_s", "steps/s"), ("frames_per_s", "frames/s")):
        if key in values:
            parts.append(f"{values[key]:.3g} {unit}")
    if "seconds_left" in values:
        parts.append(f"{duration(values['seconds_left'])} left")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """Write a duration as people say it: 8 s, 3 min 20 s, 2 h 05 min."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def open_consoles() -> tuple[Console, Console]:
    """Return consoles for stdout and stderr that write `?` for letters that the terminal does not have."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    return Console(file=sys.stdout, emoji=False), Console(file=sys.stderr, emoji=False)  # names may have :b:
