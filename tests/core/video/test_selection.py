"""Choosing frames: exact counts, exact windows, repeatable, and unlike each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posecut_core.errors import ArgumentError
from posecut_core.video.extraction import _kmeans_ranking, _uniform_ranking, window


@pytest.mark.parametrize(
    ("count", "start", "stop", "numbers"),
    [
        (10, 0.0, 0.7, range(0, 7)),  # in floating point 0.7 * 10 is above 7
        (30, 0.1, 1.0, range(3, 30)),
        (100, 0.29, 0.58, range(29, 58)),
        (7, 0.5, 0.6, range(3, 5)),
        (1, 0.0, 1.0, range(0, 1)),
        (2330, 0.0, 1.0, range(0, 2330)),
    ],
)
def test_a_window_is_exact(count, start, stop, numbers):
    """Fractions stand for the decimal numbers written, rounded outwards to frames."""
    assert window(count, start=start, stop=stop) == numbers


@pytest.mark.parametrize(("start", "stop"), [(0.5, 0.5), (0.6, 0.5), (-0.1, 1.0), (0.0, 1.1), (float("nan"), 1.0)])
def test_an_impossible_window_is_refused(start, stop):
    """The sentence names both values and the rule."""
    with pytest.raises(ArgumentError, match="0 <= start < stop <= 1"):
        window(100, start=start, stop=stop)


@given(count=st.integers(1, 300), wanted=st.integers(1, 40), seed=st.integers(0, 99))
def test_uniform_draws_the_number_wanted(count, wanted, seed):
    """Exactly as many different frames as wanted, or all; sorted; the same for the same seed."""
    ranking = _uniform_ranking(np.arange(count), seed=seed)
    numbers = np.sort(ranking[:wanted])
    assert numbers.size == min(count, wanted)
    assert (np.diff(numbers) > 0).all()
    assert set(numbers.tolist()) <= set(range(count))
    np.testing.assert_array_equal(ranking, _uniform_ranking(np.arange(count), seed=seed))


def test_uniform_can_draw_any_frame_of_the_window():
    """The first and the last frame of the window can be drawn, and none outside."""
    part = np.array(window(20, start=0.5, stop=1.0))
    drawn = {int(number) for seed in range(200) for number in _uniform_ranking(part, seed=seed)[:3]}
    assert drawn == set(range(10, 20))


@settings(max_examples=20, deadline=None)
@given(rows=st.integers(1, 60), kinds=st.integers(1, 8), wanted=st.integers(1, 20), seed=st.integers(0, 9))
def test_kmeans_chooses_the_number_wanted(rows, kinds, wanted, seed):
    """Exactly as many frames as wanted, or all, even if fewer than that look different."""
    features = np.random.default_rng(seed).integers(0, 256, (kinds, 6), dtype=np.uint8)[np.arange(rows) % kinds]
    numbers = np.sort(_kmeans_ranking(features, np.arange(rows) * 3, number_of_frames=wanted, seed=seed)[:wanted])
    assert numbers.size == min(rows, wanted)
    assert (np.diff(numbers) > 0).all()
    assert (numbers % 3 == 0).all()


def test_kmeans_finds_what_is_rare():
    """Of three looks, one in a single frame, each is chosen once."""
    features = np.zeros((101, 12), np.uint8)
    features[40:80] = 120
    features[100] = 255
    numbers = _kmeans_ranking(features, np.arange(101), number_of_frames=3, seed=0)[:3]
    assert sorted(int(features[number, 0]) for number in numbers) == [0, 120, 255]


def test_kmeans_may_choose_frame_0_and_repeats_itself():
    """Frame 0 is a frame like others, and one seed gives one choice."""
    features = np.random.default_rng(1).integers(0, 256, (40, 6), dtype=np.uint8)
    choices = [tuple(_kmeans_ranking(features, np.arange(40), number_of_frames=10, seed=s)[:10]) for s in range(20)]
    assert any(0 in choice for choice in choices)
    assert choices[7] == tuple(_kmeans_ranking(features, np.arange(40), number_of_frames=10, seed=7)[:10])
    assert len(set(choices)) > 1
