"""Analyzed videos of several cameras become points in space, whole or not at all."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from posecut_core.cameras.camera import project
from posecut_core.cameras.files import read_cameras, write_cameras
from posecut_core.demo.rig import BOARD, film_board, true_cameras
from posecut_core.errors import AnalysisError, ArgumentError, CameraError
from posecut_core.poses.files import prediction_path, write_predictions
from posecut_core.poses.points import read_points
from posecut_core.poses.predictions import Predictions, read_origin
from posecut_core.project.opening import open_project
from posecut_core.video.reader import VideoReader
from posecut_core.video.writer import VideoWriter
from posecut_core.workflow.calibrate_cameras import calibrate_cameras
from posecut_core.workflow.extract_outlier_frames import find_outlier_frames
from posecut_core.workflow.triangulate import triangulate
from tests.rig import three_cameras

FRAMES = 11
PATH = np.stack([np.linspace(-60, 60, FRAMES), np.linspace(40, -40, FRAMES), np.linspace(0, 30, FRAMES)], axis=-1)
TRUTH = np.stack([PATH, PATH + np.array([0.0, 0.0, 25.0])], axis=1)  # of spot and beside, in millimeters


@pytest.fixture
def views(spot_project, spot_video, tmp_path):
    """Videos of three calibrated cameras with predictions that are exact, and the project's config.yaml."""
    write_cameras(open_project(spot_project).cameras, three_cameras())
    videos = []
    for camera in three_cameras():
        videos.append(tmp_path / "views" / f"day1_{camera.name}.mp4")
        videos[-1].parent.mkdir(exist_ok=True)
        shutil.copy(spot_video, videos[-1])
        _predict(videos[-1], project(camera, TRUTH))
    return spot_project, videos


def _predict(video, xy, likelihood=0.9):
    seen = Predictions("Fake_10", ("spot", "beside"), xy, np.full(xy.shape[:2], likelihood))
    write_predictions(prediction_path(video, "Fake_10"), seen)


def test_points_are_where_the_animal_was(views):
    """Three exact views give the truth, with no error; the file says what it came from."""
    config, videos = views
    result = triangulate(config, videos)
    (session,) = result.sessions
    assert (session.session, session.frames, session.found) == ("day1", FRAMES, 1.0)
    assert [path.name for path in session.files] == ["day1Fake_10_3d.h5", "day1Fake_10_3d.csv"]
    points = read_points(session.files[0])
    np.testing.assert_allclose(points.xyz, TRUTH, atol=1e-4)
    assert points.error.max() < 1e-4
    assert "1 session triangulated from 3 cameras." in result.summary().text
    assert "100% of the bodyparts in 11 frames have a point" in result.summary().lines[0]
    settings = read_origin(session.files[0]).settings
    assert set(settings["views"]) == {"left", "middle", "right"}
    assert len(settings["calibration"]) == 64


def test_a_view_that_errs_is_left_out_and_named(views):
    """Where one of three views is far off, the other two decide, and the summary says which camera it was."""
    config, videos = views
    xy = project(three_cameras()[1], TRUTH)
    xy[2:6] += 60
    _predict(videos[1], xy)
    result = triangulate(config, videos, save_as_csv=False)
    np.testing.assert_allclose(read_points(result.files[0]).xyz, TRUTH, atol=1e-3)
    assert any("other views contradict it: middle 36%" in line for line in result.summary().lines)


def test_no_point_where_too_few_views_are_confident(views):
    """One confident view is none; the table has NaN there, and likelihood 0."""
    config, videos = views
    for video, camera in list(zip(videos, three_cameras(), strict=True))[:2]:
        _predict(video, project(camera, TRUTH), likelihood=0.2)
    result = triangulate(config, videos, pcutoff=0.5)
    points = read_points(result.files[0])
    assert np.isnan(points.xyz).all()
    assert (points.likelihood == 0).all()
    assert any("No point is seen by two cameras" in line for line in result.summary().lines)


def test_bones_and_movements_are_steadied(views):
    """Both options change the points, and are written down."""
    config, videos = views
    for video, camera in zip(videos, three_cameras(), strict=True):
        _predict(video, project(camera, TRUTH + np.random.default_rng(0).normal(size=TRUTH.shape)))
    steady = triangulate(config, videos, constant_bones=True, smoothing=6, save_as_csv=False)
    points = read_points(steady.files[0])
    assert np.ptp(np.linalg.norm(points.xyz[:, 1] - points.xyz[:, 0], axis=-1)) < 1e-6
    smooth = read_points(triangulate(config, videos, smoothing=6, save_as_csv=False).files[0])
    assert np.linalg.norm(np.diff(smooth.xyz, 2, axis=0), axis=-1).max() < 1.5
    assert read_origin(steady.files[0]).settings["smoothing"] == 6


def test_errors_and_points_are_drawn(views):
    """On request there is a figure of the errors, and a video with as many frames in which something is drawn."""
    config, videos = views
    result = triangulate(config, videos, plotting=True)
    figure, film = result.sessions[0].pictures
    assert (figure.name, film.name) == ("day1Fake_10_3d_errors.png", "day1Fake_10_3d.mp4")
    assert figure.stat().st_size > 1000
    with VideoReader(film) as reader:
        assert reader.index.frame_count == FRAMES
        assert reader.read(5).max() > 100
    assert any(str(film) in line for line in result.summary().lines)


def test_views_that_do_not_fit_are_refused(views, tmp_path):
    """Bad rigs and sessions have a sentence each, and nothing is written."""
    config, videos = views
    short = tmp_path / "views" / "day2_left.mp4"
    with VideoWriter(short, fps=25, width=64, height=48) as writer:
        for number in range(4):
            writer.write(np.full((48, 64, 3), 60 * number, np.uint8))
    _predict(short, project(three_cameras()[0], TRUTH[:4]))
    other = shutil.copy(videos[1], tmp_path / "views" / "day2_middle.mp4")
    _predict(tmp_path / "views" / "day2_middle.mp4", project(three_cameras()[1], TRUTH))
    with pytest.raises(AnalysisError, match="session day2 differ by 7 frames in length"):
        triangulate(config, [short, other])
    done = triangulate(config, [short, other], shortest=True)
    np.testing.assert_allclose(read_points(done.files[0]).xyz, TRUTH[:4], atol=1e-4)
    with pytest.raises(AnalysisError, match="day1 has a video of 1 camera only, expected two or more"):
        triangulate(config, videos[:1])
    with pytest.raises(AnalysisError, match=r"Found no view among spot\.mp4, expected names such as NAME_left"):
        triangulate(config, "spot")
    assert not list((tmp_path / "views").glob("day1*_3d*"))
    open_project(config).cameras.unlink()
    with pytest.raises(CameraError, match="Found no calibrated cameras"):
        triangulate(config, videos)


def test_frames_in_which_a_view_errs_are_outliers(views):
    """Where one camera sees a bodypart elsewhere than the others, its frames are found, and no others."""
    config, videos = views
    xy = project(three_cameras()[1], TRUTH)
    xy[4, 0] += 60
    _predict(videos[1], xy)
    with pytest.raises(AnalysisError, match="Found no points at"):
        find_outlier_frames(config, videos[1], "reprojection")
    triangulate(config, videos)
    found = find_outlier_frames(config, videos, "reprojection").videos
    assert [[(one.number, one.bodyparts) for one in video.candidates] for video in found] == [[], [(4, ("spot",))], []]
    assert "pixels from where several cameras together see it" in found[1].summary().text
    _predict(videos[1], xy + 1)
    with pytest.raises(AnalysisError, match="are out of date"):
        find_outlier_frames(config, videos[1], "reprojection")
    _predict(open_project(config).videos / "spot.mp4", TRUTH[..., :2])
    with pytest.raises(AnalysisError, match=r"spot\.mp4 is no view of left, middle, right"):
        find_outlier_frames(config, "spot", "reprojection")


def test_cameras_of_another_program_become_the_projects(views, tmp_path):
    """A file of Anipose is read, cameras get the names that videos have, and what does not fit is said."""
    config, _ = views
    before = three_cameras()
    write_cameras(tmp_path / "rig.toml", [replace(camera, name=f"cam{n}") for n, camera in enumerate(before)])
    notices = []
    names = "cam0:left,cam1:middle,cam2:right"
    result = calibrate_cameras(
        config, tmp_path / "rig.toml", rename=names, report=lambda told: notices.append(str(told))
    )
    found = read_cameras(open_project(config).cameras)
    assert [camera.name for camera in found] == ["left", "middle", "right"]
    for one, other in zip(found, before, strict=True):
        np.testing.assert_allclose(one.center, other.center, atol=1e-6)
    assert result.summary().text.endswith("left, middle, right.")
    assert ["is replaced" in told for told in notices] == [True, False]
    assert "No video of the project is a view of these cameras" in notices[1]
    with pytest.raises(CameraError, match=r"No camera in .* is called A, expected one of cam0, cam1, cam2"):
        calibrate_cameras(config, tmp_path / "rig.toml", rename="A:left")
    with pytest.raises(CameraError, match="Several cameras are called right"):
        calibrate_cameras(config, tmp_path / "rig.toml", rename="cam0:right,cam1:right")
    assert read_cameras(open_project(config).cameras)[0].name == "left"


def test_videos_of_a_board_calibrate_the_cameras(spot_project, tmp_path):
    """Drawn boards give the cameras that filmed them, with errors of a fraction of a pixel and a picture of these."""
    film_board(tmp_path / "boards", frames=14)
    size = {"columns": BOARD.columns, "rows": BOARD.rows, "square": BOARD.square}
    result = calibrate_cameras(spot_project, tmp_path / "boards", **size, coefficients=0, rename="left:port")
    assert [*result.rms] == [camera.name for camera in result.cameras] == ["port", "middle", "right"]
    assert max(result.rms.values()) < 0.5
    for found, true in zip(result.cameras, true_cameras(), strict=True):
        assert found.matrix[0, 0] == pytest.approx(true.matrix[0, 0], rel=0.05)
    apart = [np.linalg.norm(rig[0].center - rig[2].center) for rig in (result.cameras, true_cameras())]
    assert apart[0] == pytest.approx(apart[1], rel=0.05)
    assert result.picture.is_file()
    assert "pixels of reprojection error" in result.summary().lines[0]
    with pytest.raises(ArgumentError, match="rows None and square None, expected all three"):
        calibrate_cameras(spot_project, tmp_path / "boards", columns=8)
    with pytest.raises(ArgumentError, match="coefficients is 7, expected 0, 4, 5 or 8"):
        calibrate_cameras(spot_project, tmp_path / "boards", **size, coefficients=7)
    with pytest.raises(ArgumentError, match="board is 'chess', expected one of"):
        calibrate_cameras(spot_project, tmp_path / "boards", **size, board="chess")
    with pytest.raises(CameraError, match="Found 0 videos in"):
        calibrate_cameras(spot_project, tmp_path / "nothing", **size)
