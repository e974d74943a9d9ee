"""Parts that docks share: names, scrolling, updates that can wait, buttons for what helps, and plain tables."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from magicgui.widgets.bases import ValueWidget
from qtpy.QtCore import QEvent, QModelIndex, QObject, QSize, Qt, QTimer, QUrl, Signal
from qtpy.QtGui import QColor, QDesktopServices, QFontMetrics, QIcon, QImage, QPixmap
from qtpy.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QDockWidget,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLayout,
    QListWidget,
    QMainWindow,
    QPushButton,
    QScrollArea,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_posecut.jobs.monitor import at_work
from napari_posecut.remedies import PLACES, button_text
from napari_posecut.session import Session
from posecut_core.errors import Remedy

_COMPOSED = ("napari_posecut.", "magicgui.")  # packages whose widgets have others as attributes
_SIDE = 12  # pixels of a square of color
_RED = (217, 83, 79)  # which is seen on a dark and on a bright ground
_MARGIN = 6  # pixels that Qt leaves on both sides of a text together
_NARROWEST = 290  # pixels of a dock in which no control is cut off
_LEAST = 140  # pixels in which some rows of a list can be read
# Qt draws check boxes of lists for a bright ground, and napari's themes leave them so. These are seen on each; the mark
# is one of napari's own, which it makes for all of its themes.
_CHECKS = """
QAbstractItemView::indicator {
    width: 12px; height: 12px; border: 1px solid #808080; border-radius: 2px; background-color: #f5f5f5;
}
QAbstractItemView::indicator:checked { background-color: #4560c4; image: url("theme_dark:/check.svg"); }
"""
_SPOKEN: Mapping[str, str] = {  # name of a control that has no label, or the end of it -> what a screen reader says
    "bar": "progress of the work",
    "message.sentence": "message",
    "banner.changes": "changes by another program",
    "project.path": "path of the project",
    "project.tabs": "parts of the project",
    "imports.folder": "folder for the project",
    "new.folder": "folder for the project",
    "new.videos": "videos of the new project",
    "doubtful.labels": "labels to look at",
    "bodyparts.names": "names of the bodyparts",
    "bodyparts.colors": "colors of the bodyparts",
    "skeleton.bones": "bones of the skeleton",
    "skeleton.one": "first bodypart of a bone",
    "skeleton.other": "second bodypart of a bone",
    "videos.videos": "videos of the project",
    "start.recent": "projects that were open lately",
    "frames.tree": "frames to label",
    "frames.videos": "videos and the number of their frames",
    "choice.filter": "show only videos whose name has this",
    "frames.start": "percent of each video at which the choice begins",
    "frames.stop": "percent of each video at which the choice ends",
    "label.progress": "progress of labeling",
    "label.bodyparts": "bodyparts of the frame",
    "label.note": "note on the frame",
    "brightness.brightness": "brightness",
    "brightness.contrast": "contrast",
    "label.help": "keys and gestures",
    "weights_file.line_edit": "file of weights",
    "train.curve": "curves of loss and error",
    "evaluate.bodyparts": "errors of the bodyparts",
    "evaluate.frames": "worst frames",
    "analyze.videos": "videos to analyze",
    "analyze.folder": "folder for the results",
    "outliers.networks": "network",
    "outliers.videos": "analyzed videos",
    "outliers.timeline": "frames that look wrong, over time",
    "refine.videos": "videos and their suggestions to review",
    "refine.bodyparts": "bodyparts of the frame",
    "results.filter": "show only videos whose name has this",
    "results.videos": "analyzed video",
    "results.networks": "network",
    "player.step": "frames of a step",
    "player.speed": "speed",
    "overlay.pcutoff": "likelihood from which a bodypart is drawn full",
    "overlay.bodyparts": "bodyparts, their colors and likelihoods",
    "cameras.networks": "network",
    "cameras.views": "sessions and their views",
    "filmstrip.order": "order of the frames",
    "filmstrip.frames": "frames",
    "history.edits": "edits of the video",
}
_TURN, _TURNS = 40, 10  # milliseconds between the updates of two docks, and how many take turns
_turns = count()


def name_controls(owner: Any, name: str) -> None:
    """Give a widget a name, and the widgets that are its attributes names below that, such as `train.line.stop`.

    Tests find controls by these names. Screen readers say the label of a field, and what is in `_SPOKEN` where none is.

    Args:
        owner: a widget of Qt or of magicgui.
        name: of the widget.
    """
    widget = getattr(owner, "native", owner)
    widget.setObjectName(name)
    spoken = _spoken(name) or (owner.label if isinstance(owner, ValueWidget) else "")
    if spoken:
        widget.setAccessibleName(spoken)
    for attribute, value in vars(owner).items() if type(owner).__module__.startswith(_COMPOSED) else ():
        part = f"{name}.{attribute.strip('_').removesuffix('_buttons').removesuffix('_button')}"
        widgets = {f"{part}.{key}": one for key, one in value.items()} if isinstance(value, Mapping) else {part: value}
        for each, widget in widgets.items():
            if isinstance(getattr(widget, "native", widget), QWidget):
                name_controls(widget, each.replace(" ", "_"))


def _spoken(name: str) -> str:
    """Return what a screen reader says of a control: by its whole name, or by the end of it."""
    parts = name.split(".")
    ends = (".".join(parts[first:]) for first in range(len(parts)))
    return next((_SPOKEN[end] for end in ends if end in _SPOKEN), "")


def show_choices(box: QComboBox, choices: Mapping[str, str]) -> None:
    """Show what can be chosen, as value -> text; what was chosen stays, else the first is. Nothing is signaled."""
    chosen = box.currentData()
    box.blockSignals(True)
    box.clear()
    for value, text in choices.items():
        box.addItem(text, value)
    box.setCurrentIndex(max(box.findData(chosen), 0) if choices else -1)
    box.blockSignals(False)


def scroll_content(dock: QWidget, content: QWidget) -> None:
    """Fill a dock, or a tab of one, with what may be higher than a small screen; it is scrolled up and down only.

    The fields of all its forms begin below each other.
    """
    area, layout = QScrollArea(), QVBoxLayout(dock)
    area.setWidget(content)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click beside a control leaves the keys with the image
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(area)
    dock.setMinimumWidth(_NARROWEST)
    _OneWidth(content)


class _OneWidth(QObject):
    """Gives the labels of all forms of a dock one width, which leaves the fields half of the dock.

    Each form measures its own at most, and magicgui does so before napari's larger font comes.
    """

    _events = (QEvent.Type.Show, QEvent.Type.Resize, QEvent.Type.LayoutRequest)

    def __init__(self, content: QWidget) -> None:
        super().__init__(content)
        self._content = content
        content.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 (Qt's name)
        """Measure again when the dock is shown or laid out; no event is kept from it."""
        if event is not None and event.type() in self._events:
            labels = [label for label in row_labels(self._content.layout()) if not label.isHidden()]
            seen = self._content.parentWidget() or self._content
            widest = min(max((label.sizeHint().width() for label in labels), default=0), seen.width() // 2)
            for label in labels:
                label.setMinimumWidth(widest)
        return False


def row_labels(layout: QLayout | None) -> Iterator[QLabel]:
    """Yield the labels before fields, in a layout and all that it holds, where these can be seen."""
    items = [] if layout is None else [layout.itemAt(place) for place in range(layout.count())]
    for place, item in enumerate(item for item in items if item is not None):
        widget = item.widget()
        if widget is None:
            yield from row_labels(item.layout())
        elif isinstance(widget, QLabel):
            if _begins_row(layout, place) and not widget.wordWrap():
                yield widget
        elif not widget.isHidden():
            yield from row_labels(widget.layout())


def _begins_row(layout: QLayout | None, place: int) -> bool:
    if isinstance(layout, QFormLayout):
        return layout.getItemPosition(place)[1] == QFormLayout.ItemRole.LabelRole
    return isinstance(layout, QHBoxLayout) and place == 0 and layout.count() > 1


def image_of(window: QWidget) -> QWidget | None:
    """Return the widget of a window that napari draws on; None where there is none yet."""
    return next((one for one in window.findChildren(QWidget) if "CanvasBackend" in type(one).__name__), None)


def open_outside(session: Session, path: Path, refused: str) -> None:
    """Open a file or a folder with the program that the system has for it; say where it is if there is none."""
    if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
        session.notify(f"{refused}; it is {path}.")


class Postponed(QTimer):
    """Brings a dock up to date: at once where it can be seen, else a little later, and before it comes to the front.

    What concerns all docks, such as the end of a job, would else hold the window for the time of all of them together.
    """

    def __init__(self, dock: QWidget, update: Callable[[], object]) -> None:
        super().__init__(dock)
        self._dock, self._update = dock, update
        self.setSingleShot(True)
        self.setInterval(_TURN * (1 + next(_turns) % _TURNS))  # each dock has its own turn
        self.timeout.connect(self._on_turn)

    def request(self, *_: object) -> None:
        """Ask for an update."""
        self.start() if self._is_behind else self.run()

    def run(self) -> None:
        """Update now."""
        self.stop()
        self._update()

    def finish(self) -> None:
        """Do now what was put off, if anything was."""
        if self.isActive():
            self.run()

    @property
    def _is_behind(self) -> bool:
        """Tell whether other docks are in front; one that has not been drawn yet is not behind any."""
        dock = self._dock.parentWidget()
        while dock is not None and not isinstance(dock, QDockWidget):
            dock = dock.parentWidget()
        window = self._dock.window()
        beside = dock is not None and isinstance(window, QMainWindow) and bool(window.tabifiedDockWidgets(dock))
        return beside and self._dock.visibleRegion().isEmpty()

    def _on_turn(self) -> None:
        self.start() if at_work() else self.run()


class RemedyButtons(QWidget):
    """A button for each remedy that a dock has; hidden where there is none."""

    chosen = Signal(object)  # Remedy

    def __init__(self, direction: QBoxLayout.Direction) -> None:
        super().__init__()
        self.buttons: list[QPushButton] = []
        self._layout = QBoxLayout(direction, self)
        self._layout.setContentsMargins(0, 0, 0, 0)

    def show_remedies(self, remedies: Sequence[Remedy]) -> None:
        """Offer other remedies than before."""
        self.hide()  # what is added to a hidden widget is shown with it, and not later
        for button in self.buttons:
            self._layout.removeWidget(button)
            button.deleteLater()
        texts = {text: remedy for remedy in reversed(remedies) if (text := button_text(remedy)) is not None}
        self.buttons = [self._button(text, remedy) for text, remedy in reversed(texts.items())]
        self.setVisible(bool(self.buttons))

    def _button(self, text: str, remedy: Remedy) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName(f"{self.objectName()}.{self._layout.count() + 1}")
        button.setToolTip(f"go to {PLACES[remedy.step][0]}: {text}")
        button.clicked.connect(lambda: self.chosen.emit(remedy))
        self._layout.addWidget(button)
        return button


class LowList(QListWidget):
    """A list that takes the room that a dock has left, down to some rows; Qt's own wants 192 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.setStyleSheet(_CHECKS)

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Return a height in which some rows can be read."""
        return QSize(super().sizeHint().width(), _LEAST)


class _WhereTheyDiffer(QStyledItemDelegate):
    """Draws names that are too long for their column so that they can be told apart."""

    def __init__(self, table: QTreeWidget) -> None:
        super().__init__(table)
        self._table = table
        self._made_of: tuple[tuple[str, ...], int, int] | None = None  # names, pixels, and height of the letters
        self._shown: Mapping[str, str] = {}

    def initStyleOption(self, option: QStyleOptionViewItem | None, index: QModelIndex) -> None:  # noqa: N802 (Qt's name)
        """Replace a name that has no room."""
        super().initStyleOption(option, index)
        model, style = index.model(), self._table.style()
        if option is None or model is None or style is None or not option.text:
            return
        room = style.subElementRect(QStyle.SubElement.SE_ItemViewItemText, option, self._table).width() - _MARGIN
        if option.fontMetrics.horizontalAdvance(option.text) > room:
            names = tuple(str(model.index(row, index.column()).data()) for row in range(model.rowCount()))
            made_of = names, room, option.fontMetrics.height()
            if made_of != self._made_of:  # measuring all of them for each row would take a while
                self._made_of = made_of
                self._shown = dict(zip(names, told_apart(names, room, option.fontMetrics), strict=True))
            option.text = self._shown.get(option.text, option.text)


def told_apart(names: Sequence[str], room: int, metrics: QFontMetrics) -> list[str]:
    """Return names as they have room, without what all begin with, and cut where they still differ from each other.

    Args:
        names: of a column.
        room: in pixels.
        metrics: of the letters.
    """
    ways = (Qt.TextElideMode.ElideMiddle, Qt.TextElideMode.ElideRight, Qt.TextElideMode.ElideLeft)
    rest = [one if metrics.horizontalAdvance(one) <= room else without_beginning(one, names) for one in names]
    cut = {way: [metrics.elidedText(one, way, room) for one in rest] for way in ways}
    seen = {way: Counter(shown) for way, shown in cut.items()}
    return [
        next((cut[way][place] for way in ways if seen[way][cut[way][place]] == 1), cut[ways[0]][place])
        for place in range(len(names))
    ]


def without_beginning(name: str, names: Sequence[str]) -> str:
    """Return a name without the words that all names begin with; the whole where there are none, or nothing is left."""
    same = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    common = re.sub(r"[A-Za-z0-9]+$", "", "".join(letters[0] for letters in same)) if len(names) > 1 else ""
    return f"…{name[len(common) :]}" if common and len(common) < len(name) else name


class LowTable(QTreeWidget):
    """A table of which the same is true; its rows have nothing below them, and it is as wide as its dock.

    Args:
        headings: of the columns.
        widest: column that takes the room that the others leave; a text that is longer loses what all of them begin
            with, and then its middle, its end or its beginning, by which it can be told from the others.
    """

    def __init__(self, headings: Sequence[str], *, widest: int = 0) -> None:
        super().__init__()
        self.setStyleSheet(_CHECKS)
        self.setHeaderLabels(list(headings))
        self.setRootIsDecorated(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setItemDelegateForColumn(widest, _WhereTheyDiffer(self))
        header = self.header()
        assert header is not None
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(widest, QHeaderView.ResizeMode.Stretch)

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Return a height in which some rows can be read."""
        return QSize(super().sizeHint().width(), _LEAST)


def mark_missing(item: QTreeWidgetItem, path: Path) -> bool:
    """Write the name of a video in red where its file is missing, and tell whether it is."""
    missing = not path.is_file()
    item.setToolTip(0, f"{path}: the file is missing" if missing else str(path))
    if missing:
        item.setForeground(0, QColor(*_RED))
    return missing


def colored_row(color: UInt8[np.ndarray, "3"], *cells: str) -> QTreeWidgetItem:
    """Make a row with a square of a bodypart's color before its first cell."""
    row = QTreeWidgetItem(cells)
    row.setIcon(0, color_icon(color.tolist()))
    return row


def picture_icon(picture: UInt8[np.ndarray, "H W 3"], side: int) -> QIcon:
    """Make a small picture of at most so many pixels on each side."""
    height, width, _ = picture.shape
    image = QImage(np.ascontiguousarray(picture).tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
    return icon_of(QPixmap.fromImage(image.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio)))


def color_icon(color: Sequence[int]) -> QIcon:
    """Make a square of one color: red, green, blue from 0 to 255."""
    square = QPixmap(_SIDE, _SIDE)
    square.fill(QColor(*color))
    return icon_of(square)


def icon_of(picture: QPixmap) -> QIcon:
    """Make an icon that looks the same in a row that is selected, where Qt would tint it: its colors mean something."""
    icon = QIcon(picture)
    icon.addPixmap(picture, QIcon.Mode.Selected)
    return icon
