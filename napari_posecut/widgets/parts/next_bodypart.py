"""The name of the bodypart that the next click places, in its color: at the cursor and in the image's corner."""

import numpy as np
from jaxtyping import UInt8
from qtpy.QtCore import QObject, QPoint, Qt
from qtpy.QtWidgets import QLabel, QWidget

from napari_posecut.session import Session
from posecut_core.plots.figures import bytes_of, colors_of
from posecut_core.project.paths import Project
from posecut_core.project.state import look_of

_BESIDE = QPoint(16, 12)  # pixels from the cursor
_CORNER = QPoint(8, 8)  # pixels from the top left of the image
_BRIGHT = 140  # of 255: above it, black letters can be read


class NextBodypart(QObject):
    """Two labels over the image; hidden where a click places nothing.

    Args:
        session: whose labeling it is.
        image: the widget that napari draws on.
    """

    def __init__(self, session: Session, image: QWidget) -> None:
        super().__init__(image)  # with which it ends, and its connections: the session tells of labels after that
        self._session = session
        self._colored: Project | None = None  # whose colors these are
        self._colors: UInt8[np.ndarray, "K 3"] = np.empty((0, 3), np.uint8)
        self.corner, self.cursor = _label(image), _label(image)
        self.corner.move(_CORNER)
        session.viewer.mouse_move_callbacks.append(self._follow)
        session.labels_changed.connect(self.show_name)
        session.project_changed.connect(self._on_project_changed)
        self.show_name()

    def show_name(self) -> None:
        """Show the name of the current bodypart."""
        labeling = self._session.labeling
        current = labeling.current if labeling is not None and self._places else None
        self.corner.setVisible(current is not None)
        self.cursor.setVisible(current is not None and not self.cursor.pos().isNull())
        if labeling is None or current is None:
            return
        project, columns = labeling.index.project, labeling.index.columns
        if project is not self._colored:  # reading the look of a project at each click would delay it
            self._colored, self._colors = project, bytes_of(colors_of(look_of(project).colormap, len(columns)))
        color = self._colors[list(columns).index(current.bodypart)].tolist()
        red, green, blue = color
        letters = "black" if 0.3 * red + 0.59 * green + 0.11 * blue > _BRIGHT else "white"
        style = f"background: rgb({red}, {green}, {blue}); color: {letters}; padding: 1px 4px; border-radius: 3px;"
        for label in (self.corner, self.cursor):
            if (label.text(), label.styleSheet()) != (current.name, style):
                label.setText(current.name)
                label.setStyleSheet(style)
                label.adjustSize()

    def _on_project_changed(self) -> None:
        self._colored = None
        self.show_name()

    def _follow(self, _: object, event: object) -> None:
        x, y = getattr(event, "pos", (0, 0))
        self.cursor.move(QPoint(int(x), int(y)) + _BESIDE)
        self.cursor.setVisible(self._places and not self.corner.isHidden())

    @property
    def _places(self) -> bool:
        return self._session.canvas is not None and self._session.places_labels()


def _label(image: QWidget) -> QLabel:
    label = QLabel(image)
    label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    label.hide()
    return label
