"""The animal's bodyparts are where an animal has them."""

import numpy as np
import pytest

from posecut_core.demo.mouse import BODYPARTS, SKELETON, Individual, Walk, pose

MOUSE = Individual(size=1.0, girth=1.0, coat=(0.1, 0.1, 0.1), belly=(0.2, 0.2, 0.2))


@pytest.fixture(scope="module")
def straight():
    """A mouse that runs to the right along a line; x, y of its bodyparts at each moment."""
    moments = np.arange(180.0)
    neck = np.stack([100 + moments, np.full(180, 80.0)], axis=1)
    posture = pose(Walk(neck, np.zeros(180), np.zeros(180), moments), MOUSE)
    return dict(zip(BODYPARTS, np.moveaxis(posture.bodyparts(), 1, 0), strict=True))


def test_there_are_at_least_six_bodyparts():
    """Names differ, and the skeleton joins only them."""
    assert len(set(BODYPARTS)) == len(BODYPARTS) >= 6
    assert {part for bone in SKELETON for part in bone} == set(BODYPARTS)


def test_bodyparts_come_in_order(straight):
    """From the snout backwards: ears, neck, center, the tail's base and its tip."""
    order = ["snout", "leftear", "neck", "centre", "tailbase", "tailtip"]
    assert (np.diff([straight[part][:, 0] for part in order], axis=0) < 0).all()


def test_left_is_left(straight):
    """Of an animal that runs to the right, seen from above, the left ear is the upper one in the image."""
    assert (straight["leftear"][:, 1] < straight["neck"][:, 1] - 3).all()
    assert (straight["rightear"][:, 1] > straight["neck"][:, 1] + 3).all()


def test_hips_and_tail_sway(straight):
    """The gait swings the tail's base a little and its tip more."""
    assert 0.3 < np.ptp(straight["tailbase"][:, 1]) < np.ptp(straight["tailtip"][:, 1]) < 12
    assert np.ptp(straight["neck"][:, 1]) < 0.5
