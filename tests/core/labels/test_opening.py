"""Opening labels for editing takes the lock and clears up after crashes."""

import os

from posecut_core.errors import BusyError, LabelError
from posecut_core.labels.contents import read_contents
from posecut_core.labels.session import LabelSession, _lock_labels, _tidy
from posecut_core.storage import disk
from posecut_core.storage.locks import Lock, acquire, note_path


def test_the_lock_is_taken_once(project):
    """Who comes second may read, and is told who edits."""
    lock = _lock_labels(project, "m1", take_over=False)
    assert isinstance(lock, Lock)
    why = _lock_labels(project, "m1", take_over=False)
    who = "another window or session of this program"
    assert isinstance(why, BusyError)
    assert str(why) == f"The labels of m1 are open for reading only, because {who} is editing them."
    lock.release()


def test_who_holds_it_on_another_computer_may_have_ended(project):
    """The way out is told, for nobody can see it from here; it works."""
    note = note_path(project.label_lock("m1"))
    note.write_text('{"host": "elsewhere", "pid": 7}')
    why = _lock_labels(project, "m1", take_over=False)
    assert isinstance(why, BusyError)
    assert str(why).endswith(f"process 7 on elsewhere is editing them. If that program has ended, delete {note}.")
    note.unlink()
    with LabelSession.open(project, "m1") as session:
        assert (session.writable, session.notices) == (True, ())


def test_a_holder_that_ended_is_told(project, monkeypatch):
    """Its edits are all there."""
    first = acquire(project.label_lock("m1"))
    first.handle.release()  # as the system does when a program is killed
    with LabelSession.open(project, "m1") as session:
        assert session.notices[0].endswith("did not close the labels of m1 cleanly; no edits were lost.")


def test_what_crashes_leave_is_cleared_up(project):
    """Temporary files go; half a line of the journal is set aside and told."""
    for name in ("labels-00000001.json", "CollectedData_Ann.h5"):
        os.close(disk.new_file(project.frame_folder("m1") / name)[0])
    project.label_journal("m1").write_bytes(b'{"revision":1')
    notices = _tidy(project, "m1", read_contents(project, "m1"))
    names = {path.name for path in project.frame_folder("m1").iterdir() if path.suffix != ".lock"}
    assert names == {"frames.zarr", "labels.jsonl", "labels-torn-0.txt"}
    assert project.label_journal("m1").read_bytes() == b""
    assert "ended in 13 bytes that are not a complete edit" in notices[0]


def test_a_video_that_was_never_added_gets_no_folder(project):
    """A misspelled name leaves nothing behind."""
    why = _lock_labels(project, "m2", take_over=False)
    assert isinstance(why, LabelError)
    assert "does not exist; extract frames." in str(why)
    assert not project.frame_folder("m2").exists()
