"""Curves over the step of a training, drawn with Qt alone: one panel above the other, on one horizontal axis."""

import math
from dataclasses import dataclass

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from qtpy.QtWidgets import QWidget

_LEFT, _RIGHT, _TOP, _BOTTOM, _GAP = 46, 10, 20, 32, 26  # pixels around the panels
_LEAST = 80  # height of a panel in pixels
_COLOURS = ("#4fa3e0", "#e8a33d")  # blue and orange: told apart by colour-blind people, too


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


class CurveView(QWidget):
    """Panels of curves with numbered axes; nothing where there are no points."""

    def __init__(self, x_name: str = "step") -> None:
        super().__init__()
        self._x_name = x_name
        self.series: tuple[Series, ...] = ()
        self.setMinimumWidth(160)

    def show_series(self, *series: Series) -> None:
        """Draw curves in place of those before; curves without points are left out."""
        self.series = tuple(one for one in series if one.points)
        self.setMinimumHeight(_TOP + _BOTTOM + _LEAST * len(self.series) if self.series else 0)
        self.setVisible(bool(self.series))
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw the panels."""
        if not self.series:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        low = min(x for one in self.series for x, _ in one.points)
        high = max(x for one in self.series for x, _ in one.points)
        across = Axis(low, high if high > low else low + 1, _LEFT, self.width() - _RIGHT)
        room = self.height() - _TOP - _BOTTOM - _GAP * (len(self.series) - 1)
        for place, one in enumerate(self.series):
            top = _TOP + place * (room / len(self.series) + _GAP)
            area = QRectF(_LEFT, top, self.width() - _LEFT - _RIGHT, room / len(self.series))
            self._draw_panel(painter, one, across, area, QColor(_COLOURS[place % len(_COLOURS)]))
        self._draw_steps(painter, across)
        painter.end()

    def _draw_panel(self, painter: QPainter, one: Series, across: "Axis", area: QRectF, colour: QColor) -> None:
        up = _upright(one, area)
        text = self.palette().color(QPalette.ColorRole.WindowText)
        grid = QColor(text)
        grid.setAlpha(50)
        for value in up.ticks(3):
            y = up.place(value)
            painter.setPen(QPen(grid, 1))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(text)
            box = QRectF(0, y - 8, _LEFT - 5, 16)
            painter.drawText(box, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), number_text(value))
        painter.setPen(colour)
        name = f"{one.name}: {number_text(one.points[-1][1], digits=3)}"
        painter.drawText(QRectF(area.left(), area.top() - 18, area.width(), 16), int(Qt.AlignmentFlag.AlignLeft), name)
        painter.setPen(QPen(colour, 2))
        places = [QPointF(across.place(x), up.place(y)) for x, y in _thinned(one.points, int(area.width()))]
        painter.drawPolyline(QPolygonF(places))
        painter.drawEllipse(places[-1], 2.0, 2.0)

    def _draw_steps(self, painter: QPainter, across: "Axis") -> None:
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        bottom = self.height() - _BOTTOM
        for value in across.ticks(5):
            x = across.place(value)
            painter.drawLine(QPointF(x, bottom), QPointF(x, bottom + 4))
            left = min(max(0.0, x - 30), self.width() - 60)
            painter.drawText(QRectF(left, bottom + 4, 60, 14), int(Qt.AlignmentFlag.AlignHCenter), number_text(value))
        name = QRectF(_LEFT, self.height() - 15, self.width() - _LEFT - _RIGHT, 14)
        painter.drawText(name, int(Qt.AlignmentFlag.AlignHCenter), self._x_name)


@dataclass(frozen=True)
class Axis:
    """Values from `low` to `high` on pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def place(self, value: float) -> float:
        """Return the pixel of a value."""
        low, high, value = (math.log(v) if self.log else v for v in (self.low, self.high, value))
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def ticks(self, about: int) -> tuple[float, ...]:
        """Choose round values to write beside the axis."""
        if not self.log:
            return round_values(self.low, self.high, about)
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for steps in ((1,), (1, 3), (1, 2, 5)):
            found = [step * 10.0**decade for decade in decades for step in steps]
            found = [value for value in found if self.low <= value <= self.high]
            if len(found) >= min(about, 2):
                return tuple(found)
        return round_values(self.low, self.high, about)


def round_values(low: float, high: float, about: int) -> tuple[float, ...]:
    """Return about so many multiples of 1, 2 or 5 times a power of ten between two values."""
    rough = (high - low) / max(1, about)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    return tuple(step * n for n in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1))


def number_text(value: float, *, digits: int = 4) -> str:
    """Write a number in little room: thousands as 12k, no trailing zeros."""
    if abs(value) >= 10_000:
        return f"{value / 1000:.{digits}g}k"
    return f"{value:.{digits}g}"


def _upright(one: Series, area: QRectF) -> Axis:
    values = [y for _, y in one.points]
    low, high = min(values), max(values)
    if not one.log:
        low = min(0.0, low)
    if high <= low:
        low, high = (low / 2, high * 2) if one.log else (low, low + 1)
    return Axis(low, high, area.bottom(), area.top(), one.log)


def _thinned(points: tuple[tuple[float, float], ...], most: int) -> tuple[tuple[float, float], ...]:
    """Take at most about two points per pixel, the last one among them."""
    step = max(1, len(points) // max(1, 2 * most))
    return (*points[:-1:step], points[-1])
