"""A plot over the frames of a video, whose cursor moves the video."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64, UInt8
from qtpy.QtCore import QPointF, QRect, QSize, Qt, Signal
from qtpy.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPixmap, QResizeEvent, QWheelEvent
from qtpy.QtWidgets import QWidget

# --- curves -----------------------------------------------------------------------------------------------------------
# Curves of many bodyparts over many frames, as a picture of few pixels; arrays in, arrays out.
#
# A column of pixels may stand for hundreds of frames: it shows their extremes, so that no single outlier is lost.


def extremes(
    values: Float[np.ndarray, "K T"], first: float, last: float, columns: int
) -> Float[np.ndarray, "2 K columns"]:
    """Return the least and the greatest value in each of `columns` equal parts of the frames `first` to `last`.

    A part that holds no whole frame shows the one that it lies in. NaN is skipped; a part of nothing else is NaN.
    """
    edges = np.linspace(first, last, columns, endpoint=False)
    begins = np.clip(edges.astype(np.int64), 0, values.shape[1] - 1)
    end = min(max(int(np.ceil(last)), int(begins[-1]) + 1), values.shape[1])
    part = values[:, :end]
    return np.stack([np.fmin.reduceat(part, begins, axis=1), np.fmax.reduceat(part, begins, axis=1)])


def draw_lane(
    found: Float[np.ndarray, "2 K columns"],
    colours: UInt8[np.ndarray, "K 3"],
    *,
    low: float,
    high: float,
    height: int,
) -> UInt8[np.ndarray, "height columns 4"]:
    """Paint curves of which each column's extremes are known, joined from column to column, one over the other.

    Args:
        found: of `extremes`.
        colours: of the K curves.
        low: value at the bottom row.
        high: value at the top row.
        height: rows.

    Returns:
        Red, green, blue and opacity; transparent where no curve is.
    """
    image = np.zeros((height, found.shape[2], 4), np.uint8)
    least, greatest = _joined(found)
    per_row = (height - 1) / max(high - low, 1e-9)
    with np.errstate(invalid="ignore"):
        top, bottom = (high - greatest) * per_row, (high - least) * per_row
        rows = np.arange(height)[:, None]
        for curve, colour in enumerate(colours):
            on = (rows >= np.round(top[curve])) & (rows <= np.round(bottom[curve]))
            image[on] = (*colour, 255)
    return image


def value_range(values: Float[np.ndarray, "K T"]) -> tuple[float, float]:
    """Return the least and the greatest value, or 0 and 1 where there is none."""
    if not np.isfinite(values).any():
        return 0.0, 1.0
    return float(np.nanmin(values)), float(np.nanmax(values))


def _joined(found: Float[np.ndarray, "2 K columns"]) -> Float[np.ndarray, "2 K columns"]:
    """Stretch each column until it touches the one before it, so that a curve has no gaps but those of its data."""
    least, greatest = found.copy()
    with np.errstate(invalid="ignore"):
        least[:, 1:] = np.where(np.isnan(least[:, 1:]), np.nan, np.fmin(least[:, 1:], found[1, :, :-1]))
        greatest[:, 1:] = np.where(np.isnan(greatest[:, 1:]), np.nan, np.fmax(greatest[:, 1:], found[0, :, :-1]))
    return np.stack([least, greatest])


# --- timeline ---------------------------------------------------------------------------------------------------------
# A plot over the frames of a video, whose cursor moves the video: a click or a drag in it, or the video's slider.
#
# The wheel zooms in time, a double click shows all frames again.


_LEFT, _RIGHT, _BOTTOM, _GAP = 62, 8, 18, 6  # pixels for names and values, for frame numbers, between lanes
_MARKS = 14  # pixels; height of the lane of marked frames
_LABEL = 120  # pixels; width of the cursor's frame number
_REACH = 6  # pixels from a marked frame within which a click means it
_BACKGROUND, _LANE, _TEXT = QColor(38, 41, 48), QColor(28, 30, 35), QColor(210, 210, 210)
_CURSOR, _MARK = QColor(255, 255, 255), QColor(255, 170, 0)
_FEWEST = 20  # frames; nobody needs to zoom in further


@dataclass(frozen=True)
class Lane:
    """One quantity of K bodyparts, over the T frames of a video; NaN where there is none."""

    title: str
    values: Float[np.ndarray, "K T"]
    limits: tuple[float, float] | None = None  # by default the extremes of the values


class Timeline(QWidget):
    """Lanes of curves over each other, a lane of marked frames, and a cursor."""

    frame_chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.frame = 0
        self.first, self.last = 0.0, 1.0  # frames between which everything is drawn
        self.marks: Int64[np.ndarray, " N"] = np.empty(0, np.int64)
        self._count = 1
        self._lanes: tuple[Lane, ...] = ()
        self._limits: tuple[tuple[float, float], ...] = ()
        self._colours: UInt8[np.ndarray, "K 3"] = np.empty((0, 3), np.uint8)
        self._shown: Bool[np.ndarray, " K"] = np.empty(0, bool)
        self._picture: QPixmap | None = None  # everything but the cursor
        self.setMinimumHeight(_BOTTOM + _MARKS + _GAP)
        self.setToolTip("click or drag: show that frame; wheel: zoom in time; double click: show all frames")

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Return a height in which three lanes are readable."""
        return QSize(600, 60 * max(len(self._lanes), 1) + _BOTTOM)

    def show_video(
        self, frames: int, lanes: tuple[Lane, ...] = (), colours: UInt8[np.ndarray, "K 3"] | None = None
    ) -> None:
        """Show the lanes of a video in full length, all curves of them, and no marks.

        Args:
            frames: of the video.
            lanes: all of the same bodyparts.
            colours: of the bodyparts, 0 to 255.
        """
        self._count, self._lanes = max(frames, 1), lanes
        self._limits = tuple(lane.limits or value_range(lane.values) for lane in lanes)
        self._colours = np.empty((0, 3), np.uint8) if colours is None else colours
        self._shown = np.ones(len(self._colours), bool)
        self.marks = np.empty(0, np.int64)
        self.frame = min(self.frame, self._count - 1)
        self.zoom(0, self._count)

    def show_curves(self, shown: Bool[np.ndarray, " K"]) -> None:
        """Draw the curves of some bodyparts only."""
        self._shown = shown
        self._renew()

    def show_marks(self, numbers: Int64[np.ndarray, " N"]) -> None:
        """Mark frames, by their increasing numbers."""
        self.marks = numbers
        self._renew()

    def set_frame(self, frame: int) -> None:
        """Put the cursor to a frame, without telling anybody."""
        if frame != self.frame:
            before, self.frame = self.frame, frame
            for moved in (before, frame):  # the rest stays as it is
                self.update(self._cursor_place(moved))

    def zoom(self, first: float, last: float) -> None:
        """Show the frames from `first` to before `last`, as far as there are any."""
        width = min(max(last - first, _FEWEST), self._count)
        self.first = min(max(first, 0.0), self._count - width)
        self.last = self.first + width
        self._renew()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Draw the cursor over the picture of the curves, which is made when something else changed."""
        if self._picture is None:
            self._picture = self._drawn()
        painter = QPainter(self)
        place = self.rect() if event is None else event.rect()
        painter.drawPixmap(place, self._picture, place)
        if self.first <= self.frame < self.last:
            painter.setPen(_CURSOR)
            x = round(self._x(self.frame + 0.5))
            painter.drawLine(x, 0, x, self.height() - _BOTTOM)
            self._write_frame(painter, x)
        painter.end()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Draw everything anew for the other size."""
        self._renew()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Choose the frame under the mouse; a marked one if there is one near."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self._choose(self._near_mark(event.position()))

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Choose the frames that the mouse is dragged over."""
        if event is not None and event.buttons() & Qt.MouseButton.LeftButton:
            self._choose(self._frame_at(event.position().x()))

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Show all frames."""
        self.zoom(0, self._count)

    def wheelEvent(self, event: QWheelEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Show fewer or more frames, around the one under the mouse."""
        if event is None:
            return
        share = min(max((event.position().x() - _LEFT) / self._width(), 0.0), 1.0)
        here = self.first + share * (self.last - self.first)
        width = (self.last - self.first) * 0.999 ** event.angleDelta().y()
        self.zoom(here - share * width, here + (1 - share) * width)
        event.accept()

    def _renew(self) -> None:
        self._picture = None
        self.update()

    def _choose(self, frame: int) -> None:
        if frame != self.frame:
            self.set_frame(frame)
            self.frame_chosen.emit(frame)

    def _width(self) -> int:
        return max(self.width() - _LEFT - _RIGHT, 1)

    def _x(self, frame: float) -> float:
        return _LEFT + (frame - self.first) / (self.last - self.first) * self._width()

    def _frame_at(self, x: float) -> int:
        frame = int(np.floor(self.first + (x - _LEFT) / self._width() * (self.last - self.first)))
        return min(max(frame, 0), self._count - 1)

    def _near_mark(self, position: QPointF) -> int:
        if len(self.marks):
            nearest = int(self.marks[np.abs(self._x_of(self.marks) - position.x()).argmin()])
            if abs(self._x(nearest + 0.5) - position.x()) <= _REACH:
                return nearest
        return self._frame_at(position.x())

    def _x_of(self, frames: Int64[np.ndarray, " N"]) -> np.ndarray:
        return _LEFT + (frames + 0.5 - self.first) / (self.last - self.first) * self._width()

    def _drawn(self) -> QPixmap:
        picture = QPixmap(self.size())
        picture.fill(_BACKGROUND)
        painter = QPainter(picture)
        font = painter.font()
        font.setPointSize(8)
        painter.setFont(font)
        for lane, limits, place in zip(self._lanes, self._limits, self._places(), strict=True):
            painter.fillRect(place, _LANE)
            self._draw_curves(painter, lane, limits, place)
            _write_limits(painter, lane, limits, place)
        self._draw_marks(painter)
        painter.setPen(_TEXT)
        row = QRect(_LEFT, self.height() - _BOTTOM, self._width(), _BOTTOM)
        painter.drawText(row, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, f"{int(self.first):,}")
        painter.drawText(row, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{int(self.last) - 1:,}")
        painter.end()
        return picture

    def _places(self) -> list[QRect]:
        """Divide the height that the marks leave among the lanes."""
        top = _MARKS + _GAP if len(self.marks) else 0
        height = (self.height() - _BOTTOM - top) // max(len(self._lanes), 1)
        rows = range(len(self._lanes))
        return [QRect(_LEFT, top + row * height, self._width(), max(height - _GAP, 1)) for row in rows]

    def _draw_curves(self, painter: QPainter, lane: Lane, limits: tuple[float, float], place: QRect) -> None:
        found = extremes(lane.values[self._shown], self.first, self.last, place.width())
        low, high = limits
        rows = draw_lane(found, self._colours[self._shown], low=low, high=high, height=place.height())
        height, width = rows.shape[:2]
        image = QImage(rows.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888)
        painter.drawImage(place.topLeft(), image)

    def _draw_marks(self, painter: QPainter) -> None:
        if not len(self.marks):
            return
        painter.fillRect(QRect(_LEFT, 0, self._width(), _MARKS), _LANE)
        seen = self.marks[(self.marks >= self.first) & (self.marks < self.last)]
        painter.setPen(_MARK)
        for x in np.unique(np.round(self._x_of(seen)).astype(np.int64)).tolist():
            painter.drawLine(x, 1, x, _MARKS - 2)

    def _cursor_place(self, frame: int) -> QRect:
        half = _LABEL // 2 + 1
        left = min(max(round(self._x(frame + 0.5)) - half, 0), max(self.width() - 2 * half, 0))
        return QRect(left, 0, 2 * half, self.height())

    def _write_frame(self, painter: QPainter, x: int) -> None:
        text = f"frame {self.frame:,}"
        left = min(max(x - _LABEL // 2, 0), self.width() - _LABEL)
        place = QRect(left, self.height() - _BOTTOM + 1, _LABEL, _BOTTOM - 2)
        painter.fillRect(place, _BACKGROUND)
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)


def _write_limits(painter: QPainter, lane: Lane, limits: tuple[float, float], place: QRect) -> None:
    column = QRect(0, place.top(), _LEFT - 4, place.height())
    painter.setPen(_TEXT)
    right = Qt.AlignmentFlag.AlignRight
    painter.drawText(column, right | Qt.AlignmentFlag.AlignTop, f"{limits[1]:.4g}")
    painter.drawText(column, right | Qt.AlignmentFlag.AlignBottom, f"{limits[0]:.4g}")
    painter.drawText(column, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, lane.title)
