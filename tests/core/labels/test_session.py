"""A session keeps every edit that it acknowledged, and undoes as far back as one likes."""

import errno
import shutil
from dataclasses import replace
from threading import Event, Thread, current_thread

import numpy as np
import pytest

from posecut_core.errors import BusyError, LabelError, StorageError
from posecut_core.formats.deeplabcut.tables import read_csv
from posecut_core.labels.contents import read_contents
from posecut_core.labels.edits import (
    Accept,
    Delete,
    DropFrame,
    MarkAbsent,
    MarkOccluded,
    Place,
    Propose,
    Redo,
    Together,
    Undo,
)
from posecut_core.labels.exchange import export_table
from posecut_core.labels.session import LabelSession
from posecut_core.labels.snapshots import sound_snapshots, write_snapshot
from posecut_core.labels.state import LabelOrigin, Point
from posecut_core.labels.store import read_labels
from posecut_core.labels.table import LabelTable
from posecut_core.project.paths import Project
from posecut_core.storage import disk
from posecut_core.storage.tables import read_hdf, write_hdf
from posecut_core.video.frame_store import FrameStore
from tests.core.labels.test_plain_edits import given

NOSE, TAIL = Place(3, "nose", (41.0, 62.0)), Place(20, "tail", (7.0, 8.0))


def copied(project):
    """Return the project as a computer that lost power finds it: what is on disk now."""
    root = project.root.with_name(project.root.name + "-copy")
    shutil.copytree(project.root, root)
    return Project(root, project.config)


def test_an_edit_is_on_disk_when_it_is_acknowledged(project):
    """Nothing but the journal is needed; closing writes the rest."""
    with LabelSession.open(project, "m1") as session:
        assert (session.writable, session.notices, session.revision) == (True, (), 0)
        assert session.apply(NOSE) == session.revision
        with LabelSession.open(copied(project), "m1") as other:
            assert other.state == session.state
        assert not project.collected_data("m1").exists()
    assert read_csv(project.collected_data("m1", ".csv")).iloc[0, :2].tolist() == [1.0, 2.0]
    assert not project.label_lock("m1").with_name("labels.lock-holder.json").exists()


def test_undo_and_redo_go_on_after_a_restart(project):
    """Back to the beginning and forth to the end, each in a session of its own."""
    with LabelSession.open(project, "m1") as session:
        for edit in (NOSE, TAIL, Together((MarkAbsent(3, "tail"), DropFrame(20)))):
            session.apply(edit)
        end = session.state
    for step, count in ((Undo(), 3), (Redo(), 3)):
        for _ in range(count):
            with LabelSession.open(project, "m1") as session:
                session.apply(step)
        assert (session.state == end) == isinstance(step, Redo)


def test_drafts_are_kept_and_not_written_for_deeplabcut(project):
    """Until a person accepts them; then their origin stays known."""
    with LabelSession.open(project, "m1") as session:
        session.apply(Propose(3, "nose", (41.0, 62.0), 0.4, "net", 720))
        session.apply(MarkOccluded(20, "nose", (9.0, 9.0)))
    assert read_labels(project, "m1").numbers.tolist() == [20]
    with LabelSession.open(project, "m1") as session:
        assert session.state.unreviewed == ((3, "nose"),)
        session.apply(Accept(3, "nose"))
    assert read_contents(project, "m1").history.state.point(3, "nose").origin == LabelOrigin("refined", 0.4, "net", 720)
    assert read_hdf(project.collected_data("m1")).to_numpy()[:, :2].tolist() == [[1.0, 2.0], [4.0, 3.0]]


def test_labels_of_deeplabcut_are_where_it_begins(project):
    """They can be edited and come back; undoing ends there."""
    xy = np.array([[[41.0, 62.0], [np.nan, np.nan]], [[45.0, 66.0], [47.0, 68.0]]])
    export_table(project, LabelTable("m1", ("nose", "tail"), np.array([3, 20]), xy))
    with LabelSession.open(project, "m1") as session:
        assert session.state.point(3, "tail") == Point("absent")
        session.apply(Place(3, "tail", (42.0, 62.0)))
        session.apply(Undo())
        with pytest.raises(LabelError, match="nothing to undo"):
            session.apply(Undo())
    np.testing.assert_array_equal(read_labels(project, "m1").xy, xy)


@pytest.mark.parametrize("begun", [False, True])
def test_a_session_killed_as_it_began_leaves_what_one_leaves_that_was_not(project, monkeypatch, begun):
    """Kind: what a killed step had not come to is never done. The snapshot that knows DeepLabCut's files by their sums
    follows when the next session begins, and they are not taken for changed.
    """
    export_table(project, LabelTable("m1", ("nose", "tail"), np.array([3]), np.full((1, 2, 2), 44.0)))
    if begun:
        with monkeypatch.context() as patch, LabelSession.open(project, "m1") as session:
            patch.setattr("posecut_core.labels.session.write_snapshot", killed)
            with pytest.raises(SystemExit):
                session.begin()
            patch.setattr(session, "close", session._lock.release)
    with LabelSession.open(project, "m1") as session:
        assert (session.revision, session.outside.edits) == (int(begun), ())
        session.apply(NOSE)
        (first,) = sound_snapshots(project.frame_folder("m1"))
        assert (first.revision, first.exported, len(first.files)) == (1, 1, 2)


def killed(*_words):
    """End here, as SIGKILL does."""
    raise SystemExit


def test_what_deeplabcut_saves_before_the_first_edit_is_kept(project):
    """The session may have been open for long by then; what does not fit the labels of now is refused."""
    both = np.array([[[41.0, 62.0], [np.nan, np.nan]], [[45.0, 66.0], [47.0, 68.0]]])
    export_table(project, LabelTable("m1", ("nose", "tail"), np.array([3]), both[:1]))
    with LabelSession.open(project, "m1") as session:
        export_table(project, LabelTable("m1", ("nose", "tail"), np.array([3, 20]), both))
        assert session.state.point(20, "nose") is None
        with pytest.raises(LabelError, match="expected a suggestion to accept"):
            session.apply(Accept(20, "nose"))
        assert session.revision == 0
        session.apply(Place(3, "nose", (42.0, 62.0)))
    assert read_labels(project, "m1").xy[:, 0].tolist() == [[42.0, 62.0], [45.0, 66.0]]
    assert read_hdf(project.collected_data("m1")).iloc[1].tolist() == [40.0, 60.0, 42.0, 62.0]


def test_a_file_that_deeplabcut_left_half_written_begins_nothing(project):
    """It can be read again once it is whole."""
    with LabelSession.open(project, "m1") as session:
        project.collected_data("m1").write_bytes(b"half")
        with pytest.raises(LabelError, match="not a readable HDF5 table"):
            session.apply(NOSE)
        project.collected_data("m1").unlink()
        assert session.apply(NOSE) == session.revision


def test_a_second_session_reads(project):
    """It sees what is there, refuses edits and says who edits; afterwards it may."""
    with LabelSession.open(project, "m1") as first:
        first.apply(NOSE)
        with LabelSession.open(project, "m1") as second:
            assert (second.writable, second.state) == (False, first.state)
            with pytest.raises(BusyError, match=r"is editing them\. Open them again"):
                second.apply(TAIL)
    with LabelSession.open(project, "m1") as third:
        third.apply(TAIL)
    with (
        LabelSession.open(project, "m1", read_only=True) as reader,
        pytest.raises(LabelError, match="opened for reading"),
    ):
        reader.save()


def test_a_project_that_may_not_be_written_is_read(project, monkeypatch):
    """The reason is told."""
    with LabelSession.open(project, "m1") as session:
        session.apply(NOSE)

    def refuse(*arguments):
        raise OSError(errno.EROFS, "read-only")

    monkeypatch.setattr(disk, "new_file", refuse)
    monkeypatch.setattr(disk, "open_file", refuse)
    with LabelSession.open(project, "m1") as reader:
        assert (reader.writable, reader.state) == (False, session.state)
        assert "the file system is read-only" in reader.notices[0]
    assert read_labels(project, "m1").numbers.tolist() == [3]


def test_a_frame_must_show_what_was_labeled(project):
    """Editing is refused where it shows another picture, and where it was never extracted."""
    with LabelSession.open(project, "m1") as session:
        session.apply(NOSE)
    store = FrameStore.open(project.frame_store("m1"))
    store.remove([3])
    store.append([(3, np.full((8, 10, 3), 77, np.uint8), (40, 60))])
    with LabelSession.open(project, "m1") as session:
        with pytest.raises(LabelError, match="is not the image that"):
            session.apply(Place(3, "tail", (42.0, 62.0)))
        with pytest.raises(LabelError, match="Frame 4 of m1 is labeled but was never extracted"):
            session.apply(Place(4, "tail", (42.0, 62.0)))
        assert session.state.point(3, "tail") is None


def test_an_impossible_edit_changes_nothing(project):
    """Not even the journal begins."""
    with LabelSession.open(project, "m1") as session:
        with pytest.raises(LabelError, match="expected a suggestion to accept"):
            session.apply(Accept(3, "nose"))
        assert session.revision == 0
        with pytest.raises(LabelError, match="no bodypart 'paw', expected one of nose, tail"):
            session.identity("paw")
    assert not project.label_journal("m1").exists()


@pytest.mark.parametrize("xy", [(1.0,), (41.0, 62.0, 1.0), ("a", 62.0)])
def test_what_is_no_position_never_reaches_the_journal(project, xy):
    """It would make the labels unreadable."""
    edit = given(Place(3, "nose", (41.0, 62.0)), xy=xy)
    with LabelSession.open(project, "m1") as session:
        with pytest.raises(LabelError, match="expected two numbers"):
            session.apply(Together((TAIL, edit)))
        assert session.revision == 0


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (Place(3, "nobody", (41.0, 62.0)), "'nobody', expected the identity of one of nose, tail"),
        (Delete(13, "zzz"), "'zzz'"),
        (Place(3, "nose", (1e9, 62.0)), r"far outside their frame \(frame 3 nose, 1 in all\)"),
        (MarkOccluded(20, "nose", (7.0, -1e9)), "far outside"),
    ],
)
def test_what_cannot_be_meant_is_refused(project, edit, words):
    """Unknown bodyparts and places far away, also among other edits; nothing is written."""
    with LabelSession.open(project, "m1") as session:
        for step in (edit, Together((TAIL, edit))):
            with pytest.raises(LabelError, match=words):
                session.apply(step)
        assert session.revision == 0


def test_numbers_of_numpy_are_stored_as_plain_ones(project):
    """They come back as they were given."""
    with LabelSession.open(project, "m1") as session:
        session.apply(given(Place(3, "nose", (0.0, 0.0)), frame=np.int64(3), xy=(np.float32(41.5), np.float32(62))))
    assert read_labels(project, "m1").xy[0, 0].tolist() == [41.5, 62.0]


def test_what_another_program_changed_is_taken_over_or_discarded(project):
    """Neither happens by itself; closing leaves it undecided."""
    with LabelSession.open(project, "m1") as session:
        session.apply(NOSE)
    for decide, expected in (("merge_outside", 2.0), ("discard_outside", 2.0)):
        frame = read_hdf(project.collected_data("m1"))
        frame.iloc[0, 0] = 2.0 if decide == "merge_outside" else 9.0
        write_hdf(project.collected_data("m1"), frame)
        with LabelSession.open(project, "m1") as session:
            assert len(session.outside.edits) == 1
            session.apply(Place(20, "tail", (7.0, 8.0)))
            with pytest.raises(LabelError, match="accept or discard them"):
                session.save()
        with LabelSession.open(project, "m1") as session:
            assert len(session.outside.edits) == 1
            getattr(session, decide)()
            assert not session.outside
        assert read_labels(project, "m1").xy[0, 0].tolist() == [40.0 + expected, 62.0]
        assert read_hdf(project.collected_data("m1")).iloc[0, 0] == expected
    assert list(project.frame_folder("m1").glob("outside-*.h5"))


def test_a_failed_save_loses_nothing(project, monkeypatch):
    """The edit is in the journal; saving works once there is room again."""
    session = LabelSession.open(project, "m1")
    session.apply(NOSE)

    def full(*arguments):
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(disk, "replace", full)
        with pytest.raises(StorageError, match="the disk is full"):
            session.save()
    session.close()
    assert read_labels(project, "m1").numbers.tolist() == [3]
    assert project.collected_data("m1").exists()


def test_columns_follow_config_yaml(project):
    """Reordered and new bodyparts move no label; a new one was not looked for."""
    with LabelSession.open(project, "m1") as session:
        session.apply(NOSE)
    other = Project(project.root, replace(project.config, bodyparts=("ear", "tail", "nose")))
    table = read_labels(other, "m1")
    assert (table.bodyparts, table.xy[0, 2].tolist()) == (("ear", "tail", "nose"), [41.0, 62.0])
    assert table.annotated.tolist() == [[False, False, True]]
    with LabelSession.open(other, "m1") as session:
        session.apply(Place(3, session.identity("ear"), (44.0, 62.0)))
    assert read_labels(other, "m1").annotated.tolist() == [[True, False, True]]


def test_long_sessions_leave_snapshots(project, monkeypatch):
    """DeepLabCut's files follow on closing, also after a snapshot of the last edit."""
    monkeypatch.setattr("posecut_core.labels.session._SNAPSHOT_EVERY", 4)
    with LabelSession.open(project, "m1") as session:
        for _ in range(2):
            session.apply(NOSE)
            session.apply(TAIL)
        (newest, *_) = sound_snapshots(project.frame_folder("m1"))
        assert (newest.revision, newest.exported, newest.state) == (5, 1, session.state)
        session.apply(NOSE)
    (newest, *_) = sound_snapshots(project.frame_folder("m1"))
    assert (newest.exported, project.collected_data("m1").exists()) == (session.revision, True)


def test_nobody_waits_for_a_snapshot(project, monkeypatch):
    """A thread writes it, of what is durable, while edits go on; closing waits for it."""
    monkeypatch.setattr("posecut_core.labels.session._SNAPSHOT_EVERY", 4)
    may, threads = Event(), []

    def slowly(*arguments):
        threads.append(current_thread().name)
        assert may.wait(60)
        return write_snapshot(*arguments)

    session = LabelSession.open(project, "m1")
    session.apply(NOSE)
    monkeypatch.setattr("posecut_core.labels.session.write_snapshot", slowly)
    for step in (TAIL, NOSE, TAIL, NOSE, TAIL, NOSE):
        session.write(step)
        session.settle()
    assert [found.revision for found in sound_snapshots(project.frame_folder("m1"))] == [1]
    may.set()
    session.close()
    assert threads == ["posecut-snapshot", "MainThread", "MainThread"]
    revisions = [found.revision for found in sound_snapshots(project.frame_folder("m1"))]
    assert revisions == [session.revision, 5, 1]


class Flushes:
    """A disk whose flushes wait until they are let through, or refuse."""

    def __init__(self, patch):
        self.count, self.refusing, self.may = 0, False, Event()
        self.may.set()
        patch.setattr(disk, "sync_data", self._flush)

    def _flush(self, handle):
        self.count += 1
        assert self.may.wait(60)
        if self.refusing:
            raise OSError(errno.EIO, "no")


@pytest.fixture
def flushes(monkeypatch):
    """The disk's flushes."""
    return Flushes(monkeypatch)


def pressed(session):
    """Let a thread make edits durable, and return what is set once the disk has refused."""
    refused = Event()
    session.settle_soon(refused.set)
    return refused


def test_a_kill_leaves_what_no_flush_has_reached(project, flushes):
    """Written is enough for that; a loss of power is what flushes are for, and closing waits for them."""
    session = LabelSession.open(project, "m1")
    before = session.apply(NOSE)
    flushes.may.clear()
    last = session.write(TAIL)
    pressed(session)
    assert before == session.durable < session.revision == last
    with LabelSession.open(copied(project), "m1") as other:
        assert other.state == session.state
    closing = Thread(target=session.close)
    closing.start()
    assert read_contents(project, "m1").generations[0].exported < last
    flushes.may.set()
    closing.join(60)
    assert (session.durable, read_labels(project, "m1").numbers.tolist()) == (last, [3, 20])


def test_edits_of_one_moment_take_one_flush(project, flushes):
    """Those that are written while the disk is busy are durable with the next one, an undo among them."""
    with LabelSession.open(project, "m1") as session:
        session.apply(NOSE)
        before = flushes.count
        flushes.may.clear()
        for step in (TAIL, Undo(), MarkAbsent(20, "tail"), DropFrame(3)):
            session.write(step)
            pressed(session)
        flushes.may.set()
        session.settle()
        assert session.durable == session.revision
        assert flushes.count - before <= 2


def test_what_a_disk_refuses_later_is_taken_back(project, flushes):
    """And all that was written after it, but nothing that is durable; the same edits can be made again."""
    with LabelSession.open(project, "m1") as session:
        session.apply(NOSE)
        kept = session.state
        flushes.refusing = True
        session.write(TAIL)
        assert pressed(session).wait(60)
        session.write(Undo())
        session.write(Undo())
        flushes.refusing = False
        with pytest.raises(StorageError, match=r"labels\.jsonl"):
            session.settle()
        assert (session.state, session.revision) == (kept, session.durable)
        session.apply(TAIL)
        session.apply(Undo())
        assert session.state.point(20, "tail") is None
    assert read_labels(project, "m1").numbers.tolist() == [3]


def test_a_refusal_is_told_by_whatever_comes_next(project, flushes):
    """Also by closing; what is durable is saved then by the next session."""
    session = LabelSession.open(project, "m1")
    session.apply(NOSE)
    session.write(TAIL)
    flushes.refusing = True
    with pytest.raises(StorageError):
        session.apply(Place(20, "nose", (9.0, 9.0)))
    session.write(TAIL)
    with pytest.raises(StorageError):
        session.close()
    with LabelSession.open(project, "m1") as again:
        assert again.writable
    assert read_labels(project, "m1").numbers.tolist() == [3]
