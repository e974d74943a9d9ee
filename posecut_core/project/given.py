"""What people give: files, names and numbers in the many forms that a shell, a notebook or a window passes on."""

import csv
import difflib
import functools
import glob
import inspect
import math
import operator
import os
import re
import types
import typing
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from posecut_core.errors import ArgumentError, PosecutError, Remedy, VideoError, perhaps
from posecut_core.steps import called_here
from posecut_core.storage.files import open_file
from posecut_core.storage.remote import remote_path

# --- given files ------------------------------------------------------------------------------------------------------
# Files as people name them: paths with quotes and patterns, videos and folders of them, and what is no recording.


Videos = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]

VIDEO_SUFFIXES = frozenset(
    {".264", ".265", ".3g2", ".3gp", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".h264", ".h265", ".hevc", ".m1v"}
    | {".m2ts", ".m2v", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mts", ".mxf"}
    | {".nut", ".ogv", ".qt", ".ts", ".vob", ".webm", ".wmv", ".y4m"}
)
_IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
_TABLE_SUFFIXES = frozenset({".csv", ".h5", ".hdf5", ".json", ".parquet", ".pickle", ".pkl", ".xls", ".xlsx"})
_TEXT_SUFFIXES = frozenset(
    {".doc", ".docx", ".html", ".ini", ".lock", ".log", ".md", ".pdf", ".rtf", ".txt", ".xml", ".yaml", ".yml"}
)
_NO_VIDEOS = _IMAGE_SUFFIXES | _TABLE_SUFFIXES | _TEXT_SUFFIXES
_LABELED = "_labeled"  # how labeled videos end, PoseCut's and DeepLabCut's
_NETWORKS = re.compile("PoseCut_|DLC_|DeepCut")  # how names of networks begin, which stand in those of results
_ADDRESS = re.compile(r"(?!file:)[a-z][a-z0-9+.-]+:/+", re.IGNORECASE)
_APPLE_DOUBLE = b"\x00\x05\x16\x07"
_LISTED = 12  # names in a sentence


@dataclass(frozen=True)
class GivenVideos:
    """The video files that were meant, each once, and what was given besides."""

    paths: tuple[Path, ...]  # absolute
    refused: dict[str, PosecutError] = field(default_factory=dict)  # as it was given -> why it is no video
    notes: tuple[str, ...] = ()  # sentences on what was left out of folders, and on what was given twice


def given_path(given: str | os.PathLike[str]) -> Path:
    """Return the absolute path that a person means.

    A home sign, quotes and blanks around it, a file:// address, and slashes of Windows are understood where nothing is
    called exactly so.

    Raises:
        ArgumentError: it is empty, or no path at all.
    """
    return Path(os.path.abspath(os.path.expanduser(_meant(given))))


def given_folder(given: str | os.PathLike[str]) -> Path:
    """Return the absolute path of a folder that a person means, which need not be there yet.

    Raises:
        ArgumentError: it is empty, no path, or a file, or would lie in one.
    """
    path = given_path(given)
    there = next((place for place in (path, *path.parents) if os.path.lexists(place)), path)
    if there.exists() and not there.is_dir():
        raise ArgumentError(f"{there} is a file, expected a folder to write into; give the path of a folder.")
    if not _is_utf8(path):
        raise ArgumentError(f"{path} has letters that are not UTF-8, expected a folder that files can name; rename it.")
    return path


def listed(given: object, *, what: str = "videos") -> list[str | os.PathLike[str]]:
    """List what is given for a list; a single text or path stands for itself.

    Raises:
        ArgumentError: it is neither a text or path nor several of them.
    """
    if isinstance(given, str | os.PathLike):
        return [given]
    entries: list[str | os.PathLike[str]] = []
    for entry in given if isinstance(given, Iterable) else [given]:
        if not isinstance(entry, str | os.PathLike):
            raise ArgumentError(f"{what} contains {_shown(entry)}, expected names or paths; correct the list.")
        entries.append(entry)
    return entries


def same_name(one: str, other: str) -> bool:
    """Tell whether two names are one where letters' case and spelling do not count, as on Windows and macOS."""
    return name_key(one) == name_key(other)


def name_key(name: str) -> str:
    """Return a name as disks compare it that tell neither case nor composed letters apart."""
    return unicodedata.normalize("NFC", name).casefold()


def natural_key(name: str) -> tuple[tuple[bool, int, str], ...]:
    """Return what puts names into the order in which people look for them: session2 comes before session10."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name_key(name))
    return tuple((not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts)


def given_videos(
    videos: Videos,
    *,
    videotype: str | Sequence[str] = "",
    named: Callable[[str], Path | None] = lambda name: None,
    known: Sequence[str] = (),
    elsewhere: bool = False,
) -> GivenVideos:
    """List the video files that are meant by files, folders, patterns, or names that the caller knows.

    A folder stands for the videos directly in it: those of `videotype`, by default of any known suffix; labeled videos
    and hidden files are left out. One thing that is no video does not keep the others from being found.

    Args:
        videos: what was given.
        videotype: suffixes that count in folders.
        named: returns the path of a video that is known by such a name.
        known: these names, to say them where something is not found.
        elsewhere: whether addresses such as s3://bucket/mouse7.mp4 will do; whether these are there is not asked.

    Raises:
        ArgumentError: nothing was given, or packages that read an address are not installed.
    """
    suffixes = _suffixes(videotype)
    found: dict[Path, None] = {}
    refused: dict[str, PosecutError] = {}
    notes: list[str] = []
    entries = [part for entry in listed(videos) for part in _parts(entry)]
    if not entries:
        raise ArgumentError("No videos were given, expected at least one video file or a folder with videos; name one.")
    for entry in entries:
        if elsewhere and (remote := remote_path(entry)) is not None:
            found[remote] = None
            continue
        try:
            paths, left_out = _videos_meant(entry, suffixes, named, known)
        except VideoError as error:
            refused[os.fspath(entry)] = error
            continue
        found.update(dict.fromkeys(paths))
        notes += left_out
    return GivenVideos(tuple(found), refused, tuple(dict.fromkeys(notes)))


def videos_in(folder: Path) -> list[Path]:
    """Return the recordings directly in a folder, by their names' ends, in the order of their names."""
    return _sorted_folder(folder, VIDEO_SUFFIXES)[0] if folder.is_dir() else []


def refuse_other_kind(path: Path) -> None:
    """Refuse a file that is known to be no recording, by its name: say what it is and what to give instead.

    Raises:
        VideoError: it is a labeled video, a table, an image, a text, or a macOS metadata file.
    """
    suffix = path.suffix.lower()
    if path.name.startswith("._") and _begins_with(path, _APPLE_DOUBLE):
        raise VideoError(f"{path} is a macOS metadata file, not a video; give {path.name[2:]} instead.")
    result = bool(_network_places(path.stem))
    if path.stem.lower().endswith(_LABELED) and result:
        raise VideoError(f"{path} is a labeled video, with poses drawn on its frames; give {_recording_of(path)}.")
    if suffix in _TABLE_SUFFIXES:
        kind = "a table of labels" if path.name.startswith("CollectedData") else "a table, not a video"
        raise VideoError(
            f"{path} is {'a file of results' if result else kind}; give "
            f"{_recording_of(path) if result else 'the recording, a video file'}."
        )
    if suffix in _IMAGE_SUFFIXES:
        raise VideoError(
            f"{path} is an image, not a video; give the video it was taken from, or make a video from the images (for "
            "example with ffmpeg)."
        )
    if suffix in _TEXT_SUFFIXES:
        kind = "a project's config.yaml" if path.name == "config.yaml" else "a text, not a video"
        raise VideoError(f"{path} is {kind}; name the project first and then video files or folders with videos.")


def missing_video(path: Path, given: str | os.PathLike[str], *, known: Sequence[str] = ()) -> VideoError:
    """Make the error for a video that is nowhere, with the nearest name that there is."""
    if _ADDRESS.match(os.fsdecode(given).strip()):
        return VideoError(
            f"{os.fsdecode(given).strip()} is a URL, expected a file; download the video and give its path."
        )
    if path.is_symlink():
        return VideoError(
            f"{path} is a link to {os.readlink(path)}, which is not there; connect the disk that it is on, or give "
            "the path of the video itself."
        )
    there = [*known, *(name for name in _names_in(path.parent) if Path(name).suffix.lower() in VIDEO_SUFFIXES)]
    stems = {_video_stem(name): name for name in reversed(there)}  # a common end makes no two names alike
    near = difflib.get_close_matches(_video_stem(path.name), stems, n=1)
    guess = f" (perhaps {stems[near[0]]} is meant)" if near else ""
    of_project = f", or a video of the project ({named_few(known)})" if known else ""
    where = given if known and os.sep not in os.fspath(given) else path
    return VideoError(f"Found no video or folder {where}{guess}; give the path of a file or folder{of_project}.")


def _video_stem(name: str) -> str:
    return Path(name).stem if Path(name).suffix.lower() in VIDEO_SUFFIXES else name


def named_few(names: Sequence[str], *, most: int = _LISTED) -> str:
    """Name the first of many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _meant(given: str | os.PathLike[str]) -> str:
    if not isinstance(given, str | os.PathLike):
        raise ArgumentError(f"{_shown(given)} is not a path; give a string or a Path.")
    text = os.fsdecode(given)
    if _exists(text):
        return text
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1].strip()
    if not text:
        raise ArgumentError("An empty path was given; give the path of a file or folder.")
    if text.lower().startswith("file:"):
        text = url2pathname(unquote(urlsplit(text).path) if os.name != "nt" else urlsplit(text).path)
    slashed = text.replace("\\", "/")
    return slashed if not _exists(text) and (_exists(slashed) or glob.has_magic(slashed)) else text


def _exists(text: str) -> bool:
    return bool(text) and os.path.lexists(os.path.expanduser(text))


def _parts(entry: str | os.PathLike[str]) -> list[str | os.PathLike[str]]:
    """Split a text at commas where it is not a path and each part is one."""
    parts = [part.strip() for part in entry.split(",")] if isinstance(entry, str) else []
    split = (
        len(parts) > 1 and not given_path(entry).exists() and all(part and given_path(part).exists() for part in parts)
    )
    return list(parts) if split else [entry]


def _suffixes(videotype: str | Sequence[str]) -> frozenset[str]:
    words = videotype.split(",") if isinstance(videotype, str) else listed(videotype, what="videotype")
    wanted = {str(word).strip().lower().lstrip("*").lstrip(".") for word in words}
    return frozenset(f".{word}" for word in wanted if word) or VIDEO_SUFFIXES


def _videos_meant(
    entry: str | os.PathLike[str],
    suffixes: frozenset[str],
    named: Callable[[str], Path | None],
    known: Sequence[str],
) -> tuple[list[Path], list[str]]:
    """Return the videos that one thing stands for, and sentences on what is left out."""
    path = given_path(entry)
    of_project = named(os.fspath(entry).strip())
    if path.exists() and not _is_utf8(path):
        raise VideoError(
            f"{path} has letters that are not UTF-8, expected a path that names of results can begin with; rename the "
            "file or folder, or give a link under another name."
        )
    if path.is_dir():
        inside, left_out = _sorted_folder(path, suffixes)
        if not inside and of_project is not None:
            return [of_project], []
        if not inside:
            raise _empty_folder(path, suffixes)
        return inside, [f"Left out of {path}: {named_few(left_out)}"] if left_out else []
    if path.exists():
        refuse_other_kind(path)
        return [path], []
    if of_project is not None:
        return [of_project], []
    if glob.has_magic(str(path)):
        matches = [Path(name) for name in sorted(glob.glob(str(path), recursive=True), key=natural_key)]
        chosen, left_out = _sorted_files(matches, VIDEO_SUFFIXES)
        if chosen:
            return chosen, [f"Left out of {path}: {named_few(left_out)}"] if left_out else []
        raise VideoError(f"No video matches the pattern {path}; check it, or name the files.")
    raise missing_video(path, entry, known=known)


def _sorted_folder(folder: Path, suffixes: frozenset[str]) -> tuple[list[Path], list[str]]:
    try:
        return _sorted_files(sorted(folder.iterdir(), key=lambda path: natural_key(path.name)), suffixes)
    except OSError as error:
        raise VideoError(f"Folder {folder} cannot be read ({error.strerror}); check its permissions.") from error


def _sorted_files(files: Iterable[Path], suffixes: frozenset[str]) -> tuple[list[Path], list[str]]:
    """Tell recordings from what is left out and should be named; results, texts and what systems keep are not named."""
    recordings, left_out = [], []
    for path in files:
        suffix = path.suffix.lower()
        if path.is_dir() or ".partial" in path.suffixes or path.name.startswith(("._", ".DS_Store")):
            continue
        is_derived = path.stem.lower().endswith(_LABELED) or path.name.startswith(".")
        if path.is_symlink() and not os.path.exists(path):
            if suffix in suffixes and not is_derived:
                left_out.append(f"{path.name} (a link to {os.readlink(path)}, which is not there)")
        elif not _is_utf8(path):
            left_out.append(f"{path.name} (letters that are not UTF-8; rename it)")
        elif suffix in suffixes and not is_derived:
            recordings.append(path)
        elif suffix in VIDEO_SUFFIXES and suffixes == VIDEO_SUFFIXES:
            left_out.append(f"{path.name} ({'hidden' if path.name.startswith('.') else 'a labeled video'})")
        elif suffixes == VIDEO_SUFFIXES and suffix not in _NO_VIDEOS and not path.name.startswith("."):
            left_out.append(f"{path.name} (unknown file extension; give the file itself if it is a video)")
    return recordings, left_out


def _is_utf8(path: Path) -> bool:
    """Tell whether HDF5 and YAML can write a path; Linux lets names hold any bytes."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def _empty_folder(folder: Path, suffixes: frozenset[str]) -> VideoError:
    """Say what a folder without recordings holds, and what to give."""
    names = _names_in(folder)
    deeper = [name for name in names if (folder / name).is_dir() and videos_in(folder / name)]
    of_type = "" if suffixes == VIDEO_SUFFIXES else f" of type {', '.join(sorted(word[1:] for word in suffixes))}"
    if "config.yaml" in names:
        told = "is a project, expected videos; give the project first, then video files or folders"
    elif any(Path(name).suffix.lower() in _IMAGE_SUFFIXES for name in names):
        told = f"holds images, but no videos{of_type}; give the videos they were taken from"
    elif any(Path(name).stem.lower().endswith(_LABELED) for name in names):
        told = f"holds labeled videos, but no recordings{of_type}; give the folder of the recordings"
    elif deeper:
        told = f"holds no videos{of_type}, but its subfolders do; give these: {named_few(deeper)}"
    else:
        told = f"holds no videos{of_type} (.mp4, .avi, .mov, .mkv and the like); check the path"
    return VideoError(f"Folder {folder} {told}.")


def _begins_with(path: Path, magic: bytes) -> bool:
    try:
        with open_file(path) as file:
            return file.read(len(magic)) == magic
    except OSError:
        return False


def _names_in(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except OSError:
        return []


def _network_places(stem: str) -> list[int]:
    """Return where the name of a network may begin in that of a result, behind the recording's."""
    return sorted(match.start() for match in _NETWORKS.finditer(stem) if match.start())


def _recording_of(path: Path) -> str:
    """Name the recording that a result belongs to, as far as its name tells."""
    stems = [path.stem[:place] for place in _network_places(path.stem)] or [path.stem]
    there = [other for other in videos_in(path.parent) if other.stem in stems]
    return f"the recording, {there[-1]}" if there else f"the recording {stems[-1]} with its own file extension"


# --- given values -----------------------------------------------------------------------------------------------------
# Names and numbers as people give them: one for a list, texts for numbers, ranges, arrays of other libraries.
#
# `forgiving` turns the arguments of a public step into what its annotations say, so that each step need not.


Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
_SHOWN = 80  # letters of a value in a sentence
_MOST = 10_000_000  # numbers that a list may have: more are a slip
_QUOTED = re.compile(r"\"|^\s*'.*'\s*$")
_QUOTED_WHOLE = re.compile(r"^\s*'([^']*)'\s*$")
_COMMA = re.compile(r"[+-]?\d+,\d+")  # a number as most of Europe writes it
# Public steps that take `shuffle` and `trainingsetindex`: the network that they are about.
NETWORK_STEPS = frozenset(
    {"train_network", "evaluate_network", "analyze_videos", "filterpredictions", "analyzeskeleton", "plot_trajectories"}
    | {"create_labeled_video", "find_outlier_frames", "extract_outlier_frames", "export_model", "live", "benchmark"}
    | {"frame_scoremaps", "export_deeplabcut", "export_poses", "refine_cameras", "triangulate"}
)
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def forgiving(step: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Let a function take its arguments in the forms that people use, and refuse others in a sentence.

    The rooms below may know no project: remedies of errors get the one that the step was given, those about a network
    also its shuffle and training fraction, and one that calls the step again gets all its other arguments.

    A parameter of whole numbers takes texts and numbers of other libraries, one of several takes a single one, ranges
    such as "100-110,517" and anything that can be gone through; one of names takes a single name, or several in a text
    with commas between them, and quotes around a name that has a comma; one of pairs takes a text such as "a:b,c:d".

    Raises (as the function that is made):
        ArgumentError: a value cannot be what its parameter is.
    """

    @functools.wraps(step)
    def called(*words: Arguments.args, **options: Arguments.kwargs) -> Result:
        signature, hints = _annotated(step)
        try:
            bound = signature.bind(*words, **options)
        except TypeError:
            return _refused_by_python(step, signature, words, options)
        for name, value in bound.arguments.items():
            bound.arguments[name] = converted(value, hints.get(name), name)
        try:
            return step(*bound.args, **bound.kwargs)
        except PosecutError as error:
            error.suggest(*(_completed(remedy, step.__name__, signature, bound) for remedy in error.remedies))
            raise

    return called


def _refused_by_python(
    step: Callable[..., Result], signature: inspect.Signature, words: Sequence[object], options: Mapping[str, object]
) -> Result:
    """Let Python say what is missing, or too much, and add how arguments that DeepLabCut has are called here.

    Raises:
        TypeError: always.
    """
    try:
        return step(*words, **options)
    except TypeError as error:
        for name in options:
            meant = None if name in signature.parameters else called_here(name, signature.parameters)
            if meant is not None:
                error.add_note(f"{name} is called {meant} here." if meant else f"{name} is not needed here.")
        raise


def _completed(remedy: Remedy, step: str, signature: inspect.Signature, bound: inspect.BoundArguments) -> Remedy:
    given = {
        name: value
        for name, value in bound.arguments.items()
        if isinstance(value, str | int | float | list | tuple | os.PathLike)
        and value != signature.parameters[name].default
    }
    if remedy.step == step:
        return Remedy(step, **{**given, **remedy.arguments})
    completed = Remedy(remedy.step, **{**_network(given, remedy.step), **remedy.arguments})
    return completed.of_project(str(given["config"])) if "config" in given else completed


def _network(given: Mapping[str, Any], step: str) -> dict[str, object]:
    """Tell a step which network is meant, by what another step was given: nothing where it was several or the first."""
    shuffles = given.get("shuffle", ())
    shuffles = list(shuffles) if isinstance(shuffles, list | tuple) else [shuffles]
    fraction = {name: given[name] for name in ("trainingsetindex",) if name in given}
    if step == "create_training_dataset":
        return ({"shuffles": shuffles} if len(shuffles) == 1 else {}) | fraction
    if step in NETWORK_STEPS:
        return ({"shuffle": shuffles[0]} if len(shuffles) == 1 else {}) | fraction
    return {}


def given_names(given: object, *, what: str, known: Iterable[str] = ()) -> tuple[str, ...]:
    """List names, given as several, as one, or as a text with commas between them, or semicolons if it has no commas.

    Square brackets around the whole text, and single quotes around names in them, are Python's and no part of a name;
    neither are single quotes around the whole text, which some shells leave there.

    Args:
        given: the names; in a text a name that has a comma stands in double quotes, if it is not known anyway.
        what: they are called in an error.
        known: names to look for first, also such as have commas.

    Raises:
        ArgumentError: one of them is no text.
    """
    names = tuple(known)
    if isinstance(given, str):
        return (str(given),) if given in names else _split(_separated(given), names)
    entries = list(given) if isinstance(given, Iterable) else [given]
    wrong = [entry for entry in entries if not isinstance(entry, str | os.PathLike)]
    if wrong:
        raise ArgumentError(f"{what} contains {_shown(wrong[0])}, expected names; correct the list.")
    return tuple(str(entry) for entry in entries)


def new_names(given: object, *, what: str) -> tuple[str, ...]:
    """List names that nothing has yet, as `given_names` does; a single one with a space may be meant as several.

    Raises:
        ArgumentError: a text is one name with a space that is not in double quotes, or a name is no text.
    """
    names = given_names(given, what=what)
    if isinstance(given, str) and len(names) == 1 and " " in names[0] and not _QUOTED.search(given):
        raise ArgumentError(
            f"{what} is {names[0]!r}, which has a space, expected names with commas between them, as in "
            f"{','.join(names[0].split())}; if it is one name, the double quotes belong to it: type "
            f"'\"{names[0]}\"'."
        )
    return names


def _given_pairs(given: str, *, what: str) -> list[tuple[str, str]]:
    """List pairs of names, given as a text such as "snout:neck,neck:tailbase".

    Raises:
        ArgumentError: a part is not two names joined by a colon.
    """
    found = [tuple(name.strip() for name in part.split(":", 1)) for part in given_names(given, what=what)]
    wrong = next((pair for pair in found if len(pair) != 2 or not all(pair)), None)
    if wrong is not None:
        raise ArgumentError(
            f"{what} contains {':'.join(wrong)!r}, expected two names joined by ':', as snout:neck; correct it."
        )
    return [(one, other) for one, other in found]


def _whole_number(given: object, *, what: str) -> int:
    """Return a whole number, given as such, as a text, or as a number of another library.

    Raises:
        ArgumentError: it is none.
    """
    text = given.strip() if isinstance(given, str) else given
    try:
        if isinstance(text, str):
            return int(text)
        if isinstance(text, float) and text.is_integer():
            return int(text)
        if not isinstance(text, bool):
            return operator.index(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        pass
    raise ArgumentError(f"{what} is {_shown(given)}, expected a whole number.")


def _whole_numbers(given: object, *, what: str) -> tuple[int, ...]:
    """List whole numbers, given as several, as one, or as a text of numbers and ranges such as "5,10-12".

    Raises:
        ArgumentError: a part is neither, or there are more than ten million.
    """
    if isinstance(given, str):
        parts = [part.strip() for part in _separated(given).split(",") if part.strip()]
        spans = [_span(part, what) for part in parts]
        if sum(len(span) for span in spans) > _MOST:
            raise ArgumentError(f"{what} is {given!r}, expected at most {_MOST} numbers; give smaller ranges.")
        return tuple(number for span in spans for number in span)
    if not isinstance(given, Iterable):
        return (_whole_number(given, what=what),)
    entries = (_whole_numbers(entry, what=what) if isinstance(entry, str) else (entry,) for entry in given)
    return tuple(_whole_number(entry, what=what) for several in entries for entry in several)


def number(given: object, *, what: str) -> float:
    """Return a number that is not NaN, given as such or as a text.

    Raises:
        ArgumentError: it is none.
    """
    try:
        found = given if isinstance(given, int | float) else float(given)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        found = math.nan
    if isinstance(given, bool) or math.isnan(found):
        text = given.strip() if isinstance(given, str) else ""
        how = f"; use a decimal point, as in {text.replace(',', '.')}" if _COMMA.fullmatch(text) else ""
        raise ArgumentError(f"{what} is {_shown(given)}, expected a number{how}.")
    return found


def _separated(text: str) -> str:
    """Write a list in the way of Python or of other programs as parts with commas between them."""
    inner = text.strip()[1:-1]
    if text.strip() == f"[{inner}]" and not set("[]") & set(inner):
        text = re.sub(r"(^|,)\s*'([^',]*)'\s*(?=,|$)", r"\1\2", inner)
    text = _QUOTED_WHOLE.sub(r"\1", text)
    return text if "," in text else text.replace(";", ",")


def _split(text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Split a text at commas outside quotes; neighbors that are a known name together stay together."""
    parts = text.split(",")
    found: list[str] = []
    rest: list[str] = []
    while parts:
        longest = next((n for n in range(len(parts), 1, -1) if ",".join(parts[:n]).strip() in known), 0)
        if longest and not rest:
            found.append(",".join(parts[:longest]).strip())
            parts = parts[longest:]
            continue
        rest.append(parts.pop(0))
        if ",".join(rest).count('"') % 2 == 0:
            found += _unquoted(",".join(rest))
            rest = []
    return tuple(name for name in (*found, *rest) if name.strip())


def _unquoted(text: str) -> list[str]:
    row = next(csv.reader([" ".join(text.split())], skipinitialspace=True), [])
    return [name.strip() for name in row]


def _span(part: str, what: str) -> range:
    low, dash, high = part.partition("-")
    low, high = low.strip(), high.strip()
    if not low and high.isascii() and high.isdigit():
        raise ArgumentError(f"The {what} {part!r} is negative; expected numbers from 0.")
    if not (low.isascii() and low.isdigit()) or (dash and not (high.isascii() and high.isdigit())):
        raise ArgumentError(f"The {what} {part!r} is not a whole number; expected numbers and ranges as in 5,10-12.")
    if len(low) > 18 or len(high) > 18:
        raise ArgumentError(f"The {what} {part!r} is too large; expected numbers as in 5,10-12.")
    first, last = int(low), int(high if dash else low)
    if last < first:
        raise ArgumentError(
            f"The {what}s {part!r} are in descending order; expected the smaller number first, as in {last}-{first}."
        )
    return range(first, last + 1)


@functools.cache
def _annotated(step: Callable[..., object]) -> tuple[inspect.Signature, Mapping[str, object]]:
    return inspect.signature(step), typing.get_type_hints(step)


def converted(value: Any, hint: object, name: str) -> Any:
    """Return a value as its annotation says; one whose annotation says nothing is as it was.

    Args:
        value: in any form that people use.
        hint: the annotation.
        name: of the parameter, as a sentence about a wrong value calls it.

    Raises:
        ArgumentError: it cannot be that.
    """
    kinds = _kinds(hint)
    if value is None and type(None) in kinds:
        return None
    words = [word for kind in kinds if typing.get_origin(kind) is typing.Literal for word in typing.get_args(kind)]
    if words:
        return _chosen(value, words, name)
    if bool in kinds:
        return _flag(value, name)
    if isinstance(value, str) and {Mapping[str, str], Sequence[Sequence[str]]} & set(kinds):
        pairs = _given_pairs(value, what=name)
        return dict(pairs) if Mapping[str, str] in kinds else pairs
    if Sequence[int] in kinds:
        return _several(value, kinds, name)
    if Sequence[str] in kinds:
        return value if str in kinds and isinstance(value, str) else new_names(value, what=name)
    if float in kinds:
        return number(value, what=name)
    if int in kinds:
        word = str in kinds and isinstance(value, str) and not value.strip().lstrip("+-").isdigit()
        return value if word else _whole_number(value, what=name)
    return _of_kind(value, kinds, name)


def _of_kind(value: Any, kinds: tuple[object, ...], name: str) -> Any:
    """Return a value that is of one of these kinds; what can be gone through is one for a list."""
    known = [typing.get_origin(kind) or kind for kind in kinds]
    found = [Iterable if kind is Sequence else kind for kind in known]
    if not all(isinstance(kind, type) for kind in found) or isinstance(value, tuple(found)):  # type: ignore[arg-type]
        return value
    expected = " or ".join(dict.fromkeys(_A_KIND.get(kind) or _a(kind) for kind in known if kind is not type(None)))
    raise ArgumentError(f"{name} is {_shown(value)}, expected {expected}.")


_A_KIND: Mapping[object, str] = {
    str: "a text",
    os.PathLike: "a path",
    Sequence: "a list",
    Iterable: "a list",
    Mapping: "a mapping, such as a dict",
    Callable: "a function",
}


def _a(kind: object) -> str:
    named = getattr(kind, "__name__", str(kind))
    return f"{'an' if named[0] in 'AEIOUaeiou' else 'a'} {named}"


def _shown(value: object) -> str:
    """Write a value as it is typed, or what it is where that would be no word in a sentence."""
    text = repr(value)
    return _a(type(value)) if len(text) > _SHOWN or "\n" in text or text.startswith("<") else text


def _kinds(hint: object) -> tuple[object, ...]:
    is_union = isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union
    return typing.get_args(hint) if is_union else (hint,)


def _several(value: Any, kinds: tuple[object, ...], name: str) -> Any:
    if isinstance(value, str) and str in kinds and re.search(r"[^\d\s,;\[\]-]|^\W*$", value):
        return value.strip()
    return _whole_numbers(value, what=name.removesuffix("s") if isinstance(value, str) else name)


def _chosen(value: Any, choices: Sequence[str], name: str) -> str:
    if not isinstance(value, str) or value not in choices:
        raise ArgumentError(
            f"{name} is {_shown(value)}, expected one of {', '.join(choices)}{perhaps(value, choices)}."
        )
    return str(value)


def _flag(value: Any, name: str) -> bool:
    found = _TRUTH.get(str(value).strip().lower())
    if found is None:
        raise ArgumentError(f"{name} is {_shown(value)}, expected True or False.")
    return found


# --- bodyparts --------------------------------------------------------------------------------------------------------
# Bodyparts that a file or a network has and config.yaml has not: one sentence for all of them.


def legible(name: str) -> str:
    """Return a name as a sentence shows it: in quotes where a blank at its end or beginning could not be seen."""
    return repr(name) if name != name.strip() or not name.isprintable() else name


def foreign_bodyparts(found: Iterable[str], known: Collection[str], *, source: str, remedy: str) -> str | None:
    """Say that `source` has bodyparts that the project does not have; None where it has none.

    Args:
        found: names in the source.
        known: names in config.yaml.
        source: what has them, as the sentence begins.
        remedy: what else than giving the old names back helps, as the sentence ends.
    """
    foreign = [name for name in found if name not in known]
    if not foreign:
        return None
    return (
        f"{source} has {', '.join(map(repr, foreign))}, expected only bodyparts of config.yaml "
        f"({', '.join(map(legible, known))}); if they were renamed there, use the old names, else {remedy}."
    )


def chosen_bodyparts(known: tuple[str, ...], wanted: str | Sequence[str] | None) -> tuple[str, ...]:
    """List the bodyparts meant, in the network's order; None means all, as does "all" where no bodypart is called so.

    Raises:
        ArgumentError: one is not known.
    """
    if wanted is None:
        return known
    names = given_names(wanted, what="bodyparts", known=known)
    if names == ("all",) and "all" not in known:
        return known
    for name in names or ("",):
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise ArgumentError(
                f"The network has no bodypart {name!r}{f', perhaps {near[0]!r}' if near else ''}; choose among "
                f"{', '.join(known)}."
            )
    return tuple(part for part in known if part in names)
