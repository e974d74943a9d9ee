"""Dock 6: find the bodyparts in whole videos, one after the other, in the background."""

from pathlib import Path

from napari import Viewer
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_posecut.desk import Desk, desk_of
from napari_posecut.jobs import Job
from napari_posecut.widgets.job_line import JobLine
from napari_posecut.widgets.queue_list import DONE, QueueList
from napari_posecut.widgets.words import Words, wrappable
from posecut_core.analysis.found_predictions import find_predictions, network_name
from posecut_core.errors import VideoError
from posecut_core.progress import Progress
from posecut_core.project.given_files import VIDEO_SUFFIXES
from posecut_core.workflow.opening import project_videos

VERB = "analyze_queue"
_TOLD = 3  # failures that are told under the list


class AnalyseDock(QWidget):
    """The queue of videos, and what becomes of each."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.desk: Desk = desk_of(napari_viewer)
        self._why: list[str] = []  # rich text of each failure
        self._root: Path | None = None  # of the project whose videos are listed
        self.heading, self.failures = Words(), Words()
        self.videos = QueueList()
        self.add = QPushButton("Add videos…")
        self.shuffle = QSpinBox()
        self.shuffle.setRange(1, 9999)
        self.shuffle.setToolTip("which network, as in 4 Train")
        self.folder = QLineEdit()
        self.folder.setPlaceholderText("beside each video")
        self.browse = QPushButton("…")
        self.browse.setMaximumWidth(30)
        self.csv = QCheckBox("also as .csv, for spreadsheets")
        self.filter = QCheckBox("smooth the trajectories (median)")
        self.draw = QCheckBox("draw the bodyparts into a video")
        self.analyse = QPushButton("Analyse")
        self.line = JobLine(self.desk, (VERB,))
        self._lay_out()
        self._connect()
        self._follow()

    def start(self) -> None:
        """Analyse the checked videos."""
        self.desk.attempt(self._start)

    def _start(self) -> None:
        self.desk.require_project()
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
        self.desk.start(VERB, arguments)

    def _lay_out(self) -> None:
        self.setMinimumWidth(290)
        layout, form, folder = QVBoxLayout(self), QFormLayout(), QHBoxLayout()
        folder.addWidget(self.folder)
        folder.addWidget(self.browse)
        form.addRow("shuffle", self.shuffle)
        form.addRow("results go", folder)
        layout.addWidget(self.heading)
        layout.addWidget(self.videos, stretch=1)
        layout.addWidget(self.add)
        layout.addLayout(form)
        for widget in (self.csv, self.filter, self.draw, self.analyse, self.line, self.failures):
            layout.addWidget(widget)

    def _connect(self) -> None:
        self.add.clicked.connect(self._ask_videos)
        self.browse.clicked.connect(self._ask_folder)
        self.analyse.clicked.connect(self.start)
        self.videos.wanted.connect(self.desk.video_wanted.emit)
        self.line.ended.connect(self._end)
        self.desk.project_changed.connect(self._follow)
        self.desk.board.started.connect(self._begin)
        self.desk.board.progressed.connect(self._hear)

    def _follow(self) -> None:
        """List the project's videos; those that were added stay while it is open."""
        project = self.desk.project
        root = None if project is None else project.root
        if root != self._root:
            self._root = root
            self.videos.clear()
            self._clear_failures()
        for path in () if project is None else project_videos(project).values():
            before = _analysed(path)
            self.videos.add(path, state=DONE if before else "", checked=not before)
        job = self.desk.board.of(VERB)
        if job is not None:
            self._begin(job)
        self._allow()

    def _allow(self) -> None:
        project, running = self.desk.project, self.desk.board.of(VERB)
        for widget in (self.analyse, self.add, self.videos):
            widget.setEnabled(project is not None and (running is None or widget is self.videos))
        self.failures.setVisible(bool(self.failures.text()))
        if project is None:
            self.heading.setText("No project is open yet: open or create one (1 Project).")
        else:
            self.heading.setText("Check the videos to analyse. Drop others here, or add them below.")

    def _begin(self, job: Job) -> None:
        if job.request.verb != VERB:
            return
        self._clear_failures()
        for video in _videos_of(job):
            self.videos.add(Path(video))
            self.videos.set_state(video, "waits")
        for report in job.reports:
            self._hear(job, report)
        self._allow()

    def _hear(self, job: Job, report: Progress) -> None:
        videos = _videos_of(job)
        place = int(report.values.get("video", -1))
        if job.request.verb != VERB or not 0 <= place < len(videos):
            return
        if "finished" in report.values:
            self.videos.set_state(videos[place], DONE)
        elif "failed" in report.values:
            self._fail(videos[place], report.stage)
        elif report.total:
            self.videos.set_state(videos[place], f"{100 * report.done // report.total} %")

    def _clear_failures(self) -> None:
        self._why = []
        self.failures.setText("")

    def _fail(self, video: str, why: str) -> None:
        self.videos.set_state(video, "failed", why=why)
        self._why = [*self._why, f"<b>{wrappable(Path(video).name)}</b>: {wrappable(why)}"]
        more = len(self._why) - _TOLD
        tail = [f"{more} more failed; point at them in the list."] if more > 0 else []
        self.failures.setText("<br>".join([*self._why[:_TOLD], *tail]))
        self.failures.setVisible(True)

    def _end(self, job: Job) -> None:
        for video in _videos_of(job):
            if self.videos.state_of(video) not in (DONE, "failed"):
                self.videos.set_state(video, "stopped", why="Analyse goes on where it stopped")
        self._allow()

    def _ask_videos(self) -> None:
        kinds = " ".join(f"*{suffix}" for suffix in sorted(VIDEO_SUFFIXES))
        names, _ = QFileDialog.getOpenFileNames(self, "Videos to analyse", "", f"Videos ({kinds});;All files (*)")
        for name in names:
            self.videos.add(Path(name))

    def _ask_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Folder for the results")
        if name:
            self.folder.setText(name)


def _videos_of(job: Job) -> tuple[str, ...]:
    videos = job.request.arguments.get("videos", ())
    return tuple(map(str, videos)) if isinstance(videos, list | tuple) else ()


def _analysed(video: Path) -> bool:
    """Tell whether predictions of one of our networks lie beside a video."""
    return any(network_name(found.scorer) for found in find_predictions(video))
