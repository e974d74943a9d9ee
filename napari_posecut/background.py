"""Work of some seconds that needs no process of its own: a thread does it, and the window stays alive meanwhile."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from qtpy.QtCore import QEventLoop, QTimer

Value = TypeVar("Value")

_SOON = 0.03  # seconds that nobody notices
_LOOK = 20  # milliseconds between two looks at whether it is done


def in_background(work: Callable[[], Value]) -> Value:
    """Run `work` on a thread, let the window draw itself meanwhile, and return the result or raise what it raised.

    Keys and the mouse wait until it is done, so that nothing else changes what it works on.
    """
    with ThreadPoolExecutor(max_workers=1) as thread:
        future = thread.submit(work)
        if not _done_soon(future):
            loop, timer = QEventLoop(), QTimer()
            timer.timeout.connect(lambda: loop.quit() if future.done() else None)
            timer.start(_LOOK)
            loop.exec(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
            timer.stop()
        return future.result()


def _done_soon(future: "Future[Value]") -> bool:
    try:
        future.exception(timeout=_SOON)
    except TimeoutError:
        return False
    return True
