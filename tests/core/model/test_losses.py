"""Losses by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posecut_core.dataset.scoremaps import Scoremaps, Targets
from posecut_core.model.step import _locref_loss, _score_loss, pose_loss


def maps(score=0.0, offset=0.0):
    return Scoremaps(jnp.full((1, 2, 2, 2), score), jnp.full((1, 2, 2, 2, 2), offset))


def targets(*, first_cell_of=()):
    """Return targets whose discs are the first cell of some bodyparts."""
    inside = np.zeros((1, 2, 2, 2), bool)
    inside[0, 0, 0, list(first_cell_of)] = True
    return Targets(jnp.asarray(inside, jnp.float32), jnp.zeros((1, 2, 2, 2, 2)), jnp.asarray(inside))


EVERYTHING = jnp.ones((1, 2), bool)


def test_score_loss_is_the_cross_entropy():
    """A cell costs -log of the probability of what it should be."""
    loss = _score_loss(maps(score=2.0), targets(first_cell_of=[0]))
    probability = 1 / (1 + np.exp(-2.0))
    assert float(loss[0, 0, 0, 0]) == pytest.approx(-np.log(probability), rel=1e-5)
    assert float(loss[0, 0, 0, 1]) == pytest.approx(-np.log(1 - probability), rel=1e-5)


@pytest.mark.parametrize(("offset", "expected"), [(0.5, 2 * 0.125), (3.0, 2 * 2.5)])
def test_locref_loss_is_hubers_inside_the_discs(offset, expected):
    """Squares up to 1, straight lines beyond, x and y added; cells outside the discs cost nothing."""
    loss = _locref_loss(maps(offset=offset), targets(first_cell_of=[1]))
    assert float(loss[0, 0, 0, 1]) == pytest.approx(expected)
    assert float(loss.sum()) == pytest.approx(expected)


def test_the_parts_are_means():
    """The score's mean is over all cells, the location refinement's over the discs, weighted."""
    found = pose_loss(maps(offset=3.0), targets(first_cell_of=[0, 1]), EVERYTHING, locref_weight=0.1)
    assert float(found) == pytest.approx(np.log(2) + 0.1 * 5.0)


def test_bodyparts_nobody_looked_for_cost_nothing():
    """Neither the loss nor its gradient knows the maps of a bodypart that was not looked for."""
    annotated = jnp.array([[True, False]])

    def loss(scores):
        return pose_loss(maps()._replace(scores=scores), targets(), annotated, locref_weight=0.1)

    value, gradient = jax.value_and_grad(loss)(jnp.full((1, 2, 2, 2), 3.0))
    assert float(value) == pytest.approx(np.log1p(np.exp(3)), rel=1e-5)
    assert (gradient[..., 0] != 0).all()
    assert (gradient[..., 1] == 0).all()


def test_nothing_to_learn_is_no_division_by_zero():
    """Without discs and without anything looked at the loss is 0."""
    assert float(pose_loss(maps(offset=9.0), targets(), jnp.zeros((1, 2), bool), locref_weight=1.0)) == 0
