"""Edits are made of plain numbers before anything is written."""

import numpy as np
import pytest
from msgspec.structs import force_setattr

from posecut_core.errors import LabelError
from posecut_core.labels.edits import MarkOccluded, Place, Propose, Redo, Together, Undo, encode, plain_entry


def given(edit, **values):
    """Return an edit with values that annotations do not allow, as a program without a type checker makes it."""
    for name, value in values.items():
        force_setattr(edit, name, value)
    return edit


def test_numbers_of_numpy_become_plain():
    """Also inside other edits, and as an array."""
    place = given(Place(1, "nose", (0.0, 0.0)), frame=np.int64(3), xy=(np.float32(1.5), np.int64(2)))
    draft = given(
        Propose(1, "nose", (0.0, 0.0), 0.0), xy=np.array([1, 2]), likelihood=np.float32(0.5), snapshot=np.int8(7)
    )
    found = plain_entry(Together((place, draft)))
    assert found == Together((Place(3, "nose", (1.5, 2.0)), Propose(1, "nose", (1.0, 2.0), 0.5, "", 7)))
    values = [value for part in encode(found)["edits"] for value in (part["frame"], *part["xy"])]
    assert [type(value) for value in values] == 2 * [int, float, float]


def test_what_is_plain_stays():
    """Undoing, redoing, and hidden bodyparts without a place."""
    for step in (Undo(), Redo(), MarkOccluded(3, "nose"), Place(3, "nose", (1.0, 2.0))):
        assert plain_entry(step) == step


@pytest.mark.parametrize("likelihood", [np.nan, np.inf, -0.1, np.float32(1.5), "0.5"])
def test_what_is_no_likelihood_is_refused(likelihood):
    """NaN is nothing that a journal can hold."""
    edit = given(Propose(3, "nose", (1.0, 2.0), 0.5), likelihood=likelihood)
    with pytest.raises(LabelError, match="expected a number from 0 to 1"):
        plain_entry(Together((edit,)))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"xy": (1.0,)}, "expected two numbers"),
        ({"xy": (1.0, 2.0, 3.0)}, "expected two numbers"),
        ({"xy": ("a", 2.0)}, "expected two numbers"),
        ({"xy": 1.0}, "expected two numbers"),
        ({"frame": 1.5}, "expected a whole number"),
        ({"bodypart": None}, "expected its identity"),
    ],
)
def test_what_is_no_position_is_refused(values, words):
    """One sentence says what was given."""
    with pytest.raises(LabelError, match=words):
        plain_entry(given(Place(3, "nose", (1.0, 2.0)), **values))
