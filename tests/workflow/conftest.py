"""A small project with labeled frames, and a network that needs no training."""

import shutil
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from safetensors.numpy import save_file

from posecut_core import backbones
from posecut_core.backbones import resnet
from posecut_core.dataset.settings import TrainingSettings, read_settings, write_settings
from posecut_core.dataset.split import Split, write_split
from posecut_core.labels.store import write_labels
from posecut_core.labels.table import LabelTable
from posecut_core.model import snapshots
from posecut_core.model import step as training
from posecut_core.model.step import TrainState
from posecut_core.project.config import edit_config
from posecut_core.project.opening import open_project
from posecut_core.training import loop
from posecut_core.types import FrameRef
from posecut_core.video.frame_store import FrameStore
from posecut_core.video.writer import VideoWriter
from posecut_core.workflow import analyze_videos, evaluate_network, live, train_network
from posecut_core.workflow.create_project import create_new_project
from posecut_core.workflow.create_training_dataset import create_training_dataset
from tests.thin_resnet import torchvision_tensors
from tests.toy_backbone import Toy
from tests.workflow.faults import make_project

CORNERS = {0: (0, 0), 3: (0, 0), 5: (6, 4), 9: (0, 0)}  # frame number -> origin of its stored image
OFFSETS = {0: (3, 4), 3: (0, 1), 5: (0, -2), 9: (6, 8)}  # of the label from where the network sees the spot
LIKELIHOOD = 0.9


@dataclass
class BrightSpot:
    """Finds the center of bright pixels as "spot" and a point 3 pixels to its right as "beside"."""

    scorer: str
    bodyparts: tuple[str, ...] = ("spot", "beside")
    shapes: list = field(default_factory=list)  # of the batches it has seen

    engine_name = "xla"
    context = 0

    def start(self, images):
        return partial(self.predict, images)

    def predict(self, images):
        self.shapes.append(images.shape)
        bright = images.max(axis=3) > 128
        weight = np.maximum(bright.sum(axis=(1, 2)), 1)
        y, x = np.indices(images.shape[1:3], dtype=float)
        spot = np.stack([(bright * x).sum(axis=(1, 2)) / weight, (bright * y).sum(axis=(1, 2)) / weight], axis=-1)
        likelihood = np.repeat([[LIKELIHOOD, 0.3]], len(images), axis=0)
        return np.stack([spot, spot + np.array([3.0, 0.0])], axis=1), likelihood


def spot_position(number):
    return np.array([10.5 + 2 * number, 12.5 + number])


def spot_image(number):
    image = np.zeros((48, 64, 3), np.uint8)
    left, top = (spot_position(number) - 1.5).astype(int)
    image[top : top + 4, left : left + 4] = 255
    return image


@pytest.fixture(autouse=True)
def unmeasured(monkeypatch):
    """Trainings end without measuring an engine, which takes longer than they do."""
    monkeypatch.setattr(train_network, "_measure_engine", lambda training, report: None)


@pytest.fixture(scope="session")
def _spot(tmp_path_factory):
    """A folder with `spot_video` and `spot_project`, to copy from."""
    folder = tmp_path_factory.mktemp("spot")
    with VideoWriter(folder / "spot.mp4", fps=25, width=64, height=48) as writer:
        for number in range(11):
            writer.write(spot_image(number))
    _label_spots(folder)
    return folder


@pytest.fixture
def spot_video(tmp_path, _spot):
    """A video of 11 frames, 64 x 48, in which a bright square moves."""
    return Path(shutil.copy(_spot / "spot.mp4", tmp_path))


@pytest.fixture
def networks(monkeypatch):
    """Every network that was loaded; loading gives a BrightSpot named by its snapshot."""
    loaded = []

    class FakePredictor:
        @classmethod
        def load(cls, model_folder, *, snapshot="last"):
            loaded.append(BrightSpot(f"Fake_{snapshot}"))
            return loaded[-1]

    for module in (analyze_videos, evaluate_network, live):
        monkeypatch.setattr(module, "Predictor", FakePredictor)
    for module in (analyze_videos, live):
        monkeypatch.setattr(module, "chosen_engine", lambda predictor, *rest, **named: predictor)
    monkeypatch.setattr(
        snapshots, "read_info", lambda folder: SimpleNamespace(scorer=f"Fake_{int(folder.name.split('-')[1])}")
    )
    return loaded


@pytest.fixture
def spot_project(tmp_path, _spot, spot_video, networks):
    """config.yaml of a project with four labeled frames, one of them a crop, split into train and test."""
    config = copied(next(_spot.glob("Spot-me-*")), tmp_path)
    link = config.parent / "videos" / spot_video.name
    link.unlink()
    link.symlink_to(spot_video)
    return config


def copied(project, folder):
    """Copy a project into a folder, with its paths, and return the copy's config.yaml."""
    config = Path(shutil.copytree(project, folder / project.name, symlinks=True)) / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace(str(project), str(config.parent)), encoding="utf-8")
    return config


def _label_spots(folder):
    created = create_new_project(
        "Spot", "me", [folder / "spot.mp4"], folder, bodyparts=("spot", "beside"), skeleton=[("spot", "beside")]
    )
    edit_config(created.config_path, {"pcutoff": 0.6, "batch_size": 2, "dotsize": 6})
    project = open_project(created.config_path)
    store = FrameStore.open(project.frame_store("spot"), create=True)
    store.append((number, spot_image(number)[y:, x:], (x, y)) for number, (x, y) in CORNERS.items())
    xy = np.array([[spot_position(n) + OFFSETS[n], (np.nan, np.nan)] for n in CORNERS])
    xy[0, 1] = spot_position(0) + np.array([3, 5])
    write_labels(project, LabelTable("spot", ("spot", "beside"), np.array(list(CORNERS), dtype=np.int64), xy))
    train, test = (FrameRef("spot", 0), FrameRef("spot", 3), FrameRef("spot", 5)), (FrameRef("spot", 9),)
    for shuffle in (1, 2):
        write_split(project.training(shuffle).split, Split(train, test, fraction=0.95, seed=0, labels="labels.csv"))
        write_settings(project.training(shuffle).settings, TrainingSettings())
        for step in (10, 20) if shuffle == 2 else (10,):
            folder = project.training(shuffle).folder / f"snapshot-{step:06d}"
            folder.mkdir(parents=True)
            (folder / "snapshot.json").write_text(f"{step}")


@pytest.fixture
def edit(spot_project):
    """A function that changes keys of the project's config.yaml."""
    return lambda **changes: edit_config(spot_project, changes)


@pytest.fixture(scope="session")
def _trainable(tmp_path_factory):
    """A project with a training dataset: three training frames of 64 x 64 pixels, and a thin network to begin with."""
    folder = tmp_path_factory.mktemp("trainable")
    with VideoWriter(folder / "dots.mp4", fps=10, width=64, height=64) as writer:
        writer.write(np.full((64, 64, 3), 128, np.uint8))
    save_file(torchvision_tensors(), folder / "thin.safetensors")
    config = create_new_project(
        "Dots", "me", [folder / "dots.mp4"], folder, bodyparts=("white", "black"), copy_videos=True
    ).config_path
    project = open_project(config)
    xy = np.random.default_rng(0).integers(12, 52, size=(4, 2, 2))
    store = FrameStore.open(project.frame_store("dots"), create=True)
    store.append((number, dots_image(xy[number]), (0, 0)) for number in range(4))
    write_labels(project, LabelTable("dots", ("white", "black"), np.arange(4), xy.astype(float)))
    settings = {"crop_size": 64, "batch_size": 2, "maxiters": 4, "display_iters": 2, "save_iters": 2, "rotation": 0}
    settings |= {"init_weights": str(folder / "thin.safetensors"), "global_scale": 1.0, "net_type": "resnet_18"}
    create_training_dataset(config, train_indices=[[0, 1, 2]], test_indices=[[3]], settings=settings)
    return config.parent


def dots_image(xy):
    image = np.full((64, 64, 3), 128, np.uint8)
    for (x, y), value in zip(xy, (255, 0), strict=True):
        image[y - 3 : y + 4, x - 3 : x + 4] = value
    return image


@pytest.fixture
def trainable(tmp_path, _trainable):
    """config.yaml of a copy of that project, with its own video."""
    return copied(_trainable, tmp_path)


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """A project with whatever an earlier step leaves."""
    return make_project(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def toy_trainable(trainable, monkeypatch):
    """config.yaml of such a copy whose network is two convolutions, compiled in a moment, with random weights."""
    monkeypatch.setattr(backbones, "_registered", dict(backbones._registered))
    backbones.register(Toy())
    path = open_project(trainable).training(1).settings
    write_settings(path, replace(read_settings(path), net_type=Toy.net_type, init_weights="random"))
    return trainable


@pytest.fixture
def quick_steps(monkeypatch):
    """Training steps that take no time: the loss of step n is 1 / n, and parameters shrink."""

    def step(state, batch, mirror_order, *, spec, settings):
        parameters = jax.tree.map(lambda leaf: 0.99 * leaf, state.parameters)
        return TrainState(state.step + 1, parameters, state.optimizer), 1 / (state.step + 1)

    monkeypatch.setattr(training, "_train_step", step)
    monkeypatch.setattr(loop, "_step_bytes", lambda *arguments, **options: 10**8)


@pytest.fixture
def few_blocks(monkeypatch):
    """A ResNet-18 with one block in each stage, which is made and saved in half the time."""
    monkeypatch.setitem(resnet.BLOCKS, 18, (1, 1, 1, 1))
