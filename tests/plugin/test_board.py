"""The jobs of a window: followed, told of, and dropped."""

import pytest

from posecut_core.progress import Notice, Progress
from tests.plugin.widgets.fake_board import FakeBoard


@pytest.fixture
def board(qtbot) -> FakeBoard:
    """A board whose jobs do what a test says."""
    return FakeBoard()


def test_a_job_is_known_while_it_runs(board):
    """It is found by its verb, from the start to the end, and both are told."""
    told = []
    board.started.connect(lambda job: told.append(("started", job.request.verb)))
    board.ended.connect(lambda job: told.append((job.state, board.of("evaluate"))))
    job = board.start("evaluate", {})
    assert board.of("train", "evaluate") is job
    assert board.of("train") is None
    board.end("done")
    assert board.jobs == ()
    assert told == [("started", "evaluate"), ("done", None)]


def test_reports_with_values_are_told_all_and_of_the_others_the_newest(board):
    """A curve misses no point, no notice is lost, and a bar is drawn once for each look."""
    told = []
    board.progressed.connect(lambda job, report: told.append(report))
    board.start("evaluate", {})
    plain, step = [Progress("reading", done, 9) for done in range(3)], Progress("step", 7, 9, {"loss": 1.0})
    board.tell(plain[0], step, Notice("a video is damaged"), plain[1], plain[2])
    assert told == [step, Notice("a video is damaged"), plain[2]]


def test_what_is_written_tells_what_is_in_the_way(board):
    """A verb is allowed beside others that write nothing of its own."""
    board.start("extract_frames", {})
    assert board.writing("frames")
    assert not board.writing("labels")
    assert not board.allows("extract_outliers")
    assert not board.allows("extract_frames")
    assert board.allows("evaluate")


def test_an_end_waits_while_a_thread_reads(board, monkeypatch):
    """What would be read anew at an end is not pulled away from who reads it."""
    told = []
    board.ended.connect(told.append)
    board.start("evaluate", {})
    monkeypatch.setattr("napari_posecut.jobs.board.at_work", lambda: True)
    board.end("done")
    assert told == []
    monkeypatch.undo()
    board.look()
    assert told == [board.job]


def test_letting_go_leaves_the_jobs_alone(board):
    """Nothing is followed any more, and nothing was stopped."""
    job = board.start("evaluate", {})
    board.let_go()
    assert board.jobs == ()
    assert job.stops == 0
