"""A file that changed although nobody wrote to it is found from one check to the next."""

import os

import pytest

from posecut_core.errors import PosecutError
from posecut_core.health.project import FileSum, compare_sums, missing_files, read_sums, sums_of, sums_path, write_sums


def flip(path):
    """Change one bit as a failing disk does: time and size stay."""
    status, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_sums_come_back(tmp_path):
    """Files in folders too; locks, what jobs write and the sums themselves are left out."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.txt").write_text("x")
    (tmp_path / "labels.lock").write_text("")
    (tmp_path / "posecut-jobs" / "one").mkdir(parents=True)
    (tmp_path / "posecut-jobs" / "one" / "progress.jsonl").write_text("{}")
    write_sums(tmp_path, sums_of(tmp_path))
    assert list(read_sums(tmp_path)) == ["a/b.txt"]
    assert read_sums(tmp_path) == sums_of(tmp_path)
    assert read_sums(tmp_path / "a") == {}


def test_a_flipped_bit_is_told_from_writing(tmp_path):
    """Only the first leaves the time as it was."""
    for name in ("one", "two"):
        (tmp_path / name).write_text("x" * 10)
    old = sums_of(tmp_path)
    flip(tmp_path / "one")
    (tmp_path / "two").write_text("other")
    assert compare_sums(old, sums_of(tmp_path)) == ("one",)


def test_damaged_sums_are_refused(tmp_path):
    """Deleting them begins anew."""
    (tmp_path / "a").write_text("x")
    write_sums(tmp_path, sums_of(tmp_path))
    flip(sums_path(tmp_path))
    with pytest.raises(PosecutError, match="delete it, and the next check starts over"):
        read_sums(tmp_path)


def test_labels_that_nothing_restores_are_missed():
    """Not what snapshots or a journal beside it can give back, nor pictures."""
    one, folder = FileSum(1, 1, ""), "labeled-data/m1/"
    names = ("labels.jsonl", "labels-00000001.json", "CollectedData_me.h5", "img1.png")
    old = {folder + name: one for name in names} | {"labeled-data/m2/CollectedData_me.csv": one}

    def missed(*kept):
        return missing_files(old, {folder + name: one for name in kept})

    assert missing_files({"posecut.yaml": one, "config.yaml": one}, {"config.yaml": one}) == ("posecut.yaml",)
    assert missed(*names) == ("labeled-data/m2",)
    assert missed("labels-00000001.json", "CollectedData_me.h5") == ("labeled-data/m2",)
    assert missed("labels.jsonl") == ("labeled-data/m2",)
    assert missed("img1.png") == (folder + "labels.jsonl", folder + "CollectedData_me.h5", "labeled-data/m2")
