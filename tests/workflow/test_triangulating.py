"""Analyzed videos of several cameras become points in space, whole or not at all."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import yaml
from PIL import Image
from scipy.spatial.transform import Rotation

from posecut_core.cameras.camera import project
from posecut_core.cameras.files import read_cameras, write_cameras
from posecut_core.demo.rig import AZIMUTHS, BOARD, BOARD_ORIGIN, film_board, true_cameras
from posecut_core.errors import AnalysisError, ArgumentError, CameraError, VideoError
from posecut_core.labels.store import write_labels
from posecut_core.labels.table import LabelTable
from posecut_core.poses.files import prediction_path, write_predictions
from posecut_core.poses.points import read_points
from posecut_core.poses.predictions import Predictions, read_origin
from posecut_core.project.opening import open_project
from posecut_core.video.frame_store import FrameStore
from posecut_core.video.reader import VideoReader
from posecut_core.video.writer import VideoWriter
from posecut_core.workflow.calibrate_cameras import calibrate_cameras
from posecut_core.workflow.create_project import add_new_videos
from posecut_core.workflow.edit_bodyparts import edit_bodyparts
from posecut_core.workflow.export_poses import export_poses
from posecut_core.workflow.extract_outlier_frames import find_outlier_frames
from posecut_core.workflow.refine_cameras import refine_cameras
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
    with pytest.raises(AnalysisError, match=r"expected names such as NAME_left\.mp4, found spot\.mp4; rename"):
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
    assert len(notices) == 1
    assert "is replaced, and the cameras that it held are kept as cameras-replaced.yaml" in notices[0]
    for one, other in zip(read_cameras(open_project(config).replaced_cameras), before, strict=True):
        np.testing.assert_array_equal(one.rotation, other.rotation)
    calibrate_cameras(config, tmp_path / "rig.toml", rename=names, report=lambda told: notices.append(str(told)))
    assert len(notices) == 1
    with pytest.raises(CameraError, match=r"No camera in .* is called A, expected one of cam0, cam1, cam2"):
        calibrate_cameras(config, tmp_path / "rig.toml", rename="A:left")
    with pytest.raises(CameraError, match="Several cameras are called right"):
        calibrate_cameras(config, tmp_path / "rig.toml", rename="cam0:right,cam1:right")
    assert read_cameras(open_project(config).cameras)[0].name == "left"


def test_points_of_a_session_are_exported_with_their_views(views):
    """A file of each view, and one of the session, as long as the points are those of these predictions."""
    config, videos = views
    triangulate(config, videos)
    files = export_poses(config, videos, format="nwb").files
    assert [path.name for path in files][-2:] == ["day1_rightFake_10.nwb", "day1Fake_10_3d.nwb"]
    assert len(export_poses(config, videos, format="sleap-analysis").files) == 3
    _predict(videos[2], project(three_cameras()[2], TRUTH) + 1)
    with pytest.raises(AnalysisError, match=r"points in .* are out of date"):
        export_poses(config, videos, format="nwb")


def test_each_view_may_have_a_network_of_its_own(views):
    """The camera that has another network is triangulated with what that saw; outliers find the points all the same."""
    config, videos = views
    for video, camera in list(zip(videos, three_cameras(), strict=True))[1:]:
        prediction_path(video, "Fake_10").unlink()
        seen = Predictions("Fake_20", ("spot", "beside"), project(camera, TRUTH), np.full(TRUTH.shape[:2], 0.9))
        write_predictions(prediction_path(video, "Fake_20"), seen)
    with pytest.raises(AnalysisError, match="Found no predictions of day1_middle"):
        triangulate(config, videos)
    done = triangulate(config, videos, networks={"middle": "2", "right": "2"})
    assert done.files[0].name == "day1Fake_10_3d.h5"
    np.testing.assert_allclose(read_points(done.files[0]).xyz, TRUTH, atol=1e-4)
    with pytest.raises(AnalysisError, match="Found no predictions of day1_middle"):
        export_poses(config, videos, format="nwb")
    names = ["day1_leftFake_10", "day1_middleFake_20", "day1_rightFake_20", "day1Fake_10_3d"]
    for format, count in (("nwb", 4), ("movement", 3)):
        files = export_poses(config, videos, format=format, networks="middle:2,right:2").files
        assert [path.stem for path in files] == names[:count]
    for wrong in ("top:2", "left:two", "left:2@", "left:2@all"):
        with pytest.raises(ArgumentError, match="such as 2@5000, for any of left, middle, right"):
            triangulate(config, videos, networks=wrong)
    other = Predictions("Fake_20", ("beside", "spot"), project(three_cameras()[1], TRUTH), np.full((FRAMES, 2), 0.9))
    write_predictions(prediction_path(videos[1], "Fake_20"), other)
    with pytest.raises(AnalysisError, match="give networks of the same bodyparts"):
        triangulate(config, videos, networks="middle:2,right:2")


def test_a_long_recording_tells_its_noise_as_a_whole(views, monkeypatch):
    """The uncertainty of points does not depend on how many frames are solved at once."""
    config, videos = views
    for video, camera in zip(videos, three_cameras(), strict=True):
        noise = np.linspace(0, 3, FRAMES)[:, None, None] * np.random.default_rng(len(camera.name)).normal(size=(2, 2))
        _predict(video, project(camera, TRUTH) + noise)
    whole = triangulate(config, videos, save_as_csv=False)
    uncertainty = read_points(whole.files[0]).uncertainty
    monkeypatch.setattr("posecut_core.workflow.triangulate._ROWS", 4)
    parts = triangulate(config, videos, save_as_csv=False)
    assert parts.sessions[0].noise == pytest.approx(whole.sessions[0].noise)
    np.testing.assert_allclose(read_points(parts.files[0]).uncertainty, uncertainty)


def test_nothing_likely_and_no_depth_are_said(views):
    """Predictions that are NaN everywhere give no points, and cameras at one place are refused before anything."""
    config, videos = views
    for video in videos:
        _predict(video, np.full((FRAMES, 2, 2), np.nan))
    result = triangulate(config, videos)
    assert np.isnan(read_points(result.files[0]).xyz).all()
    assert any("No point is seen by two cameras" in line for line in result.summary().lines)
    for path in result.files:
        path.unlink()
    left, *_ = three_cameras()
    write_cameras(open_project(config).cameras, [replace(left, name=name) for name in ("left", "middle", "right")])
    with pytest.raises(CameraError, match="at the same place, from which no depth is seen"):
        triangulate(config, videos)
    assert not result.files[0].exists()


def test_cameras_are_refined_by_what_they_saw_of_the_animal(views):
    """One that was pushed comes back; the summary says by how much, and a second time there is nothing to gain."""
    config, videos = views
    left, middle, right = three_cameras()
    turn = Rotation.from_rotvec([0.01, -0.008, 0.006]).as_matrix()
    path = open_project(config).cameras
    write_cameras(path, [left, replace(middle, rotation=turn @ middle.rotation), right])
    notices = []
    done = refine_cameras(config, videos, report=lambda told: notices.append(str(told)))
    assert done.improved
    assert max(done.after.values()) < 0.3 * max(done.before.values())
    assert [camera.name for camera in read_cameras(path)] == ["left", "middle", "right"]
    assert np.array_equal(read_cameras(path)[1].rotation, done.cameras[1].rotation)
    assert "turned by" in done.summary().lines[1]
    assert done.picture.is_file()
    assert any("is replaced" in told for told in notices)
    write_cameras(path, three_cameras())
    again = refine_cameras(config, videos)
    assert max(again.after.values()) < 0.01 or not again.improved
    for video in videos[1:]:
        _predict(video, project(left, TRUTH), likelihood=0.1)
    before = path.read_bytes()
    with pytest.raises(CameraError, match="Only 0 points are seen by two cameras"):
        refine_cameras(config, videos)
    assert path.read_bytes() == before


def test_sessions_that_can_be_used_refine_the_cameras(views):
    """One that was not analyzed is told; where it is the only one, that is an error."""
    config, videos = views
    later = [shutil.copy(video, video.with_name(video.name.replace("day1", "day2"))) for video in videos]
    notices = []
    refine_cameras(config, [*videos, *later], report=lambda told: notices.append(str(told)))
    assert any("Found no predictions of day2_left.mp4" in told for told in notices)
    with pytest.raises(AnalysisError, match=r"Found no predictions of day2_left\.mp4"):
        refine_cameras(config, later)


def test_cameras_without_a_size_get_that_of_their_videos(views):
    """Files of MATLAB do not tell it; without it nothing would be proposed while labeling."""
    config, videos = views
    add_new_videos(config, videos)
    path = open_project(config).cameras
    write_cameras(path, [replace(camera, size=(0, 0)) for camera in three_cameras()])
    calibrate_cameras(config, path)
    assert [camera.size for camera in read_cameras(path)] == [(64, 48)] * 3


@pytest.fixture
def landmarks(views):
    """Three points that are labeled in two views of two frames, and the project's config.yaml."""
    config, videos = views
    add_new_videos(config, videos)
    edit_bodyparts(config, add=["beyond"])
    points = np.array([[10.0, 20, 5], [10, 50, 5], [-10, 20, 5]])
    for video, camera in zip(videos[::2], three_cameras()[::2], strict=True):
        store = FrameStore.open(open_project(config).frame_store(video.stem), create=True)
        store.append((number, np.full((120, 160, 3), 90, np.uint8), (0, 0)) for number in (2, 5))
        xy = np.stack([project(camera, points), project(camera, points + np.array([0, 0, 30]))])
        table = LabelTable(video.stem, ("spot", "beside", "beyond"), np.array([2, 5]), xy)
        write_labels(open_project(config), table)
    return config, points


def test_three_labeled_points_are_the_world(landmarks):
    """The first is its origin, the second on its x axis, at the length that was given."""
    config, points = landmarks
    path, names = open_project(config).cameras, "spot,beside,beyond"
    calibrate_cameras(config, path, world_points=names, world=2, length=3)
    there = np.array([[0.0, 0, 0], [3, 0, 0], [0, 2, 0]])
    for old, new in zip(three_cameras(), read_cameras(path), strict=True):
        np.testing.assert_allclose(project(new, there), project(old, points), atol=1e-3)
    moved = calibrate_cameras(config, path, world_points=names)
    assert any("spot is up to 1.5 away from where it usually is" in line for line in moved.summary().lines)


def test_a_world_that_nobody_labeled_is_refused(landmarks):
    """Names that are no bodyparts, a frame without labels, and a length alone; the cameras stay."""
    config, _ = landmarks
    path = open_project(config).cameras
    before = path.read_bytes()
    for arguments, told in (
        ({"world_points": "spot,beside"}, "expected three of the bodyparts spot, beside, beyond"),
        ({"world_points": "spot,beside,tail"}, "expected three of the bodyparts"),
        ({"length": 3}, "world_points is not given"),
        ({"world_points": "spot,beside,beyond", "length": -1}, "length is -1"),
    ):
        with pytest.raises(ArgumentError, match=told):
            calibrate_cameras(config, path, **arguments)
    with pytest.raises(CameraError, match="spot is not labeled in two views of frame 4"):
        calibrate_cameras(config, path, world_points="spot,beside,beyond", world=4)
    assert path.read_bytes() == before


def test_a_calibration_is_told_where_two_videos_are_one_view(views, tmp_path):
    """The cameras are there, and the summary; the two videos are named."""
    config, videos = views
    add_new_videos(config, videos)
    (tmp_path / "again").mkdir()
    path = shutil.copy(videos[0], tmp_path / "again" / "day1-left.mp4")
    add_new_videos(config, [path])
    settings = open_project(config).settings_path
    listed = 'views: "{session}_{camera}"\nsessions:\n  day1: {left: day1-left}\n'
    settings.write_text(settings.read_text() + listed)
    done = calibrate_cameras(config, open_project(config).cameras)
    assert done.views is None
    assert any("both the view of camera left in session day1" in told.text for told in done.findings)
    assert done.summary().text.startswith("3 cameras in")


def test_two_cameras_at_one_place_do_not_replace_others(views, tmp_path):
    """Kind: of a video that was there twice, or of files of cameras that were calibrated apart, no depth is seen."""
    config, _ = views
    path = open_project(config).cameras
    before = path.read_bytes()
    one, *others = read_cameras(path)
    write_cameras(tmp_path / "twice.yaml", (one, *others, replace(one, name="twin")))
    notices = []
    with pytest.raises(CameraError, match=rf"Cameras {one.name} and twin are at the same place"):
        calibrate_cameras(config, tmp_path / "twice.yaml", report=notices.append)
    assert (path.read_bytes(), notices) == (before, [])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"matrix": [[1, 2, 3]]}, "1 x 3, expected 3 x 3"),
        ({"rotation": [[1, 0, 0], [0, 1, 0], [0, 0, -1]]}, "left-handed"),
        ({"rotation": [[1, 1, 1]] * 3}, "not perpendicular"),
        ({"translation": [float("nan"), 0, 0]}, "not finite"),
        ({"distortion": [-2.0, 0, 0, 0]}, "folds its image"),
        ({"name": "right"}, "Several cameras are called right"),
    ],
)
def test_cameras_that_cannot_be_do_not_replace_others(views, tmp_path, change, told):
    """Each fault of a file is one sentence, and the cameras of the project stay as they are."""
    config, _ = views
    path = open_project(config).cameras
    content, before = yaml.safe_load(path.read_text()), path.read_bytes()
    content["cameras"][0] |= change
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(CameraError, match=told) as caught:
        calibrate_cameras(config, tmp_path / "wrong.yaml")
    assert "wrong.yaml" in str(caught.value)
    assert path.read_bytes() == before
    assert not open_project(config).calibration_picture.exists()


def test_images_of_a_board_say_their_camera_and_number(spot_project, tmp_path):
    """Images of one camera alone, without a number, or twice the same, are refused; nothing is written."""
    folder, size = tmp_path / "boards", {"columns": 8, "rows": 5, "square": 25}
    folder.mkdir()
    image = Image.fromarray(np.full((60, 80, 3), 90, np.uint8))
    image.save(folder / "left01.png")
    with pytest.raises(CameraError, match="Found 0 videos and images of 1 camera in"):
        calibrate_cameras(spot_project, folder, **size)
    image.save(folder / "right.png")
    with pytest.raises(CameraError, match=r"right\.png does not say its camera and its number, expected left07\.png"):
        calibrate_cameras(spot_project, folder, **size)
    (folder / "right.png").unlink()
    (folder / "right").mkdir()
    image.save(folder / "right" / "1.png")
    image.save(folder / "right" / "img_01.png")
    with pytest.raises(CameraError, match="are both number 1 of camera right"):
        calibrate_cameras(spot_project, folder, **size)
    (folder / "right" / "1.png").unlink()
    with pytest.raises(CameraError, match="left saw the checkerboard of 8 x 5 squares in 0 of 1 images"):
        calibrate_cameras(spot_project, folder, **size)
    (folder / "left01.png").write_bytes(b"no image")
    with pytest.raises(VideoError, match=r"left01\.png is not a readable image"):
        calibrate_cameras(spot_project, folder, **size)
    assert not open_project(spot_project).cameras.exists()


def test_videos_of_a_board_calibrate_the_cameras(spot_project, tmp_path):
    """Drawn boards give the cameras that filmed them, with errors of a fraction of a pixel and a picture of these.

    Images of the board give the same cameras as its videos.
    """
    film_board(tmp_path / "boards", frames=14)
    size = {"columns": BOARD.columns, "rows": BOARD.rows, "square": BOARD.square}
    result = calibrate_cameras(spot_project, tmp_path / "boards", **size, coefficients=0, rename="left:port")
    assert [*result.rms] == [camera.name for camera in result.cameras] == ["port", "middle", "right"]
    assert max(result.rms.values()) < 0.5
    for found, true in zip(result.cameras, true_cameras(), strict=True):
        assert found.matrix[0, 0] == pytest.approx(true.matrix[0, 0], rel=0.05)
    on_floor = calibrate_cameras(spot_project, tmp_path / "boards", **size, coefficients=0, world=0)
    away = [a.center - b.center + BOARD_ORIGIN for a, b in zip(on_floor.cameras, true_cameras(), strict=True)]
    assert np.linalg.norm(away, axis=1).max() < 40  # of 520 millimeters
    apart = [np.linalg.norm(rig[0].center - rig[2].center) for rig in (result.cameras, true_cameras())]
    assert apart[0] == pytest.approx(apart[1], rel=0.05)
    assert result.picture.is_file()
    assert "pixels of reprojection error" in result.summary().lines[0]
    for camera in AZIMUTHS:
        (tmp_path / "images" / camera).mkdir(parents=True)
        with VideoReader(tmp_path / "boards" / f"board_{camera}.mp4") as reader:
            for number, image in reader.frames():
                Image.fromarray(image).save(tmp_path / "images" / camera / f"{number:02d}.png")
    again = calibrate_cameras(spot_project, tmp_path / "images", **size, coefficients=0, rename="left:port")
    assert again.rms == pytest.approx(result.rms)
    with pytest.raises(ArgumentError, match="rows None and square None, expected all three"):
        calibrate_cameras(spot_project, tmp_path / "boards", columns=8)
    with pytest.raises(ArgumentError, match="coefficients is 7, expected 0, 4, 5 or 8"):
        calibrate_cameras(spot_project, tmp_path / "boards", **size, coefficients=7)
    with pytest.raises(ArgumentError, match="board is 'chess', expected one of"):
        calibrate_cameras(spot_project, tmp_path / "boards", **size, board="chess")
    with pytest.raises(CameraError, match="Found 0 videos in"):
        calibrate_cameras(spot_project, tmp_path / "nothing", **size)


def test_a_view_may_have_an_earlier_snapshot_of_its_own_network(views):
    """With its steps behind the shuffle, each view has the snapshot that has seen it."""
    config, videos = views
    with pytest.raises(AnalysisError, match="Found no predictions of day1_middle"):  # by its last snapshot
        triangulate(config, videos, networks="middle:2")
    done = triangulate(config, videos, networks="middle:2@10")
    np.testing.assert_allclose(read_points(done.files[0]).xyz, TRUTH, atol=1e-4)


def test_what_was_given_is_looked_for_before_the_network(views, tmp_path):
    """A folder that does not exist is told as such, also in a project without cameras or a trained network."""
    config, _ = views
    open_project(config).cameras.unlink()
    for step in (triangulate, refine_cameras):
        with pytest.raises(VideoError, match=r"Found no video or folder .*nothing"):
            step(config, tmp_path / "nothing")


def test_a_camera_without_a_video_is_told_when_it_is_calibrated(views):
    """Kind: a camera of no video, a session that lacks one, one that posecut.yaml lists; and what comes next."""
    config, videos = views
    add_new_videos(config, videos[:2])
    path = open_project(config).cameras

    def told():
        done = calibrate_cameras(config, path)
        return [line.text for line in done.findings], [remedy.step for remedy in done.summary().following]

    (lacking,), following = told()
    assert lacking.startswith("No video of the project is a view of camera right, expected names such as NAME_right")
    assert following == ["extract_frames"]
    for video in videos[:2]:
        write_predictions(
            prediction_path(open_project(config).videos / video.name, "PoseCut_fake_10"),
            Predictions("PoseCut_fake_10", ("spot", "beside"), TRUTH[..., :2], np.ones(TRUTH.shape[:2])),
        )
    assert told()[1] == ["triangulate"]
    add_new_videos(config, [shutil.copy(videos[2], videos[2].with_name("day2_right.mp4"))])
    assert told()[0] == ["session day1 has no video of right", "session day2 has no video of left, middle"]
    settings = open_project(config).settings_path
    settings.write_text(settings.read_text() + "sessions:\n  day2: {rihgt: day2_right}\n  day3: {left: GOPR1}\n")
    assert told()[0] == [
        "No video of the project is a view of camera right, expected names such as NAME_right.mp4, found spot.mp4; "
        "rename the videos, or give another pattern of their names",
        "session day2 has no video of left, middle",
        "session day2 has a video of rihgt, which is no calibrated camera; correct the name in posecut.yaml, or "
        "calibrate it",
        "session day3, which posecut.yaml lists, has no video in the project",
    ]


def test_cameras_can_be_given_the_names_that_videos_have(views, tmp_path):
    """Where none fits, the names that the videos say are told, and the names of the cameras can be changed to them."""
    config, videos = views
    add_new_videos(config, videos)
    names = ("cam_left", "cam-middle", "third")
    write_cameras(tmp_path / "rig.yaml", [replace(one, name=n) for one, n in zip(three_cameras(), names, strict=True)])
    done = calibrate_cameras(config, tmp_path / "rig.yaml")
    (told,) = done.findings
    assert "found videos of left, middle, right; rename the videos, or the cameras" in told.text
    assert done.summary().following == ()
    (remedy,) = told.remedies
    assert remedy.arguments["rename"] == {"cam_left": "left", "cam-middle": "middle"}
    with pytest.raises(AnalysisError, match=r"NAME_cam_left\.mp4, found videos of left, middle, right") as caught:
        triangulate(config, videos)
    assert caught.value.remedies == told.remedies
    (left,) = calibrate_cameras(**remedy.arguments).findings[:1]
    assert "a view of camera third" in left.text
    assert left.remedies[0].arguments["rename"] == {"third": "NAME"}
    assert calibrate_cameras(config, open_project(config).cameras, rename={"third": "right"}).findings == ()


def test_recordings_without_a_board_are_told_what_says_it(spot_project, spot_video, tmp_path):
    """Kind: videos or images of a board, beside other files, are not taken for files of cameras."""
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "charuco.toml").write_text("columns = 4")
    with pytest.raises(CameraError, match="it has no matrix"):
        calibrate_cameras(spot_project, tmp_path / "boards")
    shutil.copy(spot_video, tmp_path / "boards" / "left.mp4")
    with pytest.raises(ArgumentError, match="nothing says which board is in them; give its columns and rows") as caught:
        calibrate_cameras(spot_project, tmp_path / "boards")
    assert {"columns", "rows", "square", "source"} <= {*caught.value.remedies[0].arguments}
    (tmp_path / "images").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "images" / "left01.png")
    with pytest.raises(ArgumentError, match="nothing says which board"):
        calibrate_cameras(spot_project, tmp_path / "images")
