"""Labels as tables, and tables as edits."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from posecut_core.labels.edits import Delete, MarkAbsent, Place, RestoreFrame, Together, apply
from posecut_core.labels.state import Frame, LabelOrigin, LabelState, Point
from posecut_core.labels.table import LabelTable, edits_to, frames_of_table, table_of

COLUMNS = {"tail": "tail", "nose": "snout"}
NAMES = {"tail": "tail", "snout": "nose"}
DRAFT = Point("proposed", (9.0, 9.0), LabelOrigin("machine", 0.4))
REFINED = Point("placed", (1.0, 2.0), LabelOrigin("refined", 0.4))
NAN = [np.nan, np.nan]
STATE = LabelState(
    {
        3: Frame(points={"nose": REFINED, "tail": Point("absent")}),
        5: Frame(points={"nose": DRAFT, "tail": Point("occluded", (3.0, 4.0)), "gone": Point("absent")}),
        7: Frame(points={"nose": DRAFT}),
        8: Frame(points={"nose": REFINED}, dropped=True),
        9: Frame(points={"nose": Point("occluded")}),
    }
)


def table(numbers, xy, looked=None, bodyparts=("tail", "snout")):
    return LabelTable("m1", bodyparts, np.array(numbers, np.int64), np.array(xy, dtype=float), looked)


def test_only_what_persons_said_is_tabulated():
    """Drafts and dropped frames are left out; absent and hidden without a place were looked for."""
    found = table_of(STATE, "m1", COLUMNS)
    assert (found.bodyparts, found.numbers.tolist()) == (("tail", "snout"), [3, 5, 9])
    np.testing.assert_array_equal(found.xy, [[NAN, [1, 2]], [[3, 4], NAN], [NAN, NAN]])
    assert found.annotated.tolist() == [[True, True], [True, False], [False, True]]


def test_a_video_without_labels_has_an_empty_table():
    """Its columns are there."""
    assert table_of(LabelState(), "m1", COLUMNS).xy.shape == (0, 2, 2)


CELLS = st.none() | st.booleans() | st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
ROWS = st.dictionaries(st.integers(0, 5), st.tuples(CELLS, CELLS), max_size=4)


def drawn(rows):
    numbers = sorted(rows)
    cells = [[cell if isinstance(cell, tuple) else NAN for cell in rows[number]] for number in numbers]
    looked = [[bool(cell) for cell in rows[number]] for number in numbers]
    shape = (len(rows), 2)
    return table(numbers, np.reshape(cells, (*shape, 2)), np.reshape(looked, shape).astype(bool))


@settings(deadline=None)
@given(ROWS, ROWS)
def test_edits_lead_to_the_table(before, after):
    """Whatever was there, its frames are as the table says, and the others as they were or unset."""
    state, wanted = LabelState(frames_of_table(drawn(before), NAMES)), drawn(after)
    both = apply(state, Together(edits_to(state, wanted, NAMES, remove_others=False)))
    only = apply(state, Together(edits_to(state, wanted, NAMES, remove_others=True)))
    assert plain(only.frames) == plain(frames_of_table(wanted, NAMES))
    others = {number: frame for number, frame in state.frames.items() if number not in after}
    assert plain(both.frames) == plain({**others, **only.frames})


def plain(frames):
    """Return the frames with points, whether they were listed without any or not."""
    return {number: frame.points for number, frame in frames.items() if frame.points}


def test_what_is_so_already_needs_no_edit():
    """Origins of labels that a table does not change are kept, and so are drafts."""
    assert edits_to(STATE, table_of(STATE, "m1", COLUMNS), NAMES, remove_others=False) == ()


def test_each_kind_of_change_has_its_edit():
    """Moved, missed, not looked for, taken back in, and of other frames; one that was dropped stays as it is."""
    wanted = table([3, 8], [[[1, 1], NAN], [NAN, [1, 2]]], np.array([[True, True], [False, True]]))
    assert edits_to(STATE, wanted, NAMES, remove_others=False) == (
        RestoreFrame(8),
        Place(3, "tail", (1.0, 1.0)),
        MarkAbsent(3, "nose"),
    )
    assert edits_to(STATE, table([5], [[[3, 4], NAN]]), NAMES, remove_others=True) == (
        Delete(3, "nose"),
        Delete(3, "tail"),
        Delete(9, "nose"),
    )
    unset = table([3], [[NAN]], np.array([[False]]), bodyparts=("snout",))
    assert edits_to(STATE, unset, NAMES, remove_others=False) == (Delete(3, "nose"),)
