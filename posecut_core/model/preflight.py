"""What a training will take, found out before its first step: memory from the compiled step, time from two trial steps.

The memory is what the step allocates and a copy of the state, for the trial; on a CPU also the training frames and what
Python and its libraries take.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

import jax
import numpy as np
import psutil
from jaxtyping import Int

from posecut_core.dataset.frames import Batch, TrainingFrames, batch_of_step
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.errors import ModelError
from posecut_core.model.devices import Placement
from posecut_core.model.pose_net import NetworkSpec
from posecut_core.model.step import TrainState, fit, jitted_step, step_config, step_values
from posecut_core.progress import rough_time

_LIBRARIES = 1_000_000_000  # bytes; Python, JAX and its compiler at work on a ResNet-50, as measured on Linux
_TRIAL_STEPS = 2  # the first one of a process is slow


@dataclass(frozen=True)
class Estimate:
    """What the rest of a training will take."""

    memory_gb: float  # 10^9 bytes, at its peak
    minutes: float  # of the steps alone: neither compiling nor saving snapshots counts

    @property
    def sentence(self) -> str:
        """Say how long and how much."""
        time_taken = rough_time(60 * self.minutes)
        return f"will take about {time_taken} (excluding compilation) and {self.memory_gb:.1f} GB of memory"


def estimate(
    state: TrainState,
    frames: TrainingFrames,
    mirror_order: Int[np.ndarray, " K"],
    *,
    spec: NetworkSpec,
    settings: TrainingSettings,
    where: Placement,
    clock: Callable[[], float] = time.perf_counter,
) -> Estimate:
    """Compile the step, and try it on a copy of `state` if it fits into memory.

    Raises:
        ModelError: the machine has not enough memory.
    """
    batch = batch_of_step(frames, batch_size=settings.batch_size, seed=0, step=0, sharding=where.batch)
    needed = _step_bytes(state, batch, mirror_order, spec=spec, settings=settings, where=where)
    needed += sum(leaf.nbytes for leaf in jax.tree.leaves(state))
    if where.device.platform == "cpu":
        needed += frames.images.nbytes + _LIBRARIES
    _check_memory(needed, _memory_of(where.device.memory_stats()), settings)
    copy = jax.device_put(state, where.state, may_alias=False)
    times = [clock()]
    with closing(fit(copy, frames, mirror_order, spec=spec, settings=settings, where=where)) as steps:
        for taken in islice(steps, _TRIAL_STEPS):
            jax.block_until_ready(taken.state)
            times.append(clock())
    left = settings.maxiters - int(state.step)
    return Estimate(needed / 1e9, left * min(np.diff(times).tolist()) / 60)


def _step_bytes(
    state: TrainState,
    batch: Batch,
    mirror_order: Int[np.ndarray, " K"],
    *,
    spec: NetworkSpec,
    settings: TrainingSettings,
    where: Placement,
) -> int:
    """Compile the step and return the bytes that it needs on each device, arguments and results included."""
    state, order = jax.device_put((state, mirror_order), where.state)
    config, values = step_config(spec, settings), step_values(settings)
    memory = jitted_step().lower(state, batch, order, values, config=config).compile().memory_analysis()
    if memory is None:  # a device that does not tell: the least it can be
        return sum(leaf.nbytes for leaf in jax.tree.leaves((state, batch)))
    results = memory.output_size_in_bytes - memory.alias_size_in_bytes  # the new state takes the place of the old one
    return memory.argument_size_in_bytes + results + memory.temp_size_in_bytes


def _memory_of(stats: Mapping[str, int] | None) -> int:
    """Return the bytes for a training on a device of these `memory_stats`: None for a CPU, which has the machine's."""
    return int(stats["bytes_limit"]) if stats else psutil.virtual_memory().total


def _check_memory(needed: int, available: int, settings: TrainingSettings) -> None:
    """Refuse a training that does not fit.

    Raises:
        ModelError: more is needed than there is.
    """
    if needed > available:
        raise ModelError(
            f"This training needs about {needed / 1e9:.1f} GB of memory, but this computer has {available / 1e9:.1f} "
            f"GB; lower batch_size ({settings.batch_size}), crop_size ({settings.crop_size}) or width in "
            "settings.yaml, or choose a smaller net_type."
        )
