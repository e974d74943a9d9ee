"""Every control of the window has a name by which tests and screen readers find it; the names are stable."""

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


def test_every_control_has_its_name(viewer, sample):
    """No control is without a name, no two share one, and none that there was before is gone."""
    bar = add_flow_bar(viewer)
    session_of(viewer).open(sample)
    docks = [bar, *(bar.open(stage.title) for stage in _STAGES), bar.show_filmstrip(), bar.show_history()]
    found = [control for dock in docks for control in controls(dock)]
    names = [control.objectName() for control in found]
    assert [control for control, name in zip(found, names, strict=True) if not name.count(".")] == []
    assert len(set(names)) == len(names), sorted(name for name in names if names.count(name) > 1)
    assert sorted(names) == NAMES.read_text(encoding="utf-8").splitlines()
