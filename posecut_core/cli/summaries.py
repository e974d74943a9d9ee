"""What is printed of each verb's result, and which command comes next; and the prompt of extract-outlier-frames."""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from posecut_core.cli.task import Outcome, command_of, places
from posecut_core.cli.verbs import VERBS, options
from posecut_core.errors import ArgumentError, Remedy
from posecut_core.progress import Notice, Report
from posecut_core.refinement.candidates import Criteria, criteria_from
from posecut_core.storage.values import properties

if TYPE_CHECKING:  # a verb that needs neither is spared the second that loading them takes
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


# --- prompt -----------------------------------------------------------------------------------------------------------
# Ask at the terminal whether to extract what was found, or by which other criteria to look again.


_QUESTION = "Extract them? y (yes), n or Enter (no), or other values to look again, such as {example}: "
_YES, _NO = ("y", "yes"), ("n", "no", "")  # empty: Enter alone, or the end of the input
_EXAMPLES = {"uncertain": "p_bound=0.1", "list": "epsilon=30 outlieralgorithm=jump"}


def asking(given: Mapping[str, Any], report: Report, *, yes: bool) -> "Confirm | None":
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

    def ask(found: "FoundOutliers") -> bool | Criteria:
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
