"""One writer at a time."""

import errno
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from posecut_core.errors import BusyError, StorageError
from posecut_core.storage.locks import Holder, Lock, acquire, clear_lock, note_path, read_note, sole_writer
from tests.failing_disk import FailingDisk

ROOT = Path(__file__).parents[3]
_HOLD = """
import sys
from pathlib import Path
from posecut_core.storage.locks import acquire
lock = acquire(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "labels.lock"


def test_a_second_one_learns_who_holds_it(path):
    """Once it is let go, others can have it."""
    lock = acquire(path)
    assert isinstance(lock, Lock)
    assert lock.stale is None
    assert acquire(path) == Holder(platform.node(), os.getpid())
    lock.release()
    again = acquire(path)
    assert isinstance(again, Lock)
    again.release()
    assert read_note(path) is None


def test_a_killed_holder_is_recognized(path):
    """The system frees the lock of a killed process; its note is stale."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", _HOLD, str(path)], cwd=ROOT, text=True, **pipes) as child:
        assert child.stdout.readline() == "held\n"
        holder = Holder(platform.node(), child.pid)
        assert acquire(path) == holder
        child.kill()
    lock = acquire(path)
    assert (isinstance(lock, Lock), lock.stale) == (True, holder)
    lock.release()


def test_a_note_of_another_computer_is_believed(path):
    """Its lock may not reach here; only who knows better takes over."""
    note_path(path).write_text(json.dumps({"host": "elsewhere", "pid": 7}))
    holder = acquire(path)
    assert (str(holder), holder.elsewhere) == ("process 7 on elsewhere", True)
    lock = acquire(path, take_over=True)
    assert (isinstance(lock, Lock), lock.stale) == (True, Holder("elsewhere", 7))
    lock.release()


def test_a_note_that_cannot_be_read_says_nothing(path):
    """The lock itself decides."""
    note_path(path).write_text("{")
    lock = acquire(path)
    assert (isinstance(lock, Lock), lock.stale) == (True, None)
    note_path(path).write_text("{")
    assert acquire(path) is None
    lock.release()


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    """There is no lock to have where no file can be made; the folder is named, not what PoseCut keeps there."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=re.escape(f"Cannot write {tmp_path / 'file'};")):
        acquire(tmp_path / "file" / "labels.lock")


def test_a_note_that_cannot_be_written_is_no_lock(path, monkeypatch):
    """The folder is named, and the lock comes free."""
    FailingDisk(1, errno.EROFS).install(monkeypatch)
    with pytest.raises(StorageError, match=re.escape(f"Cannot write {path.parent}; the file system is read-only")):
        acquire(path)
    monkeypatch.undo()
    lock = acquire(path)
    assert isinstance(lock, Lock)
    lock.release()


def test_what_a_killed_program_left_of_a_lock_goes(tmp_path):
    """Kind: a helper file outlives the work; the lock of a derived file goes with the work, also after a kill."""
    target = tmp_path / "a.h5"
    with sole_writer(target, doing="a is being made"):
        left = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        clear_lock(target)  # which is held
        assert {path.name for path in tmp_path.iterdir()} == set(left)
    assert list(tmp_path.iterdir()) == []
    for name, content in left.items():
        (tmp_path / name).write_bytes(content)
    clear_lock(target)
    assert list(tmp_path.iterdir()) == []


def test_a_holder_is_named_so_that_it_can_be_found():
    """By its number; the program itself, which holds it in another window, is no process to look for."""
    assert str(Holder("rig", 7)) == "process 7 on rig"
    assert str(Holder(platform.node(), os.getpid())) == "another window or session of this program"


def test_a_second_writer_is_told_of_the_first(tmp_path):
    """However long the target's name is; the first one that ends lets the next one in."""
    target = tmp_path / ("a" * 252 + ".h5")
    with sole_writer(target, doing="It is being made"):
        told = "It is being made by another window or session of this program right now; wait until it is done"
        with pytest.raises(BusyError, match=told) as busy, sole_writer(target, doing="It is being made"):
            pass
        assert busy.value.exit_code == 10
    with sole_writer(target, doing="It is being made"):
        assert len(list(tmp_path.iterdir())) == 2
