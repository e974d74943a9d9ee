"""Positions and keypoints as napari has them, and back."""

import hypothesis
import hypothesis.extra.numpy as arrays
import numpy as np
from hypothesis import strategies

from napari_posecut.labeling.keypoints import Keypoint
from napari_posecut.layers.convert import _to_row_column, dotted_lines, markers, positions, to_xy

numbers = strategies.floats(-1e4, 1e4)
COLORS = np.array([(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)])


@hypothesis.given(xy=strategies.tuples(numbers, numbers))
def test_a_position_comes_back(xy):
    """(x, y) -> (row, column) -> (x, y) is the same, also with a frame's number before it."""
    assert to_xy(_to_row_column(xy)) == xy
    assert to_xy((7.0, *_to_row_column(xy))) == xy


@hypothesis.given(xy=arrays.arrays(np.float64, (3, 2), elements=numbers))
def test_positions_of_marks_come_back(xy):
    """Keypoints -> markers -> positions are the same as the keypoints' own."""
    keypoints = [Keypoint(str(part), str(part), "placed", tuple(place)) for part, place in enumerate(xy.tolist())]
    np.testing.assert_array_equal(positions(keypoints), xy)
    np.testing.assert_array_equal([to_xy(place) for place in markers(keypoints, COLORS).data], xy)


def test_looks_tell_the_states():
    """Proposals are hollow, labels filled, hidden ones square; without a position none is shown."""
    keypoints = [
        Keypoint("a", "a", "proposed", (1.0, 2.0), 0.3),
        Keypoint("b", "b", "occluded", (3.0, 4.0)),
        Keypoint("c", "c", "absent"),
    ]
    look = markers(keypoints, COLORS, elsewhere=(9.0, 8.0))
    assert look.data.tolist() == [[2.0, 1.0], [4.0, 3.0], [9.0, 8.0]]
    assert look.shown.tolist() == [True, True, False]
    assert look.face[0, 3] == 0.0 < look.face[1, 3] < 1.0
    assert look.symbol[:2] == ["disc", "square"]
    np.testing.assert_array_equal(look.border[:, :3], COLORS)
    assert look.border[:, 3].tolist() == [1.0, 1.0, 0.0]


def test_no_bodyparts_are_no_markers():
    """A frame without keypoints has no points."""
    look = markers([], np.zeros((0, 3)))
    assert look.data.shape == (0, 2)
    assert look.face.shape == (0, 4)


def test_dots_lead_from_bodypart_to_bodypart():
    """A line begins at one bodypart and reaches the other; without one of them its dots are nowhere."""
    xy = np.array([(1.0, 2.0), (4.0, 6.0), (np.nan, np.nan)])
    drawn = dotted_lines(xy, [(0, 1), (1, 2)], dots=3)
    assert drawn[:3].tolist() == [[2.0, 1.0], [4.0, 2.5], [6.0, 4.0]]
    assert np.isnan(drawn[3:]).all()
    assert dotted_lines(xy, [], dots=3).shape == (0, 2)
