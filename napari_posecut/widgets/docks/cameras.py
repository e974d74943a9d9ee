"""Dock 10: calibrated cameras, their residuals, points in space from what they saw, views side by side and in 3D."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from napari import Viewer
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_posecut.jobs.jobs import Job
from napari_posecut.layers.overlay import in_words, own_network, own_predictions, style_of
from napari_posecut.layers.space import space_layers
from napari_posecut.layers.views import View, show_views
from napari_posecut.remedies import in_window
from napari_posecut.session import Session, session_of
from napari_posecut.widgets.parts import LowTable, Postponed, name_controls, scroll_content, show_choices
from napari_posecut.widgets.parts.job_line import JobLine, WrappedLabel, wrappable
from posecut_core.cameras.boards import USUAL_DICTIONARIES, Board
from posecut_core.cameras.camera import Camera
from posecut_core.cameras.camera import project as image_of
from posecut_core.cameras.views import ViewSession, calibrated_cameras, calibrated_sessions
from posecut_core.errors import PosecutError, Remedy
from posecut_core.formats.deeplabcut.images import read_picture
from posecut_core.poses.files import FoundPredictions, read_predictions
from posecut_core.poses.points import points_path, read_points
from posecut_core.project.paths import Project
from posecut_core.results import counted

_VERBS = ("calibrate_cameras", "refine_cameras", "triangulate")
_KINDS = "Cameras (*.yaml *.yml *.toml *.mat);;All files (*)"


class CamerasDock(QWidget):
    """The cameras of a project, its sessions of views, and their points."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.session: Session = session_of(napari_viewer)
        self.new_viewer: Callable[..., Viewer] = Viewer  # of a window of its own, so that labels stay where they are
        self._tables: dict[str, list[FoundPredictions]] = {}  # of each network of this iteration
        self._sessions: tuple[ViewSession, ...] = ()
        self._told_of: Path | None = None  # the project whose result is shown
        self.heading = WrappedLabel()
        self._create_board()
        self._create_calibration()
        self._create_world()
        self._create_triangulation()
        self._create_layout()
        self._showing = Postponed(self, self.show_project)
        self.session.project_changed.connect(self._showing.request)
        self.session.jobs.started.connect(self._update_enabled)
        self.session.jobs.ended.connect(self._showing.request)
        name_controls(self, "cameras")
        self.show_project()

    def _create_board(self) -> None:
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
        self.charuco.toggled.connect(self._show_markers)
        self.dictionary = QComboBox()
        self.dictionary.setEditable(True)
        self.dictionary.addItems(USUAL_DICTIONARIES)
        self.dictionary.setToolTip("which markers they are, as OpenCV calls them")
        self.marker = QDoubleSpinBox()
        self.marker.setRange(0.05, 0.95)
        self.marker.setSingleStep(0.05)
        self.marker.setValue(Board.marker)
        self.marker.setToolTip("side of a marker, as a part of the square's")
        self.inverted = QCheckBox("black squares are white, and the reverse")
        self.markers = QWidget()
        markers = QFormLayout(self.markers)
        markers.setContentsMargins(0, 0, 0, 0)
        markers.addRow("markers", self.dictionary)
        markers.addRow("part of a square", self.marker)
        markers.addRow(self.inverted)
        self.markers.hide()
        self.fisheye = QCheckBox("lenses see very wide (fisheye)")
        self.world_frame = QSpinBox()
        self.world_frame.setRange(-1, 10**6)
        self.world_frame.setValue(-1)
        self.world_frame.setSpecialValueText("at the first camera")
        self.world_frame.setToolTip("a frame in which the board lies where the world begins; z points up from it")

    def _create_calibration(self) -> None:
        self.board_button = QPushButton("Calibrate from a board...")
        self.board_button.setToolTip(
            "a folder with a video of the board by each camera, such as board_left.mp4, or with images: left07.png"
        )
        self.board_button.clicked.connect(self._choose_boards)
        self.calibrate_button = QPushButton("Read calibrated cameras...")
        self.calibrate_button.setToolTip(
            "from a file of PoseCut, Anipose, caliscope, OpenCV, DANNCE or Bouguet's toolbox"
        )
        self.calibrate_button.clicked.connect(self._choose_calibration)
        self.renamed = QLineEdit()
        self.renamed.setPlaceholderText("A:left, B:right")
        self.renamed.setToolTip("what else cameras shall be called; videos are told by the names of their cameras")
        self.renamed.textChanged.connect(self._update_enabled)
        self.rename_button = QPushButton("Rename cameras")
        self.rename_button.setToolTip("give the calibrated cameras these names; a calibration gives them at once")
        self.rename_button.clicked.connect(self.rename)
        self.residuals_button = QPushButton("Show residuals")
        self.residuals_button.setToolTip(
            "by how much the calibrated cameras are off, and in which direction, in a window of its own"
        )
        self.residuals_button.clicked.connect(self.show_residuals)

    def _create_world(self) -> None:
        self.origin, self.along, self.beside = QComboBox(), QComboBox(), QComboBox()
        for box, meaning in (
            (self.origin, "the world begins at this labeled bodypart"),
            (self.along, "the x axis goes through this one"),
            (self.beside, "this one lies in the plane of x and y"),
        ):
            box.setToolTip(f"{meaning}; it is labeled in two views")
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(3)
        self.length = QDoubleSpinBox()
        self.length.setRange(0, 100_000)
        self.length.setSpecialValueText("as it is")
        self.length.setToolTip("distance of the first two in the unit that the world shall have")
        self.world_button = QPushButton("Begin the world at labels")
        self.world_button.clicked.connect(self.move_world)

    def _create_triangulation(self) -> None:
        self.networks = _narrow(QComboBox())
        self.networks.currentIndexChanged.connect(self._list_sessions)
        self.apart = QCheckBox("a network for each view")
        self.apart.setToolTip("where frames of each camera have trained a network of its own")
        self.apart.toggled.connect(self._show_apart)
        self.of_views = QWidget()
        self._form_of_views = QFormLayout(self.of_views)
        self._form_of_views.setContentsMargins(0, 0, 0, 0)
        self.of_views.hide()
        self._own: dict[str, QComboBox] = {}  # camera -> its network, where each has one
        self.views = LowTable(("session", "views", "points"))
        self.views.itemSelectionChanged.connect(self._update_enabled)
        self.smoothing = QDoubleSpinBox()
        self.smoothing.setSpecialValueText("none")
        self.smoothing.setSuffix(" frames")
        self.smoothing.setToolTip("movements back and forth within so many frames are halved")
        self.constant_bones = QCheckBox("bones keep their length")
        self.plotting = QCheckBox("draw the errors, and a video")
        self.triangulate_button = QPushButton("Triangulate all sessions")
        self.triangulate_button.clicked.connect(self.triangulate)
        self.refine_button = QPushButton("Refine cameras by the animal")
        self.refine_button.setToolTip("where a camera was pushed: confident predictions say how, without a board")
        self.refine_button.clicked.connect(self.refine)
        self.job_line = JobLine(self.session, _VERBS, told=_VERBS)
        self.job_line.ended.connect(self._on_own_job_ended)
        self.result = WrappedLabel()
        self.show_button = QPushButton("Show in 3D")
        self.show_button.setToolTip("the points of the selected session over time, in a window of its own")
        self.show_button.clicked.connect(self.show_points)
        self.side_button = QPushButton("Show views side by side")
        self.side_button.setToolTip("videos of the selected session in step, with bodyparts and points in space")
        self.side_button.clicked.connect(self.show_views)

    def apply_remedy(self, remedy: Remedy) -> None:
        """Fill in the names that cameras may have; which file has the cameras is for the user to say."""
        renamed = remedy.arguments.get("rename")
        if isinstance(renamed, Mapping):
            self.renamed.setText(", ".join(f"{name}:{other}" for name, other in renamed.items()))
            self.renamed.setFocus()

    def _show_markers(self, there: bool) -> None:
        self.markers.setVisible(there)

    def _board(self) -> dict[str, object]:
        """Return what is said of the board and the lenses."""
        board: dict[str, object] = {
            "columns": self.columns.value(),
            "rows": self.rows.value(),
            "square": self.square.value(),
            "board": "charuco" if self.charuco.isChecked() else "checkerboard",
            "fisheye": self.fisheye.isChecked(),
        }
        if self.charuco.isChecked():
            board |= {"dictionary": self.dictionary.currentText().strip(), "marker": round(self.marker.value(), 2)}
            board |= {"inverted": self.inverted.isChecked()}
        return board if self.world_frame.value() < 0 else {**board, "world": self.world_frame.value()}

    def calibrate(self, source: str, **board: object) -> None:
        """Let a child calibrate the cameras, by a file that has them or by videos of a board."""
        renamed = {"rename": self.renamed.text()} if self.renamed.text().strip() else {}
        given: Mapping[str, object] = {"source": source, **renamed, **board}
        if self.session.attempt(lambda: self.session.start("calibrate_cameras", given)) is not None:
            self.result.setText("")

    def rename(self) -> None:
        """Let a child give the calibrated cameras other names."""
        if self.session.project is not None:
            self.calibrate(str(self.session.project.cameras))

    def triangulate(self) -> None:
        """Let a child triangulate all sessions that have two or more analyzed views."""
        self._start_on_sessions(
            "triangulate",
            smoothing=self.smoothing.value(),
            constant_bones=self.constant_bones.isChecked(),
            plotting=self.plotting.isChecked(),
        )

    def refine(self) -> None:
        """Let a child refine the cameras by what they saw of the animal in all sessions."""
        self._start_on_sessions("refine_cameras")

    def move_world(self) -> None:
        """Let a child move the world of the cameras to three labeled bodyparts."""
        project = self.session.project
        if project is not None:
            points = [box.currentText() for box in (self.origin, self.along, self.beside)]
            length = {"length": self.length.value()} if self.length.value() else {}
            self.calibrate(str(project.cameras), world_points=points, **length)

    def show_residuals(self) -> None:
        """Show the picture of the residuals in a window of its own."""
        project = self.session.project
        if project is None:
            return
        picture = self.session.attempt(lambda: read_picture(project.calibration_picture))
        if picture is not None:
            self.new_viewer(title="PoseCut: residuals of the calibration").add_image(
                picture, name="residuals", rgb=True
            )

    def show_views(self) -> None:
        """Show the videos of the selected session beside each other in a window of its own."""
        project, chosen = self.session.project, self._chosen()
        if project is None or chosen is None:
            return
        views = self.session.attempt(lambda: self._views_of(project, chosen))
        if not views:
            return
        style = style_of(self.session.look, next(iter(views.values())).predictions.bodyparts)
        viewer = self.new_viewer(title=f"PoseCut: {chosen.name}, side by side")
        self.session.attempt(lambda: show_views(viewer, views, style))

    def _views_of(self, project: Project, session: ViewSession) -> dict[str, View]:
        """Read what the network saw in each view, and where points in space fall."""
        cameras = {camera.name: camera for camera in calibrated_cameras(project)}
        path = self._path(session)
        points = read_points(path) if path.is_file() else None
        found = {}
        for camera, video in session.views.items():
            seen = read_predictions(self._tables_of(camera)[video])
            images = np.full_like(seen.xy, np.nan)
            if points is not None and points.bodyparts == seen.bodyparts:
                count = min(len(images), len(points.xyz))
                images[:count] = image_of(cameras[camera], points.xyz[:count])
            found[camera] = View(video, seen, images)
        return found

    def _start_on_sessions(self, verb: str, **options: object) -> None:
        project = self.session.project
        networks = {} if project is None else self._arguments(project)
        if not networks:
            return
        videos = [str(video) for session in self._sessions for video in session.views.values()]
        given: Mapping[str, object] = {**networks, "videos": videos, **options}
        if self.session.attempt(lambda: self.session.start(verb, given)) is not None:
            self.result.setText("")

    def _arguments(self, project: Project) -> Mapping[str, object]:
        """Return what steps call the networks by; nothing where there are none of this iteration."""
        if not self.apart.isChecked():
            network = own_network(project, str(self.networks.currentData()))
            return {} if network is None else network.arguments
        own = {camera: own_network(project, self._scorer_of(camera)) for camera in self._own}
        known = {camera: network for camera, network in own.items() if network is not None}
        if not known:
            return {}
        networks = {camera: f"{network.shuffle}@{network.step}" for camera, network in known.items()}
        return {**next(iter(known.values())).arguments, "networks": networks}

    def show_points(self) -> None:
        """Show the points of the selected session in a window of its own, to be turned and played."""
        project, chosen = self.session.project, self._chosen()
        if project is None or chosen is None:
            return
        points = self.session.attempt(lambda: read_points(self._path(chosen)))
        cameras = self.session.attempt(lambda: calibrated_cameras(project))
        if points is None or cameras is None:
            return
        style = style_of(self.session.look, points.bodyparts)
        layers = space_layers(points, cameras, bones=style.edges, colors=style.colors, bone_color=style.bone_color)
        viewer = self.new_viewer(title=f"PoseCut: {chosen.name} in 3D", ndisplay=3)
        for layer in layers:
            viewer.add_layer(layer)
        viewer.dims.set_point(0, 0)

    def show_project(self) -> None:
        """List the cameras, the networks that have analyzed videos, and the sessions."""
        project = self.session.project
        root = None if project is None else project.root
        if root != self._told_of:
            self._told_of = root
            self.result.setText("")
        cameras, told = _cameras(project)
        self.heading.setText(told)
        parts = project.config.bodyparts if project is not None else ()
        for place, box in enumerate((self.origin, self.along, self.beside)):
            fresh = box.count() == 0
            show_choices(box, {part: part for part in parts})
            box.setCurrentIndex(min(place, len(parts) - 1) if fresh else box.currentIndex())
        self._tables = own_predictions(project) if project is not None and cameras else {}
        networks = {scorer: in_words(tables[0]) for scorer, tables in self._tables.items()}
        show_choices(self.networks, networks)
        self._show_own([camera.name for camera in cameras], networks)
        self._list_sessions()

    def _show_own(self, cameras: list[str], networks: Mapping[str, str]) -> None:
        """Offer each camera the networks."""
        if [*self._own] != cameras:
            while self._form_of_views.rowCount():
                self._form_of_views.removeRow(0)
            self._own = {camera: _narrow(QComboBox()) for camera in cameras}
            for camera, box in self._own.items():
                box.currentIndexChanged.connect(self._list_sessions)
                self._form_of_views.addRow(camera, box)
            name_controls(self, "cameras")
        for box in self._own.values():
            show_choices(box, networks)

    def _show_apart(self, apart: bool) -> None:
        self.networks.setVisible(not apart)
        self.of_views.setVisible(apart)
        self._list_sessions()

    def _scorer_of(self, camera: str) -> str:
        """Return the network that has seen what a camera saw."""
        return str((self._own[camera] if self.apart.isChecked() else self.networks).currentData())

    def _tables_of(self, camera: str) -> dict[Path, Path]:
        """Return the tables of a camera's network, by video."""
        return {found.video: found.table for found in self._tables.get(self._scorer_of(camera), [])}

    def _list_sessions(self) -> None:
        project = self.session.project
        cameras, _ = _cameras(project)
        tables = {camera.name: self._tables_of(camera.name) for camera in cameras}
        found: tuple[ViewSession, ...] | None = ()
        if project is not None and cameras:
            videos = dict.fromkeys(video for of_camera in tables.values() for video in of_camera)
            found = self.session.attempt(lambda: calibrated_sessions(project, videos, cameras))
        before = self._chosen()
        seen = [
            replace(
                session, views={name: video for name in tables if (video := session.views.get(name)) in tables[name]}
            )
            for session in found or ()
        ]
        self._sessions = tuple(session for session in seen if session.views)
        self.views.clear()
        for session in self._sessions:
            there = "yes" if self._path(session).is_file() else ""
            self.views.addTopLevelItem(QTreeWidgetItem([session.name, ", ".join(session.views), there]))
        names = [session.name for session in self._sessions]
        if names:
            place = names.index(before.name) if before is not None and before.name in names else 0
            self.views.setCurrentItem(self.views.topLevelItem(place))
        self._update_enabled()

    def _path(self, session: ViewSession) -> Path:
        """Return where the points of a session are: beside the predictions of its first view."""
        camera, video = next(iter(session.views.items()))
        return points_path(session.name, self._scorer_of(camera), self._tables_of(camera)[video].parent)

    def _chosen(self) -> ViewSession | None:
        row = self.views.indexOfTopLevelItem(self.views.currentItem()) if self.views.currentItem() else -1
        return self._sessions[row] if 0 <= row < len(self._sessions) else None

    def _update_enabled(self) -> None:
        chosen, busy = self._chosen(), self.session.jobs.is_writing("cameras")
        for button in (self.calibrate_button, self.board_button):
            button.setEnabled(self.session.project is not None and not busy)
        several = any(len(one.views) > 1 for one in self._sessions)
        for button in (self.triangulate_button, self.refine_button):
            button.setEnabled(several and not busy)
        calibrated = self.session.project is not None and self.session.project.cameras.is_file()
        self.rename_button.setEnabled(calibrated and bool(self.renamed.text().strip()) and not busy)
        self.world_button.setEnabled(calibrated and self.origin.count() > 2 and not busy)
        picture = None if self.session.project is None else self.session.project.calibration_picture
        self.residuals_button.setEnabled(calibrated and picture is not None and picture.is_file())
        self.side_button.setEnabled(chosen is not None)
        self.show_button.setEnabled(chosen is not None and self._path(chosen).is_file())

    def _choose_calibration(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Calibrated cameras", "", _KINDS)
        if path:
            self.calibrate(path)

    def _choose_boards(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder with videos or images of the board")
        if folder:
            self.calibrate(folder, **self._board())

    def _on_own_job_ended(self, job: Job) -> None:
        if job.state == "done":
            if job.request.verb == "calibrate_cameras":
                self.renamed.clear()
            self.result.setText("<br>".join([f"<b>{wrappable(job.message)}</b>", *map(wrappable, job.lines)]))

    def _create_layout(self) -> None:
        content = QWidget()
        layout, form, board, world = QVBoxLayout(content), QFormLayout(), QFormLayout(), QFormLayout()
        board.addRow("squares across", self.columns)
        board.addRow("squares down", self.rows)
        board.addRow("side of a square", self.square)
        board.addRow("world in frame", self.world_frame)
        world.addRow("origin at", self.origin)
        world.addRow("x axis through", self.along)
        world.addRow("beside it", self.beside)
        world.addRow("distance of both", self.length)
        form.addRow(QLabel("network"))
        form.addRow(self.networks)  # in full width, or its name is cut off
        form.addRow(self.of_views)
        form.addRow(self.apart)
        form.addRow("smoothing", self.smoothing)
        layout.addWidget(self.heading)
        layout.addLayout(board)
        layout.addWidget(self.charuco)
        layout.addWidget(self.markers)
        layout.addWidget(self.fisheye)
        for widget in (self.board_button, self.calibrate_button, self.residuals_button):
            layout.addWidget(widget)
        names = QFormLayout()
        names.addRow("other names", self.renamed)
        layout.addLayout(names)
        layout.addWidget(self.rename_button)
        layout.addLayout(world)
        layout.addWidget(self.world_button)
        layout.addLayout(form)
        for below in (self.constant_bones, self.plotting, self.views, self.triangulate_button, self.refine_button):
            layout.addWidget(below)
        for last in (self.job_line, self.result, self.side_button, self.show_button):
            layout.addWidget(last)
        layout.addStretch(1)
        scroll_content(self, content)


def _narrow(box: QComboBox) -> QComboBox:
    """Let a list of long names be no wider than the dock."""
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(12)
    return box


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
        return (), wrappable(in_window(error))
    names = ", ".join(camera.name for camera in cameras)
    return cameras, f"{counted(len(cameras), 'camera')}: {wrappable(names)}"
