"""A training ends by itself where its loss hardly falls any more, at the same step however often it was interrupted."""

import itertools
from contextlib import closing
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posecut_core.dataset.frames import TrainingFrames
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.model import step as training
from posecut_core.model.devices import placement
from posecut_core.model.pace import first_pace, paced
from posecut_core.model.pose_net import NetworkSpec, initial_parameters
from posecut_core.model.snapshots import SnapshotInfo, load_state, save_snapshot
from posecut_core.model.step import TrainState, fit, initial_state
from tests.toy_backbone import Toy

SPEC = NetworkSpec(Toy(), ("a", "b"))
SETTINGS = TrainingSettings(
    global_scale=1.0, batch_size=2, crop_size=64, maxiters=1000, display_iters=7, ends_early=True
)
ORDER = np.array([0, 1], np.int32)
ONE = placement(jax.local_devices()[:1], batch_size=2)


def pace_of(losses, *, earliest=0):
    def taken_in(pace, step_and_loss):
        step, loss = step_and_loss
        return paced(pace, loss, step, earliest=np.int32(earliest)), ()

    steps = jnp.arange(len(losses), dtype=jnp.int32)
    return jax.lax.scan(taken_in, first_pace(), (steps, jnp.asarray(losses, jnp.float32)))[0]


@pytest.mark.parametrize("exponent", [0.2, 0.5, 1.0])
def test_the_exponent_of_a_power_is_found(exponent):
    """Whatever its scale, a loss that falls as a power of the steps tells its exponent."""
    steps = np.arange(1, 800.0)
    for scale in (0.01, 100):
        assert float(pace_of(scale * steps**-exponent).exponent) == pytest.approx(exponent, rel=0.05)


def test_a_loss_that_stays_ends_the_training():
    """Once the loss stays, the rate falls to a hundredth over a quarter of the steps until then; not before."""
    losses = np.concatenate([np.arange(1, 400.0) ** -0.5, np.full(1000, 0.05)])
    pace = pace_of(losses)
    begins = int(pace.falls_from)
    assert 600 < begins < 1200
    assert pace.steps() == begins + begins // 4
    shares = [float(pace.share(jnp.int32(step))) for step in (0, begins - 1, begins + begins // 8, pace.steps() - 1)]
    assert shares == pytest.approx([1, 1, 0.5, 0.01], abs=0.02)
    assert pace_of(losses[:400]).steps() is None
    assert pace_of(losses, earliest=10**6).steps() is None


def test_skipped_steps_say_nothing():
    """A step without a finite loss leaves both means as they were."""
    steps = np.arange(1, 800.0)
    losses = np.where(steps % 50 == 0, np.nan, steps**-0.5)
    assert float(pace_of(losses).exponent) == pytest.approx(0.5, rel=0.05)


@pytest.fixture
def frames():
    """Two gray frames with a label each, which a stand-in for the step does not look at."""
    return TrainingFrames(
        np.full((2, 64, 64, 3), 128, np.uint8), np.full((2, 2), 64, np.int32),
        np.full((2, 2, 2), 30, np.float32), np.ones((2, 2), bool),
    )  # fmt: skip


@pytest.fixture
def flat(monkeypatch):
    """Steps whose loss falls until step 200, and then stays."""

    @jax.jit
    def moved(state):
        loss = jnp.where(state.step < 200, (state.step + 1) ** -0.5, 200**-0.5)
        pace = state.pace and paced(state.pace, loss, state.step, earliest=np.int32(150))
        return TrainState(state.step + 1, *state[1:4], pace), loss

    monkeypatch.setattr(training, "_train_step", lambda state, *_, **__: moved(state))


def taken(state, frames, *, settings=SETTINGS, steps=None):
    run = fit(state, frames, ORDER, spec=SPEC, settings=settings, where=ONE)
    with closing(run):
        return [(one.state, one.end, one.metrics) for one in itertools.islice(run, steps)]


@pytest.mark.usefixtures("flat")
def test_a_training_that_was_interrupted_ends_where_it_would_have(frames, tmp_path):
    """The end is told when it is known, is the last step, and is the same from any snapshot; then no step follows."""
    start = initial_state({"a": jnp.ones((1, 1))}, SETTINGS)
    whole = taken(start, frames, settings=replace(SETTINGS, maxiters=5000))
    last, end, metrics = whole[-1]
    assert 300 < end < 900
    assert int(last.step) == end == metrics.step
    assert [ends for _, ends, _ in whole[:200]] == [5000] * 200
    for stop in (203, end - 3):
        state = whole[stop - 1][0]
        info = SnapshotInfo(stop, "run", SPEC, 1.0)
        folder = save_snapshot(tmp_path, info, state)
        found = load_state(folder, info, jax.eval_shape(lambda state=state: state))
        again = taken(found, frames, settings=replace(SETTINGS, maxiters=5000))
        jax.tree.map(np.testing.assert_array_equal, again[-1][0], last)
    assert taken(last, frames, settings=replace(SETTINGS, maxiters=5000)) == []
    assert taken(last._replace(pace=()), frames, settings=replace(SETTINGS, maxiters=5000), steps=1)


def test_a_training_that_began_without_a_pace_goes_on_to_its_end(tmp_path):
    """All losses are needed: a snapshot that has none of them has no pace."""
    settings = replace(SETTINGS, ends_early=False)
    info = SnapshotInfo(0, "run", SPEC, 1.0)
    folder = save_snapshot(tmp_path, info, initial_state({"a": jnp.ones((1, 1))}, settings))
    shapes = jax.eval_shape(lambda: initial_state({"a": jnp.ones((1, 1))}, SETTINGS))
    assert load_state(folder, info, shapes).pace == ()


def test_the_rate_falls_at_the_end(frames):
    """A step of the last fall moves the parameters by so much less."""
    state = jax.device_put(initial_state(initial_parameters(0, SPEC), SETTINGS), ONE.state)
    near = state._replace(
        step=jnp.asarray(119, jnp.int32), pace=state.pace._replace(falls_from=jnp.asarray(100, jnp.int32))
    )
    far = near._replace(pace=state.pace)
    moved = []
    for one in (near, far):
        copy = jax.tree.map(jnp.copy, one)
        [(after, _, _)] = taken(copy, frames, steps=1)
        moved.append(
            jax.tree.map(lambda old, new: new - old, jax.device_get(state.parameters), jax.device_get(after.parameters))
        )
    share = float(near.pace.share(near.step))
    assert 0.5 < share < 0.7
    jax.tree.map(lambda less, more: np.testing.assert_allclose(less, share * more, rtol=1e-2, atol=1e-7), *moved)
