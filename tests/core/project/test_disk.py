"""The calls to the disk do what their names say; nothing else in the project makes files durable."""

import os

from posecut_core.project import disk


def test_a_file_is_written_cut_and_renamed(tmp_path):
    """Each call does its part."""
    handle, path = disk.new_file(tmp_path / "a.txt")
    assert (path.parent, path.name.startswith(".a-"), path.name.endswith(".partial.txt")) == (tmp_path, True, True)
    assert disk.write(handle, b"hello") == 5
    disk.truncate(handle, 4)
    disk.sync_data(handle)
    disk.sync_all(handle)
    disk.close(handle)
    disk.replace(path, tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_bytes() == b"hell"


def test_opening_creates_where_it_is_asked_to(tmp_path):
    """Flags are those of the operating system."""
    disk.close(disk.open_file(tmp_path / "b", os.O_WRONLY | os.O_CREAT))
    assert (tmp_path / "b").read_bytes() == b""
