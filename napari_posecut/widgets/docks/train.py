"""Dock 4: train a network in the background, watch its curves, pause it, and let it go on."""

import contextlib
import dataclasses
import json
import math
from collections.abc import Mapping
from itertools import count
from typing import Any

import yaml
from magicgui.widgets import CheckBox, ComboBox, Container, FileEdit, LineEdit, SpinBox
from magicgui.widgets.bases import ValueWidget, Widget
from napari import Viewer
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QFormLayout,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_posecut.jobs.jobs import Job
from napari_posecut.remedies import in_window
from napari_posecut.session import Session, session_of
from napari_posecut.widgets.parts import name_controls, scroll_content
from napari_posecut.widgets.parts.curves import CurveView, Series
from napari_posecut.widgets.parts.job_line import JobLine, WrappedLabel, wrappable
from posecut_core.dataset.settings import (
    TrainingSettings,
    handed_on,
    previous_training,
    read_settings,
    settings_from,
)
from posecut_core.dataset.split import read_split
from posecut_core.errors import DatasetError, ModelError, Remedy
from posecut_core.model.log import Metrics, read_log
from posecut_core.progress import Notice, Progress, rough_time
from posecut_core.project.paths import Project
from posecut_core.storage.values import properties
from posecut_core.types import FrameRef

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
_LABELED = ("begun", "done")  # frames that a training dataset made now would have
_QUIET = 300  # milliseconds without a change of labels, after which frames are counted
_NOTES = 3  # sentences of the core that are shown together


class TrainDock(QWidget):
    """The training of one shuffle."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.session: Session = session_of(napari_viewer)
        self._rows: dict[int, Metrics] = {}  # of the shown shuffle, by step
        self._notes: list[str] = []
        self._state = ""  # of the shown shuffle, in rich text
        self._used: frozenset[FrameRef] = frozenset()  # frames of the training dataset of the shown shuffle
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
        self.form = _SettingsForm()
        self.start_button = QPushButton("Train")
        self.line = JobLine(self.session, (_VERB,), stop_text="Pause")
        self.curve = CurveView()
        self._create_layout()
        self.shuffle.valueChanged.connect(self._show_shuffle)
        self.start_button.clicked.connect(self.start)
        self.line.ended.connect(self._on_job_ended)
        self.form.fields["maxiters"].changed.connect(self._update_button)
        self.session.project_changed.connect(self._on_project_changed)
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
            self.shuffle.setValue(_new_shuffle(self.session.require_project()))
        if weights in _WEIGHTS:
            self.form.fields["init_weights"].value = weights
            self.start()
        elif weights is not None:
            self.form.fields["init_weights"].value = _FILE

    def start(self) -> None:
        """Train, or go on from the last snapshot, with what the form says."""
        self.session.attempt(self._start)

    def _start(self) -> None:
        project, changes = self.session.require_project(), self.form.changes()
        if self._is_finished():
            if not self._unused_frames():
                raise ModelError(
                    f"Shuffle {self.shuffle.value()} is trained to its end with all labels; raise the number of steps "
                    "to train it further, or choose another shuffle."
                )
            self.shuffle.setValue(_new_shuffle(project))
        settings = {**self._inherited, **self.form.changes(), **changes}
        self.session.start(_VERB, {"shuffle": self.shuffle.value(), "settings": settings})

    def _is_finished(self) -> bool:
        """Tell whether the chosen shuffle has all the steps that the form asks for."""
        steps: int = max(self._rows, default=0)
        return steps > 0 and self.form.fields["maxiters"].value <= steps

    def _unused_frames(self) -> int:
        """Count the labeled frames that the chosen shuffle was neither trained on nor is tested with."""
        labeling = self.session.labeling
        frames = labeling.index.frames if labeling is not None and self._used else ()
        return sum(key not in self._used and labeling.status(key) in _LABELED for key in frames if labeling)

    def _create_layout(self) -> None:
        self.setMinimumWidth(290)
        content = QWidget()
        layout, row = QVBoxLayout(content), QFormLayout()
        layout.setContentsMargins(4, 4, 4, 4)
        row.addRow("shuffle", self.shuffle)
        layout.addWidget(self.heading)
        layout.addLayout(row)
        for widget in (self.form.native, self.start_button, self.line, self.notes, self.figures):
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
        for widget in (self.form.native, self.shuffle, self.start_button):
            widget.setEnabled(project is not None and running is None)
        for widget in (self.form.native, self.start_button):  # the curves have their room while it runs
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
        earlier = None if settings is not None else _earlier_settings(project, number)
        self._inherited = {} if earlier is None else _given(earlier)
        self._used = _frames_of(project, number)
        first = settings or earlier or _first_settings(project, number)
        self.form.show_settings(first, automatic=settings is None and earlier is None)
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
        unused, finished = self._unused_frames(), self._is_finished()
        text = "Train with all labels" if finished and unused else "Resume" if self._rows and not finished else "Train"
        self.start_button.setText(text)
        lacks = "1 labeled frame is" if unused == 1 else f"{unused} labeled frames are"
        self.heading.setText(f"{self._state} {lacks} not in it." if unused else self._state)

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
            self._notes = [f"Done. {job.message} Next: 5 Evaluate, or go on labeling with its proposals."]
        elif job.state == "stopped":
            self._notes = ["Paused; press Resume to continue."]
        self._show_shuffle()


def _new_shuffle(project: Project) -> int:
    """Return the first shuffle that has no training dataset."""
    return next(number for number in count(1) if not project.training(number).split.exists())


def _shuffle_of(job: Job) -> int:
    number = job.request.arguments.get("shuffle", 1)
    return number if isinstance(number, int) else 1


def _earlier_settings(project: Project, shuffle: int) -> TrainingSettings | None:
    """Return the settings of the nearest shuffle before one in this iteration; None where there is none."""
    paths = (project.training(number).settings for number in range(shuffle - 1, 0, -1))
    path = next((path for path in paths if path.exists()), None)
    with contextlib.suppress(ModelError):  # malformed ones are reported where they are used
        return None if path is None else read_settings(path)
    return None


def _given(settings: TrainingSettings) -> dict[str, object]:
    """Return settings as they are given to a new training: those that differ from the defaults, and the network."""
    editable = [name for name, about in properties(TrainingSettings).items() if not about.get("readOnly")]
    usual = TrainingSettings()
    changed = {name: value for name in editable if (value := getattr(settings, name)) != getattr(usual, name)}
    return {"net_type": settings.net_type, **changed}


def _frames_of(project: Project, shuffle: int) -> frozenset[FrameRef]:
    """Return the frames of a training dataset; none where there is no readable one."""
    with contextlib.suppress(DatasetError):
        split = read_split(project.training(shuffle).split)
        return frozenset((*split.train, *split.test))
    return frozenset()


def _first_settings(project: Project, shuffle: int) -> TrainingSettings:
    """Return what a new shuffle begins with, as far as that is known: from the iteration before, or config.yaml."""
    with contextlib.suppress(ModelError):  # malformed ones of before are reported where they are used
        if (before := previous_training(project.training(shuffle)).settings) is not None:
            return TrainingSettings(**handed_on(before))
    with contextlib.suppress(ModelError):  # other networks of DeepLabCut
        return settings_from({"net_type": project.config.default_net_type})
    return TrainingSettings()


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
