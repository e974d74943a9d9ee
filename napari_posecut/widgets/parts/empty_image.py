"""What is written in the middle of the image while there is nothing to see yet: how to begin."""

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QLabel, QWidget

from napari_posecut.session import Session

_START = """<h2>Find bodyparts in videos</h2>
<p>1. Label some frames by hand.<br>2. Train a network on them.<br>3. Let it find the bodyparts in whole videos.</p>
<p>Open a project, try the sample, or create a new project: on the right.</p>"""
_NO_FRAMES = "<h2>No frames to label yet</h2><p>Choose some in <b>2 Frames</b>.</p>"
_DELETED = """<h2>The layers were deleted</h2>
<p>No label was: the layers come back with the next frame that you show.</p>"""


class EmptyImage(QLabel):
    """A text over the image that a click goes through; hidden once a layer is seen.

    Args:
        session: whose project it is.
        image: the widget that napari draws on.
    """

    def __init__(self, session: Session, image: QWidget) -> None:
        super().__init__(image)
        self._session = session
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setTextFormat(Qt.TextFormat.RichText)
        image.installEventFilter(self)
        layers = session.viewer.layers.events
        for changed in (
            layers.inserted,
            layers.removed,
            session.project_changed,
            session.picture_changed,
            session.labels_changed,
        ):
            changed.connect(self.show_text)
        self.show_text()

    def show_text(self) -> None:
        """Say how to begin: without a project, or without frames."""
        self.setVisible(not any(layer.visible for layer in self._session.viewer.layers))
        if self.isHidden():
            return
        labeling = self._session.labeling
        there = _NO_FRAMES if labeling is None or labeling.frame is None else _DELETED
        self.setText(_START if self._session.project is None else there)
        self._center()

    def eventFilter(self, image: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 (Qt's name)
        """Stay in the middle of the image."""
        if event is not None and event.type() == QEvent.Type.Resize:
            self._center()
        return super().eventFilter(image, event)

    def _center(self) -> None:
        image = self.parentWidget()
        if image is not None:
            self.adjustSize()
            self.move(image.rect().center() - self.rect().center())
