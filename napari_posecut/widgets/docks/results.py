"""Dock 9: an analyzed video with predictions and score maps over it, and the trajectories below."""

import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from napari import Viewer
from qtpy.QtCore import QEvent, Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QSpinBox,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_posecut.jobs.jobs import Job
from napari_posecut.jobs.monitor import in_background
from napari_posecut.layers.overlay import (
    OverlayStyle,
    Trajectories,
    analyzed_videos,
    in_words,
    own_network,
    read_trajectories,
    style_of,
)
from napari_posecut.session import Session, session_of
from napari_posecut.widgets.parts import Postponed, colored_row, name_controls, table_of
from napari_posecut.widgets.parts.curves import Lane, Timeline
from napari_posecut.widgets.parts.job_line import JobLine
from napari_posecut.widgets.parts.playback import Playback, playback_of
from posecut_core.plots.figures import bytes_of
from posecut_core.poses.files import FoundPredictions
from posecut_core.project.state import look_of

# --- overlay controls -------------------------------------------------------------------------------------------------
# How predictions are drawn over a video: pcutoff, trails, skeleton, and which bodyparts are seen.


_TRAIL = 10  # frames at first
_LEAST = 140  # pixels in which the trajectories can be read


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
        self.bodyparts = table_of(("bodypart", "likelihood"))
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
            self.bodyparts.resizeColumnToContents(0)
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
            "the network's score for the bodypart at each place of this frame; takes a few seconds"
            if own
            else "these predictions were made by a network of another iteration"
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
        names = list(dict.fromkeys(str(entry.video) for entry in self._found))
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

    def _create_layout(self) -> None:
        layout = QVBoxLayout(self)
        layout.addWidget(self.heading)
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
        inner.addWidget(self.overlay, stretch=1)
        inner.addWidget(self.maps)
        layout.addWidget(self.view, stretch=1)
        layout.addStretch(0)

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
        self.maps.set_predictions(shown)

    def _play(self, found: FoundPredictions, read: Trajectories) -> None:
        project = self.session.require_project()
        predictions = read.predictions
        self.playback.show(found.video, predictions, style_of(look_of(project), predictions.bodyparts))
        self._shown = found
        self.overlay.show_video(predictions.bodyparts, self.playback.style)
        self._add_timeline(read)
        self._on_frame(self.playback.frame)
        self._update_enabled()

    def _add_timeline(self, read: Trajectories) -> None:
        self.timeline = Timeline()
        x, y, likelihood = read.curves
        lanes = [Lane("x", x), Lane("y", y), Lane("likelihood", likelihood, (0.0, 1.0))]
        if read.predictions.spread is not None:
            lanes.append(Lane("spread", np.ascontiguousarray(read.predictions.spread.T, dtype=np.float32)))
        self.timeline.show_video(len(read.predictions.xy), tuple(lanes), bytes_of(self.playback.style.colors))
        self.timeline.setObjectName("results.timeline")
        self.timeline.setMinimumHeight(_LEAST)  # the docks on the right grow and shrink
        self.timeline.frame_chosen.connect(self.playback.go_to)
        self.session.viewer.window.add_dock_widget(self.timeline, area="bottom", name="Trajectories (pixels)")

    def _restyle(self) -> None:
        """Draw the overlay and the curves as the controls say."""
        project, predictions, shown = self.session.project, self.playback.predictions, self.overlay.shown
        if project is None or predictions is None or len(shown) != len(predictions.bodyparts):
            return
        self.playback.set_style(self.overlay.styled(style_of(look_of(project), predictions.bodyparts)))
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
            timeline, self.timeline = self.timeline, None
            if timeline is not None:
                with suppress(LookupError):  # the user has closed it already
                    self.session.viewer.window.remove_dock_widget(timeline)
                timeline.deleteLater()
            self._update_enabled()

    def _on_job_ended(self, job: Job) -> None:
        """List what has just been analyzed, wherever it lies."""
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
