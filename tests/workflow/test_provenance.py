"""What a trained network came from, and what predictions and whatever is made of them came from."""

import dataclasses
import shutil

import numpy as np
import pytest

from posecut_core import __version__
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.dataset.split import Split
from posecut_core.errors import AnalysisError
from posecut_core.model.snapshots import MANIFEST
from posecut_core.plots.report import LIBRARIES, provenance
from posecut_core.poses.files import read_predictions, write_predictions
from posecut_core.progress import Notice
from posecut_core.project.opening import open_project
from posecut_core.project.paths import snapshot_folder
from posecut_core.types import FrameRef
from posecut_core.video.writer import VideoWriter
from posecut_core.workflow.analyze_videos import analyze_videos
from posecut_core.workflow.extract_outlier_frames import extract_outlier_frames
from posecut_core.workflow.filterpredictions import filterpredictions
from posecut_core.workflow.plot_trajectories import create_labeled_video, plot_trajectories

SPLIT = Split((FrameRef("m1", 1),), (), fraction=0.95, seed=7, labels="labels-0123.csv")


def tables(split, **settings):
    return [section.parts[0].rows for section in provenance(split, TrainingSettings(**settings))]


def test_seeds_settings_and_versions_are_told():
    """Everything that a training can be repeated with is there, each setting with its meaning."""
    data, settings, versions = tables(SPLIT, seed=3, mirror_pairs=(("left", "right"),))
    assert dict(data) == {"seed of the split": "7", "seed of the training": "3", "labels": "labels-0123.csv"}
    values = {name: value for name, value, _ in settings}
    assert values["mirror_pairs"] == '[["left", "right"]]'
    assert list(values) == [entry.name for entry in dataclasses.fields(TrainingSettings)]
    assert all(meaning for _, _, meaning in settings)
    assert [name for name, _ in versions] == ["posecut", "Python", *LIBRARIES]
    assert versions[0][1] == __version__


def test_frames_that_were_given_have_no_seed():
    """A split by hand says so."""
    data, _, _ = tables(dataclasses.replace(SPLIT, seed=None))
    assert data[0][1] == "none, the frames were given"


STEPS = {
    "filter": filterpredictions,
    "plots": plot_trajectories,
    "labeled video": create_labeled_video,
    "outliers": lambda config, video: extract_outlier_frames(config, video, "uncertain", p_bound=0.5),
}


@pytest.fixture
def retrain(spot_project):
    """A function that replaces the network of shuffle 1 by another of the same name."""
    return lambda: open_project(spot_project).training(1).manifest(10).write_text("another network")


def other_video(path):
    """Replace a video by another of the same name, size and length."""
    with VideoWriter(path, fps=25, width=64, height=48) as writer:
        for _ in range(11):
            writer.write(np.full((48, 64, 3), 90, np.uint8))


def without_origin(path):
    """Make a table say as little as PoseCut 0.1 did."""
    write_predictions(path, read_predictions(path))


def told(progress):
    return " ".join(one.text for one in progress if isinstance(one, Notice))


def test_a_snapshot_is_hashed_where_it_is_saved(spot_project):
    """The project's path of a manifest is that of the room that writes snapshots."""
    project = open_project(spot_project)
    assert project.training(2).manifest(20) == snapshot_folder(project.training(2).folder, 20) / MANIFEST


@pytest.mark.parametrize("step", STEPS)
def test_predictions_of_another_network_of_the_name_are_refused(spot_project, spot_video, retrain, step):
    """Kind: what a derived file came from is told by its name only; here a network that was trained again."""
    analyze_videos(spot_project, spot_video)
    retrain()
    with pytest.raises(AnalysisError, match="came from another network of the same name; analyze the video again"):
        STEPS[step](spot_project, spot_video)
    analyze_videos(spot_project, spot_video)
    STEPS[step](spot_project, spot_video)


@pytest.mark.parametrize("step", ["filter", "plots", "labeled video"])
def test_predictions_of_another_video_of_the_name_are_refused(spot_project, tmp_path, spot_video, step):
    """Kind: as before; here a recording that was replaced by another of the same name and length."""
    path = shutil.copy(spot_video, tmp_path / "day.mp4")
    analyze_videos(spot_project, path)
    other_video(path)
    with pytest.raises(AnalysisError, match="came from another video of the same name"):
        STEPS[step](spot_project, path)


def test_predictions_that_say_nothing_are_taken_at_their_name(spot_project, spot_video):
    """Results of PoseCut 0.1 and of other programs stay of use, and it is said that nobody knows what they are."""
    said = []
    without_origin(analyze_videos(spot_project, spot_video).files[0])
    plot_trajectories(spot_project, spot_video, report=said.append)
    assert "spotFake_10.h5 does not say which network and video it came from" in told(said)


@pytest.mark.parametrize("known", [True, False])
def test_what_was_filtered_from_other_predictions_is_refused(spot_project, spot_video, networks, known):
    """Kind: a derived file outlives what it was made from; also where it does not say so, for likelihoods stay."""
    table = analyze_videos(spot_project, spot_video).files[0]
    filtered = filterpredictions(spot_project, spot_video).files[0]
    if not known:
        without_origin(filtered)
    create_labeled_video(spot_project, spot_video, filtered=True)
    predictions = read_predictions(table)
    write_predictions(table, dataclasses.replace(predictions, likelihood=predictions.likelihood * 0.5))
    for draw in (create_labeled_video, plot_trajectories):
        with pytest.raises(AnalysisError, match=r"out of date.*; run filterpredictions again"):
            draw(spot_project, spot_video, filtered=True)
    filterpredictions(spot_project, spot_video)
    plot_trajectories(spot_project, spot_video, filtered=True)


def test_a_filtered_csv_is_not_left_of_older_predictions(spot_project, spot_video):
    """The .csv beside the filtered table follows it, also where only the table is asked for."""
    table = analyze_videos(spot_project, spot_video).files[0]
    filterpredictions(spot_project, spot_video)
    predictions = read_predictions(table)
    write_predictions(table, dataclasses.replace(predictions, xy=predictions.xy + 5))
    h5_path, csv_path = filterpredictions(spot_project, spot_video, save_as_csv=False).files
    np.testing.assert_array_equal(read_predictions(csv_path).xy, read_predictions(h5_path).xy)
