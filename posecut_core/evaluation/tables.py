"""Evaluation results on disk: csv tables that grow by a row per evaluation, and what they say of past ones."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float64

from posecut_core.errors import ModelError
from posecut_core.evaluation.errors import MeanErrors
from posecut_core.evaluation.reliability import Calibration
from posecut_core.formats.deeplabcut.frames import image_names
from posecut_core.labels.agreement import Agreement, read_agreement
from posecut_core.labels.state import Position
from posecut_core.poses.files import prediction_columns
from posecut_core.poses.predictions import ATTRIBUTE, Origin
from posecut_core.progress import Report, silent
from posecut_core.project.paths import RESULTS, EvaluationFiles, Project
from posecut_core.storage.locks import PATIENCE, sole_writer
from posecut_core.storage.tables import own_rows, read_hdf, read_rows, write_hdf, write_rows
from posecut_core.types import FrameRef

# --- evaluation files -------------------------------------------------------------------------------------------------
# Evaluation results on disk: csv tables that grow by a row per evaluation, and predictions of labeled frames.


# DeepLabCut's column names, leading blanks included, so that scripts that read its tables read these.
_ITERATIONS, _PERCENT, _SHUFFLE, _PCUTOFF = (
    "Training iterations:",
    "%Training dataset",
    "Shuffle number",
    "p-cutoff used",
)
_TRAIN, _TEST = " Train error(px)", " Test error(px)"
_TRAIN_LIKELY, _TEST_LIKELY = "Train error with p-cutoff", "Test error with p-cutoff"
_VALIDATION = "Validation error(px)"  # of ours, and so behind DeepLabCut's
_BODYPARTS = "Bodyparts"
_CALIBRATION, _SUGGESTED = "Expected calibration error", "Suggested p-cutoff"
_NETWORKS = "Networks"  # of an ensemble; empty for one, as it is in tables of PoseCut 0.1
_NETWORK = "Network"  # hash of its snapshot, which tells it from others of its name; tables of PoseCut 0.1 lack it
_COLUMNS = (
    *(_ITERATIONS, _PERCENT, _SHUFFLE, _TRAIN, _TEST, _PCUTOFF, _TRAIN_LIKELY, _TEST_LIKELY, _BODYPARTS),
    *(_CALIBRATION, _SUGGESTED, _NETWORK, _VALIDATION, _NETWORKS),
)
_FRAME_COLUMNS = ("video", "frame", "set", "mean error(px)")
_KEY_COLUMNS = (_ITERATIONS, _PERCENT, _SHUFFLE, _PCUTOFF, _BODYPARTS)  # that every table of ours has


@dataclass(frozen=True)
class ResultRow:
    """What a table of results says of one evaluation; errors are pixels, NaN where there was nothing to measure."""

    step: int
    percent: int
    shuffle: int
    pcutoff: float
    bodyparts: str  # "all", or their names
    train: float
    test: float
    train_pcutoff: float
    test_pcutoff: float
    calibration_error: float
    suggested_pcutoff: float
    network: str = ""  # hash of its snapshot; nothing where the table does not say
    validation: float = float("nan")
    networks: int = 1  # more than one: an ensemble


@dataclass(frozen=True)
class FrameError:
    """Mean error of one labeled frame in pixels."""

    video: str
    number: int
    is_train: bool
    error: float
    validates: bool = False  # held out of the training frames

    @property
    def side(self) -> str:
        """Say on which side of the split it is: "train", "validation" or "test"."""
        return "validation" if self.validates else "train" if self.is_train else "test"


@dataclass(frozen=True)
class StepErrors:
    """Mean errors of one snapshot in pixels; NaN where there was nothing to measure."""

    step: int
    train: float
    test: float


def result_row(
    errors: MeanErrors,
    calibration: Calibration,
    *,
    step: int,
    percent: int,
    shuffle: int,
    pcutoff: int | float,
    bodyparts: tuple[str, ...] | None,
    network: str = "",
    networks: int = 1,
) -> dict[str, str]:
    """Make the row of a snapshot, or of several networks, of hash `network`; `bodyparts` None stands for all."""
    return {
        _ITERATIONS: str(step),
        _PERCENT: str(percent),
        _SHUFFLE: str(shuffle),
        _PCUTOFF: f"{pcutoff:g}",
        _BODYPARTS: "all" if bodyparts is None else " ".join(bodyparts),
        **_error_cells(errors),
        _CALIBRATION: _cell(calibration.expected_error),
        _SUGGESTED: _cell(calibration.suggested_pcutoff),
        _NETWORK: network,
        _NETWORKS: "" if networks == 1 else str(networks),
    }


def put_row(path: Path, row: Mapping[str, str], *, report: Report = silent) -> None:
    """Add a row to a table of results, in place of an earlier one of the same snapshot, pcutoff and bodyparts.

    A table that another program saved otherwise is kept under another name, and reported. Evaluations that end
    at once add their rows one after the other.

    Raises:
        StorageError: the folder cannot be written, or another program keeps the table.
    """
    with sole_writer(path, doing=f"{path.name} is being written", patience=PATIENCE):
        before = own_rows(path, _KEY_COLUMNS, report=report)
        rows = [old for old in before if not _is_alike(old, row, _KEY_COLUMNS)]
        write_rows(path, _COLUMNS, [*rows, row])


def read_results(path: Path) -> tuple[ResultRow, ...]:
    """Read a table of results, the newest row last; rows that another program wrote otherwise are left out."""
    rows = (_result(row) for row in read_rows(path))
    return tuple(row for row in rows if row is not None)


def errors_by_step(
    path: Path, like: Mapping[str, str], *, networks: Mapping[int, str] | None = None
) -> tuple[StepErrors, ...]:
    """Read the errors of all snapshots whose rows differ from the row `like` in nothing but step and results.

    They come in the order of their steps; rows that another program wrote otherwise are left out, and so are those of
    a snapshot that has been replaced since: `networks` has the hashes of those that are there, by step.
    """
    rows = [row for row in read_rows(path) if _is_alike(row, like, _KEY_COLUMNS[1:])]
    results = (_result(row) for row in rows)
    found = [
        StepErrors(result.step, result.train, result.test)
        for result in results
        if result is not None and is_present(result, (networks or {}).get(result.step, ""))
    ]
    return tuple(sorted(found, key=lambda entry: entry.step))


def _is_alike(row: Mapping[str, str], other: Mapping[str, str], columns: Sequence[str]) -> bool:
    return all((row.get(key) or "") == (other.get(key) or "") for key in (*columns, _NETWORKS))


def is_present(row: ResultRow, network: str) -> bool:
    """Tell whether a row is of the network that is there, by their hashes; true where either is not known."""
    return "" in (row.network, network) or row.network == network


def write_bodypart_errors(path: Path, bodyparts: tuple[str, ...], errors: tuple[MeanErrors, ...]) -> None:
    """Replace a table of errors by one with a row per bodypart.

    Raises:
        StorageError: the folder cannot be written.
    """
    columns = ("bodypart", _TRAIN, _TEST, _TRAIN_LIKELY, _TEST_LIKELY, "Train labels", "Test labels", _VALIDATION)
    rows = [
        {
            "bodypart": part,
            **_error_cells(error),
            "Train labels": str(error.train_pairs),
            "Test labels": str(error.test_pairs),
        }
        for part, error in zip(bodyparts, errors, strict=True)
    ]
    write_rows(path, columns, rows)


def _read_bodypart_errors(path: Path) -> dict[str, MeanErrors]:
    """Read what `write_bodypart_errors` wrote; rows that another program wrote otherwise are left out."""
    found = {}
    for row in read_rows(path):
        with contextlib.suppress(KeyError, TypeError, ValueError):
            found[row["bodypart"]] = MeanErrors(
                train=_value(row[_TRAIN]),
                test=_value(row[_TEST]),
                train_pcutoff=_value(row[_TRAIN_LIKELY]),
                test_pcutoff=_value(row[_TEST_LIKELY]),
                train_pairs=int(row["Train labels"]),
                test_pairs=int(row["Test labels"]),
            )
    return found


def write_frame_errors(path: Path, errors: Sequence[FrameError]) -> None:
    """Replace a table of the labeled frames' mean errors, the greatest first; `_read_frame_errors` is the inverse.

    Raises:
        StorageError: the folder cannot be written.
    """
    rows = [
        (error.video, str(error.number), error.side, _cell(error.error))
        for error in sorted(errors, key=lambda error: -error.error)
    ]
    write_rows(path, _FRAME_COLUMNS, [dict(zip(_FRAME_COLUMNS, row, strict=True)) for row in rows])


def _read_frame_errors(path: Path) -> tuple[FrameError, ...]:
    """Read the labeled frames' mean errors; rows that another program wrote otherwise are left out."""
    found = []
    for row in read_rows(path):
        with contextlib.suppress(KeyError, TypeError, ValueError):
            video, number, side, error = (row[name] for name in _FRAME_COLUMNS)
            found.append(FrameError(video, int(number), side == "train", float(error), side == "validation"))
    return tuple(found)


def write_reliability(path: Path, calibration: Calibration) -> None:
    """Replace a table of how often predictions are right by one with a row per range of likelihoods.

    Raises:
        StorageError: the folder cannot be written.
    """
    columns = ("likelihood from", "to", "points", "mean likelihood", "share right")
    cells = [
        (f"{entry.low:g}", f"{entry.high:g}", str(entry.points), _cell(entry.likelihood), _cell(entry.share_right))
        for entry in calibration.bins
    ]
    write_rows(path, columns, [dict(zip(columns, row, strict=True)) for row in cells])


def write_frame_predictions(
    path: Path,
    rows: list[tuple[str, str, str]],
    xy: Float64[np.ndarray, "F K 2"],
    likelihood: Float64[np.ndarray, "F K"],
    *,
    scorer: str,
    bodyparts: tuple[str, ...],
    network: str = "",
) -> None:
    """Write predictions of labeled frames under the row names of the labels: "labeled-data", video, image.

    The file says of which network they are, by the hash of its snapshot.

    Raises:
        StorageError: the folder cannot be written.
    """
    values = np.concatenate([xy, likelihood[..., None]], axis=-1).reshape(len(rows), -1)
    columns = prediction_columns(scorer, bodyparts)
    attributes = {ATTRIBUTE: Origin(None, settings={"scorer": scorer, "network": network}).text}
    write_hdf(path, pd.DataFrame(values, index=pd.MultiIndex.from_tuples(rows), columns=columns), attributes=attributes)


def _error_cells(errors: MeanErrors) -> dict[str, str]:
    cells = {
        _TRAIN: errors.train,
        _TEST: errors.test,
        _TRAIN_LIKELY: errors.train_pcutoff,
        _TEST_LIKELY: errors.test_pcutoff,
        _VALIDATION: errors.validation,
    }
    return {name: _cell(value) for name, value in cells.items()}


def _result(row: Mapping[str, str]) -> ResultRow | None:
    try:
        return ResultRow(
            step=int(row[_ITERATIONS]),
            percent=int(row[_PERCENT]),
            shuffle=int(row[_SHUFFLE]),
            pcutoff=float(row[_PCUTOFF]),
            bodyparts=row[_BODYPARTS],
            train=_value(row[_TRAIN]),
            test=_value(row[_TEST]),
            train_pcutoff=_value(row[_TRAIN_LIKELY]),
            test_pcutoff=_value(row[_TEST_LIKELY]),
            calibration_error=_value(row[_CALIBRATION]),
            suggested_pcutoff=_value(row[_SUGGESTED]),
            network=row.get(_NETWORK) or "",
            validation=_value(row.get(_VALIDATION, "")),
            networks=int(row.get(_NETWORKS) or 1),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _value(cell: str) -> float:
    return float(cell or "nan")


def _cell(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.4f}"


# --- past evaluation --------------------------------------------------------------------------------------------------
# The evaluation that a project holds already, read from its tables; no network is looked at, and JAX is not needed.


_OTHERS = ("-keypoint-results.csv", "-frame-results.csv")


@dataclass(frozen=True)
class PastEvaluation:
    """What is known of an evaluated network."""

    scorer: str
    row: ResultRow
    bodyparts: dict[str, MeanErrors]
    frames: tuple[FrameError, ...]  # the worst first
    report: Path  # .html; of the snapshot that was evaluated last
    is_present: bool = True  # False: of an earlier network of that name, which was trained again since
    people: Mapping[str, Agreement] = field(default_factory=dict)  # how far two people's labels lie apart, by bodypart


def newest_evaluation(project: Project) -> PastEvaluation | None:
    """Read the evaluation of the present iteration that was written last; None where there is none."""
    tables = [path for path in project.evaluation_results.glob(f"*/*{RESULTS}") if not path.name.endswith(_OTHERS)]
    for table in sorted(tables, key=_written, reverse=True):
        files, rows = EvaluationFiles(table.parent, table.name.removesuffix(RESULTS)), read_results(table)
        if rows:
            return PastEvaluation(
                scorer=files.scorer,
                row=rows[-1],
                bodyparts=_read_bodypart_errors(files.bodyparts),
                frames=_read_frame_errors(files.frames),
                report=files.report,
                is_present=is_present(rows[-1], _network(project, rows[-1])),
                people=read_agreement(project.label_agreement),
            )
    return None


def _network(project: Project, row: ResultRow) -> str:
    """Return the hash of the snapshot that a row names; nothing where there is none any more."""
    index = project.trainingsetindex(row.percent)
    if index is None:
        return ""
    with contextlib.suppress(OSError, ModelError):
        return project.training(row.shuffle, index).sha256(row.step, ensemble=row.networks > 1)
    return ""


def frame_predictions(project: Project, found: PastEvaluation) -> dict[FrameRef, dict[str, Position]]:
    """Read where an evaluated network sees the bodyparts of each labeled frame: name -> x, y in pixels.

    Raises:
        LabelError: the table of its predictions is missing or damaged.
    """
    table = read_hdf(EvaluationFiles(found.report.parent, found.scorer).predictions)
    parts = tuple(str(part) for part in table.columns.get_level_values(1).unique())
    ordered = table.reindex(columns=prediction_columns(found.scorer, parts))
    poses = ordered.to_numpy(dtype=np.float64).reshape(len(table), len(parts), 3)
    rows = {tuple(map(str, row[-2:])): place for place, row in enumerate(table.index)}
    predicted = {}
    for video in dict.fromkeys(frame.video for frame in found.frames):
        numbers = [frame.number for frame in found.frames if frame.video == video]
        for number, name in image_names(project, video, numbers).items():
            place = rows.get((video, name))
            pose = [] if place is None else zip(parts, poses[place].tolist(), strict=True)
            predicted[FrameRef(video, number)] = {part: (x, y) for part, (x, y, _) in pose if x == x}
    return predicted


def _written(path: Path) -> float:
    return path.stat().st_mtime
