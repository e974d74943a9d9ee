"""Pictures that are read ahead, from stores that fail for a moment."""

import numpy as np
import pytest

from napari_posecut.labeling.frame_index import _ImageCache
from posecut_core.errors import VideoError
from posecut_core.types import FrameRef

FIRST, SECOND = FrameRef("walk", 0), FrameRef("walk", 2)


class FailingStore:
    """A store of pictures on a disk that can be away; each has its number in all pixels."""

    def __init__(self):
        self.asked = []
        self.away = set()

    def read(self, number):
        self.asked.append(number)
        if number in self.away:
            raise VideoError("The disk is away.")
        return np.full((4, 4, 3), number, np.uint8)


@pytest.fixture
def store():
    return FailingStore()


@pytest.fixture
def pictures(store):
    return _ImageCache({"walk": store})


def _let_it_fail_ahead(pictures, store):
    """Read the second picture ahead of time while it cannot be read."""
    store.away = {SECOND.number}
    pictures.read(FIRST, then=(SECOND,))
    pictures._reading[SECOND].exception()  # waits for it


def test_what_was_read_ahead_is_not_read_again(pictures, store):
    """Going on asks the disk for nothing that it has given already."""
    pictures.read(FIRST, then=(SECOND,))
    assert pictures.read(SECOND).pixels.max() == SECOND.number
    assert store.asked == [FIRST.number, SECOND.number]


def test_a_failure_of_before_is_not_told_when_the_disk_is_back(pictures, store):
    """What could not be read ahead is read once more when it is asked for."""
    _let_it_fail_ahead(pictures, store)
    store.away.clear()
    assert pictures.read(SECOND).pixels.max() == SECOND.number


def test_a_failure_that_lasts_is_told_until_it_ends(pictures, store):
    """Each question reads once more."""
    _let_it_fail_ahead(pictures, store)
    for _ in range(2):
        with pytest.raises(VideoError, match="away"):
            pictures.read(SECOND)
    store.away.clear()
    assert pictures.read(SECOND).pixels.max() == SECOND.number
