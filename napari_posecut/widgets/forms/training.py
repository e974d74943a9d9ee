"""The settings of a training as a form made from the core's own, and the same with a button, for other programs."""

import contextlib
import dataclasses
import json
import os
from collections.abc import Callable, Collection, Mapping
from itertools import count
from typing import Any

import numpy as np
import yaml
from magicgui.widgets import CheckBox, ComboBox, Container, FileEdit, Label, LineEdit, PushButton, SpinBox
from magicgui.widgets.bases import ValueWidget, Widget
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_posecut.jobs.files import Request
from napari_posecut.jobs.jobs import Job, start
from napari_posecut.remedies import hint, in_window
from posecut_core.dataset.duration import operations_per_second, step_operations
from posecut_core.dataset.settings import (
    CHOSEN,
    TrainingSettings,
    handed_on,
    previous_training,
    read_settings,
    settings_from,
    usual_net_type,
    usual_steps,
)
from posecut_core.dataset.sizes import LabeledSizes, comfortable_scale, longest_side
from posecut_core.dataset.split import read_split
from posecut_core.errors import DatasetError, ModelError, PosecutError
from posecut_core.labels.animal import animal_of
from posecut_core.labels.contents import read_contents
from posecut_core.model.log import read_log
from posecut_core.progress import rough_time
from posecut_core.project.opening import frame_folders, open_project
from posecut_core.project.paths import Project
from posecut_core.results import counted
from posecut_core.storage.values import properties
from posecut_core.types import FrameRef

# --- settings ---------------------------------------------------------------------------------------------------------
# The form of a training's settings, made from the core's own: names, defaults, choices and meanings are its.
#
# What is not a choice, a switch or a count is written as in settings.yaml, and the core says what cannot work.


CHOOSE_FILE = "a file"
_PREVIOUS = "previous"  # in place of weights
INITIAL_WEIGHTS = {
    "imagenet": "ImageNet weights",
    "random": "random weights",
    _PREVIOUS: "previous network",
    CHOOSE_FILE: CHOOSE_FILE,
}
_LARGEST = 2**63 - 1
_LENGTHS = (("quick look", 0.2), ("usual", 1.0), ("thorough", 3.0))  # shares of the usual steps
_OTHER = 0  # steps that are none of these
# Settings by which steps take their time; a crop that is automatic follows the scale.
_OF_SPEED = ("net_type", "init_weights", "width", "batch_size", "crop_size", "global_scale")
_GROUPS = {  # the setting that begins a group -> what the group is about
    "width": "Network",
    "pos_dist_thresh": "Score maps and crops",
    "scale_jitter_lo": "How crops are varied",
    "learning_rate": "Learning",
    "display_iters": "Log and snapshots",
    "precision": "Computation",
}


class SettingsForm(Container[Widget]):
    """A form of what a training can be told: how long, the settings that matter most, and all others, folded away."""

    def __init__(self, pause: Callable[[], object] = lambda: None) -> None:
        """Make the form.

        Args:
            pause: called between parts of it, since making all of it holds a window for a moment.
        """
        self._shown = TrainingSettings()
        self._usual = self._shown.maxiters
        self._speed = 0.0  # operations per second; 0 while nobody has told
        self._sizes: LabeledSizes | None = None  # of what is labeled, once that is known
        self._work = step_operations(self._shown)  # of a step, with what the form says
        self.length = ComboBox(name="length", label="how long", choices=self._lengths())
        self._automatic = CHOSEN  # what the core chooses unless it is given
        settings = {name: about for name, about in properties(TrainingSettings).items() if not about.get("readOnly")}
        self.fields: dict[str, ValueWidget[Any]] = {name: _field(name, about) for name, about in settings.items()}
        self._shown_file: object = None  # of weights, as the widget returns what is shown
        self.weights_file = FileEdit(name="weights_file", label="file", filter="*.safetensors")
        _let_shrink(self.length)
        _let_shrink(self.weights_file)
        self.more = CheckBox(name="more", text="More settings", tooltip="show the settings that are rarely changed")
        rest = [field for name, field in self.fields.items() if not settings[name].get("main")]
        main: list[Widget] = [field for field in self.fields.values() if field not in rest]
        main.insert(main.index(self.fields["init_weights"]) + 1, self.weights_file)
        super().__init__(labels=False)
        first, folded, groups = Container[Widget](), Container[Widget](labels=False), list[Container[Widget]]()
        pause()
        first.extend(main)  # added later than made, their labels get one width
        for field in rest:
            if field.name in _GROUPS:
                pause()
                groups.append(Container[Widget]())
                folded.extend([Label(value=f"<b>{_GROUPS[field.name]}</b>"), groups[-1]])
            groups[-1].append(field)
        pause()
        self.extend([Label(value=self.length.label), self.length, first, self.more, folded])  # minutes need the width
        pause()
        for part in (self, first, folded, *groups):
            part.margins = (0, 0, 0, 0)
        folded.visible = False
        self.more.changed.connect(lambda shown: setattr(folded, "visible", shown))
        self.fields["init_weights"].changed.connect(self._show_file)
        self.length.changed.connect(self._take_length)
        self.fields["maxiters"].changed.connect(self._show_length)
        for name in _OF_SPEED:
            self.fields[name].changed.connect(self._count_work)
        self.show_settings(self._shown, automatic=CHOSEN)

    def show_settings(self, settings: TrainingSettings, *, automatic: frozenset[str]) -> None:
        """Show settings, from which changes count.

        Args:
            settings: those that hold if nothing is changed.
            automatic: what the core chooses where it is not given.
        """
        self._shown, self._automatic = settings, automatic
        for name, field in self.fields.items():
            value = getattr(settings, name)
            if name == "init_weights":
                field.value = value if value in INITIAL_WEIGHTS else CHOOSE_FILE
                if value not in INITIAL_WEIGHTS:
                    self.weights_file.value = value
                    self._shown_file = self.weights_file.value
            elif isinstance(field, LineEdit):
                field.value = "" if value is None or name in automatic else json.dumps(value)
            else:
                field.value = value
        self._show_file()
        self._count_work()

    def show_pace(self, *, frames: int, speed: float, sizes: LabeledSizes | None = None) -> None:
        """Offer lengths that suit so many labeled frames, and say how many minutes each takes.

        Args:
            frames: how many are labeled.
            speed: operations per second, as `speed_of` returns them.
            sizes: of what is labeled, where the core chooses by them.
        """
        if sizes != self._sizes:
            self._sizes = sizes
            self._count_work()
        usual = usual_steps(frames) if frames else self._usual
        if (usual, speed) == (self._usual, self._speed):
            return
        field = self.fields["maxiters"]
        untouched = "maxiters" in self._automatic and field.value in (self._usual, self._shown.maxiters)
        self._usual, self._speed = usual, speed
        self._show_lengths()
        if untouched:
            field.value = usual
        self._show_length()

    def seconds(self, steps: int) -> float:
        """Return about how long so many steps take with what the form says; 0 where that is not known."""
        return steps * self._work / self._speed if self._speed > 0 else 0.0

    def _count_work(self) -> None:
        """Count the work of a step again; what cannot work is said when the training is started."""
        with contextlib.suppress(ModelError):
            typed = {name: value for name in _OF_SPEED if (value := self._typed(name, self.fields[name])) is not None}
            settings = settings_from({**dataclasses.asdict(self._shown), **typed})
            work = step_operations(self._with_crop(settings, typed))
            if work != self._work:
                self._work = work
                self._show_lengths()

    def _with_crop(self, settings: TrainingSettings, typed: Collection[str]) -> TrainingSettings:
        """Return settings with the crop that the core will choose, where none is given and the labels are known."""
        if self._sizes is None or "crop_size" in typed or "crop_size" not in self._automatic:
            return settings
        scaled = "global_scale" in typed or "global_scale" not in self._automatic
        scale = settings.global_scale if scaled else comfortable_scale(self._sizes.frame)
        return dataclasses.replace(settings, crop_size=self._sizes.crop_size(scale=scale))

    def _show_lengths(self) -> None:
        with self.length.changed.blocked():
            self.length.choices = self._lengths()
        self._show_length()

    def _steps_of_lengths(self) -> dict[str, int]:
        return {text: round(share * self._usual) for text, share in _LENGTHS}

    def _lengths(self) -> list[tuple[str, int]]:
        steps_of = self._steps_of_lengths()
        lengths = [(f"{text}: {steps:,} steps{self._duration(steps)}", steps) for text, steps in steps_of.items()]
        return [("as many steps as below", _OTHER), *lengths]

    def _duration(self, steps: int) -> str:
        seconds = self.seconds(steps)
        return f", about {rough_time(seconds)}" if seconds else ""

    def _take_length(self, steps: int) -> None:
        if steps != _OTHER:
            self.fields["maxiters"].value = steps

    def _show_length(self) -> None:
        steps = self.fields["maxiters"].value
        with self.length.changed.blocked():
            self.length.value = steps if steps in self._steps_of_lengths().values() else _OTHER

    def changes(self) -> dict[str, object]:
        """Return the settings that were changed in the form, for the core's `settings`.

        Raises:
            ModelError: a value cannot work.
        """
        typed = {name: self._typed(name, field) for name, field in self.fields.items()}
        typed = {name: value for name, value in typed.items() if value is not None or name not in CHOSEN}
        if "maxiters" in self._automatic and typed["maxiters"] == self._usual:
            del typed["maxiters"]  # the core chooses it by the frames that train, which are fewer
        settings = settings_from({**dataclasses.asdict(self._shown), **typed})
        return {
            name: value
            for name in typed
            if (value := getattr(settings, name)) != getattr(self._shown, name) or name in self._automatic
        }

    def _typed(self, name: str, field: ValueWidget[Any]) -> Any:
        if name == "init_weights" and field.value == CHOOSE_FILE:
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
        self.weights_file.visible = self.fields["init_weights"].value == CHOOSE_FILE


def _field(name: str, about: Mapping[str, Any]) -> ValueWidget[Any]:
    """Make the widget of one setting of its JSON schema."""
    label = about["label"]
    common: Mapping[str, Any] = {"name": name, "tooltip": hint(about["description"], {})}
    field: ValueWidget[Any]
    if about.get("type") == "boolean":
        field = CheckBox(**common, text=label)
    elif name == "init_weights":
        field = ComboBox(**common, label=label, choices=[(text, value) for value, text in INITIAL_WEIGHTS.items()])
    elif "enum" in about:
        field = ComboBox(**common, label=label, choices=about["enum"])
    elif about.get("type") == "integer" and (name not in CHOSEN or about.get("main")):
        field = SpinBox(
            **common,
            label=label,
            min=about["minimum"],
            max=about.get("maximum", _LARGEST),
            step=about.get("multipleOf", 1),
        )
    else:
        field = LineEdit(**common, label=label)
        if name in CHOSEN or "anyOf" in about:
            _say_if_empty(field, "automatic" if name in CHOSEN else "none")
    _let_shrink(field)
    return field


def _let_shrink(field: Widget) -> None:
    """Let a field take the room that its dock has."""
    if isinstance(field.native, QWidget):  # not in a notebook without Qt
        field.native.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)


def _say_if_empty(field: LineEdit, text: str) -> None:
    if hasattr(field.native, "setPlaceholderText"):
        field.native.setPlaceholderText(text)


# --- plan -------------------------------------------------------------------------------------------------------------
# What the next training is made of: its number, the settings it begins with, and the frames that the last one had.


def new_shuffle(project: Project) -> int:
    """Return the first shuffle that has no training dataset."""
    return next(number for number in count(1) if not project.training(number).split.exists())


def earlier_settings(project: Project, shuffle: int) -> TrainingSettings | None:
    """Return the settings of the nearest shuffle before one in this iteration; None where there is none."""
    paths = (project.training(number).settings for number in range(shuffle - 1, 0, -1))
    path = next((path for path in paths if path.exists()), None)
    with contextlib.suppress(ModelError):  # malformed ones are reported where they are used
        return None if path is None else read_settings(path)
    return None


def given(settings: TrainingSettings) -> dict[str, object]:
    """Return settings as they are given to a new training: those that differ from the defaults, and the network."""
    editable = [name for name, about in properties(TrainingSettings).items() if not about.get("readOnly")]
    usual = TrainingSettings()
    changed = {name: value for name in editable if (value := getattr(settings, name)) != getattr(usual, name)}
    return {"net_type": settings.net_type, **changed}


def frames_of(project: Project, shuffle: int) -> frozenset[FrameRef]:
    """Return the frames of a training dataset; none where there is no readable one."""
    with contextlib.suppress(DatasetError):
        split = read_split(project.training(shuffle).split)
        return frozenset((*split.train, *split.test))
    return frozenset()


@dataclasses.dataclass(frozen=True)
class Start:
    """What a new shuffle begins with."""

    settings: TrainingSettings
    given: Mapping[str, object]  # what of it the core would not choose by itself
    automatic: frozenset[str]  # what the core chooses where it is not given


def start_of(project: Project, shuffle: int) -> Start:
    """Return what a new shuffle begins with: as one before it in this iteration, else as far as that is known."""
    earlier = earlier_settings(project, shuffle)
    if earlier is not None:
        return Start(earlier, given(earlier), frozenset())
    first = first_settings(project, shuffle)
    return Start(first, {"init_weights": _PREVIOUS} if first.init_weights == _PREVIOUS else {}, CHOSEN)


def first_settings(project: Project, shuffle: int) -> TrainingSettings:
    """Return what the first shuffle of an iteration begins with, as far as that is known.

    From the iteration before it has the network, if there is one, and what is handed on; else what config.yaml says.
    """
    with contextlib.suppress(ModelError):  # malformed ones of before are reported where they are used
        before = previous_training(project.training(shuffle))
        if before.settings is not None:
            weights = {"init_weights": _PREVIOUS} if before.network is not None else {}
            return TrainingSettings(**{**handed_on(before.settings), **weights})
    with contextlib.suppress(ModelError):  # other networks of DeepLabCut
        return settings_from({"net_type": usual_net_type(project)})
    return TrainingSettings()


def speed_of(project: Project, shuffle: int) -> float:
    """Return operations per second: of the last training of a shuffle, of an earlier one, or as this computer has them.

    They are those of `step_operations`, so that they tell of other settings, too.
    """
    with contextlib.suppress(ModelError):
        for number in range(shuffle, 0, -1):
            training = project.training(number)
            rows = [row.steps_per_second for row in read_log(training.log) if row.steps_per_second > 0]
            if rows:
                return sorted(rows)[len(rows) // 2] * step_operations(read_settings(training.settings))
    return operations_per_second()


def sizes_of(project: Project) -> LabeledSizes | None:
    """Return how large the labeled frames and the animal in them are; None where that cannot be known."""
    with contextlib.suppress(PosecutError):
        tables = [read_contents(project, folder.name).table(folder.name) for folder in frame_folders(project)]
        tables = [table for table in tables if len(table.numbers)]
        if tables:
            animal = animal_of(np.concatenate([table.xy for table in tables]))
            return LabeledSizes(animal.size, longest_side(project, tables))
    return None


def edited_since(project: Project, shuffle: int) -> bool:
    """Tell whether labels may have been edited since a training dataset was made of them."""
    split = project.training(shuffle).split
    journals = [project.label_journal(folder.name) for folder in frame_folders(project)]
    newest = max((path.stat().st_mtime_ns for path in journals if path.exists()), default=0)
    return split.exists() and newest > split.stat().st_mtime_ns


def count_text(labeled: int, unused: int, *, edited: bool = False) -> str:
    """Say how many labeled frames the last training dataset has, and how many it lacks.

    Args:
        labeled: frames.
        unused: those of them that it lacks.
        edited: whether labels were edited since it was made.
    """
    if not labeled:
        return "No frame is labeled yet; label some first (3 Label)."
    if unused == labeled:
        return f"{counted(labeled, 'labeled frame')}; no training dataset has them yet."
    if not unused and edited:
        return f"{counted(labeled, 'labeled frame')}, all in the last training dataset; labels were edited since."
    if not unused:
        return f"{counted(labeled, 'labeled frame')}, all in the last training dataset."
    return f"{counted(labeled, 'labeled frame')}: {labeled - unused} in the last training dataset, {unused} not."


# --- widget -----------------------------------------------------------------------------------------------------------
# The form with a button that trains: for a notebook, or a plugin of somebody else.


class TrainWidget(Container[Widget]):
    """Trains the next shuffle of a project on all that is labeled, in a process of its own."""

    def __init__(self, config: str | os.PathLike[str]) -> None:
        self.config_path = open_project(config).config_path
        self.job: Job | None = None  # the training that was started last
        self.counts, self.form, self.said = Label(name="counts"), SettingsForm(), Label(name="said")
        self.train = PushButton(name="train", text="Train on what is labeled now")
        super().__init__(widgets=[self.counts, self.form, self.train, self.said], labels=False)
        self.train.changed.connect(self.start)
        self.show_project()

    def show_project(self) -> None:
        """Read the project again: how much is labeled, and the settings of the shuffle before."""
        project = open_project(self.config_path)
        number = new_shuffle(project)
        labeled, used = _labeled_frames(project), frames_of(project, number - 1) if number > 1 else frozenset()
        self.counts.value = count_text(len(labeled), len(labeled - used))
        start = start_of(project, number)
        self.form.show_settings(start.settings, automatic=start.automatic)
        sizes = sizes_of(project) if "crop_size" in start.automatic else None
        self.form.show_pace(frames=len(labeled), speed=speed_of(project, number), sizes=sizes)

    def start(self) -> None:
        """Make the next training dataset of all labels, and train on it; what is refused is said in the widget."""
        try:
            project = open_project(self.config_path)
            number = new_shuffle(project)
            settings = {**start_of(project, number).given, **self.form.changes()}
            request = Request("create_dataset_and_train", {"shuffle": number, "settings": settings})
            self.job = start(self.config_path, request)
            self.said.value = (
                f"Shuffle {number} is trained in the background; its log is {project.training(number).log}."
            )
        except PosecutError as error:
            self.said.value = in_window(error)


def _labeled_frames(project: Project) -> frozenset[FrameRef]:
    states = {folder.name: read_contents(project, folder.name).history.state for folder in frame_folders(project)}
    return frozenset(
        FrameRef(video, number)
        for video, state in states.items()
        for number, frame in state.shown()
        if not frame.dropped and any(point.is_label for point in frame.points.values())
    )
