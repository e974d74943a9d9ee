"""The row of buttons that leads through the work, with the line for messages, and the way to what helps."""

import importlib
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from napari import Viewer
from napari.plugins import menu_item_template
from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import (
    QBoxLayout,
    QDockWidget,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QMainWindow,
    QMenu,
    QPushButton,
    QTabBar,
    QToolButton,
    QWidget,
)

from napari_posecut.jobs.monitor import at_work, breathe, in_background
from napari_posecut.labeling.frame_index import LabelingProgress
from napari_posecut.layers.overlay import own_predictions
from napari_posecut.preferences import remember_panels
from napari_posecut.remedies import PLACES, without_buttons, worded
from napari_posecut.session import MessageKind, Session, session_of
from napari_posecut.widgets.parts import Postponed, RemedyButtons, color_icon, image_of, name_controls
from napari_posecut.widgets.parts.empty_image import EmptyImage, OutOfSight
from napari_posecut.widgets.parts.filmstrip import Filmstrip
from napari_posecut.widgets.parts.history import EditHistory
from napari_posecut.widgets.parts.next_bodypart import NextBodypart
from napari_posecut.widgets.parts.outside import OutsideBanner
from posecut_core.errors import PosecutError, Remedy
from posecut_core.evaluation.tables import newest_evaluation
from posecut_core.project.opening import config_path, project_videos
from posecut_core.project.paths import Project, snapshot_steps
from posecut_core.refinement.candidates import candidates_path

# --- message line -----------------------------------------------------------------------------------------------------
# One line for what the window has to say; it has its place also while it is empty, so that no picture moves.


_SOON = 20  # milliseconds within which nobody goes on
_KEPT = 10  # messages that can be read again
_LONGEST = 90  # characters of one in the list
_WITH_ARROW = "QToolButton { padding-right: 14px; }"  # room for the arrow that a menu has
_COLORS: dict[MessageKind, tuple[int, int, int]] = {  # told apart by color-blind people, too
    "note": (79, 163, 224),
    "refused": (213, 94, 0),
    "done": (0, 158, 115),
    "warning": (230, 159, 0),
    "failed": (213, 94, 0),
}
_LASTING: tuple[MessageKind, ...] = ("done", "warning", "failed")  # of work in the background


class _MessageLine(QWidget):
    """The last sentence of a session, until the user goes on labeling or clears it; it can be copied.

    How work in the background ended stays until it is cleared, since nobody knows whether somebody was looking.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._kind: MessageKind = "note"
        self._past: deque[tuple[str, tuple[Remedy, ...], MessageKind]] = deque(maxlen=_KEPT)
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
        self.past, menu = QToolButton(), QMenu(self)
        self.past.setText("Last messages")
        self.past.setStyleSheet(_WITH_ARROW)
        self.past.setToolTip("the last ten messages; a click on one shows it again")
        self.past.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.past.setMenu(menu)
        menu.aboutToShow.connect(self._list_past)
        self.dismiss = QToolButton()
        self.dismiss.setText("Clear")
        self.dismiss.setToolTip("clear this message")
        self.dismiss.clicked.connect(self._clear)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.sentence, stretch=1)
        layout.addWidget(self.remedies)
        layout.addWidget(self.past)
        layout.addWidget(self.dismiss)
        self.remedies.chosen.connect(lambda remedy: session.remedy_requested.emit(remedy))
        session.notified.connect(self.show_sentence)
        session.project_changed.connect(self._clear_if_read)
        session.labels_changed.connect(self._clear_if_read)
        self._clear()

    def show_sentence(
        self, sentence: str, remedies: Sequence[Remedy] = (), kind: MessageKind = "note", *, again: bool = False
    ) -> None:
        """Show a sentence from its beginning, and in full as a tooltip, with a button for each remedy.

        Args:
            sentence: what to show; empty for nothing.
            remedies: what helps.
            kind: gives the color before the sentence.
            again: whether it is in the list of messages already.
        """
        if sentence and not again:
            self._past.appendleft((sentence, tuple(remedies), kind))
        self._kind = kind
        color = "rgb({}, {}, {})".format(*_COLORS[kind]) if sentence else "transparent"
        style = f"QLineEdit {{ border-left: 5px solid {color}; padding-left: 4px; }}"
        if style != self.sentence.styleSheet():  # Qt takes milliseconds for it
            self.sentence.setStyleSheet(style)
        self.past.setEnabled(bool(self._past))
        sentence = worded(sentence, without_buttons(remedies))
        self.remedies.show_remedies(remedies)
        self.sentence.setText(" ".join(sentence.split()))
        self.sentence.setCursorPosition(0)
        self.sentence.setToolTip(sentence)
        self.dismiss.setEnabled(bool(sentence))
        self._settling.start()

    def _list_past(self) -> None:
        menu = self.past.menu()
        assert menu is not None
        menu.clear()
        for sentence, remedies, kind in self._past:
            line = " ".join(sentence.split())
            text = line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
            action = menu.addAction(color_icon(_COLORS[kind]), text.replace("&", "&&"))
            assert action is not None
            action.triggered.connect(
                lambda _=False, message=(sentence, remedies, kind): self.show_sentence(*message, again=True)
            )

    def _on_settled(self) -> None:
        if at_work():
            self._settling.start()
        self._seen_at = self._place()

    def _clear_if_read(self) -> None:
        """Clear the sentence once the user goes on; proposals that come meanwhile leave it."""
        if not self.sentence.text():
            return
        place = self._place()
        moved = not self._settling.isActive() and (place is None or place != self._seen_at)
        if moved and (self._kind not in _LASTING or place is None):
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

    @property
    def dock(self) -> str:
        """Name of the dock, which napari's menu of plugins knows it by."""
        return menu_item_template.format("PoseCut", self.title)


_STAGES = (
    _Stage("1 Project", "project", "ProjectDock", "create or open a project; its videos and bodyparts"),
    _Stage("2 Frames", "frames", "FramesDock", "choose the frames to label"),
    _Stage("3 Label", "label", "LabelDock", "label frames, correct suggestions"),
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
_MODULES = "napari_posecut.widgets.docks."
_DOCKS = frozenset(stage.dock for stage in _STAGES)
_Part = TypeVar("_Part", Filmstrip, EditHistory)
_FOLDED = "QTabBar, QTabBar::tab, QTabBar::tab:selected { max-height: 0; margin: 0; padding: 0; border: none; }"
_PANELS = ("layer list", "layer controls")  # napari's own, by their object names


_QUIET = 500  # milliseconds without a change, after which the project is looked at
_WAY = ("1 Project", "2 Frames", "3 Label", "4 Train", "5 Evaluate", "6 Analyze", "7 Outliers", "8 Refine")
_DONE, _NEXT = "\u2713", "\u25b8"  # a check mark, an arrow
_looking = ThreadPoolExecutor(1, thread_name_prefix="posecut-stages")


def _stages_done(project: Project, progress: LabelingProgress) -> frozenset[str]:
    """Tell which stages have a result in this iteration, by the files of a project; a thread does it."""
    tables = [found.table for several in own_predictions(project).values() for found in several]
    done = {
        "1 Project": bool(project_videos(project)),
        "2 Frames": progress.frames > 0,
        "3 Label": 0 < progress.frames == progress.done,
        "4 Train": any(map(snapshot_steps, project.models.glob("*"))),
        "5 Evaluate": newest_evaluation(project) is not None,
        "6 Analyze": bool(tables),
        "7 Outliers": any(candidates_path(table).exists() for table in tables),
        "10 Cameras": project.cameras.is_file(),
    }
    return frozenset(title for title, there in done.items() if there)


class FlowBar(QWidget):
    """Numbered buttons; each opens its stage's dock and brings it to the front."""

    columns = len(_STAGES)
    _looked = Signal(object, object)  # config.yaml of the project that was looked at, and the stages that are done

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
            button.setCheckable(True)
            layout.addWidget(button, place // self.columns, place % self.columns)
            self.buttons[stage.title] = button
        self.next_bodypart: NextBodypart | None = None  # once there is an image
        self.view = self._view_button()
        layout.addWidget(self.view, 0, self.columns)
        self.message = _MessageLine(session_of(napari_viewer))
        self.banner = OutsideBanner(session_of(napari_viewer))
        for widget in (self.message, self.banner):
            layout.addWidget(widget, layout.rowCount(), 0, 1, self.columns + 1)
        name_controls(self, "posecut")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_QUIET)
        self._timer.timeout.connect(self._look)
        self._looked.connect(self._mark_done)
        for signal in (session_of(napari_viewer).project_changed, session_of(napari_viewer).labels_changed):
            signal.connect(self._look_later)
        session_of(napari_viewer).places_labels = self._places_labels
        session_of(napari_viewer).front_changed.connect(self._mark_stages)
        session_of(napari_viewer).video_requested.connect(self._show_video)
        session_of(napari_viewer).remedy_requested.connect(self._go_to_remedy)
        session_of(napari_viewer).note_requested.connect(self._ask_note)

    def open(self, title: str) -> QWidget:
        """Bring the dock of a stage to the front, also one that was opened elsewhere, and return its widget."""
        stage = next(stage for stage in _STAGES if stage.title == title)
        widget = self._widget(title)
        if widget is None:
            widget = in_background(lambda: _dock_class(stage))(self._viewer)
            breathe()  # making a dock takes a moment, and so does docking it
            beside = not _DOCKS.isdisjoint(self._viewer.window.dock_widgets)
            self._viewer.window.add_dock_widget(
                widget, name=stage.dock, area="right", tabify=beside, add_vertical_stretch=False
            )
            dock = _dock_of(widget)
            if dock is not None:
                dock.visibilityChanged.connect(self._mark_stages)
        for put_off in widget.findChildren(Postponed):
            put_off.finish()
        _raise(widget)
        self._mark_stages()
        return widget

    def show_panels(self, shown: bool) -> None:
        """Show napari's own panels beside the image, or fold them away."""
        for dock in self._window.findChildren(QDockWidget):
            if dock.objectName() in _PANELS:
                dock.setVisible(shown)
        self.panels.setChecked(shown)

    def show_filmstrip(self) -> Filmstrip:
        """Show the frames as small pictures beneath the image, and return the strip."""
        return self._beside(Filmstrip, "Filmstrip", "bottom")

    def show_history(self) -> EditHistory:
        """Show the edits of the shown video as a list, and return it."""
        return self._beside(EditHistory, "Edits", "left")

    def _beside(self, kind: type[_Part], name: str, area: Literal["bottom", "left"]) -> _Part:
        docks = self._viewer.window.dock_widgets
        part = next((one for one in docks.values() if isinstance(one, kind)), None)
        if part is None:
            part = kind(self._viewer)
            breathe()
            beside = area == "left"  # napari's own panels leave it no room on a small screen
            self._viewer.window.add_dock_widget(part, name=name, area=area, tabify=beside, add_vertical_stretch=False)
        _raise(part)
        return part

    def reset_layout(self) -> None:
        """Put docks, layers and view back to where they were at first."""
        window, session = self._window, session_of(self._viewer)
        front = next((title for title, button in self.buttons.items() if button.isChecked()), None)
        docks = [dock for title in self.buttons if (dock := self._dock(title)) is not None]
        parts = [(dock, area) for widget in self._docked() if (area := _area_of(widget)) and (dock := _dock_of(widget))]
        if isinstance(window, QMainWindow):
            for place, dock in enumerate(docks):
                dock.setFloating(False)
                window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
                if place:
                    window.tabifyDockWidget(docks[0], dock)
            breathe()  # so many docks take a moment, and so does what follows
            for dock, area in parts:
                if dock.isFloating() or window.dockWidgetArea(dock) != area:
                    dock.setFloating(False)
                    window.addDockWidget(area, dock)
        self.show_panels(False)
        breathe()
        if session.canvas is not None:
            session.canvas.reset_layers()
        self._viewer.dims.ndisplay = 2
        self._viewer.reset_view()
        if front is not None:
            self.open(front)

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Write the next bodypart, or how to begin, over the image, now that there is a window around the row."""
        super().showEvent(event)
        image = image_of(self._window)
        if image is not None and self.next_bodypart is None:
            EmptyImage(session_of(self._viewer), image)
            name_controls(OutOfSight(session_of(self._viewer), image), "image.show_again")
            self.next_bodypart = NextBodypart(session_of(self._viewer), image)
            image.destroyed.connect(self._forget_image)  # docks are hidden after it when the window closes

    @property
    def _window(self) -> QWidget:
        return self.window() or self

    def _view_button(self) -> QToolButton:
        """Make the button with what concerns the window as a whole."""
        button, menu = QToolButton(), QMenu(self)
        button.setText("View")
        button.setStyleSheet(_WITH_ARROW)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        panels = menu.addAction("napari's panels")
        strip = menu.addAction("Filmstrip of the frames")
        history = menu.addAction("Edits, to go back to")
        reset = menu.addAction("Reset the layout")
        assert panels is not None
        assert strip is not None
        assert history is not None
        assert reset is not None
        self.panels = panels
        panels.setCheckable(True)
        panels.setChecked(True)
        strip.triggered.connect(self.show_filmstrip)
        history.triggered.connect(self.show_history)
        panels.triggered.connect(self.show_panels)
        panels.triggered.connect(remember_panels)
        reset.triggered.connect(self.reset_layout)
        button.setMenu(menu)
        return button

    def _forget_image(self) -> None:
        self.next_bodypart = None

    def _mark_stages(self) -> None:
        """Mark the stages whose docks are in front."""
        in_front = self._in_front()
        for title, button in self.buttons.items():
            button.setChecked(title in in_front)
        if self.next_bodypart is not None:
            self.next_bodypart.show_name()
        self._fold_tabs()

    def _fold_tabs(self) -> None:
        """Hide Qt's tabs where the row of buttons says the same; among docks of others they stay."""
        for tabs in self._window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
            ours = all(tabs.tabText(place) in _DOCKS for place in range(tabs.count()))
            style = _FOLDED if ours else ""
            if tabs.styleSheet() != style:
                tabs.setStyleSheet(style)

    def _look_later(self) -> None:
        self._timer.start()

    def _look(self) -> None:
        """Let a thread find out which stages are done."""
        session = session_of(self._viewer)
        project, labeling = session.project, session.labeling
        if at_work():
            self._timer.start()
        elif project is None or labeling is None:
            self._mark_done(None, frozenset())
        else:
            progress, config = labeling.progress, project.config_path
            future = _looking.submit(_stages_done, project, progress)
            future.add_done_callback(lambda done: self._tell(config, done))

    def _tell(self, config: Path, done: "Future[frozenset[str]]") -> None:
        """Hand over what the thread has found; nothing where a file is damaged, which the docks say."""
        with suppress(PosecutError, OSError, RuntimeError):  # the last one: the window is gone
            self._looked.emit(config, done.result())

    def _mark_done(self, config: Path | None, done: frozenset[str]) -> None:
        """Mark the stages that are done, and the one that comes next."""
        project = session_of(self._viewer).project
        if config != (None if project is None else project.config_path):
            return  # another one was opened meanwhile
        following = next((title for title in _WAY if title not in done), None) if project is not None else "1 Project"
        for stage in _STAGES:
            mark, said = (_DONE, "done") if stage.title in done else ("", "")
            mark, said = (_NEXT, "next") if stage.title == following else (mark, said)
            button = self.buttons[stage.title]
            button.setText(f"{mark} {stage.title}".strip())
            button.setToolTip(f"{stage.hint}; {said}" if said else stage.hint)
            button.setAccessibleName(f"{stage.title}, {said}" if said else stage.title)

    def _widget(self, title: str) -> QWidget | None:
        """Return the widget of a stage, wherever it was opened, and without importing it."""
        wanted = next((_MODULES + stage.module, stage.widget) for stage in _STAGES if stage.title == title)
        found = (one for one in self._docked() if (type(one).__module__, type(one).__name__) == wanted)
        return next(found, None)

    def _dock(self, title: str) -> QDockWidget | None:
        widget = self._widget(title)
        return None if widget is None else _dock_of(widget)

    def _choose(self, title: str) -> None:
        """Open the dock of a stage that was asked for, and show the labels where they are what it is about."""
        self.open(title)
        session = session_of(self._viewer)
        frame = session.labeling.frame if session.labeling is not None else None
        if title in _OF_LABELS and session.canvas is None and frame is not None:
            session.attempt(lambda: session.show_frame(frame.video, frame.number))

    def _places_labels(self) -> bool:
        """Tell whether labels are made: in front of a dock to label in, or of a list of frames in 1 Project."""
        in_front = self._in_front()
        project: Any = self._widget("1 Project") if "1 Project" in in_front else None
        return not in_front.isdisjoint(_OF_LABELS) or (project is not None and project.lists_frames)

    def _in_front(self) -> frozenset[str]:
        """Return the stages whose docks are seen."""
        docks = {title: self._dock(title) for title in self.buttons}
        seen = (title for title, dock in docks.items() if dock is not None and not dock.visibleRegion().isEmpty())
        return frozenset(seen)

    def _show_video(self, video: str) -> None:
        results: Any = self.open("9 Results")
        results.show_video(video)

    def _ask_note(self) -> None:
        label: Any = self.open("3 Label")
        label.focus_note()

    def _go_to_remedy(self, remedy: Remedy) -> None:
        session_of(self._viewer).attempt(lambda: self._apply_remedy(remedy))

    def _apply_remedy(self, remedy: Remedy) -> None:
        """Open the dock of a remedy and let it fill in the arguments; of another project, that is opened first."""
        session, config = session_of(self._viewer), remedy.arguments.get("config")
        wanted = None if config is None else config_path(str(config))
        opened = None if session.project is None else session.project.config_path
        if wanted not in (None, opened) and remedy.step not in _WITHOUT_PROJECT:
            session.open(str(config))
        if remedy.step == "merge_labels" and remedy.arguments.keys() & {"take", "discard"}:
            self.banner.merge(take=bool(remedy.arguments.get("take")))
            return
        dock: Any = self.open(PLACES[remedy.step][0])
        dock.apply_remedy(remedy)

    def _docked(self) -> Iterable[QWidget]:
        return self._viewer.window.dock_widgets.values()


class FlowBlock(FlowBar):
    """The same, three in a row: for the narrow side of the window to which napari's own menu adds it."""

    columns = 3


def _dock_class(stage: _Stage) -> type[QWidget]:
    """Import the dock of a stage."""
    kind: type[QWidget] = getattr(importlib.import_module(_MODULES + stage.module), stage.widget)
    return kind


def _dock_of(widget: QWidget) -> QDockWidget | None:
    parent = widget.parentWidget()
    while parent is not None and not isinstance(parent, QDockWidget):
        parent = parent.parentWidget()
    return parent


def _area_of(widget: QWidget) -> Qt.DockWidgetArea | None:
    """Return where a part has its place: edits at the left, a filmstrip or curves beneath; None of other widgets."""
    if isinstance(widget, EditHistory):
        return Qt.DockWidgetArea.LeftDockWidgetArea
    beneath = type(widget).__module__.startswith("napari_posecut.widgets.parts.")
    return Qt.DockWidgetArea.BottomDockWidgetArea if beneath else None


def _raise(widget: QWidget) -> None:
    dock = _dock_of(widget)
    if dock is not None:
        dock.show()
        dock.raise_()
