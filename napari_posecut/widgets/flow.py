"""The row of buttons that leads through the work, with the line for messages."""

import gc
import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from napari import Viewer
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QDockWidget, QGridLayout, QHBoxLayout, QLineEdit, QPushButton, QToolButton, QWidget

from napari_posecut.jobs.monitor import at_work, in_background
from napari_posecut.session import Session, session_of

# --- message line -----------------------------------------------------------------------------------------------------
# One line for what the window has to say; it has its place also while it is empty, so that no picture moves.


_SOON = 20  # milliseconds within which nobody goes on


class _MessageLine(QWidget):
    """The last sentence of a session, until the labelling goes on or a person takes it away; it can be copied."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._settling = QTimer(self)  # active while what the sentence belongs to may still change labels or project
        self._settling.setSingleShot(True)
        self._settling.setInterval(_SOON)
        self._settling.timeout.connect(self._on_settled)
        self.sentence = QLineEdit()
        self.sentence.setReadOnly(True)
        self.sentence.setFrame(False)
        self.sentence.setPlaceholderText("messages come here")
        self.dismiss = QToolButton()
        self.dismiss.setText("Clear")
        self.dismiss.setToolTip("take this message away")
        self.dismiss.clicked.connect(self._clear)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.sentence, stretch=1)
        layout.addWidget(self.dismiss)
        session.notified.connect(self.show_sentence)
        session.project_changed.connect(self._clear_if_read)
        session.labels_changed.connect(self._clear_if_read)
        self._clear()

    def show_sentence(self, sentence: str) -> None:
        """Show a sentence from its beginning; a longer one than there is room for also under the mouse."""
        self.sentence.setText(" ".join(sentence.split()))
        self.sentence.setCursorPosition(0)
        self.sentence.setToolTip(sentence)
        self.dismiss.setEnabled(bool(sentence))
        self._settling.start()

    def _on_settled(self) -> None:
        if at_work():
            self._settling.start()

    def _clear_if_read(self) -> None:
        """Let a sentence go that a person had the time to see."""
        if not self._settling.isActive():
            self._clear()

    def _clear(self) -> None:
        self.show_sentence("")


# --- flow -------------------------------------------------------------------------------------------------------------
# The row of buttons that leads through the work: one dock per stage, opened where it was never open.


@dataclass(frozen=True)
class _Stage:
    """One stage of the work, and its dock."""

    title: str
    module: str
    widget: str
    hint: str


_STAGES = (
    _Stage("1 Project", "project", "ProjectDock", "create or open a project; its videos and bodyparts"),
    _Stage("2 Frames", "frames", "FramesDock", "choose the frames to label"),
    _Stage("3 Label", "label", "LabelDock", "label frames, correct proposals"),
    _Stage("4 Train", "train", "TrainDock", "train a network on the labels"),
    _Stage("5 Evaluate", "evaluate", "EvaluateDock", "how far off the network is"),
    _Stage("6 Analyse", "analyze", "AnalyzeDock", "find the bodyparts in whole videos"),
    _Stage("7 Outliers", "outliers", "OutliersDock", "frames in which the network errs"),
    _Stage("8 Refine", "refine", "RefineDock", "correct them, and train again"),
    _Stage("9 Results", "results", "ResultsDock", "look at trajectories and videos"),
)
_TITLES = frozenset(stage.title for stage in _STAGES)


class FlowBar(QWidget):
    """Numbered buttons; each opens its stage's dock and brings it to the front."""

    columns = len(_STAGES)

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        layout = QGridLayout(self)
        layout.setContentsMargins(4, 2, 4, 2)
        self.buttons: dict[str, QPushButton] = {}
        for place, stage in enumerate(_STAGES):
            button = QPushButton(stage.title)
            button.setToolTip(stage.hint)
            button.clicked.connect(lambda _=False, title=stage.title: self.open(title))
            layout.addWidget(button, place // self.columns, place % self.columns)
            self.buttons[stage.title] = button
        self.message = _MessageLine(session_of(napari_viewer))
        layout.addWidget(self.message, layout.rowCount(), 0, 1, self.columns)
        session_of(napari_viewer).video_requested.connect(self._show_video)

    def open(self, title: str) -> QWidget:
        """Bring the dock of a stage to the front, also one that was opened elsewhere, and return its widget."""
        stage = next(stage for stage in _STAGES if stage.title == title)
        kind = in_background(lambda: _dock_class(stage))
        widget = next((docked for docked in self._docked() if isinstance(docked, kind)), None)
        if widget is None:
            # napari collects garbage whenever a layer goes: among what came since, not among all that was imported
            gc.freeze()
            widget = kind(self._viewer)
            beside = not _TITLES.isdisjoint(self._viewer.window.dock_widgets)
            self._viewer.window.add_dock_widget(
                widget, name=title, area="right", tabify=beside, add_vertical_stretch=False
            )
        _raise(widget)
        return widget

    def _show_video(self, video: str) -> None:
        results: Any = self.open("9 Results")
        results.show_video(video)

    def _docked(self) -> Iterable[QWidget]:
        return self._viewer.window.dock_widgets.values()


class FlowBlock(FlowBar):
    """The same, three in a row: for the narrow side of the window to which napari's own menu adds it."""

    columns = 3


def _dock_class(stage: _Stage) -> type[QWidget]:
    """Import the dock of a stage."""
    kind: type[QWidget] = getattr(importlib.import_module(f"napari_posecut.widgets.docks.{stage.module}"), stage.widget)
    return kind


def _raise(widget: QWidget) -> None:
    dock = widget.parentWidget()
    while dock is not None and not isinstance(dock, QDockWidget):
        dock = dock.parentWidget()
    if dock is not None:
        dock.show()
        dock.raise_()
