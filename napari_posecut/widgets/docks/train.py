"""Dock 4: train a network in the background, watch its curves, pause it, and let it go on."""

import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from napari import Viewer
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QFormLayout, QPushButton, QSpinBox, QVBoxLayout, QWidget

from napari_posecut.jobs.jobs import Job
from napari_posecut.jobs.monitor import breathe, in_background
from napari_posecut.remedies import in_window
from napari_posecut.session import Session, kind_of_end, session_of
from napari_posecut.widgets.forms.step import StepForm
from napari_posecut.widgets.forms.training import (
    CHOOSE_FILE,
    INITIAL_WEIGHTS,
    SettingsForm,
    Start,
    count_text,
    edited_since,
    frames_of,
    new_shuffle,
    sizes_of,
    speed_of,
    start_of,
)
from napari_posecut.widgets.parts import Postponed, name_controls, scroll_content
from napari_posecut.widgets.parts.curves import CurveView, Series
from napari_posecut.widgets.parts.job_line import JobLine, WrappedLabel, wrappable
from posecut_core.dataset.settings import TrainingSettings, read_settings
from posecut_core.errors import ModelError, Remedy
from posecut_core.model.log import Metrics, read_log
from posecut_core.progress import Notice, Progress, rough_clock, rough_time
from posecut_core.project.paths import Project
from posecut_core.types import FrameRef

# --- train ------------------------------------------------------------------------------------------------------------
# Dock 4: train a network in the background, watch its curves, pause it, and let it go on.


_VERB = "create_dataset_and_train"
_LABELED = ("begun", "done")  # frames that a training dataset made now would have
_NOW, _RESUME = "Train on what is labeled now", "Resume"
_QUIET = 300  # milliseconds without a change of labels, after which frames are counted
_NOTHING = " There is nothing to train: label or correct more frames, or choose more steps."
_MINUTE = 60_000  # milliseconds
_NOTES = 3  # sentences of the core that are shown together
_MOST_NETWORKS = 20  # of a shuffle
_FIRST = "training"  # what reports of the first network call it


class TrainDock(QWidget):
    """The training of one shuffle."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.session: Session = session_of(napari_viewer)
        self._rows: dict[int, Metrics] = {}  # of the shown network, by step
        self._stage = _FIRST  # which of several networks that is
        self._notes: list[str] = []
        self._state = ""  # of the shown shuffle, in rich text
        self._used: frozenset[FrameRef] = frozenset()  # frames of the training dataset of the shown shuffle
        self.counts, self.ending = WrappedLabel(), WrappedLabel()
        self.now: Callable[[], datetime] = datetime.now
        self._minute = QTimer(self)  # in which the end moves, as long as nothing has begun
        self._minute.timeout.connect(self._show_ending)
        self._minute.start(_MINUTE)
        self._inherited: dict[str, object] = {}  # settings of an earlier shuffle that a new one begins with
        self._timer = QTimer(self)  # counting all frames at each click would delay it
        self._timer.setSingleShot(True)
        self._timer.setInterval(_QUIET)
        self._timer.timeout.connect(self._update_button)
        self._iteration: object = None  # of which project and iteration the notes are
        self.heading, self.notes, self.figures = WrappedLabel(), WrappedLabel(), WrappedLabel()
        self.shuffle = QSpinBox()
        self.shuffle.setRange(1, 9999)
        self.shuffle.setToolTip(
            "each shuffle is one split of the labels into training and test frames, with its own network"
        )
        self.networks = QSpinBox()
        self.networks.setRange(1, _MOST_NETWORKS)
        self.networks.setToolTip(
            "train so many networks, one after the other, that differ in their seeds: asked together in 6 Analyze they "
            "outvote each other's errors, and tell where they differ"
        )
        self.form = SettingsForm(pause=breathe)
        self.devices = StepForm("train_network", {"gputouse": "only on device"})
        self.iteration = WrappedLabel()
        self.more = QWidget()
        self.start_button, self.resume_button = QPushButton(_NOW), QPushButton("Resume without the new labels")
        self.line = JobLine(self.session, (_VERB,), pauses=True)
        self.curve = CurveView()
        breathe()
        self._create_layout()
        breathe()
        self.shuffle.valueChanged.connect(self._show_shuffle)
        self.start_button.clicked.connect(self.start)
        self.resume_button.clicked.connect(lambda: self.session.attempt(lambda: self._train(self.form.changes())))
        self.form.more.changed.connect(lambda shown: self.more.setVisible(shown))
        self.line.ended.connect(self._on_job_ended)
        self.form.fields["maxiters"].changed.connect(self._update_button)
        self.form.length.changed.connect(self._show_ending)
        self.networks.valueChanged.connect(self._update_button)
        self._reading = Postponed(self, self._on_project_changed)
        self.session.project_changed.connect(self._reading.request)
        self.session.labels_changed.connect(self._count_later)
        self.session.jobs.started.connect(self._on_job_started)
        self.session.jobs.progressed.connect(self._on_job_progressed)
        name_controls(self, "train")
        self._on_project_changed()

    def apply_remedy(self, remedy: Remedy) -> None:
        """Choose the shuffle and the initial weights of a remedy; training starts where these are all that it needs."""
        shuffle, weights = remedy.arguments.get("shuffle"), remedy.arguments.get("weights")
        if isinstance(shuffle, int):
            self.shuffle.setValue(shuffle)
        elif remedy.step == "create_training_dataset":
            self.shuffle.setValue(new_shuffle(self.session.require_project()))
        if isinstance(seeds := remedy.arguments.get("seeds"), int):
            self.networks.setValue(seeds)
            self.form.more.value = True  # where the number of networks is seen
        if weights in INITIAL_WEIGHTS:
            self.form.fields["init_weights"].value = weights
            self.start()
        elif weights is not None:
            self.form.fields["init_weights"].value = CHOOSE_FILE

    def start(self) -> None:
        """Train on what is labeled now, with what the form says; go on from the last snapshot where that has it all."""
        self.session.attempt(self._start)

    def _start(self) -> None:
        project, changes = self.session.require_project(), self.form.changes()
        if self._has_news():
            self.shuffle.setValue(new_shuffle(project))
        elif self._has_all():
            raise ModelError(
                f"Shuffle {self.shuffle.value()} is trained to its end with all labels; raise the number of steps "
                "to train it further, or choose another shuffle."
            )
        self._train({**self._inherited, **self.form.changes(), **changes})

    def _train(self, settings: Mapping[str, object]) -> None:
        several = {"seeds": self.networks.value()} if self.networks.value() > 1 else {}
        more = {**several, **self.devices.arguments()}
        self.session.start(_VERB, {"shuffle": self.shuffle.value(), **more, "settings": settings})

    def _is_finished(self) -> bool:
        """Tell whether the chosen shuffle has all the steps that the form asks for."""
        steps: int = max(self._rows, default=0)
        return steps > 0 and self.form.fields["maxiters"].value <= steps

    def _trained_networks(self) -> int:
        """Count the networks of the chosen shuffle that have come as far as its first one."""
        project, steps = self.session.project, max(self._rows, default=0)
        networks = () if project is None else project.training(self.shuffle.value()).networks()
        return sum(steps in one.snapshots for one in networks)

    def _has_all(self) -> bool:
        """Tell whether the chosen shuffle has all steps and networks that are asked for."""
        return self._is_finished() and self.networks.value() <= max(1, self._trained_networks())

    def _has_news(self) -> bool:
        """Tell whether the chosen shuffle lacks labels, or what was corrected since it was made."""
        return bool(self._unused_frames()) or self._is_edited()

    def _is_edited(self) -> bool:
        project = self.session.project
        return project is not None and bool(self._used) and edited_since(project, self.shuffle.value())

    def _unused_frames(self) -> int:
        """Count the labeled frames that the chosen shuffle was neither trained on nor is tested with."""
        return len(self._labeled() - self._used) if self._used else 0

    def _labeled(self) -> frozenset[FrameRef]:
        labeling = self.session.labeling
        frames = labeling.index.frames if labeling is not None else ()
        return frozenset(key for key in frames if labeling and labeling.status(key) in _LABELED)

    def _create_layout(self) -> None:
        content = QWidget()
        layout, row = QVBoxLayout(content), QFormLayout()
        layout.setContentsMargins(4, 4, 4, 4)
        row.addRow("shuffle", self.shuffle)
        row.addRow("networks", self.networks)
        row.addRow(self.iteration)
        row.addRow(self.devices.native)
        row.setContentsMargins(0, 0, 0, 0)
        self.more.setLayout(row)
        self.more.setVisible(False)
        top = (
            self.heading,
            self.counts,
            self.ending,
            self.start_button,
            self.resume_button,
            self.line,
            self.notes,
            self.figures,
        )
        for widget in (*top, self.form.native, self.more):
            layout.addWidget(widget)
        layout.addWidget(self.curve, stretch=1)
        layout.addStretch()
        scroll_content(self, content)

    def _on_project_changed(self) -> None:
        """Show the training that runs, or the shuffle that is chosen."""
        job, project = self.session.jobs.find(_VERB), self.session.project
        iteration = None if project is None else (project.config_path, project.config.iteration)
        if iteration != self._iteration:
            self._iteration, self._notes = iteration, []
            if project is not None:
                self.iteration.setText(f"iteration {project.config.iteration}; 8 Refine begins the next one")
                self._choose_shuffle(max(new_shuffle(project) - 1, 1))
        if job is not None:
            self._on_job_started(job)
        else:
            self._show_shuffle()

    def _on_job_started(self, job: Job) -> None:
        if job.request.verb != _VERB:
            return
        self._notes = []
        self._choose_shuffle(_shuffle_of(job))
        self._show_shuffle()
        for report in job.reports:
            self._add_report(report)
        self._draw()

    def _choose_shuffle(self, number: int) -> None:
        self.shuffle.blockSignals(True)
        self.shuffle.setValue(number)
        self.shuffle.blockSignals(False)

    def _show_shuffle(self) -> None:
        """Show what there is of the chosen shuffle."""
        project, running = self.session.project, self.session.jobs.find(_VERB)
        for widget in (self.form.native, self.shuffle, self.start_button):
            widget.setEnabled(project is not None and running is None)
        self.form.native.setVisible(running is None)  # the curves have its room while it runs
        self.start_button.setVisible(running is None)
        for widget in (self.resume_button, self.ending):
            widget.setVisible(False)
        self.more.setVisible(running is None and bool(self.form.more.value))
        self._rows, self._stage = {}, _FIRST
        if project is None:
            self.heading.setText("No project is open yet: open or create one (1 Project).")
        else:
            self._rows = {row.step: row for row in read_log(project.training(self.shuffle.value()).log)}
            self._show_settings(project)
        self._draw()

    def _show_settings(self, project: Project) -> None:
        number = self.shuffle.value()
        path = project.training(number).settings
        settings = self.session.attempt(lambda: read_settings(path)) if path.exists() else None
        steps = max(self._rows, default=0)
        start = start_of(project, number) if settings is None else Start(settings, {}, frozenset())
        self._inherited = dict(start.given)
        self._used = frames_of(project, number)
        self.networks.setValue(len(project.training(number).networks()))
        self.form.show_settings(start.settings, automatic=start.automatic)
        speed = in_background(lambda: speed_of(project, number))
        sizes = in_background(lambda: sizes_of(project)) if "crop_size" in start.automatic else None
        self.form.show_pace(frames=len(self._labeled()), speed=speed, sizes=sizes)
        running = self.session.jobs.find(_VERB) is not None
        state = "training in the background; you can go on labeling." if running else _state_text(steps, settings)
        self._state = f"<b>Shuffle {number}</b>: {state}"
        self._update_button()

    def _count_later(self) -> None:
        self._timer.start()

    def _update_button(self) -> None:
        """Say what a click would do now, and which labels the shown training lacks."""
        if self.session.project is None:
            return
        labeled, unused, news = len(self._labeled()), self._unused_frames(), self._has_news()
        unfinished, running = bool(self._rows) and not self._is_finished(), self.session.jobs.find(_VERB) is not None
        self.start_button.setText(_RESUME if unfinished and not news else _NOW)
        self.resume_button.setVisible(unfinished and news and not self.start_button.isHidden())
        idle = not running and not news and self._has_all()
        self.start_button.setEnabled(bool(labeled) and not running and not idle)
        self.heading.setText(self._state + (_NOTHING if idle else ""))
        told = count_text(labeled, unused if self._used else labeled, edited=self._is_edited())
        self.counts.setText(f"<b>{told}</b>")
        self._show_ending()

    def _show_ending(self) -> None:
        """Say when a training that begins now would end."""
        done = max(self._rows, default=0) if self.start_button.text() == _RESUME else 0
        steps = self.form.fields["maxiters"].value - done
        seconds = self.networks.value() * self.form.seconds(steps)
        self.ending.setVisible(seconds > 0 and not self.start_button.isHidden() and self.start_button.isEnabled())
        now = self.now()
        until = rough_clock(now + timedelta(seconds=seconds), now=now)
        self.ending.setText(f"{steps:,} steps take about {rough_time(seconds)}, until about {until}.")

    def _on_job_progressed(self, job: Job, report: Progress | Notice) -> None:
        if job.request.verb == _VERB:
            self._add_report(report)
            self._draw()
            self._count_what_trains()

    def _count_what_trains(self) -> None:
        """Say how many labels train, once the training has made its dataset of them."""
        project = self.session.project
        if project is not None and not self._used and (used := frames_of(project, self.shuffle.value())):
            self._used = used
            self._update_button()

    def _add_report(self, report: Progress | Notice) -> None:
        if isinstance(report, Notice):
            self._notes = [*self._notes, in_window(report)][-_NOTES:]
        elif "loss" in report.values:
            if report.stage != self._stage:  # of another network
                self._rows, self._stage = {}, report.stage
            self._rows[report.done] = _metrics(report)

    def _draw(self) -> None:
        self.notes.setText("<br>".join(map(wrappable, self._notes)))
        self.notes.setVisible(bool(self._notes))
        rows = [self._rows[step] for step in sorted(self._rows)]
        steps = tuple(float(row.step) for row in rows)
        self.curve.show_series(
            Series("loss", steps, tuple(row.loss for row in rows), log=True),
            Series("error on validation frames (px)", steps, tuple(row.validation_error for row in rows)),
        )
        network = self._stage.removeprefix(_FIRST).strip()
        words = f"{network}, " if network else ""
        self.figures.setText(f"{words}{_figures_text(rows[-1])}" if rows else "")
        self.figures.setVisible(bool(rows))

    def _on_job_ended(self, job: Job) -> None:
        if job.state == "done":
            done = f"Done. {job.message} Next: 5 Evaluate, or go on labeling with its suggestions."
            self._notes = [done]
            self.session.notify(done, kind=kind_of_end(job))
        elif job.state == "stopped":
            self._notes = []
        self._show_shuffle()
        if job.state == "stopped":  # the button says by now what it will do
            self._notes = [f'Paused; "{self.start_button.text()}" goes on.']
            self._draw()


def _shuffle_of(job: Job) -> int:
    number = job.request.arguments.get("shuffle", 1)
    return number if isinstance(number, int) else 1


def _state_text(steps: int, settings: TrainingSettings | None) -> str:
    if settings is None:
        return "new; all current labels will be split into training and test frames."
    if steps >= settings.maxiters:
        return f"trained, {steps} steps."
    if steps:
        return f"{steps} of {settings.maxiters} steps done."
    return "training dataset created, not trained yet."


def _metrics(report: Progress) -> Metrics:
    values = report.values
    return Metrics(
        report.done,
        values["loss"],
        values.get("learning_rate", math.nan),
        values.get("steps_per_s", math.nan),
        validation_error=values.get("validation_error", math.nan),
    )


def _figures_text(row: Metrics) -> str:
    speed = row.steps_per_second
    said = f"{speed:.2g} steps/s" if speed >= 1 else f"{rough_time(1 / speed)} per step" if speed > 0 else ""
    return f"step {row.step}, {said}, learning rate {row.learning_rate:.2g}"
