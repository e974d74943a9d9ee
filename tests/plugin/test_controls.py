"""Every control of the window has a name by which tests and screen readers find it; the names are stable."""

import re

from pyqtgraph import GraphicsView
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QHeaderView,
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


def test_every_control_has_its_name_and_speaks_plainly(viewer, sample):
    """None is without a name, no two share one, none that there was is gone, and no tooltip names an argument."""
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


def _last(name):
    return f"{name.rpartition('.')[2]}:"
