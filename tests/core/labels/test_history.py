"""Undo and redo know no end."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posecut_core.errors import LabelError
from posecut_core.labels.edits import Begin, History, Identify, Place, Redo, Undo, follow, replay
from posecut_core.labels.state import Frame, LabelState
from tests.core.labels.edit_strategies import SINGLE, STEPS, made

ONE, TWO = Place(1, "nose", (1.0, 1.0)), Place(2, "nose", (2.0, 2.0))


@settings(deadline=None)
@given(st.lists(SINGLE, max_size=10))
def test_undoing_all_leads_to_the_beginning_and_redoing_all_to_the_end(edits):
    """Pixel hashes, which are no change of labels, stay."""
    kept = [step for step, _ in made(edits) if not isinstance(step, Identify)]
    history = end = replay(kept)
    for _ in kept:
        history = history.after(Undo())
    assert history.state == LabelState()
    for _ in kept:
        history = history.after(Redo())
    assert history.state == end.state


@settings(deadline=None)
@given(st.lists(STEPS, max_size=10))
def test_a_journal_leads_to_the_same_labels_again(steps):
    """Replaying what could be made gives what was there."""
    kept = made(steps)
    assert replay(step for step, _ in kept).state == (kept[-1][1].state if kept else LabelState())


def test_a_new_edit_ends_redoing():
    """What was taken back and is not wanted any more stays taken back."""
    history = replay([ONE, Undo(), TWO])
    with pytest.raises(LabelError, match="nothing to redo"):
        history.after(Redo())
    assert history.after(Undo()).state == LabelState()
    with pytest.raises(LabelError, match="nothing to undo"):
        History().after(Undo())


def test_noting_pixels_is_passed_over():
    """It neither ends redoing nor is it undone."""
    history = replay([ONE, Undo(), Identify({1: "a"}), Redo(), Undo()])
    assert history.state == LabelState({1: Frame(image="a")})


def test_the_beginning_cannot_be_undone():
    """The labels that were there before the journal stay."""
    with pytest.raises(LabelError, match="nothing to undo"):
        replay([Begin({1: Frame(image="a")})]).after(Undo())


def test_following_ends_at_what_cannot_follow():
    """What was done before it stays, and its number is told."""
    history, count = follow([ONE, TWO, Redo(), Undo()])
    assert (history.state, count) == (replay([ONE, TWO]).state, 2)
    assert follow([ONE, TWO])[1] == 2
