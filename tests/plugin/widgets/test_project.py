"""Dock 1 in a real window."""

import json

import pytest
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent

from napari_posecut.labeling.extracted_frames import listed_videos
from napari_posecut.labeling.frame_index import MEANING
from napari_posecut.widgets.docks.project import ProjectDock
from posecut_core.project.config import read_config
from posecut_core.project.opening import open_project
from posecut_core.storage.locks import note_path
from tests.plugin.hand import choose, seen
from tests.plugin.immediate_jobs import work_at_once


@pytest.fixture
def dock(viewer, qtbot):
    """The dock, with nothing open."""
    dock = ProjectDock(viewer)
    qtbot.addWidget(dock)
    return dock


@pytest.fixture
def opened(dock, sample):
    """The dock with a project of two videos with three labeled frames each."""
    dock.path.setText(str(sample))
    dock.open()
    return dock


def visible_tabs(dock):
    """Titles of the tabs that can be chosen."""
    return [dock.tabs.tabText(place) for place in range(dock.tabs.count()) if dock.tabs.isTabVisible(place)]


def first_frame(dock):
    """The item of the first frame of the first video in the tree."""
    return dock.frames.tree.topLevelItem(0).child(0)


def test_nothing_open_offers_a_beginning(dock, tmp_path):
    """Without a project there is a way to one, and a wrong path is told, not raised."""
    assert visible_tabs(dock) == ["Start", "New", "Import"]
    dock.path.setText(str(tmp_path / "nothing"))
    dock.open()
    assert visible_tabs(dock) == ["Start", "New", "Import"]


def test_tree_follows_the_labeling(opened):
    """The tree has every frame with its state and exact counts, and follows an edit without being built anew."""
    tree, labeling = opened.frames.tree, opened.session.labeling
    assert opened.frames.total.text() == "<b>6 of 6 frames done</b>"
    assert [tree.topLevelItem(row).childCount() for row in range(2)] == [3, 3]
    item = first_frame(opened)
    tree.itemClicked.emit(item, 0)
    assert labeling.frame.number == int(item.text(0))
    assert tree.currentItem() is item
    labeling.unset(labeling.keypoints[0].bodypart)
    assert first_frame(opened) is item
    assert item.text(1) == MEANING["begun"]
    assert opened.frames.total.text() == "<b>5 of 6 frames done</b>"
    labeling.drop()
    assert item.text(1) == MEANING["dropped"]
    assert opened.frames.total.text() == "<b>5 of 5 frames done, 1 dropped</b>"


def test_dropped_folder_is_opened(dock, sample):
    """A project's folder that is dropped on the dock is opened."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(sample.parent))])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    dock.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, buttons, keys))
    assert dock.session.project.config_path == sample
    assert visible_tabs(dock) == ["Start", "Frames", "Videos", "Bodyparts", "Checks", "Files"]


def test_labels_of_another_computer_can_be_taken_over(dock, sample):
    """Where another computer edits the labels, the dock says so, and lets the person decide."""
    project = open_project(sample)
    for video in listed_videos(project):
        note_path(project.label_lock(video)).write_text(json.dumps({"host": "elsewhere", "pid": 1}))
    dock.path.setText(str(sample))
    dock.open()
    assert not dock.banner.isHidden()
    assert "elsewhere" in dock.warning.text()
    dock.take_over_button.click()
    assert dock.banner.isHidden()
    assert dock.session.labeling.writable


def test_project_is_created_and_opened(dock, unlabeled, tmp_path):
    """The form creates a project of its names and videos; what is missing is told first."""
    form = dock.new
    form.folder.setText(str(tmp_path / "new"))
    assert form.create_project() is None
    form.task.setText("reach")
    form.experimenter.setText("ada")
    form.bodyparts.setPlainText("snout, left ear,")
    form.add_videos([str(path) for path in listed_videos(open_project(unlabeled)).values()])
    created = form.create_project()
    assert created.config_path == dock.session.project.config_path
    assert dock.session.project.config.bodyparts == ("snout", "left ear")
    assert dock.videos.videos.topLevelItemCount() == 2
    assert dock.frames.total.text().startswith("No frames to label yet")


def test_videos_that_cannot_be_used_are_asked_about(dock, unlabeled, tmp_path):
    """Kind: one bad item among several. The person is told which and why, and may go on with the others."""
    form, asked = dock.new, []
    for field, text in ((form.folder, tmp_path / "new"), (form.task, "reach"), (form.experimenter, "ada")):
        field.setText(str(text))
    form.bodyparts.setPlainText('snout, "nose, tip"')
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(b"")
    whole = next(iter(listed_videos(open_project(unlabeled)).values()))
    form.add_videos([str(tmp_path / "a.mp4"), str(whole), str(tmp_path / "b.mp4")])
    form.ask = lambda question: bool(asked.append(question))
    assert form.create_project() is None
    assert ("2 of the videos cannot be used" in asked[0], "a.mp4" in asked[0], "b.mp4" in asked[0]) == (True,) * 3
    form.ask = lambda question: True
    created = form.create_project()
    assert ([path.name for path in created.videos], len(created.skipped)) == ([whole.name], 2)
    assert dock.session.project.config.bodyparts == ("snout", "nose, tip")


def test_bodyparts_are_renamed_added_and_reordered(opened):
    """Labels keep their places under new names, in a new order, and more bodyparts join them."""
    editor, labeling = opened.bodyparts, opened.session.labeling
    before = {keypoint.name: keypoint.xy for keypoint in labeling.keypoints}
    old = list(before)
    editor.names.item(0).setText("nose")
    editor.names.insertItem(0, editor.names.takeItem(2))
    editor.add("paw")
    assert editor.apply_button.isEnabled()
    editor.apply()
    wanted = (old[2], "nose", old[1], *old[3:], "paw")
    assert read_config(opened.session.project.config_path).bodyparts == wanted
    after = {keypoint.name: keypoint.xy for keypoint in labeling.keypoints}
    assert tuple(after) == wanted
    assert after["nose"] == before[old[0]]
    assert after[old[2]] == before[old[2]]
    assert after["paw"] is None
    assert not editor.apply_button.isEnabled()
    editor.names.item(0).setText("nose")
    editor.apply()  # is taken, and told
    assert read_config(opened.session.project.config_path).bodyparts == wanted
    assert labeling.writable


def test_skeleton_is_joined_and_cut(opened):
    """Lines are written at once, and drawn."""
    editor, config = opened.skeleton, opened.session.project.config_path
    count, dots = editor.bones.count(), len(opened.session.canvas.skeleton.data)
    editor.bones.setCurrentRow(0)
    editor.cut_button.click()
    assert len(read_config(config).skeleton) == editor.bones.count() == count - 1
    assert len(opened.session.canvas.skeleton.data) < dots
    editor.one.setCurrentIndex(0)
    editor.other.setCurrentIndex(5)
    editor.join_button.click()
    assert read_config(config).skeleton[-1] == (editor.one.itemText(0), editor.other.itemText(5))
    assert len(opened.session.canvas.skeleton.data) == dots
    editor.join_button.click()  # is there already, and told
    assert len(read_config(config).skeleton) == count


def test_crop_is_drawn_and_saved(opened):
    """A rectangle over the video becomes its crop, and the labeling comes back."""
    videos, viewer = opened.videos, opened.session.viewer
    name = videos.videos.topLevelItem(1).text(0)
    videos.videos.setCurrentItem(videos.videos.topLevelItem(1))
    videos.draw()
    assert len(seen(viewer)) == 2
    videos.rectangle.data = [[[9.5, 19.5], [9.5, 60.2], [70.1, 60.2], [70.1, 19.5]]]
    videos.save()
    assert videos.videos.topLevelItem(1).text(1) == "20 to 61, 10 to 71"
    assert seen(viewer) == ["frame", "skeleton", "labels"]
    videos.draw()
    videos.take_whole()
    videos.save()
    assert videos.videos.topLevelItem(1).text(1) == "whole frame"
    assert videos.videos.topLevelItem(1).text(0) == name


def test_videos_are_added(opened, monkeypatch):
    """A video that is added is in the list, and can be cropped; one that is broken is named and stops no other."""
    asked = work_at_once(opened.session, monkeypatch)
    video = next(iter(listed_videos(opened.session.project).values()))
    new = video.with_name("third.mp4")
    new.write_bytes(video.read_bytes())
    broken = video.with_name("broken.mp4")
    broken.write_bytes(b"")
    notified = []
    opened.session.notified.connect(notified.append)
    opened.videos.add([str(broken), str(new)])
    assert ("1 new video." in notified[-1], "broken.mp4 is empty" in notified[-1]) == (True, True)
    assert [request.verb for request in asked] == ["add_videos"]
    assert opened.videos.videos.topLevelItem(2).text(0) == "third"


def test_a_video_is_removed_and_added_again(opened, monkeypatch):
    """Its frames and labels count no more, and are there again with it; the last video stays."""
    work_at_once(opened.session, monkeypatch)
    opened.tabs.setCurrentWidget(opened.videos)
    frames, first, *_ = opened.session.labeling.index.frames, *listed_videos(opened.session.project)
    path = listed_videos(opened.session.project)[first]
    assert not opened.videos.remove_button.isEnabled()
    opened.videos.videos.setCurrentItem(opened.videos.videos.topLevelItem(0))
    opened.videos.ask = lambda question: False
    opened.videos.remove_button.click()
    assert opened.session.labeling.index.frames == frames
    opened.videos.ask = lambda question: True
    opened.videos.remove_button.click()
    assert {key.video for key in opened.session.labeling.index.frames} == {key.video for key in frames} - {first}
    assert first not in listed_videos(opened.session.project)
    notified = []
    opened.session.notified.connect(notified.append)
    opened.videos.videos.setCurrentItem(opened.videos.videos.topLevelItem(0))
    opened.videos.remove_button.click()
    assert "is the only video" in notified[0]
    opened.videos.add([str(path)])
    assert opened.session.labeling.index.frames == frames
    assert opened.session.labeling.progress.open == 0


def test_doubtful_labels_are_opened_one_by_one(session, opened):
    """A check lists them, those where two people differ first; each click shows the frame with its bodypart chosen."""
    frames, part = session.labeling.index.frames, session.labeling.keypoints[1]
    place = {"video": frames[2].video, "number": frames[2].number, "bodypart": part.name}
    other = {"video": frames[4].video, "number": frames[4].number, "bodypart": part.name}
    assert opened.checks.doubtful.isHidden()
    opened.checks.labels.form.fields["other"].value = "/data/second"
    opened.checks.labels.start_button.click()
    assert session.jobs.job.request.arguments == {"other": "/data/second"}
    suspects = [{**other, "surprise": 7.25, "exchanged_with": None}]
    found = {"suspects": suspects, "compared": {"differences": [{**place, "distance": 14.0}]}}
    session.jobs.end("done", result=found)
    table = opened.checks.doubtful.labels
    told = [table.topLevelItem(row).text(1) for row in range(table.topLevelItemCount())]
    assert told[0] == "two people differ by 14.0 px"
    assert told[1].startswith("7.2 standard deviations")
    for row, frame in enumerate((frames[2], frames[4])):
        opened.checks.doubtful.after.click()
        assert table.indexOfTopLevelItem(table.currentItem()) == row
        assert session.labeling.frame == frame
        assert session.labeling.current.bodypart == part.bodypart


def test_the_start_lists_projects_once_there_are_some(dock, sample):
    """Before, only the ways to a first one are there."""
    assert dock.start.recent.isHidden()
    dock.path.setText(str(sample))
    dock.open()
    assert not dock.start.recent.isHidden()


def test_bodyparts_have_their_colors_where_a_palette_is_chosen(opened):
    """Another palette changes the squares at once."""
    editor = opened.bodyparts
    opened.tabs.setCurrentWidget(opened.names)
    opened.resize(360, 700)
    opened.show()

    def squares():
        items = [editor.names.item(row) for row in range(editor.names.count())]
        return [item.icon().pixmap(4, 4).toImage().pixelColor(1, 1).name() for item in items]

    before = squares()
    assert len(set(before)) == len(before)
    choose(editor.colors, "colors: the project's colormap")
    assert squares() != before


def test_dock_is_narrow(opened):
    """Beside an image on a small screen the dock needs at most 300 pixels."""
    assert opened.minimumSizeHint().width() <= 300
    assert opened.minimumSizeHint().height() <= 670
