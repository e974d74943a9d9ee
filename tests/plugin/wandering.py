"""A person who wanders through all docks, tabs, menus and layers of a window, and changes no label by that."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from napari import Viewer
from napari.layers import Shapes
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QAction, QDesktopServices
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDockWidget,
    QFileDialog,
    QInputDialog,
    QMainWindow,
    QMessageBox,
    QSlider,
    QTabWidget,
    QTreeWidget,
    QWidget,
)

from napari_posecut.session import session_of
from napari_posecut.widgets.flow import FlowBar
from tests.plugin.hand import LEFT, NONE

# Controls that change labels, frames or bodyparts, or open another project: others try these.
_MEANT = (
    *("label.action", "label.bodyparts", "label.number", "label.advance", "label.network", "posecut.message"),
    *("project.start", "project.frames", "project.bodyparts.apply", "project.take_over", "frames.delete"),
    *("frames.picker.take", "refine.accept", "refine.next", "results.products.add", "filmstrip.frames"),
    *("history.edits", "evaluate.frames", "project.checks.doubtful"),
)
_NOT_TRIED = ("full screen", "screenshot", "menu bar", "console")  # of napari's menus: what leaves the window


@contextmanager
def nobody_answers() -> Iterator[None]:
    """Let every dialog be canceled."""
    with ExitStack() as stack:
        for kind, name, answer in (
            (QFileDialog, "getOpenFileName", ("", "")),
            (QFileDialog, "getOpenFileNames", ([], "")),
            (QFileDialog, "getSaveFileName", ("", "")),
            (QFileDialog, "getExistingDirectory", ""),
            (QInputDialog, "getItem", ("", False)),
            (QMessageBox, "question", QMessageBox.StandardButton.No),
            (QDesktopServices, "openUrl", True),
        ):
            stack.enter_context(patch.object(kind, name, lambda *_, answer=answer, **__: answer))
        yield


class Wanderer:
    """Does one thing after the other; each is a kind of thing and a number that says which one."""

    def __init__(self, bar: FlowBar, viewer: Viewer) -> None:
        self._bar, self._viewer = bar, viewer
        self.kinds: dict[str, Callable[[int], None]] = {
            "stage": self._open,
            "tab": self._tab,
            "button": self._press,
            "box": self._choose,
            "number": self._step,
            "slider": self._slide,
            "row": self._click_row,
            "view": self._view,
            "menu": self._menu,
            "layer": self._layer,
            "float": self._float,
            "close": self._close,
            "theme": self._theme,
        }

    def do(self, kind: str, number: int) -> None:
        """Do a thing; work that this starts fails at once."""
        self.kinds[kind](number)
        QApplication.processEvents()
        # A running window forgets a removed dock before the next click; without its loop, a menu would show it again.
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        jobs = session_of(self._viewer).jobs
        while jobs.running:
            jobs.end("failed", message="It failed.")
            QApplication.processEvents()

    def come_back(self) -> None:
        """Go back to the labeling, with everything where it was at first."""
        viewer, session = self._viewer, session_of(self._viewer)
        press(self._bar.buttons["3 Label"])
        session.refresh()
        session.show_labels()
        ours = session.canvas.layers
        for layer in [layer for layer in viewer.layers if layer not in ours]:
            viewer.layers.remove(layer)
        viewer.canvas.grid.enabled = False
        self._bar.reset_layout()
        self._bar.open("3 Label")
        viewer.layers.selection = {session.canvas.points}
        QApplication.processEvents()

    def _open(self, number: int) -> None:
        press(self._of(number, list(self._bar.buttons.values())))

    def _tab(self, number: int) -> None:
        tabs = self._controls(QTabWidget)
        if tabs:
            row = tabs[0].tabBar()
            places = [place for place in range(tabs[0].count()) if tabs[0].isTabVisible(place)]
            QTest.mouseClick(row, LEFT, NONE, row.tabRect(self._of(number, places)).center())

    def _press(self, number: int) -> None:
        buttons = [one for one in self._controls(QAbstractButton) if getattr(one, "menu", lambda: None)() is None]
        if buttons:
            press(self._of(number, buttons))

    def _choose(self, number: int) -> None:
        boxes = [box for box in self._controls(QComboBox) if box.count()]
        if boxes:
            box = self._of(number, boxes)
            box.setFocus()
            QTest.keyClick(box, Qt.Key.Key_Down if number % 2 else Qt.Key.Key_Up)

    def _step(self, number: int) -> None:
        boxes = self._controls(QAbstractSpinBox)
        if boxes:
            QTest.keyClick(self._of(number, boxes), Qt.Key.Key_Up if number % 2 else Qt.Key.Key_Down)

    def _slide(self, number: int) -> None:
        sliders = self._controls(QSlider)
        if sliders:
            QTest.keyClick(self._of(number, sliders), Qt.Key.Key_Right if number % 2 else Qt.Key.Key_Left)

    def _click_row(self, number: int) -> None:
        trees = [tree for tree in self._controls(QTreeWidget) if tree.topLevelItemCount()]
        if trees:
            tree = self._of(number, trees)
            item = tree.topLevelItem(number % tree.topLevelItemCount())
            QTest.mouseClick(tree.viewport(), LEFT, NONE, tree.visualItemRect(item).center())

    def _view(self, number: int) -> None:
        """Choose an entry of the menu "View" beside the numbered buttons."""
        self._of(number, self._bar.view.menu().actions()).trigger()

    def _menu(self, number: int) -> None:
        """Choose an entry of napari's menus that is switched on or off."""
        window = self._bar.window()
        entries = [one for one in window.findChildren(QAction) if one.isCheckable() and one.isEnabled()]
        wanted = [one for one in entries if not any(word in one.text().lower() for word in _NOT_TRIED)]
        inside = [one for one in wanted if one.parent() is not None and "posecut" not in one.parent().objectName()]
        if inside:
            self._of(number, inside).trigger()

    def _layer(self, number: int) -> None:
        layers = self._viewer.layers
        if number % 7 == 0 or not layers:
            self._viewer.add_layer(Shapes(name="arena", ndim=2))
            return
        layer = self._of(number, list(layers))
        (
            lambda: setattr(layer, "visible", not layer.visible),
            lambda: setattr(layer, "opacity", 0.1 * (number % 10)),
            lambda: layers.move(layers.index(layer), 0),
            lambda: setattr(layers.selection, "active", layer),
            lambda: setattr(layer, "mode", "transform"),
            lambda: layers.remove(layer),
            lambda: layers.reverse(),
        )[number % 7]()

    def _float(self, number: int) -> None:
        docks = [dock for dock in self._bar.window().findChildren(QDockWidget) if dock.isVisible()]
        dock = self._of(number, docks) if docks else None  # a menu hides them all
        if dock is not None and not dock.isAncestorOf(self._bar):
            dock.setFloating(not dock.isFloating())

    def _close(self, number: int) -> None:
        kept = ("PoseCut", "3 Label (PoseCut)")
        docked = [one for title, one in self._viewer.window.dock_widgets.items() if title not in kept]
        if docked:
            self._viewer.window.remove_dock_widget(self._of(number, docked))

    def _theme(self, number: int) -> None:
        if number % 20 == 0:  # it takes a second
            self._viewer.theme = "light" if self._viewer.theme == "dark" else "dark"

    def _controls(self, kind: type) -> list:
        """List the controls of a kind that can be used in the docks that are seen, without those that are meant."""
        docks = [widget for widget in self._viewer.window.dock_widgets.values() if isinstance(widget, QWidget)]
        found = [one for dock in docks for one in dock.findChildren(kind) if one.isVisible() and one.isEnabled()]
        return [one for one in found if one.objectName() and not one.objectName().startswith(_MEANT)]

    @staticmethod
    def _of(number: int, things: list):
        return things[number % len(things)]


def press(button: QAbstractButton) -> None:
    """Click on a button, also on one that its dock has to be scrolled to."""
    QTest.mouseClick(button, LEFT, NONE, button.rect().center())
    QApplication.processEvents()


def is_tidy(bar: FlowBar, viewer: Viewer) -> bool:
    """Tell whether the window looks as it does at first: docks in their places, and the layers in their order."""
    window = bar.window()
    assert isinstance(window, QMainWindow)
    docks = [dock for title in bar.buttons if (dock := bar._dock(title)) is not None]
    layers = [(layer.name, layer.opacity) for layer in viewer.layers if layer.visible]
    return (
        layers == [(name, 1.0) for name in ("frame", "skeleton", "labels")]
        and not any(dock.isFloating() for dock in docks)
        and {window.dockWidgetArea(dock) for dock in docks} == {Qt.DockWidgetArea.RightDockWidgetArea}
        and viewer.dims.ndisplay == 2
        and (window.width(), window.height()) == (1280, 800)
    )
