"""Networks that disagree point at frames to label."""

import numpy as np
import pytest

from posecut_core.errors import AnalysisError
from posecut_core.refinement.candidates import Candidate
from posecut_core.refinement.heuristics import _disagreement


def test_the_widest_pair_counts(seen):
    """Of three networks the two farthest apart give the score, per bodypart."""
    one, two, three = seen([[0, 0], [0, 0]]), seen([[5, 0], [5, 0]]), seen([[-5, 0], [5, 0]])
    assert _disagreement([one, two, three], epsilon=8, first=40) == (Candidate(40, "disagreement", 10.0, ("a",)),)


def test_a_network_without_a_position_is_left_out(seen):
    """Where one network says nothing, the others are compared, and one alone agrees with itself."""
    one, two, three = seen([[0.0], [0.0]]), seen([[30.0], [np.nan]]), seen([[np.nan], [np.nan]])
    assert [found.number for found in _disagreement([one, two, three], epsilon=20)] == [0]


def test_one_network_cannot_disagree(seen):
    """The message says what else is needed."""
    with pytest.raises(AnalysisError, match="two or more"):
        _disagreement([seen([[0.0]])], epsilon=20)


def test_networks_of_other_videos_or_bodyparts_are_refused(seen):
    """Rows and bodyparts must be the same."""
    with pytest.raises(AnalysisError, match=r"other have 2 rows of a, those of net 1 rows of a"):
        _disagreement([seen([[0.0]]), seen([[0.0], [1.0]], scorer="other")], epsilon=20)
    with pytest.raises(AnalysisError, match="same bodyparts"):
        _disagreement([seen([[0.0]]), seen([[0.0, 1.0]])], epsilon=20)
