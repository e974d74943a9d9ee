"""What a training will take is told in time."""

import itertools
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posecut_core.backbones.resnet import ResNetSpec
from posecut_core.dataset.frames import TrainingFrames, batch_of_step
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.errors import ModelError
from posecut_core.model import step as training
from posecut_core.model.devices import placement
from posecut_core.model.pose_net import NetworkSpec
from posecut_core.model.step import TrainState, initial_state
from posecut_core.training import loop
from posecut_core.training.loop import (
    _LIBRARIES,
    _check_memory,
    _Estimate,
    _memory_of,
    _step_bytes,
    _tell_wide_crops,
)

SETTINGS = TrainingSettings(batch_size=2, crop_size=64, maxiters=61)
ONE = placement(jax.local_devices()[:1], batch_size=2)
SPEC = NetworkSpec(ResNetSpec(depth=18, width=0.125), ("a", "b"))
ORDER = np.array([0, 1], np.int32)
FRAMES = TrainingFrames(
    np.zeros((3, 64, 64, 3), np.uint8),
    np.full((3, 2), 64, np.int32),
    np.full((3, 2, 2), 30, np.float32),
    np.ones((3, 2), bool),
)


@pytest.fixture
def quick(monkeypatch):
    """Steps that take no time; the step is said to need 300 MB."""

    def step(state, batch, mirror_order, *, spec, settings):
        return TrainState(state.step + 1, *jax.tree.map(lambda leaf: leaf * 2, state[1:])), jnp.float32(1)

    monkeypatch.setattr(training, "_train_step", step)
    monkeypatch.setattr(loop, "_step_bytes", lambda *arguments, **options: 300_000_000)


def estimated(state, ticks):
    times = iter(ticks)
    return loop._estimate(
        state, FRAMES, ORDER, spec=SPEC, settings=SETTINGS, where=ONE, clock=lambda: float(next(times))
    )


@pytest.mark.usefixtures("quick")
def test_the_faster_of_two_steps_counts():
    """60 steps of 2 s are two minutes, although the first one took 5 s; memory is step, copy, frames and libraries."""
    state = initial_state({"a": jnp.ones((2, 2))}, SETTINGS)._replace(step=jnp.asarray(1, jnp.int32))
    found = estimated(state, (0, 5, 7))
    copy = sum(leaf.nbytes for leaf in jax.tree.leaves(state))
    assert found == _Estimate((300_000_000 + copy + FRAMES.images.nbytes + _LIBRARIES) / 1e9, 2.0)


@pytest.mark.parametrize(("minutes", "words"), [(0.001, "1 s"), (0.4, "24 s"), (1.4, "84 s"), (2.6, "3 min")])
def test_short_trainings_are_told_in_seconds(minutes, words):
    """Ten steps are not called a minute."""
    assert _Estimate(1.23, minutes).sentence == f"will take about {words} (excluding compilation) and 1.2 GB of memory"


@pytest.mark.usefixtures("quick")
def test_trying_changes_nothing():
    """The state that training begins with is as it was."""
    state = initial_state({"a": jnp.ones((2, 2))}, SETTINGS)
    estimated(state, itertools.count())
    assert float(state.parameters["a"].sum()) == 4
    assert int(state.step) == 0


@pytest.mark.usefixtures("quick")
def test_one_last_step_is_estimated_too():
    """Where only one step is left, that one is tried."""
    state = initial_state({"a": jnp.ones((2, 2))}, SETTINGS)._replace(step=jnp.asarray(60, jnp.int32))
    assert estimated(state, (0, 3)).minutes == pytest.approx(3 / 60)


@pytest.mark.usefixtures("quick")
def test_what_does_not_fit_is_refused_before_it_is_tried(monkeypatch):
    """On a machine of 0.5 GB no step is taken."""
    monkeypatch.setattr(loop, "_memory_of", lambda stats: 500_000_000)
    with pytest.raises(
        ModelError, match=r"needs about 1\.3 GB of memory, but this computer has 0\.5 GB; lower batch_size"
    ):
        estimated(initial_state({"a": jnp.ones((2, 2))}, SETTINGS), ())


def test_memory_that_suffices_passes():
    """As much as there is may be used."""
    _check_memory(5, 5, SETTINGS)


def test_the_memory_of_a_device_is_its_own_or_the_machines():
    """An accelerator tells what may be used of it; a CPU has the machine's memory."""
    assert _memory_of({"bytes_limit": 7, "bytes_in_use": 3}) == 7
    assert _memory_of(None) > 2**28


def test_the_compiled_step_tells_what_it_needs(monkeypatch):
    """Arguments, results that do not take their place, and temporaries are counted."""
    figures = {"argument": 100, "output": 50, "alias": 40, "temp": 1000}
    stats = SimpleNamespace(**{f"{name}_size_in_bytes": value for name, value in figures.items()})
    analyzed(monkeypatch, stats)
    assert needed() == 100 + 10 + 1000


def test_a_device_that_does_not_tell_has_the_least(monkeypatch):
    """Without figures, what goes in is counted."""
    analyzed(monkeypatch, None)
    state, batch = small()
    assert needed() == sum(leaf.nbytes for leaf in jax.tree.leaves((state, batch)))


def small():
    state = initial_state({"a": jnp.ones((2, 2))}, SETTINGS)
    return state, batch_of_step(FRAMES, batch_size=2, seed=0, step=0)


def analyzed(monkeypatch, stats):
    compiled = SimpleNamespace(memory_analysis=lambda: stats)
    lowered = SimpleNamespace(compile=lambda: compiled)
    jitted = SimpleNamespace(lower=lambda *arguments, **options: lowered)
    monkeypatch.setattr(loop, "jitted_step", lambda: jitted)


def needed():
    return _step_bytes(*small(), ORDER, spec=SPEC, settings=SETTINGS, where=ONE)


@pytest.mark.parametrize(("crop_size", "is_told"), [(224, False), (240, True), (4000, True)])
def test_crops_far_beyond_the_frames_are_told(crop_size, is_told):
    """Frames of 64 pixels, magnified by up to a quarter, fit into crops of 80; the usual crops are never told."""
    told = []
    _tell_wide_crops(FRAMES, TrainingSettings(crop_size=crop_size), told.append)
    assert [notice.text for notice in told] == [
        f"Crops of {crop_size} pixels a side are much larger than the scaled frames, which have 64 at most: a "
        "crop_size of 80 shows as much in a fraction of the time"
    ] * is_told
