"""Ask at the terminal whether to extract what was found, or by which other criteria to look again."""

import dataclasses
import re
import sys
from typing import Any

from posecut_core.cli.task import counted
from posecut_core.errors import ArgumentError
from posecut_core.progress import Notice, Report
from posecut_core.refinement.criteria import Criteria
from posecut_core.workflow.extract_outlier_frames import Confirm, FoundOutliers

_QUESTION = "Extract them? y (yes), n or Enter (no), or other values to look again, such as {example}: "
_YES, _NO = ("y", "yes"), ("n", "no", "")  # empty: Enter alone, or the end of the input
_EXAMPLES = {"uncertain": "p_bound=0.1", "list": "epsilon=30 outlieralgorithm=jump"}


def check_terminal(*, yes: bool) -> None:
    """Refuse to ask where nobody can answer.

    Raises:
        ArgumentError: the input is no terminal, and --yes was not given.
    """
    if not yes and not sys.stdin.isatty():
        raise ArgumentError(
            "The number of frames found must be confirmed, but the input is no terminal; add --yes to extract without "
            "being asked."
        )


def asking(report: Report) -> Confirm:
    """Return a function that says what was found and asks until it understands the answer."""

    def ask(found: FoundOutliers) -> bool | Criteria:
        report(Notice(summary(found)))
        while True:
            question = _QUESTION.format(example=_EXAMPLES.get(found.criteria.outlieralgorithm, "epsilon=30"))
            print(question, end="", file=sys.stderr, flush=True)
            try:
                return understood(sys.stdin.readline(), found.criteria)
            except ArgumentError as error:
                print(error, file=sys.stderr)

    return ask


def summary(found: FoundOutliers) -> str:
    """Say in a line how many frames were found and how many would be extracted."""
    count, new = len(found.candidates), len(found.fresh)
    known = f", {count - new} of them extracted before" if new < count else ""
    return (
        f"{found.video.name}: {count} of {counted(found.looked_at, 'frame')} found ({_how(found)}){known}; "
        f"{min(new, found.number_of_frames)} would be extracted."
    )


def _how(found: FoundOutliers) -> str:
    criteria = found.criteria
    if criteria.outlieralgorithm == "list":
        return "list"
    if criteria.outlieralgorithm == "uncertain":
        return f"uncertain, p_bound={criteria.p_bound:g}"
    near = sum(one.score <= criteria.epsilon for one in found.candidates)
    farthest = f", and the {near} farthest below it" if near else ""
    return f"{criteria.outlieralgorithm}, epsilon={criteria.epsilon:g}{farthest}"


def understood(answer: str, criteria: Criteria) -> bool | Criteria:
    """Read an answer: yes, no, or values of criteria to change, by their names in Python or in the shell.

    Raises:
        ArgumentError: it is none of these, or a value is not possible.
    """
    word = answer.strip().lower()
    if word in (*_YES, *_NO):
        return word in _YES
    joined = re.sub(r"(--[\w-]+)\s+(?=[^\s-])", r"\1=", answer)  # "--p-bound 0.1", as in the shell
    changes: dict[str, Any] = dict(_change(part, criteria) for part in joined.split())
    return dataclasses.replace(criteria, **changes)


def _change(part: str, criteria: Criteria) -> tuple[str, object]:
    given, equals, value = part.partition("=")
    names = [field.name for field in dataclasses.fields(criteria)]
    options = {name.lower(): name for name in names}  # the shell's names have no capitals
    name = options.get(given.removeprefix("--").replace("-", "_").lower(), "")
    if not equals or not name:
        raise ArgumentError(
            f"The answer {part!r} is not understood; expected y, n, or NAME=VALUE with a name among {', '.join(names)}."
        )
    kind = {"outlieralgorithm": str, "ARdegree": int, "MAdegree": int}.get(name, float)
    try:
        return name, kind(value)
    except ValueError as error:
        raise ArgumentError(f"{name} is {value!r}, expected a number; as in {name}=3.") from error
