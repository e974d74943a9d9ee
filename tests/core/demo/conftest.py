"""A mouse that is quick to draw."""

from dataclasses import replace

import pytest

from posecut_core.demo.scene import UNSEEN, prepare


@pytest.fixture(scope="session")
def short_film():
    """Six frames of the unseen mouse."""
    return prepare(replace(UNSEEN, frames=6))
