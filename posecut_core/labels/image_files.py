"""Image files as cameras and people leave them, read as the 8-bit RGB pictures that frames are.

Pixels are taken as they are stored: an orientation in the file's EXIF data is not applied, because labels are made
on the stored pixels (napari-deeplabcut reads them so), and of several pages the first counts. Transparency is ignored.
"""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
from jaxtyping import Shaped, UInt8
from PIL import Image

from posecut_core.errors import VideoError
from posecut_core.project.reading import open_file

MAX_PIXELS = 40_000_000  # of one picture: more than a frame of 8K video; some files claim sizes that no memory holds
_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "GIF", "WEBP")  # others call further programs
_NARROW = 8  # values in less than this part of their range are stretched, as of thermal cameras
_WHITE = 255.0
_COLOURS = ("RGB", "RGBA", "LA")
_DEPTHS = (8, 10, 12, 14, 16)  # bits that cameras use
_REFUSALS = (OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError, OverflowError, MemoryError, EOFError)

Levels = tuple[float, float]  # values that become black and white
Values = Shaped[np.ndarray, "H W *channels"]


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
        low, high = levels or common_levels([value_range(values)])
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
    return None if values.dtype == np.uint8 else value_range(values)


def value_range(values: Values) -> Levels:
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


def _read_values(path: Path) -> Values:
    """Read an image as RGB of 8 bits, or as its own values where it has more bits."""
    with _opened(path) as image:
        if not _is_deep(image):
            return np.asarray(image.convert("RGB"))
        if image.mode in _COLOURS:
            return _deep_colours(path, image.format == "TIFF")
        return np.asarray(image)


def _is_deep(image: Image.Image) -> bool:
    """Tell whether an image has more than 8 bits; Pillow keeps the upper 8 only where it has colours."""
    parts = getattr(image, "tile", ())  # how the file holds its pixels
    return image.mode[0] in "IF" or (image.mode in _COLOURS and any(";16" in str(part[3]) for part in parts))


def _deep_colours(path: Path, tiff: bool) -> Values:
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
                if image.width * image.height > MAX_PIXELS:
                    raise Image.DecompressionBombError
                yield image
    except Image.DecompressionBombError as error:
        raise VideoError(
            f"{path} has more than {MAX_PIXELS // 10**6} million pixels, or says so, expected a frame of a video; "
            "scale it down, or remove it."
        ) from error
    except (*_REFUSALS, av.error.FFmpegError) as error:
        raise VideoError(_problem(path, error)) from error


def _problem(path: Path, error: Exception) -> str:
    if path.is_symlink() and not path.exists():
        return f"{path} is a link to a file that is not there; put that file back, or remove the link."
    if not path.is_file():
        return f"{path} is no file, expected an image; restore it from a copy or remove it."
    if isinstance(error, PermissionError):
        return f"{path} must not be read; change its permissions."
    if path.stat().st_size == 0:
        return f"{path} is empty (0 bytes); restore it from a copy or remove it."
    return f"{path} is not a readable image (it may be cut off); restore it from a copy or remove it."
