"""What makes long work bearable: notes, a list of edits, brightness, marks of what is done, a short way to begin."""

from pathlib import Path

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QFileDialog, QListWidget, QScrollArea, QTabBar, QWidget

from napari_posecut.labeling.frame_index import NOTED
from napari_posecut.session import session_of
from napari_posecut.widgets.flow import _STAGES
from napari_posecut.window import add_flow_bar, open_here
from posecut_core.evaluation.errors import MeanErrors
from posecut_core.evaluation.reliability import Calibration
from posecut_core.evaluation.tables import FrameError, put_row, result_row, write_frame_errors
from posecut_core.labels.frame_notes import read_notes
from posecut_core.project.opening import project_videos
from posecut_core.project.state import read_state
from tests.plugin.hand import CONTROL, LEFT, NONE, Hand, Inputs, press, write
from tests.plugin.immediate_jobs import work_at_once
from tests.plugin.widgets.fake_jobs import FakeJobs

_AROUND_OTHERS = (QScrollArea, QTabBar)  # which Tab reaches before what they hold
PLACES = [(40.0, 60.0), (60.0, 60.0), (80.0, 60.0)]


def states(bar):
    """Return the states of the bodyparts of the shown frame."""
    return [one.state for one in session_of(bar._viewer).labeling.keypoints]


def type_note(bar, text):
    """Write a note as a person does: its key, the letters, Enter."""
    Hand(bar._viewer).key(Qt.Key.Key_M)
    note = bar.open("3 Label").note
    QTest.keyClicks(note, text)
    QTest.keyClick(note, Qt.Key.Key_Return)
    QApplication.processEvents()


def test_a_note_is_kept_with_its_frame(opened, qtbot):
    """Its letters are no keys of labeling, it is on disk after Enter, and the lists of frames mark it."""
    session, strip = session_of(opened._viewer), opened.show_filmstrip()
    dock, tree = opened.open("3 Label"), opened.open("1 Project").frames
    opened.open("3 Label")
    frame = session.labeling.frame
    type_note(opened, "ad hoc note")
    assert session.labeling.frame == frame
    assert set(states(opened)) == {"unset"}
    assert read_notes(session.project.frame_notes(frame.video)) == {frame.number: "ad hoc note"}
    assert NOTED in tree._frames[frame].text(1)
    assert tree._frames[frame].toolTip(1) == "ad hoc note"
    qtbot.waitUntil(lambda: NOTED in strip.frames.item(0).text())
    Hand(opened._viewer).key(Qt.Key.Key_D)
    assert dock.note.text() == ""
    Hand(opened._viewer).key(Qt.Key.Key_A)
    assert dock.note.text() == "ad hoc note"


def test_escape_takes_back_what_was_typed(opened):
    """The note stays as it was, and the keys are those of labeling again."""
    session, note = session_of(opened._viewer), opened.open("3 Label").note
    type_note(opened, "first")
    Hand(opened._viewer).key(Qt.Key.Key_M)
    QTest.keyClicks(note, "second")
    QTest.keyClick(note, Qt.Key.Key_Escape)
    assert (note.text(), session.labeling.note) == ("first", "first")
    assert not note.hasFocus()


def test_frames_with_notes_come_first_if_that_is_wanted(opened):
    """The filmstrip has them in this order, and by the error of the network too."""
    labeling, strip = session_of(opened._viewer).labeling, opened.show_filmstrip()
    last = labeling.index.frames[-1]
    labeling.go_to(last)
    labeling.write_note("look again")
    strip.order.setCurrentIndex(strip.order.findData("note"))
    strip.rebuild()
    assert strip.frames.item(0).text().startswith(f"{last.number} {NOTED}")
    folder = labeling.index.project.training(1).evaluation("").folder
    found = Calibration(17.0, 4, 3, 0.125, 0.3, ())
    row = result_row(
        MeanErrors(1, 2, 1, 2, train_pairs=1, test_pairs=1),
        found,
        step=6,
        percent=95,
        shuffle=1,
        pcutoff=0.6,
        bodyparts=None,
    )
    put_row(folder / "net-results.csv", row)
    worst = labeling.index.frames[2]
    write_frame_errors(folder / "net-frame-results.csv", [FrameError(worst.video, worst.number, True, 9.0)])
    strip.order.setCurrentIndex(strip.order.findData("error"))
    strip.rebuild()
    assert next(iter(strip._items)) == worst


def click_item(rows: QListWidget, row: int):
    """Click on a row of a list."""
    item = rows.item(row)
    rows.scrollToItem(item)
    QTest.mouseClick(rows.viewport(), LEFT, NONE, rows.visualItemRect(item).center())
    QApplication.processEvents()


def test_a_click_in_the_list_of_edits_goes_back_to_one(opened, qtbot):
    """What came after it is undone, shown gray, and made again by a click; Ctrl + Z goes on from there."""
    hand, history = Hand(opened._viewer), opened.show_history()
    for place in PLACES:
        hand.click(place)
    qtbot.waitUntil(lambda: history.edits.count() == 4)
    number = session_of(opened._viewer).labeling.frame.number
    rows = [history.edits.item(row).text() for row in range(4)]
    assert rows == [
        "before these edits",
        *(f"frame {number}: {part} placed" for part in ("snout", "leftear", "rightear")),
    ]
    click_item(history.edits, 1)
    assert states(opened)[:3] == ["placed", "unset", "unset"]
    assert history.edits.item(3).foreground() != history.edits.item(1).foreground()
    click_item(history.edits, 3)
    assert states(opened)[:3] == ["placed", "placed", "placed"]
    click_item(history.edits, 0)
    assert set(states(opened)) == {"unset"}
    click_item(history.edits, 2)
    hand.key(Qt.Key.Key_Z, CONTROL)
    assert states(opened)[:3] == ["placed", "unset", "unset"]


def test_brightness_is_that_of_the_video(opened, qtbot):
    """Sliders and napari's own controls change it, other videos are shown as they are, and the project keeps it."""
    session, dock = session_of(opened._viewer), opened.open("3 Label")
    labeling, image = session.labeling, session.canvas.image
    first, other = labeling.frame, next(key for key in labeling.index.frames if key.video != labeling.frame.video)
    for _ in range(20):
        QTest.keyClick(dock.brightness.brightness, Qt.Key.Key_Right)
    assert 0.2 < image.gamma < 0.9
    image.contrast_limits = (10.0, 200.0)
    gamma = image.gamma
    labeling.go_to(other)
    assert (list(image.contrast_limits), image.gamma) == ([0, 255], 1)
    assert dock.brightness.brightness.value() == 0
    assert not dock.brightness.reset_button.isEnabled()
    labeling.go_to(first)
    assert (list(image.contrast_limits), image.gamma) == ([10, 200], gamma)
    path = session.project.settings_path
    qtbot.waitUntil(lambda: first.video in read_state(path).brightness)
    assert read_state(path).brightness[first.video] == pytest.approx((10.0, 200.0, gamma))
    press(dock.brightness.reset_button)
    session.close()
    assert read_state(path).brightness == {}


def test_a_file_that_is_broken_meanwhile_ends_in_a_sentence(opened, qtbot):
    """Every dock opens, labels and brightness go on, and what cannot be read is named with its line."""
    session = session_of(opened._viewer)
    settings = session.project.settings_path
    settings.write_text(settings.read_text().replace("palette: distinct", "palette: rainbows"))
    docks = [opened.open(stage.title) for stage in _STAGES]
    opened.open("3 Label")
    Hand(opened._viewer).click(PLACES[0])
    assert states(opened)[0] == "placed"
    session.hide_labels()
    session.show_labels()
    session.attempt(session.refresh)
    assert "palette is 'rainbows'" in opened.message.sentence.text()
    QTest.keyClick(docks[2].brightness.contrast, Qt.Key.Key_Right)
    opened.message._clear()
    qtbot.waitUntil(lambda: "palette is 'rainbows'" in opened.message.sentence.text())


def test_the_row_marks_what_is_done_and_what_is_next(viewer, sample, qtbot):
    """Of a labeled project training comes next; a screen reader is told, too."""
    bar = add_flow_bar(viewer)
    assert bar.buttons["1 Project"].text() == "1 Project"
    open_here(viewer, sample)
    qtbot.waitUntil(lambda: bar.buttons["4 Train"].text() == "\u25b8 4 Train")
    assert [bar.buttons[title].text()[0] for title in ("1 Project", "2 Frames", "3 Label")] == ["\u2713"] * 3
    assert bar.buttons["3 Label"].accessibleName() == "3 Label, done"
    assert bar.buttons["5 Evaluate"].text() == "5 Evaluate"
    session_of(viewer).labeling.unset(session_of(viewer).labeling.keypoints[0].bodypart)
    qtbot.waitUntil(lambda: bar.buttons["3 Label"].text() == "\u25b8 3 Label")


def test_a_new_project_costs_two_fields_five_clicks_and_a_dialog(viewer, unlabeled, monkeypatch, tmp_path, qtbot):
    """From the first start to the frame in which the first bodypart is placed."""
    videos = [str(path) for path in project_videos_of(unlabeled)]
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    dialogs = []
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *about: dialogs.append(about) or (videos, ""))
    bar = add_flow_bar(viewer)
    dock, session = bar.open("1 Project"), session_of(viewer)
    work_at_once(session, monkeypatch)
    inputs = Inputs()
    press(dock.start.new_button)
    write(dock.new.task, "reach")
    write(dock.new.bodyparts, "snout, left ear, tail base")
    press(dock.new.add_button)
    qtbot.waitUntil(lambda: all("pixels" in dock.new.videos.item(row).text() for row in range(2)))
    assert not dock.new.videos.item(0).icon().isNull()
    press(dock.new.create_button)
    frames = viewer.window.dock_widgets["2 Frames (PoseCut)"]
    frames.algorithm.setCurrentIndex(1)  # which needs no looking at pictures, for the test only
    press(frames.extract_button)
    press(bar.buttons["3 Label"])
    assert (len(inputs.fields), inputs.clicks, len(dialogs)) == (2, 5, 1)
    Hand(viewer).click(PLACES[0])
    assert [one.name for one in session.labeling.keypoints if one.state == "placed"] == ["snout"]
    assert inputs.clicks == 6  # that on the frame is counted, too
    assert session.project.config.bodyparts == ("snout", "left ear", "tail base")


def project_videos_of(config):
    """Return the video files of a project."""
    from posecut_core.project.opening import open_project

    return [path.resolve() for path in project_videos(open_project(config)).values()]


def test_a_list_of_bodyparts_is_pasted(viewer, unlabeled, tmp_path):
    """One on each line or between tabs and commas, as a table or a text has them; a name that is none is told."""
    dock = add_flow_bar(viewer).open("1 Project")
    form = dock.new
    for field, text in ((form.task, "reach"), (form.experimenter, "ada"), (form.folder, str(tmp_path))):
        field.setText(text)
    form.add_videos([str(project_videos_of(unlabeled)[0])])
    form.bodyparts.setPlainText("left ear")
    assert form.create_project() is None
    assert "has a space" in add_flow_bar(viewer).message.sentence.text()
    form.bodyparts.setPlainText("snout\tleft ear\n\ntail base,\npaw")
    form.create_project()
    assert dock.session.project.config.bodyparts == ("snout", "left ear", "tail base", "paw")


@pytest.mark.parametrize("title", [stage.title for stage in _STAGES])
def test_tab_goes_through_a_dock_from_top_to_bottom(viewer, sample, title, qtbot):
    """Nobody jumps back and forth who works without a mouse."""
    session_of(viewer).jobs = FakeJobs()
    bar = add_flow_bar(viewer)
    session_of(viewer).open(sample)
    dock = bar.open(title)
    qtbot.wait(1)
    reached = [one for one in in_order(dock) if one.isVisible() and dock.isAncestorOf(one)]
    tops = [one.mapTo(dock, QPoint(0, one.height() // 2)).y() for one in reached]
    assert len(reached) > (title != "8 Refine")  # where nothing can be merged before anything is trained
    back = [
        (reached[place].objectName(), reached[place + 1].objectName())
        for place in range(len(tops) - 1)
        if tops[place + 1] < tops[place] - 12
    ]
    assert back == []


def in_order(dock: QWidget):
    """Go through the widgets that Tab leads to, in its order, beginning with the first of the dock."""
    start = one = dock
    while True:
        one = one.nextInFocusChain()
        if one is start:
            return
        if one.focusPolicy() & Qt.FocusPolicy.TabFocus and one.isEnabled() and not isinstance(one, _AROUND_OTHERS):
            yield one
