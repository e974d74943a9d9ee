"""A network that sees the frames around each, from the labels to its results."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from posecut_core import backbones
from posecut_core.backbones import register
from posecut_core.dataset.settings import read_settings
from posecut_core.errors import ArgumentError, ModelError
from posecut_core.inference.live import PoseStream
from posecut_core.inference.predictor import Predictor
from posecut_core.labels.neighbors import take_neighbors
from posecut_core.labels.store import write_labels
from posecut_core.labels.table import LabelTable
from posecut_core.poses.files import read_predictions
from posecut_core.progress import Notice
from posecut_core.project.config import edit_config
from posecut_core.project.opening import open_project
from posecut_core.video.frame_store import FrameStore
from posecut_core.video.writer import VideoWriter
from posecut_core.workflow import train_network as training_step
from posecut_core.workflow.analyze_videos import analyze_videos
from posecut_core.workflow.create_project import create_new_project
from posecut_core.workflow.create_training_dataset import create_training_dataset
from posecut_core.workflow.evaluate_network import evaluate_network
from posecut_core.workflow.export_model import export_model
from posecut_core.workflow.extract_frames import extract_frames
from posecut_core.workflow.scoremaps import frame_scoremaps
from posecut_core.workflow.train_network import train_network
from tests.toy_backbone import Toy
from tests.workflow.conftest import spot_image, spot_position

FRAMES, LABELED = 9, (0, 3, 6)
SETTINGS = {
    "net_type": Toy.net_type, "init_weights": "random", "global_scale": 1.0, "crop_size": 64, "batch_size": 2,
    "maxiters": 2, "save_iters": 2, "display_iters": 1,
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def toy():
    """The toy is registered; trainings end without measuring an engine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backbones, "_registered", dict(backbones._registered))
        patch.setattr(training_step, "_measure_engine", lambda training, report: None)
        register(Toy())
        yield


@pytest.fixture(scope="module")
def labeled(tmp_path_factory):
    """config.yaml of a project with three labeled frames of a video, and a training dataset of a context of 1."""
    folder = tmp_path_factory.mktemp("context")
    with VideoWriter(folder / "spot.mp4", fps=25, width=64, height=48) as writer:
        for number in range(FRAMES):
            writer.write(spot_image(number))
    config = create_new_project(
        "Spot", "me", [folder / "spot.mp4"], folder, bodyparts=("spot",), copy_videos=True
    ).config_path
    extract_frames(config, "manual", videos=["spot"], frames=LABELED)
    xy = np.stack([spot_position(number) for number in LABELED])[:, None]
    write_labels(open_project(config), LabelTable("spot", ("spot",), np.array(LABELED), xy))
    settings = {**SETTINGS, "context": 1}
    create_training_dataset(config, train_indices=[[0, 1]], test_indices=[[2]], settings=settings)
    return config


@pytest.fixture(scope="module")
def trained(labeled):
    """The same, trained for two steps."""
    train_network(labeled)
    return labeled


@pytest.fixture
def copy(tmp_path, labeled):
    """config.yaml of a copy of the project before its training."""
    source = Path(labeled).parent
    config = Path(shutil.copytree(source, tmp_path / source.name)) / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace(str(source), str(config.parent)), encoding="utf-8")
    shutil.rmtree(open_project(config).frame_store("spot") / "neighbors", ignore_errors=True)
    for snapshot in open_project(config).training().folder.glob("snapshot-*"):
        shutil.rmtree(snapshot)
    return config


def store_of(config):
    return FrameStore.open(open_project(config).frame_store("spot"))


def said(notices, words):
    return [notice.text for notice in notices if isinstance(notice, Notice) and words in notice.text]


def test_a_training_reads_what_it_lacks_from_the_videos(trained):
    """The frames around those that train and test are kept; a network of that context is what comes of it."""
    assert store_of(trained).lacking_neighbors(LABELED, context=1) == ()
    image = store_of(trained).read_with_neighbors(3, context=1)
    for channel, number in ((3, 2), (4, 4)):
        bright = np.argwhere(image[..., channel] > 128).mean(axis=0)[::-1]
        np.testing.assert_allclose(bright, spot_position(number), atol=0.5)
    assert Predictor.load(open_project(trained).training().folder).context == 1


def test_evaluations_see_the_frames_around_too(trained, monkeypatch):
    """The network is given the channels that it was trained with."""
    shapes, start = [], Predictor.start
    monkeypatch.setattr(Predictor, "start", lambda self, images: shapes.append(images.shape) or start(self, images))
    evaluate_network(trained)
    assert {shape[-1] for shape in shapes} == {5}


@pytest.mark.parametrize("dynamic", [(False,), (True, 0.001, 2)])
def test_an_analysis_gives_the_same_however_it_is_cut(trained, tmp_path, dynamic):
    """Positions do not depend on how many frames the network sees at once, nor do those in a tracking crop."""
    found = []
    for size in (1, 4):
        folder = tmp_path / str(size)
        made = analyze_videos(trained, ["spot"], destfolder=folder, engine="xla", dynamic=dynamic, batch_size=size)
        found.append(read_predictions(made.files[0]).xy)
    assert found[0].shape == (FRAMES, 1, 2)
    np.testing.assert_allclose(found[1], found[0], atol=1e-4)


def test_score_maps_of_a_frame_see_the_frames_around_it(trained, tmp_path):
    """One frame is read with its neighbors."""
    found = frame_scoremaps(trained, "spot", FRAMES - 1, tmp_path / "maps.npy")
    assert np.load(found.file, allow_pickle=False).shape == (6, 8, 1)


@pytest.mark.parametrize("kind", ["onnx", "safetensors"])
def test_an_exported_network_takes_the_same_channels(trained, tmp_path, kind):
    """What it says of its input names them; positions are those of the network in the project."""
    files = export_model(trained, format=kind, destfolder=tmp_path).files
    opened, loaded = Predictor.open(files[0]), Predictor.load(open_project(trained).training().folder)
    images = np.random.default_rng(0).integers(0, 256, (1, 48, 64, 5), np.uint8)
    np.testing.assert_allclose(opened.predict(images)[0], loaded.predict(images)[0], atol=1e-2)
    if kind == "onnx":
        told = files[1].read_text(encoding="utf-8")
        assert "green channels of 1 frame before it and 1 after it" in told


def test_what_does_not_fit_is_a_sentence(trained):
    """Images without neighbors, and a stream, which has no later frames yet."""
    network = Predictor.load(open_project(trained).training().folder)
    with pytest.raises(ArgumentError, match="expected images x height x width x 5 of uint8; the network sees 1 frame"):
        network.predict(np.zeros((1, 48, 64, 3), np.uint8))
    with pytest.raises(ModelError, match="sees 1 frame after each, which a stream does not have yet"):
        PoseStream(network)


def test_another_context_needs_another_shuffle(trained):
    """A training does not go on with channels that it did not begin with."""
    with pytest.raises(ModelError, match="has context 1, but 2 is asked for now; create a new shuffle"):
        train_network(trained, settings={"context": 2})


def test_the_next_iteration_sees_as_much(copy):
    """It is part of what a network is built like."""
    edit_config(copy, {"iteration": 1})
    assert read_settings(create_training_dataset(copy).shuffles[0].settings).context == 1


def test_frames_of_a_missing_video_train_without(copy):
    """That is told in one sentence, which names what is missing."""
    (copy.parent / "videos" / "spot.mp4").unlink()
    notices = []
    train_network(copy, report=notices.append)
    (told,) = said(notices, "train without those before and after them")
    assert "spot.mp4" in told
    image = store_of(copy).read_with_neighbors(3, context=1)
    np.testing.assert_array_equal(image[..., 3], image[..., 1])


def test_an_image_that_is_another_picture_has_no_neighbors(copy):
    """Its number says nothing about the video then; the others have theirs."""
    store = store_of(copy)
    store.remove([3])
    store.append([(3, np.full((48, 64, 3), 90, np.uint8), (0, 0))])
    notices = []
    assert take_neighbors(open_project(copy), "spot", context=1, report=notices.append) == 3
    assert said(notices, "1 image of spot will be seen without what is before and after it")
    assert store_of(copy).lacking_neighbors(LABELED, context=1) == (2, 4)


def test_frames_are_extracted_with_their_neighbors(copy):
    """Those that were extracted before get theirs too, and a second call has nothing to do."""
    made = extract_frames(copy, "manual", videos=["spot"], frames=[4], neighbors=2).videos[0]
    assert (made.frames, made.around) == ((0, 3, 4, 6), 8)
    again = extract_frames(copy, "manual", videos=["spot"], frames=[4], neighbors=2)
    assert again.videos[0].around == 0
    assert made._lines()[1] == "  spot: 8 frames before and after these kept beside them"


def test_fewer_than_no_neighbors_are_refused(copy):
    """A number below 0 means nothing."""
    with pytest.raises(ArgumentError, match="neighbors is -1, expected 0 or more"):
        extract_frames(copy, neighbors=-1)
