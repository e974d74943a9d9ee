"""The dock with the cameras of a project, its sessions of views, and their points."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel
from PIL import Image
from qtpy.QtWidgets import QFileDialog

from napari_posecut.remedies import button_text
from napari_posecut.session import session_of
from napari_posecut.widgets.docks.cameras import CamerasDock
from posecut_core.cameras.files import write_cameras
from posecut_core.errors import Remedy
from posecut_core.poses.files import prediction_path, read_predictions, write_predictions
from posecut_core.poses.points import Points3D, points_path, write_points
from posecut_core.project.opening import open_project, project_videos
from posecut_core.workflow.calibrate_cameras import calibrate_cameras
from posecut_core.workflow.create_project import add_new_videos
from tests.plugin.widgets.analyzed_project import SCORER, analyze
from tests.plugin.widgets.fake_jobs import FakeJobs
from tests.rig import three_cameras


@pytest.fixture
def dock(viewer, sample, qtbot, tmp_path):
    """The dock on a project with analyzed videos of two cameras, which are not calibrated yet."""
    first = next(iter(project_videos(open_project(sample)).values()))
    for name in ("left", "right"):
        shutil.copy(first, tmp_path / f"day1_{name}.mp4")
    add_new_videos(sample, [tmp_path / "day1_left.mp4", tmp_path / "day1_right.mp4"], copy_videos=True)
    analyze(sample)
    session = session_of(viewer)
    session.jobs = FakeJobs()
    session.open(sample)
    dock = CamerasDock(viewer)
    dock.new_viewer = ViewerModel
    qtbot.addWidget(dock)
    return dock


def _calibrate(dock, monkeypatch, tmp_path):
    path = tmp_path / "rig.toml"
    write_cameras(path, [replace(camera, size=(256, 256)) for camera in three_cameras()])
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    dock.calibrate_button.click()
    request = dock.session.jobs.job.request
    assert (request.verb, request.arguments) == ("calibrate_cameras", {"source": str(path)})
    calibrate_cameras(dock.session.project, path)  # as the child does
    dock.session.jobs.end("done", message="3 cameras.")


def test_without_a_project_it_says_what_to_do(viewer, qtbot):
    """Nothing can be read or triangulated, and the way is shown."""
    dock = CamerasDock(viewer)
    qtbot.addWidget(dock)
    assert "1 Project" in dock.heading.text()
    buttons = (dock.calibrate_button, dock.triangulate_button, dock.show_button)
    assert not any(button.isEnabled() for button in buttons)


def test_a_file_gives_the_project_its_cameras(dock, monkeypatch, tmp_path):
    """Cameras and sessions are listed once the child has read a file."""
    assert "no calibrated cameras yet" in dock.heading.text()
    _calibrate(dock, monkeypatch, tmp_path)
    assert "3 cameras: left, middle, right" in dock.heading.text()
    row = dock.views.topLevelItem(0)
    assert [row.text(column) for column in range(3)] == ["day1", "left, right", ""]
    assert not dock.show_button.isEnabled()


def test_one_camera_is_one_camera(dock, tmp_path):
    """Numbers go with their nouns."""
    write_cameras(dock.session.project.cameras, [replace(three_cameras()[0], size=(256, 256))])
    dock.show_project()
    assert dock.heading.text().startswith("Found 1 camera, expected at least 2")


def test_the_selected_session_stays_and_results_of_another_project_go(dock, monkeypatch, tmp_path):
    """A job that ends lists the sessions anew, and does not take the user back to the first one."""
    first = next(iter(project_videos(dock.session.project).values()))
    for name in ("day2_left", "day2_right"):
        shutil.copy(first, tmp_path / f"{name}.mp4")
    config = dock.session.project.config_path
    add_new_videos(config, [tmp_path / "day2_left.mp4", tmp_path / "day2_right.mp4"], copy_videos=True)
    analyze(config)
    dock.session.refresh()
    _calibrate(dock, monkeypatch, tmp_path)
    dock.views.setCurrentItem(dock.views.topLevelItem(1))
    dock.triangulate_button.click()
    dock.session.jobs.end("done", message="2 sessions triangulated.")
    assert dock.views.currentItem().text(0) == "day2"
    assert "2 sessions" in dock.result.text()
    dock.session.refresh()
    assert "2 sessions" in dock.result.text()
    other = shutil.copytree(config.parent, tmp_path / "other" / config.parent.name, symlinks=True)
    dock.session.open(other)
    assert dock.result.text() == ""


def test_calibrated_cameras_help_with_labeling_at_once(dock, monkeypatch, tmp_path):
    """Lines of other views are drawn, and labels there propose places, without the project being opened again."""
    session = dock.session
    session.show_labels()
    assert not session.canvas.epipolar.visible
    _calibrate(dock, monkeypatch, tmp_path)
    assert set(session.labeling.views.places) >= {"day1_left", "day1_right"}
    assert session.canvas.epipolar.visible


def test_videos_of_a_board_are_handed_to_a_child(dock, monkeypatch, tmp_path):
    """With the folder go the squares that were counted, and which markers they have."""
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    dock.columns.setValue(8)
    dock.rows.setValue(5)
    dock.square.setValue(25)
    assert not dock.markers.isVisibleTo(dock)
    dock.charuco.setChecked(True)
    assert dock.markers.isVisibleTo(dock)
    dock.dictionary.setCurrentText("DICT_5X5_250")
    dock.marker.setValue(0.6)
    dock.inverted.setChecked(True)
    dock.fisheye.setChecked(True)
    dock.world_frame.setValue(0)
    dock.board_button.click()
    board = {"columns": 8, "rows": 5, "square": 25.0, "board": "charuco", "fisheye": True, "world": 0}
    board |= {"dictionary": "DICT_5X5_250", "marker": 0.6, "inverted": True}
    assert dock.session.jobs.job.request.arguments == {"source": str(tmp_path), **board}
    assert not dock.board_button.isEnabled()
    dock.session.jobs.end("done", message="2 cameras.", lines=("left: 0.42 pixels", "board in 9% of the image"))
    assert all(told in dock.result.text() for told in ("2 cameras.", "left: 0.42 pixels<br>", "9% of the image"))
    dock.charuco.setChecked(False)
    dock.world_frame.setValue(-1)
    dock.board_button.click()
    plain = {"columns": 8, "rows": 5, "square": 25.0, "board": "checkerboard", "fisheye": True}
    assert dock.session.jobs.job.request.arguments == {"source": str(tmp_path), **plain}


def test_all_sessions_are_triangulated(dock, monkeypatch, tmp_path):
    """The child gets the videos of all views, the network, and what the form says; its summary is shown."""
    _calibrate(dock, monkeypatch, tmp_path)
    dock.smoothing.setValue(6)
    dock.constant_bones.setChecked(True)
    dock.triangulate_button.click()
    request = dock.session.jobs.job.request
    assert request.verb == "triangulate"
    assert [video.rpartition("_")[2] for video in request.arguments["videos"]] == ["left.mp4", "right.mp4"]
    wanted = {"shuffle": 1, "snapshot": 100, "smoothing": 6.0, "constant_bones": True, "plotting": False}
    assert wanted.items() <= request.arguments.items()
    assert not dock.triangulate_button.isEnabled()
    dock.session.jobs.end("done", message="1 session triangulated from 3 cameras.")
    assert "1 session triangulated" in dock.result.text()
    assert dock.triangulate_button.isEnabled()


def test_each_view_may_have_a_network_of_its_own(dock, monkeypatch, tmp_path):
    """The child is told the shuffle of each camera; sessions are those that these networks have seen."""
    project = dock.session.project
    right = next(video for stem, video in project_videos(project).items() if stem == "day1_right")
    seen = prediction_path(right, SCORER)
    own = SCORER.replace("shuffle1_100", "shuffle2_200")
    write_predictions(prediction_path(right, own), replace(read_predictions(seen), scorer=own))
    seen.unlink()
    _calibrate(dock, monkeypatch, tmp_path)
    assert dock.views.topLevelItem(0).text(1) == "left"
    assert not dock.triangulate_button.isEnabled()
    dock.apart.setChecked(True)
    assert not dock.networks.isVisibleTo(dock)
    box = dock._own["right"]
    box.setCurrentIndex(box.findData(own))
    assert dock.views.topLevelItem(0).text(1) == "left, right"
    dock.triangulate_button.click()
    given = dock.session.jobs.job.request.arguments
    assert given["networks"] == {"left": "1@100", "middle": "1@100", "right": "2@200"}
    dock.session.jobs.end("done", message="1 session triangulated from 3 cameras.")
    assert box.currentData() == own
    dock.apart.setChecked(False)
    assert dock.views.topLevelItem(0).text(1) == "left"


def test_points_are_shown_in_a_window_of_their_own(dock, monkeypatch, tmp_path):
    """Bodyparts, skeleton and cameras are layers over time, in three dimensions."""
    _calibrate(dock, monkeypatch, tmp_path)
    config = dock.session.project.config
    left = next(video for stem, video in project_videos(dock.session.project).items() if stem == "day1_left")
    shape = (12, len(config.bodyparts))
    xyz = np.random.default_rng(0).normal(0, 40, (*shape, 3))
    xyz[3, 0] = np.nan
    ones = np.ones(shape)
    path = points_path("day1", SCORER, prediction_path(left, SCORER).parent)
    write_points(path, Points3D(SCORER, config.bodyparts, xyz, ones, ones, ones))
    dock.show_project()
    shown = []
    dock.new_viewer = lambda **options: shown.append(ViewerModel(**options)) or shown[-1]
    dock.show_button.click()
    (opened,) = shown
    assert [layer.name for layer in opened.layers] == ["cameras", "skeleton", "points"]
    assert opened.dims.ndisplay == 3
    assert len(opened.layers["points"].data) == 12 * len(config.bodyparts) - 1
    np.testing.assert_allclose(opened.layers["points"].data[0, 1:], xyz[0, 0, ::-1])


def test_cameras_are_refined_by_a_child(dock, monkeypatch, tmp_path):
    """It gets the videos of all views and the network; its summary is shown."""
    assert not dock.refine_button.isEnabled()
    _calibrate(dock, monkeypatch, tmp_path)
    dock.refine_button.click()
    request = dock.session.jobs.job.request
    assert request.verb == "refine_cameras"
    assert {"shuffle": 1, "snapshot": 100}.items() <= request.arguments.items()
    assert [video.rpartition("_")[2] for video in request.arguments["videos"]] == ["left.mp4", "right.mp4"]
    dock.session.jobs.end("done", message="Refined cameras.")
    assert "Refined cameras" in dock.result.text()


def test_the_world_begins_at_labels(dock, monkeypatch, tmp_path):
    """The child reads the project's own cameras, and moves them to three bodyparts; their distance may be given."""
    assert not dock.world_button.isEnabled()
    _calibrate(dock, monkeypatch, tmp_path)
    parts = dock.session.project.config.bodyparts
    assert [box.currentText() for box in (dock.origin, dock.along, dock.beside)] == list(parts[:3])
    dock.beside.setCurrentText(parts[3])
    source = {"source": str(dock.session.project.cameras), "world_points": [parts[0], parts[1], parts[3]]}
    dock.world_button.click()
    assert dock.session.jobs.job.request.arguments == source
    dock.session.jobs.end("done", message="3 cameras.")
    assert dock.beside.currentText() == parts[3]
    dock.length.setValue(300)
    dock.world_button.click()
    assert dock.session.jobs.job.request.arguments == {**source, "length": 300.0}


def test_residuals_are_shown_in_a_window_of_their_own(dock, monkeypatch, tmp_path):
    """There is a picture after a calibration by a board, and none of cameras that were read."""
    _calibrate(dock, monkeypatch, tmp_path)
    assert not dock.residuals_button.isEnabled()
    Image.fromarray(np.full((40, 90, 3), 200, np.uint8)).save(dock.session.project.calibration_picture)
    dock.show_project()
    shown = []
    dock.new_viewer = lambda **options: shown.append(ViewerModel(**options)) or shown[-1]
    dock.residuals_button.click()
    assert shown[0].layers["residuals"].data.shape == (40, 90, 3)


def test_views_are_shown_side_by_side_in_step(dock, monkeypatch, tmp_path):
    """Under one slider each video has its place, and in it the bodyparts and the images of points in space."""
    _calibrate(dock, monkeypatch, tmp_path)
    project = dock.session.project
    parts = project.config.bodyparts
    tables = {table.video.stem: table for table in dock._tables[SCORER]}
    seen = {name: read_predictions(tables[f"day1_{name}"].table) for name in ("left", "right")}
    shape = (len(seen["left"].xy), len(parts))
    path = points_path("day1", SCORER, tables["day1_left"].table.parent)
    write_points(path, Points3D(SCORER, parts, np.zeros((*shape, 3)), *(np.ones(shape) for _ in range(3))))
    shown = []
    dock.new_viewer = lambda **options: shown.append(ViewerModel(**options)) or shown[-1]
    dock.side_button.click()
    (viewer,) = shown
    assert [layer.name for layer in viewer.layers] == ["left", "right", "points in space", "bodyparts"]
    width = viewer.layers["left"].data.shape[2]
    left = viewer.layers["right"].translate[-1]
    assert left >= width
    viewer.dims.set_point(0, 3)
    placed = viewer.layers["bodyparts"].data
    for at, name in enumerate(("left", "right")):
        expected = np.nan_to_num(seen[name].xy[3][:, ::-1]) + np.array([0, at * left])
        np.testing.assert_allclose(placed[at * len(parts) : (at + 1) * len(parts)], expected, atol=1e-3)
    rings = viewer.layers["points in space"]
    np.testing.assert_allclose(rings.data[0], [59.5, 79.5], atol=1)  # where the cameras look
    assert rings.shown.all()
    for name in ("left", "right"):
        viewer.layers.remove(name)


def test_cameras_get_the_names_that_videos_have(dock, monkeypatch, tmp_path):
    """What a message offers is filled in and can be changed; a child renames, or reads a file under these names."""
    _calibrate(dock, monkeypatch, tmp_path)
    assert not dock.rename_button.isEnabled()
    remedy = Remedy("calibrate_cameras", source="x", rename={"left": "port", "right": "NAME"})
    assert button_text(remedy) == "Rename the cameras"
    dock.apply_remedy(remedy)
    assert dock.renamed.text() == "left:port, right:NAME"
    dock.renamed.setText("left:port")
    dock.rename_button.click()
    source = str(dock.session.project.cameras)
    assert dock.session.jobs.job.request.arguments == {"source": source, "rename": "left:port"}
    dock.session.jobs.end("done", message="3 cameras.")
    assert dock.renamed.text() == ""
    dock.apply_remedy(Remedy("calibrate_cameras"))
    assert dock.renamed.text() == ""
