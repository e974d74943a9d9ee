"""Several networks of a shuffle: trained one after the other, asked together, and how far they spread."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from posecut_core import backbones
from posecut_core.dataset.settings import read_settings, write_settings
from posecut_core.errors import ArgumentError, ModelError
from posecut_core.evaluation.tables import newest_evaluation, read_results
from posecut_core.health.doctor import doctor
from posecut_core.inference.ensemble import fused
from posecut_core.inference.predictor import Predictor
from posecut_core.poses.files import read_predictions
from posecut_core.poses.predictions import read_origin
from posecut_core.progress import Progress
from posecut_core.project.opening import open_project
from posecut_core.video.reader import VideoReader
from posecut_core.video.writer import VideoWriter
from posecut_core.workflow.analyze_videos import analyze_videos
from posecut_core.workflow.evaluate_network import evaluate_network
from posecut_core.workflow.extract_outlier_frames import extract_outlier_frames, find_outlier_frames
from posecut_core.workflow.filterpredictions import filterpredictions
from posecut_core.workflow.plot_trajectories import plot_trajectories
from posecut_core.workflow.scoremaps import frame_scoremaps
from posecut_core.workflow.train_network import train_network
from tests.toy_backbone import Toy
from tests.workflow.conftest import dots_image

FRAMES = 14


@pytest.fixture(scope="module")
def toy():
    """Let settings name a network of two convolutions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backbones, "_registered", dict(backbones._registered))
        backbones.register(Toy())
        patch.setattr("posecut_core.workflow.train_network._measure_engine", lambda training, report: None)
        yield


@pytest.fixture(scope="module")
def three(toy, _trainable, tmp_path_factory):
    """A project with three trained networks of shuffle 1, a video to analyze, and the result of the training."""
    root = tmp_path_factory.mktemp("ensemble") / "project"
    shutil.copytree(_trainable, root)
    config = root / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace(str(_trainable), str(root)), encoding="utf-8")
    path = open_project(config).training(1).settings
    write_settings(path, replace(read_settings(path), net_type=Toy.net_type, init_weights="random", seed=5))
    with VideoWriter(root / "videos" / "moving.mp4", fps=10, width=64, height=64) as writer:
        for number in range(FRAMES):
            writer.write(dots_image([(12 + 2 * number, 20), (40, 15 + 2 * number)]))
    return config, train_network(config, seeds=3)


@pytest.fixture
def trained(three):
    """config.yaml of that project."""
    return three[0]


@pytest.fixture
def video(trained):
    return trained.parent / "videos" / "moving.mp4"


@pytest.fixture
def analyzed(trained, video):
    """The table of the video by all networks together."""
    return analyze_videos(trained, [video], ensemble=True, engine="xla").files[0]


def test_networks_differ_in_their_seeds_alone(three):
    """The first one lies where one network does; the others beside its snapshots, with the same settings."""
    config, first = three
    training = open_project(config).training(1)
    assert [one.model_folder for one in (first, *first.others)] == [one.folder for one in training.networks()]
    names = {path.name for path in training.folder.iterdir() if not path.name.startswith("network-")}
    assert names - {"log.lock"} == {"settings.yaml", "log.csv", "snapshot-000002", "snapshot-000004"}
    settings = [read_settings(one.settings) for one in training.networks()]
    assert [one.seed for one in settings] == [5, 6, 7]
    assert {replace(one, seed=0) for one in settings} == {replace(settings[0], seed=0)}
    images = np.stack([dots_image([(20, 20), (40, 40)])])
    poses = [Predictor.load(one.folder).predict(images)[0] for one in training.networks()]
    assert not np.array_equal(poses[0], poses[1])
    assert not np.array_equal(poses[1], poses[2])
    told = first.summary()
    assert any(line.startswith("Network 3: Trained to step 4") for line in told.lines)
    assert told.following[0].arguments["ensemble"] is True


def test_what_is_trained_is_not_trained_again(trained):
    """Fewer networks are none less, and more are trained beside those that are there."""
    again = train_network(trained, seeds=2)
    assert [(one.first_step, one.last_step) for one in (again, *again.others)] == [(4, 4), (4, 4)]
    assert len(open_project(trained).training(1).networks()) == 3


@pytest.mark.usefixtures("quick_steps")
def test_an_interrupted_training_of_several_goes_on(toy_trainable):
    """Stopped in the second network, the next call trains that from its snapshot, and the first one not at all."""

    def stop(progress):
        if isinstance(progress, Progress) and progress.stage == "training network 2" and progress.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_network(toy_trainable, seeds=2, report=stop)
    done = train_network(toy_trainable, maxiters=6, seeds=2)
    assert (done.first_step, done.last_step) == (4, 6)
    assert (done.others[0].first_step, done.others[0].last_step) == (2, 6)


def test_less_than_one_network_is_refused(trainable):
    """Before anything is read."""
    with pytest.raises(ArgumentError, match="seeds is 0, expected the number of networks"):
        train_network(trainable, seeds=0)


def test_positions_are_those_that_networks_agree_on(trained, video, analyzed):
    """Each row is what is made of all networks' predictions of that frame, and the file says how many these are."""
    found = read_predictions(analyzed)
    with VideoReader(video) as reader:
        images = np.stack([image for _, image in reader.frames(range(FRAMES))])
    networks = open_project(trained).training(1).networks()
    poses = [Predictor.load(one.folder).predict(images) for one in networks]
    within = read_settings(networks[0].settings).pos_dist_thresh
    expected = fused(*(np.stack(values) for values in zip(*poses, strict=True)), within=within)
    np.testing.assert_allclose(found.xy, expected.xy, atol=1e-3)
    np.testing.assert_allclose(found.spread, expected.spread, atol=1e-3)
    assert analyzed.name.endswith("shuffle1ensemble3_4.h5")
    assert read_origin(analyzed).analysis.networks == 3
    assert analyze_videos(trained, [video], ensemble=True, engine="xla").videos[0].skipped
    assert not (analyzed.parent / analyzed.name.replace("ensemble3", "")).exists()


def test_what_follows_goes_on_with_the_ensemble(trained, video, analyzed, tmp_path):
    """Filters, figures, outliers, score maps and evaluations are told by the same word."""
    smooth = filterpredictions(trained, [video], filtertype="kalman", pcutoff=0, ensemble=True)
    assert smooth.files[0].name == analyzed.name.replace(".h5", "_filtered.h5")
    assert plot_trajectories(trained, [video], ensemble=True, filtered=True, pcutoff=0).files
    found = find_outlier_frames(trained, [video], "spread", epsilon=0)
    assert {one.reason for one in found.videos[0].candidates} == {"spread"}
    assert len(found.videos[0].candidates) == FRAMES
    maps = frame_scoremaps(trained, video, 3, tmp_path / "maps.npy", ensemble=True)
    assert np.load(maps.file).shape[-1] == 2


def test_an_ensemble_is_evaluated_beside_its_first_network(trained):
    """Each keeps its row in the table of all evaluations."""
    for _ in range(2):
        alone, together = evaluate_network(trained), evaluate_network(trained, ensemble=True)
    assert "ensemble3" in together.scorer
    assert alone.rows[0].results_csv != together.rows[0].results_csv
    assert [row.networks for row in read_results(together.combined_csv)] == [1, 3]
    newest = newest_evaluation(open_project(trained))
    assert (newest.row.networks, newest.is_present) == (3, True)


def test_the_doctor_knows_further_networks_and_what_they_made(trained, analyzed):
    """All snapshots are checked, and nothing is wrong."""
    found = doctor(trained)
    assert [finding.problem for finding in found.findings] == []


def test_an_ensemble_sees_whole_frames(trained, video):
    """A tracking crop follows one network."""
    with pytest.raises(ArgumentError, match="An ensemble sees whole frames"):
        analyze_videos(trained, [video], ensemble=True, dynamic=(True, 0.5, 10))


def test_frames_of_one_network_have_no_spread(toy_trainable, quick_steps, video):
    """Where there is one network the sentence says what to train."""
    train_network(toy_trainable)
    with pytest.raises(ModelError, match="holds one network, expected several"):
        extract_outlier_frames(toy_trainable, [video], "spread")
