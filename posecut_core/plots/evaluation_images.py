"""Pictures of labelled frames with both human labels and predictions (paper, step H and figure 5)."""

import numpy as np
from jaxtyping import Float64, UInt8

from posecut_core.plots.markers import FramePicture, LegendEntry, bodypart_legend

_GREY = (0.35, 0.35, 0.35)


def evaluation_picture(
    image: UInt8[np.ndarray, "H W 3"],
    labelled: Float64[np.ndarray, "K 2"],
    predicted: Float64[np.ndarray, "K 2"],
    likelihood: Float64[np.ndarray, " K"],
    *,
    bodyparts: tuple[str, ...],
    colours: Float64[np.ndarray, "K 3"],
    pcutoff: int | float,
    title: str = "",
    dotsize: int | float = 12,
    alphavalue: int | float = 0.7,
) -> FramePicture:
    """Draw a frame with '+' for human labels, '.' for predictions with likelihood above pcutoff, 'x' for the others.

    Args:
        image: the frame.
        labelled: human labels in pixels of the given image; NaN is not drawn.
        predicted: the network's positions in the same pixels.
        likelihood: of each prediction.
        bodyparts: names of the K bodyparts.
        colours: red green blue of each bodypart, from 0 to 1.
        pcutoff: predictions with a likelihood above it are drawn as '.'.
        title: text above the frame.
        dotsize: size of the markers in pixels of the picture.
        alphavalue: opacity of the markers, 0 to 1.
    """
    legend = (
        *bodypart_legend(bodyparts, colours, "s"),
        LegendEntry("human", _GREY, "+"),
        LegendEntry(f"likelihood > {pcutoff:g}", _GREY, "."),
        LegendEntry(f"likelihood \N{LESS-THAN OR EQUAL TO} {pcutoff:g}", _GREY, "x"),
    )
    picture = FramePicture(image, title=title, legend=legend)
    likely = likelihood > pcutoff
    everywhere = np.ones(len(bodyparts), dtype=bool)
    picture.mark(labelled, colours, shown=everywhere, marker="+", size=dotsize, alpha=alphavalue)
    picture.mark(predicted, colours, shown=likely, marker=".", size=dotsize * 1.3, alpha=alphavalue)
    picture.mark(predicted, colours, shown=~likely, marker="x", size=dotsize * 0.7, alpha=alphavalue)
    return picture
