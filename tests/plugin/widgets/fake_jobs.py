"""Jobs that do what a test says, for docks that start and show work."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_posecut.jobs.files import Outcome, Request
from napari_posecut.jobs.jobs import Job, State
from napari_posecut.jobs.monitor import JobMonitor
from posecut_core.errors import Remedy
from posecut_core.progress import Progress


class FakeJob(Job):
    """A job without a child."""

    def __init__(self, verb: str, arguments: Mapping[str, object]) -> None:
        super().__init__(Path("no-such-job"), Request(verb, arguments))
        self.waiting: list[Progress] = []
        self.stops = 0

    @property
    def details(self) -> str:
        """What the child printed."""
        return "Traceback: line 1"

    def poll(self) -> tuple[Progress, ...]:
        """Return what waits, as a child's reports do."""
        reports, self.waiting = tuple(self.waiting), []
        self._reports.extend(reports)
        return reports

    def stop(self) -> None:
        """Count how often it was asked to stop."""
        self.stops += 1


class FakeJobs(JobMonitor):
    """Jobs that start no children; `job` is the newest."""

    job: FakeJob

    def watch(self, config: Path) -> None:
        """Follow nothing but what a test starts."""

    def start(self, verb: str, arguments: Mapping[str, object]) -> FakeJob:
        """Follow a job that does nothing by itself."""
        self.job = FakeJob(verb, arguments)
        self._add(self.job)
        self._timer.stop()
        return self.job

    def start_alone(self, verb: str, arguments: Mapping[str, object]) -> FakeJob:
        """Follow a job of no project that does nothing by itself."""
        job = self.start(verb, arguments)
        self._alone = (*self._alone, job)
        return job

    def report(self, *reports: Progress) -> None:
        """Let the newest job report."""
        self.job.waiting.extend(reports)
        self.poll()

    def end(
        self,
        state: State,
        *,
        result: Mapping[str, Any] | None = None,
        message: str = "",
        remedies: tuple[Remedy, ...] = (),
        lines: tuple[str, ...] = (),
        is_warning: bool = False,
    ) -> None:
        """Let the newest job end."""
        self.job._state, self.job._message = state, message
        self.job._outcome = Outcome("done", result or {}, message, remedies, lines, is_warning)
        self.poll()
