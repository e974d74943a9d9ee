"""How far the labels of two people lie apart in the same frames: no network can be shown to be better than that.

Source: Mathis et al. 2018, Nature Neuroscience 21 (human variability), there as the mean with its standard error.
"""

import contextlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from posecut_core.labels.table import LabelTable
from posecut_core.results import counted
from posecut_core.storage.tables import read_rows, write_rows

_ALL = "(all)"  # in the place of a bodypart
_COLUMNS = ("bodypart", "labels of both", "mean(px)", "standard error(px)", "RMSE(px)", "labels of one")


@dataclass(frozen=True)
class Agreement:
    """How far labels of the same bodyparts lie apart."""

    pairs: int  # labels that both people placed
    mean: float  # Euclidean distance in pixels; NaN without a pair
    rmse: float  # root mean square of the same
    one_sided: int = 0  # labels that one of both placed in a frame that both have labeled

    @property
    def standard_error(self) -> float:
        """Return that of the mean; NaN for fewer than two pairs."""
        if self.pairs < 2:
            return math.nan
        return math.sqrt(max(self.rmse**2 - self.mean**2, 0.0) / (self.pairs - 1))

    def sentence(self) -> str:
        """Say the distance, as the paper does."""
        if not self.pairs:
            return "no label of both people"
        error = "" if self.pairs < 2 else f" ± {self.standard_error:.2f}"
        labels = counted(self.pairs, "label")
        return f"{self.mean:.2f}{error} px apart (mean ± s.e.m.; RMSE {self.rmse:.2f} px; {labels})"


@dataclass(frozen=True)
class Difference:
    """One bodypart that two people have labeled in one frame."""

    video: str
    number: int
    bodypart: str
    distance: float  # pixels


@dataclass(frozen=True)
class LabelComparison:
    """The labels of two people, compared."""

    frames: int  # that both have labeled
    overall: Agreement
    bodyparts: Mapping[str, Agreement]
    differences: tuple[Difference, ...]  # of each pair of labels, the farthest first


def compare_labels(tables: Sequence[tuple[LabelTable, LabelTable]]) -> LabelComparison:
    """Compare the labels of two people, video by video, in the frames and of the bodyparts that both know."""
    found = dict[str, list[Difference]]()
    for mine, other in tables:
        for one in _differences(mine, other):
            found.setdefault(one.bodypart, []).append(one)
    by_part = {part: _agreement(np.array([one.distance for one in every])) for part, every in found.items()}
    known = [one for every in found.values() for one in every if not math.isnan(one.distance)]
    frames = sum(len(np.intersect1d(mine.numbers, other.numbers)) for mine, other in tables)
    return LabelComparison(
        frames, pooled(by_part.values()), by_part, tuple(sorted(known, key=lambda one: -one.distance))
    )


def _differences(mine: LabelTable, other: LabelTable) -> Iterator[Difference]:
    """Yield the labels of frames that both people know; the distance is NaN where one of them placed none."""
    numbers = np.intersect1d(mine.numbers, other.numbers)
    for part in (part for part in mine.bodyparts if part in other.bodyparts):
        one, two = (
            table.xy[np.searchsorted(table.numbers, numbers), table.bodyparts.index(part)] for table in (mine, other)
        )
        placed = ~(np.isnan(one[:, 0]) & np.isnan(two[:, 0]))
        for row, distance in zip(np.flatnonzero(placed), np.hypot(*(one - two)[placed].T), strict=True):
            yield Difference(mine.video, int(numbers[row]), part, float(distance))


def _agreement(distances: Float64[np.ndarray, " N"]) -> Agreement:
    found = distances[~np.isnan(distances)]
    one_sided = len(distances) - len(found)
    if not len(found):
        return Agreement(0, math.nan, math.nan, one_sided)
    return Agreement(len(found), float(found.mean()), float(np.sqrt((found**2).mean())), one_sided)


def pooled(agreements: Iterable[Agreement]) -> Agreement:
    """Take several bodyparts together: each label counts the same."""
    every = list(agreements)
    one_sided, known = sum(one.one_sided for one in every), [one for one in every if one.pairs]
    pairs = sum(one.pairs for one in known)
    if not pairs:
        return Agreement(0, math.nan, math.nan, one_sided)
    mean = sum(one.pairs * one.mean for one in known) / pairs
    rmse = math.sqrt(sum(one.pairs * one.rmse**2 for one in known) / pairs)
    return Agreement(pairs, mean, rmse, one_sided)


def write_agreement(path: Path, found: LabelComparison) -> None:
    """Replace the table of how far two people's labels lie apart; `read_agreement` is the inverse.

    Raises:
        StorageError: the folder cannot be written.
    """
    rows = [*found.bodyparts.items(), (_ALL, found.overall)]
    write_rows(path, _COLUMNS, [dict(zip(_COLUMNS, _cells(part, one), strict=True)) for part, one in rows])


def _cells(part: str, one: Agreement) -> Iterator[str]:
    yield from (part, str(one.pairs))
    yield from ("" if math.isnan(value) else f"{value:.6g}" for value in (one.mean, one.standard_error, one.rmse))
    yield str(one.one_sided)


def read_agreement(path: Path) -> dict[str, Agreement]:
    """Read how far two people's labels of each bodypart lie apart; nothing where they were not compared.

    Raises:
        AnalysisError: the file is not a table.
    """
    found = {}
    for row in read_rows(path):
        with contextlib.suppress(KeyError, TypeError, ValueError):
            part, pairs, mean, _, rmse, one_sided = (row[name] for name in _COLUMNS)
            if part != _ALL:
                found[part] = Agreement(int(pairs), float(mean or "nan"), float(rmse or "nan"), int(one_sided))
    return found
