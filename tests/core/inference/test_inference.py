"""A trained network finds what it was trained for, in pixels of the images that it is given."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posecut_core.backbones.resnet import ResNetSpec
from posecut_core.dataset.scoremaps import Scoremaps, _cell_centers
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.errors import ArgumentError, ModelError
from posecut_core.inference import engine
from posecut_core.inference.engine import XlaEngine, _maps
from posecut_core.inference.predictor import Predictor
from posecut_core.model.pose_net import NetworkSpec, parameter_shapes
from posecut_core.model.snapshots import SnapshotInfo, save_snapshot
from posecut_core.model.step import initial_state

SPEC = NetworkSpec(ResNetSpec(depth=18, width=0.125), ("nose", "tail"))


def drawn_parameters(seed):
    generator = np.random.default_rng(seed)
    return jax.tree.map(
        lambda leaf: jnp.asarray(0.05 * generator.normal(size=leaf.shape).astype(np.float32)), parameter_shapes(SPEC)
    )


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    """Two snapshots, of step 20 and of step 3."""
    folder = tmp_path_factory.mktemp("model")
    for step in (20, 3):
        state = initial_state(drawn_parameters(step), TrainingSettings())
        save_snapshot(folder, SnapshotInfo(step, "DemoJan1shuffle1", SPEC, 0.5), state)
    return folder


def spot_maps(spec, parameters, images):
    """Stand in for the network: each cell knows how far the brightest pixel is."""
    assert images.shape[1] % 16 == images.shape[2] % 16 == 0
    _, height, width, _ = images.shape
    y, x = jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij")
    weights = jnp.maximum(images.mean(axis=-1) - 0.1, 0.0)[..., None]
    place = (weights * jnp.stack([x, y], -1)[None]).sum(axis=(1, 2)) / weights.sum(axis=(1, 2))
    offset = place[:, None, None] - _cell_centers(height // 8, width // 8)[None]
    scores = -jnp.square(offset).sum(-1)[..., None] / 16 + 2.0
    locref = (offset / 7.2801)[..., None, :]
    return Scoremaps(jnp.repeat(scores, 2, axis=-1), jnp.repeat(locref, 2, axis=-2))


@pytest.fixture
def spot_network(monkeypatch):
    _maps.clear_cache()
    monkeypatch.setattr(engine, "scoremaps", spot_maps)
    yield
    _maps.clear_cache()


def spot_image(height, width, x, y):
    """Render a soft spot whose center is (x, y)."""
    rows, columns = np.indices((height, width))
    return np.repeat(
        np.round(255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 72))[..., None].astype(np.uint8), 3, axis=-1
    )


@pytest.mark.usefixtures("spot_network")
@pytest.mark.parametrize("scale", [1.0, 0.5, 0.73, 1.5])
@pytest.mark.parametrize(("height", "width"), [(96, 128), (75, 101)])
def test_positions_are_pixels_of_the_given_images(scale, height, width):
    """Whatever the scale and the sides, the spot's position comes back to a few hundredths of a pixel."""
    points = np.array([[40.0, 30.0], [61.5, 41.25]])
    images = np.stack([spot_image(height, width, x, y) for x, y in points])
    xy, likelihood = Predictor(SnapshotInfo(1, "run", SPEC, scale), XlaEngine(SPEC, {})).predict(images)
    assert xy.shape == (2, 2, 2)
    np.testing.assert_allclose(xy, points[:, None].repeat(2, axis=1), atol=0.05)
    assert ((likelihood > 0.5) & (likelihood < 1)).all()


@pytest.mark.usefixtures("spot_network")
@pytest.mark.parametrize("scale", [1.0, 0.73])
def test_score_maps_lie_in_pixels_of_the_image(scale):
    """The likeliest cell lies within half a cell of the spot, and no cell lies beyond the image."""
    image, spot = spot_image(75, 101, 61.5, 41.25), np.array([61.5, 41.25])
    maps = Predictor(SnapshotInfo(1, "run", SPEC, scale), XlaEngine(SPEC, {})).scoremaps(image)
    row, column = np.unravel_index(maps.likelihood[..., 0].argmax(), maps.likelihood.shape[:2])
    assert (np.abs(maps.origin + maps.cell * (column, row) - spot) <= maps.cell / 2 + 0.05).all()
    last = maps.origin + maps.cell * (np.array(maps.likelihood.shape[1::-1]) - 1)
    assert (last - maps.cell / 2 < (101, 75)).all()


def test_a_snapshot_is_loaded(model_folder):
    """By default the last step is used; its name, bodyparts and parameters are the snapshot's."""
    predictor = Predictor.load(model_folder)
    assert (predictor.step, predictor.bodyparts) == (20, ("nose", "tail"))
    assert predictor.scorer == "PoseCut_resnet18_DemoJan1shuffle1_20"
    jax.tree.map(np.testing.assert_array_equal, predictor.engine.parameters, drawn_parameters(20))
    assert Predictor.load(model_folder, snapshot=3).step == 3


def test_frames_of_a_batch_do_not_change_each_other(model_folder):
    """A frame gets the same pose alone, in a batch, and again; any number of frames may come."""
    predictor = Predictor.load(model_folder)
    images = np.random.default_rng(0).integers(0, 256, (3, 40, 70, 3), np.uint8)
    xy, likelihood = predictor.predict(images)
    assert (xy.shape, likelihood.shape) == ((3, 2, 2), (3, 2))
    assert np.isfinite(xy).all()
    assert ((likelihood >= 0) & (likelihood <= 1)).all()
    for number in range(3):
        alone = predictor.predict(images[number : number + 1])
        np.testing.assert_allclose(alone[0][0], xy[number], atol=1e-3)
        np.testing.assert_allclose(alone[1][0], likelihood[number], atol=1e-4)


def test_tiny_images_have_poses_too(model_folder):
    """An image smaller than a cell of the network gives a pose, however poor."""
    xy, _ = Predictor.load(model_folder).predict(np.zeros((1, 5, 3, 3), np.uint8))
    assert np.isfinite(xy).all()


@pytest.mark.parametrize(
    ("images", "found"),
    [
        (np.zeros((40, 70, 3), np.uint8), "40x70x3 of uint8"),
        (np.zeros((1, 40, 70, 4), np.uint8), "1x40x70x4 of uint8"),
        (np.zeros((1, 40, 70, 3)), "1x40x70x3 of float64"),
        ([[1]], "list"),
    ],
)
def test_what_is_no_batch_of_images_is_one_sentence(images, found):
    """It says what came and what was expected; an empty batch has no poses."""
    predictor = Predictor(SnapshotInfo(1, "run", SPEC, 1.0), XlaEngine(SPEC, {}))
    with pytest.raises(ArgumentError, match=f"{found}, expected images x height x width x 3 of uint8"):
        predictor.predict(images)
    assert [part.shape for part in predictor.predict(np.zeros((0, 40, 70, 3), np.uint8))] == [(0, 2, 2), (0, 2)]


@pytest.mark.parametrize("snapshot", [4, "first"])
def test_a_missing_snapshot_is_refused(model_folder, snapshot):
    """The message names the steps that there are."""
    with pytest.raises(ModelError, match=rf"no snapshot of step {snapshot} .* choose one of 3, 20"):
        Predictor.load(model_folder, snapshot=snapshot)


def test_without_training_there_is_nothing_to_load(tmp_path):
    """The message says to train first."""
    with pytest.raises(ModelError, match="train it first"):
        Predictor.load(tmp_path)


def test_a_damaged_snapshot_is_not_used(tmp_path):
    """A file that has changed since it was written is named, rather than predicting with it."""
    state = initial_state({"a": jnp.ones(2)}, TrainingSettings())
    folder = save_snapshot(tmp_path, SnapshotInfo(1, "run", SPEC, 0.5), state)
    (folder / "parameters" / "_METADATA").unlink()
    with pytest.raises(ModelError, match="_METADATA is missing"):
        Predictor.load(tmp_path)
