"""Who does the same work with many things: this process, several of this computer, workers of dask, or jobs of SLURM.

What travels is a function and values that can be pickled, such as paths and settings, never a loaded network. A worker
that dies is replaced, and what it was at is begun again: work that continues where it stopped then does so. Something
that fails does not stop the others.
"""

import logging
import multiprocessing
import signal
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing import connection
from pathlib import Path
from typing import Any, TypeVar

from posecut_core.errors import ArgumentError, PosecutError, StorageError, treat_each
from posecut_core.progress import Notice, Progress, Report, quieted
from posecut_core.project.given import given_path
from posecut_core.storage.yaml_files import load_mapping, read_yaml

Item = TypeVar("Item")
Result = TypeVar("Result")
Work = Callable[[Item, Report], Result]
Each = Callable[..., tuple[list[Any], dict[str, PosecutError]]]  # as `treat_each`, with work that also reports

_WAITING = "10s"  # for a scheduler to answer
_RETURN = "60s"  # for one that was there to answer again
_TRIES = 3  # what kills that many workers kills any
_AHEAD = 4_000  # things that a scheduler knows of at once, as each takes its memory
_TOLD = 0.5  # seconds between two reports of a worker on how far it is
_RATES = ("frames_per_s", "steps_per_s")  # which add up


@dataclass(frozen=True)
class Outcome:
    """What came of one thing, as it comes back from a worker."""

    result: Any = None
    error: PosecutError | None = None
    notices: tuple[Notice, ...] = ()


Told = Generator[tuple[int, Outcome | Progress], None, None]  # which of the things it is about, and what came of it


def executor_of(cluster: str) -> "Processes | Dask":
    """Return who does the work, from what a person writes.

    Args:
        cluster: "local:N" for N processes of this computer, "tcp://HOST:PORT" for a scheduler of dask that runs
            already, or "slurm:FILE" for jobs of SLURM as a YAML file describes them.

    Raises:
        ArgumentError: it is none of these, or the packages are not installed.
    """
    kind, _, rest = cluster.strip().partition(":")
    if kind == "local" and rest.isdecimal() and int(rest) > 0:
        return Processes(int(rest))
    if kind in ("tcp", "tls", "ucx") and rest.startswith("//"):
        return Dask(cluster.strip())
    if kind == "slurm" and rest:
        return Dask(_slurm_settings(given_path(rest)))
    raise ArgumentError(
        f"cluster is {cluster!r}, expected local:N for N processes, the address tcp://HOST:PORT of a scheduler of "
        "dask, or slurm:FILE with a file that describes the jobs."
    )


def each_on(cluster: str | None, *, stage: str, report: Report, counting: bool = False) -> Each:
    """Return what goes through several things for `treat_all`, all of them by the same work.

    The work is called with a thing and a report: here, one after the other, or on a cluster, all at once.

    Args:
        cluster: see `executor_of`; None does it here.
        stage: what is being done, for progress.
        report: told how far all of it is, and the notices of the work.
        counting: whether to tell here, too, how many are done, as the work itself does not tell how far it is.

    Raises:
        ArgumentError: see `executor_of`.
    """
    if cluster is not None:
        return partial(treat_spread, executor=executor_of(cluster), stage=stage, report=report)

    def here(
        items: Sequence[Item], work: Work[Item, Result], *, name: Callable[[Item], str] = str
    ) -> tuple[list[Result], dict[str, PosecutError]]:
        numbers = iter(range(1, len(items) + 1))

        def treat(item: Item) -> Result:
            try:
                return work(item, report)
            finally:
                done = next(numbers)
                if counting:
                    report(Progress(stage, done, len(items)))

        return treat_each(items, treat, name=name)

    return here


def treat_spread(
    items: Sequence[Item],
    work: Work[Item, Result],
    *,
    executor: "Processes | Dask",
    stage: str,
    report: Report,
    name: Callable[[Item], str] = str,
) -> tuple[list[Result], dict[str, PosecutError]]:
    """Do something with each of several things on a cluster, and go on where one fails, as `treat_each` does.

    Args:
        items: the things.
        work: does it with one; a function of a module, or a partial of one, as workers import it.
        executor: what workers it has, see `executor_of`.
        stage: what is being done, for progress.
        report: told how many are done, and the notices of the workers.
        name: what a thing is called.

    Returns:
        what came out of those that did not fail, in their order, and why the others did, by name.

    Raises:
        ArgumentError: an argument is wrong, for each of them.
        StorageError: the disk is full.
    """
    outcomes: dict[int, Outcome] = {}
    underway: dict[int, Progress] = {}
    with closing(executor.run(work, items)) as running:
        for place, outcome in running:
            if isinstance(outcome, Progress):
                underway[place] = outcome
                report(Progress(stage, len(outcomes), len(items), _together(underway.values())))
                continue
            outcomes[place] = outcome
            underway.pop(place, None)
            for notice in outcome.notices:
                report(notice)
            error = outcome.error
            if isinstance(error, ArgumentError) or (isinstance(error, StorageError) and error.is_full):
                raise error
            report(Progress(stage, len(outcomes), len(items), _together(underway.values())))
    ordered = [(item, outcomes[place]) for place, item in enumerate(items)]
    failed = {name(item): outcome.error for item, outcome in ordered if outcome.error is not None}
    return [outcome.result for _, outcome in ordered if outcome.error is None], failed


def _together(underway: Iterable[Progress]) -> dict[str, float]:
    """Add up how fast workers are, as far as they say."""
    rates = [told.values for told in underway]
    known = {rate: [values[rate] for values in rates if rate in values] for rate in _RATES}
    return {rate: sum(values) for rate, values in known.items() if values}


def outcome_of(work: Work[Any, Any], item: Any, tell: Callable[[Progress], None] | None = None) -> Outcome:
    """Do the work with one thing, in a worker; `tell` hears now and then how far it is."""
    notices: list[Notice] = []
    told_at = 0.0

    def report(told: Progress | Notice) -> None:
        nonlocal told_at
        if isinstance(told, Notice):
            notices.append(told)
        elif tell is not None and time.monotonic() - told_at >= _TOLD:
            told_at = time.monotonic()
            tell(told)

    try:
        return Outcome(work(item, report), notices=tuple(notices))
    except PosecutError as error:
        return Outcome(error=error, notices=tuple(notices))
    except Exception as error:
        return Outcome(error=_unexpected(error), notices=tuple(notices))


def _unexpected(error: BaseException) -> PosecutError:
    said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return PosecutError(f"Unexpected error in a worker: {said}.")


# --- processes --------------------------------------------------------------------------------------------------------
# Of this computer. They are no copies of this one, as a copy of a process in which JAX runs would stand still: on Linux
# they are copies of one that has imported what the work needs, and nothing more; elsewhere they are started anew.


_START = "forkserver" if sys.platform == "linux" else "spawn"


@dataclass(frozen=True)
class Processes:
    """So many processes of this computer."""

    count: int

    def run(self, work: Work[Any, Any], items: Sequence[Any]) -> Told:
        """Yield what came of each item, and how far those are that are underway; a process that dies is replaced."""
        waiting, tries = deque(range(len(items))), Counter[int]()
        idle: list[_Worker] = []
        busy: dict[connection.Connection, tuple[_Worker, int]] = {}
        try:
            while waiting or busy:
                while waiting and len(busy) < self.count:
                    worker = idle.pop() if idle else _Worker.started(work)
                    place = waiting.popleft()
                    busy[worker.pipe] = worker, place
                    with suppress(OSError):  # a dead one is found below
                        worker.pipe.send(items[place])
                for pipe in connection.wait([*busy]):
                    assert isinstance(pipe, connection.Connection)
                    worker, place = busy.pop(pipe)
                    try:
                        outcome = pipe.recv()
                    except (EOFError, OSError):
                        worker.end()
                        tries[place] += 1
                        if tries[place] < _TRIES:
                            waiting.append(place)  # last: what kills workers is not at it again at once
                        else:
                            yield place, Outcome(error=_killer(_TRIES))
                    else:
                        if isinstance(outcome, Progress):
                            busy[pipe] = worker, place
                        else:
                            idle.append(worker)
                        yield place, outcome
        finally:
            for worker in (*idle, *(worker for worker, _ in busy.values())):
                worker.end()


@dataclass(frozen=True)
class _Worker:
    """A process, and the pipe to it."""

    process: multiprocessing.process.BaseProcess
    pipe: connection.Connection

    @classmethod
    def started(cls, work: Work[Any, Any]) -> "_Worker":
        context: Any = multiprocessing.get_context(_START)  # its declared type knows no Process
        if _START == "forkserver":
            context.set_forkserver_preload([_module(work)])
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, work), daemon=True)
        process.start()
        theirs.close()  # else its end would not be heard
        return cls(process, ours)

    def end(self) -> None:
        """End the process; its work goes on from there another time."""
        self.pipe.close()
        self.process.terminate()
        self.process.join(10)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.process.close()


def _module(work: Work[Any, Any]) -> str:
    """Return the module of a function, or of that which a partial one calls."""
    return str(work.func.__module__ if isinstance(work, partial) else work.__module__)


def _serve(pipe: connection.Connection, work: Work[Any, Any]) -> None:
    """Do the work with whatever comes through the pipe, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for the parent, which ends this process then
    sys.stdout = sys.stderr  # stdout is for results
    with suppress(EOFError, OSError):
        while True:
            pipe.send(outcome_of(work, pipe.recv(), pipe.send))


def _killer(workers: int) -> PosecutError:
    return StorageError(
        f"{workers} workers ended at it, one after the other, as if memory did not suffice; use fewer workers, or do "
        "it alone."
    )


# --- dask -------------------------------------------------------------------------------------------------------------
# A scheduler that runs already, or one that submits jobs to SLURM.


@dataclass(frozen=True)
class Dask:
    """Workers of dask: at an address, or jobs with these settings."""

    place: str | dict[str, Any]

    def __post_init__(self) -> None:
        """Refuse to begin without the packages.

        Raises:
            ArgumentError: they are not installed.
        """
        try:
            import distributed  # noqa: F401
        except ImportError as error:
            raise ArgumentError(
                "A cluster of dask needs distributed, which is not installed here; install it with: pip install "
                "'posecut[cluster]'"
            ) from error

    def run(self, work: Work[Any, Any], items: Sequence[Any]) -> Told:
        """Yield what came of each item; dask gives what a dead worker was at to another one.

        A scheduler that is started again has forgotten everything, and is given again what is not done.

        Raises:
            ArgumentError: no scheduler answers.
        """
        places: Sequence[int] = range(len(items))
        patience = _WAITING
        while places:
            forgotten: list[int] = []
            with _untold(), self._client(patience) as client:
                for place, outcome in self._submitted(client, work, items, places):
                    if outcome is None:
                        forgotten.append(place)
                    else:
                        yield place, outcome
            places, patience = sorted(forgotten), _RETURN

    @contextmanager
    def _client(self, patience: str) -> Iterator[Any]:
        from distributed import Client

        if isinstance(self.place, dict):
            with _slurm(self.place) as cluster, Client(cluster) as client:
                yield client
            return
        try:
            client = Client(self.place, timeout=patience)
        except (OSError, ValueError, TypeError, AssertionError) as error:  # as dask says of hosts, ports, certificates
            raise ArgumentError(
                f"No scheduler of dask answers at {self.place}, expected a running one; start it, or correct the "
                "address."
            ) from error
        with client:
            yield client

    def _submitted(
        self, client: Any, work: Work[Any, Any], items: Sequence[Any], places: Sequence[int]
    ) -> Iterator[tuple[int, Outcome | None]]:
        """Yield what came of some of the items; None where the scheduler forgot one."""
        from distributed import CancelledError, KilledWorker, as_completed
        from distributed.client import ClosedClientError  # which it is where the scheduler stays away
        from distributed.protocol.serialize import serialize_bytes

        # The work goes to each worker once, as a task of its own that is done again where it was lost. It goes as
        # bytes: importing what it needs takes seconds, in which a worker's end would be blamed on all that waits.
        given = client.submit(bytes, serialize_bytes(work), pure=False)
        waiting = iter(places)
        futures: dict[Any, int] = {}
        forgotten: list[int] = []
        running = as_completed()

        def submit(count: int) -> None:
            for place in islice(waiting, count):
                try:
                    future = client.submit(_outcome_of, given, items[place], pure=False)
                except ClosedClientError:
                    forgotten.append(place)
                else:
                    futures[future] = place
                    running.add(future)

        submit(_AHEAD)
        try:
            for future in running:
                place = futures.pop(future)
                try:
                    error = future.exception()  # waits where a result died with its worker and is made again
                    if isinstance(error, KilledWorker) and error.task == given.key:
                        outcome = None  # it was not at it yet
                    else:
                        outcome = future.result() if error is None else Outcome(error=_failure(error))
                except (CancelledError, OSError, TimeoutError):
                    outcome = None
                yield place, outcome
                future.release()
                submit(0 if outcome is None else 1)
            yield from ((place, None) for place in (*forgotten, *waiting))
        finally:
            with suppress(ClosedClientError):
                client.cancel([*futures])


@contextmanager
def _untold() -> Iterator[None]:
    """Keep dask from printing tracebacks where a scheduler goes away, which is what we wait out."""
    with quieted("distributed", below=logging.CRITICAL), quieted("distributed.client", below=logging.CRITICAL):
        yield


def _outcome_of(given: bytes, item: Any) -> Outcome:
    from distributed.protocol.serialize import deserialize_bytes

    return outcome_of(deserialize_bytes(given), item)


def _failure(error: BaseException) -> PosecutError:
    """Say why dask did not get a result: workers that died, or one that could not even begin."""
    from distributed import KilledWorker

    return _killer(error.allowed_failures + 1) if isinstance(error, KilledWorker) else _unexpected(error)


def _slurm_settings(path: Path) -> dict[str, Any]:
    """Read how jobs are to be submitted: what dask_jobqueue.SLURMCluster takes, and `jobs`, their number.

    Raises:
        ArgumentError: it does not say how many jobs.
    """
    try:
        settings = dict(load_mapping(read_yaml(path), path))
    except PosecutError as error:
        raise ArgumentError(str(error)) from error
    jobs = settings.get("jobs")
    if not isinstance(jobs, int) or isinstance(jobs, bool) or jobs < 1:
        raise ArgumentError(f"{path} has jobs: {jobs!r}, expected how many jobs to submit, 1 or more; add a line.")
    return settings


def _slurm(settings: dict[str, Any]) -> Any:
    """Begin a scheduler that submits jobs.

    Raises:
        ArgumentError: dask_jobqueue is not installed, or does not take the settings.
    """
    given = {name: value for name, value in settings.items() if name != "jobs"}
    on_interrupt = signal.getsignal(signal.SIGINT)
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError as error:
        raise ArgumentError(
            "Jobs of SLURM need dask_jobqueue, which is not installed here; install it with: pip install "
            "'posecut[cluster]'"
        ) from error
    finally:
        signal.signal(signal.SIGINT, on_interrupt)  # which dask_jobqueue takes for itself when it is imported
    try:
        # Any free port for the pages of dask: its usual one is taken where two people share a login node.
        given["scheduler_options"] = {"dashboard_address": ":0", **(given.get("scheduler_options") or {})}
        cluster = SLURMCluster(**given)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"Jobs of SLURM cannot be described by {given}, expected cores, memory and what else the SLURMCluster of "
            "dask_jobqueue takes; correct the file."
        ) from error
    cluster.scale(jobs=settings["jobs"])
    return cluster
