"""Prediction files in DeepLabCut's layout, and which of them lie beside a video."""

import io
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float64

from posecut_core.errors import AnalysisError, ArgumentError, LabelError, Remedy
from posecut_core.poses.predictions import (
    ATTRIBUTE,
    AnalysisOrigin,
    Network,
    Origin,
    Predictions,
    check_source,
    in_words,
    predictions_hash,
    read_origin,
)
from posecut_core.progress import Notice, Report
from posecut_core.project.given import forgiving, given_folder, given_path
from posecut_core.project.paths import Project
from posecut_core.storage.disk import ending_after, fitting_name
from posecut_core.storage.files import atomic_path, open_file
from posecut_core.storage.hdf import open_hdf
from posecut_core.storage.remote import address_of
from posecut_core.storage.tables import KEY, read_array, read_hdf, write_hdf_table

# --- prediction files -------------------------------------------------------------------------------------------------
# Predictions as DeepLabCut-layout .h5 and .csv files: columns scorer, bodyparts, coords (x, y, likelihood).
#
# Rows are frame numbers from 0. Files are written in chunks of rows, so that memory does not grow with a video.


_COORDS = ("x", "y", "likelihood")
_SPREAD = "posecut_spread"  # array beside the table: pixels by which the networks of an ensemble differ
TABLE_ROWS = 20_000  # of a table at once, so that memory does not grow with a video
_LONGEST_ENDING = len("_filtered_labeled.mp4")  # of the files that are derived from predictions
_BEGINNING = 9  # bytes: "scorer", perhaps after a mark


def prediction_path(
    video_path: str | os.PathLike[str], scorer: str, destfolder: str | os.PathLike[str] | None = None
) -> Path:
    """Name the .h5 of a video's predictions: `<video><scorer>.h5` beside the video or in `destfolder`.

    The name of a video that would make it, or a file derived from it, too long for a disk is cut in it.

    Raises:
        ArgumentError: the video lies elsewhere, where nothing can be written, and no folder is given.
    """
    video = Path(video_path)
    if destfolder is None and (address := address_of(video)):
        raise ArgumentError(f"The results of {address} need a folder on this computer; give it as destfolder.")
    return Path(destfolder or video.parent) / fitting_name(video.stem, f"{scorer}.h5", room=_LONGEST_ENDING)


def filtered_path(predictions_path: Path) -> Path:
    """Name the .h5 of filtered predictions, beside those that they were made from."""
    return predictions_path.with_name(f"{predictions_path.stem}_filtered.h5")


def prediction_columns(scorer: str, bodyparts: tuple[str, ...]) -> pd.MultiIndex:
    """Build DeepLabCut's three column levels of predictions."""
    return pd.MultiIndex.from_product([[scorer], bodyparts, _COORDS], names=["scorer", "bodyparts", "coords"])


@forgiving
def write_predictions(
    base_path: str | os.PathLike[str], predictions: Predictions, *, csv: bool = False, origin: Origin | None = None
) -> tuple[Path, ...]:
    """Write `<base_path>` with suffix .h5 and, if wished, .csv; each file is replaced whole or not at all.

    The spread of an ensemble is an array beside the table of the .h5, which stays as DeepLabCut has it.

    Args:
        base_path: path of the .h5; the .csv lies beside it.
        predictions: its arrays may be mapped from disk; they are read in chunks.
        csv: whether to write the .csv as well; one that is there is replaced in any case, as it is of other
            predictions. It comes first: where there is an .h5, the analysis is complete.
        origin: what the predictions came from; the .h5 says so.

    Raises:
        StorageError: the folder cannot be written.
    """
    base = given_path(base_path)
    h5_path = base.with_name(f"{base.stem}.h5")
    arrays = {} if predictions.spread is None else {_SPREAD: predictions.spread}
    return write_table(
        h5_path, lambda: _chunks(predictions), rows=len(predictions.xy), csv=csv, origin=origin, arrays=arrays
    )


def write_table(
    h5_path: Path,
    chunks: Callable[[], Iterator[pd.DataFrame]],
    *,
    rows: int,
    csv: bool = False,
    origin: Origin | None = None,
    arrays: Mapping[str, Float64[np.ndarray, "rows columns"]] | None = None,
) -> tuple[Path, ...]:
    """Write a table of frames as .h5 and, if wished, .csv; each file is replaced whole or not at all.

    Args:
        h5_path: path of the .h5; the .csv lies beside it, and one that is there is replaced in any case.
        chunks: called for its parts, top to bottom.
        rows: how many there are in all.
        csv: whether to write the .csv as well.
        origin: what the table came from; the .h5 says so.
        arrays: what else the .h5 holds beside the table, by name.

    Raises:
        StorageError: the folder cannot be written.
    """
    csv_path = h5_path.with_suffix(".csv")
    csv = csv or csv_path.is_file()
    if csv:
        _write_csv(csv_path, chunks())
    attributes = {ATTRIBUTE: origin.text} if origin else {}
    write_hdf_table(h5_path, chunks, rows=rows, attributes=attributes, arrays=arrays)
    return (h5_path, csv_path) if csv else (h5_path,)


def write_csv(path: Path, predictions: Predictions) -> None:
    """Write predictions as .csv, replaced whole or not at all.

    Raises:
        StorageError: the folder cannot be written.
    """
    _write_csv(path, _chunks(predictions))


def _write_csv(path: Path, chunks: Iterator[pd.DataFrame]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        for place, chunk in enumerate(chunks):
            chunk.to_csv(stream, header=place == 0)


def csv_agrees(path: Path, predictions: Predictions) -> bool:
    """Tell whether a .csv is one of these predictions, by its head, its first row and its last."""
    if not len(predictions.xy):
        return False
    expected = io.StringIO(newline="")
    next(_chunks(predictions)).iloc[:1].to_csv(expected)
    last = _rows(predictions, slice(len(predictions.xy) - 1, None))
    index = [len(predictions.xy) - 1]
    end = pd.DataFrame(last, index=index).to_csv(header=False)
    head = expected.getvalue().encode()
    with open_file(path) as stream:
        found = stream.read(len(head))
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - len(end)))
        return found == head and stream.read() == end.encode()


def read_predictions(path: str | os.PathLike[str]) -> Predictions:
    """Read predictions from an .h5 or, with that suffix, a .csv in DeepLabCut's layout.

    Raises:
        AnalysisError: the file is missing or holds something else.
    """
    path = given_path(path)
    if not path.is_file():
        raise AnalysisError(f"Found no predictions at {path}; analyze the video first.", Remedy("analyze_videos"))
    frame = _read_csv(path) if path.suffix == ".csv" else _read_h5(path)
    levels = frame.columns
    if levels.nlevels != 3 or set(levels.get_level_values(2)) != set(_COORDS):
        raise AnalysisError(
            f"{path} is not a table of predictions with columns scorer, bodyparts and x, y, likelihood; "
            "choose a file that an analysis wrote for one animal."
        )
    scorer = str(levels.get_level_values(0)[0])
    bodyparts = tuple(str(part) for part in levels.get_level_values(1).unique())
    ordered = frame.reindex(columns=prediction_columns(scorer, bodyparts))
    rows = ordered.to_numpy(dtype=np.float64).reshape(len(frame), len(bodyparts), len(_COORDS))
    spread = None if path.suffix == ".csv" else _read_spread(path, rows.shape[:2])
    return Predictions(scorer, bodyparts, rows[..., :2], rows[..., 2], spread)


def count_rows(path: Path) -> int:
    """Count the frames of an .h5 of predictions without reading them.

    Raises:
        AnalysisError: the file holds something else.
    """
    try:
        with open_hdf(path) as file:
            return len(file[KEY]["table"])
    except (OSError, KeyError, TypeError, ValueError, AttributeError, RuntimeError, MemoryError):
        return len(read_predictions(path).xy)


def _read_h5(path: Path) -> pd.DataFrame:
    try:
        return read_hdf(path)
    except LabelError as error:
        raise _unreadable(path) from error


def _read_spread(path: Path, shape: tuple[int, ...]) -> Float64[np.ndarray, "T K"] | None:
    try:
        spread = read_array(path, _SPREAD)
    except LabelError as error:
        raise _unreadable(path) from error
    if spread is not None and spread.shape != shape:
        raise _unreadable(path)
    return spread


def _unreadable(path: Path) -> AnalysisError:
    return AnalysisError(
        f"{path} is not a readable .h5 of predictions; delete it and analyze the video again.",
        Remedy("analyze_videos"),
    )


def _read_csv(path: Path) -> pd.DataFrame:
    with suppress(OSError, ValueError, TypeError, IndexError, OverflowError), open_file(path) as stream:
        if not stream.peek(_BEGINNING)[:_BEGINNING].removeprefix(b"\xef\xbb\xbf").startswith(b"scorer"):
            raise ValueError
        # As text first: pandas' own parser of numbers is not exact in every version.
        return pd.read_csv(stream, header=[0, 1, 2], index_col=0, dtype=str).astype(np.float64)
    raise AnalysisError(
        f"{path} is not a readable .csv of predictions; delete it and analyze the video again.",
        Remedy("analyze_videos"),
    )


def _chunks(predictions: Predictions) -> Iterator[pd.DataFrame]:
    columns = prediction_columns(predictions.scorer, predictions.bodyparts)
    for start in range(0, max(len(predictions.xy), 1), TABLE_ROWS):
        rows = _rows(predictions, slice(start, start + TABLE_ROWS))
        yield pd.DataFrame(rows, columns=columns, index=np.arange(start, start + len(rows)))


def _rows(predictions: Predictions, part: slice) -> Float64[np.ndarray, "B columns"]:
    triples = np.concatenate([predictions.xy[part], predictions.likelihood[part][..., None]], axis=-1)
    return triples.reshape(len(triples), -1)


# --- found predictions ------------------------------------------------------------------------------------------------
# Which networks have analyzed a video: told by the names of the files beside it, without opening any.


_FILTERED = "_filtered"
NETWORKS = ("PoseCut_", "DLC_", "DeepCut_")  # how the scorers of networks begin, ours and DeepLabCut's


@dataclass(frozen=True)
class FoundPredictions:
    """One file with the predictions of a video."""

    video: Path
    table: Path  # the .h5
    scorer: str  # the network
    filtered: bool


def _tables(folder: Path) -> list[Path]:
    """List the .h5 files of a folder; none of one that is missing or may not be read."""
    try:
        return [entry for entry in folder.iterdir() if entry.suffix == ".h5"]
    except OSError:
        return []


def find_predictions(
    video: str | os.PathLike[str], folder: str | os.PathLike[str] | None = None
) -> tuple[FoundPredictions, ...]:
    """List the predictions of a video by any network, the newest files first.

    Args:
        video: the video's file, which need not exist.
        folder: where to look; by default beside the video, and beside what a link to one leads to.
    """
    path = Path(video)
    places = [Path(folder)] if folder else dict.fromkeys((path.parent, path.resolve().parent))
    try:
        named = [entry for place in places for entry in _tables(place)]
        dated = sorted((-entry.stat().st_mtime, entry) for entry in named if ending_after(path.stem, entry.stem))
    except OSError:  # one has gone meanwhile
        return ()
    names = [(entry, ending_after(path.stem, entry.stem) or "") for _, entry in dated]
    return tuple(
        FoundPredictions(path, entry, name.removesuffix(_FILTERED), name.endswith(_FILTERED))
        for entry, name in names
        if name.startswith(NETWORKS) and not name.endswith(("_skeleton", "_3d"))
    )


@dataclass(frozen=True)
class FoundTable:
    """Predictions that belong to a video and a network, as far as they say."""

    path: Path  # the .h5
    predictions: Predictions
    origin: Origin | None  # of the predictions, or of the filtered ones

    @property
    def derived(self) -> Origin:
        """The origin of what is made of these predictions, but for the settings."""
        return Origin(self.origin.analysis if self.origin else None, predictions_hash(self.predictions))


def existing_predictions(
    project: Project,
    video: Path,
    network: Network,
    destfolder: str | os.PathLike[str] | None,
    *,
    filtered: bool = False,
    report: Report,
) -> FoundTable:
    """Read a video's predictions by a network, or the filtered ones, and check that they came from both.

    Those that do not say what they came from are taken at their name, and `report` is notified.

    Raises:
        AnalysisError: the video has not been analyzed by this network, or its predictions not filtered; or what is
            there came from another network or video of the name, or was filtered from other predictions.
    """
    folder = None if destfolder is None else given_folder(destfolder)
    for place in (video,) if folder else (video, video.resolve()):  # analyzed before the project had a link to it
        ours, named = (prediction_path(place, scorer, folder) for scorer in (network.scorer, network.dlc_scorer))
        path = named if not ours.is_file() and read_origin(named) else ours  # DeepLabCut's own say nothing
        if path.is_file():
            break
    else:
        raise AnalysisError(
            f"Found no predictions of {video.name} by {network.scorer}, expected "
            f"{prediction_path(video, network.scorer, folder)}; analyze the video first, or give the folder, shuffle "
            "and snapshot of its analysis.",
            Remedy("analyze_videos", config=project.root, videos=[video]),
        )
    origin = read_origin(path)
    if origin is None or origin.analysis is None:
        told = "does not say which network and video it came from, so it was written by PoseCut 0.1 or another program"
        report(Notice(f"{path.name} {told}; its file name is trusted"))
    else:
        _check_analysis(project, video, network, path, origin.analysis, report)
    found = FoundTable(path, read_predictions(path), origin)
    if not filtered:
        return found
    ours, named = filtered_path(ours), filtered_path(named)
    return _existing_filtered(video, found, named if not ours.is_file() and read_origin(named) else ours)


def _check_analysis(
    project: Project, video: Path, network: Network, path: Path, found: AnalysisOrigin, report: Report
) -> None:
    check_source(path, found, video, network.sha256)
    crop = project.config.crop
    if crop is not None and found.window != (crop.x1, crop.x2, crop.y1, crop.y2):
        told = f"{video.name} was analyzed with the crop {in_words(found.window)}, not that of config.yaml"
        report(Notice(told))


def _existing_filtered(video: Path, unfiltered: FoundTable, path: Path) -> FoundTable:
    if not path.is_file():
        raise AnalysisError(
            f"Found no filtered predictions of {video.name}, expected {path}; filter them first.",
            Remedy("filterpredictions", videos=[video]),
        )
    found = FoundTable(path, read_predictions(path), read_origin(path))
    if found.origin is not None and found.origin.predictions:
        fits = found.origin.predictions == predictions_hash(unfiltered.predictions)
    else:  # filters leave likelihoods as they are
        fits = np.array_equal(found.predictions.likelihood, unfiltered.predictions.likelihood, equal_nan=True)
    if not fits:
        raise AnalysisError(
            f"The filtered predictions of {video.name} in {path} are out of date: the predictions have changed; run "
            "filterpredictions again."
        )
    return found


def check_replaceable(path: Path) -> None:
    """Refuse to write over results of DeepLabCut, whose names ours may have.

    Raises:
        AnalysisError: there is a file that PoseCut did not write.
    """
    if path.is_file() and read_origin(path) is None:
        raise AnalysisError(
            f"{path} exists already, and PoseCut did not write it; move it away, or give another folder for results."
        )
