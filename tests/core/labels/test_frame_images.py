"""Frames are recognized by their pixels."""

import numpy as np
import pytest

from posecut_core.errors import LabelError
from posecut_core.labels.edits import Delete, Place, Together, Undo
from posecut_core.labels.state import Frame, LabelState
from posecut_core.labels.validation import FrameImages, check_images, needed_frames
from posecut_core.video.frame_store import FrameStore
from tests.core.labels.conftest import IMAGE


def test_a_frame_is_the_one_that_was_labeled(project):
    """Its hash is returned where none is known; the same picture passes, also in another session."""
    known = FrameImages(project, "m1").check(3, "")
    assert len(known) == 32
    assert FrameImages(project, "m1").check(3, known) == ""
    check_images(project, "m1", LabelState({3: Frame(image=known), 9: Frame()}))


def test_another_picture_is_refused(project):
    """Also where a single pixel differs."""
    known = FrameImages(project, "m1").check(3, "")
    store = FrameStore.open(project.frame_store("m1"))
    store.remove([3])
    other = np.where(np.arange(IMAGE.size).reshape(IMAGE.shape) == 7, 4, IMAGE + 3).astype(np.uint8)
    store.append([(3, other, (40, 60))])
    with pytest.raises(LabelError, match=r"Frame 3 of m1 in .* is not the image"):
        FrameImages(project, "m1").check(3, known)


def test_a_frame_that_was_never_extracted_is_refused(project):
    """It may be extracted meanwhile; an image file beside the labels is enough."""
    images = FrameImages(project, "m1")
    with pytest.raises(LabelError, match="Frame 21 of m1 is labeled but was never extracted"):
        images.check(21, "")
    (project.frame_folder("m1") / "img21.png").write_bytes(b"")
    assert images.check(21, "") == ""
    FrameStore.open(project.frame_store("m1")).append([(21, IMAGE, (0, 0))])
    assert images.check(21, "")


def test_the_picture_that_a_person_sees_counts(project, monkeypatch):
    """It is neither read nor hashed again for their edit; another one than was labeled is refused as ever."""
    known = FrameImages(project, "m1").check(3, "")
    monkeypatch.delattr(FrameStore, "fingerprint")
    images = FrameImages(project, "m1")
    images.show(3, known)
    assert images.check(3, "") == known
    other = FrameImages(project, "m1")
    other.show(3, "0" * 32)
    with pytest.raises(LabelError, match="is not the image"):
        other.check(3, known)


def test_only_what_is_drawn_needs_pictures():
    """Deleting and undoing do not."""
    assert needed_frames(Together((Place(9, "a", (0.0, 0.0)), Place(3, "a", (0.0, 0.0)), Delete(4, "a")))) == (3, 9)
    assert needed_frames(Undo()) == ()
