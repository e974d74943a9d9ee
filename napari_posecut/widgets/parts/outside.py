"""What another program changed in the labels: told in a banner, shown, then taken over or discarded."""

from collections.abc import Callable

from qtpy.QtCore import Qt
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QHBoxLayout, QMessageBox, QPushButton, QTreeWidgetItem, QVBoxLayout, QWidget

from napari_posecut.jobs.monitor import in_background
from napari_posecut.session import Session
from napari_posecut.widgets.parts import LowTable
from napari_posecut.widgets.parts.job_line import WrappedLabel, wrappable
from posecut_core.labels.exchange import describe
from posecut_core.labels.session import LabelSession, Outside
from posecut_core.results import counted
from posecut_core.types import FrameRef
from posecut_core.workflow.merge_labels import merge_labels

_HEIGHT = 110  # pixels of the list of changes


class OutsideBanner(QWidget):
    """Says that another program changed labels of the shown video; hidden while none has."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._shown = Outside()
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
        layout, row = QVBoxLayout(self), QHBoxLayout()
        layout.setContentsMargins(6, 2, 0, 2)
        row.addWidget(self.sentence, stretch=1)
        for button in (self.show_button, self.take_button, self.discard_button):
            row.addWidget(button)
        layout.addLayout(row)
        layout.addWidget(self.changes)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setStyleSheet("OutsideBanner { border-left: 4px solid #e8a33d; }")
        session.project_changed.connect(self.look)
        session.labels_changed.connect(self.look)
        application = QGuiApplication.instance()
        assert isinstance(application, QGuiApplication)
        application.applicationStateChanged.connect(self._on_application_changed)
        self.look()

    def look(self) -> None:
        """Show what is known of the video whose frame is shown."""
        labels = self._labels
        found = labels.outside if labels is not None else Outside()
        self.setVisible(bool(found))
        if labels is None or found is self._shown:
            return
        self._shown = found
        self.take_button.setEnabled(not found.problem)
        count = counted(len(found.edits), "label")
        changed = f"Another program changed {count} of {labels.video}."
        self.sentence.setText(f"<b>{wrappable(found.problem or changed)}</b>")
        self.changes.clear()
        for edit in found.edits:
            item = QTreeWidgetItem(self.changes, [describe(edit, labels.columns)])
            item.setData(0, Qt.ItemDataRole.UserRole, FrameRef(labels.video, edit.frame))

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
        changes = counted(sum(len(video.changes) for video in merged.videos), "change")
        done = "taken over" if take else "discarded"
        self._session.notify(f"{changes} by another program: {done}.", kind="done")

    def _on_application_changed(self, state: Qt.ApplicationState) -> None:
        """Look again when the user comes back from another program, which may have been at work meanwhile."""
        labels = self._labels
        if state == Qt.ApplicationState.ApplicationActive and labels is not None:
            labels.review_outside()
            self.look()

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
