"""Predictions hold positions and likelihoods of the same frames and bodyparts."""

import dataclasses

import numpy as np
import pytest

from posecut_core.poses.predictions import Predictions, of_bodyparts


def test_predictions_do_not_change() -> None:
    """A field cannot be replaced, so that predictions are safe to hand on."""
    found = Predictions("network", ("snout",), np.zeros((2, 1, 2)), np.ones((2, 1)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.scorer = "another"  # type: ignore[misc]


def test_bodyparts_can_be_chosen() -> None:
    """Only the bodyparts named are kept, in the order given."""
    xy = np.arange(12.0).reshape(2, 3, 2)
    found = of_bodyparts(Predictions("network", ("a", "b", "c"), xy, xy[..., 0]), ("c", "a"))
    assert found.bodyparts == ("c", "a")
    assert found.xy[0].tolist() == [[4.0, 5.0], [0.0, 1.0]]
    assert found.likelihood[1].tolist() == [10.0, 6.0]
