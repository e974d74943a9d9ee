"""The frames of a project and how far each is."""

import numpy as np
import pytest

from napari_posecut.labelling.frame_index import Browser, Progress, _decided, _status_of
from posecut_core.errors import LabelError, VideoError
from posecut_core.labels.edits import DropFrame, MarkAbsent, Place
from posecut_core.labels.state import Frame, Origin, Point
from posecut_core.project.opening import open_project
from posecut_core.types import FrameRef
from tests.plugin.conftest import FRAMES, SCENES

LABEL, DRAFT = Point("placed", (1.0, 2.0)), Point("proposed", (1.0, 2.0), Origin("machine", 0.5))


@pytest.fixture
def browser(unlabelled):
    """The browser of an unlabelled project."""
    return Browser(open_project(unlabelled))


@pytest.mark.parametrize(
    ("frame", "proposed", "status", "count"),
    [
        (Frame(), False, "unlabelled", 0),
        (Frame(), True, "proposed", 0),
        (Frame(points={"a": LABEL}), True, "begun", 1),
        (Frame(points={"a": LABEL, "b": DRAFT}), False, "unreviewed", 1),
        (Frame(points={"a": LABEL, "b": Point("absent")}), False, "done", 2),
        (Frame(points={"a": LABEL, "b": Point("occluded")}), True, "done", 2),
        (Frame(points={"a": LABEL}, dropped=True), True, "dropped", None),
        (Frame(points={"gone": LABEL}), False, "unlabelled", 0),
    ],
)
def test_states_of_frames(frame, proposed, status, count):
    """A frame is as far as its bodyparts are; those that the project no longer has do not count."""
    assert _status_of(frame, ("a", "b"), proposed=proposed) == status
    assert _decided(frame, ("a", "b")) == count


def test_frames_come_video_by_video(browser):
    """All extracted frames are listed, by video and number, each with its place."""
    assert len(browser.frames) == FRAMES * len(SCENES)
    assert list(browser.frames) == sorted(browser.frames)
    assert [browser.places[key] for key in browser.frames] == list(range(len(browser.frames)))


def test_around_goes_through_all_others(browser):
    """Going on from a frame passes every other frame once, and begins again at the front."""
    frames = list(browser.frames)
    assert browser.around(frames[1], 1) == [*frames[2:], frames[0]]
    assert browser.around(frames[1], -1) == [frames[0], *frames[:1:-1]]


def test_pictures_are_those_of_the_video(browser):
    """A picture is the same read first, read ahead, and read again."""
    pictures = [browser.image(key) for key in browser.frames]
    backwards = [browser.image(key) for key in reversed(browser.frames)]
    np.testing.assert_array_equal(pictures, backwards[::-1])
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)
    assert browser.origin(browser.frames[0]) == (0, 0)


def test_a_damaged_picture_read_ahead_is_told_when_it_is_asked_for(browser):
    """Reading ahead raises nothing; asking for the damaged picture does, and others are read all the same."""
    first, second, third = browser.frames[:3]
    store = browser.project.frame_store(second.video) / "frames" / "c"
    chunk = sorted(store.iterdir(), key=lambda path: int(path.name))[1] / "0" / "0" / "0"
    chunk.write_bytes(b"damaged")
    browser.image(first)
    with pytest.raises(VideoError):
        browser.image(second)
    browser.image(third)


def test_progress_is_exact_after_every_edit(browser):
    """Done frames and decided bodyparts are counted as they are, dropped frames left out."""
    key, parts = browser.frames[0], list(browser.columns)
    total = len(browser.frames) * len(parts)
    assert browser.progress == Progress(0, len(browser.frames), 0, total)
    browser.enter(key.video)
    for count, part in enumerate(parts, start=1):
        browser.session.apply(Place(key.number, part, (9.0, 9.0)) if count > 1 else MarkAbsent(key.number, part))
        assert browser.progress == Progress(int(count == len(parts)), len(browser.frames), count, total - count)
    browser.session.apply(DropFrame(browser.frames[1].number))
    rest = len(browser.frames) - 1
    assert browser.progress == Progress(1, rest, len(parts), (rest - 1) * len(parts))
    browser.leave()
    assert browser.progress == Progress(1, rest, len(parts), (rest - 1) * len(parts))


def test_one_video_is_editable_at_a_time(browser):
    """Entering a video closes the one before, whose labels stay known, and which others may then edit."""
    first, last = browser.frames[0], browser.frames[-1]
    browser.enter(first.video)
    browser.session.apply(Place(first.number, next(iter(browser.columns)), (9.0, 9.0)))
    browser.enter(last.video)
    assert browser.session.video == last.video
    assert len(browser.frame(first).points) == 1
    other = Browser(browser.project)
    other.enter(first.video)
    assert other.session.writable
    other.enter(last.video)
    assert not other.session.writable
    other.leave()
    browser.leave()


def test_a_frame_that_was_never_extracted_is_not_listed(browser):
    """Places know extracted frames only."""
    assert FrameRef("dark-mouse", 10**6) not in browser.places


def test_damaged_labels_are_refused(browser):
    """A journal that is damaged in its middle is named when the project is read."""
    key = browser.frames[0]
    browser.enter(key.video)
    for x in range(3):
        browser.session.apply(Place(key.number, next(iter(browser.columns)), (float(x), 9.0)))
    browser.leave()
    journal = browser.project.label_journal(key.video)
    for snapshot in journal.parent.glob("labels-*.json"):
        snapshot.unlink()
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:1], b"rubbish\n", *lines[2:]]))
    with pytest.raises(LabelError):
        Browser(browser.project)
