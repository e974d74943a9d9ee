"""The learning rate's course, what decays, and running means."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from posecut_core.dataset.settings import TrainingSettings
from posecut_core.model.step import _running_mean, _schedule, optimizer


@pytest.mark.parametrize("maxiters", [1, 2, 10, 1000])
def test_the_rate_rises_and_falls(maxiters):
    """The rate reaches its peak after the warm-up, short trainings too, and ends at a hundredth."""
    settings = TrainingSettings(maxiters=maxiters, warmup_steps=50, learning_rate=0.5)
    rates = [float(_schedule(settings)(step)) for step in range(maxiters + 1)]
    assert max(rates) == pytest.approx(0.5)
    assert rates[-1] == pytest.approx(0.005)
    assert all(rate > 0 for rate in rates)


def test_without_decay_the_rate_stays():
    """A training without an end keeps its peak after the warm-up."""
    settings = TrainingSettings(learning_rate_decay="none", maxiters=10**9, warmup_steps=50, learning_rate=0.5)
    rates = [float(_schedule(settings)(step)) for step in (0, 25, 50, 10**6)]
    assert rates == pytest.approx([0.025, 0.2625, 0.5, 0.5])
    at_once = _schedule(replace(settings, warmup_steps=0))
    assert [float(at_once(step)) for step in (0, 9)] == [0.5, 0.5]


@pytest.mark.parametrize(("maxiters", "warmup"), [(120, 50), (777, 13)])
def test_rates_are_optax_s_to_the_bit(maxiters, warmup):
    """They are those of a program that was compiled for one course alone, as PoseCut 0.1 did."""
    ours = _schedule(TrainingSettings(maxiters=maxiters, warmup_steps=warmup, learning_rate=7e-4))
    as_users = partial(jax.jit, compiler_options={"xla_cpu_use_fusion_emitters": True})
    theirs = as_users(optax.warmup_cosine_decay_schedule(7e-4 / 20, 7e-4, warmup, maxiters, 7e-4 / 100))
    given = as_users(lambda course, step: course(step))
    for step in range(0, maxiters + 1, 7):
        assert given(ours, np.int32(step)) == theirs(np.int32(step))


def test_only_kernels_decay():
    """Without a gradient, kernels shrink and scales and biases stay."""
    settings = TrainingSettings(warmup_steps=0)
    adamw = optimizer(_schedule(settings), weight_decay=0.1, clip_norm=1.0)
    parameters = {"kernel": jnp.ones((1, 1, 2, 2)), "scale": jnp.ones(2), "bias": jnp.ones(2)}
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    change, _ = jax.jit(adamw.update)(zeros, adamw.init(parameters), parameters)
    np.testing.assert_allclose(change["kernel"], -0.1 * settings.learning_rate, rtol=1e-5)
    assert not change["scale"].any()
    assert not change["bias"].any()


def test_a_running_mean_forgets_its_beginning():
    """At the first step it takes nine tenths of the new value, later on 1 - decay."""
    start, new = {"a": jnp.zeros(2)}, {"a": jnp.ones(2)}
    first = _running_mean(start, new, jnp.asarray(0), decay=0.99)
    late = _running_mean(start, new, jnp.asarray(10_000), decay=0.99)
    np.testing.assert_allclose(first["a"], 0.9, rtol=1e-6)
    np.testing.assert_allclose(late["a"], 0.01, rtol=1e-4)
