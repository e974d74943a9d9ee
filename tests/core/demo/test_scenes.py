"""The demonstration's videos teach, and then ask for more than was taught."""

import numpy as np

from posecut_core.demo.scene import FURTHER, TO_LABEL, UNSEEN, prepare


def test_the_unseen_mouse_is_another():
    """It differs from all others in name, size, coat and light."""
    for scene in (*TO_LABEL, FURTHER):
        assert scene.name != UNSEEN.name
        assert scene.individual.size != UNSEEN.individual.size
        assert scene.individual.coat != UNSEEN.individual.coat
        assert scene.exposure != UNSEEN.exposure


def test_bodyparts_are_hidden_now_and_then():
    """In every video each bodypart is hidden at times, but seen in nearly all frames."""
    for scene in (*TO_LABEL, FURTHER, UNSEEN):
        hidden = prepare(scene).truth.hidden.mean(axis=0)
        assert np.all(hidden > 0), scene.name
        assert np.all(hidden < 0.25), scene.name
