"""A person's hand at a window: real mouse and key events on napari's canvas, counted."""

import napari
from napari.qt import QtViewer
from qtpy.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from qtpy.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QComboBox, QLineEdit, QPlainTextEdit, QScrollArea, QTreeWidget, QWidget

from posecut_core.labels.state import Position

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
NONE, SHIFT, CONTROL = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)

_TYPED = (QLineEdit, QPlainTextEdit)


class Hand:
    """Clicks, drags, turns the wheel and presses keys where positions of the full frame are drawn."""

    def __init__(self, viewer: napari.Viewer) -> None:
        self.viewer = viewer
        self.events = 0  # clicks, drags and keys so far
        self.canvas = canvas_of(viewer)

    def click(self, xy: Position, *, button: Qt.MouseButton = LEFT, modifier: Qt.KeyboardModifier = NONE) -> None:
        """Press and release a button of the mouse at one place."""
        place = self.place(xy)
        self._move(place)
        QTest.mousePress(self.canvas, button, modifier, place)
        QTest.mouseRelease(self.canvas, button, modifier, place)
        self._done()

    def drag(
        self,
        start: Position,
        end: Position,
        *,
        button: Qt.MouseButton = LEFT,
        modifier: Qt.KeyboardModifier = NONE,
    ) -> None:
        """Press a button, move the mouse in steps, and release it."""
        first, last = self.place(start), self.place(end)
        self._move(first)
        QTest.mousePress(self.canvas, button, modifier, first)
        for step in range(1, 5):
            self._move(first + (last - first) * (step / 4), button)
        QTest.mouseRelease(self.canvas, button, modifier, last)
        self._done()

    def wheel(self, xy: Position, steps: int) -> None:
        """Turn the wheel; forwards zooms in."""
        place = QPointF(self.place(xy))
        there = QPointF(self.canvas.mapToGlobal(self.place(xy)))
        for _ in range(abs(steps)):
            turn = QPoint(0, 120 if steps > 0 else -120)
            event = QWheelEvent(
                place, there, QPoint(), turn, Qt.MouseButton.NoButton, NONE, Qt.ScrollPhase.NoScrollPhase, False
            )
            QApplication.sendEvent(self.canvas, event)
        self._done()

    def key(self, key: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
        """Press a key where the keyboard's focus is."""
        window = self.canvas.window()
        QTest.keyClick(window.focusWidget() or window, key, modifier)
        self._done()

    def hover(self, xy: Position) -> None:
        """Move the mouse without pressing anything."""
        self._move(self.place(xy))

    def place(self, xy: Position) -> QPoint:
        """Return the pixel of the canvas at which a position of the full frame is drawn."""
        camera = self.viewer.scene.camera
        row, column = camera.center[-2:]
        x = self.canvas.width() / 2 + (xy[0] - column) * camera.zoom
        y = self.canvas.height() / 2 + (xy[1] - row) * camera.zoom
        return QPoint(round(x), round(y))

    def _move(self, place: QPoint, held: Qt.MouseButton = Qt.MouseButton.NoButton) -> None:
        """Send a moved mouse to the canvas itself.

        That of a moved cursor goes to whatever window lies uppermost there, and tests of two processes share a screen.
        """
        there, on_screen = QPointF(place), QPointF(self.canvas.mapToGlobal(place))
        event = QMouseEvent(QEvent.Type.MouseMove, there, on_screen, Qt.MouseButton.NoButton, held, NONE)
        QApplication.sendEvent(self.canvas, event)
        QApplication.processEvents()

    def _done(self) -> None:
        self.events += 1
        QApplication.processEvents()


class Inputs(QObject):
    """Counts what a person does in a window: fields that are typed in, and clicks anywhere else."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: set[QObject] = set()
        self._clicks: dict[int, QWidget] = {}  # by their time: who ignores one leaves it to the widget around
        application = QApplication.instance()
        assert application is not None
        application.installEventFilter(self)

    @property
    def clicks(self) -> int:
        """Return how many were not on a field to type in."""
        return sum(not isinstance(one, _TYPED) for one in self._clicks.values())

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 (Qt's name)
        """Look at an event, and keep it from nobody."""
        typed = isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.text() > " "
        if typed and isinstance(watched, _TYPED):
            self.fields.add(watched)
        clicked = event is not None and event.type() == QEvent.Type.MouseButtonPress
        if clicked and isinstance(event, QMouseEvent) and isinstance(watched, QWidget):
            self._clicks.setdefault(event.timestamp(), watched)
        return False


def seen(viewer: napari.Viewer) -> list[str]:
    """Return the names of the layers that are drawn, from the lowest to the uppermost; hidden ones are not."""
    return [layer.name for layer in viewer.layers if layer.visible]


def canvas_of(viewer: napari.Viewer) -> QWidget:
    """Return the widget that napari draws a viewer on; nothing public leads to it but its kind and being shown."""
    pictures = [one for one in QApplication.allWidgets() if isinstance(one, QtViewer) and one.viewer is viewer]
    inside = [widget for picture in pictures for widget in picture.findChildren(QWidget)]
    visible = [widget for widget in inside if "CanvasBackend" in type(widget).__name__ and widget.isVisible()]
    assert len(visible) == 1, f"expected one canvas, found {visible}"
    return visible[0]


def press(button: QWidget) -> None:
    """Click in the middle of a button, wherever its dock has been scrolled to."""
    _reach(button)
    QTest.mouseClick(button, LEFT, NONE, button.rect().center())
    QApplication.processEvents()


def write(field: QWidget, text: str) -> None:
    """Replace what is in a field by typing."""
    _reach(field)
    QTest.mouseClick(field, LEFT, NONE, field.rect().center())
    QTest.keyClick(field, Qt.Key.Key_A, CONTROL)
    for letter in text:
        QTest.keyClick(field, letter)
        QApplication.processEvents()
    QTest.keyClick(field, Qt.Key.Key_Tab)
    QApplication.processEvents()


def choose(box: QComboBox, text: str) -> None:
    """Choose an entry of a box by the arrow keys."""
    _reach(box)
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Home)
    while box.currentText() != text:
        before = box.currentIndex()
        QTest.keyClick(box, Qt.Key.Key_Down)
        assert box.currentIndex() != before, f"the box has no {text!r}"
    QApplication.processEvents()


def click_row(tree: QTreeWidget, row: int, column: int = 0, *, twice: bool = False) -> None:
    """Click on a row of a list."""
    item = tree.topLevelItem(row)
    assert item is not None, f"the list has no row {row}"
    tree.scrollToItem(item)
    place = tree.visualItemRect(item).center()
    place.setX(tree.columnViewportPosition(column) + tree.columnWidth(column) // 2)
    QTest.mouseClick(tree.viewport(), LEFT, NONE, place)
    if twice:
        QTest.mouseDClick(tree.viewport(), LEFT, NONE, place)
    QApplication.processEvents()


def _reach(widget: QWidget) -> None:
    """Scroll to a widget that can be used now."""
    assert widget.isVisible(), f"nobody sees {widget} now"
    assert widget.isEnabled(), f"nobody can use {widget} now"
    above = widget.parentWidget()
    while above is not None and not isinstance(above, QScrollArea):
        above = above.parentWidget()
    if above is not None:
        above.ensureWidgetVisible(widget)
        QApplication.processEvents()
