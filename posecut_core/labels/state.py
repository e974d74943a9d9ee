"""The labels of one video at one moment: an immutable value, which edits turn into the next one.

Bodyparts are named by their identities, which stay when a bodypart is renamed (`labels/identities.py`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from posecut_core.labels.point import Point


@dataclass(frozen=True)
class Frame:
    """One frame of the video."""

    points: Mapping[str, Point] = field(default_factory=dict)  # identity of a bodypart -> point; the others are unset
    image: str = ""  # SHA-256 of the pixels that were labelled; "" where they could not be read
    dropped: bool = False  # taken out of labelling and training, with its points
    listed: bool = False  # has had a row without any label in DeepLabCut's file, and keeps it

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
