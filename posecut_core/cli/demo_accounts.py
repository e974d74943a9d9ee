"""What people are told at the end of the demonstration."""

import math

from rich.markup import escape
from rich.table import Table

from posecut_core.cli.screen import duration
from posecut_core.cli.task import Outcome, command, shorter
from posecut_core.demo.run import DemoResult


def tell_demo(result: DemoResult) -> Outcome:
    """Show errors, speed, time of each step and where everything is."""
    total = sum(time.seconds for time in result.times)
    training = "done in an earlier run"
    if not math.isnan(result.seconds_per_training_step):
        training = f"{result.seconds_per_training_step:.2f} seconds per step"
    speed = f"{result.frames_per_second:.1f} frames/s" if result.frames_per_second else "done in an earlier run"
    hidden = f"{100 * result.hidden_share:.0f}% of the points are hidden under the plank and not measured."
    lines = (
        _errors(result),
        hidden,
        f"Training: {training}. Analysis: {speed}. Everything took {duration(total)}.",
        _times(result),
        _files(result),
        "Look at the labelled video first. Then try it with videos of your own:",
    )
    following = (command("create-new-project", "TASK", "YOUR_NAME", "VIDEOS", "--bodyparts", "snout,leftear,rightear"),)
    return Outcome(result, lines, following)


def _errors(result: DemoResult) -> Table:
    table = Table("frames", "bodypart", title="Mean error against labels and truth", title_justify="left")
    table.add_column("pixels", justify="right")
    table.add_row("training", "all", f"{result.train_error:.2f}")
    table.add_row("test", "all", f"{result.test_error:.2f}", end_section=True)
    for part, error in zip(result.bodyparts, result.unseen_errors, strict=True):
        table.add_row("unseen video", escape(part), f"{error:.2f}")
    table.add_row("unseen video", "all", f"{result.unseen_error:.2f}", style="bold")
    return table


def _times(result: DemoResult) -> Table:
    table = Table("step", title="Time", title_justify="left")
    table.add_column("seconds", justify="right")
    for time in result.times:
        table.add_row(time.step, f"{time.seconds:.1f}")
    return table


def _files(result: DemoResult) -> Table:
    table = Table("what", title="Files", title_justify="left")
    table.add_column("where", overflow="fold")
    for what, where in result.files.items():
        table.add_row(what, escape(shorter(where)))
    return table
