"""The settings of one training run: Box 2 of the paper and what has proved its worth since.

They are a YAML file in the model's folder, `settings.yaml`, made by create-training-dataset for the user to edit.
"""

import dataclasses
import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from posecut_core.errors import ModelError
from posecut_core.progress import Notice, Report, silent
from posecut_core.project.paths import Project, snapshot_folder, snapshot_steps
from posecut_core.storage.files import SETTINGS, read_text, write_text
from posecut_core.storage.yaml_files import plain_values, shown


def _setting(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is built and trained; lengths are pixels of the full frame unless said otherwise.

    Values of a user come in by `settings_from`, which refuses those that cannot work.
    """

    net_type: str = _setting("resnet_50", "resnet_18, resnet_34, resnet_50, resnet_101 or resnet_152")
    width: float = _setting(1.0, "share of the usual channels, of random weights only; 0.5 takes a third of the time")
    norm: str = _setting("auto", "group, frozen_batch, or auto: what the initial weights need")
    init_weights: str = _setting(
        "imagenet",
        "imagenet (fetched once from the model hub), random, previous (the last network of this shuffle in an "
        "earlier iteration), or the path of a .safetensors file of a ResNet",
    )
    init_origin: str | None = _setting(None, "which ImageNet weights or snapshot these were; train-network writes it")
    init_sha256: str | None = _setting(None, "SHA-256 of the weights' file; train-network writes it")
    global_scale: float = _setting(0.8, "frames are scaled by this before the network sees them, always")
    intermediate_supervision: bool = _setting(
        False, "also train maps read from the third stage, as the paper does for resnet_101 and resnet_152"
    )
    pos_dist_thresh: float = _setting(17.0, "cells within this distance of a label count as the bodypart")
    batch_size: int = _setting(8, "crops per step")
    crop_size: int = _setting(224, "side of a training crop in pixels of the scaled frame; a multiple of 16")
    crop_on_animal: float = _setting(0.8, "share of crops that are centred near the animal, not anywhere")
    scale_jitter_lo: float = _setting(0.75, "crops are magnified by at least this")
    scale_jitter_up: float = _setting(1.25, "crops are magnified by at most this")
    rotation: float = _setting(30.0, "crops are turned by up to this many degrees either way")
    mirror: bool = _setting(False, "mirror half of the crops, with left and right bodyparts exchanged")
    mirror_pairs: tuple[tuple[str, str], ...] | None = _setting(
        None, "pairs of bodyparts that a mirror exchanges; null: found by 'left' and 'right' in their names"
    )
    brightness: float = _setting(0.15, "brightness changes by up to this share of the full range")
    contrast: float = _setting(0.25, "contrast changes by up to this factor more or less")
    noise: float = _setting(0.03, "standard deviation of added noise goes up to this share of the full range")
    blur: float = _setting(1.0, "half of the crops are blurred by a Gaussian of up to this many scaled pixels")
    learning_rate: float = _setting(1e-3, "peak learning rate of AdamW")
    warmup_steps: int = _setting(50, "steps until the peak")
    learning_rate_decay: str = _setting(
        "cosine", "cosine: after the peak it falls to 1% at maxiters; none: it stays, for a training without an end"
    )
    weight_decay: float = _setting(0.01, "decoupled decay of the convolutions' weights")
    clip_norm: float = _setting(1.0, "gradients longer than this are shortened to it")
    ema_decay: float = _setting(
        0.0, "snapshots predict with a running mean of the parameters that keeps this share at each step; 0: no mean"
    )
    locref_loss_weight: float = _setting(0.2, "weight of the location refinement beside the score map")
    maxiters: int = _setting(5000, "training ends after this many steps")
    display_iters: int = _setting(50, "the loss is shown and logged every so many steps")
    save_iters: int = _setting(500, "a snapshot is written every so many steps")
    max_snapshots_to_keep: int | None = _setting(5, "older snapshots are deleted; null keeps all")
    max_bad_steps: int = _setting(
        10, "after so many steps in a row without a finite loss, training goes back to its last snapshot"
    )
    validation_share: float = _setting(
        0.0, "share of the training frames that do not train: their error in pixels is logged every display_iters"
    )
    precision: str = _setting("float32", "float32, or bfloat16 for the convolutions on accelerators")
    seed: int = _setting(0, "all random choices follow from this")


NET_TYPES = ("resnet_18", "resnet_34", "resnet_50", "resnet_101", "resnet_152")
CHOICES: Mapping[str, tuple[str | float, ...]] = {  # of the settings that take nothing else
    "net_type": NET_TYPES,
    "width": (0.25, 0.5, 1.0),
    "norm": ("auto", "group", "frozen_batch"),
    "precision": ("float32", "bfloat16"),
}


def _number(low: float, high: float) -> Any:
    return lambda value: not isinstance(value, bool) and isinstance(value, float) and low <= value <= high


def _count(low: int) -> Any:
    return lambda value: not isinstance(value, bool) and isinstance(value, int) and value >= low


def _one_of(*values: str | float) -> Any:
    return lambda value: not isinstance(value, bool) and value in values


def _word(pattern: str) -> Any:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value, re.DOTALL) is not None


def _word_or_null(pattern: str) -> Any:
    return lambda value: value is None or _word(pattern)(value)


def _pairs(value: Any) -> bool:
    return value is None or (isinstance(value, tuple) and all(map(_pair, value)))


def _pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(isinstance(name, str) for name in value)


_CHECKS = (
    ("net_type", _one_of(*CHOICES["net_type"]), f"one of {', '.join(NET_TYPES)} is expected"),
    ("width", _one_of(*CHOICES["width"]), "0.25, 0.5 or 1.0 is expected"),
    ("norm", _one_of(*CHOICES["norm"]), "auto, group or frozen_batch is expected"),
    ("init_weights", _word(".+"), "'imagenet', 'random', 'previous' or a file's path is expected"),
    (
        "init_origin",
        _word_or_null(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}|iteration-\d+/.+/snapshot-\d+"),
        "null, REPOSITORY@COMMIT or ITERATION/TRAINING/SNAPSHOT is expected",
    ),
    ("init_sha256", _word_or_null(r"[0-9a-f]{64}"), "null or 64 hexadecimal digits are expected"),
    ("global_scale", _number(0.05, 4), "a number from 0.05 to 4 is expected"),
    ("intermediate_supervision", lambda value: isinstance(value, bool), "true or false is expected"),
    ("pos_dist_thresh", _number(1, 1000), "a number of pixels from 1 to 1000 is expected"),
    ("batch_size", _count(1), "a whole number from 1 is expected"),
    (
        "crop_size",
        lambda value: _count(64)(value) and value % 16 == 0 and value <= 4096,
        "a multiple of 16 from 64 to 4096 is expected",
    ),
    ("crop_on_animal", _number(0, 1), "a share from 0 to 1 is expected"),
    ("scale_jitter_lo", _number(0.1, 10), "a factor from 0.1 to 10 is expected"),
    ("scale_jitter_up", _number(0.1, 10), "a factor from 0.1 to 10 is expected"),
    ("rotation", _number(0, 180), "an angle from 0 to 180 degrees is expected"),
    ("mirror", lambda value: isinstance(value, bool), "true or false is expected"),
    ("mirror_pairs", _pairs, "null or a list of pairs of bodyparts is expected"),
    ("brightness", _number(0, 1), "a share from 0 to 1 is expected"),
    ("contrast", _number(0, 0.9), "a share from 0 to 0.9 is expected"),
    ("noise", _number(0, 1), "a share from 0 to 1 is expected"),
    ("blur", _number(0, 3), "0 to 3 pixels are expected"),
    ("learning_rate", _number(1e-8, 1), "a number from 1e-8 to 1 is expected"),
    ("warmup_steps", _count(0), "a whole number from 0 is expected"),
    ("learning_rate_decay", _one_of("cosine", "none"), "cosine or none is expected"),
    ("weight_decay", _number(0, 1), "a number from 0 to 1 is expected"),
    ("clip_norm", _number(1e-3, 1e6), "a number from 0.001 to 1000000 is expected"),
    ("ema_decay", _number(0, 0.99999), "a share from 0 to 0.99999 is expected"),
    ("locref_loss_weight", _number(0, 100), "a number from 0 to 100 is expected"),
    ("maxiters", _count(1), "a whole number from 1 is expected"),
    ("display_iters", _count(1), "a whole number from 1 is expected"),
    ("save_iters", _count(1), "a whole number from 1 is expected"),
    ("max_snapshots_to_keep", lambda value: value is None or _count(1)(value), "null or a number from 1 is expected"),
    ("max_bad_steps", _count(1), "a whole number from 1 is expected"),
    ("validation_share", _number(0, 0.9), "a share from 0 to 0.9 is expected"),
    ("precision", _one_of(*CHOICES["precision"]), "float32 or bfloat16 is expected"),
    ("seed", _count(0), "a whole number from 0 is expected"),
)


# A shuffle that exists is not made again: its settings are what a network may have been trained with.
_ELSE = (
    "take it from a backup, or train a new shuffle (posecut create-training-dataset makes one), and delete this one's "
    "folder and its file in training-datasets"
)
# Settings of 0.1 that did not pay, each with the value at which it did nothing.
_GONE: Mapping[str, str | float] = {"score_target": "disc", "layer_decay": 1.0, "stochastic_depth": 0.0}
_REALS = tuple(entry.name for entry in dataclasses.fields(TrainingSettings) if isinstance(entry.default, float))


def write_settings(path: Path, settings: TrainingSettings) -> None:
    """Write settings as YAML with the meaning of each beside it; `read_settings` is the inverse."""
    lines = ["# Settings of this training run; edit them before train-network.\n"]
    for entry in dataclasses.fields(settings):
        value = json.dumps(getattr(settings, entry.name), ensure_ascii=False)  # JSON is YAML on one line
        lines.append(f"# {entry.metadata['meaning']}\n{entry.name}: {value}\n")
    write_text(path, "".join(lines))


def read_settings(path: Path, *, report: Report = silent) -> TrainingSettings:
    """Read settings; what the file leaves out has its default.

    Args:
        path: settings.yaml.
        report: told of settings of earlier versions that are passed over.

    Raises:
        ModelError: the file is missing or not YAML, a key is unknown, or a value cannot work.
    """
    try:
        document = plain_values(read_text(path, at_most=SETTINGS)) or {}
    except FileNotFoundError as error:
        raise ModelError(f"There is no {path}; {_ELSE}.") from error
    except UnicodeDecodeError as error:
        raise ModelError(f"{path} is not readable YAML (no UTF-8); correct it, {_ELSE}.") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ModelError(f"{path} is not readable YAML ({reason}); correct it, {_ELSE}.") from error
    if not isinstance(document, dict):
        raise ModelError(f"{path} holds no 'setting: value' lines; correct it, {_ELSE}.")
    try:
        return settings_from({str(name): value for name, value in document.items()}, report=report)
    except ModelError as error:
        raise ModelError(f"In {path}: {error}") from error


def settings_from(values: Mapping[str, Any], *, report: Report = silent) -> TrainingSettings:
    """Make settings from plain values.

    Args:
        values: name -> value.
        report: told of settings of earlier versions that are passed over.

    Raises:
        ModelError: an unknown setting (the nearest known one is named) or a value that cannot work.
    """
    known = [entry.name for entry in dataclasses.fields(TrainingSettings)]
    values = _without_gone(values, report)
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known settings are {', '.join(known)}."
            raise ModelError(f"There is no setting {shown(name)}; {hint}")
    converted = {name: _converted(name, value) for name, value in values.items()}
    for name, valid, expected in _CHECKS:
        if name in converted and not valid(converted[name]):
            raise ModelError(f"Setting {name} is {shown(converted[name])}, but {expected}; correct it.")
    settings = TrainingSettings(**converted)
    if settings.scale_jitter_lo > settings.scale_jitter_up:
        raise ModelError("Setting scale_jitter_lo is above scale_jitter_up; exchange or correct them.")
    return settings


def _without_gone(values: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Leave out settings of earlier versions, and tell of those that did something."""
    told = [f"{name} {shown(values[name])}" for name, idle in _GONE.items() if values.get(name, idle) != idle]
    if told:
        report(Notice(f"Settings of an earlier PoseCut are passed over: {', '.join(told)}"))
    return {name: value for name, value in values.items() if name not in _GONE}


def _converted(name: str, value: Any) -> Any:
    """Bring a value as YAML gives it to the type of its field; what does not convert is refused by the checks."""
    if name == "mirror_pairs" and isinstance(value, list | tuple):
        return tuple(tuple(pair) if isinstance(pair, list) else pair for pair in value)
    if name in _REALS and isinstance(value, int | str) and not isinstance(value, bool):
        try:
            return float(value)  # YAML takes 1 for a whole number and 1e-4 for a word
        except (ValueError, OverflowError):
            return value
    return value


# --- previous iteration -----------------------------------------------------------------------------------------------
# What earlier iterations of a project hand on to the next one: a network to begin with, and what it is built like.


# What a network is built like, and what it sees: with the same of each, training may go on from the one before.
_INHERITED = ("net_type", "width", "norm", "init_weights", "global_scale")


@dataclass(frozen=True)
class PreviousTraining:
    """What earlier iterations have of a shuffle."""

    network: Path | None  # its last snapshot
    settings: TrainingSettings | None


def previous_network(project: Project, shuffle: int, trainingsetindex: int) -> Path | None:
    """Return the last snapshot of a shuffle in the nearest earlier iteration that has one; None if none has."""
    for earlier in project.earlier_iterations():
        folder = earlier.model_folder(shuffle, trainingsetindex)
        if steps := snapshot_steps(folder):
            return snapshot_folder(folder, steps[-1])
    return None


def previous_training(project: Project, shuffle: int, trainingsetindex: int) -> PreviousTraining:
    """Find the last network of a shuffle and its settings; without one, settings of the nearest earlier iteration.

    Raises:
        ModelError: the settings are damaged.
    """
    network = previous_network(project, shuffle, trainingsetindex)
    earlier = (before.model_folder(shuffle, trainingsetindex) for before in project.earlier_iterations())
    paths = (folder / "settings.yaml" for folder in ((network.parent,) if network else earlier))
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
    report(Notice(f"Shuffle {shuffle} takes over from an earlier iteration: {told}"))
    return {**values, **given}
