"""What labels tell of the animal: how large it is, which ways it faces, and from where the camera sees it."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Complex128, Float64
from scipy.optimize import linear_sum_assignment

from posecut_core.types import View

_ROUNDS = 10  # of aligning frames with their mean
_LARGE = 95  # percentile of the frames that counts as the animal's size: single labels may be wrong
_ALL_WAYS = (0.85, 0.6)  # resultants of directions and of axes below which the animal faces all ways
_ANY, _UPRIGHT = 180.0, 30.0  # degrees that crops are turned by at most, and at least
_STIRS = 8.0  # degrees; an animal that turns less is held before the camera
_LIKE_ITS_MIRROR = 0.15  # of the posture's radius, root mean square
_BESIDE = 0.2  # of that radius: points of a pair lie at least so far apart
_IN_A_ROW = 0.08  # width by length of postures that tell nothing: a spine looks alike from all sides


@dataclass(frozen=True)
class Animal:
    """The animal of some labeled frames."""

    size: float  # pixels: the longest side of the box around its bodyparts; 0 without labels
    turn: float  # degrees: circular standard deviation of the directions it faces; 0 where bodyparts are too few
    gap: float  # degrees: the widest range of directions that it faces in no labeled frame
    faces_all_ways: bool  # also toward and away from where it mostly faces, not only to and fro
    is_symmetric: bool  # its left looks like its right, and lies beside it

    @property
    def is_seen_from_above(self) -> bool:
        """Guess whether the camera looks from above or below, so that the animal may face any way in other videos.

        From the side an animal does not look like its mirror image, and faces left or right. One that does, and hardly
        turns, is held before the camera: a face, an eye.
        """
        return self.faces_all_ways or (self.is_symmetric and self.turn >= _STIRS)

    def rotation(self, view: View) -> float:
        """Return by how many degrees crops are turned either way: so that the animal faces all ways where it may.

        Crops of labeled frames on both sides of the gap meet in its middle. More would teach no new direction, and
        costs accuracy in short trainings.
        """
        above = view == "above" or (view == "auto" and self.is_seen_from_above)
        return min(_ANY, max(_UPRIGHT, 10.0 * math.ceil(self.gap / 20))) if above else _UPRIGHT

    def seen(self, view: View) -> str:
        """Say from where the camera looks, and how that is known: the project's `view`, or else the labels."""
        if view == "side":
            return "the project's camera looks from the side"
        if view == "auto" and not self.is_seen_from_above:
            return "the labels do not look as if the camera looked from above"
        known = "the project's camera" if view == "above" else "by the labels the camera"
        return f"{known} looks from above, and no labeled animal faces into a range of {self.gap:.0f} degrees"


def animal_of(points: Float64[np.ndarray, "F K 2"]) -> Animal:
    """Describe the animal by its labels in pixels of the full frame, NaN where missing."""
    seen = ~np.isnan(points[..., 0])
    points, seen = points[seen.any(axis=1)], seen[seen.any(axis=1)]
    if not len(points):
        return Animal(0.0, 0.0, 360.0, False, False)
    sides = (np.nanmax(points, axis=1) - np.nanmin(points, axis=1)).max(axis=1)
    size = float(np.percentile(sides, _LARGE))
    usual = seen.mean(axis=0) >= 0.5
    posed = seen[:, usual].sum(axis=1) >= 2
    if posed.sum() < 2 or not size:
        return Animal(size, 0.0, 360.0, False, False)
    complexes = points[posed][:, usual] @ np.array([1, 1j])
    turns, posture = aligned(complexes, seen[posed][:, usual])
    resultants = abs(turns.mean()), abs((turns**2).mean())
    turn = float(np.degrees(np.sqrt(-2 * np.log(min(1.0, max(resultants[0], 1e-12))))))
    all_ways = resultants[0] < _ALL_WAYS[0] and resultants[1] < _ALL_WAYS[1]
    directions = np.sort(np.degrees(np.angle(turns)))
    gap = float(np.diff(directions, append=directions[0] + 360).max())
    return Animal(size, turn, gap, bool(all_ways), _is_symmetric(posture))


def aligned(
    points: Complex128[np.ndarray, "F K"], seen: Bool[np.ndarray, "F K"]
) -> tuple[Complex128[np.ndarray, " F"], Complex128[np.ndarray, " K"]]:
    """Turn each frame's points, as complex numbers, to the mean posture; return the turns and that posture.

    Source: generalized Procrustes analysis (Gower 1975) without scaling and mirroring.
    """
    centers = np.nanmean(points, axis=1, keepdims=True)
    points = np.where(seen, points - centers, 0)
    posture = points[seen.sum(axis=1).argmax()]
    for _ in range(_ROUNDS):
        likeness = (points * posture.conj()).sum(axis=1)
        turns = np.where(likeness == 0, 1, likeness / np.maximum(abs(likeness), 1e-12))
        posture = (points / turns[:, None]).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    return turns, posture


def _is_symmetric(posture: Complex128[np.ndarray, " K"]) -> bool:
    """Tell whether a posture that is no mere row is its own mirror image, with points beside the axis."""
    posture = posture - posture.mean()
    radius = float(np.sqrt((abs(posture) ** 2).mean()))
    length, width = np.linalg.svd(np.stack([posture.real, posture.imag], axis=1), compute_uv=False)
    if width <= _IN_A_ROW * length:
        return False
    found = []
    for axis in np.radians(np.arange(0, 180, 2)):
        apart = abs(posture[:, None] - np.exp(2j * axis) * posture.conj()[None]) ** 2
        places, partners = linear_sum_assignment(apart)
        found.append((float(np.sqrt(apart[places, partners].mean())), partners))
    unlike, partners = min(found, key=lambda one: one[0])
    beside = abs(posture - posture[partners]) >= _BESIDE * radius
    return unlike < _LIKE_ITS_MIRROR * radius and bool(beside.any())
