"""Names of extracted frames, `img0123.png`: the digits are the frame number, however many zeros lead."""

import re
from collections.abc import Iterable
from pathlib import Path

from posecut_core.errors import LabelError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
DIGITS = 4  # of videos whose length is unknown
_NAME = re.compile(r"(?:img)?(\d{1,18})", re.ASCII)


def last_part(path: str) -> str:
    """Return the file name of a path written with either kind of slash."""
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def frame_number(name: str) -> int | None:
    """Return the frame number in an image's name, or None where the name is of another form."""
    stem, dot, suffix = name.rpartition(".")
    match = _NAME.fullmatch(stem)
    return int(match[1]) if match and dot and dot + suffix.lower() in SUFFIXES else None


def image_name(number: int, *, digits: int) -> str:
    """Return the name of a frame's image, with as many digits as DeepLabCut pads the video's frame numbers to."""
    return f"img{number:0{digits}d}.png"


def digits_for(frame_count: int) -> int:
    """Return how many digits DeepLabCut gives the frames of a video of this length: log10, rounded up."""
    return max(1, len(str(max(1, frame_count) - 1)))


def images_in(folder: Path) -> dict[int, Path]:
    """Return frame number -> image file of a folder, in increasing order.

    Raises:
        LabelError: two files stand for the same frame.
    """
    if not folder.is_dir():
        return {}
    names = [path.name for path in folder.iterdir() if frame_number(path.name) is not None]
    return {number: folder / name for number, name in by_number(sorted(names), folder).items()}


def by_number(names: Iterable[str], source: Path) -> dict[int, str]:
    """Return frame number -> name, in increasing order; `source` is only named in errors.

    Raises:
        LabelError: a name is not of the form `img<number>.png`, or two stand for the same frame.
    """
    found: dict[int, str] = {}
    for name in names:
        number = frame_number(name)
        if number is None:
            raise LabelError(f"{source} names the image {name!r}, expected names such as img0123.png; rename it.")
        if number in found:
            raise LabelError(
                f"{source} names frame {number} twice, as {found[number]} and {name}; remove one of the two."
            )
        found[number] = name
    return dict(sorted(found.items()))
