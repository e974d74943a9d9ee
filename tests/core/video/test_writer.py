"""Videos written can be read back, appear whole or not at all, and errors are sentences."""

import errno

import numpy as np
import pytest

from posecut_core.errors import ArgumentError, StorageError, VideoError
from posecut_core.video.reader import VideoReader
from posecut_core.video.writer import VideoWriter


def _write(path, images, *, fps=25.0):
    height, width = images[0].shape[:2]
    with VideoWriter(path, fps=fps, width=width, height=height) as writer:
        for image in images:
            writer.write(image)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.avi"])
def test_what_is_written_is_read_back(tmp_path, numbered_image, number_in, name):
    """Every frame comes back under its number, in about its colors."""
    _write(tmp_path / name, [numbered_image(number) for number in range(12)])
    with VideoReader(tmp_path / name) as reader:
        found = dict(reader.frames())
    assert [number_in(image) for image in found.values()] == list(range(12))
    assert np.abs(found[5].astype(int) - numbered_image(5)).mean() < 6


@pytest.mark.parametrize("fps", [25.0, 29.97, 30000 / 1001, 7.5, 240.0, 0.001])
def test_the_rate_is_kept(tmp_path, numbered_image, fps):
    """The rate read back is the rate written."""
    _write(tmp_path / "a.mp4", [numbered_image(1)] * 10, fps=fps)
    with VideoReader(tmp_path / "a.mp4") as reader:
        assert reader.index.fps == pytest.approx(fps, rel=1e-3)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov"])
def test_times_are_kept(tmp_path, numbered_image, number_in, name):
    """Kind: frames of a varying rate follow each other evenly, up to seconds off; here each is shown at its time."""
    times = np.array([0.5, 0.6, 0.7, 1.7, 1.7 + 1e-6, 4.0, 4.02])
    with VideoWriter(tmp_path / name, fps=2.0, width=64, height=48, times=times) as writer:
        for number in range(times.size):
            writer.write(numbered_image(number))
    with VideoReader(tmp_path / name) as reader:
        assert [number_in(image) for _, image in reader.frames()] == list(range(times.size))
        np.testing.assert_allclose(reader.index.times - reader.index.times[0], times - 0.5, atol=2e-5)


def test_colors_come_back(tmp_path):
    """Red, green and blue survive the way into the video and back."""
    image = np.zeros((32, 96, 3), np.uint8)
    for channel in range(3):
        image[:, 32 * channel : 32 * channel + 32, channel] = 200
    _write(tmp_path / "a.mp4", [image])
    with VideoReader(tmp_path / "a.mp4") as reader:
        found = reader.read(0)
    for column in (16, 48, 80):
        np.testing.assert_allclose(found[16, column].astype(int), image[16, column].astype(int), atol=6)


def test_odd_sizes_are_padded_by_a_pixel(tmp_path):
    """A video of 33x17 is written as 34x18, whose added row and column repeat the last."""
    image = np.full((17, 33, 3), 180, np.uint8)
    _write(tmp_path / "a.mp4", [image])
    with VideoReader(tmp_path / "a.mp4") as reader:
        found = reader.read(0)
    assert found.shape == (18, 34, 3)
    assert np.abs(found.astype(int) - 180).max() < 6


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path, numbered_image):
    """What was at the path stays as it was when writing breaks off."""
    path = tmp_path / "a.mp4"
    path.write_bytes(b"old")

    def broken():
        with VideoWriter(path, fps=25, width=64, height=48) as writer:
            writer.write(numbered_image(1))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken()
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.mp4"]
    assert path.read_bytes() == b"old"


def test_an_image_of_another_size_is_refused(tmp_path):
    """The sentence names both sizes."""
    with (
        pytest.raises(VideoError, match=r"10x20 pixels does not fit .*; give images of 64x48"),
        VideoWriter(tmp_path / "a.mp4", fps=25, width=64, height=48) as writer,
    ):
        writer.write(np.zeros((20, 10, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_a_video_without_images_is_refused(tmp_path):
    """Nothing written is an error, not an empty file."""
    writer = VideoWriter(tmp_path / "a.mp4", fps=25, width=8, height=8)
    with pytest.raises(VideoError, match="No image was written"), writer:
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("fps", "width"), [(0.0, 64), (0.0004, 64), (float("inf"), 64), (float("nan"), 64), (-3.0, 64), (25.0, 0)]
)
def test_impossible_settings_are_refused(tmp_path, fps, width):
    """Rates and sizes that no video has are named."""
    with pytest.raises(ArgumentError, match="A video cannot have"):
        VideoWriter(tmp_path / "a.mp4", fps=fps, width=width, height=48)


def test_an_unknown_kind_of_file_is_refused(tmp_path, numbered_image):
    """A suffix of no container gives one sentence and leaves nothing behind."""
    with pytest.raises(VideoError, match=r"choose a file that ends in \.mp4"):
        _write(tmp_path / "a.nonsense", [numbered_image(1)])
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_a_sentence(tmp_path, numbered_image, monkeypatch):
    """An error of the disk becomes a StorageError and leaves nothing behind."""

    def full(source, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("posecut_core.storage.files.os.replace", full)
    with pytest.raises(StorageError, match="the disk is full"):
        _write(tmp_path / "a.mp4", [numbered_image(1)])
    assert list(tmp_path.iterdir()) == []
