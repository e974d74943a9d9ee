"""Small pictures of how far the labelling of a frame is; they differ in shape, not in colour alone."""

from functools import cache

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QIcon, QPainter, QPen, QPixmap

from napari_posecut.browser import FrameStatus

_SIDE = 14  # pixels
_GREY, _BLUE, _ORANGE, _GREEN = "#8a8f98", "#4f9dde", "#e0a030", "#4caf50"


@cache
def icon_of(status: FrameStatus) -> QIcon:
    """Draw the picture of a status: a circle that fills up, a dashed one for proposals, a cross for a dropped frame."""
    pixmap = QPixmap(_SIDE, _SIDE)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _DRAWN[status](painter)
    painter.end()
    return QIcon(pixmap)


def _circle(painter: QPainter, colour: str, *, style: Qt.PenStyle = Qt.PenStyle.SolidLine, filled: int = 0) -> None:
    """Draw a circle of which so many sixteenths of a degree are filled, from the bottom."""
    circle = QRectF(2, 2, _SIDE - 4, _SIDE - 4)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawPie(circle, 270 * 16 - filled // 2, filled)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(colour), 1.6, style))
    painter.drawEllipse(circle)


def _exclamation(painter: QPainter) -> None:
    _circle(painter, _ORANGE)
    painter.drawLine(QPointF(7, 4.5), QPointF(7, 7.5))
    painter.drawPoint(QPointF(7, 9.6))


def _cross(painter: QPainter) -> None:
    painter.setPen(QPen(QColor(_GREY), 1.8))
    painter.drawLine(QPointF(4, 4), QPointF(10, 10))
    painter.drawLine(QPointF(10, 4), QPointF(4, 10))


_WHOLE = 360 * 16
_DRAWN = {
    "unlabelled": lambda painter: _circle(painter, _GREY),
    "proposed": lambda painter: _circle(painter, _BLUE, style=Qt.PenStyle.DotLine),
    "unreviewed": _exclamation,
    "begun": lambda painter: _circle(painter, _ORANGE, filled=_WHOLE // 2),
    "done": lambda painter: _circle(painter, _GREEN, filled=_WHOLE),
    "dropped": _cross,
}
