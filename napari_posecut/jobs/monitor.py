"""Jobs and short background work of a window, polled so that the window never waits."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TypeVar

from psygnal import Signal
from qtpy.QtCore import QCoreApplication, QEventLoop, QObject, QTimer
from qtpy.QtCore import Signal as QtSignal

from napari_posecut.jobs.files import Request
from napari_posecut.jobs.jobs import Job, remove_old_jobs, running_jobs, start, start_alone
from napari_posecut.jobs.verbs import Part, in_the_way, writes
from posecut_core.progress import Notice

# --- background -------------------------------------------------------------------------------------------------------
# Work of some seconds that needs no process of its own: a thread does it, and the window stays alive meanwhile.


Value = TypeVar("Value")

_SOON = 0.03  # seconds that nobody notices
_CHECK = 20  # milliseconds between two looks at whether it is done
_SPARE = 300  # milliseconds without an edit after which somebody who labels is thinking
_thread = ThreadPoolExecutor(1, thread_name_prefix="posecut-background")  # one, so that nothing overtakes what began
_waiting: list[object] = []  # their futures, and whoever lets the window draw itself


def in_background(work: Callable[[], Value], /) -> Value:
    """Run `work` on a thread, let the window draw itself meanwhile, and return the result or raise what it raised.

    Keys and the mouse wait until it is done, so that nothing else changes what it works on; timers of the plugin that
    change anything ask `at_work`.
    """
    future = _thread.submit(work)
    _waiting.append(future)
    try:
        if not _done_soon(future):
            loop, timer = QEventLoop(), QTimer()
            timer.timeout.connect(lambda: loop.quit() if future.done() else None)
            timer.start(_CHECK)
            loop.exec(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
            timer.stop()
        return future.result()
    finally:
        _waiting.remove(future)


def wait_for(work: Callable[[], Value], /) -> Value:
    """Run `work` on the thread and wait, so that Qt does nothing meanwhile: a window that closes is half gone."""
    return _thread.submit(work).result()


def begin(work: Callable[[], object], /) -> None:
    """Let the thread do what nobody waits for, before whatever it is given next."""
    _thread.submit(work)


def breathe() -> None:
    """Let the window draw itself between two pieces of work that only its own thread can do.

    Keys and the mouse wait, as for `in_background`; whoever calls looks whether the window was closed meanwhile.
    """
    _waiting.append(breathe)
    try:
        for _ in range(2):  # Qt draws at the end of the first round, which timers would not see
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
    finally:
        _waiting.remove(breathe)


class SpareTime:
    """Does work a piece at a time while nobody does anything: nobody waits for it, and it holds nobody up."""

    def __init__(self) -> None:
        self._pieces: Iterator[object] = iter(())
        self._timer = QTimer()
        self._timer.setInterval(_SPARE)
        self._timer.timeout.connect(self._do_next)

    def spend(self, pieces: Iterator[object], /) -> None:
        """Do these pieces from now on, each by asking for the next one; what was left of others is dropped."""
        self._pieces = pieces
        self._timer.start()

    def wait(self) -> None:
        """Do nothing for a moment, because somebody does something."""
        if self._timer.isActive():
            self._timer.start()

    def finish(self) -> None:
        """Do at once what is left."""
        for _ in self._pieces:
            pass
        self.drop()

    def drop(self) -> None:
        """Do no more."""
        self._timer.stop()
        self._pieces = iter(())

    def _do_next(self) -> None:
        pieces = self._pieces
        if not at_work() and next(pieces, self) is self and pieces is self._pieces:
            self.drop()


class _Relay(QObject):
    """Brings what threads ask for to the window's thread. There is one, which outlives every thread."""

    asked = QtSignal(object)  # an action

    def __init__(self) -> None:
        super().__init__()
        self.asked.connect(self._act)

    def _act(self, action: Callable[[], object]) -> None:
        action()


@cache
def _relay() -> _Relay:
    return _Relay()


def on_window_thread(action: Callable[[], object], /) -> Callable[[], None]:
    """Return what a thread may call so that the window's thread, which calls this, runs `action` soon."""
    relay = _relay()
    return lambda: relay.asked.emit(action)


def at_work() -> bool:
    """Tell whether the window waits for such work."""
    return bool(_waiting)


def _done_soon(future: "Future[Value]") -> bool:
    try:
        future.exception(timeout=_SOON)
    except TimeoutError:
        return False
    return True


# --- job monitor ------------------------------------------------------------------------------------------------------
# The jobs of a window: looked at several times a second, so that the window never waits for them.


_INTERVAL = 200  # milliseconds between two looks


class JobMonitor:
    """The work that runs for the open project, also what a window before this one left running."""

    started = Signal(Job)
    progressed = Signal(Job, object)  # notices, the newest progress of each look, and all progress with values
    ended = Signal(Job)  # its state says how

    def __init__(self) -> None:
        self.running: tuple[Job, ...] = ()
        self.past: tuple[Job, ...] = ()  # that were seen to end, for docks that are made afterwards
        self._config: Path | None = None
        self._alone: tuple[Job, ...] = ()  # those of the running ones that belong to no project
        self._timer = QTimer()
        self._timer.setInterval(_INTERVAL)
        self._timer.timeout.connect(self.poll)

    def watch(self, config: Path) -> None:
        """Follow the jobs of a project, those that run already among them."""
        self.unwatch()
        self._config = config
        for job in running_jobs(config):
            self._add(job)

    def start(self, verb: str, arguments: Mapping[str, object]) -> Job:
        """Start work for the project.

        Raises:
            PosecutError: the same kind of work runs already.
            StorageError: the project cannot be written to.
        """
        assert self._config is not None, "no project is open"
        remove_old_jobs(self._config)
        job = start(self._config, Request(verb, arguments))
        self._add(job)
        return job

    def start_alone(self, verb: str, arguments: Mapping[str, object]) -> Job:
        """Start work that belongs to no project; it is followed whichever project is open.

        Raises:
            StorageError: its folder cannot be written to.
        """
        job = start_alone(Request(verb, arguments))
        self._alone = (*self._alone, job)
        self._add(job)
        return job

    def find(self, *verbs: str) -> Job | None:
        """Return the running job of one of the verbs."""
        return next((job for job in self.running if job.request.verb in verbs), None)

    def is_writing(self, part: Part) -> bool:
        """Tell whether a running job writes a part of the project."""
        return any(part in writes(job.request.verb) for job in self.running)

    def can_start(self, verb: str) -> bool:
        """Tell whether no running job is in the way of a verb."""
        return not any(in_the_way(job.request.verb, verb) for job in self.running)

    def poll(self) -> None:
        """Take in what the jobs have reported; later, while a thread reads what their ends would change."""
        if at_work():
            return
        for job in self.running:
            reports = job.poll()
            for place, report in enumerate(reports):
                if isinstance(report, Notice) or report.values or place == len(reports) - 1:
                    self.progressed.emit(job, report)
            if job.state != "running":
                self._remove(job)
                self.past = (*self.past, job)
                self.ended.emit(job)

    def unwatch(self) -> None:
        """Stop looking at the jobs of the project; they run on."""
        self.running, self.past, self._config = self._alone, (), None
        if not self.running:
            self._timer.stop()

    def close(self) -> None:
        """Stop looking at any job; they run on."""
        self._alone = ()
        self.unwatch()

    def _add(self, job: Job) -> None:
        self.running = (*self.running, job)
        self._timer.start()
        self.started.emit(job)

    def _remove(self, job: Job) -> None:
        self.running = tuple(other for other in self.running if other is not job)
        self._alone = tuple(other for other in self._alone if other is not job)
        if not self.running:
            self._timer.stop()
