"""machinelabels-iter<k>.h5: what DeepLabCut's networks predict for the outliers of a video, and nobody has seen yet.

Positions here are in pixels of the stored images, as in CollectedData.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from posecut_core.errors import LabelError
from posecut_core.labels.collected_data import own_rows
from posecut_core.labels.csv_tables import filled_columns, read_csv
from posecut_core.labels.image_names import is_image, numbers_of
from posecut_core.labels.pandas_tables import read_hdf
from posecut_core.labels.point import Position
from posecut_core.progress import Progress, Report, silent

_NAME = re.compile(r"machinelabels-iter(\d+)\.h5")


@dataclass(frozen=True)
class MachineLabel:
    """What a network predicts of a bodypart in an image."""

    xy: Position
    likelihood: float  # 0 to 1; 0 where the table has none
    model: str  # scorer of the network


def machine_files(folder: Path) -> list[Path]:
    """Return the files of a folder, the newest iteration first; the .csv, which tells none, only where it is alone."""
    found = {int(match[1]): path for path in folder.glob("machinelabels*") if (match := _NAME.fullmatch(path.name))}
    text = folder / "machinelabels.csv"
    return [found[iteration] for iteration in sorted(found, reverse=True)] or ([text] if text.is_file() else [])


def read_machine_labels(
    folder: Path, bodyparts: Sequence[str], *, report: Report = silent
) -> dict[int, dict[str, MachineLabel]]:
    """Return frame number -> bodypart -> prediction; of a frame in several tables, what the newest iteration says.

    Args:
        folder: The video's folder in labeled-data.
        bodyparts: The project's; others are left out.
        report: Told of tables that cannot be read, which keeps nothing else from being read.
    """
    found: dict[int, dict[str, MachineLabel]] = {}
    for path in machine_files(folder):
        try:
            frame = own_rows(read_hdf(path) if path.suffix == ".h5" else read_csv(path), path, report)
            frame = frame[[is_image(name) for name in frame.index]]
            numbers = numbers_of(folder, list(frame.index))
        except LabelError as error:
            report(Progress(f"Predictions that DeepLabCut left are not read: {str(error).removesuffix('.')}", 0, 0))
            continue
        for row, labels in enumerate(_predictions(frame, bodyparts)):
            number = numbers[frame.index[row]]
            if labels and number not in found:
                found[number] = labels
    return found


def _predictions(frame: pd.DataFrame, bodyparts: Sequence[str]) -> Iterator[dict[str, MachineLabel]]:
    """Yield what each row predicts; where it has columns of several networks, the first one that says something."""
    values = frame.to_numpy(dtype=np.float64)
    places: dict[tuple[str, str], dict[str, int]] = {}
    for place, column in enumerate(filled_columns([tuple(map(str, column)) for column in frame.columns])):
        places.setdefault((column[0], column[-2]), {})[column[-1]] = place
    for row in values:
        labels: dict[str, MachineLabel] = {}
        for (model, part), own in places.items():
            if part in bodyparts and part not in labels and {"x", "y"} <= own.keys():
                xy = float(row[own["x"]]), float(row[own["y"]])
                likelihood = row[own["likelihood"]] if "likelihood" in own else 0.0
                if np.isfinite(xy).all():
                    labels[part] = MachineLabel(xy, float(np.clip(np.nan_to_num(likelihood), 0.0, 1.0)), model)
        yield labels
