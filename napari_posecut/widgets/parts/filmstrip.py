"""The frames to label as a strip of small pictures, each with its state; a click shows one."""

from napari import Viewer
from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtGui import QIcon, QPixmap
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QListWidget, QListWidgetItem, QWidget

from napari_posecut.jobs.monitor import in_background
from napari_posecut.labeling.frame_index import MEANING, NOTED, FrameIndex
from napari_posecut.labeling.labeling import Labeling
from napari_posecut.session import Session, session_of
from napari_posecut.widgets.parts import icon_of, name_controls, picture_icon
from posecut_core.errors import PosecutError
from posecut_core.evaluation.tables import newest_evaluation
from posecut_core.project.paths import Project
from posecut_core.types import FrameRef

_SIDE = 72  # pixels of a picture at most
_HEIGHT = 132  # pixels of the strip
_QUIET = 300  # milliseconds without a change, after which frames that are not shown are looked at too
_ORDERS = (
    ("in order", "order"),
    ("by state", "state"),
    ("least likely first", "likelihood"),
    ("greatest error first", "error"),
    ("with notes first", "note"),
)
_KEY, _NOTE = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1


class Filmstrip(QWidget):
    """A row of the frames of a project that follows its labeling; pictures are read once they are in sight."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self._session: Session = session_of(napari_viewer)
        self._items: dict[FrameRef, QListWidgetItem] = {}
        self._labeling: Labeling | None = None  # whose frames these are
        self.order = QComboBox()
        for text, name in _ORDERS:
            self.order.addItem(text, name)
        self.order.setToolTip("in which order the frames are")
        self.frames = QListWidget()
        self.frames.setViewMode(QListWidget.ViewMode.IconMode)
        self.frames.setFlow(QListWidget.Flow.LeftToRight)
        self.frames.setMovement(QListWidget.Movement.Static)
        self.frames.setWrapping(False)
        self.frames.setUniformItemSizes(True)
        self.frames.setIconSize(QSize(_SIDE, _SIDE))
        self.frames.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keys stay with the image
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 0, 4, 0)
        layout.addWidget(self.order, alignment=Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self.frames, stretch=1)
        self.setFixedHeight(_HEIGHT)
        self._reading, self._quiet = QTimer(self), QTimer(self)
        self._reading.timeout.connect(self._read_one)
        self._quiet.setSingleShot(True)
        self._quiet.setInterval(_QUIET)
        self._quiet.timeout.connect(self._show_states)
        self.order.activated.connect(self.rebuild)
        self.frames.itemClicked.connect(self._go_to)
        bar = self.frames.horizontalScrollBar()
        assert bar is not None
        bar.valueChanged.connect(lambda: self._reading.start())
        self._session.project_changed.connect(self._on_project_changed)
        self._session.labels_changed.connect(self._on_labels_changed)
        name_controls(self, "filmstrip")
        self.rebuild()

    def rebuild(self) -> None:
        """List the frames in the chosen order."""
        self.frames.clear()
        self._labeling = self._session.labeling
        self._items = {key: QListWidgetItem() for key in self._ordered()}
        for key, item in self._items.items():
            item.setData(_KEY, key)
            item.setSizeHint(QSize(_SIDE + 24, _HEIGHT - 26))
            self.frames.addItem(item)
        self._show_states()
        self._select()
        self._reading.start()

    def _ordered(self) -> list[FrameRef]:
        labeling, order = self._session.labeling, self.order.currentData()
        frames = list(labeling.index.frames) if labeling is not None else []
        if labeling is None or order == "order":
            return frames
        if order == "state":
            return sorted(frames, key=lambda key: list(MEANING).index(labeling.status(key)))
        if order == "note":
            return sorted(frames, key=lambda key: key not in labeling.index.notes)
        if order == "error":
            errors = _errors(labeling.index.project)
            return sorted(frames, key=lambda key: -errors.get(key, -1.0))
        found = {key: [one.likelihood for one in labeling.keypoints_of(key)] for key in frames}
        return sorted(frames, key=lambda key: min((one for one in found[key] if one is not None), default=1.0))

    def _on_project_changed(self) -> None:
        labeling = self._session.labeling
        if labeling is not self._labeling or labeling is None or set(labeling.index.frames) != self._items.keys():
            self.rebuild()
        self._quiet.start()

    def _on_labels_changed(self) -> None:
        self._select()
        self._quiet.start()

    def _show_states(self) -> None:
        labeling = self._session.labeling
        for key, item in self._items.items() if labeling is not None else ():
            if labeling is not None and key in labeling.index.places:
                note = labeling.index.notes.get(key, "")
                mark = f" {NOTED}" if note else ""
                text = f"{key.number}{mark}\n{MEANING[labeling.status(key)]}"
                if item.text() != text or item.data(_NOTE) != note:
                    item.setText(text)
                    item.setData(_NOTE, note)
                    about = f"{key.video}, {labeling.word(key)}: {MEANING[labeling.status(key)]}"
                    item.setToolTip(f"{about}\n{note}".strip())

    def _select(self) -> None:
        frame = self._session.labeling.frame if self._session.labeling is not None else None
        item = self._items.get(frame) if frame is not None else None
        if item is not None and item is not self.frames.currentItem():
            self.frames.setCurrentItem(item)
            self._reading.start()

    def _read_one(self) -> None:
        """Read one picture that is in sight, between two things that the user does; stop where all are there."""
        labeling, seen = self._session.labeling, self.frames.viewport()
        for key, item in self._items.items():
            in_sight = seen is not None and self.frames.visualItemRect(item).intersects(seen.rect())
            if labeling is not None and in_sight and item.icon().isNull() and key in labeling.index.places:
                item.setIcon(_small(labeling.index, key))
                return
        self._reading.stop()

    def _go_to(self, item: QListWidgetItem) -> None:
        key: FrameRef = item.data(_KEY)
        self._session.attempt(lambda: self._session.show_frame(key.video, key.number))


def _errors(project: Project) -> dict[FrameRef, float]:
    """Return the pixels by which the newest network that was evaluated is off in each labeled frame."""
    found = in_background(lambda: newest_evaluation(project))
    return {} if found is None else {FrameRef(frame.video, frame.number): frame.error for frame in found.frames}


def _small(index: FrameIndex, key: FrameRef) -> QIcon:
    """Return the picture of a frame in a small size; a gray one where it cannot be read."""
    try:
        return picture_icon(index.picture(key), _SIDE)
    except PosecutError:
        gray = QPixmap(_SIDE, _SIDE)
        gray.fill(Qt.GlobalColor.gray)
        return icon_of(gray)
