"""Calibration from boards that are drawn or projected, so that the cameras are known."""

import dataclasses

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from posecut_core.cameras.boards import Board, Sighting, Sightings, find_boards
from posecut_core.cameras.calibration import calibrate, refine_cameras, world_of_points
from posecut_core.cameras.camera import Camera, LensModel, project
from posecut_core.errors import ArgumentError, CameraError
from tests.core.cameras.test_cameras import cloud, ring, seen

cv2 = pytest.importorskip("cv2")
BOARD = Board(7, 6, 20.0, kind="checkerboard")


def film(
    cameras: tuple[Camera, ...], frames: int = 24, *, noise: float = 0.1, board: Board = BOARD, late: int = 0
) -> dict[str, Sightings]:
    """Move a board before cameras; the last one is some frames late."""
    rng = np.random.default_rng(0)
    drift = np.cumsum(rng.normal(size=(frames + late, 6)), axis=0)
    turns = 0.35 * np.sin(drift[:, :3] * [0.5, 0.6, 0.7])
    moves = 60 * np.sin(drift[:, 3:] * [0.5, 0.6, 0.4])
    found = {}
    for camera in cameras:
        views = {}
        for number in range(frames):
            moment = number + late - (late if camera is cameras[-1] else 0)
            local = board.corners - board.corners.mean(axis=0)
            world = Rotation.from_rotvec(turns[moment]).apply(local) + moves[moment]
            pixels = project(camera, world) + rng.normal(scale=noise, size=(len(world), 2))
            inside = ((pixels > 0) & (pixels < camera.size)).all(axis=1)
            if inside.all():
                views[number] = Sighting(np.arange(len(world)), pixels)
        found[camera.name] = Sightings(camera.size, views, frames)
    return found


def apart(cameras: tuple[Camera, ...]) -> np.ndarray:
    centers = np.array([camera.center for camera in cameras])
    return np.linalg.norm(centers[:, None] - centers, axis=-1)


def facing(count: int) -> tuple[Camera, ...]:
    """Place cameras side by side that look at the origin."""
    lens = ring(1)[0]
    turns = [Rotation.from_euler("yx", [-20.0 + 15 * at, 5.0 * at], degrees=True).as_matrix() for at in range(count)]
    return tuple(
        dataclasses.replace(lens, name=f"cam{at}", rotation=turn, translation=np.array([0.0, 0.0, 450.0 + 20 * at]))
        for at, turn in enumerate(turns)
    )


def test_cameras_are_found_again_from_a_board() -> None:
    """Lenses and places are near the truth, in the unit of the squares, and the report says how near."""
    cameras = facing(3)
    found = calibrate(BOARD, film(cameras))
    for mine, theirs in zip(found.cameras, cameras, strict=True):
        assert np.diag(mine.matrix) == pytest.approx(np.diag(theirs.matrix), rel=0.01)
        assert mine.matrix[:2, 2] == pytest.approx(theirs.matrix[:2, 2], abs=8)
    assert apart(found.cameras) == pytest.approx(apart(cameras), rel=0.01, abs=1e-6)
    assert all(0.1 < rms < 0.2 for rms in found.rms.values())
    assert found.coverage.keys() == found.rms.keys() == found.residuals.keys()
    assert all(0.1 < part <= 1 for part in found.coverage.values())
    assert found.findings == ()


def test_cameras_need_not_all_see_the_board_at_once() -> None:
    """Two cameras without a common frame are connected by a third."""
    cameras = facing(3)
    views = film(cameras, 40)
    for name, part in (("cam0", range(20)), ("cam2", range(20, 40))):
        frames = {number: view for number, view in views[name].frames.items() if number in part}
        views[name] = dataclasses.replace(views[name], frames=frames)
    assert apart(calibrate(BOARD, views).cameras) == pytest.approx(apart(cameras), rel=0.02, abs=1e-6)


def test_a_board_that_looks_the_same_upside_down_is_turned() -> None:
    """Where cameras disagree which way up a board is, the majority of frames tells."""
    board = Board(7, 5, 20.0, kind="checkerboard")
    cameras = facing(2)
    views = film(cameras, board=board)
    for number in [*views["cam1"].frames][::3]:
        view = views["cam1"].frames[number]
        views["cam1"].frames[number] = Sighting(view.corners, view.pixels[::-1].copy())
    assert apart(calibrate(board, views).cameras) == pytest.approx(apart(cameras), rel=0.01, abs=1e-6)


def test_the_world_lies_where_the_board_lay() -> None:
    """The board's first corner is the origin, its rows go along x, and z points up from it."""
    views = film(facing(2))
    number = next(iter(views["cam0"].frames.keys() & views["cam1"].frames.keys()))
    for camera in calibrate(BOARD, views, world=number).cameras:
        corners = (BOARD.corners - BOARD.corners[0]) * [1.0, -1.0, 1.0]
        assert project(camera, corners) == pytest.approx(views[camera.name].frames[number].pixels, abs=0.6)
        assert camera.center[2] > 0
    with pytest.raises(CameraError, match="nearest frame"):
        calibrate(BOARD, views, world=999)


def test_the_world_can_be_three_points() -> None:
    """The three are the origin, on the x axis and in the plane, and lengths get the unit of the first two."""
    cameras, points = ring(2), np.array([[10.0, 5, 3], [10, 25, 3], [0, 5, 3]])
    moved = world_of_points(cameras, points, length=2.0)
    for old, new in zip(cameras, moved, strict=True):
        there = np.array([[0.0, 0, 0], [2, 0, 0], [0, 1, 0]])
        assert project(new, there) == pytest.approx(project(old, points), abs=1e-6)
    for along in ([1.0, 0, 0], [0.0, 0, 0]):
        with pytest.raises(CameraError, match="do not lie on a line"):
            world_of_points(cameras, np.array([[0.0, 0, 0], along, [2, 0, 0]]))


def test_cameras_improve_by_what_they_see_of_an_animal() -> None:
    """Without a board, views of moving points agree better afterwards, and the world hardly moves."""
    cameras = ring(3)
    pixels = seen(cameras, cloud(300)) + np.random.default_rng(0).normal(scale=0.3, size=(300, 3, 2))
    turn = Rotation.from_rotvec([0.01, -0.008, 0.006]).as_matrix()
    pushed = dataclasses.replace(cameras[1], rotation=turn @ cameras[1].rotation)
    before = (cameras[0], pushed, cameras[2])
    found = refine_cameras(before, pixels, np.ones((300, 3)))
    assert max(found.rms.values()) < 0.5
    assert apart(found.cameras) == pytest.approx(apart(cameras), rel=0.05, abs=1e-6)
    with pytest.raises(CameraError, match="expected 20 or more"):
        refine_cameras(cameras, pixels[:5])


def test_fisheyes_are_calibrated() -> None:
    """The four coefficients of a fisheye come out, so that pixels agree."""
    cameras = tuple(
        dataclasses.replace(camera, model="fisheye", distortion=np.array([0.05, -0.01, 0.0, 0.0]))
        for camera in facing(2)
    )
    found = calibrate(BOARD, film(cameras, 30), model="fisheye")
    assert apart(found.cameras) == pytest.approx(apart(cameras), rel=0.02, abs=1e-6)
    assert max(found.rms.values()) < 0.25


def test_videos_out_of_step_are_refused_with_their_distance() -> None:
    """The sentence says which camera is late, and by how many frames."""
    with pytest.raises(CameraError, match="cam1 shows the board 4 frames later"):
        calibrate(BOARD, film(facing(2), 40, late=4))
    (told,) = calibrate(BOARD, film(facing(2), 40, late=1)).findings
    assert "The video of cam1 is about one frame later than that of cam0" in told
    assert "cut its first frame off, calibrate again and keep the calibration with the smaller errors" in told


def test_faults_of_what_was_filmed_are_named() -> None:
    """A board never seen, a camera that is not connected, other numbers of images, and no camera at all."""
    views = film(facing(2), 40)
    without = views | {"cam1": Sightings((640, 480), {}, 40, other="checkerboard of 9 x 6 squares")}
    with pytest.raises(CameraError, match=r"cam1 saw the checkerboard of 7 x 6 squares in 0 of 40.*9 x 6"):
        calibrate(BOARD, without)
    parted = dict(views)
    for name, part in (("cam0", range(20)), ("cam1", range(20, 40))):
        frames = {number: view for number, view in views[name].frames.items() if number in part}
        parted[name] = dataclasses.replace(views[name], frames=frames)
    with pytest.raises(CameraError, match="cam1 is not connected"):
        calibrate(BOARD, parted)
    longer = views | {"cam1": dataclasses.replace(views["cam1"], looked=41)}
    assert "different numbers of images" in calibrate(BOARD, longer).findings[0]
    with pytest.raises(CameraError, match="no cameras"):
        calibrate(BOARD, {})


# --- boards in images -------------------------------------------------------------------------------------------------


def drawn(board: Board) -> np.ndarray:
    """Draw a board on a white page, with 40 pixels a square."""
    if board.kind == "checkerboard":
        squares = np.indices((board.rows, board.columns)).sum(axis=0) % 2 == 0
        image = np.where(np.kron(squares, np.ones((40, 40))), 20, 235).astype(np.uint8)
    else:
        dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, board.dictionary))
        made = cv2.aruco.CharucoBoard((board.columns, board.rows), 1.0, board.marker, dictionary)
        image = made.generateImage((40 * board.columns, 40 * board.rows))
    page = np.pad(255 - image if board.inverted else image, 40, constant_values=0 if board.inverted else 255)
    return np.repeat(page[..., None], 3, axis=-1)


@pytest.mark.parametrize(
    "board", [BOARD, Board(5, 4, 1.0), Board(4, 5, 1.0, inverted=True)], ids=["checkerboard", "charuco", "inverted"]
)
def test_corners_are_found_where_they_are_drawn(board: Board) -> None:
    """To a fifth of a pixel; (0, 0) is the center of the first."""
    found = find_boards(board, [(3, drawn(board)), (4, None), (5, np.full_like(drawn(board), 128))])
    assert [*found.frames] == [3]
    assert found.looked == 2
    expected = board.corners[found.frames[3].corners, :2] / board.square * 40 + 40 - 0.5
    pixels = found.frames[3].pixels
    turned = pixels[::-1] if np.linalg.norm(pixels[0] - expected[0]) > 40 else pixels
    assert turned == pytest.approx(expected, abs=0.2)
    assert len(pixels) == (board.columns - 1) * (board.rows - 1)


@pytest.mark.parametrize(
    ("given", "there", "told"),
    [
        (Board(9, 6, 1.0, kind="checkerboard"), BOARD, "checkerboard of 7 x 6"),
        (Board(5, 4, 1.0, dictionary="DICT_6X6_250"), Board(5, 4, 1.0), "DICT_4X4_1000"),
        (Board(5, 4, 1.0), Board(5, 4, 1.0, inverted=True), "inverted ChArUco"),
        (Board(5, 4, 1.0), BOARD, "checkerboard"),
    ],
)
def test_another_board_than_the_one_given_is_named(given: Board, there: Board, told: str) -> None:
    """Where the board given is not seen, the board that is seen is said."""
    found = find_boards(given, [(number, drawn(there)) for number in range(3)])
    assert not found.frames
    assert told in found.other


def test_boards_and_images_that_cannot_be_are_refused() -> None:
    """Too few squares, no length, an unknown dictionary, images of several sizes, none at all."""
    with pytest.raises(ArgumentError, match="too small"):
        Board(2, 5, 1.0)
    with pytest.raises(ArgumentError, match="positive length"):
        Board(5, 5, 0.0)
    with pytest.raises(CameraError, match="no dictionary"):
        find_boards(Board(5, 4, 1.0, dictionary="DICT_9X9"), [(0, drawn(BOARD))])
    with pytest.raises(CameraError, match="different sizes"):
        find_boards(BOARD, [(0, drawn(BOARD)), (1, drawn(BOARD)[:-2])])
    with pytest.raises(CameraError, match="missing"):
        find_boards(BOARD, [])


def test_a_last_frame_that_was_not_taken_together_is_left_out() -> None:
    """The board fits each of its images there, but not both: cameras come out as without that frame."""
    cameras = facing(2)
    views = film(cameras)
    last = max(views["cam0"].frames.keys() & views["cam1"].frames.keys())
    for one in views.values():
        for number in [number for number in one.frames if number > last]:
            del one.frames[number]
    view = views["cam1"].frames[last]
    views["cam1"].frames[last] = Sighting(view.corners, view.pixels + np.array([25.0, -20.0]))
    found = calibrate(BOARD, views)
    assert last not in found.frame_rms
    assert apart(found.cameras) == pytest.approx(apart(cameras), rel=0.01, abs=1e-6)


def test_an_image_that_was_misread_does_not_spoil_a_lens() -> None:
    """Corners that were taken for others in one image are noticed, and the lens comes out as without it."""
    cameras = facing(2)
    views = film(cameras)
    expected = [camera.matrix[0, 0] for camera in calibrate(BOARD, views).cameras]
    number = next(iter(views["cam1"].frames))
    view = views["cam1"].frames[number]
    wrong = np.where(view.corners < 6, 15.0, 0.0)[:, None] * np.array([1.0, -0.7])  # the first row, elsewhere
    views["cam1"].frames[number] = Sighting(view.corners, view.pixels + wrong)
    found = calibrate(BOARD, views)
    assert [camera.matrix[0, 0] for camera in found.cameras] == pytest.approx(expected, rel=0.005)
    assert max(found.lens_rms.values()) < 0.3


@pytest.mark.parametrize("model", ["pinhole", "fisheye"])
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_a_board_that_is_never_moved_is_refused(model: LensModel, noise: float) -> None:
    """Images that are all alike do not tell a lens, nor do those that differ by what a corner is inexact by in pixels.

    OpenCV's own words do not reach a user.
    """
    random = np.random.default_rng(0)
    views = film(facing(2))
    for one in views.values():
        first = next(iter(one.frames.values()))
        for number in one.frames:
            one.frames[number] = Sighting(first.corners, first.pixels + random.normal(0, noise, first.pixels.shape))
    with pytest.raises(CameraError, match=r"lens of camera cam0 cannot be told .* too much alike"):
        calibrate(BOARD, views, model=model)


def test_images_that_show_one_row_of_corners_do_not_count() -> None:
    """They do not say how the board lies; the others calibrate the cameras, and too few are refused."""
    cameras = facing(2)
    views = film(cameras)
    for one in views.values():
        for number in [*one.frames][::3]:
            view = one.frames[number]
            one.frames[number] = Sighting(view.corners[:6], view.pixels[:6])
    assert apart(calibrate(BOARD, views).cameras) == pytest.approx(apart(cameras), rel=0.01, abs=1e-6)
    for one in views.values():
        for number, view in one.frames.items():
            one.frames[number] = Sighting(view.corners[:6], view.pixels[:6])
    with pytest.raises(CameraError, match="in 0 of 24 images"):
        calibrate(BOARD, views)
