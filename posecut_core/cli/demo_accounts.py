"""What people are told at the end of the demonstration."""

import math
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from posecut_core.cli.screen import duration
from posecut_core.cli.task import Outcome, command, counted, shorter
from posecut_core.demo.refine import RefinedDemo
from posecut_core.demo.run import DemoResult, StepTime

_OWN_PROJECT = command("create-new-project", "TASK", "YOUR_NAME", "VIDEOS", "--bodyparts", "snout,leftear,rightear")


def tell_demo(result: DemoResult) -> Outcome:
    """Show errors, speed, time of each step and where everything is."""
    training = "done in an earlier run"
    if not math.isnan(result.seconds_per_training_step):
        training = f"{result.seconds_per_training_step:.2f} seconds per step"
    speed = f"{result.frames_per_second:.1f} frames/s" if result.frames_per_second else "done in an earlier run"
    hidden = f"{100 * result.hidden_share:.0f}% of the points are hidden under the plank and not measured."
    lines = (
        _errors(result),
        hidden,
        f"Training: {training}. Analysis: {speed}. Everything took {_total(result.times)}.",
        _times(result.times),
        _files(result.files),
        "Look at the labelled video first. Then try it with videos of your own:",
    )
    return Outcome(result, lines, (_OWN_PROJECT,))


def tell_refined_demo(result: RefinedDemo) -> Outcome:
    """Show what each round was given, the errors before and after, times and where everything is."""
    before, after = result.before, result.after
    more = f"{counted(len(result.corrected), 'frame')} of {escape(result.video)}"
    lines = (
        f"Round 1 trained on {counted(before.labelled_frames, 'labelled frame')}.",
        f"Round 2 trained on {after.labelled_frames}: with {more}, in which the network had seemed to err.",
        _rounds(result),
        f"Mean error on the unseen video: {before.unseen_error:.2f} px before, {after.unseen_error:.2f} px after.",
        "The second network has seen more labels, chosen so, and trained for longer.",
        f"Everything took {_total(result.times)}.",
        _times(result.times),
        _files(result.files),
        "Compare the two labelled videos. Then try it with videos of your own; the second command begins round 2:",
    )
    return Outcome(result, lines, (_OWN_PROJECT, command("extract-outlier-frames", "PROJECT", "VIDEOS")))


def _errors(result: DemoResult) -> Table:
    table = Table("frames", "bodypart", title="Mean error against labels and truth", title_justify="left")
    table.add_column("pixels", justify="right")
    table.add_row("training", "all", f"{result.train_error:.2f}")
    table.add_row("test", "all", f"{result.test_error:.2f}", end_section=True)
    for part, error in zip(result.bodyparts, result.unseen_errors, strict=True):
        table.add_row("unseen video", escape(part), f"{error:.2f}")
    table.add_row("unseen video", "all", f"{result.unseen_error:.2f}", style="bold")
    return table


def _rounds(result: RefinedDemo) -> Table:
    table = Table("bodypart", title="Mean error on the unseen video, in pixels", title_justify="left")
    table.add_column("round 1", justify="right")
    table.add_column("round 2", justify="right")
    for part, *errors in zip(result.bodyparts, result.before.unseen_errors, result.after.unseen_errors, strict=True):
        table.add_row(escape(part), *(f"{error:.2f}" for error in errors))
    overall = (result.before.unseen_error, result.after.unseen_error)
    table.add_row("all", *(f"{error:.2f}" for error in overall), style="bold")
    return table


def _total(times: tuple[StepTime, ...]) -> str:
    return duration(sum(time.seconds for time in times))


def _times(times: tuple[StepTime, ...]) -> Table:
    table = Table("step", title="Time", title_justify="left")
    table.add_column("seconds", justify="right")
    for time in times:
        table.add_row(time.step, f"{time.seconds:.1f}")
    return table


def _files(files: dict[str, Path]) -> Table:
    table = Table("what", title="Files", title_justify="left")
    table.add_column("where", overflow="fold")
    for what, where in files.items():
        table.add_row(what, escape(shorter(where)))
    return table
