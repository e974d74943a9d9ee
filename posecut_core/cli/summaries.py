"""What is printed of each verb's result, and which command comes next; and the prompt of extract-outlier-frames."""

import math
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import ConsoleRenderable
from rich.markup import escape
from rich.table import Table

from posecut_core.cli.program import duration
from posecut_core.cli.task import Outcome, command, command_of, places, shorter
from posecut_core.cli.verbs import VERBS, options
from posecut_core.demo.run import DemoResult, RefinedDemo, StepTime
from posecut_core.errors import ArgumentError, Remedy
from posecut_core.progress import Notice, Report
from posecut_core.refinement.candidates import Criteria, criteria_from
from posecut_core.results import counted
from posecut_core.storage.values import properties
from posecut_core.workflow.extract_outlier_frames import Confirm, FoundOutliers

# --- outcomes ---------------------------------------------------------------------------------------------------------
# What is said of each verb's result: its summary, with commands for what it names as data.


# Options that the next verb needs too.
_FURTHER = ("videos", "shuffle", "trainingsetindex", "snapshot", "ensemble", "destfolder", "filtered", "pcutoff")


def outcome_of(result: Any, given: Mapping[str, Any]) -> Outcome:
    """Say what a verb did and which command comes next.

    Args:
        result: what its step returned.
        given: the arguments of the step.
    """
    if isinstance(result, DemoResult):
        return _of_demo(result)
    if isinstance(result, RefinedDemo):
        return _of_refined_demo(result)
    summary = result.summary()
    lines: list[str] = []
    for line in (*summary.lines, *([summary.text] if summary.text else [])):
        text, remedies = (line.text, line.remedies) if isinstance(line, Notice) else (line, ())
        lines += [_relative(text), *(f"  {command_of(remedy)}" for remedy in remedies)]
    following = tuple(command_of(_completed(remedy, given)) for remedy in summary.following)
    return Outcome(result, tuple(lines), following, exit_code=summary.exit_code)


def _completed(remedy: Remedy, given: Mapping[str, Any]) -> Remedy:
    """Add to a step that comes next what the one before was given, and leave out what is so by default."""
    verb = remedy.step.replace("_", "-")
    defaults = {option.parameter: option.default for option in options(verb)} if verb in VERBS else {}
    further = _FURTHER if "videos" in places(remedy.step) and "videos" in given else ("trainingsetindex",)
    wanted = {name: given[name] for name in further if name in given and (name in defaults or name == "videos")}
    arguments = {
        name: value
        for name, value in {**wanted, **remedy.arguments}.items()
        if name == "config" or value != defaults.get(name)
    }
    completed = Remedy(remedy.step, **arguments)
    return completed.of_project(given["config"]) if "config" in given else completed


def _relative(text: str) -> str:
    """Write paths below the current folder relative to it."""
    here = re.escape(f"{Path.cwd()}{os.sep}")
    return re.sub(rf"(?<![^\s'\"(]){here}", "", text)


# --- demonstration ----------------------------------------------------------------------------------------------------
# What is printed at the end of the demonstration.


_OWN_PROJECT = command("create-new-project", "TASK", "YOUR_NAME", "VIDEOS", "--bodyparts", "snout,leftear,rightear")


def _of_demo(result: DemoResult) -> Outcome:
    """Show errors, speed, time of each step and where everything is."""
    training = "done in an earlier run"
    if not math.isnan(result.seconds_per_training_step):
        training = f"{result.seconds_per_training_step:.2f} seconds per step"
    speed = f"{result.frames_per_second:.1f} frames/s" if result.frames_per_second else "done in an earlier run"
    hidden = f"{100 * result.hidden_share:.0f}% of the points are hidden under the plank and not measured."
    lines: tuple[str | ConsoleRenderable, ...] = (
        _errors(result),
        hidden,
        f"Training: {training}. Analysis: {speed}. Everything took {_total(result.times)}.",
        _times(result.times),
        *_files(result.files),
        "Look at the labeled video first. Then try it with videos of your own.",
    )
    return Outcome(result, lines, (_OWN_PROJECT,))


def _of_refined_demo(result: RefinedDemo) -> Outcome:
    """Show what each round was given, the errors before and after, times and where everything is."""
    before, after = result.before, result.after
    more = f"{counted(len(result.corrected), 'frame')} of {escape(result.video)}"
    lines: tuple[str | ConsoleRenderable, ...] = (
        f"Round 1 trained on {counted(before.labelled_frames, 'labeled frame')}.",
        f"Round 2 trained on {after.labelled_frames}: with {more}, in which the network seemed to be wrong.",
        _rounds(result),
        f"Mean error on the unseen video: {before.unseen_error:.2f} px before, {after.unseen_error:.2f} px after.",
        "The second network was trained longer, on more labels.",
        f"Everything took {_total(result.times)}.",
        _times(result.times),
        *_files(result.files),
        "Compare the two labeled videos. Then try it with videos of your own; the second command begins round 2.",
    )
    return Outcome(result, lines, (_OWN_PROJECT, command("extract-outlier-frames", "PROJECT", "VIDEOS")))


def _errors(result: DemoResult) -> Table:
    table = Table("frames", "bodypart", title="Mean error against labels and truth", title_justify="left")
    table.add_column("pixels", justify="right")
    table.add_row("training", "all", f"{result.train_error:.2f}")
    table.add_row("test", "all", f"{result.test_error:.2f}", end_section=True)
    for part, error in zip(result.bodyparts, result.unseen_errors, strict=True):
        table.add_row("unseen video", escape(part), f"{error:.2f}")
    table.add_row("unseen video", "all", f"{result.unseen_error:.2f}", style="bold")
    return table


def _rounds(result: RefinedDemo) -> Table:
    table = Table("bodypart", title="Mean error on the unseen video, in pixels", title_justify="left")
    table.add_column("round 1", justify="right")
    table.add_column("round 2", justify="right")
    for part, *errors in zip(result.bodyparts, result.before.unseen_errors, result.after.unseen_errors, strict=True):
        table.add_row(escape(part), *(f"{error:.2f}" for error in errors))
    overall = (result.before.unseen_error, result.after.unseen_error)
    table.add_row("all", *(f"{error:.2f}" for error in overall), style="bold")
    return table


def _total(times: tuple[StepTime, ...]) -> str:
    return duration(sum(time.seconds for time in times))


def _times(times: tuple[StepTime, ...]) -> Table:
    table = Table("step", title="Time", title_justify="left")
    table.add_column("seconds", justify="right")
    for time in times:
        table.add_row(time.step, f"{time.seconds:.1f}")
    return table


def _files(files: dict[str, Path]) -> tuple[str, ...]:
    """List paths, each on a line of its own: a table would break those that are longer than its column."""
    width = max(map(len, files))
    return ("Files:", *(f"  {what:{width}}  {shorter(where)}" for what, where in files.items()), "")


# --- prompt -----------------------------------------------------------------------------------------------------------
# Ask at the terminal whether to extract what was found, or by which other criteria to look again.


_QUESTION = "Extract them? y (yes), n or Enter (no), or other values to look again, such as {example}: "
_YES, _NO = ("y", "yes"), ("n", "no", "")  # empty: Enter alone, or the end of the input
_EXAMPLES = {"uncertain": "p_bound=0.1", "list": "epsilon=30 outlieralgorithm=jump"}


def asking(given: Mapping[str, Any], report: Report, *, yes: bool) -> Confirm | None:
    """Return a function that says what was found and asks until it understands the answer; None where none is asked.

    Raises:
        ArgumentError: nobody can be asked, or what was typed is no way to choose frames.
    """
    criteria = criteria_from(**{name: given[name] for name in properties(Criteria) if name in given})
    if yes or criteria.outlieralgorithm == "manual":
        return None
    if given.get("cluster"):
        raise ArgumentError(
            "On a cluster all videos are treated at once, so that nobody can be asked about each; add --yes to extract "
            "without confirmation."
        )
    if not sys.stdin.isatty():
        raise ArgumentError(
            "Extraction must be confirmed, but the input is not a terminal; add --yes to extract without confirmation."
        )

    def ask(found: FoundOutliers) -> bool | Criteria:
        report(Notice(found.summary().text))
        while True:
            question = _QUESTION.format(example=_EXAMPLES.get(found.criteria.outlieralgorithm, "epsilon=30"))
            print(question, end="", file=sys.stderr, flush=True)
            try:
                return understood(sys.stdin.readline(), found.criteria)
            except ArgumentError as error:
                print(error, file=sys.stderr)

    return ask


def understood(answer: str, criteria: Criteria) -> bool | Criteria:
    """Read an answer: yes, no, or values of criteria to change, by their names in Python or in the shell.

    Raises:
        ArgumentError: it is none of these, or a value is not possible.
    """
    word = answer.strip().lower()
    if word in (*_YES, *_NO):
        return word in _YES
    joined = re.sub(r"(--[\w-]+)\s+(?=[^\s-])", r"\1=", answer)  # "--p-bound 0.1", as in the shell
    changes = dict(_change(part) for part in joined.split())
    return criteria_from(**{**vars(criteria), **changes})


def _change(part: str) -> tuple[str, str]:
    given, equals, value = part.partition("=")
    options = {name.lower(): name for name in properties(Criteria)}  # the shell's names have no capitals
    name = options.get(given.removeprefix("--").replace("-", "_").lower(), "")
    if not equals or not name:
        names = ", ".join(options.values())
        raise ArgumentError(f"Unknown answer {part!r}; expected y, n, or NAME=VALUE with a name among {names}.")
    return name, value
