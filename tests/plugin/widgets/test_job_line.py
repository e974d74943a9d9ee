"""The line that shows running work."""

from datetime import datetime

import pytest
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_posecut.widgets.parts.job_line import JobLine
from posecut_core.errors import Remedy
from posecut_core.progress import Progress, rough_time
from tests.plugin.widgets.fake_jobs import FakeJobs


class Clock:
    """Seconds that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class LooseSession:
    """As much of a session as the line asks for."""

    def __init__(self) -> None:
        from psygnal import SignalInstance

        self.project = None
        self.jobs, self.project_changed = FakeJobs(), SignalInstance()
        self.start = self.jobs.start
        self.remedy_requested = SignalInstance((Remedy,))
        self.notified: list[tuple[str, str]] = []

    def notify(self, sentence, remedies=(), *, kind="note"):
        self.notified.append((sentence, kind))

    def attempt(self, action):
        return action()


@pytest.fixture
def session(qtbot):
    """A session without a viewer."""
    return LooseSession()


@pytest.fixture
def line(session, qtbot):
    """A line for two verbs in a dock, and its clock."""
    host = QWidget()
    qtbot.addWidget(host)
    made = JobLine(session, ("train", "evaluate"), clock=Clock())
    QVBoxLayout(host).addWidget(made)
    yield made
    host.close()


def test_it_is_hidden_without_work(session, line):
    """There is nothing to see before work starts, of other verbs, and after it has ended well."""
    assert line.isHidden()
    session.jobs.start("analyze_videos", {})
    assert line.isHidden()
    session.jobs.start("train", {})
    assert not line.isHidden()
    session.jobs.end("done")
    assert line.isHidden()


def test_it_says_how_far_work_is(session, line):
    """The count and the time that is left are shown; the time is counted from the first report of the stage."""
    session.jobs.start("evaluate", {})
    session.jobs.report(Progress("reading m_1.mp4", 10, 110))
    line._clock.now = 10.0
    session.jobs.report(Progress("reading m_1.mp4", 60, 110))
    assert line.sentence.text().replace("\u200b", "") == "Reading m_1.mp4: 60 of 110, 10 s left"
    assert (line.bar.value(), line.bar.maximum()) == (60, 110)
    session.jobs.report(Progress("training", 60, 110, {"seconds_left": 500.0}))
    assert line.sentence.text() == "Training: 60 of 110, 8 min left"
    line.now = lambda: datetime(2026, 1, 31, 14, 2)
    session.jobs.report(Progress("training", 60, 110, {"seconds_left": 1500.0}))
    assert line.sentence.text() == "Training: 60 of 110, 25 min left, until about 14:30"


def test_reports_that_waited_tell_no_speed(session, line):
    """A window that finds work begun does not take what waited for it as fast work."""
    session.jobs.start("evaluate", {})
    session.jobs.report(Progress("reading", 0, 1000), Progress("reading", 500, 1000))
    line._clock.now = 0.05
    session.jobs.report(Progress("reading", 600, 1000))
    line._clock.now = 10.05
    session.jobs.report(Progress("reading", 700, 1000))
    assert line.sentence.text() == "Reading: 700 of 1000, 30 s left"


def test_a_line_that_is_made_later_shows_what_runs(session, qtbot):
    """Work that began before its dock was opened is shown as it stands, and ends there."""
    session.jobs.start("train", {})
    session.jobs.report(Progress("training", 50, 100, {"loss": 0.1, "seconds_left": 80.0}))
    late, host = JobLine(session, ("train",)), QWidget()
    assert not late.isVisible()  # as a window of its own
    qtbot.addWidget(host)
    QVBoxLayout(host).addWidget(late)
    assert late.isVisibleTo(host)
    assert late.sentence.text() == "Training: 50 of 100, 80 s left"


def test_stopping_is_asked_once(session, line):
    """The button asks the work to stop, and later reports do not hide that it was asked."""
    session.jobs.start("train", {})
    line.stop.click()
    line.stop.click()
    session.jobs.report(Progress("training", 1, 2))
    assert session.jobs.job.stops == 1
    assert line.sentence.text().startswith("Stopping")


@pytest.mark.parametrize("state", ["failed", "crashed"])
def test_a_failure_stays_to_be_read(session, line, qtbot, state):
    """Why work failed is shown until it is closed, can be copied with its details, and is told."""
    session.jobs.start("train", {})
    with qtbot.waitSignal(line.ended) as notified:
        session.jobs.end(state, message="There is no <frame>.")
    assert notified.args[0].state == state
    assert "There is no &lt;frame&gt;." in line.sentence.text().replace("\u200b", "")
    line.copy.click()
    assert QGuiApplication.clipboard().text() == "train\nThere is no <frame>.\n\nTraceback: line 1"
    line.dismiss.click()
    assert line.isHidden()


@pytest.mark.parametrize("state", ["failed", "crashed", "stopped"])
def test_what_did_not_end_well_is_tried_again_with_the_same_choices(session, line, state):
    """A button starts it once more, and its line shows that; it can be closed, too."""
    session.jobs.start("train", {"shuffle": 2})
    assert line.again.isHidden()
    session.jobs.end(state, message="The disk is full.")
    first = session.jobs.job
    assert not line.isHidden()
    line.again.click()
    assert session.jobs.job is not first
    assert (session.jobs.job.request.verb, session.jobs.job.request.arguments) == ("train", {"shuffle": 2})
    assert line.again.isHidden()
    assert not line.stop.isHidden()
    session.jobs.end(state)
    line.dismiss.click()
    assert line.isHidden()


def test_work_that_is_paused_goes_on_by_the_button_of_its_dock(session, qtbot):
    """Its line is gone then, as after a good end."""
    host = QWidget()
    qtbot.addWidget(host)
    line = JobLine(session, ("train",), pauses=True)
    QVBoxLayout(host).addWidget(line)
    assert line.stop.text() == "Pause"
    session.jobs.start("train", {})
    session.jobs.end("stopped")
    assert line.isHidden()


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "1 s"), (89, "89 s"), (90, "2 min"), (5000, "83 min"), (12_060, "3 h 21 min")]
)
def test_durations_are_said_as_people_do(seconds, said):
    """Seconds, minutes, or hours and minutes."""
    assert rough_time(seconds) == said


def test_a_good_end_is_a_message_where_it_should_be(session, line, qtbot):
    """Only of the verbs that a dock names, since some show what they found; a failure is one where nobody sees it."""
    host = QWidget()
    qtbot.addWidget(host)
    QVBoxLayout(host).addWidget(JobLine(session, ("find", "extract"), told=("extract",)))
    for verb, state in (("find", "done"), ("extract", "failed"), ("extract", "done"), ("train", "done")):
        session.jobs.start(verb, {})
        session.jobs.end(state, message=f"{verb}: {state}.")
    session.jobs.start("extract", {})
    session.jobs.end("done", message="The network is not ready.", is_warning=True)
    assert session.notified == [
        ("extract: failed.", "failed"),
        ("extract: done.", "done"),
        ("The network is not ready.", "warning"),
    ]
    host.show()
    session.jobs.start("extract", {})
    session.jobs.end("failed", message="The disk is full.")
    assert len(session.notified) == 3
