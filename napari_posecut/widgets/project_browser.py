"""The videos of a project and their frames, each with how far its labelling is; a click opens the frame."""

from collections import Counter
from collections.abc import Iterable

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QLabel, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from napari_posecut.browser import MEANING, FrameKey, FrameStatus
from napari_posecut.desk import Desk
from napari_posecut.state_icons import icon_of
from posecut_core.project.layout import Project
from posecut_core.workflow.opening import project_videos

_QUIET = 300  # milliseconds without a change, after which the frames that are not shown are looked at too
_KEY = Qt.ItemDataRole.UserRole


class ProjectBrowser(QWidget):
    """A tree of videos and frames that follows the labelling; only what changed is written anew."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._frames: dict[FrameKey, QTreeWidgetItem] = {}
        self._videos: dict[str, QTreeWidgetItem] = {}
        self._statuses: dict[FrameKey, FrameStatus] = {}
        self._counts: dict[str, Counter[FrameStatus]] = {}
        self.total = QLabel()
        self.total.setWordWrap(True)
        self.tree = QTreeWidget()
        self.tree.setHeaderLabels(("frame", "state"))
        self.tree.setColumnWidth(0, 110)  # fitting it to its content again and again would take time
        self.tree.setUniformRowHeights(True)
        self.tree.itemClicked.connect(self._open)
        self.tree.itemActivated.connect(self._open)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.total)
        layout.addWidget(self.tree)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_QUIET)
        self._later.timeout.connect(self.look_at_all)
        desk.project_changed.connect(self.rebuild)
        desk.labels_changed.connect(self._show_change)
        self.rebuild()

    def rebuild(self) -> None:
        """List the videos and frames of the open project, anew where they are others than before."""
        if self._is_listed():
            self.look_at_all()
            self._point_out()
            return
        opened = {video for video, item in self._videos.items() if item.isExpanded()}
        self.tree.clear()
        self._frames, self._videos, self._statuses, self._counts = {}, {}, {}, {}
        project, labelling = self._desk.project, self._desk.labelling
        if project is None or labelling is None:
            self.total.setText("No project is open.")
            return
        keys = labelling.browser.frames
        for video in _videos(project, keys):
            self._counts[video] = Counter()
            self._videos[video] = QTreeWidgetItem(self.tree, [video])
            self._videos[video].setToolTip(0, video)
            self._videos[video].setFirstColumnSpanned(True)
        for key in keys:
            item = self._frames[key] = QTreeWidgetItem([str(key.number)])
            item.setData(0, _KEY, key)
        for video, item in self._videos.items():
            item.addChildren([child for key, child in self._frames.items() if key.video == video])
            item.setExpanded(video in opened)
        self._write(keys)
        self._count(self._videos)
        self._point_out()

    def _is_listed(self) -> bool:
        project, labelling = self._desk.project, self._desk.labelling
        if project is None or labelling is None or not self._videos:
            return False
        keys = labelling.browser.frames
        return keys == tuple(self._frames) and _videos(project, keys) == list(self._videos)

    def look_at_all(self) -> None:
        """Take in what changed in frames that are not shown: proposals that came, edits that were undone."""
        self._update(self._frames)

    def _show_change(self) -> None:
        """Take in what changed in the shown frame; the others can wait until it is quiet."""
        labelling = self._desk.labelling
        if labelling is not None and labelling.frame in self._frames:
            self._update([labelling.frame])
            self._point_out()
        self._later.start()

    def _update(self, keys: Iterable[FrameKey]) -> None:
        labelling = self._desk.labelling
        if labelling is None:
            return
        there = labelling.browser.places  # others went meanwhile; the tree is about to be rebuilt
        changed = [key for key in keys if key in there and labelling.status(key) != self._statuses[key]]
        self._write(changed)
        self._count({key.video for key in changed})

    def _write(self, keys: Iterable[FrameKey]) -> None:
        assert self._desk.labelling is not None
        for key in keys:
            before, status = self._statuses.get(key), self._desk.labelling.status(key)
            self._statuses[key] = status
            self._counts[key.video][status] += 1
            if before is not None:
                self._counts[key.video][before] -= 1
            item = self._frames[key]
            item.setText(1, MEANING[status])
            item.setIcon(0, icon_of(status))

    def _count(self, videos: Iterable[str]) -> None:
        """Write exact counts: per video for those that changed, and in all."""
        for video in videos:
            self._videos[video].setText(0, f"{video}: {_spoken(self._counts[video])}")
        counted = sum(self._counts.values(), Counter())
        self.total.setText(f"<b>{_spoken(counted)}</b>" if counted else "No frames to label yet (2 Frames).")
        self.total.setToolTip("\n".join(f"{counted[status]}: {MEANING[status]}" for status in MEANING))

    def _point_out(self) -> None:
        """Mark the frame that is shown."""
        frame = self._desk.labelling.frame if self._desk.labelling else None
        item = self._frames.get(frame) if frame else None
        if item is not None and item is not self.tree.currentItem():
            self.tree.setCurrentItem(item)

    def _open(self, item: QTreeWidgetItem) -> None:
        key = item.data(0, _KEY)
        if key is None:
            return
        shown = self._desk.labelling.frame if self._desk.labelling else None
        if key != shown or self._desk.canvas is None:
            self._desk.attempt(lambda: self._desk.show_frame(key.video, key.number))


def _videos(project: Project, keys: Iterable[FrameKey]) -> list[str]:
    return list(dict.fromkeys((*project_videos(project), *(key.video for key in keys))))


def _spoken(counts: "Counter[FrameStatus]") -> str:
    """Say how many frames are done, of those that are to be labelled."""
    dropped = counts["dropped"]
    frames = counts.total() - dropped
    if not counts.total():
        return "no frames"
    return f"{counts['done']} of {frames} frames done" + (f", {dropped} dropped" if dropped else "")
