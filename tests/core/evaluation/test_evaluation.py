"""Errors in pixels and their means."""

import numpy as np
import pytest

from posecut_core.evaluation.errors import mean_error, mean_errors, mean_errors_by_bodypart, pixel_errors, worst_frames

LABELS = np.array([[[0.0, 0.0], [10.0, 0.0]], [[0.0, 0.0], [np.nan, np.nan]], [[5.0, 5.0], [0.0, 0.0]]])
FOUND = np.array([[[3.0, 4.0], [10.0, 2.0]], [[0.0, 1.0], [7.0, 7.0]], [[5.0, 5.0], [0.0, 8.0]]])
LIKELIHOOD = np.array([[0.9, 0.6], [0.9, 0.9], [0.5, 0.95]])
IS_TRAIN = np.array([True, True, False])


def test_errors_are_euclidean_distances_and_nan_without_a_label():
    """The error is the Euclidean distance, and NaN where the frame has no label."""
    np.testing.assert_allclose(pixel_errors(FOUND, LABELS), [[5, 2], [1, np.nan], [0, 8]])


def test_means_are_taken_over_all_pairs_of_train_and_test():
    """Means count every labeled pair once; with pcutoff only those whose likelihood is at least it."""
    result = mean_errors(pixel_errors(FOUND, LABELS), LIKELIHOOD, IS_TRAIN, pcutoff=0.6)
    assert (result.train, result.test) == (pytest.approx(8 / 3), pytest.approx(4))
    assert (result.train_pcutoff, result.test_pcutoff) == (pytest.approx(8 / 3), pytest.approx(8))
    assert (result.train_pairs, result.test_pairs) == (3, 2)


def test_a_pair_at_the_cutoff_counts_and_one_just_below_does_not():
    """The cutoff is inclusive, as in the paper's lineage."""
    errors = np.array([[2.0]])
    at, above = (mean_errors(errors, np.array([[0.6]]), np.array([True]), pcutoff=p) for p in (0.6, 0.6000001))
    assert at.train_pcutoff == 2.0
    assert np.isnan(above.train_pcutoff)


def test_nothing_to_measure_gives_nan_without_a_warning():
    """A split without test frames, or labels that are all missing, has the error NaN; warnings would fail this test."""
    errors = np.full((2, 3), np.nan)
    result = mean_errors(errors, np.ones((2, 3)), np.array([True, True]), pcutoff=0.5)
    assert np.isnan([result.train, result.test, result.train_pcutoff, result.test_pcutoff]).all()
    assert (result.train_pairs, result.test_pairs) == (0, 0)
    assert np.isnan(mean_error(errors, np.ones((2, 3), bool)))


def test_errors_by_bodypart_are_those_of_each_column():
    """The error of a bodypart is the mean of its own pairs only."""
    first, second = mean_errors_by_bodypart(pixel_errors(FOUND, LABELS), LIKELIHOOD, IS_TRAIN, pcutoff=0.6)
    assert (first.train, first.test) == (3.0, 0.0)
    assert (second.train, second.test) == (2.0, 8.0)
    assert np.isnan(first.test_pcutoff)


def test_the_worst_frames_come_first():
    """Frames are ordered by the mean of what is known of them; others' and unlabeled ones are left out."""
    errors = np.array([[1.0, 3.0], [9.0, np.nan], [np.nan, np.nan], [50.0, 50.0], [0.0, 1.0]])
    among = np.array([True, True, True, False, True])
    assert worst_frames(errors, among, count=2) == ((1, 9.0), (0, 2.0))
    assert len(worst_frames(errors, among, count=9)) == 3
