"""Lists in pickle's notation are decoded, and nothing else ever is."""

import os
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecut_core.errors import LabelError
from posecut_core.storage.tables import _decode_list

NAMES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
LISTS = st.lists(st.recursive(NAMES, lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner), max_leaves=6))


class Command:
    """An object whose loading would run a command."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


@given(LISTS, st.integers(0, 5))
def test_lists_come_back(value, protocol):
    """What any protocol wrote of plain lists is read."""
    assert _decode_list(pickle.dumps(value, protocol=protocol)) == value


@pytest.mark.parametrize("protocol", range(6))
def test_a_command_is_refused_and_not_run(tmp_path, protocol):
    """Bytes that would run code when unpickled give an error, and nothing runs."""
    trace = tmp_path / "ran"
    with pytest.raises(LabelError, match="could run code"):
        _decode_list(pickle.dumps([(1, [Command(trace)])], protocol=protocol))
    assert not trace.exists()


@given(st.binary(max_size=40))
def test_any_bytes_are_a_list_or_an_error(encoded):
    """Damaged bytes give one kind of error."""
    try:
        decoded = _decode_list(encoded)
    except LabelError:
        decoded = []
    assert isinstance(decoded, list)
