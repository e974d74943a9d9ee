"""The list of videos to analyse: a check box and a state each; files may be dropped on it."""

from pathlib import Path

from qtpy.QtCore import QMimeData, Qt, Signal
from qtpy.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from qtpy.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem

from posecut_core.project.given_files import videos_in

DONE = "done"
_PATH = Qt.ItemDataRole.UserRole


class QueueList(QTreeWidget):
    """Videos in the order in which they are analysed."""

    wanted = Signal(str)  # path of a video that is done and was clicked twice

    def __init__(self) -> None:
        super().__init__()
        self.setHeaderLabels(("video", "state"))
        self.setRootIsDecorated(False)
        self.setAcceptDrops(True)
        self.setToolTip("drop videos or folders here; a double click on a video that is done shows it in 9 Results")
        header = self.header()
        assert header is not None
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.itemDoubleClicked.connect(self._want)

    @property
    def paths(self) -> tuple[str, ...]:
        """Return all videos of the list."""
        return tuple(item.data(0, _PATH) for item in self._items())

    @property
    def checked(self) -> tuple[str, ...]:
        """Return the videos that are to be analysed."""
        return tuple(item.data(0, _PATH) for item in self._items() if item.checkState(0) == Qt.CheckState.Checked)

    def add(self, path: Path, *, state: str = "", checked: bool = True) -> None:
        """Add a video, or every video of a folder; what is in the list already stays as it is."""
        for video in videos_in(path) if path.is_dir() else [path]:
            if str(video) not in self.paths:
                item = QTreeWidgetItem([video.name, state])
                item.setData(0, _PATH, str(video))
                item.setToolTip(0, str(video))
                item.setCheckState(0, Qt.CheckState.Checked if checked else Qt.CheckState.Unchecked)
                self.addTopLevelItem(item)

    def set_state(self, path: str, state: str, *, why: str = "") -> None:
        """Say how far a video is; one that is done need not be analysed again."""
        item = next((item for item in self._items() if item.data(0, _PATH) == path), None)
        if item is not None:
            item.setText(1, state)
            item.setToolTip(1, why)
            if state == DONE:
                item.setCheckState(0, Qt.CheckState.Unchecked)

    def state_of(self, path: str) -> str:
        """Return how far a video is."""
        return next((item.text(1) for item in self._items() if item.data(0, _PATH) == path), "")

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: N802 - Qt's name
        """Take files."""
        if event is not None and _files(event.mimeData()):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent | None) -> None:  # noqa: N802 - Qt's name
        """Take files anywhere on the list."""
        if event is not None and _files(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802 - Qt's name
        """Add the files."""
        if event is not None:
            for path in _files(event.mimeData()):
                self.add(path)
            event.acceptProposedAction()

    def _items(self) -> list[QTreeWidgetItem]:
        items = (self.topLevelItem(place) for place in range(self.topLevelItemCount()))
        return [item for item in items if item is not None]

    def _want(self, item: QTreeWidgetItem) -> None:
        if item.text(1) == DONE:
            self.wanted.emit(item.data(0, _PATH))


def _files(data: QMimeData | None) -> list[Path]:
    """List the files and folders of this computer that are dragged."""
    urls = data.urls() if data is not None else []
    return [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
