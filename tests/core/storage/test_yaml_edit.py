"""Edits of YAML text: the new value is read back, all else stays."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from posecut_core.storage.yaml_files import edit_text, load_mapping

PATH = Path("config.yaml")
TEXT = """\
# head
a: 1  # one
empty:
flow: [1, 2]  # list

parts:  # parts
- x  # first
- y

# before nested
nested:
  k 1:  # key
    crop: 0, 1
  k2:
  - - p
    - q
# tail
"""
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("changes", "old", "new"),
    [
        ({"a": 2}, "a: 1  #", "a: 2  #"),
        ({"empty": "v"}, "empty:\n", "empty: v\n"),
        ({"parts": ["x", "z"]}, "- y\n", "- z\n"),
        ({"parts": ["x"]}, "- y\n", ""),
        ({"parts": ["x", "y", "z"]}, "- y\n", "- y\n- z\n"),
        ({"nested": {"k 1": {"crop": "0, 2"}, "k2": [["p", "q"]]}}, "crop: 0, 1", "crop: 0, 2"),
        ({"nested": {"other": {"crop": "0, 1"}, "k2": [["p", "q"]]}}, "k 1:  #", "other: #"),
        ({"nested": {"k 1": {"crop": "0, 1"}}}, "  k2:\n  - - p\n    - q\n", ""),
        ({"new": {"b": 1}}, "# tail\n", "new:\n  b: 1\n# tail\n"),
    ],
)
def test_only_the_value_changes(changes, old, new):
    """Every comment and line that the change does not name stays where it is."""
    assert edit_text(TEXT, changes, PATH) == TEXT.replace(old, new)


def test_no_change_is_no_edit():
    """Values that are there already leave the text alone."""
    assert edit_text(TEXT, {"a": 1, "empty": None}, PATH) == TEXT


def test_keys_that_deeplabcut_broke_over_lines_are_edited():
    """DeepLabCut writes long paths as `? key`; they are renamed in their place, on one line, and new entries follow."""
    text = "sets:\n  ? /old.mp4\n  : crop: 0, 1\n# end\n"
    edited = edit_text(text, {"sets": {"/new.mp4": {"crop": "0, 1"}, "/b.mp4": {"crop": "0, 2"}}}, PATH)
    assert edited == "sets:\n  /new.mp4:\n    crop: 0, 1\n  /b.mp4:\n    crop: 0, 2\n# end\n"


def test_anchors_are_edited_through_the_round_trip():
    """Text whose values are shared by anchors still gets the right values."""
    edited = edit_text("a: &one [1, 2]\nb: *one  # same\n", {"b": [3]}, PATH)
    assert load_mapping(edited, PATH) == {"a": [1, 2], "b": [3]}


@settings(max_examples=60, deadline=None)
@example({"a": "one\x85two", "parts": []})
@given(st.dictionaries(st.sampled_from(["a", "empty", "flow", "parts", "nested", "new"]), VALUES, max_size=3))
def test_what_is_written_is_read_back(changes):
    """Any plain values can be set, and comments at the head survive."""
    edited = edit_text(TEXT, changes, PATH)
    assert load_mapping(edited, PATH) == {**load_mapping(TEXT, PATH), **changes}
    assert edited.startswith("# head\n")


def test_comments_and_other_keys_stay_when_values_grow_and_shrink():
    """Kind: comments that a YAML library moves or drops, since they stand behind what is changed."""
    text = "b:\n- x  # one\n- y\n\n# about c\nc:\n  k: 1  # two\n\n  # about l\n  l: 2\n# about d\nd: [ 1,2 ]\n"
    longer = edit_text(text, {"b": ["x", "y", "z"], "c": {"k": 1, "l": 2, "m": 3}}, PATH)
    assert longer == text.replace("- y\n", "- y\n- z\n").replace("l: 2\n", "l: 2\n  m: 3\n")
    assert edit_text(longer, {"b": ["x", "y"], "c": {"k": 1, "l": 2}}, PATH) == text
    assert edit_text(text, {"b": ["x"]}, PATH) == text.replace("- y\n", "")
    assert edit_text(text, {"b": []}, PATH) == text.replace("b:\n- x  # one\n- y\n", "b: []\n")
