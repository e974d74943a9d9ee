"""What the window must never do: label by accident, lose a label, or say done of what was not done."""

import dataclasses
import shutil

import numpy as np
import pytest
from napari.layers import Shapes
from qtpy.QtCore import QPoint, QRect, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QCheckBox, QComboBox, QDockWidget, QSlider, QWidget

from napari_posecut.labeling.keypoints import Proposal
from napari_posecut.session import _Closing, kind_of_end, session_of
from napari_posecut.widgets.flow import _dock_of
from napari_posecut.window import add_flow_bar, open_here
from posecut_core.dataset.settings import TrainingSettings, write_settings
from posecut_core.dataset.split import Split, write_split
from posecut_core.errors import Remedy
from posecut_core.labels.edits import Place, Together
from posecut_core.model.log import Metrics, append_log, start_log
from posecut_core.progress import Notice, Progress
from posecut_core.project.config import edit_config
from posecut_core.project.opening import project_videos
from posecut_core.project.state import read_state
from posecut_core.video.frame_store import FrameStore
from tests.plugin.hand import CONTROL, LEFT, NONE, RIGHT, SHIFT, Hand, click_row, press, seen
from tests.plugin.widgets.fake_jobs import FakeJobs

ALT = Qt.KeyboardModifier.AltModifier
PLACE, NEAR = (60.0, 60.0), 8  # x, y in a frame; screen pixels, within reach of a marker and not on it
SECOND = (30.0, 60.0)


def labels(bar):
    """Return the names of the bodyparts that are labeled in the shown frame."""
    return [one.name for one in session_of(bar._viewer).labeling.keypoints if one.state == "placed"]


def message(bar):
    """Return what the message line says."""
    return bar.message.sentence.text()


def test_a_click_labels_only_while_a_dock_of_labels_is_in_front(opened):
    """Beside 2 Frames a click on the image says why it places nothing; a button leads to where it does."""
    opened.open("2 Frames")
    Hand(opened._viewer).click(PLACE)
    assert labels(opened) == []
    assert "3 Label" in message(opened)
    press(opened.message.remedies.buttons[0])
    Hand(opened._viewer).click(PLACE)
    assert labels(opened) == ["snout"]


def edits(opened):
    """Return what changes labels by the mouse or a key, where one is at PLACE and a suggestion of leftear at SECOND."""
    hand = Hand(opened._viewer)
    keys = [(Qt.Key.Key_E, NONE), (Qt.Key.Key_O, NONE), (Qt.Key.Key_X, NONE), (Qt.Key.Key_X, SHIFT)]
    keys += [(Qt.Key.Key_Return, NONE), (Qt.Key.Key_C, NONE), (Qt.Key.Key_Z, CONTROL), (Qt.Key.Key_Z, CONTROL | SHIFT)]
    keys += [(Qt.Key.Key_Delete, CONTROL)]
    mouse = (
        lambda: hand.click((100.0, 100.0)),
        lambda: hand.drag(PLACE, (80.0, 90.0)),
        lambda: hand.click(PLACE, button=RIGHT),
        lambda: hand.click(SECOND),
        lambda: hand.drag(SECOND, (80.0, 90.0), modifier=ALT),
    )
    return *mouse, *(lambda key=key: hand.key(*key) for key in keys)


def refused(opened):
    """Return what is said of each change of labels, none of which may be made."""
    labeling, sentences = session_of(opened._viewer).labeling, []
    before = labeling.keypoints, labeling.status(labeling.frame), labeling.index.label_session.revision
    for edit in edits(opened):
        opened._viewer.scene.camera.center = (0.0, 60.0, 60.0)
        session_of(opened._viewer).notify("")
        edit()
        sentences.append(message(opened))
        assert (labeling.keypoints, labeling.status(labeling.frame), labeling.index.label_session.revision) == before
    return set(sentences)


def test_nothing_changes_labels_where_none_are_made(opened):
    """Neither mouse nor keys do beside another dock or with another layer selected; why is said, a button mends it."""
    viewer, session, hand = opened._viewer, session_of(opened._viewer), Hand(opened._viewer)
    hand.click(PLACE)
    propose(session, ["leftear"], at=SECOND)
    opened.open("2 Frames")
    hand.key(Qt.Key.Key_S)
    assert session.labeling.current.name == "neck"
    hand.key(Qt.Key.Key_D)
    hand.key(Qt.Key.Key_A)
    (sentence,) = refused(opened)
    assert "3 Label is not in front" in sentence
    press(opened.message.remedies.buttons[0])
    viewer.add_layer(Shapes(name="arena", ndim=2))
    (sentence,) = refused(opened) - {""}  # of keys that the layer has itself
    assert "the layer 'arena' is selected" in sentence
    press(opened.message.remedies.buttons[0])
    hand.drag(PLACE, (80.0, 90.0))
    hand.click(SECOND)
    assert labels(opened) == ["snout", "leftear"]
    assert session.labeling.keypoints[0].xy == pytest.approx((80, 90), abs=1)


def test_what_finds_nothing_to_change_says_so(opened):
    """Kind: some gestures and keys were passed over without a word."""
    session, hand = session_of(opened._viewer), Hand(opened._viewer)
    session.labeling.advance = False

    def said(edit):
        session.notify("")
        edit()
        return message(opened)

    assert "no marker is there" in said(lambda: hand.click((100.0, 100.0), button=RIGHT))
    assert "no suggestions that are moved together" in said(lambda: hand.drag(PLACE, SECOND, modifier=ALT))
    assert "snout has none in this frame" in said(lambda: hand.key(Qt.Key.Key_X))
    hand.click(PLACE)
    hand.key(Qt.Key.Key_D)
    assert said(lambda: hand.key(Qt.Key.Key_C)) == ""
    assert "Nothing was copied" in said(lambda: hand.key(Qt.Key.Key_C))
    hand.key(Qt.Key.Key_Z, CONTROL)  # takes back what was copied, not what copied nothing
    assert proposed(opened) == {}
    for _ in session.labeling.index.columns:
        hand.key(Qt.Key.Key_E)
    assert "all bodyparts that are shown are done" in said(lambda: hand.key(Qt.Key.Key_X))


def test_hidden_markers_and_three_dimensions_keep_labels_as_they_are(opened):
    """Nobody sees then what a key would change; the view still moves, without a word."""
    viewer, session, hand = opened._viewer, session_of(opened._viewer), Hand(opened._viewer)
    hand.click(PLACE)
    for change, back in (
        (lambda: hand.key(Qt.Key.Key_H), lambda: hand.key(Qt.Key.Key_H)),
        (lambda: setattr(viewer.dims, "ndisplay", 3), lambda: setattr(viewer.dims, "ndisplay", 2)),
    ):
        change()
        session.notify("")
        hand.drag(PLACE, (80.0, 90.0))
        assert message(opened) == ""
        hand.key(Qt.Key.Key_E)
        assert "No label was changed" in message(opened)
        back()
        assert [one.state for one in session.labeling.keypoints[:2]] == ["placed", "unset"]


def test_1_project_labels_only_where_it_lists_frames(opened):
    """Its list of frames leads to each of them; beside its other tabs, and without any dock, nothing is labeled."""
    dock, near = opened.open("1 Project"), opened.next_bodypart
    assert opened._places_labels()
    assert not near.corner.isHidden()
    dock.tabs.setCurrentWidget(dock.names)
    assert not opened._places_labels()
    assert near.corner.isHidden()
    dock.tabs.setCurrentWidget(dock.checks)
    assert not opened._places_labels()
    dock.checks.doubtful.setVisible(True)
    assert opened._places_labels()
    for title in ("1 Project", "3 Label"):
        opened._dock(title).close()
    Hand(opened._viewer).click(PLACE)
    assert labels(opened) == []
    assert "3 Label is not in front" in message(opened)


def test_a_marker_is_not_dragged_out_of_the_picture(opened):
    """It ends at the picture's edge, where its label counts; what others have labeled outside stays until then."""
    session, hand = session_of(opened._viewer), Hand(opened._viewer)
    height, width = session.canvas.image.data.shape[1:3]
    session.labeling.place((-4.0, 30.0))
    propose(session, ["leftear", "rightear"], at=(30.0, 80.0))
    assert session.labeling.keypoints[0].xy == (-4.0, 30.0)
    hand.drag((-4.0, 30.0), (-6.0, -6.0))
    assert session.labeling.keypoints[0].xy == (0.1, 0.1)
    hand.drag((30.0, 80.0), (25.0, 80.0 + height), modifier=ALT)
    hand.drag((20.0, 30.0), (20.0 + width, 30.0), modifier=ALT)
    places = list(proposed(opened).values())
    assert places == [pytest.approx((width - 0.5, height - 0.5))] * 2


def test_a_click_outside_the_image_is_no_label(opened):
    """The black border is no place for a bodypart."""
    Hand(opened._viewer).click((-6.0, 60.0))
    assert labels(opened) == []
    assert "outside the image" in message(opened)


def test_near_a_proposal_of_another_bodypart_a_click_places_the_current_one(opened):
    """Only on its marker a proposal is meant."""
    session, viewer = session_of(opened._viewer), opened._viewer
    part = list(session.labeling.index.columns)[3]
    session.labeling.proposals.set_network({session.labeling.frame: {part: Proposal(PLACE, 0.7, "net", 10)}})
    session.labeling.keypoints_changed.emit()
    Hand(viewer).click((PLACE[0] + NEAR / viewer.scene.camera.zoom, PLACE[1]))
    assert labels(opened) == ["snout"]


def test_near_a_suggestion_of_another_bodypart_the_current_one_is_placed_that_has_one_too(opened):
    """Where a whole pose is suggested, and that of the current bodypart is wrong."""
    session, viewer = session_of(opened._viewer), opened._viewer
    snout, *_, other = list(session.labeling.index.columns)[:4]
    far = Proposal((PLACE[0] + 90, PLACE[1] + 90), 0.7, "net", 10)
    poses = {session.labeling.frame: {snout: far, other: Proposal(PLACE, 0.7, "net", 10)}}
    session.labeling.proposals.set_network(poses)
    session.labeling.keypoints_changed.emit()
    session.labeling.choose(snout)
    place = (PLACE[0] + NEAR / viewer.scene.camera.zoom, PLACE[1])
    Hand(viewer).click(place)
    assert labels(opened) == ["snout"]
    assert session.labeling.keypoints[0].xy == pytest.approx(place, abs=1.0)


def test_undo_takes_a_copied_pose_back_and_no_label(opened):
    """C and Ctrl + Z leave everything as it was."""
    viewer, labeling = opened._viewer, session_of(opened._viewer).labeling
    hand = Hand(viewer)
    hand.click(PLACE)
    labeling.step(1)
    second, before = labeling.frame, labeling.index.label_session.revision
    hand.key(Qt.Key.Key_C)
    assert [one.name for one in labeling.keypoints if one.state == "proposed"] == ["snout"]
    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert {one.state for one in labeling.keypoints} == {"unset"}
    assert (labeling.frame, labeling.index.label_session.revision) == (second, before)
    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert labeling.index.label_session.revision == before + 1


def test_taking_back_many_frames_at_once_is_told(opened):
    """As where labels were imported: one Ctrl + Z too many would take all of them away without a word."""
    session, hand, told = session_of(opened._viewer), Hand(opened._viewer), []
    labeling = session.labeling
    frames = [frame.number for frame in labeling.index.frames if frame.video == labeling.frame.video]
    part = next(iter(labeling.index.columns))
    labeling.index.label_session.apply(Together(tuple(Place(number, part, PLACE) for number in frames)))
    session.notified.connect(lambda *message: told.append(message[0]))
    hand.key(Qt.Key.Key_Z, CONTROL)
    assert told == [f"An edit of {len(frames)} frames at once was taken back; Ctrl + Shift + Z makes it again."]
    hand.key(Qt.Key.Key_Z, CONTROL | SHIFT)
    assert told[1:] == [f"An edit of {len(frames)} frames at once was made again; Ctrl + Z takes it back."]


def propose(session, names, at=PLACE):
    """Let a network propose bodyparts in the shown frame, each 9 pixels to the right of the one before."""
    parts = {name: part for part, name in session.labeling.index.columns.items()}
    found = {parts[name]: Proposal((at[0] + 9 * place, at[1]), 0.7, "net", 10) for place, name in enumerate(names)}
    session.labeling.proposals.set_network({session.labeling.frame: found})
    session.labeling.keypoints_changed.emit()


def proposed(bar):
    """Return the places of the proposals of the shown frame, by the names of their bodyparts."""
    return {one.name: one.xy for one in session_of(bar._viewer).labeling.keypoints if one.state == "proposed"}


def test_one_key_rejects_all_proposals_and_undo_brings_them_back(opened):
    """Each Ctrl + Z takes back one change, in the order in which they were made, whether the store knows it or not."""
    session, hand = session_of(opened._viewer), Hand(opened._viewer)
    propose(session, ("leftear", "rightear", "tailbase"))
    hand.click((20.0, 20.0))
    hand.key(Qt.Key.Key_X, SHIFT)
    assert (proposed(opened), labels(opened)) == ({}, ["snout"])
    hand.click((30.0, 20.0))
    assert labels(opened) == ["snout", "leftear"]
    for left, wrong in ((["snout"], 0), (["snout"], 3), ([], 3)):
        hand.key(Qt.Key.Key_Z, CONTROL)
        assert (labels(opened), len(proposed(opened))) == (left, wrong)


def test_rejecting_where_nothing_is_proposed_leaves_later_proposals(opened):
    """Shift + X on an empty frame bars nothing that the network proposes afterwards."""
    Hand(opened._viewer).key(Qt.Key.Key_X, SHIFT)
    propose(session_of(opened._viewer), ("leftear", "rightear"))
    assert list(proposed(opened)) == ["leftear", "rightear"]


def test_a_copied_pose_is_moved_and_turned_as_a_whole(opened):
    """Alt and a drag move all proposals, Alt, Shift and a drag turn them; one Ctrl + Z each takes that back."""
    hand = Hand(opened._viewer)
    propose(session_of(opened._viewer), ("leftear", "rightear"))
    hand.drag((30.0, 30.0), (40.0, 50.0), modifier=ALT)
    before = proposed(opened)
    np.testing.assert_allclose([before["leftear"], before["rightear"]], [(70, 80), (79, 80)], atol=0.7)
    (x, y), _ = np.mean(list(before.values()), axis=0), hand.hover(PLACE)
    hand.drag((x + 30, y), (x, y + 30), modifier=ALT | SHIFT)
    np.testing.assert_allclose(list(proposed(opened).values()), [(x, y - 4.5), (x, y + 4.5)], atol=0.7)
    hand.key(Qt.Key.Key_Z, CONTROL)
    assert proposed(opened) == before
    assert labels(opened) == []


def test_the_next_bodypart_is_written_at_the_cursor(opened):
    """Its name is where the next click is made, in its color, and in the corner of the image."""
    hand, near = Hand(opened._viewer), opened.next_bodypart
    hand.hover(PLACE)
    assert (near.cursor.text(), near.corner.text()) == ("snout", "snout")
    assert near.cursor.isVisible()
    hand.click(PLACE)
    assert near.cursor.text() == "leftear"
    opened._viewer.add_layer(Shapes(name="arena", ndim=2))
    hand.hover((65.0, 65.0))
    assert not near.cursor.isVisible()
    opened._viewer.layers.selection.active = opened._viewer.layers["labels"]
    hand.hover(PLACE)
    assert near.cursor.isVisible()
    opened.open("2 Frames")
    hand.hover((70.0, 70.0))
    assert not near.cursor.isVisible()


def test_a_window_that_closes_forgets_the_image(opened):
    """Docks are hidden after it, and would write the next bodypart on what is gone."""
    opened.next_bodypart.corner.parentWidget().destroyed.emit()
    assert opened.next_bodypart is None
    opened._mark_stages()


def uncheck(table, row):
    """Click on the check mark of a row."""
    place = table.visualItemRect(table.topLevelItem(row))
    QTest.mouseClick(table.viewport(), LEFT, NONE, QPoint(place.left() + 8, place.center().y()))


def test_a_bodypart_without_its_check_mark_is_neither_shown_nor_edited(opened):
    """No click and no key changes it either, and what Enter has left is told."""
    dock, hand = opened.open("3 Label"), Hand(opened._viewer)
    hand.click(PLACE)
    session, table = session_of(opened._viewer), dock.bodyparts
    propose(session, ["leftear", "rightear"], at=(90.0, 90.0))
    for row in (0, 1, 3):
        uncheck(table, row)
    assert session.canvas.points.shown.tolist() == [False, False, True, False, False, False, False]
    assert session.labeling.current.name == "centre"
    assert message(opened) == ""
    click_row(table, 1, column=1)
    assert session.labeling.current.name == "centre"
    assert f"{table.topLevelItem(1).text(0)} was not chosen" in message(opened)
    hand.click(PLACE, button=RIGHT)
    hand.key(Qt.Key.Key_Return)
    assert labels(opened) == ["snout", "rightear"]
    assert message(opened) == "1 suggestion of bodyparts that are not shown stayed."


def contrast(one, other):
    """Return how well a color is told from another, as the guidelines for web pages have it."""
    light = [np.dot(np.array(color.getRgbF()[:3]) ** 2.2, [0.2126, 0.7152, 0.0722]) + 0.05 for color in (one, other)]
    return max(light) / min(light)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_check_boxes_of_lists_are_seen_in_each_theme(opened, theme):
    """Checked or not, they differ from their ground by the contrast of 3 asked of signs, and from each other."""
    opened._viewer.theme = theme
    table = opened.open("3 Label").bodyparts
    uncheck(table, 1)
    QApplication.processEvents()
    picture, boxes = table.viewport().grab().toImage(), []
    for row in (1, 2):
        place = table.visualItemRect(table.topLevelItem(row))
        box = QRect(place.left(), place.top(), 16, place.height())
        colors = [
            picture.pixelColor(x, y) for x in range(box.left(), box.right()) for y in range(box.top(), box.bottom())
        ]
        assert max(contrast(color, colors[0]) for color in colors) > 3
        boxes.append([color.rgb() for color in colors])
    assert boxes[0] != boxes[1]


def test_check_marks_are_what_is_shown(opened):
    """Also when labels are shown again after a video, and when the project is read again."""
    session, dock, hand = session_of(opened._viewer), opened.open("3 Label"), Hand(opened._viewer)
    hand.click(PLACE)
    dock.bodyparts.topLevelItem(0).setCheckState(0, Qt.CheckState.Unchecked)
    session.hide_labels()
    session.show_labels()
    session.refresh()
    assert dock.bodyparts.topLevelItem(0).checkState(0) == Qt.CheckState.Unchecked
    assert not session.canvas.points.shown.any()
    dock.bodyparts.topLevelItem(0).setCheckState(0, Qt.CheckState.Checked)
    assert session.canvas.points.shown.any()


def test_a_click_with_alt_moves_no_proposal(opened):
    """Only a drag makes a pose of the user's own of what the network proposes."""
    session = session_of(opened._viewer)
    part, proposal = list(session.labeling.index.columns)[3], Proposal(PLACE, 0.7, "net", 10)
    session.labeling.proposals.set_network({session.labeling.frame: {part: proposal}})
    Hand(opened._viewer).click(PLACE, modifier=ALT)
    assert session.labeling.proposals.of(session.labeling.frame) == {part: proposal}
    Hand(opened._viewer).drag(PLACE, (80.0, 60.0), modifier=ALT)
    assert session.labeling.proposals.of(session.labeling.frame)[part].likelihood is None


def test_a_project_whose_settings_are_malformed_is_not_half_open(viewer, unlabeled, qtbot):
    """It is refused as a whole, by a sentence that names the line."""
    settings = unlabeled.parent / "posecut.yaml"
    settings.write_text(settings.read_text().replace("palette: distinct", "palette: rainbows"))
    bar, session = add_flow_bar(viewer), session_of(viewer)
    session.attempt(lambda: session.open(unlabeled))
    assert "palette is 'rainbows'" in message(bar)
    assert (session.project, session.labeling) == (None, None)


def test_messages_are_colored_by_kind_and_can_be_read_again(opened):
    """What was refused differs from what is done; the last ten are in a list, and one of them is shown again."""
    session, line = session_of(opened._viewer), opened.message
    for number in range(11):
        session.notify(f"Message {number}.")
    opened.open("2 Frames")
    Hand(opened._viewer).click(PLACE)
    refused = line.sentence.styleSheet()
    session.notify("2 frames were extracted.", kind="done")
    assert line.sentence.styleSheet() != refused
    line._list_past()
    entries = line.past.menu().actions()
    assert len(entries) == 10
    entries[1].trigger()
    assert "No label was changed" in message(opened)
    assert line.sentence.styleSheet() == refused


def test_what_work_has_done_is_told_until_it_is_cleared(opened, qtbot):
    """Labeling goes on meanwhile, and nobody may have looked; what failed has another color than what is done."""
    session, hand = session_of(opened._viewer), Hand(opened._viewer)
    opened.open("3 Label")
    colors = set()
    for state, warns in (("done", False), ("done", True), ("failed", False)):
        job = session.jobs.start("create_labeled_video", {})
        session.jobs.end(state, is_warning=warns)
        session.notify("2 frames were extracted.", kind=kind_of_end(job))
        qtbot.waitUntil(lambda: not opened.message._settling.isActive())
        hand.click(PLACE)
        assert message(opened) == "2 frames were extracted."
        colors.add(opened.message.sentence.styleSheet())
        press(opened.message.dismiss)
        assert message(opened) == ""
    assert len(colors) == 3


def test_the_window_begins_with_the_ways_to_a_project(viewer, sample, qtbot):
    """Projects that were open lately are a click away; a new one and the sample are, too."""
    dock = add_flow_bar(viewer).open("1 Project")
    assert dock.tabs.currentWidget() is dock.start
    session_of(viewer).open(sample)
    session_of(viewer).close()
    session_of(viewer).project_changed.emit()
    (row,) = dock.start.recent.findItems(sample.parent.name, Qt.MatchFlag.MatchExactly)
    place = dock.start.recent.visualItemRect(row).center()
    QTest.mouseClick(dock.start.recent.viewport(), LEFT, NONE, place)
    assert session_of(viewer).project.config_path == sample
    assert dock.tabs.currentWidget() is dock.frames


def test_a_project_is_checked_in_the_window(opened):
    """What the shell's doctor and check-labels say is said in 1 Project."""
    jobs, checks = session_of(opened._viewer).jobs, opened.open("1 Project").checks
    opened.open("1 Project").tabs.setCurrentWidget(checks)
    press(checks.doctor.start_button)
    assert (jobs.job.request.verb, jobs.job.request.arguments) == ("doctor", {})
    jobs.end("done", message="No problem was found.", result={"findings": []})
    assert checks.doctor.result.text() == "<b>No problem was found.</b>"
    press(checks.labels.start_button)
    assert jobs.job.request.verb == "check_labels"


def test_closing_asks_nothing_where_everything_is_saved(opened):
    """napari's own question is answered while only layers of the project are shown, and stays for others."""
    closing = opened.window().findChild(_Closing)
    assert closing._all_kept
    opened._viewer.add_layer(Shapes(name="arena", ndim=2))
    assert not closing._all_kept


def test_other_colors_are_chosen_in_the_window(opened):
    """The palette is drawn at once, and kept with the project."""
    session, bodyparts = session_of(opened._viewer), opened.open("1 Project").bodyparts
    before = session.canvas._colors
    assert bodyparts.colors.currentData() == "distinct"
    bodyparts.colors.setCurrentIndex(0)
    bodyparts.colors.activated.emit(0)
    assert not np.allclose(session.canvas._colors, before)
    assert read_state(session.project.settings_path).palette == "colormap"


def test_the_frames_are_small_pictures_beneath_the_image(opened, qtbot):
    """Each has its number and state, a click shows it, and what needs work can be first."""
    labeling, strip = session_of(opened._viewer).labeling, opened.show_filmstrip()
    assert strip.frames.count() == len(labeling.index.frames)
    item = strip.frames.item(1)
    qtbot.waitUntil(lambda: not item.icon().isNull())
    assert item.text() == f"{labeling.index.frames[1].number}\nnot labeled"
    QTest.mouseClick(strip.frames.viewport(), LEFT, NONE, strip.frames.visualItemRect(item).center())
    assert labeling.frame == labeling.index.frames[1]
    Hand(opened._viewer).click(PLACE)
    qtbot.waitUntil(lambda: item.text().endswith("partly labeled"))
    strip.order.setCurrentIndex(1)
    strip.rebuild()
    assert strip.frames.item(strip.frames.count() - 1).text().endswith("partly labeled")


def test_the_filmstrip_of_another_project_has_its_own_pictures(opened, unlabeled, tmp_path, qtbot):
    """Also where videos and frames have the same names."""
    strip = opened.show_filmstrip()
    qtbot.waitUntil(lambda: not strip.frames.item(0).icon().isNull())
    shutil.copytree(unlabeled.parent, tmp_path / "copy" / unlabeled.parent.name, symlinks=True)
    session_of(opened._viewer).open(tmp_path / "copy" / unlabeled.parent.name)
    assert strip.frames.item(0).icon().isNull()


def test_the_layout_can_be_reset(opened):
    """Whatever was moved, hidden or made transparent is back where it was."""
    viewer, dock = opened._viewer, opened._dock("3 Label")
    dock.setFloating(True)
    viewer.layers.reverse()
    viewer.layers["frame"].opacity = 0.1
    opened.show_panels(True)
    opened.reset_layout()
    assert seen(viewer) == ["frame", "skeleton", "labels"]
    assert viewer.layers["frame"].opacity == 1
    assert not dock.isFloating()
    panels = [one for one in opened.window().findChildren(QDockWidget) if one.objectName() == "layer list"]
    assert [one.isVisible() for one in panels] == [False]


@pytest.mark.parametrize(
    ("show", "area", "elsewhere"),
    [
        ("show_filmstrip", Qt.DockWidgetArea.BottomDockWidgetArea, Qt.DockWidgetArea.LeftDockWidgetArea),
        ("show_history", Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.BottomDockWidgetArea),
    ],
)
def test_resetting_the_layout_brings_parts_back_to_their_places(opened, show, area, elsewhere):
    """The filmstrip beneath the image, the edits at its left, wherever they were put."""
    dock, window = _dock_of(getattr(opened, show)()), opened.window()
    opened.reset_layout()
    assert window.dockWidgetArea(dock) == area
    window.addDockWidget(elsewhere, dock)
    opened.reset_layout()
    assert window.dockWidgetArea(dock) == area
    dock.setFloating(True)
    opened.reset_layout()
    assert not dock.isFloating()


def test_the_row_marks_the_stage_in_front(opened):
    """Of docks in one place only the one in front is marked."""
    press(opened.buttons["2 Frames"])
    assert opened.buttons["2 Frames"].isChecked()
    assert not opened.buttons["3 Label"].isChecked()


def controls_of(opened, kind):
    """Return napari's controls of the layer of markers that are of one kind."""
    opened._viewer.layers.selection.active = opened._viewer.layers["labels"]
    QApplication.processEvents()
    return [one for one in opened.window().findChildren(kind) if one.isVisible()]


def test_napari_controls_of_the_markers_work(opened):
    """The slider of sizes changes the markers, for the next time too; symbol and color say why they stay."""
    viewer, session = opened._viewer, session_of(opened._viewer)
    Hand(viewer).click(PLACE)
    before, styles = session.canvas.points.size.copy(), session.canvas.points.symbol.tolist()
    (sizes,) = [one for one in controls_of(opened, QWidget) if one.toolTip().startswith("Change the size")]
    slider = sizes.findChild(QSlider)
    for _ in range(10):
        QTest.keyClick(slider, Qt.Key.Key_Right)
    np.testing.assert_allclose(session.canvas.points.size, 2 * before)
    (symbols,) = [one for one in controls_of(opened, QComboBox) if one.toolTip().startswith("Change the symbol")]
    QTest.keyClick(symbols, Qt.Key.Key_Down)
    assert "so they stay" in message(opened)
    assert session.canvas.points.symbol.tolist() == styles
    epipolar, skeleton, compared = session.canvas.layers[1:4]
    for layer in (epipolar, compared):
        layer.current_size = 5.0
        session.notify("")
        layer.current_face_color = "red"
        assert "so they stay" in message(opened)
    session.canvas.compare(dict.fromkeys(session.labeling.index.columns, (70.0, 70.0)))
    session.labeling.step(1)
    session.labeling.step(-1)
    skeleton.visible = False
    skeleton.opacity = 0.5
    session.hide_labels()
    session.show_labels()
    assert seen(viewer) == ["frame", "labels"]
    assert skeleton.opacity == 0.5
    zoom = viewer.scene.camera.zoom
    np.testing.assert_allclose(session.canvas.points.size, 2 * before)
    np.testing.assert_allclose(epipolar.size * zoom, 5.0)
    np.testing.assert_allclose(compared.size[:7] * zoom, 5.0)


def test_names_of_bodyparts_are_shown_at_their_markers(opened):
    """napari's "display text" does so, for those that have a marker."""
    points = session_of(opened._viewer).canvas.points
    Hand(opened._viewer).click(PLACE)
    assert not points.text.visible
    (box,) = [one for one in controls_of(opened, QCheckBox) if "text" in one.toolTip().lower()]
    QTest.mouseClick(box, LEFT, NONE, QPoint(8, box.height() // 2))
    assert [str(name).strip() for name in points.text.values] == ["snout", *[""] * (len(points.data) - 1)]
    Hand(opened._viewer).click((80.0, 70.0))
    assert str(points.text.values[1]) != ""
    dark = points.text.color.array[0].copy()
    image = session_of(opened._viewer).canvas.image
    image.contrast_limits = (0.0, 20.0)  # which shows it nearly white
    assert points.text.color.array[0][:3].sum() < dark[:3].sum()


def test_the_status_does_not_wait_for_frames_that_are_there(opened):
    """While the network is compiled, 3 Label says that it prepares to learn."""
    session, dock = session_of(opened._viewer), opened.open("3 Label")
    session.assistant.set_enabled(True)
    session.jobs.end("failed")  # there is no trained network: one learns
    session.jobs.report(Progress("waiting for labeled frames", 4, 5))
    assert dock.network.sentence.text() == "Waiting for labeled frames: 4 of 5."
    session.jobs.report(Progress("preparing to learn from 5 labeled frames", 0))
    assert dock.network.sentence.text() == "Preparing to learn from 5 labeled frames."


def test_a_short_training_leaves_the_network_that_learns(opened):
    """Where its proposals are the better ones it proposes, and goes on learning, and 3 Label says why."""
    session, dock = session_of(opened._viewer), opened.open("3 Label")
    session.assistant.set_enabled(True)
    session.jobs.end("failed")
    session.jobs.start("create_dataset_and_train", {})
    session.jobs.end("done")
    assert session.jobs.job.request.verb == "propose"
    session.jobs.report(Notice("The network that learns from your labels goes on suggesting: it is 3 px from them"))
    assert "goes on suggesting" in dock.network.sentence.text()
    session.jobs.end("done", result={"learns": True})
    assert session.jobs.job.request.verb == "assist"


def test_a_double_click_does_not_zoom(opened):
    """Two quick clicks leave the view as it is, and napari has its own gesture back when a video is shown."""
    viewer = opened._viewer
    hand = Hand(viewer)
    hand.click(PLACE)
    zoom = viewer.scene.camera.zoom
    QTest.mouseDClick(hand.canvas, LEFT, NONE, hand.place(PLACE))
    assert viewer.scene.camera.zoom == zoom
    session_of(viewer).hide_labels()
    assert len(viewer.mouse_double_click_callbacks) == 1


def test_3_label_brings_the_labels_back(opened):
    """What is shown is what is edited: after a video, the dock's button shows its frame again."""
    session, frames = session_of(opened._viewer), opened.open("2 Frames")
    press(frames.picker.look_button)
    assert session.canvas is None
    press(opened.buttons["3 Label"])
    assert session.canvas is not None
    assert seen(opened._viewer) == ["frame", "skeleton", "labels"]


def test_help_opens_only_when_it_is_asked_for(opened):
    """Showing a video and going back leaves the buttons of 3 Label where they were."""
    session, dock = session_of(opened._viewer), opened.open("3 Label")
    for _ in range(2):
        session.hide_labels()
        session.show_labels()
    assert dock.help.isHidden()


def test_without_frames_2_frames_comes_to_the_front(viewer, unlabeled):
    """A project with nothing to label yet opens where frames are chosen."""
    from posecut_core.project.opening import open_project

    project = open_project(unlabeled)
    for video in project_videos(project):
        store = FrameStore.open(project.frame_store(video))
        store.remove(store.numbers.tolist())
    open_here(viewer, unlabeled)
    assert not viewer.window.dock_widgets["2 Frames (PoseCut)"].visibleRegion().isEmpty()
    assert "3 Label (PoseCut)" not in viewer.window.dock_widgets


@pytest.fixture
def trained(viewer, sample):
    """4 Train of a project whose shuffle 1 is trained to its end, with the frames that it was made of."""
    session = session_of(viewer)
    session.jobs = FakeJobs()
    session.open(sample)
    frames, training = session.labeling.index.frames, session.project.training(1)
    training.folder.mkdir(parents=True)
    training.split.parent.mkdir(parents=True, exist_ok=True)
    write_split(training.split, Split(frames[:3], frames[3:5], 0.6, 0, "labels"))
    write_settings(training.settings, TrainingSettings(net_type="resnet_18", maxiters=60, init_weights="random"))
    start_log(training.log, step=0)
    append_log(training.log, Metrics(60, 0.5, 1e-3, 2.0))
    return add_flow_bar(viewer).open("4 Train")


def test_train_never_says_done_without_the_new_labels(trained):
    """A labeled frame that the finished training lacks is named, and the button trains the next shuffle."""
    assert "6 labeled frames: 5 in the last training dataset, 1 not" in trained.counts.text()
    assert trained.start_button.text() == "Train on what is labeled now"
    press(trained.start_button)
    arguments = trained.session.jobs.job.request.arguments
    assert arguments["shuffle"] == 2
    assert arguments["settings"] == {"net_type": "resnet_18", "maxiters": 60, "init_weights": "random"}


def test_train_starts_nothing_that_is_done_already(trained):
    """With all labels and all steps there is nothing to train, and the window says so; more steps are."""
    project = trained.session.project
    frames = trained.session.labeling.index.frames
    write_split(project.training(1).split, Split(frames[:3], frames[3:], 0.6, 0, "labels"))
    trained._show_shuffle()
    assert not trained.start_button.isEnabled()
    assert "There is nothing to train" in trained.heading.text()
    trained.networks.setValue(2)
    assert trained.start_button.isEnabled()
    trained.networks.setValue(1)
    notified = []
    trained.session.notified.connect(notified.append)
    trained.apply_remedy(Remedy("train_network", shuffle=1, weights="random"))
    assert trained.session.jobs.running == ()
    assert "trained to its end" in notified[0]
    trained.form.fields["maxiters"].value = 90
    assert trained.start_button.text() == "Resume"
    press(trained.start_button)
    assert trained.session.jobs.job.request.arguments == {"shuffle": 1, "settings": {"maxiters": 90}}


def test_a_corrected_label_is_something_to_train_on(trained, qtbot):
    """The frame is in the last training dataset, and yet what it was trained on is not what is labeled now."""
    session = trained.session
    frames = session.labeling.index.frames
    write_split(session.project.training(1).split, Split(frames[:3], frames[3:], 0.6, 0, "labels"))
    trained._show_shuffle()
    assert not trained.start_button.isEnabled()
    add_flow_bar(session.viewer).open("3 Label")
    session.show_frame(frames[0].video, frames[0].number)
    (label, *_) = [one for one in session.labeling.keypoints if one.state == "placed"]
    Hand(session.viewer).drag(label.xy, PLACE)
    qtbot.waitUntil(trained.start_button.isEnabled)
    assert "labels were edited since" in trained.counts.text()
    press(trained.start_button)
    assert session.jobs.job.request.arguments["shuffle"] == 2


def test_an_iteration_begins_with_the_network_of_the_one_before(trained):
    """8 Refine says so; it is chosen in the form, and the training is told."""
    project = trained.session.project
    project.training(1).manifest(60).parent.mkdir()
    project.training(1).manifest(60).touch()
    edit_config(project.config_path, {"iteration": 1})
    trained.session.refresh()
    assert trained.form.fields["init_weights"].value == "previous"
    assert trained.start_button.text() == "Train on what is labeled now"
    press(trained.start_button)
    assert trained.session.jobs.job.request.arguments["settings"]["init_weights"] == "previous"


def test_a_training_that_lacks_labels_can_still_be_resumed(trained):
    """The first button takes all labels; a second one goes on without the new ones."""
    trained.form.fields["maxiters"].value = 90
    assert trained.start_button.text() == "Train on what is labeled now"
    press(trained.resume_button)
    assert trained.session.jobs.job.request.arguments == {"shuffle": 1, "settings": {"maxiters": 90}}


def test_how_long_a_training_takes_is_chosen_in_plain_words(trained):
    """Each choice says the steps that suit the labels and, by the speed of the training before, its minutes."""
    box = trained.form.length.native.findChild(QComboBox) or trained.form.length.native
    assert box.itemText(2) == "usual: 400 steps, about 3 min"
    assert trained.form.length.value == 0  # 60 steps are none of them
    trained.form.length.value = 1200
    assert trained.form.fields["maxiters"].value == 1200
    assert trained.form.changes() == {"maxiters": 1200}


def test_shuffle_and_iteration_are_under_more(trained):
    """Who just wants a network need not know of them; after a restart the last shuffle is the one that is shown."""
    assert not trained.shuffle.isVisible()
    more = trained.form.more.native
    QTest.mouseClick(more, LEFT, NONE, QPoint(8, more.height() // 2))
    assert trained.shuffle.isVisible()
    assert "iteration 0" in trained.iteration.text()


def test_a_new_shuffle_begins_with_the_settings_of_the_one_before(trained):
    """Its form shows them, and the training gets them."""
    trained.shuffle.setValue(2)
    assert trained.form.fields["net_type"].value == "resnet_18"
    trained.form.fields["maxiters"].value = 80
    press(trained.start_button)
    wanted = {"net_type": "resnet_18", "maxiters": 80, "init_weights": "random"}
    assert trained.session.jobs.job.request.arguments == {"shuffle": 2, "settings": wanted}


def test_notes_of_an_earlier_iteration_go(trained):
    """Done is not said of a training that has not begun."""
    session = trained.session
    session.jobs.start("create_dataset_and_train", {"shuffle": 1})
    session.jobs.end("done", result={})
    assert trained.notes.text().startswith("Done")
    config = dataclasses.replace(session.project.config, iteration=1)
    session.project = dataclasses.replace(session.project, config=config)
    session.project_changed.emit()
    assert trained.notes.text() == ""
