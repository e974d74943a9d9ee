"""config.yaml: DeepLabCut's keys, read into a frozen value, edited in place, and written for a new project."""

import difflib
import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from posecut_core.project.given import videos_in
from posecut_core.storage.files import storage_error, write_bytes
from posecut_core.storage.values import (
    SettingError,
    as_flag,
    as_integer,
    as_name,
    as_number,
    faults,
    is_file_part,
    is_formula,
    is_set,
    shown,
)
from posecut_core.storage.yaml_files import edit_text, load_mapping, read_yaml, refusal
from posecut_core.types import Crop

# --- keys -------------------------------------------------------------------------------------------------------------
# The keys that a config.yaml may have.


# What DeepLabCut 3.0.2 accepts; any other key would stop it from opening the project.
DEEPLABCUT_KEYS = frozenset({
    "Task", "scorer", "date", "multianimalproject", "identity", "project_path", "pose_config_path",
    "engine", "video_sets", "bodyparts", "individuals", "uniquebodyparts", "multianimalbodyparts", "start",
    "stop", "numframes2pick", "skeleton", "skeleton_color", "pcutoff", "dotsize", "alphavalue", "colormap",
    "TrainingFraction", "iteration", "default_net_type", "default_augmenter", "default_track_method",
    "snapshotindex", "detector_snapshotindex", "batch_size", "detector_batch_size", "cropping", "x1", "x2",
    "y1", "y2", "corner2move2", "move2corner", "SuperAnimalConversionTables", "resnet", "croppedtraining",
    "with_identity", "unique_bodyparts", "config_version",
})  # fmt: skip

# Found in files of older or newer DeepLabCut; read past, never written.
_KEYS_OF_OTHER_RELEASES = frozenset(["video_sets_original", "bboxes_pcutoff"])


# --- config -----------------------------------------------------------------------------------------------------------
# config.yaml: DeepLabCut's keys, read into a frozen value and edited in place, comments and order kept.


_LONGEST_WORD = 100  # bytes; a file's name has 255, and several of them stand in one
_CORNERS = ("x1", "x2", "y1", "y2")


def _file_word(name: str) -> str:
    """Take a text that stands in names of files and folders, which must not lead elsewhere."""
    if is_formula(name):
        raise ValueError("a name that a spreadsheet would not run as a formula")
    if not is_file_part(name.strip()) or not name.isprintable() or len(name.encode()) > _LONGEST_WORD:
        raise ValueError(
            f"at most {_LONGEST_WORD} bytes without slashes and line breaks, because it becomes part of file names"
        )
    return name


def _bodyparts(found: Any) -> tuple[str, ...]:
    if not isinstance(found, list | tuple) or not found:
        raise ValueError("a list of different names, one per line after `- `")
    places: dict[str, int] = {}
    for place, part in enumerate(found):
        name, at = as_name(part), ("bodyparts", place)
        if name is None or not name.strip():
            words = f"bodypart {place + 1} is {shown(part)}, expected a name"
            raise SettingError(words, at=at, remedy="correct or remove it")
        if is_formula(name):
            words = f"bodypart {place + 1} is {shown(part)}, expected a name that is not a formula, which a spreadsheet"
            raise SettingError(f"{words} would run", at=at, remedy="rename it")
        if name in places:
            words = f"bodyparts has {shown(name)} twice, as number {places[name] + 1} and {place + 1}"
            raise SettingError(f"{words}, expected different names", at=at, remedy="rename or remove one of the two")
        places[name] = place
    return tuple(places)


def _video_sets(found: Any) -> dict[str, Crop | None]:
    if not isinstance(found, Mapping):
        raise ValueError("a mapping of video paths, each with its crop")
    for path in found:
        stem = video_stem(str(path))
        if not is_file_part(stem) or is_formula(stem) or "\0" in str(path):
            words = f"video_sets names {shown(path)}, expected the path of a video"
            raise SettingError(words, remedy="correct or remove it")
    return {str(path): _video_crop(path, entry) for path, entry in found.items()}


def _video_crop(video: object, entry: object) -> Crop | None:
    crop = entry.get("crop") if isinstance(entry, dict) else entry
    if isinstance(crop, Crop):
        return crop
    if crop is None or crop == "":
        return None
    numbers = _four_integers(crop)
    if numbers is None:
        words = f"the crop of {video} in video_sets is {shown(crop)}, expected `x1, x2, y1, y2` with 0 <= x1 < x2"
        raise SettingError(f"{words} and 0 <= y1 < y2", at=("video_sets", video), remedy="correct it there")
    return numbers


def _analysis_crop(found: object) -> Crop | None:
    """Take the window of analysis from the values of `cropping` and its corners."""
    if not isinstance(found, Mapping):
        return found if isinstance(found, Crop) else None
    if not as_flag(found, "cropping"):
        return None
    corners = {key: found.get(key) for key in _CORNERS}
    crop = _four_integers(list(corners.values()))
    if crop is None:
        words = ", ".join(f"{key}: {shown(value)}" for key, value in corners.items())
        raise SettingError(
            f"cropping is true with {words}, expected 0 <= x1 < x2 and 0 <= y1 < y2",
            at=("cropping",),
            remedy="correct them or set cropping to false",
        )
    return crop


def _four_integers(crop: object) -> Crop | None:
    parts = crop.split(",") if isinstance(crop, str) else crop
    if not isinstance(parts, list) or len(parts) != 4:
        return None
    numbers = [as_integer(part) for part in parts]
    x1, x2, y1, y2 = (-1 if number is None else number for number in numbers)
    return Crop(x1, x2, y1, y2) if 0 <= x1 < x2 and 0 <= y1 < y2 else None


def _training_fractions(found: Any) -> tuple[float, ...]:
    numbers = [as_number(fraction) for fraction in (found if isinstance(found, list | tuple) else [found])]
    fractions = tuple(number for number in numbers if number is not None and 0 < number <= 1)
    if not numbers or len(fractions) != len(numbers):
        raise ValueError("a list of numbers above 0 and up to 1 such as `- 0.95`")
    for one, other in itertools.combinations(dict.fromkeys(fractions), 2):
        if training_percent(one) == training_percent(other):  # their datasets would have one name
            words = f"TrainingFraction has {one:g} and {other:g}, expected different percentages"
            raise SettingError(
                f"{words} when cut to whole ones, here {training_percent(one)}, because it names their datasets",
                at=("TrainingFraction",),
                remedy="change or remove one of them",
            )
    return fractions


_FileWord = Annotated[str, AfterValidator(_file_word), BeforeValidator(as_name)]
_Text = Annotated[str, BeforeValidator(as_name)]
_Share = Annotated[float, Field(ge=0, le=1), BeforeValidator(as_number)]
_Size = Annotated[int, Field(ge=0), BeforeValidator(as_integer)]
_Count = Annotated[int, Field(ge=1), BeforeValidator(as_integer)]
_Snapshot = Annotated[
    int | str,
    Field(json_schema_extra={"expected": "a whole number, or all"}),
    BeforeValidator(lambda value: value if value == "all" else as_integer(value)),
]


@dataclass(frozen=True, config=ConfigDict(strict=True, validate_by_name=True))
class ProjectConfig:
    """What config.yaml says (paper, Box 1), validated; see `deeplabcut` for the meaning of each key."""

    task: Annotated[_FileWord, Field(validation_alias="Task")]
    scorer: _FileWord
    date: _FileWord  # "Oct30"
    bodyparts: Annotated[tuple[str, ...], BeforeValidator(_bodyparts)]
    video_sets: Annotated[  # path as written -> crop of extraction
        Mapping[str, Crop | None], BeforeValidator(_video_sets)
    ] = field(default_factory=dict)
    skeleton: tuple[tuple[str, str], ...] = ()  # as written: new DeepLabCut projects name others than their bodyparts
    odd_bones: tuple[str, ...] = ()  # what else `skeleton` holds, as written: nothing that a line could be drawn for
    skeleton_color: _Text = "black"
    start: _Share = 0.0
    stop: _Share = 1.0
    numframes2pick: _Count = 20
    pcutoff: _Share = 0.6
    dotsize: _Size = 12
    alphavalue: _Share = 0.7
    colormap: _Text = "rainbow"
    training_fractions: Annotated[tuple[float, ...], BeforeValidator(_training_fractions)] = Field(
        default=(0.95,), validation_alias="TrainingFraction"
    )
    iteration: _Size = 0
    default_net_type: _Text = "resnet_50"
    snapshotindex: _Snapshot = -1  # or "all"
    batch_size: _Count = 8
    crop: Annotated[Crop | None, BeforeValidator(_analysis_crop)] = None  # x1..y2 where `cropping` is true: of analysis

    @model_validator(mode="after")
    def _ordered(self) -> "ProjectConfig":
        if self.start >= self.stop:
            words = f"start is {self.start:g} and stop is {self.stop:g}, expected start < stop"
            raise SettingError(words, at=("start",), remedy="correct one of them")
        return self

    def crop_of(self, video: str) -> Crop | None:
        """Return the window that extraction keeps of a video, by the stem of its file name; None where it keeps all."""
        return next((crop for path, crop in self.video_sets.items() if video_stem(path) == video), None)


def bones_between(bodyparts: tuple[str, ...], skeleton: tuple[tuple[str, str], ...]) -> tuple[tuple[int, int], ...]:
    """Turn the skeleton's names into indices of `bodyparts`; bones with an unknown end are left out."""
    place = {part: k for k, part in enumerate(bodyparts)}
    return tuple((place[a], place[b]) for a, b in skeleton if a in place and b in place)


def training_percent(fraction: float) -> int:
    """Return DeepLabCut's percentage of a training fraction: cut, so that 0.29, which is a little less, gives 28."""
    return int(100 * fraction)


def read_config(path: Path) -> ProjectConfig:
    """Read and check a config.yaml; nothing in it is executed.

    Raises:
        ProjectError: the file is missing, is no YAML, or a key is unknown or has an impossible value.
    """
    return parse_config(load_mapping(read_yaml(path), path), path)


def edit_config(path: Path, changes: Mapping[str, object]) -> ProjectConfig:
    """Set keys of a config.yaml; everything else in the file stays as it was. Return the new content.

    Args:
        path: The file.
        changes: Key -> plain YAML value (lists, mappings, text, numbers), under config.yaml's own names.

    Raises:
        ProjectError: a key or value is not allowed, or the file is unreadable; the file is then unchanged.
        StorageError: the file cannot be written.
    """
    old = read_yaml(path)
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
    given: dict[str, Any] = {key: value for key, value in values.items() if is_set(value)}
    skeleton, odd_bones = _bones(given.get("skeleton", []))
    drawn = {"skeleton": skeleton, "odd_bones": odd_bones, "crop": given}
    try:
        _refuse_unknown_keys(values)
        _refuse_several_animals(given)
        return ProjectConfig(**{"bodyparts": values.get("bodyparts"), **_net_type(given), **given, **drawn})
    except ValidationError as error:
        raise refusal(path, faults(error, values, ProjectConfig)) from error
    except SettingError as fault:
        raise refusal(path, [fault]) from fault


def _line_end(path: Path) -> str:
    try:
        return "\r\n" if b"\r\n" in path.read_bytes() else "\n"
    except OSError as error:
        raise storage_error(path, error) from error


def _refuse_unknown_keys(values: Mapping[str, object]) -> None:
    for key in values:
        if key not in DEEPLABCUT_KEYS | _KEYS_OF_OTHER_RELEASES:
            near = difflib.get_close_matches(key, DEEPLABCUT_KEYS, n=1, cutoff=0.5)
            remedy = f"rename it to {near[0]!r} if you meant that, or remove it" if near else "remove it"
            words = f"found the key {shown(key)}, expected only keys that DeepLabCut knows"
            raise SettingError(words, at=(key,), remedy=remedy)


def _refuse_several_animals(given: Mapping[str, object]) -> None:
    if as_flag(given, "multianimalproject") or given.get("bodyparts") == "MULTI!":
        words = "multianimalproject is true, expected false because PoseCut tracks one animal per video"
        raise SettingError(words, at=("multianimalproject",), remedy="use a single-animal project")


def _bones(found: object) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Return the pairs of different names, and the rest as written: it hinders nobody."""
    bones, odd = [], []
    for entry in found if isinstance(found, list) else [found]:
        names = [as_name(part) for part in entry] if isinstance(entry, list) else []
        a, b = names if len(names) == 2 else (None, None)
        if a is None or b is None or a == b:
            odd.append(shown(entry))
        else:
            bones.append((a, b))
    return tuple(bones), tuple(odd)


def _net_type(given: Mapping[str, object]) -> dict[str, str]:
    """Return the network that the paper's key names."""
    if "resnet" not in given:
        return {}
    depth = as_integer(given["resnet"])
    if depth is None or depth < 1:
        words = f"resnet is {shown(given['resnet'])}, expected a whole number of at least 1"
        raise SettingError(words, at=("resnet",))
    return {"default_net_type": f"resnet_{depth}"}


# --- new config -------------------------------------------------------------------------------------------------------
# The config.yaml of a new project: the paper's Box 1 under DeepLabCut's keys, with comments for a newcomer.


_TEMPLATE = """\
# Project (these three name files and folders: do not edit)
Task:
scorer:
date:
multianimalproject: false
identity:

# Where the project lies (corrected by itself when the project is moved)
project_path:

# Engine for DeepLabCut, should this project be opened there (pytorch or tensorflow); PoseCut has its own
engine: pytorch

# Videos to label, each with the window of the frame to extract: x1, x2, y1, y2 in pixels
video_sets: {}

# What to label, in the order of labeling; one name per line
bodyparts: []

# Fraction of each video where the extraction of frames starts and stops, and how many frames to pick per video
start: 0
stop: 1
numframes2pick: 20

# Plots and labeled videos: bones to draw between bodyparts, likelihood above which a position counts,
# size of dots, their opacity (0-1), and the colors (any matplotlib colormap; PoseCut has colors of its own in place of
# it where posecut.yaml says "palette: distinct")
skeleton: []
skeleton_color: black
pcutoff: 0.6
dotsize: 12
alphavalue: 0.7
colormap: rainbow

# Training, evaluation and analysis: fraction of labeled frames to train on, round of refinement, network,
# snapshot to use (-1: the last, or all), frames per step of analysis
TrainingFraction:
- 0.95
iteration: 0
default_net_type: resnet_50
default_augmenter: default
snapshotindex: -1
detector_snapshotindex: -1
batch_size: 8
detector_batch_size: 1

# Set cropping to true to analyze only this window of every video
cropping: false
x1: 0
x2: 640
y1: 277
y2: 624

# Refinement in old DeepLabCut: where to put positions that lie outside the image
corner2move2:
- 50
- 50
move2corner: true
"""


def new_config_text(
    *,
    task: str,
    scorer: str,
    date: str,
    root: Path,
    bodyparts: Sequence[str],
    skeleton: Sequence[Sequence[str]],
    videos: Mapping[Path, Crop],
) -> str:
    """Return the text of a new config.yaml.

    Args:
        task: Name of the project.
        scorer: Name of the experimenter.
        date: Such as "Oct30".
        root: The project's folder.
        bodyparts: Names in the order of labeling.
        skeleton: Pairs of bodyparts.
        videos: Path in the project -> window to extract, by default the full frame.
    """
    changes = {
        "Task": task,
        "scorer": scorer,
        "date": date,
        "project_path": str(root),
        "video_sets": {str(path): video_entry(crop) for path, crop in videos.items()},
        "bodyparts": list(bodyparts),
        "skeleton": [list(bone) for bone in skeleton],
    }
    return edit_text(_TEMPLATE, changes, root / "config.yaml")


# --- moved videos -----------------------------------------------------------------------------------------------------
# What config.yaml must say differently because the project was moved, or came with placeholders for paths.


def repairs(values: Mapping[str, object], root: Path) -> dict[str, object]:
    """Return the keys of config.yaml that must change, with their new values; none where all is well.

    A video is looked for at the same place in the moved project, at its recorded path, and by name in `videos/`. One
    that lay in a project which is still there is that project's: the entry of a copy means its own file, also where
    that is missing.
    A placeholder (neither a path nor a file's name) stands for the videos in `videos/` that no other entry means, and
    for folders of frames whose videos are not there: where there are any, it stays. Crops are kept. Labeled videos,
    which other programs put there, are nobody's.

    Args:
        values: config.yaml as read.
        root: The project's folder, absolute.
    """
    changes: dict[str, object] = {}
    old_root = values.get("project_path")
    if old_root != str(root):
        changes["project_path"] = str(root)
    entries = values.get("video_sets")
    if isinstance(entries, dict) and entries:
        repaired = _moved_videos(entries, root, str(old_root or ""))
        if repaired != entries:
            changes["video_sets"] = repaired
    return changes


def entry_of(video: str, values: Mapping[str, object], root: Path) -> str | None:
    """Return the entry of `video_sets` that means a video, as it is written; None where only a placeholder does.

    Args:
        video: Its path, as `repairs` gives it.
        values: config.yaml as read.
        root: The project's folder, absolute.
    """
    entries, old_root = values.get("video_sets"), str(values.get("project_path") or "")
    written = [str(key) for key in entries] if isinstance(entries, dict) else []
    return next((key for key in written if video in (key, _place(key, root, old_root))), None)


def video_stem(path: str) -> str:
    """Return the stem of a path written with either kind of slash: the name of the video's folder in labeled-data."""
    return Path(_name(path)).stem


def _moved_videos(entries: dict[object, object], root: Path, old_root: str) -> dict[object, object]:
    found = {key: _located(str(key), root, old_root) for key in entries}
    taken = {path for path in found.values() if path is not None}
    spare = [str(path) for path in videos_in(root / "videos") if str(path) not in taken]
    repaired: dict[object, object] = {}
    for key, entry in entries.items():
        path = found[key]
        if path is not None:
            repaired.setdefault(path, entry)
        elif is_placeholder(str(key)):
            repaired.update((video, entry) for video in spare)
            spare = []
        else:
            repaired.setdefault(_place(str(key), root, old_root), entry)
    words = {key: entry for key, entry in entries.items() if is_placeholder(str(key)) and found[key] is None}
    listed = {video_stem(str(key)) for key in repaired}
    rest = [folder for folder in folders_of_frames(root / "labeled-data") if folder.name not in listed]
    return {**repaired, **words} if any(next(folder.iterdir(), None) for folder in rest) or not repaired else repaired


def is_placeholder(recorded: str) -> bool:
    """Tell words such as DeepLabCut's demo has from a video that is missing, whatever its file ends in."""
    return _name(recorded) == recorded and not Path(recorded).suffix


def folders_of_frames(labeled_data: Path) -> list[Path]:
    """Return the folders that may hold frames of videos, hidden ones and check images left out, by their names."""
    if not labeled_data.is_dir():
        return []
    folders = (path for path in labeled_data.iterdir() if path.is_dir() and not path.name.startswith("."))
    found = (path for path in folders if not path.name.endswith("_labeled"))
    return sorted(found, key=lambda path: path.name)  # Windows sorts paths without regard to case


def _place(recorded: str, root: Path, old_root: str) -> str:
    """Return where a recorded video is now, or where it is missing."""
    moved = _below(recorded, old_root) if old_root != str(root) else None
    return _located(recorded, root, old_root) or (str(root / moved) if moved else recorded)


def _located(recorded: str, root: Path, old_root: str) -> str | None:
    """Return where a recorded video is now; None where it is nowhere."""
    name, moved = _name(recorded), _below(recorded, old_root)
    candidates = ([root / moved] if moved else []) + [root / "videos" / name]
    if not moved or not (Path(old_root) / "config.yaml").is_file():  # else it is the video of the project copied from
        candidates.insert(-1, root / recorded)
    return next((os.path.abspath(path) for path in candidates if name and os.path.isfile(path)), None)


def _below(recorded: str, old_root: str) -> str | None:
    """Return a path relative to the folder where the project was, where it lay inside."""
    path, folder = (text.replace("\\", "/").rstrip("/") for text in (recorded, old_root))
    return path[len(folder) + 1 :] if folder and path.startswith(folder + "/") else None


def _name(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1]
