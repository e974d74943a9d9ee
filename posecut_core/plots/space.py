"""Pictures of several cameras: a video around points in space, and figures of how far views and boards are off."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from matplotlib.figure import Figure

from posecut_core.cameras.camera import Camera, project, undistort
from posecut_core.plots.colors import bytes_of, colors_of
from posecut_core.plots.figures import new_figure, styled
from posecut_core.plots.labeled_video import PoseStyle, black_picture, draw_pose, layers_of
from posecut_core.poses.points import Points3D
from posecut_core.progress import Progress, Report
from posecut_core.video.writer import VideoWriter

_SIZE = (640, 480)  # of the video
_ROUND = 600  # frames in which the view goes once around
_ELEVATION = 25.0  # degrees, of the view
_DOTSIZE = 7
_DEPTH = 0.12  # of the pyramids that stand for cameras, as a share of the scene
_BINS = 60  # of a histogram
_MOMENTS = 400  # over time: about the figure's width in pixels


def film_points(
    path: Path,
    points: Points3D,
    cameras: Sequence[Camera],
    *,
    fps: float,
    bones: Sequence[tuple[int, int]],
    colormap: str,
    report: Report,
) -> None:
    """Write a video of points, and of cameras that are near them, seen from a place that goes slowly around.

    Args:
        path: of the .mp4, which is replaced whole or not at all.
        points: of one session.
        cameras: that saw them; each is drawn as a pyramid.
        fps: of the session.
        bones: pairs of bodyparts that are joined by lines.
        colormap: of the bodyparts.
        report: called after each frame.

    Raises:
        StorageError: the folder cannot be written.
    """
    corners, edges = pyramids(cameras, points)
    count, found = len(points.bodyparts), points.xyz[np.isfinite(points.xyz).all(axis=-1)]
    shown = found if len(found) else corners
    middle = np.median(shown, axis=0)
    reach = np.linalg.norm(shown - middle, axis=1)
    extent = float(np.percentile(reach, 99)) or 1.0  # of the movements, not of single errors
    colors = np.vstack([bytes_of(colors_of(colormap, count)), np.full((len(corners), 3), 120, np.uint8)])
    lines = (*((a, b) for a, b in bones), *((count + a, count + b) for a, b in edges))
    style = PoseStyle(colors, _DOTSIZE, 1.0, 0.0, lines, bone_color=(150, 150, 150))
    up = -np.mean([camera.rotation[1] for camera in cameras], axis=0)  # of pictures
    with VideoWriter(path, fps=fps, width=_SIZE[0], height=_SIZE[1]) as writer:
        for number, frame in enumerate(points.xyz):
            view = _view(middle, extent, up / np.linalg.norm(up), 2 * np.pi * number / _ROUND)
            xy = project(view, np.concatenate([frame, corners]))
            picture = black_picture(*_SIZE)
            draw_pose(layers_of(picture, style), xy[None], np.ones((1, len(xy))), style)
            writer.write_picture(picture)
            report(Progress(f"drawing {path.name}", number + 1, len(points.xyz)))


def pyramids(cameras: Sequence[Camera], points: Points3D) -> tuple[Float64[np.ndarray, "N 3"], list[tuple[int, int]]]:
    """Return the corners of a pyramid for each camera, its tip first where the camera is, and the edges of all."""
    centers = np.array([camera.center for camera in cameras])
    found = points.xyz[np.isfinite(points.xyz).all(axis=-1)]
    middle = np.median(found, axis=0) if len(found) else centers.mean(axis=0)
    depth = _DEPTH * float(np.linalg.norm(centers - middle, axis=1).mean())
    corners, edges = [], []
    for place, camera in enumerate(cameras):
        width, height = camera.size if min(camera.size) else (2 * camera.matrix[:2, 2]).tolist()
        frame = np.array([[0.0, 0.0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]])
        ahead = np.concatenate([undistort(camera, frame), np.ones((4, 1))], axis=1)
        ends = (depth * ahead - camera.translation) @ camera.rotation
        corners += [camera.center[None], ends]
        tip = 5 * place
        edges += [(tip, tip + k) for k in range(1, 5)] + [(tip + k, tip + k % 4 + 1) for k in range(1, 5)]
    return np.concatenate(corners), edges


def _view(middle: Float64[np.ndarray, "3"], extent: float, up: Float64[np.ndarray, "3"], turn: float) -> Camera:
    """Return a camera that sees everything, from a place on a circle."""
    side = np.cross(up, [1.0, 0.0, 0.0] if abs(up[0]) < 0.8 else [0.0, 1.0, 0.0])
    side /= np.linalg.norm(side)
    around = np.cos(turn) * side + np.sin(turn) * np.cross(up, side)
    rise = np.radians(_ELEVATION)
    center = middle + 3 * extent * (np.cos(rise) * around + np.sin(rise) * up)
    forward = (middle - center) / np.linalg.norm(middle - center)
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    width, height = _SIZE
    focal = 1.3 * height
    matrix = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])
    return Camera("view", _SIZE, matrix, np.zeros(0), rotation, -rotation @ center)


def draw_view_errors(errors: Mapping[str, Float64[np.ndarray, "T K"]], *, title: str) -> Figure:
    """Draw how far each camera is from the images of the points: how often, and over time.

    Args:
        errors: camera -> pixels; NaN where it saw nothing.
        title: of the figure.
    """
    figure = new_figure(title, size=(9, 6))
    often, over_time = (styled(axes) for axes in figure.subplots(2, 1))
    known = {camera: values[np.isfinite(values)] for camera, values in errors.items()}
    several = np.concatenate([*known.values(), np.zeros(1)])
    most = max(float(np.percentile(several, 99)), 1e-3)
    for camera, values in known.items():
        if not len(values):
            continue
        often.hist(
            np.minimum(values, most), bins=_BINS, range=(0, most), histtype="step", linewidth=1.5,
            label=f"{camera}, median {np.median(values):.2f}",
        )  # fmt: skip
        rows = errors[camera]
        edges = np.unique(np.linspace(0, len(rows), min(_MOMENTS, len(rows)) + 1).astype(int))
        parts = [rows[a:b][np.isfinite(rows[a:b])] for a, b in pairwise(edges.tolist())]
        over_time.plot(edges[:-1], [np.median(part) if len(part) else np.nan for part in parts], linewidth=1)
    often.set_xlabel("reprojection error in pixels; the last bar has all that are greater")
    often.set_ylabel("positions")
    over_time.set_xlabel("frame")
    over_time.set_ylabel("median error in pixels")
    if any(len(values) for values in known.values()):
        often.legend(frameon=False)
    return figure


def draw_residuals(
    cameras: Sequence[Camera],
    pixels: Mapping[str, Float64[np.ndarray, "O 2"]],
    residuals: Mapping[str, Float64[np.ndarray, "O 2"]],
) -> Figure:
    """Draw where each camera saw corners of a board, and by how much and in which direction they are off, enlarged.

    Args:
        cameras: that were calibrated.
        pixels: camera -> corners.
        residuals: camera -> by how many pixels their images are off.
    """
    figure = new_figure("Residuals of the calibration", size=(4 * len(cameras), 4))
    for axes, camera in zip(np.atleast_1d(figure.subplots(1, len(cameras))), cameras, strict=True):
        seen, off = pixels[camera.name], residuals[camera.name]
        length = np.linalg.norm(off, axis=1)
        usual = float(np.median(length)) if len(length) else 1.0
        size = camera.size if min(camera.size) > 0 else tuple((seen.max(axis=0, initial=0) + 1).tolist())
        scale = max(usual, 1e-6) / (0.03 * max(size))  # the usual residual is that part of the image long
        styled(axes).quiver(
            *seen.T, *off.T, length, angles="xy", scale_units="xy", scale=scale, width=0.004, cmap="viridis"
        )
        axes.set(xlim=(0, size[0]), ylim=(size[1], 0), aspect="equal")
        told = f"{camera.name}, median {usual:.2f} pixels\narrows are {1 / scale:.0f} times as long"
        axes.set_title(told, fontsize=9, parse_math=False)
    return figure
