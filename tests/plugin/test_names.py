"""Where names of bodyparts are written, and in which color."""

import numpy as np
from hypothesis import given, strategies
from hypothesis.extra.numpy import arrays

from napari_posecut.layers.names import beside, readable

share = strategies.floats(0.0, 1.0)
WIDE = (-1000.0, 1000.0)  # edges of a picture that all names fit into


def test_names_are_written_away_from_the_animal():
    """Left of what lies left of its middle, right of what lies right; what has no marker has no name."""
    places = np.array([[20.0, 50.0], [np.nan, np.nan], [200.0, 50.0]])
    left, none, right = (name.text for name in beside(["snout", "neck", "tail"], places, picture=WIDE))
    assert left.startswith("snout  ")
    assert none == ""
    assert right.endswith("  tail")


def test_a_name_covers_no_marker_if_there_is_room_on_the_other_side():
    """Of bodyparts in a row, the inner ones too."""
    places = np.array([[0.0, 50.0], [60.0, 50.0], [75.0, 50.0], [160.0, 50.0]])
    placed = beside(["snout", "head", "neck", "tail"], places, picture=WIDE)
    assert [name.text[0] == " " for name in placed] == [False, False, True, True]
    assert [name.box[0] > x for name, x in zip(placed, places[:, 0], strict=True)] == [False, False, True, True]


def test_a_name_does_not_leave_the_picture_if_it_fits_on_the_other_side():
    """Kind: the snout of a mouse at the wall had its name beyond the edge, where the window cut it off."""
    places = np.array([[5.0, 50.0], [60.0, 80.0]])
    snout, tail = (name.text for name in beside(["snout", "tail"], places, picture=(0.0, 70.0)))
    assert (snout[0], tail[-1]) == (" ", " ")
    long = beside(["supercalifragilistic"], places[:1], picture=(0.0, 70.0))[0]  # fits on neither side
    assert long.text.endswith("supercalifragilistic")


@given(arrays(np.float64, (4, 3), elements=share), arrays(np.float64, 4, elements=share))
def test_letters_differ_from_their_ground(colors, ground):
    """By the contrast of 4.5 that is asked of web pages, whatever color is on whatever gray."""
    found = readable(colors, ground) ** 2.2 @ [0.2126, 0.7152, 0.0722]
    low, high = np.sort([found, ground**2.2], axis=0)
    assert ((high + 0.05) / (low + 0.05) >= 4.49).all()


def test_a_color_that_can_be_read_stays():
    """Yellow on black, and blue on white; blue on black gets brighter and stays blue."""
    yellow, blue = [1.0, 0.9, 0.0], [0.0, 0.0, 1.0]
    found = readable(np.array([yellow, blue, blue]), np.array([0.0, 1.0, 0.0]))
    np.testing.assert_array_equal(found[:2], [yellow, blue])
    assert found[2, 2] == 1.0 > found[2, 0] > 0.0
