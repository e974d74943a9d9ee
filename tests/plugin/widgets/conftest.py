"""A session in a real window whose jobs start no children."""

import pytest

from napari_posecut.session import Session, session_of
from tests.plugin.widgets.fake_jobs import FakeJobs


@pytest.fixture
def session(viewer) -> Session:
    """The session of the window, with jobs that do what a test says."""
    made = session_of(viewer)
    made.jobs = FakeJobs()
    return made
