"""What one bodypart looks like in one frame while it is labelled: a label, a proposal, or nothing yet."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from posecut_core.labels.point import Point, Position

MarkState = Literal["unset", "proposed", "placed", "occluded", "absent"]


@dataclass(frozen=True)
class Proposal:
    """A position that somebody else than the person suggests: a network, or the pose of another frame."""

    xy: Position
    likelihood: float | None = None  # of a network; None for the pose of another frame
    model: str = ""  # scorer of the network
    snapshot: int | None = None  # its training steps


@dataclass(frozen=True)
class Mark:
    """One bodypart of one frame, as the window shows it."""

    bodypart: str  # its identity, which stays when it is renamed
    name: str
    state: MarkState
    xy: Position | None = None  # pixels of the full frame
    likelihood: float | None = None  # of the network that it comes from

    @property
    def is_open(self) -> bool:
        """Tell whether a person still has to decide about it."""
        return self.state in ("unset", "proposed")


def mark_of(bodypart: str, name: str, point: Point | None, proposal: Proposal | None) -> Mark:
    """Return how a bodypart is shown: what the label store knows of it, else what is proposed."""
    if point is not None:
        return Mark(bodypart, name, point.state, point.xy, point.origin.likelihood)
    if proposal is not None:
        return Mark(bodypart, name, "proposed", proposal.xy, proposal.likelihood)
    return Mark(bodypart, name, "unset")


def nearest(marks: Iterable[Mark], xy: Position, *, within: float, preferred: str | None = None) -> Mark | None:
    """Return the mark closest to a position, at most `within` pixels away; the preferred bodypart wins if it is."""
    near = [(_distance(mark.xy, xy), mark) for mark in marks if mark.xy is not None]
    reached = [(distance, mark) for distance, mark in near if distance <= within]
    if not reached:
        return None
    return min(reached, key=lambda item: (item[1].bodypart != preferred, item[0]))[1]


def _distance(one: Position, other: Position) -> float:
    return ((one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2) ** 0.5
