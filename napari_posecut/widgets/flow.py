"""The row of buttons that leads through the work: one dock per stage, opened where it was never open."""

import importlib
from dataclasses import dataclass

from napari import Viewer
from qtpy.QtWidgets import QDockWidget, QHBoxLayout, QPushButton, QWidget


@dataclass(frozen=True)
class Stage:
    """One stage of the work, and its dock."""

    title: str
    module: str
    widget: str
    hint: str


STAGES = (
    Stage("1 Project", "project", "ProjectDock", "create or open a project; its videos and bodyparts"),
    Stage("2 Frames", "frames", "FramesDock", "choose the frames to label"),
    Stage("3 Label", "label", "LabelDock", "label frames, correct proposals"),
    Stage("4 Train", "train", "TrainDock", "train a network on the labels"),
    Stage("5 Evaluate", "evaluate", "EvaluateDock", "how far off the network is"),
    Stage("6 Analyse", "analyse", "AnalyseDock", "find the bodyparts in whole videos"),
    Stage("7 Outliers", "outliers", "OutliersDock", "frames in which the network errs"),
    Stage("8 Refine", "refine", "RefineDock", "correct them, and train again"),
    Stage("9 Results", "results", "ResultsDock", "look at trajectories and videos"),
)


class FlowBar(QWidget):
    """Numbered buttons; each opens its stage's dock and brings it to the front."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._docks: dict[str, QDockWidget] = {}
        self._widgets: dict[str, QWidget] = {}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 2, 4, 2)
        self.buttons: dict[str, QPushButton] = {}
        for stage in STAGES:
            button = QPushButton(stage.title)
            button.setToolTip(stage.hint)
            button.clicked.connect(lambda _=False, stage=stage: self.open(stage.title))
            layout.addWidget(button)
            self.buttons[stage.title] = button

    def open(self, title: str) -> QWidget:
        """Bring the dock of a stage to the front, and return its widget."""
        stage = next(stage for stage in STAGES if stage.title == title)
        dock = self._docks.get(title)
        if dock is None:
            module = importlib.import_module(f"napari_posecut.widgets.{stage.module}")
            widget = getattr(module, stage.widget)(self._viewer)
            dock = self._viewer.window.add_dock_widget(
                widget, name=title, area="right", tabify=bool(self._docks), add_vertical_stretch=False
            )
            self._docks[title], self._widgets[title] = dock, widget
        dock.show()
        dock.raise_()
        return self._widgets[title]
