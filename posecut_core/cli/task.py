"""What a verb hands back to be run, and what comes out of it."""

import os
import shlex
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TypeVar, cast

from rich.console import ConsoleRenderable

from posecut_core.errors import PosecutError, Remedy
from posecut_core.progress import Report
from posecut_core.steps import arguments_of

Done = TypeVar("Done")


@dataclass(frozen=True)
class Outcome:
    """A step's result and what is printed about it."""

    result: object  # the step's frozen dataclass; `--json` prints it
    lines: tuple[str | ConsoleRenderable, ...]  # what happened: sentences and tables
    following: tuple[str, ...] = ()  # what comes next, ready to paste
    exit_code: int = 0  # of a step that ran and found something wrong
    failure: PosecutError | None = None  # why a part of what was asked for could not be done


@dataclass(frozen=True)
class Task:
    """One step of the workflow, with its arguments, ready to run."""

    work: Callable[[Report], Outcome]
    when_interrupted: Callable[[], str] = str  # says what is kept then, and what to do
    arguments: Mapping[str, object] = field(default_factory=dict)  # of the step


def run_step(step: Callable[[], Done], tell: Callable[[Done], Outcome]) -> Outcome:
    """Run a step and tell its result, also where only a part of what was asked for could be done.

    Raises:
        PosecutError: nothing was done.
    """
    try:
        return tell(step())
    except PosecutError as error:
        if error.done is None:
            raise
        outcome = tell(cast("Done", error.done))
        return replace(outcome, failure=error, exit_code=error.exit_code)


def command(verb: str, *words: str | os.PathLike[str]) -> str:
    """Write a `posecut` command so that it can be pasted into a shell: every word is quoted that needs it."""
    parts = ["posecut", verb, *(shorter(word) if isinstance(word, os.PathLike) else word for word in words)]
    return subprocess.list2cmdline(parts) if os.name == "nt" else shlex.join(parts)


_BLANKS = {"config": "PROJECT", "project": "TASK", "experimenter": "YOUR_NAME"}  # else the name in capitals


@cache
def places(step: str) -> tuple[str, ...]:
    """List what a verb takes by place, by the names that its step has for it."""
    if step == "label_frames":  # of the window, which has no step in the core
        return ("config",)
    return tuple(argument.parameter for argument in arguments_of(step) if argument.is_required)


def command_of(remedy: Remedy) -> str:
    """Write a remedy as a `posecut` command; what it does not say stands there in capitals."""
    given = dict(remedy.arguments)
    words: list[str] = []
    for name in places(remedy.step):
        value = given.pop(name, None) or _BLANKS.get(name, name.upper())
        words += map(_word, value if isinstance(value, list) else [value])
    options = [word for name, value in given.items() for word in _option(name, value)]
    looks_like_an_option = any(word.startswith("-") for word in words)
    written = [*options, "--", *words] if looks_like_an_option else [*words, *options]
    return command("label" if remedy.step == "label_frames" else remedy.step.replace("_", "-"), *written)


def _word(given: object) -> str:
    return shorter(str(given)) if os.path.isabs(str(given)) else str(given)


def _option(name: str, value: object) -> list[str]:
    option = f"--{name.removesuffix('s') if name == 'videos' else name.replace('_', '-')}"
    if isinstance(value, bool):
        return [option] if value else []
    if isinstance(value, Mapping):
        return [option, ",".join(f"{one}:{other}" for one, other in value.items())]
    if isinstance(value, list | tuple):
        each = [":".join(map(str, item)) if isinstance(item, list | tuple) else str(item) for item in value]
        if name == "videos":
            return [word for item in each for word in _valued(option, item)]
        return _valued(option, ",".join(f'"{item}"' if " " in item or "," in item else item for item in each))
    return _valued(option, str(value).removesuffix(".0") if isinstance(value, float) else str(value))


def _valued(option: str, value: str) -> list[str]:
    return [f"{option}={value}"] if value.startswith("-") else [option, value]


def shorter(path: str | os.PathLike[str]) -> str:
    """Write a path below the current folder relative to it, any other as it is."""
    try:
        return os.fspath(Path(path).relative_to(Path.cwd()))
    except (ValueError, OSError):
        return os.fspath(path)
