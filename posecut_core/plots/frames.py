"""Pictures of frames with labels, predictions or both drawn on them (paper, steps E and H)."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64, UInt8
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from posecut_core.evaluation.measurement import counted, frame_names
from posecut_core.formats.deeplabcut.images import OWN
from posecut_core.inference.stored_frames import (
    FramePredictions,
    LabeledFrames,
    Predicts,
)
from posecut_core.plots.colors import colors_of
from posecut_core.plots.figures import png_bytes, save_png
from posecut_core.progress import Report
from posecut_core.project.config import ProjectConfig, bones_between
from posecut_core.project.paths import Project
from posecut_core.storage.disk import fitting_name

# --- markers ----------------------------------------------------------------------------------------------------------
# A frame as a figure with markers on it and the names of the bodyparts beside it, never over it.


_DPI = 100
_POINTS_PER_PIXEL = 72 / _DPI
_LEAST_SIDE, _LARGEST_SIDE = 640, 1920  # of the drawn frame in pixels: small frames are enlarged, huge ones reduced
_TITLE_HEIGHT = 30
_LINE_HEIGHT, _SWATCH_WIDTH, _LETTER_WIDTH = 20, 28, 7.2
_MARGIN = 10
_FONT_SIZE = 9.0  # points


@dataclass(frozen=True)
class _LegendEntry:
    """One line of the legend."""

    text: str
    color: tuple[float, float, float]
    marker: str


class FramePicture:
    """A frame drawn pixel on pixel (or enlarged by a whole number), with a title above and a legend at its right."""

    def __init__(self, image: UInt8[np.ndarray, "H W 3"], *, title: str, legend: tuple[_LegendEntry, ...]) -> None:
        height, width = image.shape[:2]
        scale = _display_scale(height, width)
        self._frame_size = (round(width * scale), round(height * scale))
        legend_width, rows = _legend_extent(legend, self._frame_size[1])
        total = (self._frame_size[0] + legend_width, self._frame_size[1] + _TITLE_HEIGHT)
        self.figure = Figure(figsize=(total[0] / _DPI, total[1] / _DPI), dpi=_DPI, facecolor="white")
        FigureCanvasAgg(self.figure)
        self.axes = self._add_axes(0, *self._frame_size, total)
        self.axes.imshow(image, interpolation="nearest" if scale >= 1 else "antialiased", aspect="auto")
        self.axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
        title_place = (_MARGIN / total[0], 1 - _TITLE_HEIGHT / 2 / total[1])
        self.figure.text(*title_place, title, fontsize=_FONT_SIZE + 1, va="center", ha="left", parse_math=False)
        if legend:
            _draw_legend(self._add_axes(self._frame_size[0], legend_width, self._frame_size[1], total), legend, rows)

    def _add_axes(self, left: int, width: int, height: int, total: tuple[int, int]) -> Axes:
        axes = self.figure.add_axes((left / total[0], 0.0, width / total[0], height / total[1]))
        axes.set_axis_off()
        axes.set(xlim=(0, width), ylim=(height, 0))
        return axes

    def mark(
        self,
        xy: Float64[np.ndarray, "K 2"],
        colors: Float64[np.ndarray, "K 3"],
        *,
        shown: Bool[np.ndarray, " K"],
        marker: str,
        size: int | float,
        alpha: int | float,
    ) -> None:
        """Draw one marker per shown bodypart, `size` pixels wide; bodyparts without a position are left out."""
        use = shown & ~np.isnan(xy).any(axis=1)
        if not use.any():
            return
        area = (size * _POINTS_PER_PIXEL) ** 2
        # Two widths: with one of everything matplotlib stamps markers, half a pixel off their places.
        place = {"x": xy[use, 0], "y": xy[use, 1], "s": area, "marker": marker, "alpha": alpha, "snap": False}
        if marker in "+x":
            # A dark rim keeps thin strokes visible on any ground.
            self.axes.scatter(**place, c="black", linewidths=(3.0, 3.0))
            self.axes.scatter(**place, c=colors[use], linewidths=(1.4, 1.4))
        else:
            self.axes.scatter(**place, c=colors[use], linewidths=(0.6, 0.6), edgecolors="black")

    def connect(
        self, xy: Float64[np.ndarray, "K 2"], bones: tuple[tuple[int, int], ...], color: str, alpha: int | float
    ) -> None:
        """Draw a line between both ends of each bone whose ends have positions."""
        for first, second in bones:
            ends = xy[[first, second]]
            if not np.isnan(ends).any():
                self.axes.plot(ends[:, 0], ends[:, 1], color=color, linewidth=1.2, alpha=alpha)

    def save(self, path: Path) -> None:
        """Write the picture as PNG, whole or not at all.

        Raises:
            StorageError: the folder cannot be written.
        """
        save_png(self.figure, path)

    def png(self, *, most_width: int) -> bytes:
        """Return the picture as a PNG that is at most `most_width` pixels wide."""
        width = self.figure.get_figwidth() * _DPI
        return png_bytes(self.figure, dpi=_DPI * min(1.0, most_width / width))


def _bodypart_legend(
    bodyparts: tuple[str, ...], colors: Float64[np.ndarray, "K 3"], marker: str = "o"
) -> tuple[_LegendEntry, ...]:
    """Make one legend line per bodypart."""
    return tuple(
        _LegendEntry(part, (float(c[0]), float(c[1]), float(c[2])), marker)
        for part, c in zip(bodyparts, colors, strict=True)
    )


def _display_scale(height: int, width: int) -> float:
    """Choose how much larger than its pixels a frame is drawn."""
    longest = max(height, width)
    if longest < _LEAST_SIDE:
        return float(math.ceil(_LEAST_SIDE / longest))
    return min(1.0, _LARGEST_SIDE / longest)


def _legend_extent(legend: tuple[_LegendEntry, ...], height: int) -> tuple[int, int]:
    """Return the legend's width in pixels and its number of rows, so that all entries fit beside the frame."""
    if not legend:
        return 0, 1
    rows = max(1, (height - _MARGIN) // _LINE_HEIGHT)
    return math.ceil(len(legend) / rows) * _column_width(legend) + _MARGIN, rows


def _column_width(legend: tuple[_LegendEntry, ...]) -> int:
    return math.ceil(_SWATCH_WIDTH + _LETTER_WIDTH * max(len(entry.text) for entry in legend))


def _draw_legend(axes: Axes, legend: tuple[_LegendEntry, ...], rows: int) -> None:
    column_width = _column_width(legend)
    for place, entry in enumerate(legend):
        left = place // rows * column_width + _MARGIN
        y = (place % rows + 0.5) * _LINE_HEIGHT
        axes.scatter([left + 5], [y], s=40, marker=entry.marker, c=[entry.color], linewidths=1.4)
        axes.text(left + 18, y, entry.text, fontsize=_FONT_SIZE, va="center_baseline", ha="left", parse_math=False)


# --- check images -----------------------------------------------------------------------------------------------------
# Pictures of labeled frames, so that a person sees whether the labels are right (paper, step E).


def draw_check_image(
    path: Path,
    image: UInt8[np.ndarray, "H W 3"],
    xy: Float64[np.ndarray, "K 2"],
    *,
    bodyparts: tuple[str, ...],
    drafts: Float64[np.ndarray, "K 2"] | None = None,
    title: str = "",
    skeleton: tuple[tuple[str, str], ...] = (),
    skeleton_color: str = "black",
    colormap: str = "rainbow",
    dotsize: int | float = 12,
    alphavalue: int | float = 0.7,
) -> None:
    """Write a PNG of a frame with a '+' on each label, an 'x' on each draft, and lines along the labels' skeleton.

    Args:
        path: the PNG to write.
        image: the frame.
        xy: labels in pixels of the given image; NaN is not drawn, and named as missing in the legend.
        bodyparts: names of the K bodyparts.
        drafts: what a network proposes, as `xy`; named as suggested in the legend.
        title: text above the frame.
        skeleton: pairs of bodyparts to connect; pairs with a bodypart that is not given are left out.
        skeleton_color: any name of a color that matplotlib knows.
        colormap: matplotlib's name; gives each bodypart its color.
        dotsize: size of the markers in pixels of the picture.
        alphavalue: opacity of the markers, 0 to 1.

    Raises:
        ArgumentError: colormap is unknown.
        StorageError: the folder cannot be written.
    """
    colors = colors_of(colormap, len(bodyparts))
    labeled = ~np.isnan(xy).any(axis=1)
    proposed = np.zeros_like(labeled) if drafts is None else ~np.isnan(drafts).any(axis=1)
    entries = zip(_bodypart_legend(bodyparts, colors, "+"), labeled.tolist(), proposed.tolist(), strict=True)
    legend = tuple(_entry(entry, label=label, draft=draft) for entry, label, draft in entries)
    picture = FramePicture(image, title=title, legend=legend)
    picture.connect(xy, bones_between(bodyparts, skeleton), skeleton_color, alphavalue)
    picture.mark(xy, colors, shown=labeled, marker="+", size=dotsize, alpha=alphavalue)
    if drafts is not None:
        picture.mark(drafts, colors, shown=proposed, marker="x", size=dotsize, alpha=alphavalue)
    picture.save(path)


def _entry(entry: _LegendEntry, *, label: bool, draft: bool) -> _LegendEntry:
    """Say of a bodypart without a label whether it has a draft."""
    if label:
        return entry
    if draft:
        return replace(entry, text=f"{entry.text} (suggested)", marker="x")
    return replace(entry, text=f"{entry.text} (no label)")


# --- evaluation images ------------------------------------------------------------------------------------------------
# Pictures of labeled frames with both human labels and predictions (paper, step H and figure 5).


_GRAY = (0.35, 0.35, 0.35)


def evaluation_picture(
    image: UInt8[np.ndarray, "H W 3"],
    labeled: Float64[np.ndarray, "K 2"],
    predicted: Float64[np.ndarray, "K 2"],
    likelihood: Float64[np.ndarray, " K"],
    *,
    bodyparts: tuple[str, ...],
    colors: Float64[np.ndarray, "K 3"],
    pcutoff: int | float,
    title: str = "",
    dotsize: int | float = 12,
    alphavalue: int | float = 0.7,
) -> FramePicture:
    """Draw a frame with '+' for human labels, '.' for predictions with likelihood above pcutoff, 'x' for the others.

    Args:
        image: the frame.
        labeled: human labels in pixels of the given image; NaN is not drawn.
        predicted: the network's positions in the same pixels.
        likelihood: of each prediction.
        bodyparts: names of the K bodyparts.
        colors: red green blue of each bodypart, from 0 to 1.
        pcutoff: predictions with a likelihood above it are drawn as '.'.
        title: text above the frame.
        dotsize: size of the markers in pixels of the picture.
        alphavalue: opacity of the markers, 0 to 1.
    """
    legend = (
        *_bodypart_legend(bodyparts, colors, "s"),
        _LegendEntry("human", _GRAY, "+"),
        _LegendEntry(f"likelihood > {pcutoff:g}", _GRAY, "."),
        _LegendEntry(f"likelihood \N{LESS-THAN OR EQUAL TO} {pcutoff:g}", _GRAY, "x"),
    )
    picture = FramePicture(image, title=title, legend=legend)
    likely = likelihood > pcutoff
    everywhere = np.ones(len(bodyparts), dtype=bool)
    picture.mark(labeled, colors, shown=everywhere, marker="+", size=dotsize, alpha=alphavalue)
    picture.mark(predicted, colors, shown=likely, marker=".", size=dotsize * 1.3, alpha=alphavalue)
    picture.mark(predicted, colors, shown=~likely, marker="x", size=dotsize * 0.7, alpha=alphavalue)
    return picture


def draw_all(
    folder: Path,
    project: Project,
    predictor: Predicts,
    frames: tuple[LabeledFrames, ...],
    predicted: tuple[FramePredictions, ...],
    bodyparts: tuple[str, ...],
    report: Report,
) -> tuple[Path, ...]:
    """Draw `Training-<video>-<image>`, `Test-...` and `Validation-...` with labels and predictions into `folder`."""
    advance = counted("drawing labeled frames", frames, report)
    paths = []
    for video, found in zip(frames, predicted, strict=True):
        for place, name in enumerate(frame_names(project, video)):
            picture = fitting_name(f"{frame_kind(video, place)}-{video.video}", f"-{Path(name).stem}.png")
            paths.append(folder / picture)
            draw_frame(project.config, predictor, video, found, place, bodyparts, image=name).save(paths[-1])
            advance(1)
    return tuple(paths)


def draw_frame(
    config: ProjectConfig,
    predictor: Predicts,
    video: LabeledFrames,
    found: FramePredictions,
    place: int,
    bodyparts: tuple[str, ...],
    *,
    image: str = "",
) -> FramePicture:
    """Draw the frame at `place` of `video` with labels and predictions of `bodyparts`.

    `image` is the name of its image, which stands for its number where it is no frame of the video.
    """
    in_labels = [config.bodyparts.index(part) for part in bodyparts]
    in_network = [predictor.bodyparts.index(part) for part in bodyparts]
    number, origin = int(video.numbers[place]), video.origins[place]
    return evaluation_picture(
        video.store.read(number),
        video.xy[place, in_labels] - origin,
        found.xy[place, in_network] - origin,
        found.likelihood[place, in_network],
        bodyparts=bodyparts,
        colors=colors_of(config.colormap, len(config.bodyparts))[in_labels],
        pcutoff=config.pcutoff,
        title=f"{frame_kind(video, place)} {f'image {image}' if image and number >= OWN else f'frame {number}'} of "
        f"{video.video}",
        dotsize=config.dotsize,
        alphavalue=config.alphavalue,
    )


def frame_kind(video: LabeledFrames, place: int) -> str:
    """Say on which side of the split a frame is: Training, Validation or Test."""
    if video.validates[place]:
        return "Validation"
    return "Training" if video.is_train[place] else "Test"
