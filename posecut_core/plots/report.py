"""The parts of a report: a self-contained HTML page, the reliability diagram, and the curves of a training."""

import json
import math
import platform
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files

from jinja2 import Template
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from posecut_core import __version__
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.dataset.split import Split
from posecut_core.evaluation.reliability import Calibration
from posecut_core.evaluation.tables import StepErrors
from posecut_core.model.log import Metrics
from posecut_core.plots.figures import new_figure, say, styled
from posecut_core.storage.values import properties

_BLUE, _ORANGE, _GREEN, _GRAY = "#3b6fa5", "#c8641e", "#4d8b55", "0.35"

# --- page -------------------------------------------------------------------------------------------------------------
# A page of HTML that needs nothing beside itself: tables and sentences, and pictures inside the file.


@dataclass(frozen=True)
class Words:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Table:
    """Cells under a header."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Picture:
    """A PNG with the words below it."""

    png: bytes
    caption: str

    @property
    def base64(self) -> str:
        """Return the PNG as text that a page can hold."""
        return b64encode(self.png).decode("ascii")


Part = Words | Table | Picture


@dataclass(frozen=True)
class Section:
    """Parts under a heading."""

    heading: str
    parts: tuple[Part, ...]


def page(title: str, sections: Sequence[Section]) -> str:
    """Write a page as one HTML document; every text is escaped, as names of bodyparts and projects are the user's."""
    source = files(__package__).joinpath("report.jinja").read_text("utf-8")
    template = Template(source, autoescape=True, trim_blocks=True, keep_trailing_newline=True)
    return template.render(title=title, sections=sections)


# --- calibration diagram ----------------------------------------------------------------------------------------------
# The reliability diagram: likelihoods beside the share of predictions that are right.


def draw_reliability(calibration: Calibration, *, title: str) -> Figure:
    """Draw the share of right predictions in each range of likelihoods, and below it how many points that is of.

    Likelihoods that mean what they say lie on the diagonal.
    """
    figure = new_figure(title, size=(6, 6.5))
    if not calibration.points:
        say(figure, "No test frame has points for judging likelihoods.")
        return figure
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    _draw_shares(styled(upper), calibration)
    _draw_counts(styled(lower), calibration)
    figure.legend(loc="outside lower center", fontsize=9, edgecolor="none")  # any place inside may hold a bar
    return figure


def _draw_shares(axes: Axes, calibration: Calibration) -> None:
    used = [entry for entry in calibration.bins if entry.points]
    axes.plot([0, 1], [0, 1], color=_GRAY, linewidth=1.0, linestyle="--", label="as likely as they are right")
    axes.bar(
        [(entry.low + entry.high) / 2 for entry in used],
        [entry.share_right for entry in used],
        width=[0.92 * (entry.high - entry.low) for entry in used],
        color=_BLUE,
        alpha=0.35,
        linewidth=0,
    )
    likelihoods, shares = [entry.likelihood for entry in used], [entry.share_right for entry in used]
    axes.plot(likelihoods, shares, "o-", color=_BLUE, linewidth=1.2, markersize=5, label="predictions of test frames")
    if not math.isnan(calibration.suggested_pcutoff):
        words = f"suggested pcutoff {calibration.suggested_pcutoff:.2f}"
        axes.axvline(calibration.suggested_pcutoff, color=_ORANGE, linewidth=1.2, label=words)
    axes.set(ylabel=f"share within {calibration.within:g} px of the label", xlim=(0, 1), ylim=(-0.02, 1.04))
    axes.set_title(f"expected calibration error {calibration.expected_error:.3f}", fontsize=10)


def _draw_counts(axes: Axes, calibration: Calibration) -> None:
    edges = [entry.low for entry in calibration.bins] + [1.0]
    axes.stairs([entry.points for entry in calibration.bins], edges, color=_GRAY, fill=True, alpha=0.5)
    axes.set(xlabel="likelihood", ylabel="points", ylim=(0, None))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))


# --- training curves --------------------------------------------------------------------------------------------------
# Curves of a training: loss, errors in pixels, learning rate and speed over its steps.


def draw_loss(rows: Sequence[Metrics], *, title: str) -> Figure:
    """Draw loss, learning rate and steps per second."""
    figure = new_figure(title, size=(9, 6))
    if not rows:
        say(figure, "The log of the training is empty.")
        return figure
    steps = [row.step for row in rows]
    upper, middle, lower = figure.subplots(3, 1, sharex=True, height_ratios=(3, 1, 1))
    _line(upper, steps, [row.loss for row in rows], _GRAY, "loss")
    if all(row.loss > 0 for row in rows):
        upper.set_yscale("log")
    _line(middle, steps, [row.learning_rate for row in rows], _GRAY, "learning rate")
    _line(lower, steps, [row.steps_per_second for row in rows], _GRAY, "steps per s")
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
    for errors, color, marker, words in (
        ([entry.train for entry in evaluated], _BLUE, "o", "training frames"),
        ([entry.test for entry in evaluated], _ORANGE, "s", "test frames"),
    ):
        axes.plot(steps, errors, f"{marker}-", color=color, linewidth=1.0, markersize=6, label=words)
    axes.set(xlabel="training step", ylabel="mean error (pixels)")
    axes.set_xlim(left=0)
    axes.set_ylim(0, 1.3 * axes.get_ylim()[1])  # room for the legend
    axes.legend(fontsize=9, framealpha=0.85, edgecolor="none")
    return figure


def _line(axes: Axes, steps: Sequence[int], values: Sequence[float], color: str, words: str) -> None:
    styled(axes).plot(steps, values, ".-", color=color, linewidth=1.1, markersize=3)
    axes.set_ylabel(words)


LIBRARIES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "scipy", "zarr", "matplotlib")


def provenance(split: Split, settings: TrainingSettings) -> tuple[Section, ...]:
    """Describe a training for a page: what it can be repeated with."""
    return (
        Section("Seeds and data", (_data(split, settings),)),
        Section("Settings of the training", (_settings(settings),)),
        Section("Versions", (_versions(),)),
    )


def _data(split: Split, settings: TrainingSettings) -> Table:
    seed = "none, the frames were given" if split.seed is None else str(split.seed)
    rows = (("seed of the split", seed), ("seed of the training", str(settings.seed)), ("labels", split.labels))
    return Table(("what", "value"), rows)


def _settings(settings: TrainingSettings) -> Table:
    rows = tuple(
        (name, json.dumps(getattr(settings, name), ensure_ascii=False), about["description"])
        for name, about in properties(TrainingSettings).items()
    )
    return Table(("setting", "value", "meaning"), rows)


def _versions() -> Table:
    found = (("posecut", __version__), ("Python", platform.python_version()))
    return Table(("when evaluated", "version"), (*found, *((name, version(name)) for name in LIBRARIES)))
