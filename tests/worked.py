"""Work for the processes of `tests/core/distributed`, which import it."""

import os
import signal
from pathlib import Path

from posecut_core.errors import ArgumentError, VideoError
from posecut_core.progress import Notice, Progress


class Loaded:
    """What work is given, such as a network, at which the first process that loads it dies."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return _load, (self.folder,)


def _load(folder):
    work(("die", folder), None)
    return Loaded(folder)


def work_with(loaded, item, report):
    """Work with what was loaded."""
    return work(item, report)


def work(item, report):
    """Square a number; what is no number tells what is to happen."""
    match item:
        case ("die", folder):
            mark = Path(folder) / "died"
            if not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return "lived"
        case "always":
            os.kill(os.getpid(), signal.SIGKILL)
        case "fails":
            raise VideoError("it is broken.")
        case "unforeseen":
            raise ZeroDivisionError("nothing")
        case "argument":
            raise ArgumentError("it is wrong.")
        case "told":
            report(Notice("a word"))
        case "slow":
            report(Progress("going through it", 3, 9, {"frames_per_s": 5.0}))
    return item if isinstance(item, str) else item * item
