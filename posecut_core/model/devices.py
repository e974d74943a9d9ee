"""Devices on which a training runs, and the cache of compiled programs."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec, Sharding, SingleDeviceSharding
from platformdirs import user_cache_path

from posecut_core.errors import ArgumentError

# --- devices ----------------------------------------------------------------------------------------------------------
# On which devices a training runs, and how its batches are split over them.


@dataclass(frozen=True)
class Placement:
    """Where the arrays of a training step lie."""

    batch: Sharding  # frames and labels: split along the batch
    state: Sharding  # all else: whole on every device
    device: jax.Device  # one of them; they are alike


def chosen_devices(gputouse: int | None) -> tuple[jax.Device, ...]:
    """Return the device of index `gputouse`, or all of them for None.

    Raises:
        ArgumentError: there is no such device.
    """
    devices = tuple(jax.local_devices())
    if gputouse is None:
        return devices
    if not 0 <= gputouse < len(devices):
        known = ", ".join(f"{index} ({device.device_kind})" for index, device in enumerate(devices))
        raise ArgumentError(f"There is no device {gputouse} for gputouse; choose from {known}, or leave it out.")
    return devices[gputouse : gputouse + 1]


def placement(devices: Sequence[jax.Device], *, batch_size: int) -> Placement:
    """Split batches over `devices`, or take the first alone where `batch_size` does not divide by their number."""
    if len(devices) == 1 or batch_size % len(devices):
        alone = SingleDeviceSharding(devices[0])
        return Placement(alone, alone, devices[0])
    mesh = Mesh(np.array(devices), ("batch",))
    return Placement(NamedSharding(mesh, PartitionSpec("batch")), NamedSharding(mesh, PartitionSpec()), devices[0])


# --- compilation ------------------------------------------------------------------------------------------------------
# Compiled programs are kept on the disk, so that the second start of a training or an analysis is immediate.


_MAX_BYTES = 2 * 2**30  # programs that were not used for longest are deleted beyond that


def compilation_cache() -> Path | None:
    """Return the folder in which compiled programs are kept; None where none are."""
    settings: Any = jax.config  # whose names are made while JAX is imported
    folder = settings.jax_compilation_cache_dir if settings.jax_enable_compilation_cache else None
    return Path(folder) if folder else None


def use_compilation_cache() -> None:
    """Let JAX keep what it compiles in the user's cache folder; without one that can be written, do without.

    A folder that JAX was given before, as by the variable JAX_COMPILATION_CACHE_DIR, stays.
    """
    settings: Any = jax.config
    if not settings.jax_enable_compilation_cache or compilation_cache():
        return
    folder = _cache_folder()
    if _writable(folder):
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_compilation_cache_max_size", _MAX_BYTES)


def _cache_folder() -> Path:
    """Return the folder for programs of this computer: homes are shared, and another's processor may lack something."""
    return user_cache_path("posecut") / "compiled" / (platform.node() or "computer")


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # JAX trusts what lies there
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)
