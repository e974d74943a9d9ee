"""Predictions of extracted frames."""

import numpy as np
import pytest

from posecut_core.errors import VideoError
from posecut_core.inference.stored_frames import (
    LabeledFrames,
    _batches_of_one_size,
    predict_stored_frames,
    stored_frames,
)
from posecut_core.video.frame_store import FrameStore

FRAMES = {3: ((20, 30), (0, 0)), 7: ((16, 30), (5, 2)), 8: ((20, 30), (0, 0)), 12: ((20, 30), (40, 10))}


@pytest.fixture
def frames(tmp_path):
    """Four frames of two sizes, some of them crops, each with a bright pixel at (10 + k, 5 + k) of the stored image."""
    store = FrameStore.open(tmp_path / "frames.zarr", create=True)
    for k, (number, (size, origin)) in enumerate(FRAMES.items()):
        image = np.zeros((*size, 3), np.uint8)
        image[5 + k, 10 + k] = 255
        store.append([(number, image, origin)])
    labels = np.zeros((4, 2, 2))
    annotated = np.ones((4, 2), bool)
    return LabeledFrames(
        "m1", store, store.numbers, store.origins, store.sizes, labels, annotated, *np.eye(2, 4, dtype=bool)
    )


def test_positions_are_in_pixels_of_the_full_frame(frames, network):
    """Origins of crops are added to what the network finds in the stored images."""
    found = predict_stored_frames(network, frames, batch_size=2, advance=lambda count: None)
    np.testing.assert_allclose(found.xy[:, 0], [[10, 5], [16, 8], [12, 7], [53, 18]])
    np.testing.assert_allclose(found.likelihood, 0.9)


def test_the_network_sees_full_batches_of_one_size(frames, network):
    """There is one shape per image size, and progress counts each frame once."""
    counts = []
    predict_stored_frames(network, frames, batch_size=2, advance=counts.append)
    assert set(network.shapes) == {(2, 20, 30, 3), (2, 16, 30, 3)}
    assert sum(counts) == 4


def test_each_frame_is_in_one_batch():
    """Batches hold at most batch_size frames, all of one size."""
    sizes = np.array([[1, 1], [2, 1], [1, 1], [1, 1], [2, 1]])
    batches = [places.tolist() for places in _batches_of_one_size(sizes, 2)]
    assert sorted(batches) == [[0, 2], [1, 4], [3]]


def test_a_frame_that_the_store_lacks_is_a_sentence(frames):
    """Its place would be another frame's."""
    with pytest.raises(VideoError, match="Frame 9 of m1 is not among the extracted frames"):
        stored_frames("m1", frames.store, np.array([3, 9]))
