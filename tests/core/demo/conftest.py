"""A mouse that is quick to draw."""

from dataclasses import replace

import pytest

from posecut_core.demo.render import prepare
from posecut_core.demo.scenes import UNSEEN


@pytest.fixture(scope="session")
def short_film():
    """Six frames of the unseen mouse."""
    return prepare(replace(UNSEEN, frames=6))
