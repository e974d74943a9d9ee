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
from napari_posecut.remedies import PLACES, plain, worded
from posecut_core.cli.task import command_of
from posecut_core.errors import LabelError, Remedy
from posecut_core.results import explain
from tests.structure.source import ROOT, Source, sources

BELOW = [source for source in sources("posecut_core") if not source.name.startswith("posecut_core/cli/")]
_VERBS = "|".join(sorted(name.replace("_", "-") for name in posecut_core.__all__ if "_" in name))
# A command, an option, or a place in the window.
FRONT_ENDS = re.compile(rf"posecut (?:{_VERBS}|doctor|label|demo)\b|(?<![\w-])--[a-z][a-z-]+|\bdocks?\b|\bbuttons?\b")
_TELLING = ("Notice", "add", "about")
# What a window does not say: files of settings and where config.yaml is, keys and names of arguments, commands.
# In files, of a folder, of a package, a choice of a form.
_OF_OTHERS = ("camera_matrix", "alpha_c", "calibration_images", "dask_jobqueue", "frozen_batch")
_UNSEEN = re.compile(
    rf"{FRONT_ENDS.pattern}|\bsame command|(?:settings|posecut)\.yaml|/config\.yaml|pip install|`|TrainingFraction"
    r"|[a-z]+index\b"
    rf"|(?<![\w./'-])(?!(?:{'|'.join(_OF_OTHERS)})\b)[a-z]+(?:_[a-z0-9]+)+(?![\w/'-])(?!\.\w)"
)
_STANDS_FOR = {"settings_path": "/of ada/settings.yaml", "config_path": "/of ada/config.yaml"}  # in a value's code
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


@pytest.mark.parametrize("source", BELOW, ids=lambda source: source.name)
def test_the_window_names_no_key_file_or_command(source: Source) -> None:
    """What the core says as a notebook needs it is said with the labels of fields there, whichever message it is."""
    told = [plain(_filled_in(text)) for _, text in messages(source.tree)]
    assert [text for text in told if _UNSEEN.search(text)] == []


def _filled_in(text: str) -> str:
    """Put something in the place of the values of a message."""
    return re.sub(
        r"\{[^{}]*\}", lambda code: next((v for name, v in _STANDS_FOR.items() if name in code[0]), "Snout2"), text
    )


def test_words_of_the_window() -> None:
    """Labels stand for keys, and what nobody can do in a window is said without a command; names of files stay."""
    assert (
        plain("lower batch_size (8), crop_size (400) or width")
        == 'lower "crops per step" (8), "crop size" (400) or width'
    )
    assert (
        plain("raise engine_limits in /a b/p/settings.yaml.")
        == 'raise "engine limits" in the project\'s file of settings.'
    )
    assert plain("It needs X; install it with: pip install 'posecut[int8]'.") == (
        'It needs X; who installed PoseCut can add its extra "int8".'
    )
    kept = "Found no video /data/my_mouse_1.mp4 or my_mouse_1, nor left_ear in it."
    assert plain(kept) == kept


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
