"""posecut.yaml is read, written, and refused where a newer version wrote it."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from posecut_core.errors import ProjectError, StorageError
from posecut_core.project.config import ProjectConfig
from posecut_core.project.paths import Project
from posecut_core.project.state import ProjectState, VideoRecord, read_state, update_state, write_state
from posecut_core.storage import locks as locking
from posecut_core.storage.files import fingerprint
from posecut_core.storage.locks import hold

GOLDEN = Path(__file__).parents[2] / "golden"
RECORD = VideoRecord(size=10, sha256="0" * 64, frames=5, width=64, height=48)


def test_settings_round_trip(tmp_path):
    """What is written is read back, and writing it again changes nothing."""
    path = tmp_path / "posecut.yaml"
    settings = ProjectState(seed=7, videos={"m1": RECORD, "9": RECORD})
    write_state(path, settings)
    assert read_state(path) == settings
    before = path.read_bytes()
    write_state(path, settings)
    assert path.read_bytes() == before


def test_a_new_file_is_as_ever(tmp_path):
    """Its bytes are those that 0.1.0 wrote."""
    write_state(tmp_path / "new.yaml", ProjectState(7, {"m1": RECORD, "9": RECORD}, {"m1": 3}))
    assert (tmp_path / "new.yaml").read_bytes() == (GOLDEN / "posecut.yaml").read_bytes()


def test_all_wrong_values_are_named_with_their_lines(tmp_path):
    """A person who corrects a file hears of everything in it that cannot work."""
    path = tmp_path / "posecut.yaml"
    path.write_text("schema: 1\nseed: '-1'\nvideos: []\nextraction_seeds:\n  m1: 2\n  m2: x\n")
    with pytest.raises(ProjectError) as caught:
        read_state(path)
    assert str(caught.value) == (
        f"{path} line 2: seed is '-1', expected a whole number of at least 0; correct it there. "
        "Line 3: videos is [], expected a mapping of videos; correct it there. "
        "Line 6: extraction_seeds has 'x' for video m2, expected a whole number of 0 or more; correct it or remove the "
        "entry."
    )


def test_a_file_is_parsed_once(tmp_path):
    """Settings that nobody changed are not parsed again; those of a changed file are, however alike they look."""
    path = tmp_path / "posecut.yaml"
    write_state(path, ProjectState(seed=7, videos={"m1": RECORD}))
    first = read_state(path)
    assert read_state(path) is first
    path.write_text(path.read_text().replace("seed: 7", "seed: 8"))
    assert read_state(path) == replace(first, seed=8)
    with pytest.raises(TypeError):
        first.videos["m2"] = RECORD


def test_changes_are_made_one_after_the_other(tmp_path, monkeypatch):
    """A change begins with what others wrote before; while another program makes one, none is begun."""
    monkeypatch.setattr(locking, "PATIENCE", 0)
    project = Project(tmp_path, ProjectConfig("reach", "Ann", "Oct30", ("nose",)))
    update_state(project, lambda before: replace(before, extraction_seeds={"m1": 3}))
    with hold(project.settings_lock), pytest.raises(StorageError, match=r"posecut\.lock is locked"):
        update_state(project, lambda before: replace(before, seed=9))
    update_state(project, lambda before: replace(before, extraction_seeds={**before.extraction_seeds, "m2": 4}))
    assert read_state(project.settings_path) == ProjectState(extraction_seeds={"m1": 3, "m2": 4})


def test_a_project_without_settings_has_defaults(tmp_path):
    """DeepLabCut's projects have no posecut.yaml; reading them creates none."""
    assert read_state(tmp_path / "posecut.yaml") == ProjectState()
    assert list(tmp_path.iterdir()) == []


def test_comments_survive(tmp_path):
    """A user's comments and keys of later versions of the same schema stay."""
    path = tmp_path / "posecut.yaml"
    path.write_text("# mine\nschema: 1\nseed: 3  # lucky\ncolor: red\n")
    write_state(path, ProjectState(seed=4, videos={"m1": RECORD}))
    assert path.read_text().startswith("# mine\nschema: 1\nseed: 4  # lucky\ncolor: red\nvideos:\n  m1:\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("schema: 2\n", r"newer PoseCut \(schema 2\); update PoseCut"),
        ("schema: one\n", "schema is 'one'"),
        ("seed: -1\n", "seed is -1"),
        ("videos: [a]\n", "expected a mapping of videos"),
        ("videos:\n  m1: {size: 1}\n", "the entry of video m1"),
        ("seed: [\n", "is not valid YAML"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, text, words):
    """One sentence says what was found and what to do."""
    path = tmp_path / "posecut.yaml"
    path.write_text(text)
    with pytest.raises(ProjectError, match=words):
        read_state(path)


def test_a_fingerprint_is_of_both_ends(tmp_path):
    """Size and the first and last MiB are what recognizes a file."""
    path = tmp_path / "video.bin"
    content = bytes(range(256)) * 4 * 1024 * 3
    path.write_bytes(content)
    expected = hashlib.sha256(content[: 2**20] + content[-(2**20) :]).hexdigest()
    assert fingerprint(path) == (len(content), expected)


def test_choices_go_back_to_the_usual(tmp_path):
    """A key that the file has is written also where it says what holds without it; others are left out."""
    path = tmp_path / "posecut.yaml"
    write_state(path, ProjectState(view="above", views="{session}_{camera}", palette="distinct"))
    write_state(path, ProjectState())
    assert read_state(path) == ProjectState()
    write_state(tmp_path / "new.yaml", ProjectState())
    assert "view" not in (tmp_path / "new.yaml").read_text()


def test_the_brightness_of_videos_comes_back(tmp_path):
    """Without any the file says nothing of it; a wrong entry is named."""
    path = tmp_path / "posecut.yaml"
    write_state(path, ProjectState(brightness={"m1": (10.0, 200.0, 0.5)}))
    assert read_state(path).brightness == {"m1": (10.0, 200.0, 0.5)}
    write_state(path, ProjectState())
    assert read_state(path).brightness == {}
    path.write_text("brightness:\n  m1: [300, 20, 1]\n")
    with pytest.raises(ProjectError, match="for m1, expected the gray values from 0 to 255"):
        read_state(path)
