"""Frames with those around them: in a stream, and as a store keeps them."""

import numpy as np
import pytest

from posecut_core.errors import VideoError
from posecut_core.video.frame_store import FrameStore
from posecut_core.video.neighbors import channels_of, frames_with_neighbors, neighbors_of, with_neighbors


def shot(number, height=2, width=3):
    """A frame whose channels tell its number."""
    return np.stack([np.full((height, width), 10 * number + channel, np.uint8) for channel in range(3)], axis=-1)


def streamed(numbers, *, context, frames=6, damaged=()):
    def read(wanted):
        asked.extend(wanted)
        return ((number, None if number in damaged else shot(number)) for number in wanted)

    asked = []
    found = dict(frames_with_neighbors(read, numbers, context=context, frame_count=frames))
    return found, asked


def told(image):
    """Which frames the channels of an image are of, the first three being red, green and blue of one."""
    red, green, blue, *others = image[0, 0].tolist()
    assert (green, blue) == (red + 1, red + 2)
    return red // 10, [value // 10 for value in others]


def test_channels_follow_in_the_order_of_time():
    """Behind the colors come the green channels of the frames before and after."""
    assert (channels_of(0), channels_of(2)) == (3, 7)
    assert neighbors_of(4, context=2) == (2, 3, 5, 6)
    image = with_neighbors(shot(4), [shot(number) for number in neighbors_of(4, context=2)])
    assert told(image) == (4, [2, 3, 5, 6])
    assert image[0, 0].tolist() == [40, 41, 42, 21, 31, 51, 61]


def test_the_frame_stands_in_for_what_there_is_not():
    """A frame that is missing, or of another size, is replaced by the frame itself: nothing moves."""
    assert told(with_neighbors(shot(4), [None, shot(5, width=9)])) == (4, [4, 4])
    assert with_neighbors(shot(4), []) is not None


def test_each_frame_is_read_once():
    """What is asked of the video is the frames and those around them, as far as it has any."""
    found, asked = streamed(range(6), context=2)
    assert asked == list(range(6))
    seen = [told(found[number]) for number in range(6)]
    assert [number for number, _ in seen] == list(range(6))
    assert [others for _, others in seen[:3]] == [[0, 0, 1, 2], [1, 0, 2, 3], [0, 1, 3, 4]]
    assert [others for _, others in seen[3:]] == [[1, 2, 4, 5], [2, 3, 5, 4], [3, 4, 5, 5]]
    found, asked = streamed(range(3, 5), context=1)
    assert (asked, list(found)) == ([2, 3, 4, 5], [3, 4])


@pytest.mark.parametrize("start", range(7))
def test_what_is_seen_does_not_depend_on_where_reading_begins(start):
    """An analysis that goes on sees in each frame what one that was not interrupted sees; so does one of a part."""
    whole, _ = streamed(range(6), context=2)
    rest, _ = streamed(range(start, 6), context=2)
    assert list(rest) == list(range(start, 6))
    for number, image in rest.items():
        np.testing.assert_array_equal(image, whole[number])


def test_a_damaged_frame_is_none_and_moves_in_no_other():
    """It has no image of its own, and those around it see themselves in its place."""
    found, _ = streamed(range(4), context=1, frames=4, damaged=(1,))
    assert found[1] is None
    assert [told(found[number]) for number in (0, 2, 3)] == [(0, [0, 0]), (2, [2, 3]), (3, [2, 3])]


def test_without_a_context_frames_are_what_they_were():
    """Nothing is read beside them, nothing added."""
    found, asked = streamed(range(2, 4), context=0)
    assert asked == [2, 3]
    np.testing.assert_array_equal(found[3], shot(3))


@pytest.fixture
def store(tmp_path):
    """Two frames, one of them the window at (1, 1) of a larger one."""
    found = FrameStore.open(tmp_path / "frames.zarr", create=True)
    found.append([(2, shot(2, 4, 5), (0, 0)), (7, shot(7, 2, 3), (1, 1))])
    return found


def test_a_store_keeps_what_is_around_its_frames(store):
    """The frames around are no frames of the store; what a window of them shows is cut to it."""
    assert store.lacking_neighbors([2, 7], context=2) == (0, 1, 3, 4, 5, 6, 8, 9)
    marked = shot(8, 4, 5)
    marked[2, 3] = 200
    assert store.keep_neighbors([(1, shot(1, 4, 5)), (3, shot(3, 4, 5)), (8, marked)]) == 3
    again = FrameStore.open(store.path)
    assert again.numbers.tolist() == [2, 7]
    assert again.lacking_neighbors([2, 7], context=1) == (6,)
    assert told(again.read_with_neighbors(2, context=1)) == (2, [1, 3])
    seen = again.read_with_neighbors(7, context=1)
    assert (seen.shape, told(seen)) == ((2, 3, 5), (7, [7, 8]))
    assert seen[1, 2, 4] == 200
    np.testing.assert_array_equal(again.read_with_neighbors(7, context=0), shot(7))


def test_a_frame_that_is_kept_is_not_kept_again(store):
    """Frames around two that are near each other are one."""
    store.keep_neighbors([(3, shot(3, 4, 5))])
    assert store.keep_neighbors([(3, shot(9, 4, 5)), (4, shot(4, 4, 5))]) == 1
    assert told(store.read_with_neighbors(2, context=2)) == (2, [2, 2, 3, 4])


def test_what_is_around_a_removed_frame_goes_with_it(store):
    """But for what a network may see with a frame that stays."""
    store.keep_neighbors([(number, shot(number, 4, 5)) for number in (1, 6, 8, 12)])
    assert FrameStore.open(store.path).remove([7]) == 1
    assert FrameStore.open(store.path / "neighbors").numbers.tolist() == [1, 6]
    assert store.remove([2]) == 1
    assert FrameStore.open(store.path / "neighbors").numbers.tolist() == []


def test_a_frame_can_be_removed_though_its_neighbors_are_damaged(store):
    """They are told where they are read."""
    store.keep_neighbors([(3, shot(3, 4, 5))])
    (store.path / "neighbors" / "zarr.json").write_text("{")
    assert FrameStore.open(store.path).remove([2]) == 1


def test_damaged_neighbors_are_told_with_their_folder(store):
    """A flipped bit is no other picture: the sentence says which folder to delete."""
    store.keep_neighbors([(3, shot(3, 4, 5))])
    chunk = store.path / "neighbors" / "frames" / "c" / "0" / "0" / "0" / "0"
    content = bytearray(chunk.read_bytes())
    content[-1] ^= 1
    chunk.write_bytes(content)
    with pytest.raises(VideoError, match="neighbors are damaged"):
        FrameStore.open(store.path).read_with_neighbors(2, context=1)
