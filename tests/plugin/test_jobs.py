"""Jobs: children that are followed, stopped, killed, that crash, and that are found again."""

import errno
import os
import signal
import subprocess
import sys
import tempfile

import pytest

from napari_posecut.jobs.files import JobFolder, new_job_folder
from napari_posecut.jobs.jobs import Request, remove_old_jobs, running_jobs, start, start_alone
from posecut_core.errors import PosecutError, ProjectError, StorageError
from tests.plugin.tiny_verbs import PROGRAM, until
from tests.structure.source import ROOT


@pytest.fixture
def config(tmp_path):
    """The place of a project's config.yaml; every child that is left there is ended."""
    path = tmp_path / "project" / "config.yaml"
    path.parent.mkdir()
    path.write_text("Task: reaching\n", encoding="utf-8")
    yield path
    for job in running_jobs(path):
        job.kill()
        until(job)


@pytest.fixture
def begin(config):
    """A function that starts a tiny verb."""
    return lambda verb, **arguments: start(config, Request(verb, arguments), program=PROGRAM)


def in_another_process(code, *arguments):
    """Run lines of Python, as another window would, and return what they print."""
    head = "import os, signal, sys\nfrom napari_posecut.jobs.jobs import *\nfrom tests.plugin.tiny_verbs import *\n"
    return subprocess.run(
        [sys.executable, "-c", head + code, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_reports_and_result_come_back(begin, config):
    """Every stage is told in order, missing numbers stay missing, and the result is what JSON has."""
    job = begin("count", to=3)
    assert (job.state, job.result, job.message) == ("running", {}, "")
    reports = until(job)
    assert [(one.stage, one.done, one.total) for one in reports] == [(f"counting {n}", n, 3) for n in range(3)]
    assert reports[0].values["rate"] == 2.0
    assert str(reports[0].values["loss"]) == "nan"
    assert job.state == "done"
    assert job.result == {"folder": str(config.parent), "numbers": [0, 1, 2], "mean": None}
    assert job.poll() == ()


def test_work_of_no_project_has_a_folder_of_its_own(tmp_path, monkeypatch):
    """What makes a project can be followed before there is one."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    job = start_alone(Request("count", {"to": 2}), program=PROGRAM)
    assert len(until(job)) == 2
    assert (job.state, job.result["numbers"], job.folder.is_relative_to(tmp_path)) == ("done", [0, 1], True)


def test_a_child_stops_where_it_can_go_on(begin, config):
    """Stopping is heard as SIGTERM is: the work finishes its step, keeps it, and a second stop does not hurry it."""
    job = begin("finish_step")
    until(job, lambda reports: reports)
    job.stop()
    job.stop()
    until(job)
    assert (job.state, job.message, job.result) == ("stopped", "", {})
    assert (config.parent / "kept").read_text() == "whole"


def test_a_child_that_waits_stops_at_once(begin):
    """Work that is in the middle of something long is interrupted."""
    job = begin("wait")
    until(job, lambda reports: reports)
    job.stop()
    until(job)
    assert job.state == "stopped"


def test_a_child_may_be_stopped_before_it_can_listen(begin):
    """A stop right after the start is a stop too."""
    job = begin("wait")
    job.stop()
    until(job)
    assert job.state == "stopped"


def test_a_killed_child_was_stopped_by_someone(begin):
    """Ending a child oneself is no crash; nothing happens to one that has ended."""
    job = begin("wait")
    until(job, lambda reports: reports)
    job.kill()
    until(job)
    job.kill()
    job.stop()
    assert (job.state, job.message) == ("stopped", "")


@pytest.mark.parametrize(
    ("number", "word"), [(signal.SIGKILL, "memory ran out"), (signal.SIGSEGV, "SIGSEGV"), (signal.SIGABRT, "SIGABRT")]
)
def test_a_crash_is_told_in_a_sentence(begin, number, word):
    """What happened, and that the work continues where it stopped; the details say where it was."""
    job = begin("crash", signal=number)
    assert [report.stage for report in until(job)] == ["working"]
    assert job.state == "crashed"
    assert word in job.message
    assert "continues where it stopped" in job.message
    assert ("in crash" in job.details) == (number != signal.SIGKILL)


def test_an_end_without_a_word_is_a_crash(begin):
    """A library that ends the process is told like any other crash."""
    job = begin("leave")
    until(job)
    assert (job.state, "exit code 7" in job.message) == ("crashed", True)


def test_a_child_outlives_the_window_that_started_it(config):
    """A window that is killed leaves its job running; the next one finds it, follows it and stops it."""
    code = (
        "job = start(sys.argv[1], Request('wait', {'a': [1]}), program=PROGRAM)\nprint(job.folder.name, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    window = in_another_process(code, config)
    (job,) = running_jobs(config)
    assert (job.folder.name, job.request) == (window.stdout.strip(), Request("wait", {"a": [1]}))
    assert [report.stage for report in until(job, lambda reports: reports)] == ["waiting"]
    job.stop()
    until(job)
    assert (job.state, running_jobs(config)) == ("stopped", ())


def test_two_windows_follow_one_child(begin, config):
    """What one of them has read the other can read too, and each learns of the end."""
    job = begin("wait")
    until(job, lambda reports: reports)
    code = (
        "(job,) = running_jobs(sys.argv[1])\nprint(*(one.stage for one in until(job, lambda reports: reports)))\n"
        "job.stop()\nuntil(job)\nprint(job.state)"
    )
    assert in_another_process(code, config).stdout.split() == ["waiting", "stopped"]
    until(job)
    assert job.state == "stopped"


def test_a_window_that_did_not_start_it_tells_a_crash_too(config):
    """Only how it ended is not known there."""
    code = "start(sys.argv[1], Request('wait', {}), program=PROGRAM)\nos.kill(os.getpid(), signal.SIGKILL)"
    in_another_process(code, config)
    (job,) = running_jobs(config)
    until(job, lambda reports: reports)
    os.kill(JobFolder(job.folder).read_process().pid, signal.SIGKILL)
    until(job)
    assert job.state == "crashed"
    assert job.message == "The job ended unexpectedly; start it again, and it continues where it stopped."


def test_a_number_that_another_process_has_now_is_no_child(config):
    """After a restart of the computer the child's number may be anybody's."""
    folder = new_job_folder(config.parent / "posecut-jobs", "of-a-child-long-gone")  # in no path of this process
    folder.write_request(config, Request("evaluate", {}))
    folder.write_process(os.getpid())
    assert running_jobs(config) == ()


def test_one_training_at_a_time(begin, config):
    """Work that writes the same files is refused in a sentence while it runs, other work is not."""
    training = begin("create_dataset_and_train")
    with pytest.raises(PosecutError, match=r"already \(training\); wait"):
        begin("create_dataset_and_train")
    other = begin("count", to=1)
    until(other)
    training.kill()
    until(training)
    begin("create_dataset_and_train")
    assert [job.request.verb for job in running_jobs(config)] == ["create_dataset_and_train"]


def test_a_folder_that_cannot_be_written_is_told(begin, config, monkeypatch):
    """One sentence names the folder and what to do; nothing is started."""

    def refused(*arguments, **options):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "mkdir", refused)
    with pytest.raises(StorageError, match=r"Cannot write .*posecut-jobs; the file system is read-only"):
        begin("count", to=1)
    assert running_jobs(config) == ()


def test_a_program_that_is_not_there_is_told(config):
    """Not even a missing interpreter ends in a traceback."""
    with pytest.raises(StorageError, match="No such file"):
        start(config, Request("count", {}), program=("/nowhere/python",))


def test_a_job_belongs_to_a_project(tmp_path):
    """A folder without config.yaml has none."""
    with pytest.raises(ProjectError):
        start(tmp_path, Request("count", {}))


def test_tidying_keeps_the_newest_and_what_runs(begin, config):
    """Older folders go; those of running jobs and what is not a job's stay."""
    assert remove_old_jobs(config) == ()
    waiting, old = begin("wait"), begin("count", to=1)
    until(old)
    new = begin("refuse")
    until(new)
    assert remove_old_jobs(config, keep=1) == (old.folder,)
    left = [path for path in sorted(old.folder.parent.iterdir()) if path.is_dir()]
    assert left == [waiting.folder, new.folder]
    assert (old.state, len(old.result["numbers"]), old.details) == ("done", 1, "")
