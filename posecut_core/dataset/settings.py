"""The settings of one training run: Box 2 of the paper and what has proved its worth since.

They are a YAML file in the model's folder, `settings.yaml`, made by create-training-dataset for the user to edit.
"""

import contextlib
import dataclasses
import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.dataclasses import dataclass

from posecut_core.backbones import AUTO, net_types
from posecut_core.errors import ModelError, Remedy
from posecut_core.progress import Notice, Report, silent
from posecut_core.project.config import ProjectConfig
from posecut_core.project.paths import Project, Training
from posecut_core.storage.files import SETTINGS, read_text, write_text
from posecut_core.storage.values import SettingError, faults, properties, shown
from posecut_core.storage.yaml_files import plain_values
from posecut_core.video.neighbors import MOST_CONTEXT

_WIDTHS = (0.25, 0.5, 1.0)


def _setting(default: Any, meaning: str, **about: Any) -> Any:
    """Describe a setting: its default and meaning, pydantic's bounds, and what else its JSON schema says."""
    bounds = {name: about.pop(name) for name in ("ge", "le", "multiple_of", "min_length", "pattern") if name in about}
    return Field(default=default, description=meaning, json_schema_extra=about, **bounds)


@dataclass(frozen=True, config=ConfigDict(strict=True, extra="forbid", allow_inf_nan=False))
class TrainingSettings:
    """How a network is built and trained; lengths are pixels of the full frame unless said otherwise.

    In the JSON schema, `label` is what a form calls a setting, `main` stands at the few that matter most,
    `expected` says in words what a setting takes, `chosen` stands at those that create-training-dataset chooses by
    the labels unless they are given (their defaults here are for files that lack them), and `readOnly` at those
    that train-network writes.
    """

    net_type: str = Field(
        default="resnet_50",
        description=f"{', '.join(net_types())}, or auto: what suits the device, written here when training begins",
        json_schema_extra=lambda schema: schema.update(label="network", main=True, enum=[*net_types(), AUTO]),
    )
    width: float = _setting(
        1.0,
        "share of the usual channels, of random weights only; 0.5 takes a third of the time",
        enum=[*_WIDTHS],
        label="network width",
    )
    norm: Literal["auto", "group", "frozen_batch"] = _setting(
        "auto", "group, frozen_batch, or auto: what the initial weights need", label="normalization"
    )
    init_weights: str = _setting(
        "imagenet",
        "imagenet (fetched once from the model hub), random, previous (the last network of this shuffle in an "
        "earlier iteration), or the path of a .safetensors file",
        min_length=1,
        label="begins with",
        main=True,
        expected="'imagenet', 'random', 'previous' or a file's path",
    )
    init_origin: str | None = _setting(
        None,
        "which ImageNet weights or snapshot these were; train-network writes it",
        pattern=r"^([\w.-]+/[\w.-]+@[0-9a-f]{40}|iteration-\d+/.+/snapshot-\d+)$",
        readOnly=True,
        expected="null, REPOSITORY@COMMIT or ITERATION/TRAINING/SNAPSHOT",
        label="origin of the weights",
    )
    init_sha256: str | None = _setting(
        None,
        "SHA-256 of the weights' file; train-network writes it",
        pattern="^[0-9a-f]{64}$",
        readOnly=True,
        expected="null or 64 hexadecimal digits",
        label="sum of the weights",
    )
    global_scale: float = _setting(
        0.8,
        "frames are scaled by this before the network sees them, always",
        ge=0.05,
        le=4,
        label="frame scale",
        main=True,
        chosen=True,
    )
    context: int = _setting(
        0,
        "the network also sees so many frames before and after each; for bodyparts that are hidden or blurred now and "
        "then",
        ge=0,
        le=MOST_CONTEXT,
        label="neighbor frames",
    )
    intermediate_supervision: bool = _setting(
        False,
        "also train maps read from the third stage, as the paper does for resnet_101 and resnet_152",
        label="intermediate supervision",
    )
    pos_dist_thresh: float = _setting(
        17.0,
        "cells within this distance of a label count as the bodypart",
        ge=1,
        le=1000,
        chosen=True,
        label="bodypart radius",
    )
    batch_size: int = _setting(8, "crops per step", ge=1, label="crops per step", main=True)
    crop_size: int = _setting(
        224,
        "side of a training crop in pixels of the scaled frame; a multiple of 16",
        ge=64,
        le=4096,
        multiple_of=16,
        chosen=True,
        label="crop size",
    )
    crop_on_animal: float = _setting(
        0.8, "share of crops that are centered near the animal, not anywhere", ge=0, le=1, label="crops on the animal"
    )
    scale_jitter_lo: float = _setting(
        0.75, "crops are magnified by at least this", ge=0.1, le=10, label="magnified at least"
    )
    scale_jitter_up: float = _setting(
        1.25, "crops are magnified by at most this", ge=0.1, le=10, label="magnified at most"
    )
    rotation: float = _setting(
        30.0,
        "crops are turned by up to this many degrees either way",
        ge=0,
        le=180,
        chosen=True,
        label="largest turn",
    )
    mirror: bool = _setting(
        False, "mirror half of the crops, with left and right bodyparts exchanged", label="mirror crops"
    )
    mirror_pairs: tuple[tuple[str, str], ...] | None = _setting(
        None,
        "pairs of bodyparts that a mirror exchanges; null: those whose names differ only in left and right, or L and R",
        expected="null or a list of pairs of bodyparts",
        label="left-right pairs",
    )
    appearance: float = _setting(
        0.0,
        "how much crops change: other tones for half of them, rarely light for dark, and patches that hide bodyparts",
        ge=0,
        le=1,
        label="change of looks",
    )
    brightness: float = _setting(
        0.15, "brightness changes by up to this share of the full range", ge=0, le=1, label="change of brightness"
    )
    contrast: float = _setting(
        0.25, "contrast changes by up to this factor more or less", ge=0, le=0.9, label="change of contrast"
    )
    noise: float = _setting(
        0.03, "standard deviation of added noise goes up to this share of the full range", ge=0, le=1, label="noise"
    )
    blur: float = _setting(
        1.0,
        "half of the crops are blurred by a Gaussian of up to this many scaled pixels",
        ge=0,
        le=3,
        label="blur",
    )
    learning_rate: float = _setting(1e-3, "peak learning rate of AdamW", ge=1e-8, le=1, label="learning rate")
    warmup_steps: int = _setting(50, "steps until the peak", ge=0, label="warm-up steps")
    learning_rate_decay: Literal["cosine", "none"] = _setting(
        "cosine",
        "cosine: after the peak it falls to 1% at maxiters; none: it stays, for a training without an end",
        label="learning rate falls",
    )
    weight_decay: float = _setting(
        0.01, "decoupled decay of the convolutions' weights", ge=0, le=1, label="weight decay"
    )
    clip_norm: float = _setting(
        1.0, "gradients longer than this are shortened to it", ge=1e-3, le=1e6, label="longest gradient"
    )
    ema_decay: float = _setting(
        0.0,
        "snapshots predict with a running mean of the parameters that keeps this share at each step; 0: no mean",
        ge=0,
        le=0.99999,
        label="running mean",
    )
    locref_loss_weight: float = _setting(
        0.2, "weight of the location refinement beside the score map", ge=0, le=100, label="location refinement"
    )
    maxiters: int = _setting(
        5000, "training ends after this many steps", ge=1, le=10**9, label="steps", main=True, chosen=True
    )
    ends_early: bool = _setting(
        False,
        "training ends before maxiters where twice as many steps would lower the loss by less than 7 %",
        label="end early",
    )
    display_iters: int = _setting(
        50, "the loss is shown and logged every so many steps", ge=1, label="log every (steps)"
    )
    save_iters: int = _setting(500, "a snapshot is written every so many steps", ge=1, label="snapshot every (steps)")
    max_snapshots_to_keep: int | None = _setting(
        5, "older snapshots are deleted; null keeps all", ge=1, label="snapshots to keep"
    )
    max_bad_steps: int = _setting(
        10,
        "after so many steps in a row without a finite loss, training goes back to its last snapshot",
        ge=1,
        label="bad steps allowed",
    )
    validation_share: float = _setting(
        0.0,
        "share of the training frames that do not train: their error in pixels is logged every display_iters",
        ge=0,
        le=0.9,
        label="validation share",
    )
    precision: Literal["float32", "bfloat16"] = _setting(
        "float32", "float32, or bfloat16 for the convolutions on accelerators", label="precision"
    )
    seed: int = _setting(0, "all random choices follow from this", ge=0, label="seed")

    @field_validator("net_type")
    @classmethod
    def _known_net_type(cls, value: str) -> str:
        if value not in (AUTO, *net_types()):
            raise ValueError
        return value

    @field_validator("width")
    @classmethod
    def _known_width(cls, value: float) -> float:
        if value not in _WIDTHS:
            raise ValueError
        return value

    @model_validator(mode="after")
    def _ordered(self) -> "TrainingSettings":
        if self.scale_jitter_lo > self.scale_jitter_up:
            low, high = self.scale_jitter_lo, self.scale_jitter_up
            raise SettingError(f"scale_jitter_lo is {low}, expected at most scale_jitter_up, which is {high}")
        return self


CHOSEN = frozenset(name for name, about in properties(TrainingSettings).items() if about.get("chosen"))
_STEPS_OF_24, _FEWEST_STEPS = 600, 400
# A shuffle that exists is not made again: its settings are what a network may have been trained with.
_ELSE = (
    "take it from a backup, or create and train a new shuffle, and delete this one's folder and its file in "
    "training-datasets"
)
_NEW = Remedy("create_training_dataset")
# Settings of 0.1 that did not pay, each with the value at which it did nothing.
_GONE: Mapping[str, str | float] = {"score_target": "disc", "layer_decay": 1.0, "stochastic_depth": 0.0}


def usual_net_type(project: Project) -> str:
    """Return the net_type of new trainings: config.yaml's default_net_type, if somebody has chosen one.

    DeepLabCut's default stands in every project and says nothing: it means `auto`.
    """
    named = project.config.default_net_type
    return AUTO if named == ProjectConfig.default_net_type else named


def usual_steps(frames: int) -> int:
    """Return the maxiters that suits so many training frames: 600 steps of 24 frames, 1,500 of 96, 5,000 at most."""
    steps = _STEPS_OF_24 * (max(frames, 1) / 24) ** (2 / 3)
    return int(min(max(50 * round(steps / 50), _FEWEST_STEPS), TrainingSettings.maxiters))


def write_settings(path: Path, settings: TrainingSettings) -> None:
    """Write settings as YAML with the meaning of each beside it; `read_settings` is the inverse."""
    lines = ["# Settings of this training run; edit them before train-network.\n"]
    for name, about in properties(TrainingSettings).items():
        value = json.dumps(getattr(settings, name), ensure_ascii=False)  # JSON is YAML on one line
        lines.append(f"# {about['description']}\n{name}: {value}\n")
    write_text(path, "".join(lines))


def read_settings(path: Path, *, report: Report = silent) -> TrainingSettings:
    """Read settings; what the file leaves out has its default.

    Args:
        path: settings.yaml.
        report: notified of settings of earlier versions that are passed over.

    Raises:
        ModelError: the file is missing or not YAML, a key is unknown, or a value cannot work.
    """
    try:
        document = plain_values(read_text(path, at_most=SETTINGS)) or {}
    except FileNotFoundError as error:
        raise ModelError(f"There is no {path}; {_ELSE}.", _NEW) from error
    except UnicodeDecodeError as error:
        raise ModelError(f"{path} is not readable YAML (not UTF-8); correct it, {_ELSE}.", _NEW) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ModelError(f"{path} is not readable YAML ({reason}); correct it, {_ELSE}.", _NEW) from error
    if not isinstance(document, dict):
        raise ModelError(f"{path} holds no 'setting: value' lines; correct it, {_ELSE}.", _NEW)
    try:
        return settings_from({str(name): value for name, value in document.items()}, report=report)
    except ModelError as error:
        raise ModelError(f"In {path}: {error}", *error.remedies) from error


def settings_from(values: Mapping[str, Any], *, report: Report = silent) -> TrainingSettings:
    """Make settings from plain values.

    Args:
        values: name -> value.
        report: notified of settings of earlier versions that are passed over.

    Raises:
        ModelError: an unknown setting (the nearest known one is named) or a value that cannot work.
    """
    values = _without_gone(values, report)
    try:
        return TrainingSettings(**{str(name): _as_typed(name, value) for name, value in values.items()})
    except ValidationError as error:
        raise _refusal(error, values) from error


def _as_typed(name: str, value: Any) -> Any:
    """Bring a value as YAML gives it to its setting's type: lists to tuples, and 1e-4, a word to YAML, to a number."""
    if name == "mirror_pairs" and isinstance(value, list | tuple):
        return tuple(tuple(pair) if isinstance(pair, list) else pair for pair in value)
    if isinstance(value, str) and properties(TrainingSettings).get(name, {}).get("type") == "number":
        with contextlib.suppress(ValueError):
            return float(value)
    return value


def _refusal(error: ValidationError, given: Mapping[str, Any]) -> ModelError:
    """Name what there is no setting for, or else each value that cannot work."""
    known = properties(TrainingSettings)
    unknown = next((name for name in given if name not in known), None)
    if unknown is not None:
        near = difflib.get_close_matches(unknown, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known settings are {', '.join(known)}."
        return ModelError(f"There is no setting {shown(unknown)}; {hint}")
    wrong = [fault.words for fault in faults(error, given, TrainingSettings)]
    return ModelError(f"Setting {'; '.join(wrong)}; correct {'them' if len(wrong) > 1 else 'it'}.")


def _without_gone(values: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Leave out settings of earlier versions, and tell of those that did something."""
    told = [f"{name} {shown(values[name])}" for name, idle in _GONE.items() if values.get(name, idle) != idle]
    if told:
        report(Notice(f"Ignored settings from an earlier version of PoseCut: {', '.join(told)}"))
    return {name: value for name, value in values.items() if name not in _GONE}


# --- previous iteration -----------------------------------------------------------------------------------------------
# What earlier iterations of a project hand on to the next one: a network to begin with, and what it is built like.


# What a network is built like, and what it sees: with the same of each, training may go on from the one before.
_INHERITED = ("net_type", "width", "norm", "init_weights", "global_scale", "context")


@dataclasses.dataclass(frozen=True)
class PreviousTraining:
    """What earlier iterations have of a shuffle."""

    network: Path | None  # its last snapshot
    settings: TrainingSettings | None


def previous_network(training: Training) -> Path | None:
    """Return the last snapshot of a shuffle in the nearest earlier iteration that has one; None if none has.

    A further network of a shuffle goes on from its own, and from the first one where that is all there was.
    """
    before = (one for earlier in training.earlier() for one in (earlier, earlier.of_network(1)))
    return next((one.snapshot(steps[-1]) for one in before if (steps := one.snapshots)), None)


def previous_training(training: Training) -> PreviousTraining:
    """Find the last network of a shuffle and its settings; without one, settings of the nearest earlier iteration.

    Raises:
        ModelError: the settings are damaged.
    """
    network = previous_network(training)
    paths = (earlier.settings for earlier in training.earlier() if network is None or earlier.folder == network.parent)
    return PreviousTraining(network, next((read_settings(path) for path in paths if path.exists()), None))


def fitting_network(before: PreviousTraining, net_type: str) -> Path | None:
    """Return the previous network if it is of a `net_type`, so that training may begin with it."""
    fits = before.settings is not None and before.settings.net_type == net_type
    return before.network if fits else None


def handed_on(settings: TrainingSettings) -> dict[str, Any]:
    """Return what settings of an earlier iteration hand on to the next one."""
    return {name: getattr(settings, name) for name in _INHERITED}


def with_inherited(
    before: PreviousTraining, shuffle: int, given: Mapping[str, object], report: Report
) -> Mapping[str, object]:
    """Add to the settings given those that a shuffle's previous ones hand on, unless a net_type is given."""
    if before.settings is None or "net_type" in given:
        return given
    values = {name: value for name, value in handed_on(before.settings).items() if name not in given}
    told = ", ".join(f"{name} {value}" for name, value in values.items())
    report(Notice(f"Shuffle {shuffle} inherits settings from an earlier iteration: {told}"))
    return {**values, **given}
