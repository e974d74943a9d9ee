"""Dock 8: review the drafts in frames that were extracted as outliers, then begin the next iteration."""

import html
from collections import Counter
from pathlib import Path
from typing import Any

from napari import Viewer
from qtpy.QtWidgets import (
    QButtonGroup,
    QGroupBox,
    QLabel,
    QPushButton,
    QRadioButton,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_posecut.jobs.jobs import Job
from napari_posecut.labeling.labeling import Labeling
from napari_posecut.session import Session, session_of
from napari_posecut.widgets.parts import LowTable, Postponed, name_controls, scroll_content
from napari_posecut.widgets.parts.bodypart_table import BodypartTable
from napari_posecut.widgets.parts.job_line import JobLine
from posecut_core.errors import Remedy

_POLICIES = (  # of merge_datasets, what is said, what it means
    ("refuse", "must be reviewed first", "the next iteration waits until every suggestion is reviewed"),
    ("accept", "become labels without review", "the network is then trained on positions that nobody has checked"),
    ("leave", "stay suggestions", "they are not trained on, and can be reviewed later"),
)


class RefineDock(QWidget):
    """What is still unreviewed, and the way to the next iteration."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.session: Session = session_of(napari_viewer)
        self._told_of: Path | None = None  # the project of which the last merge was
        self._merged = ""  # what came of that
        self.heading = QLabel()
        self.heading.setWordWrap(True)
        self.videos = LowTable(("video", "to review", "frames"))
        self.videos.itemActivated.connect(lambda item, _: self.show_next(item.text(0)))
        self.bodyparts = BodypartTable(self.session)
        self.next_button = QPushButton("Next frame to review")
        self.next_button.clicked.connect(lambda: self.show_next())
        self.accept_button = QPushButton("Accept all suggestions of this frame (Enter)")
        self.accept_button.clicked.connect(self._accept)
        self.policies = QButtonGroup(self)
        self.policy_buttons: dict[str, QRadioButton] = {}
        self.policies.buttonClicked.connect(lambda _: self.show_counts())
        self.merge_button = QPushButton("Merge and start the next iteration")
        self.merge_button.clicked.connect(self.merge)
        self.job_line = JobLine(self.session, ("merge_datasets",), told=("merge_datasets",))
        self.job_line.ended.connect(self._on_own_job_ended)
        self.advice = QLabel()
        self.advice.setWordWrap(True)
        self._create_layout()
        self._counting = Postponed(self, self.show_counts)
        for changed in (self.session.project_changed, self.session.labels_changed):
            changed.connect(self._counting.request)
        for changed in (self.session.jobs.started, self.session.jobs.ended):
            changed.connect(self._counting.request)
        name_controls(self, "refine")
        self.show_counts()

    def apply_remedy(self, remedy: Remedy) -> None:
        """Choose what becomes of drafts as a remedy says; the user still has to start it."""
        wanted = remedy.arguments.get("unreviewed")
        if wanted in self.policy_buttons:
            self.policy_buttons[str(wanted)].setChecked(True)
        self.show_counts()

    @property
    def policy(self) -> str:
        """Return what becomes of drafts that nobody has reviewed."""
        return _POLICIES[self.policies.checkedId()][0]

    def show_next(self, video: str | None = None) -> None:
        """Show the next frame with drafts, of one video or of all."""
        labeling = self.session.labeling
        if labeling is None or labeling.frame is None:
            return
        order = [*labeling.index.around(labeling.frame, 1), labeling.frame]
        found = next((key for key in order if video in (None, key.video) and _is_unreviewed(labeling, key)), None)
        if found is not None:
            self.session.attempt(lambda: self.session.show_frame(found.video, found.number))

    def merge(self) -> None:
        """Let a child merge the labels."""
        arguments = {"unreviewed": self.policy}
        self.session.attempt(lambda: self.session.start("merge_datasets", arguments))

    def show_counts(self) -> None:
        """Count the frames that are still to be reviewed, and offer what can be done now."""
        labeling, project = self.session.labeling, self.session.project
        root = None if project is None else project.root
        if root != self._told_of:
            self._told_of, self._merged = root, ""
        frames = labeling.index.frames if labeling is not None else ()
        unreviewed = Counter(key.video for key in frames if labeling and _is_unreviewed(labeling, key))
        self.bodyparts.show_frame()
        self.videos.clear()
        for name, count in Counter(key.video for key in frames).items():
            self.videos.addTopLevelItem(QTreeWidgetItem([name, str(unreviewed[name]), str(count)]))
        total = unreviewed.total()
        if project is None:
            self.heading.setText("Open or create a project first (1 Project).")
        elif not total:
            self.heading.setText("No frame has suggestions to review; 7 Outliers finds frames where the network fails.")
        else:
            self.heading.setText(
                f"<b>{total} frame{'s' * (total != 1)} to review.</b> Drag what is wrong, then accept."
            )
        busy = self.session.jobs.is_writing("labels")
        here = labeling is not None and labeling.frame is not None and _is_unreviewed(labeling, labeling.frame)
        self.next_button.setEnabled(bool(total) and not busy)
        self.accept_button.setEnabled(here and not busy)
        self.choice.setVisible(bool(total))
        waits, why = bool(total) and self.policy == "refuse", self._why_no_merge()
        accepts = bool(total) and self.policy == "accept"  # which makes labels of them in an iteration that has begun
        self.merge_button.setEnabled(bool(frames) and not busy and not waits and (not why or accepts))
        self.merge_button.setToolTip("review all suggestions first, or choose what happens to them" if waits else why)
        self.advice.setText(why)

    def _why_no_merge(self) -> str:
        """Say what comes before the next iteration, which begins with labels that this one was not trained on."""
        project = self.session.project
        if project is None or project.has_training_dataset:
            return ""
        number = project.config.iteration
        if not number:
            return "Nothing was trained yet: train a network first (4 Train), and let it find frames (7 Outliers)."
        begun = self._merged or f"Iteration {number} has begun, and nothing was trained in it yet."
        return f"<b>{begun}</b> Next: 4 Train, which begins with the network that you have."

    def _create_layout(self) -> None:
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.addWidget(self.heading)
        layout.addWidget(self.videos, stretch=1)
        layout.addWidget(self.bodyparts, stretch=1)
        layout.addWidget(self.next_button)
        layout.addWidget(self.accept_button)
        self.choice = QGroupBox("Unreviewed suggestions")
        inner = QVBoxLayout(self.choice)
        for number, (policy, text, meaning) in enumerate(_POLICIES):
            button = self.policy_buttons[policy] = QRadioButton(text)
            button.setToolTip(meaning)
            button.setChecked(number == 0)
            self.policies.addButton(button, number)
            inner.addWidget(button)
        for below in (self.choice, self.merge_button, self.job_line, self.advice):
            layout.addWidget(below)
        scroll_content(self, content)

    def _accept(self) -> None:
        self.session.show_labels()
        if self.session.actions is not None:
            self.session.actions.accept()

    def _on_own_job_ended(self, job: Job) -> None:
        if job.state == "done":
            self._merged = html.escape(job.message)
        self.show_counts()


def _is_unreviewed(labeling: Labeling, key: Any) -> bool:
    return labeling.status(key) == "unreviewed"
