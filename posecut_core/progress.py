"""How long work tells what it does: a value per step, handed to a function of the caller's choice.

The caller may raise `KeyboardInterrupt` from its function to cancel; work then stops in a state from which it goes on.
"""

import signal
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


@contextmanager
def deferred_interrupt() -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C or SIGTERM only be noticed, so that work can stop where it is safe; the next one counts.

    Yields a function that tells whether one came. Nothing is changed outside the main thread, and inside another
    program that handles Ctrl-C itself.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    if None in before.values() or threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    asked: list[bool] = []

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(True)
        restore()

    for number in before:
        signal.signal(number, note)
    try:
        yield lambda: bool(asked)
    finally:
        restore()
