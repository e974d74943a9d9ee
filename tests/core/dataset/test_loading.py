"""Training frames come from their stores with their own labels, in pixels of the scaled image."""

import numpy as np
import pytest

from posecut_core.dataset import frames as loading
from posecut_core.dataset.frames import load_frames
from posecut_core.errors import DatasetError
from posecut_core.labels.table import LabelTable
from posecut_core.progress import silent
from posecut_core.types import FrameRef
from posecut_core.video.frame_store import FrameStore

FRAMES = (FrameRef("a", 2), FrameRef("a", 7), FrameRef("b", 7))
IMAGES = {
    "a": [(7, np.full((20, 30, 3), 70, np.uint8), (4, 6)), (2, np.full((24, 40, 3), 20, np.uint8), (0, 0))],
    "b": [(7, np.full((10, 50, 3), 170, np.uint8), (0, 0))],
}
TABLES = {
    "a": LabelTable(
        "a",
        ("nose", "tail"),
        np.array([2, 5, 7]),
        np.array([[[3.5, 7.5], [np.nan, np.nan]], [[0.0, 0.0], [1.0, 1.0]], [[13.5, 15.5], [5.5, 9.5]]]),
    ),
    "b": LabelTable("b", ("nose", "tail"), np.array([7]), np.array([[[np.nan, np.nan], [8.0, 4.0]]])),
}


@pytest.fixture
def open_store(tmp_path):
    """A function that opens the frame store of video "a" or "b"."""
    for video, images in IMAGES.items():
        FrameStore.open(tmp_path / video, create=True).append(images)
    return lambda video: FrameStore.open(tmp_path / video)


def load(open_store, frames=FRAMES, *, scale=1.0, report=silent, **options):
    return load_frames(frames, TABLES, open_store, scale=scale, report=report, **options)


def test_each_frame_has_its_image_and_its_labels(open_store):
    """Images are padded to a common size, labels count from the top left of the stored image."""
    loaded = load(open_store)
    assert len(loaded) == 3
    assert loaded.images.shape == (3, 24, 50, 3)
    assert loaded.sizes.tolist() == [[24, 40], [20, 30], [10, 50]]
    for image, (height, width), level in zip(loaded.images, loaded.sizes.tolist(), (20, 70, 170), strict=True):
        assert (image[:height, :width] == level).all()
        assert not image[height:].any()
        assert not image[:, width:].any()
    nan = [np.nan, np.nan]
    np.testing.assert_allclose(loaded.xy, [[[3.5, 7.5], nan], [[9.5, 9.5], [1.5, 3.5]], [nan, [8.0, 4.0]]])


def test_images_and_labels_are_scaled_together(open_store):
    """A scale of a half halves sizes, and labels about the corner of the image."""
    loaded = load(open_store, scale=0.5)
    assert loaded.sizes.tolist() == [[12, 20], [10, 15], [5, 25]]
    np.testing.assert_allclose(loaded.xy[0, 0], [1.5, 3.5])
    np.testing.assert_allclose(loaded.xy[1, 0], [4.5, 4.5])
    assert (loaded.images[2, :5, :25] == 170).all()


@pytest.mark.parametrize(("least", "shape"), [((32, 40), (32, 50)), ((2, 60), (24, 60))])
def test_images_are_padded_for_larger_ones_to_come(open_store, least, shape):
    """Arrays have at least the size that is asked for; frames are where they were."""
    loaded, plain = load(open_store, least=least), load(open_store)
    assert loaded.images.shape[1:3] == shape
    np.testing.assert_array_equal(loaded.images[:, :24, :50], plain.images)
    np.testing.assert_array_equal(loaded.sizes, plain.sizes)


def test_known_images_are_not_read_again(open_store, monkeypatch):
    """What one call has read the next one takes, and adds what is new."""
    known = {}
    first = load(open_store, FRAMES[:2], known=known)
    read = []
    monkeypatch.setattr(
        FrameStore, "read", lambda store, number, own=FrameStore.read: (read.append(number), own(store, number))[1]
    )
    again = load(open_store, known=known)
    assert read == [7]
    assert len(known) == 3
    np.testing.assert_array_equal(again.images[:2, :24, :40], first.images)


def test_a_bodypart_labeled_nowhere_in_a_video_was_not_looked_for(open_store):
    """It says nothing that it is missing there; in other videos missing means absent."""
    assert load(open_store).annotated.tolist() == [[True, True], [True, True], [False, True]]


def test_reading_is_reported(open_store):
    """Each frame read is one step of the progress."""
    seen = []
    load(open_store, report=seen.append)
    assert [(progress.done, progress.total) for progress in seen] == [(1, 3), (2, 3), (3, 3)]


def test_a_frame_whose_image_is_gone_is_named(open_store):
    """A frame that was removed from the store since is one sentence."""
    open_store("a").remove([7])
    with pytest.raises(DatasetError, match=r"frame 7 of a, whose image is missing; "):
        load(open_store)


@pytest.mark.parametrize("frame", [FrameRef("a", 3), FrameRef("a", 9), FrameRef("c", 2)])
def test_a_frame_without_labels_is_never_given_another_ones(open_store, frame):
    """A frame that the label revision does not know is refused by name."""
    with pytest.raises(DatasetError, match=f"{frame}, but the labels kept with it do not"):
        load(open_store, [*FRAMES, frame])


def test_frames_that_do_not_fit_into_memory_are_refused(open_store, monkeypatch):
    """The sentence says how much memory would be needed and which setting helps, before anything is read."""
    monkeypatch.setattr(loading, "_MAX_BYTES", 1000)
    with pytest.raises(DatasetError, match=r"3 training frames of 50x24 pixels need .*; lower global_scale"):
        load(open_store, report=pytest.fail)


def test_labels_outside_their_picture_are_never_trained_on(open_store):
    """Kind: (0, 0) of other programs, and labels beyond the border, drew the network there."""
    xy = np.array([[[0.0, 0.0], [39.5, 23.5]], [[0.0, 0.0], [1.0, 1.0]], [[34.0, 15.0], [4.5, 5.9]]])
    tables = {"a": LabelTable("a", ("nose", "tail"), np.array([2, 5, 7]), xy)}
    loaded = load_frames(FRAMES[:2], tables, open_store, scale=1.0, report=silent)
    np.testing.assert_array_equal(loaded.xy, [[[np.nan] * 2, [39.5, 23.5]], [[np.nan] * 2] * 2])
    assert loaded.annotated.tolist() == [[False, True], [False, False]]
