"""Curves of a training: loss, errors in pixels, learning rate and speed over its steps."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from posecut_core.analysis.evaluation_files import StepErrors
from posecut_core.model.log import Metrics
from posecut_core.plots.figures import new_figure, say, styled

_BLUE, _ORANGE, _GREEN, _GREY = "#3b6fa5", "#c8641e", "#4d8b55", "0.35"


def draw_loss(rows: Sequence[Metrics], *, title: str) -> Figure:
    """Draw loss, learning rate and steps per second."""
    figure = new_figure(title, size=(9, 6))
    if not rows:
        say(figure, "The log of the training is empty.")
        return figure
    steps = [row.step for row in rows]
    upper, middle, lower = figure.subplots(3, 1, sharex=True, height_ratios=(3, 1, 1))
    _line(upper, steps, [row.loss for row in rows], _GREY, "loss")
    if all(row.loss > 0 for row in rows):
        upper.set_yscale("log")
    _line(middle, steps, [row.learning_rate for row in rows], _GREY, "learning rate")
    _line(lower, steps, [row.steps_per_second for row in rows], _GREY, "steps per s")
    for axes in (middle, lower):
        axes.set_ylim(bottom=0)
    lower.set_xlabel("training step")
    return figure


def draw_errors(rows: Sequence[Metrics], evaluated: Sequence[StepErrors], *, title: str) -> Figure:
    """Draw the error on validation frames while training, and the errors of the snapshots that were evaluated."""
    figure = new_figure(title, size=(9, 4))
    validated = [row for row in rows if not math.isnan(row.validation_error)]
    axes = styled(figure.add_subplot())
    if validated:
        errors = [row.validation_error for row in validated]
        axes.plot([row.step for row in validated], errors, color=_GREEN, linewidth=1.3, label="validation frames")
    steps = [entry.step for entry in evaluated]
    for errors, colour, marker, words in (
        ([entry.train for entry in evaluated], _BLUE, "o", "training frames"),
        ([entry.test for entry in evaluated], _ORANGE, "s", "test frames"),
    ):
        axes.plot(steps, errors, f"{marker}-", color=colour, linewidth=1.0, markersize=6, label=words)
    axes.set(xlabel="training step", ylabel="mean error (pixels)", xlim=(0, None), ylim=(0, None))
    axes.legend(fontsize=9, framealpha=0.85, edgecolor="none")
    return figure


def _line(axes: Axes, steps: Sequence[int], values: Sequence[float], colour: str, words: str) -> None:
    styled(axes).plot(steps, values, ".-", color=colour, linewidth=1.1, markersize=3)
    axes.set_ylabel(words)
