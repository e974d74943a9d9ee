"""Dock 2: choose the frames to label, by an algorithm or by looking through a video."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from napari import Viewer
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPushButton,
    QSpinBox,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_posecut.jobs.jobs import Job
from napari_posecut.jobs.monitor import in_background
from napari_posecut.labeling.extracted_frames import delete_frame, listed_videos, take_frame
from napari_posecut.layers.video import frames_of
from napari_posecut.session import Session, session_of
from napari_posecut.widgets.forms.step import StepForm
from napari_posecut.widgets.parts import LowTable, Postponed, mark_missing, name_controls, scroll_content
from napari_posecut.widgets.parts.checks import ChecksRow
from napari_posecut.widgets.parts.job_line import JobLine
from napari_posecut.widgets.parts.playback import VideoView
from posecut_core.errors import ArgumentError, Remedy, VideoError
from posecut_core.project.config import ProjectConfig, edit_config
from posecut_core.project.opening import check_videos, resolve_video
from posecut_core.project.state import read_state
from posecut_core.video.frame_store import numbers_in

# --- frame picker -----------------------------------------------------------------------------------------------------
# Looking through a video, and taking frames from it by hand.


_KEY = "T"


class _FramePicker(QWidget):
    """A button that shows a video in the place of the labeling, and one that takes the frame at its slider."""

    taken = Signal()

    def __init__(self, session: Session, video: Callable[[], str | None], cropped: Callable[[], bool]) -> None:
        """Make the buttons.

        Args:
            session: of the viewer.
            video: tells the stem of the video that is chosen.
            cropped: tells whether only the crop of a frame is kept.
        """
        super().__init__()
        self._session, self._chosen, self._cropped = session, video, cropped
        self._video = ""
        self._some_taken = False
        self.view = VideoView(session)
        self.view.closed.connect(self._on_view_closed)
        self.look_button = QPushButton("Browse the selected video")
        self.look_button.clicked.connect(lambda: session.attempt(self.show_video))
        self.hint = QLabel()
        self.hint.setWordWrap(True)
        self.take_button = QPushButton(f"Extract this frame ({_KEY})")
        self.take_button.clicked.connect(lambda: session.attempt(self.take))
        self.back_button = QPushButton("Back to labeling")
        self.back_button.clicked.connect(self.view.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.look_button)
        layout.addWidget(self.hint)
        row = QHBoxLayout()
        row.addWidget(self.take_button)
        row.addWidget(self.back_button)
        layout.addLayout(row)
        self._show_buttons()

    @property
    def video(self) -> str:
        """Return the stem of the video that is shown; empty if none is."""
        return self._video if self.view.layer is not None else ""

    @property
    def number(self) -> int:
        """Return the number of the frame at the slider."""
        return int(self._session.viewer.dims.current_step[0])

    def show_video(self) -> None:
        """Show the chosen video.

        Raises:
            ProjectError: no project is open.
            VideoError: no video is chosen, or it is missing, damaged or another than was added.
        """
        project, video = self._session.require_project(), self._chosen()
        if video is None:
            raise VideoError("No video is selected; select one in the list above.")
        path = resolve_video(project, video)
        in_background(lambda: check_videos(project, [path]))
        self.view.show(path)
        self._video, viewer = video, self._session.viewer
        viewer.dims.set_current_step(0, 0)
        viewer.bind_key(_KEY, lambda _: self._session.attempt(self.take), overwrite=True)
        viewer.dims.events.current_step.connect(self._show_number)
        self._show_buttons()

    def take(self) -> None:
        """Extract the frame at the slider.

        Raises:
            VideoError: the frame cannot be decoded, the crop is not within it, other work extracts frames at the
                moment, or no video is shown.
            StorageError: the disk refuses.
        """
        project, layer = self._session.require_project(), self.view.layer
        if layer is None or self._session.jobs.is_writing("frames"):
            raise VideoError(
                "Frames are being extracted at the moment; wait until that has finished, then extract this frame."
            )
        number, crop = self.number, project.config.crop_of(self._video) if self._cropped() else None
        new = take_frame(project, self._video, number, frames_of(layer).read(number), crop=crop)
        self._some_taken = self._some_taken or new
        self._show_number()
        self.hint.setText(f"{self.hint.text()}: {'extracted' if new else 'was extracted before'}")
        self.taken.emit()

    def _show_number(self, *_: object) -> None:
        if self.view.layer is not None:
            self.hint.setText(f"{self._video}, frame {self.number} of {len(frames_of(self.view.layer))}")

    def _on_view_closed(self) -> None:
        viewer = self._session.viewer
        viewer.bind_key(_KEY, None, overwrite=True)
        viewer.dims.events.current_step.disconnect(self._show_number)
        self._show_buttons()
        if self._some_taken:
            self._some_taken = False
            self._session.attempt(self._session.refresh)

    def _show_buttons(self) -> None:
        looking = self.view.layer is not None
        self.look_button.setVisible(not looking)
        for widget in (self.hint, self.take_button, self.back_button):
            widget.setVisible(looking)
        self._show_number()


# --- frames -----------------------------------------------------------------------------------------------------------
# Dock 2: choose the frames to label, by an algorithm or by looking through a video.


_ALGORITHMS = (("varied (k-means)", "kmeans"), ("random (uniform)", "uniform"))
_MOST = 10_000  # frames of one video


_DELETE, _DROP = "Delete the current frame", "Drop the current frame from training"


class FramesDock(QWidget):
    """The choice of frames to label."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.session: Session = session_of(napari_viewer)
        self.heading = QLabel()
        self.heading.setWordWrap(True)
        self.videos = LowTable(("video", "frames"))
        self.choice = ChecksRow(self.videos)
        self._items: dict[str, QTreeWidgetItem] = {}
        self._offered: Path | None = None  # config.yaml of the project whose own choices were offered
        self.algorithm = QComboBox()
        for words, name in _ALGORITHMS:
            self.algorithm.addItem(words, name)
        self.algorithm.setToolTip("k-means picks frames that look different; uniform picks frames at random times")
        self.count = QSpinBox()
        self.count.setRange(1, _MOST)
        self.count.setSuffix(" frames")
        self.start, self.stop = _percent(), _percent()
        self.crop = QCheckBox("extract only the cropped area")
        self.others = QCheckBox("choose different frames than last time")
        self.others.setToolTip("otherwise the same frames are chosen again, and none is added")
        self.options = StepForm(
            "extract_frames",
            {
                "step": "every n-th frame",
                "colour": "compare colors",
                "overwrite": "first remove unlabeled frames",
            },
        )
        self.algorithm.currentIndexChanged.connect(self._show_options)
        self.extract_button = QPushButton("Extract frames from the checked videos")
        self.extract_button.clicked.connect(lambda: self.session.attempt(self.extract))
        self.line = JobLine(self.session, ("extract_frames",), told=("extract_frames",))
        self.picker = _FramePicker(self.session, self._chosen_video, self.crop.isChecked)
        self.picker.taken.connect(self._count)
        self.delete_button = QPushButton(_DELETE)
        self.delete_button.clicked.connect(lambda: self.session.attempt(self.delete))
        self.confirm: Callable[[str], bool] = self._ask_user
        self._create_layout()
        self._show_options()
        self._listing = Postponed(self, self._on_project_changed)
        self.session.project_changed.connect(self._listing.request)
        self.session.jobs.started.connect(self._update_enabled)
        self.session.jobs.ended.connect(self._update_enabled)
        self.session.labels_changed.connect(self._name_deletion)
        name_controls(self, "frames")
        self._on_project_changed()

    def apply_remedy(self, remedy: Remedy) -> None:
        """Check the videos of a remedy; frames that it names are extracted at once.

        Raises:
            PosecutError: the same kind of work runs already.
            StorageError: the disk refuses.
        """
        videos, frames = remedy.arguments.get("videos"), remedy.arguments.get("frames")
        self.others.setChecked(self.others.isChecked() or "seed" in remedy.arguments)
        if isinstance(videos, list):
            for video, item in self._items.items():
                item.setCheckState(0, Qt.CheckState.Checked if video in videos else Qt.CheckState.Unchecked)
            if isinstance(frames, list) and frames:
                self.session.start("extract_frames", {"videos": videos, "algo": "manual", "frames": frames})

    def extract(self) -> Job:
        """Begin to extract frames of the checked videos, as the form says.

        Raises:
            ArgumentError: no video is checked, or the part of the videos is empty.
            PosecutError: the same kind of work runs already.
            StorageError: the disk refuses.
        """
        project, chosen = self.session.require_project(), self._checked()
        start, stop = self.start.value(), self.stop.value()
        if not chosen or start >= stop:
            raise ArgumentError("Check at least one video, and choose a start that is before the end.")
        if (start, stop) != _part(project.config):  # or finer fractions than these would be lost
            edit_config(project.config_path, {"start": start / 100, "stop": stop / 100})
        settings = read_state(project.settings_path)
        last = max((settings.extraction_seeds.get(video, settings.seed) for video in chosen), default=0)
        return self.session.start(
            "extract_frames",
            {
                "videos": chosen,
                "algo": self.algorithm.currentData(),
                "number_of_frames": self.count.value(),
                "crop": self.crop.isChecked(),
                "seed": last + 1 if self.others.isChecked() else last,
                **self.options.arguments(),
            },
        )

    def delete(self) -> None:
        """Delete the frame that is shown for labeling; one with labels is dropped from training instead.

        Raises:
            LabelError: no frame is shown, or its labels cannot be edited.
            VideoError: the frame store is damaged.
            StorageError: the disk refuses.
        """
        project, labeling = self.session.require_project(), self.session.labeling
        assert labeling is not None
        frame = labeling.frame
        if frame is None or self.session.canvas is None:
            raise ArgumentError("No frame is shown for labeling; go to the frame to delete first (3 Label).")
        where = f"{labeling.word(frame)} of {frame.video}"
        drops = self._is_labeled()
        question = f"Drop {where} from training? It has labels, and is kept with them." if drops else f"Delete {where}?"
        if not self.confirm(question):
            return
        if delete_frame(project, frame.video, frame.number):
            self.session.refresh()
            self.session.notify(f"Deleted {where}.")
        elif not labeling.index.frame(frame).dropped:
            labeling.drop()
            self.session.notify(f"Dropped {where} from training; its labels are kept.")

    def _name_deletion(self) -> None:
        """Say what becomes of the shown frame: one with labels stays, and trains no more."""
        text = _DROP if self._is_labeled() else _DELETE
        if text != self.delete_button.text():
            self.delete_button.setText(text)

    def _is_labeled(self) -> bool:
        """Tell whether labels know of the shown frame, so that it can only be dropped."""
        labeling = self.session.labeling
        frame = None if labeling is None else labeling.frame
        return labeling is not None and frame is not None and frame.number in labeling.index.state(frame.video).frames

    def _create_layout(self) -> None:
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.addWidget(self.heading)
        layout.addWidget(self.videos, stretch=1)
        layout.addWidget(self.choice)
        self.form = QWidget()
        form = QFormLayout(self.form)
        form.setContentsMargins(0, 0, 0, 0)
        self.algorithm.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        form.addRow("method", self.algorithm)
        form.addRow("per video", self.count)
        part = QHBoxLayout()
        for box in (self.start, self.stop):
            part.addWidget(box)
        form.addRow("from, to (%)", part)
        form.addRow(self.crop)
        form.addRow(self.others)
        form.addRow(self.options.native)
        form.addRow(self.extract_button)
        layout.addWidget(self.form)
        layout.addWidget(self.line)
        layout.addWidget(self.picker)
        layout.addWidget(self.delete_button)
        scroll_content(self, content)

    def _show_options(self) -> None:
        """Show what concerns the chosen method."""
        kmeans = ("step", "colour") if self.algorithm.currentData() == "kmeans" else ()
        self.options.show_only(*kmeans, "overwrite")

    def _on_project_changed(self) -> None:
        """Show the videos of the project that is open now, and its choices."""
        project, labeling = self.session.project, self.session.labeling
        same = project is not None and project.config_path == self._offered
        known = {video: item.checkState(0) for video, item in self._items.items()} if same else {}
        self.videos.clear()
        self._items = {}
        for video, path in listed_videos(project).items() if project else ():
            item = self._items[video] = QTreeWidgetItem(self.videos, [video])
            there = not mark_missing(item, path)
            item.setCheckState(0, known.get(video, Qt.CheckState.Checked if there else Qt.CheckState.Unchecked))
        config = None if project is None else project.config_path
        if project is not None and config != self._offered:
            self.count.setValue(project.config.numframes2pick)
            for box, percent in zip((self.start, self.stop), _part(project.config), strict=True):
                box.setValue(percent)
        self._offered = config
        if project is not None:
            self.crop.setVisible(labeling is not None and bool(labeling.index.crops))
        if self._items:
            self.videos.setCurrentItem(self.videos.topLevelItem(0))
        self.choice.show_rows()
        self._count()
        self._update_enabled()

    def _count(self) -> None:
        """Count the extracted frames of each video."""
        project, labeling = self.session.project, self.session.labeling
        known = Counter(key.video for key in labeling.index.frames) if labeling is not None else Counter()
        looked_through = self.picker.video  # the session reads what was taken from it once it is left
        if project is not None and looked_through:
            taken = self.session.attempt(partial(numbers_in, project.frame_store(looked_through)))
            known[looked_through] = len(taken or ())
        counts = [known[video] for video in self._items]
        for item, count in zip(self._items.values(), counts, strict=True):
            item.setText(1, str(count))
        if project is None:
            self.heading.setText("Open or create a project first (1 Project).")
        elif not counts:
            self.heading.setText("The project has no videos; add some first (1 Project).")
        else:
            self.heading.setText(
                f"<b>{sum(counts)} frames</b> of {len(counts)} video{'s' * (len(counts) != 1)} to label."
            )

    def _update_enabled(self, *_: object) -> None:
        """Offer what can be done now."""
        there, labeling = bool(self._items), self.session.labeling
        for widget in (self.form, self.picker):
            widget.setEnabled(there)
        self.delete_button.setEnabled(labeling is not None and bool(labeling.index.frames))
        self._name_deletion()
        self.extract_button.setEnabled(there and self.session.jobs.can_start("extract_frames"))

    def _ask_user(self, question: str) -> bool:
        return QMessageBox.question(self, "PoseCut", question) == QMessageBox.StandardButton.Yes

    def _checked(self) -> list[str]:
        return [video for video, item in self._items.items() if item.checkState(0) == Qt.CheckState.Checked]

    def _chosen_video(self) -> str | None:
        item = self.videos.currentItem()
        return item.text(0) if item is not None else None


def _percent() -> QSpinBox:
    box = QSpinBox()
    box.setRange(0, 100)
    box.setMinimumWidth(64)  # two of them beside their name
    return box


def _part(config: ProjectConfig) -> tuple[int, int]:
    """Return where the choice begins and ends, in per cent of a video."""
    return round(100 * config.start), round(100 * config.stop)
