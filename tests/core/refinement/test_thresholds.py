"""uncertain and jump find exactly the frames that their definition names."""

import numpy as np

from posecut_core.refinement.candidates import Candidate
from posecut_core.refinement.heuristics import _jump, _uncertain


def test_uncertain_is_below_the_bound(seen):
    """A frame counts if any bodypart is below p_bound; at p_bound it does not."""
    predictions = seen(np.zeros((4, 2)), [[0.9, 0.9], [0.1, 0.9], [0.05, 0.02], [0.9, 0.09]])
    found = _uncertain(predictions, p_bound=0.1)
    assert found == (Candidate(2, "uncertain", 0.02, ("a", "b")), Candidate(3, "uncertain", 0.09, ("b",)))


def test_jump_names_the_frame_after_the_step(seen):
    """A jump at frame 2 of a part that begins at frame 200 is frame 202; the way back is one too."""
    found = _jump(seen([[0, 5], [1, 5], [30, 5], [2, 5]]), epsilon=20, first=200)
    assert found == (Candidate(202, "jump", 29.0, ("a",)), Candidate(203, "jump", 28.0, ("a",)))


def test_the_first_frame_has_not_jumped(seen):
    """A bodypart far from the corner of the frame is no jump by itself."""
    assert _jump(seen([[500, 400], [500, 400]]), epsilon=0) == ()


def test_no_position_is_no_jump(seen):
    """A frame that could not be decoded raises no alarm, nor does the one after it."""
    assert _jump(seen([[0.0], [np.nan], [100.0], [100.0]]), epsilon=1) == ()
