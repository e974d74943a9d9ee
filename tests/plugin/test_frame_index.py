"""The frames of a project and how far each is."""

import numpy as np
import pytest

from napari_posecut.labeling.frame_index import FrameIndex, LabelingProgress, _count_decided, _status_of
from posecut_core.errors import LabelError, VideoError
from posecut_core.labels.edits import DropFrame, MarkAbsent, Place
from posecut_core.labels.state import Frame, LabelOrigin, Point
from posecut_core.project.opening import open_project
from posecut_core.types import FrameRef
from posecut_core.video.frame_store import FrameStore
from tests.plugin.conftest import FRAMES, SCENES

LABEL, DRAFT = Point("placed", (1.0, 2.0)), Point("proposed", (1.0, 2.0), LabelOrigin("machine", 0.5))


@pytest.fixture
def index(unlabeled):
    """The frame index of an unlabeled project."""
    return FrameIndex(open_project(unlabeled))


@pytest.mark.parametrize(
    ("frame", "proposed", "status", "count"),
    [
        (Frame(), False, "unlabeled", 0),
        (Frame(), True, "proposed", 0),
        (Frame(points={"a": LABEL}), True, "begun", 1),
        (Frame(points={"a": LABEL, "b": DRAFT}), False, "unreviewed", 1),
        (Frame(points={"a": LABEL, "b": Point("absent")}), False, "done", 2),
        (Frame(points={"a": LABEL, "b": Point("occluded")}), True, "done", 2),
        (Frame(points={"a": LABEL}, dropped=True), True, "dropped", None),
        (Frame(points={"gone": LABEL}), False, "unlabeled", 0),
    ],
)
def test_states_of_frames(frame, proposed, status, count):
    """A frame is as far as its bodyparts are; those that the project no longer has do not count."""
    assert _status_of(frame, ("a", "b"), proposed=proposed) == status
    assert _count_decided(frame, ("a", "b")) == count


def test_frames_come_video_by_video(index):
    """All extracted frames are listed, by video and number, each with its place."""
    assert len(index.frames) == FRAMES * len(SCENES)
    assert list(index.frames) == sorted(index.frames)
    assert [index.places[key] for key in index.frames] == list(range(len(index.frames)))


def test_around_goes_through_all_others(index):
    """Going on from a frame passes every other frame once, and begins again at the front."""
    frames = list(index.frames)
    assert index.around(frames[1], 1) == [*frames[2:], frames[0]]
    assert index.around(frames[1], -1) == [frames[0], *frames[:1:-1]]


def test_pictures_are_those_of_the_video(index):
    """A picture is the same read first, read ahead, and read again."""
    pictures = [index.image(key) for key in index.frames]
    backwards = [index.image(key) for key in reversed(index.frames)]
    np.testing.assert_array_equal(pictures, backwards[::-1])
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)
    assert index.origin(index.frames[0]) == (0, 0)


def test_a_damaged_picture_read_ahead_is_told_when_it_is_asked_for(index):
    """Reading ahead raises nothing; asking for the damaged picture does, and others are read all the same."""
    first, second, third = index.frames[:3]
    store = index.project.frame_store(second.video) / "frames" / "c"
    chunk = sorted(store.iterdir(), key=lambda path: int(path.name))[1] / "0" / "0" / "0"
    chunk.write_bytes(b"damaged")
    index.image(first)
    with pytest.raises(VideoError):
        index.image(second)
    index.image(third)


def test_the_first_edit_of_a_shown_frame_reads_nothing(index, monkeypatch):
    """Its picture was hashed when it was read for the user, beside the window."""
    key = index.frames[0]
    index.open_labels(key.video)
    index.image(key)
    hashed = FrameStore.open(index.project.frame_store(key.video)).fingerprint(key.number)
    monkeypatch.delattr(FrameStore, "fingerprint")
    index.label_session.apply(Place(key.number, next(iter(index.columns)), (9.0, 9.0)))
    assert index.frame(key).image == hashed


def test_progress_is_exact_after_every_edit(index):
    """Done frames and decided bodyparts are counted as they are, dropped frames left out."""
    key, parts = index.frames[0], list(index.columns)
    total = len(index.frames) * len(parts)
    assert index.progress == LabelingProgress(0, len(index.frames), 0, total)
    index.open_labels(key.video)
    for count, part in enumerate(parts, start=1):
        index.label_session.apply(Place(key.number, part, (9.0, 9.0)) if count > 1 else MarkAbsent(key.number, part))
        assert index.progress == LabelingProgress(int(count == len(parts)), len(index.frames), count, total - count)
    index.label_session.apply(DropFrame(index.frames[1].number))
    rest = len(index.frames) - 1
    assert index.progress == LabelingProgress(1, rest, len(parts), (rest - 1) * len(parts))
    index.release()
    assert index.progress == LabelingProgress(1, rest, len(parts), (rest - 1) * len(parts))


def test_one_video_is_editable_at_a_time(index):
    """Entering a video closes the one before, whose labels stay known, and which others may then edit."""
    first, last = index.frames[0], index.frames[-1]
    index.open_labels(first.video)
    index.label_session.apply(Place(first.number, next(iter(index.columns)), (9.0, 9.0)))
    index.open_labels(last.video)
    assert index.label_session.video == last.video
    assert len(index.frame(first).points) == 1
    other = FrameIndex(index.project)
    other.open_labels(first.video)
    assert other.label_session.writable
    other.open_labels(last.video)
    assert not other.label_session.writable
    other.release()
    index.release()


def test_a_frame_that_was_never_extracted_is_not_listed(index):
    """Places know extracted frames only."""
    assert FrameRef("dark-mouse", 10**6) not in index.places


def test_damaged_labels_are_refused(index):
    """A journal that is damaged in its middle is named when the project is read."""
    key = index.frames[0]
    index.open_labels(key.video)
    for x in range(3):
        index.label_session.apply(Place(key.number, next(iter(index.columns)), (float(x), 9.0)))
    index.release()
    journal = index.project.label_journal(key.video)
    for snapshot in journal.parent.glob("labels-*.json"):
        snapshot.unlink()
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:1], b"rubbish\n", *lines[2:]]))
    with pytest.raises(LabelError):
        FrameIndex(index.project)
