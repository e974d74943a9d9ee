"""Ctrl-C and SIGTERM stop work where it is safe."""

import signal
import socket
import subprocess
import sys
import threading
from datetime import datetime, timedelta

import pytest

from posecut_core.errors import Remedy
from posecut_core.progress import (
    _HEARD,
    Notice,
    Progress,
    _watch,
    deferred_interrupt,
    ended_at_once,
    rough_clock,
    silent,
)


def test_a_report_says_what_is_known():
    """Total and values may be unknown; reports are values and cannot be changed."""
    progress = Progress("reading", 3)
    assert (progress.total, dict(progress.values)) == (None, {})
    assert progress == Progress("reading", 3)
    with pytest.raises(AttributeError):
        progress.done = 4
    assert silent(progress) is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_interrupt_is_noticed_and_the_second_one_stops(number):
    """Work sees the first Ctrl-C or SIGTERM as a flag and goes on; a Ctrl-C after it is a KeyboardInterrupt."""
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    with deferred_interrupt() as interrupted:
        assert not interrupted()
        signal.raise_signal(number)
        assert interrupted()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert interrupted()
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before


def test_the_old_behavior_returns_also_after_an_error():
    """Whatever ends the work, Ctrl-C then does what it did before."""
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(RuntimeError), deferred_interrupt():
        raise RuntimeError
    assert signal.getsignal(signal.SIGINT) is before


def test_other_threads_change_nothing():
    """Where signals cannot be caught the work runs, and is never interrupted."""
    before, seen = signal.getsignal(signal.SIGINT), []

    def work():
        with deferred_interrupt() as interrupted:
            seen.append((interrupted(), signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(False, before)]


def test_what_is_ignored_stays_ignored():
    """Kind: a program that was started deaf to Ctrl-C, as by nohup, and that hears it all the same; SIGTERM counts."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with ended_at_once(lambda: pytest.fail("ended")), deferred_interrupt() as interrupted:
            signal.raise_signal(signal.SIGINT)
            assert (interrupted(), signal.getsignal(signal.SIGINT)) == (False, signal.SIG_IGN)
            signal.raise_signal(signal.SIGTERM)
            assert interrupted()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


DEAF = """
import ctypes, os, signal, sys, threading
from posecut_core.progress import ended_at_once
def end():
    print("ended", flush=True)
    os._exit(130)
def kill():
    gate.acquire()  # until the main thread is away
    os.kill(os.getpid(), signal.SIGTERM)
libc, mutex, gate = ctypes.CDLL(None), (ctypes.c_char * 256)(), threading.Lock()
libc.pthread_mutex_lock(mutex)
gate.acquire()
threading.Thread(target=kill, daemon=True).start()
sys.setswitchinterval(1000)  # nobody else runs before the main thread waits
with ended_at_once(end, patience=0.05):
    gate.release()
    libc.pthread_mutex_lock(mutex)  # as a compiler does, which returns a minute later
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a main thread that hears nothing, by a mutex of the C library")
def test_work_that_hears_nothing_is_ended():
    """Kind: a signal that waits for the main thread, which compiles for a minute; another thread ends the program."""
    ended = subprocess.run([sys.executable, "-c", DEAF], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (130, "ended\n"), ended.stderr


def test_work_that_hears_is_interrupted_and_not_ended():
    """What the main thread hears itself is a KeyboardInterrupt; afterwards everything is as it was."""
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    for number in (signal.SIGINT, signal.SIGTERM):
        with pytest.raises(KeyboardInterrupt), ended_at_once(lambda: pytest.fail("ended")):
            signal.raise_signal(number)
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before
    assert signal.set_wakeup_fd(-1) == -1


@pytest.fixture
def late_watcher(monkeypatch):
    """A lock that holds every thread that watches signals back until it is released."""
    gate, receive = threading.Semaphore(0), socket.socket.recv

    def recv(self, size):
        with gate:
            return receive(self, size)

    monkeypatch.setattr(socket.socket, "recv", recv)
    return gate


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_was_heard_ends_nothing_however_late_the_watcher_looks(late_watcher, number):
    """Kind: a watcher that judges by how things are when it looks. Work that stops where it is safe is not killed."""
    ended = []
    with ended_at_once(lambda: ended.append(True), patience=0.0):
        with deferred_interrupt() as interrupted:
            signal.raise_signal(number)
            assert interrupted()
        late_watcher.release()
    assert not ended


@pytest.mark.parametrize(
    "arrives",
    [
        [2, _HEARD],
        [2, 15, 2, _HEARD],  # several were heard as one
        [_HEARD, 2],  # another thread had received it
        [28, 2, _HEARD, 28],  # nobody tells of 28
        [_HEARD, 28, 2],
    ],
)
def test_what_arrives_says_whether_a_signal_was_heard(arrives):
    """A number that is followed by _HEARD, or was told of just before, ends nothing; how late it is read is all one."""
    arrived, written = socket.socketpair()
    with arrived, written:
        written.sendall(bytes(arrives))
        written.close()
        _watch(arrived, lambda number: None if number == 28 else 0.0, lambda: pytest.fail("ended"))


def test_a_signal_after_one_that_was_heard_is_watched_too():
    """Kind: one answer that counts for two. The second signal, unheard, ends the program, and a third one again."""
    arrived, written = socket.socketpair()
    ended = []

    def end():
        ended.append(True)
        written.send(bytes([2])) if len(ended) == 1 else written.close()

    with arrived, written:
        written.send(bytes([2, _HEARD, 2]))
        _watch(arrived, lambda number: 0.0, end)
    assert len(ended) == 2


def test_an_interrupt_that_a_destructor_swallows_comes_again():
    """Kind: Python lets no exception leave a destructor or a callback of the garbage collector, as JAX has one."""

    class Interrupted:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)

    def work():
        Interrupted()
        threading.Event().wait(60)

    with pytest.raises(KeyboardInterrupt), ended_at_once(pytest.fail):
        work()


def test_a_program_that_handles_interrupts_itself_is_left_alone(monkeypatch):
    """Where the handler is not Python's, as inside R, nothing is replaced."""
    monkeypatch.setattr(signal, "getsignal", lambda number: None)
    monkeypatch.setattr(signal, "signal", lambda number, handler: pytest.fail("a handler was replaced"))
    with deferred_interrupt() as interrupted:
        assert not interrupted()


def test_a_notice_reads_as_a_sentence():
    """A notebook prints what is said and the calls that help."""
    assert str(Notice("Nothing is labeled")) == "Nothing is labeled"
    told = Notice("Nothing is labeled", (Remedy("extract_frames", config="/p"), Remedy("doctor")))
    assert str(told) == ("Nothing is labeled. Try: posecut_core.extract_frames(config='/p') or posecut_core.doctor()")


@pytest.mark.parametrize(
    ("minutes", "said"), [(0, "14:00"), (21, "14:25"), (599, "Sunday, 00:00"), (60 * 24 * 8, "2026-02-08")]
)
def test_an_end_is_said_as_people_do(minutes, said):
    """Today's time, to the next five minutes, another day's with its name, or a date."""
    now = datetime(2026, 1, 31, 14, 0)
    assert rough_clock(now + timedelta(minutes=minutes), now=now) == said
