"""The formats of other programs: what each is called, what of labels and poses it has words for, and who reads it.

Labels pass through one value, `Labels`, whichever file they come from or go to. What a format has no word for is told
to the person, counted (`losses`), before anything is written.
"""

import importlib
import importlib.util
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from posecut_core.cameras.camera import Camera
from posecut_core.errors import ArgumentError, LabelError, PosecutError, Remedy
from posecut_core.labels.state import Point
from posecut_core.poses.points import Points3D
from posecut_core.poses.predictions import Predictions
from posecut_core.project.given import named_few
from posecut_core.results import counted
from posecut_core.storage.files import open_file
from posecut_core.storage.hdf import open_hdf

# --- labels and poses -------------------------------------------------------------------------------------------------
# What files of any format hold, as one value.


Key = int | str  # a frame's number, or the name of an image, in whose pixels positions are then
Animals = Mapping[str, Mapping[str, Point]]  # name of an animal ("" where there is one) -> bodypart -> point


@dataclass(frozen=True)
class VideoLabels:
    """Labels of one video; a bodypart that a frame does not name is unset: nobody has looked for it."""

    video: str  # its path or name, or that of its folder of images, as the file has it
    frames: Mapping[Key, Animals]
    sizes: Mapping[Key, tuple[int, int]] = field(default_factory=dict)  # width, height of images


@dataclass(frozen=True)
class Labels:
    """Labels of several videos."""

    bodyparts: tuple[str, ...]
    videos: tuple[VideoLabels, ...]
    skeleton: tuple[tuple[str, str], ...] = ()
    symmetries: tuple[tuple[str, str], ...] = ()  # left and right
    left_out: tuple[str, ...] = ()  # what the file has besides and nothing here has a word for, in sentences

    @property
    def animals(self) -> tuple[str, ...]:
        """Return the names of all animals, in the order in which they appear."""
        frames = (animals for video in self.videos for animals in video.frames.values())
        return tuple(dict.fromkeys(name for animals in frames for name in animals))

    def of_animal(self, name: str) -> "Labels":
        """Return the labels of one animal, as if there were no other."""
        videos = [
            replace(video, frames={key: {"": found[name]} for key, found in video.frames.items() if name in found})
            for video in self.videos
        ]
        return replace(self, videos=tuple(videos))


def chosen_animal(labels: Labels, animal: str | None, *, path: Path, step: str) -> Labels:
    """Return the labels of one animal of a file, as a project follows one.

    Args:
        labels: of the file.
        animal: its name; None where there is only one.
        path: the file.
        step: that reads it, and can be told which.

    Raises:
        ArgumentError: there are several and none is named, or none of that name.
    """
    animals = labels.animals
    if animal is None and len(animals) < 2:
        return labels.of_animal(animals[0]) if animals else labels
    if animal not in animals:
        found = f"the animals {named_few(animals)}" if animals else "no animals with names"
        remedies = (Remedy(step, animal=animals[0]),) if animals else ()
        raise ArgumentError(f"{path} has {found}, expected one; name the one to take.", *remedies)
    return labels.of_animal(animal)


@dataclass(frozen=True)
class VideoPoses:
    """Predictions of one video."""

    video: str  # its path or name, as the file has it; "" where it does not say
    animals: Mapping[str, Predictions]  # by name, "" where there is one
    fps: float | None = None
    size: tuple[int, int] | None = None  # width, height of the frames
    skeleton: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class SessionPoses:
    """Points in space of a session of views, and the predictions that they were made of."""

    cameras: tuple[Camera, ...]
    views: tuple[VideoPoses, ...]  # of each camera, with one animal
    points: Points3D


# --- formats ----------------------------------------------------------------------------------------------------------
# The registry itself.


Kind = Literal["placed", "occluded", "hidden", "absent", "unset", "proposed"]  # hidden: occluded without a place
_NOUNS: Mapping[Kind, tuple[str, str]] = {  # and what follows it, also where it is several
    "placed": ("label", ""),
    "occluded": ("hidden bodypart", " with a place"),
    "hidden": ("hidden bodypart", " without a place"),
    "absent": ("absent bodypart", ""),
    "unset": ("bodypart", " that nobody has looked for"),
    "proposed": ("suggestion", ""),
}
Besides = Literal["skeleton", "frame rate", "network"]
_LOST: Mapping[Besides, str] = {
    "skeleton": "The skeleton.",
    "frame rate": "The frame rate.",
    "network": "Which network a suggestion is of.",
}


@dataclass(frozen=True)
class Format:
    """One format: its name, its files, and what it cannot say."""

    name: str
    title: str
    suffixes: tuple[str, ...]  # the first one is written
    module: str  # of this room, with read_labels, write_labels, read_poses and so on as far as it has them
    labels: str = ""  # "r", "w", "rw"
    poses: str = ""
    points: str = ""  # "w": write_points, of a session of views
    becomes: Mapping[Kind, str] = field(default_factory=dict)  # kinds of points it has no word for -> what they become
    loses: tuple[Besides, ...] = ()  # what else it has no word for
    images: bool = False  # whether labels are of images instead of frames of a video
    extra: str = ""  # the optional dependency that it needs
    packages: tuple[str, ...] = ()  # of it
    begins: re.Pattern[bytes] | None = None  # how its files begin, where suffixes do not tell

    def function(self, name: str) -> Callable[..., Any]:
        """Return one of its functions.

        Raises:
            ArgumentError: a package is not installed.
        """
        missing = [package for package in self.packages if importlib.util.find_spec(package) is None]
        if missing:
            raise ArgumentError(
                f"{self.title} needs {' and '.join(missing)}, which is not installed here; install it with: pip "
                f"install 'posecut[{self.extra}]'"
            )
        found: Callable[..., Any] = getattr(importlib.import_module(f"posecut_core.interchange.{self.module}"), name)
        return found


_HDF = re.compile(rb"\x89HDF\r\n\x1a\n")
_SLEAP: Mapping[Kind, str] = {
    "hidden": "absent",
    "unset": "absent, where another bodypart of the frame is labeled",
}
_COCO: Mapping[Kind, str] = {"hidden": "not labeled", "absent": "not labeled", "proposed": "left out"}

FORMATS: Mapping[str, Format] = {
    one.name: one
    for one in (
        Format(
            "sleap", "SLEAP's .slp", (".slp",), "sleap", "rw", "rw", becomes=_SLEAP,
            loses=("network", "frame rate"), extra="sleap", packages=("sleap_io",), begins=_HDF,
        ),
        Format(
            "sleap-package", "SLEAP's .pkg.slp, which holds the images too", (".pkg.slp",), "sleap", "w",
            becomes=_SLEAP, loses=("network",), extra="sleap", packages=("sleap_io",),
        ),
        Format(
            "sleap-analysis", "SLEAP's analysis .h5", (".analysis.h5", ".h5"), "sleap_analysis", poses="rw",
            loses=("frame rate",), begins=_HDF,
        ),
        Format(
            "coco", "COCO keypoints", (".json",), "coco", "rw", becomes=_COCO, images=True,
            begins=re.compile(rb"(\xef\xbb\xbf)?\s*\{"),
        ),
        Format(
            "lightning-pose", "Lightning Pose's .csv", (".csv",), "tables", "rw",
            becomes={"absent": "hidden without a place", "proposed": "left out"}, loses=("skeleton",), images=True,
            begins=re.compile(rb"(\xef\xbb\xbf)?\"?scorer(.*[\r\n]+){2}\"?coords.*visible"),
        ),
        Format("deeplabcut", "DeepLabCut's tables", (".csv", ".h5"), "tables", "r", "r", images=True),
        Format(
            "cvat", "CVAT for images and, to read, for video", (".xml",), "cvat", "rw",
            becomes={"proposed": "left out"}, loses=("skeleton",), images=True,
            begins=re.compile(rb"(\xef\xbb\xbf)?\s*<"),
        ),
        Format(
            "nwb", "NWB with ndx-pose", (".nwb",), "nwb", "rw", "rw",
            points="w",
            becomes={"hidden": "missing", "absent": "missing", "unset": "missing", "proposed": "left out"},
            extra="nwb", packages=("pynwb", "ndx_pose"), begins=_HDF,
        ),
        Format(
            "movement", "movement's netCDF", (".nc",), "movement", poses="rw", loses=("skeleton",),
            extra="movement", packages=("h5netcdf",), begins=_HDF,
        ),
    )
}  # fmt: skip


def chosen_format(name: str, what: Literal["labels", "poses"], how: Literal["r", "w"]) -> Format:
    """Return a format by its name.

    Raises:
        ArgumentError: there is none of that name that can do what is asked for.
    """
    known = [one for one in FORMATS.values() if how in getattr(one, what)]
    found = next((one for one in known if one.name == name.strip().lower()), None)
    if found is None:
        verb = "read" if how == "r" else "write"
        raise ArgumentError(
            f"There is no format {name!r} to {verb} {what}, expected one of {named_few([one.name for one in known])}."
        )
    return found


def format_of(path: Path, what: Literal["labels", "poses"]) -> Format:
    """Tell the format of a file by its name and its first bytes.

    Raises:
        LabelError: it cannot be read, or is of no known format.
    """
    try:
        with open_file(path) as file:
            head = file.read(1 << 16)
    except OSError as error:
        raise LabelError(f"Cannot read {path} ({error.strerror}); give the path of a readable file.") from error
    if not head:
        raise LabelError(f"{path} is empty, expected a file with {what}; restore it from a copy.")
    named = [one for one in FORMATS.values() if path.name.lower().endswith(one.suffixes) and "r" in getattr(one, what)]
    for one in named:
        if (one.begins is None or one.begins.match(head)) and not _is_pandas(path, one):
            return one
    suffixes = dict.fromkeys(suffix for one in FORMATS.values() if "r" in getattr(one, what) for suffix in one.suffixes)
    raise LabelError(f"{path} is not a file with {what} of a known format, expected one of {', '.join(suffixes)}.")


def _is_pandas(path: Path, one: Format) -> bool:
    """Tell whether an .h5 that could be SLEAP's is a table of DeepLabCut's layout."""
    if one.name != "sleap-analysis":
        return False
    try:
        with open_hdf(path, foreign=True) as file:
            return "tracks" not in file
    except (OSError, RuntimeError, KeyError, ValueError, MemoryError):
        return False


def losses(one: Format, labels: Labels) -> tuple[str, ...]:
    """Say what a format has no word for of these labels, counted."""
    counts: Counter[Kind] = Counter()
    for video in labels.videos:
        for animals in video.frames.values():
            for points in animals.values():
                counts.update(kind_of(points.get(part)) for part in labels.bodyparts)
    told = [f"{_named(kind, counts[kind])}: {words}" for kind, words in one.becomes.items() if counts[kind]]
    there = {"skeleton": bool(labels.skeleton), "network": counts["proposed"] > 0}
    return (*told, *(_LOST[what] for what in one.loses if there.get(what)))


def _named(kind: Kind, count: int) -> str:
    noun, rest = _NOUNS[kind]
    return f"{counted(count, noun)}{rest}"


def losses_of_poses(one: Format, *, has_skeleton: bool) -> tuple[str, ...]:
    """Say what a format has no word for of predictions."""
    there = {"skeleton": has_skeleton, "frame rate": True}
    return tuple(_LOST[what] for what in one.loses if there.get(what))


def kind_of(point: Point | None) -> Kind:
    """Return what is known of a bodypart, in the words of `Format.becomes`."""
    if point is None:
        return "unset"
    return "hidden" if point.state == "occluded" and point.xy is None else point.state


class FormatError(ValueError):
    """What a file says and its format does not allow, as words that follow "because"."""


@contextmanager
def reading(path: Path, title: str) -> Iterator[None]:
    """Say in one sentence that a file is not of the format that it should be, whatever its reader says.

    Raises:
        LabelError: what is done within fails.
    """
    try:
        yield
    except PosecutError:
        raise
    except FileNotFoundError as error:
        raise LabelError(f"There is no file {path}; check the path and the spelling.") from error
    except MemoryError as error:
        raise LabelError(f"{path} claims more than fits into memory; restore it from a copy.") from error
    except FormatError as error:
        raise LabelError(
            f"{path} is not a file of {title} because {error}; correct it, or give another file."
        ) from error
    except Exception as error:  # of whichever library reads it
        raise LabelError(
            f"{path} is damaged, or not a file of {title}; restore it from a copy, or give another file."
        ) from error
