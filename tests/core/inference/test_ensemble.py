"""Several networks are fused by what most of them see, and their spread tells how far they differ."""

from functools import partial

import numpy as np
import pytest

from posecut_core.inference.ensemble import Ensemble, fused
from posecut_core.inference.stored_frames import Predicts


def fused_points(points, likelihoods):
    """Fuse one bodypart in one image, within 10 pixels."""
    xy = np.array(points, float)[:, None, None]
    found = fused(xy, np.array(likelihoods, float)[:, None, None], within=10.0)
    return found.xy[0, 0].tolist(), found.likelihood[0, 0], found.spread[0, 0]


def test_networks_that_agree_are_averaged_by_their_likelihoods():
    """The likelihood is their mean, and the spread the root mean square of the distances."""
    xy, likelihood, spread = fused_points([(0, 0), (4, 0)], [0.9, 0.3])
    assert xy == pytest.approx([1.0, 0.0])
    assert likelihood == pytest.approx(0.6)
    assert spread == pytest.approx(np.sqrt((1 + 9) / 2))


def test_a_network_that_takes_another_leg_is_outvoted():
    """The mean of all would lie between both legs; the spread tells that one of them saw something else."""
    xy, likelihood, spread = fused_points([(0, 0), (100, 0), (2, 0)], [0.6, 0.9, 0.6])
    assert xy == pytest.approx([1.0, 0.0])
    assert likelihood == pytest.approx(0.4)
    assert spread > 50


def test_of_two_that_disagree_the_surer_one_counts():
    """With half of its likelihood, as the other one sees the bodypart elsewhere."""
    assert fused_points([(0, 0), (100, 0)], [0.4, 0.8])[:2] == ([100.0, 0.0], pytest.approx(0.4))


def test_positions_that_none_believes_in_are_averaged():
    """A likelihood of 0 everywhere still has a position."""
    assert fused_points([(0, 0), (4, 2)], [0.0, 0.0])[:2] == (pytest.approx([2.0, 1.0]), 0.0)


class Fixed:
    """A network that sees both bodyparts at the same place in each image."""

    bodyparts, scorer, context = ("a", "b"), "net", 0

    def __init__(self, x, engine_name="xla"):
        self.x, self.engine_name = x, engine_name

    def start(self, images):
        return partial(self.predict, images)

    def predict(self, images):
        return np.full((len(images), 2, 2), self.x), np.full((len(images), 2), 0.5)


def test_an_ensemble_predicts_as_a_network_does():
    """Whatever takes a network takes several of them; the engines of all are named."""
    ensemble = Ensemble((Fixed(1.0), Fixed(3.0, "openvino-float32"), Fixed(2.0)), "together", 10.0)
    assert isinstance(ensemble, Predicts)
    assert (ensemble.bodyparts, ensemble.engine_name) == (("a", "b"), "xla+openvino-float32")
    xy, likelihood = ensemble.predict(np.zeros((2, 8, 8, 3), np.uint8))
    np.testing.assert_allclose(xy, np.full((2, 2, 2), 2.0))
    np.testing.assert_allclose(likelihood, np.full((2, 2), 0.5))
    np.testing.assert_allclose(ensemble.start_fused(np.zeros((1, 8, 8, 3), np.uint8))().spread, np.sqrt(4 / 3))
