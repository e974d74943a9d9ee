"""A later iteration finds what the ones before it have left."""

import pytest

from posecut_core.dataset.settings import (
    PreviousTraining,
    TrainingSettings,
    previous_network,
    previous_training,
    write_settings,
)
from posecut_core.project.opening import open_project


@pytest.mark.parametrize("iteration", [1, 3])
def test_the_nearest_network_is_found(spot_project, edit, iteration):
    """It is the last snapshot of the same shuffle, also where iterations between have none."""
    last = open_project(spot_project).training(2).folder / "snapshot-000020"
    edit(iteration=iteration)
    assert previous_network(open_project(spot_project).training(2)) == last


def test_no_earlier_network_is_none(spot_project, edit):
    """The first iteration has none before it, and a shuffle that was never trained has none at all."""
    assert previous_network(open_project(spot_project).training(1)) is None
    edit(iteration=2)
    assert previous_network(open_project(spot_project).training(3)) is None


def test_settings_are_those_of_the_previous_network(spot_project, edit):
    """Where an iteration between was never trained, its settings count only for a shuffle without any network."""
    edit(iteration=1)
    between = open_project(spot_project)
    for shuffle in (1, 3):
        write_settings(between.training(shuffle).settings, TrainingSettings(net_type="resnet_18"))
    edit(iteration=2)
    project = open_project(spot_project)
    assert previous_training(project.training(1, 0)).settings == TrainingSettings()
    assert previous_training(project.training(3, 0)).settings == TrainingSettings(net_type="resnet_18")
    assert previous_training(project.training(4, 0)) == PreviousTraining(None, None)
