"""The frames of a project as a tree, each with a small picture of how far its labeling is."""

from collections import Counter
from collections.abc import Iterable
from functools import cache

from qtpy.QtCore import QPointF, QRectF, Qt, QTimer
from qtpy.QtGui import QColor, QIcon, QPainter, QPen, QPixmap
from qtpy.QtWidgets import QLabel, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from napari_posecut.labeling.frame_index import MEANING, NOTED, FrameStatus
from napari_posecut.session import Session
from napari_posecut.widgets.parts import icon_of
from posecut_core.project.given import natural_key
from posecut_core.project.opening import project_videos
from posecut_core.project.paths import Project
from posecut_core.types import FrameRef

# --- state icons ------------------------------------------------------------------------------------------------------
# Small pictures of how far the labeling of a frame is; they differ in shape, not in color alone.


_SIDE = 14  # pixels
_GRAY, _BLUE, _ORANGE, _GREEN = "#8a8f98", "#4f9dde", "#e0a030", "#4caf50"


@cache
def _icon_of(status: FrameStatus) -> QIcon:
    """Draw the picture of a status: a circle that fills up, a dashed one for proposals, a cross for a dropped frame."""
    pixmap = QPixmap(_SIDE, _SIDE)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _DRAWN[status](painter)
    painter.end()
    return icon_of(pixmap)


def _circle(painter: QPainter, color: str, *, style: Qt.PenStyle = Qt.PenStyle.SolidLine, filled: int = 0) -> None:
    """Draw a circle of which so many sixteenths of a degree are filled, from the bottom."""
    circle = QRectF(2, 2, _SIDE - 4, _SIDE - 4)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(color))
    painter.drawPie(circle, 270 * 16 - filled // 2, filled)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(color), 1.6, style))
    painter.drawEllipse(circle)


def _exclamation(painter: QPainter) -> None:
    _circle(painter, _ORANGE)
    painter.drawLine(QPointF(7, 4.5), QPointF(7, 7.5))
    painter.drawPoint(QPointF(7, 9.6))


def _cross(painter: QPainter) -> None:
    painter.setPen(QPen(QColor(_GRAY), 1.8))
    painter.drawLine(QPointF(4, 4), QPointF(10, 10))
    painter.drawLine(QPointF(10, 4), QPointF(4, 10))


_WHOLE = 360 * 16
_DRAWN = {
    "unlabeled": lambda painter: _circle(painter, _GRAY),
    "proposed": lambda painter: _circle(painter, _BLUE, style=Qt.PenStyle.DotLine),
    "unreviewed": _exclamation,
    "begun": lambda painter: _circle(painter, _ORANGE, filled=_WHOLE // 2),
    "done": lambda painter: _circle(painter, _GREEN, filled=_WHOLE),
    "dropped": _cross,
}


# --- frame tree -------------------------------------------------------------------------------------------------------
# The videos of a project and their frames, each with how far its labeling is; a click opens the frame.


_QUIET = 300  # milliseconds without a change, after which the frames that are not shown are looked at too
_KEY = Qt.ItemDataRole.UserRole


class FrameTree(QWidget):
    """A tree of videos and frames that follows the labeling; only what changed is written anew."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._frames: dict[FrameRef, QTreeWidgetItem] = {}
        self._videos: dict[str, QTreeWidgetItem] = {}
        self._statuses: dict[FrameRef, FrameStatus] = {}
        self._notes: dict[FrameRef, str] = {}
        self._counts: dict[str, Counter[FrameStatus]] = {}
        self.total = QLabel()
        self.total.setWordWrap(True)
        self.tree = QTreeWidget()
        self.tree.setHeaderLabels(("frame", "state"))
        self.tree.setColumnWidth(0, 110)  # fitting it to its content again and again would take time
        self.tree.setUniformRowHeights(True)
        self.tree.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # the count is at the end
        self.tree.itemClicked.connect(self._open)
        self.tree.itemActivated.connect(self._open)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.total)
        layout.addWidget(self.tree)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_QUIET)
        self._timer.timeout.connect(self.update_all)
        session.project_changed.connect(self.rebuild)
        session.labels_changed.connect(self._on_labels_changed)
        self.rebuild()

    def rebuild(self) -> None:
        """List the videos and frames of the open project, anew where they are others than before."""
        if self._is_listed():
            self.update_all()
            self._select_shown()
            return
        opened = {video for video, item in self._videos.items() if item.isExpanded()}
        self.tree.clear()
        self._frames, self._videos, self._statuses, self._counts, self._notes = {}, {}, {}, {}, {}
        project, labeling = self._session.project, self._session.labeling
        if project is None or labeling is None:
            self.total.setText("No project is open.")
            return
        keys = labeling.index.frames
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
        self._set_statuses(keys)
        self._set_counts(self._videos)
        self._select_shown()

    def _is_listed(self) -> bool:
        project, labeling = self._session.project, self._session.labeling
        if project is None or labeling is None or not self._videos:
            return False
        keys = labeling.index.frames
        return keys == tuple(self._frames) and _videos(project, keys) == list(self._videos)

    def update_all(self) -> None:
        """Take in what changed in frames that are not shown: proposals that came, edits that were undone."""
        self._update(self._frames)

    def _on_labels_changed(self) -> None:
        """Take in what changed in the shown frame; the others can wait until it is quiet."""
        labeling = self._session.labeling
        if labeling is not None and labeling.frame in self._frames:
            self._update([labeling.frame])
            self._select_shown()
        self._timer.start()

    def _update(self, keys: Iterable[FrameRef]) -> None:
        labeling = self._session.labeling
        if labeling is None:
            return
        there = labeling.index.places  # others went meanwhile; the tree is about to be rebuilt
        notes = labeling.index.notes
        changed = [
            key
            for key in keys
            if key in there
            and (labeling.status(key), notes.get(key, "")) != (self._statuses[key], self._notes.get(key, ""))
        ]
        if changed:  # or the whole dock would be laid out again at each click
            self._set_statuses(changed)
            self._set_counts({key.video for key in changed})

    def _set_statuses(self, keys: Iterable[FrameRef]) -> None:
        assert self._session.labeling is not None
        for key in keys:
            before, status = self._statuses.get(key), self._session.labeling.status(key)
            self._statuses[key] = status
            self._counts[key.video][status] += 1
            if before is not None:
                self._counts[key.video][before] -= 1
            item, note = self._frames[key], self._session.labeling.index.notes.get(key, "")
            self._notes[key] = note
            item.setText(1, f"{MEANING[status]} {NOTED}" if note else MEANING[status])
            item.setToolTip(1, note)
            item.setIcon(0, _icon_of(status))

    def _set_counts(self, videos: Iterable[str]) -> None:
        """Write exact counts: per video for those that changed, and in all."""
        for video in videos:
            self._videos[video].setText(0, f"{video}: {_count_text(self._counts[video])}")
        counted = sum(self._counts.values(), Counter())
        self.total.setText(f"<b>{_count_text(counted)}</b>" if counted else "No frames to label yet (2 Frames).")
        self.total.setToolTip("\n".join(f"{counted[status]}: {MEANING[status]}" for status in MEANING))

    def _select_shown(self) -> None:
        """Mark the frame that is shown."""
        frame = self._session.labeling.frame if self._session.labeling else None
        item = self._frames.get(frame) if frame else None
        if item is not None and item is not self.tree.currentItem():
            self.tree.setCurrentItem(item)

    def _open(self, item: QTreeWidgetItem) -> None:
        key = item.data(0, _KEY)
        if key is None:
            return
        shown = self._session.labeling.frame if self._session.labeling else None
        if key != shown or self._session.canvas is None:
            self._session.attempt(lambda: self._session.show_frame(key.video, key.number))


def _videos(project: Project, keys: Iterable[FrameRef]) -> list[str]:
    return sorted({*project_videos(project), *(key.video for key in keys)}, key=natural_key)


def _count_text(counts: "Counter[FrameStatus]") -> str:
    """Say how many frames are done, of those that are to be labeled."""
    dropped = counts["dropped"]
    frames = counts.total() - dropped
    if not counts.total():
        return "no frames"
    return f"{counts['done']} of {frames} frames done" + (f", {dropped} dropped" if dropped else "")
