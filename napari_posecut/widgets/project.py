"""Dock 1: open or create a project; its frames, videos, bodyparts and skeleton."""

from pathlib import Path

from napari import Viewer
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QTabWidget, QVBoxLayout, QWidget

from napari_posecut.desk import Desk, desk_of
from napari_posecut.labelling import Labelling
from napari_posecut.widgets.bodyparts_editor import BodypartsEditor
from napari_posecut.widgets.new_project import NewProjectForm
from napari_posecut.widgets.project_browser import ProjectBrowser
from napari_posecut.widgets.project_videos import ProjectVideos
from napari_posecut.widgets.skeleton_editor import SkeletonEditor


class ProjectDock(QWidget):
    """The project that is open in a viewer, or the ways to one."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.desk: Desk = desk_of(napari_viewer)
        self._labelling: Labelling | None = None  # whose tab was chosen
        self.setAcceptDrops(True)
        self.path = QLineEdit()
        self.path.setPlaceholderText("folder of a project")
        self.path.returnPressed.connect(self.open)
        self.heading = QLabel()
        self.heading.setWordWrap(True)
        self.banner = QWidget()
        self.warning = QLabel()
        self.warning.setWordWrap(True)
        self.take_over_button = QPushButton("Edit all the same")
        self.take_over_button.setToolTip("only if you know that the other program is not running any more")
        self.take_over_button.clicked.connect(self.take_over)
        self.frames = ProjectBrowser(self.desk)
        self.videos = ProjectVideos(self.desk)
        self.bodyparts, self.skeleton = BodypartsEditor(self.desk), SkeletonEditor(self.desk)
        self.new = NewProjectForm(self.desk)
        self.tabs = QTabWidget()
        self._lay_out()
        self.desk.project_changed.connect(self._follow)
        self.desk.labels_changed.connect(self._show_banner)
        self._follow()

    def open(self) -> None:
        """Open the project that the line names."""
        path = self.path.text().strip().strip('"')
        if path:
            self.desk.attempt(lambda: self.desk.open(path))

    def take_over(self) -> None:
        """Edit labels although another computer says that it does."""
        project = self.desk.project
        if project is not None:
            self.desk.attempt(lambda: self.desk.open(project.config_path, take_over=True))

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

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        row = QHBoxLayout()
        row.addWidget(self.path)
        button = QPushButton("Open…")
        button.setToolTip("choose the folder of a project")
        button.clicked.connect(self._browse)
        row.addWidget(button)
        layout.addLayout(row)
        layout.addWidget(self.heading)
        banner = QVBoxLayout(self.banner)
        banner.setContentsMargins(6, 6, 6, 6)
        banner.addWidget(self.warning)
        banner.addWidget(self.take_over_button)
        self.banner.setStyleSheet("QLabel { color: #f0c060; }")
        layout.addWidget(self.banner)
        names = QWidget()
        both = QVBoxLayout(names)
        both.addWidget(self.bodyparts, stretch=3)
        both.addWidget(self.skeleton, stretch=2)
        for page, title in ((self.frames, "Frames"), (self.videos, "Videos"), (names, "Bodyparts"), (self.new, "New")):
            self.tabs.addTab(page, title)
        self.tabs.setUsesScrollButtons(False)
        layout.addWidget(self.tabs, stretch=1)

    def _browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of the project", str(Path.home()))
        if folder:
            self.path.setText(folder)
            self.open()

    def _follow(self) -> None:
        """Show the project that is open now."""
        project, labelling = self.desk.project, self.desk.labelling
        for place in range(self.tabs.count()):
            self.tabs.setTabVisible(place, project is not None or self.tabs.widget(place) is self.new)
        if project is None:
            self.heading.setText("Open a project, drop its folder here, or create a new one:")
            self.tabs.setCurrentWidget(self.new)
        else:
            self.heading.setText(f"<b>{project.config.task}</b> by {project.config.scorer}")
            self.heading.setToolTip(str(project.root))
            self.path.setText(str(project.root))
        if labelling is not self._labelling:
            self._labelling = labelling
            if labelling is not None:
                self.tabs.setCurrentWidget(self.frames if labelling.browser.frames else self.videos)
        self._show_banner()

    def _show_banner(self) -> None:
        """Say why labels cannot be edited, where they cannot."""
        labelling = self.desk.labelling
        locked = labelling is not None and labelling.frame is not None and not labelling.writable
        self.banner.setVisible(locked)
        if labelling is not None and locked:
            notices = labelling.notices
            self.warning.setText(" ".join(notices) or "The labels are being changed by work that is running.")
            self.take_over_button.setVisible(bool(notices))


def _dropped(event: QDropEvent) -> Path | None:
    """Return the project that is dragged over the dock, if it is one."""
    data = event.mimeData()
    paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()] if data is not None else []
    found = [path for path in paths if path.suffix.lower() in (".yaml", ".yml") or (path / "config.yaml").is_file()]
    return found[0] if found else None
