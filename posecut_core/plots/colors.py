"""Colors of bodyparts, sampled from a matplotlib colormap by its name."""

import difflib

import matplotlib
import numpy as np
from jaxtyping import Float64, UInt8
from matplotlib.colors import Colormap, ListedColormap, to_rgb

from posecut_core.errors import ArgumentError
from posecut_core.project.state import DISTINCT

_CYCLIC = frozenset({"hsv", "twilight", "twilight_shifted"})
_USUAL = ("rainbow", "viridis", "tab20")
# Told apart at a distance of at least 15.9 in CIELAB by people with normal, red-blind and green-blind eyes (Machado et
# al. 2009), each chosen as far as possible from those before it: so colors stay when a bodypart is added.
_DISTINCT = bytes.fromhex(
    "e8a200 0000ff 00e8ff 5d462e 17468b a2ffb9 4674ff 8b748b a25d17 00a2e8 b98b74 e8ff8b e8ff00 8bffe8 "
    "d1a25d 462eb9 46465d 8bb9b9 0074a2 0074d1 ffe85d 5d46ff 744617 745d5d b95d46"
)
_LARGEST_QUALITATIVE = 20  # tab20 is the longest of matplotlib's lists of unrelated colors


def colors_of(colormap: str, count: int) -> Float64[np.ndarray, "K 3"]:
    """Choose `count` colors, red green blue from 0 to 1, that tell bodyparts apart.

    A continuous colormap is sampled evenly, a cyclic one without its repeated end, a list of colors in its order;
    "distinct" is a list of 25 that color-blind people can tell apart.

    Raises:
        ArgumentError: matplotlib knows no such colormap.
    """
    if colormap == DISTINCT:
        return np.resize(np.frombuffer(_DISTINCT, np.uint8), (count, 3)) / 255
    chosen = _colormap(colormap)
    if isinstance(chosen, ListedColormap) and chosen.N <= _LARGEST_QUALITATIVE:
        return np.array([to_rgb(chosen(i % chosen.N)) for i in range(count)]).reshape(count, 3)
    positions = np.linspace(0.0, 1.0, count, endpoint=colormap.removesuffix("_r") not in _CYCLIC)
    return np.asarray(chosen(positions), dtype=np.float64).reshape(count, 4)[:, :3]


def bytes_of(colors: Float64[np.ndarray, "K 3"]) -> UInt8[np.ndarray, "K 3"]:
    """Convert colors from 0..1 to the 0..255 of images."""
    return np.round(colors * 255).astype(np.uint8)


def named_color(name: str) -> Float64[np.ndarray, "3"]:
    """Look up a color by any of matplotlib's spellings ("black", "#00ff00"), red green blue from 0 to 1.

    Raises:
        ArgumentError: matplotlib knows no such color.
    """
    try:
        return np.array(to_rgb(name))
    except ValueError as error:
        near = difflib.get_close_matches(name, matplotlib.colors.get_named_colors_mapping(), n=3)
        raise ArgumentError(f"{name!r} is not a color that matplotlib knows; {_advice(near, 'black')}.") from error


def _colormap(name: str) -> Colormap:
    try:
        return matplotlib.colormaps[name]
    except KeyError as error:
        known = [other for other in matplotlib.colormaps if name.endswith("_r") or not other.endswith("_r")]
        spelled = {other.lower(): other for other in known}
        near = [spelled[other] for other in difflib.get_close_matches(name.lower(), spelled, n=3)]
        raise ArgumentError(
            f"{name!r} is not a colormap that matplotlib knows; write {_listed([*near, *_USUAL])} as colormap, "
            "here or in config.yaml."
        ) from error


def _listed(names: list[str]) -> str:
    *others, last = list(dict.fromkeys(names))[:4]
    return f"{', '.join(others)} or {last}"


def _advice(near: list[str], fallback: str) -> str:
    return f"write one of {', '.join(near)}" if near else f"write, for example, {fallback}"
