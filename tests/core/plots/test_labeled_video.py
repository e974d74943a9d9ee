"""Poses drawn on frames with numpy."""

from dataclasses import replace

import numpy as np
import pytest

from posecut_core.plots import labeled_video
from posecut_core.plots.labeled_video import Layer, PoseStyle, beside, black_picture, layers_of
from posecut_core.types import Crop
from posecut_core.video.writer import encodable

RED, GREEN = (255, 0, 0), (0, 255, 0)
STYLE = PoseStyle(colors=np.array([RED, GREEN], np.uint8), dotsize=6.0, alphavalue=1.0, pcutoff=0.6)
GRAY = np.full((40, 60, 3), 100, np.uint8)


def draw_pose(image, xy, likelihood, style):
    """Draw on a copy of an RGB image, which is a layer of three channels."""
    layer = Layer(image.copy(), np.vstack([style.colors, style.bone_color]).astype(np.uint8))
    labeled_video.draw_pose([layer], xy, likelihood, style)
    return layer.pixels


def pose(*frames):
    return np.array(frames, dtype=float)


def test_a_disc_lies_where_its_center_is_to_a_fraction_of_a_pixel():
    """The center of mass of an anti-aliased disc is its center, its mass the area of the circle."""
    style = replace(STYLE, colors=np.array([(255, 255, 255)] * 2, np.uint8), dotsize=10)
    image = draw_pose(GRAY * 0, pose([[20.3, 17.75], [0, 0]]), np.array([[1.0, 0.0]]), style)
    weight = image[..., 0] / 255.0
    y, x = np.indices(weight.shape)
    center = ((weight * x).sum() / weight.sum(), (weight * y).sum() / weight.sum())
    np.testing.assert_allclose(center, (20.3, 17.75), atol=0.02)
    assert weight.sum() == pytest.approx(np.pi * 25, rel=0.02)


def test_only_likely_points_are_drawn_and_the_frame_itself_stays():
    """A point at the cutoff, one below it and one without position leave no mark; the given frame is not changed."""
    xy = pose([[20, 20], [40, 20]])
    for unlikely in (0.6, 0.1):
        drawn = draw_pose(GRAY, xy, np.array([[0.9, unlikely]]), STYLE)
        assert drawn[20, 20].tolist() == list(RED)
        assert drawn[20, 40].tolist() == [100, 100, 100]
    nowhere = draw_pose(GRAY, pose([[np.nan, np.nan], [np.nan, np.nan]]), np.ones((1, 2)), STYLE)
    np.testing.assert_array_equal(nowhere, GRAY)
    assert (GRAY == 100).all()


@pytest.mark.parametrize("place", [(-1.0, -1.0), (59.5, 39.5), (-200.0, 20.0), (1e9, 1e9)])
def test_points_at_and_beyond_the_border_do_no_harm(place):
    """What lies outside the frame is cut off."""
    drawn = draw_pose(GRAY, pose([place, (30, 20)]), np.ones((1, 2)), replace(STYLE, bones=((0, 1),), dotsize=8))
    assert drawn.shape == GRAY.shape
    assert drawn[20, 30].tolist() == list(GREEN)


def test_opacity_blends_with_the_frame():
    """alphavalue 0.5 lies midway between frame and color."""
    drawn = draw_pose(GRAY, pose([[20, 20], [40, 20]]), np.ones((1, 2)), replace(STYLE, alphavalue=0.5))
    np.testing.assert_allclose(drawn[20, 20], [178, 50, 50], atol=1)


def test_bones_join_bodyparts_that_are_both_likely():
    """A bone is a line between its ends, and missing if one of them is unlikely."""
    style = replace(STYLE, bones=((0, 1),), bone_color=(0, 0, 255))
    xy = pose([[10, 20], [50, 20]])
    assert draw_pose(GRAY, xy, np.array([[0.9, 0.9]]), style)[20, 30].tolist() == [0, 0, 255]
    np.testing.assert_array_equal(draw_pose(GRAY, xy, np.array([[0.9, 0.5]]), style)[20, 30], GRAY[20, 30])


def test_trails_show_earlier_positions_fainter_than_the_present_one():
    """Older discs are smaller and fainter; one that was unlikely then is left out."""
    xy = pose([[10, 20], [0, 0]], [[30, 20], [0, 0]], [[50, 20], [0, 0]])
    likelihood = np.array([[0.9, 0], [0.9, 0], [0.9, 0]])
    red = draw_pose(GRAY, xy, likelihood, STYLE)[20, [10, 30, 50], 0].astype(int)
    assert 100 < red[0] < red[1] < red[2] == 255
    likelihood[0, 0] = 0.2
    assert draw_pose(GRAY, xy, likelihood, STYLE)[20, 10].tolist() == [100, 100, 100]


@pytest.mark.parametrize("end", [(50, 20), (30, 35), (50, 30), (12, 5), (10, 20)])
def test_a_bone_has_the_same_width_in_every_direction(end):
    """Its mass is its length times its width, and a half disc at either end."""
    style = replace(STYLE, bones=((0, 1),), bone_color=(255, 255, 255), dotsize=15, colors=np.zeros((2, 3), np.uint8))
    xy = pose([[10, 20], end])
    both = draw_pose(GRAY * 0, xy, np.ones((1, 2)), replace(style, colors=style.colors + 255, alphavalue=1.0))
    assert both.any()
    labeled_video._draw_line(layer := Layer(GRAY * 0, np.full((1, 3), 255, np.uint8)), xy[0].tolist(), 3.0, 256)
    expected = 3 * np.hypot(*(xy[0, 1] - xy[0, 0])) + np.pi * 1.5**2
    assert layer.pixels[..., 0].sum() / 255 == pytest.approx(expected, rel=0.05)


def test_what_an_encoder_takes_is_drawn_on_as_rgb_is():
    """Luma and chroma of a picture look like the RGB image with the same pose on it."""
    image = np.full((48, 64, 3), (90, 140, 200), np.uint8)
    style = replace(STYLE, bones=((0, 1),), bone_color=(255, 255, 0), dotsize=12)
    xy, likelihood = pose([[20.4, 20.6], [44.0, 31.2]]), np.ones((1, 2))
    picture = encodable(image)
    labeled_video.draw_pose(layers_of(picture, style), xy, likelihood, style)
    found = picture.to_ndarray(format="rgb24").astype(int)
    expected = draw_pose(image, xy, likelihood, style)
    for x, y in [(20, 20), (44, 31), (5, 5)]:
        np.testing.assert_allclose(found[y, x], expected[y, x], atol=12)
    assert np.abs(found - expected).mean() < 6


def test_opacity_may_follow_the_likelihood():
    """A point of half the likelihood is half as strong, with alphavalue as the most."""
    style = replace(STYLE, confidence_to_alpha=True, pcutoff=0.1)
    drawn = draw_pose(GRAY, pose([[20, 20], [40, 20]]), np.array([[1.0, 0.5]]), style)
    np.testing.assert_allclose(drawn[20, 20], RED, atol=1)
    np.testing.assert_allclose(drawn[20, 40], [50, 178, 50], atol=2)


def test_pictures_lie_side_by_side_and_may_be_cut():
    """Of each a window, on borders of pairs of pixels; what is drawn in one does not reach the other."""
    gray = encodable(np.full((48, 64, 3), 100, np.uint8))
    both = beside([black_picture(64, 48), gray], Crop(9, 40, 4, 30))
    assert (both.width, both.height) == (64, 26)
    right = layers_of(both, STYLE, range(32, 64))
    labeled_video.draw_pose(right, pose([[0, 10], [16, 10]]), np.ones((1, 2)), STYLE)
    found = both.to_ndarray(format="rgb24").astype(int)
    assert found[:, :32].max() < 8
    np.testing.assert_allclose(found[20, 60], [100, 100, 100], atol=4)
    np.testing.assert_allclose(found[10, 48], GREEN, atol=40)
