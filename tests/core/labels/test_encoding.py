"""Edits and frames come back from JSON as they were."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posecut_core.errors import LabelError
from posecut_core.labels.codec import decode, decode_frames, encode, encode_frames
from posecut_core.labels.edits import Begin, Restore, Together
from posecut_core.labels.state import Point
from tests.core.labels.edit_strategies import STEPS, made


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
    ],
)
def test_what_is_no_edit_is_refused(value):
    """A newer program may have written it, or a number is none that a frame, or a table, can have."""
    with pytest.raises(LabelError):
        decode(value)
