"""Images of a labeled-data folder: which frame of the video each one is, and its 8-bit RGB picture."""

import itertools
import json
import os
import re
import unicodedata
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import av
import numpy as np
from jaxtyping import Shaped, UInt8
from PIL import Image

from posecut_core.errors import LabelError, VideoError, refuse_newer
from posecut_core.project.paths import IMAGE_SUFFIXES
from posecut_core.storage.files import open_file, parse_json, read_text, write_text

# --- image names ------------------------------------------------------------------------------------------------------
# Which frame of its video each image of a folder is.
#
# `img0123.png` is frame 123, however many zeros lead, and so is `0123.jpg`. Of other names, digits at the end are a
# frame number where the video is long enough and no other image claims that frame (`frame0123.png`); all others get
# numbers from `OWN` on, in the order of names. Names that differ in their suffix, or in blanks at their ends, only are
# one image, and so is `IMG0123.png` where `img0123.png` is there: tables from systems that tell no case apart. What
# names of other forms stand for is written once, into `images.json` beside the images, so that no number changes when
# an image is added or removed.


DIGITS = 4  # of videos whose length is unknown
OWN = 10**9  # from here on are images that are no frame of the video, as far as their names tell
_LONGEST = 10**7  # frames of a video of unknown length: digits beyond that are dates or the like
_NAME = re.compile(r"(?:img)?(\d{1,18})", re.ASCII)
_PADDED = re.compile(r"img(\d{1,18})", re.ASCII)
_FOREIGN = re.compile(r"(.*?)(\d{1,18})", re.ASCII | re.DOTALL)
_PARTS = re.compile(r"(\d+)", re.ASCII)
_SCHEMA = 1


@dataclass(frozen=True)
class ImageRecord:
    """Content of `images.json`."""

    numbers: Mapping[str, int] = field(default_factory=dict)  # name -> frame number
    levels: tuple[float, float] | None = None  # values of deep images that are stored as black and as white


def last_part(path: str) -> str:
    """Return the file name of a path written with either kind of slash."""
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def is_image(name: str) -> bool:
    """Tell whether a file name is an image's; hidden files, which some systems leave beside images, are none."""
    stem, dot, suffix = name.strip().rpartition(".")
    named = bool(stem) and len(name) < 256 and not stem.startswith(".")
    return named and dot + suffix.lower() in IMAGE_SUFFIXES and _is_text(name)


def frame_number(name: str) -> int | None:
    """Return the frame number in a name of DeepLabCut's form, or None where the name is of another form."""
    match = _NAME.fullmatch(name.rpartition(".")[0])
    return int(match[1]) if match and is_image(name) else None


def meant_number(name: str) -> int | None:
    """Return the frame number in a name of DeepLabCut's form but for letters' case and blanks at its ends, or None."""
    match = _NAME.fullmatch(_stem(name))
    return int(match[1]) if match and is_image(name) else None


def image_name(number: int, *, digits: int) -> str:
    """Return the name of a frame's image, with as many digits as DeepLabCut pads the video's frame numbers to."""
    return f"img{number:0{digits}d}.png"


def digits_for(frame_count: int) -> int:
    """Return how many digits DeepLabCut gives the frames of a video of this length: log10, rounded up."""
    return max(1, len(str(max(1, frame_count) - 1)))


def digits_of(names: Iterable[str], *, otherwise: int) -> int:
    """Return how many digits the images of a folder are padded to.

    Args:
        names: the images.
        otherwise: the answer where no name tells, and where names of several paddings allow it.
    """
    found = [match[1] for name in names if is_image(name) and (match := _PADDED.fullmatch(name.rpartition(".")[0]))]
    padded = Counter(len(digits) for digits in found if digits.startswith("0") and len(digits) > 1)
    if padded:
        return otherwise if otherwise in padded else padded.most_common(1)[0][0]
    least = min((len(digits) for digits in found), default=otherwise)
    return min(least, otherwise)  # 0 may lead nowhere because all numbers are long


def image_files(folder: Path) -> tuple[str, ...]:
    """List the names of the image files in a folder, in the order of names in which 9 comes before 10."""
    return _ordered(entry.name for entry in _entries(folder) if os.path.isfile(entry.path))


def no_files(folder: Path) -> tuple[str, ...]:
    """List what is named as an image in a folder and is no file: folders, and links that lead nowhere."""
    return _ordered(entry.name for entry in _entries(folder) if not os.path.isfile(entry.path))


def images_in(folder: Path, *, first: Iterable[str] = (), named: Iterable[str] = ()) -> dict[int, Path]:
    """Return frame number -> image file of a folder, in increasing order.

    Args:
        folder: The video's folder in labeled-data; it need not exist.
        first: Images that count where several stand for one frame, as those that are labeled.
        named: Images that labels name, which may not be there: what is not recorded yet is numbered with them.

    Raises:
        LabelError: `images.json` is damaged.
    """
    files = image_files(folder)
    if not files:
        return {}
    preferred, numbers = {*first}, numbers_of(folder, [*files, *named])
    found: dict[int, str] = {}
    for name in files:
        known = found.get(numbers[name])
        if known is None or (name in preferred and known not in preferred):
            found[numbers[name]] = name
    return {number: folder / found[number] for number in sorted(found)}


def numbers_of(folder: Path, names: Sequence[str]) -> dict[str, int]:
    """Return name -> frame number of images, as recorded in their folder; what is not recorded is told by the names.

    Raises:
        LabelError: `images.json` is damaged.
    """
    plain = {name: number for name in names if (number := frame_number(name)) is not None}
    if len(plain) == len(set(names)) and not record_path(folder).exists():
        return plain
    found = numbered((*image_files(folder), *names), read_record(folder).numbers)
    return {name: found[name] for name in names}


def numbered(
    names: Iterable[str], known: Mapping[str, int], *, frames: int | None = None, apart: Iterable[str] = ()
) -> dict[str, int]:
    """Return name -> frame number of images; several names may be one frame.

    Args:
        names: the images.
        known: what is recorded of some of them, and of others.
        frames: how many frames the video has; None where that is not known.
        apart: images that are not the frame of their digits.
    """
    fresh, separate = [name for name in _ordered(names) if name not in known], {*apart}
    stems = {_stem(name): known[name] for name in reversed([*known])}
    found, others = dict(known), {number for name, number in known.items() if frame_number(name) is None}
    for name in fresh:
        number = frame_number(name)
        number = stems.get(_stem(name), None if number in others else number)
        if number is not None and name not in separate:
            found[name] = number
    usual = {number for name, number in found.items() if frame_number(name) == number}
    for name in fresh:
        number = meant_number(name)
        if number in usual and frame_number(name) is None and name not in found and name not in separate:
            found[name] = number
    rest = [name for name in fresh if name not in found]
    numbers = _by_digits(rest, separate, {*found.values()}, _LONGEST if frames is None else frames)
    given = {*found.values(), *numbers.values()}
    first = max((number for name, number in known.items() if frame_number(name) != number), default=0)
    own = (number for number in itertools.count(max(OWN, first + 1)) if number not in given)
    for name in rest:
        if name in separate:
            found[name] = next(own)
        else:
            found[name] = numbers[_stem(name)] if _stem(name) in numbers else next(own)
            numbers[_stem(name)] = found[name]
    return found


def record_path(folder: Path) -> Path:
    """Return the path of `images.json` in a video's folder."""
    return folder / "images.json"


def read_record(folder: Path) -> ImageRecord:
    """Read what is recorded of a folder's images; nothing where all have names of DeepLabCut's form.

    Raises:
        LabelError: the file is damaged, or a newer PoseCut wrote it.
    """
    path = record_path(folder)
    try:
        return _parsed(read_text(path), path)
    except FileNotFoundError:
        return ImageRecord()
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(path) from error


def write_record(folder: Path, record: ImageRecord) -> None:
    """Write what is known of a folder's images.

    Raises:
        StorageError: the disk refuses.
    """
    content = {"schema": _SCHEMA, "numbers": dict(record.numbers), "levels": record.levels}
    write_text(record_path(folder), json.dumps(content, indent=1) + "\n")


@lru_cache(maxsize=16)
def _parsed(text: str, path: Path) -> ImageRecord:
    try:
        content: dict[str, Any] = parse_json(text)
        schema, numbers, levels = content["schema"], content["numbers"], content["levels"]
        sound = all(type(number) is int and 0 <= number < 2**63 and is_image(name) for name, number in numbers.items())
        record = ImageRecord(MappingProxyType(dict(numbers)), levels and (float(levels[0]), float(levels[1])))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise _damaged(path) from error
    if isinstance(schema, int):
        refuse_newer(path, schema, known=_SCHEMA, kind=LabelError)
    if not sound or schema != _SCHEMA or (record.levels and not record.levels[0] < record.levels[1]):
        raise _damaged(path)
    return record


def _damaged(path: Path) -> LabelError:
    return LabelError(
        f"{path} is damaged, expected the frame index of each image in its folder; restore it from a copy, or delete "
        "it: it is rebuilt from the image names."
    )


def _by_digits(names: Iterable[str], apart: set[str], taken: set[int], frames: int) -> dict[str, int]:
    """Return stem -> frame number where digits at the end of a name tell it, for all names that begin alike or none."""
    groups: dict[str, dict[str, int]] = {}
    refused = set[str]()
    for name in names:
        match = _FOREIGN.fullmatch(_stem(name))
        if match:
            groups.setdefault(match[1], {})[_stem(name)] = int(match[2])
            refused |= {match[1]} if name in apart else set()
    claims = Counter(number for group in groups.values() for number in group.values())
    fitting = (
        group
        for prefix, group in groups.items()
        if prefix not in refused
        and all(number < frames and claims[number] == 1 and number not in taken for number in group.values())
    )
    return {stem: number for group in fitting for stem, number in group.items()}


def _stem(name: str) -> str:
    """Return what names of one image share in other suffixes, cases and normal forms, and with blanks at their ends."""
    return unicodedata.normalize("NFC", name).rpartition(".")[0].casefold().strip()


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return [entry for entry in found if is_image(entry.name)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise LabelError(f"Cannot read {folder} ({error.strerror}); check its permissions.") from error


def _ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Sort names as people do, 9 before 10; each once."""
    return tuple(sorted({*names}, key=lambda name: ([_part(part) for part in _PARTS.split(_stem(name))], name)))


def _part(text: str) -> tuple[int, str]:
    return (int(text), "") if text.isdecimal() and text.isascii() else (0, text.casefold())


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes of another encoding, which no table can name
        return False
    return True


# --- image files ------------------------------------------------------------------------------------------------------
# Image files as cameras and people leave them, read as the 8-bit RGB pictures that frames are.
#
# Pixels are taken as they are stored: an orientation in the file's EXIF data is not applied, because labels are made
# on the stored pixels (napari-deeplabcut reads them so), and of several pages the first counts. Transparency is
# ignored.


_MAX_PIXELS = 40_000_000  # of one picture: more than a frame of 8K video; some files claim sizes that no memory holds
_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "GIF", "WEBP")  # others call further programs
_NARROW = 8  # values in less than this part of their range are stretched, as of thermal cameras
_WHITE = 255.0
_COLORS = ("RGB", "RGBA", "LA")
_DEPTHS = (8, 10, 12, 14, 16)  # bits that cameras use
_REFUSALS = (OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError, OverflowError, MemoryError, EOFError)

Levels = tuple[float, float]  # values that become black and white
_Values = Shaped[np.ndarray, "H W *channels"]


def read_size(path: Path) -> tuple[int, int]:
    """Return height and width of an image in pixels, as its header has them.

    Raises:
        VideoError: it cannot be read.
    """
    with _opened(path) as image:
        return image.height, image.width


def read_picture(path: Path, *, levels: Levels | None = None) -> UInt8[np.ndarray, "H W 3"]:
    """Read an image as 8-bit RGB.

    Args:
        path: The file.
        levels: For images of more than 8 bits, the values that become black and white; see `common_levels`.

    Raises:
        VideoError: it cannot be read; why, and what to do, is said.
    """
    values = _read_values(path)
    if values.dtype != np.uint8:
        low, high = levels or common_levels([_value_range(values)])
        values = np.nan_to_num(values.astype(np.float32), nan=low, posinf=high, neginf=low)
        values = np.clip(np.rint((values - low) * (255.0 / (high - low))), 0, 255).astype(np.uint8)
    return values if values.ndim == 3 else np.repeat(values[..., None], 3, axis=2)


def read_range(path: Path) -> Levels | None:
    """Return the least and the greatest value of an image of more than 8 bits; None for any other.

    Raises:
        VideoError: it cannot be read.
    """
    with _opened(path) as image:
        if not _is_deep(image):
            return None
    values = _read_values(path)
    return None if values.dtype == np.uint8 else _value_range(values)


def _value_range(values: _Values) -> Levels:
    """Return the least and the greatest finite value."""
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def common_levels(ranges: Iterable[Levels]) -> Levels:
    """Choose which values become black and white, so that all images of a video are alike.

    The range of the bits that are used (a camera of 12 bits uses 0 to 4095 of 16), of 0 to 1 where values are
    fractions; values in a small part of that, or below zero, are stretched from the least to the greatest.

    Args:
        ranges: the least and the greatest value of each image.
    """
    pairs = list(ranges)
    low, high = min(pair[0] for pair in pairs), max(pair[1] for pair in pairs)
    top = 1.0 if high <= 1 else next((float(2**bits - 1) for bits in _DEPTHS if high < 2**bits), high)
    narrow = top != _WHITE and (high - low) * _NARROW < top
    if low >= 0 and not (narrow and low < high):
        return 0.0, top
    return low, max(high, low + 1.0)


def _read_values(path: Path) -> _Values:
    """Read an image as RGB of 8 bits, or as its own values where it has more bits."""
    with _opened(path) as image:
        if not _is_deep(image):
            return np.asarray(image.convert("RGB"))
        if image.mode in _COLORS:
            return _deep_colors(path, image.format == "TIFF")
        return np.asarray(image)


def _is_deep(image: Image.Image) -> bool:
    """Tell whether an image has more than 8 bits; Pillow keeps the upper 8 only where it has colors."""
    parts = getattr(image, "tile", ())  # how the file holds its pixels
    return image.mode[0] in "IF" or (image.mode in _COLORS and any(";16" in str(part[3]) for part in parts))


def _deep_colors(path: Path, tiff: bool) -> _Values:
    with path.open("rb") as file, av.open(file, "r", format="tiff_pipe" if tiff else "png_pipe") as container:
        frame = next(container.decode(video=0))
        return frame.to_ndarray(format="gray16le" if frame.format.name.startswith("ya") else "rgb48le")


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open an image, and say in one sentence why it cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is odd about an image that can be read
            with open_file(path) as stream, Image.open(stream, formats=_FORMATS) as image:
                if image.width * image.height > _MAX_PIXELS:
                    raise Image.DecompressionBombError
                yield image
    except Image.DecompressionBombError as error:
        raise VideoError(
            f"{path} has more than {_MAX_PIXELS // 10**6} million pixels according to its header, expected a video "
            "frame; scale it down, or remove it."
        ) from error
    except (*_REFUSALS, av.error.FFmpegError) as error:
        raise VideoError(_problem(path, error)) from error


def _problem(path: Path, error: Exception) -> str:
    if path.is_symlink() and not path.exists():
        return f"{path} is a link to a missing file; restore that file, or remove the link."
    if not path.is_file():
        return f"{path} is not a file, expected an image; restore it from a copy or remove it."
    if isinstance(error, PermissionError):
        return f"{path} cannot be read (permission denied); change its permissions."
    if path.stat().st_size == 0:
        return f"{path} is empty (0 bytes); restore it from a copy or remove it."
    return f"{path} is not a readable image (it may be truncated); restore it from a copy or remove it."
