"""Settings, videos, datasets and networks are looked at, and damage is named."""

import re
from dataclasses import replace
from pathlib import Path

import h5py
import pytest

from posecut_core.project.config import Crop
from posecut_core.project.layout import Project
from posecut_core.workflow.findings import Findings
from posecut_core.workflow.opening import open_project
from posecut_core.workflow.project_checks import (
    check_config,
    check_datasets,
    check_networks,
    check_results,
    check_settings,
    check_sums,
    check_videos,
)


@pytest.fixture
def project(trainable):
    return open_project(trainable)


def problems(check, *arguments):
    found = Findings()
    check(*arguments, found)
    return [finding.problem for finding in found.wrong]


def test_a_sound_project_has_no_finding(project):
    """Nothing is wrong with what was just made."""
    assert [problems(check, project) for check in (check_videos, check_datasets, check_networks)] == [[], [], []]
    assert problems(check_sums, project.root) == []


def test_config_yaml_is_parsed(project):
    """A moved project is no finding; a malformed file is."""
    assert check_config(project.config_path, Findings()) == project.config
    project.config_path.write_text("Task: x\nbodypart: []\n")
    assert "rename it to 'bodyparts'" in problems(check_config, project.config_path)[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"default_net_type": "resnet_5O"}, r"default_net_type is 'resnet_5O', expected one of resnet_18"),
        ({"snapshotindex": 3}, r"snapshotindex in config\.yaml is 3, but .* holds 1 snapshots"),
        ({"crop": Crop(0, 65, 0, 64)}, r"The crop of .*dots\.mp4 .* x 0 to 65.* within the frame of 64 x 64 pixels"),
        ({"snapshotindex": -1, "crop": Crop(0, 64, 0, 64)}, None),
    ],
)
def test_settings_that_would_stop_a_later_step_are_found(project, change, words):
    """A misspelt network, a snapshot that is not there, a crop outside its video."""
    (project.model_folder(1) / "snapshot-000010").mkdir()
    crop = change.pop("crop", None)
    config = replace(project.config, video_sets=dict.fromkeys(project.config.video_sets, crop), **change)
    found = problems(check_settings, replace(project, config=config))
    assert len(found) == (words is not None)
    assert all(re.search(words, problem) for problem in found)


def test_settings_of_an_unreadable_file_are_not_told_twice(project):
    """Whoever looks at the videos tells it."""
    project.settings_path.write_text("schema: no")
    assert problems(check_settings, project) == []


def test_another_video_is_recognised(project):
    """Size and both ends are compared; posecut.yaml itself must be readable."""
    video = next(iter(project.config.video_sets))
    Path(video).unlink()
    Path(video).write_bytes(b"another")
    assert "is not the file that was added" in problems(check_videos, project)[0]
    project.settings_path.write_text("schema: no")
    assert len(problems(check_videos, project)) == 1


def test_damaged_labels_of_a_dataset_are_found(project):
    """They have a hash in their name."""
    next(project.training_datasets.glob("labels-*.csv")).write_text("x")
    assert "is not as it was written" in problems(check_datasets, project)[0]


def test_damaged_snapshots_and_settings_are_found(project):
    """Snapshots by their SHA-256."""
    folder = project.model_folder(1)
    (folder / "snapshot-000010").mkdir()
    (folder / "settings.yaml").write_text("nothing: 1")
    assert ["is damaged: snapshot.json" in problem for problem in problems(check_networks, project)] == [False, True]
    (folder / "settings.yaml").unlink()
    project.split_path(1).unlink()
    missing = [problem.split(" is missing")[0] for problem in problems(check_networks, project)][:2]
    assert missing == [str(folder / "settings.yaml"), str(project.split_path(1))]
    elsewhere = Project(project.root / "nowhere", replace(project.config, iteration=3))
    assert problems(check_networks, elsewhere) == []


def test_results_that_cannot_be_opened_are_found(project):
    """One that was cut off is named; labels have a check of their own."""
    whole = project.videos / "whole.h5"
    with h5py.File(whole, "w") as file:
        file["x"] = list(range(1000))
    cut, (labels,) = project.root / "evaluation-results" / "cut.h5", project.labeled_data.glob("*/*.h5")
    cut.parent.mkdir()
    for path in (cut, labels):
        path.write_bytes(whole.read_bytes()[:1000])
    (problem,) = problems(check_results, project)
    assert problem.startswith(f"{cut} is not a readable .h5")
