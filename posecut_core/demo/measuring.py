"""Predictions of a drawn video against its truth, and labels as a person would set them."""

import numpy as np
from jaxtyping import Float64

from posecut_core.demo.animal import BODYPARTS
from posecut_core.demo.render import Truth
from posecut_core.labels.table import LabelTable


def human_labels(
    rng: np.random.Generator, truth: Truth, video: str, numbers: tuple[int, ...], *, jitter: float
) -> LabelTable:
    """Label frames as a person would: a little beside the truth, and hidden bodyparts not at all.

    Args:
        rng: source of the jitter.
        truth: of the whole video.
        video: stem of the video's file name.
        numbers: the frames to label.
        jitter: standard deviation of x and of y around the truth, in pixels.
    """
    rows = np.array(numbers, dtype=np.int64)
    xy = truth.xy[rows] + rng.normal(0, jitter, (len(rows), len(BODYPARTS), 2))
    looked = np.ones((len(rows), len(BODYPARTS)), dtype=bool)  # a person has, for every bodypart
    return LabelTable(video, BODYPARTS, rows, np.where(truth.hidden[rows][..., None], np.nan, xy), looked)


def errors_in_view(predicted: Float64[np.ndarray, "T K 2"], truth: Truth) -> Float64[np.ndarray, "T K"]:
    """Measure the distance in pixels of every prediction from the truth; NaN where the bodypart is hidden."""
    distance = np.hypot(*np.moveaxis(predicted - truth.xy, -1, 0))
    return np.where(truth.hidden, np.nan, distance)


def mean_errors(predicted: Float64[np.ndarray, "T K 2"], truth: Truth) -> tuple[tuple[float, ...], float]:
    """Average the errors of points in view, in pixels: of each bodypart, and of all points."""
    errors = errors_in_view(predicted, truth)
    return tuple(np.nanmean(errors, axis=0).tolist()), float(np.nanmean(errors))
