"""Frames come with their true numbers: read at random, in order, with gaps, and from damaged files."""

import random
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from posecut_core.errors import VideoError
from posecut_core.video.reader import VideoReader


def test_every_kind_of_video_reads_in_order(any_video, number_in):
    """Frame n in sequence is the n-th that was encoded."""
    path, count = any_video
    with VideoReader(path) as reader:
        found = [(number, number_in(image)) for number, image in reader.frames()]
    assert found == [(number, number) for number in range(count)]


def test_every_kind_of_video_reads_at_random(any_video, number_in):
    """Frame n read at random is the n-th that was encoded."""
    path, count = any_video
    order = random.Random(1).choices(range(count), k=50)
    with VideoReader(path) as reader:
        assert [number_in(reader.read(number)) for number in order] == order


def test_random_reads_equal_the_sequence_to_the_last_bit(video):
    """A frame has the same pixels whichever way it is reached."""
    with VideoReader(video) as reader:
        sequence = dict(reader.frames())
        for number in random.Random(2).sample(range(40), 20):
            np.testing.assert_array_equal(reader.read(number), sequence[number])


def test_given_numbers_come_sorted_and_once(video, number_in):
    """Wanted numbers are yielded in increasing order without repeats."""
    with VideoReader(video) as reader:
        found = [(number, number_in(image)) for number, image in reader.frames([31, 2, 31, 17])]
    assert found == [(2, 2), (17, 17), (31, 31)]


def test_reading_between_two_frames_of_a_sequence_does_no_harm(video, number_in):
    """A sequence goes on with the right frame after a random read."""
    with VideoReader(video) as reader:
        found = []
        for number, image in reader.frames(range(0, 40, 3)):
            assert number_in(reader.read(39 - number)) == 39 - number
            found.append(number_in(image))
    assert found == list(range(0, 40, 3))


@pytest.mark.parametrize("number", [40, -1, 10**9])
def test_a_number_past_the_end_says_how_many_there_are(video, number):
    """The sentence names the frame count and the range to choose from."""
    with VideoReader(video) as reader:
        with pytest.raises(VideoError, match=f"has 40 frames, hence no frame {number}; choose a number from 0 to 39"):
            reader.read(number)
        with pytest.raises(VideoError, match="has 40 frames"):
            list(reader.frames([0, number]))


@pytest.mark.parametrize(
    ("name", "codec", "settings"),
    [
        ("b_frames.mp4", "libx264", {"options": {"bf": "3"}}),
        ("open_groups.mkv", "libx264", {"options": {"bf": "3", "x264-params": "open-gop=1:scenecut=0"}}),
        ("made_up_times.avi", "libx264", {"options": {"bf": "3"}}),
        ("b_frames.avi", "mpeg4", {"b_frames": 2}),
        ("plain.mp4", "mpeg4", {"b_frames": 0}),
        ("mjpeg.avi", "mjpeg", {"pix_fmt": "yuvj420p"}),
    ],
)
@pytest.mark.parametrize("packet", [2, 15, 39])
def test_damaged_frames_are_named_and_shift_nothing(tmp_path, encode, damage, number_in, name, codec, settings, packet):
    """A damaged packet costs its frame and those predicted from it; every other frame keeps number and picture."""
    path = damage(encode(tmp_path / name, codec, **settings), packet)
    with VideoReader(path) as reader:
        found = [number_in(image) for _, image in reader.frames()]
        damaged = reader.damaged
    assert len(found) == 40
    assert 1 <= len(damaged) <= 16
    assert found == [None if number in damaged else number for number in range(40)]
    with VideoReader(path) as reader:
        with pytest.raises(VideoError, match=f"Frame {damaged[0]} of .* is damaged"):
            reader.read(damaged[0])
        whole = [number for number in (39, 20, 9, 0, 30) if number not in damaged]
        assert [number_in(reader.read(number)) for number in whole] == whole


def test_frames_after_a_damaged_intra_frame_are_whole(tmp_path, encode, damage):
    """Where every frame stands alone, exactly one is lost."""
    path = damage(encode(tmp_path / "a.avi", "mjpeg", pix_fmt="yuvj420p"), 7)
    with VideoReader(path) as reader:
        assert [number for number, image in reader.frames() if image is None] == [7]


@pytest.mark.parametrize(("rotation", "quarters"), [(90, 1), (180, 2), (-90, 3)])
def test_a_turned_video_is_shown_upright(tmp_path, encode, numbered_image, rotation, quarters):
    """The rotation that phones write is applied, and the size is that of the turned picture."""
    path = encode(tmp_path / "phone.mp4", "libx264", rotation=rotation, options={"qp": "1"})
    with VideoReader(path) as reader:
        image = reader.read(13)
        assert (reader.index.height, reader.index.width) == image.shape[:2]
    wanted = np.rot90(numbered_image(13), quarters)
    assert image.shape == wanted.shape
    assert np.abs(image.astype(int) - wanted).mean() < 8


def test_turning_agrees_with_the_players(tmp_path, encode):
    """A display matrix of 90 degrees anticlockwise turns the left edge to the bottom, as ffplay does."""
    path = encode(tmp_path / "phone.mp4", "libx264", rotation=90)
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).rotation == 90
    with VideoReader(path) as reader:
        image = reader.read(1)  # bit 0: the block at the top left is white
    assert image[-8, 8].min() > 200


def test_grey_stays_grey(tmp_path, encode):
    """A grey video gives three equal channels."""
    with VideoReader(encode(tmp_path / "a.mkv", "ffv1", pix_fmt="gray")) as reader:
        image = reader.read(5)
    assert (image == image[..., :1]).all()


def test_a_size_that_changes_midway_is_scaled_to_the_first(tmp_path, encode):
    """All frames of a video have one shape."""
    with av.open(str(tmp_path / "a.ts"), "w") as container:
        stream = container.add_stream("mpeg2video", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        other = av.CodecContext.create("mpeg2video", "w")
        other.width, other.height, other.pix_fmt, other.framerate = 96, 80, "yuv420p", Fraction(25)
        other.time_base = Fraction(1, 25)
        container.mux([p for n in range(5) for p in stream.encode(_grey(64, 48, n))] + stream.encode(None))
        later = [p for n in range(5, 10) for p in other.encode(_grey(96, 80, n))] + other.encode(None)
        for packet in later:
            packet.stream = stream
            container.mux(packet)
    with VideoReader(tmp_path / "a.ts") as reader:
        assert {image.shape for _, image in reader.frames() if image is not None} == {(48, 64, 3)}


def _grey(width: int, height: int, pts: int) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), 90, np.uint8), format="rgb24")
    frame.pts = pts
    return frame


def test_decoders_stay_silent(tmp_path, encode, damage):
    """A damaged video prints nothing: what is wrong is said by the values returned."""
    path = damage(encode(tmp_path / "a.mp4", "libx264"), 15)
    program = f"from posecut_core.video.reader import VideoReader; list(VideoReader({str(path)!r}).frames())"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout + run.stderr == ""


def test_a_name_with_odd_characters_opens(tmp_path, video):
    """Spaces, colons, percent signs and letters of any script are part of a name and nothing more."""
    odd = Path(shutil.copy(video, tmp_path / "a:b %03d #ö 鼠.mp4"))
    with VideoReader(odd) as reader:
        assert reader.index.frame_count == 40
