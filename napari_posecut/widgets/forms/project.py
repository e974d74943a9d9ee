"""The forms of dock 1 for a new project, and for the videos of the open one with their crops."""

import getpass
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from napari.layers import Shapes
from qtpy.QtCore import QObject, QSize, Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidgetItem,
    QMessageBox,
    QPlainTextEdit,
    QPushButton,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_posecut.jobs.jobs import Job
from napari_posecut.jobs.monitor import in_background
from napari_posecut.labeling.extracted_frames import listed_videos, remove_video, write_crop
from napari_posecut.layers.convert import crop_corners, to_crop
from napari_posecut.layers.video import frames_of
from napari_posecut.remedies import plain
from napari_posecut.session import Session, kind_of_end
from napari_posecut.widgets.forms.step import StepForm, told
from napari_posecut.widgets.parts import LowList, LowTable, mark_missing, picture_icon, scroll_content
from napari_posecut.widgets.parts.job_line import JobLine, WrappedLabel
from napari_posecut.widgets.parts.playback import VideoView
from posecut_core.errors import ArgumentError, PosecutError, Remedy, VideoError
from posecut_core.project.given import VIDEO_SUFFIXES, new_names, videos_in
from posecut_core.project.opening import resolve_video
from posecut_core.results import counted
from posecut_core.types import Crop, View
from posecut_core.video.reader import VideoReader
from posecut_core.workflow.create_project import CreatedProject, create_new_project

_REMOVE = (
    "Remove {} from the project? Its file, its extracted frames and their labels stay on the disk, but are used no "
    "more, until you add the video again."
)
_VIDEO_FILES = f"Videos ({' '.join(f'*{suffix}' for suffix in sorted(VIDEO_SUFFIXES))});;All files (*)"

OF_SEVERAL = "its name, if there are several"  # said in the empty field for the animal of a file
_VIEWS: Mapping[str, View] = {"the labels will tell": "auto", "from above or below": "above", "from the side": "side"}

# --- looks ------------------------------------------------------------------------------------------------------------
# What is said of a video before it joins a project: its size, its length, and its first frame.


_SIDE = 56  # pixels of a first frame
_LIST = 96  # pixels of the list of bodyparts


@dataclass(frozen=True)
class _VideoLook:
    """What a video, or a folder of them, looks like."""

    words: str
    picture: UInt8[np.ndarray, "H W 3"] | None = None  # the first frame


def _look_at(path: Path) -> _VideoLook:
    """Look at a video or a folder; it takes as long as reading the file's index."""
    if path.is_dir():
        return _VideoLook(f"folder with {counted(len(videos_in(path)), 'video')}")
    try:
        with VideoReader(path, sure=False) as reader:
            index = reader.index
            minutes, seconds = divmod(round(index.frame_count / index.fps), 60)
            size = f"{index.width} x {index.height} pixels"
            words = f"{size}, {minutes}:{seconds:02}, {counted(index.frame_count, 'frame')}"
            return _VideoLook(words, reader.read(0))
    except (PosecutError, OSError) as error:
        return _VideoLook(f"cannot be used: {plain(str(error))}")


class _VideoLooks(QObject):
    """Looks at videos, one after the other, on a thread."""

    looked = Signal(str, object)  # path, _VideoLook

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="posecut-looks")

    def look(self, path: str) -> None:
        """Say later what a video looks like."""
        self._thread.submit(self._look, path)

    def _look(self, path: str) -> None:
        look = _look_at(Path(path))
        with suppress(RuntimeError):  # the window is gone
            self.looked.emit(path, look)


def _user() -> str:
    """Return the name under which somebody works at this computer; nothing where the system knows none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


# --- new project ------------------------------------------------------------------------------------------------------


class NewProjectForm(QWidget):
    """Names, videos and bodyparts of a project to be created; it is opened then."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.task, self.experimenter = QLineEdit(), QLineEdit(_user())
        self.task.setPlaceholderText("for example: reaching")
        self.experimenter.setPlaceholderText("it becomes part of the project's name")
        self.folder = QLineEdit(str(Path.home()))
        self.folder.setToolTip("the project is created as a new folder inside this one")
        self.bodyparts = QPlainTextEdit()
        self.bodyparts.setPlaceholderText("snout\nleft ear\ntail base")
        self.bodyparts.setToolTip(
            "one on each line, in the order of labeling; a list can be pasted, and more can be added later"
        )
        self.bodyparts.setTabChangesFocus(True)
        self.bodyparts.setStyleSheet(
            "QPlainTextEdit { border: 1px solid gray; border-radius: 2px; }"
        )  # napari has none
        self.bodyparts.setMaximumHeight(_LIST)
        self.view = QComboBox()
        for text, value in _VIEWS.items():
            self.view.addItem(text, value)
        self.view.setToolTip("training turns pictures by any angle where the camera looks from above or below")
        self.videos = LowList()
        self.videos.setIconSize(QSize(_SIDE, _SIDE))
        self._looks = _VideoLooks(self)
        self._looks.looked.connect(self._describe)
        self.add_button, self.remove_button = QPushButton("Add videos…"), QPushButton("Remove")
        self.ask: Callable[[str], bool] = self._ask_person  # whether to go on without videos that cannot be used
        self.copy = QCheckBox("copy the videos into the project")
        self.copy.setToolTip("otherwise the project links to the videos where they are")
        self.create_button = QPushButton("Create the project")
        self.create_button.clicked.connect(self.create_project)
        self._create_layout()

    def create_project(self) -> CreatedProject | None:
        """Create the project and open it; what is wrong with the form is shown."""
        names = self._session.attempt(self._names)
        if names is None:
            return None
        items = (self.videos.item(row) for row in range(self.videos.count()))
        videos = [item.data(Qt.ItemDataRole.UserRole) for item in items if item is not None]
        task, experimenter, folder = self.task.text().strip(), self.experimenter.text().strip(), self.folder.text()
        copy, view = self.copy.isChecked(), self.view.currentData()

        def create(*, skip_broken: bool = False) -> CreatedProject:
            return in_background(
                lambda: create_new_project(
                    task, experimenter, videos, folder, copy, bodyparts=names, view=view, skip_broken=skip_broken
                )
            )

        self.create_button.setText("Checking the videos…")
        created = self._session.attempt(lambda: self._created(create))
        self.create_button.setText("Create the project")
        if created is not None:
            if created.ignored:
                self._session.notify(f"{created.config_path.parent.name} already existed and was opened unchanged.")
            self._session.attempt(lambda: self._session.open(created.config_path))
            if not created.ignored:
                self._session.remedy_requested.emit(Remedy("extract_frames"))  # which comes next
        return created

    def _names(self) -> tuple[str, ...]:
        """Return the bodyparts that are listed.

        Raises:
            ArgumentError: there is one name with a space, which may be meant as several.
        """
        lines = self.bodyparts.toPlainText().replace("\t", "\n").splitlines()
        return new_names(",".join(filter(None, (line.strip().strip(",") for line in lines))), what="bodyparts")

    def _created(self, create: Callable[..., CreatedProject]) -> CreatedProject:
        """Create the project, without videos that cannot be used if the user wants that."""
        try:
            return create()
        except VideoError as error:
            reasons = "\n\n".join(map(str, error.failed.values()))
            asked = (
                f"{len(error.failed)} of the videos cannot be used:\n\n{reasons}\n\nCreate the project without them?"
            )
            if not error.rest:
                raise
            if not self.ask(asked):
                error.suggest()  # the question was what helps
                raise
        return create(skip_broken=True)

    def add_videos(self, paths: list[str]) -> None:
        """List more videos, or folders of them."""
        for path in paths:
            item = QListWidgetItem(Path(path).name)
            item.setToolTip(path)
            item.setData(Qt.ItemDataRole.UserRole, path)
            self.videos.addItem(item)
            self._looks.look(path)

    def _describe(self, path: str, look: "_VideoLook") -> None:
        """Show what a video that was listed looks like."""
        for row in range(self.videos.count()):
            item = self.videos.item(row)
            if item is not None and item.data(Qt.ItemDataRole.UserRole) == path:
                item.setText(f"{Path(path).name}\n{look.words}")
                if look.picture is not None:
                    item.setIcon(picture_icon(look.picture, _SIDE))

    def _create_layout(self) -> None:
        content = QWidget()
        layout = QVBoxLayout(content)
        form = QFormLayout()
        form.addRow("project name", self.task)
        form.addRow("your name", self.experimenter)
        form.addRow("bodyparts", self.bodyparts)
        form.addRow("camera looks", self.view)
        row = QHBoxLayout()
        row.addWidget(self.folder)
        self.browse_button = QPushButton("…")
        self.browse_button.setMaximumWidth(32)
        self.browse_button.clicked.connect(self._browse_folder)
        row.addWidget(self.browse_button)
        form.addRow("create in", row)
        layout.addLayout(form)
        layout.addWidget(QLabel("Videos to label:"))
        layout.addWidget(self.videos, stretch=1)
        buttons = QHBoxLayout()
        for button, action in ((self.add_button, self._browse_videos), (self.remove_button, self._remove_video)):
            button.clicked.connect(lambda _=False, action=action: action())
            buttons.addWidget(button)
        layout.addLayout(buttons)
        layout.addWidget(self.copy)
        layout.addWidget(self.create_button)
        scroll_content(self, content)

    def _browse_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder for the project", self.folder.text())
        if chosen:
            self.folder.setText(chosen)

    def _browse_videos(self) -> None:
        self.add_videos(QFileDialog.getOpenFileNames(self, "Videos to label", self.folder.text(), _VIDEO_FILES)[0])

    def _ask_person(self, question: str) -> bool:
        return QMessageBox.question(self, "PoseCut", question) == QMessageBox.StandardButton.Yes

    def _remove_video(self) -> None:
        self.videos.takeItem(self.videos.currentRow())


# --- import -----------------------------------------------------------------------------------------------------------


class ImportForm(QWidget):
    """The project of another program, of which a child makes one of PoseCut; it is opened then."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._of: Path | None = None  # the project that was open when the work began
        self.form = StepForm("import_project", {"experimenter": "your name", "animal": "animal"})
        self.form.fields["animal"].native.setPlaceholderText(OF_SEVERAL)
        self.form.show_values({"experimenter": _user()})
        self.folder = QLineEdit(str(Path.home()))
        self.folder.setToolTip("the project is created as a new folder inside this one; one of DeepLabCut stays there")
        self.browse_button = QPushButton("…")
        self.browse_button.setMaximumWidth(32)
        self.browse_button.clicked.connect(self._browse_target)
        self.copy = QCheckBox("copy the videos into the project")
        self.from_folder_button = QPushButton("DeepLabCut or Lightning Pose: choose the folder…")
        self.from_file_button = QPushButton("SLEAP: choose the .slp file…")
        self.from_folder_button.clicked.connect(self._browse_folder)
        self.from_file_button.clicked.connect(self._browse_file)
        self.line = JobLine(session, ("import_project",), start=session.jobs.start_alone)
        self.result = WrappedLabel()
        self.line.ended.connect(self._on_job_ended)
        content = QWidget()
        layout, row = QVBoxLayout(content), QHBoxLayout()
        row.addWidget(QLabel("create in"))
        row.addWidget(self.folder)
        row.addWidget(self.browse_button)
        layout.addWidget(WrappedLabel("Videos, bodyparts, skeleton and labels of the other program come along."))
        layout.addWidget(self.form.native)
        layout.addLayout(row)
        for widget in (self.copy, self.from_folder_button, self.from_file_button, self.line, self.result):
            layout.addWidget(widget)
        layout.addStretch(1)
        scroll_content(self, content)

    def start(self, source: str) -> None:
        """Begin to import a project, by its folder or file; what is wrong with the form is shown."""
        where = {"working_directory": self.folder.text(), "copy_videos": self.copy.isChecked()}
        self._session.attempt(lambda: self.take({"source": source, **where, **self.form.arguments()}))

    def take(self, arguments: Mapping[str, object]) -> None:
        """Begin to import a project.

        Raises:
            StorageError: no child can be started.
        """
        self._of = self._opened()
        self.result.setText("")
        self._session.jobs.start_alone("import_project", arguments)

    def _on_job_ended(self, job: Job) -> None:
        """Say what came along, and open the project, unless another one was opened meanwhile."""
        if job.state != "done":
            return
        self.result.setText(told(job))
        if self._opened() == self._of:
            self._session.attempt(lambda: self._session.open(str(job.result["config_path"])))
        self._session.notify(" ".join((job.message, *job.lines)), job.remedies, kind=kind_of_end(job))

    def _opened(self) -> Path | None:
        project = self._session.project
        return None if project is None else project.config_path

    def _browse_target(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder for the project", self.folder.text())
        if chosen:
            self.folder.setText(chosen)

    def _browse_folder(self) -> None:
        source = QFileDialog.getExistingDirectory(self, "Project of DeepLabCut or Lightning Pose", str(Path.home()))
        if source:
            self.start(source)

    def _browse_file(self) -> None:
        source, _ = QFileDialog.getOpenFileName(self, "Project of SLEAP", str(Path.home()), "SLEAP (*.slp)")
        if source:
            self.start(source)


# --- videos -----------------------------------------------------------------------------------------------------------
# The videos of a project: add more, remove some, and draw the crop that extraction keeps of each.


class ProjectVideos(QWidget):
    """The list of videos, a job that adds more, and a rectangle to drag over one of them."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.view = VideoView(session)
        self.view.closed.connect(self._show_buttons)
        self.rectangle: Shapes | None = None
        self._cropped = ""  # the video that is shown
        self.ask: Callable[[str], bool] = self._ask_person  # whether to remove a video
        self.videos = LowTable(("video", "crop (x, y in pixels)"))
        self.copy = QCheckBox("copy them into the project")
        self.copy.setToolTip("otherwise the project links to the videos where they are")
        self.line = JobLine(session, ("add_videos",), told=("add_videos",))
        self.remove_button = _button("Remove from the project", self.remove)
        self.remove_button.setToolTip("the selected video; its file, frames and labels stay on the disk")
        self.draw_button = _button("Draw a crop on the video", self.draw)
        self.hint = QLabel("Drag the corners of the rectangle in the image, or the rectangle itself.")
        self.hint.setWordWrap(True)
        self.save_button = _button("Save the crop", self.save)
        self.whole_button = _button("Whole frame", self.take_whole)
        self.cancel_button = _button("Cancel", self.view.close)
        self._create_layout()
        self.videos.itemSelectionChanged.connect(self._update_removable)
        session.project_changed.connect(self._list)
        self._list()

    def add(self, paths: Sequence[str]) -> None:
        """Begin to add videos, or folders of them, to the project."""
        if paths:
            arguments = {"videos": list(paths), "copy_videos": self.copy.isChecked(), "skip_broken": True}
            self._session.attempt(lambda: self._session.start("add_videos", arguments))

    def remove(self) -> None:
        """Take the chosen video out of the project, if the user agrees."""
        item = self.videos.currentItem()
        if item is not None and self.ask(_REMOVE.format(item.text(0))):
            self._session.attempt(lambda: self._remove(item.text(0)))

    def draw(self) -> None:
        """Show the chosen video with its crop as a rectangle to drag."""
        item = self.videos.currentItem() or self.videos.topLevelItem(0)
        if item is not None:
            self._session.attempt(lambda: self._draw(item.text(0)))

    def save(self) -> None:
        """Write the rectangle into config.yaml, and go back to the labeling."""
        self._session.attempt(self._save)

    def take_whole(self) -> None:
        """Let the rectangle be the whole frame."""
        if self.rectangle is not None:
            width, height = self._size()
            self._set_rectangle(Crop.of_frame(width, height))

    def _remove(self, video: str) -> None:
        project = self._session.require_project()
        with self._session.labels_released():
            remove_video(project, video)
        self._session.notify(
            f"{video} was removed from the project; its file, frames and labels were kept.", kind="done"
        )

    def _draw(self, video: str) -> None:
        project = self._session.require_project()
        layer = self.view.show(resolve_video(project, video))
        self._cropped = video
        _, height, width, _ = frames_of(layer).shape
        crop = project.config.crop_of(video) or Crop.of_frame(width, height)
        self.rectangle = Shapes(
            [crop_corners(crop)],
            shape_type="rectangle",
            name=f"crop of {video}",
            edge_color="yellow",
            face_color="#ffff0018",
            edge_width=max(1.0, width / 300),
        )
        self.view.add(self.rectangle)
        if self.rectangle is None:  # the video was left meanwhile
            return
        self._session.viewer.dims.set_current_step(0, 0)
        self._set_rectangle(crop)
        self._show_buttons()

    def _save(self) -> None:
        project, rectangle = self._session.require_project(), self.rectangle
        if rectangle is None or len(rectangle.data) != 1:
            raise ArgumentError("Expected exactly one rectangle in the image; draw the crop again.")
        width, height = self._size()
        write_crop(project, self._cropped, to_crop(rectangle.data[0], width=width, height=height))
        self.view.close()
        self._session.refresh()

    def _set_rectangle(self, crop: Crop) -> None:
        assert self.rectangle is not None
        self.rectangle.selected_data = set()
        self.rectangle.data = [crop_corners(crop)]
        self.rectangle.mode = "select"
        self.rectangle.selected_data = {0}  # shows the corners to drag

    def _size(self) -> tuple[int, int]:
        assert self.view.layer is not None
        _, height, width, _ = frames_of(self.view.layer).shape
        return width, height

    def _create_layout(self) -> None:
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.addWidget(self.videos)
        row = QHBoxLayout()
        self.add_button = _button("Add videos…", self._browse_files)
        self.add_folder_button = _button("Add a folder…", self._browse_folder)
        row.addWidget(self.add_button)
        row.addWidget(self.add_folder_button)
        layout.addLayout(row)
        layout.addWidget(self.copy)
        layout.addWidget(self.line)
        layout.addWidget(self.remove_button)
        layout.addWidget(self.draw_button)
        layout.addWidget(self.hint)
        row = QHBoxLayout()
        for button in (self.save_button, self.whole_button, self.cancel_button):
            row.addWidget(button)
        layout.addLayout(row)
        scroll_content(self, content)

    def _show_buttons(self) -> None:
        drawing = self.view.layer is not None
        self.rectangle = self.rectangle if drawing else None
        self.draw_button.setVisible(not drawing)
        for widget in (self.hint, self.save_button, self.whole_button, self.cancel_button):
            widget.setVisible(drawing)

    def _list(self) -> None:
        project, labeling = self._session.project, self._session.labeling
        current = self.videos.currentItem()
        chosen = current.text(0) if current is not None else ""
        self.videos.clear()
        crops = labeling.index.crops if labeling is not None else {}
        for video, path in listed_videos(project).items() if project else ():
            item = QTreeWidgetItem(self.videos, [video, _crop_text(crops.get(video))])
            if mark_missing(item, path):
                item.setText(1, "the file is missing")
            if video == chosen:
                self.videos.setCurrentItem(item)
        self.draw_button.setEnabled(self.videos.topLevelItemCount() > 0)
        self._update_removable()
        self._show_buttons()

    def _update_removable(self) -> None:
        self.remove_button.setEnabled(self.videos.currentItem() is not None)

    def _ask_person(self, question: str) -> bool:
        return QMessageBox.question(self, "PoseCut", question) == QMessageBox.StandardButton.Yes

    def _browse_files(self) -> None:
        self.add(QFileDialog.getOpenFileNames(self, "Videos to add", str(Path.home()), _VIDEO_FILES)[0])

    def _browse_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of videos to add", str(Path.home()))
        self.add([folder] if folder else [])


def _button(text: str, action: Callable[[], object]) -> QPushButton:
    button = QPushButton(text)
    button.clicked.connect(lambda: action())
    return button


def _crop_text(crop: Crop | None) -> str:
    return "whole frame" if crop is None else f"{crop.x1} to {crop.x2}, {crop.y1} to {crop.y2}"
