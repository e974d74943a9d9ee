"""Tables of candidates as .csv: frame, reason, score and the bodyparts concerned, one line per frame and reason."""

import csv
import math
from pathlib import Path

from posecut_core.errors import AnalysisError
from posecut_core.project.atomic import atomic_path
from posecut_core.refinement.candidates import Candidate

_COLUMNS = ("frame", "reason", "score", "bodyparts")
_BETWEEN = ";"


def candidates_path(predictions_path: Path) -> Path:
    """Name the table of a video's candidates, beside its predictions."""
    return predictions_path.with_name(f"{predictions_path.stem}_outliers.csv")


def write_candidates(path: Path, candidates: tuple[Candidate, ...]) -> None:
    """Replace a table of candidates, whole or not at all.

    Raises:
        StorageError: the folder cannot be written.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for one in candidates:
            score = "" if math.isnan(one.score) else repr(one.score)
            writer.writerow((one.number, one.reason, score, _BETWEEN.join(one.bodyparts)))


def put_candidates(path: Path, candidates: tuple[Candidate, ...], *, reason: str) -> None:
    """Replace the candidates of one reason in a table, which is begun if there is none; those of others stay.

    Args:
        path: the table.
        candidates: all of this reason.
        reason: what the heuristic is called.

    Raises:
        AnalysisError: the file holds something else.
        StorageError: the folder cannot be written.
    """
    others = [one for one in read_candidates(path) if one.reason != reason] if path.exists() else []
    write_candidates(path, tuple(sorted((*others, *candidates), key=lambda one: (one.number, one.reason))))


def read_candidates(path: Path) -> tuple[Candidate, ...]:
    """Read a table of candidates.

    Raises:
        AnalysisError: the file is missing or holds something else.
    """
    if not path.is_file():
        raise AnalysisError(f"Found no table of candidates at {path}; run extract_outlier_frames first.")
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))
        if not rows or tuple(rows[0]) != _COLUMNS:
            raise ValueError
        return tuple(_candidate(*row) for row in rows[1:])
    except (ValueError, TypeError, csv.Error) as error:
        raise AnalysisError(
            f"{path} is no table of {', '.join(_COLUMNS)}; delete it and run extract_outlier_frames again."
        ) from error


def _candidate(number: str, reason: str, score: str, bodyparts: str) -> Candidate:
    names = tuple(bodyparts.split(_BETWEEN)) if bodyparts else ()
    return Candidate(int(number), reason, float(score) if score else math.nan, names)
