"""Figures of a video's predictions: paths, positions over time, likelihoods, jumps (paper, step I)."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure

from posecut_core.plots.colors import colors_of
from posecut_core.plots.figures import new_figure, png_bytes, say, styled
from posecut_core.plots.report import Picture, Section, Table, Words, page
from posecut_core.poses.predictions import Predictions
from posecut_core.storage.files import write_bytes, write_text

_MOST_POINTS = 80_000  # in the figure of paths: more only cover each other
_BINS = 800  # over time: about the figure's width in pixels
_HISTOGRAM_BINS = 50
_SPEED_FRAMES = 15  # whose median movement is a speed: errors of single positions are none
_PAGE = "trajectories.html"
_CAPTIONS = {
    "trajectory.png": "Paths of the bodyparts, as seen from the camera.",
    "plot.png": "Positions over time.",
    "plot-likelihood.png": "Likelihoods over time.",
    "hist.png": "Jumps: movements from one frame to the next. What lies far to the right is mostly an error.",
    "speed.png": f"Speeds: medians of the movements of {_SPEED_FRAMES} frames, so that single jumps do not count.",
}


@dataclass(frozen=True)
class _Envelope:
    """A long series as its least, middle and greatest value in each bin of frames."""

    frames: Float64[np.ndarray, " bins"]  # middle of each bin
    least: Float64[np.ndarray, " bins"]
    median: Float64[np.ndarray, " bins"]
    greatest: Float64[np.ndarray, " bins"]


def draw_trajectories(
    folder: Path,
    predictions: Predictions,
    *,
    pcutoff: int | float,
    colormap: str = "rainbow",
    title: str = "",
    alphavalue: int | float = 0.7,
    dotsize: int | float = 12,
    about: str = "",
    origin: str = "",
) -> tuple[Path, ...]:
    """Write trajectory.png, plot.png, plot-likelihood.png, hist.png and speed.png into `folder`, and a page with them.

    Points whose likelihood is below pcutoff are left out, except in the plot of likelihoods. Each figure carries the
    text `origin`. The page needs no other file, and begins with the sentence `about`.

    Returns:
        the figures, and last the page.

    Raises:
        ArgumentError: colormap is unknown.
        StorageError: the folder cannot be written.
    """
    colors = colors_of(colormap, len(predictions.bodyparts))
    xy = _likely_positions(predictions, pcutoff)
    drawings: dict[str, Callable[[Figure], None]] = {
        "trajectory.png": lambda figure: _draw_path(figure, xy, colors, dotsize / 5, alphavalue),
        "plot.png": lambda figure: _draw_over_time(figure, xy, colors),
        "plot-likelihood.png": lambda figure: _draw_likelihood(figure, predictions.likelihood, colors, pcutoff),
        "hist.png": lambda figure: _draw_histogram(
            figure, _displacements(xy), colors, "movement from one frame to the next (pixels)"
        ),
        "speed.png": lambda figure: _draw_histogram(
            figure, _speeds(xy), colors, f"speed over {_SPEED_FRAMES} frames (pixels per frame)"
        ),
    }
    if np.isnan(xy).all():
        nothing = f"No point has a likelihood of at least {pcutoff:g}."
        empty = [name for name in drawings if name != "plot-likelihood.png"]
        drawings |= {name: lambda figure: say(figure, nothing) for name in empty}
    pictures = []
    for name, draw in drawings.items():
        figure = new_figure(title)
        draw(figure)
        _add_bodypart_bar(figure, predictions.bodyparts, colors)
        png = png_bytes(figure, comment=origin)
        write_bytes(folder / name, png)
        pictures.append(Picture(png, _CAPTIONS[name]))
    table = Table(
        ("bodypart", "frames", "distance", "median speed", "95 % of speeds below", "largest jump"),
        _rows(predictions.bodyparts, xy),
    )
    told = f"Frames of a likelihood of at least {pcutoff:g} count. Distances are in pixels, speeds in pixels a frame."
    sections = (Section("Bodyparts", (Words(f"{about} {told}".strip()), table)), Section("Figures", tuple(pictures)))
    write_text(folder / _PAGE, page(title, sections))
    return (*(folder / name for name in drawings), folder / _PAGE)


def _likely_positions(predictions: Predictions, pcutoff: float) -> Float64[np.ndarray, "T K 2"]:
    """Return positions with NaN in place of those whose likelihood is below pcutoff."""
    return np.where(predictions.likelihood[..., None] >= pcutoff, predictions.xy, np.nan)


def _displacements(xy: Float64[np.ndarray, "T K 2"]) -> Float64[np.ndarray, "steps K"]:
    """Measure how far each point moves from one frame to the next in pixels; NaN where either is missing."""
    return np.hypot(*np.moveaxis(np.diff(xy, axis=0), -1, 0))


def _speeds(xy: Float64[np.ndarray, "T K 2"]) -> Float64[np.ndarray, "steps K"]:
    """Return the median movement per frame around each frame; NaN where fewer than half of the movements are known."""
    moved = pd.DataFrame(_displacements(xy))
    return moved.rolling(_SPEED_FRAMES, center=True, min_periods=_SPEED_FRAMES // 2 + 1).median().to_numpy()


def _rows(bodyparts: tuple[str, ...], xy: Float64[np.ndarray, "T K 2"]) -> tuple[tuple[str, ...], ...]:
    """Describe the movement of each bodypart for a table."""
    moved, speeds, rows = _displacements(xy), _speeds(xy), []
    for k, part in enumerate(bodyparts):
        seen = np.count_nonzero(~np.isnan(xy[:, k, 0]))
        jumps, known = moved[:, k], speeds[~np.isnan(speeds[:, k]), k]
        share = f"{seen / max(len(xy), 1):.1%}"
        usual = [f"{np.percentile(known, percent):.1f}" for percent in (50, 95)] if known.size else ["", ""]
        if np.isnan(jumps).all():
            rows.append((part, share, "", *usual, ""))
        else:
            largest = int(np.nanargmax(jumps))
            rows.append(
                (part, share, f"{np.nansum(jumps):.0f}", *usual, f"{jumps[largest]:.1f}, to frame {largest + 1}")
            )
    return tuple(rows)


def _envelope(values: Float64[np.ndarray, " T"], bins: int) -> _Envelope:
    """Reduce a series to `bins` bins of equal length, so that no spike is lost; a bin of NaN alone stays NaN."""
    width = -(-len(values) // bins)
    used = -(-len(values) // width)
    padded = np.full(used * width, np.nan)
    padded[: len(values)] = values
    ordered = np.sort(padded.reshape(used, width), axis=1)  # NaN comes last
    known = np.count_nonzero(~np.isnan(ordered), axis=1)
    rows = np.arange(used)
    last = np.maximum(known - 1, 0)
    frames = (rows + 0.5) * width - 0.5
    return _Envelope(frames, ordered[:, 0], ordered[rows, last // 2], ordered[rows, last])


def _draw_path(
    figure: Figure,
    xy: Float64[np.ndarray, "T K 2"],
    colors: Float64[np.ndarray, "K 3"],
    size: int | float,
    alpha: int | float,
) -> None:
    axes = styled(figure.add_subplot())
    thinned = xy[:: max(1, xy[..., 0].size // _MOST_POINTS)]
    points, point_colors = thinned.reshape(-1, 2), np.tile(colors, (len(thinned), 1))
    known = ~np.isnan(points[:, 0])
    # One call in order of time: no bodypart lies on top of all the others.
    axes.scatter(points[known, 0], points[known, 1], c=point_colors[known], s=size**2, alpha=alpha, linewidths=0)
    axes.set(xlabel="x (pixels)", ylabel="y (pixels)")
    axes.set_aspect("equal", adjustable="datalim")
    axes.invert_yaxis()


def _draw_over_time(figure: Figure, xy: Float64[np.ndarray, "T K 2"], colors: Float64[np.ndarray, "K 3"]) -> None:
    upper, lower = figure.subplots(2, 1, sharex=True)
    for axes, coordinate, name in ((upper, 0, "x"), (lower, 1, "y")):
        styled(axes)
        for k, color in enumerate(colors):
            _draw_series(axes, xy[:, k, coordinate], color)
        axes.set_ylabel(f"{name} (pixels)")
    lower.set_xlabel("frame")
    lower.set_xlim(0, max(len(xy) - 1, 1))
    lower.invert_yaxis()  # y points down, as in the image


def _draw_likelihood(
    figure: Figure, likelihood: Float64[np.ndarray, "T K"], colors: Float64[np.ndarray, "K 3"], pcutoff: int | float
) -> None:
    axes = styled(figure.add_subplot())
    for k, color in enumerate(colors):
        _draw_series(axes, likelihood[:, k], color)
    axes.axhline(pcutoff, color="0.3", linewidth=1.0, linestyle="--")
    axes.annotate(
        f"pcutoff {pcutoff:g}",
        (1, pcutoff),
        xycoords=("axes fraction", "data"),
        ha="right",
        va="bottom",
        fontsize=9,
        bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.5},
    )
    axes.set(xlabel="frame", ylabel="likelihood", ylim=(-0.02, 1.02), xlim=(0, max(len(likelihood) - 1, 1)))


def _draw_histogram(
    figure: Figure, moved: Float64[np.ndarray, "steps K"], colors: Float64[np.ndarray, "K 3"], label: str
) -> None:
    axes = styled(figure.add_subplot())
    known = moved[~np.isnan(moved)]
    edges = np.linspace(0, max(float(known.max()) if known.size else 1.0, 1e-6), _HISTOGRAM_BINS + 1)
    for k, color in enumerate(colors):
        counts, _ = np.histogram(moved[:, k][~np.isnan(moved[:, k])], edges)
        axes.stairs(counts, edges, color=color, linewidth=1.4, alpha=0.85)
    axes.set_yscale("symlog", linthresh=1)
    axes.set(xlabel=label, ylabel="frames")
    axes.set_xlim(0, float(edges[-1]))
    axes.set_ylim(bottom=0)


def _draw_series(axes: Axes, values: Float64[np.ndarray, " T"], color: Float64[np.ndarray, "3"]) -> None:
    if len(values) <= 2 * _BINS:
        axes.plot(values, color=color, linewidth=0.9, alpha=0.85)
        return
    reduced = _envelope(values, _BINS)
    axes.fill_between(reduced.frames, reduced.least, reduced.greatest, color=color, alpha=0.3, linewidth=0.3)
    axes.plot(reduced.frames, reduced.median, color=color, linewidth=0.9, alpha=0.85)


def _add_bodypart_bar(figure: Figure, bodyparts: tuple[str, ...], colors: Float64[np.ndarray, "K 3"]) -> None:
    """Add a bar of the colors, each with its bodypart's name beside it."""
    count = len(bodyparts)
    scale = BoundaryNorm(np.arange(count + 1) - 0.5, count)
    color_map = ListedColormap([tuple(color) for color in colors])
    mappable = ScalarMappable(norm=scale, cmap=color_map)
    bar = figure.colorbar(mappable, ax=figure.axes, ticks=np.arange(count), fraction=0.05, pad=0.02, aspect=30)
    bar.ax.set_yticks(np.arange(count), bodyparts, fontsize=min(10.0, 300.0 / count), parse_math=False)
    bar.ax.tick_params(length=0)
    bar.ax.minorticks_off()
    bar.ax.invert_yaxis()
    bar.outline.set_visible(False)
