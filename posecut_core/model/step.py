"""The training step: losses, optimizer and the loop around them, as pure functions of a state."""

import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int, UInt32

from posecut_core.backbones.kernels import CPU_OPTIONS
from posecut_core.dataset.augmentation import Augmentation, augment, augmentation, widening
from posecut_core.dataset.frames import Batch, TrainingFrames, batch_of_step, made_ahead
from posecut_core.dataset.scoremaps import STRIDE, Number, Scoremaps, Targets, encode
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.model.devices import Placement
from posecut_core.model.log import Metrics
from posecut_core.model.pace import CHECKED, Pace, first_pace, paced
from posecut_core.model.pose_net import NetworkSpec, training_maps

# --- losses -----------------------------------------------------------------------------------------------------------
# Elementwise losses; the caller reduces them.


def _score_loss(maps: Scoremaps, targets: Targets) -> Float[Array, "B h w K"]:
    """Return the sigmoid cross-entropy of every cell."""
    return optax.sigmoid_binary_cross_entropy(maps.scores, targets.scores)


def _locref_loss(maps: Scoremaps, targets: Targets) -> Float[Array, "B h w K"]:
    """Return the Huber loss of both offsets of every cell, delta 1, 0 outside the discs."""
    return optax.huber_loss(maps.locref, targets.locref).sum(axis=-1) * targets.inside


def pose_loss(
    maps: Scoremaps, targets: Targets, annotated: Bool[Array, "B K"], *, locref_weight: Number
) -> Float[Array, ""]:
    """Reduce to one number: mean over cells that were looked at, plus the weighted mean over the discs."""
    known = jnp.broadcast_to(annotated[:, None, None], maps.scores.shape)
    score = jnp.sum(_score_loss(maps, targets) * known) / jnp.maximum(jnp.sum(known), 1)
    locref = jnp.sum(_locref_loss(maps, targets)) / jnp.maximum(jnp.sum(targets.inside), 1)
    return score + locref_weight * locref


# --- optimization -----------------------------------------------------------------------------------------------------
# How gradients change parameters: the learning rate's course, AdamW, running means.


_LAST = 0.01  # of the peak learning rate, where a training ends


class Schedule(NamedTuple):
    """The learning rate's course: it warms up linearly, then falls as a cosine to 1% of its peak, or stays there.

    These are values, so that another course needs no other program. Divisions are done beforehand: XLA multiplies by
    the reciprocal of a constant, and rates are to be those of a program that knows their course, to the bit.
    """

    peak: Number
    rise: Number  # from peak to where the warm-up begins, which is below
    warmup: Int[Array | np.ndarray, ""] | np.int32  # steps
    of_warmup: Number  # 1 / warmup
    falls_from: Int[Array | np.ndarray, ""] | np.int32  # step; the greatest number where the rate stays
    length: Number  # steps of the fall
    turn: Number  # pi / length

    def __call__(self, step: Int[Array | np.ndarray, ""] | int) -> Float[Array, ""]:
        """Return the rate of a step, counted from 0."""
        rising = 1 - jnp.clip(jnp.asarray(step), 0, self.warmup) * self.of_warmup
        fallen = jnp.minimum(jnp.asarray(step - self.warmup, jnp.float32), self.length)
        cosine = 0.5 * (1 + jnp.cos(fallen * self.turn))
        falling = self.peak * (np.float32(1 - _LAST) * cosine + np.float32(_LAST))
        return jnp.where(step < self.falls_from, self.rise * rising + self.peak, falling)


def _schedule(settings: TrainingSettings) -> Schedule:
    """Return the course of the learning rate that settings describe; a warm-up ends before `maxiters`."""
    warmup, peak = min(settings.warmup_steps, settings.maxiters - 1), settings.learning_rate
    stays, length = settings.learning_rate_decay == "none", settings.maxiters - warmup
    return Schedule(
        peak=np.float32(peak),
        rise=np.float32(peak / 20 - peak if warmup else 0),
        warmup=np.int32(warmup),
        of_warmup=np.float32(1) / np.float32(warmup or 1),
        falls_from=np.int32(np.iinfo(np.int32).max if stays else warmup),
        length=np.float32(length),
        turn=np.float32(math.pi) * (np.float32(1) / np.float32(length)),
    )


def optimizer(rate: Schedule, *, weight_decay: Number, clip_norm: Number) -> optax.GradientTransformation:
    """AdamW (Loshchilov & Hutter 2019) on clipped gradients; only kernels decay."""
    adamw = optax.adamw(rate, weight_decay=weight_decay, mask=_kernels)
    return optax.chain(optax.clip_by_global_norm(clip_norm), adamw)


def _kernels(parameters: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf.ndim > 1, parameters)


def _running_mean(before: Any, parameters: Any, step: Int[Array, ""], *, decay: Number) -> Any:
    """Move the mean of the parameters of all steps by the parameters after `step`, counted from 0.

    At first the mean forgets faster, by (1 + step) / (10 + step), so that it does not linger at the beginning.
    """
    share = jnp.minimum(decay, (1 + step) / (10 + step)).astype(jnp.float32)
    return jax.tree.map(lambda old, new: old + (1 - share) * (new - old), before, parameters)


# --- training ---------------------------------------------------------------------------------------------------------
# The training step and the loop around it, as pure functions of a state.
#
# The keys of a step derive from (seed, step): a resumed run draws what an uninterrupted one would have drawn.


@dataclass(frozen=True)
class StepConfig:
    """What a program of the step is made for: another of these is another program."""

    network: NetworkSpec
    crop_size: int
    crop_on_animal: float  # as a value it would make XLA round crops otherwise than PoseCut 0.1 did


class StepValues(NamedTuple):
    """What a step computes with: others of these run the same program, and may be mapped over by `jax.vmap`."""

    seed: UInt32[Array | np.ndarray, ""] | np.uint32
    rate: Schedule
    augmentation: Augmentation
    radius: Number  # of targets, in pixels of the network's input
    locref_weight: Number
    weight_decay: Number
    clip_norm: Number
    ema_decay: Number
    earliest: Int[Array | np.ndarray, ""] | np.int32  # step from which a training that no longer pays may end


def step_config(spec: NetworkSpec, settings: TrainingSettings) -> StepConfig:
    """Return what the program of a training's steps is made for."""
    return StepConfig(spec, settings.crop_size, settings.crop_on_animal)


def step_values(settings: TrainingSettings) -> StepValues:
    """Return the values that settings give a step."""
    return StepValues(
        seed=np.uint32(settings.seed % 2**32),
        rate=_schedule(settings),
        augmentation=augmentation(settings),
        radius=np.float32(settings.pos_dist_thresh * settings.global_scale),
        locref_weight=np.float32(settings.locref_loss_weight),
        weight_decay=np.float32(settings.weight_decay),
        clip_norm=np.float32(settings.clip_norm),
        ema_decay=np.float32(settings.ema_decay),
        earliest=np.int32(math.ceil(widening(settings)[1])),
    )


class TrainState(NamedTuple):
    """What persists from step to step."""

    step: Int[Array, ""]
    parameters: Any
    optimizer: Any
    averaged: Any = ()  # the running mean of the parameters; () without `ema_decay`
    pace: Pace | tuple[()] = ()  # () without `ends_early`

    @property
    def predicting(self) -> Any:
        """Return the parameters that predict: their running mean where there is one."""
        return self.averaged or self.parameters


class Taken(NamedTuple):
    """One step of a training; the state is valid until the next iteration, which donates its buffers."""

    state: TrainState
    loss: Float[Array, ""]  # on the device; NaN where the step was skipped
    metrics: Metrics | None  # every `display_iters` steps
    end: int  # how many steps there will be in all, as far as is known


def initial_state(parameters: Any, settings: TrainingSettings) -> TrainState:
    """Start at step 0 from `parameters`."""
    averaged = jax.tree.map(jnp.copy, parameters) if settings.ema_decay else ()  # a copy: the step takes both buffers
    moments = _optimizer(step_values(settings)).init(parameters)
    pace = first_pace() if settings.ends_early else ()
    return TrainState(jnp.zeros((), jnp.int32), parameters, moments, averaged, pace)


def _train_step(
    state: TrainState,
    batch: Batch,
    mirror_order: Int[Array, " K"],
    *,
    spec: NetworkSpec,
    settings: TrainingSettings,
) -> tuple[TrainState, Float[Array, ""]]:
    """Augment, draw targets, and take one optimizer step; return the new state and the loss.

    Where the loss or a gradient is not finite, parameters and moments stay as they were, and the loss is NaN. The
    buffers of `state` are donated.
    """
    values, config = step_values(settings), step_config(spec, settings)
    return jitted_step()(state, batch, mirror_order, values, config=config)


@cache
def jitted_step() -> jax.stages.Wrapped:
    """Return `step` as `_train_step` runs it."""
    options = CPU_OPTIONS if jax.default_backend() == "cpu" else None
    return jax.jit(step, static_argnames="config", donate_argnums=0, compiler_options=options)


def step(
    state: TrainState, batch: Batch, mirror_order: Int[Array, " K"], values: StepValues, *, config: StepConfig
) -> tuple[TrainState, Float[Array, ""]]:
    """Take a step as `_train_step` does, as a pure function of arrays."""
    key = jax.random.fold_in(jax.random.key(values.seed), state.step)
    size, how = config.crop_size, values.augmentation
    crops = augment(
        key, batch, state.step, mirror_order=mirror_order, size=size, on_animal=config.crop_on_animal, how=how
    )
    targets = encode(crops.xy, height=size // STRIDE, width=size // STRIDE, radius=values.radius)

    def loss_of(parameters: Any) -> Float[Array, ""]:
        losses = [
            pose_loss(maps, targets, crops.annotated, locref_weight=values.locref_weight)
            for maps in training_maps(config.network, parameters, crops.images)
        ]
        return jnp.sum(jnp.stack(losses))

    loss, gradients = jax.value_and_grad(loss_of)(state.parameters)
    sound = jnp.isfinite(loss) & jnp.isfinite(optax.tree.norm(gradients))
    after = _updated(sound, gradients, state, values)
    told = jnp.where(sound, loss, jnp.nan)
    pace = state.pace and paced(state.pace, told, state.step, earliest=values.earliest)
    return TrainState(state.step + 1, *after, pace), told


def _optimizer(values: StepValues) -> optax.GradientTransformation:
    return optimizer(values.rate, weight_decay=values.weight_decay, clip_norm=values.clip_norm)


def _updated(
    sound: Bool[Array, ""], gradients: Any, state: TrainState, values: StepValues
) -> tuple[Any, optax.OptState, Any]:
    """Return parameters, moments and mean after a step, or as they were where it was not `sound`."""
    before = (state.parameters, state.optimizer, state.averaged)

    def taken() -> tuple[Any, optax.OptState, Any]:
        updates, moments = _optimizer(values).update(gradients, state.optimizer, state.parameters)
        if state.pace:
            updates = optax.tree.scale(state.pace.share(state.step), updates)
        parameters = optax.apply_updates(state.parameters, updates)
        averaged = state.averaged and _running_mean(state.averaged, parameters, state.step, decay=values.ema_decay)
        return parameters, moments, averaged

    if jax.default_backend() == "cpu":  # where choosing element by element takes half the optimizer's time again
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
    """Train until `maxiters`, or until it no longer pays, yielding every step; batches are sent ahead by a thread.

    The thread ends with the generator: close it, where it is not run to its end.
    """
    first, rate, end = int(state.step), _schedule(settings), last_step(state, settings)
    if first >= end:
        return
    state, order = jax.device_put((state, mirror_order), where.state)
    losses: list[Float[Array, ""]] = []
    started = clock()
    with made_ahead(_batches(frames, settings, first, where), name="batches") as batches:
        for done, batch in enumerate(batches, start=first + 1):
            state, loss = _train_step(state, batch, order, spec=spec, settings=settings)
            losses.append(loss)
            jax.block_until_ready(losses[-2:-1])  # one step waits, not fifty: otherwise Ctrl-C is handled minutes late
            if state.pace and done % CHECKED == 0:
                end = last_step(state, settings)
            if done % settings.display_iters and done != end:
                yield Taken(state, loss, None, end)
                continue
            values = np.asarray(jax.device_get(losses))
            share = float(state.pace.share(done - 1)) if state.pace else 1.0
            yield Taken(state, loss, _metrics(values, done, share * float(rate(done - 1)), clock() - started), end)
            if done == end:
                return
            losses, started = [], clock()


def last_step(state: TrainState, settings: TrainingSettings) -> int:
    """Return how many steps there will be in all, as far as a state tells."""
    found = state.pace.steps() if state.pace else None
    return settings.maxiters if found is None else min(found, settings.maxiters)


def _batches(frames: TrainingFrames, settings: TrainingSettings, first: int, where: Placement) -> Iterator[Batch]:
    for step in range(first, settings.maxiters):
        yield batch_of_step(frames, batch_size=settings.batch_size, seed=settings.seed, step=step, sharding=where.batch)


def _metrics(losses: Float[np.ndarray, " N"], step: int, learning_rate: float, seconds: float) -> Metrics:
    """Sum up the last N steps, up to `step`."""
    sound = np.isfinite(losses)
    skipped = tuple((np.flatnonzero(~sound) + step - len(losses) + 1).tolist())
    mean = float(np.mean(losses[sound])) if sound.any() else math.nan
    return Metrics(step, mean, learning_rate, len(losses) / max(seconds, 1e-9), skipped)
