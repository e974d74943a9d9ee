"""A desk in a real window whose board starts no children."""

import pytest

from napari_posecut.session import Desk, desk_of
from tests.plugin.widgets.fake_board import FakeBoard


@pytest.fixture
def desk(viewer) -> Desk:
    """The desk of the window, with jobs that do what a test says."""
    made = desk_of(viewer)
    made.board = FakeBoard()
    return made
