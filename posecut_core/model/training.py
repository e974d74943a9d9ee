"""The training step and the loop around it, as pure functions of a state.

The keys of a step derive from (seed, step): a resumed run draws what an uninterrupted one would have drawn.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int

from posecut_core.dataset.augmentation import augment
from posecut_core.dataset.batches import Batch, TrainingFrames, batch_of_step
from posecut_core.dataset.scoremaps import encode
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.model.losses import pose_loss
from posecut_core.model.network import NetworkSpec, scoremaps

CPU_OPTIONS = {"xla_disable_hlo_passes": "cse_barrier_expander"}  # or barriers are gone before XLA decides what to fuse


class TrainState(NamedTuple):
    """What persists from step to step."""

    step: Int[Array, ""]
    parameters: Any
    optimizer: Any


@dataclass(frozen=True)
class Metrics:
    """What is only reported; loss and speed are means since the last report."""

    step: int  # steps finished
    loss: float
    learning_rate: float
    steps_per_second: float
    validation_error: float = math.nan  # pixels, of now; NaN where there are no validation frames


def schedule(settings: TrainingSettings) -> optax.Schedule:
    """Warm up linearly, then fall as a cosine to 1% of the peak at `maxiters`."""
    warmup = min(settings.warmup_steps, settings.maxiters - 1)
    peak = settings.learning_rate
    return optax.warmup_cosine_decay_schedule(peak / 20, peak, warmup, settings.maxiters, peak / 100)


def optimizer(settings: TrainingSettings) -> optax.GradientTransformation:
    """AdamW (Loshchilov & Hutter 2019) on clipped gradients; only kernels decay."""
    return optax.chain(
        optax.clip_by_global_norm(settings.clip_norm),
        optax.adamw(schedule(settings), weight_decay=settings.weight_decay, mask=_kernels),
    )


def _kernels(parameters: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf.ndim > 1, parameters)


def initial_state(parameters: Any, settings: TrainingSettings) -> TrainState:
    """Start at step 0 from `parameters`."""
    return TrainState(jnp.zeros((), jnp.int32), parameters, optimizer(settings).init(parameters))


def train_step(
    state: TrainState,
    batch: Batch,
    mirror_order: Int[Array, " K"],
    *,
    spec: NetworkSpec,
    settings: TrainingSettings,
) -> tuple[TrainState, Float[Array, ""]]:
    """Augment, draw targets, and take one optimiser step; return the new state and the loss.

    The buffers of `state` are donated.
    """
    return _compiled_step()(state, batch, mirror_order, spec=spec, settings=settings)


@cache
def _compiled_step() -> Callable[..., tuple[TrainState, Float[Array, ""]]]:
    options = CPU_OPTIONS if jax.default_backend() == "cpu" else None
    return jax.jit(_step, static_argnames=("spec", "settings"), donate_argnums=0, compiler_options=options)


def _step(
    state: TrainState, batch: Batch, mirror_order: Int[Array, " K"], *, spec: NetworkSpec, settings: TrainingSettings
) -> tuple[TrainState, Float[Array, ""]]:
    key = jax.random.fold_in(jax.random.key(settings.seed), state.step)
    crops = augment(key, batch, mirror_order=mirror_order, settings=settings)
    radius = settings.pos_dist_thresh * settings.global_scale

    def loss_of(parameters: Any) -> Float[Array, ""]:
        maps = scoremaps(spec, parameters, crops.images)
        targets = encode(crops.xy, height=maps.scores.shape[1], width=maps.scores.shape[2], radius=radius)
        return pose_loss(maps, targets, crops.looked_at, locref_weight=settings.locref_loss_weight)

    loss, gradients = jax.value_and_grad(loss_of)(state.parameters)
    updates, moments = optimizer(settings).update(gradients, state.optimizer, state.parameters)
    return TrainState(state.step + 1, optax.apply_updates(state.parameters, updates), moments), loss


@jax.jit
def all_finite(parameters: Any) -> Bool[Array, ""]:
    """Tell whether the parameters hold neither NaN nor infinity."""
    return jnp.stack([jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(parameters)]).all()


def fit(
    state: TrainState,
    frames: TrainingFrames,
    mirror_order: Int[np.ndarray, " K"],
    *,
    spec: NetworkSpec,
    settings: TrainingSettings,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[tuple[TrainState, Metrics | None]]:
    """Train until `maxiters`, yielding the state after every step, with metrics every `display_iters` steps.

    A yielded state is valid until the next one is asked for: its buffers are donated to the next step.
    """
    rate = schedule(settings)
    order = jnp.asarray(mirror_order)
    losses: list[Float[Array, ""]] = []
    started = clock()
    for step in range(int(state.step), settings.maxiters):
        batch = batch_of_step(frames, batch_size=settings.batch_size, seed=settings.seed, step=step)
        state, loss = train_step(state, batch, order, spec=spec, settings=settings)
        losses.append(loss)
        done = step + 1
        if done % settings.display_iters and done != settings.maxiters:
            yield state, None
            continue
        mean = float(np.mean(jax.device_get(losses)))
        yield state, Metrics(done, mean, float(rate(step)), len(losses) / max(clock() - started, 1e-9))
        losses, started = [], clock()
