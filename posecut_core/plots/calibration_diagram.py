"""The reliability diagram: likelihoods beside the share of predictions that are right."""

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from posecut_core.analysis.calibration import Calibration
from posecut_core.plots.figures import new_figure, say, styled

_BLUE, _ORANGE, _GREY = "#3b6fa5", "#c8641e", "0.45"


def draw_reliability(calibration: Calibration, *, title: str) -> Figure:
    """Draw the share of right predictions in each range of likelihoods, and below it how many points that is of.

    Likelihoods that mean what they say lie on the diagonal.
    """
    figure = new_figure(title, size=(6, 6.5))
    if not calibration.points:
        say(figure, "No test frame has points to judge likelihoods by.")
        return figure
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    _draw_shares(styled(upper), calibration)
    _draw_counts(styled(lower), calibration)
    figure.legend(loc="outside lower center", fontsize=9, edgecolor="none")  # any place inside may hold a bar
    return figure


def _draw_shares(axes: Axes, calibration: Calibration) -> None:
    used = [entry for entry in calibration.bins if entry.points]
    axes.plot([0, 1], [0, 1], color=_GREY, linewidth=1.0, linestyle="--", label="as likely as they are right")
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
    axes.stairs([entry.points for entry in calibration.bins], edges, color=_GREY, fill=True, alpha=0.5)
    axes.set(xlabel="likelihood", ylabel="points", ylim=(0, None))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
