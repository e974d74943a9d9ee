"""Progress on a terminal as a bar, and anywhere else as a line now and then."""

import contextlib
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from posecut_core import results
from posecut_core.cli.task import command_of
from posecut_core.errors import Remedy
from posecut_core.progress import Notice, Progress, Report
from posecut_core.results import Failure, printable

# --- failure ----------------------------------------------------------------------------------------------------------
# Exceptions in the words of a shell: a sentence, the commands that help, an exit code.


INTERRUPTED, BROKEN_PIPE = 130, 141


def explain(error: BaseException, *, when_interrupted: str = "") -> Failure:
    """Say in a sentence what happened and what to do.

    Args:
        error: what stopped the work.
        when_interrupted: what is kept when the user stopped it.
    """
    if isinstance(error, KeyboardInterrupt):
        return Failure(f"Interrupted. {when_interrupted}".rstrip(), "Interrupted", "interrupted", INTERRUPTED)
    return results.explain(error, keep=_kept)


def advice(remedies: Sequence[Remedy]) -> list[str]:
    """Write remedies as lines below a sentence: commands that can be pasted into a shell."""
    if not remedies:
        return []
    return ["Run:" if len(remedies) == 1 else "Run one of:", *(f"  {command_of(remedy)}" for remedy in remedies)]


def _kept(error: BaseException) -> str:
    """Write the details of an error into a file of its own, and say where they are, or how else to see them."""
    from posecut_core import __version__

    head = f"posecut {__version__}, Python {platform.python_version()}, {platform.platform()}\n{sys.argv}\n\n"
    text = head + "".join(traceback.format_exception(error))
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="posecut-", suffix=".log", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write(text)
    except OSError:
        return "add --debug to see the details"
    return f"the details are in {file.name}"


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
            self._bars.console.print(notice(progress), style="bold", markup=False, highlight=False)
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
            self._write(notice(progress))
            return
        now = time.monotonic()
        ended = progress.done == progress.total
        if progress.stage != self._stage or ended or now - self._spoken >= _INTERVAL:
            self._stage, self._spoken = progress.stage, now
            self._write(plain_line(progress))

    def _write(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def notice(told: Notice) -> str:
    """Write a notice with the commands that help."""
    commands = " or ".join(map(command_of, told.remedies))
    return printable(f"{told.text} ({commands})" if commands else told.text)


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
