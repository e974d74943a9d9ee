"""Poses drawn on frames with numpy."""

from dataclasses import replace

import numpy as np
import pytest

from posecut_core.plots.labeled_video import PoseStyle, _draw_disc, draw_pose

RED, GREEN = (255, 0, 0), (0, 255, 0)
STYLE = PoseStyle(colours=np.array([RED, GREEN], np.uint8), dotsize=6.0, alphavalue=1.0, pcutoff=0.6)
GREY = np.full((40, 60, 3), 100, np.uint8)


def pose(*frames):
    return np.array(frames, dtype=float)


def test_a_disc_lies_where_its_centre_is_to_a_fraction_of_a_pixel():
    """The centre of mass of an anti-aliased disc is its centre, its mass the area of the circle."""
    image = np.zeros((40, 60, 3), np.uint8)
    _draw_disc(image, np.array([20.3, 17.75]), 5.0, np.array([255, 255, 255], np.uint8), 1.0)
    weight = image[..., 0] / 255.0
    y, x = np.indices(weight.shape)
    centre = ((weight * x).sum() / weight.sum(), (weight * y).sum() / weight.sum())
    np.testing.assert_allclose(centre, (20.3, 17.75), atol=0.02)
    assert weight.sum() == pytest.approx(np.pi * 25, rel=0.02)


def test_only_likely_points_are_drawn_and_the_frame_itself_stays():
    """A point at the cutoff, one below it and one without position leave no mark; the given frame is not changed."""
    xy = pose([[20, 20], [40, 20]])
    for unlikely in (0.6, 0.1):
        drawn = draw_pose(GREY, xy, np.array([[0.9, unlikely]]), STYLE)
        assert drawn[20, 20].tolist() == list(RED)
        assert drawn[20, 40].tolist() == [100, 100, 100]
    nowhere = draw_pose(GREY, pose([[np.nan, np.nan], [np.nan, np.nan]]), np.ones((1, 2)), STYLE)
    np.testing.assert_array_equal(nowhere, GREY)
    assert (GREY == 100).all()


@pytest.mark.parametrize("place", [(-1.0, -1.0), (59.5, 39.5), (-200.0, 20.0), (1e9, 1e9)])
def test_points_at_and_beyond_the_border_do_no_harm(place):
    """What lies outside the frame is cut off."""
    drawn = draw_pose(GREY, pose([place, (30, 20)]), np.ones((1, 2)), STYLE)
    assert drawn.shape == GREY.shape
    assert drawn[20, 30].tolist() == list(GREEN)


def test_opacity_blends_with_the_frame():
    """alphavalue 0.5 lies midway between frame and colour."""
    drawn = draw_pose(GREY, pose([[20, 20], [40, 20]]), np.ones((1, 2)), replace(STYLE, alphavalue=0.5))
    np.testing.assert_allclose(drawn[20, 20], [178, 50, 50], atol=1)


def test_bones_join_bodyparts_that_are_both_likely():
    """A bone is a line between its ends, and missing if one of them is unlikely."""
    style = replace(STYLE, bones=((0, 1),), bone_colour=(0, 0, 255))
    xy = pose([[10, 20], [50, 20]])
    assert draw_pose(GREY, xy, np.array([[0.9, 0.9]]), style)[20, 30].tolist() == [0, 0, 255]
    np.testing.assert_array_equal(draw_pose(GREY, xy, np.array([[0.9, 0.5]]), style)[20, 30], GREY[20, 30])


def test_trails_show_earlier_positions_fainter_than_the_present_one():
    """Older discs are smaller and fainter; one that was unlikely then is left out."""
    xy = pose([[10, 20], [0, 0]], [[30, 20], [0, 0]], [[50, 20], [0, 0]])
    likelihood = np.array([[0.9, 0], [0.9, 0], [0.9, 0]])
    red = draw_pose(GREY, xy, likelihood, STYLE)[20, [10, 30, 50], 0].astype(int)
    assert 100 < red[0] < red[1] < red[2] == 255
    likelihood[0, 0] = 0.2
    assert draw_pose(GREY, xy, likelihood, STYLE)[20, 10].tolist() == [100, 100, 100]
