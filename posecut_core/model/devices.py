"""On which devices a training runs, and how its batches are split over them."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec, Sharding, SingleDeviceSharding

from posecut_core.errors import ArgumentError


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
