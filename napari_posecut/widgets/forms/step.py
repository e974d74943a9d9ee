"""A form of some arguments of a step, made from its definition, and the same with a button that runs the step."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from magicgui.widgets import CheckBox, ComboBox, Container, FloatSpinBox, LineEdit, SpinBox
from magicgui.widgets.bases import ValueWidget, Widget
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_posecut.jobs.jobs import Job
from napari_posecut.remedies import hint
from napari_posecut.session import Session, kind_of_end
from napari_posecut.widgets.parts.job_line import JobLine, WrappedLabel, wrappable
from posecut_core.errors import ArgumentError
from posecut_core.results import first_of
from posecut_core.steps import StepArgument, arguments_of, meaning_of

_MOST = 1_000_000  # in fields of numbers without a limit
_LEFT = ""  # the choice that leaves an argument to the step
_SNAPSHOTS = {"snapshot": ("last",), "snapshots": ("last", "all")}  # argument -> words for some of them


class StepForm(Container[Widget]):
    """Fields for some arguments of a step; an empty one leaves the argument to the step.

    Args:
        step: name of the function.
        labels: argument -> what is written beside its field.
    """

    def __init__(self, step: str, labels: Mapping[str, str]) -> None:
        known = {argument.parameter: argument for argument in arguments_of(step)}
        self._defaults = {name: known[name].default for name in labels}
        self._words = frozenset(name for name in labels if known[name].kind is str)
        self.fields: dict[str, ValueWidget[Any]] = {name: _field(known[name], labels) for name in labels}
        self._shown = tuple(self.fields)
        super().__init__(widgets=list(self.fields.values()))
        self.margins = (0, 0, 0, 0)

    def show_only(self, *names: str) -> None:
        """Show the fields of these arguments, and hide the others, which are then left to the step."""
        self._shown = names
        for name, field in self.fields.items():
            field.visible = name in names

    def show_values(self, values: Mapping[str, object]) -> None:
        """Fill in the values that the form has fields for."""
        for name in self.fields.keys() & values.keys():
            self.fields[name].value = values[name]

    def offer_snapshots(self, steps: Sequence[int]) -> None:
        """Offer the snapshots of a training, by their steps; what was chosen stays if it is still there."""
        for name, words in _SNAPSHOTS.items():
            field = self.fields.get(name)
            if isinstance(field, ComboBox):
                chosen, known = field.value, (_LEFT, *words, *steps)
                texts = ("as in the project", *words, *(f"{step:,} steps" for step in steps))
                field.choices = list(zip(texts, known, strict=True))
                field.value = chosen if chosen in known else _LEFT

    def arguments(self) -> dict[str, object]:
        """Return the arguments that the form stands for: those that are not as the step has them by itself.

        Raises:
            ArgumentError: a number is something else.
        """
        shown = ((name, self.fields[name]) for name in self._shown)
        typed = {name: _typed(field, words=name in self._words) for name, field in shown}
        return {name: value for name, value in typed.items() if value is not None and value != self._defaults[name]}


def _field(argument: StepArgument, labels: Mapping[str, str]) -> ValueWidget[Any]:
    label, (least, most) = labels[argument.parameter], argument.limits
    common: Mapping[str, Any] = {
        "name": argument.parameter,
        "label": label,
        "tooltip": hint(argument.meaning, labels),
    }
    field: ValueWidget[Any]
    if argument.kind is bool:
        field = CheckBox(**{**common, "label": ""}, text=label, value=argument.default)
    elif argument.parameter in _SNAPSHOTS:
        field = ComboBox(**common, choices=[("as in the project", _LEFT)])
    elif argument.choices:
        automatic = [("automatic", _LEFT)] if argument.default is None and "auto" not in argument.choices else []
        choices = [*automatic, *((choice, choice) for choice in argument.choices)]
        field = ComboBox(**common, choices=choices, value=argument.default or choices[0][1])
    elif argument.default is None or argument.kind is str:
        field = LineEdit(**common, value=argument.default or "")
        field.native.setPlaceholderText("as in the project" if "config.yaml" in argument.meaning else "automatic")
    elif argument.kind is int:
        field = SpinBox(**common, value=argument.default, min=int(least or 0), max=_MOST)
    else:
        step = 0.001 if most == 1 else 1
        field = FloatSpinBox(**common, value=argument.default, min=least or 0, max=most or _MOST, step=step)
    field.native.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return field


def _typed(field: ValueWidget[Any], *, words: bool) -> object:
    if not isinstance(field, LineEdit):
        return None if field.value == _LEFT else field.value
    if words or not field.value.strip():
        return field.value.strip() or None
    try:
        value = yaml.safe_load(field.value)
    except yaml.YAMLError:
        value = None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ArgumentError(f'"{field.label}" is {field.value!r}, expected a number; correct it or leave it empty.')
    return value


def told(job: Job) -> str:
    """Write what came of a job, and the first of its details, as rich text."""
    message = [f"<b>{wrappable(job.message)}</b>"] if job.message else []
    return "<br>".join([*message, *map(wrappable, first_of(job.lines))])


class StepRunner(QWidget):
    """A step with the form of its arguments, a button that lets a child run it, and what came of it.

    Args:
        session: whose project it is about.
        step: name of the function, which is the name of the verb too.
        labels: argument -> what is written beside its field.
        text: of the button.
        given: what the step is given besides, asked for at each start; None where the user has changed their mind.
    """

    ended = Signal(object)  # Job

    def __init__(
        self,
        session: Session,
        step: str,
        labels: Mapping[str, str],
        text: str,
        *,
        given: Callable[[], Mapping[str, object] | None] = dict,
    ) -> None:
        super().__init__()
        self._session, self._step, self._given = session, step, given
        self._told_of: Path | None = None  # the project whose result is shown
        self.form = StepForm(step, labels)
        self.start_button = QPushButton(text)
        self.start_button.setToolTip(hint(meaning_of(step), labels))
        self.start_button.clicked.connect(lambda: session.attempt(self.start))
        self.line, self.result = JobLine(session, (step,)), WrappedLabel()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.form.native, self.start_button, self.line, self.result):
            layout.addWidget(widget)
        self.form.native.setVisible(bool(labels))
        self.line.ended.connect(self._on_job_ended)
        session.project_changed.connect(self._on_project_changed)
        session.jobs.started.connect(self._update_enabled)
        session.jobs.ended.connect(self._update_enabled)
        self._on_project_changed()

    def start(self) -> None:
        """Let a child run the step.

        Raises:
            ProjectError: no project is open.
            PosecutError: a field holds no number, or other work is in the way.
            StorageError: the project cannot be written to.
        """
        more = self._given()
        if more is not None:
            self._session.start(self._step, {**self.form.arguments(), **more})

    def _on_project_changed(self) -> None:
        """Forget what came of the step in another project; in this one it may be what has just been read again."""
        root = None if self._session.project is None else self._session.project.root
        if root != self._told_of:
            self._told_of = root
            self.result.setText("")
        self._update_enabled()

    def _update_enabled(self) -> None:
        self.result.setVisible(bool(self.result.text()))
        self.start_button.setEnabled(self._session.project is not None and self._session.jobs.can_start(self._step))

    def _on_job_ended(self, job: Job) -> None:
        if job.state == "done":
            self.result.setText(told(job))
            self._session.notify(job.message or "".join(job.lines[:1]), job.remedies, kind=kind_of_end(job))
        self._update_enabled()
        self.ended.emit(job)
