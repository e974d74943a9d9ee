"""Dock 4: train a network in the background, watch its curves, pause it, and let it go on."""

import contextlib
import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

import yaml
from magicgui.widgets import CheckBox, ComboBox, Container, FileEdit, LineEdit, SpinBox
from magicgui.widgets.bases import ValueWidget, Widget
from napari import Viewer
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QFormLayout,
    QFrame,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_posecut.jobs.jobs import Job
from napari_posecut.remedies import in_window
from napari_posecut.session import Session, session_of
from napari_posecut.widgets.parts.curves import CurveView, Series
from napari_posecut.widgets.parts.job_line import JobLine, WrappedLabel, wrappable
from posecut_core.dataset.settings import (
    TrainingSettings,
    handed_on,
    previous_training,
    read_settings,
    settings_from,
)
from posecut_core.errors import ModelError
from posecut_core.model.log import Metrics, read_log
from posecut_core.progress import Notice, Progress, rough_time
from posecut_core.project.paths import Project
from posecut_core.storage.values import properties

# --- settings ---------------------------------------------------------------------------------------------------------
# The form of a training's settings, made from the core's own: names, defaults, choices and meanings are its.
#
# What is not a choice, a switch or a count is written as in settings.yaml, and the core says what cannot work.


_FILE = "a file"
_WEIGHTS = {"imagenet": "ImageNet weights", "random": "random weights", "previous": "previous network", _FILE: _FILE}
_LARGEST = 2**63 - 1


class _SettingsForm(Container[Widget]):
    """A form of what a training can be told; the rarely needed settings are folded away."""

    def __init__(self) -> None:
        self._shown = TrainingSettings()
        self._automatic = False  # whether global_scale is chosen by the core unless it is given
        settings = {name: about for name, about in properties(TrainingSettings).items() if not about.get("readOnly")}
        self.fields: dict[str, ValueWidget[Any]] = {name: _field(name, about) for name, about in settings.items()}
        self._shown_file: object = None  # of weights, as the widget returns what is shown
        self.weights_file = FileEdit(name="weights_file", label="file", filter="*.safetensors")
        self.more = CheckBox(name="more", text="More settings", tooltip="show the settings that are rarely changed")
        rest = [field for name, field in self.fields.items() if "label" not in settings[name]]
        main: list[Widget] = [field for field in self.fields.values() if field not in rest]
        main.insert(main.index(self.fields["init_weights"]) + 1, self.weights_file)
        super().__init__(labels=False)
        first, folded = Container[Widget](), Container[Widget]()
        first.extend(main)  # added later than made, their labels get one width
        folded.extend(rest)
        self.extend([first, self.more, folded])
        for part in (self, first, folded):
            part.margins = (0, 0, 0, 0)
        folded.visible = False
        self.more.changed.connect(lambda shown: setattr(folded, "visible", shown))
        self.fields["init_weights"].changed.connect(self._show_file)
        self.show_settings(self._shown, automatic=True)

    def show_settings(self, settings: TrainingSettings, *, automatic: bool) -> None:
        """Show settings, from which changes count.

        Args:
            settings: those that hold if nothing is changed.
            automatic: whether the core chooses global_scale when none is given.
        """
        self._shown, self._automatic = settings, automatic
        for name, field in self.fields.items():
            value = getattr(settings, name)
            if name == "init_weights":
                field.value = value if value in _WEIGHTS else _FILE
                if value not in _WEIGHTS:
                    self.weights_file.value = value
                    self._shown_file = self.weights_file.value
            elif isinstance(field, LineEdit):
                field.value = "" if value is None or (name == "global_scale" and automatic) else json.dumps(value)
            else:
                field.value = value
        self._show_file()

    def changes(self) -> dict[str, object]:
        """Return the settings that were changed in the form, for the core's `settings`.

        Raises:
            ModelError: a value cannot work.
        """
        typed = {name: self._typed(name, field) for name, field in self.fields.items()}
        if typed["global_scale"] is None:
            del typed["global_scale"]
        settings = settings_from({**dataclasses.asdict(self._shown), **typed})
        chosen_scale = self._automatic and "global_scale" in typed
        return {
            name: value
            for name in typed
            if (value := getattr(settings, name)) != getattr(self._shown, name)
            or (name == "global_scale" and chosen_scale)
        }

    def _typed(self, name: str, field: ValueWidget[Any]) -> Any:
        if name == "init_weights" and field.value == _FILE:
            # The path is kept as it was written: the widget makes one of this working folder of it.
            unchanged = self.weights_file.value == self._shown_file
            return self._shown.init_weights if unchanged else str(self.weights_file.value)
        if not isinstance(field, LineEdit):
            return field.value
        try:
            return yaml.safe_load(field.value)
        except yaml.YAMLError:
            return field.value

    def _show_file(self) -> None:
        self.weights_file.visible = self.fields["init_weights"].value == _FILE


def _field(name: str, about: Mapping[str, Any]) -> ValueWidget[Any]:
    """Make the widget of one setting of its JSON schema."""
    label = about.get("label", name.replace("_", " "))
    common: Mapping[str, Any] = {"name": name, "tooltip": f"{name}: {about['description']}"}
    field: ValueWidget[Any]
    if about.get("type") == "boolean":
        field = CheckBox(**common, text=label)
    elif name == "init_weights":
        field = ComboBox(**common, label=label, choices=[(text, value) for value, text in _WEIGHTS.items()])
    elif "enum" in about:
        field = ComboBox(**common, label=label, choices=about["enum"])
    elif about.get("type") == "integer":
        field = SpinBox(
            **common,
            label=label,
            min=about["minimum"],
            max=about.get("maximum", _LARGEST),
            step=about.get("multipleOf", 1),
        )
    else:
        field = LineEdit(**common, label=label)
        if name == "global_scale" or "anyOf" in about:
            field.native.setPlaceholderText("automatic" if name == "global_scale" else "none")
    field.native.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return field


# --- train ------------------------------------------------------------------------------------------------------------
# Dock 4: train a network in the background, watch its curves, pause it, and let it go on.


_VERB = "create_dataset_and_train"
_NOTES = 3  # sentences of the core that are shown together


class TrainDock(QWidget):
    """The training of one shuffle."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.session: Session = session_of(napari_viewer)
        self._rows: dict[int, Metrics] = {}  # of the shown shuffle, by step
        self._notes: list[str] = []
        self.heading, self.notes, self.figures = WrappedLabel(), WrappedLabel(), WrappedLabel()
        self.shuffle = QSpinBox()
        self.shuffle.setRange(1, 9999)
        self.shuffle.setToolTip("shuffle: each is a split of the labels into training and test frames, with a network")
        self.form = _SettingsForm()
        self.train = QPushButton("Train")
        self.line = JobLine(self.session, (_VERB,), stop_text="Pause")
        self.curve = CurveView()
        self._create_layout()
        self.shuffle.valueChanged.connect(self._show_shuffle)
        self.train.clicked.connect(self.start)
        self.line.ended.connect(self._on_job_ended)
        self.session.project_changed.connect(self._on_project_changed)
        self.session.jobs.started.connect(self._on_job_started)
        self.session.jobs.progressed.connect(self._on_job_progressed)
        self._on_project_changed()

    def start(self) -> None:
        """Train, or go on from the last snapshot, with what the form says."""
        self.session.attempt(self._start)

    def _start(self) -> None:
        arguments = {"shuffle": self.shuffle.value(), "settings": self.form.changes()}
        self.session.start(_VERB, arguments)

    def _create_layout(self) -> None:
        self.setMinimumWidth(290)
        content, scrolled = QWidget(), QScrollArea()  # all settings and the curves are higher than a small screen
        layout, row = QVBoxLayout(content), QFormLayout()
        layout.setContentsMargins(4, 4, 4, 4)
        row.addRow("shuffle", self.shuffle)
        layout.addWidget(self.heading)
        layout.addLayout(row)
        for widget in (self.form.native, self.train, self.line, self.notes, self.figures):
            layout.addWidget(widget)
        layout.addWidget(self.curve, stretch=1)
        layout.addStretch()
        scrolled.setWidget(content)
        scrolled.setWidgetResizable(True)
        scrolled.setFrameShape(QFrame.Shape.NoFrame)
        scrolled.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        outside = QVBoxLayout(self)
        outside.setContentsMargins(0, 0, 0, 0)
        outside.addWidget(scrolled)

    def _on_project_changed(self) -> None:
        """Show the training that runs, or the shuffle that is chosen."""
        job = self.session.jobs.find(_VERB)
        if job is not None:
            self._on_job_started(job)
        else:
            self._show_shuffle()

    def _on_job_started(self, job: Job) -> None:
        if job.request.verb != _VERB:
            return
        self._notes = []
        self.shuffle.blockSignals(True)
        self.shuffle.setValue(_shuffle_of(job))
        self.shuffle.blockSignals(False)
        self._show_shuffle()
        for report in job.reports:
            self._add_report(report)
        self._draw()

    def _show_shuffle(self) -> None:
        """Show what there is of the chosen shuffle."""
        project, running = self.session.project, self.session.jobs.find(_VERB)
        for widget in (self.form.native, self.shuffle, self.train):
            widget.setEnabled(project is not None and running is None)
        for widget in (self.form.native, self.train):  # the curves have their room while it runs
            widget.setVisible(running is None)
        self._rows = {}
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
        self.form.show_settings(settings or _first_settings(project, number), automatic=settings is None)
        self.train.setText("Resume" if 0 < steps < self.form.fields["maxiters"].value else "Train")
        running = self.session.jobs.find(_VERB) is not None
        state = "trains in the background; go on labelling if you like." if running else _state_text(steps, settings)
        self.heading.setText(f"<b>Shuffle {number}</b>: {state}")

    def _on_job_progressed(self, job: Job, report: Progress | Notice) -> None:
        if job.request.verb == _VERB:
            self._add_report(report)
            self._draw()

    def _add_report(self, report: Progress | Notice) -> None:
        if isinstance(report, Notice):
            self._notes = [*self._notes, in_window(report)][-_NOTES:]
        elif "loss" in report.values:
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
        self.figures.setText(_figures_text(rows[-1]) if rows else "")
        self.figures.setVisible(bool(rows))

    def _on_job_ended(self, job: Job) -> None:
        if job.state == "done":
            self._notes = [_done_text(job)]
        elif job.state == "stopped":
            self._notes = ["Paused; Resume goes on from here."]
        self._show_shuffle()


def _shuffle_of(job: Job) -> int:
    number = job.request.arguments.get("shuffle", 1)
    return number if isinstance(number, int) else 1


def _first_settings(project: Project, shuffle: int) -> TrainingSettings:
    """Return what a new shuffle begins with, as far as that is known: from the iteration before, or config.yaml."""
    with contextlib.suppress(ModelError):  # malformed ones of before are told where they are used
        if (before := previous_training(project.training(shuffle)).settings) is not None:
            return TrainingSettings(**handed_on(before))
    with contextlib.suppress(ModelError):  # other networks of DeepLabCut
        return settings_from({"net_type": project.config.default_net_type})
    return TrainingSettings()


def _state_text(steps: int, settings: TrainingSettings | None) -> str:
    if settings is None:
        return "new; training begins with a split of all labels that there are now."
    if steps >= settings.maxiters:
        return f"trained, {steps} steps. For labels made since, take the next shuffle; more steps train it on."
    if steps:
        return f"{steps} of {settings.maxiters} steps are done."
    return "split, and not trained yet."


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


def _done_text(job: Job) -> str:
    network = job.result.get("network") or {}
    skipped = network.get("skipped") or ()
    tail = f" {len(skipped)} steps gave no finite loss and were skipped." if skipped else ""
    return f"Done. Next: 5 Evaluate, or go on labelling with its proposals.{tail}"
