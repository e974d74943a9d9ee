"""Pixel errors of predictions against labels: per point, their means, and their spread over several splits."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64
from scipy.special import stdtrit

# --- evaluation -------------------------------------------------------------------------------------------------------
# How far predictions lie from labels: distances in pixels and their means. Arrays in, numbers out; no files.

FEW_TEST_FRAMES = 5  # from so many on, their mean error is held against that of the training frames


@dataclass(frozen=True)
class MeanErrors:
    """Mean Euclidean distances in pixels between labels and predictions; NaN where there is no pair to measure."""

    train: float
    test: float
    train_pcutoff: float  # only pairs whose likelihood is at least pcutoff
    test_pcutoff: float
    train_pairs: int  # labeled points measured
    test_pairs: int
    validation: float = float("nan")  # of training frames that were held out to validate, and so trained nothing
    validation_pairs: int = 0


def pixel_errors(
    predicted: Float64[np.ndarray, "F K 2"], labeled: Float64[np.ndarray, "F K 2"]
) -> Float64[np.ndarray, "F K"]:
    """Measure the distance in pixels between each label and its prediction; NaN where either is missing."""
    return np.hypot(*np.moveaxis(predicted - labeled, -1, 0))


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
    """Average errors over all labeled pairs of the training and of the test frames (paper, step H).

    Args:
        errors: distances in pixels, NaN where there is no label.
        likelihood: of each prediction.
        is_train: true for frames that the network was trained on; the others are test frames.
        pcutoff: least likelihood of the pairs that count toward the means "with pcutoff".
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


# --- spread -----------------------------------------------------------------------------------------------------------
# Errors of several splits taken together: mean, spread and a confidence interval. Numbers in, numbers out.


@dataclass(frozen=True)
class Spread:
    """Mean of the errors of n splits in pixels, and how sure it is; NaN where there are too few."""

    mean: float
    sd: float  # standard deviation between splits (n - 1)
    low: float  # ends of the confidence interval of the mean
    high: float
    count: int  # splits with an error


def spread(errors: Sequence[float], *, test_ratio: float, confidence: float = 0.95) -> Spread:
    """Take the errors of several splits together; splits whose error is NaN are left out.

    The interval is Student's t, mean ± t · sd · sqrt(1/n + test_ratio), with the correction of Nadeau & Bengio (2003):
    splits of the same frames share most of their training frames, so their errors vary less than those of independent
    experiments would, and the plain interval (1/n alone) would promise too much. It ends at 0, as distances do.

    Args:
        errors: mean test error of each split, in pixels.
        test_ratio: test frames per training frame of a split.
        confidence: probability that the interval is meant to hold the mean, between 0 and 1.
    """
    known = np.array([error for error in errors if not math.isnan(error)], dtype=np.float64)
    count = len(known)
    mean = float(known.mean()) if count else math.nan
    if count < 2:
        return Spread(mean, math.nan, math.nan, math.nan, count)
    sd = float(known.std(ddof=1))
    reach = float(stdtrit(count - 1, (1 + confidence) / 2)) * sd * math.sqrt(1 / count + test_ratio)
    return Spread(mean, sd, max(0.0, mean - reach), mean + reach, count)


def pixels(error: float) -> str:
    """Write an error in pixels, or that there is none."""
    return "n/a (no points)" if math.isnan(error) else f"{error:.2f} px"
