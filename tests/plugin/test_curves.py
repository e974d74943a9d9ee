"""Curves as pictures."""

import numpy as np
import pytest

from napari_posecut.widgets.parts.timeline import draw_lane, extremes, value_range


def test_no_outlier_is_lost():
    """One frame of a hundred thousand is still the extreme of its column."""
    values = np.zeros((2, 100_000), np.float32)
    values[1, 77_777] = 9
    found = extremes(values, 0, 100_000, 500)
    assert found.shape == (2, 2, 500)
    assert found[1, 1, 388] == 9
    assert np.count_nonzero(found) == 1


@pytest.mark.parametrize(("first", "last", "columns"), [(0, 10, 5), (2, 6, 4), (3, 7, 40), (9, 10, 3)])
def test_columns_show_their_frames(first, last, columns):
    """Each column's extremes are those of the frames in it, or of the one in which it lies."""
    values = np.arange(10.0)[None]
    least, greatest = extremes(values, first, last, columns)
    assert least[0, 0] == first
    assert greatest[0, -1] == last - 1
    assert (np.diff(least[0]) >= 0).all()


def test_missing_values_are_gaps():
    """NaN is skipped where a column has other values, and leaves a gap where it has none."""
    values = np.array([[1.0, np.nan, np.nan, np.nan, 4.0, 5.0]])
    found = extremes(values, 0, 6, 3)
    np.testing.assert_array_equal(found[0, 0], [1, np.nan, 4])
    picture = draw_lane(found, np.array([[255, 0, 0]], np.uint8), low=1, high=5, height=9)
    np.testing.assert_array_equal(picture[..., 3].any(axis=0), [True, False, True])


def test_curves_are_joined():
    """A step between two columns is drawn, from the bottom row for the low value to the top one for the high."""
    found = extremes(np.array([[0.0, 1.0]]), 0, 2, 2)
    picture = draw_lane(found, np.array([[10, 20, 30]], np.uint8), low=0, high=1, height=5)
    np.testing.assert_array_equal(picture[..., 3] > 0, [[0, 1], [0, 1], [0, 1], [0, 1], [1, 1]])
    assert tuple(picture[4, 0]) == (10, 20, 30, 255)


def test_values_without_numbers_have_a_range():
    """A lane that shows nothing has limits all the same."""
    assert value_range(np.full((1, 3), np.nan)) == (0.0, 1.0)
    assert value_range(np.array([[3.0, np.nan, -1.0]])) == (-1.0, 3.0)
