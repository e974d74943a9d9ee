"""Work of some seconds that needs no process of its own: a thread does it, and the window stays alive meanwhile."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from qtpy.QtCore import QEventLoop, QTimer

Value = TypeVar("Value")

_SOON = 0.03  # seconds that nobody notices
_LOOK = 20  # milliseconds between two looks at whether it is done
_thread = ThreadPoolExecutor(1, thread_name_prefix="posecut-background")  # one, so that nothing overtakes what began
_waiting: list[object] = []  # their futures


def in_background(work: Callable[[], Value], /) -> Value:
    """Run `work` on a thread, let the window draw itself meanwhile, and return the result or raise what it raised.

    Keys and the mouse wait until it is done, so that nothing else changes what it works on; timers of the plugin that
    change anything ask `at_work`.
    """
    future = _thread.submit(work)
    _waiting.append(future)
    try:
        if not _done_soon(future):
            loop, timer = QEventLoop(), QTimer()
            timer.timeout.connect(lambda: loop.quit() if future.done() else None)
            timer.start(_LOOK)
            loop.exec(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
            timer.stop()
        return future.result()
    finally:
        _waiting.remove(future)


def at_work() -> bool:
    """Tell whether the window waits for such work."""
    return bool(_waiting)


def _done_soon(future: "Future[Value]") -> bool:
    try:
        future.exception(timeout=_SOON)
    except TimeoutError:
        return False
    return True
