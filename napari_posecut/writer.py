"""Write a Points layer as a table: a row per point, with its frame, its position and its features."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from napari_posecut.convert import to_xy
from posecut_core.errors import ArgumentError
from posecut_core.project.atomic import write_text


def write_points(path: str, data: Any, attributes: Mapping[str, Any]) -> list[str]:
    """Write the points of a layer that are shown, and return the paths of what was written.

    Args:
        path: of the table.
        data: N points of (row, column) or (frame, row, column).
        attributes: of the layer; `features` become columns, and points that are not `shown` are left out.

    Raises:
        ArgumentError: the points have other dimensions.
        StorageError: the disk refuses.
    """
    write_text(Path(path), table(np.asarray(data), attributes).to_csv(index=False))
    return [path]


def table(points: np.ndarray, attributes: Mapping[str, Any]) -> pd.DataFrame:
    """Return the points of a layer with x to the right and y down, in pixels of the full frame."""
    if points.ndim != 2 or points.shape[1] not in (2, 3):
        raise ArgumentError(
            f"The points have the shape {points.shape}, expected rows of (row, column) or (frame, row, column); choose "
            "a layer of PoseCut."
        )
    shown = np.broadcast_to(np.asarray(attributes.get("shown", True), dtype=bool), len(points))
    columns: dict[str, Any] = {"frame": points[:, 0].round().astype(np.int64)} if points.shape[1] == 3 else {}
    places = np.array([to_xy(point) for point in points], dtype=np.float64).reshape(-1, 2)
    columns |= {"x": places[:, 0], "y": places[:, 1]}
    features = pd.DataFrame(attributes.get("features", {}))
    columns |= {str(name): features[name].to_numpy() for name in features if str(name) not in columns}
    return pd.DataFrame(columns)[shown & ~np.isnan(places).any(axis=1)]
