"""The keys and gestures of labeling as a list over the image, beside the dock whose buttons do the same."""

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QTextEdit, QWidget

from napari_posecut.labeling.keys import key_help

_WIDTH = 620  # pixels in which each key, and nearly all that they mean, have one line
_APART = 8  # pixels from the edges of the image


class KeysHelp(QTextEdit):
    """Hidden until it is asked for; it lies at the right of the image, and is scrolled where that is too low."""

    def __init__(self, dock: QWidget) -> None:
        super().__init__(_help_text(), dock)  # which breaks long lines, as a table of Qt does not
        self.setReadOnly(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keys stay with the image
        self.setAttribute(Qt.WidgetAttribute.WA_NoMousePropagation)  # a click in the list is none on the image
        self.hide()

    def show_over(self, image: QWidget) -> None:
        """Show the list over an image."""
        if self.parentWidget() is not image:
            self.setParent(image)
            image.installEventFilter(self)
        self._fit()
        self.show()
        self.raise_()

    def eventFilter(self, image: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 (Qt's name)
        """Stay at the right of the image."""
        if event is not None and event.type() == QEvent.Type.Resize:
            self._fit()
        return super().eventFilter(image, event)

    def _fit(self) -> None:
        image, document, bar = self.parentWidget(), self.document(), self.verticalScrollBar()
        if image is None or document is None or bar is None:
            return
        width = min(_WIDTH, image.width() - 2 * _APART)
        document.setTextWidth(width - 2 * self.frameWidth() - bar.sizeHint().width())
        height = min(round(document.size().height()) + 2 * self.frameWidth(), image.height() - 2 * _APART)
        self.setGeometry(image.width() - width - _APART, _APART, width, height)


def _help_text() -> str:
    rows = "".join(f"<tr><td><b>{do}</b>&nbsp;</td><td>{meaning}</td></tr>" for do, meaning in key_help())
    return f"<table cellpadding=1>{rows}</table>"
