"""The calls to the disk do what their names say; nothing else in the project makes files durable."""

import os

import pytest

from posecut_core.project import disk
from posecut_core.project.disk import ending_after, fitting_name


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


@pytest.mark.parametrize("stem", ["m1", "m" * 251, "\N{CYRILLIC SMALL LETTER YA}" * 125, "e\u0301" * 80])
def test_every_name_fits_and_is_found_again(tmp_path, stem):
    """Kind: names as long as a disk allows. What is added to one fits, differs from others', and tells its stem."""
    ending = "PoseCut_resnet50_reachingJan31shuffle1_200000_filtered_labeled.mp4"
    name = fitting_name(stem, ending)
    (tmp_path / name).touch()
    handle, path = disk.new_file(tmp_path / name)
    disk.close(handle)
    assert path.is_file()
    assert ending_after(stem, name) == ending
    assert len({name, fitting_name(f"{stem[:-1]}x", ending), fitting_name(f"x{stem[1:]}", ending)}) == 3
    assert ending_after(f"{stem[:-1]}x", name) is None


def test_a_name_that_fits_is_as_it_was():
    """Only what a disk would refuse is cut, and room is left for what is added to a name later."""
    assert fitting_name("m" * 250, ".h5") == "m" * 250 + ".h5"
    assert len(fitting_name("m" * 250, ".h5", room=20)) == 235
