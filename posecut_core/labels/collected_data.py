"""CollectedData_<scorer>.h5 and .csv: the labels of one video as DeepLabCut keeps them.

Positions here are in pixels of the stored images; `labels/exchange.py` turns them into pixels of the full frame.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Float64

from posecut_core.errors import LabelError
from posecut_core.labels.csv_tables import LEVELS, read_csv, write_csv
from posecut_core.labels.image_names import is_image, last_part, numbers_of
from posecut_core.labels.pandas_tables import read_hdf, write_hdf
from posecut_core.progress import Progress, Report, silent
from posecut_core.project.bodyparts import foreign_bodyparts

ROUNDED = 0.01  # pixels: spreadsheets round


@dataclass(frozen=True)
class ImageLabels:
    """Labels of the images of one folder, in the order of their frame numbers."""

    names: dict[int, str]  # frame number -> file name of the image, numbers increasing
    bodyparts: tuple[str, ...]
    xy: Float64[np.ndarray, "F K 2"]  # pixels of the stored image; NaN in both where missing


def read_collected_data(
    folder: Path,
    scorer: str,
    *,
    bodyparts: Sequence[str],
    suffix: Literal[".h5", ".csv"] | None = None,
    report: Report = silent,
) -> ImageLabels | None:
    """Read the labels of a folder; None where there are none.

    Args:
        folder: The video's folder in labeled-data.
        scorer: As config.yaml names it.
        bodyparts: The project's, in its order; a bodypart that the file lacks is NaN.
        suffix: Which file; by default the .h5, or the .csv where the .h5 is missing or damaged.
        report: Told where the .h5 is damaged, and where the .csv is newer and says otherwise.

    Raises:
        LabelError: no file is readable, or it does not fit the project.
    """
    path, frame = _read_one(_path(folder, scorer, suffix)) if suffix else _read_either(folder, scorer, report)
    if frame is None:
        return None
    _check_columns(frame, path, scorer, bodyparts)
    names = _row_names(frame)
    _check_names(names, path)
    wanted = pd.MultiIndex.from_product([[scorer], list(bodyparts), ["x", "y"]], names=LEVELS)
    values = frame.reindex(columns=wanted).to_numpy(dtype=np.float64).reshape(len(frame), len(bodyparts), 2)
    rows = _rows_that_count(names, numbers_of(folder, names), values, path)
    xy = values[list(rows.values())]
    _check_pairs(xy, [names[row] for row in rows.values()], bodyparts, path)
    if np.isinf(xy).any():
        report(
            Progress(f"{path} places {int(np.isinf(xy).any(axis=-1).sum())} labels at infinity: they are none", 0, 0)
        )
        xy = np.where(np.isinf(xy).any(axis=-1, keepdims=True), np.nan, xy)
    return ImageLabels({number: names[row] for number, row in rows.items()}, tuple(bodyparts), xy)


def read_rows(folder: Path, scorer: str) -> dict[str, Float64[np.ndarray, " _"]]:
    """Return name of the image -> numbers of its row in the labels of a folder; none where they cannot be read."""
    try:
        _, frame = _read_either(folder, scorer, silent)
    except LabelError:
        return {}
    rows = [] if frame is None else zip(_row_names(frame), frame.to_numpy(dtype=np.float64), strict=True)
    return {name: row for name, row in rows if is_image(name)}


def same_labels(one: Float64[np.ndarray, " _"], other: Float64[np.ndarray, " _"]) -> bool:
    """Tell whether two rows say the same, as far as programs and spreadsheets round."""
    return np.allclose(one, other, rtol=0, atol=ROUNDED, equal_nan=True)


def write_collected_data(folder: Path, scorer: str, labels: ImageLabels) -> None:
    """Replace the .h5 and the .csv of a folder, each whole.

    Raises:
        StorageError: the disk refuses; the file concerned is then unchanged.
    """
    names, count = list(labels.names.values()), len(labels.names)
    rows = pd.MultiIndex.from_arrays([["labeled-data"] * count, [folder.name] * count, names])
    columns = pd.MultiIndex.from_product([[scorer], list(labels.bodyparts), ["x", "y"]], names=LEVELS)
    frame = pd.DataFrame(labels.xy.reshape(count, 2 * len(labels.bodyparts)), index=rows, columns=columns)
    write_hdf(_path(folder, scorer, ".h5"), frame)  # first, because it is the one that counts
    write_csv(_path(folder, scorer, ".csv"), frame)


def _path(folder: Path, scorer: str, suffix: str) -> Path:
    return folder / f"CollectedData_{scorer}{suffix}"


def _row_names(frame: pd.DataFrame) -> list[str]:
    return [last_part(str(row[-1] if isinstance(row, tuple) else row)) for row in frame.index]


def _check_names(names: Sequence[str], path: Path) -> None:
    wrong = next((name for name in names if not is_image(name)), None)
    if wrong is not None:
        raise LabelError(f"{path} names the image {wrong!r}, expected names such as img0123.png; rename it.")


def _rows_that_count(
    names: Sequence[str], numbers: Mapping[str, int], values: Float64[np.ndarray, "F K 2"], path: Path
) -> dict[int, int]:
    """Return frame number -> row, in increasing order: where several rows are of one frame, the labelled one.

    Raises:
        LabelError: a frame is labelled differently in two rows.
    """
    found: dict[int, int] = {}
    for row, name in enumerate(names):
        known = found.setdefault(numbers[name], row)
        if known == row or np.isnan(values[row]).all() or same_labels(values[known].ravel(), values[row].ravel()):
            continue
        if not np.isnan(values[known]).all():
            pair = f"{name} twice" if names[known] == name else f"both {names[known]} and {name}, which are one frame"
            raise LabelError(f"{path} labels {pair}, and differently; remove the row that is wrong.")
        found[numbers[name]] = row
    return dict(sorted(found.items()))


def _read_one(path: Path) -> tuple[Path, pd.DataFrame]:
    return path, read_hdf(path) if path.suffix == ".h5" else read_csv(path)


def _read_either(folder: Path, scorer: str, report: Report) -> tuple[Path, pd.DataFrame | None]:
    hdf, text = _path(folder, scorer, ".h5"), _path(folder, scorer, ".csv")
    if hdf.exists():
        try:
            frame = read_hdf(hdf)
        except LabelError:
            if not text.exists():
                raise
            told = f"{hdf} is damaged, so the labels are read from {text.name} beside it; check them and delete the .h5"
            report(Progress(told, 0, 0))
        else:
            if text.exists() and _is_edited(text, hdf, frame):
                told = (
                    f"{text} is newer than {hdf.name} and says otherwise, but the .h5 is read; delete the .h5 if the "
                    ".csv is right, else delete the .csv"
                )
                report(Progress(told, 0, 0))
            return hdf, frame
    if text.exists():
        return text, read_csv(text)
    others = sorted(path.name for path in folder.glob("CollectedData_*") if path.suffix in (".h5", ".csv"))
    if others:
        wanted = _path(folder, scorer, Path(others[0]).suffix).name
        raise LabelError(
            f"{folder} holds {others[0]}, expected {wanted}; set `scorer` in config.yaml to the name in the file, or "
            "remove the file."
        )
    return hdf, None


def _is_edited(text: Path, hdf: Path, frame: pd.DataFrame) -> bool:
    """Tell whether the .csv was changed after the .h5, by a hand or a program that does not know the .h5."""
    if text.stat().st_mtime_ns <= hdf.stat().st_mtime_ns:
        return False  # the usual writers leave both; whichever comes last, they say the same
    try:
        one, other = (_by_name(table) for table in (frame, read_csv(text)))
    except LabelError:
        return True
    return not (
        list(one.index) == list(other.index)
        and list(one.columns) == list(other.columns)
        and np.allclose(one, other, rtol=0, atol=ROUNDED, equal_nan=True)
    )


def _by_name(frame: pd.DataFrame) -> pd.DataFrame:
    names = [last_part(str(row[-1] if isinstance(row, tuple) else row)) for row in frame.index]
    return frame.set_axis(names, axis=0).sort_index(axis=0).sort_index(axis=1)


def _check_columns(frame: pd.DataFrame, path: Path, scorer: str, bodyparts: Sequence[str]) -> None:
    if frame.columns.nlevels != len(LEVELS):
        raise LabelError(f"{path} holds labels of several animals, expected one; use a single-animal project.")
    if not frame.columns.is_unique:
        raise LabelError(f"{path} holds a column twice, expected each bodypart once; restore it from a copy.")
    scorers, parts, coords = (list(dict.fromkeys(frame.columns.get_level_values(level))) for level in range(3))
    if scorers != [scorer]:
        raise LabelError(
            f"{path} holds labels by {', '.join(map(repr, scorers))}, expected {scorer!r} as in config.yaml; "
            "set `scorer` there to the name in the file."
        )
    remedy = "add them to `bodyparts` there, or rename or remove their columns in the .csv and delete the .h5"
    foreign = foreign_bodyparts(parts, bodyparts, source=str(path), remedy=remedy)
    if foreign:
        raise LabelError(foreign)
    if set(coords) != {"x", "y"}:
        raise LabelError(
            f"{path} has the columns {', '.join(coords)} per bodypart, expected x and y only (likelihood marks "
            "predictions, which are no labels); remove the other columns."
        )


def _check_pairs(xy: Float64[np.ndarray, "F K 2"], names: list[str], bodyparts: Sequence[str], path: Path) -> None:
    half = np.argwhere(np.isnan(xy[..., 0]) != np.isnan(xy[..., 1]))
    if len(half):
        frame, part = half[0]
        raise LabelError(
            f"{path} gives only one of x and y for {bodyparts[part]} in {names[frame]}, expected both or neither; "
            "complete or empty that pair."
        )
