"""The form for a new project."""

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QMessageBox,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_posecut.jobs.monitor import in_background
from napari_posecut.session import Session
from posecut_core.errors import VideoError
from posecut_core.project.given import VIDEO_SUFFIXES, new_names
from posecut_core.workflow.create_project import CreatedProject, create_new_project

VIDEO_FILES = f"Videos ({' '.join(f'*{suffix}' for suffix in sorted(VIDEO_SUFFIXES))});;All files (*)"


class NewProjectForm(QWidget):
    """Names, videos and bodyparts of a project to be created; it is opened then."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.task, self.experimenter = QLineEdit(), QLineEdit()
        self.task.setPlaceholderText("for example: reaching")
        self.experimenter.setPlaceholderText("your name")
        self.folder = QLineEdit(str(Path.home()))
        self.folder.setToolTip("the project becomes a new folder in this one")
        self.bodyparts = QLineEdit()
        self.bodyparts.setPlaceholderText("snout, left ear, tail base")
        self.bodyparts.setToolTip("separated by commas, in the order of labelling; more can be added later")
        self.videos = QListWidget()
        self.add_button, self.remove_button = QPushButton("Add videos…"), QPushButton("Remove")
        self.ask: Callable[[str], bool] = self._ask_person  # whether to go on without videos that cannot be used
        self.copy = QCheckBox("copy the videos into the project")
        self.copy.setToolTip("otherwise the project links to them where they are")
        self.create_button = QPushButton("Create the project")
        self.create_button.clicked.connect(self.create_project)
        self._create_layout()

    def create_project(self) -> CreatedProject | None:
        """Create the project and open it; what is wrong with the form is told."""
        names = new_names(self.bodyparts.text(), what="bodyparts")
        items = (self.videos.item(row) for row in range(self.videos.count()))
        videos = [item.data(Qt.ItemDataRole.UserRole) for item in items if item is not None]
        task, experimenter, folder = self.task.text().strip(), self.experimenter.text().strip(), self.folder.text()
        copy = self.copy.isChecked()

        def create(*, skip_broken: bool = False) -> CreatedProject:
            return in_background(
                lambda: create_new_project(
                    task, experimenter, videos, folder, copy, bodyparts=names, skip_broken=skip_broken
                )
            )

        self.create_button.setText("Checking the videos…")
        created = self._session.attempt(lambda: self._created(create))
        self.create_button.setText("Create the project")
        if created is not None:
            if created.ignored:
                self._session.notify(f"{created.config_path.parent.name} was there already, and is opened as it was.")
            self._session.attempt(lambda: self._session.open(created.config_path))
        return created

    def _created(self, create: Callable[..., CreatedProject]) -> CreatedProject:
        """Create the project, without videos that cannot be used if the person wants that."""
        try:
            return create()
        except VideoError as error:
            reasons = "\n\n".join(map(str, error.failed.values()))
            asked = (
                f"{len(error.failed)} of the videos cannot be used:\n\n{reasons}\n\nCreate the project without them?"
            )
            if not error.rest or not self.ask(asked):
                raise
        return create(skip_broken=True)

    def add_videos(self, paths: list[str]) -> None:
        """List more videos, or folders of them."""
        for path in paths:
            item = QListWidgetItem(Path(path).name)
            item.setToolTip(path)
            item.setData(Qt.ItemDataRole.UserRole, path)
            self.videos.addItem(item)

    def _create_layout(self) -> None:
        layout = QVBoxLayout(self)
        form = QFormLayout()
        form.addRow("task", self.task)
        form.addRow("experimenter", self.experimenter)
        form.addRow("bodyparts", self.bodyparts)
        row = QHBoxLayout()
        row.addWidget(self.folder)
        browse = QPushButton("…")
        browse.setMaximumWidth(32)
        browse.clicked.connect(self._browse_folder)
        row.addWidget(browse)
        form.addRow("folder", row)
        layout.addLayout(form)
        layout.addWidget(QLabel("Videos to label:"))
        layout.addWidget(self.videos)
        buttons = QHBoxLayout()
        for button, action in ((self.add_button, self._browse_videos), (self.remove_button, self._remove_video)):
            button.clicked.connect(lambda _=False, action=action: action())
            buttons.addWidget(button)
        layout.addLayout(buttons)
        layout.addWidget(self.copy)
        layout.addWidget(self.create_button)

    def _browse_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder for the project", self.folder.text())
        if chosen:
            self.folder.setText(chosen)

    def _browse_videos(self) -> None:
        self.add_videos(QFileDialog.getOpenFileNames(self, "Videos to label", self.folder.text(), VIDEO_FILES)[0])

    def _ask_person(self, question: str) -> bool:
        return QMessageBox.question(self, "PoseCut", question) == QMessageBox.StandardButton.Yes

    def _remove_video(self) -> None:
        self.videos.takeItem(self.videos.currentRow())
