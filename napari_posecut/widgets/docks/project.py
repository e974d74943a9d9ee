"""Dock 1: open or create a project; its frames, videos, bodyparts and skeleton."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari import Viewer
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidgetItem,
    QPushButton,
    QTabWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_posecut.jobs.jobs import Job
from napari_posecut.jobs.monitor import in_background
from napari_posecut.labeling.labeling import Labeling
from napari_posecut.preferences import preferences
from napari_posecut.session import Session, session_of
from napari_posecut.widgets.forms.bodyparts import BodypartsEditor, SkeletonEditor
from napari_posecut.widgets.forms.project import OF_SEVERAL, ImportForm, NewProjectForm, ProjectVideos
from napari_posecut.widgets.forms.step import StepRunner
from napari_posecut.widgets.parts import LowList, LowTable, name_controls, scroll_content
from napari_posecut.widgets.parts.frame_tree import FrameTree
from napari_posecut.widgets.parts.job_line import JobLine, WrappedLabel
from posecut_core.errors import Remedy
from posecut_core.interchange.registry import FORMATS
from posecut_core.project.opening import config_path
from posecut_core.types import FrameRef
from posecut_core.workflow.edit_bodyparts import edit_bodyparts

# --- start ------------------------------------------------------------------------------------------------------------


class _Start(QWidget):
    """The ways to a project: those that were open lately, the sample, and a new one."""

    new_requested = Signal()
    import_requested = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.recent = LowList()
        self.recent.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.recent.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.recent.setToolTip("projects that were open lately; a click opens one")
        self.recent.itemClicked.connect(self._open)
        self.recent.itemActivated.connect(self._open)
        self.sample_button, self.new_button = QPushButton("Try the sample project"), QPushButton("New project…")
        self.import_button = QPushButton("Import a project…")
        self.import_button.setToolTip("of DeepLabCut, SLEAP or Lightning Pose")
        self.import_button.clicked.connect(lambda: self.import_requested.emit())
        self.sample_button.setToolTip("a small project of drawn mice, partly labeled; it takes some seconds to draw")
        self.sample_button.clicked.connect(lambda: session.viewer.open_sample("posecut", "mouse"))
        self.new_button.clicked.connect(lambda: self.new_requested.emit())
        layout, self.heading = QVBoxLayout(self), QLabel("<b>Recent projects</b>")
        for widget in (self.new_button, self.import_button, self.sample_button, self.heading, self.recent):
            layout.addWidget(widget)
        layout.addStretch(0)
        session.project_changed.connect(self._list)
        self._list()

    def _list(self) -> None:
        self.recent.clear()
        for folder in map(Path, preferences().projects):
            if (folder / "config.yaml").is_file():
                item = QListWidgetItem(folder.name, self.recent)
                item.setToolTip(str(folder))
        for widget in (self.heading, self.recent):
            widget.setVisible(self.recent.count() > 0)

    def _open(self, item: QListWidgetItem) -> None:
        project, folder = self._session.project, item.toolTip()
        if project is None or str(project.root) != folder:
            self._session.attempt(lambda: self._session.open(folder))


# --- checks -----------------------------------------------------------------------------------------------------------


class _Checks(QWidget):
    """What looks over a project as a whole, and over its labels."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.doctor = StepRunner(session, "doctor", {"mend": "repair what can be repaired"}, "Check the project")
        self.labels = StepRunner(session, "check_labels", {"other": "compare with"}, "Check and draw the labels")
        self.labels.form.fields["other"].native.setPlaceholderText("another project or labels")
        self.doubtful = _DoubtfulLabels(session)
        self.labels.ended.connect(self.doubtful.show_checked)
        content = QWidget()
        layout = QVBoxLayout(content)
        project = WrappedLabel("<b>The project</b>: damaged files, missing videos, settings that do not fit")
        labels = WrappedLabel("<b>The labels</b>: which of them may be wrong, and all of them as pictures")
        for part in (project, self.doctor, labels, self.labels, self.doubtful):
            layout.addWidget(part)
        layout.addStretch(1)
        scroll_content(self, content)


_MOST_DOUBTFUL = 200  # labels that are listed
_COMPARED = 50  # of them, at most, those where two people differ most


class _DoubtfulLabels(QWidget):
    """The labels that `check_labels` found to be probably wrong, to look at one after the other."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._root: Path | None = None  # of the project whose labels are listed
        self.labels = LowTable(("label", "why"), widest=1)
        self.labels.setToolTip("click to show the frame; move the label there if it is wrong")
        self.labels.itemClicked.connect(self._show)
        self.labels.itemActivated.connect(self._show)
        self.before, self.after = QPushButton("◀ previous"), QPushButton("next ▶")
        self.before.clicked.connect(lambda: self._step(-1))
        self.after.clicked.connect(lambda: self._step(1))
        layout, row = QVBoxLayout(self), QHBoxLayout()
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.labels)
        row.addWidget(self.before)
        row.addWidget(self.after)
        layout.addLayout(row)
        self.setVisible(False)
        session.project_changed.connect(self._on_project_changed)

    def show_checked(self, job: Job) -> None:
        """List what a check of the labels found."""
        if job.state != "done":
            return
        apart = (job.result.get("compared") or {}).get("differences", ())[:_COMPARED]
        rows = [(one, f"two people differ by {one['distance']:.1f} px") for one in apart]
        rows += [(one, _why(one)) for one in job.result.get("suspects", ())[: _MOST_DOUBTFUL - len(rows)]]
        self.labels.clear()
        for one, why in rows:
            label = FrameRef(str(one["video"]), int(one["number"])), str(one["bodypart"])
            item = QTreeWidgetItem(self.labels, [f"{label[0]}: {label[1]}", why])
            item.setData(0, Qt.ItemDataRole.UserRole, label)
        self._root = self._session.require_project().root
        self.setVisible(bool(rows))

    def _show(self, item: QTreeWidgetItem) -> None:
        """Show the frame of a label, and make its bodypart the current one."""
        frame, name = item.data(0, Qt.ItemDataRole.UserRole)
        self._session.attempt(lambda: self._session.show_frame(frame.video, frame.number))
        labeling = self._session.labeling
        parts = [one.bodypart for one in labeling.keypoints if one.name == name] if labeling is not None else []
        if labeling is not None and parts and labeling.frame == frame:
            labeling.choose(parts[0])

    def _step(self, by: int) -> None:
        item, count = self.labels.currentItem(), self.labels.topLevelItemCount()
        place = self.labels.indexOfTopLevelItem(item) + by if item is not None else 0
        chosen = self.labels.topLevelItem(min(max(place, 0), count - 1))
        if chosen is not None:
            self.labels.setCurrentItem(chosen)
            self._show(chosen)

    def _on_project_changed(self) -> None:
        """Forget the labels of another project."""
        project = self._session.project
        if project is None or project.root != self._root:
            self.labels.clear()
            self.setVisible(False)


def _why(suspect: Mapping[str, Any]) -> str:
    """Say why a label is doubtful."""
    other = suspect["exchanged_with"]
    if other:
        return f"may be exchanged with {other}"
    return f"{suspect['surprise']:.1f} standard deviations from where the others lead one to expect it"


# --- files ------------------------------------------------------------------------------------------------------------


class _Files(QWidget):
    """Labels to files of other programs, and back; images for DeepLabCut, which reads the labels as they are."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.labels_out = StepRunner(session, "export_labels", {"format": "format"}, "Write the labels as a file")
        self.labels_in = StepRunner(
            session,
            "import_labels",
            {"format": "format", "animal": "animal", "overwrite": "replace labels that are here"},
            "Take labels from a file…",
            given=self._ask_file,
        )
        self.export = StepRunner(session, "export_deeplabcut", {}, "Write images for DeepLabCut")
        self.labels_in.form.fields["animal"].native.setPlaceholderText(OF_SEVERAL)
        written: Any = self.labels_out.form.fields["format"]
        written.choices = [(one.title, name) for name, one in FORMATS.items() if "w" in one.labels]
        read: Any = self.labels_in.form.fields["format"]
        read.choices = [("automatic", ""), *((one.title, name) for name, one in FORMATS.items() if "r" in one.labels)]
        content = QWidget()
        layout = QVBoxLayout(content)
        for heading, runner in (("To another program", self.labels_out), ("From another program", self.labels_in)):
            layout.addWidget(QLabel(f"<b>{heading}</b>"))
            layout.addWidget(runner)
            if runner is self.labels_out:
                layout.addWidget(self.export)
        layout.addStretch(1)
        scroll_content(self, content)

    def _ask_file(self) -> dict[str, object] | None:
        path, _ = QFileDialog.getOpenFileName(self, "File with labels", str(Path.home()))
        return {"file": path} if path else None


# --- project ----------------------------------------------------------------------------------------------------------
# Dock 1: open or create a project; its frames, videos, bodyparts and skeleton.


class ProjectDock(QWidget):
    """The project that is open in a viewer, or the ways to one."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.session: Session = session_of(napari_viewer)
        self._labeling: Labeling | None = None  # whose tab was chosen
        self.setAcceptDrops(True)
        self.path = QLineEdit()
        self.path.setPlaceholderText("project folder")
        self.path.returnPressed.connect(self.open)
        self.heading = QLabel()
        self.heading.setWordWrap(True)
        self.banner = QWidget()
        self.warning = QLabel()
        self.warning.setWordWrap(True)
        self.take_over_button = QPushButton("Edit anyway")
        self.take_over_button.setToolTip("only if you know that the other program is no longer running")
        self.take_over_button.clicked.connect(self.take_over)
        self.frames = FrameTree(self.session)
        self.videos = ProjectVideos(self.session)
        self.bodyparts, self.skeleton = BodypartsEditor(self.session), SkeletonEditor(self.session)
        self.new = NewProjectForm(self.session)
        self.repair_line = JobLine(self.session, ("doctor",), start=self._check_again)
        self.repair_line.ended.connect(self._on_repaired)
        self._damaged: Path | None = None  # config.yaml of the project that is being repaired
        self.checks, self.files = _Checks(self.session), _Files(self.session)
        self.start, self.imports = _Start(self.session), ImportForm(self.session)
        self.tabs = QTabWidget()
        self.start.new_requested.connect(lambda: self._bring(self.new))
        self.start.import_requested.connect(lambda: self._bring(self.imports))
        self._create_layout()
        self.session.project_changed.connect(self._on_project_changed)
        self.session.labels_changed.connect(self._show_banner)
        self.tabs.currentChanged.connect(lambda _: self.session.front_changed.emit())
        name_controls(self, "project")
        self._on_project_changed()

    def apply_remedy(self, remedy: Remedy) -> None:
        """Show the tab of a remedy; what it names is done at once: bodyparts, the animal of a file, a repair.

        Raises:
            PosecutError: the repair is refused, or the bodyparts cannot be written.
        """
        page = {
            "create_new_project": self.new,
            "add_new_videos": self.videos,
            "edit_bodyparts": self.names,
            "check_labels": self.checks,
            "export_deeplabcut": self.files,
            "export_labels": self.files,
            "import_labels": self.files,
            "import_project": self.imports,
        }
        if remedy.step in page:
            self._bring(page[remedy.step])
        if remedy.step == "import_labels" and "animal" in remedy.arguments:
            self.session.start("import_labels", _without_config(remedy))
        elif remedy.step == "import_project" and "animal" in remedy.arguments:
            self.imports.take(remedy.arguments)
        if remedy.step == "doctor":
            self._repair(config_path(str(remedy.arguments["config"])))
        elif remedy.step == "edit_bodyparts" and remedy.arguments.keys() & {"rename", "add"}:
            arguments: dict[str, Any] = dict(remedy.arguments)
            with self.session.labels_released():
                in_background(lambda: edit_bodyparts(**arguments))
            if self.session.project is None:
                self.session.open(arguments["config"])

    @property
    def lists_frames(self) -> bool:
        """Tell whether the tab in front lists frames to label, or labels to correct."""
        page = self.tabs.currentWidget()
        return page is self.frames or (page is self.checks and not self.checks.doubtful.isHidden())

    def _repair(self, config: Path) -> None:
        """Let a child check a project that cannot be opened, and mend what can be mended."""
        self.session.close()
        self._damaged = config
        self.session.jobs.watch(config)
        self.session.jobs.start("doctor", {"mend": True})

    def _check_again(self, verb: str, arguments: Mapping[str, object]) -> Job:
        """Check the project again that cannot be opened, else the one that is open."""
        return (self.session if self._damaged is None else self.session.jobs).start(verb, arguments)

    def _on_repaired(self, job: Job) -> None:
        config = self._damaged
        if job.state != "done" or config is None:
            return
        self._damaged = None
        findings = job.result.get("findings", ())
        left = [finding for finding in findings if not (finding["mended"] or finding["harmless"])]
        self.session.attempt(lambda: self.session.open(config))
        if self.session.project is not None:
            mended = sum(finding["mended"] for finding in findings)
            repaired = f"{mended} problem{'s' * (mended != 1)} repaired"
            more = f"; {len(left)} left: {left[0]['problem']}" if left else "; no other was found."
            self.session.notify(repaired + more)

    def open(self) -> None:
        """Open the project that the line names."""
        path = self.path.text().strip().strip('"')
        if path:
            self.session.attempt(lambda: self.session.open(path))

    def take_over(self) -> None:
        """Edit labels although another computer says that it does."""
        project = self.session.project
        if project is not None:
            self.session.attempt(lambda: self.session.open(project.config_path, take_over=True))

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Accept a project's folder or its config.yaml."""
        if event is not None and _dropped(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Open what was dropped."""
        path = _dropped(event) if event is not None else None
        if event is not None and path is not None:
            event.acceptProposedAction()
            self.path.setText(str(path))
            self.open()

    def _create_layout(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3, 3, 3, 3)  # the tabs need the width
        row = QHBoxLayout()
        row.addWidget(self.path)
        self.browse_button = QPushButton("Open…")
        self.browse_button.setToolTip("choose a project folder")
        self.browse_button.clicked.connect(self._browse)
        row.addWidget(self.browse_button)
        layout.addLayout(row)
        layout.addWidget(self.heading)
        banner = QVBoxLayout(self.banner)
        banner.setContentsMargins(6, 6, 6, 6)
        banner.addWidget(self.warning)
        banner.addWidget(self.take_over_button)
        self.banner.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.banner.setStyleSheet(".QWidget { border-left: 4px solid #e8a33d; }")  # which is seen in each theme
        layout.addWidget(self.banner)
        layout.addWidget(self.repair_line)
        self.names, content = QWidget(), QWidget()
        both = QVBoxLayout(content)
        both.addWidget(self.bodyparts, stretch=3)
        both.addWidget(self.skeleton, stretch=2)
        scroll_content(self.names, content)
        for page, title in (
            (self.start, "Start"),
            (self.frames, "Frames"),
            (self.videos, "Videos"),
            (self.names, "Bodyparts"),
            (self.checks, "Checks"),
            (self.files, "Files"),
            (self.new, "New"),
            (self.imports, "Import"),
        ):
            self.tabs.addTab(page, title)
        self.tabs.setUsesScrollButtons(False)
        self.tabs.setElideMode(Qt.TextElideMode.ElideRight)  # rather than widening the dock
        layout.addWidget(self.tabs, stretch=1)

    def _bring(self, page: QWidget) -> None:
        """Bring a tab to the front, also one that is hidden."""
        self.tabs.setTabVisible(self.tabs.indexOf(page), True)
        self.tabs.setCurrentWidget(page)

    def _browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of the project", str(Path.home()))
        if folder:
            self.path.setText(folder)
            self.open()

    def _on_project_changed(self) -> None:
        """Show the project that is open now."""
        project, labeling = self.session.project, self.session.labeling
        for place in range(self.tabs.count()):
            page = self.tabs.widget(place)  # a tab for a new project beside all others would not fit
            of_none = page in (self.new, self.imports)
            self.tabs.setTabVisible(place, page is self.start or of_none == (project is None))
        if project is None:
            self.heading.setText("Open a project, drop its folder here, or begin a new one:")
            self.tabs.setCurrentWidget(self.start)
        else:
            self._damaged = None
            self.heading.setText(f"<b>{project.config.task}</b> by {project.config.scorer}")
            self.heading.setToolTip(str(project.root))
            self.path.setText(str(project.root))
        if labeling is not self._labeling:
            self._labeling = labeling
            if labeling is not None:
                self.tabs.setCurrentWidget(self.frames if labeling.index.frames else self.videos)
        self._show_banner()

    def _show_banner(self) -> None:
        """Say why labels cannot be edited, where they cannot."""
        labeling = self.session.labeling
        locked = labeling is not None and labeling.frame is not None and not labeling.writable
        self.banner.setVisible(locked)
        if labeling is not None and locked:
            notices = labeling.notices
            self.warning.setText(" ".join(notices) or "A running job is changing the labels.")
            self.take_over_button.setVisible(bool(notices))


def _without_config(remedy: Remedy) -> dict[str, object]:
    return {name: value for name, value in remedy.arguments.items() if name != "config"}


def _dropped(event: QDropEvent) -> Path | None:
    """Return the project that is dragged over the dock, if it is one."""
    data = event.mimeData()
    paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()] if data is not None else []
    found = [path for path in paths if path.suffix.lower() in (".yaml", ".yml") or (path / "config.yaml").is_file()]
    return found[0] if found else None
