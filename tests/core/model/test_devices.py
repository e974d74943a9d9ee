"""Devices are chosen by index, and batches split where they divide."""

import jax
import pytest

from posecut_core.errors import ArgumentError
from posecut_core.model import devices
from posecut_core.model.devices import chosen_devices, placement


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
