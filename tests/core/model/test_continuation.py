"""A new training takes over what an earlier network has learned."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posecut_core.dataset.settings import TrainingSettings
from posecut_core.errors import ModelError
from posecut_core.model.initialization import _continued, _handed_on
from posecut_core.model.pose_net import initial_parameters, scoremaps
from posecut_core.model.snapshots import SnapshotInfo, save_snapshot
from posecut_core.model.step import initial_state

SETTINGS = TrainingSettings(net_type="resnet_18")


def maps_of(spec, parameters):
    x = jnp.asarray(np.random.default_rng(0).random((1, 32, 32, 3), np.float32))
    return jax.jit(scoremaps, static_argnums=0)(spec, parameters, x)


def test_known_bodyparts_are_found_as_before(thin, thin_parameters):
    """In another order and beside a new one, they have the maps that they had; those of the new one are drawn."""
    after = ("right ear", "tail", "left ear")
    spec = dataclasses.replace(thin, bodyparts=after)
    fresh = initial_parameters(0, spec)
    mixed = _handed_on(thin_parameters, fresh, before=thin.bodyparts, after=after)
    old, new = maps_of(thin, thin_parameters), maps_of(spec, mixed)
    np.testing.assert_allclose(new.scores[..., [2, 0]], old.scores, atol=1e-5)
    np.testing.assert_allclose(new.locref[..., [2, 0], :], old.locref, atol=1e-5)
    np.testing.assert_array_equal(mixed["head"]["kernel"][..., 1], fresh["head"]["kernel"][..., 1])
    assert jax.tree.structure(mixed) == jax.tree.structure(fresh)


@pytest.fixture
def snapshot(tmp_path, thin, thin_parameters):
    return save_snapshot(tmp_path, SnapshotInfo(7, "run", thin, 0.5), initial_state(thin_parameters, SETTINGS))


def test_a_snapshot_is_continued_with_a_new_bodypart(snapshot, thin, thin_parameters):
    """The network has the snapshot's backbone and one more bodypart; a head on the third stage may join."""
    settings = dataclasses.replace(SETTINGS, intermediate_supervision=True)
    spec, parameters = _continued(snapshot, settings, (*thin.bodyparts, "tail"))
    jax.tree.map(np.testing.assert_array_equal, parameters["backbone"], thin_parameters["backbone"])
    assert spec == dataclasses.replace(thin, bodyparts=(*thin.bodyparts, "tail"), intermediate=True)
    assert jax.tree.structure(parameters) == jax.tree.structure(initial_parameters(0, spec))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"net_type": "resnet_50"}, "net_type resnet_18, but the settings ask for resnet_50"),
        ({"norm": "frozen_batch"}, "norm group, but the settings ask for frozen_batch"),
        ({"width": 0.5}, "width 0.125, but the settings ask for 0.5"),
    ],
)
def test_another_network_is_refused(snapshot, thin, changes, words):
    """What the settings ask for and the snapshot has not is named."""
    with pytest.raises(ModelError, match=words):
        _continued(snapshot, dataclasses.replace(SETTINGS, **changes), thin.bodyparts)


def test_a_network_that_saw_frames_alone_goes_on_with_neighbors(snapshot, thin, thin_parameters):
    """It keeps what it has learned; the kernels of neighbors begin at zero."""
    spec, parameters = _continued(snapshot, dataclasses.replace(SETTINGS, context=1), thin.bodyparts)
    assert spec == dataclasses.replace(thin, context=1)
    further = parameters["backbone"]["stem"].pop("further")
    assert (further.shape, float(jnp.abs(further).max())) == ((7, 7, 2, 64), 0.0)
    jax.tree.map(np.testing.assert_array_equal, parameters, thin_parameters)


def test_a_network_with_neighbors_does_not_go_on_with_others(tmp_path, thin):
    """What it has learned of two frames before and after says nothing about one, and is not dropped in silence."""
    seeing = dataclasses.replace(thin, context=2)
    state = initial_state(initial_parameters(0, seeing), SETTINGS)
    folder = save_snapshot(tmp_path, SnapshotInfo(7, "run", seeing, 0.5), state)
    with pytest.raises(ModelError, match="a network with context 2, but the settings ask for 0; set context to 2"):
        _continued(folder, SETTINGS, thin.bodyparts)
