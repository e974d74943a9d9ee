"""How long work tells what it does: a value per step, handed to a function of the caller's choice.

The caller may raise `KeyboardInterrupt` from its function to cancel; work then stops in a state from which it goes on.
"""

import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType


@dataclass(frozen=True)
class Progress:
    """One report of a running job."""

    stage: str  # what is being done, in a user's words: "training", "reading m4s1.mp4"
    done: int  # units finished so far
    total: int | None = None  # units in all, where known
    values: Mapping[str, float] = field(default_factory=dict)  # loss, steps_per_s, seconds_left, frames_per_s ...


Report = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """Ignore a report; the default of every function that takes one."""


class _Deferring:
    """Whether work has asked for time to stop where it is safe."""

    now = False


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
        _Deferring.now = False
        for number, handler in before.items():
            signal.signal(number, handler)

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(True)
        restore()

    for number in before:
        signal.signal(number, note)
    _Deferring.now = True
    try:
        yield lambda: bool(asked)
    finally:
        restore()


@contextmanager
def ended_at_once(end: Callable[[], None], *, patience: float = 3.0) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM stop work also while the main thread is deaf, as when it compiles for a minute.

    Each raises KeyboardInterrupt. Python does that between two lines of the main thread; where it has not come to that
    after `patience` seconds, and no work has asked for time (`deferred_interrupt`), another thread calls `end`, which
    ends the program. Files are then as after a kill, from which every step goes on. Nothing is changed outside the
    main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in interrupts()}
    heard = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        heard.set()
        raise KeyboardInterrupt

    def watch() -> None:
        while received := arrived.recv(1):
            ours = signal.getsignal(received[0]) is stop
            if ours and not _Deferring.now and not heard.wait(patience):
                end()
            heard.clear()

    arrived, written = socket.socketpair()
    written.setblocking(False)
    watcher = threading.Thread(target=watch, name="interrupts", daemon=True)
    watcher.start()
    other = signal.set_wakeup_fd(written.fileno(), warn_on_full_buffer=False)
    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(other)
        written.close()
        watcher.join(patience)
        arrived.close()
