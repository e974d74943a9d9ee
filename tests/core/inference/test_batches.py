"""Batches of frames, decoded in a thread."""

import threading

import numpy as np
import pytest

from posecut_core.inference.video import _batches_ahead, _frame_batches

SHAPE = (2, 4, 3)


def few_frames(numbers, damaged=(), fail_at=None):
    """Frames whose pixels are their number; some cannot be decoded, and one can be made to fail."""
    for number in numbers:
        if number == fail_at:
            raise ValueError(f"frame {number} failed")
        yield number, None if number in damaged else np.full((2, 4, 3), number % 256, np.uint8)


def firsts(batches):
    return [batch.images[:, 0, 0, 0].tolist() for batch in batches]


def test_every_frame_has_its_place():
    """Frames come in order, the last batch holds the rest, and an undecodable frame is black and marked."""
    batches = list(_frame_batches(few_frames(range(5), damaged=(1, 4)), SHAPE, 2))
    assert firsts(batches) == [[0, 0], [2, 3], [0]]
    assert [batch.decoded.tolist() for batch in batches] == [[True, False], [True, True], [False]]


def test_the_thread_gives_the_same_batches():
    """Decoding ahead changes neither order nor content."""
    with _batches_ahead(few_frames(range(1, 8), damaged=(2,)), SHAPE, 3) as batches:
        assert firsts(batches) == [[1, 0, 3], [4, 5, 6], [7]]


def test_an_error_while_decoding_arises_where_batches_are_taken():
    """Frames before the failure are given out, then the error itself."""
    with _batches_ahead(few_frames(range(8), fail_at=4), SHAPE, 2) as batches:
        assert firsts([next(batches), next(batches)]) == [[0, 1], [2, 3]]
        with pytest.raises(ValueError, match="frame 4 failed"):
            next(batches)


def test_the_thread_ends_with_the_block():
    """Leaving early leaves no thread behind however much is still to decode."""
    with _batches_ahead(few_frames(range(10_000)), SHAPE, 2) as batches:
        next(batches)
    assert not [thread for thread in threading.enumerate() if thread.name == "decoding"]
