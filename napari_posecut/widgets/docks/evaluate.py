"""Dock 5: how far the network's positions lie from the labels, and in which frames it errs most."""

import math
from collections.abc import Mapping
from pathlib import Path

from napari import Viewer
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_posecut.jobs.jobs import Job
from napari_posecut.jobs.monitor import in_background
from napari_posecut.session import Session, session_of
from napari_posecut.widgets.forms.step import StepForm, StepRunner
from napari_posecut.widgets.parts import LowTable, Postponed, name_controls, open_outside, scroll_content
from napari_posecut.widgets.parts.job_line import JobLine, WrappedLabel, wrappable
from posecut_core.errors import Remedy
from posecut_core.evaluation.errors import FEW_TEST_FRAMES, MeanErrors
from posecut_core.evaluation.tables import (
    FrameError,
    PastEvaluation,
    ResultRow,
    frame_predictions,
    newest_evaluation,
)
from posecut_core.labels.agreement import Agreement, pooled
from posecut_core.labels.state import Position
from posecut_core.results import counted
from posecut_core.types import FrameRef

_MEANING = (  # of the columns
    "",
    "mean error on frames that the network was trained on",
    "mean error on frames that the network has not seen: the one that counts",
    "labels in test frames that were measured",
    "mean distance between two people's labels of the same frames",
)
_COLUMNS = ("bodypart", "train px", "test px", "labels", "two people px")  # the last one where labels were compared
_WORST = 30  # frames that are listed
_EXPORT = "export_model"


class EvaluateDock(QWidget):
    """The newest evaluation of the project, and a button for the next one."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.session: Session = session_of(napari_viewer)
        self.shown: PastEvaluation | None = None
        self._predicted: Mapping[FrameRef, Mapping[str, Position]] | None = None  # of the evaluation, once it is read
        self._exported_of: tuple[Path, int] | None = None  # project and shuffle of what was exported last
        self.heading, self.summary = WrappedLabel(), WrappedLabel()
        self.shuffle = QSpinBox()
        self.shuffle.setRange(1, 9999)
        self.shuffle.setToolTip("which split and network, as in 4 Train")
        self.plotting = QCheckBox("also draw every labeled frame")
        self.start_button = QPushButton("Evaluate")
        self.line = JobLine(self.session, ("evaluate",), told=("evaluate",))
        self.bodyparts = _table(_COLUMNS[:-1])
        self.frames = _table(("worst frames", "number", "px", "set"))
        self.frames.setToolTip("click to show the frame: crosses are where the network sees the bodyparts")
        self.report = QPushButton("Open the report")
        self.report.setToolTip(
            "curves, errors, worst frames, calibration, settings and versions on one page, in your browser"
        )
        self.evaluating = StepForm(
            "evaluate_network",
            {
                "snapshots": "snapshot to evaluate",
                "ensemble": "all networks of the shuffle together",
                "batch_size": "frames at once",
            },
        )
        self.validation = StepRunner(
            self.session,
            "cross_validate",
            {
                "splits": "splits",
                "leave_one_video_out": "test on each video in turn",
                "maxiters": "steps of each",
                "confidence": "confidence",
            },
            "Cross-validate",
        )
        self.exporting = StepForm("export_model", {"format": "format", "snapshot": "snapshot to export"})
        self.export_button = QPushButton("Export the network")
        self.export_button.setToolTip("as a file that works without the project, also in other programs")
        self.export_heading = QLabel("<b>The network for other programs</b>")
        self.export_line, self.exported = JobLine(self.session, (_EXPORT,)), WrappedLabel()
        self._create_layout()
        self.start_button.clicked.connect(self.start)
        self.export_button.clicked.connect(self.export)
        self.export_line.ended.connect(self._on_export_ended)
        self.frames.itemClicked.connect(self._show_frame)
        self.frames.itemActivated.connect(self._show_frame)
        self.report.clicked.connect(self._open_report)
        self.shuffle.valueChanged.connect(self._on_project_changed)
        self._reading = Postponed(self, self._on_project_changed)
        self.session.project_changed.connect(self._reading.request)
        self.session.jobs.started.connect(self._update_enabled)
        self.session.jobs.ended.connect(self._reading.request)
        name_controls(self, "evaluate")
        self._on_project_changed()

    def apply_remedy(self, remedy: Remedy) -> None:
        """Choose the shuffle of a remedy."""
        if isinstance(shuffle := remedy.arguments.get("shuffle"), int):
            self.shuffle.setValue(shuffle)

    def start(self) -> None:
        """Evaluate the last network of the chosen shuffle."""
        arguments = {"shuffle": self.shuffle.value(), "plotting": self.plotting.isChecked()}
        self.session.attempt(lambda: self.session.start("evaluate", {**arguments, **self.evaluating.arguments()}))

    def export(self) -> None:
        """Write the last network of the chosen shuffle as a file for other programs."""
        arguments = {"shuffle": self.shuffle.value(), **self.exporting.arguments()}
        self.session.attempt(lambda: self.session.start(_EXPORT, arguments))

    def _create_layout(self) -> None:
        content = QWidget()
        layout, row = QVBoxLayout(content), QFormLayout()
        layout.setContentsMargins(4, 4, 4, 4)
        row.addRow("shuffle", self.shuffle)
        layout.addWidget(self.heading)
        layout.addLayout(row)
        for widget in (self.plotting, self.evaluating.native, self.start_button, self.line, self.summary):
            layout.addWidget(widget)
        layout.addWidget(self.bodyparts, stretch=1)
        layout.addWidget(self.frames, stretch=1)
        layout.addWidget(self.report)
        exports = (self.export_heading, self.exporting.native, self.export_button, self.export_line, self.exported)
        for widget in (*exports, QLabel("<b>Train and test on several splits</b>"), self.validation):
            layout.addWidget(widget)
        layout.addStretch()
        scroll_content(self, content)

    def _on_project_changed(self) -> None:
        """Show what the project holds."""
        project = self.session.project
        self.shown, self._predicted = None if project is None else newest_evaluation(project), None
        if project is None:
            self.heading.setText("No project is open yet: open or create one (1 Project).")
        elif self.shown is None:
            trained = bool(project.training(self.shuffle.value()).snapshots)
            first = "Press Evaluate to measure its error." if trained else "Train a network first (4 Train)."
            self.heading.setText(f"No network has been evaluated yet. {first}")
        else:
            row = self.shown.row
            since = "" if self.shown.is_present else "; the network was trained further since: evaluate it again"
            self.heading.setText(f"<b>Shuffle {row.shuffle}</b> after {row.step} steps{_which(row)}{since}")
        self._fill()
        self._update_enabled()

    def _update_enabled(self) -> None:
        project, jobs = self.session.project, self.session.jobs
        snapshots = () if project is None else project.training(self.shuffle.value()).snapshots
        for form in (self.evaluating, self.exporting):
            form.offer_snapshots(snapshots)
        trained = bool(snapshots)
        self.start_button.setEnabled(project is not None and jobs.find("evaluate") is None)
        for widget in (self.export_heading, self.exporting.native, self.export_button):
            widget.setVisible(trained)
        self.export_button.setEnabled(jobs.find(_EXPORT) is None)
        self.exported.setVisible(self._exported_of is not None and self._exported_of == self._shuffle())

    def _shuffle(self) -> tuple[Path, int] | None:
        """Return what the controls are about: project and shuffle."""
        project = self.session.project
        return None if project is None else (project.root, self.shuffle.value())

    def _fill(self) -> None:
        found = self.shown
        for widget in (self.summary, self.bodyparts, self.frames, self.report):
            widget.setVisible(found is not None)
        self.bodyparts.clear()
        self.frames.clear()
        if found is not None:
            people = pooled(found.people.values())
            apart = f"<br>Labels of two people are {people.sentence()}." if people.pairs else ""
            self.summary.setText(_summary(found) + apart)
            columns = _COLUMNS if people.pairs else _COLUMNS[:-1]
            self.bodyparts.setColumnCount(len(columns))
            self.bodyparts.setHeaderLabels(columns)
            _explain(self.bodyparts)
            rows = [_bodypart(part, errors, found.people.get(part)) for part, errors in found.bodyparts.items()]
            self.bodyparts.addTopLevelItems(rows)
            self.frames.addTopLevelItems([_frame(frame) for frame in found.frames[:_WORST]])
            self.report.setEnabled(found.report.is_file())

    def _on_export_ended(self, job: Job) -> None:
        """Say where the files are, and how far onnxruntime is from the network."""
        if job.state == "done":
            files = [f"Wrote {wrappable(path)}" for path in job.result.get("files", ())]
            self.exported.setText("<br>".join([*files, *([wrappable(job.message)] if job.message else [])]))
            self._exported_of = self._shuffle()
        self._update_enabled()

    def _show_frame(self, item: QTreeWidgetItem) -> None:
        frame: FrameError = item.data(0, Qt.ItemDataRole.UserRole)
        self.session.attempt(lambda: self.session.show_frame(frame.video, frame.number))
        self.session.attempt(lambda: self._compare(FrameRef(frame.video, frame.number)))

    def _compare(self, frame: FrameRef) -> None:
        """Show beside the labels of the frame where the network sees the bodyparts.

        Raises:
            LabelError: the table of its predictions is missing or damaged.
        """
        project, labeling, found = self.session.project, self.session.labeling, self.shown
        if project is None or labeling is None or found is None or labeling.frame != frame:
            return
        if self._predicted is None:
            self._predicted = in_background(lambda: frame_predictions(project, found))
        places, columns = self._predicted.get(frame, {}), labeling.index.columns
        if self.session.canvas is not None and labeling.frame == frame:
            self.session.canvas.compare({part: places[name] for part, name in columns.items() if name in places})

    def _open_report(self) -> None:
        if self.shown is not None:
            open_outside(self.session, self.shown.report, "The report could not be opened in a browser")


def _table(columns: tuple[str, ...]) -> QTreeWidget:
    table = LowTable(columns)
    header = table.header()
    assert header is not None
    header.setMinimumSectionSize(30)
    return table


def _which(row: ResultRow) -> str:
    together = "" if row.networks == 1 else f", {row.networks} networks together"
    return together if row.bodyparts == "all" else f"{together}, {wrappable(row.bodyparts)} only"


def _summary(found: PastEvaluation) -> str:
    row, tested = found.row, sum(frame.side == "test" for frame in found.frames)
    lines = [
        f"<b>Mean error: {_pixels(row.test)} on {counted(tested, 'test frame')}</b>, {_pixels(row.train)} on training "
        "frames.",
        f"With a likelihood of {row.pcutoff:g} or more: {_pixels(row.test_pcutoff)} and {_pixels(row.train_pcutoff)}.",
    ]
    if not math.isnan(row.validation):
        lines.insert(1, f"{_pixels(row.validation)} on frames that were held out to validate the training.")
    if 0 < tested < FEW_TEST_FRAMES:
        lines.insert(1, "So few test frames tell little: label more, or cross-validate below.")
    if not math.isnan(row.suggested_pcutoff):
        lines.append(f"A pcutoff of {row.suggested_pcutoff:.2f} separates right from wrong best.")
    if not math.isnan(row.calibration_error):
        lines.append(f"Likelihoods are off by {row.calibration_error:.3f} on average (calibration error).")
    return "<br>".join(lines)


def _explain(bodyparts: QTreeWidget) -> None:
    headings = bodyparts.headerItem()
    assert headings is not None
    for column, meaning in zip(range(bodyparts.columnCount()), _MEANING, strict=False):
        headings.setToolTip(column, meaning)


def _bodypart(name: str, errors: MeanErrors, people: Agreement | None) -> QTreeWidgetItem:
    cells = (name, _number(errors.train), _number(errors.test), str(errors.test_pairs))
    return _item(cells if people is None else (*cells, _number(people.mean)))


def _frame(frame: FrameError) -> QTreeWidgetItem:
    side = "training" if frame.is_train else frame.side
    item = _item((frame.video, str(frame.number), _number(frame.error), side))
    item.setData(0, Qt.ItemDataRole.UserRole, frame)
    return item


def _item(cells: tuple[str, ...]) -> QTreeWidgetItem:
    item = QTreeWidgetItem(list(cells))
    item.setToolTip(0, cells[0])
    for column in range(1, len(cells)):
        item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight)
    return item


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.2f}"


def _pixels(value: float) -> str:
    return "n/a" if math.isnan(value) else f"{value:.2f} px"
