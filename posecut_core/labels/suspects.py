"""Labels that are probably wrong: those that lie elsewhere than the other labels of their frame lead one to expect.

No network is needed. Frames are turned to the mean posture; there each bodypart is predicted from the others by ridge
regression over all frames, with leave-one-out residuals, fitted again with less weight for what does not fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Complex128, Float64, Int64

from posecut_core.labels.animal import aligned
from posecut_core.labels.table import LabelTable

_FEWEST = 12  # frames from which a posture can be learned
_RIDGE = 0.01  # of the animal's size, squared
_ROUNDS = 6  # of fitting
_CUT = 4.0  # labels of more surprise are doubtful: they count less in the next fit
_ROUNDNESS = 0.5  # share of a bodypart's mean variance that counts in all directions: few frames tell them apart badly
_MOST_LEVERAGE = 0.9
_MOST = 50.0  # squared surprise beyond which a label does not speak more for an exchange
_ONE_PLACE = 1.0  # pixel: labels that never lie farther apart mark one place
_FEWEST_SHARED = 3  # frames in which they do
_AT_ONCE = 3  # wrong labels of a frame that are found one after another, each without misleading the next


@dataclass(frozen=True)
class Suspect:
    """A label that may be wrong."""

    video: str
    number: int
    bodypart: str
    surprise: float  # distance from where it is expected, in standard deviations of that bodypart
    exchanged_with: str | None = None  # the bodypart whose label would fit here, as its own would fit there


class _Expectation(NamedTuple):
    """Where one bodypart is expected, by the others."""

    weights: Float64[np.ndarray, "W 2"]
    leverage: Float64[np.ndarray, " F"]
    precision: Float64[np.ndarray, "2 2"]


def rank_labels(tables: Sequence[LabelTable]) -> tuple[Suspect, ...]:
    """Rank all labels of videos with the same bodyparts, the most surprising first; none where frames are too few."""
    tables = [table for table in tables if len(table.numbers)]
    if not tables:
        return ()
    bodyparts, xy = tables[0].bodyparts, np.concatenate([table.xy for table in tables])
    frames = [(table.video, number) for table in tables for number in table.numbers.tolist()]
    posed = (~np.isnan(xy[..., 0])).sum(axis=1) >= 2
    known = (~np.isnan(xy[posed][..., 0])).sum(axis=0) >= _FEWEST
    if known.sum() < 3:
        return ()
    posed &= (~np.isnan(xy[:, known, 0])).sum(axis=1) >= 2
    seen = ~np.isnan(xy[posed][:, known, 0])
    surprise, partners = _surprises(xy[posed][:, known])
    names = [part for part, is_known in zip(bodyparts, known, strict=True) if is_known]
    places = np.flatnonzero(posed)
    order = np.argsort(-surprise, axis=None, kind="stable")
    found = [divmod(int(place), len(names)) for place in order]
    return tuple(
        Suspect(
            video=frames[places[row]][0],
            number=frames[places[row]][1],
            bodypart=names[part],
            surprise=round(float(surprise[row, part]), 2),
            exchanged_with=names[partners[row, part]] if partners[row, part] >= 0 else None,
        )
        for row, part in found
        if seen[row, part]
    )


def in_one_place(tables: Sequence[LabelTable]) -> tuple[tuple[str, ...], ...]:
    """List bodyparts, those together that lie in one place in every frame that has both, in videos with the same ones.

    Nothing of that is surprising, frame by frame: labels lie where the others lead one to expect them.
    """
    if not tables:
        return ()
    xy, groups = np.concatenate([table.xy for table in tables]), list[list[int]]()
    for part in range(xy.shape[1]):
        found = next((group for group in groups if all(_coincide(xy[:, one], xy[:, part]) for one in group)), None)
        if found is None:
            groups.append([part])
        else:
            found.append(part)
    return tuple(tuple(tables[0].bodyparts[part] for part in group) for group in groups if len(group) > 1)


def _coincide(one: Float64[np.ndarray, "F 2"], other: Float64[np.ndarray, "F 2"]) -> bool:
    apart = np.hypot(*(one - other).T)
    shared = apart[~np.isnan(apart)]
    return len(shared) >= _FEWEST_SHARED and bool(shared.max() <= _ONE_PLACE)


def _surprises(xy: Float64[np.ndarray, "F K 2"]) -> tuple[Float64[np.ndarray, "F K"], Int64[np.ndarray, "F K"]]:
    """Return how surprising each label is, and the bodypart that it seems to be exchanged with, or -1."""
    seen = ~np.isnan(xy[..., 0])
    complexes = xy @ np.array([1, 1j])
    turns, _ = aligned(complexes, seen)
    points = (complexes - np.nanmean(complexes, axis=1, keepdims=True)) / turns[:, None]
    usual = np.nanmedian(points.real, axis=0) + 1j * np.nanmedian(points.imag, axis=0)
    points = np.where(seen, points / np.nanmean(abs(points)), usual / np.nanmean(abs(points)))
    expected, strange = _fitted(points, seen)
    found, partners = np.zeros(seen.shape), np.full(seen.shape, -1)
    rows, left, mended = np.arange(len(points)), seen.copy(), points.copy()
    for _ in range(_AT_ONCE):
        worst = np.where(left, strange, -1.0).argmax(axis=1)
        found[rows, worst] = np.where(left[rows, worst], strange[rows, worst], found[rows, worst])
        left[rows, worst] = False
        places = np.stack([_expected(mended, part, expected[part]) for part in range(len(expected))], axis=1)
        mended[rows, worst] = places[rows, worst]
        strange = _strangeness(mended, seen, expected)
    found = np.where(left, strange, found)
    gain, pairs = _exchanges(points, seen, expected)
    for side, other in ((0, 1), (1, 0)):
        own = pairs[:, side]
        found[rows, own] = np.maximum(found[rows, own], gain)
        partners[rows[gain > _CUT], own[gain > _CUT]] = pairs[gain > _CUT, other]
    return found, partners


def _exchanges(
    points: Complex128[np.ndarray, "F K"], seen: Bool[np.ndarray, "F K"], expected: Sequence[_Expectation]
) -> tuple[Float64[np.ndarray, " F"], Int64[np.ndarray, "F 2"]]:
    """Find in each frame the two labels whose exchange explains most of what is strange, and how much, for each.

    It is 0 where that is less than half.
    """

    def total(poses: Complex128[np.ndarray, "F K"]) -> Float64[np.ndarray, " F"]:
        return np.asarray(np.minimum(_strangeness(poses, seen, expected) ** 2, _MOST).sum(axis=1))

    before, gain, pairs = total(points), np.zeros(len(points)), np.zeros((len(points), 2), np.int64)
    for one, other in combinations(range(points.shape[1]), 2):
        exchanged = points.copy()
        exchanged[:, [one, other]] = points[:, [other, one]]
        more = np.where(seen[:, one] & seen[:, other], before - total(exchanged), 0.0)
        pairs[more > gain] = one, other
        gain = np.maximum(gain, more)
    return np.sqrt(np.where(gain > before / 2, gain, 0.0) / 2), pairs


def _fitted(
    points: Complex128[np.ndarray, "F K"], seen: Bool[np.ndarray, "F K"]
) -> tuple[list[_Expectation], Float64[np.ndarray, "F K"]]:
    """Learn where each bodypart is expected, and return how strange each label is by that."""
    trust = np.ones(seen.shape)
    for _ in range(_ROUNDS):
        expected = [_expectation(points, seen, trust, part) for part in range(points.shape[1])]
        strange = _strangeness(points, seen, expected)
        trust = np.where(seen, 1 / np.maximum(1, (strange / _CUT) ** 2), 1.0)
    return expected, strange


def _expectation(
    points: Complex128[np.ndarray, "F K"], seen: Bool[np.ndarray, "F K"], trust: Float64[np.ndarray, "F K"], part: int
) -> _Expectation:
    features, middle = _features(points, part)
    target = _plane(points[:, part] - middle)
    weight = (trust[:, part] * seen[:, part] * trust.min(axis=1))[:, None]
    gram = (features * weight).T @ features + _RIDGE * weight.sum() * np.eye(features.shape[1])
    inverse = np.linalg.inv(gram)
    weights = inverse @ (features * weight).T @ target
    leverage = np.minimum(np.einsum("fi,ij,fj->f", features, inverse, features) * weight[:, 0], _MOST_LEVERAGE)
    residuals = (target - features @ weights) / (1 - leverage)[:, None]
    share = (trust[:, part] * seen[:, part])[:, None]
    variance = (residuals * share).T @ residuals / share.sum()
    precision = np.linalg.inv(variance + (_ROUNDNESS * np.trace(variance) + 1e-9) * np.eye(2))
    return _Expectation(weights, leverage, precision)


def _strangeness(
    points: Complex128[np.ndarray, "F K"], seen: Bool[np.ndarray, "F K"], expected: Sequence[_Expectation]
) -> Float64[np.ndarray, "F K"]:
    """Measure how far each label lies from where it is expected (Mahalanobis 1936); 0 where there is none."""
    found = np.zeros(points.shape)
    for part, one in enumerate(expected):
        residuals = _plane(points[:, part] - _expected(points, part, one)) / (1 - one.leverage)[:, None]
        found[:, part] = np.sqrt(np.einsum("fi,ij,fj->f", residuals, one.precision, residuals))
    return np.where(seen, found, 0.0)


def _expected(
    points: Complex128[np.ndarray, "F K"], part: int, expectation: _Expectation
) -> Complex128[np.ndarray, " F"]:
    features, middle = _features(points, part)
    return np.asarray(features @ expectation.weights @ np.array([1, 1j]) + middle)


def _features(
    points: Complex128[np.ndarray, "F K"], part: int
) -> tuple[Float64[np.ndarray, "F W"], Complex128[np.ndarray, " F"]]:
    """Return what a bodypart is predicted from: the others about their middle; and that middle."""
    others = np.delete(points, part, axis=1)
    middle = others.mean(axis=1)
    others = others - middle[:, None]
    return np.concatenate([others.real, others.imag, np.ones((len(points), 1))], axis=1), np.asarray(middle)


def _plane(points: Complex128[np.ndarray, " F"]) -> Float64[np.ndarray, "F 2"]:
    return np.stack([points.real, points.imag], axis=1)
