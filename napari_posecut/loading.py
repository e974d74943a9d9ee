"""Loading without looking for garbage: of what a start or an opened project makes, nearly everything stays."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache


@contextmanager
def loading() -> Iterator[None]:
    """Collect no garbage during a block; looking through all that has been loaded takes a fifth of a start."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


@cache
def keep_loaded() -> None:
    """Leave what is loaded by now out of every later search for garbage; napari searches whenever a layer goes.

    Once in a process: what was left out is never freed, so a second time would keep a project that was closed.
    """
    gc.freeze()
