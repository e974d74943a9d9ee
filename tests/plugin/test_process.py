"""Processes of their own, known by their number and what they work on."""

import os
import platform
import signal
import sys

import psutil
import pytest

from napari_posecut.jobs.files import Process, launch


@pytest.fixture
def child(tmp_path):
    """A process that waits."""
    started = launch(
        [sys.executable, "-c", "import threading; threading.Event().wait()", "/jobs/mark-7"], output=tmp_path / "out"
    )
    known = Process(platform.node(), started.pid, "mark-7")
    for _ in range(10**6):
        if known.is_alive:  # the system has no command line of it for a moment
            break
        os.sched_yield()
    yield started
    started.kill()
    started.wait()


def test_a_process_is_known_by_its_number_and_last_argument(child):
    """Neither the number alone nor the same number on another computer is enough.

    Kind: a name that is looked for anywhere in a text. A process with a name in its path, or in its code, has another.
    """
    assert Process(platform.node(), child.pid, "mark-7").is_alive
    assert not any(
        Process(platform.node(), child.pid, name).is_alive for name in ("mark-8", "mark", "thread", "jobs", "")
    )
    assert not Process("elsewhere", child.pid, "mark-7").is_alive


def test_a_process_that_nobody_has_buried_does_not_live(child):
    """Its number stays taken until whoever started it looks; it has ended all the same."""
    process = Process(platform.node(), child.pid, "mark-7")
    process.stop()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not process.is_alive
    process.stop()
    process.kill()


def test_a_session_of_its_own(child):
    """Ctrl-C in the terminal of the window does not reach it."""
    assert os.getsid(child.pid) == child.pid != os.getsid(0)


def test_killing_ends_what_it_has_started_too(tmp_path):
    """Workers of a library do not go on alone."""
    code = (
        "import subprocess, sys, threading\n"
        "worker = subprocess.Popen([sys.executable, '-c', 'import threading; threading.Event().wait()'])\n"
        "print(worker.pid, flush=True)\nthreading.Event().wait()"
    )
    output = tmp_path / "out"
    started = launch([sys.executable, "-c", code, "mark-9"], output=output)
    for _ in range(10**6):
        if output.read_bytes().endswith(b"\n"):
            break
        os.sched_yield()
    worker = psutil.Process(int(output.read_bytes()))
    Process(platform.node(), started.pid, "mark-9").kill()
    assert started.wait(60) == -signal.SIGKILL
    assert psutil.wait_procs([worker], timeout=60) == ([worker], []) or worker.status() == psutil.STATUS_ZOMBIE
