"""The session: what docks share, and what becomes of labels and the project while work runs."""

import errno
import gc
import weakref
from threading import Event

import pytest

from napari_posecut.session import Session, session_of
from posecut_core.errors import LabelError, PosecutError, ProjectError
from posecut_core.labels.edits import Place
from posecut_core.labels.session import LabelSession
from posecut_core.labels.store import read_labels
from posecut_core.project.opening import open_project
from posecut_core.storage import disk
from posecut_core.video.frame_store import FrameStore
from tests.plugin.widgets.fake_jobs import FakeJob, FakeJobs


@pytest.fixture
def session(viewer) -> Session:
    """A session whose jobs do what a test says."""
    made = session_of(viewer)
    made.jobs = FakeJobs()
    return made


def numbers(session: Session) -> list[int]:
    """List the frames that the session knows."""
    return [key.number for key in session.labeling.index.frames]


def test_a_viewer_has_one_desk(viewer, session):
    """Every dock finds the same one."""
    assert session_of(viewer) is session


def test_without_a_project_work_is_refused(session):
    """Nothing is started, and the way to a project is said."""
    with pytest.raises(ProjectError, match="1 Project"):
        session.start("evaluate", {})
    session.refresh()
    with pytest.raises(LabelError, match="open or create one"):
        session.show_frame("walk", 0)


def test_frames_are_there_when_their_extraction_has_ended(session, config):
    """Whoever started it, and however it ended, the session reads what there is now."""
    session.open(config)
    heard = []
    session.project_changed.connect(lambda: heard.append(numbers(session)))
    session.jobs.start("extract_frames", {})
    store = FrameStore.open(session.project.frame_store("walk"))
    store.append([(1, store.read(0), (0, 0))])
    assert numbers(session) == [0, 2, 3]
    session.jobs.end("failed", message="The disk is full.")
    assert heard == [[0, 1, 2, 3]]


def test_work_that_writes_nothing_of_the_project_leaves_it_alone(session, config):
    """An evaluation pauses and reads nothing."""
    session.open(config)
    heard = []
    session.project_changed.connect(lambda: heard.append(True))
    session.start("evaluate", {})
    assert session.labeling.writable
    session.jobs.end("done")
    assert heard == []


def test_labels_are_let_go_of_while_work_writes_them(session, config):
    """A job edits them meanwhile, and what it wrote is shown at its end."""
    session.open(config)
    part = session.labeling.keypoints[0].bodypart
    session.start("merge_datasets", {})
    assert not session.labeling.writable
    session.refresh()  # for another reason
    assert not session.labeling.writable
    with LabelSession.open(open_project(config), "walk") as other:
        other.apply(Place(0, part, (8.0, 9.0)))
    session.jobs.end("done")
    assert session.labeling.writable
    session.show_frame("walk", 0)
    assert session.labeling.keypoints[0].xy == (8.0, 9.0)


def test_labels_come_back_where_work_is_refused(session, config, monkeypatch):
    """A person can go on labeling."""

    def refuse(verb, arguments):
        assert not session.labeling.writable
        raise PosecutError("Other work is in the way.")

    session.open(config)
    monkeypatch.setattr(session.jobs, "start", refuse)
    with pytest.raises(PosecutError, match="in the way"):
        session.start("extract_outliers", {})
    assert session.labeling.writable


def test_labels_stay_with_work_that_was_found_running(session, config, monkeypatch):
    """A window that opens while labels are written does not touch them before the end."""
    found = FakeJob("merge_datasets", {})
    monkeypatch.setattr("napari_posecut.session.running_jobs", lambda config: (found,))
    monkeypatch.setattr(FakeJobs, "watch", lambda jobs, config: _follow(jobs, found))
    session.open(config)
    assert not session.labeling.writable
    with LabelSession.open(open_project(config), "walk") as other:
        assert other.writable
    session.jobs.end("stopped")
    assert session.labeling.writable


def _follow(jobs: FakeJobs, job: FakeJob) -> None:
    jobs.job = job
    jobs._add(job)


def test_a_closed_project_hears_of_no_work(session, config):
    """Closing lets go of labels and jobs."""
    session.open(config)
    session.close()
    session.jobs.ended.emit(FakeJob("merge_datasets", {}))
    assert session.project is None
    assert session.labeling is None
    with LabelSession.open(open_project(config), "walk") as other:
        assert other.writable


def test_refusals_are_told(session, monkeypatch):
    """What PoseCut refuses becomes a sentence for the person, and None for whoever asked."""
    notified = []
    monkeypatch.setattr("napari_posecut.session.show_info", notified.append)

    def refuse(error: PosecutError) -> None:
        raise error

    assert session.attempt(lambda: refuse(ProjectError("No project."))) is None
    assert session.attempt(lambda: refuse(LabelError("No label."))) is None
    assert notified == ["No project.", "No label."]
    assert session.attempt(lambda: 3) == 3


def test_a_project_that_is_opened_again_stays_writable(session, config):
    """Its own labels are let go of before, and taken up again where it cannot be opened."""
    session.open(config)
    session.open(config.parent)
    assert session.labeling.writable
    kept = config.read_text(encoding="utf-8")
    config.write_text("bodyparts: [", encoding="utf-8")
    with pytest.raises(ProjectError):
        session.open(config)
    config.write_text(kept, encoding="utf-8")
    assert session.labeling.writable


def test_a_point_is_shown_while_the_disk_still_flushes_it(session, config, monkeypatch):
    """Nobody waits for that, but whoever closes the project."""
    may, flush = Event(), disk.sync_data
    session.open(config)
    session.labeling.place((5.0, 6.0))
    labels = session.labeling.index.label_session
    labels.settle()
    session.labeling.advance = False
    monkeypatch.setattr(disk, "sync_data", lambda handle: flush(handle) if may.wait(60) else None)
    session.labeling.place((9.0, 9.0))
    assert session.canvas.points.shown.all()
    assert labels.durable < labels.revision
    may.set()
    session.close()
    assert labels.durable == labels.revision
    assert read_labels(open_project(config), "walk").xy[0].tolist() == [[5.0, 6.0], [9.0, 9.0]]


def test_a_point_that_the_disk_refuses_later_is_taken_back_and_told(session, config, monkeypatch, qtbot):
    """It can be placed again once the disk can be written to."""
    session.open(config)
    session.labeling.place((5.0, 6.0))
    session.labeling.index.label_session.settle()
    told = []
    session.notified.connect(lambda sentence, remedies, kind: told.append((sentence, kind)))

    def refuse(handle):
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(disk, "sync_data", refuse)
        session.labeling.advance = False
        session.labeling.place((9.0, 9.0))
        qtbot.waitUntil(lambda: bool(told), timeout=60_000)
    assert "the disk is full" in told[0][0]
    assert told[0][0].endswith("Your last edits were taken back; make them again once the disk can be written to.")
    assert told[0][1] == "refused"
    assert session.canvas.points.shown.tolist() == [True, False]
    session.labeling.place((9.0, 9.0))
    session.close()
    assert read_labels(open_project(config), "walk").xy[0].tolist() == [[5.0, 6.0], [9.0, 9.0]]


def test_a_project_that_was_closed_is_let_go_of(session, config, qtbot):
    """Whoever opens projects all day keeps one of them in memory, not all."""
    session.open(config)
    session.open(config)
    gone = weakref.ref(session.canvas.points)
    session.open(config)

    def is_gone() -> bool:
        gc.collect()  # Qt deletes napari's controls of the layer at last
        return gone() is None

    qtbot.waitUntil(is_gone)
