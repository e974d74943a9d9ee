"""The line in which the window says things."""

import pytest

from napari_posecut.desk import desk_of
from napari_posecut.widgets.message_line import MessageLine
from posecut_core.errors import LabelError


@pytest.fixture
def line(viewer, qtbot):
    line = MessageLine(desk_of(viewer))
    qtbot.addWidget(line)
    return line


def refuse():
    raise LabelError("All bodyparts are labelled;\nchoose one.")


def test_what_was_refused_can_be_read_whole(line, viewer):
    """The sentence stands in one line from its beginning, until a person takes it away."""
    assert desk_of(viewer).attempt(refuse) is None
    assert line.sentence.text() == "All bodyparts are labelled; choose one."
    assert line.sentence.cursorPosition() == 0
    line.dismiss.click()
    assert line.sentence.text() == ""
    assert not line.dismiss.isEnabled()


def test_it_goes_when_the_labelling_goes_on(line, viewer):
    """A sentence about a label does not stand beside the next one."""
    desk_of(viewer).tell("This frame is done.")
    desk_of(viewer).labels_changed.emit()
    assert line.sentence.text() == ""


def test_without_the_line_napari_tells(viewer, monkeypatch):
    """A dock that was opened alone does not keep quiet."""
    told = []
    monkeypatch.setattr("napari_posecut.desk.show_info", told.append)
    desk_of(viewer).attempt(refuse)
    assert told == ["All bodyparts are labelled;\nchoose one."]
