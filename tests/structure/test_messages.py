"""What PoseCut says to its users; `python -m tests.structure.test_messages` writes all of it to `GOLDEN`.

A change of words is then seen, and read, in one place; tests of behavior need not hold whole sentences.
"""

import ast
import dataclasses
import inspect
import re
import sys
from collections.abc import Iterator

import pytest

import napari_posecut
import posecut_core
from napari_posecut.remedies import PLACES, worded
from posecut_core.cli.task import command_of
from posecut_core.errors import LabelError, Remedy
from posecut_core.results import explain
from tests.structure.source import ROOT, Source, sources

BELOW = [source for source in sources("posecut_core") if not source.name.startswith("posecut_core/cli/")]
_VERBS = "|".join(sorted(name.replace("_", "-") for name in posecut_core.__all__ if "_" in name))
# A command, an option, or a place in the window.
FRONT_ENDS = re.compile(rf"posecut (?:{_VERBS}|doctor|label|demo)\b|(?<![\w-])--[a-z][a-z-]+|\bdocks?\b|\bbuttons?\b")
_TELLING = ("Notice", "add", "about")
GOLDEN = ROOT / "tests" / "data" / "messages.txt"


def strings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the texts of a module but for docstrings, with their lines; values in them are written as code."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    owners = [node for node in ast.walk(tree) if isinstance(node, documented)]
    inside = {id(owner.body[0].value) for owner in owners if owner.body and isinstance(owner.body[0], ast.Expr)}
    inside |= {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if id(node) not in inside and (text := _text(node)):
            yield node.lineno, text


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return f"{{{ast.unparse(node.value)}}}"
    return ""


def messages(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield what errors, notices and findings say."""
    for node in ast.walk(tree):
        name = ast.unparse(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""
        if isinstance(node, ast.Call) and (name.endswith("Error") or name in _TELLING):
            yield from ((part.lineno, _text(part)) for part in node.args if len(_text(part).split()) > 2)


@pytest.mark.parametrize("source", BELOW, ids=lambda source: source.name)
def test_the_core_names_no_command_option_or_dock(source: Source) -> None:
    """What helps is data; the shell, the window and a notebook each have words of their own for it."""
    assert [found for found in strings(source.tree) if FRONT_ENDS.search(found[1])] == []


def test_front_ends_are_noticed() -> None:
    """Verbs, options and docks are, in whole strings and in parts of them; plain words are not."""
    named = ["posecut train-network", "with --frames 5", "the Train dock", f"posecut {'doctor'} now"]
    assert all(map(FRONT_ENDS.search, named))
    assert not any(map(FRONT_ENDS.search, ["train the network", "# --- results ---", "posecut.yaml", "well-known"]))


def _remedies() -> list[tuple[str, ast.Call]]:
    return [
        (source.name, node)
        for source in BELOW
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Remedy"
        if node.args and isinstance(node.args[0], ast.Constant)
    ]


def test_what_helps_is_a_public_step_and_has_such_arguments() -> None:
    """A remedy can be called as it stands, once what it leaves out is filled in."""
    wrong = []
    for name, call in _remedies():
        step = str(ast.literal_eval(call.args[0]))
        function = getattr(napari_posecut if step == "label_frames" else posecut_core, step, None)
        known = {} if function is None else inspect.signature(function).parameters
        given = {keyword.arg for keyword in call.keywords if keyword.arg is not None}
        wrong += [(name, step, given)] if function is None or given - set(known) else []
    assert wrong == []
    assert set(PLACES) <= {*posecut_core.__all__, *napari_posecut.__all__}


def test_each_front_end_has_its_words() -> None:
    """One error as it is told in a notebook, in a shell, in the window and to a program."""
    error = LabelError(
        "labels.jsonl is damaged; rebuild it.",
        Remedy("doctor", config="/p", mend=True),
        Remedy("extract_frames", config="/p", frames=[1, 2], videos=["m1"]),
    )
    failure = explain(error, keep=str)
    told = [
        str(error),
        *error.__notes__,
        *map(command_of, error.remedies),
        worded(failure.error, failure.remedies),
        failure.code,
    ]
    assert told == (ROOT / "tests" / "data" / "front_ends.txt").read_text(encoding="utf-8").splitlines()


def test_every_result_says_what_came_of_it() -> None:
    """What a public step returns has a summary, in the words of no front end."""
    steps = {name for name, home in posecut_core._HOMES.items() if home.startswith(("workflow.", "health."))}
    results = {name: inspect.signature(getattr(posecut_core, name)).return_annotation for name in sorted(steps)}
    made = {name: result for name, result in results.items() if dataclasses.is_dataclass(result)}
    assert len(made) > 15
    assert [name for name, result in made.items() if not hasattr(result, "summary")] == []


def _all_messages() -> str:
    """Return every message, under the name of its module and in the order of the code."""
    lines: list[str] = []
    for source in sources("posecut_core", "napari_posecut"):
        told = [f"  {' '.join(text.split())}" for _, text in sorted(messages(source.tree))]
        lines += ["", source.name, *told] if told else []
    return "\n".join(lines[1:]) + "\n"


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="values are written as code, which changed since")
def test_messages_are_those_that_were_read() -> None:
    """A message that is new or reworded has been read among the others: run this module, and look at the difference."""
    assert _all_messages().splitlines() == GOLDEN.read_text(encoding="utf-8").splitlines()


if __name__ == "__main__":
    GOLDEN.write_text(_all_messages(), encoding="utf-8")
