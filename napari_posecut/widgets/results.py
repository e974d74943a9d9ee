"""Dock 9: an analysed video with what a network sees in it, and the trajectories below."""

import shutil
import tempfile
import weakref
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from napari import Viewer
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QColor, QIcon, QPixmap
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
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_posecut.analysed import Trajectories, analysed_videos, in_words, own_network, read_trajectories, style_of
from napari_posecut.background import in_background
from napari_posecut.desk import Desk, desk_of
from napari_posecut.jobs import Job
from napari_posecut.overlay import OverlayStyle
from napari_posecut.playback import playback_of
from napari_posecut.widgets.job_line import JobLine
from napari_posecut.widgets.timeline import Lane, Timeline
from posecut_core.analysis.found_predictions import FoundPredictions
from posecut_core.plots.colours import bytes_of

_TRAIL = 10  # frames at first


class ResultsDock(QWidget):
    """The look at analysed videos."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.desk: Desk = desk_of(napari_viewer)
        self.playback = playback_of(self.desk)
        self.timeline: Timeline | None = None  # there while a video is shown
        self._found: tuple[FoundPredictions, ...] = ()
        self._videos: list[Path] = []  # that a person named, besides the project's
        self._folders: list[Path] = []
        self._shown: FoundPredictions | None = None
        self._maps: tuple[int, dict[str, np.ndarray], np.ndarray, np.ndarray] | None = None
        self._maps_folder = Path(tempfile.mkdtemp(prefix="posecut-scoremaps-"))
        weakref.finalize(self, shutil.rmtree, self._maps_folder, ignore_errors=True)
        self._create_choice()
        self._create_look()
        self.job_line = JobLine(self.desk, ("scoremap",))
        self.job_line.ended.connect(self._take_maps)
        self._lay_out()
        self.desk.project_changed.connect(self.list_analysed)
        self.desk.board.ended.connect(self._hear)
        self.playback.changed.connect(self._on_changed)
        self.playback.frame_changed.connect(self._on_frame)
        self.list_analysed()

    def list_analysed(self) -> None:
        """Look for analysed videos of the project, and list them."""
        project = self.desk.project
        self._found = () if project is None else analysed_videos(project, videos=self._videos, folders=self._folders)
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
        """Show an analysed video with the newest predictions of it."""
        if self.videos.findData(path) < 0:
            self._choose_video(path)
        self.videos.setCurrentIndex(self.videos.findData(path))
        if self.networks.currentData() is not None and self._shown != self.networks.currentData():
            self.show_chosen()

    def show_chosen(self) -> None:
        """Show the chosen video with the chosen predictions, or leave the one that is shown."""
        found, project = self.networks.currentData(), self.desk.project
        if self.playback.video is not None and self._shown == found:
            self.playback.close()
        elif found is not None and project is not None:
            read = self.desk.attempt(lambda: in_background(lambda: read_trajectories(found.table)))
            if read is not None:
                self.desk.attempt(lambda: self._play(found, read))

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
        self.networks.currentIndexChanged.connect(self._allow)
        self.show_button = QPushButton("Show video")
        self.show_button.clicked.connect(self.show_chosen)
        self.other_video = QPushButton("Other video…")
        self.other_video.setToolTip("a video that was analysed, but does not belong to the project")
        self.other_video.clicked.connect(self._ask_video)
        self.other_folder = QPushButton("Other folder…")
        self.other_folder.setToolTip("where the predictions lie, if not beside their videos")
        self.other_folder.clicked.connect(self._ask_folder)

    def _create_look(self) -> None:
        self.pcutoff, self.pcutoff_text = QSlider(Qt.Orientation.Horizontal), QLabel()
        self.pcutoff.setRange(0, 100)
        self.pcutoff.setToolTip("bodyparts of lower likelihood are hollow, and have no skeleton and no trail")
        self.trail = QSpinBox()
        self.trail.setRange(0, 100)
        self.trail.setValue(_TRAIL)
        self.trail.setSuffix(" frames")
        self.skeleton = QCheckBox("skeleton")
        self.skeleton.setChecked(True)
        self.bodyparts = QTreeWidget()
        self.bodyparts.setHeaderLabels(["bodypart", "likelihood"])
        self.bodyparts.setRootIsDecorated(False)
        self.map_button = QPushButton("Score map of the chosen bodypart")
        self.map_button.clicked.connect(self._ask_maps)
        self.pcutoff.valueChanged.connect(self._restyle)
        self.trail.valueChanged.connect(self._restyle)
        self.skeleton.toggled.connect(self._restyle)
        self.bodyparts.itemChanged.connect(self._restyle)
        self.bodyparts.currentItemChanged.connect(self._show_map)

    def _lay_out(self) -> None:
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
        self.look = QWidget()
        inner = QVBoxLayout(self.look)
        inner.setContentsMargins(0, 0, 0, 0)
        row = QHBoxLayout()
        row.addWidget(self.pcutoff)
        row.addWidget(self.pcutoff_text)
        form = QFormLayout()
        form.addRow("pcutoff", row)
        form.addRow("trails", self.trail)
        form.addRow("", self.skeleton)
        inner.addLayout(form)
        inner.addWidget(self.bodyparts, stretch=1)
        inner.addWidget(self.map_button)
        inner.addWidget(self.job_line)
        layout.addWidget(self.look, stretch=1)
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
        self._allow()

    def _allow(self) -> None:
        """Say what there is, and offer what can be done now."""
        project, shown = self.desk.project, self._shown
        if project is None:
            self.heading.setText("Open or create a project first (1 Project).")
        elif not self._found:
            self.heading.setText("No video of the project has been analysed yet: analyse some (6 Analyse).")
        else:
            count = len({entry.video for entry in self._found})
            self.heading.setText(f"<b>{count} analysed video{'s' * (count != 1)}</b>")
        for widget in (self.other_video, self.other_folder):
            widget.setEnabled(project is not None)
        self.show_button.setEnabled(bool(self._found))
        same = shown is not None and shown == self.networks.currentData()
        self.show_button.setText("Leave video" if same else "Show video")
        self.look.setVisible(shown is not None)
        own = project is not None and shown is not None and own_network(project, shown.scorer) is not None
        self.map_button.setEnabled(own)
        self.map_button.setToolTip(
            "how likely the network finds it at each place of this frame; takes some seconds"
            if own
            else "the network that made these predictions does not belong to the present iteration"
        )

    def _play(self, found: FoundPredictions, read: Trajectories) -> None:
        project = self.desk.require_project()
        predictions = read.predictions
        self.playback.show(found.video, predictions, style_of(project.config, predictions.bodyparts))
        self._shown = found
        self._list_bodyparts(predictions.bodyparts, self.playback.style)
        self._restyle()
        self._add_timeline(read)
        self._on_frame(self.playback.frame)
        self._allow()

    def _list_bodyparts(self, names: tuple[str, ...], style: OverlayStyle) -> None:
        for widget, value in ((self.bodyparts, None), (self.pcutoff, round(100 * style.pcutoff))):
            widget.blockSignals(True)
            if value is not None:
                self.pcutoff.setValue(value)
        self.bodyparts.clear()
        for name, colour in zip(names, bytes_of(style.colours), strict=True):
            item = QTreeWidgetItem([name, ""])
            square = QPixmap(12, 12)
            square.fill(QColor(*colour.tolist()))
            item.setIcon(0, QIcon(square))
            item.setCheckState(0, Qt.CheckState.Checked)
            self.bodyparts.addTopLevelItem(item)
        self.bodyparts.setCurrentItem(self.bodyparts.topLevelItem(0))
        self.bodyparts.resizeColumnToContents(0)
        for widget in (self.bodyparts, self.pcutoff):
            widget.blockSignals(False)

    def _add_timeline(self, read: Trajectories) -> None:
        self.timeline = Timeline()
        x, y, likelihood = read.curves
        lanes = (Lane("x", x), Lane("y", y), Lane("likelihood", likelihood, (0.0, 1.0)))
        self.timeline.show_video(len(read.predictions.xy), lanes, bytes_of(self.playback.style.colours))
        self.timeline.frame_chosen.connect(self.playback.go_to)
        self.desk.viewer.window.add_dock_widget(self.timeline, area="bottom", name="Trajectories (pixels)")

    def _restyle(self) -> None:
        """Draw the overlay and the curves as the controls say."""
        cutoff = self.pcutoff.value() / 100
        self.pcutoff_text.setText(f"{cutoff:.2f}")
        project, predictions = self.desk.project, self.playback.predictions
        if project is None or predictions is None or self._shown is None:
            return
        shown = np.array([item.checkState(0) == Qt.CheckState.Checked for item in self._parts()], dtype=np.bool_)
        if len(shown) != len(predictions.bodyparts):
            return
        style = style_of(project.config, predictions.bodyparts)
        edges = style.edges if self.skeleton.isChecked() else ()
        self.playback.set_style(replace(style, shown=shown, pcutoff=cutoff, trail=self.trail.value(), edges=edges))
        if self.timeline is not None:
            self.timeline.show_curves(shown)

    def _parts(self) -> list[QTreeWidgetItem]:
        items = (self.bodyparts.topLevelItem(row) for row in range(self.bodyparts.topLevelItemCount()))
        return [item for item in items if item is not None]

    def _on_frame(self, frame: int) -> None:
        if self.timeline is not None:
            self.timeline.set_frame(frame)
        predictions = self.playback.predictions
        if predictions is None or self.bodyparts.topLevelItemCount() != len(predictions.bodyparts):
            return
        self.bodyparts.blockSignals(True)
        for item, likelihood in zip(self._parts(), predictions.likelihood[frame], strict=True):
            item.setText(1, f"{likelihood:.2f}")
        self.bodyparts.blockSignals(False)

    def _on_changed(self) -> None:
        """Forget what belonged to a video that is not shown any more."""
        if self.playback.video is None or self._shown is None or self.playback.video != self._shown.video:
            self._shown = self._maps = None
            timeline, self.timeline = self.timeline, None
            if timeline is not None:
                with suppress(LookupError):  # a person has closed it already
                    self.desk.viewer.window.remove_dock_widget(timeline)
                timeline.deleteLater()
            self._allow()

    def _hear(self, job: Job) -> None:
        """List what has just been analysed, wherever it lies."""
        if job.request.verb == "analyze_queue" and job.state == "done":
            files = [Path(file) for video in job.result.get("videos", ()) for file in video.get("files", ())]
            self._folders = list(dict.fromkeys([*self._folders, *(file.parent for file in files)]))
            self._videos += [Path(video["video"]) for video in job.result.get("videos", ())]
            self.list_analysed()

    def _ask_video(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "A video that was analysed")
        if path:
            self._choose_video(path)

    def _choose_video(self, path: str) -> None:
        self._videos.append(Path(path))
        self.list_analysed()
        self.videos.setCurrentIndex(self.videos.findData(path))

    def _ask_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Where the predictions lie")
        if path:
            self._folders.append(Path(path))
            self.list_analysed()

    def _ask_maps(self) -> None:
        """Let a child compute the score maps of this frame, or show those that are there."""
        project, shown, frame = self.desk.project, self._shown, self.playback.frame
        network = own_network(project, shown.scorer) if project is not None and shown is not None else None
        if shown is None or network is None:
            return
        if self._maps is not None and self._maps[0] == frame:
            self._show_map()
            return
        target = self._maps_folder / f"frame{frame}.npy"
        arguments = {"video": str(shown.video), "frame": frame, "target": str(target)}
        arguments |= {"shuffle": network.shuffle, "snapshot": network.step}
        if self.desk.attempt(lambda: self.desk.board.start("scoremap", arguments)) is not None:
            self.map_button.setEnabled(False)

    def _take_maps(self, job: Job) -> None:
        self._allow()
        result, shown = job.result, self._shown
        if job.state != "done" or shown is None or str(shown.video) != str(result["video"]):
            return
        maps = np.load(result["file"], allow_pickle=False)
        named = dict(zip(result["bodyparts"], np.moveaxis(maps, 2, 0), strict=True))
        self._maps = (int(result["frame"]), named, np.array(result["cell"]), np.array(result["origin"]))
        self._show_map()

    def _show_map(self) -> None:
        """Show the map of the chosen bodypart, if there is one of this frame."""
        item = self.bodyparts.currentItem()
        if self._maps is None or item is None or self._maps[0] != self.playback.frame:
            return
        _, maps, cell, origin = self._maps
        if item.text(0) in maps:
            name = f"score map of {item.text(0)}"
            self.playback.show_map(maps[item.text(0)], cell=cell, origin=origin, name=name)
