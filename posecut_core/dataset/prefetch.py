"""Values that are made in a thread, a few ahead of where they are taken."""

import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

_WAITING = 2  # made ahead: enough to keep both sides busy, little enough for large frames
_PATIENCE = 0.1  # seconds after which a waiting thread looks whether it is still needed

Value = TypeVar("Value")


@contextmanager
def made_ahead(source: Iterable[Value], *, name: str) -> Iterator[Iterator[Value]]:
    """Run `source` in a thread of that `name`; its errors arise where the values are taken.

    The values and their order are those of `source`. The thread has ended when the block is left, however it is left.
    """
    waiting: queue.Queue[tuple[Value] | BaseException | None] = queue.Queue(maxsize=_WAITING)
    stopped = threading.Event()
    thread = threading.Thread(target=_fill, args=(source, waiting, stopped), name=name, daemon=True)
    thread.start()
    try:
        yield _taken(waiting)
    finally:
        stopped.set()
        thread.join()


def _fill(
    source: Iterable[Value],
    waiting: "queue.Queue[tuple[Value] | BaseException | None]",
    stopped: threading.Event,
) -> None:
    try:
        for value in source:
            if not _put(waiting, (value,), stopped):
                return
        _put(waiting, None, stopped)
    except BaseException as error:  # handed on, whatever it is: the other thread raises it
        _put(waiting, error, stopped)


def _put(
    waiting: "queue.Queue[tuple[Value] | BaseException | None]",
    item: tuple[Value] | BaseException | None,
    stopped: threading.Event,
) -> bool:
    """Queue an item as soon as there is room; give up and return False once nobody takes items any more."""
    while not stopped.is_set():
        try:
            waiting.put(item, timeout=_PATIENCE)
            return True
        except queue.Full:
            continue
    return False


def _taken(waiting: "queue.Queue[tuple[Value] | BaseException | None]") -> Iterator[Value]:
    while (item := waiting.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item[0]
