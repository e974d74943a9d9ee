"""Criteria that cannot find anything are refused when they are made."""

import inspect
from typing import get_args

import pytest

from posecut_core import extract_outlier_frames, find_outlier_frames
from posecut_core.errors import ArgumentError
from posecut_core.refinement.candidates import Criteria, criteria_from
from posecut_core.types import OutlierAlgorithm


@pytest.mark.parametrize("name", get_args(OutlierAlgorithm))
def test_each_algorithm_has_defaults(name):
    """Naming the heuristic is enough."""
    assert Criteria(name).epsilon == 20


@pytest.mark.parametrize("step", [extract_outlier_frames, find_outlier_frames])
def test_steps_have_the_same_defaults(step):
    """What the steps say that they do by default is what criteria are by default."""
    defaults = {name: parameter.default for name, parameter in inspect.signature(step).parameters.items()}
    assert vars(Criteria()).items() <= defaults.items()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"outlieralgorithm": "jumps"}, "outlieralgorithm is 'jumps', expected jump, .* or manual"),
        ({"epsilon": -1.0}, "epsilon is -1.0, expected a number of at least 0"),
        ({"epsilon": float("nan")}, "epsilon is nan"),
        ({"p_bound": 1.5}, "p_bound is 1.5, expected a number from 0 to 1"),
        ({"alpha": 0.0}, "alpha is 0.0, expected a number above 0 and up to 1"),
        ({"ARdegree": 0, "MAdegree": -1}, "ARdegree is 0, .*; MAdegree is -1, expected a whole number of at least 0"),
    ],
)
def test_impossible_criteria_are_refused(wrong, message):
    """The message says what was found and what is expected."""
    with pytest.raises(ArgumentError, match=message):
        criteria_from(**wrong)
