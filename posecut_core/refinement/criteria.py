"""What makes a frame a candidate: the heuristic and its numbers, under the paper's names."""

import difflib
import math
from dataclasses import dataclass
from typing import get_args

from posecut_core.errors import ArgumentError
from posecut_core.types import OutlierAlgorithm

ALGORITHMS: tuple[OutlierAlgorithm, ...] = get_args(OutlierAlgorithm)
CHOSEN_BY_HAND = ("list", "manual")


@dataclass(frozen=True)
class Criteria:
    """How frames are judged (paper, step J); checked when made, so that a wrong name never finds nothing in silence."""

    outlieralgorithm: str = "jump"  # an OutlierAlgorithm
    epsilon: float = 20.0  # pixels; raise it if too many frames are found by jump, fitting, pca or disagreement
    p_bound: float = 0.01  # likelihood; raise it if uncertain finds too few
    ARdegree: int = 3  # how many earlier values fitting looks at
    MAdegree: int = 1  # how many earlier errors fitting looks at
    alpha: float = 0.01  # fitting names the bodyparts outside the interval of probability 1 - alpha

    def __post_init__(self) -> None:
        """Refuse what no video could make right.

        Raises:
            ArgumentError: an algorithm is unknown or a number is out of range.
        """
        if self.outlieralgorithm not in ALGORITHMS:
            near = difflib.get_close_matches(self.outlieralgorithm, ALGORITHMS, n=1)
            raise ArgumentError(
                f"There is no outlieralgorithm {self.outlieralgorithm!r}{f', perhaps {near[0]!r}' if near else ''}; "
                f"choose among {', '.join(ALGORITHMS)}."
            )
        if not 0 <= self.epsilon < math.inf:
            raise ArgumentError(f"epsilon is {self.epsilon}, expected a distance in pixels, 0 or more; 20 is usual.")
        for name, value, usual in (("p_bound", self.p_bound, 0.01), ("alpha", self.alpha, 0.01)):
            if not 0 <= value <= 1:
                raise ArgumentError(f"{name} is {value}, expected a probability from 0 to 1; {usual} is usual.")
        if self.alpha == 0:
            raise ArgumentError("alpha is 0, expected a probability above 0; 0.01 is usual.")
        if self.ARdegree < 1 or self.MAdegree < 0:
            raise ArgumentError(
                f"ARdegree is {self.ARdegree} and MAdegree {self.MAdegree}, "
                "expected at least 1 and 0; 3 and 1 are usual."
            )
