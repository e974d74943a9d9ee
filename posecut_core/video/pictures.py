"""Decoded pictures in the order of their frame numbers, None for each one that cannot be trusted.

A packet that fails to decode spoils more than its own frame: those predicted from it look plausible and are wrong.
Every frame stored after a damaged one is therefore taken as damaged up to the next keyframe.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator

import av

from posecut_core.video.packets import PacketTable
from posecut_core.video.source import Source, TaggedFrame

Picture = tuple[int, av.VideoFrame | None]

_SPOILED = 300  # packets: encoders rarely put keyframes further apart, and prediction errors have faded by then


def pictures_from(source: Source, table: PacketTable, position: int) -> Iterator[Picture]:
    """Yield every frame number from that of the keyframe at `position` on, up to the last of the video."""
    first = int(table.numbers[table.keyframes[position]]) if position else 0
    queue = _Queue(table, max(first, 0))
    for ordinal, frame in _all_frames(source, table, position):
        yield from queue.push(ordinal, frame)
    yield from queue.finish()


def _all_frames(source: Source, table: PacketTable, position: int) -> Iterator[TaggedFrame]:
    """Decode to the end; if that is missing, repeat it with one thread, as an error there makes threads lose frames."""
    last = -1
    for ordinal, frame in source.decode(source.from_keyframe(table, position)):
        last = max(last, int(table.numbers[ordinal]))
        yield ordinal, frame
    if last + 1 < table.ordinals.size:
        careful = Source(source.path, threads=False)
        try:
            yield from careful.decode(careful.from_keyframe(table, table.keyframe_before(last + 1)))
        finally:
            careful.close()


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
        self._add(number, None if frame.is_corrupt else frame)
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
