"""The folder of one job, `posecut-jobs/<job>/`, and the process that works in it."""

import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
import psutil

from napari_posecut.remedies import in_window, plain
from posecut_core.errors import Remedy
from posecut_core.progress import Notice, Progress
from posecut_core.results import Summary, as_json
from posecut_core.storage.files import open_file, parse_json, read_json, storage_error, write_text

# --- process ----------------------------------------------------------------------------------------------------------
# A process of its own: started so that it outlives the window, recognized later by its number.
#
# Knows nothing of jobs; the last argument of its command line is the path of what it works on, whose name no other has:
# that tells it from a process that has the same number later.


@dataclass(frozen=True)
class Process:
    """A process on one computer."""

    host: str
    pid: int
    name: str  # of the file or folder that is its last argument

    @property
    def is_alive(self) -> bool:
        """Tell whether it runs on this computer; of another computer's nobody here can tell."""
        return self._found is not None

    def stop(self) -> None:
        """Ask it to end, where the system has a signal for that; it may finish what it is at."""
        if self._found is not None and sys.platform != "win32":  # there the same call would end it at once
            self._found.terminate()

    def kill(self) -> None:
        """End it at once, and the processes that it has started."""
        if self._found is not None:
            for one in (*self._found.children(recursive=True), self._found):
                _kill(one)

    @property
    def _found(self) -> psutil.Process | None:
        if self.host != platform.node():
            return None
        try:
            found = psutil.Process(self.pid)
            # Not by the time of its start, which changes with the clock of the computer.
            known = [Path(word).name for word in found.cmdline()[-1:]] == [self.name]
            return found if known and found.status() != psutil.STATUS_ZOMBIE else None
        except psutil.Error:
            return None


def launch(command: Sequence[str], *, output: Path) -> "subprocess.Popen[bytes]":
    """Start a process in a session of its own, so that neither the end of the window nor its Ctrl-C ends it.

    Args:
        command: the program and its arguments.
        output: file to which everything is added that it prints.

    Raises:
        OSError: the file cannot be written, or there is no such program.
    """
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    with output.open("ab") as file:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            creationflags=flags,
        )


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return  # it has ended by itself


# --- job files --------------------------------------------------------------------------------------------------------
# The folder of one job, through which a window and the child process speak: `posecut-jobs/<job>/`.
#
# request.json     what to do; written before the child starts
# process.json     which process does it
# progress.jsonl   a line per report of the core; the last one may be half written
# stderr.txt       what the child printed
# stop             someone asked the child to stop
# result.json      how it ended; replaced whole, and not there after a crash


_DETAILS = 20_000  # bytes of the child's output that are worth showing
_Kind = TypeVar("_Kind")
_AT_ONCE = 1 << 18  # bytes of progress that are read without holding up a window


@dataclass(frozen=True)
class Request:
    """What a child is asked to do."""

    verb: str  # a name of verbs.VERBS
    arguments: Mapping[str, object]  # JSON values


@dataclass(frozen=True)
class Outcome:
    """How a child ended, in its own words."""

    state: Literal["done", "failed", "stopped"]
    result: Mapping[str, Any]  # of what is done
    message: str  # what came of it, or why it failed
    remedies: tuple[Remedy, ...] = ()  # steps that come next, or of which any one helps
    lines: tuple[str, ...] = ()  # details of what came of it: of each video, where files are
    is_warning: bool = False  # what came of it is not good enough

    @classmethod
    def of(cls, result: object) -> "Outcome":
        """Return what a window is told of a result: its values, as JSON has them, and its summary."""
        said = result.summary() if hasattr(result, "summary") else Summary("")
        lines = tuple(in_window(line) if isinstance(line, Notice) else plain(line) for line in said.lines)
        warns = said.is_warning or said.exit_code != 0
        return cls("done", json.loads(as_json(result)), plain(said.text), said.following, lines, warns)


@dataclass(frozen=True)
class _Asked:
    """What request.json holds."""

    config: str
    verb: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class _Working:
    """What process.json holds."""

    host: str
    pid: Annotated[int, msgspec.Meta(ge=0)]


@dataclass(frozen=True)
class _Counted:
    """What a line of a Progress holds: missing numbers are null."""

    stage: str
    done: int
    total: int | None
    values: dict[str, float | None]


@dataclass(frozen=True)
class JobFolder:
    """The files of one job."""

    path: Path

    @property
    def errors(self) -> Path:
        """Return the file of what the child printed."""
        return self.path / "stderr.txt"

    @property
    def progress(self) -> Path:
        """Return the file of its reports."""
        return self.path / "progress.jsonl"

    @property
    def stop_asked(self) -> bool:
        """Tell whether someone asked the child to stop."""
        return (self.path / "stop").exists()

    def ask_stop(self) -> None:
        """Note that the child is to stop.

        Raises:
            StorageError: the disk refuses.
        """
        write_text(self.path / "stop", "")

    def write_request(self, config: Path, request: Request) -> None:
        """Say what is to be done, and in which project.

        Raises:
            StorageError: the disk refuses.
        """
        asked = _Asked(os.fspath(config), request.verb, dict(request.arguments))
        write_text(self.path / "request.json", json.dumps(vars(asked), allow_nan=False))

    def read_request(self) -> tuple[Path, Request] | None:
        """Return the path of config.yaml and what is to be done; None where this is no folder of a job."""
        asked = _read(self.path / "request.json", _Asked)
        return (Path(asked.config), Request(asked.verb, asked.arguments)) if asked else None

    def write_process(self, pid: int) -> None:
        """Note which process of this computer does the work.

        Raises:
            StorageError: the disk refuses.
        """
        write_text(self.path / "process.json", as_json(_Working(platform.node(), pid)))

    def read_process(self) -> Process | None:
        """Return the process that does the work; None where none has been noted."""
        working = _read(self.path / "process.json", _Working)  # the job's folder is the last argument of its child
        return Process(working.host, working.pid, self.path.name) if working else None

    def write_outcome(self, outcome: Outcome) -> None:
        """Say how it ended.

        Raises:
            StorageError: the disk refuses.
        """
        write_text(self.path / "result.json", as_json(outcome))

    def read_outcome(self) -> Outcome | None:
        """Return how it ended; None where that has not been said."""
        return _read(self.path / "result.json", Outcome)

    def read_progress(self, offset: int) -> tuple[tuple[Progress | Notice, ...], int]:
        """Return the whole reports from a byte of the file on, and the byte after them; a part of them, if many."""
        try:
            with open_file(self.progress) as file:
                file.seek(offset)
                content = file.read(_AT_ONCE)
        except OSError:
            return (), offset
        whole = content[: content.rfind(b"\n") + 1]
        reports = (_parse_progress(line) for line in whole.splitlines())
        return tuple(report for report in reports if report is not None), offset + len(whole)

    def read_details(self) -> str:
        """Return the end of what the child printed."""
        try:
            with open_file(self.errors) as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - _DETAILS))
                return file.read().decode("utf-8", errors="replace")
        except OSError:
            return ""


def new_job_folder(jobs: Path, name: str) -> JobFolder:
    """Create the folder of a job.

    Raises:
        StorageError: the project cannot be written to.
    """
    path = jobs / name
    try:
        path.mkdir(parents=True)
    except OSError as error:
        raise storage_error(path, error) from error
    return JobFolder(path)


def progress_line(progress: Progress | Notice) -> str:
    """Write a report as a line of JSON."""
    return as_json(progress) + "\n"


def _parse_progress(line: bytes) -> Progress | Notice | None:
    """Read a report; None where a full disk or a loss of power left no whole one."""
    try:
        values = parse_json(line)
        if "text" in values:
            return msgspec.convert(values, Notice)
        counted = msgspec.convert(values, _Counted)
    except (ValueError, TypeError):
        return None
    numbers = {name: math.nan if number is None else number for name, number in counted.values.items()}
    return Progress(counted.stage, counted.done, counted.total, numbers)


def _read(path: Path, kind: type[_Kind]) -> _Kind | None:
    try:
        return msgspec.convert(read_json(path), kind)
    except (OSError, ValueError):
        return None
