"""Edits drawn at random, for what must hold of any of them."""

from hypothesis import strategies as st

from posecut_core.errors import LabelError
from posecut_core.labels import edits
from posecut_core.labels.edits import History, Together

FRAMES, PARTS = st.integers(0, 3), st.sampled_from(["nose", "tail"])
POSITIONS = st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
SINGLE = st.one_of(
    st.builds(edits.Place, FRAMES, PARTS, POSITIONS),
    st.builds(edits.Move, FRAMES, PARTS, POSITIONS),
    st.builds(edits.Delete, FRAMES, PARTS),
    st.builds(edits.Propose, FRAMES, PARTS, POSITIONS, st.floats(0, 1), st.just("net"), st.just(720)),
    st.builds(edits.Accept, FRAMES, PARTS),
    st.builds(edits.MarkOccluded, FRAMES, PARTS, st.none() | POSITIONS),
    st.builds(edits.MarkAbsent, FRAMES, PARTS),
    st.builds(edits.DropFrame, FRAMES),
    st.builds(edits.RestoreFrame, FRAMES),
    st.builds(edits.Identify, st.dictionaries(FRAMES, st.sampled_from(["", "0" * 32]), max_size=2)),
)
EDITS = SINGLE | st.builds(Together, st.lists(SINGLE, max_size=3).map(tuple))
STEPS = EDITS | st.just(edits.Undo()) | st.just(edits.Redo())


def made(steps):
    """Return the steps that can be made one after the other, and the history after each."""
    history, kept = History(), []
    for step in steps:
        try:
            history = history.after(step)
        except LabelError:
            continue
        kept.append((step, history))
    return kept
