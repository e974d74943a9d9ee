"""Work that takes long, in child processes: start it, follow it, stop it, and find it again.

A job lives in its folder (`jobs/files.py`), not in the window: a window that is closed leaves it running, and one that
is opened later finds it. Nothing here waits, and nothing imports JAX.
"""

import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from napari_posecut.jobs.files import JobFolder, Outcome, Process, Request, launch, new_job_folder
from napari_posecut.jobs.verbs import in_the_way, title_of
from posecut_core.errors import BusyError, PosecutError, Remedy
from posecut_core.progress import Notice, Progress
from posecut_core.project.opening import config_path
from posecut_core.project.paths import jobs_folder, refuse_links
from posecut_core.storage.files import storage_error
from posecut_core.storage.locks import hold

State = Literal["running", "done", "failed", "stopped", "crashed"]
# -P: no file in the current folder is taken for a library.
_CHILD = (sys.executable, "-P", "-m", "napari_posecut.jobs.child")
_KEPT = 5  # ended jobs whose messages may still be asked for

# Only the process that started a child learns how it ended, and the system keeps it until then.
_own: dict[Path, "subprocess.Popen[bytes]"] = {}


class Job:
    """One piece of work in a child process."""

    def __init__(self, folder: Path, request: Request) -> None:
        self.folder = folder
        self.request = request
        self._files = JobFolder(folder)
        self._state: State = "running"
        self._outcome: Outcome | None = None
        self._message = ""
        self._offset = 0
        self._reports: list[Progress | Notice] = []

    @property
    def state(self) -> State:
        """What it was at the last poll."""
        return self._state

    @property
    def reports(self) -> tuple[Progress | Notice, ...]:
        """What it has reported until the last poll, for listeners that connect later."""
        return tuple(self._reports)

    @property
    def result(self) -> Mapping[str, Any]:
        """What the core's function returned, as JSON has it; empty before the end."""
        return self._outcome.result if self._outcome else {}

    @property
    def message(self) -> str:
        """What came of it, or why it failed or crashed; nothing before the end."""
        return self._message

    @property
    def lines(self) -> tuple[str, ...]:
        """Details of what came of it."""
        return self._outcome.lines if self._outcome else ()

    @property
    def is_warning(self) -> bool:
        """Whether what came of it is not good enough."""
        return self._outcome is not None and self._outcome.is_warning

    @property
    def remedies(self) -> tuple[Remedy, ...]:
        """Steps of which any one helps after a failure."""
        return self._outcome.remedies if self._outcome else ()

    @property
    def details(self) -> str:
        """End of what the child printed, for bug reports."""
        return self._files.read_details()

    def poll(self) -> tuple[Progress | Notice, ...]:
        """Look at the child, without waiting, and return what it has reported since the last time."""
        if self._state != "running":
            return ()
        is_alive = _is_alive(self._files)  # first, or the last words of a child that ends just now would be missed
        reports, offset = self._files.read_progress(self._offset)
        self._reports.extend(reports)
        read_all, self._offset = offset == self._offset, offset
        if read_all and not is_alive:
            self._end(self._files.read_outcome())
        return reports

    def stop(self) -> None:
        """Ask the child to stop in a state from which the same work goes on; a second time changes nothing.

        Raises:
            StorageError: the disk refuses.
        """
        if self._state == "running" and not self._files.stop_asked:
            self._request_end(Process.stop)

    def kill(self) -> None:
        """End the child at once; files are whole all the same.

        Raises:
            StorageError: the disk refuses.
        """
        if self._state == "running":
            self._request_end(Process.kill)

    def _request_end(self, signal_it: Callable[[Process], None]) -> None:
        """Note that someone wants the end, and bring it about, also where a full disk takes no note."""
        process = self._files.read_process()
        try:
            self._files.ask_stop()
        finally:
            if process is not None:
                signal_it(process)

    def _end(self, outcome: Outcome | None) -> None:
        self._outcome = outcome
        if outcome is not None:
            self._state, self._message = outcome.state, outcome.message
        elif self._files.stop_asked:
            self._state = "stopped"
        else:
            self._state, self._message = "crashed", _crash_message(_exit_code(self.folder))


def start(config: Path, request: Request, *, program: Sequence[str] = _CHILD) -> Job:
    """Start work in a child process that outlives this one.

    Args:
        config: path of config.yaml, or of the project's folder.
        request: what to do.
        program: what runs as the child; it is given the job's folder.

    Raises:
        ProjectError: there is no project.
        PosecutError: the same kind of work runs in this project already.
        StorageError: the project cannot be written to.
    """
    path = config_path(config)
    jobs = jobs_folder(path.parent)
    with _start_lock(jobs):
        _refuse_second(path, request)
        return _launched(jobs, path, request, program)


def start_alone(request: Request, *, program: Sequence[str] = _CHILD) -> Job:
    """Start work that belongs to no project, such as making one, in a folder among the system's temporary ones.

    Raises:
        StorageError: the folder cannot be written to.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix="posecut-job-"))
    except OSError as error:
        raise storage_error(Path(tempfile.gettempdir()), error) from error
    return _launched(folder, folder, request, program)


def _launched(jobs: Path, config: Path, request: Request, program: Sequence[str]) -> Job:
    folder = new_job_folder(jobs, f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{request.verb}-{secrets.token_hex(4)}")
    folder.write_request(config, request)
    try:
        child = launch([*program, str(folder.path)], output=folder.errors)
    except OSError as error:
        raise storage_error(folder.path, error) from error
    _own[folder.path] = child
    folder.write_process(child.pid)
    return Job(folder.path, request)


def running_jobs(config: Path) -> tuple[Job, ...]:
    """Find the jobs of a project whose child still runs on this computer, the oldest first.

    Raises:
        ProjectError: there is no project.
    """
    folders = _folders(config)
    requests = [(folder, read[1]) for folder in folders if _is_alive(folder) and (read := folder.read_request())]
    return tuple(Job(folder.path, request) for folder, request in requests)


def remove_old_jobs(config: Path, *, keep: int = _KEPT) -> tuple[Path, ...]:
    """Remove the folders of ended jobs but the newest `keep`, and return their paths.

    Raises:
        ProjectError: there is no project.
        StorageError: the project cannot be written to.
    """
    if not _folders(config):
        return ()
    with _start_lock(jobs_folder(config_path(config).parent)):
        ended = [folder.path for folder in _folders(config) if not _is_alive(folder)]
        removed = tuple(ended[: max(0, len(ended) - keep)])
        for path in removed:
            shutil.rmtree(path, ignore_errors=True)  # what is open on Windows goes the next time
    return removed


def _folders(config: Path) -> list[JobFolder]:
    root = config_path(config).parent
    refuse_links(root)
    jobs = jobs_folder(root)
    return [JobFolder(path) for path in sorted(jobs.iterdir()) if path.is_dir()] if jobs.is_dir() else []


def _is_alive(folder: JobFolder) -> bool:
    """Tell whether the child of a job runs; a child of this process is let go of by the system at this moment."""
    if folder.path in _own:
        return _own[folder.path].poll() is None
    process = folder.read_process()
    return process is not None and process.is_alive


def _exit_code(folder: Path) -> int | None:
    return _own[folder].poll() if folder in _own else None


def _refuse_second(config: Path, request: Request) -> None:
    for job in running_jobs(config):
        if in_the_way(job.request.verb, request.verb):
            raise PosecutError(
                f"A job is running in this project already ({title_of(job.request.verb)}); wait until it has "
                f"finished, or stop it, before you start another ({title_of(request.verb)})."
            )


@contextmanager
def _start_lock(jobs: Path) -> Iterator[None]:
    """Let one window at a time start jobs of a project, or remove them."""
    try:
        jobs.mkdir(exist_ok=True)
    except OSError as error:
        raise storage_error(jobs, error) from error
    with ExitStack() as stack:
        try:
            stack.enter_context(hold(jobs / "start.lock", patience=0))
        except BusyError as error:
            raise PosecutError("Another window is starting a job in this project; try again in a moment.") from error
        yield


def _crash_message(code: int | None) -> str:
    """Say what is known of an end without a word."""
    advice = "start it again, and it continues where it stopped"
    if sys.platform != "win32" and code == -signal.SIGKILL:
        advice = f"close other programs, or compute fewer crops or frames at once; {advice}"
        return f"The system ended the job, most likely because memory ran out; {advice}."
    reason = "" if code is None else f" ({_signal_name(code)})"
    return f"The job ended unexpectedly{reason}; {advice}."


def _signal_name(code: int) -> str:
    try:
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"
    except ValueError:
        return f"signal {-code}"
