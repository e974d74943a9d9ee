"""fitting finds displaced points by what the movement before them leads one to expect."""

import numpy as np
import pytest

from posecut_core.poses.predictions import Predictions
from posecut_core.refinement.heuristics import _Deviations, _fitting, deviations


@pytest.fixture
def moving(walk):
    """A function that makes predictions of two moving bodyparts, with positions displaced in some frames."""

    def make(displaced=(), likelihood=None):
        xy = walk.copy()
        for frame, part, pixels in displaced:
            xy[frame, part] += pixels
        certain = np.ones((400, 2)) if likelihood is None else likelihood
        return Predictions("net", ("nose", "tail"), xy, certain)

    return make


def found_in(predictions, **options):
    found = deviations(predictions, p_bound=0.01)
    return _fitting(predictions, found, **{"epsilon": 20.0, **options})


def test_a_clean_movement_has_no_outliers(moving):
    """Not even the first frame, of which nothing could be expected."""
    assert found_in(moving()) == ()


def test_a_displaced_bodypart_is_found_and_named(moving):
    """A frame whose nose lies 90 pixels off is a candidate because of the nose; so is the frame after it."""
    found = found_in(moving([(250, 0, 90.0)]), first=1000)
    assert found[0].number == 1250
    assert found[0].bodyparts == ("nose",)
    assert {one.number for one in found} <= {1250, 1251, 1252}


def test_an_unlikely_position_does_not_mislead_the_model(moving):
    """Where the likelihood is low the position is missing for the model, so that the next frame is as expected."""
    likelihood = np.ones((400, 2))
    likelihood[250, 0] = 0.001
    assert [one.number for one in found_in(moving([(250, 0, 90.0)], likelihood))] == [250]


def test_the_worst_are_found_even_below_epsilon(moving):
    """With at_least, a threshold too high still shows the frames that deviate most."""
    predictions = moving([(100, 1, 30.0), (300, 0, 40.0)])
    found = found_in(predictions, epsilon=1e6, at_least=4)
    assert len(found) == 4
    assert {100, 300} <= {one.number for one in found}
    assert 0 not in {one.number for one in found}


def test_scores_are_averages_over_what_is_known(moving):
    """Missing distances are left out of the average, and a frame without any is no candidate."""
    distance = np.array([[np.nan, np.nan], [10.0, np.nan], [10.0, 30.0], [1.0, 1.0]])
    predictions = moving()
    found = _fitting(predictions, _Deviations(distance, np.zeros((4, 2), bool)), epsilon=5, at_least=4)
    assert [(one.number, one.score, one.bodyparts) for one in found] == [
        (1, 10.0, ("nose",)),
        (2, 20.0, ("tail",)),
        (3, 1.0, ("nose",)),
    ]


def test_alpha_widens_the_interval(moving):
    """The smaller alpha, the fewer positions lie outside."""
    counts = [int(deviations(moving(), p_bound=0.01, alpha=alpha).outside.sum()) for alpha in (0.5, 0.01)]
    assert counts[0] > 10 * counts[1] > 0
