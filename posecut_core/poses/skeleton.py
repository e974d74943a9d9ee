"""What the skeleton does: the length and the direction of each bone, and the angles between bones, frame by frame."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float64

from posecut_core.poses.files import TABLE_ROWS, write_table
from posecut_core.poses.predictions import Origin, Predictions

Bones = Sequence[tuple[int, int]]  # pairs of bodyparts, as places in the predictions


def skeleton_path(predictions_path: Path) -> Path:
    """Name the .h5 of a skeleton, beside the predictions that it was measured in."""
    return predictions_path.with_name(f"{predictions_path.stem}_skeleton.h5")


def measure_skeleton(predictions: Predictions, bones: Bones) -> pd.DataFrame:
    """Measure bones and the angles between those that share a bodypart.

    Args:
        predictions: of one video, or of some of its frames.
        bones: pairs of bodyparts.

    Returns:
        A row per frame. For each bone `<a>_<b>`: `length` in pixels, `orientation` from a to b in degrees (0 to 360;
        0 points right and 90 down, as y does in images), and `likelihood`, the lower one of its ends. For each two
        bones that meet in a bodypart, `<a>_<middle>_<c>`: `angle` in degrees (0 to 180) and `likelihood`, the lowest of
        the three. NaN where a position is missing.
    """
    names, xy, likelihood = predictions.bodyparts, predictions.xy, predictions.likelihood
    columns: dict[tuple[str, str], Float64[np.ndarray, " T"]] = {}
    for a, b in bones:
        across, name = xy[:, b] - xy[:, a], f"{names[a]}_{names[b]}"
        columns[name, "length"] = np.hypot(across[:, 0], across[:, 1])
        columns[name, "orientation"] = _degrees(across) % 360
        columns[name, "likelihood"] = likelihood[:, [a, b]].min(axis=1)
    for a, middle, c in _joints(bones):
        name = f"{names[a]}_{names[middle]}_{names[c]}"
        turn = (_degrees(xy[:, c] - xy[:, middle]) - _degrees(xy[:, a] - xy[:, middle])) % 360
        columns[name, "angle"] = np.minimum(turn, 360 - turn)
        columns[name, "likelihood"] = likelihood[:, [a, middle, c]].min(axis=1)
    return pd.DataFrame(columns, columns=pd.MultiIndex.from_tuples(columns))


def write_skeleton(
    path: Path, predictions: Predictions, bones: Bones, *, csv: bool = False, origin: Origin | None = None
) -> tuple[Path, ...]:
    """Write what `measure_skeleton` finds as .h5 and, if wished, .csv; each is replaced whole or not at all.

    Args:
        path: of the .h5; the .csv lies beside it, and one that is there is replaced in any case.
        predictions: of one video.
        bones: pairs of bodyparts.
        csv: whether to write the .csv as well.
        origin: what the predictions came from; the .h5 says so.

    Raises:
        StorageError: the folder cannot be written.
    """

    def chunks() -> Iterator[pd.DataFrame]:
        for start in range(0, len(predictions.xy), TABLE_ROWS):
            rows = slice(start, start + TABLE_ROWS)
            part = Predictions("", predictions.bodyparts, predictions.xy[rows], predictions.likelihood[rows])
            yield measure_skeleton(part, bones).set_index(np.arange(start, start + len(part.xy)))

    return write_table(path, chunks, rows=len(predictions.xy), csv=csv, origin=origin)


def _joints(bones: Bones) -> list[tuple[int, int, int]]:
    """List the pairs of bones that meet, as the end of one, the bodypart that they share, and the end of the other."""
    found = []
    for one, other in combinations([tuple(bone) for bone in bones], 2):
        shared = set(one) & set(other)
        if len(shared) == 1:
            (middle,) = shared
            found.append((sum(one) - middle, middle, sum(other) - middle))
    return found


def _degrees(across: Float64[np.ndarray, "T 2"]) -> Float64[np.ndarray, " T"]:
    return np.degrees(np.arctan2(across[:, 1], across[:, 0]))
