"""The bodyparts of the shown frame as a table: their colors, what is known of each, and how sure the network is."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHeaderView, QTreeWidgetItem

from napari_posecut.labeling.keypoints import Keypoint
from napari_posecut.labeling.labeling import Labeling
from napari_posecut.session import Session
from napari_posecut.widgets.parts import LowTable, colored_row
from posecut_core.plots.colors import bytes_of, colors_of

_HEADINGS = ("bodypart", "state", "likelihood")
_STATES = {"unset": "", "proposed": "suggested", "placed": "labeled", "occluded": "hidden", "absent": "absent"}
_NOT_SHOWN = "{} was not chosen, because it is not shown; set its check mark in the list to show it."


class BodypartTable(LowTable):
    """A click on a row chooses its bodypart; one without its check mark is neither shown nor edited."""

    def __init__(self, session: Session) -> None:
        super().__init__(_HEADINGS)
        self._session = session
        self._items: list[QTreeWidgetItem] = []
        self._marked: QTreeWidgetItem | None = None  # whose check mark the click has changed that comes next
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keys stay with the image
        header = self.header()
        assert header is not None
        for column in (1, 2):  # as wide as the longest word in them: measuring all rows at each click takes a while
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            header.resizeSection(column, self.fontMetrics().horizontalAdvance("likelihood") + 12)
        self.itemClicked.connect(self._choose)
        self.itemChanged.connect(self._hide_unchecked)
        session.project_changed.connect(self._forget_rows)
        self.setToolTip("a bodypart without its check mark is neither shown on the image nor labeled")

    def show_frame(self) -> None:
        """Show the bodyparts of the shown frame; none where there is no frame."""
        labeling = self._session.labeling
        if labeling is None or labeling.frame is None:
            self.clear()
            self._items = []
            return
        keypoints, current, chosen = labeling.keypoints, labeling.current, None
        self.blockSignals(True)
        if len(self._items) != len(keypoints):
            self._add_rows(labeling, len(keypoints))
        for item, keypoint in zip(self._items, keypoints, strict=True):
            _fill_row(item, keypoint, hidden=keypoint.bodypart in labeling.hidden)
            chosen = item if current is not None and keypoint.bodypart == current.bodypart else chosen
        self.blockSignals(False)
        self.setCurrentItem(chosen)

    def _forget_rows(self) -> None:
        """Make the rows anew the next time, in the colors of the project that is open now."""
        self._items = []

    def _add_rows(self, labeling: Labeling, count: int) -> None:
        self.clear()
        self._items = [colored_row(color) for color in bytes_of(colors_of(labeling.index.look.colormap, count))]
        self.addTopLevelItems(self._items)

    def _hide_unchecked(self, marked: QTreeWidgetItem) -> None:
        labeling, unchecked = self._session.labeling, Qt.CheckState.Unchecked
        self._marked = marked
        if labeling is not None:
            hidden = [item for item in self._items if item.checkState(0) == unchecked]
            labeling.hide(frozenset(item.data(0, Qt.ItemDataRole.UserRole) for item in hidden))

    def _choose(self, item: QTreeWidgetItem) -> None:
        """Choose a bodypart that is shown; of another one, say why not, unless this click has taken its mark away."""
        labeling, marked, self._marked = self._session.labeling, self._marked, None
        if labeling is not None and item.checkState(0) == Qt.CheckState.Checked:
            labeling.choose(item.data(0, Qt.ItemDataRole.UserRole))
        elif item is not marked:
            self._session.notify(_NOT_SHOWN.format(item.text(0)), kind="refused")


def _fill_row(item: QTreeWidgetItem, keypoint: Keypoint, *, hidden: bool) -> None:
    item.setText(0, keypoint.name)
    item.setText(1, _STATES[keypoint.state])
    item.setText(2, "" if keypoint.likelihood is None else f"{keypoint.likelihood:.2f}")
    item.setData(0, Qt.ItemDataRole.UserRole, keypoint.bodypart)
    item.setCheckState(0, Qt.CheckState.Unchecked if hidden else Qt.CheckState.Checked)
