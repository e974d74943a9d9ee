"""The verb that shows everything at work."""

from pathlib import Path
from typing import Annotated

import typer

from posecut_core.cli.options import Debug, Json, expanded
from posecut_core.cli.task import Outcome, Task
from posecut_core.progress import Report


def demo(
    folder: Annotated[Path, typer.Argument(help="Where to write the videos and the project.")] = Path("posecut-demo"),
    refine: Annotated[
        bool,
        typer.Option(
            "--refine",
            help="Play two rounds with fewer labels: in the second one, frames in which the network errs are corrected "
            "and it is trained again. It takes twice as long.",
        ),
    ] = False,
    json: Json = False,
    debug: Debug = False,
) -> Task:
    """Draw videos of a mouse and run every step on them, in a few minutes.

    Example: posecut demo
    """

    def work(report: Report) -> Outcome:
        from posecut_core.cli.demo_accounts import tell_demo, tell_refined_demo
        from posecut_core.demo.refine import run_refined_demo
        from posecut_core.demo.run import run_demo

        if refine:
            return tell_refined_demo(run_refined_demo(expanded(folder), report=report))
        return tell_demo(run_demo(expanded(folder), report=report))

    return Task(work, "The videos and the project are kept; run the same command again to go on.")
