"""The camera's view and the animal's size are read from labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecut_core.labels.animal import Animal, animal_of

FLY = np.array([[40, 0], [0, 0], [-40, 0], [10, 15], [10, -15], [-20, 20], [-20, -20]], float)  # symmetric
MOUSE = np.array([[40, 5], [25, -12], [0, -15], [-40, 5], [25, 20], [-25, 20]], float)  # from the side
PUPIL = np.array([[0, -10], [10, 0], [0, 10], [-10, 0]], float)


def labels(shape, angles, *, mirrored=False, seed=0):
    """Turn a shape by degrees, move it, and let hands shake; the second half walks the other way if mirrored."""
    rng, rows = np.random.default_rng(seed), []
    for place, angle in enumerate(np.radians(angles)):
        points = shape * ([-1, 1] if mirrored and place % 2 else [1, 1])
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        rows.append(points @ turn.T + rng.uniform(100, 400, 2) + rng.normal(0, 1, shape.shape))
    return np.array(rows)


def test_an_animal_that_faces_all_ways_is_seen_from_above():
    """Whatever its shape is: crops may be turned by any angle."""
    assert animal_of(labels(MOUSE, range(0, 360, 15))).is_seen_from_above


def test_a_symmetric_animal_that_turns_a_little_is_seen_from_above():
    """All labeled flies face right, give or take: others will not."""
    found = animal_of(labels(FLY, range(-25, 26, 5)))
    assert found.is_seen_from_above
    assert not found.faces_all_ways


@pytest.mark.parametrize(
    ("shape", "angles", "mirrored"),
    [(MOUSE, range(-25, 26, 5), False), (MOUSE, range(-10, 11), True), (PUPIL, range(-4, 5), False)],
    ids=["walks one way", "walks to and fro", "an eye"],
)
def test_an_animal_from_the_side_is_known(shape, angles, mirrored):
    """It does not look like its mirror image, or hardly turns."""
    assert not animal_of(labels(shape, angles, mirrored=mirrored)).is_seen_from_above


@pytest.mark.parametrize(
    ("angles", "gap", "rotation"),
    [(range(0, 360, 15), 15, 30), (range(0, 216, 20), 160, 90), (range(-25, 26, 5), 310, 160), ([0, 20], 340, 180)],
)
def test_crops_are_turned_as_far_as_directions_are_missing(angles, gap, rotation):
    """From above, turned labels of both sides meet in the gap; what is labeled all around needs no more than others."""
    found = animal_of(labels(FLY, angles))
    assert found.gap == pytest.approx(gap, abs=5)
    assert found.rotation("above") == rotation
    assert found.rotation("side") == 30


def test_a_bodypart_that_is_always_alone_tells_nothing():
    """Labels of the others are used as if it were not there."""
    points = labels(MOUSE[:3], range(0, 360, 45))
    points[:4, 2], points[4:, :2] = np.nan, np.nan
    assert 30 <= animal_of(points).rotation("above") <= 180


def test_points_in_a_row_tell_nothing_of_symmetry():
    """A spine looks alike from above and from the side."""
    spine = np.stack([np.linspace(-40, 40, 5), np.zeros(5)], axis=1)
    assert not animal_of(labels(spine, range(-25, 26, 5))).is_symmetric


@given(st.floats(0, 360), st.integers(0, 1000))
def test_how_the_camera_is_turned_makes_no_difference(angle, seed):
    """A picture that is turned shows an animal that turns as much, and is symmetric as before."""
    found = animal_of(labels(FLY, [angle + more for more in range(-25, 26, 5)], seed=seed))
    assert found.is_seen_from_above
    assert found.turn == pytest.approx(15.9, abs=2)


def test_missing_labels_are_passed_over():
    """Some bodyparts are hidden, some frames have no label, and the size is of what is there."""
    xy = labels(FLY, range(0, 360, 30))
    xy[::3, 2], xy[1] = np.nan, np.nan
    assert animal_of(xy).is_seen_from_above
    assert 70 < animal_of(xy).size < 90
    assert animal_of(np.full((3, 2, 2), np.nan)) == Animal(0.0, 0.0, 360.0, False, False)
    assert not animal_of(xy[:, :1]).is_seen_from_above
