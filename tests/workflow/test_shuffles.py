"""Which shuffles a project has, and how one is written."""

import pytest

from posecut_core.dataset.settings import TrainingSettings, read_settings
from posecut_core.dataset.split import Split, read_split
from posecut_core.project.config import ProjectConfig
from posecut_core.project.paths import Project
from posecut_core.training.dataset import _free_shuffle, _taken_shuffles, write_shuffle
from posecut_core.types import FrameRef

SPLIT = Split((FrameRef("a", 0),), (FrameRef("b", 2),), fraction=0.5, seed=None, labels="labels.csv")


@pytest.fixture
def project(tmp_path):
    """A project without any shuffle."""
    return Project(tmp_path, ProjectConfig("reach", "Ann", "Oct30", ("hand",), training_fractions=(0.8, 0.5)))


def test_what_is_written_is_read_again(project):
    """The split keeps its own labels, and the settings stand where training looks for them."""
    settings = TrainingSettings(maxiters=7)
    write_shuffle(project.training(3, 1), split=SPLIT, settings=settings)
    assert read_split(project.training(3, 1).split) == SPLIT
    assert read_settings(project.training(3, 1).settings) == settings


def test_a_shuffle_is_taken_by_a_split_or_a_training(project):
    """The next free number follows the last of the fractions that are asked for; settings alone take none."""
    assert _free_shuffle(project, (0, 1)) == 1
    write_shuffle(project.training(3, 1), split=SPLIT, settings=TrainingSettings())
    (project.training(5, 0).folder / "snapshot-000010").mkdir(parents=True)
    project.training(9, 0).folder.mkdir()
    project.training(9, 0).settings.touch()
    assert _taken_shuffles(project, (0, 1)) == {3, 5}
    assert (_free_shuffle(project, (0,)), _free_shuffle(project, (1,))) == (6, 4)
