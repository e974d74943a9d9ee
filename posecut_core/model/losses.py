"""Elementwise losses; the caller reduces them."""

import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float

from posecut_core.dataset.scoremaps import Scoremaps, Targets


def score_loss(maps: Scoremaps, targets: Targets) -> Float[Array, "B h w K"]:
    """Return the sigmoid cross-entropy of every cell."""
    return optax.sigmoid_binary_cross_entropy(maps.scores, targets.scores)


def locref_loss(maps: Scoremaps, targets: Targets) -> Float[Array, "B h w K"]:
    """Return the Huber loss of both offsets of every cell, delta 1, 0 outside the discs."""
    return optax.huber_loss(maps.locref, targets.locref).sum(axis=-1) * targets.inside


def pose_loss(
    maps: Scoremaps, targets: Targets, looked_at: Bool[Array, "B K"], *, locref_weight: float
) -> Float[Array, ""]:
    """Reduce to one number: mean over cells that were looked at, plus the weighted mean over the discs."""
    known = jnp.broadcast_to(looked_at[:, None, None], maps.scores.shape)
    score = jnp.sum(score_loss(maps, targets) * known) / jnp.maximum(jnp.sum(known), 1)
    locref = jnp.sum(locref_loss(maps, targets)) / jnp.maximum(jnp.sum(targets.inside), 1)
    return score + locref_weight * locref
