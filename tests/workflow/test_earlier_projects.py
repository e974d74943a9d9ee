"""Projects that an earlier PoseCut made open, keep their labels, and go on."""

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from posecut_core.labels.store import read_labels, read_state, write_labels
from posecut_core.project.opening import open_project
from posecut_core.project.paths import snapshot_steps
from posecut_core.project.state import look_of
from posecut_core.workflow.analyze_videos import analyze_videos
from posecut_core.workflow.create_training_dataset import create_training_dataset
from posecut_core.workflow.evaluate_network import evaluate_network
from posecut_core.workflow.train_network import train_network

WHITE = {0: (22.0, 12.0), 2: (24.0, 16.0), 3: (25.0, 18.0), 6: (28.0, 24.0), 9: (31.0, 30.0)}


def unpacked(name, folder):
    with zipfile.ZipFile(Path(__file__).parents[1] / "data" / name) as archive:
        archive.extractall(folder)


@pytest.fixture
def earlier(tmp_path):
    """config.yaml of a project of 0.1.0: two iterations with a network each, predictions, outliers, and drafts.

    Its steps were those of `trainable` with `quick_steps`; its weights to begin with are gone.
    """
    unpacked("project_0_1_0.zip", tmp_path)
    return tmp_path / "old" / "config.yaml"


def test_a_project_of_0_1_0_has_the_labels_that_it_had(earlier):
    """Labels, an absent bodypart and drafts are read from its files, wherever it lies now; its colors stay, too."""
    project = open_project(earlier)
    assert look_of(project).colormap == "rainbow"
    table = read_labels(project, "dots")
    assert dict(zip(table.numbers.tolist(), map(tuple, table.xy[:, 0].tolist()), strict=True)) == WHITE
    assert np.isnan(table.xy[4, 1]).all()
    state = read_state(project, "dots")
    assert state.point(9, "black").state == "absent"
    assert list(state.unreviewed) == [(5, "white"), (5, "black")]
    assert project.config.iteration == 1


@pytest.mark.usefixtures("quick_steps")
def test_a_project_of_0_1_0_goes_on(earlier):
    """Its network trains on from its snapshot, is evaluated, and analyzes the project's video."""
    trained = train_network(earlier, maxiters=4)
    assert (trained.first_step, snapshot_steps(trained.model_folder)[-1]) == (2, 4)
    evaluation = evaluate_network(earlier)
    assert [row.training_iterations for row in evaluation.rows] == [4]
    (analyzed,) = analyze_videos(earlier, [earlier.parent / "videos" / "dots.mp4"]).videos
    assert (analyzed.frame_count, analyzed.skipped) == (12, False)


@pytest.mark.usefixtures("quick_steps")
def test_a_plain_project_of_0_1_0_opens_and_goes_on(tmp_path):
    """Labels, one dataset and one network, in another place than before: labels are read and written, and it trains."""
    unpacked("plain_0_1_0.zip", tmp_path)
    project = open_project(tmp_path / "plain")
    assert list(project.config.video_sets) == [str(tmp_path / "plain" / "videos" / "dots.mp4")]
    table = read_labels(project, "dots")
    assert table.numbers.tolist() == [2, 4, 7, 9]
    assert table.xy[0].tolist() == [[24.0, 16.0], [16.0, 40.0]]
    assert project.training().snapshots == (2,)
    write_labels(project, replace(table, xy=table.xy + 0.5))
    created = create_training_dataset(project, settings={"init_weights": "random", "width": 0.25}).shuffles
    assert [shuffle.shuffle for shuffle in created] == [2]
    trained = train_network(project, maxiters=4)
    assert (trained.first_step, project.training().snapshots) == (2, (2, 4))
    assert [row.training_iterations for row in evaluate_network(project).rows] == [4]
