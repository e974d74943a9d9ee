"""The form of a training's settings, made from the core's own: names, defaults, choices and meanings are its.

What is not a choice, a switch or a count is written as in settings.yaml, and the core says what cannot work.
"""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, get_args

import yaml
from magicgui.widgets import CheckBox, ComboBox, FileEdit, LineEdit, SpinBox
from magicgui.widgets.bases import ValueWidget
from qtpy.QtWidgets import QFormLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from posecut_core.dataset.settings import CHOICES, TrainingSettings, settings_from

MAIN = {  # the few that matter, and how they are called here
    "net_type": "network",
    "init_weights": "begins with",
    "maxiters": "steps",
    "batch_size": "crops per step",
    "global_scale": "frame scale",
}
_WRITTEN = ("init_origin", "init_sha256")  # by train-network
_FILE = "a file"
_WEIGHTS = {"imagenet": "ImageNet weights", "random": "random weights", "previous": "previous network", _FILE: _FILE}
_MOST = 2**31 - 1


class SettingsForm(QWidget):
    """A form of what a training can be told; the rarely needed settings are folded away."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: TrainingSettings | None = None
        self._automatic = False  # whether global_scale is chosen by the core unless it is given
        entries = [entry for entry in dataclasses.fields(TrainingSettings) if entry.name not in _WRITTEN]
        self.fields: dict[str, ValueWidget] = {entry.name: _field(entry) for entry in entries}
        self._shown_file: object = None  # of weights, as the widget returns what is shown
        self.weights_file = FileEdit(name="weights_file", label="file", filter="*.safetensors")
        self.more = QToolButton()
        self.more.setText("More settings")
        self.more.setCheckable(True)
        self._main = _form([self.fields[name] for name in MAIN])
        self._main.insertRow(2, "", self.weights_file.native)
        rest = QWidget()
        rest.setLayout(_form([field for name, field in self.fields.items() if name not in MAIN]))
        rest.setVisible(False)
        self.more.toggled.connect(rest.setVisible)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._main)
        for widget in (self.more, rest):
            layout.addWidget(widget)
        self.fields["init_weights"].changed.connect(self._show_file)
        self.show_settings(TrainingSettings(), automatic=True)

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
        assert self._shown is not None
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

    def _typed(self, name: str, field: ValueWidget) -> Any:
        if name == "init_weights" and field.value == _FILE:
            # The path is kept as it was written: the widget makes one of this working folder of it.
            if self._shown is not None and self.weights_file.value == self._shown_file:
                return self._shown.init_weights
            return str(self.weights_file.value)
        if not isinstance(field, LineEdit):
            return field.value
        try:
            return yaml.safe_load(field.value)
        except yaml.YAMLError:
            return field.value

    def _show_file(self) -> None:
        self._main.setRowVisible(2, self.fields["init_weights"].value == _FILE)


def _form(fields: list[ValueWidget]) -> QFormLayout:
    form = QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    for field in fields:
        label = QLabel(field.label)
        label.setToolTip(field.tooltip or "")
        field.native.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        form.addRow(label, field.native)
    return form


def _field(entry: "dataclasses.Field[Any]") -> ValueWidget:
    """Make the widget of one setting."""
    name, meaning = entry.name, str(entry.metadata["meaning"])
    told: Mapping[str, Any] = {
        "name": name,
        "label": MAIN.get(name, name.replace("_", " ")),
        "tooltip": f"{name}: {meaning}",
    }
    if name == "init_weights":
        return ComboBox(**told, choices=[(text, value) for value, text in _WEIGHTS.items()])
    if name in CHOICES:
        return ComboBox(**told, choices=CHOICES[name])
    if entry.type is bool:
        box = CheckBox(**told)
        box.native.setText("")  # its label is beside it
        return box
    if entry.type is int:
        return SpinBox(**told, min=0, max=_MOST)
    field = LineEdit(**told)
    if name == "global_scale" or type(None) in get_args(entry.type):
        field.native.setPlaceholderText("automatic" if name == "global_scale" else "none")
    return field
