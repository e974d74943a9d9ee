"""Edits do what they are called, and can be inverted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posecut_core.errors import LabelError
from posecut_core.labels.edits import (
    Accept,
    Begin,
    Delete,
    DropFrame,
    MarkAbsent,
    MarkOccluded,
    Move,
    Place,
    Propose,
    RestoreFrame,
    Together,
    Undo,
    _invert,
    apply,
    frames_of,
)
from posecut_core.labels.state import Frame, LabelOrigin, LabelState, Point
from tests.core.labels.edit_strategies import EDITS, made

DRAFT = Propose(3, "nose", (5.0, 6.0), 0.4, "net", 720)
REFINED = LabelOrigin("refined", 0.4, "net", 720)


def after(*edits):
    state = LabelState()
    for edit in edits:
        state = apply(state, edit)
    return state.point(3, "nose")


def test_a_person_decides_about_drafts():
    """Accepted and moved drafts are refined and know their machine; placing anew is human."""
    assert after(DRAFT) == Point("proposed", (5.0, 6.0), LabelOrigin("machine", 0.4, "net", 720))
    assert after(DRAFT, Accept(3, "nose")) == Point("placed", (5.0, 6.0), REFINED)
    assert after(DRAFT, Move(3, "nose", (7.0, 8.0))) == Point("placed", (7.0, 8.0), REFINED)
    assert after(DRAFT, Place(3, "nose", (7.0, 8.0))) == Point("placed", (7.0, 8.0))


def test_states_are_told_apart():
    """Unset, hidden with and without a place, and absent are different things."""
    assert after(Place(3, "nose", (1.0, 2.0)), Delete(3, "nose")) is None
    assert after(MarkOccluded(3, "nose")) == Point("occluded")
    assert after(MarkOccluded(3, "nose", (1.0, 2.0)), Move(3, "nose", (2.0, 2.0))) == Point("occluded", (2.0, 2.0))
    assert after(Place(3, "nose", (1.0, 2.0)), MarkAbsent(3, "nose")) == Point("absent")


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ([Accept(3, "nose")], "nose in frame 3 is unset, expected a suggestion to accept"),
        ([Move(3, "nose", (1.0, 1.0))], "expected a label or suggestion with a position"),
        ([MarkAbsent(3, "nose"), Move(3, "nose", (1.0, 1.0))], "is absent"),
        ([Place(3, "nose", (1.0, 1.0)), DRAFT], "is placed, expected an unset bodypart or a suggestion"),
        ([MarkAbsent(3, "nose"), DRAFT], "is absent, expected an unset bodypart"),
        ([Place(3, "nose", (1.0, float("inf")))], "two finite numbers"),
        ([DropFrame(3), Place(3, "nose", (1.0, 1.0))], "Frame 3 was dropped"),
        ([DropFrame(3), DropFrame(3)], "Frame 3 is already dropped"),
        ([RestoreFrame(3)], "Frame 3 is not dropped"),
    ],
)
def test_what_cannot_be_done_is_refused(edits, words):
    """The message says what was found; a draft never replaces what a person has said."""
    with pytest.raises(LabelError, match=words):
        after(*edits)


@settings(deadline=None)
@given(st.lists(EDITS, max_size=8))
def test_every_edit_can_be_inverted(edits):
    """The inverse of an edit leads back to where it began."""
    state = LabelState()
    for edit, history in made(edits):
        assert apply(history.state, _invert(state, edit)) == state
        state = history.state


def test_beginning_sets_everything():
    """It is inverted by beginning as before."""
    old, new = LabelState({1: Frame(dropped=True)}), {2: Frame(image="a")}
    assert apply(old, Begin(new)) == LabelState(new)
    assert _invert(old, Begin(new)) == Begin(old.frames)


def test_frames_of_an_edit_are_each_named_once():
    """Also of edits that hold others."""
    assert frames_of(Together((Place(9, "a", (0.0, 0.0)), Delete(3, "a"), Delete(9, "b")))) == (3, 9)
    assert (frames_of(Undo()), frames_of(Begin({4: Frame(), 2: Frame()})), frames_of(DropFrame(1))) == (
        (),
        (2, 4),
        (1,),
    )
