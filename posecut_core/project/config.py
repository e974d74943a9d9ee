"""config.yaml: DeepLabCut's keys, read into a frozen value and edited in place, comments and order kept."""

import difflib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from posecut_core.errors import ProjectError
from posecut_core.project.atomic import storage_error, write_bytes
from posecut_core.project.fields import Fields, as_integer, as_name, as_number
from posecut_core.project.keys import DEEPLABCUT_KEYS, KEYS_OF_OTHER_RELEASES
from posecut_core.project.yaml_edit import edit_text
from posecut_core.project.yaml_text import load_mapping, read_text


@dataclass(frozen=True)
class Crop:
    """A window of the full frame in pixels: columns x1 to x2 - 1, rows y1 to y2 - 1."""

    x1: int
    x2: int
    y1: int
    y2: int


@dataclass(frozen=True)
class ProjectConfig:
    """What config.yaml says (paper, Box 1), validated; see `deeplabcut` for the meaning of each key."""

    task: str
    scorer: str
    date: str  # "Oct30"
    bodyparts: tuple[str, ...]
    video_sets: Mapping[str, Crop | None] = field(default_factory=dict)  # path as written -> crop of extraction
    skeleton: tuple[tuple[str, str], ...] = ()  # as written: new DeepLabCut projects name others than their bodyparts
    skeleton_color: str = "black"
    start: float = 0.0
    stop: float = 1.0
    numframes2pick: int = 20
    pcutoff: float = 0.6
    dotsize: int = 12
    alphavalue: float = 0.7
    colormap: str = "rainbow"
    training_fractions: tuple[float, ...] = (0.95,)
    iteration: int = 0
    default_net_type: str = "resnet_50"
    snapshotindex: int | str = -1  # or "all"
    batch_size: int = 8
    crop: Crop | None = None  # x1..y2 where `cropping` is true: the window of analysis


def training_percent(fraction: float) -> int:
    """Return DeepLabCut's percentage of a training fraction: cut, so that 0.29, which is a little less, gives 28."""
    return int(100 * fraction)


def read_config(path: Path) -> ProjectConfig:
    """Read and check a config.yaml; nothing in it is executed.

    Raises:
        ProjectError: the file is missing, is no YAML, or a key is unknown or has an impossible value.
    """
    return parse_config(load_mapping(read_text(path), path), path)


def edit_config(path: Path, changes: Mapping[str, object]) -> ProjectConfig:
    """Set keys of a config.yaml; everything else in the file stays as it was. Return the new content.

    Args:
        path: The file.
        changes: Key -> plain YAML value (lists, mappings, text, numbers), under config.yaml's own names.

    Raises:
        ProjectError: a key or value is not allowed, or the file is unreadable; the file is then unchanged.
        StorageError: the file cannot be written.
    """
    old = read_text(path)
    new = edit_text(old, changes, path)
    config = parse_config(load_mapping(new, path), path)
    if new != old:
        write_bytes(path, new.replace("\n", _line_end(path)).encode("utf-8"))
    return config


def video_entry(crop: Crop | None) -> dict[str, str]:
    """Return the entry of a video in `video_sets`, with the crop as config.yaml writes it."""
    return {} if crop is None else {"crop": f"{crop.x1}, {crop.x2}, {crop.y1}, {crop.y2}"}


def parse_config(values: Mapping[str, object], path: Path) -> ProjectConfig:
    """Check a mapping with config.yaml's keys; `path` is only named in errors.

    Raises:
        ProjectError: a key is unknown or has an impossible value.
    """
    _refuse_unknown_keys(values, path)
    fields = Fields(values, path)
    _refuse_several_animals(fields)
    start, stop = fields.fraction("start", 0.0), fields.fraction("stop", 1.0)
    if start >= stop:
        raise ProjectError(
            f"{path}: start is {start:g} and stop is {stop:g}, expected start < stop; correct one of them."
        )
    return ProjectConfig(
        task=fields.text("Task"),
        scorer=fields.text("scorer"),
        date=fields.text("date"),
        bodyparts=_bodyparts(fields),
        video_sets=_video_sets(fields),
        skeleton=_skeleton(fields),
        skeleton_color=fields.text("skeleton_color", "black"),
        start=start,
        stop=stop,
        numframes2pick=fields.integer("numframes2pick", 20, at_least=1),
        pcutoff=fields.fraction("pcutoff", 0.6),
        dotsize=fields.integer("dotsize", 12, at_least=0),
        alphavalue=fields.fraction("alphavalue", 0.7),
        colormap=fields.text("colormap", "rainbow"),
        training_fractions=_training_fractions(fields),
        iteration=fields.integer("iteration", 0, at_least=0),
        default_net_type=_net_type(fields),
        snapshotindex="all" if values.get("snapshotindex") == "all" else fields.integer("snapshotindex", -1),
        batch_size=fields.integer("batch_size", 8, at_least=1),
        crop=_analysis_crop(fields),
    )


def _line_end(path: Path) -> str:
    try:
        return "\r\n" if b"\r\n" in path.read_bytes() else "\n"
    except OSError as error:
        raise storage_error(path, error) from error


def _refuse_unknown_keys(values: Mapping[str, object], path: Path) -> None:
    for key in values:
        if key not in DEEPLABCUT_KEYS | KEYS_OF_OTHER_RELEASES:
            near = difflib.get_close_matches(key, DEEPLABCUT_KEYS, n=1, cutoff=0.5)
            advice = f"rename it to {near[0]!r} if that was meant, or remove it" if near else "remove it"
            raise ProjectError(f"{path}: found the key {key!r}, expected only keys that DeepLabCut knows; {advice}.")


def _refuse_several_animals(fields: Fields) -> None:
    if fields.flag("multianimalproject") or fields.values.get("bodyparts") == "MULTI!":
        raise ProjectError(
            f"{fields.path}: multianimalproject is true, expected false because PoseCut tracks one animal per video; "
            "use a single-animal project."
        )


def _bodyparts(fields: Fields) -> tuple[str, ...]:
    expected = "a list of different names, one per line after `- `"
    found = fields.values.get("bodyparts")
    if not isinstance(found, list) or not found:
        raise fields.wrong("bodyparts", expected)
    names = [as_name(part) for part in found]
    known = tuple(name for name in names if name is not None and name.strip())
    if len(known) != len(names) or len(set(known)) != len(known):
        raise fields.wrong("bodyparts", expected)
    return known


def _skeleton(fields: Fields) -> tuple[tuple[str, str], ...]:
    found = fields.values["skeleton"] if fields.is_set("skeleton") else []
    if not isinstance(found, list) or not all(isinstance(bone, list) and len(bone) == 2 for bone in found):
        raise fields.wrong("skeleton", "a list of pairs of bodyparts such as `- [nose, tail]`")
    return tuple((str(a), str(b)) for a, b in found)


def _training_fractions(fields: Fields) -> tuple[float, ...]:
    if not fields.is_set("TrainingFraction"):
        return (0.95,)
    found = fields.values["TrainingFraction"]
    numbers = [as_number(fraction) for fraction in (found if isinstance(found, list) else [found])]
    fractions = tuple(number for number in numbers if number is not None and 0 < number <= 1)
    if not numbers or len(fractions) != len(numbers):
        raise fields.wrong("TrainingFraction", "a list of numbers above 0 and up to 1 such as `- 0.95`")
    _refuse_same_percentage(fields, fractions)
    return fractions


def _refuse_same_percentage(fields: Fields, fractions: tuple[float, ...]) -> None:
    """Refuse different fractions whose datasets would have one name, and so overwrite each other."""
    for one, other in itertools.combinations(dict.fromkeys(fractions), 2):
        if training_percent(one) == training_percent(other):
            raise ProjectError(
                f"{fields.path}: TrainingFraction has {one:g} and {other:g}, expected fractions that are no two of one "
                f"percentage when cut to whole ones, here {training_percent(one)}, because it names their datasets; "
                "change or remove one of them."
            )


def _net_type(fields: Fields) -> str:
    legacy = f"resnet_{fields.integer('resnet', 50, at_least=1)}"  # the paper's key
    return fields.text("default_net_type", legacy)


def _video_sets(fields: Fields) -> dict[str, Crop | None]:
    found = fields.values["video_sets"] if fields.is_set("video_sets") else {}
    if not isinstance(found, dict):
        raise fields.wrong("video_sets", "a mapping of video paths, each with its crop")
    return {str(path): _video_crop(fields, path, entry) for path, entry in found.items()}


def _video_crop(fields: Fields, video: object, entry: object) -> Crop | None:
    if entry is None or entry == "":
        return None
    crop = entry.get("crop") if isinstance(entry, dict) else entry
    if crop is None or crop == "":
        return None
    numbers = _four_integers(crop)
    if numbers is None:
        raise ProjectError(
            f"{fields.path}: the crop of {video} in video_sets is {crop!r}, expected `x1, x2, y1, y2` with "
            "0 <= x1 < x2 and 0 <= y1 < y2; correct it there."
        )
    return numbers


def _four_integers(crop: object) -> Crop | None:
    parts = crop.split(",") if isinstance(crop, str) else crop
    if not isinstance(parts, list) or len(parts) != 4:
        return None
    try:
        numbers = [as_integer(float(part)) for part in parts]
    except (TypeError, ValueError):
        return None
    x1, x2, y1, y2 = (-1 if number is None else number for number in numbers)
    return Crop(x1, x2, y1, y2) if 0 <= x1 < x2 and 0 <= y1 < y2 else None


def _analysis_crop(fields: Fields) -> Crop | None:
    if not fields.flag("cropping"):
        return None
    crop = _four_integers([fields.integer(key, -1) for key in ("x1", "x2", "y1", "y2")])
    if crop is None:
        found = ", ".join(f"{key}: {fields.values.get(key)}" for key in ("x1", "x2", "y1", "y2"))
        raise ProjectError(
            f"{fields.path}: cropping is true with {found}, expected 0 <= x1 < x2 and 0 <= y1 < y2; "
            "correct them or set cropping to false."
        )
    return crop
