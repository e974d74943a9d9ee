"""The jobs of a window: followed, told of, and dropped."""

import pytest

from posecut_core.progress import Notice, Progress
from tests.plugin.widgets.fake_jobs import FakeJobs


@pytest.fixture
def jobs(qtbot) -> FakeJobs:
    """Jobs that do what a test says."""
    return FakeJobs()


def test_a_job_is_known_while_it_runs(jobs):
    """It is found by its verb, from the start to the end, and both are told."""
    notified = []
    jobs.started.connect(lambda job: notified.append(("started", job.request.verb)))
    jobs.ended.connect(lambda job: notified.append((job.state, jobs.find("evaluate"))))
    job = jobs.start("evaluate", {})
    assert jobs.find("train", "evaluate") is job
    assert jobs.find("train") is None
    jobs.end("done")
    assert jobs.running == ()
    assert notified == [("started", "evaluate"), ("done", None)]


def test_reports_with_values_are_told_all_and_of_the_others_the_newest(jobs):
    """A curve misses no point, no notice is lost, and a bar is drawn once for each look."""
    notified = []
    jobs.progressed.connect(lambda job, report: notified.append(report))
    jobs.start("evaluate", {})
    plain, step = [Progress("reading", done, 9) for done in range(3)], Progress("step", 7, 9, {"loss": 1.0})
    jobs.report(plain[0], step, Notice("a video is damaged"), plain[1], plain[2])
    assert notified == [step, Notice("a video is damaged"), plain[2]]


def test_what_is_written_tells_what_is_in_the_way(jobs):
    """A verb is allowed beside others that write nothing of its own."""
    jobs.start("extract_frames", {})
    assert jobs.is_writing("frames")
    assert not jobs.is_writing("labels")
    assert not jobs.can_start("extract_outliers")
    assert not jobs.can_start("extract_frames")
    assert jobs.can_start("evaluate")


def test_an_end_waits_while_a_thread_reads(jobs, monkeypatch):
    """What would be read anew at an end is not pulled away from who reads it."""
    notified = []
    jobs.ended.connect(notified.append)
    jobs.start("evaluate", {})
    monkeypatch.setattr("napari_posecut.jobs.monitor.at_work", lambda: True)
    jobs.end("done")
    assert notified == []
    monkeypatch.undo()
    jobs.poll()
    assert notified == [jobs.job]


def test_letting_go_leaves_the_jobs_alone(jobs):
    """Nothing is followed any more, and nothing was stopped."""
    job = jobs.start("evaluate", {})
    jobs.unwatch()
    assert jobs.running == ()
    assert job.stops == 0


def test_work_of_no_project_is_followed_whichever_is_open(jobs):
    """Opening another project drops the jobs of the one before, and not the import that runs."""
    notified = []
    jobs.ended.connect(notified.append)
    jobs.start("evaluate", {})
    job = jobs.start_alone("import_project", {})
    jobs.unwatch()
    assert jobs.running == (job,)
    jobs.end("done")
    assert notified == [job]
    jobs.start_alone("import_project", {})
    jobs.close()
    assert jobs.running == ()
