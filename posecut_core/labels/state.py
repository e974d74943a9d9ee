"""The labels of one video at one moment: points, and the immutable state that edits turn into the next one."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec
from msgspec.structs import force_setattr, replace

from posecut_core.errors import LabelError

# --- point ------------------------------------------------------------------------------------------------------------
# One bodypart in one frame: what is known of it, where it lies, and who said so.
#
# A bodypart that has no `Point` is unset: nobody has looked for it in that frame.


Position = tuple[float, float]  # x, y in pixels of the full frame


class LabelOrigin(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Who a point comes from."""

    kind: Literal["human", "machine", "refined"] = "human"  # refined: a machine's, accepted or moved by a person
    likelihood: float | None = None  # of the machine, 0 to 1
    model: str = ""  # scorer of the network
    snapshot: int | None = None  # its training steps


_HUMAN = LabelOrigin()


class Point(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a bodypart in a frame.

    A "proposed" point (as files say since 0.1.0) is a draft: a network's prediction that nobody has reviewed, which is
    never trained on. An occluded point is hidden: with a position it is
    trained on and written for DeepLabCut, without one it counts as absent there.
    """

    state: Literal["proposed", "placed", "occluded", "absent"]
    xy: Position | None = None
    origin: LabelOrigin = _HUMAN

    def __post_init__(self) -> None:
        """Refuse a point that contradicts itself.

        Raises:
            LabelError: a position is missing, not wanted or not two finite numbers, or drafts and machines do not
                belong together.
        """
        if self.origin == _HUMAN:
            force_setattr(self, "origin", _HUMAN)  # what is the default itself is left out of files
        if self.xy is not None and (len(self.xy) != 2 or not all(math.isfinite(value) for value in self.xy)):
            raise LabelError(f"A label lies at {self.xy}, expected two finite numbers; give a position in pixels.")
        if self.state in ("proposed", "placed") and self.xy is None:
            raise LabelError(f"A {self.state} label has no position, expected x and y; give both.")
        if self.state == "absent" and self.xy is not None:
            raise LabelError(
                f"An absent label has the position {self.xy}, expected none; change its state or leave that out."
            )
        if (self.state == "proposed") != (self.origin.kind == "machine"):
            raise LabelError(
                f"A {self.state} label comes from {self.origin.kind}, expected predictions to be suggestions, and only "
                "these; accept suggestions to turn them into labels."
            )

    @property
    def is_label(self) -> bool:
        """Tell whether a person stands behind it; only then it may be trained on."""
        return self.state != "proposed"


# --- state ------------------------------------------------------------------------------------------------------------
# The labels of one video at one moment: an immutable value, which edits turn into the next one.
#
# Bodyparts are named by their identities, which stay when a bodypart is renamed (`labels/bodypart_ids.py`).


class Frame(msgspec.Struct, frozen=True, omit_defaults=True):
    """One frame of the video; fields stand in the order in which files have them."""

    image: str = ""  # SHA-256 of the pixels that were labeled; "" where they could not be read
    dropped: bool = False  # taken out of labeling and training, with its points
    listed: bool = False  # has had a row without any label in DeepLabCut's file, and keeps it
    points: Mapping[str, Point] = msgspec.field(default_factory=dict)  # bodypart's identity -> point; others are unset

    @property
    def shown(self) -> str:
        """Return the hash of the picture that has to be shown: where nothing is known of the frame, any may be."""
        return self.image if self.points else ""


@dataclass(frozen=True)
class LabelState:
    """All frames of a video that anything is known of, by their numbers."""

    frames: Mapping[int, Frame] = field(default_factory=dict)

    def point(self, frame: int, bodypart: str) -> Point | None:
        """Return what is known of a bodypart in a frame; None is unset."""
        return self.frames[frame].points.get(bodypart) if frame in self.frames else None

    def frame(self, number: int) -> Frame:
        """Return a frame; one that nothing is known of is empty."""
        return self.frames.get(number, Frame())

    def with_point(self, frame: int, bodypart: str, point: Point | None) -> "LabelState":
        """Return the state in which a bodypart of a frame is `point`; None unsets it."""
        old = self.frame(frame)
        points = {part: known for part, known in old.points.items() if part != bodypart}
        if point is not None:
            points[bodypart] = point
        return self.with_frame(frame, replace(old, points=points))

    def with_frame(self, number: int, frame: Frame) -> "LabelState":
        """Return the state in which a frame is `frame`."""
        if frame == Frame():
            return LabelState({other: known for other, known in self.frames.items() if other != number})
        return LabelState({**self.frames, number: frame})

    def shown(self) -> Iterator[tuple[int, Frame]]:
        """Yield the frames that were not dropped, in increasing order of their numbers."""
        return ((number, self.frames[number]) for number in sorted(self.frames) if not self.frames[number].dropped)

    @property
    def unreviewed(self) -> tuple[tuple[int, str], ...]:
        """List frame and bodypart of all drafts that no person has accepted or corrected yet."""
        return tuple(
            (number, part)
            for number, frame in self.shown()
            for part, point in frame.points.items()
            if not point.is_label
        )
