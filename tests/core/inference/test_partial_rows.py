"""Rows of an unfinished analysis."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from posecut_core.errors import StorageError
from posecut_core.inference.video import _mapped_rows, _open_rows
from posecut_core.poses.predictions import AnalysisOrigin, file_fingerprint

ORIGIN = AnalysisOrigin("PoseCut_x", "hash", ("a", "b"), "fingerprint", 5, (0, 4, 0, 3), "decoder")
ROWS = np.arange(30.0).reshape(5, 2, 3)


def write(path, origin, rows):
    with _open_rows(path, origin) as file:
        file.append(rows)


def test_rows_come_back_as_they_were_written(tmp_path):
    """Rows, written in two runs and NaN included, are read back bit by bit."""
    path = tmp_path / "rows"
    rows = ROWS.copy()
    rows[3, 1] = np.nan
    write(path, ORIGIN, rows[:2])
    with _open_rows(path, ORIGIN) as file:
        assert file.done == 2
        file.append(rows[2:])
    np.testing.assert_array_equal(_mapped_rows(path, ORIGIN), rows)


def test_a_row_cut_short_is_written_again(tmp_path):
    """Only whole rows count after a crash in the middle of one."""
    path = tmp_path / "rows"
    write(path, ORIGIN, ROWS[:3])
    path.write_bytes(path.read_bytes()[:-5])
    with _open_rows(path, ORIGIN) as file:
        assert file.done == 2
        file.append(ROWS[2:])
    np.testing.assert_array_equal(_mapped_rows(path, ORIGIN), ROWS)


@pytest.mark.parametrize(
    "change",
    [
        {"network": "other"},
        {"bodyparts": ("b", "a")},
        {"video": "changed"},
        {"frame_count": 6},
        {"window": (1, 4, 0, 3)},
        {"decoder": "newer"},
    ],
)
def test_rows_of_something_else_are_not_continued(tmp_path, change):
    """A new network, bodypart order, video, length, crop or decoder starts from the first frame."""
    path = tmp_path / "rows"
    write(path, ORIGIN, ROWS[:3])
    with _open_rows(path, replace(ORIGIN, **change)) as file:
        assert file.done == 0


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff" * 10_000])
def test_a_file_of_another_kind_is_replaced(tmp_path, content):
    """Whatever lies under the name of the rows, the analysis starts anew."""
    path = tmp_path / "rows"
    path.write_bytes(content)
    write(path, ORIGIN, ROWS)
    np.testing.assert_array_equal(_mapped_rows(path, ORIGIN), ROWS)


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path):
    """The disk's refusal becomes a sentence."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="Cannot write"), _open_rows(tmp_path / "file" / "rows", ORIGIN):
        pass


def test_a_full_disk_is_named_once_with_the_file(tmp_path, monkeypatch):
    """What cannot be written is refused again while the file is closed; the sentence stays the same."""
    path = tmp_path / "rows"
    opened = Path.open
    monkeypatch.setattr(Path, "open", lambda self, mode: opened(Path("/dev/full") if mode == "xb" else self, "r+b"))
    with (
        pytest.raises(StorageError, match=rf"^Cannot write {path}; the disk is full[^;]*$"),
        _open_rows(path, ORIGIN) as rows,
    ):
        rows.append(ROWS)


def test_fingerprints_tell_files_apart_by_size_beginning_and_end(tmp_path):
    """Equal files have equal fingerprints; a changed end or length changes them."""
    for name, content in {"a": b"same", "b": b"same", "c": b"samE", "d": b"same "}.items():
        (tmp_path / name).write_bytes(content)
    prints = {name: file_fingerprint(tmp_path / name) for name in "abcd"}
    assert prints["a"] == prints["b"]
    assert len(set(prints.values())) == 3
