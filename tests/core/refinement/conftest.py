"""Predictions that can be checked by hand."""

import numpy as np
import pytest

from posecut_core.analysis.predictions import Predictions


@pytest.fixture
def seen():
    """A function that makes predictions of x (frames x bodyparts) at y = 0, certain unless likelihoods are given."""

    def make(x, likelihood=None, *, scorer="net"):
        x = np.asarray(x, dtype=float)
        parts = tuple("abcd"[: x.shape[1]])
        certain = np.ones(x.shape) if likelihood is None else np.asarray(likelihood, dtype=float)
        return Predictions(scorer, parts, np.stack([x, np.zeros(x.shape)], axis=-1), certain)

    return make


@pytest.fixture
def walk():
    """A random walk seen through noise: 400 frames of x, y of two bodyparts."""
    rng = np.random.default_rng(0)
    return 200 + np.cumsum(rng.normal(0, 2, (400, 2, 2)), axis=0) + rng.normal(0, 1, (400, 2, 2))
