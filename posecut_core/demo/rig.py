"""The mouse of the demonstration in space: filmed by three cameras, with a board of squares that calibrates them.

The world is in millimeters, x and y on the floor, z up. The mouse walks as in the other videos, of which a pixel is a
millimeter here; now and then it rears.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float64, UInt8
from scipy.spatial.transform import Rotation

from posecut_core.cameras.boards import Board
from posecut_core.cameras.camera import Camera, project, ray
from posecut_core.demo.mouse import SUBSTEPS, Posture, drift, fractal_noise
from posecut_core.demo.scene import Scene, prepare
from posecut_core.progress import Progress, Report, silent
from posecut_core.project.given import given_path
from posecut_core.video.writer import VideoWriter

SIZE = 256  # height and width of a frame in pixels
_FPS = 30.0
_FOCAL, _DISTANCE, _ELEVATION = 350.0, 520.0, 50.0  # pixels, millimeters, degrees
_LENS = (-0.08, 0.02, 0.0, 0.0, 0.0)  # distortion
AZIMUTHS = {"left": -35.0, "middle": 25.0, "right": 85.0}  # of the cameras, in degrees
_HEIGHTS = np.array([9.0, 20.0, 20.0, 22.0, 28.0, 14.0, 4.0])  # of the bodyparts over the floor
_REARING = np.array([1.0, 0.9, 0.9, 0.7, 0.2, 0.0, 0.0])  # share of the rearing that each takes part in
_PROFILE = np.array(
    [[0, 2.5], [0.25, 7.0], [0.45, 9.0], [0.7, 13.0], [0.9, 10.0], [1.0, 5.0]]
)  # radius along the spine
_SUN = np.array([-0.4, 0.3, 0.85]) / np.linalg.norm([-0.4, 0.3, 0.85])
BOARD = Board(columns=8, rows=5, square=25.0, kind="checkerboard")
_LYING = np.diag([1.0, -1.0, -1.0])  # axes of a board on the floor, whose third one points into it
# Where the world begins that the board on the floor says: at its first inner corner, with the true world's axes.
BOARD_ORIGIN = _LYING @ (BOARD.corners[0] - BOARD.square * np.array([BOARD.columns, BOARD.rows, 0]) / 2)
_SKIN, _MARK = (0.85, 0.55, 0.5), (0.9, 0.85, 0.2)


@cache
def true_cameras() -> tuple[Camera, ...]:
    """Return the three cameras as they truly are; they look at the middle of the floor."""
    return tuple(_camera(name, azimuth) for name, azimuth in AZIMUTHS.items())


def _camera(name: str, azimuth: float) -> Camera:
    around, up = np.radians(azimuth), np.radians(_ELEVATION)
    center = _DISTANCE * np.array([np.cos(around) * np.cos(up), np.sin(around) * np.cos(up), np.sin(up)])
    forward = -center / _DISTANCE
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    middle = (SIZE - 1) / 2
    matrix = np.array([[_FOCAL, 0, middle], [0, _FOCAL, middle], [0, 0, 1]])
    return Camera(name, (SIZE, SIZE), matrix, np.array(_LENS), rotation, -rotation @ center)


# --- the mouse --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Ball:
    """One of the balls that the mouse is drawn of."""

    center: Float64[np.ndarray, "3"]
    radius: float
    color: tuple[float, float, float]


def points_of(scene: Scene) -> Float64[np.ndarray, "T K 3"]:
    """Return where the bodyparts truly are in each frame, in millimeters."""
    posture = prepare(scene).posture
    xy = posture.bodyparts()[SUBSTEPS // 2 :: SUBSTEPS]
    return _lifted(xy, _HEIGHTS + _rearing(scene)[:, None] * _REARING)


def _lifted(xy: Float64[np.ndarray, "*T N 2"], height: Float64[np.ndarray, "*T N"]) -> Float64[np.ndarray, "*T N 3"]:
    """Put points of the picture from above into the world, whose y runs the other way."""
    return np.stack([xy[..., 0] - SIZE / 2, SIZE / 2 - xy[..., 1], height], axis=-1)


def _rearing(scene: Scene) -> Float64[np.ndarray, " T"]:
    rng = np.random.default_rng([scene.seed, 4])
    return 45.0 * np.clip(drift(rng, scene.frames, 40.0), 0, 1)


def _balls(scene: Scene, posture: Posture) -> Iterator[list[_Ball]]:
    """Yield what the mouse is made of, frame by frame."""
    moments = slice(SUBSTEPS // 2, None, SUBSTEPS)
    spine, tail = posture.spine[moments], posture.tail[moments]
    along = np.linspace(0, 1, 4 * spine.shape[1])
    nodes = np.linspace(0, 1, spine.shape[1])
    radius = np.interp(along, *_PROFILE.T) * scene.individual.size
    marks = points_of(scene)
    part = np.array([0.0, 0.27, 0.65, 1.0])  # where snout, neck, center and the tail's base are along the spine
    for number in range(scene.frames):
        dense = np.stack([np.interp(along, nodes, spine[number, :, axis]) for axis in (0, 1)], axis=-1)
        top = np.interp(along, part, marks[number, [0, 3, 4, 5], 2])
        body = _lifted(dense, np.maximum(top - radius, 0.6 * radius))
        balls = [_Ball(c, r, scene.individual.coat) for c, r in zip(body, radius, strict=True)]
        thin = _lifted(tail[number], np.linspace(marks[number, 5, 2] - 2, marks[number, 6, 2], tail.shape[1]))
        balls += [_Ball(c, 2.2, _SKIN) for c in thin]
        balls += [_Ball(marks[number, k], 4.5, _SKIN) for k in (1, 2)]
        balls += [_Ball(marks[number, k], size, color) for k, size, color in _MARKS]
        yield balls


_MARKS = (
    (0, 2.6, _SKIN),
    (3, 3.2, _MARK),
    (4, 3.2, (0.2, 0.7, 0.9)),
    (5, 3.2, (0.9, 0.4, 0.1)),
    (6, 2.6, (0.9, 0.9, 0.9)),
)


def _draw(balls: list[_Ball], camera: Camera, image: Float64[np.ndarray, "H W 3"]) -> None:
    """Draw balls, the farthest first, each lit from above."""
    depth = np.array([(camera.rotation[2] @ ball.center) + camera.translation[2] for ball in balls])
    places = project(camera, np.array([ball.center for ball in balls]))
    toward = camera.rotation @ _SUN
    for at in np.argsort(-depth):
        radius, (x, y) = balls[at].radius * _FOCAL / depth[at], places[at]
        left, top = max(int(x - radius - 1), 0), max(int(y - radius - 1), 0)
        window = image[top : int(y + radius + 3), left : int(x + radius + 3)]
        if not window.size:
            continue
        rows, columns = np.indices(window.shape[:2])
        dx, dy = (columns + left - x) / radius, (rows + top - y) / radius
        square = dx**2 + dy**2
        bulge = np.sqrt(np.clip(1 - square, 0, 1))
        light = 0.55 + 0.6 * np.clip(toward[0] * dx + toward[1] * dy - toward[2] * bulge, 0, 1)
        cover = np.clip((1 - np.sqrt(square)) * radius + 0.5, 0, 1)[..., None]
        window += cover * (light[..., None] * np.array(balls[at].color) - window)


# --- the floor and the board ------------------------------------------------------------------------------------------


@cache
def _floor(camera: str) -> Float64[np.ndarray, "H W 3"]:
    """Draw the empty arena as a camera sees it."""
    seen_by = {one.name: one for one in true_cameras()}[camera]
    rng = np.random.default_rng(5)
    texture = 0.62 + 0.06 * fractal_noise(rng, (400, 400), (40.0, 40.0), octaves=4)
    rows, columns = np.indices((SIZE, SIZE))
    directions = ray(seen_by, np.stack([columns, rows], axis=-1).astype(float))
    reach = -seen_by.center[2] / directions[..., 2]
    xy = (seen_by.center + reach[..., None] * directions)[..., :2]
    at = np.clip(xy + 200, 0, 399).astype(int)
    inside = np.clip((135 - np.abs(xy).max(axis=-1)) / 4, 0.35, 1)
    return (texture[at[..., 1], at[..., 0]] * inside)[..., None] * np.array([1.0, 0.98, 0.94])


def _board_pose(number: int, count: int, board: Board) -> tuple[Float64[np.ndarray, "3 3"], Float64[np.ndarray, "3"]]:
    """Return how the board lies on the middle of the floor in the first frame, and how it is held over it then."""
    half = board.square * np.array([board.columns, board.rows, 0]) / 2
    if number == 0:
        return _LYING, -_LYING @ half
    turn = 2 * np.pi * number / count
    lean = [25 * np.sin(3 * turn), 25 * np.cos(2 * turn), 40 * np.sin(turn) + 25]
    rotation = Rotation.from_euler("xyz", lean, degrees=True).as_matrix()
    middle = np.array([55 * np.cos(turn), 50 * np.sin(2 * turn), 60 + 40 * np.sin(3 * turn)])
    return rotation, middle - rotation @ half


@cache
def _fine_rays(camera: str) -> Float64[np.ndarray, "H3 W3 3"]:
    """Return where nine parts of each pixel of a camera look."""
    rows, columns = (np.indices((3 * SIZE, 3 * SIZE)) - 1) / 3
    seen_by = {one.name: one for one in true_cameras()}[camera]
    return ray(seen_by, np.stack([columns, rows], axis=-1))


def _board_image(camera: Camera, number: int, count: int, board: Board) -> Float64[np.ndarray, "H W 3"]:
    """Draw the board over the floor; each pixel is the mean of nine rays."""
    rotation, corner = _board_pose(number, count, board)
    directions = _fine_rays(camera.name) @ rotation
    origin = (camera.center - corner) @ rotation
    at = (origin[:2] - (origin[2] / directions[..., 2])[..., None] * directions[..., :2]) / board.square
    across, down = at[..., 0], at[..., 1]
    squares = (across > 0) & (across < board.columns) & (down > 0) & (down < board.rows)
    paper = (across > -0.6) & (across < board.columns + 0.6) & (down > -0.6) & (down < board.rows + 0.6)
    dark = squares & ((np.floor(across) + np.floor(down)) % 2 == 1)
    floor = np.repeat(np.repeat(_floor(camera.name), 3, axis=0), 3, axis=1)
    shown = np.where(paper[..., None], np.where(dark, 0.06, 0.9)[..., None], floor)
    return shown.reshape(SIZE, 3, SIZE, 3, 3).mean(axis=(1, 3))


# --- filming ----------------------------------------------------------------------------------------------------------


def film_board(folder: Path, *, frames: int = 24, report: Report = silent) -> list[Path]:
    """Write `board_<camera>.mp4` of each camera and return them; what is there is kept.

    Raises:
        StorageError: the disk refuses.
    """
    return [
        _film(
            folder / f"board_{camera.name}.mp4",
            camera,
            (_board_image(camera, number, frames, BOARD) for number in range(frames)),
            frames,
            report,
        )
        for camera in true_cameras()
    ]


def film_views(scene: Scene, folder: str | os.PathLike[str], *, report: Report = silent) -> list[Path]:
    """Write `<scene>_<camera>.mp4` of each camera and return them; what is there is kept.

    Raises:
        StorageError: the disk refuses.
    """
    folder = given_path(folder)
    return [
        _film(folder / f"{scene.name}_{camera.name}.mp4", camera, scene_images(scene, camera), scene.frames, report)
        for camera in true_cameras()
    ]


def scene_images(scene: Scene, camera: Camera) -> Iterator[Float64[np.ndarray, "H W 3"]]:
    """Draw the frames of a camera in order, from 0 to 1."""
    for balls in _balls(scene, prepare(scene).posture):
        image = _floor(camera.name).copy()
        _draw(balls, camera, image)
        yield image


def _film(
    path: Path, camera: Camera, images: Iterator[Float64[np.ndarray, "H W 3"]], count: int, report: Report
) -> Path:
    if path.is_file():
        return path
    rng = np.random.default_rng([7, list(AZIMUTHS).index(camera.name)])
    with VideoWriter(path, fps=_FPS, width=SIZE, height=SIZE) as writer:
        for number, image in enumerate(images, start=1):
            writer.write(_exposed(image, rng))
            report(Progress(f"drawing {path.name}", number, count))
    return path


def _exposed(image: Float64[np.ndarray, "H W 3"], rng: np.random.Generator) -> UInt8[np.ndarray, "H W 3"]:
    return (255 * np.clip(image + rng.normal(0, 0.012, image.shape), 0, 1)).astype(np.uint8)
