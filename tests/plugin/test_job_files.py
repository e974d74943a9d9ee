"""What a window and a child write for each other is read as it was meant, also when it is not whole."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_posecut.jobs.files import _DETAILS, Outcome, Request, _parse_progress, new_job_folder, progress_line
from posecut_core.errors import Remedy, StorageError
from posecut_core.progress import Notice, Progress


@pytest.fixture
def folder(tmp_path):
    """The folder of a job."""
    return new_job_folder(tmp_path, "one")


def write(path, text):
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


@given(
    st.text(), st.integers(0), st.none() | st.integers(0), st.dictionaries(st.text(), st.floats(allow_infinity=False))
)
def test_reports_survive_a_round_trip(stage, done, total, values):
    """Whatever the stage is called and whichever numbers are missing."""
    line = progress_line(Progress(stage, done, total, values))
    assert line.count("\n") == 1
    back = _parse_progress(line.encode())
    assert (back.stage, back.done, back.total, set(back.values)) == (stage, done, total, set(values))
    assert all(back.values[key] == value or math.isnan(value) for key, value in values.items())


@given(st.text())
def test_notices_survive_a_round_trip(text):
    """Whatever a notice says."""
    assert _parse_progress(progress_line(Notice(text)).encode()) == Notice(text)


@pytest.mark.parametrize(
    "line", [b"", b"{", b"null", b"[]", b'{"stage": "a"}', b"\0\0\0", b"\xff", b'{"values": []}', b"5"]
)
def test_a_line_that_is_no_report_is_none(line):
    """A full disk or a loss of power may leave such lines."""
    assert _parse_progress(line) is None


def test_a_half_line_waits_for_its_rest(folder):
    """It is neither lost nor read twice."""
    line = progress_line(Progress("zählen", 1, 2))
    assert folder.read_progress(0) == ((), 0)
    write(folder.progress, line + line[:20])
    first, offset = folder.read_progress(0)
    assert (len(first), folder.read_progress(offset)) == (1, ((), offset))
    write(folder.progress, line[20:] + "spoiled\n" + line)
    second, end = folder.read_progress(offset)
    assert (list(second), folder.read_progress(end)) == ([Progress("zählen", 1, 2)] * 2, ((), end))


def test_many_reports_are_read_in_parts(folder):
    """A window that finds a long job is not held up by all it has reported."""
    line = progress_line(Progress("a" * 1000, 0))
    write(folder.progress, line * 1000)
    first, offset = folder.read_progress(0)
    assert 0 < len(first) < 1000
    count = len(first)
    while reports := folder.read_progress(offset)[0]:
        count, offset = count + len(reports), folder.read_progress(offset)[1]
    assert count == 1000


def test_request_process_and_outcome_come_back(folder, tmp_path):
    """A folder without them has none."""
    assert (folder.read_request(), folder.read_process(), folder.read_outcome()) == (None, None, None)
    request, outcome = (
        Request("evaluate", {"shuffle": 1, "videos": ["a b.mp4"]}),
        Outcome("failed", {}, "No.", (Remedy("doctor", mend=True),)),
    )
    folder.write_request(tmp_path / "config.yaml", request)
    folder.write_process(12)
    folder.write_outcome(outcome)
    assert folder.read_request() == (tmp_path / "config.yaml", request)
    assert (folder.read_process().pid, folder.read_process().name) == (12, "one")
    assert folder.read_outcome() == outcome


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "1", '{"config": 1}', '{"state": "done"}'),
        *('{"host": "a", "pid": "x"}', '{"host": "a", "pid": Infinity}', '{"host": "a", "pid": -1}'),
        '{"config": "a", "verb": 1, "arguments": {}}',
    ],
)
def test_files_that_are_not_as_they_were_written_count_as_missing(folder, text):
    """Whoever looks through the folders of jobs is not stopped by one."""
    for name in ("request", "process", "result"):
        (folder.path / f"{name}.json").write_text(text)
    assert (folder.read_request(), folder.read_process(), folder.read_outcome()) == (None, None, None)


def test_details_are_the_end_of_what_was_printed(folder):
    """As much of it as anyone reads."""
    assert folder.read_details() == ""
    write(folder.errors, "x" * _DETAILS + "the end")
    assert (len(folder.read_details()), folder.read_details()[-7:]) == (_DETAILS, "the end")


def test_a_wish_to_stop_is_noted(folder):
    """For a child that no signal reaches."""
    assert not folder.stop_asked
    folder.ask_stop()
    assert folder.stop_asked


def test_a_place_that_is_taken_is_told(tmp_path):
    """A file where the folder belongs is named."""
    (tmp_path / "jobs").write_text("")
    with pytest.raises(StorageError, match="Cannot write"):
        new_job_folder(tmp_path / "jobs", "one")
