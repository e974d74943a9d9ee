"""Edits and frames come back from JSON as they were."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posecut_core.errors import LabelError
from posecut_core.labels.edits import (
    Accept,
    Begin,
    Delete,
    DropFrame,
    Identify,
    MarkAbsent,
    MarkOccluded,
    Move,
    Place,
    Propose,
    Redo,
    Restore,
    RestoreFrame,
    Together,
    Undo,
    decode,
    decode_frames,
    encode,
    encode_frames,
)
from posecut_core.labels.state import Frame, LabelOrigin, Point
from posecut_core.storage.journal import _parse_journal, journal_line
from tests.core.labels.edit_strategies import STEPS, made

GOLDEN = Path(__file__).parents[2] / "golden" / "edits.jsonl"  # written by PoseCut 0.1.0
IMAGE = "0f" * 32
POINTS = {
    "b2": Point("placed", (1.0, 2.5)),
    "b1": Point("proposed", (1e16, 1e-5), LabelOrigin("machine", 0.25, "net", 720)),
}
OTHERS = {
    "b1": Point("occluded"),
    "b2": Point("absent"),
    "b3": Point("placed", (3.0, 4.0), LabelOrigin("refined", 0.5, "net")),
}
EVERY = (
    Begin({12: Frame(image=IMAGE, points=POINTS), 9: Frame(dropped=True, points=OTHERS), 2: Frame(listed=True)}),
    Identify({12: IMAGE, 9: ""}),
    Place(3, "b1", (10.0, -0.0)),
    Move(3, "b1", (0.1, 2.0)),
    Delete(3, "b1"),
    Propose(3, "b1", (1.5, 2.5), 0.875, "PoseCut_é", 720),
    Propose(3, "b1", (1.5, 2.5), 1.0),
    Accept(3, "b1"),
    MarkOccluded(3, "b1"),
    MarkOccluded(3, "b1", (1.0, 2.0)),
    MarkAbsent(3, "b1"),
    DropFrame(3),
    RestoreFrame(3),
    Restore(3, "b1", None),
    Restore(3, "b1", Point("proposed", (1.0, 2.0), LabelOrigin("machine", 0.5))),
    Restore(3, "b1", Point("placed", (1.0, 2.0), LabelOrigin("human"))),
    Together((Place(3, "b1", (1.0, 2.0)), Delete(4, "b2"))),
    Undo(),
    Redo(),
)


def test_every_edit_has_the_bytes_of_the_first_version():
    """A journal is one file for all versions: what was written stays readable, and is written in the same way."""
    content = GOLDEN.read_bytes()
    assert b"".join(journal_line(number, encode(step)) for number, step in enumerate(EVERY, 1)) == content
    assert [decode(record) for _, record in _parse_journal(content).records] == list(EVERY)


def through_json(value):
    return json.loads(json.dumps(value, allow_nan=False))


@settings(deadline=None)
@given(st.lists(STEPS, max_size=6))
def test_reading_undoes_writing(steps):
    """Every kind of edit, and the frames that edits lead to, bit by bit."""
    assert [decode(through_json(encode(step))) for step in steps] == steps
    for _, history in made(steps):
        frames = history.state.frames
        assert decode_frames(through_json(encode_frames(frames))) == frames
        assert decode(through_json(encode(Begin(frames)))) == Begin(frames)


@pytest.mark.parametrize("point", [None, Point("absent"), Point("occluded", (1.0, 2.0))])
def test_what_is_restored_comes_back(point):
    """Also where it is nothing, and inside other edits."""
    edit = Together((Restore(3, "nose", point),))
    assert decode(through_json(encode(edit))) == edit


@pytest.mark.parametrize(
    "value",
    [
        {"op": "fly"},
        {},
        {"op": "place", "frame": 3},
        {"op": "place", "frame": 3, "bodypart": "nose", "xy": [1]},
        {"op": "together", "edits": [{"op": "undo"}]},
        {"op": "begin", "frames": {"3": {"points": {"nose": {"state": "placed"}}}}},
        {"op": "begin", "frames": {"9223372036854775808": {"listed": True}}},
        {"op": "identify", "images": {"-1": "00"}},
        {"op": "drop", "frame": 10**30},
        {"op": "drop", "frame": -1},
        {"op": "drop", "frame": 3, "why": "blurred"},
        {"op": "place", "frame": True, "bodypart": "nose", "xy": [1, 2]},
        {"op": "begin", "frames": {"3": {"points": {"nose": {"state": "guessed", "xy": [1, 2]}}}}},
        {"op": "begin", "frames": {"3": {"listed": "yes"}}},
    ],
)
def test_what_is_no_edit_is_refused(value):
    """A newer program may have written it, or a number is none that a frame, or a table, can have."""
    with pytest.raises(LabelError):
        decode(value)
