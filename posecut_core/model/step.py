"""The training step: losses, optimizer and the loop around them, as pure functions of a state."""

import math
import time
from collections.abc import Callable, Generator, Iterator
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int

from posecut_core.dataset.augmentation import augment
from posecut_core.dataset.frames import Batch, TrainingFrames, batch_of_step, made_ahead
from posecut_core.dataset.scoremaps import STRIDE, Scoremaps, Targets, encode
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.model.devices import Placement
from posecut_core.model.log import Metrics
from posecut_core.model.pose_net import NetworkSpec, training_maps

# --- losses -----------------------------------------------------------------------------------------------------------
# Elementwise losses; the caller reduces them.


def _score_loss(maps: Scoremaps, targets: Targets) -> Float[Array, "B h w K"]:
    """Return the sigmoid cross-entropy of every cell."""
    return optax.sigmoid_binary_cross_entropy(maps.scores, targets.scores)


def _locref_loss(maps: Scoremaps, targets: Targets) -> Float[Array, "B h w K"]:
    """Return the Huber loss of both offsets of every cell, delta 1, 0 outside the discs."""
    return optax.huber_loss(maps.locref, targets.locref).sum(axis=-1) * targets.inside


def _pose_loss(
    maps: Scoremaps, targets: Targets, annotated: Bool[Array, "B K"], *, locref_weight: float
) -> Float[Array, ""]:
    """Reduce to one number: mean over cells that were looked at, plus the weighted mean over the discs."""
    known = jnp.broadcast_to(annotated[:, None, None], maps.scores.shape)
    score = jnp.sum(_score_loss(maps, targets) * known) / jnp.maximum(jnp.sum(known), 1)
    locref = jnp.sum(_locref_loss(maps, targets)) / jnp.maximum(jnp.sum(targets.inside), 1)
    return score + locref_weight * locref


# --- optimization -----------------------------------------------------------------------------------------------------
# How gradients change parameters: the learning rate's course, AdamW, running means.


def _schedule(settings: TrainingSettings) -> optax.Schedule:
    """Warm up linearly, then fall as a cosine to 1% of the peak at `maxiters`, or stay at the peak."""
    warmup = min(settings.warmup_steps, settings.maxiters - 1)
    peak = settings.learning_rate
    if settings.learning_rate_decay == "none":
        return optax.warmup_constant_schedule(peak / 20, peak, warmup)
    return optax.warmup_cosine_decay_schedule(peak / 20, peak, warmup, settings.maxiters, peak / 100)


def optimizer(settings: TrainingSettings) -> optax.GradientTransformation:
    """AdamW (Loshchilov & Hutter 2019) on clipped gradients; only kernels decay."""
    adamw = optax.adamw(_schedule(settings), weight_decay=settings.weight_decay, mask=_kernels)
    return optax.chain(optax.clip_by_global_norm(settings.clip_norm), adamw)


def _kernels(parameters: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf.ndim > 1, parameters)


def _running_mean(before: Any, parameters: Any, step: Int[Array, ""], *, decay: float) -> Any:
    """Move the mean of the parameters of all steps by the parameters after `step`, counted from 0.

    At first the mean forgets faster, by (1 + step) / (10 + step), so that it does not linger at the beginning.
    """
    share = jnp.minimum(decay, (1 + step) / (10 + step)).astype(jnp.float32)
    return jax.tree.map(lambda old, new: old + (1 - share) * (new - old), before, parameters)


# --- training ---------------------------------------------------------------------------------------------------------
# The training step and the loop around it, as pure functions of a state.
#
# The keys of a step derive from (seed, step): a resumed run draws what an uninterrupted one would have drawn.


_CPU_OPTIONS = {
    "xla_disable_hlo_passes": "cse_barrier_expander"
}  # or barriers are gone before XLA decides what to fuse


class TrainState(NamedTuple):
    """What persists from step to step."""

    step: Int[Array, ""]
    parameters: Any
    optimizer: Any
    averaged: Any = ()  # the running mean of the parameters; () without `ema_decay`

    @property
    def predicting(self) -> Any:
        """Return the parameters that predict: their running mean where there is one."""
        return self.averaged or self.parameters


class Taken(NamedTuple):
    """One step of a training; the state is valid until the next step is asked for, which takes its buffers."""

    state: TrainState
    loss: Float[Array, ""]  # on the device; NaN where the step was skipped
    metrics: Metrics | None  # every `display_iters` steps


def initial_state(parameters: Any, settings: TrainingSettings) -> TrainState:
    """Start at step 0 from `parameters`."""
    averaged = jax.tree.map(jnp.copy, parameters) if settings.ema_decay else ()  # a copy: the step takes both buffers
    return TrainState(jnp.zeros((), jnp.int32), parameters, optimizer(settings).init(parameters), averaged)


def _train_step(
    state: TrainState,
    batch: Batch,
    mirror_order: Int[Array, " K"],
    *,
    spec: NetworkSpec,
    settings: TrainingSettings,
) -> tuple[TrainState, Float[Array, ""]]:
    """Augment, draw targets, and take one optimiser step; return the new state and the loss.

    Where the loss or a gradient is not finite, parameters and moments stay as they were, and the loss is NaN. The
    buffers of `state` are donated.
    """
    return jitted_step()(state, batch, mirror_order, spec=spec, settings=settings)


@cache
def jitted_step() -> jax.stages.Wrapped:
    """Return the step as `_train_step` runs it."""
    options = _CPU_OPTIONS if jax.default_backend() == "cpu" else None
    return jax.jit(_step, static_argnames=("spec", "settings"), donate_argnums=0, compiler_options=options)


def _step(
    state: TrainState, batch: Batch, mirror_order: Int[Array, " K"], *, spec: NetworkSpec, settings: TrainingSettings
) -> tuple[TrainState, Float[Array, ""]]:
    key = jax.random.fold_in(jax.random.key(settings.seed), state.step)
    crops = augment(key, batch, mirror_order=mirror_order, settings=settings)
    radius = settings.pos_dist_thresh * settings.global_scale

    cells = settings.crop_size // STRIDE
    targets = encode(crops.xy, height=cells, width=cells, radius=radius)

    def loss_of(parameters: Any) -> Float[Array, ""]:
        losses = [
            _pose_loss(maps, targets, crops.annotated, locref_weight=settings.locref_loss_weight)
            for maps in training_maps(spec, parameters, crops.images)
        ]
        return jnp.sum(jnp.stack(losses))

    loss, gradients = jax.value_and_grad(loss_of)(state.parameters)
    sound = jnp.isfinite(loss) & jnp.isfinite(optax.tree.norm(gradients))
    after = _updated(sound, gradients, state, settings)
    return TrainState(state.step + 1, *after), jnp.where(sound, loss, jnp.nan)


def _updated(
    sound: Bool[Array, ""], gradients: Any, state: TrainState, settings: TrainingSettings
) -> tuple[Any, optax.OptState, Any]:
    """Return parameters, moments and mean after a step, or as they were where it was not `sound`."""
    before = state[1:]

    def taken() -> tuple[Any, optax.OptState, Any]:
        updates, moments = optimizer(settings).update(gradients, state.optimizer, state.parameters)
        parameters = optax.apply_updates(state.parameters, updates)
        averaged = state.averaged and _running_mean(state.averaged, parameters, state.step, decay=settings.ema_decay)
        return parameters, moments, averaged

    if jax.default_backend() == "cpu":  # where choosing element by element takes half the optimiser's time again
        return jax.lax.cond(sound, taken, lambda: before)
    return jax.tree.map(partial(jnp.where, sound), taken(), before)  # where a branch would ask the host


def fit(
    state: TrainState,
    frames: TrainingFrames,
    mirror_order: Int[np.ndarray, " K"],
    *,
    spec: NetworkSpec,
    settings: TrainingSettings,
    where: Placement,
    clock: Callable[[], float] = time.perf_counter,
) -> Generator[Taken, None, None]:
    """Train until `maxiters`, yielding every step; batches are gathered and sent ahead in a thread.

    The thread ends with the generator: close it, where it is not run to its end.
    """
    first, rate = int(state.step), _schedule(settings)
    state, order = jax.device_put((state, mirror_order), where.state)
    losses: list[Float[Array, ""]] = []
    started = clock()
    with made_ahead(_batches(frames, settings, first, where), name="batches") as batches:
        for done, batch in enumerate(batches, start=first + 1):
            state, loss = _train_step(state, batch, order, spec=spec, settings=settings)
            losses.append(loss)
            jax.block_until_ready(losses[-2:-1])  # one step waits, not fifty: or an interruption is heard minutes later
            if done % settings.display_iters and done != settings.maxiters:
                yield Taken(state, loss, None)
                continue
            values = np.asarray(jax.device_get(losses))
            yield Taken(state, loss, _metrics(values, done, float(rate(done - 1)), clock() - started))
            losses, started = [], clock()


def _batches(frames: TrainingFrames, settings: TrainingSettings, first: int, where: Placement) -> Iterator[Batch]:
    for step in range(first, settings.maxiters):
        yield batch_of_step(frames, batch_size=settings.batch_size, seed=settings.seed, step=step, sharding=where.batch)


def _metrics(losses: Float[np.ndarray, " N"], step: int, learning_rate: float, seconds: float) -> Metrics:
    """Sum up the last N steps, up to `step`."""
    sound = np.isfinite(losses)
    skipped = tuple((np.flatnonzero(~sound) + step - len(losses) + 1).tolist())
    mean = float(np.mean(losses[sound])) if sound.any() else math.nan
    return Metrics(step, mean, learning_rate, len(losses) / max(seconds, 1e-9), skipped)
