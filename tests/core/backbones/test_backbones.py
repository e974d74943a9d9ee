"""A backbone that is registered is all that a network needs, and is written down with its snapshots."""

import dataclasses
from contextlib import closing

import jax
import numpy as np
import pytest

from posecut_core import backbones
from posecut_core.backbones import backbone_of, described, from_description, net_types, register
from posecut_core.backbones.resnet import ResNetSpec
from posecut_core.dataset.frames import TrainingFrames
from posecut_core.dataset.settings import settings_from
from posecut_core.errors import ModelError
from posecut_core.inference.predictor import Predictor
from posecut_core.model.devices import placement
from posecut_core.model.initialization import begin
from posecut_core.model.snapshots import SnapshotInfo, load_state, save_snapshot
from posecut_core.model.step import fit, initial_state
from posecut_core.progress import silent
from tests.toy_backbone import Toy


@pytest.fixture
def toy(monkeypatch):
    """Settings that name the toy, while it is registered."""
    monkeypatch.setattr(backbones, "_registered", dict(backbones._registered))
    register(Toy())
    return settings_from(
        {
            "net_type": "toy_1",
            "init_weights": "random",
            "crop_size": 64,
            "batch_size": 2,
            "global_scale": 1.0,
            "maxiters": 2,
            "display_iters": 1,
        }
    )


def test_a_registered_backbone_trains_saves_loads_and_predicts(toy, tmp_path):
    """Nothing of the project knows the toy, and all of it works: settings, two steps, a snapshot, predictions."""
    begun = begin(toy, ("nose", "tail"), report=silent)
    assert begun.spec.backbone == Toy()
    generator = np.random.default_rng(0)
    images = generator.integers(0, 255, (2, 64, 64, 3), dtype=np.uint8)
    xy = generator.uniform(8, 56, (2, 2, 2)).astype(np.float32)
    frames = TrainingFrames(images, np.full((2, 2), 64, np.int32), xy, np.ones((2, 2), bool))
    where = placement(jax.local_devices()[:1], batch_size=2)
    state, order = initial_state(begun.parameters, toy), np.array([0, 1], np.int32)
    with closing(fit(state, frames, order, spec=begun.spec, settings=toy, where=where)) as steps:
        trained = [taken.state for taken in steps][-1]
    info = SnapshotInfo(2, "run", begun.spec, 1.0)
    folder = save_snapshot(tmp_path, info, trained)
    jax.tree.map(np.testing.assert_array_equal, load_state(folder, info, jax.eval_shape(lambda: trained)), trained)
    predictor = Predictor.load(tmp_path)
    assert (predictor.info, predictor.scorer) == (info, "PoseCut_toy1_run_2")
    positions, likelihood = predictor.predict(images[:, :50, :60])
    assert (positions.shape, likelihood.shape) == ((2, 2, 2), (2, 2))
    assert np.isfinite(positions).all()


def test_settings_name_what_is_registered(toy):
    """The names of the project's own backbones and of others are known, and only these."""
    resnets = ("resnet_18", "resnet_34", "resnet_50", "resnet_101", "resnet_152")
    light = ("mobilenet_v2_0.5", "mobilenet_v2_1.0", "mobilenet_v2_1.4", "efficientnet_lite0", "efficientnet_lite2")
    assert net_types() == (*resnets, *light, "toy_1")
    assert all(backbone_of(name).net_type == name for name in net_types())
    with pytest.raises(ModelError, match="net_type is 'toy_2'"):
        settings_from({"net_type": "toy_2"})


def test_a_description_is_that_of_its_family():
    """What snapshots of 0.1.0 say of their networks is what is written now."""
    spec = ResNetSpec(depth=34, width=0.5, norm="frozen_batch")
    expected = {"depth": 34, "width": 0.5, "norm": "frozen_batch", "stride_in": "conv2", "pool_before": 1}
    assert described(spec) == {"resnet": expected}
    assert from_description({"resnet": expected, "precision": "float32"}) == spec
    for wrong in ({}, {"unknown": {}}, {"resnet": {"depth": 19}}, {"resnet": {"width": 9.0}}, {"resnet": {"a": 1}}):
        with pytest.raises((KeyError, TypeError, ValueError)):
            from_description(wrong)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"intermediate": True}, r"toy_1 has no second stage of stride 16"),
        ({"backbone": Toy(coarsest=32)}, r"stages of stride 8, 32, expected one of 8 and a last one of 16"),
    ],
)
def test_a_backbone_without_the_stages_that_are_needed_is_refused(toy, changes, sentence):
    """Heads need features of strides 8 and 16, and intermediate supervision two stages of the latter."""
    spec = dataclasses.replace(begin(toy, ("nose",), report=silent).spec, **changes)
    with pytest.raises(ModelError, match=sentence):
        spec.stages()


def test_imagenet_weights_that_nobody_published_are_refused(toy):
    """A backbone may have none; what else there is is said."""
    with pytest.raises(ModelError, match="no ImageNet weights of toy_1; start from random"):
        begin(dataclasses.replace(toy, init_weights="imagenet"), ("nose",), report=silent)
