"""DeepLabCut's images and the frame store hold the same frames."""

import errno
import gc

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image

from posecut_core.errors import StorageError, VideoError
from posecut_core.formats.deeplabcut.images import OWN
from posecut_core.labels.images import _import_images, export_images, unreadable_images
from posecut_core.progress import Notice
from posecut_core.project.config import ProjectConfig
from posecut_core.project.paths import Project
from posecut_core.storage import disk
from posecut_core.types import Crop
from posecut_core.video.frame_store import FrameStore


@pytest.fixture
def project(tmp_path):
    """A project whose video m1 has a crop of 10 x 8 pixels at (40, 60)."""
    sets = {"/data/m1.mp4": Crop(40, 50, 60, 68)}
    project = Project(tmp_path, ProjectConfig("reach", "Ann", "Oct30", ("nose",), sets))
    project.frame_folder("m1").mkdir(parents=True)
    return project


def picture(seed, height=8, width=10):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_images_are_imported_once(project):
    """Images come in with their number and origin, and a second import adds nothing."""
    crop, full = picture(0), picture(1, 48, 64)
    iio.imwrite(project.frame_folder("m1") / "img0007.png", crop)
    iio.imwrite(project.frame_folder("m1") / "img12.png", full)
    (project.frame_folder("m1") / "img12labeled.png").write_bytes(b"no image")
    assert [_import_images(project, "m1"), _import_images(project, "m1")] == [2, 0]
    store = FrameStore.open(project.frame_store("m1"))
    assert store.numbers.tolist() == [7, 12]
    assert store.origins.tolist() == [[40, 60], [0, 0]]
    np.testing.assert_array_equal(store.read(7), crop)
    np.testing.assert_array_equal(store.read(12), full)


def test_gray_images_become_color(project):
    """Images of one channel are read as three equal ones."""
    gray = picture(0)[..., 0]
    iio.imwrite(project.frame_folder("m1") / "img1.png", gray)
    _import_images(project, "m1")
    np.testing.assert_array_equal(
        FrameStore.open(project.frame_store("m1")).read(1), np.repeat(gray[..., None], 3, axis=2)
    )


def test_a_full_disk_is_one_sentence(project, monkeypatch):
    """Nothing is left of the image, and no object complains when it is collected."""

    def full(handle, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    FrameStore.open(project.frame_store("m1"), create=True).append([(5, picture(0), (40, 60))])
    with monkeypatch.context() as patch:
        patch.setattr(disk, "write", full)
        with pytest.raises(StorageError, match=r"img0005\.png; the disk is full"):
            export_images(project, "m1")
    gc.collect()
    assert {path.name for path in project.frame_folder("m1").iterdir()} <= {"frames.zarr", "frames.lock"}


def test_frames_round_trip_through_images(project):
    """Exported frames are imported as they were, and exporting again writes nothing."""
    store = FrameStore.open(project.frame_store("m1"), create=True)
    store.append([(5, picture(0), (40, 60)), (123, picture(1, 48, 64), (0, 0))])
    said = []
    assert [export_images(project, "m1", report=said.append), export_images(project, "m1")] == [2, 0]
    assert [(progress.done, progress.total) for progress in said] == [(1, 2), (2, 2)]
    names = sorted(path.name for path in project.frame_folder("m1").glob("*.png"))
    assert names == ["img0005.png", "img0123.png"]
    store.remove([5, 123])
    assert _import_images(project, "m1") == 2
    again = FrameStore.open(project.frame_store("m1"))
    np.testing.assert_array_equal(again.read(5), picture(0))
    assert again.origins.tolist() == [[40, 60], [0, 0]]


def test_nothing_to_export_is_an_error(project):
    """A video without frames gives one sentence."""
    with pytest.raises(VideoError, match="extract some first"):
        export_images(project, "m1")


def test_images_that_cannot_be_read_stop_no_others(project):
    """Kind: one empty, cut or missing image closed the project. Each is named, every time, until it is mended."""
    folder, told = project.frame_folder("m1"), []
    for number in (1, 4, 5):
        iio.imwrite(folder / f"img{number}.png", picture(number, 48, 64))
    whole = (folder / "img4.png").read_bytes()
    (folder / "img2.png").write_bytes(b"")
    (folder / "img4.png").write_bytes(whole[: len(whole) // 2])
    (folder / "img6.png").mkdir()
    (folder / "img7.png").symlink_to(folder / "nowhere.png")
    assert _import_images(project, "m1", report=told.append) == 2
    assert FrameStore.open(project.frame_store("m1")).numbers.tolist() == [1, 5]
    words = {2: "is empty", 4: "truncated", 6: "not a file", 7: "link to a missing file"}
    texts = [note.text for note in told if isinstance(note, Notice)]
    named = {number: [text for text in texts if f"img{number}.png" in text] for number in words}
    assert all(len(texts) == 1 and words[number] in texts[0] for number, texts in named.items())
    assert sorted(unreadable_images(project, "m1")) == sorted(f"{text}." for (text,) in named.values())
    (folder / "img4.png").write_bytes(whole)
    assert _import_images(project, "m1") == 1
    np.testing.assert_array_equal(FrameStore.open(project.frame_store("m1")).read(4), picture(4, 48, 64))


def test_a_folder_of_broken_images_gets_no_frame_store(project):
    """Nothing is written for nothing."""
    (project.frame_folder("m1") / "img2.png").write_bytes(b"\x89PNG broken")
    assert _import_images(project, "m1") == 0
    assert not project.frame_store("m1").exists()


def test_deep_images_of_a_video_are_alike(project):
    """One scale for all, written down, so that images that come later have it too; it is told."""
    folder, told, gray = project.frame_folder("m1"), [], picture(0)[..., 0]
    for number, factor in ((1, 4), (2, 16)):
        Image.fromarray(gray.astype(np.uint16) * factor).save(folder / f"img{number}.png")
    _import_images(project, "m1", report=told.append)
    Image.fromarray(gray.astype(np.uint16) * 8).save(folder / "img3.png")
    _import_images(project, "m1", report=told.append)
    store = FrameStore.open(project.frame_store("m1"))
    for number, factor in ((1, 4), (2, 16), (3, 8)):
        assert np.abs(store.read(number)[..., 0] - gray * (factor / 16)).max() <= 1
    assert [note for note in told if isinstance(note, Notice) and "as black and 4095 as white" in note.text]


def test_images_of_any_name_keep_it(project):
    """What DeepLabCut takes comes in, is exported under its own name, and is not asked of the video."""
    for number, name in enumerate(["frame3.png", "Maus links.tif", "cam1_000009.JPG"]):
        iio.imwrite(project.frame_folder("m1") / name, picture(number))
    assert _import_images(project, "m1") == 3
    store = FrameStore.open(project.frame_store("m1"))
    assert store.numbers.tolist() == [3, 9, OWN]
    np.testing.assert_array_equal(store.read(OWN), picture(1))
    assert export_images(project, "m1") == 0
    (project.frame_folder("m1") / "frame3.png").unlink()
    assert export_images(project, "m1") == 1
    np.testing.assert_array_equal(iio.imread(project.frame_folder("m1") / "frame3.png"), picture(0))
