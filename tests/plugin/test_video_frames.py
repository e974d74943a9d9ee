"""Videos as arrays that are decoded on a thread."""

import threading

import numpy as np
import pytest

from napari_posecut.layers.video import _GRAY, VideoFrames
from posecut_core.errors import VideoError
from posecut_core.video.reader import VideoReader
from posecut_core.video.writer import VideoWriter

FRAMES = 40


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Path of a video whose frames grow brighter."""
    path = tmp_path_factory.mktemp("videos") / "ramp.mp4"
    with VideoWriter(path, fps=25, width=32, height=16) as writer:
        for number in range(FRAMES):
            writer.write(np.full((16, 32, 3), 4 * number, np.uint8))
    return path


@pytest.fixture
def frames(video):
    """The video, opened with all the patience of the world."""
    frames = VideoFrames(video, patience=60)
    yield frames
    frames.close()


def test_pictures_are_those_of_the_reader(video, frames):
    """Whatever order they are asked for in, frames have the numbers that the core gives them."""
    assert frames.shape == (FRAMES, 16, 32, 3)
    with VideoReader(video) as reader:
        for number in (39, 0, 17, 16, 15, 31):
            assert np.array_equal(frames[number], reader.read(number))


def test_parts_are_cut_as_numpy_does(frames):
    """Slices of time and of the picture give what they give of an array."""
    whole = np.stack([frames[number] for number in range(FRAMES)])
    for key in (np.s_[3], np.s_[-1], np.s_[5, 2:4], np.s_[4:9:2, :, 3], np.s_[7, ..., 0], np.s_[2:2]):
        assert np.array_equal(frames[key], whole[key])
    with pytest.raises(IndexError, match="40 frames"):
        frames[FRAMES]


def test_whole_video_is_never_decoded_at_once(frames, monkeypatch):
    """A long slice is one gray picture, of which parts can be cut, and nothing is decoded for it."""
    monkeypatch.setattr(frames, "_wait", None)
    for key, shape in ((np.s_[:], (1, 16, 32, 3)), (np.s_[:, :, 5], (1, 16, 3))):
        assert frames[key].shape == shape
        assert (frames[key] == _GRAY).all()


def test_late_picture_is_gray_and_announced(video):
    """A picture that is not there in time is gray; whoever asked is told when it is there."""
    frames, notified = VideoFrames(video, patience=0), threading.Event()
    frames.arrived = lambda number: notified.set() if number == 30 else None
    if (frames[30] == _GRAY).all():
        assert notified.wait(60)
    assert (frames[30] != _GRAY).any()
    frames.close()


def test_undecodable_frame_is_gray(frames, monkeypatch):
    """A damaged frame is a gray picture, never an exception, and known to be damaged."""
    monkeypatch.setattr(VideoReader, "frames", lambda self, numbers: ((number, None) for number in numbers))
    assert (frames[3] == _GRAY).all()
    assert frames.read(3) is None


def test_file_that_fails_is_gray(frames, monkeypatch):
    """A file that goes away while it is shown leaves gray pictures."""

    def fail(self, numbers):
        raise VideoError("gone")
        yield

    monkeypatch.setattr(VideoReader, "frames", fail)
    assert (frames[3] == _GRAY).all()


def test_closed_video_answers_at_once(frames):
    """After closing, nothing waits for a picture."""
    frames.close()
    assert frames.closed
    assert (frames[12] == _GRAY).all()


def test_memory_is_bounded(frames, monkeypatch):
    """Pictures that were shown long ago are let go of, and decoded again when they are wanted."""
    monkeypatch.setattr(frames, "_most", 16)
    first = frames[0]
    for number in range(FRAMES):
        frames.read(number)
    assert len(frames._kept) <= 17
    assert np.array_equal(frames[0], first)


def test_a_frame_that_may_be_damaged_keeps_nobody_waiting(video, monkeypatch):
    """While one frame is looked for from the start of the file, others are shown; in the end it is there or damaged."""
    goes_on = threading.Event()

    def read(reader, numbers):
        if reader._sure:
            goes_on.wait(60)
        else:
            numbers = [number for number in numbers if number != 3]
        yield from original(reader, numbers)

    original = VideoReader.frames
    monkeypatch.setattr(VideoReader, "frames", read)
    frames, notified = VideoFrames(video, patience=0), threading.Event()
    frames.arrived = lambda number: notified.set() if number == 3 else None
    assert (frames[3] == _GRAY).all()
    assert frames.read(4) is not None
    assert frames.read(30) is not None
    assert (frames[3] == _GRAY).all()
    goes_on.set()
    assert notified.wait(60)
    assert frames[3].max() < 40
    frames.close()
