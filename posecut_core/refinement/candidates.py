"""Candidates: frames in which predictions look wrong, each with its reason, its score and the bodyparts concerned."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64


@dataclass(frozen=True)
class Candidate:
    """One frame that a person should look at."""

    number: int  # frame number in the video
    reason: str  # uncertain, jump, fitting, pca, disagreement, list or manual
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
