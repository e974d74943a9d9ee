"""Dock 6: find the bodyparts in whole videos, one after the other, in the background."""

from pathlib import Path

from magicgui.widgets import CheckBox, Container, FloatSpinBox, SpinBox
from magicgui.widgets.bases import Widget
from napari import Viewer
from qtpy.QtCore import QMimeData, Qt, Signal
from qtpy.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_posecut.jobs.jobs import Job
from napari_posecut.labeling.extracted_frames import listed_videos
from napari_posecut.layers.overlay import own_network
from napari_posecut.remedies import hint, in_window
from napari_posecut.session import Session, session_of
from napari_posecut.widgets.forms.step import StepForm
from napari_posecut.widgets.parts import LowTable, Postponed, mark_missing, name_controls, open_outside, scroll_content
from napari_posecut.widgets.parts.checks import ChecksRow
from napari_posecut.widgets.parts.job_line import JobLine, WrappedLabel, wrappable
from posecut_core.errors import Remedy, VideoError
from posecut_core.poses.files import find_predictions
from posecut_core.progress import Notice, Progress
from posecut_core.project.given import VIDEO_SUFFIXES, videos_in
from posecut_core.project.paths import Project
from posecut_core.project.state import read_state
from posecut_core.steps import arguments_of
from posecut_core.types import NetworkName

# --- queue list -------------------------------------------------------------------------------------------------------
# The list of videos to analyze: a check box and a state each; files may be dropped on it.


_DONE, _OLDER = "done", "by an older network"  # of an earlier iteration, whose predictions can still be looked at
_ANALYZED = (_DONE, _OLDER)
_PATH = Qt.ItemDataRole.UserRole


class _VideoQueue(LowTable):
    """Videos in the order in which they are analyzed."""

    video_requested = Signal(str)  # path of a video that is done and was clicked twice

    def __init__(self) -> None:
        super().__init__(("video", "state"))
        self.setAcceptDrops(True)
        self.setToolTip("drop videos or folders here; double-click a video that is done to show it in 9 Results")
        self.itemActivated.connect(self._on_activated)  # a double click, or Enter

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
                mark_missing(item, video)
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
        """Say how far a video is; one that is done need not be analyzed again, until a new iteration has a network."""
        item = next((item for item in self._items() if item.data(0, _PATH) == path), None)
        if item is not None:
            item.setText(1, state)
            item.setToolTip(1, why)
            if state in _ANALYZED:
                item.setCheckState(0, Qt.CheckState.Unchecked if state == _DONE else Qt.CheckState.Checked)

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

    def _on_activated(self, item: QTreeWidgetItem) -> None:
        if item.text(1) in _ANALYZED:
            self.video_requested.emit(item.data(0, _PATH))


def _files(data: QMimeData | None) -> list[Path]:
    """List the files and folders of this computer that are dragged."""
    urls = data.urls() if data is not None else []
    return [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]


# --- forms ------------------------------------------------------------------------------------------------------------
# What is done with each video, as the arguments of its steps.


_OF_FILTER = {  # filter -> the arguments that concern it
    "median": ("windowlength",),
    "spline": ("pcutoff", "max_gap"),
    "kalman": ("pcutoff", "max_gap"),
    "arima": ("p_bound", "ARdegree", "MAdegree"),
}
_FILLING = ("spline", "kalman")  # filters whose positions have low likelihoods where they fill gaps


class _TrackingForm(Container[Widget]):
    """Whether only a window around the animal is analyzed, and what that goes by: `dynamic` of `analyze_videos`."""

    def __init__(self) -> None:
        (about,) = (argument for argument in arguments_of("analyze_videos") if argument.parameter == "dynamic")
        state, threshold, margin = about.default
        meaning = hint(about.meaning, {})
        self.on = CheckBox(name="on", text="tracking crop around the animal", value=state, tooltip=meaning)
        self.threshold = FloatSpinBox(
            name="threshold",
            label="found from likelihood",
            value=threshold,
            min=0.01,
            max=1,
            step=0.05,
            tooltip=meaning,
        )
        self.margin = SpinBox(name="margin", label="margin in pixels", value=margin, max=10_000, tooltip=meaning)
        super().__init__(widgets=[self.on, self.threshold, self.margin])
        self.margins = (0, 0, 0, 0)
        for field in (self.on, self.threshold, self.margin):
            field.native.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.on.changed.connect(self._show_fields)
        self._show_fields()

    def arguments(self) -> dict[str, object]:
        """Return `dynamic`; nothing without a tracking crop."""
        return {"dynamic": (True, self.threshold.value, self.margin.value)} if self.on.value else {}

    def _show_fields(self) -> None:
        self.threshold.visible = self.margin.visible = self.on.value


# --- analyze ----------------------------------------------------------------------------------------------------------
# Dock 6: find the bodyparts in whole videos, one after the other, in the background.


_VERB = "analyze_queue"
_SHOWN = 3  # failures, and results, that are listed under the list


class AnalyzeDock(QWidget):
    """The queue of videos, and what becomes of each."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.session: Session = session_of(napari_viewer)
        self._why: list[str] = []  # rich text of each failure
        self._notes: dict[str, None] = {}  # what the core says while it works, each once
        self._root: Path | None = None  # of the project whose videos are listed
        self.heading, self.failures, self.result = WrappedLabel(), WrappedLabel(), WrappedLabel()
        self.videos = _VideoQueue()
        self.choice = ChecksRow(self.videos)
        self.add = QPushButton("Add videos…")
        self.shuffle = QSpinBox()
        self.shuffle.setRange(1, 9999)
        self.shuffle.setToolTip("which network, as in 4 Train")
        self.folder = QLineEdit()
        self.folder.setPlaceholderText("next to each video")
        self.browse = QPushButton("…")
        self.browse.setMaximumWidth(30)
        self._create_forms()
        self.more = QCheckBox("More settings")
        self.more.setToolTip("show the settings that are rarely changed")
        self.start_button = QPushButton("Analyze")
        self.show_button, self.open_button = QPushButton("Show the video"), QPushButton("Open the folder")
        self.show_button.setToolTip("the selected video, or the first that is done, with its predictions in 9 Results")
        self.open_button.setToolTip("with the results of that video")
        self.line = JobLine(self.session, (_VERB,), told=(_VERB,))
        self._create_layout()
        self._connect()
        name_controls(self, "analyze")
        self._show_fields()
        self._on_project_changed()

    def _create_forms(self) -> None:
        """Make the fields of each step that the queue can run."""
        self.analysis = StepForm(
            "analyze_videos",
            {
                "engine": "engine",
                "snapshot": "snapshot",
                "ensemble": "ask all networks of the shuffle",
                "batch_size": "frames at once",
                "dlc_names": "name the files as DeepLabCut does",
                "overwrite": "analyze done videos again",
                "cluster": "cluster",
            },
        )
        self.tracking = _TrackingForm()
        self.csv = QCheckBox("also as .csv, for spreadsheets")
        self.csv.setChecked(True)  # most programs read nothing else
        self.filter = QCheckBox("filter the trajectories")
        self.filtering = StepForm(
            "filterpredictions",
            {
                "filtertype": "filter",
                "windowlength": "window (frames)",
                "pcutoff": "gap below likelihood",
                "max_gap": "longest gap (frames)",
                "p_bound": "gap below likelihood",
                "ARdegree": "AR degree",
                "MAdegree": "MA degree",
            },
        )
        self.skeleton = QCheckBox("lengths and angles of the skeleton")
        self.plots = QCheckBox("figures of the trajectories")
        self.draw = QCheckBox("create labeled videos")
        self.drawing = StepForm(
            "create_labeled_video",
            {
                "draw_skeleton": "skeleton",
                "confidence_to_alpha": "fainter where unlikely",
                "keypoints_only": "bodyparts only, on black",
                "side_by_side": "filtered beside raw",
                "displaycropped": "only the analyzed part",
                "trailpoints": "trail (frames)",
                "pcutoff": "likelihood from",
                "dotsize": "size of dots",
                "alphavalue": "opacity of dots",
                "colormap": "colormap",
            },
        )
        self.drawing.fields["draw_skeleton"].value = True

    def apply_remedy(self, remedy: Remedy) -> None:
        """Check the videos of a remedy and what is to be made of them; nothing starts, since it can take hours."""
        videos, shuffle = remedy.arguments.get("videos"), remedy.arguments.get("shuffle")
        for video in videos if isinstance(videos, list) else ():
            self.videos.check(Path(str(video)))
        if isinstance(shuffle, int):
            self.shuffle.setValue(shuffle)
        if remedy.step == "analyze_videos":
            self.analysis.show_values(remedy.arguments)
            if self.analysis.fields.keys() & remedy.arguments.keys():
                self.more.setChecked(True)  # where they are seen
        made = {
            "filterpredictions": self.filter,
            "analyzeskeleton": self.skeleton,
            "plot_trajectories": self.plots,
            "create_labeled_video": self.draw,
        }
        if remedy.step in made:
            made[remedy.step].setChecked(True)

    def start(self) -> None:
        """Analyze the checked videos."""
        self.session.attempt(self._start)

    def _start(self) -> None:
        self.session.require_project()
        chosen = self.videos.checked
        if not chosen:
            raise VideoError("No video is checked; check at least one in the list, or add some.")
        where: dict[str, object] = {"shuffle": self.shuffle.value(), "destfolder": self.folder.text().strip() or None}
        steps = self._steps()
        for name in ("snapshot", "ensemble", "cluster"):  # what follows is about the same network, and done there too
            if name in steps["analyze_videos"]:
                where[name] = steps["analyze_videos"].pop(name)
        self.session.start(_VERB, {"videos": chosen, **where, "steps": steps})

    def _steps(self) -> dict[str, dict[str, object]]:
        """Return what is done with each video: steps in their order, and their arguments.

        Raises:
            ArgumentError: a field holds no number.
        """
        csv, filtered = {"save_as_csv": self.csv.isChecked()}, self.filter.isChecked()
        steps = {"analyze_videos": {**csv, **self.analysis.arguments(), **self.tracking.arguments()}}
        if filtered:
            steps["filterpredictions"] = {**csv, **self.filtering.arguments()}
        if self.skeleton.isChecked() and self.skeleton.isEnabled():
            steps["analyzeskeleton"] = {**csv, "filtered": filtered}
        if self.plots.isChecked():
            steps["plot_trajectories"] = {"filtered": filtered}
        if self.draw.isChecked():
            given = self.drawing.arguments()
            filled = filtered and self.filtering.fields["filtertype"].value in _FILLING
            whole = {"pcutoff": 0} if filled and "side_by_side" not in given else {}  # or what was filled is not drawn
            steps["create_labeled_video"] = {**whole, **given, "filtered": filtered, "overwrite": True}
        return steps

    def _create_layout(self) -> None:
        content = QWidget()
        layout, row = QVBoxLayout(content), QHBoxLayout()
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.heading)
        layout.addWidget(self.videos, stretch=1)
        layout.addWidget(self.choice)
        layout.addWidget(self.add)
        self.options = self._options()
        row.addWidget(self.show_button)
        row.addWidget(self.open_button)
        layout.addWidget(self.options)
        layout.addWidget(self.start_button)
        layout.addWidget(self.line)
        layout.addLayout(row)
        layout.addWidget(self.result)
        layout.addWidget(self.failures)
        scroll_content(self, content)

    def _options(self) -> QWidget:
        """Lay out what is done with each video; what is rarely changed is folded away."""
        options, self.rare, folder = QWidget(), QWidget(), QHBoxLayout()
        layout, form, rare, shuffle = QVBoxLayout(options), QFormLayout(), QVBoxLayout(self.rare), QFormLayout()
        folder.addWidget(self.folder)
        folder.addWidget(self.browse)
        form.addRow("save results", folder)
        shuffle.addRow("shuffle", self.shuffle)
        for one in (layout, rare):
            one.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form)
        measured = (self.tracking.native, self.csv, self.filter, self.filtering.native)
        made = (self.skeleton, self.plots, self.draw, self.drawing.native)
        for widget in (*measured, *made, self.more, self.rare):
            layout.addWidget(widget)
            if isinstance(widget, QCheckBox):  # a wide one would be cut off, and everything with it
                widget.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        rare.addLayout(shuffle)
        rare.addWidget(self.analysis.native)
        return options

    def _show_fields(self) -> None:
        """Show the fields of what is chosen."""
        filtered = self.filter.isChecked()
        self.rare.setVisible(self.more.isChecked())
        self.filtering.native.setVisible(filtered)
        self.filtering.show_only("filtertype", *_OF_FILTER[self.filtering.fields["filtertype"].value])
        self.drawing.native.setVisible(self.draw.isChecked())
        self.drawing.show_only(*(name for name in self.drawing.fields if filtered or name != "side_by_side"))

    def _connect(self) -> None:
        self.add.clicked.connect(self._ask_videos)
        self.browse.clicked.connect(self._ask_folder)
        self.start_button.clicked.connect(self.start)
        self.show_button.clicked.connect(lambda: self.session.video_requested.emit(self._done_video()))
        self.open_button.clicked.connect(self._open_folder)
        for box in (self.filter, self.draw, self.more):
            box.toggled.connect(self._show_fields)
        self.filtering.fields["filtertype"].changed.connect(self._show_fields)
        self.shuffle.valueChanged.connect(self._update_enabled)
        self.videos.video_requested.connect(lambda video: self.session.video_requested.emit(video))
        self.line.ended.connect(self._on_job_ended)
        self._listing = Postponed(self, self._on_project_changed)
        self.session.project_changed.connect(self._listing.request)
        self.session.jobs.started.connect(self._on_job_started)
        self.session.jobs.progressed.connect(self._on_job_progressed)
        self.session.jobs.ended.connect(self._update_enabled)  # a training leaves snapshots to choose from

    def _on_project_changed(self) -> None:
        """List the project's videos; those that were added stay while it is open."""
        project = self.session.project
        root = None if project is None else project.root
        if root != self._root:
            self._root = root
            self.videos.clear()
            self._clear_told()
            if project is not None:
                self._show_project(project)
        if project is not None:
            self._list_videos(project)
        self.choice.show_rows()
        job = self.session.jobs.find(_VERB)
        if job is not None:
            self._on_job_started(job)
        self._update_enabled()

    def _list_videos(self, project: Project) -> None:
        for path in listed_videos(project).values():
            state = _analyzed_state(project, path)
            there = path.is_file()
            self.videos.add(path, state=state or ("" if there else "missing"), checked=there and state != _DONE)
            shown = self.videos.state_of(str(path))
            if state and shown != state and shown in ("", *_ANALYZED):  # of before, or of another iteration
                self.videos.set_state(str(path), state)

    def _update_enabled(self, *_: object) -> None:
        project, running = self.session.project, self.session.jobs.find(_VERB)
        self.analysis.offer_snapshots(() if project is None else project.training(self.shuffle.value()).snapshots)
        for widget in (self.start_button, self.add, self.videos):
            widget.setEnabled(project is not None and (running is None or widget is self.videos))
        self.options.setVisible(running is None)  # how far the work is has its room while it runs
        self.start_button.setVisible(running is None)
        for button in (self.show_button, self.open_button):
            button.setVisible(running is None and bool(self._done_video()))
        self.skeleton.setEnabled(project is not None and bool(project.config.skeleton))
        for label in (self.failures, self.result):
            label.setVisible(bool(label.text()))
        if project is None:
            self.heading.setText("No project is open yet: open or create one (1 Project).")
        else:
            self.heading.setText("Check the videos to analyze. Drop others here, or add them below.")

    def _on_job_started(self, job: Job) -> None:
        if job.request.verb != _VERB:
            return
        self._clear_told()
        for video in _videos_of(job):
            self.videos.add(Path(video))
            self.videos.set_state(video, "waiting")
        for report in job.reports:
            self._on_job_progressed(job, report)
        self._update_enabled()

    def _on_job_progressed(self, job: Job, report: Progress | Notice) -> None:
        if job.request.verb == _VERB and isinstance(report, Notice):
            self._notes[wrappable(in_window(report))] = None
            self._show_result(list(self._notes)[-_SHOWN:])
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

    def _done_video(self) -> str:
        """Return the selected video if it is done, else the first that is; nothing where none is."""
        item = self.videos.currentItem()
        chosen = () if item is None else (item.data(0, _PATH),)
        return next((path for path in (*chosen, *self.videos.paths) if self.videos.state_of(path) in _ANALYZED), "")

    def _open_folder(self) -> None:
        folder = self.folder.text().strip() or str(Path(self._done_video()).parent)
        open_outside(self.session, Path(folder), "The folder could not be opened")

    def _clear_told(self) -> None:
        self._why, self._notes = [], {}
        self.failures.setText("")
        self.result.setText("")

    def _show_result(self, lines: list[str]) -> None:
        """Show sentences in rich text under the list."""
        self.result.setText("<br>".join(lines))
        self.result.setVisible(bool(lines))

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
        if job.state == "done":
            self._show_done(job)
        self._update_enabled()

    def _show_done(self, job: Job) -> None:
        """Say of each video how fast it was analyzed, by which engine, and what a tracking crop did."""
        said = {one["video"]: "; ".join(one.get("said", ())) for one in job.result.get("videos", ())}
        for video, sentence in said.items():
            if self.videos.state_of(video) == _DONE:
                self.videos.set_state(video, _DONE, why=sentence)
        lines = [
            f"{wrappable(Path(video).name)}: {wrappable(sentence)}" for video, sentence in said.items() if sentence
        ]
        more = [f"and {len(lines) - _SHOWN} more; hover over them in the list"] if len(lines) > _SHOWN else []
        notes = list(self._notes)[-_SHOWN:]
        self._show_result([f"<b>{wrappable(job.message)}</b>", *lines[:_SHOWN], *more, *notes])

    def _show_project(self, project: Project) -> None:
        """Begin with the engine that posecut.yaml names."""
        state = self.session.attempt(lambda: read_state(project.settings_path))
        if state is not None:
            self.analysis.show_values({"engine": state.engine})

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


def _analyzed_state(project: Project, video: Path) -> str:
    """Tell whether a network of this iteration, or only an older one, has analyzed a video; nothing where none has."""
    scorers = [found.scorer for found in find_predictions(video) if NetworkName.parse(found.scorer)]
    if any(own_network(project, scorer) is not None for scorer in scorers):
        return _DONE
    return _OLDER if scorers else ""
