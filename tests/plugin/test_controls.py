"""Every control of the window has a name by which tests and screen readers find it; the names are stable."""

import re
from itertools import pairwise

from pyqtgraph import GraphicsView
from qtpy.QtCore import QPoint, QRect, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QSlider,
    QTabBar,
    QTabWidget,
    QTextEdit,
)

from napari_posecut.session import session_of
from napari_posecut.widgets.flow import _STAGES
from napari_posecut.window import add_flow_bar
from posecut_core.backbones import net_types
from tests.structure.source import ROOT

CONTROLS = (
    *(QAbstractButton, QAbstractItemView, QAbstractSpinBox, QComboBox, QLineEdit),
    *(QPlainTextEdit, QProgressBar, QSlider, QTabWidget, QTextEdit, GraphicsView),
)
TAB = Qt.FocusPolicy.TabFocus
NAMES = ROOT / "tests" / "data" / "window_controls.txt"


def controls(owner):
    """List the controls below a widget, without the parts that Qt makes of each."""
    for child in owner.children():
        if isinstance(child, QHeaderView | QTabBar):
            continue
        if isinstance(child, CONTROLS):
            yield child
        if not isinstance(child, CONTROLS) or isinstance(child, QTabWidget):
            yield from controls(child)


def test_every_control_has_its_name_speaks_plainly_and_is_reached_by_tab(viewer, sample):
    """No two share a name, none that there was is gone, a screen reader has words for each, Tab goes as one reads."""
    bar = add_flow_bar(viewer)
    session_of(viewer).open(sample)
    docks = [bar, *(bar.open(stage.title) for stage in _STAGES), bar.show_filmstrip(), bar.show_history()]
    found = [control for dock in docks for control in controls(dock)]
    names = [control.objectName() for control in found]
    assert [control for control, name in zip(found, names, strict=True) if not name.count(".")] == []
    assert len(set(names)) == len(names), sorted(name for name in names if names.count(name) > 1)
    assert sorted(names) == NAMES.read_text(encoding="utf-8").splitlines()
    assert [name for name, one in zip(names, found, strict=True) if one.toolTip().startswith(_last(name))] == []
    coded = {word.rstrip(".") for one in found for word in re.findall(r"`|(?<!\w)[a-z]+_[a-z][\w.]*", one.toolTip())}
    assert coded - {*net_types(), "frozen_batch", "board_left.mp4"} == set()
    buddies = {label.buddy() for dock in docks for label in dock.findChildren(QLabel)}
    assert [name for name, one in zip(names, found, strict=True) if not (_spoken(one) or one in buddies)] == []
    assert [fault for stage in _STAGES for fault in faults_of_tab(bar.open(stage.title))] == []


def faults_of_tab(dock):
    """List what Tab does not reach in a dock, and pairs that it visits against the order in which one reads."""
    QApplication.processEvents()
    wanted = [one for one in controls(dock) if one.isVisible() and one.isEnabled() and one.focusPolicy() & TAB]
    focused = {one.focusProxy() or one: one for one in wanted}
    stop = dock
    while stop not in focused:
        stop = stop.nextInFocusChain()
    stop.setFocus(Qt.FocusReason.TabFocusReason)
    visited = []
    while (stop := QApplication.focusWidget()) not in visited and dock.isAncestorOf(stop):
        visited.append(stop)
        QTest.keyClick(stop, Qt.Key.Key_Tab)
    order = [focused[one] for one in visited if one in focused]  # others are scrolled by the arrow keys
    missed = [one.objectName() for one in wanted if one not in order]
    return missed + [(one.objectName(), two.objectName()) for one, two in pairwise(order) if _is_above(two, one)]


def _is_above(one, other):
    """Tell whether a control comes before another one as they are read."""
    here, there = (QRect(each.mapTo(each.window(), QPoint()), each.size()) for each in (one, other))
    return here.bottom() < there.top() or (here.top() <= there.bottom() and here.right() < there.left())


def _spoken(control):
    """Return what a screen reader says of a control, but for the label of its field."""
    return control.accessibleName() or (control.text() if isinstance(control, QAbstractButton) else "")


def _last(name):
    return f"{name.rpartition('.')[2]}:"
