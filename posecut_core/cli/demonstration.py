"""What is printed at the end of the demonstration."""

import math
from pathlib import Path

from rich.console import ConsoleRenderable
from rich.markup import escape
from rich.table import Table

from posecut_core.cli.program import duration
from posecut_core.cli.task import Outcome, command, shorter
from posecut_core.demo.run import DemoResult, RefinedDemo, StepTime
from posecut_core.results import counted

_OWN_PROJECT = command("create-new-project", "TASK", "YOUR_NAME", "VIDEOS", "--bodyparts", "snout,leftear,rightear")


def outcome_of_demo(result: DemoResult | RefinedDemo) -> Outcome:
    """Say what the demonstration did, and how to begin with videos of one's own.

    Args:
        result: what it returned; with the round of corrections, both.
    """
    return _of_rounds(result) if isinstance(result, RefinedDemo) else _of_demo(result)


def _of_demo(result: DemoResult) -> Outcome:
    """Show errors, speed, time of each step and where everything is."""
    training = "done in an earlier run"
    if not math.isnan(result.seconds_per_training_step):
        training = f"{result.seconds_per_training_step:.2f} seconds per step"
    speed = f"{result.frames_per_second:.1f} frames/s" if result.frames_per_second else "done in an earlier run"
    hidden = f"{100 * result.hidden_share:.0f}% of the points are hidden under the plank and not measured."
    lines: tuple[str | ConsoleRenderable, ...] = (
        _errors(result),
        hidden,
        f"Training: {training}. Analysis: {speed}. Everything took {_total(result.times)}.",
        _times(result.times),
        *_files(result.files),
        "Look at the labeled video first. Then try it with videos of your own.",
    )
    return Outcome(result, lines, (_OWN_PROJECT,))


def _of_rounds(result: RefinedDemo) -> Outcome:
    """Show what each round was given, the errors before and after, times and where everything is."""
    before, after = result.before, result.after
    more = f"{counted(len(result.corrected), 'frame')} of {escape(result.video)}"
    lines: tuple[str | ConsoleRenderable, ...] = (
        f"Round 1 trained on {counted(before.labelled_frames, 'labeled frame')}.",
        f"Round 2 trained on {after.labelled_frames}: with {more}, in which the network seemed to be wrong.",
        _rounds(result),
        f"Mean error on the unseen video: {before.unseen_error:.2f} px before, {after.unseen_error:.2f} px after.",
        "The second network was trained longer, on more labels.",
        f"Everything took {_total(result.times)}.",
        _times(result.times),
        *_files(result.files),
        "Compare the two labeled videos. Then try it with videos of your own; the second command begins round 2.",
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


def _files(files: dict[str, Path]) -> tuple[str, ...]:
    """List paths, each on a line of its own: a table would break those that are longer than its column."""
    width = max(map(len, files))
    return ("Files:", *(f"  {what:{width}}  {shorter(where)}" for what, where in files.items()), "")
