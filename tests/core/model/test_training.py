"""Training steps: deterministic, resumable, reported; they lower the loss."""

import itertools
import os
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from posecut_core.backbones import resnet
from posecut_core.dataset.frames import TrainingFrames, batch_of_step
from posecut_core.dataset.scoremaps import Scoremaps
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.model import step as training
from posecut_core.model.devices import placement
from posecut_core.model.log import Metrics
from posecut_core.model.pose_net import NetworkSpec, initial_parameters
from posecut_core.model.snapshots import SnapshotInfo, load_state, save_snapshot
from posecut_core.model.step import TrainState, _schedule, _train_step, fit, initial_state
from tests.structure.source import ROOT
from tests.toy_backbone import Toy

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
ONE = placement(jax.local_devices()[:1], batch_size=2)


@pytest.fixture(autouse=True)
def one_block_a_stage(monkeypatch):
    """Half of the thin network: its step is compiled in half the time, and has all kinds of layers."""
    monkeypatch.setitem(resnet.BLOCKS, 18, (1, 1, 1, 1))


@pytest.fixture
def thin_parameters(one_block_a_stage, thin_parameters):
    """The parameters of that half."""
    return thin_parameters


@pytest.fixture(scope="module")
def frames():
    """Three frames of 64 x 64 pixels, with a bright square and a dark one on gray."""
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
    run = fit(state, frames, ORDER, spec=thin, settings=SETTINGS, where=ONE, clock=lambda: float(next(ticks)))
    with closing(run):
        taken = [(state := step.state, step.metrics) for step in itertools.islice(run, steps)]
    return state, [metrics for _, metrics in taken if metrics]


@pytest.fixture
def start(thin_parameters):
    return jax.device_put(initial_state(thin_parameters, SETTINGS), ONE.state)


def stepped(state, frames, spec, *, step=0, settings=SETTINGS):
    """Take one step, with what the compiled step of `fit` is called with."""
    batch = batch_of_step(frames, batch_size=2, seed=0, step=step, sharding=ONE.batch)
    return _train_step(state, batch, jax.device_put(ORDER, ONE.state), spec=spec, settings=settings)


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
        state, loss = stepped(state, frames, thin, step=step)
        losses.append(float(loss))
    _, (first, second) = trained(start, frames, thin, steps=6)
    assert (first.loss, second.loss) == pytest.approx((np.mean(losses[:3]), np.mean(losses[3:])))
    rates = [float(_schedule(SETTINGS)(step)) for step in (2, 5)]
    assert first == Metrics(3, first.loss, rates[0], 3.0)
    assert second == Metrics(6, second.loss, rates[1], 3.0)


def test_a_running_mean_follows_the_parameters(frames):
    """With `ema_decay` the step keeps a mean of the parameters, which predicts; the parameters train as without."""
    settings, spec = replace(SETTINGS, ema_decay=0.9), NetworkSpec(Toy(), ("a", "b"))
    before = initial_parameters(0, spec)
    start, averaging = (
        jax.device_put(initial_state(jax.tree.map(jnp.array, before), one), ONE.state) for one in (SETTINGS, settings)
    )
    plain, _ = stepped(start, frames, spec)
    after, _ = stepped(averaging, frames, spec, settings=settings)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6), after.parameters, plain.parameters)
    expected = jax.tree.map(lambda old, new: old + 0.9 * (new - old), before, jax.device_get(after.parameters))
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-6), after.predicting, expected)
    assert plain.predicting is plain.parameters


def test_only_what_changes_its_structure_compiles_the_step_again(thin, start, frames):
    """Other seeds, lengths, rates, losses and augmentations run the same program, and do what they say."""
    before = training.jitted_step()._cache_size()
    changes = ({}, {"seed": 1}, {"maxiters": 90}, {"learning_rate_decay": "none"}, {"noise": 0.2, "clip_norm": 0.5})
    losses = [
        float(stepped(jax.tree.map(jnp.copy, start), frames, thin, settings=replace(SETTINGS, **change))[1])
        for change in changes
    ]
    assert training.jitted_step()._cache_size() <= before + 1
    assert len(set(losses)) == 3  # of the first step: it is the same for other lengths and rates


def test_seeds_train_side_by_side(frames):
    """A step maps over seeds, with `jax.vmap`, and each does what it does alone."""
    spec = NetworkSpec(Toy(), ("a", "b"))
    values, config = training.step_values(SETTINGS), training.step_config(spec, SETTINGS)
    state = initial_state(initial_parameters(0, spec), SETTINGS)
    batch = batch_of_step(frames, batch_size=2, seed=0, step=0)
    arguments = (state, batch, jnp.asarray(ORDER))
    seeds = np.array([3, 4], np.uint32)
    one = jax.jit(training.step, static_argnames="config")
    together = jax.vmap(lambda seed: one(*arguments, values._replace(seed=seed), config=config)[1])(seeds)
    alone = [float(one(*arguments, values._replace(seed=seed), config=config)[1]) for seed in seeds]
    np.testing.assert_allclose(together, alone, rtol=1e-5)
    assert alone[0] != alone[1]


def test_all_of_the_recipe_trains_together(thin, thin_parameters, frames):
    """A step with every option of the recipe lowers the loss of the frames that it trained on."""
    settings = replace(SETTINGS, maxiters=12, intermediate_supervision=True, ema_decay=0.9)
    spec = replace(thin, intermediate=True)
    state = jax.device_put(initial_state(initial_parameters(0, spec), settings), ONE.state)
    run = fit(state, frames, ORDER, spec=spec, settings=settings, where=ONE)
    losses = [taken.metrics.loss for taken in run if taken.metrics]
    assert losses[-1] < losses[0]


def test_the_loss_falls(thin, start, frames):
    """On three frames the loss at the end is far below where it began; the last step is reported in any case."""
    state, metrics = trained(start, frames, thin)
    assert int(state.step) == metrics[-1].step == SETTINGS.maxiters
    assert metrics[-1].loss < 0.5 * metrics[0].loss


def test_a_finished_training_takes_no_step(thin, start, frames):
    """From a state at `maxiters` nothing is yielded."""
    done = start._replace(step=jnp.asarray(SETTINGS.maxiters, jnp.int32))
    assert list(fit(done, frames, ORDER, spec=thin, settings=SETTINGS, where=ONE)) == []


def test_steps_stay_on_the_device(thin, start, frames):
    """Between reports no number comes back to the host."""
    run = fit(start, frames, ORDER, spec=thin, settings=SETTINGS, where=ONE)
    with closing(run) as steps, jax.transfer_guard_device_to_host("disallow_explicit"):
        assert next(steps).metrics is next(steps).metrics is None


def test_the_state_is_donated(thin, start, frames):
    """A step writes into the memory of the state before it."""
    with closing(fit(start, frames, ORDER, spec=thin, settings=SETTINGS, where=ONE)) as steps:
        first = next(steps).state
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(start.parameters))
    assert not any(leaf.is_deleted() for leaf in jax.tree.leaves(first))


def test_a_step_without_a_finite_loss_changes_nothing(thin, start, frames):
    """Parameters and moments stay in every bit, the step counter goes on, and the loss says that it was skipped."""
    start.parameters["bias"] = jax.device_put(start.parameters["bias"].at[0].set(jnp.nan), ONE.state)
    before = jax.device_get(jax.tree.map(jnp.copy, start))
    after, loss = stepped(start, frames, thin)
    assert np.isnan(loss)
    assert after.step == 1
    jax.tree.map(np.testing.assert_array_equal, after[1:], before[1:])


@pytest.mark.parametrize("backend", ["cpu", "gpu"])
@pytest.mark.parametrize(("value", "skipped"), [(0.0, True), (1.0, False)])
def test_a_gradient_that_is_not_finite_skips_the_step(monkeypatch, thin, frames, backend, value, skipped):
    """The square root has an infinite slope at 0 although its value is finite."""
    monkeypatch.setattr(training.jax, "default_backend", lambda: backend)
    monkeypatch.setattr(training, "pose_loss", lambda maps, *rest, **options: jnp.sqrt(maps.scores[0, 0, 0, 0]))
    monkeypatch.setattr(
        training,
        "training_maps",
        lambda spec, parameters, images: (
            Scoremaps(jnp.broadcast_to(parameters["a"], (2, 8, 8, 2)), jnp.zeros((2, 8, 8, 2, 2))),
        ),
    )
    start = initial_state({"a": jnp.full((1, 1, 1, 2), value)}, SETTINGS)
    batch = batch_of_step(frames, batch_size=2, seed=0, step=0)
    step = jax.jit(training.step, static_argnames="config")
    config = training.step_config(thin, SETTINGS)
    after, loss = step(start, batch, jnp.asarray(ORDER), training.step_values(SETTINGS), config=config)
    assert bool(np.isnan(loss)) is skipped
    unchanged = jax.tree.map(lambda one, other: bool((one == other).all()), after[1:], start[1:])
    assert all(jax.tree.leaves(unchanged)) is skipped


def losing(monkeypatch, *, steps):
    """Let the given steps be skipped, numbered as they are reported, and all others have a loss of their number."""

    def step(state, batch, mirror_order, *, spec, settings):
        done = int(state.step) + 1
        return TrainState(state.step + 1, *state[1:]), jnp.float32(np.nan if done in steps else done)

    monkeypatch.setattr(training, "_train_step", step)


def test_skipped_steps_are_told_and_left_out_of_the_mean(monkeypatch, thin, start, frames):
    """Every report names the steps that were skipped since the last; one of only such steps has no loss."""
    losing(monkeypatch, steps=(2, 4, 5, 6))
    _, (first, second, third) = trained(start, frames, thin, steps=9)
    assert (first.loss, first.skipped) == (2.0, (2,))
    assert (np.isnan(second.loss), second.skipped) == (True, (4, 5, 6))
    assert (third.loss, third.skipped) == (8.0, ())


def test_batches_come_from_a_thread_that_ends(monkeypatch, thin, start, frames):
    """They are those of their steps, gathered elsewhere; closing the training ends the thread."""
    losing(monkeypatch, steps=())
    seen, quick = [], training._train_step

    def step(state, batch, *arguments, **options):
        seen.append(batch)
        return quick(state, batch, *arguments, **options)

    def names():
        return [thread.name for thread in threading.enumerate()]

    monkeypatch.setattr(training, "_train_step", step)
    with closing(fit(start, frames, ORDER, spec=thin, settings=SETTINGS, where=ONE)) as steps:
        next(steps)
        assert "batches" in names()
        next(steps)
    assert "batches" not in names()
    expected = [batch_of_step(frames, batch_size=2, seed=0, step=number) for number in (0, 1)]
    jax.tree.map(np.testing.assert_array_equal, seen, expected)


def test_bfloat16_is_close_to_float32(thin, thin_parameters, frames):
    """A step in bfloat16 has nearly the loss, gradients and parameters of one in float32, which stay float32."""
    losses, gradients, ends = [], [], []
    for precision in ("float32", "bfloat16"):
        start = initial_state(jax.tree.map(jnp.copy, thin_parameters), SETTINGS)
        spec = replace(thin, precision=precision)
        after, loss = stepped(jax.device_put(start, ONE.state), frames, spec)
        assert {leaf.dtype for leaf in jax.tree.leaves(after.parameters)} == {jnp.dtype("float32")}
        losses.append(float(loss))
        gradients.append(flat(optax.tree_utils.tree_get(after.optimizer, "mu")))
        ends.append(flat(after.parameters))
    assert losses[1] == pytest.approx(losses[0], rel=0.01)
    assert np.corrcoef(*gradients)[0, 1] > 0.95
    assert np.linalg.norm(ends[1] - ends[0]) < 1e-3 * np.linalg.norm(ends[0])


def flat(tree):
    return np.concatenate([np.asarray(leaf).ravel() for leaf in jax.tree.leaves(tree)])


ON_FOUR = """
import itertools, sys
import jax, numpy as np
from posecut_core.dataset.frames import TrainingFrames
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.model.devices import chosen_devices, placement
from posecut_core.model.pose_net import NetworkSpec, initial_parameters
from posecut_core.model.step import fit, initial_state, jitted_step
from tests.toy_backbone import Toy

generator = np.random.default_rng(0)
images = generator.integers(0, 256, (5, 64, 64, 3), dtype=np.uint8)
xy = generator.uniform(8, 56, (5, 2, 2)).astype(np.float32)
frames = TrainingFrames(images, np.full((5, 2), 64, np.int32), xy, np.ones((5, 2), bool))
settings = TrainingSettings(global_scale=1.0, batch_size=4, crop_size=64, maxiters=3, warmup_steps=0, display_iters=1)
spec = NetworkSpec(Toy(), ("a", "b"))
order, ends, losses = np.array([0, 1], np.int32), [], []
for devices in (chosen_devices(0), chosen_devices(None)):
    where = placement(devices, batch_size=4)
    state = initial_state(initial_parameters(0, spec), settings)
    for taken in fit(state, frames, order, spec=spec, settings=settings, where=where):
        losses.append(taken.metrics.loss)
    assert {leaf.sharding for leaf in jax.tree.leaves(taken.state)} == {where.state}
    ends.append(jax.tree.leaves(jax.device_get(taken.state.parameters)))
assert len(chosen_devices(None)) == 4 and len(where.batch.device_set) == 4
assert placement(devices, batch_size=6).batch.device_set == {devices[0]}
assert jitted_step()._cache_size() == 2, "compiled once for each placement"
np.testing.assert_allclose(losses[:3], losses[3:], rtol=1e-5)
for one, four in zip(*ends, strict=True):
    np.testing.assert_allclose(one, four, atol=1e-5)
"""


def test_four_devices_train_as_one(tmp_path):
    """With the batch split over four devices, losses and parameters are those of one device, to rounding."""
    flags = {"JAX_NUM_CPU_DEVICES": "4", "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", ON_FOUR],
        env=os.environ | flags,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
