"""What runs in a child process: `python -m napari_posecut.jobs.child FOLDER` does what the folder's request says.

The only module of the plugin behind which JAX is imported.
"""

import contextlib
import faulthandler
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TextIO

import psutil

from napari_posecut.jobs.files import JobFolder, Outcome, progress_line
from napari_posecut.jobs.verbs import VERBS, Verb
from posecut_core.errors import ArgumentError
from posecut_core.progress import Notice, Progress, Report, ended_at_once, interrupts
from posecut_core.results import explain

_SHORTEST, _LONGEST = 0.1, 2.0  # seconds between two reports of a stage
_LOWER = 10  # niceness: a window is served first
_STOPPED = Outcome("stopped", {}, "")


def _run(folder: Path, verbs: Mapping[str, Verb] = VERBS) -> int:
    """Do what a job's folder asks for, and leave there how it ended.

    Args:
        folder: that of the job.
        verbs: what can be asked for.

    Returns:
        The exit code: 0, or 1 where the work failed.

    Raises:
        StorageError: the disk refuses.
    """
    files = JobFolder(folder)
    stops = interrupts()
    for number in stops:
        signal.signal(number, signal.default_int_handler)
    faulthandler.enable()
    files.write_process(os.getpid())  # as the window does, which may have been killed before it came to that
    _lower_priority()

    def end() -> None:
        files.write_outcome(_STOPPED)
        os._exit(0)

    try:
        with ended_at_once(end):
            outcome = _outcome_of(files, verbs)
    except KeyboardInterrupt:  # a second one, on the way out
        outcome = _STOPPED
    for number in stops:
        signal.signal(number, signal.SIG_IGN)  # nothing is left to stop
    files.write_outcome(outcome)
    return int(outcome.state == "failed")


def _reporting(file: TextIO, *, asked: Callable[[], bool], clock: Callable[[], float] = time.monotonic) -> Report:
    """Return a function that writes reports as lines, so few that a day of them is read in a moment.

    Args:
        file: to which they are added.
        asked: whether someone wants the work to stop; the function then raises KeyboardInterrupt.
        clock: seconds.
    """
    began = clock()
    stage, due = "", began

    def report(progress: Progress | Notice) -> None:
        nonlocal stage, due
        if asked():
            raise KeyboardInterrupt
        now = clock()
        if isinstance(progress, Progress):
            if progress.stage == stage and progress.done != progress.total and now < due:
                return
            stage, due = progress.stage, now + min(_LONGEST, max(_SHORTEST, (now - began) / 1000))
        with contextlib.suppress(OSError):  # the work itself reports a full disk
            file.write(progress_line(progress))
            file.flush()

    return report


def _outcome_of(files: JobFolder, verbs: Mapping[str, Verb]) -> Outcome:
    try:
        with files.progress.open("a", encoding="utf-8") as file:
            result = _call_verb(
                files, verbs, _reporting(file, asked=_never if os.name == "posix" else _stop_asked(files))
            )
        return Outcome.of(result)
    except KeyboardInterrupt:
        return _STOPPED
    except Exception as error:
        traceback.print_exc()
        failure = explain(error, keep=lambda _: f"the details are in {files.errors}")
        return Outcome("failed", {}, failure.error, failure.remedies)


def _call_verb(files: JobFolder, verbs: Mapping[str, Verb], report: Report) -> object:
    asked = files.read_request()
    if asked is None:
        raise ArgumentError(f"{files.path} has no readable request.json; start the work again.")
    config, request = asked
    if request.verb not in verbs:
        raise ArgumentError(f"There is no verb {request.verb!r}; choose among {', '.join(verbs)}.")
    return verbs[request.verb](config, request.arguments, report)


def _never() -> bool:
    return False  # a signal comes instead, and does not have to wait for a report


def _stop_asked(files: JobFolder) -> Callable[[], bool]:
    return lambda: files.stop_asked


def _lower_priority() -> None:
    if sys.platform == "win32":
        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        os.nice(_LOWER)


if __name__ == "__main__":
    sys.exit(_run(Path(sys.argv[1])))
