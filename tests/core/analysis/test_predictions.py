"""Predictions hold positions and likelihoods of the same frames and bodyparts."""

import dataclasses

import numpy as np
import pytest

from posecut_core.analysis.predictions import Predictions


def test_predictions_do_not_change() -> None:
    """A field cannot be replaced, so that predictions are safe to hand on."""
    found = Predictions("network", ("snout",), np.zeros((2, 1, 2)), np.ones((2, 1)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.scorer = "another"  # type: ignore[misc]
