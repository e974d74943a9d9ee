"""Progress is a bar on a terminal and plain lines in a log."""

import io
import re

import pytest
from rich.console import Console

from posecut_core.cli.program import _open_consoles, _plain_line, _progress_display, details, duration
from posecut_core.progress import Notice, Progress


def shown(reports, **options):
    """What a console shows of some reports."""
    stream = io.StringIO()
    with _progress_display(Console(file=stream, width=100, **options)) as report:
        for progress in reports:
            report(progress)
    return stream.getvalue()


def test_a_log_has_the_first_and_the_last_line_of_a_stage():
    """A thousand reports in a moment are two lines, without control characters."""
    text = shown([Progress("reading", number, 1000) for number in range(1, 1001)])
    assert text.splitlines() == ["reading: 1/1000", "reading: 1000/1000"]


def test_a_log_speaks_again_after_a_while(monkeypatch):
    """Long work says every ten seconds how far it is."""
    clock = iter(range(0, 400, 4))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    text = shown([Progress("training", number, 100) for number in range(1, 7)])
    assert text.splitlines() == ["training: 1/100", "training: 4/100"]


def test_a_heading_has_no_count():
    """A notice is printed as it is."""
    assert shown([Notice("Step 1 of 2: drawing")]) == "Step 1 of 2: drawing\n"


def test_a_terminal_shows_a_bar_and_keeps_a_line():
    """Each finished stage stays as a line; headings do too."""
    reports = [Notice("Step 1"), Progress("reading [x]", 1, 2), Progress("training", 3, 4, {"loss": 0.5})]
    text = shown(reports, force_terminal=True)
    assert "Step 1" in text
    assert "reading [x]: 1/2" in text
    assert "training: 3/4 loss 0.5000" in text


def test_a_terminal_is_free_between_stages():
    """After a heading nothing is drawn that would wipe out what a person types; every line stays, none is empty."""
    stream = io.StringIO()
    with _progress_display(Console(file=stream, width=100, force_terminal=True)) as report:
        report(Progress("judging", 5, 5))
        report(Notice("4 frames found"))
        assert not report._bars.live.is_started
        report(Progress("extracting", 4, 4))
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue()).splitlines()
    assert [line for line in lines if line.startswith(("  judging", "4 frames", "  extracting"))] == [
        "  judging: 5/5",
        "4 frames found",
        "  extracting: 4/4",
    ]


def test_loss_speed_and_time_left_are_told():
    """Values that a report has are shown with their units."""
    progress = Progress("training", 1, 10, {"loss": 0.01234, "steps_per_s": 2.5, "seconds_left": 65.2})
    assert _plain_line(progress) == "training: 1/10 loss 0.0123, 2.5 steps/s, 1 min 05 s left"
    validating = Progress("training", 1, 10, {"loss": 0.5, "validation_error": 4.567})
    assert _plain_line(validating) == "training: 1/10 loss 0.5000, validation error 4.57 px"
    assert details(Progress("analyzing", 1, None, {"frames_per_s": 31.26})) == "31.3 frames/s"
    assert details(Progress("analyzing", 1, None, {"frames_per_s": 1874.2})) == "1874 frames/s"


@pytest.mark.parametrize(
    ("seconds", "words"), [(-1, "0 s"), (7.6, "8 s"), (59.7, "1 min 00 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")]
)
def test_durations_are_said_as_people_do(seconds, words):
    """Seconds, then minutes, then hours."""
    assert duration(seconds) == words


def test_names_are_written_as_they_are(capsys):
    """Kind: names that mean something to a program on the way. Colons around letters are no picture."""
    _open_consoles()[0].print("a:b: 2 new frames [bold]", markup=False)
    assert capsys.readouterr().out == "a:b: 2 new frames [bold]\n"
