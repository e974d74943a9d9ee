"""Crops and labels move together, and nothing random makes NaN."""

import dataclasses

import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecut_core.dataset.augmentation import (
    Patches,
    _change_light,
    _crop_matrices,
    _invert,
    _keep_inside,
    _linear_maps,
    _random_centers,
    _random_light,
    _random_tones,
    _transform_points,
    augment,
    augmentation,
    blur,
    change_tones,
    warp,
)
from posecut_core.dataset.frames import Batch
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.dataset.sizes import CROP_MARGIN

SIZE, FRAME, BATCH = 64, 96, 16  # pixels of a crop's and of a frame's side, crops of a step
PLAIN = TrainingSettings(
    crop_size=SIZE, scale_jitter_lo=1.0, scale_jitter_up=1.0, rotation=0.0, appearance=0.0, brightness=0.0,
    contrast=0.0, noise=0.0, blur=0.0, crop_on_animal=1.0,
)  # fmt: skip
MOVED = dataclasses.replace(PLAIN, scale_jitter_lo=0.75, scale_jitter_up=1.25, rotation=30.0, mirror=True)
IDENTITY = jnp.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
_augment = jax.jit(augment, static_argnames=("size", "on_animal"))
_warp = jax.jit(warp, static_argnames=("size",))


def dot_image(x, y, *, shape=(SIZE, SIZE), width=2.5):
    rows, columns = np.indices(shape)
    dot = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * width**2))
    return np.round(255 * dot).astype(np.uint8)[..., None].repeat(3, axis=2)


def center_of(image):
    """Return the (x, y) of the center of mass of what is bright."""
    image = image[..., 0]
    rows, columns = np.indices(image.shape)
    return np.array([(columns * image).sum(), (rows * image).sum()]) / image.sum()


def matrices(*, center, scale=1.0, angle=0.0, mirrored=False, size=SIZE):
    linear = _linear_maps(scales=jnp.array([scale]), angles=jnp.array([angle]), mirrored=jnp.array([mirrored]))
    return _crop_matrices(linear, jnp.array([center]), size=size)


def sizes(*shape):
    return jnp.array([shape], jnp.int32)


def augmented(xy, *, image=None, annotated=(True, True), extent=(FRAME, FRAME), seed=0, settings=PLAIN, step=0):
    """Augment a batch of one image and its two labels, which a mirror exchanges."""
    image = np.zeros((FRAME, FRAME, 3), np.uint8) if image is None else image
    batch = Batch(
        images=jnp.asarray(np.tile(image, (BATCH, 1, 1, 1))),
        sizes=jnp.asarray(np.tile(np.array(extent, np.int32), (BATCH, 1))),
        xy=jnp.asarray(np.tile(np.array(xy, np.float32), (BATCH, 1, 1))),
        annotated=jnp.asarray(np.tile(annotated, (BATCH, 1))),
    )
    static = {"size": settings.crop_size, "on_animal": settings.crop_on_animal}
    how = augmentation(settings)
    crops = _augment(jax.random.key(seed), batch, jnp.int32(step), mirror_order=jnp.array([1, 0]), how=how, **static)
    return jax.tree.map(np.asarray, crops)


def test_the_identity_gives_the_image_back():
    """Without any motion every pixel keeps its value."""
    image = np.random.default_rng(0).integers(0, 256, (1, SIZE, SIZE, 3), dtype=np.uint8)
    np.testing.assert_allclose(warp(jnp.asarray(image), sizes(SIZE, SIZE), IDENTITY, size=SIZE), image / 255, atol=1e-6)
    np.testing.assert_array_equal(matrices(center=[31.5, 31.5]), IDENTITY)


def test_beyond_the_frame_its_border_goes_on():
    """Beyond the frame every pixel repeats the nearest of the frame; padding at the right and bottom is not shown."""
    image = np.random.default_rng(0).integers(0, 256, (1, SIZE, SIZE, 3), dtype=np.uint8)
    image[0, 20:], image[0, :, 30:] = 7, 7  # not the frame
    crop = np.asarray(warp(jnp.asarray(image), sizes(20, 30), matrices(center=[21.5, 21.5]), size=SIZE))[0]
    expected = np.pad(image[0, :20, :30] / 255, ((10, 34), (10, 24), (0, 0)), mode="edge")
    np.testing.assert_allclose(crop, expected, atol=1e-4)


@pytest.mark.parametrize("scale", [0.75, 1.0, 1.25])
@pytest.mark.parametrize("angle", [0.0, 0.5, -2.0])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_dot_lands_where_its_label_does(scale, angle, mirrored):
    """Images and labels agree within 0.05 px for every scale, angle and mirror."""
    x, y = 37.3, 28.6
    matrix = matrices(center=[34.0, 30.5], scale=scale, angle=angle, mirrored=mirrored)
    crop = np.asarray(_warp(jnp.asarray(dot_image(x, y))[None], sizes(SIZE, SIZE), matrix, size=SIZE))[0]
    expected = _transform_points(_invert(matrix), jnp.array([[[x, y]]]))[0, 0]
    np.testing.assert_allclose(center_of(crop), expected, atol=0.05)
    assert np.hypot(*(np.asarray(expected) - 31.5)) == pytest.approx(scale * np.hypot(3.3, 1.9), abs=1e-3)


def test_a_crop_is_centered_where_it_should_be():
    """The middle of the crop shows `centers`, and a mirror exchanges its sides."""
    for mirrored, side in ((False, 1), (True, -1)):
        matrix = matrices(center=[10.0, 20.0], scale=2.0, mirrored=mirrored)
        points = _transform_points(matrix, jnp.array([[[31.5, 31.5], [33.5, 31.5]]]))
        np.testing.assert_allclose(points[0], [[10, 20], [10 + side, 20]], atol=1e-5)


def test_invert_undoes_a_map():
    """To the crop and back is where it was, and NaN stays NaN."""
    matrix = matrices(center=[100.0, 20.0], scale=0.8, angle=1.1, mirrored=True)
    xy = jnp.array([[[3.0, 4.0], [-50.0, 200.0], [np.nan, np.nan]]])
    np.testing.assert_allclose(_transform_points(matrix, _transform_points(_invert(matrix), xy)), xy, atol=1e-3)


_centers = jax.jit(_random_centers, static_argnames=("on_animal", "size"))


def centers_of(points, linear, *, extent=(100, 40)):
    """Choose 100 centers of crops of 32 pixels around the same points, five at most."""
    points = np.pad(np.float32(points), ((0, 5 - len(points)), (0, 0)), constant_values=np.nan)
    xy, sizes = np.tile(points, (100, 1, 1)), np.tile(np.int32([extent]), (100, 1))
    return np.asarray(_centers(jax.random.key(0), xy, sizes, np.repeat(linear, 100, 0), on_animal=1.0, size=32))


def test_crops_of_an_animal_that_does_not_fit_lie_near_a_visible_bodypart():
    """With `on_animal` 1 the center is within a quarter of the crop of a bodypart that is seen."""
    centers = centers_of([[5.0, 90.0], [35.0, 40.0], [np.nan, np.nan]], IDENTITY[:, :, :2])
    near = np.abs(centers[:, None] - [[5, 90], [35, 40]]).max(axis=2) <= 8
    assert near.any(axis=1).all()
    assert near.any(axis=0).all()


@given(
    points=st.lists(st.tuples(st.floats(0, 12), st.floats(0, 12)), min_size=1, max_size=5),
    angle=st.floats(-np.pi, np.pi),
    scale=st.floats(0.75, 1.25),
)
@hypothesis.settings(max_examples=20, deadline=None)
def test_crops_hold_the_whole_animal_where_it_fits(points, angle, scale):
    """However a crop is turned and magnified, all bodyparts are in it, and it does not always lie the same."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / scale  # from crop to frame
    centers = centers_of(points, np.float32(turn[None]))
    seen = (np.array(points) - centers[:, None]) @ np.linalg.inv(turn).T + 15.5
    assert (seen >= CROP_MARGIN - 1e-3).all()
    assert (seen <= 31 - CROP_MARGIN + 1e-3).all()
    assert np.ptp(centers, axis=0).max() > 1


def test_a_frame_without_labels_is_shown_anywhere():
    """Where no bodypart is seen, crops lie anywhere in the frame."""
    centers = centers_of([[np.nan, np.nan]], IDENTITY[:, :, :2])
    assert (centers >= 0).all()
    assert (centers <= [40, 100]).all()
    assert centers[:, 1].max() > 80


def test_crops_are_turned_by_little_at_first():
    """Angles widen from 30 degrees to those asked for, and stay; a training without an end has all from the start."""
    turn = augmentation(TrainingSettings(rotation=90.0, maxiters=100)).turn
    degrees = np.degrees([float(turn(jnp.int32(step))) for step in (0, 5, 33, 61, 99)])
    np.testing.assert_allclose(degrees, [30, 30, 60, 90, 90], atol=1.5)
    endless = augmentation(TrainingSettings(rotation=90.0, learning_rate_decay="none")).turn
    assert float(endless(jnp.int32(0))) == pytest.approx(np.pi / 2)
    small = augmentation(TrainingSettings(rotation=10.0)).turn
    assert np.degrees(float(small(jnp.int32(0)))) == pytest.approx(10)


def test_crops_are_moved_into_the_frame():
    """A crop that would reach beyond the frame ends at its border; one wider than the frame lies at its middle."""
    centers = jnp.array([[50.0, 50.0], [2.0, 98.0], [-5.0, 120.0], [99.0, 1.0]])
    extent = jnp.tile(jnp.array([[100, 60]]), (4, 1))
    moved = np.asarray(_keep_inside(centers, extent, jnp.array([10.0, 10.0, 16.0, 40.0])))
    np.testing.assert_allclose(moved, [[49.5, 50], [9.5, 89.5], [15.5, 83.5], [29.5, 39.5]])


def test_crops_show_no_more_than_the_frame():
    """Without rotation nothing of a crop lies outside a frame that is large enough, at any magnification."""
    settings = dataclasses.replace(PLAIN, scale_jitter_lo=0.75, scale_jitter_up=1.25)
    columns = np.arange(FRAME, dtype=np.uint8) * 2
    image = np.stack(np.broadcast_arrays(columns[None, :], columns[:, None], np.uint8(0)), axis=-1)
    images, _, _ = augmented([[2, 2], [FRAME - 3, FRAME - 3]], image=image, settings=settings)
    for crop in images:  # where the border went on, colors would stand still
        assert (np.diff(crop[..., 0], axis=1) > 1e-4).all()
        assert (np.diff(crop[..., 1], axis=0) > 1e-4).all()


def test_crops_of_a_long_training_are_turned_as_soon_as_those_of_a_usual_one():
    """Whoever asks for more steps than anybody needs does not wait for all angles until most of them are done."""
    long, usual = (augmentation(TrainingSettings(rotation=90.0, maxiters=steps)).turn for steps in (10**6, 5000))
    assert long == usual


def test_tones_follow_their_curve():
    """Each channel has its own curve, linear between its points; what lies outside 0 to 1 is as its nearer end."""
    images = jnp.array([-1.0, 0.0, 0.25, 0.75, 1.0, 2.0]).reshape(1, 1, 6, 1).repeat(3, axis=3)
    curves = jnp.array([[[0.0, 0.5, 1.0], [1.0, 0.5, 0.0], [0.2, 0.2, 0.8]]])
    red, green, blue = np.moveaxis(np.asarray(change_tones(images, curves))[0, 0], -1, 0)
    np.testing.assert_allclose(red, [0, 0, 0.25, 0.75, 1, 1], atol=1e-6)
    np.testing.assert_allclose(green, [1, 1, 0.75, 0.25, 0, 0], atol=1e-6)
    np.testing.assert_allclose(blue, [0.2, 0.2, 0.2, 0.5, 0.8, 0.8], atol=1e-6)


def test_half_of_the_crops_have_other_tones():
    """Some turn light into dark, some lose their color, half stay as they are; the same key changes the same."""
    ramp = jnp.linspace(0.1, 0.9, 16)[:, None] * jnp.array([[1.0, 0.8, 0.6]])
    images = jnp.broadcast_to(ramp, (200, 4, 16, 3))
    changed, same = (np.asarray(_random_tones(jax.random.key(5), images, 1.0)) for _ in range(2))
    np.testing.assert_array_equal(changed, same)
    untouched = np.isclose(changed, images, atol=1e-5).all(axis=(1, 2, 3))
    assert 0.35 < untouched.mean() < 0.65
    assert (changed[:, 0, -1].mean(axis=-1) < changed[:, 0, 0].mean(axis=-1)).any()
    gray = np.ptp(changed, axis=-1).max(axis=(1, 2)) < 1e-5
    assert 0.05 < gray.mean() < 0.4


def test_what_a_patch_hides_is_missing():
    """A patch has one color everywhere, and the points behind it are told; an empty one hides nothing."""
    empty = [np.inf, np.inf]
    patches = Patches(
        low=jnp.array([[[2.0, 1.0], empty]]),
        high=jnp.array([[[5.0, 3.0], [-np.inf, -np.inf]]]),
        colors=jnp.array([[[1.0, 0.5, 0.0], [0.0, 0.0, 0.0]]]),
    )
    shown = np.asarray(patches.over(jnp.full((1, 8, 9, 3), 0.25)))[0]
    np.testing.assert_allclose(shown[1:4, 2:6], np.broadcast_to([1.0, 0.5, 0.0], (3, 4, 3)))
    assert (shown == 0.25).all(axis=-1).sum() == 8 * 9 - 12
    points = jnp.array([[[3.0, 2.0], [3.0, 5.0], [6.0, 2.0], [np.nan, np.nan]]])
    np.testing.assert_array_equal(patches.hide(points), [[True, False, False, False]])


def test_patches_hide_labels_of_some_crops():
    """With patches, labels in the middle of the frame are missing from some crops and not from others."""
    settings = dataclasses.replace(PLAIN, appearance=1.0)
    points = [[40.0, 45.0], [55.0, 50.0]]
    _, with_patches, _ = augmented(points, settings=settings)
    _, without, _ = augmented(points, settings=PLAIN)
    hidden = np.isnan(with_patches[..., 0]) & ~np.isnan(without[..., 0])
    assert 0 < hidden.mean() < 0.3


def test_light_is_stretched_about_gray():
    """Contrast leaves mid-gray as it is, brightness is added."""
    images = jnp.array([0.0, 0.5, 1.0]).reshape(1, 1, 3, 1).repeat(3, axis=3)
    changed = _change_light(images, contrast=jnp.array([0.5]), brightness=jnp.array([0.1]))
    np.testing.assert_allclose(changed[0, 0, :, 0], [0.35, 0.6, 0.85], atol=1e-6)


def test_a_blur_keeps_what_it_spreads():
    """Blur 0 changes nothing; a dot keeps its sum and center and gets the width that was asked for."""
    image = jnp.zeros((2, 21, 21, 3)).at[:, 10, 10].set(1.0)
    blurred = np.asarray(blur(image, jnp.array([0.0, 1.0])))
    np.testing.assert_allclose(blurred[0], image[0], atol=1e-6)
    assert blurred[1, ..., 0].sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(center_of(blurred[1]), [10, 10], atol=1e-4)
    spread = (blurred[1, ..., 0].sum(axis=0) * (np.arange(21) - 10) ** 2).sum()
    assert spread == pytest.approx(1, abs=0.03)
    np.testing.assert_allclose(blur(jnp.ones((1, 9, 9, 3)), jnp.array([1.0])), 1, atol=1e-6)


def test_light_stays_within_its_bounds():
    """Light changes by no more than the settings say, each image by its own amount."""
    settings = dataclasses.replace(PLAIN, brightness=0.2, blur=1.0)
    gray = jnp.full((16, 8, 8, 3), 0.5)
    how = augmentation(settings)
    one, same, other = (np.asarray(_random_light(jax.random.key(seed), gray, how)) for seed in (1, 1, 2))
    assert (np.abs(one - 0.5) <= 0.2 + 1e-6).all()
    assert np.unique(one[:, 4, 4, 0].round(4)).size > 8
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_augmented_labels_stay_on_what_they_label():
    """Scaled, turned and mirrored, each visible label is on its dot, mirrored pairs exchanged."""
    left, right = (42.0, 51.0), (60.0, 44.0)
    image = np.zeros((FRAME, FRAME, 3), np.uint8)
    for color, position in enumerate((left, right)):
        image[..., color] = dot_image(*position, shape=(FRAME, FRAME))[..., 0]
    images, xy, _ = augmented([left, right], image=image, settings=MOVED)
    seen = []
    for crop, points in zip(images, xy, strict=True):
        for part, point in enumerate(points):
            if not (point.min() > 8 and point.max() < SIZE - 9):
                continue
            column, row = np.round(point).astype(int)
            color = int(crop[row, column, :2].argmax())
            window = crop[row - 7 : row + 8, column - 7 : column + 8, color : color + 1]
            np.testing.assert_allclose(center_of(window) + np.array([column - 7, row - 7]), point, atol=0.1)
            seen.append(color != part)
    assert len(seen) > BATCH
    assert 0 < sum(seen) < len(seen)


def test_mirrored_crops_keep_what_nobody_looked_for_with_its_bodypart():
    """A right ear that shows as the left one in a mirrored crop is as little looked for there."""
    _, xy, annotated = augmented([[48.0, 40.0], [np.nan, np.nan]], annotated=(True, False), settings=MOVED)
    visible = ~np.isnan(xy[..., 0])
    assert annotated[visible].all()
    assert (annotated[:, 0] != annotated[:, 1]).all()
    assert np.unique(annotated[:, 0]).size == 2


def test_labels_outside_the_crop_are_missing():
    """A bodypart that a crop does not show is NaN, and a mirror that is off exchanges nothing."""
    images, xy, annotated = augmented([[5.0, 5.0], [90.0, 90.0]], annotated=(True, False))
    missing = np.isnan(xy).all(axis=-1)
    assert (missing[:, 0] != missing[:, 1]).all()
    assert np.unique(missing[:, 0]).size == 2
    assert (annotated == [True, False]).all()
    assert np.isfinite(images).all()


def test_frames_without_labels_are_shown_too():
    """Crops of a frame on which nothing is labeled are whole, their labels missing."""
    images, xy, _ = augmented(np.full((2, 2), np.nan))
    assert np.isfinite(images).all()
    assert np.isnan(xy).all()


def test_the_key_decides_everything():
    """The same key gives the same crops, another key others."""
    image = np.random.default_rng(0).integers(0, 256, (FRAME, FRAME, 3), dtype=np.uint8)
    one, same, other = (augmented([[40, 40], [50, 50]], image=image, seed=seed, settings=MOVED) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.images, same.images)
    np.testing.assert_array_equal(one.xy, same.xy)
    assert (one.images != other.images).any()


def test_a_frame_smaller_than_the_crop_is_shown_whole():
    """Frames need not be as large as a crop: all of it is shown, and its border around it."""
    image = np.zeros((FRAME, FRAME, 3), np.uint8)
    image[4:8, 4:8] = 255
    images, xy, _ = augmented([[5, 5], [6, 5]], image=image, extent=(10, 12))
    white = np.isclose(images, 1, atol=1e-3)[..., 0].sum(axis=(1, 2))
    assert ((white >= 9) & (white <= 16)).all()
    assert np.isfinite(xy).all()
