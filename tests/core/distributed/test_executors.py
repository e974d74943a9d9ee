"""The same comes of many things, whoever does them, and whoever dies."""

import logging
import os
import signal
import socket
from contextlib import suppress
from functools import partial
from importlib.util import find_spec

import pytest

from posecut_core.distributed import executors
from posecut_core.distributed.executors import each_on, executor_of, treat_spread
from posecut_core.errors import ArgumentError
from posecut_core.progress import Notice, Progress, silent
from tests.worked import Loaded, work, work_with


def test_processes_do_all_and_go_on_where_one_fails_or_dies(tmp_path):
    """Results keep their order; a process that is killed is replaced; what fails has a sentence; notices arrive."""
    items = [3, "fails", ("die", str(tmp_path)), "told", 4, "always", "unforeseen"]
    heard = []
    done, failed = treat_spread(items, work, executor=executor_of("local:2"), stage="squaring", report=heard.append)
    assert done == [9, "lived", "told", 16]
    assert set(failed) == {"fails", "always", "unforeseen"}
    assert "3 workers" in str(failed["always"])
    assert "ZeroDivisionError" in str(failed["unforeseen"])
    assert Notice("a word") in heard
    assert heard[-1] == Progress("squaring", 7, 7)


def test_a_wrong_argument_stops_all():
    """It would be wrong for each of them."""
    with pytest.raises(ArgumentError, match="wrong"):
        treat_spread(["argument", 3], work, executor=executor_of("local:1"), stage="squaring", report=silent)


@pytest.mark.parametrize("cluster", ["local", "local:0", "local:x", "nowhere", "slurm:", ""])
def test_what_is_no_cluster_is_refused(cluster):
    """The sentence says what would be one."""
    with pytest.raises(ArgumentError, match="slurm:FILE"):
        executor_of(cluster)
    with pytest.raises(ArgumentError, match="slurm:FILE"):
        each_on(cluster, stage="squaring", report=silent)


def test_a_description_of_jobs_says_how_many(tmp_path):
    """Jobs cost money: no number is guessed."""
    path = tmp_path / "slurm.yaml"
    path.write_text("cores: 1\n")
    with pytest.raises(ArgumentError, match="jobs: None"):
        executor_of(f"slurm:{path}")


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_workers_of_dask_do_the_same(tmp_path, monkeypatch):
    """A worker that is killed is replaced by dask, and another one does what it was at.

    The scheduler knows of two things at a time, as its memory would grow with all of them.
    """
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(executors, "_AHEAD", 2)
    monkeypatch.setattr(executors, "_WAITING", "120s")
    items = [3, "fails", ("die", str(tmp_path)), "told", 4]
    heard = []
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": 50}
    with distributed.LocalCluster(**options) as cluster:
        address = cluster.scheduler_address
        done, failed = treat_spread(items, work, executor=executor_of(address), stage="squaring", report=heard.append)
    assert done == [9, "lived", "told", 16]
    assert set(failed) == {"fails"}
    assert Notice("a word") in heard


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_killed_worker_is_not_blamed_on_what_waits(tmp_path, monkeypatch):
    """The work travels once for all things; where a worker dies while it loads what that needs, all would be blamed.

    Dask blames what the worker had been given, which is at first the next thing too.
    """
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(executors, "_WAITING", "120s")
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": 50}
    with distributed.LocalCluster(**options) as cluster:
        cluster.scheduler.allowed_failures = 0
        loading = partial(work_with, Loaded(str(tmp_path)))
        address = cluster.scheduler_address
        done, failed = treat_spread(
            [2, 3, 4, 5, 6], loading, executor=executor_of(address), stage="squaring", report=silent
        )
    assert len(done) >= 3
    assert 1 <= len(failed) <= 2


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_scheduler_that_is_started_again_is_given_what_it_forgot(monkeypatch):
    """What is done stays done; where it stays away, a sentence says so, and dask logs no traceback of its own."""
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(executors, "_AHEAD", 1)
    monkeypatch.setattr(executors, "_WAITING", "120s")
    monkeypatch.setattr(executors, "_RETURN", "200ms")
    options = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "protocol": "tcp://"}
    options |= {"silence_logs": 50, "dashboard_address": ":0"}
    clusters = [distributed.LocalCluster(**options)]
    address = clusters[0].scheduler_address
    heard = []

    log = logging.getLogger("distributed.client")

    def restart(told):
        heard.append(told)
        assert not log.isEnabledFor(logging.ERROR)
        if told.done in (1, 4):
            clusters.pop().close()
        if told.done == 1:
            port = int(address.rpartition(":")[2])
            clusters.append(distributed.LocalCluster(scheduler_port=port, **options))

    with pytest.raises(ArgumentError, match="No scheduler"):
        treat_spread([2, 3, 4, 5, 6], work, executor=executor_of(address), stage="squaring", report=restart)
    assert [told.done for told in heard] == [1, 2, 3, 4]
    assert log.isEnabledFor(logging.ERROR)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_jobs_of_slurm_do_the_same(tmp_path, monkeypatch):
    """With the commands of SLURM on the path, here scripts that run a job at once, jobs are submitted and ended.

    Ctrl-C means what it did before: dask_jobqueue ends a program by it without a word. Nobody is warned where another
    scheduler has the port of dask's pages.
    """
    if find_spec("dask_jobqueue") is None:
        pytest.skip("dask_jobqueue is not installed")
    on_interrupt = signal.getsignal(signal.SIGINT)
    ids = tmp_path / "ids"
    scripts = {
        # Like SLURM it keeps the file, which is deleted as soon as it returns.
        "sbatch": f'cp "$1" "{tmp_path}/job"; nohup sh "{tmp_path}/job" >"{tmp_path}/job.log" 2>&1 & '
        f'echo $! >>"{ids}"; echo "Submitted batch job $!"',
        "scancel": f'echo "$@" >>"{tmp_path}/ended"; kill "$@"',
        "squeue": "true",
    }
    for name, script in scripts.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    file = tmp_path / "slurm.yaml"
    lines = ["jobs: 1", "cores: 1", "memory: 1GB", "walltime: '00:10:00'", f"local_directory: {tmp_path}"]
    file.write_text("\n".join([*lines, ""]))
    with socket.socket() as other:
        with suppress(OSError):  # taken by another program, which is as good
            other.bind(("", 8787))
            other.listen()
        done, failed = treat_spread(
            [3, "fails"], work, executor=executor_of(f"slurm:{file}"), stage="squaring", report=silent
        )
    assert signal.getsignal(signal.SIGINT) is on_interrupt
    assert (done, set(failed)) == ([9], {"fails"})
    assert (tmp_path / "ended").read_text().split() == ids.read_text().split()


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "tcp://localhost"])
def test_no_scheduler_at_an_address_is_said(monkeypatch, address):
    """Nobody waits for minutes, and an address without a port is none."""
    pytest.importorskip("distributed")
    monkeypatch.setattr(executors, "_WAITING", "200ms")
    with pytest.raises(ArgumentError, match="No scheduler"):
        treat_spread([3], work, executor=executor_of(address), stage="squaring", report=silent)


def test_a_worker_of_dask_that_cannot_begin_says_why():
    """Memory is to blame only where workers died."""
    distributed = pytest.importorskip("distributed")
    told = str(executors._failure(ImportError("no module of this name")))
    assert told == "Unexpected error in a worker: ImportError: no module of this name."
    killed = distributed.KilledWorker("task", None, 3)
    assert "4 workers ended at it" in str(executors._failure(killed))


def test_what_is_underway_is_told(tmp_path):
    """Long work says how fast it is, all workers together, before the first thing is done."""
    heard = []
    done, _ = treat_spread(
        ["slow", "slow"], work, executor=executor_of("local:2"), stage="squaring", report=heard.append
    )
    assert done == ["slow", "slow"]
    assert {"frames_per_s": 5.0} in [told.values for told in heard if told.done == 0]
    assert heard[-1] == Progress("squaring", 2, 2)


def test_here_each_thing_reports_for_itself():
    """Without a cluster nothing is between the work and who listens; where the work tells nothing, it is counted."""
    heard = []
    done, failed = each_on(None, stage="squaring", report=heard.append)(["told", "fails", 3], work)
    assert (done, set(failed)) == (["told", 9], {"fails"})
    assert heard == [Notice("a word")]
    each_on(None, stage="squaring", report=heard.append, counting=True)([2, "fails"], work)
    assert heard[1:] == [Progress("squaring", 1, 2), Progress("squaring", 2, 2)]
