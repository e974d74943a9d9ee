"""`posecut demo`: the demonstration, and its result as tables."""

import os
from pathlib import Path

from posecut_core.progress import Report, silent


def demo(folder: str | os.PathLike[str] = "posecut-demo", *, refine: bool = False, report: Report = silent) -> object:
    """Draw videos of a mouse and run every step on them, in a few minutes.

    Args:
        folder: where to write the videos and the project.
        refine: play two rounds with fewer labels: in the second one, frames in which the network errs are corrected and
            it is trained again. This takes twice as long.
        report: told of everything.
    """
    from posecut_core.demo.refine import run_refined_demo
    from posecut_core.demo.run import run_demo

    return (run_refined_demo if refine else run_demo)(Path(folder).expanduser(), report=report)
