"""The calls to the disk do what their names say; nothing else in the project makes files durable."""

import os
import re
import subprocess

import pytest

from posecut_core.storage import disk
from posecut_core.storage.disk import ending_after, fitting_name


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


def test_what_killed_programs_left_is_swept(tmp_path):
    """Kind: files half written by programs that were killed. They go as soon as another one writes in that folder.

    What a running program writes stays, and so does what lies there under names that only look alike; what another
    computer writes is left for a day.
    """
    mine, dead = disk.new_file(tmp_path / "a.h5")[1], subprocess.Popen(["true"])
    dead.wait()
    host, number, begun = re.fullmatch(r"\.a-(\w{4})-(\d+)-(\w{4})-\w{8}\.partial\.h5", mine.name).groups()
    other = tmp_path / f".a-{(int(host, 16) + 1) % 65536:04x}-1-0000-abcdefgh.partial.h5"
    kept = {mine, other, tmp_path / "a-1-partial.h5", tmp_path / ".a-x.partial.h5"}
    left = {tmp_path / f".b-{host}-{dead.pid}-{begun}-abcdefgh.partial"}
    left.add(tmp_path / f".c-{host}-{number}-{int(begun, 16) ^ 1:04x}-abcdefgh.partial.csv")  # its number came again
    for path in (*kept, *left):
        path.touch()
    (tmp_path / f".d-{host}-{dead.pid}-{begun}-abcdefgh.partial").mkdir()
    disk._sweep.cache_clear()
    folder = disk.new_folder(tmp_path / "e")
    assert set(tmp_path.iterdir()) == {*kept, folder}
    os.utime(other, (0, 0))
    disk._sweep.cache_clear()
    disk.new_file(tmp_path / "a.h5")
    assert not other.exists()
