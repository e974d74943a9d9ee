"""Everything has its place in a window of 1280 x 800 pixels, and stays there."""

import pytest
from napari.settings import get_settings
from qtpy.QtCore import Qt
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import (
    QDockWidget,
    QLabel,
    QScrollArea,
    QStyle,
    QStyleOptionComboBox,
    QTabBar,
    QTreeWidgetItem,
)

from napari_posecut.session import session_of
from napari_posecut.widgets.docks.label import LabelDock
from napari_posecut.widgets.flow import _STAGES
from napari_posecut.widgets.parts import row_labels
from napari_posecut.widgets.parts.empty_image import EmptyImage, OutOfSight
from napari_posecut.window import add_flow_bar, open_here, open_window
from posecut_core.project.config import edit_config
from posecut_core.project.opening import open_project, project_videos
from posecut_core.video.frame_store import FrameStore
from tests.plugin.hand import Hand, press, write
from tests.plugin.widgets.analyzed_project import results_dock
from tests.plugin.widgets.fake_jobs import FakeJobs


def tabs_of(bar):
    """Return the tabs that Qt puts below docks which lie in one place."""
    return [tabs for tabs in bar.window().findChildren(QTabBar) if tabs.parent() is bar.window() and tabs.isVisible()]


def test_no_dock_makes_the_window_grow(opened, qtbot):
    """Docks are scrolled where the filmstrip, the list of edits and napari's own panels leave them little room."""
    window = opened.window()
    for stage in _STAGES:
        opened.open(stage.title)
    opened.show_filmstrip()
    opened.show_history()
    opened.show_panels(True)
    for stage in _STAGES:
        press(opened.buttons[stage.title])
        qtbot.wait(1)
        assert (window.width(), window.height()) == (1280, 800), stage.title


def test_labeling_leaves_docks_as_wide_as_they_are(opened, qtbot):
    """The image would move under the mouse."""
    window, hand = opened.window(), Hand(opened._viewer)
    before = {dock.objectName(): dock.width() for dock in window.findChildren(QDockWidget) if dock.isVisible()}
    for place in ((20.0, 20.0), (40.0, 20.0), (60.0, 20.0)):
        hand.click(place)
        qtbot.wait(1)
    after = {dock.objectName(): dock.width() for dock in window.findChildren(QDockWidget) if dock.isVisible()}
    assert after == before


def test_a_button_leads_back_to_a_picture_that_is_out_of_sight(opened):
    """Zoomed to a dot or to less than a pixel, or dragged away; the button is gone once the picture is seen."""
    hand, camera = Hand(opened._viewer), opened._viewer.scene.camera
    button = hand.canvas.findChild(OutOfSight)

    def drag_away():
        for _ in range(4):
            row, column = camera.center[-2:]
            hand.drag((column - 60, row), (column + 60, row))

    assert button.isHidden()
    fitted = camera.center, camera.zoom
    for leave in (drag_away, lambda: hand.wheel((60.0, 60.0), -60), lambda: hand.wheel((60.0, 60.0), 80)):
        leave()
        assert button.isVisible()
        press(button)
        assert button.isHidden()
        assert (camera.center, camera.zoom) == fitted


def test_how_long_a_training_takes_can_be_read(opened, qtbot):
    """Kind: the minutes were cut off where they were hours; the dock has its width of 1280 pixels and is scrolled."""
    dock = opened.open("4 Train")
    dock.form.show_pace(frames=40, speed=dock.form._work / 12.0)  # 12 s per step
    dock.form.more.value = True
    qtbot.wait(1)
    box, option = dock.form.length.native, QStyleOptionComboBox()
    option.initFrom(box)
    field = QStyle.SubControl.SC_ComboBoxEditField
    room = box.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, field, box).width()
    texts = [box.itemText(row) for row in range(box.count())]
    assert any(" h " in text for text in texts)
    assert [text for text in texts if box.fontMetrics().horizontalAdvance(text) > room] == []


def test_the_row_of_buttons_is_the_only_navigation(opened, qtbot):
    """Qt's tabs below the docks say nothing that the row does not; with a dock of another plugin they are needed."""
    qtbot.wait(1)
    assert [tabs.height() for tabs in tabs_of(opened)] == [0]
    opened._viewer.window.add_dock_widget(QLabel("others"), name="others", area="right", tabify=True)
    opened.open("3 Label")
    qtbot.waitUntil(lambda: max(tabs.height() for tabs in tabs_of(opened)) > 0)


def test_an_empty_image_says_how_to_begin(viewer, unlabeled, qtbot):
    """Without a project, and in one without frames; with frames it is gone, unless their layers were deleted."""
    bar = add_flow_bar(viewer)
    qtbot.wait(1)
    (text,) = bar.window().findChildren(EmptyImage)
    assert "try the sample" in text.text()
    assert text.isVisible()
    session_of(viewer).jobs = FakeJobs()
    session_of(viewer).open(unlabeled)
    assert not text.isVisible()
    viewer.layers.clear()
    assert "come back" in text.text()
    assert text.isVisible()
    session_of(viewer).labeling.step(1)
    assert not text.isVisible()
    bar.open("3 Label")
    for name in [layer.name for layer in viewer.layers]:
        viewer.layers.remove(name)
    assert text.isVisible()
    Hand(viewer).click((30.0, 30.0))  # which is refused, but brings the layers back
    assert not text.isVisible()
    project = open_project(unlabeled)
    session_of(viewer).close()
    for video in project_videos(project):
        store = FrameStore.open(project.frame_store(video))
        store.remove(store.numbers.tolist())
    session_of(viewer).open(unlabeled)
    assert "2 Frames" in text.text()
    assert text.isVisible()


def test_a_long_list_of_videos_is_found_in_and_checked_at_once(viewer, unlabeled, qtbot):
    """A filter leaves some of them, and a button clears these only; a short list has no such row."""
    session_of(viewer).jobs = FakeJobs()
    session_of(viewer).open(unlabeled)
    dock = add_flow_bar(viewer).open("2 Frames")
    assert not dock.choice.isVisible()
    for number in range(20):
        item = QTreeWidgetItem(dock.videos, [f"session{number:02d}"])
        item.setCheckState(0, Qt.CheckState.Checked)
    write(dock.choice.filter, "session1")
    press(dock.choice.none_button)
    assert dock.choice.count.text() == "12 of 22"
    write(dock.choice.filter, "")
    press(dock.choice.all_button)
    assert dock.choice.count.text() == "22 of 22"


def test_a_video_that_is_gone_is_red_and_not_checked(viewer, unlabeled, qtbot):
    """In each list of videos; the others stay as they are."""
    sets = {str(path): {"crop": "0, 8, 0, 8"} for path in project_videos(open_project(unlabeled)).values()}
    edit_config(unlabeled, {"video_sets": {**sets, "/gone/away.mp4": {"crop": "0, 8, 0, 8"}}})
    session_of(viewer).jobs = FakeJobs()
    session_of(viewer).open(unlabeled)
    bar = add_flow_bar(viewer)
    tables = [bar.open("1 Project").videos.videos, bar.open("2 Frames").videos, bar.open("6 Analyze").videos]
    for table in tables:
        items = [table.topLevelItem(row) for row in range(table.topLevelItemCount())]
        red = [item for item in items if item.foreground(0).color().getRgb()[:3] == (217, 83, 79)]
        assert [item.toolTip(0) for item in red] == ["/gone/away.mp4: the file is missing"]
        assert table is tables[0] or [item.checkState(0) == Qt.CheckState.Checked for item in items].count(False) == 1


def test_a_dock_that_is_closed_leaves_the_labeling_as_it_is(opened, qtbot):
    """The cross of a dock that is in front takes it away, and a click labels again."""
    opened.open("2 Frames")
    dock = opened._dock("2 Frames")
    qtbot.mouseClick(dock.titleBarWidget().close_button, Qt.MouseButton.LeftButton)
    qtbot.wait(1)
    assert "2 Frames (PoseCut)" not in opened._viewer.window.dock_widgets
    Hand(opened._viewer).click((60.0, 60.0))
    assert session_of(opened._viewer).labeling.keypoints[0].state == "placed"


_LONG = "cohort3_mouse012_openfield_baseline_2026-11-01_second_camera"


def test_long_names_leave_counts_and_states_in_sight(viewer, unlabeled, qtbot, monkeypatch):
    """They are cut in their middle, and widen no dock."""
    session_of(viewer).jobs = FakeJobs()
    open_here(viewer, unlabeled)
    bar = add_flow_bar(viewer)
    label, frames = bar.open("3 Label"), bar.open("2 Frames")
    qtbot.wait(1)
    before = frames.width()
    for table in (frames.videos, label.bodyparts):
        table.topLevelItem(0).setText(0, _LONG)
        qtbot.wait(1)
        header = table.header()
        assert header.length() <= table.viewport().width()
        assert table.textElideMode() == Qt.TextElideMode.ElideMiddle
    assert frames.width() == before
    bar.open("3 Label")
    monkeypatch.setattr(session_of(viewer).labeling, "word", lambda frame: f"{_LONG}, frame {frame.number}")
    high = label.heading.height()
    Hand(viewer).key(Qt.Key.Key_D)
    qtbot.waitUntil(lambda: label.heading.height() > high)  # it is broken into lines
    assert _LONG in label.heading.text().replace("\u200b", "")
    assert label.width() == before


@pytest.mark.parametrize("title", ["2 Frames", "4 Train", "5 Evaluate", "6 Analyze", "10 Cameras"])
def test_fields_of_a_dock_begin_below_each_other(opened, qtbot, title):
    """Labels of all its forms are equally wide, also after napari has given them a larger font, and none is cut off."""
    dock = opened.open(title)
    if title == "6 Analyze":
        qtbot.keyClick(dock.more, Qt.Key.Key_Space)
    qtbot.wait(1)
    area = dock.findChild(QScrollArea)
    content = area.widget()
    labels = [label for label in row_labels(content.layout()) if label.isVisible()]
    assert len(labels) > 2
    assert len({label.mapTo(content, label.rect().topRight()).x() for label in labels}) == 1
    assert all(label.width() >= label.sizeHint().width() for label in labels)
    assert content.width() <= area.viewport().width()


def test_more_settings_are_no_wider_than_their_dock(opened, qtbot):
    """The longest labels of a training's settings leave the others, and all fields, in sight."""
    dock = opened.open("4 Train")
    press(dock.form.more.native)
    opened.window().resize(1000, 700)
    qtbot.wait(1)
    area = dock.findChild(QScrollArea)
    assert area.widget().width() <= area.viewport().width()
    headings = [label for label in area.findChildren(QLabel) if label.text() in ("<b>Network</b>", "<b>Learning</b>")]
    assert len(headings) == 2
    assert all(label.mapTo(area.widget(), label.rect().topLeft()).x() < 10 for label in headings)


def test_a_tall_screen_has_the_frames_below_the_bodyparts(viewer, unlabeled, qtbot):
    """A click on one shows it; on a low screen they are in 1 Project only."""
    session_of(viewer).jobs = FakeJobs()
    session_of(viewer).open(unlabeled)
    dock = LabelDock(viewer)
    qtbot.addWidget(dock)
    dock.resize(340, 700)
    dock.show()
    assert dock.frames is None
    dock.resize(340, 1000)
    qtbot.waitUntil(lambda: dock.frames is not None and dock.frames.isVisible())
    labeling = session_of(viewer).labeling
    last = labeling.index.frames[-1]
    dock.frames.tree.expandAll()
    item = dock.frames._frames[last]
    dock.frames.tree.scrollToItem(item)
    place = dock.frames.tree.visualItemRect(item).center()
    qtbot.mouseClick(dock.frames.tree.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert labeling.frame == last
    dock.resize(340, 700)
    qtbot.waitUntil(lambda: not dock.frames.isVisible())


def test_the_window_is_as_large_as_its_screen_allows(qtbot):
    """Its frame fits onto it, too."""
    made = open_window(show=False)
    room = QGuiApplication.primaryScreen().availableGeometry()
    window = add_flow_bar(made).window()
    assert window.width() <= min(1280, room.width())
    assert window.height() < room.height()
    made.close()


def test_the_window_has_the_size_that_it_had_the_last_time(viewer, monkeypatch):
    """napari remembers it; a screen that is smaller now has its say."""
    room = QGuiApplication.primaryScreen().availableGeometry()
    for remembered, width in (((900, 600), 900), ((5000, 600), room.width())):
        monkeypatch.setattr(get_settings().application, "window_size", remembered)
        made = open_window(show=False)
        window = add_flow_bar(made).window()
        assert (window.width(), window.height()) == (width, 600)
        made.close()


def test_trajectories_have_a_height_in_which_they_can_be_read(viewer, sample, qtbot):
    """Whatever grows and shrinks in the docks beside them."""
    dock = results_dock(viewer, sample, jobs=FakeJobs())
    qtbot.wait(1)
    press(dock.show_button)
    bar = add_flow_bar(viewer)
    for stage in _STAGES:
        bar.open(stage.title)
        qtbot.wait(1)
        assert dock.timeline.height() >= 140
