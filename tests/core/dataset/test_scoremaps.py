"""Maps and positions are an inverse pair."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posecut_core.dataset import scoremaps
from posecut_core.dataset.scoremaps import LOCREF_STDEV, STRIDE, Scoremaps, _cell_centers

HEIGHT, WIDTH = 5, 7  # cells
CERTAIN = 40.0  # logit

RADIUS = 13.6  # pixels, 17 at the usual scale of 0.8
_encode = jax.jit(scoremaps.encode, static_argnames=("height", "width", "radius"))
decode = jax.jit(scoremaps.decode)


def encode(xy, radius=RADIUS):
    return _encode(jnp.asarray(xy, jnp.float32), height=HEIGHT, width=WIDTH, radius=radius)


def maps_of(targets):
    return Scoremaps(scores=CERTAIN * (2 * targets.scores - 1), locref=targets.locref)


def test_a_cell_stands_for_the_center_of_its_pixels():
    """Cell (i, j) stands for x = 8 j + 3.5, y = 8 i + 3.5."""
    centers = np.asarray(_cell_centers(HEIGHT, WIDTH))
    np.testing.assert_array_equal(centers[2, 4], [35.5, 19.5])
    np.testing.assert_array_equal(centers[0, 0], np.arange(STRIDE).mean().repeat(2))


@pytest.mark.parametrize("radius", [0.1, 5.0, RADIUS, 60.0])
def test_decode_undoes_encode_everywhere(radius):
    """Every position in the image, at its very border too, comes back, whatever the radius of the discs."""
    x, y = np.append(np.arange(-0.5, 8 * WIDTH - 0.5, 0.43), 8 * WIDTH - 0.5), np.linspace(-0.5, 8 * HEIGHT - 0.5, 81)
    xy = np.stack(np.meshgrid(x, y), axis=-1).reshape(1, -1, 2)
    found, likelihood = decode(maps_of(encode(xy, radius)))
    np.testing.assert_allclose(found, xy, atol=1e-4)
    np.testing.assert_allclose(likelihood, 1)


@pytest.mark.parametrize("level", [-200.0, -60.0, -20.0, 0.0])
def test_positions_do_not_depend_on_how_sure_the_network_is(level):
    """Where all probabilities are tiny, or underflow, the position is still that of the best cell."""
    targets = encode([[[30.2, 17.9]]])
    xy, likelihood = decode(Scoremaps(maps_of(targets).scores - CERTAIN + level, targets.locref))
    np.testing.assert_allclose(xy[0, 0], [30.2, 17.9], atol=1e-4)
    assert float(likelihood[0, 0]) == pytest.approx(1 / (1 + np.exp(-level)))


def test_missing_labels_give_empty_maps():
    """NaN becomes an empty map without any NaN, and its neighbors are unharmed."""
    targets = encode([[[np.nan, np.nan], [20.0, 12.0]]])
    assert not np.asarray(targets.scores[..., 0]).any()
    assert not np.asarray(targets.inside[..., 0]).any()
    assert all(np.isfinite(np.asarray(target)).all() for target in targets)
    xy, likelihood = decode(maps_of(targets))
    assert np.isfinite(xy).all()
    assert float(likelihood[0, 0]) < 1e-9 < float(likelihood[0, 1])


def test_a_disc_holds_the_cells_within_the_radius():
    """Cells nearer than the radius are 1, and their locref points at the label; all others are 0."""
    label = np.array([26.0, 18.0])
    targets = encode([[label]])
    offset = label - np.asarray(_cell_centers(HEIGHT, WIDTH))
    inside = np.hypot(*np.moveaxis(offset, -1, 0)) <= RADIUS
    np.testing.assert_array_equal(targets.inside[0, ..., 0], inside)
    np.testing.assert_array_equal(targets.scores[0, ..., 0], inside)
    np.testing.assert_allclose(targets.locref[0, ..., 0, :], np.where(inside[..., None], offset, 0) / LOCREF_STDEV)


def test_neighbors_vote_by_their_probability():
    """Of two sure cells that disagree the position is the mean; a doubtful one hardly moves it."""
    scores = np.full((1, HEIGHT, WIDTH, 1), -CERTAIN)
    locref = np.zeros((1, HEIGHT, WIDTH, 1, 2), np.float32)
    scores[0, 2, 3:5] = CERTAIN
    xy, _ = decode(Scoremaps(jnp.asarray(scores), jnp.asarray(locref)))
    np.testing.assert_allclose(xy[0, 0], [31.5, 19.5], atol=1e-4)
    scores[0, 2, 4] = -5.0
    xy, _ = decode(Scoremaps(jnp.asarray(scores), jnp.asarray(locref)))
    np.testing.assert_allclose(xy[0, 0], [27.5, 19.5], atol=0.1)


def test_each_frame_and_bodypart_is_decoded_from_its_own_map():
    """Batches and bodyparts do not mix."""
    xy = np.random.default_rng(0).uniform(0, 39, (3, 4, 2))
    found, _ = decode(maps_of(encode(xy)))
    np.testing.assert_allclose(found, xy, atol=1e-4)


def test_numpy_decodes_as_xla_does():
    """Also at the borders, and where every probability underflows."""
    drawn = np.random.default_rng(0)
    scores = drawn.normal(0, 20, (3, HEIGHT, WIDTH, 4)).astype(np.float32) - np.float32([0, 0, 0, 500])
    maps = Scoremaps(scores, drawn.normal(size=(*scores.shape, 2)).astype(np.float32))
    for found, expected in zip(scoremaps.decode(maps), decode(maps), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-4)
