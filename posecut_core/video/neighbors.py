"""Frames with those around them in time, as a network with a `context` sees them.

With a context of n an image has 3 + 2 n channels: the frame in RGB, then the green channels, which are nearly the
brightness, of the n frames before it and of the n after it. The frame itself stands in for one that there is not, as
at both ends of a video: then nothing seems to move.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

import numpy as np
from jaxtyping import UInt8

COLORS = 3  # channels of a frame
GREEN = 1  # the place of the channel that is taken of neighbors
MOST_CONTEXT = 5  # frames before and after each that a network may see

NumberedFrame = tuple[int, UInt8[np.ndarray, "H W C"] | None]  # None where the frame could not be decoded


def channels_of(context: int) -> int:
    """Return how many channels images of a context have."""
    return COLORS + 2 * context


def neighbors_of(number: int, *, context: int) -> tuple[int, ...]:
    """Return the numbers of the frames around one, in the order of their channels; a video may not have all."""
    return (*range(number - context, number), *range(number + 1, number + context + 1))


def with_neighbors(
    image: UInt8[np.ndarray, "H W 3"], neighbors: Sequence[UInt8[np.ndarray, "_ _ 3"] | None]
) -> UInt8[np.ndarray, "H W C"]:
    """Add to a frame the channels of those around it, as a network with a `context` sees it.

    Args:
        image: the frame.
        neighbors: as many frames before it as after it, in the order of time. For one that is None or of another size
            the frame itself stands in.
    """
    there = (image if other is None or other.shape != image.shape else other for other in neighbors)
    return np.concatenate([image, *(other[..., GREEN : GREEN + 1] for other in there)], axis=-1) if neighbors else image


def frames_with_neighbors(
    read: Callable[[range], Iterator[NumberedFrame]], numbers: range, *, context: int, frame_count: int
) -> Iterator[NumberedFrame]:
    """Yield consecutive frames of a video with the channels of those around them, each read once.

    Args:
        read: yields each of a range of frames, all of one size.
        numbers: the frames to yield.
        context: how many frames before and after each it is seen with.
        frame_count: frames of the video.
    """
    if not context:
        yield from read(numbers)
        return
    around = range(max(numbers.start - context, 0), min(numbers.stop + context, frame_count))
    beyond = ((number, None) for number in range(around.stop, numbers.stop + context))
    recent: dict[int, UInt8[np.ndarray, "H W 3"] | None] = {}
    for newest, picture in chain(read(around) if numbers else (), beyond):
        recent[newest] = picture
        number = newest - context
        if number in numbers:
            image = recent[number]
            others = [recent.get(each) for each in neighbors_of(number, context=context)]
            yield number, None if image is None else with_neighbors(image, others)
        recent.pop(number - context, None)
