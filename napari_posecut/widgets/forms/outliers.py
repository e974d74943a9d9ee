"""The form in which a person says what makes a frame look wrong."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from magicgui.widgets import ComboBox, Container, FloatSpinBox, LineEdit, Select, SpinBox
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from posecut_core.errors import ArgumentError
from posecut_core.refinement.criteria import CHOSEN_BY_HAND, Criteria

METHODS = (  # what is said, the algorithm, the fields that it has
    ("a bodypart jumps", "jump", ("epsilon", "bodyparts")),
    ("a likelihood is low", "uncertain", ("p_bound", "bodyparts")),
    (
        "off the expected path",
        "fitting",
        ("epsilon", "p_bound", "ARdegree", "MAdegree", "alpha", "bodyparts"),
    ),
    ("unlike any labelled pose", "pca", ("epsilon", "bodyparts")),
    ("two networks disagree", "disagreement", ("epsilon", "other", "bodyparts")),
    ("some of the frames I name", "list", ("frames",)),
    ("all of the frames I name", "manual", ("frames",)),
)
_USUAL: Mapping[str, Any] = {field.name: field.default for field in dataclasses.fields(Criteria)}
_LONGEST = 10_000_000  # frames; more in one range is a slip of the keyboard


class OutlierForm(QWidget):
    """Method, its numbers, and how many frames are wanted."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.method = ComboBox(label="wrong if", choices=[(text, name) for text, name, _ in METHODS])
        self.fields = _fields()
        self.number = SpinBox(label="frames per video", min=1, max=1000, value=20)
        self.choice = ComboBox(
            label="choose them", choices=[("that look different", "kmeans"), ("at random", "uniform")]
        )
        self.container = Container(widgets=[self.method, *self.fields.values(), self.number, self.choice])
        self.container.margins = (0, 0, 0, 0)
        parts = self.fields["bodyparts"].native  # which would claim the space of hundreds of names
        parts.setMinimumWidth(100)
        parts.setMaximumHeight(76)
        parts.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.container.native)
        self.method.changed.connect(self._show_fields)
        self.container.changed.connect(lambda: self.changed.emit())
        self._show_fields()

    @property
    def algorithm(self) -> str:
        """Return the chosen method, as the core calls it."""
        return str(self.method.value)

    @property
    def by_hand(self) -> bool:
        """Tell whether a person names the frames."""
        return self.algorithm in CHOSEN_BY_HAND

    def offer(self, *, bodyparts: Sequence[str], others: Sequence[tuple[str, str]], number: int) -> None:
        """Offer bodyparts, networks to compare with (what is said, scorer), and a usual number of frames."""
        self.fields["bodyparts"].choices = list(bodyparts)
        self.fields["other"].choices = list(others)
        self.number.value = number

    def arguments(self) -> dict[str, object]:
        """Return the arguments of extract_outlier_frames that the form stands for; the network compared is left out.

        Raises:
            ArgumentError: the frames that a person names are no numbers.
        """
        given: dict[str, object] = {
            "outlieralgorithm": self.algorithm,
            "extractionalgorithm": self.choice.value,
            "number_of_frames": self.number.value,
        }
        for name in _names_of(self.algorithm):
            value = self.fields[name].value
            if name == "bodyparts" and value:
                given["comparisonbodyparts"] = list(value)
            elif name == "frames":
                given["frames"] = list(frames_in(value))
            elif name not in ("bodyparts", "other"):
                given[name] = value
        return given

    def _show_fields(self) -> None:
        wanted = _names_of(self.algorithm)
        for name, field in self.fields.items():
            field.visible = name in wanted
        self.choice.visible = self.number.visible = self.algorithm != "manual"


def frames_in(text: str) -> tuple[int, ...]:
    """Read frame numbers such as "12, 40-44".

    Raises:
        ArgumentError: they are no frame numbers.
    """
    numbers: set[int] = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        first, _, last = part.partition("-")
        if not (first.strip().isdecimal() and (not last or last.strip().isdecimal())):
            raise ArgumentError(f"{part!r} is no frame number, expected numbers such as 12, 40-44; correct it.")
        begin, end = int(first), int(last or first)
        if not 0 <= end - begin < _LONGEST:
            raise ArgumentError(f"{part!r} is no range of frames, expected the smaller number first; correct it.")
        numbers.update(range(begin, end + 1))
    if not numbers:
        raise ArgumentError("No frames are named, expected numbers such as 12, 40-44; write some.")
    return tuple(sorted(numbers))


def _names_of(algorithm: str) -> tuple[str, ...]:
    return next(names for _, name, names in METHODS if name == algorithm)


def _fields() -> Mapping[str, Any]:
    return {
        "epsilon": FloatSpinBox(label="pixels above", value=_USUAL["epsilon"], min=0, max=10_000, step=1),
        "p_bound": FloatSpinBox(label="likelihood below", value=_USUAL["p_bound"], min=0, max=1, step=0.01),
        "ARdegree": SpinBox(label="earlier values", value=_USUAL["ARdegree"], min=1, max=20),
        "MAdegree": SpinBox(label="earlier errors", value=_USUAL["MAdegree"], min=0, max=20),
        "alpha": FloatSpinBox(label="outside chance", value=_USUAL["alpha"], min=0.001, max=1, step=0.01),
        "other": ComboBox(label="compared with", choices=[]),
        "frames": LineEdit(label="frames", tooltip="such as 12, 40-44"),
        "bodyparts": Select(label="judged by", choices=[], tooltip="none chosen: all bodyparts"),
    }
