"""Curves drawn with pyqtgraph: those of a training over its steps, and those of bodyparts over a video's frames."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, pairwise
from typing import Any

import numpy as np
import pyqtgraph as pg
from jaxtyping import Bool, Float, Int64, UInt8
from qtpy.QtCore import QEvent, QPointF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QMouseEvent, QPalette

_COLORS = ("#4fa3e0", "#e8a33d")  # blue and orange: told apart by color-blind people, too
_MARK = "#ffaa00"
_LANE, _BOTTOM, _TOP = 60, 22, 14  # pixels of a lane, for frame numbers, and for that of the shown frame
_PANEL = 110  # least height of a training curve in pixels
_REACH = 6  # pixels from a marked frame within which a click means it
_FEWEST = 20  # frames; nobody needs to zoom in further
_APART = 80  # of 255: by so much a curve is darker or brighter than what it is drawn on
_TICKS = 18  # least distance of two numbers beside a curve, in pixels


class _Plots(pg.GraphicsLayoutWidget):
    """Plots over each other in the colors of napari's theme."""

    _left = 40  # pixels for names and values

    def __init__(self) -> None:
        super().__init__()
        self.ci.layout.setSpacing(2)
        self.ci.layout.setContentsMargins(0, 0, 4, 4)

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Follow the theme."""
        super().changeEvent(event)
        changed = event is not None and event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange)
        if changed and hasattr(self, "ci"):  # Qt sends it while pyqtgraph builds the widget, too
            self._update_colors()

    @property
    def _text_color(self) -> QColor:
        return self.palette().color(QPalette.ColorRole.WindowText)

    @property
    def _plots(self) -> list[pg.PlotItem]:
        return [item for item in self.ci.items if isinstance(item, pg.PlotItem)]

    def _add_plot(self, x_axis: pg.AxisItem, y_axis: pg.AxisItem | None = None) -> pg.PlotItem:
        """Add a plot below the others, with whose horizontal axis it moves and of which it takes the place."""
        above = self._plots
        axes = {"bottom": x_axis, **({} if y_axis is None else {"left": y_axis})}
        plot = self.addPlot(1 + len(above), 0, axisItems=axes, enableMenu=False)
        plot.hideButtons()
        plot.getAxis("left").setWidth(self._left)
        plot.getAxis("left").enableAutoSIPrefix(False)
        if above:
            above[-1].hideAxis("bottom")
            plot.setXLink(above[0])
        return plot

    def _update_colors(self) -> None:
        self.setBackground(self.palette().color(QPalette.ColorRole.Window))
        for plot in self._plots:
            for side in ("left", "bottom"):
                plot.getAxis(side).setPen(self._text_color)
                plot.getAxis(side).setTextPen(self._text_color)
            plot.titleLabel.setText(plot.titleLabel.text, color=self._text_color)


def seen_on(ground: QColor, color: QColor) -> QColor:
    """Return a color as it is, or as much darker or brighter as it takes to be seen on a ground."""
    own, bright = _brightness(color), _brightness(ground) > 127
    aim = _brightness(ground) + (-_APART if bright else _APART)
    if own <= aim if bright else own >= aim:
        return color
    share, end = (1 - aim / own, 0) if bright else ((aim - own) / (255 - own), 255)
    return QColor(*(round(value + share * (end - value)) for value in (color.red(), color.green(), color.blue())))


def _brightness(color: QColor) -> float:
    return 0.3 * color.red() + 0.59 * color.green() + 0.11 * color.blue()


# --- training ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Series:
    """One curve; points that are not finite are left out."""

    name: str  # with its unit
    x: tuple[float, ...]
    y: tuple[float, ...]
    log: bool = False  # whether the vertical axis is logarithmic

    @property
    def points(self) -> tuple[tuple[float, float], ...]:
        """Return the points that can be drawn."""
        pairs = zip(self.x, self.y, strict=True)
        return tuple((x, y) for x, y in pairs if math.isfinite(x) and math.isfinite(y) and (y > 0 or not self.log))


class CurveView(_Plots):
    """Curves over the steps of a training, one panel below the other; nothing where there are no points."""

    def __init__(self) -> None:
        super().__init__()
        self.series: tuple[Series, ...] = ()
        self.setMinimumWidth(160)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)  # the wheel scrolls the dock

    def show_series(self, *series: Series) -> None:
        """Draw curves in place of those before; curves without points are left out."""
        before, self.series = self.series, tuple(one for one in series if one.points)
        if [(one.name, one.log) for one in before] != [(one.name, one.log) for one in self.series]:
            self._create_panels()  # which takes too long for each report of a training
        self.setMinimumHeight(_PANEL * len(self.series))
        self.setVisible(bool(self.series))
        for one, plot in zip(self.series, self._plots, strict=False):
            x, y = np.array(one.points).T
            line, last = plot.listDataItems()
            line.setData(x, y)
            last.setData(x[-1:], y[-1:])
            plot.setTitle(f"{one.name}: {y[-1]:.3g}", color=self._text_color, size="8pt", justify="left")
            if not one.log:
                plot.setYRange(min(0.0, y.min()), y.max())

    def _create_panels(self) -> None:
        """Make an empty panel for each curve."""
        self.clear()
        for one, color in zip(self.series, cycle(_COLORS), strict=False):
            plot = self._add_plot(_FrameAxis("bottom"), _LogAxis("left") if one.log else None)
            plot.setLogMode(y=one.log)
            plot.showGrid(y=True, alpha=0.2)
            plot.plot(pen=pg.mkPen(color, width=2), antialias=True, autoDownsample=True)
            plot.plot(pen=None, symbol="o", symbolSize=5, symbolBrush=color, symbolPen=None)
        if self.series:
            self._plots[-1].setLabel("bottom", "step")
        self._update_colors()


class _LogAxis(pg.AxisItem):
    """A logarithmic axis with as many numbers as can be read."""

    def logTickValues(self, least: float, most: float, size: float, _: object) -> list[tuple[None, list[float]]]:  # noqa: N802
        """Return ticks at the digits of each power of ten that have room: at all, at 1, 2 and 5, or at some powers."""
        powers, room = range(math.floor(least), math.ceil(most) + 1), _TICKS * (most - least) / max(size, 1.0)
        for digits in (range(1, 10), (1, 2, 5)):
            ticks = [power + math.log10(digit) for power in powers for digit in digits]
            if math.log10(min(after / before for before, after in pairwise((*digits, 10)))) >= room:
                break
        else:
            ticks = [float(power) for power in powers if power % max(math.ceil(room), 1) == 0]
        return [(None, [tick for tick in ticks if least < tick < most])]


# --- timeline ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lane:
    """One quantity of K bodyparts, over the T frames of a video; NaN where there is none."""

    title: str
    values: Float[np.ndarray, "K T"]
    limits: tuple[float, float] | None = None  # by default the extremes of the values


class Timeline(_Plots):
    """Lanes of curves over the frames of a video, with marked frames, and a cursor that moves the video."""

    frame_chosen = Signal(int)
    _left = 92

    def __init__(self) -> None:
        super().__init__()
        self.frame = 0
        self.marks: Int64[np.ndarray, " N"] = np.empty(0, np.int64)
        self.setToolTip("click or drag: show that frame; wheel: zoom in time; double click: show all frames")
        self.show_video(1)

    @property
    def first(self) -> float:
        """Return the first frame that is drawn."""
        return float(self._plots[0].viewRange()[0][0])

    @property
    def last(self) -> float:
        """Return the frame before which everything is drawn."""
        return float(self._plots[0].viewRange()[0][1])

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Return a height in which three lanes are readable."""
        return QSize(600, _TOP + _LANE * len(self._lanes) + _BOTTOM)

    def show_video(
        self, frames: int, lanes: tuple[Lane, ...] = (), colors: UInt8[np.ndarray, "K 3"] | None = None
    ) -> None:
        """Show the lanes of a video in full length, all curves of them, and no marks.

        Args:
            frames: of the video.
            lanes: all of the same bodyparts.
            colors: of the bodyparts, 0 to 255.
        """
        self._count = max(frames, 1)
        self._lanes = lanes or (Lane("", np.full((0, self._count), np.nan)),)
        self._colors = [] if colors is None else [QColor(*color) for color in colors.tolist()]
        self._shown: Bool[np.ndarray, " K"] = np.ones(len(self._colors), bool)
        self.clear()
        self._titles: list[pg.LabelItem] = []
        self._curves = [self._add_lane(lane) for lane in self._lanes]
        self._beside: tuple[Lane, ...] = ()
        self._beside_curves: list[list[pg.PlotCurveItem]] = []
        self._cursors = [pg.InfiniteLine(pen=self._text_color) for _ in self._lanes]
        for plot, cursor in zip(self._plots, self._cursors, strict=True):
            cursor.setZValue(1)  # over the curves
            plot.addItem(cursor, ignoreBounds=True)
        self._label = pg.LabelItem(size="8pt", justify="left")
        self.addItem(self._label, 0, 0)  # above the lanes: written on one, it would cover what is marked there
        self.ci.layout.setRowFixedHeight(0, _TOP)
        self._marked = pg.PlotCurveItem(pen=_MARK, connect="pairs")
        self._plots[0].addItem(self._marked, ignoreBounds=True)
        self._plots[0].sigXRangeChanged.connect(self._draw)
        self._plots[0].vb.sigResized.connect(self._draw)
        self._update_colors()
        self.show_marks(np.empty(0, np.int64))
        self.set_frame(min(self.frame, self._count - 1))
        self.zoom(0, self._count)
        self._draw()

    def show_curves(self, shown: Bool[np.ndarray, " K"]) -> None:
        """Draw the curves of some bodyparts only."""
        self._shown = shown
        self._draw()

    def show_beside(self, lanes: tuple[Lane, ...]) -> None:
        """Draw other values of the same bodyparts dotted over those of the lanes; without lanes they go."""
        for plot, curves in zip(self._plots, self._beside_curves, strict=False):
            for curve in curves:
                plot.removeItem(curve)
        self._beside, dotted = lanes, [_dotted(pen) for pen in self._pens]
        self._beside_curves = [[pg.PlotCurveItem(pen=pen, connect="finite") for pen in dotted] for _ in lanes]
        for plot, curves in zip(self._plots, self._beside_curves, strict=False):
            for curve in curves:
                plot.addItem(curve, ignoreBounds=True)
        self._draw()

    def show_marks(self, numbers: Int64[np.ndarray, " N"]) -> None:
        """Mark frames, by their increasing numbers."""
        self.marks = numbers
        ends = self._plots[0].viewRange()[1]
        self._marked.setData(np.repeat(numbers + 0.5, 2), np.tile(ends, len(numbers)))

    def show_rows(self, frames: int, rows: Mapping[str, Sequence[int]]) -> None:
        """Show the frames that several methods mark, a lane for each below the other.

        Args:
            frames: of the video.
            rows: what is written beside a lane -> increasing numbers of its frames.
        """
        blank = Lane("", np.full((0, max(frames, 1)), np.nan), (0.0, 1.0))
        self.show_video(frames, tuple(blank for _ in rows))
        for plot, (title, numbers) in zip(self._plots, rows.items(), strict=False):
            plot.showAxis("left")
            plot.getAxis("left").setTicks([[(0.5, title)]])
            marked = pg.PlotCurveItem(pen=_MARK, connect="pairs")
            marked.setData(np.repeat(np.array(numbers, dtype=np.float64) + 0.5, 2), np.tile([0.0, 1.0], len(numbers)))
            plot.addItem(marked, ignoreBounds=True)
        self.marks = np.unique(np.array([number for several in rows.values() for number in several], dtype=np.int64))

    def set_frame(self, frame: int) -> None:
        """Put the cursor to a frame, without saying so."""
        self.frame = frame
        self._label.setText(f"frame {frame:,}", color=self._text_color)
        for cursor in self._cursors:
            cursor.setValue(frame + 0.5)

    def zoom(self, first: float, last: float) -> None:
        """Show the frames from `first` to before `last`, as far as there are any."""
        width = min(max(last - first, _FEWEST), self._count)
        first = min(max(first, 0.0), self._count - width)
        self._plots[0].setXRange(first, first + width, padding=0)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Choose the frame under the mouse; a marked one if there is one near."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            here = self._time_at(event.position())
            near = np.abs(self.marks + 0.5 - here) <= _REACH * self._plots[0].vb.viewPixelSize()[0]
            marks = self.marks[near]
            self._choose(float(marks[np.abs(marks + 0.5 - here).argmin()]) if len(marks) else here)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Choose the frames that the mouse is dragged over."""
        if event is not None and event.buttons() & Qt.MouseButton.LeftButton:
            self._choose(self._time_at(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Leave the frame that was chosen."""

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Show all frames."""
        self.zoom(0, self._count)

    def _add_lane(self, lane: Lane) -> list[pg.PlotCurveItem]:
        plot = self._add_plot(_FrameAxis("bottom"), _LaneAxis("left"))
        plot.setMouseEnabled(x=True, y=False)  # the wheel zooms in time
        plot.setLimits(xMin=0, xMax=self._count, minXRange=min(_FEWEST, self._count))
        plot.setYRange(*(lane.limits or _value_range(lane.values)))
        plot.showAxis("left", bool(lane.title))
        title = pg.LabelItem(lane.title, size="8pt", parent=plot.getAxis("left"))  # level: a lane is lower than a word
        title.anchor(itemPos=(0, 0.5), parentPos=(0, 0.5))
        self._titles.append(title)
        curves = [pg.PlotCurveItem(pen=pen, connect="finite") for pen in self._pens]
        for curve in curves:
            plot.addItem(curve, ignoreBounds=True)
        return curves

    def _draw(self, *_: object) -> None:
        """Draw of each column of pixels the least and the greatest value, so that no single outlier is lost."""
        first, last, columns = self.first, self.last, max(int(self._plots[0].vb.width()), 1)
        x = np.repeat(first + (np.arange(columns) + 0.5) * (last - first) / columns, 2)
        drawn = [*zip(self._lanes, self._curves, strict=True), *zip(self._beside, self._beside_curves, strict=True)]
        for lane, curves in drawn:
            for curve, values, shown in zip(curves, lane.values, self._shown, strict=True):
                curve.setVisible(bool(shown))
                if shown:
                    curve.setData(x, _extremes(values, first, last, columns).T.ravel())

    @property
    def _pens(self) -> list[Any]:
        ground = self.palette().color(QPalette.ColorRole.Window)
        return [pg.mkPen(seen_on(ground, color)) for color in self._colors]

    def _choose(self, time: float) -> None:
        frame = min(max(math.floor(time), 0), self._count - 1)
        if frame != self.frame:
            self.set_frame(frame)
            self.frame_chosen.emit(frame)

    def _time_at(self, position: QPointF) -> float:
        return float(self._plots[0].vb.mapSceneToView(self.mapToScene(position.toPoint())).x())

    def _update_colors(self) -> None:
        super()._update_colors()
        for curves in getattr(self, "_curves", ()):
            for curve, pen in zip(curves, self._pens, strict=True):
                curve.setPen(pen)
        for curves in getattr(self, "_beside_curves", ()):
            for curve, pen in zip(curves, self._pens, strict=True):
                curve.setPen(_dotted(pen))
        for cursor in getattr(self, "_cursors", ()):
            cursor.setPen(self._text_color)
            self._label.setText(self._label.text, color=self._text_color)
        for title in getattr(self, "_titles", ()):
            title.setText(title.text, color=self._text_color)


class _LaneAxis(pg.AxisItem):
    """Values beside a lane, in which few have room above each other."""

    def tickSpacing(self, least: float, most: float, size: float) -> list[tuple[float, float]]:  # noqa: N802 (pyqtgraph's name)
        """Return the least round distance of two numbers that leaves room for both."""
        wanted = (most - least) * _TICKS / max(size, 1.0)
        power = 10.0 ** math.floor(math.log10(wanted)) if wanted > 0 else 1.0
        return [(next(digit * power for digit in (1, 2, 5, 10) if digit * power >= wanted), 0.0)]


class _FrameAxis(pg.AxisItem):
    """Numbers of frames, or of steps, as people write them."""

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:  # noqa: N802 (pyqtgraph's name)
        """Write numbers with commas, and none between two of them."""
        return [f"{value:,.0f}" if value == int(value) else "" for value in values]


def _dotted(pen: Any) -> Any:
    """Return a pen of pyqtgraph that draws the same in dots."""
    return pg.mkPen(pen.color(), style=Qt.PenStyle.DotLine)


def _extremes(
    values: Float[np.ndarray, " T"], first: float, last: float, columns: int
) -> Float[np.ndarray, "2 columns"]:
    """Return the least and the greatest value in each of `columns` equal parts of the frames `first` to `last`.

    A part that holds no whole frame shows the one that it lies in. NaN is skipped; a part of nothing else is NaN.
    pyqtgraph's own thinning drops what follows the last whole part, and all of a part with a NaN.
    """
    begins = np.clip(np.linspace(first, last, columns, endpoint=False).astype(np.int64), 0, len(values) - 1)
    end = min(max(math.ceil(last), int(begins[-1]) + 1), len(values))
    return np.stack([np.fmin.reduceat(values[:end], begins), np.fmax.reduceat(values[:end], begins)])


def _value_range(values: Float[np.ndarray, "K T"]) -> tuple[float, float]:
    """Return the least and the greatest value, or 0 and 1 where there is none."""
    if not np.isfinite(values).any():
        return 0.0, 1.0
    return float(np.nanmin(values)), float(np.nanmax(values))
