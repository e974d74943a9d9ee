"""A form of some arguments of a step, made from its definition: names, defaults, choices, limits and meanings."""

from collections.abc import Mapping
from typing import Any

import yaml
from magicgui.widgets import CheckBox, ComboBox, Container, FloatSpinBox, LineEdit, SpinBox
from magicgui.widgets.bases import ValueWidget, Widget
from qtpy.QtWidgets import QSizePolicy

from posecut_core.errors import ArgumentError
from posecut_core.steps import StepArgument, arguments_of

_MOST = 1_000_000  # in fields of numbers without a limit


class StepForm(Container[Widget]):
    """Fields for some arguments of a step; an empty one leaves the argument to the step.

    Args:
        step: name of the function.
        labels: argument -> what is written beside its field.
    """

    def __init__(self, step: str, labels: Mapping[str, str]) -> None:
        known = {argument.parameter: argument for argument in arguments_of(step)}
        self._defaults = {name: known[name].default for name in labels}
        self.fields: dict[str, ValueWidget[Any]] = {name: _field(known[name], label) for name, label in labels.items()}
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

    def arguments(self) -> dict[str, object]:
        """Return the arguments that the form stands for: those that are not as the step has them by itself.

        Raises:
            ArgumentError: a number is something else.
        """
        typed = {name: _typed(name, field) for name, field in self.fields.items() if name in self._shown}
        return {name: value for name, value in typed.items() if value is not None and value != self._defaults[name]}


def _field(argument: StepArgument, label: str) -> ValueWidget[Any]:
    least, most = argument.limits
    common: Mapping[str, Any] = {
        "name": argument.parameter,
        "label": label,
        "tooltip": f"{argument.parameter}: {argument.meaning}",
    }
    field: ValueWidget[Any]
    if argument.kind is bool:
        field = CheckBox(**{**common, "label": ""}, text=label, value=argument.default)
    elif argument.choices:
        chosen = argument.default or argument.choices[0]
        field = ComboBox(**common, choices=argument.choices, value=chosen)
    elif argument.default is None:
        field = LineEdit(**common)
        field.native.setPlaceholderText("as in config.yaml")
    elif argument.kind is int:
        field = SpinBox(**common, value=argument.default, min=int(least or 0), max=_MOST)
    else:
        step = 0.001 if most == 1 else 1
        field = FloatSpinBox(**common, value=argument.default, min=least or 0, max=most or _MOST, step=step)
    field.native.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return field


def _typed(name: str, field: ValueWidget[Any]) -> object:
    if not isinstance(field, LineEdit) or not field.value.strip():
        return None if isinstance(field, LineEdit) else field.value
    try:
        value = yaml.safe_load(field.value)
    except yaml.YAMLError:
        value = None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ArgumentError(f"{name} is {field.value!r}, expected a number; correct it or leave it empty.")
    return value
