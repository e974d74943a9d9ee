"""Decoded pictures in the order of their frame numbers, None for each one that cannot be trusted.

A packet that fails to decode spoils more than its own frame: those predicted from it look plausible and are wrong.
Every frame stored after a damaged one is therefore taken as damaged up to the next keyframe.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import av

from posecut_core.video.demux import PacketTable, Source, TaggedFrame

Picture = tuple[int, av.VideoFrame | None]

_SPOILED = 300  # packets: encoders rarely put keyframes further apart, and prediction errors have faded by then


def pictures_from(source: Source, table: PacketTable, position: int) -> Iterator[Picture]:
    """Yield every frame number from that of the keyframe at `position` on, up to the last of the video."""
    first = max(0, int(table.numbers[table.keyframes[position]])) if position else 0
    queue = _Queue(table, first)
    for ordinal, frame in _all_frames(source, table, position, last=first - 1):
        yield from queue.push(ordinal, frame)
    yield from queue.finish()


def _all_frames(source: Source, table: PacketTable, position: int, *, last: int) -> Iterator[TaggedFrame]:
    """Decode to the end; if that is missing, repeat it with one thread, as an error there makes threads lose frames."""
    for ordinal, frame in source.decode(source.from_keyframe(table, position)):
        last = max(last, int(table.numbers[ordinal]))
        yield ordinal, frame
    if last + 1 < table.ordinals.size:
        careful = Source(source.path, threads=1, halted=source.halted)
        try:
            yield from careful.decode(careful.from_keyframe(table, table.keyframe_before(last + 1)))
        finally:
            careful.close()


class Run:
    """A way through a video: it goes on where it stands, or begins anew at a keyframe.

    Args:
        path: the video.
        table: its packets.
        threads: that decode, as in `Source`.
        halted: once it is set, reading ends with a VideoError.
        afresh: whether to begin at each new keyframe that is asked for, even where going on leads there.
    """

    def __init__(
        self, path: Path, table: PacketTable, *, threads: int | None, halted: Event, afresh: bool = False
    ) -> None:
        self._path, self._table, self._threads, self._halted, self._afresh = path, table, threads, halted, afresh
        self._source: Source | None = None  # opened when it is needed
        self._pictures: Iterator[Picture] = iter(())
        self._position = 0  # of the keyframe that it set out for
        self._next = table.ordinals.size  # number that it yields next
        self.lost: set[int] = set()  # numbers that it came to since it was asked last, without a picture of them

    def close(self) -> None:
        """Let go of the file."""
        self._pictures, self._next = iter(()), self._table.ordinals.size
        if self._source:
            self._source.close()

    @property
    def from_start(self) -> bool:
        """Tell whether it began with the file's first packet."""
        return self._source is not None and self._source.began == 0

    def is_before(self, number: int) -> bool:
        """Tell whether going on leads to a frame."""
        return self._next <= number

    def picture(self, number: int, position: int) -> av.VideoFrame | None:
        """Return a picture, reached from the keyframe at `position` or from an earlier one; None where it is lost."""
        self.lost = set()
        if not self._reaches(number, position):
            self._source = self._source or Source(self._path, threads=self._threads, halted=self._halted)
            self._pictures = pictures_from(self._source, self._table, position)
            self._position, self._next = position, 0
        return self._advance(number)

    def look_ahead(self, last: int) -> None:
        """Go on to a frame number, only to see which are lost."""
        if self._next <= last:
            self._advance(last)

    def _reaches(self, number: int, position: int) -> bool:
        """Tell whether going on arrives at a frame no later than beginning at its keyframe."""
        begins = int(self._table.numbers[self._table.keyframes[position]])
        past = self._position < position and begins <= self._next and not self._afresh
        return self.is_before(number) and (self._position == position or past)

    def _advance(self, number: int) -> av.VideoFrame | None:
        for found, picture in self._pictures:
            self._next = found + 1
            if picture is None:
                self.lost.add(found)
            if found == number:
                return picture
        return None


class _Queue:
    """Hold frames back until it is known whether all that they were predicted from could be decoded."""

    def __init__(self, table: PacketTable, first: int) -> None:
        self._table = table
        self._arrived = first  # the next number that the decoder should return
        self._waiting: deque[Picture] = deque()
        self._damaged: list[int] = []  # ordinals, increasing

    def push(self, ordinal: int, frame: av.VideoFrame) -> Iterator[Picture]:
        number = int(self._table.numbers[ordinal])
        if number < self._arrived:
            return  # not shown, or shown before the keyframe that decoding began with
        self._skip_to(number)
        self._add(number, None if frame.is_corrupt or self._table.corrupt[ordinal] else frame)
        yield from self._release()

    def finish(self) -> Iterator[Picture]:
        self._skip_to(self._table.ordinals.size)
        yield from (self._judged(*picture) for picture in self._waiting)

    def _skip_to(self, number: int) -> None:
        while self._arrived < number:
            self._add(self._arrived, None)

    def _add(self, number: int, frame: av.VideoFrame | None) -> None:
        if frame is None:
            insort(self._damaged, int(self._table.ordinals[number]))
        self._waiting.append((number, frame))
        self._arrived = number + 1

    def _release(self) -> Iterator[Picture]:
        while self._waiting and self._table.waits[self._waiting[0][0]] < self._arrived:
            yield self._judged(*self._waiting.popleft())

    def _judged(self, number: int, frame: av.VideoFrame | None) -> Picture:
        """Give up a frame that may have been predicted from a damaged one."""
        if frame is None or not self._damaged:
            return number, frame
        ordinal = int(self._table.ordinals[number])
        keyframe = int(self._table.keyframes[self._table.keyframe_before(number)])
        begin = bisect_left(self._damaged, max(keyframe, ordinal - _SPOILED))
        # nothing from a keyframe on is predicted from frames stored after it and shown before it
        shown_from = self._table.numbers[keyframe] if keyframe else 0
        spoiled = any(self._table.numbers[damaged] >= shown_from for damaged in self._before(begin, ordinal))
        return number, None if spoiled else frame

    def _before(self, begin: int, ordinal: int) -> list[int]:
        return self._damaged[begin : bisect_left(self._damaged, ordinal)]
