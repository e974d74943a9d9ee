"""How long a training will take."""

import pytest

from posecut_core.backbones import _MODULE_OF
from posecut_core.dataset import duration
from posecut_core.dataset.duration import operations_per_second, step_operations
from posecut_core.dataset.settings import TrainingSettings


def test_a_step_is_as_much_work_as_its_crops_and_channels():
    """Four times the area takes four times as long, half of the channels a third."""
    usual = step_operations(TrainingSettings())
    assert step_operations(TrainingSettings(crop_size=448)) == pytest.approx(4 * usual)
    assert step_operations(TrainingSettings(batch_size=2)) == pytest.approx(usual / 4)
    assert step_operations(TrainingSettings(width=0.5)) == pytest.approx(usual / 3, rel=0.02)


def test_it_is_what_was_measured():
    """8 crops of 224x224 took 1.29 and 0.48 s where matrices are multiplied at 485 GFLOP/s (docs/benchmarks.md)."""
    assert step_operations(TrainingSettings(net_type="resnet_50")) / 485e9 == pytest.approx(1.29, rel=0.02)
    assert step_operations(TrainingSettings(net_type="efficientnet_lite0")) / 485e9 == pytest.approx(0.48, rel=0.02)


def test_every_network_has_its_work():
    """None counts as another one."""
    assert duration._OF_A_CROP.keys() == _MODULE_OF.keys()


def test_auto_is_what_suits_the_device(monkeypatch):
    """A network that begins at random is the larger one everywhere."""
    light, large = (step_operations(TrainingSettings(net_type=name)) for name in ("efficientnet_lite0", "resnet_50"))
    for card, weights, wanted in ((False, "imagenet", light), (False, "random", large), (True, "imagenet", large)):
        monkeypatch.setattr(duration, "has_graphics_card", lambda there=card: there)
        assert step_operations(TrainingSettings(net_type="auto", init_weights=weights)) == wanted


def test_the_speed_of_the_computer_is_measured_once():
    """It is that of some real computer."""
    assert 1e8 < operations_per_second() < 1e15
    assert operations_per_second() == operations_per_second()
