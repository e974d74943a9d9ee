"""Dock 9: an analyzed video with predictions and score maps over it, and the trajectories below."""

import shutil
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float
from napari import Viewer
from qtpy.QtCore import QEvent, Qt, QTimer, Signal
from qtpy.QtGui import QAction
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QToolButton,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_posecut.jobs.jobs import Job
from napari_posecut.jobs.monitor import breathe, in_background
from napari_posecut.labeling.extracted_frames import listed_videos, take_predicted
from napari_posecut.layers.overlay import (
    OverlayStyle,
    Trajectories,
    analyzed_videos,
    in_words,
    own_network,
    read_trajectories,
    style_of,
)
from napari_posecut.session import Session, kind_of_end, session_of
from napari_posecut.widgets.forms.step import told
from napari_posecut.widgets.parts import LowTable, Postponed, colored_row, name_controls, open_outside, scroll_content
from napari_posecut.widgets.parts.curves import Lane, Timeline
from napari_posecut.widgets.parts.job_line import JobLine, WrappedLabel
from napari_posecut.widgets.parts.playback import Playback, playback_of
from posecut_core.errors import LabelError, Remedy
from posecut_core.interchange.registry import FORMATS
from posecut_core.plots.colors import bytes_of
from posecut_core.poses.files import FoundPredictions, write_csv
from posecut_core.results import counted

# --- overlay controls -------------------------------------------------------------------------------------------------
# How predictions are drawn over a video: pcutoff, trails, skeleton, and which bodyparts are seen.


_TRAIL = 10  # frames at first
_LEAST = 154  # pixels in which the trajectories can be read


class _OverlayControls(QWidget):
    """The controls of the overlay; `changed` by the user or by another video."""

    changed = Signal()
    bodypart_chosen = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.pcutoff, self.pcutoff_text = QSlider(Qt.Orientation.Horizontal), QLabel()
        self.pcutoff.setRange(0, 100)
        self.pcutoff.setToolTip("bodyparts of lower likelihood are drawn hollow, without skeleton and trail")
        self.trail = QSpinBox()
        self.trail.setRange(0, 100)
        self.trail.setValue(_TRAIL)
        self.trail.setSuffix(" frames")
        self.skeleton = QCheckBox("skeleton")
        self.skeleton.setChecked(True)
        self.bodyparts = LowTable(("bodypart", "likelihood"))
        self._create_layout()
        self.pcutoff.valueChanged.connect(self._change)
        self.trail.valueChanged.connect(self._change)
        self.skeleton.toggled.connect(self._change)
        self.bodyparts.itemChanged.connect(self._change)
        self.bodyparts.currentItemChanged.connect(self.bodypart_chosen)

    @property
    def chosen_bodypart(self) -> str:
        """Return the bodypart whose row is marked; empty if there is none."""
        item = self.bodyparts.currentItem()
        return "" if item is None else item.text(0)

    @property
    def shown(self) -> Bool[np.ndarray, " K"]:
        """Return which bodyparts are checked."""
        return np.array([item.checkState(0) == Qt.CheckState.Checked for item in self._rows()], dtype=np.bool_)

    def show_video(self, names: tuple[str, ...], style: OverlayStyle) -> None:
        """List the bodyparts of a video, all checked, and begin with the project's pcutoff."""
        with _signals_blocked(self.bodyparts, self.pcutoff):
            self.pcutoff.setValue(round(100 * style.pcutoff))
            self.bodyparts.clear()
            for name, color in zip(names, bytes_of(style.colors), strict=True):
                row = colored_row(color, name, "")
                row.setCheckState(0, Qt.CheckState.Checked)
                self.bodyparts.addTopLevelItem(row)
            self.bodyparts.setCurrentItem(self.bodyparts.topLevelItem(0))
        self._change()

    def show_likelihoods(
        self, likelihoods: Float[np.ndarray, " K"], spread: Float[np.ndarray, " K"] | None = None
    ) -> None:
        """Write the likelihoods of the shown frame beside the bodyparts, and by how many pixels networks differ."""
        apart = [""] * len(likelihoods) if spread is None else [f" ± {value:.1f} px" for value in spread]
        with _signals_blocked(self.bodyparts):
            for item, likelihood, differing in zip(self._rows(), likelihoods, apart, strict=True):
                item.setText(1, f"{likelihood:.2f}{differing}")

    def styled(self, style: OverlayStyle) -> OverlayStyle:
        """Return the project's style with what the user chose here."""
        edges = style.edges if self.skeleton.isChecked() else ()
        cutoff = self.pcutoff.value() / 100
        return replace(style, shown=self.shown, pcutoff=cutoff, trail=self.trail.value(), edges=edges)

    def _change(self) -> None:
        self.pcutoff_text.setText(f"{self.pcutoff.value() / 100:.2f}")
        self.changed.emit()

    def _rows(self) -> list[QTreeWidgetItem]:
        items = (self.bodyparts.topLevelItem(row) for row in range(self.bodyparts.topLevelItemCount()))
        return [item for item in items if item is not None]

    def _create_layout(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        row = QHBoxLayout()
        row.addWidget(self.pcutoff)
        row.addWidget(self.pcutoff_text)
        form = QFormLayout()
        form.addRow("pcutoff", row)
        form.addRow("trails", self.trail)
        form.addRow("", self.skeleton)
        layout.addLayout(form)
        layout.addWidget(self.bodyparts, stretch=1)


@contextmanager
def _signals_blocked(*widgets: QWidget) -> Iterator[None]:
    """Let nothing be said of what a program does with widgets."""
    for widget in widgets:
        widget.blockSignals(True)
    yield
    for widget in widgets:
        widget.blockSignals(False)


# --- score maps -------------------------------------------------------------------------------------------------------
# The score maps of one frame, computed by a child and laid over the video.


@dataclass(frozen=True)
class _FrameMaps:
    """The maps of a frame, by bodypart."""

    frame: int
    maps: dict[str, Float[np.ndarray, "h w"]]
    cell: Float[np.ndarray, " 2"]  # width and height in pixels of the full frame
    origin: Float[np.ndarray, " 2"]  # x, y of the middle of the top-left cell


class _ScoreMaps(QWidget):
    """A button that asks for the maps of the frame that is shown, and how far that is.

    Args:
        session: whose jobs compute them.
        playback: where they are shown.
    """

    computed = Signal()

    def __init__(self, session: Session, playback: Playback) -> None:
        super().__init__()
        self._session, self._playback = session, playback
        self._of: FoundPredictions | None = None
        self._maps: _FrameMaps | None = None
        self._folder = Path(tempfile.mkdtemp(prefix="posecut-scoremaps-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self.button = QPushButton("Score map of the selected bodypart")
        self.button.clicked.connect(self.compute)
        self.job_line = JobLine(session, ("scoremap",))
        self.job_line.ended.connect(self._on_job_ended)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.button)
        layout.addWidget(self.job_line)

    def set_predictions(self, shown: FoundPredictions | None) -> None:
        """Follow the predictions that are shown, None where there are none."""
        if shown != self._of:
            self._of, self._maps = shown, None
        self._update_enabled()

    def compute(self) -> None:
        """Let a child compute the maps of this frame, unless they are there."""
        project, shown, frame = self._session.project, self._of, self._playback.frame
        network = own_network(project, shown.scorer) if project is not None and shown is not None else None
        if shown is None or network is None:
            return
        if self._maps is not None and self._maps.frame == frame:
            self.computed.emit()
            return
        target = str(self._folder / f"frame{frame}.npy")
        arguments = {"video": str(shown.video), "frame": frame, "target": target, **network.arguments}
        if self._session.attempt(lambda: self._session.start("scoremap", arguments)) is not None:
            self.button.setEnabled(False)

    def show_map(self, bodypart: str) -> None:
        """Show the map of a bodypart, if there is one of the frame that is shown."""
        found = self._maps
        if found is not None and found.frame == self._playback.frame and bodypart in found.maps:
            name = f"score map of {bodypart}"
            self._playback.show_map(found.maps[bodypart], cell=found.cell, origin=found.origin, name=name)

    def _update_enabled(self) -> None:
        project, shown = self._session.project, self._of
        own = project is not None and shown is not None and own_network(project, shown.scorer) is not None
        self.button.setEnabled(own)
        self.button.setToolTip(
            "the network's score for the bodypart at each place of this frame; takes a few seconds" if own else _FOREIGN
        )

    def _on_job_ended(self, job: Job) -> None:
        self._update_enabled()
        if job.state == "done" and self._of is not None and str(self._of.video) == str(job.result["video"]):
            self._maps = _read(job.result)
            self.computed.emit()


def _read(result: Mapping[str, Any]) -> _FrameMaps:
    maps = np.moveaxis(np.load(result["file"], allow_pickle=False), 2, 0)
    named = dict(zip(result["bodyparts"], maps, strict=True))
    return _FrameMaps(int(result["frame"]), named, np.array(result["cell"]), np.array(result["origin"]))


# --- player -----------------------------------------------------------------------------------------------------------
# Play the video that is shown, slowly or fast, and go through it in steps of several frames.


_SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
_TICK = 33  # milliseconds between two pictures of a video that plays; frames between them are left out


class _Player(QWidget):
    """Buttons that move the video that is shown.

    Args:
        playback: of the video.
        clock: seconds.
    """

    def __init__(self, playback: Playback, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._playback, self._clock = playback, clock
        self._began = (0, 0.0)  # frame and time from which it plays
        self._last = 0  # the frame that it has shown last
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK)
        self._timer.timeout.connect(self._advance)
        self.back_button, self.play_button, self.on_button = QPushButton("◀"), QPushButton("Play"), QPushButton("▶")
        self.step, self.speed = QSpinBox(), QComboBox()
        self.step.setRange(1, 100_000)
        self.step.setPrefix("step ")
        self.step.setToolTip("frames that the arrows go back or on")
        for speed in _SPEEDS:
            self.speed.addItem(f"{speed:g}x", speed)
        self.speed.setCurrentIndex(_SPEEDS.index(1.0))
        self.speed.setToolTip("speed of playing, as a multiple of the video's own")
        self.back_button.setToolTip("go back")
        self.on_button.setToolTip("go on")
        self.back_button.clicked.connect(lambda: self._step(-1))
        self.on_button.clicked.connect(lambda: self._step(1))
        self.play_button.clicked.connect(self._toggle)
        self.speed.currentIndexChanged.connect(self._begin)
        playback.changed.connect(self._stop)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for column, button in enumerate((self.back_button, self.play_button, self.on_button)):
            layout.addWidget(button, 0, 2 * column, 1, 2)
        layout.addWidget(self.step, 1, 0, 1, 3)
        layout.addWidget(self.speed, 1, 3, 1, 3)

    def _toggle(self) -> None:
        if self._timer.isActive():
            self._stop()
            return
        if self._playback.frame >= self._playback.frames - 1:
            self._playback.go_to(0)
        self._begin()
        self._timer.start()
        self.play_button.setText("Pause")

    def _begin(self) -> None:
        self._began, self._last = (self._playback.frame, self._clock()), self._playback.frame

    def _stop(self) -> None:
        self._timer.stop()
        self.play_button.setText("Play")

    def _advance(self) -> None:
        """Show the frame whose time has come, from where the user has gone meanwhile."""
        if self._playback.frame != self._last:
            self._begin()
        frame, since = self._began
        due = frame + int((self._clock() - since) * self._playback.fps * self.speed.currentData())
        self._last = min(due, self._playback.frames - 1)
        self._playback.go_to(self._last)
        if self._last >= self._playback.frames - 1:
            self._stop()

    def _step(self, by: int) -> None:
        self._stop()
        wanted = self._playback.frame + by * self.step.value()
        self._playback.go_to(min(max(wanted, 0), max(self._playback.frames - 1, 0)))


# --- products ---------------------------------------------------------------------------------------------------------
# What is made from the video that is shown: labels, videos, figures and files.


_Need = Literal["network", "video", "project"]  # what a line of a menu is about: a network of this iteration, or any
_FOREIGN = "these predictions were made by a network of another iteration"
_CLIP = 5  # seconds
_MADE = (
    *("create_labeled_video", "plot_trajectories", "filterpredictions"),
    *("export_poses", "export_deeplabcut", "import_poses"),
)
_FILTERS = {  # what is said of a filter -> what it is called
    "running median": "median",
    "Kalman, gaps filled": "kalman",
    "gaps filled by splines": "spline",
    "ARIMA": "arima",
}


class _Products(QWidget):
    """Buttons for what is made from an analyzed video, and how far that is.

    Args:
        session: whose jobs make it.
        playback: of the video.
        look: returns the options of a labeled video that looks like the overlay.
    """

    def __init__(self, session: Session, playback: Playback, look: Callable[[], Mapping[str, object]]) -> None:
        super().__init__()
        self._session, self._playback, self._look = session, playback, look
        self._of: FoundPredictions | None = None
        self.ask_video: Callable[[list[str]], str] = self._ask_user
        self.add_button = QPushButton("Add this frame to the labels")
        self.add_button.setToolTip("with the predictions as suggestions, to be corrected in 3 Label")
        self.add_button.clicked.connect(lambda: session.attempt(self.add_frame))
        self.make, self.files = QToolButton(), QToolButton()
        self._actions: list[tuple[QAction, _Need]] = []
        self._fill(self.make, "Make from this video")
        self._add(self.make, "Labeled video", "network", lambda: self._start("create_labeled_video", self._look()))
        self._add(self.make, f"Labeled clip of {_CLIP} s from here", "network", self._clip)
        self._add(self.make, "Figures of the trajectories", "network", lambda: self._start("plot_trajectories", {}))
        for words, filtertype in _FILTERS.items():
            self._add(self.make, f"Filtered trajectories: {words}", "network", partial(self._filter, filtertype))
        self._fill(self.files, "Files")
        self._add(self.files, "Table for spreadsheets (.csv)", "video", lambda: session.attempt(self.write_table))
        for name, one in FORMATS.items():
            if "w" in one.poses:
                self._add(self.files, f"As {one.title}", "network", partial(self._export, name))
        self._add(self.files, "Copies under DeepLabCut's names", "network", self._name_as_deeplabcut)
        self._add(self.files, "Open the folder", "video", self._open_folder)
        self._add(self.files, "Take predictions from a file…", "project", self.import_file)
        self.job_line, self.result = JobLine(session, _MADE), WrappedLabel()
        self.job_line.ended.connect(self._on_job_ended)
        layout, row = QVBoxLayout(self), QHBoxLayout()
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.add_button)
        row.addWidget(self.make)
        row.addWidget(self.files)
        layout.addLayout(row)
        layout.addWidget(self.job_line)
        layout.addWidget(self.result)
        session.jobs.started.connect(self._update_enabled)
        session.jobs.ended.connect(self._update_enabled)

    def set_predictions(self, shown: FoundPredictions | None) -> None:
        """Follow the predictions that are shown, None where there are none."""
        if shown != self._of:
            self._of = shown
            self.result.setText("")
        self._update_enabled()

    def add_frame(self) -> None:
        """Extract the frame that is shown, with drafts of what is predicted in it.

        Raises:
            VideoError: the video is none of the project's, the frame cannot be decoded, or the frame store is damaged.
            LabelError: the labels cannot be written now.
            StorageError: the disk refuses.
        """
        project, video, found = self._session.require_project(), self._playback.video, self._playback.predictions
        if video is None or found is None:
            return
        number, picture = self._playback.frame, self._playback.picture()
        if self._session.jobs.is_writing("labels"):
            raise LabelError("A running job is changing the labels; wait until it has finished.")
        with self._session.labels_released():
            drafts = in_background(lambda: take_predicted(project, video, number, picture, found))
        sentence = f"Frame {number} of {video.stem} is among the frames to label, with {counted(drafts, 'suggestion')}."
        remedy = Remedy("label_frames", videos=[video.stem], frames=[number])
        self._session.notify(sentence, (remedy,), kind="done")

    def write_table(self) -> None:
        """Write the predictions that are shown as .csv, beside the .h5.

        Raises:
            StorageError: the disk refuses.
        """
        shown, found = self._of, self._playback.predictions
        if shown is not None and found is not None:
            path = shown.table.with_suffix(".csv")
            in_background(lambda: write_csv(path, found))
            self._session.notify(f"Wrote {path}.", kind="done")

    def import_file(self) -> None:
        """Take the predictions of a video from a file that the user chooses."""
        project = self._session.project
        path, _ = QFileDialog.getOpenFileName(self, "File with predictions", str(Path.home()))
        videos = [] if project is None else [*listed_videos(project)]
        video = self.ask_video(videos) if path and len(videos) > 1 else "".join(videos[:1])
        if path and video:
            given = {"file": path, "video": video}
            self._session.attempt(lambda: self._session.start("import_poses", given))

    def _fill(self, button: QToolButton, text: str) -> None:
        """Give a button its text and an empty menu."""
        button.setText(text)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.setMenu(QMenu(button))

    def _add(self, button: QToolButton, words: str, need: _Need, work: Callable[[], object]) -> None:
        """Add a line to a button's menu, which can be chosen while there is what it needs."""
        menu = button.menu()
        action = menu.addAction(words) if menu is not None else None
        assert action is not None
        action.triggered.connect(lambda _=False: work())
        self._actions.append((action, need))

    def _start(self, verb: str, arguments: Mapping[str, object]) -> None:
        """Let a child make something of the predictions that are shown."""
        shown = self._of
        if shown is not None:
            self._run(verb, {"videos": [str(shown.video)], "filtered": shown.filtered, **arguments})

    def _filter(self, filtertype: str) -> None:
        if self._of is not None:
            self._run("filterpredictions", {"videos": [str(self._of.video)], "filtertype": filtertype})

    def _name_as_deeplabcut(self) -> None:
        if self._of is not None:
            self._run("export_deeplabcut", {"results": [str(self._of.video)]})

    def _run(self, verb: str, arguments: Mapping[str, object]) -> None:
        """Let a child run a step on the network whose predictions are shown, in their folder."""
        project, shown = self._session.project, self._of
        network = own_network(project, shown.scorer) if project is not None and shown is not None else None
        if shown is not None and network is not None:
            given = {"destfolder": str(shown.table.parent), **network.arguments, **arguments}
            self._session.attempt(lambda: self._session.start(verb, given))

    def _clip(self) -> None:
        first = self._playback.frame
        last = min(first + round(_CLIP * self._playback.fps), self._playback.frames)
        self._start("create_labeled_video", {**self._look(), "frames": list(range(first, max(last, first + 1)))})

    def _export(self, name: str) -> None:
        self._start("export_poses", {"format": name})

    def _open_folder(self) -> None:
        if self._of is not None:
            open_outside(self._session, self._of.table.parent, "The folder could not be opened")

    def _update_enabled(self, *_: object) -> None:
        project, shown = self._session.project, self._of
        own = project is not None and shown is not None and own_network(project, shown.scorer) is not None
        idle = self._session.jobs.find(*_MADE) is None
        there = {"network": own and idle, "video": shown is not None, "project": project is not None and idle}
        for action, need in self._actions:
            action.setEnabled(there[need])
            action.setToolTip("" if own or need != "network" else _FOREIGN)
        self.add_button.setEnabled(shown is not None)
        self.make.setEnabled(own and idle)
        self.make.setToolTip("" if own or shown is None else _FOREIGN)
        self.result.setVisible(bool(self.result.text()))

    def _on_job_ended(self, job: Job) -> None:
        if job.state == "done":
            self.result.setText(told(job))
            self._session.notify(" ".join((job.message, *job.lines)).strip(), job.remedies, kind=kind_of_end(job))
        self._update_enabled()

    def _ask_user(self, videos: list[str]) -> str:
        chosen, agreed = QInputDialog.getItem(self, "PoseCut", "Predictions of which video?", videos, editable=False)
        return chosen if agreed else ""


# --- results ----------------------------------------------------------------------------------------------------------
# Dock 9: an analyzed video with what a network sees in it, and the trajectories below.


class ResultsDock(QWidget):
    """The look at analyzed videos."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.session: Session = session_of(napari_viewer)
        self.playback = playback_of(self.session)
        self.timeline: Timeline | None = None  # there while a video is shown
        self._found: tuple[FoundPredictions, ...] = ()
        self._videos: list[Path] = []  # that the user named, besides the project's
        self._folders: list[Path] = []
        self._shown: FoundPredictions | None = None
        self._create_choice()
        self.overlay, self.maps = _OverlayControls(), _ScoreMaps(self.session, self.playback)
        self.player = _Player(self.playback)
        self.beside = QCheckBox()
        self.beside.setToolTip("crosses over the video, dotted curves below it")
        self.beside.toggled.connect(lambda _: self.session.attempt(self._show_beside))
        self.products = _Products(self.session, self.playback, self._look)
        self.overlay.changed.connect(self._restyle)
        self.overlay.bodypart_chosen.connect(self._show_map)
        self.maps.computed.connect(self._show_map)
        self._create_layout()
        self._listing = Postponed(self, self.list_analyzed)
        self.session.project_changed.connect(self._listing.request)
        self.session.jobs.ended.connect(self._on_job_ended)
        self.playback.changed.connect(self._on_playback_changed)
        self.playback.frame_changed.connect(self._on_frame)
        for job in self.session.jobs.past:
            self._on_job_ended(job)
        name_controls(self, "results")
        self.list_analyzed()

    def list_analyzed(self) -> None:
        """Look for analyzed videos of the project, and list them."""
        project = self.session.project
        self._found = () if project is None else analyzed_videos(project, videos=self._videos, folders=self._folders)
        wanted = self.filter.text().strip().lower()
        every = dict.fromkeys(str(entry.video) for entry in self._found)
        names = [name for name in every if wanted in Path(name).name.lower()]
        self.filter.setVisible(len(every) > 1)
        chosen = self.videos.currentData()
        self.videos.blockSignals(True)
        self.videos.clear()
        for name in names:
            self.videos.addItem(Path(name).name, name)
        self.videos.setCurrentIndex(max(names.index(chosen), 0) if chosen in names else 0 if names else -1)
        self.videos.blockSignals(False)
        self._list_networks()

    def show_video(self, path: str) -> None:
        """Show an analyzed video with the newest predictions of it; tell where there are none."""
        chosen = self._choose_video(path)
        if chosen and self.networks.currentData() is not None and self._shown != self.networks.currentData():
            self.show_chosen()

    def show_chosen(self) -> None:
        """Show the chosen video with the chosen predictions, or leave the one that is shown."""
        found, project = self.networks.currentData(), self.session.project
        if self.playback.video is not None and self._shown == found:
            self.playback.close()
        elif found is not None and project is not None:
            read = self.session.attempt(lambda: in_background(lambda: read_trajectories(project, found)))
            if read is not None:
                self.session.attempt(lambda: self._play(found, read))

    def event(self, event: QEvent | None) -> bool:
        """Let go of the video when the dock is closed."""
        if event is not None and event.type() == QEvent.Type.ParentChange and self.parentWidget() is None:
            self.playback.close()
        return super().event(event)

    def _create_choice(self) -> None:
        self.heading = QLabel()
        self.heading.setWordWrap(True)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("show only videos whose name has…")
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self.list_analyzed)
        self.videos, self.networks = QComboBox(), QComboBox()
        for box in (self.videos, self.networks):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(12)
        self.videos.currentIndexChanged.connect(self._list_networks)
        self.networks.currentIndexChanged.connect(self._update_enabled)
        self.show_button = QPushButton("Show video")
        self.show_button.clicked.connect(self.show_chosen)
        self.other_video = QPushButton("Other video…")
        self.other_video.setToolTip("a video that was analyzed, but does not belong to the project")
        self.other_video.clicked.connect(self._ask_video)
        self.other_folder = QPushButton("Other folder…")
        self.other_folder.setToolTip("where the predictions are, if not next to their videos")
        self.other_folder.clicked.connect(self._ask_folder)

    def apply_remedy(self, remedy: Remedy) -> None:
        """Take the animal of a file that a remedy names; what is made of a video is the user's to say.

        Raises:
            PosecutError: the same kind of work runs already.
        """
        if remedy.step == "import_poses" and "animal" in remedy.arguments:
            given = {name: value for name, value in remedy.arguments.items() if name != "config"}
            self.session.start("import_poses", given)

    def _look(self) -> dict[str, object]:
        """Return the options of a labeled video that looks like the overlay."""
        style, predictions = self.playback.style, self.playback.predictions
        names = predictions.bodyparts if predictions is not None else ()
        shown = [name for name, seen in zip(names, style.shown, strict=False) if seen]
        some = {"bodyparts": shown} if 0 < len(shown) < len(names) else {}
        return {"draw_skeleton": bool(style.edges), "trailpoints": style.trail, "pcutoff": style.pcutoff, **some}

    def _create_layout(self) -> None:
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.heading)
        layout.addWidget(self.filter)
        form = QFormLayout()
        form.addRow("video", self.videos)
        form.addRow(QLabel("network"))
        form.addRow(self.networks)  # in full width, or its name is cut off
        layout.addLayout(form)
        layout.addWidget(self.show_button)
        grid = QGridLayout()
        grid.addWidget(self.other_video, 0, 0)
        grid.addWidget(self.other_folder, 0, 1)
        layout.addLayout(grid)
        self.view = QWidget()
        inner = QVBoxLayout(self.view)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addWidget(self.player)
        inner.addWidget(self.overlay, stretch=1)
        inner.addWidget(self.beside)
        inner.addWidget(self.maps)
        layout.addWidget(self.view, stretch=1)
        layout.addWidget(self.products)
        layout.addStretch(0)
        scroll_content(self, content)

    def _list_networks(self) -> None:
        video, before = self.videos.currentData(), self.networks.currentData()
        entries = [entry for entry in self._found if str(entry.video) == video]
        self.networks.blockSignals(True)
        self.networks.clear()
        for entry in entries:
            self.networks.addItem(in_words(entry), entry)
            self.networks.setItemData(self.networks.count() - 1, str(entry.table), Qt.ItemDataRole.ToolTipRole)
        self.networks.setCurrentIndex(entries.index(before) if before in entries else 0 if entries else -1)
        self.networks.blockSignals(False)
        self._update_enabled()

    def _update_enabled(self) -> None:
        """Say what there is, and offer what can be done now."""
        project, shown = self.session.project, self._shown
        if project is None:
            self.heading.setText("Open or create a project first (1 Project).")
        elif not self._found:
            self.heading.setText("No video of the project has been analyzed yet: analyze some (6 Analyze).")
        else:
            count = len({entry.video for entry in self._found})
            self.heading.setText(f"<b>{count} analyzed video{'s' * (count != 1)}</b>")
        for widget in (self.other_video, self.other_folder):
            widget.setEnabled(project is not None)
        self.show_button.setEnabled(bool(self._found))
        same = shown is not None and shown == self.networks.currentData()
        self.show_button.setText("Close video" if same else "Show video")
        self.view.setVisible(shown is not None)
        self.beside.setVisible(self._counterpart() is not None)
        filtered = shown is not None and shown.filtered
        self.beside.setText(f"{'unfiltered' if filtered else 'filtered'} positions, too")
        self.maps.set_predictions(shown)
        self.products.set_predictions(shown)

    def _play(self, found: FoundPredictions, read: Trajectories) -> None:
        predictions = read.predictions
        self.playback.show(found.video, predictions, style_of(self.session.look, predictions.bodyparts))
        breathe()  # each of these takes a moment
        if self.playback.video is None:  # the video was left meanwhile
            return
        self._shown = found
        self.overlay.show_video(predictions.bodyparts, self.playback.style)
        breathe()
        if self._shown is found:
            self._add_timeline(read)
            self._on_frame(self.playback.frame)
            self._update_enabled()

    def _counterpart(self) -> FoundPredictions | None:
        """Return the same predictions as those that are shown, before the filter or after it, if they are listed."""
        shown = self._shown
        if shown is None:
            return None
        same = (one for one in self._found if (one.video, one.scorer) == (shown.video, shown.scorer))
        return next((one for one in same if one.filtered != shown.filtered), None)

    def _show_beside(self) -> None:
        """Show what the filter has changed, or leave it.

        Raises:
            AnalysisError: the other predictions are missing or damaged, or came from another network or video.
        """
        project, found = self.session.project, self._counterpart() if self.beside.isChecked() else None
        read = None
        if project is not None and found is not None:
            read = in_background(lambda: read_trajectories(project, found))
        self.playback.show_beside(None if read is None else read.predictions)
        if self.timeline is not None:
            self.timeline.show_beside(() if read is None else _lanes(read))

    def _add_timeline(self, read: Trajectories) -> None:
        self.timeline = Timeline()
        breathe()
        if self.timeline is None:  # the video was left meanwhile
            return
        lanes = list(_lanes(read))
        if read.predictions.spread is not None:
            lanes.append(Lane("spread", np.ascontiguousarray(read.predictions.spread.T, dtype=np.float32)))
        self.timeline.show_video(len(read.predictions.xy), tuple(lanes), bytes_of(self.playback.style.colors))
        self.timeline.setObjectName("results.timeline")
        self.timeline.setMinimumHeight(_LEAST)  # the docks on the right grow and shrink
        self.timeline.frame_chosen.connect(self.playback.go_to)
        breathe()
        if self.timeline is not None:
            self.session.viewer.window.add_dock_widget(self.timeline, area="bottom", name="Trajectories (pixels)")

    def _restyle(self) -> None:
        """Draw the overlay and the curves as the controls say."""
        predictions, shown = self.playback.predictions, self.overlay.shown
        if self.session.project is None or predictions is None or len(shown) != len(predictions.bodyparts):
            return
        self.playback.set_style(self.overlay.styled(style_of(self.session.look, predictions.bodyparts)))
        if self.timeline is not None:
            self.timeline.show_curves(shown)

    def _on_frame(self, frame: int) -> None:
        if self.timeline is not None:
            self.timeline.set_frame(frame)
        predictions = self.playback.predictions
        if predictions is not None and len(self.overlay.shown) == len(predictions.bodyparts):
            spread = predictions.spread
            self.overlay.show_likelihoods(predictions.likelihood[frame], None if spread is None else spread[frame])

    def _on_playback_changed(self) -> None:
        """Forget what belonged to a video that is not shown any more."""
        if self.playback.video is None or self._shown is None or self.playback.video != self._shown.video:
            self._shown = None
            with _signals_blocked(self.beside):
                self.beside.setChecked(False)
            timeline, self.timeline = self.timeline, None
            if timeline is not None:
                with suppress(LookupError):  # the user has closed it already
                    self.session.viewer.window.remove_dock_widget(timeline)
                timeline.deleteLater()
            self._update_enabled()

    def _on_job_ended(self, job: Job) -> None:
        """List what has just been analyzed, or taken from a file, wherever it lies."""
        if job.request.verb in ("import_poses", "filterpredictions") and job.state == "done":
            self.list_analyzed()
        if job.request.verb == "analyze_queue" and job.state == "done":
            files = [Path(file) for video in job.result.get("videos", ()) for file in video.get("files", ())]
            self._folders = list(dict.fromkeys([*self._folders, *(file.parent for file in files)]))
            self._videos += [Path(video["video"]) for video in job.result.get("videos", ())]
            self.list_analyzed()

    def _ask_video(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Choose an analyzed video")
        if path:
            self._choose_video(path)

    def _choose_video(self, path: str) -> bool:
        """Choose a video, and tell whether there are predictions of it; where there are none the choice stays."""
        video = Path(path)  # Qt writes / on Windows too, the list does not
        self.filter.clear()
        if self.videos.findData(str(video)) < 0:
            self._videos.append(video)
            self.list_analyzed()
        place = self.videos.findData(str(video))
        if place < 0:
            self.session.notify(
                f"There are no predictions of {video.name} in {video.parent}; analyze it (6 Analyze), or choose "
                "the folder that holds them (Other folder…).",
                kind="refused",
            )
            return False
        self.videos.setCurrentIndex(place)
        return True

    def _ask_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Choose the folder of the predictions")
        if path:
            self._choose_folder(Path(path))

    def _choose_folder(self, folder: Path) -> None:
        self._folders.append(folder)
        self.list_analyzed()
        if all(entry.table.parent != folder for entry in self._found):
            self.session.notify(
                f"There are no predictions of the listed videos in {folder}; choose the folder that holds their "
                ".h5 files, or add the video first (Other video…).",
                kind="refused",
            )

    def _show_map(self) -> None:
        """Show the map of the chosen bodypart, if there is one of this frame."""
        self.maps.show_map(self.overlay.chosen_bodypart)


def _lanes(read: Trajectories) -> tuple[Lane, ...]:
    x, y, likelihood = read.curves
    return Lane("x", x), Lane("y", y), Lane("likelihood", likelihood, (0.0, 1.0))
