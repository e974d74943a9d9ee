"""Every path of a project comes from its folder and config."""

from pathlib import Path

import pytest

from posecut_core.errors import ArgumentError, ModelError, ProjectError, Remedy
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


def test_further_networks_lie_within_the_first_ones_folder(tmp_path):
    """The first network's folder is as it was with one network; all have the same split and the same name."""
    project = Project(tmp_path, ProjectConfig("reach", "Ann", "Oct30", ("hand",), training_fractions=(0.95,)))
    first = project.training(1)
    third = first.of_network(3)
    assert third.folder == first.folder / "network-3"
    assert (third.split, third.run) == (first.split, first.run)
    assert first.networks() == (first,)
    for name in ("network-10", "network-3", "network-1", "network-x", "snapshot-000010"):
        (first.folder / name).mkdir(parents=True)
    assert third.networks() == (first, third, first.of_network(10))


def test_an_ensemble_has_a_snapshot_of_each_network(tmp_path):
    """Else the sentence says which lacks one, and how to train it; one network is no ensemble."""
    project = Project(tmp_path, ProjectConfig("reach", "Ann", "Oct30", ("hand",), training_fractions=(0.95,)))
    first, second = project.training(2), project.training(2).of_network(2)
    first.snapshot(10).mkdir(parents=True)
    with pytest.raises(ModelError, match="holds one network, expected several") as raised:
        first.ensemble(10)
    assert raised.value.remedies == (Remedy("train_network", shuffle=2, seeds=3),)
    second.folder.mkdir()
    with pytest.raises(ModelError, match=f"no snapshot of step 10 in {second.folder}, expected one of each of 2"):
        first.ensemble(10)
    second.snapshot(10).mkdir()
    assert first.ensemble(10) == (first, second)
    for network, text in ((first, "one"), (second, "two")):
        network.manifest(10).write_text(text)
    assert len({first.sha256(10), second.sha256(10), first.sha256(10, ensemble=True)}) == 3


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
