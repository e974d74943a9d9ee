"""Candidates carry frame numbers of the whole video, whatever part was looked at."""

import numpy as np

from posecut_core.refinement.candidates import Candidate, candidates_at, given_frames, numbers_of


def test_rows_become_frame_numbers():
    """Row 2 of a part that begins at frame 100 is frame 102."""
    concerned = np.array([[False, False], [True, False], [True, True]])
    found = candidates_at(
        np.array([0.0, 5.0, 7.0]),
        concerned,
        reason="jump",
        bodyparts=("a", "b"),
        first=100,
    )
    assert found == (Candidate(101, "jump", 5.0, ("a",)), Candidate(102, "jump", 7.0, ("a", "b")))
    assert numbers_of(found) == (101, 102)


def test_chosen_frames_are_sorted_and_counted_once():
    """Frames that a person names come in order, each once, without a score."""
    found = given_frames((9, 2, 9), reason="list")
    assert [(one.number, one.reason, one.bodyparts) for one in found] == [(2, "list", ()), (9, "list", ())]
    assert np.isnan(found[0].score)
