"""Dock 10: calibrated cameras, points in space from what they saw, and these shown in three dimensions."""

from collections.abc import Callable, Mapping
from pathlib import Path

from napari import Viewer
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_posecut.jobs.jobs import Job
from napari_posecut.layers.overlay import in_words, own_network, own_predictions, style_of
from napari_posecut.layers.space import space_layers
from napari_posecut.session import Session, session_of
from napari_posecut.widgets.parts import Postponed, name_controls, show_choices, table_of
from napari_posecut.widgets.parts.job_line import JobLine, WrappedLabel, wrappable
from posecut_core.cameras.camera import Camera
from posecut_core.cameras.views import ViewSession, calibrated_cameras, calibrated_sessions
from posecut_core.errors import PosecutError, Remedy
from posecut_core.poses.files import FoundPredictions
from posecut_core.poses.points import points_path, read_points
from posecut_core.project.paths import Project

_KINDS = "Cameras (*.yaml *.yml *.toml *.mat);;All files (*)"


class CamerasDock(QWidget):
    """The cameras of a project, its sessions of views, and their points."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.session: Session = session_of(napari_viewer)
        self.new_viewer: Callable[..., Viewer] = Viewer  # of a window of its own, so that labels stay where they are
        self._tables: dict[str, list[FoundPredictions]] = {}  # of each network of this iteration
        self._sessions: tuple[ViewSession, ...] = ()
        self.heading = WrappedLabel()
        self.columns, self.rows = QSpinBox(), QSpinBox()
        for count, value in ((self.columns, 9), (self.rows, 6)):
            count.setRange(3, 100)
            count.setValue(value)
            count.setToolTip("all squares along this side, not inner corners")
        self.square = QDoubleSpinBox()
        self.square.setRange(0.01, 10_000)
        self.square.setValue(20)
        self.square.setToolTip("length of a square's side; points in space have its unit")
        self.charuco = QCheckBox("with markers (ChArUco)")
        self.board_button = QPushButton("Calibrate from videos of a board...")
        self.board_button.setToolTip("a folder with a video of the board by each camera, such as board_left.mp4")
        self.board_button.clicked.connect(self._choose_boards)
        self.calibrate_button = QPushButton("Read calibrated cameras...")
        self.calibrate_button.setToolTip(
            "from a file of PoseCut, Anipose, caliscope, OpenCV, DANNCE or Bouguet's toolbox"
        )
        self.calibrate_button.clicked.connect(self._choose_calibration)
        self.networks = QComboBox()
        self.networks.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.networks.setMinimumContentsLength(12)
        self.networks.currentIndexChanged.connect(self._list_sessions)
        self.views = table_of(("session", "views", "points"))
        self.views.itemSelectionChanged.connect(self._update_enabled)
        self.smoothing = QDoubleSpinBox()
        self.smoothing.setSpecialValueText("none")
        self.smoothing.setSuffix(" frames")
        self.smoothing.setToolTip("movements to and fro within so many frames are halved")
        self.constant_bones = QCheckBox("bones keep their length")
        self.plotting = QCheckBox("draw the errors, and a video")
        self.triangulate_button = QPushButton("Triangulate all sessions")
        self.triangulate_button.clicked.connect(self.triangulate)
        self.job_line = JobLine(self.session, ("calibrate_cameras", "triangulate"))
        self.job_line.ended.connect(self._on_own_job_ended)
        self.result = WrappedLabel()
        self.show_button = QPushButton("Show in 3D")
        self.show_button.setToolTip("the points of the selected session over time, in a window of its own")
        self.show_button.clicked.connect(self.show_points)
        self._create_layout()
        self._showing = Postponed(self, self.show_project)
        self.session.project_changed.connect(self._showing.request)
        self.session.jobs.started.connect(self._update_enabled)
        self.session.jobs.ended.connect(self._showing.request)
        name_controls(self, "cameras")
        self.show_project()

    def apply_remedy(self, remedy: Remedy) -> None:
        """Leave everything to the user: which file has the cameras is theirs to say."""

    def calibrate(self, source: str, **board: object) -> None:
        """Let a child calibrate the cameras, by a file that has them or by videos of a board."""
        given: Mapping[str, object] = {"source": source, **board}
        if self.session.attempt(lambda: self.session.start("calibrate_cameras", given)) is not None:
            self.result.setText("")

    def triangulate(self) -> None:
        """Let a child triangulate all sessions that have two or more analyzed views."""
        project, scorer = self.session.project, self.networks.currentData()
        network = None if project is None else own_network(project, str(scorer))
        if network is None:
            return
        videos = [str(video) for session in self._sessions for video in session.views.values()]
        given: Mapping[str, object] = {
            **network.arguments,
            "videos": videos,
            "smoothing": self.smoothing.value(),
            "constant_bones": self.constant_bones.isChecked(),
            "plotting": self.plotting.isChecked(),
        }
        if self.session.attempt(lambda: self.session.start("triangulate", given)) is not None:
            self.result.setText("")

    def show_points(self) -> None:
        """Show the points of the selected session in a window of its own, to be turned and played."""
        project, chosen = self.session.project, self._chosen()
        if project is None or chosen is None:
            return
        points = self.session.attempt(lambda: read_points(self._path(chosen)))
        cameras = self.session.attempt(lambda: calibrated_cameras(project))
        if points is None or cameras is None:
            return
        style = style_of(project.config, points.bodyparts)
        layers = space_layers(points, cameras, bones=style.edges, colors=style.colors, bone_color=style.bone_color)
        viewer = self.new_viewer(title=f"PoseCut: {chosen.name} in 3D", ndisplay=3)
        for layer in layers:
            viewer.add_layer(layer)
        viewer.dims.set_point(0, 0)

    def show_project(self) -> None:
        """List the cameras, the networks that have analyzed videos, and the sessions."""
        project = self.session.project
        cameras, told = _cameras(project)
        self.heading.setText(told)
        self._tables = own_predictions(project) if project is not None and cameras else {}
        show_choices(self.networks, {scorer: in_words(tables[0]) for scorer, tables in self._tables.items()})
        self._list_sessions()

    def _list_sessions(self) -> None:
        project, tables = self.session.project, self._tables.get(self.networks.currentData(), [])
        cameras, _ = _cameras(project)
        found: tuple[ViewSession, ...] | None = ()
        if project is not None and cameras:
            videos = [table.video for table in tables]
            found = self.session.attempt(lambda: calibrated_sessions(project, videos, cameras))
        self._sessions = found or ()
        self.views.clear()
        for session in self._sessions:
            there = "yes" if self._path(session).is_file() else ""
            self.views.addTopLevelItem(QTreeWidgetItem([session.name, ", ".join(session.views), there]))
        if self._sessions:
            self.views.setCurrentItem(self.views.topLevelItem(0))
        self._update_enabled()

    def _path(self, session: ViewSession) -> Path:
        """Return where the points of a session are: beside the predictions of its first view."""
        tables = {table.video: table.table for table in self._tables[self.networks.currentData()]}
        first = next(iter(session.views.values()))
        return points_path(session.name, str(self.networks.currentData()), tables[first].parent)

    def _chosen(self) -> ViewSession | None:
        row = self.views.indexOfTopLevelItem(self.views.currentItem()) if self.views.currentItem() else -1
        return self._sessions[row] if 0 <= row < len(self._sessions) else None

    def _update_enabled(self) -> None:
        chosen, busy = self._chosen(), self.session.jobs.is_writing("cameras")
        for button in (self.calibrate_button, self.board_button):
            button.setEnabled(self.session.project is not None and not busy)
        self.triangulate_button.setEnabled(any(len(one.views) > 1 for one in self._sessions) and not busy)
        self.show_button.setEnabled(chosen is not None and self._path(chosen).is_file())

    def _choose_calibration(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Calibrated cameras", "", _KINDS)
        if path:
            self.calibrate(path)

    def _choose_boards(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder with videos of the board")
        if folder:
            self.calibrate(
                folder,
                columns=self.columns.value(),
                rows=self.rows.value(),
                square=self.square.value(),
                board="charuco" if self.charuco.isChecked() else "checkerboard",
            )

    def _on_own_job_ended(self, job: Job) -> None:
        if job.state == "done":
            self.result.setText(wrappable(job.message))

    def _create_layout(self) -> None:
        layout, form, board = QVBoxLayout(self), QFormLayout(), QFormLayout()
        board.addRow("squares across", self.columns)
        board.addRow("squares down", self.rows)
        board.addRow("side of a square", self.square)
        form.addRow(QLabel("network"))
        form.addRow(self.networks)  # in full width, or its name is cut off
        form.addRow("smoothing", self.smoothing)
        layout.addWidget(self.heading)
        layout.addLayout(board)
        for widget in (self.charuco, self.board_button, self.calibrate_button):
            layout.addWidget(widget)
        layout.addLayout(form)
        for below in (self.constant_bones, self.plotting, self.views, self.triangulate_button, self.job_line):
            layout.addWidget(below)
        layout.addWidget(self.result)
        layout.addWidget(self.show_button)
        layout.addStretch(1)


def _cameras(project: Project | None) -> tuple[tuple[Camera, ...], str]:
    """Return the cameras of a project, and what is said of them."""
    if project is None:
        return (), "Open or create a project first (1 Project)."
    if not project.cameras.is_file():
        return (
            (),
            "The project has no calibrated cameras yet: film a board, or read those that a program has calibrated.",
        )
    try:
        cameras = calibrated_cameras(project)
    except PosecutError as error:
        return (), wrappable(str(error))
    return cameras, f"{len(cameras)} cameras: {wrappable(', '.join(camera.name for camera in cameras))}"
