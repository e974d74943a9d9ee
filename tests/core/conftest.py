"""A movement for every room that looks at one."""

import numpy as np
import pytest


@pytest.fixture
def walk():
    """A random walk seen through noise: 400 frames of x, y of two bodyparts."""
    rng = np.random.default_rng(0)
    return 200 + np.cumsum(rng.normal(0, 2, (400, 2, 2)), axis=0) + rng.normal(0, 1, (400, 2, 2))
