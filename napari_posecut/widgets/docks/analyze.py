"""Dock 6: find the bodyparts in whole videos, one after the other, in the background."""

from pathlib import Path

from napari import Viewer
from qtpy.QtCore import QMimeData, Qt, Signal
from qtpy.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_posecut.jobs.jobs import Job
from napari_posecut.session import Session, session_of
from napari_posecut.widgets.parts import name_controls
from napari_posecut.widgets.parts.job_line import JobLine, WrappedLabel, wrappable
from posecut_core.errors import Remedy, VideoError
from posecut_core.poses.files import find_predictions
from posecut_core.progress import Notice, Progress
from posecut_core.project.given import VIDEO_SUFFIXES, videos_in
from posecut_core.project.opening import project_videos
from posecut_core.types import NetworkName

# --- queue list -------------------------------------------------------------------------------------------------------
# The list of videos to analyze: a check box and a state each; files may be dropped on it.


_DONE = "done"
_PATH = Qt.ItemDataRole.UserRole


class _VideoQueue(QTreeWidget):
    """Videos in the order in which they are analyzed."""

    video_requested = Signal(str)  # path of a video that is done and was clicked twice

    def __init__(self) -> None:
        super().__init__()
        self.setHeaderLabels(("video", "state"))
        self.setRootIsDecorated(False)
        self.setAcceptDrops(True)
        self.setToolTip("drop videos or folders here; double-click a video that is done to show it in 9 Results")
        header = self.header()
        assert header is not None
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.itemDoubleClicked.connect(self._on_double_click)

    @property
    def paths(self) -> tuple[str, ...]:
        """Return all videos of the list."""
        return tuple(item.data(0, _PATH) for item in self._items())

    @property
    def checked(self) -> tuple[str, ...]:
        """Return the videos that are to be analyzed."""
        return tuple(item.data(0, _PATH) for item in self._items() if item.checkState(0) == Qt.CheckState.Checked)

    def add(self, path: Path, *, state: str = "", checked: bool = True) -> None:
        """Add a video, or every video of a folder; what is in the list already stays as it is."""
        for video in videos_in(path) if path.is_dir() else [path]:
            if str(video) not in self.paths:
                item = QTreeWidgetItem([video.name, state])
                item.setData(0, _PATH, str(video))
                item.setToolTip(0, str(video))
                item.setCheckState(0, Qt.CheckState.Checked if checked else Qt.CheckState.Unchecked)
                self.addTopLevelItem(item)

    def check(self, path: Path) -> None:
        """Check a video, by its path or by its name in the project, and add it if it is not in the list."""
        named = [item for item in self._items() if str(path) in (item.data(0, _PATH), Path(item.data(0, _PATH)).stem)]
        for item in named:
            item.setCheckState(0, Qt.CheckState.Checked)
        if not named and path.is_file():
            self.add(path)

    def set_state(self, path: str, state: str, *, why: str = "") -> None:
        """Say how far a video is; one that is done need not be analyzed again."""
        item = next((item for item in self._items() if item.data(0, _PATH) == path), None)
        if item is not None:
            item.setText(1, state)
            item.setToolTip(1, why)
            if state == _DONE:
                item.setCheckState(0, Qt.CheckState.Unchecked)

    def state_of(self, path: str) -> str:
        """Return how far a video is."""
        return next((item.text(1) for item in self._items() if item.data(0, _PATH) == path), "")

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: N802 - Qt's name
        """Take files."""
        if event is not None and _files(event.mimeData()):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent | None) -> None:  # noqa: N802 - Qt's name
        """Take files anywhere on the list."""
        if event is not None and _files(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802 - Qt's name
        """Add the files."""
        if event is not None:
            for path in _files(event.mimeData()):
                self.add(path)
            event.acceptProposedAction()

    def _items(self) -> list[QTreeWidgetItem]:
        items = (self.topLevelItem(place) for place in range(self.topLevelItemCount()))
        return [item for item in items if item is not None]

    def _on_double_click(self, item: QTreeWidgetItem) -> None:
        if item.text(1) == _DONE:
            self.video_requested.emit(item.data(0, _PATH))


def _files(data: QMimeData | None) -> list[Path]:
    """List the files and folders of this computer that are dragged."""
    urls = data.urls() if data is not None else []
    return [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]


# --- analyze ----------------------------------------------------------------------------------------------------------
# Dock 6: find the bodyparts in whole videos, one after the other, in the background.


_VERB = "analyze_queue"
_SHOWN = 3  # failures that are listed


class AnalyzeDock(QWidget):
    """The queue of videos, and what becomes of each."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.session: Session = session_of(napari_viewer)
        self._why: list[str] = []  # rich text of each failure
        self._root: Path | None = None  # of the project whose videos are listed
        self.heading, self.failures = WrappedLabel(), WrappedLabel()
        self.videos = _VideoQueue()
        self.add = QPushButton("Add videos…")
        self.shuffle = QSpinBox()
        self.shuffle.setRange(1, 9999)
        self.shuffle.setToolTip("which network, as in 4 Train")
        self.folder = QLineEdit()
        self.folder.setPlaceholderText("next to each video")
        self.browse = QPushButton("…")
        self.browse.setMaximumWidth(30)
        self.csv = QCheckBox("also as .csv, for spreadsheets")
        self.filter = QCheckBox("filter the trajectories (median)")
        self.draw = QCheckBox("create labeled videos")
        self.start_button = QPushButton("Analyze")
        self.line = JobLine(self.session, (_VERB,))
        self._create_layout()
        self._connect()
        name_controls(self, "analyze")
        self._on_project_changed()

    def apply_remedy(self, remedy: Remedy) -> None:
        """Check the videos of a remedy and what is to be made of them; nothing starts, since it can take hours."""
        videos, shuffle = remedy.arguments.get("videos"), remedy.arguments.get("shuffle")
        for video in videos if isinstance(videos, list) else ():
            self.videos.check(Path(str(video)))
        if isinstance(shuffle, int):
            self.shuffle.setValue(shuffle)
        self.filter.setChecked(self.filter.isChecked() or remedy.step == "filterpredictions")
        self.draw.setChecked(self.draw.isChecked() or remedy.step == "create_labeled_video")

    def start(self) -> None:
        """Analyze the checked videos."""
        self.session.attempt(self._start)

    def _start(self) -> None:
        self.session.require_project()
        chosen = self.videos.checked
        if not chosen:
            raise VideoError("No video is checked; check at least one in the list, or add some.")
        arguments = {
            "videos": chosen,
            "shuffle": self.shuffle.value(),
            "save_as_csv": self.csv.isChecked(),
            "destfolder": self.folder.text().strip() or None,
            "filter": self.filter.isChecked(),
            "draw": self.draw.isChecked(),
        }
        self.session.start(_VERB, arguments)

    def _create_layout(self) -> None:
        self.setMinimumWidth(290)
        layout, form, folder = QVBoxLayout(self), QFormLayout(), QHBoxLayout()
        folder.addWidget(self.folder)
        folder.addWidget(self.browse)
        form.addRow("shuffle", self.shuffle)
        form.addRow("save results", folder)
        layout.addWidget(self.heading)
        layout.addWidget(self.videos, stretch=1)
        layout.addWidget(self.add)
        layout.addLayout(form)
        for widget in (self.csv, self.filter, self.draw, self.start_button, self.line, self.failures):
            layout.addWidget(widget)

    def _connect(self) -> None:
        self.add.clicked.connect(self._ask_videos)
        self.browse.clicked.connect(self._ask_folder)
        self.start_button.clicked.connect(self.start)
        self.videos.video_requested.connect(self.session.video_requested.emit)
        self.line.ended.connect(self._on_job_ended)
        self.session.project_changed.connect(self._on_project_changed)
        self.session.jobs.started.connect(self._on_job_started)
        self.session.jobs.progressed.connect(self._on_job_progressed)

    def _on_project_changed(self) -> None:
        """List the project's videos; those that were added stay while it is open."""
        project = self.session.project
        root = None if project is None else project.root
        if root != self._root:
            self._root = root
            self.videos.clear()
            self._clear_failures()
        for path in () if project is None else project_videos(project).values():
            before = _is_analyzed(path)
            self.videos.add(path, state=_DONE if before else "", checked=not before)
        job = self.session.jobs.find(_VERB)
        if job is not None:
            self._on_job_started(job)
        self._update_enabled()

    def _update_enabled(self) -> None:
        project, running = self.session.project, self.session.jobs.find(_VERB)
        for widget in (self.start_button, self.add, self.videos):
            widget.setEnabled(project is not None and (running is None or widget is self.videos))
        self.failures.setVisible(bool(self.failures.text()))
        if project is None:
            self.heading.setText("No project is open yet: open or create one (1 Project).")
        else:
            self.heading.setText("Check the videos to analyze. Drop others here, or add them below.")

    def _on_job_started(self, job: Job) -> None:
        if job.request.verb != _VERB:
            return
        self._clear_failures()
        for video in _videos_of(job):
            self.videos.add(Path(video))
            self.videos.set_state(video, "waiting")
        for report in job.reports:
            self._on_job_progressed(job, report)
        self._update_enabled()

    def _on_job_progressed(self, job: Job, report: Progress | Notice) -> None:
        if isinstance(report, Notice):
            return
        videos = _videos_of(job)
        place = int(report.values.get("video", -1))
        if job.request.verb != _VERB or not 0 <= place < len(videos):
            return
        if "finished" in report.values:
            self.videos.set_state(videos[place], _DONE)
        elif "failed" in report.values:
            self._add_failure(videos[place], report.stage)
        elif report.total:
            self.videos.set_state(videos[place], f"{100 * report.done // report.total} %")

    def _clear_failures(self) -> None:
        self._why = []
        self.failures.setText("")

    def _add_failure(self, video: str, why: str) -> None:
        self.videos.set_state(video, "failed", why=why)
        self._why = [*self._why, f"<b>{wrappable(Path(video).name)}</b>: {wrappable(why)}"]
        more = len(self._why) - _SHOWN
        tail = [f"{more} more failed; hover over them in the list."] if more > 0 else []
        self.failures.setText("<br>".join([*self._why[:_SHOWN], *tail]))
        self.failures.setVisible(True)

    def _on_job_ended(self, job: Job) -> None:
        for video in _videos_of(job):
            if self.videos.state_of(video) not in (_DONE, "failed"):
                failed = job.state in ("failed", "crashed")
                why = job.message if failed else "Analyze continues where it stopped"
                self.videos.set_state(video, "failed" if failed else "stopped", why=why)
        self._update_enabled()

    def _ask_videos(self) -> None:
        kinds = " ".join(f"*{suffix}" for suffix in sorted(VIDEO_SUFFIXES))
        names, _ = QFileDialog.getOpenFileNames(self, "Videos to analyze", "", f"Videos ({kinds});;All files (*)")
        for name in names:
            self.videos.add(Path(name))

    def _ask_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Folder for the results")
        if name:
            self.folder.setText(name)


def _videos_of(job: Job) -> tuple[str, ...]:
    videos = job.request.arguments.get("videos", ())
    return tuple(map(str, videos)) if isinstance(videos, list | tuple) else ()


def _is_analyzed(video: Path) -> bool:
    """Tell whether predictions of one of our networks lie beside a video."""
    return any(NetworkName.parse(found.scorer) for found in find_predictions(video))
