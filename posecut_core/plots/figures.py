"""Figures of the house's look, without a screen, and the PNGs that they become."""

import io
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from posecut_core.storage.files import write_bytes

_DPI = 120


def new_figure(title: str, *, size: tuple[float, float] = (9, 5.5)) -> Figure:
    """Return an empty figure of `size` in inches, 120 pixels each."""
    figure = Figure(figsize=size, dpi=_DPI, layout=ConstrainedLayoutEngine(h_pad=0.1, w_pad=0.1), facecolor="white")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11, parse_math=False)  # names may have $
    return figure


def styled(axes: Axes) -> Axes:
    """Give axes a quiet grid and no box."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="0.92", linewidth=0.8)
    axes.set_axisbelow(True)
    return axes


def say(figure: Figure, text: str) -> None:
    """Write a sentence in place of a drawing that has nothing to show."""
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.text(
        0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", fontsize=12, color="0.35", parse_math=False
    )


def png_bytes(figure: Figure, *, dpi: float | None = None, comment: str = "") -> bytes:
    """Return a figure as PNG, at its own resolution unless another is given; `comment` is text that it carries."""
    stream = io.BytesIO()
    metadata = {"Comment": comment} if comment else {}
    figure.savefig(stream, format="png", dpi="figure" if dpi is None else dpi, metadata=metadata)
    return stream.getvalue()


def save_png(figure: Figure, path: Path, *, comment: str = "") -> None:
    """Write a figure as PNG, whole or not at all; `comment` is text that it carries.

    Raises:
        StorageError: the folder cannot be written.
    """
    write_bytes(path, png_bytes(figure, comment=comment))
