"""Bodyparts of one frame while it is labeled: labels, proposals that are only shown, or nothing yet."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from posecut_core.labels.edits import Accept, Edit, Place, Propose
from posecut_core.labels.state import Point, Position
from posecut_core.types import FrameRef

# --- keypoints --------------------------------------------------------------------------------------------------------
# What one bodypart looks like in one frame while it is labeled: a label, a proposal, or nothing yet.


KeypointState = Literal["unset", "proposed", "placed", "occluded", "absent"]


@dataclass(frozen=True)
class Proposal:
    """A position that is offered and not stored: a network's, that of another frame, or of labels in other views."""

    xy: Position
    likelihood: float | None = None  # of a network; None for any other
    model: str = ""  # scorer of the network
    snapshot: int | None = None  # its training steps


@dataclass(frozen=True)
class Keypoint:
    """One bodypart of one frame, as the window shows it."""

    bodypart: str  # its identity, which stays when it is renamed
    name: str
    state: KeypointState
    xy: Position | None = None  # pixels of the full frame
    likelihood: float | None = None  # of the network that it comes from

    @property
    def is_open(self) -> bool:
        """Tell whether the user still has to decide about it."""
        return self.state in ("unset", "proposed")


def keypoint_of(bodypart: str, name: str, point: Point | None, proposal: Proposal | None) -> Keypoint:
    """Return how a bodypart is shown: what the label store knows of it, else what is proposed."""
    if point is not None:
        return Keypoint(bodypart, name, point.state, point.xy, point.origin.likelihood)
    if proposal is not None:
        return Keypoint(bodypart, name, "proposed", proposal.xy, proposal.likelihood)
    return Keypoint(bodypart, name, "unset")


def nearest(
    keypoints: Iterable[Keypoint], xy: Position, *, within: float, preferred: str | None = None
) -> Keypoint | None:
    """Return the keypoint closest to a position, at most `within` pixels away; the preferred bodypart wins if it is."""
    near = [(_distance(keypoint.xy, xy), keypoint) for keypoint in keypoints if keypoint.xy is not None]
    reached = [(distance, keypoint) for distance, keypoint in near if distance <= within]
    if not reached:
        return None
    return min(reached, key=lambda item: (item[1].bodypart != preferred, item[0]))[1]


def _distance(one: Position, other: Position) -> float:
    return ((one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2) ** 0.5


# --- proposals --------------------------------------------------------------------------------------------------------
# Poses that are shown and not stored: a network's, of other frames, of other views; what the user rejects is gone.


Pose = Mapping[str, Proposal]  # identity of a bodypart -> where it might be


class ProposedPoses:
    """What is proposed for the frames of a project."""

    def __init__(self, of_views: Callable[[FrameRef], Pose] = lambda _: {}) -> None:
        """Begin without any.

        Args:
            of_views: returns what labels of other cameras say of a frame; it goes before what a network sees.
        """
        self._of_views = of_views
        self._network: Mapping[FrameRef, Pose] = {}
        self._own: dict[FrameRef, dict[str, Proposal | None]] = {}  # copied ones; None where one was rejected

    def set_network(self, network: Mapping[FrameRef, Pose]) -> None:
        """Replace what the network proposes; copies, and what was rejected, stay."""
        self._network = network

    def change(self, frame: FrameRef, pose: Mapping[str, Proposal | None]) -> None:
        """Propose something else for bodyparts of a frame; nothing any more where that is None."""
        self._own.setdefault(frame, {}).update(pose)

    def own(self, frame: FrameRef) -> Mapping[str, Proposal | None]:
        """Return what the user copied to a frame, and None for what they rejected there."""
        return dict(self._own.get(frame, {}))

    def restore(self, frame: FrameRef, own: Mapping[str, Proposal | None]) -> None:
        """Go back to what `own` has returned."""
        self._own[frame] = dict(own)

    def of(self, frame: FrameRef) -> Pose:
        """Return what is proposed for a frame."""
        known = {**self._network.get(frame, {}), **self._of_views(frame), **self._own.get(frame, {})}
        return {part: proposal for part, proposal in known.items() if proposal is not None}

    def has(self, frame: FrameRef) -> bool:
        """Tell whether anything is proposed for a frame."""
        return bool(self.of(frame) if frame in self._own else self._network.get(frame))


def turned(places: Mapping[str, Position], shift: Position, angle: float) -> dict[str, Position]:
    """Turn positions about their middle by an angle in radians, clockwise on the screen, and move them by a shift."""
    count, cosine, sine = len(places), math.cos(angle), math.sin(angle)
    middle = [sum(xy[axis] for xy in places.values()) / max(count, 1) for axis in (0, 1)]
    return {
        part: (
            middle[0] + shift[0] + cosine * (x - middle[0]) - sine * (y - middle[1]),
            middle[1] + shift[1] + sine * (x - middle[0]) + cosine * (y - middle[1]),
        )
        for part, (x, y) in places.items()
    }


def stored(frame: FrameRef, bodypart: str, proposal: Proposal) -> Edit:
    """Return the edit that writes a proposal down as it is: a network's as a draft, others as labels."""
    if proposal.likelihood is None:
        return Place(frame.number, bodypart, proposal.xy)
    return Propose(frame.number, bodypart, proposal.xy, proposal.likelihood, proposal.model, proposal.snapshot)


def accepted(frame: FrameRef, bodypart: str, proposal: Proposal | None) -> tuple[Edit, ...]:
    """Return the edits that make a label of a proposal, or, where it is None, of the draft that is stored."""
    edit = Accept(frame.number, bodypart)
    if proposal is None:
        return (edit,)
    written = stored(frame, bodypart, proposal)
    return (written,) if isinstance(written, Place) else (written, edit)
