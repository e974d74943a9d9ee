"""Maps and positions are an inverse pair."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posecut_core.dataset import scoremaps
from posecut_core.dataset.scoremaps import (
    LOCREF_STDEV,
    STRIDE,
    Distances,
    Scoremaps,
    _cell_centers,
    distances_between,
)

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


# --- poses as labels are ----------------------------------------------------------------------------------------------

TRIANGLE = np.array([[0.0, 0.0], [24.0, 0.0], [0.0, 16.0]])  # pixels


def labeled(count=6):
    """Triangles at several places, turned."""
    angles = np.linspace(0, np.pi, count)
    turns = np.stack([[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]]).transpose(2, 0, 1)
    return np.einsum("nij,kj->nki", turns, TRIANGLE) + np.arange(count)[:, None, None]


def maps_with_peaks(places, height=20, width=20):
    """Make maps [1, h, w, K] that have peaks of such likelihoods at such places: a list of both for each bodypart."""
    scores = np.full((1, height, width, len(places)), -20.0, np.float32)
    for bodypart, peaks in enumerate(places):
        for (x, y), likelihood in peaks:
            scores[0, int(y) // STRIDE, int(x) // STRIDE, bodypart] = np.log(likelihood / (1 - likelihood))
    return Scoremaps(scores, np.zeros((*scores.shape, 2), np.float32))


def cells_of(xy):
    return np.floor(np.asarray(xy) / STRIDE).astype(int).tolist()


BESIDE = [[((35, 35), 0.85)], [((59, 35), 0.8)]]  # two bodyparts of a triangle that lies there


@pytest.mark.parametrize("decode", [scoremaps.decode, decode])
def test_of_two_peaks_the_one_that_lies_as_labels_do_is_meant(decode):
    """A likelier peak at the other end of the image is none of this animal; the likelihood is that of what is meant."""
    maps = maps_with_peaks([*BESIDE, [((150, 150), 0.88), ((35, 51), 0.2)]])
    xy, likelihood = decode(maps, distances_between(labeled()))
    assert cells_of(xy[0]) == [[4, 4], [7, 4], [4, 6]]
    np.testing.assert_allclose(likelihood[0], [0.85, 0.8, 0.2], atol=1e-5)
    alone, _ = decode(maps)
    assert cells_of(alone[0, 2]) == [18, 18]


@pytest.mark.parametrize("decode", [scoremaps.decode, decode])
def test_what_has_one_peak_is_there_however_far_away(decode):
    """Nothing else is made of a posture that no label shows, nor of a peak that hardly is one."""
    maps = maps_with_peaks([*BESIDE, [((150, 150), 0.88), ((35, 51), 1e-6)]])
    for found, expected in zip(decode(maps, distances_between(labeled())), decode(maps), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("decode", [scoremaps.decode, decode])
def test_a_sure_peak_is_not_doubted(decode):
    """The network's word counts from a likelihood of 0.9 on, in postures too that no label shows."""
    maps = maps_with_peaks([*BESIDE, [((150, 150), 0.95), ((35, 51), 0.2)]])
    for found, expected in zip(decode(maps, distances_between(labeled())), decode(maps), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("decode", [scoremaps.decode, decode])
@pytest.mark.parametrize("times", [0.6, 1.0, 1.8])
def test_a_larger_or_smaller_animal_is_no_odd_pose(decode, times):
    """Peaks of the same shape as labels, at another size, stay where they are, whatever else its maps show."""
    places = [tuple(point) for point in (TRIANGLE * times + 36).tolist()]
    maps = maps_with_peaks([[(place, 0.85), ((100 + 9 * turn, 140), 0.3)] for turn, place in enumerate(places)])
    for found, expected in zip(decode(maps, distances_between(labeled())), decode(maps), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_pose_as_labels_are_is_decoded_as_ever():
    """To the bit, whatever else its maps show."""
    maps = maps_with_peaks([*BESIDE, [((35, 51), 0.3), ((43, 59), 0.29)]])
    for found, expected in zip(scoremaps.decode(maps, distances_between(labeled())), decode(maps), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_numpy_chooses_peaks_as_xla_does(seed):
    """Maps of anything, of which no pose is as labels are; and no likelihood is above that of the highest peak."""
    random = np.random.default_rng(seed)
    maps = Scoremaps(
        random.normal(-3, 1, (4, 9, 11, 3)).astype(np.float32), random.normal(0, 1, (4, 9, 11, 3, 2)).astype(np.float32)
    )
    xy, likelihood = scoremaps.decode(maps, distances_between(labeled()))
    by_xla = decode(Scoremaps(*map(jnp.asarray, maps)), distances_between(labeled()))
    np.testing.assert_allclose(xy, by_xla[0], atol=1e-3)
    np.testing.assert_allclose(likelihood, by_xla[1], atol=1e-6)
    highest = scoremaps.decode(maps)[1]
    assert (likelihood <= highest + 1e-6).all()
    assert (likelihood < highest - 1e-3).any()


def test_distances_are_those_of_labels():
    """The mean of each pair; the spread is not 0, as the next animal may be larger or smaller."""
    mean, spread = distances_between(labeled())
    np.testing.assert_allclose(mean, [[0, 24, 16], [24, 0, 832**0.5], [16, 832**0.5, 0]], atol=1e-4)
    np.testing.assert_allclose(spread, 0.05 * 832**0.5 * (1 - np.eye(3)), atol=1e-4)


def test_a_wrong_label_changes_no_distance():
    """Of twenty frames one has a bodypart at the other end of the image."""
    xy = labeled(20)
    expected = distances_between(xy)
    xy[7, 1] = (500, 500)
    for found, one in zip(distances_between(xy), expected, strict=True):
        np.testing.assert_allclose(found, one, rtol=0.01)


def test_few_frames_say_nothing_about_distances():
    """A pair of bodyparts that fewer than five frames show together is free; so is a bodypart without a label."""
    xy = labeled()
    xy[:2, 2] = np.nan
    mean, spread = distances_between(xy)
    assert (spread > 0).tolist() == [[False, True, False], [True, False, False], [False, False, False]]
    assert mean[0, 2] == 0
    nothing = distances_between(np.full((6, 3, 2), np.nan))
    assert not np.any(nothing)
    maps = maps_with_peaks([*BESIDE, [((150, 150), 0.88), ((35, 51), 0.2)]])
    np.testing.assert_array_equal(scoremaps.decode(maps, nothing)[0], scoremaps.decode(maps)[0])


def test_a_bodypart_alone_has_no_distances():
    """It is where it is likeliest."""
    maps = maps_with_peaks(BESIDE[:1])
    alone = Distances(np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32))
    np.testing.assert_array_equal(scoremaps.decode(maps, alone)[0], scoremaps.decode(maps)[0])
