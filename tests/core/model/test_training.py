"""Training steps: deterministic, resumable, reported; they lower the loss."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posecut_core.dataset.batches import TrainingFrames, batch_of_step
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.model.snapshots import SnapshotInfo, load_state, save_snapshot
from posecut_core.model.training import Metrics, all_finite, fit, initial_state, optimizer, schedule, train_step

SETTINGS = TrainingSettings(
    net_type="resnet_18",
    global_scale=1.0,
    batch_size=2,
    crop_size=64,
    pos_dist_thresh=8.0,
    maxiters=40,
    display_iters=3,
    rotation=0.0,
    brightness=0.0,
    contrast=0.0,
    warmup_steps=2,
    learning_rate=3e-3,
)
ORDER = np.array([0, 1], np.int32)


@pytest.fixture(scope="module")
def frames():
    """Three frames of 64 x 64 pixels, with a bright square and a dark one on grey."""
    generator = np.random.default_rng(0)
    xy = generator.integers(16, 48, size=(3, 2, 2))
    images = np.full((3, 64, 64, 3), 128, np.uint8)
    for image, points in zip(images, xy, strict=True):
        for (x, y), value in zip(points, (255, 0), strict=True):
            image[y - 3 : y + 4, x - 3 : x + 4] = value
    sizes = np.full((3, 2), 64, np.int32)
    return TrainingFrames(images, sizes, xy.astype(np.float32), np.ones((3, 2), bool))


def trained(state, frames, thin, *, steps=None):
    """Return the state after `steps` steps, all by default, and the metrics told on the way."""
    ticks = itertools.count()
    run = fit(state, frames, ORDER, spec=thin, settings=SETTINGS, clock=lambda: float(next(ticks)))
    yielded = [(state := after, metrics) for after, metrics in itertools.islice(run, steps)]
    return state, [metrics for _, metrics in yielded if metrics]


@pytest.fixture
def start(thin_parameters):
    return initial_state(thin_parameters, SETTINGS)


def test_stopping_changes_nothing(tmp_path, thin, start, frames):
    """Six steps equal three steps, a snapshot, and three steps from it, in every bit."""
    copy = jax.tree.map(jnp.copy, start)
    straight, _ = trained(start, frames, thin, steps=6)
    half, _ = trained(copy, frames, thin, steps=3)
    shapes = jax.eval_shape(lambda: half)
    info = SnapshotInfo(3, "run", thin, 1.0)
    resumed = load_state(save_snapshot(tmp_path, info, half), info, shapes)
    resumed, _ = trained(resumed, frames, thin, steps=3)
    assert int(resumed.step) == int(straight.step) == 6
    jax.tree.map(np.testing.assert_array_equal, resumed, straight)


def test_metrics_are_means_since_the_last(thin, start, frames):
    """Every `display_iters` steps the mean loss, the rate and the speed are told."""
    state, losses = jax.tree.map(jnp.copy, start), []
    for step in range(6):
        batch = batch_of_step(frames, batch_size=2, seed=0, step=step)
        state, loss = train_step(state, batch, jnp.asarray(ORDER), spec=thin, settings=SETTINGS)
        losses.append(float(loss))
    _, (first, second) = trained(start, frames, thin, steps=6)
    assert (first.loss, second.loss) == pytest.approx((np.mean(losses[:3]), np.mean(losses[3:])))
    rates = [float(schedule(SETTINGS)(step)) for step in (2, 5)]
    assert first == Metrics(3, first.loss, rates[0], 3.0)
    assert second == Metrics(6, second.loss, rates[1], 3.0)


def test_the_loss_falls(thin, start, frames):
    """On three frames the loss at the end is far below where it began; the last step is reported in any case."""
    state, metrics = trained(start, frames, thin)
    assert int(state.step) == metrics[-1].step == SETTINGS.maxiters
    assert metrics[-1].loss < 0.5 * metrics[0].loss


def test_a_finished_training_takes_no_step(thin, start, frames):
    """From a state at `maxiters` nothing is yielded."""
    done = start._replace(step=jnp.asarray(SETTINGS.maxiters, jnp.int32))
    assert list(fit(done, frames, ORDER, spec=thin, settings=SETTINGS)) == []


def test_steps_stay_on_the_device(thin, start, frames):
    """Between reports no number comes back to the host."""
    steps = fit(start, frames, ORDER, spec=thin, settings=SETTINGS)
    with jax.transfer_guard_device_to_host("disallow_explicit"):
        assert next(steps)[1] is next(steps)[1] is None


def test_the_state_is_donated(thin, start, frames):
    """A step writes into the memory of the state before it."""
    first, _ = next(fit(start, frames, ORDER, spec=thin, settings=SETTINGS))
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(start.parameters))
    assert not any(leaf.is_deleted() for leaf in jax.tree.leaves(first))


@pytest.mark.parametrize("maxiters", [1, 2, 10, 1000])
def test_the_rate_rises_and_falls(maxiters):
    """The rate reaches its peak after the warm-up, short trainings too, and ends at a hundredth."""
    settings = TrainingSettings(maxiters=maxiters, warmup_steps=50, learning_rate=0.5)
    rates = [float(schedule(settings)(step)) for step in range(maxiters + 1)]
    assert max(rates) == pytest.approx(0.5)
    assert rates[-1] == pytest.approx(0.005)
    assert all(rate > 0 for rate in rates)


def test_only_kernels_decay():
    """Without a gradient, kernels shrink and scales and biases stay."""
    settings = TrainingSettings(weight_decay=0.1, warmup_steps=0)
    parameters = {"kernel": jnp.ones((1, 1, 2, 2)), "scale": jnp.ones(2), "bias": jnp.ones(2)}
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    change, _ = jax.jit(optimizer(settings).update)(zeros, optimizer(settings).init(parameters), parameters)
    np.testing.assert_allclose(change["kernel"], -0.1 * settings.learning_rate, rtol=1e-5)
    assert not change["scale"].any()
    assert not change["bias"].any()


@pytest.mark.parametrize(("value", "finite"), [(1.0, True), (np.nan, False), (np.inf, False)])
def test_finite_parameters_are_told_from_others(value, finite):
    """One NaN or infinity anywhere is seen."""
    assert bool(all_finite({"a": jnp.zeros((2, 2)), "b": jnp.array([0.0, value])})) is finite
