"""Criteria that cannot find anything are refused when they are made."""

import pytest

from posecut_core.errors import ArgumentError
from posecut_core.refinement.candidates import _ALGORITHMS, Criteria


@pytest.mark.parametrize("name", _ALGORITHMS)
def test_each_algorithm_has_defaults(name):
    """Naming the heuristic is enough."""
    assert Criteria(name).epsilon == 20


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"outlieralgorithm": "jumps"}, "perhaps 'jump'"),
        ({"epsilon": -1.0}, "epsilon is -1"),
        ({"epsilon": float("nan")}, "epsilon is nan"),
        ({"p_bound": 1.5}, "p_bound is 1.5"),
        ({"alpha": 0.0}, "alpha is 0"),
        ({"ARdegree": 0}, "ARdegree is 0"),
        ({"MAdegree": -1}, "MAdegree -1"),
    ],
)
def test_impossible_criteria_are_refused(wrong, message):
    """The message says what was found and what is usual."""
    with pytest.raises(ArgumentError, match=message):
        Criteria(**wrong)
