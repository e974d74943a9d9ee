"""Images that were replaced after they had been read: the stored picture is never silently another one's."""

import json
import os
import shutil

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image

from posecut_core.formats.deeplabcut.tables import ImageLabels, write_collected_data
from posecut_core.labels import replaced_images
from posecut_core.labels.edits import Delete, Place
from posecut_core.labels.images import _import_images
from posecut_core.labels.replaced_images import disputed_frames, read_settled, review_images
from posecut_core.labels.session import LabelSession
from posecut_core.labels.store import read_labels
from posecut_core.progress import Notice
from posecut_core.project.config import ProjectConfig
from posecut_core.project.paths import Project
from posecut_core.types import Crop
from posecut_core.video.frame_store import FrameStore
from posecut_core.video.writer import VideoWriter


def picture(number):
    """A bright square that moves by 4 pixels a frame on a floor of noise."""
    image = np.random.default_rng(0).integers(60, 90, (32, 48, 3), dtype=np.uint8)
    image[4 + number : 10 + number, 4 * number : 4 * number + 6] = 250
    return image


@pytest.fixture
def project(tmp_path):
    """A project with images of frames 1 to 3, which were read once."""
    project = Project(tmp_path, ProjectConfig("reach", "Ann", "Oct30", ("nose",), {"/data/m1.mp4": Crop(0, 48, 0, 32)}))
    project.frame_folder("m1").mkdir(parents=True)
    for number in (1, 2, 3):
        iio.imwrite(image(project, number), picture(number))
    assert _import_images(project, "m1") == 3
    return project


@pytest.fixture
def filmed(tmp_path):
    """A project whose video has twelve such pictures, and no images yet."""
    with VideoWriter(tmp_path / "m1.mp4", fps=10, width=48, height=32) as writer:
        for number in range(12):
            writer.write(picture(number))
    crops = {str(tmp_path / "m1.mp4"): Crop(8, 40, 4, 28)}
    project = Project(tmp_path, ProjectConfig("reach", "Ann", "Oct30", ("nose",), crops))
    project.frame_folder("m1").mkdir(parents=True)
    return project


@pytest.mark.parametrize("window", [(slice(0, 32), slice(0, 48)), (slice(4, 28), slice(8, 40))])
@pytest.mark.parametrize(("shift", "looks"), [(0, None), (1, "but what frame 1 does"), (4, "according to its name;")])
def test_images_that_are_not_the_frames_that_they_name_are_told(filmed, window, shift, looks):
    """Kind: digits in other programs' names are believed: some count from 1, or are of another recording.

    Another coding or brightness is no other picture; cropped images are compared with their part of the frame.
    """
    for number in range(1, 8):
        shown = (0.9 * picture(number)[window] + 9).astype(np.uint8)
        Image.fromarray(shown).save(filmed.frame_folder("m1") / f"cam_{number + shift}.jpg", quality=90)
    told = opened(filmed)
    assert len(told) == (looks is not None)
    if looks:
        name = f"cam_{1 + shift}.jpg differs from frame {1 + shift} of m1.mp4"
        assert name in told[0]
        assert looks in told[0]
    assert opened(filmed) == []


@pytest.mark.parametrize(("size", "crop"), [((30, 20), (8, 40)), ((30, 20), (0, 48)), ((48, 32), (8, 40))])
def test_images_that_cannot_be_compared_with_the_video_are_not(filmed, size, crop):
    """Those of other sizes lie nobody knows where, whatever the crop, and a broken video shows nothing."""
    crops = {video: Crop(*crop, 0, 32) for video in filmed.config.video_sets}
    filmed = Project(filmed.root, ProjectConfig("reach", "Ann", "Oct30", ("nose",), crops))
    Image.fromarray(picture(9)).resize(size).save(filmed.frame_folder("m1") / "cam_2.png")
    if size == (48, 32):
        (filmed.root / "m1.mp4").write_bytes(b"no video")
    assert not any("another picture" in one for one in opened(filmed))


def image(project, number):
    return project.frame_folder("m1") / f"img{number:03d}.png"


def stored(project, number):
    return FrameStore.open(project.frame_store("m1")).read(number)


def opened(project):
    """Read the images as opening does, and return what was told."""
    told = []
    _import_images(project, "m1", report=told.append)
    return [report.text for report in told if isinstance(report, Notice)]


def label(project, number):
    with LabelSession.open(project, "m1") as session:
        session.apply(Place(number, session.identity("nose"), (20.0, 10.0)))


def replace(project, number, by, **options):
    iio.imwrite(image(project, number), by, **options)
    os.utime(image(project, number), ns=(1, by.size + number))


@pytest.mark.parametrize("by", [picture(7), picture(7)[:20], picture(1)], ids=["another", "smaller", "a neighbor"])
def test_a_replaced_image_is_read_anew(project, by):
    """Kind: what a file showed when it was first read stood for what it shows now, and new labels trained on it."""
    replace(project, 3, by)
    (told,) = opened(project)
    assert told.startswith(f"{image(project, 3)} has changed since it was read")
    np.testing.assert_array_equal(stored(project, 3), by)
    assert opened(project) == []


def test_swapped_images_are_read_anew(project):
    """Renaming leaves a file's size and time of writing as they were."""
    for path in (image(project, 1), image(project, 2)):
        shutil.copystat(image(project, 3), path)
    aside = project.frame_folder("m1") / "aside"
    for path, target in (
        (image(project, 1), aside),
        (image(project, 2), image(project, 1)),
        (aside, image(project, 2)),
    ):
        path.rename(target)
    assert len(opened(project)) == 2
    np.testing.assert_array_equal(stored(project, 1), picture(2))
    np.testing.assert_array_equal(stored(project, 2), picture(1))


def test_a_picture_that_was_labeled_is_kept_until_a_person_decides(project):
    """The frame is in no training meanwhile, and both ways back work."""
    for number in (2, 3):
        label(project, number)
    before = image(project, 3).read_bytes()
    replace(project, 3, picture(7))
    for _ in range(2):
        (told,) = opened(project)
        assert "img003.png shows another picture than when it was read and labeled as frame 3 of m1" in told
    np.testing.assert_array_equal(stored(project, 3), picture(3))
    assert disputed_frames(project, "m1") == (3,)
    assert read_labels(project, "m1", pictures=True).numbers.tolist() == [2]
    assert read_labels(project, "m1").numbers.tolist() == [2, 3]
    image(project, 3).write_bytes(before)
    assert (opened(project), disputed_frames(project, "m1")) == ([], ())
    replace(project, 3, picture(7))
    image(project, 3).unlink()
    assert (opened(project), disputed_frames(project, "m1")) == ([], ())
    assert read_labels(project, "m1", pictures=True).numbers.tolist() == [2, 3]


def test_without_its_labels_the_new_picture_is_taken(project):
    """The third way: it can be labeled like any other, though the frame showed something else once."""
    label(project, 3)
    replace(project, 3, picture(7))
    with LabelSession.open(project, "m1") as session:
        session.apply(Delete(3, session.identity("nose")))
    assert len(opened(project)) == 1
    np.testing.assert_array_equal(stored(project, 3), picture(7))
    label(project, 3)
    assert read_labels(project, "m1", pictures=True).numbers.tolist() == [3]


def test_labels_that_another_program_made_on_the_new_picture_bring_it_along(project):
    """Both are taken over together: the labels lie on what that program showed."""
    label(project, 3)
    replace(project, 3, picture(7))
    rows = ImageLabels({3: "img003.png"}, ("nose",), np.array([[[33.0, 13.0]]]))
    write_collected_data(project.frame_folder("m1"), "Ann", rows)
    with LabelSession.open(project, "m1") as session:
        session.merge_outside()
    np.testing.assert_array_equal(stored(project, 3), picture(7))
    assert read_labels(project, "m1", pictures=True).xy.tolist() == [[[33.0, 13.0]]]
    assert opened(project) == []


@pytest.mark.parametrize("noted", [True, False])
def test_the_same_picture_in_other_bytes_disturbs_nobody(project, noted):
    """Copied projects have new times, other programs save anew, and 0.1.0 noted nothing: content decides, once."""
    label(project, 3)
    Image.fromarray(picture(1)).save(image(project, 1), quality=90, format="JPEG")
    replace(project, 3, picture(3), compression=1)
    if not noted:
        (project.frame_folder("m1") / "images-read.json").unlink()
    assert opened(project) == []
    np.testing.assert_array_equal(stored(project, 1), picture(1))
    written = (project.frame_folder("m1") / "images-read.json").stat().st_mtime_ns
    assert opened(project) == []
    assert (project.frame_folder("m1") / "images-read.json").stat().st_mtime_ns == written


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schema": 1, "images": {"img001.png": {"size": []}}}'])
def test_a_damaged_note_is_made_again(project, content):
    """It says nothing that the images do not say themselves."""
    path = project.frame_folder("m1") / "images-read.json"
    path.write_bytes(content)
    assert opened(project) == []
    assert sorted(json.loads(path.read_text())["images"]) == ["img001.png", "img002.png", "img003.png"]


def test_an_image_that_is_written_while_it_is_read_waits(project, monkeypatch):
    """What was half there is neither stored nor noted; the next opening reads it."""

    def written(path, *, levels=None):
        replace(project, 4, picture(4))
        return picture(3)

    replace(project, 4, picture(3))
    with monkeypatch.context() as patch:
        patch.setattr(replaced_images, "read_picture", written)
        (told,) = opened(project)
        os.utime(image(project, 4))
    assert "img004.png changed while it was read" in told
    assert opened(project) == []
    np.testing.assert_array_equal(stored(project, 4), picture(4))
    assert read_settled(image(project, 4))[1].size == image(project, 4).stat().st_size


def test_unreadable_labels_keep_every_picture(project):
    """Nobody knows then which pictures were labeled; opening does not stumble over it."""
    label(project, 3)
    project.label_journal("m1").write_bytes(b"damaged\n" * 9)
    replace(project, 2, picture(7))
    assert len(opened(project)) == 1
    assert review_images(project, "m1").replaced[0].labeled
    np.testing.assert_array_equal(stored(project, 2), picture(2))
