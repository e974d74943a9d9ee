"""Pictures of labelled frames, so that a person sees whether the labels are right (paper, step E)."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64, UInt8

from posecut_core.plots.colours import colours_of
from posecut_core.plots.markers import FramePicture, LegendEntry, bodypart_legend


def draw_check_image(
    path: Path,
    image: UInt8[np.ndarray, "H W 3"],
    xy: Float64[np.ndarray, "K 2"],
    *,
    bodyparts: tuple[str, ...],
    drafts: Float64[np.ndarray, "K 2"] | None = None,
    title: str = "",
    skeleton: tuple[tuple[str, str], ...] = (),
    skeleton_color: str = "black",
    colormap: str = "rainbow",
    dotsize: int | float = 12,
    alphavalue: int | float = 0.7,
) -> None:
    """Write a PNG of a frame with a '+' on each label, an 'x' on each draft, and lines along the labels' skeleton.

    Args:
        path: the PNG to write.
        image: the frame.
        xy: labels in pixels of the given image; NaN is not drawn, and named as missing in the legend.
        bodyparts: names of the K bodyparts.
        drafts: what a network proposes, as `xy`; named as drafts in the legend.
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
    proposed = np.zeros_like(labelled) if drafts is None else ~np.isnan(drafts).any(axis=1)
    entries = zip(bodypart_legend(bodyparts, colours, "+"), labelled.tolist(), proposed.tolist(), strict=True)
    legend = tuple(_entry(entry, label=label, draft=draft) for entry, label, draft in entries)
    picture = FramePicture(image, title=title, legend=legend)
    picture.connect(xy, bones_between(bodyparts, skeleton), skeleton_color, alphavalue)
    picture.mark(xy, colours, shown=labelled, marker="+", size=dotsize, alpha=alphavalue)
    if drafts is not None:
        picture.mark(drafts, colours, shown=proposed, marker="x", size=dotsize, alpha=alphavalue)
    picture.save(path)


def _entry(entry: LegendEntry, *, label: bool, draft: bool) -> LegendEntry:
    """Say of a bodypart without a label whether it has a draft."""
    if label:
        return entry
    if draft:
        return replace(entry, text=f"{entry.text} (draft)", marker="x")
    return replace(entry, text=f"{entry.text} (no label)")


def bones_between(bodyparts: tuple[str, ...], skeleton: tuple[tuple[str, str], ...]) -> tuple[tuple[int, int], ...]:
    """Turn the skeleton's names into indices of `bodyparts`; bones with an unknown end are left out."""
    place = {part: k for k, part in enumerate(bodyparts)}
    return tuple((place[a], place[b]) for a, b in skeleton if a in place and b in place)
