"""Paint lies where the animal is."""

import numpy as np
import pytest

from posecut_core.demo.mouse import (
    Individual,
    Window,
    _paint_disc,
    fur_texture,
    paint_body,
    paint_tail,
    ribbon,
    window_around,
    with_disc,
)

MOUSE = Individual(size=1.0, girth=1.0, coat=(0.1, 0.1, 0.1), belly=(0.2, 0.2, 0.2))
SPINE = np.array([[80.0, 30.0], [50.0, 30.0], [20.0, 30.0]])  # an animal that looks to the right
WINDOW = Window(np.arange(100, dtype=np.float32), np.arange(60, dtype=np.float32))


def test_ribbon_knows_along_and_across():
    """Distance from the snout, distance to the right of the animal, and distance to the line."""
    place = ribbon(SPINE, WINDOW)
    assert place.along[30, 70] == pytest.approx(10)
    assert place.across[34, 70] == pytest.approx(4)  # below an animal that looks right is its right side
    assert place.across[26, 70] == pytest.approx(-4)
    assert place.distance[30, 84] == pytest.approx(4)  # beyond the snout
    assert place.along[30, 84] == pytest.approx(0)


def test_a_window_stays_in_the_frame():
    """The window holds the points and a margin, and ends with the frame."""
    window = window_around(np.array([[5.0, 50.0], [40.0, 58.0]]), height=60, width=100, margin=10)
    assert (window.x[0], window.x[-1], window.y[0], window.y[-1]) == (0, 50, 40, 59)


def test_a_discs_middle_is_its_center():
    """The center of mass of a disc's paint is the exact place that was asked for."""
    paint = _paint_disc(np.array([20.3, 15.8]), WINDOW, radius=4.6, rim=(0.1, 0.1, 0.1), inner=(0.5, 0.4, 0.4))
    y, x = np.mgrid[:60, :100]
    total = paint.opacity.sum()
    assert (paint.opacity * x).sum() / total == pytest.approx(20.3, abs=0.02)
    assert (paint.opacity * y).sum() / total == pytest.approx(15.8, abs=0.02)
    assert total == pytest.approx(np.pi * 4.6**2, rel=0.02)


def test_body_and_tail_are_opaque_on_their_line():
    """Paint covers the line and is gone far from it; the body is wider than the tail."""
    place = ribbon(SPINE, WINDOW)
    body = paint_body(place, MOUSE, fur_texture(np.random.default_rng(0)), 60.0, 1.0)
    tail = paint_tail(place, MOUSE, 60.0)
    for paint in (body, tail):
        assert paint.opacity[30, 25:75].min() == 1
        assert paint.opacity[:10].max() == 0
    assert body.opacity.sum() > 3 * tail.opacity.sum()


def test_what_is_on_top_hides_what_is_below():
    """Opaque paint over other paint shows only itself."""
    top = _paint_disc(np.array([20.0, 15.0]), WINDOW, radius=5.0, rim=(0.9, 0.0, 0.0), inner=(0.9, 0.0, 0.0))
    below = _paint_disc(np.array([22.0, 15.0]), WINDOW, radius=5.0, rim=(0.0, 0.9, 0.0), inner=(0.0, 0.9, 0.0))
    both = top.over(below)
    np.testing.assert_allclose(both.color[15, 20], [0.9, 0, 0], atol=1e-6)
    np.testing.assert_allclose(both.color[15, 26], [0, 0.9, 0], atol=1e-6)
    assert both.opacity.max() <= 1


def test_a_disc_on_top_is_the_same_as_a_layer():
    """Painting only the pixels around a disc gives what painting all of them gives."""
    look = {"radius": 4.6, "rim": (0.1, 0.1, 0.1), "inner": (0.5, 0.4, 0.4)}
    below = _paint_disc(np.array([24.0, 15.0]), WINDOW, **look)
    for center in (np.array([20.3, 15.8]), np.array([1.2, 58.9])):
        whole = _paint_disc(center, WINDOW, **look).over(below)
        part = with_disc(below, center, WINDOW, **look)
        np.testing.assert_allclose(part.color, whole.color, atol=1e-6)
        np.testing.assert_allclose(part.opacity, whole.opacity, atol=1e-6)
