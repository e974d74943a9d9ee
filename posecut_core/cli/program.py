"""The program `posecut`: read the command line, run the task, show the result, end with an exit code."""

import os
import signal
import sys
import warnings
from collections.abc import Sequence

from rich.console import Console, ConsoleRenderable

from posecut_core.cli.screen import (
    BROKEN_PIPE,
    INTERRUPTED,
    advice,
    explain,
    open_consoles,
    progress_display,
)
from posecut_core.cli.task import Outcome, Task
from posecut_core.cli.verbs import parse
from posecut_core.errors import StorageError
from posecut_core.progress import ended_at_once, interrupts
from posecut_core.results import Failure, as_json, printable


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `posecut` and leave with its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    for number in interrupts():  # SIGTERM as Ctrl-C: what batch systems and shutdowns send
        signal.signal(number, signal.default_int_handler)
    try:
        code = run(given)
        sys.stdout.flush()
    except BrokenPipeError:
        code = BROKEN_PIPE
        _drop_output()
    except OSError:  # the disk that stdout goes to is full, as `run` has told
        code = StorageError.exit_code
        _drop_output()
    sys.exit(code)


def _drop_output() -> None:
    """Send what is left to nowhere, or the interpreter complains at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run(arguments: list[str]) -> int:
    """Run one command line and return the exit code."""
    out, err = open_consoles()
    json, debug = "--json" in arguments, "--debug" in arguments
    if not debug:
        warnings.simplefilter("ignore")
    task: Task | None = None
    try:
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
        failure = explain(error, when_interrupted=task.when_interrupted if task else "")
        _tell(failure, out, err, json=json)
        return failure.exit_code


def _perform(task: Task, out: Console, err: Console, *, json: bool) -> Outcome:
    def end() -> None:
        err.show_cursor()
        _tell(explain(KeyboardInterrupt(), when_interrupted=task.when_interrupted), out, err, json=json)
        out.file.flush()
        os._exit(INTERRUPTED)

    with ended_at_once(end), progress_display(err) as report:
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
