"""Pictures of labelled frames, so that a person sees whether the labels are right (paper, step E)."""

from pathlib import Path

import numpy as np
from jaxtyping import Float64, UInt8

from posecut_core.plots.colours import colours_of
from posecut_core.plots.markers import FramePicture, bodypart_legend


def draw_check_image(
    path: Path,
    image: UInt8[np.ndarray, "H W 3"],
    xy: Float64[np.ndarray, "K 2"],
    *,
    bodyparts: tuple[str, ...],
    title: str = "",
    skeleton: tuple[tuple[str, str], ...] = (),
    skeleton_color: str = "black",
    colormap: str = "rainbow",
    dotsize: int | float = 12,
    alphavalue: int | float = 0.7,
) -> None:
    """Write a PNG of a frame with a '+' on each labelled bodypart and lines along the skeleton.

    Args:
        path: the PNG to write.
        image: the frame.
        xy: labels in pixels of the given image; NaN is not drawn, and named as missing in the legend.
        bodyparts: names of the K bodyparts.
        title: text above the frame.
        skeleton: pairs of bodyparts to connect; pairs with a bodypart that is not given are left out.
        skeleton_color: any name of a colour that matplotlib knows.
        colormap: matplotlib's name; gives each bodypart its colour.
        dotsize: size of the markers in pixels of the picture.
        alphavalue: opacity of the markers, 0 to 1.

    Raises:
        ArgumentError: colormap is unknown.
        StorageError: the folder cannot be written.
    """
    colours = colours_of(colormap, len(bodyparts))
    labelled = ~np.isnan(xy).any(axis=1)
    names = tuple(part if there else f"{part} (no label)" for part, there in zip(bodyparts, labelled, strict=True))
    picture = FramePicture(image, title=title, legend=bodypart_legend(names, colours, "+"))
    picture.connect(xy, bones_between(bodyparts, skeleton), skeleton_color, alphavalue)
    picture.mark(xy, colours, shown=labelled, marker="+", size=dotsize, alpha=alphavalue)
    picture.save(path)


def bones_between(bodyparts: tuple[str, ...], skeleton: tuple[tuple[str, str], ...]) -> tuple[tuple[int, int], ...]:
    """Turn the skeleton's names into indices of `bodyparts`; bones with an unknown end are left out."""
    place = {part: k for k, part in enumerate(bodyparts)}
    return tuple((place[a], place[b]) for a, b in skeleton if a in place and b in place)
