"""Files are read within bounds: nothing is waited for, and nothing short becomes long."""

import os

import pytest

from posecut_core.storage.files import MOST_VALUES, count_values, open_file, parse_json, read_bytes, refuse_deep


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_file_is_refused_at_once(tmp_path, kind):
    """The kind: whatever lies in the place of a file; a pipe would be waited for for ever, a device never ends."""
    path = tmp_path / "config.yaml"
    {"pipe": lambda: os.mkfifo(path), "device": lambda: path.symlink_to("/dev/zero"), "folder": path.mkdir}[kind]()
    with pytest.raises(OSError, match=r"not a file|directory"):
        open_file(path)


def test_a_file_of_impossible_size_is_not_read(tmp_path):
    """The kind: holes of gigabytes in a file that takes no room."""
    path = tmp_path / "labels.jsonl"
    with path.open("wb") as file:
        file.truncate(2**33)
    with pytest.raises(OSError, match="8589934592 bytes"):
        read_bytes(path)


def test_lists_in_lists_end(tmp_path):
    """The kind: depth; JSON's parser gives up with a ValueError, and YAML's is not asked, as it takes minutes."""
    with pytest.raises(ValueError, match="too deep"):
        parse_json("[" * 100_000)
    with pytest.raises(RecursionError):
        refuse_deep("a: " + "[" * 200)
    refuse_deep("a: [" + "[], " * 200 + "]")


@pytest.mark.parametrize("text", ['{"a": "\\ud800"}', '"\\uDC00x"'])
def test_half_letters_are_refused(text):
    """The kind: texts that JSON can hold and no file's name; whole letters of two halves are fine."""
    with pytest.raises(ValueError, match="incomplete character"):
        parse_json(text)
    assert parse_json('"\\ud83d\\ude00"') == "\U0001f600"


def test_values_are_counted_as_they_would_be_written_out():
    """The kind: a thousand million laughs, which a few references stand for; what holds itself has no end."""
    laughs = ["ha"] * 10
    for _ in range(8):
        laughs = [laughs] * 10
    assert count_values(laughs) > MOST_VALUES
    laughs.append(laughs)
    with pytest.raises(RecursionError):
        count_values(laughs)
    with pytest.raises(ValueError, match="thousands of digits"):
        count_values([10**9000])
