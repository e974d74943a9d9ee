"""What analysis asks of a network."""

import numpy as np
import pytest

from posecut_core.inference.stored_frames import Predicts, padded


@pytest.mark.parametrize("count", [3, 5])
def test_padding_repeats_the_last_image(count):
    """A batch of full size stays as it is; a smaller one ends in copies of its last image."""
    images = np.arange(3, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    assert padded(images, count)[:, 0, 0, 0].tolist() == [0, 1, 2, 2, 2][:count]


def test_a_network_is_known_by_what_it_can_do(network):
    """Anything with bodyparts, a scorer and predict will do."""
    assert isinstance(network, Predicts)
    assert not isinstance(object(), Predicts)
