"""The row of buttons that leads through the work, with the line for messages, and the way to what helps."""

import gc
import importlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from napari import Viewer
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QBoxLayout,
    QDockWidget,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QToolButton,
    QWidget,
)

from napari_posecut.jobs.monitor import at_work, in_background
from napari_posecut.remedies import PLACES, without_buttons, worded
from napari_posecut.session import Session, session_of
from napari_posecut.widgets.parts import RemedyButtons, name_controls
from posecut_core.errors import Remedy
from posecut_core.project.opening import config_path

# --- message line -----------------------------------------------------------------------------------------------------
# One line for what the window has to say; it has its place also while it is empty, so that no picture moves.


_SOON = 20  # milliseconds within which nobody goes on


class _MessageLine(QWidget):
    """The last sentence of a session, until the user goes on labeling or clears it; it can be copied."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._seen_at: object = None  # what was shown and edited when the sentence had settled
        self._settling = QTimer(self)  # active while what the sentence belongs to may still change labels or project
        self._settling.setSingleShot(True)
        self._settling.setInterval(_SOON)
        self._settling.timeout.connect(self._on_settled)
        self.sentence = QLineEdit()
        self.sentence.setReadOnly(True)
        self.sentence.setFrame(False)
        self.sentence.setPlaceholderText("messages appear here")
        self.remedies = RemedyButtons(QBoxLayout.Direction.LeftToRight)
        self.dismiss = QToolButton()
        self.dismiss.setText("Clear")
        self.dismiss.setToolTip("clear this message")
        self.dismiss.clicked.connect(self._clear)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.sentence, stretch=1)
        layout.addWidget(self.remedies)
        layout.addWidget(self.dismiss)
        self.remedies.chosen.connect(session.remedy_requested.emit)
        session.notified.connect(self.show_sentence)
        session.project_changed.connect(self._clear_if_read)
        session.labels_changed.connect(self._clear_if_read)
        self._clear()

    def show_sentence(self, sentence: str, remedies: Sequence[Remedy] = ()) -> None:
        """Show a sentence from its beginning, and in full as a tooltip, with a button for each remedy."""
        sentence = worded(sentence, without_buttons(remedies))
        self.remedies.show_remedies(remedies)
        self.sentence.setText(" ".join(sentence.split()))
        self.sentence.setCursorPosition(0)
        self.sentence.setToolTip(sentence)
        self.dismiss.setEnabled(bool(sentence))
        self._settling.start()

    def _on_settled(self) -> None:
        if at_work():
            self._settling.start()
        self._seen_at = self._place()

    def _clear_if_read(self) -> None:
        """Clear the sentence once the user goes on; proposals that come meanwhile leave it."""
        place = self._place()
        if not self._settling.isActive() and (place is None or place != self._seen_at):
            self._clear()

    def _place(self) -> object:
        """Return what is different once the user goes on: project, frame and last edit; None without a project."""
        project, labeling = self._session.project, self._session.labeling
        if project is None or labeling is None:
            return None
        labels = labeling.index.label_session
        return project.config_path, labeling.frame, labels.revision if labels else None

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
    _Stage("5 Evaluate", "evaluate", "EvaluateDock", "measure the error of the network"),
    _Stage("6 Analyze", "analyze", "AnalyzeDock", "track the bodyparts in whole videos"),
    _Stage("7 Outliers", "outliers", "OutliersDock", "find frames where the network fails"),
    _Stage("8 Refine", "refine", "RefineDock", "correct them, and train again"),
    _Stage("9 Results", "results", "ResultsDock", "look at trajectories and videos"),
    _Stage("10 Cameras", "cameras", "CamerasDock", "find bodyparts in space from several cameras"),
)
# Steps that help where a project cannot be opened.
_WITHOUT_PROJECT = ("create_new_project", "doctor", "edit_bodyparts")
_OF_LABELS = ("3 Label", "8 Refine")
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
            button.clicked.connect(lambda _=False, title=stage.title: self._choose(title))
            layout.addWidget(button, place // self.columns, place % self.columns)
            self.buttons[stage.title] = button
        self.message = _MessageLine(session_of(napari_viewer))
        layout.addWidget(self.message, layout.rowCount(), 0, 1, self.columns)
        name_controls(self, "posecut")
        session_of(napari_viewer).places_labels = self._places_labels
        session_of(napari_viewer).video_requested.connect(self._show_video)
        session_of(napari_viewer).remedy_requested.connect(self._go_to_remedy)

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

    def _choose(self, title: str) -> None:
        """Open the dock of a stage that was asked for, and show the labels where they are what it is about."""
        self.open(title)
        session = session_of(self._viewer)
        frame = session.labeling.frame if session.labeling is not None else None
        if title in _OF_LABELS and session.canvas is None and frame is not None:
            session.attempt(lambda: session.show_frame(frame.video, frame.number))

    def _places_labels(self) -> bool:
        """Tell whether a click on the image can mean a label: not while only docks of other stages are in front."""
        docks = self._viewer.window.dock_widgets
        in_front = {title for title in _TITLES & docks.keys() if not docks[title].visibleRegion().isEmpty()}
        return not in_front or not in_front.isdisjoint(("1 Project", *_OF_LABELS))

    def _show_video(self, video: str) -> None:
        results: Any = self.open("9 Results")
        results.show_video(video)

    def _go_to_remedy(self, remedy: Remedy) -> None:
        session_of(self._viewer).attempt(lambda: self._apply_remedy(remedy))

    def _apply_remedy(self, remedy: Remedy) -> None:
        """Open the dock of a remedy and let it fill in the arguments; of another project, that is opened first."""
        session, config = session_of(self._viewer), remedy.arguments.get("config")
        wanted = None if config is None else config_path(str(config))
        opened = None if session.project is None else session.project.config_path
        if wanted not in (None, opened) and remedy.step not in _WITHOUT_PROJECT:
            session.open(str(config))
        dock: Any = self.open(PLACES[remedy.step][0])
        dock.apply_remedy(remedy)

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
