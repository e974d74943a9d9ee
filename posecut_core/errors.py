"""The errors a user can meet, one tree, each with the exit code of `posecut`.

    PosecutError (1)
    ├── ArgumentError (2)     an argument that no project, file or video could make right
    ├── ProjectError (3)      a project folder or its config.yaml
    ├── VideoError (4)        a video file or a stored frame
    ├── LabelError (5)        label tables
    ├── DatasetError (6)      training datasets, splits
    ├── ModelError (7)        weights, snapshots, training
    ├── AnalysisError (8)     predictions and evaluation
    └── StorageError (9)      the disk: full, read-only, not writable
        └── BusyError (10)    another program is at the same work: nothing is wrong, and waiting is all there is to do

A message says in one sentence what was found, what was expected and what to do next.
Subclasses also inherit the builtin exception that Python users would catch.

Where a step treats several things, one that fails does not stop the others: `treat_each` goes through all of them, and
`raise_together` then raises one error that names those that failed and carries what was done.
"""

import os
import shlex
import subprocess
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar

# --- command lines ----------------------------------------------------------------------------------------------------
# `posecut` commands in messages, ready to be pasted into a shell: names may have spaces.


def command_line(verb: str, *words: str | os.PathLike[str]) -> str:
    """Write a `posecut` command with every word quoted that needs it."""
    parts = ["posecut", verb, *(os.fspath(word) for word in words)]
    return subprocess.list2cmdline(parts) if os.name == "nt" else shlex.join(parts)


# --- errors -----------------------------------------------------------------------------------------------------------
# The errors a user can meet, one tree, each with the exit code of `posecut`.
#
#     PosecutError (1)
#     ├── ArgumentError (2)     an argument that no project, file or video could make right
#     ├── ProjectError (3)      a project folder or its config.yaml
#     ├── VideoError (4)        a video file or a stored frame
#     ├── LabelError (5)        label tables
#     ├── DatasetError (6)      training datasets, splits
#     ├── ModelError (7)        weights, snapshots, training
#     ├── AnalysisError (8)     predictions and evaluation
#     └── StorageError (9)      the disk: full, read-only, not writable
#         └── BusyError (10)    another program is at the same work: nothing is wrong, and waiting is all there is to do
#
# A message says in one sentence what was found, what was expected and what to do next.
# Subclasses also inherit the builtin exception that Python users would catch.
#
# Where a step treats several things, one that fails does not stop the others: `treat_each` goes through all of them,
# and
# `raise_together` then raises one error that names those that failed and carries what was done.


def refuse_newer(path: os.PathLike[str], schema: int, *, known: int, kind: type["PosecutError"]) -> None:
    """Refuse a file that a newer PoseCut wrote: what it holds may mean something else than it seems to.

    Args:
        path: the file or folder.
        schema: what it says that its form is.
        known: the newest form that this PoseCut reads.
        kind: the error to raise.
    """
    if schema > known:
        raise kind(
            f"{os.fspath(path)} was written by a newer PoseCut (schema {schema}); update PoseCut "
            "(pip install --upgrade posecut)."
        )


Item = TypeVar("Item")
Result = TypeVar("Result")


class PosecutError(Exception):
    """Base of every error that PoseCut raises on purpose."""

    exit_code = 1
    failed: "Mapping[str, PosecutError]" = MappingProxyType({})  # of an error about several things: why each failed
    rest: int = 0  # how many did not fail
    done: object = None  # the step's result for these, if it has one


class ArgumentError(PosecutError, ValueError):
    """An argument is out of range or of the wrong kind."""

    exit_code = 2


class ProjectError(PosecutError, ValueError):
    """A project folder or its config.yaml is missing, malformed or contradicts itself."""

    exit_code = 3


class VideoError(PosecutError, ValueError):
    """A video or a stored frame cannot be found or decoded."""

    exit_code = 4


class LabelError(PosecutError, ValueError):
    """A label table is missing, malformed or does not fit the project."""

    exit_code = 5


class DatasetError(PosecutError, ValueError):
    """A training dataset is missing or cannot work."""

    exit_code = 6


class ModelError(PosecutError, ValueError):
    """Weights or a snapshot are missing, damaged or of another network."""

    exit_code = 7


class AnalysisError(PosecutError, ValueError):
    """Predictions are missing or do not fit the project."""

    exit_code = 8


class StorageError(PosecutError, OSError):
    """The disk refused: full, read-only or not writable."""

    exit_code = 9
    is_full = False  # then the next file fails as well


class BusyError(StorageError):
    """Another program is writing the same files."""

    exit_code = 10


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


def raise_together(
    failed: Mapping[str, PosecutError], *, of: int, what: str, kind: type[PosecutError], done: object
) -> None:
    """Raise one error for all that failed; nothing where nothing did.

    Args:
        failed: why each one failed, by name.
        of: how many there were.
        what: what could not be done, as "videos could not be analysed".
        kind: of the error; where all failed for one reason, the error with this reason is raised as it is.
        done: the step's result for the others.

    Raises:
        PosecutError: something failed.
    """
    if not failed:
        return
    if len(failed) == of and len({str(error) for error in failed.values()}) == 1:
        raise next(iter(failed.values()))
    others = "; the others are done" if done is not None and len(failed) < of else ""
    reasons = "\n".join(f"  {error if name in str(error) else f'{name}: {error}'}" for name, error in failed.items())
    together = kind(
        f"{len(failed)} of {of} {what}{others}. Mend what is said here, and do it again for these:\n{reasons}"
    )
    together.failed, together.rest, together.done = failed, of - len(failed), done if others else None
    raise together
