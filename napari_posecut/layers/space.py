"""Points in space as napari's layers: frame, z, y, x, with the cameras that saw them."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64
from napari.layers import Layer, Points, Vectors

from posecut_core.cameras.camera import Camera
from posecut_core.plots.space import pyramids
from posecut_core.poses.points import Points3D

_DOT = 0.02  # diameter of a point, as a share of the scene
_LINE = 0.006  # width of a line


def space_layers(
    points: Points3D,
    cameras: Sequence[Camera],
    *,
    bones: Sequence[tuple[int, int]],
    colors: Float64[np.ndarray, "K 3"],
    bone_color: tuple[float, float, float],
) -> list[Layer]:
    """Return the layers of a session: cameras, skeleton and bodyparts over time.

    Args:
        points: of the session.
        cameras: that saw it.
        bones: pairs of bodyparts.
        colors: of the bodyparts.
        bone_color: of the skeleton.
    """
    corners, edges = pyramids(cameras, points)
    extent = float(np.linalg.norm(np.ptp(corners, axis=0)))
    frames, parts = np.nonzero(np.isfinite(points.xyz).all(axis=-1))
    data = np.column_stack([frames, points.xyz[frames, parts][:, ::-1]])
    starts, ends = (corners[[edge[end] for edge in edges]][:, ::-1] for end in (0, 1))
    rigid = Vectors(
        np.stack([starts, ends - starts], axis=1), name="cameras", edge_width=_LINE * extent, edge_color="gray",
        vector_style="line",
    )  # fmt: skip
    dots = Points(
        data, name="points", size=_DOT * extent, face_color=colors[parts], border_width=0, out_of_slice_display=False
    )
    lines = _bones(points, bones)
    skeleton = [
        Vectors(lines, name="skeleton", edge_width=_LINE * extent, edge_color=[bone_color], vector_style="line")
    ]
    return [rigid, *(skeleton if len(lines) else []), dots]


def _bones(points: Points3D, bones: Sequence[tuple[int, int]]) -> Float64[np.ndarray, "N 2 4"]:
    """Return each bone in each frame that has it, as where it begins and how far it goes."""
    found = [np.empty((0, 2, 4))]
    for a, b in bones:
        frames = np.flatnonzero(np.isfinite(points.xyz[:, [a, b]]).all(axis=(1, 2)))
        start, end = points.xyz[frames, a, ::-1], points.xyz[frames, b, ::-1]
        begins, goes = np.column_stack([frames, start]), np.column_stack([np.zeros(len(frames)), end - start])
        found.append(np.stack([begins, goes], axis=1))
    return np.concatenate(found)
