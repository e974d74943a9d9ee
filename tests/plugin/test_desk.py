"""The desk: what docks share, and what becomes of labels and the project while work runs."""

import pytest

from napari_posecut.session import Desk, desk_of
from posecut_core.errors import LabelError, PosecutError, ProjectError
from posecut_core.labels.edits import Place
from posecut_core.labels.session import LabelSession
from posecut_core.project.opening import open_project
from posecut_core.video.frame_store import FrameStore
from tests.plugin.widgets.fake_board import FakeBoard, FakeJob


@pytest.fixture
def desk(viewer) -> Desk:
    """A desk whose jobs do what a test says."""
    made = desk_of(viewer)
    made.board = FakeBoard()
    return made


def numbers(desk: Desk) -> list[int]:
    """List the frames that the desk knows."""
    return [key.number for key in desk.labelling.browser.frames]


def test_a_viewer_has_one_desk(viewer, desk):
    """Every dock finds the same one."""
    assert desk_of(viewer) is desk


def test_without_a_project_work_is_refused(desk):
    """Nothing is started, and the way to a project is said."""
    with pytest.raises(ProjectError, match="1 Project"):
        desk.start("evaluate", {})
    desk.refresh()
    with pytest.raises(LabelError, match="open one first"):
        desk.show_frame("walk", 0)


def test_frames_are_there_when_their_extraction_has_ended(desk, config):
    """Whoever started it, and however it ended, the desk reads what there is now."""
    desk.open(config)
    heard = []
    desk.project_changed.connect(lambda: heard.append(numbers(desk)))
    desk.board.start("extract_frames", {})
    store = FrameStore.open(desk.project.frame_store("walk"))
    store.append([(1, store.read(0), (0, 0))])
    assert numbers(desk) == [0, 2, 3]
    desk.board.end("failed", message="The disk is full.")
    assert heard == [[0, 1, 2, 3]]


def test_work_that_writes_nothing_of_the_project_leaves_it_alone(desk, config):
    """An evaluation pauses and reads nothing."""
    desk.open(config)
    heard = []
    desk.project_changed.connect(lambda: heard.append(True))
    desk.start("evaluate", {})
    assert desk.labelling.writable
    desk.board.end("done")
    assert heard == []


def test_labels_are_let_go_of_while_work_writes_them(desk, config):
    """A job edits them meanwhile, and what it wrote is shown at its end."""
    desk.open(config)
    part = desk.labelling.marks[0].bodypart
    desk.start("merge_datasets", {})
    assert not desk.labelling.writable
    desk.refresh()  # for another reason
    assert not desk.labelling.writable
    with LabelSession.open(open_project(config), "walk") as other:
        other.apply(Place(0, part, (8.0, 9.0)))
    desk.board.end("done")
    assert desk.labelling.writable
    desk.show_frame("walk", 0)
    assert desk.labelling.marks[0].xy == (8.0, 9.0)


def test_labels_come_back_where_work_is_refused(desk, config, monkeypatch):
    """A person can go on labelling."""

    def refuse(verb, arguments):
        assert not desk.labelling.writable
        raise PosecutError("Other work is in the way.")

    desk.open(config)
    monkeypatch.setattr(desk.board, "start", refuse)
    with pytest.raises(PosecutError, match="in the way"):
        desk.start("extract_outliers", {})
    assert desk.labelling.writable


def test_labels_stay_with_work_that_was_found_running(desk, config, monkeypatch):
    """A window that opens while labels are written does not touch them before the end."""
    found = FakeJob("merge_datasets", {})
    monkeypatch.setattr("napari_posecut.session.running", lambda config: (found,))
    monkeypatch.setattr(FakeBoard, "look_after", lambda board, config: _follow(board, found))
    desk.open(config)
    assert not desk.labelling.writable
    with LabelSession.open(open_project(config), "walk") as other:
        assert other.writable
    desk.board.end("stopped")
    assert desk.labelling.writable


def _follow(board: FakeBoard, job: FakeJob) -> None:
    board.job = job
    board._follow(job)


def test_a_closed_project_hears_of_no_work(desk, config):
    """Closing lets go of labels and jobs."""
    desk.open(config)
    desk.close()
    desk.board.ended.emit(FakeJob("merge_datasets", {}))
    assert desk.project is None
    assert desk.labelling is None
    with LabelSession.open(open_project(config), "walk") as other:
        assert other.writable


def test_refusals_are_told(desk, monkeypatch):
    """What PoseCut refuses becomes a sentence for the person, and None for whoever asked."""
    told = []
    monkeypatch.setattr("napari_posecut.session.show_info", told.append)

    def refuse(error: PosecutError) -> None:
        raise error

    assert desk.attempt(lambda: refuse(ProjectError("No project."))) is None
    assert desk.attempt(lambda: refuse(LabelError("No label."))) is None
    assert told == ["No project.", "No label."]
    assert desk.attempt(lambda: 3) == 3


def test_a_project_that_is_opened_again_stays_writable(desk, config):
    """Its own labels are let go of before, and taken up again where it cannot be opened."""
    desk.open(config)
    desk.open(config.parent)
    assert desk.labelling.writable
    kept = config.read_text(encoding="utf-8")
    config.write_text("bodyparts: [", encoding="utf-8")
    with pytest.raises(ProjectError):
        desk.open(config)
    config.write_text(kept, encoding="utf-8")
    assert desk.labelling.writable
