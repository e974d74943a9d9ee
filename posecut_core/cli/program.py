"""The program `posecut`: all verbs in the order of the workflow, run, shown, and ended with an exit code."""

import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Annotated

import typer
from rich.console import Console, ConsoleRenderable

from posecut_core import __version__
from posecut_core.cli import care, network, project, refine, video
from posecut_core.cli import care as demo_verb
from posecut_core.cli import care as label_verb
from posecut_core.cli import video as video_verbs
from posecut_core.cli.screen import (
    BROKEN_PIPE,
    INTERRUPTED,
    Failure,
    as_json,
    explain,
    open_consoles,
    printable,
    progress_display,
)
from posecut_core.cli.task import Outcome, Task
from posecut_core.errors import StorageError
from posecut_core.progress import ended_at_once, interrupts

# --- app --------------------------------------------------------------------------------------------------------------
# The verbs put together, in the order of the workflow.


_HELP = """PoseCut follows the bodyparts of animals in video: you label some frames, it learns to find the rest.

The verbs below are in the order in which you use them; each tells you which one comes next. To see all of them at work
on a drawn mouse, run: posecut demo"""

app = typer.Typer(
    name="posecut",
    help=_HELP,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def posecut(
    version: Annotated[bool, typer.Option("--version", is_eager=True, help="Show the version and exit.",
                                          callback=lambda wanted: _show_version(wanted))] = False,
) -> None:  # fmt: skip
    """Hold the options of the program itself; its help is the app's."""


def _show_version(wanted: bool) -> bool:
    if wanted:
        print(f"posecut {__version__}")
        raise typer.Exit
    return wanted


_PANELS: dict[str, tuple[Callable[..., Task], ...]] = {
    "Begin": (demo_verb.demo, project.create_new_project, project.add_new_videos),
    "Label": (
        *(project.extract_frames, label_verb.label, project.check_labels),
        *(project.export_deeplabcut, care.edit_bodyparts, care.merge_labels),
        *(care.undo_labels, care.redo_labels),
    ),
    "Train": (
        *(network.create_training_dataset, network.train_network),
        *(network.evaluate_network, network.cross_validate),
    ),
    "Use": (
        *(video_verbs.analyze_videos, video.filterpredictions),
        *(video_verbs.plot_trajectories, video_verbs.create_labeled_video),
    ),
    "Refine": (refine.extract_outlier_frames, refine.merge_datasets),
    "Care": (care.doctor,),
}
for _panel, _verbs in _PANELS.items():
    for _verb in _verbs:
        app.command(_verb.__name__.replace("_", "-"), rich_help_panel=_panel)(_verb)


# --- entry ------------------------------------------------------------------------------------------------------------
# The program: read the command line, run the task, show the result, end with a code.


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
        task = _parse(arguments)
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


def _parse(arguments: list[str]) -> Task | None:
    """Turn the command line into a task; None where help or the version was asked for and shown."""
    pass

    answer = app(arguments or ["--help"], prog_name="posecut", standalone_mode=False)
    if answer == INTERRUPTED:  # typer has taken a Ctrl-C for an end
        raise KeyboardInterrupt
    return answer if isinstance(answer, Task) else None


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
