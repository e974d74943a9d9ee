"""Two windows of one program, each with a project of its own: neither hears what happens in the other."""

import shutil

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_posecut.session import session_of
from napari_posecut.window import open_here
from posecut_core.labels.store import read_labels
from posecut_core.project.opening import open_project
from tests.plugin.conftest import window
from tests.plugin.hand import CONTROL, Hand

PLACE, OTHER = (40.0, 60.0), (90.0, 80.0)


@pytest.fixture
def second(viewer, qtbot):
    """Another window beside `viewer`."""
    with window(qtbot) as made:
        yield made


@pytest.fixture
def configs(unlabeled):
    """config.yaml of two copies of a project."""
    folder = unlabeled.parent
    other = folder.with_name("other")
    shutil.copytree(folder, other, symlinks=True)
    return unlabeled, other / unlabeled.name


@pytest.fixture
def hands(viewer, second, configs):
    """A hand at each window, in which its project is open."""
    for one, config in zip((viewer, second), configs, strict=True):
        open_here(one, config)
    QApplication.processEvents()
    return Hand(viewer), Hand(second)


def _labeled(hand):
    """Return the places of what is labeled in the frame that is shown."""
    labeling = session_of(hand.viewer).labeling
    return [one.xy for one in labeling.keypoints_of(labeling.frame) if one.state == "placed"]


def test_clicks_and_keys_label_where_they_were_made(hands, configs):
    """A click, an undo and the next frame are of the window in which they happened, and of its project on the disk."""
    first, second = hands
    first.click(PLACE)
    second.click(OTHER)
    assert [_labeled(first), _labeled(second)] == [[pytest.approx(PLACE, abs=1.0)], [pytest.approx(OTHER, abs=1.0)]]
    shown = session_of(first.viewer).labeling.frame
    second.viewer.window.activate()
    second.key(Qt.Key.Key_Z, CONTROL)
    second.key(Qt.Key.Key_D)
    assert [len(_labeled(first)), session_of(first.viewer).labeling.frame] == [1, shown]
    assert session_of(second.viewer).labeling.frame != shown
    tables = [read_labels(open_project(config), shown.video) for config in configs]
    assert [table.numbers.tolist() for table in tables] == [[shown.number], []]


def test_a_window_goes_on_when_the_other_one_is_closed(hands, configs):
    """Also in the same process, after its neighbor's labels were written and its layers deleted."""
    first, second = hands
    second.click(OTHER)
    second.viewer.close()
    first.click(PLACE)
    assert _labeled(first) == [pytest.approx(PLACE, abs=1.0)]
    first.key(Qt.Key.Key_Z, CONTROL)
    assert _labeled(first) == []


def test_labels_that_another_window_edited_can_be_edited_once_it_is_closed(viewer, second, unlabeled):
    """Meanwhile they are for reading, and who edits them is told; what was edited is shown before another edit."""
    for one in (viewer, second):
        open_here(one, unlabeled)
    QApplication.processEvents()
    first, other = Hand(viewer), Hand(second)
    told = []
    session_of(second).notified.connect(lambda sentence, *_: told.append(sentence))
    first.click(PLACE)
    other.click(OTHER)
    assert _labeled(other) == _labeled(first) == [pytest.approx(PLACE, abs=1.0)]
    assert "another window or session of this program is editing them" in told[-1]
    first.drag(PLACE, OTHER)
    viewer.close()
    other.click(PLACE)
    assert _labeled(other) == [pytest.approx(OTHER, abs=1.0)]
    assert told[-1].startswith("Nothing was changed")
    other.click(PLACE)
    assert _labeled(other) == [pytest.approx(OTHER, abs=1.0), pytest.approx(PLACE, abs=1.0)]
