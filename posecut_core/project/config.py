"""config.yaml: DeepLabCut's keys, read into a frozen value, edited in place, and written for a new project."""

import difflib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from posecut_core.errors import ProjectError
from posecut_core.project.relocate import video_stem
from posecut_core.storage.files import storage_error, write_bytes
from posecut_core.storage.values import as_integer, as_name, as_number, is_file_part, is_formula, shown
from posecut_core.storage.yaml_files import Fields, edit_text, load_mapping, read_yaml
from posecut_core.types import Crop

# --- keys -------------------------------------------------------------------------------------------------------------
# The keys that a config.yaml may have.


# What DeepLabCut 3.0.2 accepts; any other key would stop it from opening the project.
DEEPLABCUT_KEYS = frozenset(
    [
        "Task",
        "scorer",
        "date",
        "multianimalproject",
        "identity",
        "project_path",
        "pose_config_path",
        "engine",
        "video_sets",
        "bodyparts",
        "individuals",
        "uniquebodyparts",
        "multianimalbodyparts",
        "start",
        "stop",
        "numframes2pick",
        "skeleton",
        "skeleton_color",
        "pcutoff",
        "dotsize",
        "alphavalue",
        "colormap",
        "TrainingFraction",
        "iteration",
        "default_net_type",
        "default_augmenter",
        "default_track_method",
        "snapshotindex",
        "detector_snapshotindex",
        "batch_size",
        "detector_batch_size",
        "cropping",
        "x1",
        "x2",
        "y1",
        "y2",
        "corner2move2",
        "move2corner",
        "SuperAnimalConversionTables",
        "resnet",
        "croppedtraining",
        "with_identity",
        "unique_bodyparts",
        "config_version",
    ]
)

# Found in files of older or newer DeepLabCut; read past, never written.
KEYS_OF_OTHER_RELEASES = frozenset(["video_sets_original", "bboxes_pcutoff"])


# --- config -----------------------------------------------------------------------------------------------------------
# config.yaml: DeepLabCut's keys, read into a frozen value and edited in place, comments and order kept.


_LONGEST_WORD = 100  # bytes; a file's name has 255, and several of them stand in one


@dataclass(frozen=True)
class ProjectConfig:
    """What config.yaml says (paper, Box 1), validated; see `deeplabcut` for the meaning of each key."""

    task: str
    scorer: str
    date: str  # "Oct30"
    bodyparts: tuple[str, ...]
    video_sets: Mapping[str, Crop | None] = field(default_factory=dict)  # path as written -> crop of extraction
    skeleton: tuple[tuple[str, str], ...] = ()  # as written: new DeepLabCut projects name others than their bodyparts
    odd_bones: tuple[str, ...] = ()  # what else `skeleton` holds, as written: nothing that a line could be drawn for
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
    fields = Fields(values, path)
    _refuse_unknown_keys(fields)
    _refuse_several_animals(fields)
    start, stop = fields.fraction("start", 0.0), fields.fraction("stop", 1.0)
    if start >= stop:
        raise ProjectError(
            f"{fields.place('start')}: start is {start:g} and stop is {stop:g}, expected start < stop; correct one of "
            "them."
        )
    skeleton, odd_bones = _skeleton(fields)
    return ProjectConfig(
        task=_file_word(fields, "Task"),
        scorer=_file_word(fields, "scorer"),
        date=_file_word(fields, "date"),
        bodyparts=_bodyparts(fields),
        video_sets=_video_sets(fields),
        skeleton=skeleton,
        odd_bones=odd_bones,
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


def _refuse_unknown_keys(fields: Fields) -> None:
    for key in fields.values:
        if key not in DEEPLABCUT_KEYS | KEYS_OF_OTHER_RELEASES:
            near = difflib.get_close_matches(key, DEEPLABCUT_KEYS, n=1, cutoff=0.5)
            advice = f"rename it to {near[0]!r} if that was meant, or remove it" if near else "remove it"
            raise ProjectError(
                f"{fields.place(key)}: found the key {shown(key)}, expected only keys that DeepLabCut knows; {advice}."
            )


def _refuse_several_animals(fields: Fields) -> None:
    if fields.flag("multianimalproject") or fields.values.get("bodyparts") == "MULTI!":
        raise ProjectError(
            f"{fields.place('multianimalproject')}: multianimalproject is true, expected false because PoseCut tracks "
            "one animal per video; use a single-animal project."
        )


def _file_word(fields: Fields, key: str) -> str:
    """Return a text that stands in names of files and folders, which must not lead elsewhere."""
    name = fields.text(key)
    if is_formula(name):
        raise fields.wrong(key, "a name that is no formula, which a spreadsheet would run")
    if not is_file_part(name.strip()) or not name.isprintable() or len(name.encode()) > _LONGEST_WORD:
        expected = f"at most {_LONGEST_WORD} bytes without slashes and line ends, for it stands in names of files"
        raise fields.wrong(key, expected)
    return name


def _bodyparts(fields: Fields) -> tuple[str, ...]:
    found = fields.values.get("bodyparts")
    if not isinstance(found, list) or not found:
        raise fields.wrong("bodyparts", "a list of different names, one per line after `- `")
    places: dict[str, int] = {}
    for place, part in enumerate(found):
        name = as_name(part)
        if name is None or not name.strip():
            raise ProjectError(
                f"{fields.place('bodyparts', place)}: bodypart {place + 1} is {shown(part)}, expected a name; correct "
                "or remove it."
            )
        if is_formula(name):
            raise ProjectError(
                f"{fields.place('bodyparts', place)}: bodypart {place + 1} is {shown(part)}, expected a name that is "
                "no formula, which a spreadsheet would run; rename it."
            )
        if name in places:
            raise ProjectError(
                f"{fields.place('bodyparts', place)}: bodyparts has {shown(name)} twice, as number "
                f"{places[name] + 1} and {place + 1}, expected different names; rename or remove one of the two."
            )
        places[name] = place
    return tuple(places)


def _skeleton(fields: Fields) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Return the pairs of different names, and the rest as written: it hinders nobody."""
    found = fields.values["skeleton"] if fields.is_set("skeleton") else []
    bones, odd = [], []
    for entry in found if isinstance(found, list) else [found]:
        names = [as_name(part) for part in entry] if isinstance(entry, list) else []
        a, b = names if len(names) == 2 else (None, None)
        if a is None or b is None or a == b:
            odd.append(shown(entry))
        else:
            bones.append((a, b))
    return tuple(bones), tuple(odd)


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
                f"{fields.place('TrainingFraction')}: TrainingFraction has {one:g} and {other:g}, expected fractions "
                f"that are no two of one percentage when cut to whole ones, here {training_percent(one)}, because it "
                "names their datasets; change or remove one of them."
            )


def _net_type(fields: Fields) -> str:
    legacy = f"resnet_{fields.integer('resnet', 50, at_least=1)}"  # the paper's key
    return fields.text("default_net_type", legacy)


def _video_sets(fields: Fields) -> dict[str, Crop | None]:
    found = fields.values["video_sets"] if fields.is_set("video_sets") else {}
    if not isinstance(found, dict):
        raise fields.wrong("video_sets", "a mapping of video paths, each with its crop")
    for path in found:
        stem = video_stem(str(path))
        if not is_file_part(stem) or is_formula(stem) or "\0" in str(path):
            raise ProjectError(
                f"{fields.path}: video_sets names {shown(path)}, expected the path of a video; correct or remove it."
            )
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
            f"{fields.place('video_sets', video)}: the crop of {video} in video_sets is {shown(crop)}, expected "
            "`x1, x2, y1, y2` with 0 <= x1 < x2 and 0 <= y1 < y2; correct it there."
        )
    return numbers


def _four_integers(crop: object) -> Crop | None:
    parts = crop.split(",") if isinstance(crop, str) else crop
    if not isinstance(parts, list) or len(parts) != 4:
        return None
    numbers = [as_integer(part) for part in parts]
    x1, x2, y1, y2 = (-1 if number is None else number for number in numbers)
    return Crop(x1, x2, y1, y2) if 0 <= x1 < x2 and 0 <= y1 < y2 else None


def _analysis_crop(fields: Fields) -> Crop | None:
    if not fields.flag("cropping"):
        return None
    crop = _four_integers([fields.integer(key, -1) for key in ("x1", "x2", "y1", "y2")])
    if crop is None:
        found = ", ".join(f"{key}: {shown(fields.values.get(key))}" for key in ("x1", "x2", "y1", "y2"))
        raise ProjectError(
            f"{fields.place('cropping')}: cropping is true with {found}, expected 0 <= x1 < x2 and 0 <= y1 < y2; "
            "correct them or set cropping to false."
        )
    return crop


# --- new config -------------------------------------------------------------------------------------------------------
# The config.yaml of a new project: the paper's Box 1 under DeepLabCut's keys, with comments for a newcomer.


_TEMPLATE = """\
# Project (these three name files and folders: do not edit)
Task: ''
scorer: ''
date: ''
multianimalproject: false
identity:

# Where the project lies (corrected by itself when the project is moved)
project_path: ''

# Engine for DeepLabCut, should this project be opened there (pytorch or tensorflow); PoseCut has its own
engine: pytorch

# Videos to label, each with the window of the frame to extract: x1, x2, y1, y2 in pixels
video_sets: {}

# What to label, in the order of labelling; one name per line
bodyparts: []

# Fraction of each video where the extraction of frames starts and stops, and how many frames to pick per video
start: 0
stop: 1
numframes2pick: 20

# Plots and labelled videos: bones to draw between bodyparts, likelihood above which a position counts,
# size of dots, their opacity (0-1), and the colours (any matplotlib colormap)
skeleton: []
skeleton_color: black
pcutoff: 0.6
dotsize: 12
alphavalue: 0.7
colormap: rainbow

# Training, evaluation and analysis: fraction of labelled frames to train on, round of refinement, network,
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

# Set cropping to true to analyse only this window of every video
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
        bodyparts: Names in the order of labelling.
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
