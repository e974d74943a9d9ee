"""A training begins with the weights that its settings name, and writes down what they were."""

import dataclasses
import hashlib
from functools import partial

import jax
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from posecut_core.dataset.settings import TrainingSettings, settings_from
from posecut_core.errors import ModelError, Remedy
from posecut_core.model import initialization
from posecut_core.model.hub import fetch_weights
from posecut_core.model.initialization import begin, with_network
from posecut_core.model.snapshots import SnapshotInfo, save_snapshot
from posecut_core.model.step import initial_state
from posecut_core.progress import silent
from tests.thin_resnet import torchvision_tensors
from tests.web_server import COMMIT, Hub, serving_hub

SMALL = TrainingSettings(net_type="resnet_18")
ORIGIN = f"timm/resnet18.tv_in1k@{COMMIT}"


def start(settings, **changes):
    return begin(dataclasses.replace(settings, **changes), ("nose",), report=silent)


@pytest.fixture
def weights(tmp_path):
    """The path of a thin ResNet-18's weights."""
    save_file(torchvision_tensors(), tmp_path / "thin.safetensors")
    return tmp_path / "thin.safetensors"


@pytest.fixture
def hub(weights, tmp_path, monkeypatch):
    """A hub that has them in place of the real ones."""
    with serving_hub(Hub(weights.read_bytes())) as hub:
        here = partial(fetch_weights, endpoint=hub.endpoint, cache=tmp_path / "cache")
        monkeypatch.setattr(initialization, "fetch_weights", here)
        yield hub


def first_kernel(begun):
    return np.asarray(begun.parameters["backbone"]["stem"]["kernel"]).transpose(3, 2, 0, 1)


def test_imagenet_weights_are_the_default(hub, weights):
    """They are fetched, put into the network, and written down with commit and hash."""
    begun = start(SMALL)
    np.testing.assert_array_equal(first_kernel(begun), load_file(weights)["conv1.weight"])
    assert begun.spec.backbone.norm == "frozen_batch"
    assert (begun.settings.init_origin, begun.settings.init_sha256) == (ORIGIN, hub.sha256)


def test_settings_that_were_written_down_begin_alike(hub):
    """Once they name weights, the hub's newer ones are left alone, and no network is needed."""
    first = start(SMALL)
    hub.commit, hub.content = "f" * 40, b"newer"
    hub.requests.clear()
    again = start(first.settings)
    assert again.settings == first.settings
    jax.tree.map(np.testing.assert_array_equal, again.parameters, first.parameters)
    assert hub.requests == []


def test_other_weights_than_those_written_down_are_refused(hub):
    """A hash that is not the file's is not passed over."""
    with pytest.raises(ModelError, match=f"started from {'0' * 64}"):
        start(SMALL, init_origin=ORIGIN, init_sha256="0" * 64)


def test_what_was_written_down_holds_for_its_own_network(hub):
    """After a change of net_type or norm the weights of the other network are not looked for any more."""
    begun = start(SMALL, init_origin=f"timm/resnet50_gn.a1h_in1k@{'f' * 40}", init_sha256="0" * 64)
    assert begun.settings.init_origin == ORIGIN


def test_narrow_networks_are_random(hub):
    """ImageNet weights have one width; nothing is fetched for another."""
    with pytest.raises(ModelError, match=r"width is 0\.5, but ImageNet weights .*random weights") as raised:
        start(SMALL, width=0.5)
    assert raised.value.remedies == (Remedy("train_network", weights="random"),)
    assert hub.requests == []


def test_random_weights_need_nobody(hub):
    """Only those who ask for random weights get them: by the seed, of any width, with GroupNorm unless told."""
    begun = start(SMALL, init_weights="random", width=0.25, init_origin=ORIGIN, init_sha256="0" * 64)
    assert (begun.spec.backbone.width, begun.spec.backbone.norm) == (0.25, "group")
    assert (begun.settings.init_origin, begun.settings.init_sha256) == (None, None)
    assert start(SMALL, init_weights="random", width=0.25, norm="frozen_batch").spec.backbone.norm == "frozen_batch"
    assert hub.requests == []


@pytest.mark.parametrize(("device", "net_type"), [("cpu", "efficientnet_lite0"), ("gpu", "resnet_50")])
def test_the_network_suits_the_device(monkeypatch, device, net_type):
    """`auto` is a light network without an accelerator; the choice is told with what the other one takes, and kept."""
    monkeypatch.setattr(jax, "default_backend", lambda: device)
    told = []
    settings = with_network(dataclasses.replace(SMALL, net_type="auto"), report=told.append)
    assert settings.net_type == net_type
    assert with_network(settings, report=told.append) == settings
    (notice,) = told
    assert all(name in notice.text for name in ("efficientnet_lite0", "resnet_50", "auto"))


def test_auto_is_the_network_whose_weights_are_given(weights):
    """Whatever the device is; without pretrained weights it is the one that learns from random ones."""
    told = []

    def chosen(given):
        settings = dataclasses.replace(SMALL, net_type="auto", init_weights=str(given))
        return with_network(settings, report=told.append).net_type

    assert chosen(weights) == SMALL.net_type
    assert chosen("random") == "resnet_50"
    assert (str(weights) in told[0].text, "random" in told[1].text) == (True, True)


def test_a_file_is_written_down_by_its_hash(hub, weights):
    """A file of the user's own needs no hub either."""
    begun = start(SMALL, init_weights=str(weights))
    np.testing.assert_array_equal(first_kernel(begun), load_file(weights)["conv1.weight"])
    assert begun.settings.init_origin is None
    assert begun.settings.init_sha256 == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert hub.requests == []


@pytest.mark.parametrize("net_type", ["resnet_34", "resnet_50", "resnet_101"])
def test_weights_of_another_network_are_refused(hub, weights, net_type):
    """A ResNet-18's weights are no deeper network's, from a file or from the hub; the source is named."""
    for init_weights, source in (
        (str(weights), r"thin\.safetensors"),
        ("imagenet", f"timm/{net_type.replace('_', '')}"),
    ):
        with pytest.raises(ModelError, match=f"{source}.*net_type"):
            start(SMALL, net_type=net_type, init_weights=init_weights)


def test_weights_of_no_network_are_refused_by_the_name_of_the_automatic_choice(tmp_path):
    """Kind: the refusal spoke of the network that net_type names, which was none."""
    other = tmp_path / "other.safetensors"
    save_file({"a": np.zeros(3, np.float32)}, other)
    with pytest.raises(ModelError, match="give weights of efficientnet_lite0, or set net_type to the network"):
        start(SMALL, net_type="auto", init_weights=str(other))


def test_without_an_earlier_network_none_can_be_gone_on_from():
    """The sentence says what is missing and what else there is."""
    with pytest.raises(ModelError, match="No earlier iteration has a network of this shuffle"):
        start(SMALL, init_weights="previous")


def test_a_training_begins_with_the_network_before(tmp_path, thin, thin_parameters):
    """All parameters are those of the snapshot, which the settings name without the path of the project."""
    folder = tmp_path / "iteration-0" / "mouse-trainset95shuffle1"
    settings = dataclasses.replace(SMALL, init_weights="previous")
    snapshot = save_snapshot(folder, SnapshotInfo(7, "run", thin, 0.5), initial_state(thin_parameters, settings))
    begun = begin(settings, thin.bodyparts, previous=snapshot, report=silent)
    jax.tree.map(np.testing.assert_array_equal, begun.parameters, thin_parameters)
    assert begun.settings.init_origin == "iteration-0/mouse-trainset95shuffle1/snapshot-000007"
    assert settings_from(dataclasses.asdict(begun.settings)) == begun.settings
