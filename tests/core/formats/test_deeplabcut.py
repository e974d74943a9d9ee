"""DeepLabCut's images and the frame store hold the same frames."""

import errno
import gc

import imageio.v3 as iio
import numpy as np
import pytest

from posecut_core.errors import LabelError, StorageError, VideoError
from posecut_core.formats.deeplabcut import export_images, import_images
from posecut_core.project import disk
from posecut_core.project.config import Crop, ProjectConfig
from posecut_core.project.layout import Project
from posecut_core.video.store import FrameStore


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
    assert [import_images(project, "m1"), import_images(project, "m1")] == [2, 0]
    store = FrameStore.open(project.frame_store("m1"))
    assert store.numbers.tolist() == [7, 12]
    assert store.origins.tolist() == [[40, 60], [0, 0]]
    np.testing.assert_array_equal(store.read(7), crop)
    np.testing.assert_array_equal(store.read(12), full)


def test_grey_images_become_colour(project):
    """Images of one channel are read as three equal ones."""
    grey = picture(0)[..., 0]
    iio.imwrite(project.frame_folder("m1") / "img1.png", grey)
    import_images(project, "m1")
    np.testing.assert_array_equal(
        FrameStore.open(project.frame_store("m1")).read(1), np.repeat(grey[..., None], 3, axis=2)
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
    assert import_images(project, "m1") == 2
    again = FrameStore.open(project.frame_store("m1"))
    np.testing.assert_array_equal(again.read(5), picture(0))
    assert again.origins.tolist() == [[40, 60], [0, 0]]


def test_nothing_to_export_is_an_error(project):
    """A video without frames gives one sentence."""
    with pytest.raises(VideoError, match="extract some first"):
        export_images(project, "m1")


def test_a_damaged_image_is_named(project):
    """The message names the file; images before it are kept, and the import goes on once it is repaired."""
    iio.imwrite(project.frame_folder("m1") / "img1.png", picture(0))
    broken = project.frame_folder("m1") / "img2.png"
    broken.write_bytes(b"\x89PNG broken")
    with pytest.raises(VideoError, match=r"img2\.png is not a readable image"):
        import_images(project, "m1")
    broken.unlink()
    assert import_images(project, "m1") in (0, 1)
    assert FrameStore.open(project.frame_store("m1")).numbers.tolist() == [1]


def test_two_images_of_one_frame_are_refused(project):
    """Which of two images is meant is not guessed."""
    for name in ("img1.png", "img01.png"):
        iio.imwrite(project.frame_folder("m1") / name, picture(0))
    with pytest.raises(LabelError, match="frame 1 twice"):
        import_images(project, "m1")
