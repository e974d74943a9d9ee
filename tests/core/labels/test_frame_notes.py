"""Notes on frames."""

import pytest

from posecut_core.errors import LabelError, StorageError
from posecut_core.labels.frame_notes import read_notes, write_note
from posecut_core.project.config import ProjectConfig
from posecut_core.project.paths import Project
from tests.failing_disk import FailingDisk


@pytest.fixture
def project(tmp_path):
    """A project with a folder of frames."""
    (tmp_path / "labeled-data" / "spot").mkdir(parents=True)
    return Project(tmp_path, ProjectConfig("reach", "Ann", "Oct30", ("nose",)))


def test_the_last_note_of_a_frame_counts(project):
    """An empty one takes it away, and the same one again is no new line."""
    for frame, note in ((12, "hidden\nbehind the wheel"), (3, "dark"), (12, "seen"), (3, ""), (12, "seen")):
        write_note(project, "spot", frame, note)
    path = project.frame_notes("spot")
    assert read_notes(path) == {12: "seen"}
    assert len(path.read_text().splitlines()) == 4


def test_a_torn_line_and_a_damaged_one_cost_no_other_note(project):
    """Kind: the program was killed while it wrote, and the disk has lost a byte."""
    for frame in (1, 2, 3):
        write_note(project, "spot", frame, f"note {frame}")
    path = project.frame_notes("spot")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1].replace(b"note 2", b"note 9") + lines[2] + lines[2][:20])
    assert read_notes(path) == {1: "note 1", 3: "note 3"}
    write_note(project, "spot", 4, "after it")
    assert read_notes(path) == {1: "note 1", 3: "note 3", 4: "after it"}


def test_a_note_is_durable_or_refused(project, monkeypatch):
    """Wherever the disk fails, the notes are those of before or those of after."""
    write_note(project, "spot", 1, "before")
    path, known = project.frame_notes("spot"), "before"
    for place in range(1, 9):
        with monkeypatch.context() as patch:
            FailingDisk(place, 28).install(patch)
            try:
                write_note(project, "spot", 1, f"after {place}")
                known = f"after {place}"
            except StorageError:
                pass
        assert read_notes(path) == {1: known}
    assert known == "after 8"


def test_a_long_text_is_no_note(project):
    """It says how long it may be."""
    with pytest.raises(LabelError, match="2000 at most"):
        write_note(project, "spot", 1, "x" * 2001)
