"""How gradients change parameters: the learning rate's course, AdamW, slower rates near the image, running means."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

from posecut_core.dataset.settings import TrainingSettings


def schedule(settings: TrainingSettings) -> optax.Schedule:
    """Warm up linearly, then fall as a cosine to 1% of the peak at `maxiters`, or stay at the peak."""
    warmup = min(settings.warmup_steps, settings.maxiters - 1)
    peak = settings.learning_rate
    if settings.learning_rate_decay == "none":
        return optax.warmup_constant_schedule(peak / 20, peak, warmup)
    return optax.warmup_cosine_decay_schedule(peak / 20, peak, warmup, settings.maxiters, peak / 100)


def optimizer(settings: TrainingSettings) -> optax.GradientTransformation:
    """AdamW (Loshchilov & Hutter 2019) on clipped gradients; only kernels decay, early stages go at `layer_decay`."""
    adamw = optax.adamw(schedule(settings), weight_decay=settings.weight_decay, mask=_kernels)
    steps = [optax.clip_by_global_norm(settings.clip_norm), adamw]
    if settings.layer_decay < 1:
        steps.append(optax.stateless(lambda updates, _: slowed(updates, decay=settings.layer_decay)))
    return optax.chain(*steps)


def _kernels(parameters: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf.ndim > 1, parameters)


def slowed(updates: Any, *, decay: float) -> Any:
    """Multiply the updates of the backbone by `decay` once for the last stage, twice for the third, up to the stem."""
    return jax.tree.map_with_path(lambda path, leaf: leaf * decay ** _depth_below_heads(path), updates)


def _depth_below_heads(path: tuple[Any, ...]) -> int:
    names: list[Any] = [getattr(entry, "key", None) for entry in path]
    if names[0] != "backbone":
        return 0
    return 4 - names[2] if names[1] == "stages" else 5


def running_mean(before: Any, parameters: Any, step: Int[Array, ""], *, decay: float) -> Any:
    """Move the mean of the parameters of all steps by the parameters after `step`, counted from 0.

    At first the mean forgets faster, by (1 + step) / (10 + step), so that it does not linger at the beginning.
    """
    share = jnp.minimum(decay, (1 + step) / (10 + step)).astype(jnp.float32)
    return jax.tree.map(lambda old, new: old + (1 - share) * (new - old), before, parameters)
