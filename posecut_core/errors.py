"""The errors a user can meet, one tree, each with the exit code of `posecut`.

    PosecutError (1)
    ├── ArgumentError (2)     an argument that no project, file or video could make right
    ├── ProjectError (3)      a project folder or its config.yaml
    ├── VideoError (4)        a video file or a stored frame
    ├── LabelError (5)        label tables
    ├── DatasetError (6)      training datasets, splits
    ├── ModelError (7)        weights, snapshots, training
    ├── AnalysisError (8)     predictions and evaluation
    ├── StorageError (9)      the disk: full, read-only, not writable
    │   └── BusyError (10)    another program is at the same work: nothing is wrong, and waiting is all there is to do
    └── CameraError (11)      cameras, their calibration and their files

A message says in one sentence what was found, what was expected and what to do next, and names no command, option or
button: the public steps that help are data (`Remedy`); several are alternatives. Subclasses also inherit the builtin
exception that Python users would catch.

Where a step treats several things, one that fails does not stop the others: `treat_each` goes through all of them, and
`raise_together` then raises one error that names those that failed and carries what was done; `treat_all` is both.
"""

import difflib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar


@dataclass(frozen=True, init=False)
class Remedy:
    """A public step that helps, and the arguments to call it with; each front end words it for its users.

    Written out it is a call in Python. Without `config`, it is about the project that the failed step was given.
    """

    step: str  # a name of `posecut_core.__all__`, or label_frames of the plugin
    arguments: Mapping[str, object]

    def __init__(self, step: str, /, **arguments: object) -> None:
        object.__setattr__(self, "step", step)
        object.__setattr__(self, "arguments", {name: _plain(value) for name, value in arguments.items()})

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        package = "napari_posecut" if self.step == "label_frames" else "posecut_core"
        return f"{package}.{self.step}({', '.join(f'{name}={value!r}' for name, value in self.arguments.items())})"

    def of_project(self, config: str | os.PathLike[str]) -> "Remedy":
        """Fill in the project, where none is named; a step that makes one needs none."""
        if "config" in self.arguments or self.step in ("create_new_project", "import_project"):
            return self
        path = Path(config)
        return Remedy(self.step, config=path.parent if path.name == "config.yaml" else path, **self.arguments)


def _plain(value: object) -> object:
    """Return a path as text, also in a list: this is how a person writes it."""
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def perhaps(wrong: object, choices: Iterable[object]) -> str:
    """Return the words that name the choice that a wrong one is most like; "" where it is like none."""
    known = {str(choice).lower(): choice for choice in choices}
    near = difflib.get_close_matches(str(wrong).lower(), known, n=1)
    return f" (perhaps {known[near[0]]!r} is meant)" if near else ""


def refuse_newer(path: os.PathLike[str], schema: int, *, known: int, kind: type["PosecutError"]) -> None:
    """Refuse a file that a newer PoseCut wrote: what it holds may mean something else than it seems to.

    Args:
        path: the file or folder.
        schema: what it says that its form is.
        known: the newest form that this PoseCut reads.
        kind: the error to raise.
    """
    if schema > known:
        raise kind(f"{os.fspath(path)} was written by a newer PoseCut (schema {schema}); update PoseCut.")


Item = TypeVar("Item")
Result = TypeVar("Result")
Done = TypeVar("Done")


class PosecutError(Exception):
    """Base of every error that PoseCut raises on purpose.

    Args:
        message: one sentence.
        remedies: steps of which any one helps. A traceback shows them as calls.
    """

    code = "failed"  # stable: programs may go by it
    exit_code = 1
    failed: "Mapping[str, PosecutError]" = MappingProxyType({})  # of an error about several things: why each failed
    rest: int = 0  # how many did not fail
    done: object = None  # the step's result for these, if it has one

    def __init__(self, message: str = "", *remedies: Remedy) -> None:
        super().__init__(message)
        self.suggest(*remedies)

    def suggest(self, *remedies: Remedy) -> None:
        """Put other remedies in the place of those that it has."""
        self.remedies = tuple(dict.fromkeys(remedies))
        self.__notes__ = [f"Try: {remedy}" for remedy in self.remedies]


class ArgumentError(PosecutError, ValueError):
    """An argument is out of range or of the wrong kind."""

    code = "argument"
    exit_code = 2


class ProjectError(PosecutError, ValueError):
    """A project folder or its config.yaml is missing, malformed or contradicts itself."""

    code = "project"
    exit_code = 3


class VideoError(PosecutError, ValueError):
    """A video or a stored frame cannot be found or decoded."""

    code = "video"
    exit_code = 4


class LabelError(PosecutError, ValueError):
    """A label table is missing, malformed or does not fit the project."""

    code = "labels"
    exit_code = 5


class DatasetError(PosecutError, ValueError):
    """A training dataset is missing or cannot work."""

    code = "dataset"
    exit_code = 6


class ModelError(PosecutError, ValueError):
    """Weights or a snapshot are missing, damaged or of another network."""

    code = "model"
    exit_code = 7


class AnalysisError(PosecutError, ValueError):
    """Predictions are missing or do not fit the project."""

    code = "analysis"
    exit_code = 8


class StorageError(PosecutError, OSError):
    """The disk refused: full, read-only or not writable."""

    code = "storage"
    exit_code = 9
    is_full = False  # then the next file fails as well


class BusyError(StorageError):
    """Another program is writing the same files."""

    code = "busy"
    exit_code = 10


class CameraError(PosecutError, ValueError):
    """Cameras cannot be calibrated, do not fit together, or their file is damaged."""

    code = "cameras"
    exit_code = 11


def treat_each(
    items: Iterable[Item], treat: Callable[[Item], Result], *, name: Callable[[Item], str] = str
) -> tuple[list[Result], dict[str, PosecutError]]:
    """Do something with each of several things, and go on where one fails.

    Returns:
        what came out of those that did not fail, and why the others did, by name.

    Raises:
        ArgumentError: an argument is wrong, for each of them.
        StorageError: the disk is full.
    """
    done: list[Result] = []
    failed: dict[str, PosecutError] = {}
    for item in items:
        try:
            done.append(treat(item))
        except ArgumentError:
            raise
        except PosecutError as error:
            if isinstance(error, StorageError) and error.is_full:
                raise
            failed[name(item)] = error
    return done, failed


def treat_all(
    items: Iterable[Item],
    treat: Callable[..., Result],
    together: Callable[[list[Result]], Done],
    *,
    what: str,
    kind: type[PosecutError],
    name: Callable[[Item], str] = str,
    failed: Mapping[str, PosecutError] = MappingProxyType({}),
    each: Callable[..., tuple[list[Result], dict[str, PosecutError]]] = treat_each,
) -> Done:
    """Do something with each of several things as `treat_each`, and return or raise what comes of all as one.

    Args:
        items: the things.
        treat: does it with one; what `each` gives it besides is between the two.
        together: makes the result of those that did not fail.
        what: as for `raise_together`, and so is `kind`.
        kind: of the error.
        name: what a thing is called.
        failed: those that could not even be begun with, and why.
        each: goes through them, as `treat_each`; elsewhere they may be done at once.

    Raises:
        PosecutError: something failed; it carries the result of the others.
    """
    results, broken = each(items, treat, name=name)
    done, failed = together(results), {**failed, **broken}
    raise_together(failed, of=len(results) + len(failed), what=what, kind=kind, done=done)
    return done


def raise_together(
    failed: Mapping[str, PosecutError],
    *,
    of: int,
    what: str,
    kind: type[PosecutError],
    done: object,
    remedies: Sequence[Remedy] = (),
) -> None:
    """Raise one error for all that failed; nothing where nothing did.

    Args:
        failed: why each one failed, by name.
        of: how many there were.
        what: what could not be done, as "videos could not be analyzed".
        kind: of the error, unless the disk refused everything, or other programs all that failed; where all failed for
            one reason, the error with this reason is raised as it is.
        done: the step's result for the others.
        remedies: that help whatever failed, before those of each.

    Raises:
        PosecutError: something failed.
    """
    if not failed:
        return
    if len(failed) == of and len({str(error) for error in failed.values()}) == 1:
        raise next(iter(failed.values()))
    others = "; the others are done" if done is not None and len(failed) < of else ""
    reasons = "\n".join(f"  {error if name in str(error) else f'{name}: {error}'}" for name, error in failed.items())
    kinds = (BusyError, StorageError) if len(failed) == of else (BusyError,)
    refusals = (refusal for refusal in kinds if all(isinstance(error, refusal) for error in failed.values()))
    together = next(refusals, kind)(
        f"{len(failed)} of {of} {what}{others}. Mend the following and try again with these:\n{reasons}",
        *remedies,
        *(remedy for error in failed.values() for remedy in error.remedies),
    )
    together.failed, together.rest, together.done = failed, of - len(failed), done if others else None
    raise together
