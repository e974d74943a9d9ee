"""The list of videos to analyze."""

import pytest
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent

from napari_posecut.widgets.docks.analyze import _VideoQueue


@pytest.fixture
def videos(qtbot):
    """An empty list."""
    made = _VideoQueue()
    qtbot.addWidget(made)
    return made


def test_files_and_folders_are_dropped(videos, tmp_path):
    """A file is added, of a folder its videos, and nothing twice."""
    for name in ("a.mp4", "b.avi", "notes.txt"):
        (tmp_path / name).touch()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.mp4")), QUrl.fromLocalFile(str(tmp_path))])
    button, key = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    videos.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, button, key))
    assert videos.paths == (str(tmp_path / "a.mp4"), str(tmp_path / "b.avi"))


def test_what_is_analyzed_before_is_not_checked(videos, tmp_path):
    """It can be checked by hand."""
    videos.add(tmp_path / "a.mp4", state="done", checked=False)
    videos.add(tmp_path / "b.mp4")
    assert videos.checked == (str(tmp_path / "b.mp4"),)
