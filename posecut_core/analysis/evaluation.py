"""How far predictions lie from labels: distances in pixels and their means. Arrays in, numbers out; no files."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64


@dataclass(frozen=True)
class MeanErrors:
    """Mean Euclidean distances in pixels between labels and predictions; NaN where there is no pair to measure."""

    train: float
    test: float
    train_pcutoff: float  # only pairs whose likelihood is at least pcutoff
    test_pcutoff: float
    train_pairs: int  # labelled points measured
    test_pairs: int
    validation: float = float("nan")  # of training frames that were held out to validate, and so trained nothing
    validation_pairs: int = 0


def pixel_errors(
    predicted: Float64[np.ndarray, "F K 2"], labelled: Float64[np.ndarray, "F K 2"]
) -> Float64[np.ndarray, "F K"]:
    """Measure the distance in pixels between each label and its prediction; NaN where either is missing."""
    return np.hypot(*np.moveaxis(predicted - labelled, -1, 0))


def mean_error(errors: Float64[np.ndarray, "*shape"], keep: Bool[np.ndarray, "*shape"]) -> float:
    """Average the errors that are kept and not NaN; NaN, without a warning, where there are none."""
    measured = errors[keep & ~np.isnan(errors)]
    return float(measured.mean()) if measured.size else float("nan")


def mean_errors(
    errors: Float64[np.ndarray, "F K"],
    likelihood: Float64[np.ndarray, "F K"],
    is_train: Bool[np.ndarray, " F"],
    *,
    pcutoff: int | float,
    validates: Bool[np.ndarray, " F"] | None = None,
) -> MeanErrors:
    """Average errors over all labelled pairs of the training and of the test frames (paper, step H).

    Args:
        errors: distances in pixels, NaN where there is no label.
        likelihood: of each prediction.
        is_train: true for frames that the network was trained on; the others are test frames.
        pcutoff: least likelihood of the pairs that count towards the means "with pcutoff".
        validates: true for frames that were held out to validate: neither training nor test frames.
    """
    held_out = np.zeros_like(is_train) if validates is None else validates
    train, validation, test = (
        np.broadcast_to(side[:, None], errors.shape) for side in (is_train, held_out, ~is_train & ~held_out)
    )
    likely = likelihood >= pcutoff
    measured = ~np.isnan(errors)
    return MeanErrors(
        train=mean_error(errors, train),
        test=mean_error(errors, test),
        train_pcutoff=mean_error(errors, train & likely),
        test_pcutoff=mean_error(errors, test & likely),
        train_pairs=int(np.count_nonzero(measured & train)),
        test_pairs=int(np.count_nonzero(measured & test)),
        validation=mean_error(errors, validation),
        validation_pairs=int(np.count_nonzero(measured & validation)),
    )


def mean_errors_by_bodypart(
    errors: Float64[np.ndarray, "F K"],
    likelihood: Float64[np.ndarray, "F K"],
    is_train: Bool[np.ndarray, " F"],
    *,
    pcutoff: int | float,
    validates: Bool[np.ndarray, " F"] | None = None,
) -> tuple[MeanErrors, ...]:
    """Average as `mean_errors` does, for each of the K bodyparts alone."""
    return tuple(
        mean_errors(errors[:, k : k + 1], likelihood[:, k : k + 1], is_train, pcutoff=pcutoff, validates=validates)
        for k in range(errors.shape[1])
    )


def worst_frames(
    errors: Float64[np.ndarray, "F K"], among: Bool[np.ndarray, " F"], *, count: int
) -> tuple[tuple[int, float], ...]:
    """Find the frames of the greatest mean error: at most `count` places with that mean in pixels, worst first.

    Frames that are not `among` the chosen ones, and those without a single error, are left out.
    """
    means = {place: mean_error(row, ~np.isnan(row)) for place, row in enumerate(errors) if among[place]}
    known = [(place, mean) for place, mean in means.items() if not np.isnan(mean)]
    return tuple(sorted(known, key=lambda entry: -entry[1])[:count])
