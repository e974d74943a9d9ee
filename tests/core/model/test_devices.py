"""Devices are chosen by index, and batches split where they divide."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from posecut_core.errors import ArgumentError
from posecut_core.model import devices
from posecut_core.model.devices import chosen_devices, placement

ROOT = Path(__file__).resolve().parents[3]


class Fake:
    def __init__(self, kind):
        self.device_kind = kind


def test_devices_are_chosen_by_index(monkeypatch):
    """None takes all of them."""
    only = jax.local_devices()[0]
    monkeypatch.setattr(devices.jax, "local_devices", lambda: [only, only])
    assert chosen_devices(None) == (only, only)
    assert chosen_devices(1) == (only,)


@pytest.mark.parametrize("index", [-1, 2])
def test_a_device_that_is_not_there_is_refused(monkeypatch, index):
    """The sentence names those that are."""
    monkeypatch.setattr(devices.jax, "local_devices", lambda: [Fake("A"), Fake("B")])
    with pytest.raises(ArgumentError, match=rf"no device {index} for gputouse; choose from 0 \(A\), 1 \(B\), or leave"):
        chosen_devices(index)


def test_one_device_has_all():
    """On one device nothing is split."""
    only = jax.local_devices()[0]
    where = placement([only], batch_size=3)
    assert where.batch == where.state
    assert where.batch.device_set == {only}
    assert where.device == only


DIVIDED = """
import jax
from posecut_core.model.devices import chosen_devices, placement
assert len(chosen_devices(None)) == 2
assert len(placement(chosen_devices(None), batch_size=4).batch.device_set) == 2
assert len(placement(chosen_devices(None), batch_size=3).batch.device_set) == 1
"""
USED = """
import jax
from posecut_core.model.devices import chosen_devices
jax.numpy.zeros(1)
assert len(chosen_devices(None)) == 1
"""


@pytest.mark.parametrize("code", [DIVIDED, USED])
def test_a_processor_counts_as_two_devices(code):
    """Both halves of a batch are computed at once; where JAX was used before, the processor stays one device."""
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "JAX_NUM_CPU_DEVICES": "-1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
