"""Frames are scaled about pixel centers, and batches follow from (seed, step) alone."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecut_core.dataset.frames import (
    TrainingFrames,
    batch_of_step,
    frames_of_step,
    mirror_order,
    resize,
    scale_points,
    scaled_size,
)

SIZE = (60, 90)  # height, width
NAMES = st.text("leftrighLRLEFT_", min_size=1, max_size=12) | st.sampled_from(
    ["left ear", "right ear", "leftLeft", "rightLeft", "leftRight", "LEFT", "RIGHT", "upright", "upleft", "nose"]
)


def dot_image(x, y, *, width=4.0):
    """Draw a smooth dot of standard deviation `width` pixels on black."""
    rows, columns = np.indices(SIZE)
    dot = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * width**2))
    return np.round(255 * dot).astype(np.uint8)[..., None].repeat(3, axis=2)


def center_of(image):
    """Return the (x, y) of an image's center of mass."""
    rows, columns = np.indices(image.shape[:2])
    return np.array([(columns * image[..., 0]).sum(), (rows * image[..., 0]).sum()]) / image[..., 0].sum()


@pytest.mark.parametrize("scale", [0.4, 0.5, 0.637, 0.8, 1.0, 1.3, 2.0])
def test_a_dot_lies_where_its_scaled_label_says(scale):
    """A rendered dot is found within 0.05 px of its label after both were scaled."""
    x, y = 40.3, 31.8
    height, width = scaled_size(*SIZE, scale=scale)
    image = np.asarray(resize(jnp.asarray(dot_image(x, y))[None], height=height, width=width))[0]
    expected = scale_points(np.array([x, y]), source=SIZE, target=(height, width))
    np.testing.assert_allclose(center_of(image), expected, atol=0.05)


def test_scaling_keeps_the_corners_of_the_image():
    """Pixel edges map to pixel edges: -0.5 stays, and the last edge becomes the last edge."""
    corners = np.array([[-0.5, -0.5], [89.5, 59.5]])
    np.testing.assert_allclose(scale_points(corners, source=SIZE, target=(30, 72)), [[-0.5, -0.5], [71.5, 29.5]])


@given(st.floats(-1e4, 1e4), st.integers(1, 2000), st.integers(1, 2000))
def test_scaling_points_back_undoes_it(position, source, target):
    """From one size to another and back is where it was."""
    xy, sizes = np.array([position, -position]), ((source, target), (target, source))
    there = scale_points(xy, source=sizes[0], target=sizes[1])
    np.testing.assert_allclose(scale_points(there, source=sizes[1], target=sizes[0]), xy, atol=1e-6)


def test_missing_points_stay_missing():
    """NaN is scaled to NaN."""
    assert np.isnan(scale_points(np.full((2, 2), np.nan), source=SIZE, target=(3, 4))).all()


def test_an_image_of_the_wanted_size_is_not_touched():
    """Scaling by one changes no value."""
    image = dot_image(3, 4)
    np.testing.assert_array_equal(resize(jnp.asarray(image)[None], height=SIZE[0], width=SIZE[1])[0], image)


def test_a_neighbor_is_scaled_as_the_frame_is():
    """The green channel of a frame and the same one as that of a neighbor are the same to the bit after scaling."""
    image = np.random.default_rng(0).integers(0, 256, (2, 40, 60, 3), np.uint8)
    scaled = np.asarray(resize(np.concatenate([image, image[..., 1:2]], axis=-1), height=23, width=41))
    np.testing.assert_array_equal(scaled[..., :3], resize(image, height=23, width=41))
    np.testing.assert_array_equal(scaled[..., 3], scaled[..., 1])


def test_a_scaled_image_has_at_least_one_pixel():
    """However small the scale, something is left."""
    assert scaled_size(3, 200, scale=0.05) == (1, 10)


@given(count=st.integers(1, 30), batch_size=st.integers(1, 12), seed=st.integers(0, 2**40), epoch=st.integers(0, 40))
def test_every_epoch_shows_every_frame_once(count, batch_size, seed, epoch):
    """Steps laid end to end, however epochs and batches interlock, are one permutation after another."""
    first = epoch * count
    steps = range(first // batch_size, -(-(first + count) // batch_size))
    shown = np.concatenate([frames_of_step(count, batch_size=batch_size, seed=seed, step=step) for step in steps])
    of_epoch = shown[first - steps[0] * batch_size :][:count]
    assert sorted(of_epoch.tolist()) == list(range(count))


def test_batches_follow_from_seed_and_step():
    """The same seed and step give the same frames; another seed or epoch another order."""
    order = frames_of_step(50, batch_size=50, seed=3, step=7)
    np.testing.assert_array_equal(order, frames_of_step(50, batch_size=50, seed=3, step=7))
    assert (order != frames_of_step(50, batch_size=50, seed=4, step=7)).any()
    assert (order != frames_of_step(50, batch_size=50, seed=3, step=8)).any()


def test_a_batch_holds_everything_of_its_frames():
    """Images, sizes, labels and what was looked at come from the same frames."""
    level = np.arange(5)
    frames = TrainingFrames(
        images=np.broadcast_to(level[:, None, None, None], (5, 4, 6, 3)).astype(np.uint8),
        sizes=np.stack([level, level], 1).astype(np.int32),
        xy=np.broadcast_to(level[:, None, None], (5, 2, 2)).astype(np.float32),
        annotated=np.stack([level > 2, level < 2], 1),
    )
    batch = batch_of_step(frames, batch_size=3, seed=1, step=4)
    chosen = frames_of_step(len(frames), batch_size=3, seed=1, step=4)
    for held, values in zip(batch, (frames.images, frames.sizes, frames.xy, frames.annotated), strict=True):
        np.testing.assert_array_equal(held, values[chosen])


def test_left_and_right_are_found_by_name():
    """Names that differ in left and right only are exchanged, others keep their place."""
    parts = ("nose", "right ear", "left ear", "LeftPaw", "RightPaw", "left eye", "bright spot")
    assert mirror_order(parts, None).tolist() == [0, 2, 1, 4, 3, 5, 6]
    short = ("head", "wingL", "wingR", "l_eye", "r_eye", "FL2", "FR2", "tail", "heel", "heer")
    assert mirror_order(short, None).tolist() == [0, 2, 1, 4, 3, 6, 5, 7, 9, 8]


def test_given_pairs_replace_those_found():
    """With pairs given, names are not looked at."""
    parts = ("left", "right", "a", "b")
    assert mirror_order(parts, (("a", "b"),)).tolist() == [0, 1, 3, 2]
    assert mirror_order(parts, ()).tolist() == [0, 1, 2, 3]


@given(st.lists(NAMES, unique=True, max_size=12))
def test_mirroring_twice_changes_nothing(names):
    """The exchange is an involution, whatever the bodyparts are called."""
    order = mirror_order(tuple(names), None)
    assert order[order].tolist() == list(range(len(names)))
