"""One bodypart in one frame: what is known of it, where it lies, and who said so.

A bodypart that has no `Point` is unset: nobody has looked for it in that frame.
"""

import math
from dataclasses import dataclass
from typing import Literal

from posecut_core.errors import LabelError

Position = tuple[float, float]  # x, y in pixels of the full frame


@dataclass(frozen=True)
class Origin:
    """Who a point comes from."""

    kind: Literal["human", "machine", "refined"] = "human"  # refined: a machine's, accepted or moved by a person
    likelihood: float | None = None  # of the machine, 0 to 1
    model: str = ""  # scorer of the network
    snapshot: int | None = None  # its training steps


HUMAN = Origin()


@dataclass(frozen=True)
class Point:
    """What is known of a bodypart in a frame.

    A proposed point is a machine's draft and never trained on. An occluded point is hidden: with a position it is
    trained on and written for DeepLabCut, without one it counts as absent there.
    """

    state: Literal["proposed", "placed", "occluded", "absent"]
    xy: Position | None = None
    origin: Origin = HUMAN

    def __post_init__(self) -> None:
        """Refuse a point that contradicts itself.

        Raises:
            LabelError: a position is missing, not wanted or not two finite numbers, or drafts and machines do not
                belong together.
        """
        if self.xy is not None and (len(self.xy) != 2 or not all(math.isfinite(value) for value in self.xy)):
            raise LabelError(f"A label lies at {self.xy}, expected two finite numbers; give a position in pixels.")
        if self.state in ("proposed", "placed") and self.xy is None:
            raise LabelError(f"A {self.state} label has no position, expected x and y; give both.")
        if self.state == "absent" and self.xy is not None:
            raise LabelError(f"An absent label has the position {self.xy}, expected none; place it or leave that out.")
        if (self.state == "proposed") != (self.origin.kind == "machine"):
            raise LabelError(
                f"A {self.state} label comes from {self.origin.kind}, expected drafts, and only drafts, from a "
                "machine; accept drafts to make labels of them."
            )

    @property
    def is_label(self) -> bool:
        """Tell whether a person stands behind it; only then it may be trained on."""
        return self.state != "proposed"
