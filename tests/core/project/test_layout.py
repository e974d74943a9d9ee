"""Every path of a project comes from its folder and config."""

from pathlib import Path

import pytest

from posecut_core.errors import ArgumentError, ProjectError
from posecut_core.project.config import ProjectConfig
from posecut_core.project.paths import Project, refuse_links


def test_paths_are_deeplabcuts(tmp_path):
    """Folders carry DeepLabCut's names, and percentages are cut off as it cuts them."""
    project = Project(tmp_path, ProjectConfig("reach", "Ann", "Oct30", ("hand",), training_fractions=(0.95, 0.57)))
    assert project.collected_data("m1", ".csv") == tmp_path / "labeled-data" / "m1" / "CollectedData_Ann.csv"
    assert project.frame_store("m1") == tmp_path / "labeled-data" / "m1" / "frames.zarr"
    assert project.training(2, 1).name == "reachOct30-trainset56shuffle2"
    assert project.training(1).split.parent == tmp_path / "training-datasets" / "iteration-0"
    assert project.training(1).folder == tmp_path / "posecut-models" / "iteration-0" / "reachOct30-trainset95shuffle1"
    assert project.assistant == tmp_path / "posecut-models" / "assistant"
    assert project.proposals == tmp_path / "posecut-jobs" / "proposals.json"
    assert project.training(1).evaluation("").folder.parent == tmp_path / "evaluation-results-posecut" / "iteration-0"
    assert (project.config_path, project.settings_path) == (tmp_path / "config.yaml", tmp_path / "posecut.yaml")
    assert project.checked_labels("m1").name == "m1_labeled"
    assert project.jobs == tmp_path / "posecut-jobs"
    assert isinstance(project.videos, Path)


@pytest.mark.parametrize("index", [1, -1])
def test_a_fraction_that_is_not_there_is_refused(tmp_path, index):
    """Every path of a shuffle needs a training fraction of config.yaml."""
    project = Project(tmp_path, ProjectConfig("reach", "Ann", "Oct30", ("hand",), training_fractions=(0.95,)))
    with pytest.raises(ArgumentError, match=f"trainingsetindex is {index}, expected 0 for 0.95"):
        project.training(1, index)


@pytest.mark.parametrize("name", ["labeled-data", "labeled-data/m1", "labeled-data/m1/frames.zarr", "posecut-jobs"])
def test_a_folder_that_leads_out_of_the_project_is_refused(tmp_path, name):
    """The kind: links of a project that came from elsewhere; PoseCut would write to where they lead."""
    root, outside = tmp_path / "project", tmp_path / "outside"
    outside.mkdir()
    (root / name).parent.mkdir(parents=True)
    (root / name).symlink_to(outside)
    with pytest.raises(ProjectError, match=f"{root / name} is a link to {outside}, outside the project"):
        refuse_links(root)
    (root / name).unlink()
    (root / "labeled-data/inside").mkdir(parents=True)
    (root / "labeled-data/link").symlink_to(root / "labeled-data/inside")
    refuse_links(root)


def test_links_of_images_may_lead_anywhere(tmp_path):
    """Kind: a link to nowhere that was called a folder. Images are only read, wherever they lie, or do not lie."""
    folder, outside = tmp_path / "project/labeled-data/m1", tmp_path / "outside"
    folder.mkdir(parents=True)
    outside.mkdir()
    for name, target in (("img1.png", "nowhere"), ("img2.JPG", "outside")):
        (folder / name).symlink_to(tmp_path / target)
    refuse_links(tmp_path / "project")
    (folder / "labels.jsonl").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ProjectError, match=r"which does not exist and is outside .*; replace the link by its target"):
        refuse_links(tmp_path / "project")
