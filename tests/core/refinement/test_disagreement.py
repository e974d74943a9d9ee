"""Networks that disagree point at frames to label."""

from dataclasses import replace

import numpy as np
import pytest

from posecut_core.errors import AnalysisError
from posecut_core.refinement.candidates import Candidate, Criteria
from posecut_core.refinement.heuristics import Evidence, _disagreement, find_outliers


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


def test_frames_in_which_an_ensemble_spreads_are_found(seen):
    """The greatest spread is the score, and the bodyparts above it are named; a frame without one is no candidate."""
    spread = np.array([[1.0, 30.0], [2.0, 3.0], [np.nan, np.nan], [25.0, 40.0]])
    evidence = Evidence(replace(seen([[0, 0]] * 4), spread=spread))
    found = find_outliers(evidence, Criteria("spread", epsilon=20), frames=range(1, 4))
    assert found == (Candidate(3, "spread", 40.0, ("a", "b")),)
    whole = find_outliers(evidence, Criteria("spread", epsilon=20), frames=range(4))
    assert [(one.number, one.bodyparts) for one in whole] == [(0, ("b",)), (3, ("a", "b"))]


def test_one_network_has_no_spread(seen):
    """The message says what else is needed."""
    with pytest.raises(AnalysisError, match="those of one network, but a spread needs several"):
        find_outliers(Evidence(seen([[0.0]])), Criteria("spread"), frames=range(1))


def test_networks_of_other_videos_or_bodyparts_are_refused(seen):
    """Rows and bodyparts must be the same."""
    with pytest.raises(AnalysisError, match=r"other have 2 rows of a, those of net 1 rows of a"):
        _disagreement([seen([[0.0]]), seen([[0.0], [1.0]], scorer="other")], epsilon=20)
    with pytest.raises(AnalysisError, match="same bodyparts"):
        _disagreement([seen([[0.0]]), seen([[0.0, 1.0]])], epsilon=20)
