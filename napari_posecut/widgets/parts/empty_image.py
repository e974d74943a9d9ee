"""What is written in the middle of the image while there is nothing to see: how to begin, or the way back to it."""

import numpy as np
from napari.layers import Image
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QLabel, QPushButton, QWidget

from napari_posecut.layers.canvas import fit_view
from napari_posecut.session import Session

_START = """<h2>Find bodyparts in videos</h2>
<p>1. Label some frames by hand.<br>2. Train a network on them.<br>3. Let it find the bodyparts in whole videos.</p>
<p>Open a project, try the sample, or create a new project: on the right.</p>"""
_NO_FRAMES = "<h2>No frames to label yet</h2><p>Choose some in <b>2 Frames</b>.</p>"
_DELETED = """<h2>The layers were deleted</h2>
<p>No label was: the layers come back with the next frame that you show, or the next click.</p>"""
_OUT_OF_SIGHT = "The picture is out of sight: show it again"
_SEEN = 20  # pixels of the screen, up and across, of which a picture that is in sight has at least so many
_WITHIN = 1.0  # pixels of the picture, as well: closer, all that is seen has one color


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
        _center(self)

    def eventFilter(self, image: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 (Qt's name)
        """Stay in the middle of the image."""
        if event is not None and event.type() == QEvent.Type.Resize:
            _center(self)
        return super().eventFilter(image, event)


class OutOfSight(QPushButton):
    """A button over the image that leads back to a picture that was moved or zoomed out of the view; else hidden.

    Args:
        session: whose picture it is.
        image: the widget that napari draws on.
    """

    def __init__(self, session: Session, image: QWidget) -> None:
        super().__init__(_OUT_OF_SIGHT, image)
        self._viewer = session.viewer
        self.setToolTip("show the whole picture (key: Ctrl + R)")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keys stay with the image
        self.clicked.connect(lambda: fit_view(self._viewer))
        image.installEventFilter(self)
        camera, layers = self._viewer.scene.camera.events, self._viewer.layers.events
        for changed in (
            camera.center,
            camera.zoom,
            layers.inserted,
            layers.removed,
            session.picture_changed,
            session.labels_changed,
        ):
            changed.connect(self.look)
        self.look()

    def look(self) -> None:
        """Show the button if there are pictures, and none of them is in sight."""
        pictures = [layer for layer in self._viewer.layers if isinstance(layer, Image) and layer.visible]
        flat = self._viewer.dims.ndisplay == 2 and not self._viewer.canvas.grid.enabled
        self.setVisible(flat and bool(pictures) and not any(map(self._is_seen, pictures)))
        if not self.isHidden():
            _center(self)

    def eventFilter(self, image: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 (Qt's name)
        """Look again when the image has another size."""
        if event is not None and event.type() == QEvent.Type.Resize:
            self.look()
        return super().eventFilter(image, event)

    def _is_seen(self, picture: Image) -> bool:
        image, camera = self.parentWidget(), self._viewer.scene.camera
        assert image is not None, "the button lies over the image"
        middle, half = np.array(camera.center[-2:]), np.array([image.height(), image.width()]) / (2 * camera.zoom)
        low, high = picture.extent.world[:, -2:]
        shared = np.minimum(high, middle + half) - np.maximum(low, middle - half)
        return bool((shared >= max(_WITHIN, _SEEN / camera.zoom)).all())


def _center(widget: QWidget) -> None:
    """Put a widget into the middle of the image that it lies over."""
    image = widget.parentWidget()
    if image is not None:
        widget.adjustSize()
        widget.move(image.rect().center() - widget.rect().center())
