"""Labels are read again when they have grown, while somebody edits them."""

import numpy as np
import pytest

from posecut_core.assistant import network
from posecut_core.assistant.network import LabelWatch, _labeled_refs, _placed_frames
from posecut_core.errors import LabelError
from posecut_core.labels.edits import Delete, MarkAbsent, Place
from posecut_core.labels.session import LabelSession
from posecut_core.project.config import edit_config
from posecut_core.project.opening import open_project
from posecut_core.types import FrameRef
from posecut_core.video.frame_store import FrameStore
from posecut_core.workflow.edit_bodyparts import edit_bodyparts


@pytest.fixture
def watch(trainable):
    """A watch that has looked once at four labeled frames."""
    made = LabelWatch(trainable)
    assert made.poll()
    return made


def refs(watch):
    return _labeled_refs(watch.tables())


def test_only_what_has_changed_is_read(watch, monkeypatch):
    """A second look reads nothing, and says that nothing has changed."""
    monkeypatch.setattr(network, "read_contents", pytest.fail)
    assert not watch.poll()
    assert refs(watch) == tuple(FrameRef("dots", number) for number in range(4))


def test_edits_of_an_open_session_are_seen(watch):
    """An edit counts from when it is durable, although somebody holds the lock."""
    with LabelSession.open(watch.project, "dots") as session:
        session.apply(Place(2, session.identity("white"), (30.0, 31.0)))
        assert watch.poll()
        np.testing.assert_array_equal(watch.tables()["dots"].xy[2, 0], (30.0, 31.0))
        for part in ("white", "black"):
            session.apply(Delete(1, session.identity(part)))
        assert watch.poll()
    assert [frame.number for frame in refs(watch)] == [0, 2, 3]


def test_a_frame_without_any_bodypart_is_no_help_to_begin_with(watch):
    """It is trained on, but is not counted among the frames that show something."""
    with LabelSession.open(watch.project, "dots") as session:
        for part in ("white", "black"):
            session.apply(MarkAbsent(1, session.identity(part)))
    watch.poll()
    assert (len(refs(watch)), _placed_frames(watch.tables())) == (4, 3)


def test_frames_that_are_gone_train_nobody(watch):
    """Labels without an image are left out."""
    FrameStore.open(watch.project.frame_store("dots")).remove([3])
    assert [frame.number for frame in refs(watch)] == [0, 1, 2]


def test_other_bodyparts_are_noticed(watch):
    """After a bodypart was added, tables have its column; other changes of config.yaml change nothing."""
    edit_config(watch.project.config_path, {"pcutoff": 0.9})
    assert not watch.poll()
    edit_bodyparts(watch.project.config_path, add=["gray"])
    assert watch.poll()
    assert watch.tables()["dots"].bodyparts == watch.project.config.bodyparts == ("white", "black", "gray")


def test_labels_of_deeplabcut_are_watched_too(trainable):
    """Where there is no journal yet, the CollectedData files count."""
    project = open_project(trainable)
    project.label_journal("dots").unlink()
    for snapshot in project.frame_folder("dots").glob("labels-*.json"):
        snapshot.unlink()
    watch = LabelWatch(trainable)
    assert watch.poll()
    assert not watch.poll()
    assert len(refs(watch)) == 4
    project.collected_data("dots").unlink()
    project.collected_data("dots", ".csv").unlink()
    assert watch.poll()
    assert refs(watch) == ()


def test_labels_that_cannot_be_read_are_read_once_more(watch):
    """A program may be writing them: the first look passes, the second one tells; sound again, they are taken."""
    journal = watch.project.label_journal("dots")
    content = journal.read_bytes()
    journal.write_bytes(content.replace(b'"op"', b'"po"', 1) + b"\n")
    assert not watch.poll()
    assert len(refs(watch)) == 4
    with pytest.raises(LabelError, match="doctor"):
        watch.poll()
    journal.write_bytes(content)
    assert watch.poll()
