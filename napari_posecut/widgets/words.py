"""A label of some sentences that is always as high as they are, however narrow its dock is."""

import html
import re

from qtpy.QtCore import Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QLabel, QSizePolicy


class Words(QLabel):
    """Rich text that is broken into lines and never cut off; layouts alone give wrapped labels too little room."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setText(text)

    def setText(self, text: str | None) -> None:  # noqa: N802 - Qt's name
        """Show a text, and take the room that it needs."""
        super().setText(text)
        self._fit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Take the room that the text needs at another width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.setMinimumHeight(max(0, self.heightForWidth(self.width())))


def wrappable(text: str) -> str:
    """Make rich text of a sentence, in which long paths and names may be broken anywhere that they have a mark."""
    return re.sub(r"(?<=[/\\_.-])(?=\S)", "\u200b", html.escape(text, quote=False))
