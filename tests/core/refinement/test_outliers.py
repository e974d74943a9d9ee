"""One function leads to every heuristic, with frame numbers of the whole video."""

import numpy as np
import pytest

from posecut_core.errors import AnalysisError, ArgumentError
from posecut_core.refinement.candidates import Criteria, numbers_of
from posecut_core.refinement.heuristics import Evidence, find_outliers, learn_poses


@pytest.fixture
def evidence(seen):
    """40 frames of three bodyparts that stand still, but for frame 30, where all is wrong with the first."""
    x = np.tile([10.0, 20.0, 35.0], (40, 1))
    likelihood = np.ones((40, 3))
    other = seen(x.copy(), scorer="other")
    x[30, 0], likelihood[30, 0] = 90.0, 0.001
    sizes = np.linspace(0.9, 1.1, 8)[:, None] * [10.0, 20.0, 35.0]
    labels = np.stack([sizes, np.zeros((8, 3))], axis=-1)
    return Evidence(seen(x, likelihood), (other,), learn_poses(labels), (35, 3))


@pytest.mark.parametrize(
    ("algorithm", "numbers"),
    [
        ("uncertain", (30,)),
        ("jump", (30, 31)),
        ("fitting", (30,)),
        ("pca", (30,)),
        ("disagreement", (30,)),
        ("list", (3, 35)),
        ("manual", (3, 35)),
    ],
)
def test_each_heuristic_finds_its_frame(evidence, algorithm, numbers):
    """Looking at frames 20 to 39 only, numbers are those of the whole video."""
    found = find_outliers(evidence, Criteria(algorithm), frames=range(20, 40))
    assert numbers_of(found) == numbers
    assert {one.reason for one in found} == {algorithm}


@pytest.mark.parametrize("algorithm", ["uncertain", "jump", "fitting", "pca", "disagreement"])
def test_what_lies_outside_the_part_is_not_found(evidence, algorithm):
    """Nothing is wrong before frame 30."""
    assert find_outliers(evidence, Criteria(algorithm), frames=range(0, 30)) == ()


def test_frames_chosen_by_hand_must_be_there(evidence, seen):
    """None given, or one past the end, is said."""
    with pytest.raises(ArgumentError, match="no frame numbers"):
        find_outliers(Evidence(evidence.predictions), Criteria("manual"), frames=range(40))
    with pytest.raises(ArgumentError, match="frame 40 is out of range"):
        find_outliers(Evidence(evidence.predictions, numbers=(1, 40)), Criteria("list"), frames=range(40))


def test_one_network_is_not_enough(evidence):
    """Disagreement asks for another network."""
    with pytest.raises(AnalysisError, match="two or more"):
        find_outliers(Evidence(evidence.predictions), Criteria("disagreement"), frames=range(40))
