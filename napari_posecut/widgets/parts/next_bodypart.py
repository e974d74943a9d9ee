"""The name of the bodypart that the next click places, in its color: at the cursor and in the image's corner."""

import numpy as np
from jaxtyping import UInt8
from qtpy.QtCore import QObject, QPoint, QRect, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent
from qtpy.QtWidgets import QLabel, QWidget

from napari_posecut.session import Session
from posecut_core.plots.colors import bytes_of, colors_of
from posecut_core.project.config import ProjectConfig

_BESIDE = QPoint(16, 12)  # pixels from the cursor
_CORNER = QPoint(8, 8)  # pixels from the top left of the image
_BRIGHT = 140  # of 255: above it, black letters can be read
_PADDING = QSize(8, 2)  # pixels, both sides of the letters together
_ROUND = 3  # pixels


class NextBodypart(QObject):
    """Two labels over the image; hidden where a click places nothing.

    Args:
        session: whose labeling it is.
        image: the widget that napari draws on.
    """

    def __init__(self, session: Session, image: QWidget) -> None:
        super().__init__(image)  # with which it ends, and its connections: the session tells of labels after that
        self._session = session
        self._colored: ProjectConfig | None = None  # whose colors these are
        self._colors: UInt8[np.ndarray, "K 3"] = np.empty((0, 3), np.uint8)
        self.corner, self.cursor = _Name(image), _Name(image)
        self.corner.move(_CORNER)
        session.viewer.mouse_move_callbacks.append(self._follow)
        session.labels_changed.connect(self.show_name)
        session.project_changed.connect(self.show_name)
        self.show_name()

    def show_name(self) -> None:
        """Show the name of the current bodypart."""
        labeling = self._session.labeling
        current = labeling.current if labeling is not None and self._places else None
        self.corner.setVisible(current is not None)
        self.cursor.setVisible(current is not None and not self.cursor.pos().isNull())
        if labeling is None or current is None:
            return
        look, columns = labeling.index.look, labeling.index.columns
        if look is not self._colored:
            self._colored, self._colors = look, bytes_of(colors_of(look.colormap, len(columns)))
        color = QColor(*self._colors[list(columns).index(current.bodypart)].tolist())
        for label in (self.corner, self.cursor):
            label.show_name(current.name, color)

    def _follow(self, _: object, event: object) -> None:
        x, y = getattr(event, "pos", (0, 0))
        self.cursor.move(QPoint(int(x), int(y)) + _BESIDE)
        if self._places == self.corner.isHidden():  # another layer is selected now, or markers are hidden
            self.show_name()
        self.cursor.setVisible(not self.corner.isHidden())

    @property
    def _places(self) -> bool:
        return self._session.canvas is not None and self._session.canvas.takes_edits


class _Name(QLabel):
    """A name on a color, over the image; drawn here, since Qt takes milliseconds for each other style sheet."""

    def __init__(self, image: QWidget) -> None:
        super().__init__(image)
        self._color = QColor()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def show_name(self, name: str, color: QColor) -> None:
        """Show another name, or the same on another color."""
        if (name, color) != (self.text(), self._color):
            self._color = color
            self.setText(name)
            self.adjustSize()
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Return the room that the name takes."""
        return self.fontMetrics().size(0, self.text()) + _PADDING

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Return the same: names are not cut."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Draw the name, in black on what is bright."""
        red, green, blue, _ = self._color.getRgb()
        bright = 0.3 * red + 0.59 * green + 0.11 * blue > _BRIGHT
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._color)
        painter.drawRoundedRect(self.rect(), _ROUND, _ROUND)
        painter.setPen(Qt.GlobalColor.black if bright else Qt.GlobalColor.white)
        painter.drawText(QRect(QPoint(), self.size()), Qt.AlignmentFlag.AlignCenter, self.text())
        painter.end()
