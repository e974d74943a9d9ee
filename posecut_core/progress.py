"""How long work tells what it does: a value per step, handed to a function of the caller's choice.

The caller may raise `KeyboardInterrupt` from its function to cancel; work then stops in a state from which it goes on.
"""

import logging
import math
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import FrameType

from posecut_core.errors import PosecutError, Remedy


@dataclass(frozen=True)
class Notice:
    """A sentence for the person who waits: the heading of a step, or something worth knowing that stops nothing."""

    text: str
    remedies: tuple[Remedy, ...] = ()  # steps of which any one helps

    def __str__(self) -> str:
        """Write it as a notebook shows it, with what helps as calls."""
        return f"{self.text}. Try: {' or '.join(map(str, self.remedies))}" if self.remedies else self.text

    @classmethod
    def of(cls, error: PosecutError) -> "Notice":
        """Make a notice of an error that stops nothing."""
        return cls(str(error).removesuffix("."), error.remedies)


@dataclass(frozen=True)
class Progress:
    """How far a running job is."""

    stage: str  # what is being done, in a user's words: "training", "reading m4s1.mp4"
    done: int  # units finished so far
    total: int | None = None  # units in all, where known
    values: Mapping[str, float] = field(default_factory=dict)  # loss, steps_per_s, seconds_left, frames_per_s ...


Report = Callable[[Progress | Notice], None]


def silent(report: Progress | Notice) -> None:
    """Ignore a report; the default of every function that takes one."""


def rough_time(seconds: float) -> str:
    """Say a duration as people do: 45 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def rough_clock(moment: datetime, *, now: datetime) -> str:
    """Say when something ends, to five minutes: 14:30, the next days with the day of the week, then the date."""
    moment = datetime.min + timedelta(minutes=5 * math.ceil((moment - datetime.min) / timedelta(minutes=5)))
    days = (moment.date() - now.date()).days
    return f"{moment:%H:%M}" if days < 1 else f"{moment:%A, %H:%M}" if days < 7 else f"{moment:%Y-%m-%d}"


@contextmanager
def quieted(logger: str, *, below: int) -> Iterator[None]:
    """Keep another library from logging what is below a level while it is called here, and only then."""
    log = logging.getLogger(logger)
    before = log.level
    log.setLevel(below)
    try:
        yield
    finally:
        log.setLevel(before)


class _Watching:
    """What the handlers of signals and the thread that watches them (`ended_at_once`) know of each other."""

    deferring = False  # whether work has asked for time to stop where it is safe
    written: socket.socket | None = None  # where the numbers of signals arrive, and after them that they were heard


_HEARD = 0  # no signal has this number
_AGAIN = 0.05  # seconds after which a lost interrupt is raised again


def interrupts() -> tuple[int, ...]:
    """List the signals that stop work: Ctrl-C and SIGTERM, without those that the program was started to ignore.

    `nohup` and the `&` of a script start programs deaf to Ctrl-C, which is meant for others then.
    """
    return tuple(
        number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) not in (signal.SIG_IGN, None)
    )


@contextmanager
def deferred_interrupt() -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C or SIGTERM only be noticed, so that work can stop where it is safe; the next one counts.

    Yields a function that tells whether one came. Nothing is changed outside the main thread, inside another program
    that handles Ctrl-C itself, and about signals that are ignored.
    """
    before = {number: signal.getsignal(number) for number in interrupts()}
    if not before or threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    asked: list[bool] = []

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)
        _Watching.deferring = False

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(True)
        _tell_heard()
        restore()

    try:
        _Watching.deferring = True
        for number in before:
            signal.signal(number, note)
        yield lambda: bool(asked)
    finally:
        restore()


@contextmanager
def ended_at_once(end: Callable[[], None], *, patience: float = 3.0) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM stop work also while the main thread is deaf, as when it compiles for a minute.

    Each raises KeyboardInterrupt. Python does that between two lines of the main thread; where it has not come to that
    after `patience` seconds, and no work has asked for time (`deferred_interrupt`), another thread calls `end`, which
    ends the program. Files are then as after a kill, from which every step goes on. Where the interrupt is raised in a
    destructor or a callback of the garbage collector, which Python lets nothing leave, it is raised again. Nothing is
    changed outside the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in interrupts()}

    def stop(number: int, frame: FrameType | None) -> None:
        _tell_heard()
        raise KeyboardInterrupt

    def lost(unraisable: "sys.UnraisableHookArgs") -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt) and before:
            threading.Timer(_AGAIN, _send, (next(iter(before)),)).start()
        else:
            hook(unraisable)

    def limit(number: int) -> float | None:
        """Tell for how many seconds a signal may stay unheard; None for one whose handler does not tell."""
        if _Watching.deferring:
            return math.inf
        return patience if signal.getsignal(number) is stop else None

    arrived, written = socket.socketpair()
    written.setblocking(False)
    watcher = threading.Thread(target=_watch, args=(arrived, limit, end), name="interrupts", daemon=True)
    watcher.start()
    other = signal.set_wakeup_fd(written.fileno(), warn_on_full_buffer=False)
    outer, _Watching.written = _Watching.written, written
    hook, sys.unraisablehook = sys.unraisablehook, lost
    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(other)
        _Watching.written = outer
        written.close()
        watcher.join()
        arrived.close()


def _send(number: int) -> None:
    """Send a signal to the main thread, so that it also ends a wait there."""
    if sys.platform == "win32":
        signal.raise_signal(number)
    else:
        signal.pthread_kill(threading.main_thread().ident or 0, number)


def _tell_heard() -> None:
    """Say behind the numbers of signals that the main thread has heard them; a handler calls it."""
    if _Watching.written is not None:
        with suppress(OSError):  # full of signals that nobody has read yet
            _Watching.written.send(bytes([_HEARD]))


def _watch(arrived: socket.socket, limit: Callable[[int], float | None], end: Callable[[], None]) -> None:
    """Call `end` where a signal is not heard within its limit, until the other side is closed.

    Several signals may be heard as one, so what stands before _HEARD was heard. Where the system gave a signal to
    another thread, the main thread may have heard it just before its number arrives.
    """
    ahead = False
    while received := arrived.recv(1):
        if received[0] == _HEARD:
            ahead = True
            continue
        allowed = limit(received[0])
        if allowed is not None and not ahead and not _heard_within(arrived, allowed):
            end()
        ahead = ahead and allowed is None


def _heard_within(arrived: socket.socket, seconds: float) -> bool:
    """Read until _HEARD, and tell whether it came in time; where nothing can come any more there is nothing to end."""
    until = time.monotonic() + seconds
    try:
        while True:
            arrived.settimeout(None if math.isinf(seconds) else max(until - time.monotonic(), 0.0))
            if arrived.recv(1) in (bytes([_HEARD]), b""):
                return True
    except (TimeoutError, BlockingIOError):
        return False
    finally:
        arrived.settimeout(None)
