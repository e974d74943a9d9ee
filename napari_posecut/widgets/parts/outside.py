"""What another program changed in the labels: told in a banner, shown, then taken over or discarded."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QHBoxLayout, QMessageBox, QPushButton, QTreeWidgetItem, QVBoxLayout, QWidget

from napari_posecut.jobs.monitor import at_work, in_background
from napari_posecut.session import Session
from napari_posecut.widgets.parts import LowTable
from napari_posecut.widgets.parts.job_line import WrappedLabel, wrappable
from posecut_core.errors import PosecutError
from posecut_core.formats.deeplabcut.frames import frame_words
from posecut_core.labels.exchange import describe
from posecut_core.labels.session import LabelSession, Outside, outside_of
from posecut_core.project.given import named_few
from posecut_core.project.opening import frame_folders
from posecut_core.project.paths import IMAGE_SUFFIXES, Project
from posecut_core.results import counted
from posecut_core.storage.files import Stamps, stamps
from posecut_core.types import FrameRef
from posecut_core.workflow.merge_labels import merge_labels

_HEIGHT = 110  # pixels of the list of changes
_QUIET = 200  # milliseconds after a change, after which videos that are not shown are looked at
_NAMED = 4  # videos in the sentence
_looking = ThreadPoolExecutor(1, thread_name_prefix="posecut-outside")
_Seen = tuple[Stamps, Outside]  # the files of a video as they were, and what was found in them


def _look_at(project: Project, videos: Iterable[str], before: Mapping[str, _Seen]) -> dict[str, _Seen]:
    """Find what other programs changed in each of some videos; a thread does it.

    Args:
        project: whose videos they are.
        videos: their names.
        before: what was found earlier, which holds where no file has changed.
    """
    found: dict[str, _Seen] = {}
    for video in videos:
        beside = project.frame_folder(video).glob("*")  # images, of which there may be thousands, hold no labels
        files = stamps(*sorted(path for path in beside if not path.name.lower().endswith(IMAGE_SUFFIXES)))
        known = before.get(video)
        found[video] = known if known and known[0] == files else (files, outside_of(project, video))
    return found


class OutsideBanner(QWidget):
    """Says that another program changed labels of the project; hidden while none has."""

    _looked = Signal(object, object, int)  # config.yaml of the project, video -> _Seen, decisions before the look

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._shown: Mapping[str, Outside] = {}
        self._seen: Mapping[str, _Seen] = {}  # of the videos that were not open when they were looked at
        self._seen_of: Path | None = None  # config.yaml of their project
        self._decisions = 0  # that were made so far: what was seen before one is not so any more
        self._open: tuple[Path, str] | None = None  # the project and the video that are open
        self.confirm: Callable[[str], bool] = self._ask_user
        self.sentence = WrappedLabel()
        self.show_button = QPushButton("Show")
        self.show_button.setCheckable(True)
        self.show_button.setToolTip("list the changes; a click on one shows its frame")
        self.take_button, self.discard_button = QPushButton("Take over"), QPushButton("Discard")
        self.take_button.setToolTip("make labels of the changes; Ctrl + Z takes them back")
        self.discard_button.setToolTip("keep the labels as they are here; copies of the other program's files are kept")
        self.changes = LowTable(("change",))
        self.changes.setHeaderHidden(True)
        self.changes.setMaximumHeight(_HEIGHT)
        self.changes.setVisible(False)
        self.show_button.toggled.connect(self.changes.setVisible)
        self.take_button.clicked.connect(lambda: session.attempt(lambda: self.merge(take=True)))
        self.discard_button.clicked.connect(lambda: session.attempt(lambda: self.merge(take=False)))
        self.changes.itemClicked.connect(self._go_to)
        self.changes.itemActivated.connect(self._go_to)
        layout, row = QVBoxLayout(self), QHBoxLayout()
        layout.setContentsMargins(6, 2, 0, 2)
        row.addWidget(self.sentence, stretch=1)
        for button in (self.show_button, self.take_button, self.discard_button):
            row.addWidget(button)
        layout.addLayout(row)
        layout.addWidget(self.changes)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setStyleSheet("OutsideBanner { border-left: 4px solid #e8a33d; }")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_QUIET)
        self._timer.timeout.connect(self._look_at_others)
        self._looked.connect(self._on_looked)
        session.project_changed.connect(self._on_project_changed)
        session.labels_changed.connect(self.look)
        application = QGuiApplication.instance()
        assert isinstance(application, QGuiApplication)
        application.applicationStateChanged.connect(self._on_application_changed)
        self.look()

    def look(self) -> None:
        """Show what is known of the video whose frame is shown, and of the others."""
        project, labels = self._session.project, self._labels
        opened = None if project is None or labels is None else (project.config_path, labels.video)
        if opened != self._open:
            self._open = opened
            self._timer.start()  # the video that was open before is one of the others now
        same = project is not None and project.config_path == self._seen_of
        others = {video: found for video, (_, found) in self._seen.items()} if same else {}
        found = {} if labels is None else {**others, labels.video: labels.outside}
        found = {video: outside for video, outside in found.items() if outside}
        self.setVisible(bool(found))
        if labels is not None and found != self._shown:
            self._shown = found
            self._show(found, labels)

    def _show(self, found: Mapping[str, Outside], labels: LabelSession) -> None:
        self.take_button.setEnabled(any(outside.edits for outside in found.values()))
        count = counted(sum(len(outside.edits) for outside in found.values()), "label")
        changed = [video for video, outside in found.items() if outside.edits]
        told = [f"Another program changed {count} of {named_few(changed, most=_NAMED)}."] if changed else []
        told += [outside.problem for outside in found.values() if outside.problem]
        self.sentence.setText(f"<b>{wrappable(' '.join(told))}</b>")
        self.changes.clear()
        for video, outside in found.items():
            words = frame_words(labels.project, video, [edit.frame for edit in outside.edits])
            for edit in outside.edits:
                said = describe(edit, labels.columns, words)
                item = QTreeWidgetItem(self.changes, [f"{video}, {said}" if len(found) > 1 else said])
                item.setData(0, Qt.ItemDataRole.UserRole, FrameRef(video, edit.frame))

    def _on_project_changed(self) -> None:
        self.look()
        self._timer.start()

    def _look_at_others(self) -> None:
        """Let a thread look at the videos that are not open."""
        project, labels = self._session.project, self._labels
        if at_work():
            self._timer.start()
        elif project is not None:
            opened = None if labels is None else labels.video
            videos = [folder.name for folder in frame_folders(project) if folder.name != opened]
            before = dict(self._seen) if project.config_path == self._seen_of else {}
            future = _looking.submit(_look_at, project, videos, before)
            decisions = self._decisions
            future.add_done_callback(lambda done: self._tell(project.config_path, done, decisions))

    def _tell(self, config: Path, done: "Future[dict[str, _Seen]]", decisions: int) -> None:
        """Hand over what the thread has found; a file that cannot be read is told where its labels are opened."""
        with suppress(PosecutError, OSError, RuntimeError):  # the last one: the window is gone
            self._looked.emit(config, done.result(), decisions)

    def _on_looked(self, config: Path, seen: Mapping[str, _Seen], decisions: int) -> None:
        project = self._session.project
        if project is not None and project.config_path == config and decisions == self._decisions:
            self._seen, self._seen_of = seen, config
            self.look()

    def merge(self, *, take: bool) -> None:
        """Make labels of the changes in all videos, or discard them, once that was confirmed.

        Raises:
            LabelError: the labels cannot be read, or someone else edits them.
            StorageError: the disk refuses.
        """
        project = self._session.require_project()
        if not (take or self.confirm("Discard the changes of the other program? Copies of its files are kept.")):
            return
        with self._session.labels_released():
            merged = in_background(lambda: merge_labels(project.config_path, take=take, discard=not take))
            self._seen, self._decisions = {}, self._decisions + 1
        changes = counted(sum(len(video.changes) for video in merged.videos), "change")
        done = "taken over" if take else "discarded"
        self._session.notify(f"{changes} by another program: {done}.", kind="done")

    def _on_application_changed(self, state: Qt.ApplicationState) -> None:
        """Look again when the user comes back from another program, which may have been at work meanwhile."""
        labels = self._labels
        if state == Qt.ApplicationState.ApplicationActive and labels is not None:
            labels.review_outside()
            self.look()
            self._timer.start()

    @property
    def _labels(self) -> LabelSession | None:
        """Return the labels that are edited now."""
        labeling = self._session.labeling
        labels = labeling.index.label_session if labeling is not None else None
        return labels if labels is not None and labels.writable else None

    def _go_to(self, item: QTreeWidgetItem) -> None:
        frame: FrameRef = item.data(0, Qt.ItemDataRole.UserRole)
        self._session.attempt(lambda: self._session.show_frame(frame.video, frame.number))

    def _ask_user(self, question: str) -> bool:
        return QMessageBox.question(self, "PoseCut", question) == QMessageBox.StandardButton.Yes
