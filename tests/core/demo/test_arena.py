"""The arena hides, shades and lights."""

import numpy as np
import pytest

from posecut_core.demo.scene import _WALL, Plank, _build_arena, _lighting

PLANK = Plank(x=60.0, y=50.0, angle=0.4)


@pytest.fixture(scope="module")
def arena():
    """A small arena."""
    return _build_arena(np.random.default_rng(0), height=96, width=128, plank=PLANK, floor_color=(0.6, 0.6, 0.6))


def test_a_plank_covers_its_area():
    """The covered share of all pixels adds up to length times width."""
    y, x = np.mgrid[:100, :120].astype(float)
    assert PLANK.cover(x, y).sum() == pytest.approx(PLANK.length * PLANK.width, rel=0.01)
    assert PLANK.cover(np.array([60.0]), np.array([50.0])) == 1


def test_walls_are_darker_than_the_floor(arena):
    """The arena's edge can be told from its floor."""
    assert arena.floor[:_WALL].mean() < 0.85 * arena.floor[70:80, 30:100].mean()


def test_floor_and_board_have_texture(arena):
    """Neither is a plain color, and all light is possible."""
    assert arena.floor[70:80, 30:100].std() > 0.01
    assert arena.board[arena.hidden[..., 0] > 0.5].std() > 0.02
    assert arena.floor.min() >= 0
    assert arena.floor.max() <= 1.2


def test_light_is_uneven_and_changes():
    """Light differs across the arena and over time, and never goes out."""
    light = _lighting(np.random.default_rng(1), frames=200, height=48, width=64)
    first, last = light.at(0), light.at(199)
    assert np.ptp(first) > 0.2
    assert np.abs(first - last).mean() > 0.01
    assert min(first.min(), last.min()) > 0.2
