"""A child process whose verbs take no time, and the waiting for it; run as a program it is the child."""

import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_posecut.jobs.child import _run
from posecut_core.errors import ModelError
from posecut_core.progress import Progress, deferred_interrupt

PROGRAM = (sys.executable, __file__)
_TRIES = 10**7  # of some 50 microseconds: far more than any child here needs


@dataclass(frozen=True)
class Counted:
    """What counting has found."""

    folder: Path
    numbers: tuple
    mean: float


def until(job, condition=lambda reports: False):
    """Poll until a condition holds for all reports together, or the job has ended, and return the reports."""
    reports = []
    for _ in range(_TRIES):
        reports += job.poll()
        if job.state != "running" or condition(reports):
            return reports
        os.sched_yield()
    raise AssertionError(f"The child is still running; it has reported {reports}")


def count(config, arguments, report):
    for done in range(arguments["to"]):
        report(Progress(f"counting {done}", done, arguments["to"], {"loss": float("nan"), "rate": 2.0}))
    return Counted(config.parent, tuple(np.arange(arguments["to"])), float("nan"))


def wait(config, arguments, report):
    report(Progress("waiting", 0))
    threading.Event().wait()


def finish_step(config, arguments, report):
    """Like a training: a stop is noticed, the step finished, and something kept."""
    with deferred_interrupt() as interrupted:
        report(Progress("working", 0))
        while not interrupted():
            os.sched_yield()
        (config.parent / "kept").write_text("whole")
        raise KeyboardInterrupt


def crash(config, arguments, report):
    report(Progress("working", 0))
    os.kill(os.getpid(), arguments["signal"])


def leave(config, arguments, report):
    os._exit(7)


def refuse(config, arguments, report):
    raise ModelError("Found no weights;\n train first.")


def slip(config, arguments, report):
    return 1 / 0


def starve(config, arguments, report):
    raise MemoryError


def strange(config, arguments, report):
    return {"thread": threading.Event()}


def look_around(config, arguments, report):
    return {"nice": os.nice(0), "session": os.getsid(0), "pid": os.getpid()}


VERBS = {
    "count": count,
    "crash": crash,
    "create_dataset_and_train": wait,
    "finish_step": finish_step,
    "leave": leave,
    "look_around": look_around,
    "refuse": refuse,
    "slip": slip,
    "starve": starve,
    "strange": strange,
    "wait": wait,
}

if __name__ == "__main__":
    sys.exit(_run(Path(sys.argv[1]), VERBS))
