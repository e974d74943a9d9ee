"""Choose frames worth labelling: spread evenly at random, or unlike each other (k-means).

Both follow the protocol (Nath et al. 2019, "Extract frames"): uniform draws from a window of the video; k-means groups
downsampled frames by their look and draws from every group, which finds rare postures too.
"""

import math
import warnings
from fractions import Fraction

import numpy as np
from jaxtyping import Float32, Int64, UInt8
from sklearn.cluster import MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from posecut_core.errors import ArgumentError

Features = UInt8[np.ndarray, "T D"] | Float32[np.ndarray, "T D"]


def window(count: int, *, start: float, stop: float) -> range:
    """Return the frame numbers from fraction `start` to fraction `stop` of a video of `count` frames.

    The bounds are rounded outwards and taken as the decimal numbers that a user wrote: 0.7 of 10 frames is 7.

    Raises:
        ArgumentError: not 0 <= start < stop <= 1.
    """
    if not 0 <= start < stop <= 1:
        raise ArgumentError(
            f"start {start} and stop {stop} do not span a part of a video; give fractions with 0 <= start < stop <= 1."
        )
    first, last = Fraction(str(float(start))) * count, Fraction(str(float(stop))) * count
    return range(math.floor(first), math.ceil(last))


def uniform_numbers(
    count: int, *, start: float = 0.0, stop: float = 1.0, number_of_frames: int, seed: int
) -> Int64[np.ndarray, " F"]:
    """Draw frame numbers from a window of the video without replacement.

    Args:
        count: frames of the video.
        start: fraction of the video at which the window begins.
        stop: fraction at which it ends.
        number_of_frames: how many to draw; all of the window if it has fewer.
        seed: the same seed draws the same frames.

    Returns:
        Frame numbers, increasing.
    """
    return np.sort(uniform_ranking(np.array(window(count, start=start, stop=stop)), seed=seed)[:number_of_frames])


def uniform_ranking(numbers: Int64[np.ndarray, " T"], *, seed: int) -> Int64[np.ndarray, " T"]:
    """Put frame numbers into the random order in which they are to be taken."""
    return np.random.default_rng(seed).permutation(numbers)


def kmeans_numbers(
    features: Features, numbers: Int64[np.ndarray, " T"], *, number_of_frames: int, seed: int
) -> Int64[np.ndarray, " F"]:
    """Choose frames from as many clusters as frames are wanted.

    Args:
        features: one row per candidate frame: its downsampled picture.
        numbers: frame number of each row.
        number_of_frames: how many to choose; all candidates if there are fewer.
        seed: the same seed chooses the same frames.

    Returns:
        Frame numbers, increasing.
    """
    ranking = kmeans_ranking(features, numbers, number_of_frames=number_of_frames, seed=seed)
    return np.sort(ranking[:number_of_frames])


def kmeans_ranking(
    features: Features, numbers: Int64[np.ndarray, " T"], *, number_of_frames: int, seed: int
) -> Int64[np.ndarray, " T"]:
    """Put all candidates into the order in which they are to be taken: one from each cluster, then a second, ...

    Clusters may turn out empty, so that their first members are fewer than wanted; second members fill up.
    """
    if len(numbers) <= number_of_frames:
        return numbers.copy()
    clusters = _clusters(features, count=number_of_frames, seed=seed)
    shuffled = np.random.default_rng(seed).permutation(len(numbers))
    turns = np.empty(len(numbers), dtype=np.int64)
    for cluster in np.unique(clusters):
        members = shuffled[clusters[shuffled] == cluster]
        turns[members] = np.arange(members.size)
    sizes = np.bincount(clusters, minlength=number_of_frames)
    return numbers[np.lexsort((clusters, -sizes[clusters], turns))]


def _clusters(features: Features, *, count: int, seed: int) -> Int64[np.ndarray, " T"]:
    """Assign each row to one of `count` clusters, of which some may stay empty."""
    centred = features.astype(np.float32)
    centred -= centred.mean(axis=0)
    kmeans = MiniBatchKMeans(n_clusters=count, random_state=seed, batch_size=1024, max_iter=50, tol=1e-3, n_init=1)
    # matrices this small are slower with threads, ten times and more where other work runs
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct frames than clusters: frames fill up
        return kmeans.fit_predict(centred).astype(np.int64)
