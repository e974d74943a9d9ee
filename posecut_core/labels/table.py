"""The label table: which frames of one video are labelled, and where each bodypart lies."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from posecut_core.errors import LabelError


@dataclass(frozen=True)
class LabelTable:
    """Labels of one video; missing is NaN in both x and y.

    xy is in pixels of the full frame, x right, y down, (0, 0) the centre of the top-left pixel. A missing bodypart is
    absent from a frame in which somebody has looked for it, and says nothing about a frame in which nobody has.
    """

    video: str  # stem of the video file
    bodyparts: tuple[str, ...]
    numbers: Int64[np.ndarray, " F"]  # frame numbers, strictly increasing
    xy: Float64[np.ndarray, "F K 2"]
    looked: Bool[np.ndarray, "F K"] | None = None  # what somebody has looked for; None: as `looked_at` says

    def __post_init__(self) -> None:
        """Refuse a table that contradicts itself.

        Raises:
            LabelError: bodyparts are one text, the others are no arrays, shapes differ, frames repeat or are unordered,
                bodyparts repeat, or x lacks its y.
        """
        if isinstance(self.bodyparts, str):
            raise LabelError(
                f"bodyparts of {self.video} is the text {self.bodyparts!r}, expected several names; write "
                f"({self.bodyparts!r},)."
            )
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
        if self.looked is not None and self.looked.shape != self.xy.shape[:2]:
            raise LabelError(
                f"looked of {self.video} has shape {self.looked.shape}, expected {self.xy.shape[:2]}, frames x "
                "bodyparts; give one truth value each."
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
    def looked_at(self) -> Bool[np.ndarray, "F K"]:
        """Tell which bodyparts somebody has looked for in each frame.

        Where nothing else is recorded, as in DeepLabCut's files: those that are labelled anywhere in the video, in all
        frames that have a label.
        """
        labelled = ~np.isnan(self.xy[..., 0])
        if self.looked is not None:
            return self.looked | labelled
        return labelled.any(axis=0) & labelled.any(axis=1)[:, None]

    def rows(self, keep: Bool[np.ndarray, " F"]) -> "LabelTable":
        """Return the table of the frames at which `keep` is true."""
        return LabelTable(self.video, self.bodyparts, self.numbers[keep], self.xy[keep], self.looked_at[keep])
