"""What an earlier network hands on to a new training: all that it has learnt, also where bodyparts were added since."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from posecut_core.dataset.settings import TrainingSettings
from posecut_core.errors import ModelError
from posecut_core.model.network import NetworkSpec, initial_parameters, parameter_shapes
from posecut_core.model.snapshots import load_parameters, read_info


def continued(folder: Path, settings: TrainingSettings, bodyparts: tuple[str, ...]) -> tuple[NetworkSpec, dict]:
    """Return network and parameters of a snapshot, for other bodyparts; maps of new ones are drawn.

    Raises:
        ModelError: the snapshot is missing or damaged, or of another network than `settings` name.
    """
    before = read_info(folder).network
    _check(folder, before, settings)
    spec = dataclasses.replace(
        before, bodyparts=bodyparts, precision=settings.precision, intermediate=settings.intermediate_supervision
    )
    learnt = load_parameters(folder, parameter_shapes(before))
    return spec, handed_on(learnt, initial_parameters(settings.seed, spec), before=before.bodyparts, after=bodyparts)


def handed_on(learnt: dict, fresh: dict, *, before: tuple[str, ...], after: tuple[str, ...]) -> dict:
    """Return `fresh` parameters of a network for the bodyparts `after`, with all that one for `before` has learnt."""
    target, source = _columns(before, after)
    own = {name: part for name, part in fresh.items() if name in learnt and name != "backbone"}

    def mixed(new: Array, old: Array) -> Array:
        return new.at[..., target].set(old[..., source])

    maps = {name: jax.tree.map(mixed, part, learnt[name]) for name, part in own.items()}
    return {**fresh, **maps, "backbone": learnt["backbone"]}


def _columns(before: tuple[str, ...], after: tuple[str, ...]) -> tuple[Int[Array, " N"], Int[Array, " N"]]:
    """Pair the maps, K scores and then 2 K offsets (`network.PoseNet`), of bodyparts that stand in both."""
    pairs = [(after.index(name), before.index(name)) for name in after if name in before]
    places = np.array(pairs, dtype=np.int32).reshape(-1, 2)
    counts = np.array([len(after), len(before)], dtype=np.int32)
    columns = np.concatenate([places, counts + 2 * places, counts + 2 * places + 1])
    return jnp.asarray(columns[:, 0]), jnp.asarray(columns[:, 1])


def _check(folder: Path, network: NetworkSpec, settings: TrainingSettings) -> None:
    found: list[tuple[str, Any, Any]] = [("net_type", f"resnet_{network.resnet.depth}", settings.net_type)]
    if settings.norm != "auto":
        found.append(("norm", network.resnet.norm, settings.norm))
    if settings.width != 1.0:
        found.append(("width", network.resnet.width, settings.width))
    for name, has, asked in found:
        if has != asked:
            raise ModelError(
                f"Snapshot {folder} holds a network with {name} {has}, but the settings ask for {asked}; set {name} to "
                f"{has}, or begin with other weights."
            )
