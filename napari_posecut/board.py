"""The jobs of a window: looked at several times a second, so that the window never waits for them."""

from collections.abc import Mapping
from pathlib import Path

from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_posecut.background import at_work
from napari_posecut.jobs import Job, Request, running, start, tidy
from napari_posecut.verbs import Part, in_the_way, writes
from posecut_core.progress import Progress

INTERVAL = 200  # milliseconds between two looks


class JobBoard:
    """The work that runs for the open project, also what a window before this one left running."""

    started = Signal(Job)
    progressed = Signal(Job, Progress)  # the newest report of each look, and every report with values
    ended = Signal(Job)  # its state says how

    def __init__(self) -> None:
        self.jobs: tuple[Job, ...] = ()
        self.past: tuple[Job, ...] = ()  # that were seen to end, for docks that are made afterwards
        self._config: Path | None = None
        self._timer = QTimer()
        self._timer.setInterval(INTERVAL)
        self._timer.timeout.connect(self.look)

    def look_after(self, config: Path) -> None:
        """Follow the jobs of a project, those that run already among them."""
        self.let_go()
        self._config = config
        for job in running(config):
            self._follow(job)

    def start(self, verb: str, arguments: Mapping[str, object]) -> Job:
        """Start work for the project.

        Raises:
            PosecutError: the same kind of work runs already.
            StorageError: the project cannot be written to.
        """
        assert self._config is not None, "no project is open"
        tidy(self._config)
        job = start(self._config, Request(verb, arguments))
        self._follow(job)
        return job

    def of(self, *verbs: str) -> Job | None:
        """Return the running job of one of the verbs."""
        return next((job for job in self.jobs if job.request.verb in verbs), None)

    def writing(self, part: Part) -> bool:
        """Tell whether a running job writes a part of the project."""
        return any(part in writes(job.request.verb) for job in self.jobs)

    def allows(self, verb: str) -> bool:
        """Tell whether no running job is in the way of a verb."""
        return not any(in_the_way(job.request.verb, verb) for job in self.jobs)

    def look(self) -> None:
        """Take in what the jobs have reported; later, while a thread reads what their ends would change."""
        if at_work():
            return
        for job in self.jobs:
            reports = job.poll()
            for place, report in enumerate(reports):
                if report.values or place == len(reports) - 1:
                    self.progressed.emit(job, report)
            if job.state != "running":
                self._drop(job)
                self.past = (*self.past, job)
                self.ended.emit(job)

    def let_go(self) -> None:
        """Stop looking; the jobs run on."""
        self._timer.stop()
        self.jobs, self.past, self._config = (), (), None

    def _follow(self, job: Job) -> None:
        self.jobs = (*self.jobs, job)
        self._timer.start()
        self.started.emit(job)

    def _drop(self, job: Job) -> None:
        self.jobs = tuple(other for other in self.jobs if other is not job)
        if not self.jobs:
            self._timer.stop()
