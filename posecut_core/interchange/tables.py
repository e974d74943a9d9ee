"""Tables with a row per image or frame: Lightning Pose's labels with `visible`, and, to read, DeepLabCut's tables.

The column `visible` of Lightning Pose (since 2.1.2) is COCO's: 0 not labeled, 1 hidden, 2 visible. It is read wherever
a table has one. DeepLabCut's own tables are those of the project, which need no other way out.
"""

import math
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

from posecut_core.errors import LabelError, VideoError
from posecut_core.formats.deeplabcut.images import last_part, read_size
from posecut_core.formats.deeplabcut.tables import read_csv
from posecut_core.interchange.registry import FormatError, Key, Labels, VideoLabels, VideoPoses, reading
from posecut_core.labels.state import Point
from posecut_core.poses.files import read_predictions
from posecut_core.storage.files import atomic_path
from posecut_core.storage.tables import read_hdf

_TITLE = "labels in DeepLabCut's or Lightning Pose's layout"


def read_labels(path: Path) -> Labels:
    """Read a table of labels, with or without `visible`, of one or several animals.

    Raises:
        LabelError: it is no such table.
    """
    table = read_hdf(path) if path.suffix == ".h5" else read_csv(path)
    with reading(path, _TITLE):
        columns = [tuple(map(str, column)) for column in table.columns]
        if not {"x", "y"} <= {column[-1] for column in columns} or "likelihood" in {column[-1] for column in columns}:
            raise LabelError(f"{path} is not a table of labels with x and y of each bodypart; give another file.")
        cells: dict[tuple[str, str], dict[str, int]] = {}
        for place, column in enumerate(columns):
            cells.setdefault((column[1] if len(column) > 3 else "", column[-2]), {})[column[-1]] = place
        videos: dict[str, dict[int | str, dict[str, dict[str, Point]]]] = {}
        for index, row in zip(table.index, table.to_numpy(dtype=np.float64).tolist(), strict=True):
            parts = "/".join(map(str, index)) if isinstance(index, tuple) else str(index)
            folder, name = last_part(parts.replace("\\", "/").rpartition("/")[0]), last_part(parts)
            animals = videos.setdefault(folder, {}).setdefault(name, {})
            for (animal, part), own in cells.items():
                x, y = row[own["x"]], row[own["y"]]
                point = _point(x, y, row[own["visible"]] if "visible" in own else None)
                if point is not None:
                    animals.setdefault(animal, {})[part] = point
    bodyparts = tuple(dict.fromkeys(part for _, part in cells))
    found = (VideoLabels(video, frames, _sizes(path, video, frames)) for video, frames in videos.items())
    return Labels(bodyparts, tuple(found))


def _sizes(path: Path, video: str, names: Collection[Key]) -> dict[Key, tuple[int, int]]:
    """Return width and height of the images that lie where a table of labels has them: beside it, or by their path."""
    folders = [path.parent, *(above / "labeled-data" / video for above in [*path.parents][:3])]
    sizes: dict[Key, tuple[int, int]] = {}
    for folder in [one for one in folders if any((one / str(name)).is_file() for name in names)][:1]:
        for name in names:
            with suppress(VideoError):
                height, width = read_size(folder / str(name))
                sizes[name] = width, height
    return sizes


def _point(x: float, y: float, visible: float | None) -> Point | None:
    placed = math.isfinite(x) and math.isfinite(y)
    if visible is None or math.isnan(visible):
        return Point("placed", (x, y)) if placed else None
    if visible not in (0, 1, 2):
        raise FormatError(f"visible is {visible:g}, expected 0, 1 or 2")
    if visible == 0:
        return None
    return Point("placed", (x, y)) if visible == 2 and placed else Point("occluded", (x, y) if placed else None)


def write_labels(path: Path, labels: Labels, *, scorer: str, name: str) -> None:
    """Write a table of labels with `visible`; images are named from the project's folder.

    Args:
        path: the .csv.
        labels: of images.
        scorer: who labeled.
        name: of the format.
    """
    coords = ("x", "y", "visible")
    columns = pd.MultiIndex.from_product([[scorer], labels.bodyparts, coords], names=["scorer", "bodyparts", "coords"])
    rows = {}
    for video in labels.videos:
        for key, animals in video.frames.items():
            cells = [_cells(animals.get("", {}).get(part)) for part in labels.bodyparts]
            rows[f"labeled-data/{video.video}/{key}"] = [cell for part in cells for cell in part]
    frame = pd.DataFrame(list(rows.values()), index=pd.Index(list(rows)), columns=columns)
    marks = frame.columns.get_level_values("coords") == "visible"
    frame = frame.astype(dict.fromkeys(frame.columns[marks], np.int64))
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, encoding="utf-8", lineterminator="\n")


def _cells(point: Point | None) -> tuple[float, float, int]:
    """Return x, y and visibility."""
    if point is None or not point.is_label:
        return math.nan, math.nan, 0
    x, y = point.xy or (math.nan, math.nan)
    return x, y, 2 if point.state == "placed" else 1


def read_poses(path: Path) -> VideoPoses:
    """Read a table of predictions in DeepLabCut's layout.

    Raises:
        AnalysisError: it is none.
    """
    return VideoPoses("", {"": read_predictions(path)})
