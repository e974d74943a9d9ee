"""The program `posecut`: read the command line, run the task, show the result, end with an exit code."""

import contextlib
import os
import platform
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from types import FrameType

from rich.console import Console, ConsoleRenderable
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from posecut_core import results
from posecut_core.cli.task import Outcome, Task, command_of
from posecut_core.cli.verbs import as_typed, parse
from posecut_core.errors import ArgumentError, Remedy, StorageError
from posecut_core.progress import Notice, Progress, Report, ended_at_once, interrupts
from posecut_core.results import Failure, as_json, printable


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `posecut` and leave with its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _open_streams()
    _on_interrupt(signal.default_int_handler)  # SIGTERM as Ctrl-C: what batch systems and shutdowns send
    try:
        code = run(given)
        sys.stdout.flush()
    except BrokenPipeError:
        code = BROKEN_PIPE
        _drop_output()
    except OSError:  # the disk that stdout goes to is full, as `run` has told
        code = StorageError.exit_code
        _drop_output()
    _on_interrupt(signal.SIG_IGN)  # what was done is done; the interpreter takes a second to end
    sys.exit(code)


def _on_interrupt(handler: Callable[[int, FrameType | None], object] | signal.Handlers) -> None:
    for number in interrupts():
        signal.signal(number, handler)


def _open_streams() -> None:
    """Open those that the caller has closed, as services do: the next file to be opened would take their place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))  # noqa: SIM115


def _drop_output() -> None:
    """Send what is left to nowhere, or the interpreter complains at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run(arguments: list[str]) -> int:
    """Run one command line and return the exit code."""
    json, debug = "--json" in arguments, "--debug" in arguments
    task: Task | None = None
    try:
        out, err = _open_consoles()
        if not debug:
            warnings.simplefilter("ignore")
        task = parse(arguments, out)
        outcome = None if task is None else _perform(task, out, err, json=json)
        if outcome is not None:
            _show(outcome, out, err, json=json)
        out.file.flush()
        return 0 if outcome is None else outcome.exit_code
    except BrokenPipeError:
        raise
    except (Exception, KeyboardInterrupt) as error:
        if debug:
            raise
        failure = explain(error, when_interrupted=task.when_interrupted if task else str)
        if isinstance(error, ArgumentError):
            failure = replace(failure, error=as_typed(failure.error, arguments))
        _tell(failure, *_open_consoles(), json=json)
        return failure.exit_code


def _perform(task: Task, out: Console, err: Console, *, json: bool) -> Outcome:
    def end() -> None:
        err.show_cursor()
        _tell(explain(KeyboardInterrupt(), when_interrupted=task.when_interrupted), out, err, json=json)
        out.file.flush()
        os._exit(INTERRUPTED)

    with ended_at_once(end), _progress_display(err) as report:
        return task.work(report)


def _show(outcome: Outcome, out: Console, err: Console, *, json: bool) -> None:
    failure = None if outcome.failure is None else explain(outcome.failure)
    if json:
        print(as_json(outcome.result if failure is None else {**vars(failure), "done": outcome.result}))
        return
    for line in outcome.lines:
        _write(line, out)
    if outcome.following:
        _write("\nNext:", out)
    for line in outcome.following:
        _write(f"  {line}", out)
    if failure is not None:
        _tell(failure, out, err, json=False)


def _write(line: str | ConsoleRenderable, out: Console) -> None:
    """Write a sentence as it is, also if it contains brackets, or a table as rich draws it."""
    if isinstance(line, str):
        out.print(printable(line), markup=False, highlight=False, soft_wrap=True)
    else:
        out.print(line)


def _tell(failure: Failure, out: Console, err: Console, *, json: bool) -> None:
    if json:
        print(as_json(failure))
        return
    out.file.flush()
    err.print(failure.error, style="red", markup=False, highlight=False, soft_wrap=True)
    for line in advice(failure.remedies):
        err.print(printable(line), markup=False, highlight=False, soft_wrap=True)


# --- failure ----------------------------------------------------------------------------------------------------------
# Exceptions in the words of a shell: a sentence, the commands that help, an exit code.


INTERRUPTED, BROKEN_PIPE = 130, 141


def explain(error: BaseException, *, when_interrupted: Callable[[], str] = str) -> Failure:
    """Say in a sentence what happened and what to do.

    Args:
        error: what stopped the work.
        when_interrupted: says what is kept when the user stopped it.
    """
    if isinstance(error, KeyboardInterrupt):
        return Failure(f"Interrupted. {when_interrupted()}".rstrip(), "Interrupted", "interrupted", INTERRUPTED)
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
def _progress_display(console: Console) -> Iterator[Report]:
    """Yield a function that shows reports; what it drew is tidied up at the end."""
    if not console.is_terminal:
        yield _PlainDisplay(console)
        return
    columns: tuple[ProgressColumn, ...] = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
    )
    columns += (TimeElapsedColumn(), TextColumn("{task.fields[details]}", markup=False))
    display = _BarDisplay(Bars(*columns, console=console, transient=True))
    try:
        yield display
    finally:
        display.finish()


class _BarDisplay:
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
            self._bars.console.print(f"  {_plain_line(self._last)}", markup=False, highlight=False)
        self._task, self._last = None, Progress("", 0)


class _PlainDisplay:
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
            self._write(_plain_line(progress))

    def _write(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def notice(told: Notice) -> str:
    """Write a notice with the commands that help."""
    commands = " or ".join(map(command_of, told.remedies))
    return printable(f"{told.text} ({commands})" if commands else told.text)


def _plain_line(progress: Progress) -> str:
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
            parts.append(f"{values[key]:.3g} {unit}" if values[key] < 100 else f"{values[key]:.0f} {unit}")
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


def _open_consoles() -> tuple[Console, Console]:
    """Return consoles for stdout and stderr that write `?` for letters that the terminal does not have."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    return Console(file=sys.stdout, emoji=False), Console(file=sys.stderr, emoji=False)  # names may have :b:
