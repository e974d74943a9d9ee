"""Ctrl-C and SIGTERM stop work where it is safe."""

import signal
import threading

import pytest

from posecut_core.progress import Progress, deferred_interrupt, silent


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


def test_the_old_behaviour_returns_also_after_an_error():
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


def test_a_program_that_handles_interrupts_itself_is_left_alone(monkeypatch):
    """Where the handler is not Python's, as inside R, nothing is replaced."""
    monkeypatch.setattr(signal, "getsignal", lambda number: None)
    monkeypatch.setattr(signal, "signal", lambda number, handler: pytest.fail("a handler was replaced"))
    with deferred_interrupt() as interrupted:
        assert not interrupted()
