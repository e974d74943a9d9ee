"""Predictions that can be checked by hand."""

import numpy as np
import pytest

from posecut_core.poses.predictions import Predictions


@pytest.fixture
def seen():
    """A function that makes predictions of x (frames x bodyparts) at y = 0, certain unless likelihoods are given."""

    def make(x, likelihood=None, *, scorer="net"):
        x = np.asarray(x, dtype=float)
        parts = tuple("abcd"[: x.shape[1]])
        certain = np.ones(x.shape) if likelihood is None else np.asarray(likelihood, dtype=float)
        return Predictions(scorer, parts, np.stack([x, np.zeros(x.shape)], axis=-1), certain)

    return make
