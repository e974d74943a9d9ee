"""The label table: which frames of one video are labelled, and where each bodypart lies."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from posecut_core.errors import LabelError


@dataclass(frozen=True)
class LabelTable:
    """Labels of one video; missing is NaN in both x and y.

    xy is in pixels of the full frame, x right, y down, (0, 0) the centre of the top-left pixel.
    """

    video: str  # stem of the video file
    bodyparts: tuple[str, ...]
    numbers: Int64[np.ndarray, " F"]  # frame numbers, strictly increasing
    xy: Float64[np.ndarray, "F K 2"]

    def __post_init__(self) -> None:
        """Refuse a table that contradicts itself.

        Raises:
            LabelError: these are no arrays, shapes differ, frames repeat or are unordered, bodyparts repeat, or x lacks
                its y.
        """
        for name, value in (("numbers", self.numbers), ("xy", self.xy)):
            if not isinstance(value, np.ndarray):
                raise LabelError(
                    f"{name} of {self.video} is a {type(value).__name__}, expected a numpy array; use numpy.array(...)."
                )
        if self.xy.shape != (len(self.numbers), len(self.bodyparts), 2):
            raise LabelError(
                f"Labels of {self.video} have shape {self.xy.shape}, but {len(self.numbers)} frames and "
                f"{len(self.bodyparts)} bodyparts need ({len(self.numbers)}, {len(self.bodyparts)}, 2)."
            )
        if np.any(np.diff(self.numbers) <= 0):
            raise LabelError(
                f"Frame numbers of {self.video} must increase without repeats; sort them and drop repeats."
            )
        if len(set(self.bodyparts)) != len(self.bodyparts):
            raise LabelError(f"Bodyparts of {self.video} repeat: {', '.join(self.bodyparts)}; name each one once.")
        if np.any(np.isnan(self.xy[..., 0]) != np.isnan(self.xy[..., 1])):
            raise LabelError(f"Labels of {self.video} have an x without its y or the reverse; give both or neither.")

    @property
    def looked_for(self) -> Bool[np.ndarray, " K"]:
        """Tell which bodyparts are labelled anywhere in the video; nobody has looked for the others."""
        return ~np.isnan(self.xy[..., 0]).all(axis=0)
