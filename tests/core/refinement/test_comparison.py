"""Several heuristics held against each other."""

from posecut_core.refinement.candidates import best_heuristic, found_twice, is_mostly_wrong

FOUND = {"jump": (3, 4), "uncertain": (3, 4, 9), "pca": (), "fitting": tuple(range(40))}


def test_frames_that_two_heuristics_find_count_once():
    """A frame that one names twice is found by one."""
    assert found_twice({**FOUND, "pca": (7, 7)}) == {3, 4, 9, 7}
    assert found_twice({"jump": (3, 3)}) == set()


def test_the_heuristic_fits_best_whose_few_frames_others_find_too():
    """One that marks a great part of the frames is passed over, and so is one that finds nothing."""
    assert best_heuristic({**FOUND, "uncertain": (3, 4, 50)}, 100) == "jump"
    assert best_heuristic(FOUND, 100) == "uncertain"  # the one that finds more, as others find all frames of both
    assert best_heuristic({"fitting": range(40), "jump": range(50)}, 100) == "fitting"
    assert best_heuristic({"jump": ()}, 100) is None


def test_a_video_is_mostly_wrong_where_two_heuristics_say_so():
    """One heuristic alone may be set too sharply; where no other was asked, its word is taken."""
    assert not is_mostly_wrong({"jump": range(90), "uncertain": range(10)}, 100)
    assert is_mostly_wrong({"jump": range(90), "uncertain": range(60)}, 100)
    assert is_mostly_wrong({"jump": range(51)}, 100)
    assert not is_mostly_wrong({"jump": range(50)}, 100)
