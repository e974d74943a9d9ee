"""The child process: what it reports, how it ends, and what it is to the rest of the computer."""

import errno
import io
import os
import subprocess
import sys

import pytest

from napari_posecut.jobs.child import _reporting
from napari_posecut.jobs.files import _parse_progress
from napari_posecut.jobs.jobs import Request, running_jobs, start
from posecut_core.progress import Progress
from tests.plugin.tiny_verbs import PROGRAM, until


@pytest.fixture
def ended(tmp_path):
    """A function that starts a verb and returns its job when it has ended."""
    (tmp_path / "config.yaml").write_text("Task: reaching\n", encoding="utf-8")

    def run(verb, program=PROGRAM, **arguments):
        job = start(tmp_path, Request(verb, arguments), program=program)
        until(job)
        return job

    return run


def test_errors_of_the_core_are_told_as_they_are(ended):
    """The sentence is the core's, in one line."""
    job = ended("refuse")
    assert (job.state, job.message, job.result) == ("failed", "Found no weights; train first.", {})


def test_other_errors_are_told_without_their_traceback(ended):
    """A sentence says where the traceback is, and it is there."""
    job = ended("slip")
    assert job.state == "failed"
    assert str(job.folder / "stderr.txt") in job.message
    assert "Traceback" not in job.message
    assert "Traceback" in job.details
    assert "1 / 0" in job.details


def test_too_little_memory_is_told_with_advice(ended):
    """Python's own refusal is a failure with a way out."""
    assert "smaller batch_size" in ended("starve").message


def test_a_result_that_json_has_not_is_an_error(ended):
    """It fails in the child, and is told."""
    assert ended("strange").state == "failed"


def test_a_verb_that_does_not_exist_is_refused(ended):
    """The message names those that do."""
    assert "There is no verb 'sing'; choose among count," in ended("sing").message


def test_a_window_is_served_first(ended):
    """The child has a lower priority and a session of its own."""
    found = ended("look_around").result
    assert found["nice"] == min(19, os.nice(0) + 10)
    assert found["session"] == found["pid"]


def test_the_real_child_does_the_real_work(tmp_path):
    """`python -m napari_posecut.jobs.child` calls the core."""
    (tmp_path / "config.yaml").write_text("Task: [\n", encoding="utf-8")
    job = start(tmp_path, Request("export_deeplabcut", {}))
    until(job)
    assert job.state == "failed"
    assert str(tmp_path / "config.yaml") in job.message


def _written(file):
    return [(one.stage, one.done) for one in map(_parse_progress, file.getvalue().encode().splitlines())]


def test_a_stage_is_told_in_few_lines():
    """Its first and last report count, and between them some ten in a second, fewer the longer the work takes."""
    file, seconds = io.StringIO(), [0.0]
    report = _reporting(file, asked=lambda: False, clock=lambda: seconds[0])
    for done in range(5):
        seconds[0] = 0.04 * done
        report(Progress("a", done, 5))
    report(Progress("a", 5, 5))
    report(Progress("b", 0))
    assert _written(file) == [("a", 0), ("a", 3), ("a", 5), ("b", 0)]
    seconds[0] = 10_000.0
    for done in range(6):
        report(Progress("c", done))
        seconds[0] += 0.9
    assert _written(file)[4:] == [("c", 0), ("c", 3)]


def test_a_wish_to_stop_interrupts_at_the_next_report():
    """Where no signal can say so."""
    with pytest.raises(KeyboardInterrupt):
        _reporting(io.StringIO(), asked=lambda: True)(Progress("a", 0))


def test_reports_that_cannot_be_written_do_not_end_the_work():
    """A full disk is told by the work itself, if it needs the disk."""

    class Full(io.StringIO):
        def flush(self):
            raise OSError(errno.ENOSPC, "full")

    _reporting(Full(), asked=lambda: False)(Progress("a", 0))


def test_a_network_that_helps_ends_with_a_window_that_is_killed(unlabeled):
    """Nobody is left whom it could help; other work goes on."""
    code = (
        "import sys, threading\nfrom napari_posecut.jobs.jobs import Request, start\n"
        "start(sys.argv[1], Request('assist', {}))\nprint(flush=True)\nthreading.Event().wait()"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(unlabeled)], stdout=subprocess.PIPE) as window:
        window.stdout.readline()
        (job,) = running_jobs(unlabeled)
        until(job, bool)  # it waits for labels
        window.kill()
    until(job)
    assert job.state == "stopped"
