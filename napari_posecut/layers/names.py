"""Names of bodyparts beside their markers: on which side of each, and in which color they can be read."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

LETTERS = 9  # points: the size of the letters
_EM = LETTERS * 96 / 72  # screen pixels
_LETTER, _NARROW, _BLANK, _LINE = 0.6 * _EM, 0.32 * _EM, 0.26 * _EM, 1.3 * _EM  # widths of letters, height of a line
_GAP = 8.0  # screen pixels from the middle of a marker to its name
_LEGIBLE = 4.5  # contrast of letters with their ground, as the guidelines for web pages (WCAG 2) demand it

Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class PlacedName:
    """A name beside its marker."""

    text: str  # with the blanks that put it to one side of the marker, on which it is centered; empty without a marker
    box: Box  # in pixels of the screen


def beside(
    names: Sequence[str], places: Float64[np.ndarray, "N 2"], *, picture: tuple[float, float]
) -> list[PlacedName]:
    """Return on which side of its marker each name is: away from the middle of all, unless it covers less on the other.

    A name that would leave the picture, beyond which it may be cut off, is on the other side if it fits there.

    Args:
        names: one per marker.
        places: of the markers, x, y in pixels of the screen; NaN where none is seen.
        picture: x of its left and its right edge, in pixels of the screen.
    """
    left, right = picture
    seen = ~np.isnan(places[:, 0])
    middle = places[seen, 0].mean() if seen.any() else 0.0
    taken = [_around(x, y) for x, y in places[seen].tolist()]
    placed = []
    for name, (x, y), is_seen in zip(names, places.tolist(), seen, strict=True):
        if not is_seen:
            placed.append(PlacedName("", (0.0, 0.0, 0.0, 0.0)))
            continue
        outwards = 1 if x >= middle else -1
        boxes = {side: _box(name, x, y, side) for side in (outwards, -outwards)}
        outside = {side: box[0] < left or box[2] > right for side, box in boxes.items()}
        side = min(boxes, key=lambda one: (outside[one], sum(_meet(boxes[one], other) for other in taken)))
        taken.append(boxes[side])
        blanks = " " * round((_width(name) + 2 * _GAP) / _BLANK)
        placed.append(PlacedName(blanks + name if side > 0 else name + blanks, boxes[side]))
    return placed


def readable(colors: Float64[np.ndarray, "N 3"], ground: Float64[np.ndarray, " N"]) -> Float64[np.ndarray, "N 3"]:
    """Return colors mixed with white or black, as little as lets letters of them be read on their ground.

    Args:
        colors: red green blue from 0 to 1.
        ground: the gray behind the letters of each, from 0 to 1.
    """
    shares = np.tile(np.linspace(0.0, 1.0, 11), 2)  # of white, and of black
    ends = np.repeat([1.0, 0.0], 11)
    mixed = colors[:, None] * (1 - shares)[:, None] + (ends * shares)[:, None]
    light, behind = _luminance(mixed), _luminance(np.repeat(ground[:, None, None], 3, axis=2))
    contrast = (np.maximum(light, behind) + 0.05) / (np.minimum(light, behind) + 0.05)
    chosen = np.where(contrast >= _LEGIBLE, shares, np.inf).argmin(axis=1)  # black or white is always legible
    return np.asarray(mixed[np.arange(len(colors)), chosen])


def _luminance(colors: Float64[np.ndarray, "N M 3"]) -> Float64[np.ndarray, "N M"]:
    return np.asarray(colors**2.2 @ np.array([0.2126, 0.7152, 0.0722]))


def _around(x: float, y: float) -> Box:
    return x - _GAP, y - _GAP, x + _GAP, y + _GAP


def _box(name: str, x: float, y: float, side: int) -> Box:
    """Return where a name lies at the right (1) or the left (-1) of its marker."""
    near, far = x + side * _GAP, x + side * (_GAP + _width(name))
    return min(near, far), y - _LINE / 2, max(near, far), y + _LINE / 2


def _width(name: str) -> float:
    return sum(_NARROW if letter in "fijlrtI.,;:'|" else _LETTER for letter in name)


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
