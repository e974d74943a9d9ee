"""CollectedData_<scorer>.h5 and .csv: the labels of one video as DeepLabCut keeps them.

Positions here are in pixels of the stored images; `labels/exchange.py` turns them into pixels of the full frame.
"""

import contextlib
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Float64

from posecut_core.errors import LabelError
from posecut_core.labels.csv_tables import LEVELS, SEVERAL, filled_columns, read_csv, write_csv
from posecut_core.labels.image_names import is_image, numbers_of
from posecut_core.labels.pandas_tables import read_hdf, write_hdf
from posecut_core.progress import Progress, Report, silent
from posecut_core.project.bodyparts import foreign_bodyparts
from posecut_core.project.given_files import same_name

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
    frame = _checked_columns(frame, path, scorer, bodyparts, report)
    frame = own_rows(frame, path, report)
    names = list(frame.index)
    _check_names(names, path)
    wanted = pd.MultiIndex.from_product([list(bodyparts), ["x", "y"]])
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
        path, frame = _read_either(folder, scorer, silent)
        own = None if frame is None else own_rows(frame, path, silent)
    except LabelError:
        return {}
    rows = [] if own is None else zip(own.index, own.to_numpy(dtype=np.float64), strict=True)
    return {name: row for name, row in rows if is_image(name)}


def same_labels(one: Float64[np.ndarray, " _"], other: Float64[np.ndarray, " _"]) -> bool:
    """Tell whether two rows say the same, as far as programs and spreadsheets round."""
    return np.allclose(one, other, rtol=0, atol=ROUNDED, equal_nan=True)


def foreign_rows(folder: Path, scorer: str) -> tuple[Path, ...]:
    """Return the files of a folder that also hold labels of other folders; those are lost where one is replaced."""
    found = []
    for path in (_path(folder, scorer, suffix) for suffix in (".h5", ".csv")):
        with contextlib.suppress(LabelError):
            if path.exists() and any(other is not None for other, _ in _placed(_read_one(path)[1], folder)):
                found.append(path)
    return tuple(found)


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
            raise LabelError(
                f"{path} labels {pair}, and differently, in rows {known + 1} and {row + 1} of its images; remove the "
                f"row that is wrong{_there(path)}."
            )
        found[numbers[name]] = row
    return dict(sorted(found.items()))


def _there(path: Path) -> str:
    """Say where a table can be corrected: a person edits text, and a .h5 that is left would be read instead."""
    if path.suffix == ".csv":
        return ""
    text = path.with_suffix(".csv")
    if text.exists():
        return f" (in {text.name} beside it, which is read once the .h5 is gone: move that elsewhere)"
    return f" (save the table as {text.name} in DeepLabCut's layout, and move the .h5 elsewhere)"


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
        one, other = (_by_name(table, text) for table in (frame, read_csv(text)))
    except LabelError:
        return True
    return not (
        list(one.index) == list(other.index)
        and list(one.columns) == list(other.columns)
        and np.allclose(one, other, rtol=0, atol=ROUNDED, equal_nan=True)
    )


def _by_name(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return what a table says of its own folder's images, whatever the names of its rows and columns look like."""
    named = frame.set_axis(pd.MultiIndex.from_tuples(_named(frame, path)[1]), axis=1)
    return own_rows(named, path, silent).sort_index(axis=0).sort_index(axis=1)


def _named(frame: pd.DataFrame, path: Path) -> tuple[list[str], list[tuple[str, ...]]]:
    """Return the scorers of a table, and its columns by bodypart and coordinate.

    Raises:
        LabelError: there are several animals; a single one may have a name or a placeholder for one.
    """
    columns = filled_columns([tuple(map(str, column)) for column in frame.columns])
    animals = dict.fromkeys(column[1] for column in columns if len(column) == len(SEVERAL) and column[1])
    if len(animals) > 1:
        raise LabelError(
            f"{path} holds labels of several individuals ({', '.join(animals)}), expected one animal; use a "
            f"single-animal project, or keep the columns of one individual{_there(path)}."
        )
    return list(dict.fromkeys(column[0] for column in columns if column[0])), [column[-2:] for column in columns]


def _checked_columns(
    frame: pd.DataFrame, path: Path, scorer: str, bodyparts: Sequence[str], report: Report
) -> pd.DataFrame:
    """Return a table with columns by bodypart and coordinate, all of which the project knows.

    Raises:
        LabelError: they do not fit the project.
    """
    scorers, columns = _named(frame, path)
    if len(scorers) > 1:
        raise LabelError(
            f"{path} holds labels by {', '.join(map(repr, scorers))}, expected one scorer, {scorer!r} as in "
            f"config.yaml; keep the columns of one{_there(path)}."
        )
    if scorers not in ([scorer], []):
        report(
            Progress(
                f"{path} has the scorer {scorers[0]!r} in its columns; taken as {scorer!r}, as its name says", 0, 0
            )
        )
    remedy = f"add them to `bodyparts` there, or rename or remove their columns{_there(path)}"
    parts = dict.fromkeys(part for part, _ in columns)
    foreign = foreign_bodyparts(parts, bodyparts, source=str(path), remedy=remedy)
    if foreign:
        raise LabelError(foreign)
    _check_coordinates(columns, path)
    return frame.set_axis(pd.MultiIndex.from_tuples(columns), axis=1)


def _check_coordinates(columns: list[tuple[str, ...]], path: Path) -> None:
    """Make sure that each bodypart has one x and one y.

    Raises:
        LabelError: one has not.
    """
    coords = list(dict.fromkeys(coord for _, coord in columns))
    if not set(coords) <= {"x", "y"}:
        raise LabelError(
            f"{path} has the columns {', '.join(coords)} per bodypart, expected x and y only (likelihood marks "
            f"predictions, which are no labels); remove the other columns{_there(path)}."
        )
    for part in dict.fromkeys(part for part, _ in columns):
        found = [coord for name, coord in columns if name == part]
        if sorted(found) != ["x", "y"]:
            twice = "a column twice" if len(found) != len(set(found)) else f"only the column {found[0]}"
            raise LabelError(
                f"{path} holds {twice} for {part}, expected x and y of each bodypart once; correct its header, or "
                "restore it from a copy."
            )


def own_rows(frame: pd.DataFrame, path: Path, report: Report) -> pd.DataFrame:
    """Return the rows of a table that are of its own folder's images, by the images' names.

    A row belongs to the folder that it names. One name alone, of a folder that is not there, is what the folder was
    called before.

    Raises:
        LabelError: rows name folders that are not there, or a folder's labels are in this table only.
    """
    folder, placed = path.parent, _placed(frame, path.parent)
    others = Counter(other for other, _ in placed if other is not None)
    images = [image for _, image in placed]
    if len(others) == 1 and others.total() == len(placed) and not os.path.isdir(folder.parent / next(iter(others))):
        told = f"{path} names its folder {next(iter(others))!r}; taken as what {folder.name!r} was called before"
        report(Progress(told, 0, 0))
        return frame.set_axis(images, axis=0)
    _check_others(path, others, alone=others.total() == len(placed))
    if others:
        listed = ", ".join(f"{count} of {name!r}" for name, count in others.items())
        report(Progress(f"{path} also holds rows of other folders ({listed}), where their own labels are read", 0, 0))
    own = [row for row, (other, _) in enumerate(placed) if other is None]
    return frame.iloc[own].set_axis([images[row] for row in own], axis=0)


def _check_others(path: Path, others: Mapping[str, int], *, alone: bool) -> None:
    """Make sure that rows of other folders are rows of folders that have labels of their own.

    Raises:
        LabelError: they are not, or a table holds rows of one other folder only.
    """
    folder, listed = path.parent, ", ".join(map(repr, others))
    absent = [name for name in others if not os.path.isdir(folder.parent / name)]
    if absent:
        raise LabelError(
            f"{path} holds rows of {', '.join(map(repr, absent))}, which {'is' if len(absent) == 1 else 'are'} no "
            f"folder in {folder.parent}, beside others, expected rows of {folder.name!r}; remove these rows, or write "
            f"the name of the folder there that has their images{_there(path)}."
        )
    if alone and len(others) == 1:
        raise LabelError(
            f"{path} holds rows of {listed} only, expected rows of {folder.name!r}: it seems to be the other folder's; "
            f"remove it, or, if its labels are of images in {folder.name!r}, write that name into its rows"
            f"{_there(path)}."
        )
    bare = [name for name in others if not _has_labels(folder.parent / name)]
    if bare:
        raise LabelError(
            f"{path} holds rows of {', '.join(map(repr, bare))}, expected rows of {folder.name!r} or copies of what "
            f"other folders hold; copy {path.name} to {', '.join(str(folder.parent / name) for name in bare)} too: "
            "each folder takes its own rows."
        )


def _has_labels(folder: Path) -> bool:
    return any(next(folder.glob(pattern), None) for pattern in ("CollectedData_*", "labels.jsonl"))


def _placed(frame: pd.DataFrame, folder: Path) -> list[tuple[str | None, str]]:
    """Return folder and image's name of each row; None for the folder itself."""
    found = []
    for row in frame.index:
        levels = row if isinstance(row, tuple) else (row,)
        *before, image = [
            part for part in re.split(r"[\\/]+", "/".join(map(str, levels))) if part not in ("", ".")
        ] or [""]
        if "labeled-data" in before:
            last = len(before) - before[::-1].index("labeled-data")
            named = before[last : last + 1]
        else:
            named = [] if folder.name in before else before[-1:]
        found.append((named[0] if named and not _is_folder(named[0], folder) else None, image))
    return found


def _is_folder(name: str, folder: Path) -> bool:
    """Tell whether a row's name means a folder, also after it was copied between systems or read as a number."""
    if name == folder.name or (same_name(name, folder.name) and not os.path.isdir(folder.parent / name)):
        return True
    numeric = all(
        re.fullmatch(r"\d+(\.\d+)?(e\+?\d+)?", text, re.ASCII | re.IGNORECASE) for text in (name, folder.name)
    )
    return numeric and float(name) == float(folder.name) and not os.path.isdir(folder.parent / name)


def _check_pairs(xy: Float64[np.ndarray, "F K 2"], names: list[str], bodyparts: Sequence[str], path: Path) -> None:
    half = np.argwhere(np.isnan(xy[..., 0]) != np.isnan(xy[..., 1]))
    if len(half):
        frame, part = half[0]
        raise LabelError(
            f"{path} gives only one of x and y for {bodyparts[part]} in {names[frame]}, expected both or neither; "
            "complete or empty that pair."
        )
