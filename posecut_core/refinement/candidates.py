"""Candidate frames, in which predictions look wrong, and the csv tables that list them."""

import csv
import dataclasses
import io
import math
import os
from collections import Counter
from collections.abc import Collection, Hashable, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from jaxtyping import Bool, Float64
from pydantic import ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from posecut_core.errors import AnalysisError, ArgumentError
from posecut_core.steps import limits_of
from posecut_core.storage.files import atomic_path, read_text
from posecut_core.storage.values import faults
from posecut_core.types import OutlierAlgorithm

# --- criteria ---------------------------------------------------------------------------------------------------------
# What makes a frame a candidate: the heuristic and its numbers, under the paper's names.


CHOSEN_BY_HAND = ("list", "manual")


def _limited(parameter: str) -> Any:
    least, most = limits_of(parameter)
    return Field(ge=least, le=most)


@dataclass(frozen=True, config=ConfigDict(allow_inf_nan=False))
class Criteria:
    """How frames are judged (paper, step J); what each number means is said by `extract_outlier_frames`."""

    outlieralgorithm: OutlierAlgorithm = "jump"
    epsilon: Annotated[float, _limited("epsilon")] = 20.0
    p_bound: Annotated[float, _limited("p_bound")] = 0.01
    ARdegree: Annotated[int, _limited("ARdegree")] = 3
    MAdegree: Annotated[int, _limited("MAdegree")] = 1
    alpha: Annotated[float, _limited("alpha"), Field(gt=0)] = 0.01


def criteria_from(**values: Any) -> Criteria:
    """Make criteria; numbers may be text, as somebody types them.

    Raises:
        ArgumentError: an algorithm is unknown or a number is out of range.
    """
    try:
        return Criteria(**values)
    except ValidationError as error:
        wrong = "; ".join(fault.words for fault in faults(error, values, Criteria))
        raise ArgumentError(f"{wrong}.") from error


# --- candidates -------------------------------------------------------------------------------------------------------
# Candidates: frames in which predictions look wrong, each with its reason, its score and the bodyparts concerned.


@dataclasses.dataclass(frozen=True)
class Candidate:
    """One frame that a person should look at."""

    number: int  # frame number in the video
    reason: str  # uncertain, jump, fitting, pca, disagreement, spread, reprojection, list or manual
    score: float  # as its reason counts: a likelihood for uncertain, pixels for the others; NaN where a person chose
    bodyparts: tuple[str, ...]  # those that gave the reason


def candidates_at(
    scores: Float64[np.ndarray, " T"],
    concerned: Bool[np.ndarray, "T K"],
    *,
    reason: str,
    bodyparts: tuple[str, ...],
    first: int,
) -> tuple[Candidate, ...]:
    """Turn rows of predictions in which a bodypart is concerned into candidates, in the order of their frame numbers.

    Args:
        scores: of each row.
        concerned: which bodyparts give a reason.
        reason: what the heuristic is called.
        bodyparts: names of the K bodyparts.
        first: frame number of row 0, which is not 0 where only a part of the video is looked at.
    """
    return tuple(
        Candidate(
            number=first + int(row),
            reason=reason,
            score=float(scores[row]),
            bodyparts=tuple(part for part, given in zip(bodyparts, concerned[row], strict=True) if given),
        )
        for row in np.flatnonzero(concerned.any(axis=1))
    )


def numbers_of(candidates: tuple[Candidate, ...]) -> tuple[int, ...]:
    """List the frame numbers of candidates, increasing, each once."""
    return tuple(sorted({candidate.number for candidate in candidates}))


def given_frames(numbers: tuple[int, ...], *, reason: str) -> tuple[Candidate, ...]:
    """Make candidates of frames that a person chose; they concern no bodypart in particular."""
    return tuple(Candidate(number, reason, float("nan"), ()) for number in sorted(set(numbers)))


# --- comparison -------------------------------------------------------------------------------------------------------
# What several heuristics find in the same videos, held against each other.


_MOSTLY = 0.5  # of the frames: beyond it, the network is not ready, and correcting single frames does not help
_FEW = 0.2  # of the frames: a heuristic that finds more marks what the network usually does, not where it errs
Found = Mapping[str, Collection[Hashable]]  # heuristic -> the frames that it finds, of one video or of several


def found_twice(found: Found) -> set[Hashable]:
    """Return the frames that two or more heuristics find."""
    counts = Counter(frame for frames in found.values() for frame in set(frames))
    return {frame for frame, count in counts.items() if count > 1}


def is_mostly_wrong(found: Found, frames: int) -> bool:
    """Tell whether more than half of the frames look wrong: to two heuristics, or to the only one that was asked."""
    wrong = found_twice(found) if len(found) > 1 else {frame for several in found.values() for frame in several}
    return len(wrong) > _MOSTLY * frames


def best_heuristic(found: Found, frames: int) -> str | None:
    """Return the heuristic that fits best: of those that find few frames, the one whose frames others find most often.

    Where two are equal the one that finds more counts; None where nothing is found.

    Args:
        found: what each heuristic finds.
        frames: that were looked at.
    """
    twice = found_twice(found)
    some = {name: set(several) for name, several in found.items() if several}
    few = {name: several for name, several in some.items() if len(several) <= _FEW * frames}
    if not few:
        return min(some, key=lambda name: len(some[name]), default=None)
    return max(few, key=lambda name: (len(few[name] & twice) / len(few[name]), len(few[name])))


# --- candidate files --------------------------------------------------------------------------------------------------
# Tables of candidates as .csv: frame, reason, score, the bodyparts concerned, and a hash of the predictions judged.
#
# There is one line per frame and reason. Tables of PoseCut 0.1 lack the hash.


_COLUMNS = ("frame", "reason", "score", "bodyparts", "predictions")
_BETWEEN = ";"


def candidates_path(predictions_path: Path) -> Path:
    """Name the table of a video's candidates, beside its predictions."""
    return predictions_path.with_name(f"{predictions_path.stem}_outliers.csv")


def _write_candidates(path: Path, candidates: tuple[Candidate, ...], *, predictions: str) -> None:
    """Replace a table of candidates in predictions of that hash, whole or not at all.

    Raises:
        StorageError: the folder cannot be written.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for one in candidates:
            score = "" if math.isnan(one.score) else repr(one.score)
            writer.writerow((one.number, one.reason, score, _BETWEEN.join(one.bodyparts), predictions))


def put_candidates(path: Path, candidates: tuple[Candidate, ...], *, reason: str, predictions: str) -> None:
    """Replace the candidates of one reason in a table, which is begun if there is none; those of others stay.

    Only candidates in the same predictions stay: in others, the same frames need not be odd.

    Args:
        path: the table.
        candidates: all of this reason.
        reason: what the heuristic is called.
        predictions: hash of the predictions that were judged.

    Raises:
        AnalysisError: the file holds something else.
        StorageError: the folder cannot be written.
    """
    before = _read_candidates(path, predictions=predictions) if path.exists() else ()
    others = [one for one in before if one.reason != reason]
    together = tuple(sorted((*others, *candidates), key=lambda one: (one.number, one.reason)))
    _write_candidates(path, together, predictions=predictions)


def _read_candidates(path: Path, *, predictions: str | None = None) -> tuple[Candidate, ...]:
    """Read a table of candidates, or only those in predictions of a hash.

    Raises:
        AnalysisError: the file is missing or holds something else.
    """
    if not os.path.lexists(path):
        raise AnalysisError(f"Found no table of candidates at {path}; extract outlier frames first.")
    try:
        rows = list(csv.reader(io.StringIO(read_text(path))))
        if not rows or tuple(rows[0]) not in (_COLUMNS, _COLUMNS[:-1]):
            raise ValueError
        judged = [(row[:4], row[4] if len(rows[0]) == len(_COLUMNS) else "") for row in rows[1:]]
        return tuple(_candidate(*row) for row, source in judged if predictions in (None, source))
    except (OSError, ValueError, TypeError, IndexError, csv.Error) as error:
        raise AnalysisError(
            f"{path} is not a table of {', '.join(_COLUMNS)}; delete it and extract outlier frames again."
        ) from error


def _candidate(number: str, reason: str, score: str, bodyparts: str) -> Candidate:
    names = tuple(bodyparts.split(_BETWEEN)) if bodyparts else ()
    return Candidate(int(number), reason, float(score) if score else math.nan, names)
