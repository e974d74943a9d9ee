"""Videos and frame stores elsewhere are read in parts, and are what they are on this computer."""

import pickle
import random
from pathlib import Path

import numpy as np
import pytest

from posecut_core.errors import ArgumentError, StorageError, VideoError
from posecut_core.project.given import given_videos
from posecut_core.storage import remote
from posecut_core.storage.files import fingerprint, open_file
from posecut_core.storage.remote import address_of, remote_path
from posecut_core.video.frame_store import FrameStore
from posecut_core.video.index import index_video
from posecut_core.video.reader import VideoReader
from tests.web_server import serving_files

pytest.importorskip("aiohttp")


def test_every_kind_of_video_is_the_same_elsewhere(any_video):
    """Numbers, times and what is damaged are those of the file here, and so are frames read at random."""
    path, count = any_video
    with serving_files(path.parent) as files:
        there = f"{files.address}/{path.name}"
        here, found = index_video(path), index_video(there)
        np.testing.assert_array_equal(found.times, here.times)
        for name in ("width", "height", "fps", "damaged", "suspect", "gaps"):
            assert getattr(found, name) == getattr(here, name), name
        np.testing.assert_array_equal(found.packets.numbers, here.packets.numbers)
        with VideoReader(path) as one, VideoReader(there) as other:
            for number in random.Random(3).sample(range(count), min(count, 5)):
                np.testing.assert_array_equal(other.read(number), one.read(number))
        assert fingerprint(Path(there)) == fingerprint(path)


def test_a_video_is_never_read_whole(encode, tmp_path, monkeypatch):
    """Each answer is a part; what is kept of the file at once is one."""
    path = encode(tmp_path / "long.avi", "rawvideo", frames=200, pix_fmt="bgr24")
    monkeypatch.setattr(remote, "_BLOCK", 4096)
    with serving_files(tmp_path) as files:
        index_video(f"{files.address}/long.avi")
        parts = files.sent[:]
        with VideoReader(f"{files.address}/long.avi") as reader:
            files.sent.clear()
            reader.read(150)
    assert path.stat().st_size > 10 * max(parts)
    assert sum(files.sent) < path.stat().st_size


@pytest.mark.parametrize("kind", ["usual.mp4", "usual.mkv"])
def test_a_connection_that_breaks_is_not_the_end_of_a_video(encode, tmp_path, monkeypatch, kind):
    """Fewer frames would be read, and nobody would know; what breaks once is asked for again."""
    path = encode(tmp_path / kind, "libx264", options={"qp": "0"})
    monkeypatch.setattr(remote, "_BLOCK", 1024)
    with serving_files(tmp_path) as files:
        there = f"{files.address}/{kind}"
        reader = VideoReader(there)
        for left in range(0, path.stat().st_size, path.stat().st_size // 7):
            files.left = left
            with pytest.raises(VideoError, match="could not be read"):
                index_video(there)
        files.left = 0
        with reader, pytest.raises(VideoError, match="could not be read"):
            reader.read(30)


@pytest.mark.parametrize(
    ("served", "message"),
    [({"ranges": False, "sizes": False}, "cannot be read"), ({"ranges": False}, "cannot be read")],
)
def test_a_server_that_gives_no_parts_is_refused(video, served, message):
    """Reading from the middle would be reading all of it, each time."""
    with serving_files(video.parent) as files:
        for name, value in served.items():
            setattr(files, name, value)
        with pytest.raises(VideoError, match=message):
            index_video(f"{files.address}/usual.mp4")


def test_what_is_not_there_is_said_with_its_address(tmp_path):
    """And an empty file is one."""
    (tmp_path / "empty.mp4").touch()
    with serving_files(tmp_path) as files:
        with pytest.raises(VideoError, match=f"There is no video at {files.address}/none.mp4"):
            VideoReader(f"{files.address}/none.mp4")
        with pytest.raises(VideoError, match=r"empty\.mp4"):
            VideoReader(f"{files.address}/empty.mp4")


def test_addresses_are_told_from_paths():
    """A path keeps one slash behind the scheme, and stands for the same address."""
    assert (
        address_of(Path("s3://bucket/day1/a.mp4")) == address_of("S3:///bucket/day1/a.mp4") == "s3://bucket/day1/a.mp4"
    )
    assert Path("s3://bucket/day1/a.mp4").stem == "a"
    assert [address_of(path) for path in ("/data/a.mp4", "C:/a.mp4", "a.mp4", "rtsp://camera/1", "s3:")] == [""] * 5
    assert remote_path("/data/a.mp4") is None


def test_an_address_is_shown_as_it_was_given():
    """Whatever is made of its path, and in another process."""
    path = remote_path("HTTPS://host/day1/a.mp4")
    assert [f"{path}", str(path.with_suffix(".h5"))] == ["https://host/day1/a.mp4", "https://host/day1/a.h5"]
    assert str(pickle.loads(pickle.dumps(path)).parent / "b.mp4") == "https://host/day1/b.mp4"
    assert (path.name, path.stem, path.suffix, path.exists()) == ("a.mp4", "a", ".mp4", False)
    assert {path: 1}[remote_path("https://host/day1/a.mp4")] == 1


@pytest.mark.parametrize("wrong", ["https://host/a.mp4?key=1", "https://host//a.mp4", "https://host/a::file://b.mp4"])
def test_addresses_that_no_path_holds_are_refused(wrong):
    """Results are named by them."""
    with pytest.raises(ArgumentError, match="plain address"):
        remote_path(wrong)


def test_a_missing_package_is_named(monkeypatch):
    """With the extra that brings it."""
    monkeypatch.setitem(remote._PACKAGES, "gs", "no_such_package")
    with pytest.raises(ArgumentError, match=r"no_such_package.*posecut\[remote\]"):
        given_videos(["gs://bucket/a.mp4"], elsewhere=True)


def test_a_frame_store_elsewhere_can_be_read(tmp_path):
    """Frames come back to the bit, a black one too, and nothing can be written."""
    images = {number: np.random.default_rng(number).integers(0, 256, (6, 8, 3), np.uint8) for number in (3, 9)}
    images[11] = np.zeros((6, 8, 3), np.uint8)
    FrameStore.open(tmp_path / "frames.zarr", create=True).append((n, image, (1, 2)) for n, image in images.items())
    with serving_files(tmp_path) as files:
        store = FrameStore.open(f"{files.address}/frames.zarr")
        assert store.numbers.tolist() == [3, 9, 11]
        assert store.origins.tolist() == [[1, 2]] * 3
        for number, image in images.items():
            np.testing.assert_array_equal(store.read(number), image)
        with pytest.raises(StorageError, match="can only be read"):
            store.append([(1, images[3], (0, 0))])
        (tmp_path / "frames.zarr/frames/c/2/0/0/0").unlink()
        with pytest.raises(VideoError, match="damaged"):
            store.read(11)
        with pytest.raises(VideoError):
            FrameStore.open(f"{files.address}/none.zarr", create=True)


def test_s3_is_read_by_the_settings_of_fsspec(video, monkeypatch):
    """A bucket behind an address of its own, as MinIO has it."""
    pytest.importorskip("s3fs")
    from fsspec.config import conf

    with serving_files(video.parent.parent) as files:
        monkeypatch.setitem(conf, "s3", {"anon": True, "endpoint_url": files.address})
        there = f"s3://{video.parent.name}/{video.name}"
        np.testing.assert_array_equal(index_video(there).times, index_video(video).times)
        with open_file(Path(there)) as file:
            assert file.read() == video.read_bytes()


def test_google_cloud_storage_is_read_by_the_settings_of_fsspec(video, monkeypatch):
    """A server that speaks its JSON API."""
    monkeypatch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")  # or it asks by gRPC too, and waits for minutes
    pytest.importorskip("gcsfs")
    from fsspec.config import conf

    with serving_files(video.parent.parent) as files:
        monkeypatch.setitem(conf, "gs", {"token": "anon", "endpoint_url": files.address})
        there = f"gs://{video.parent.name}/{video.name}"
        np.testing.assert_array_equal(index_video(there).times, index_video(video).times)
        with open_file(Path(there)) as file:
            assert file.read() == video.read_bytes()
