"""The line in which the window says things."""

from threading import Event

import pytest

from napari_posecut.jobs.monitor import in_background
from napari_posecut.session import session_of
from napari_posecut.widgets.flow import _MessageLine
from posecut_core.errors import LabelError


@pytest.fixture
def line(viewer, qtbot):
    line = _MessageLine(session_of(viewer))
    qtbot.addWidget(line)
    return line


def refuse():
    raise LabelError("All bodyparts are labeled;\nchoose one.")


def test_what_was_refused_can_be_read_whole(line, viewer):
    """The sentence stands in one line from its beginning, until a person takes it away."""
    assert session_of(viewer).attempt(refuse) is None
    assert line.sentence.text() == "All bodyparts are labeled; choose one."
    assert line.sentence.cursorPosition() == 0
    line.dismiss.click()
    assert line.sentence.text() == ""
    assert not line.dismiss.isEnabled()


def test_it_goes_when_the_labeling_goes_on(line, viewer, qtbot):
    """A sentence about a label does not stand beside the next one."""
    session_of(viewer).notify("This frame is done.")
    qtbot.waitUntil(lambda: _is_gone_after(session_of(viewer).labels_changed, line))


def test_it_stays_with_what_it_is_about(line, viewer):
    """What changes labels and project in the moment in which the sentence is told does not take it away."""
    session_of(viewer).notify("2 new frames are there to label.")
    session_of(viewer).labels_changed.emit()
    session_of(viewer).project_changed.emit()
    assert line.sentence.text() == "2 new frames are there to label."


def test_it_stays_while_the_window_waits_for_what_it_is_about(line, viewer, qtbot):
    """A project that takes a while to open does not take away what was told on the way to it; going on does."""
    session = session_of(viewer)
    looked = Event()
    line._settling.timeout.connect(looked.set)
    session.notify("mouse was there already.")
    in_background(looked.wait)
    session.project_changed.emit()
    assert line.sentence.text() == "mouse was there already."
    qtbot.waitUntil(lambda: _is_gone_after(session.project_changed, line))


def _is_gone_after(changed, line):
    changed.emit()
    return line.sentence.text() == ""


def test_without_the_line_napari_tells(viewer, monkeypatch):
    """A dock that was opened alone does not keep quiet."""
    notified = []
    monkeypatch.setattr("napari_posecut.session.show_info", notified.append)
    session_of(viewer).attempt(refuse)
    assert notified == ["All bodyparts are labeled;\nchoose one."]
