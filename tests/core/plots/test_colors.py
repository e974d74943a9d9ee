"""Colors of bodyparts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecut_core.errors import ArgumentError
from posecut_core.plots.colors import bytes_of, colors_of, named_color


@given(st.integers(min_value=0, max_value=30), st.sampled_from(["rainbow", "hsv", "jet", "viridis_r", "hsv_r"]))
def test_each_bodypart_has_its_own_color(count, colormap):
    """A continuous or cyclic colormap gives as many different colors as asked for."""
    colors = colors_of(colormap, count)
    assert colors.shape == (count, 3)
    assert len(np.unique(colors, axis=0)) == count


def test_a_list_of_colors_is_taken_in_its_order_and_repeats():
    """tab10 gives its ten colors in order, then begins anew."""
    colors = colors_of("tab10", 12)
    np.testing.assert_allclose(colors[0], np.array([0x1F, 0x77, 0xB4]) / 255)
    np.testing.assert_array_equal(colors[10:], colors[:2])


def test_bytes_reach_both_ends():
    """0 and 1 become 0 and 255."""
    np.testing.assert_array_equal(bytes_of(np.array([[0.0, 0.5, 1.0]])), [[0, 128, 255]])


def test_an_unknown_colormap_names_those_near_it():
    """The message offers the spelling that was meant."""
    with pytest.raises(ArgumentError, match=r"'rainbw' is not a colormap .* rainbow"):
        colors_of("rainbw", 3)
    with pytest.raises(ArgumentError, match="write rainbow"):
        colors_of("%%%%%", 3)


def test_an_unknown_color_names_those_near_it():
    """Colors of the skeleton are known by name or as #rrggbb; others are refused."""
    np.testing.assert_array_equal(named_color("#ff0000"), [1, 0, 0])
    with pytest.raises(ArgumentError, match=r"'blakc' is not a color .*black"):
        named_color("blakc")
