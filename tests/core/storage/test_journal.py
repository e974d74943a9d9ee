"""A journal knows every good line, and says which are not."""

import errno
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posecut_core.errors import LabelError, StorageError
from posecut_core.storage import disk
from posecut_core.storage.journal import JournalWriter, _parse_journal, journal_line, read_journal

EDITS = [{"op": "place", "frame": number, "bodypart": "nöse", "xy": [1.5, number]} for number in range(5)]
CONTENT = b"".join(journal_line(number, edit) for number, edit in enumerate(EDITS, start=1))


@pytest.fixture
def writer(tmp_path):
    """A writer of a journal of three lines."""
    writer = JournalWriter(tmp_path / "labels.jsonl", read_journal(tmp_path / "labels.jsonl"))
    for edit in EDITS[:3]:
        writer.append(edit)
    yield writer
    writer.close()


def test_what_was_appended_is_read(writer, tmp_path):
    """Lines come back in order under consecutive revisions, also when the journal is opened again."""
    path = tmp_path / "labels.jsonl"
    again = JournalWriter(path, read_journal(path))
    assert again.append(EDITS[3]) == 4
    again.close()
    text = read_journal(path)
    assert text.records == tuple(enumerate(EDITS[:4], start=1))
    assert (text.revision, text.tail, text.damaged, text.length) == (4, b"", (), path.stat().st_size)


def test_a_journal_that_does_not_exist_is_empty(tmp_path):
    """There is nothing wrong with it."""
    text = read_journal(tmp_path / "no.jsonl")
    assert (text.records, text.revision, text.damaged) == ((), 0, ())


@settings(deadline=None)
@given(st.integers(0, len(CONTENT)))
def test_a_cut_leaves_whole_lines_and_a_tail(place):
    """Wherever a crash cuts the file, every whole line is there and the rest is the tail."""
    text = _parse_journal(CONTENT[:place])
    assert len(text.records) == CONTENT[:place].count(b"\n")
    assert CONTENT[: text.length] + text.tail == CONTENT[:place]
    assert text.damaged == ()


@settings(deadline=None)
@given(st.integers(0, len(CONTENT) - 1), st.integers(0, 7))
def test_every_flipped_bit_is_noticed(place, bit):
    """The line with the flip is bad: damage, or a torn tail if it is the last one; the others are good."""
    flipped = bytearray(CONTENT)
    flipped[place] ^= 1 << bit
    text = _parse_journal(bytes(flipped))
    assert len(text.records) < len(EDITS)
    assert text.damaged or text.tail
    assert all(EDITS[revision - 1] == edit for revision, edit in text.records)


def test_a_line_that_is_gone_is_damage():
    """Revisions must follow each other, and none comes twice."""
    lines = CONTENT.splitlines(keepends=True)
    assert _parse_journal(b"".join([*lines[:2], *lines[3:]])).damaged == (3,)
    assert _parse_journal(b"".join([*lines[:2], lines[1], *lines[2:]])).damaged == (3,)


@pytest.mark.parametrize("call", ["write", "sync_data"])
def test_a_failed_append_leaves_the_journal_as_it_was(writer, tmp_path, monkeypatch, call):
    """After an error the same edit can be tried again, and counts once."""
    path, before = tmp_path / "labels.jsonl", (tmp_path / "labels.jsonl").read_bytes()

    def fail(handle, *rest):
        os.write(handle, b'{"half":')
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(disk, call, fail)
        with pytest.raises(StorageError, match="the disk is full"):
            writer.append(*EDITS[3:])
    assert path.read_bytes() == before
    assert writer.append(*EDITS[3:]) == 5
    assert read_journal(path).records == tuple(enumerate(EDITS, start=1))


def test_what_could_not_be_cut_off_is_cut_off_next_time(writer, tmp_path, monkeypatch):
    """Where even cutting fails, the next append begins with it."""

    def fail(handle, *rest):
        raise OSError(errno.EIO, "no")

    def half(handle, content):
        os.write(handle, content[:9])
        raise OSError(errno.EIO, "no")

    with monkeypatch.context() as patch:
        patch.setattr(disk, "write", half)
        patch.setattr(disk, "truncate", fail)
        with pytest.raises(StorageError):
            writer.append(EDITS[3])
    assert read_journal(tmp_path / "labels.jsonl").tail
    assert writer.append(EDITS[3]) == 4
    assert read_journal(tmp_path / "labels.jsonl").tail == b""


def test_lines_that_are_not_durable_lie_in_one_page(writer, tmp_path, monkeypatch):
    """A disk writes pages in any order: of two, the second alone might outlive a loss of power."""
    flushes = []
    monkeypatch.setattr(disk, "sync_data", flushes.append)
    ends = {writer.revision: (tmp_path / "labels.jsonl").stat().st_size}
    for number in range(200):
        revision = writer.write({"op": "place", "frame": number})
        ends[revision] = (tmp_path / "labels.jsonl").stat().st_size
        assert revision == writer.durable + 1 or ends[writer.durable] // 4096 == ends[revision] // 4096
    assert 0 < len(flushes) < 20


def test_an_unreadable_journal_is_an_error(tmp_path):
    """A folder in its place is named."""
    with pytest.raises(LabelError, match="Cannot read"):
        read_journal(tmp_path)
