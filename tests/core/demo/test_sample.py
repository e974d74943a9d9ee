"""A labeled project for trying things out."""

from dataclasses import replace

import numpy as np
import pytest

from posecut_core.demo.sample import _JITTER, check_folder, earlier_project, sample_project
from posecut_core.demo.scene import TO_LABEL, prepare
from posecut_core.errors import ArgumentError
from posecut_core.labels.store import read_labels
from posecut_core.project.opening import open_project

SCENE = replace(TO_LABEL[0], frames=6)


def test_a_sample_project_is_labeled_near_the_truth(tmp_path):
    """Its frames are labeled within some pixels of the truth; a second call leaves all as it is."""
    config = sample_project(tmp_path / "new", scenes=(SCENE,), frames_to_label=2)
    table = read_labels(open_project(config), SCENE.name)
    truth = prepare(SCENE).truth.xy[table.numbers]
    assert len(table.numbers) == 2
    assert np.nanmax(np.abs(table.xy - truth)) < 6 * _JITTER
    assert sample_project(tmp_path / "new", scenes=(SCENE,), frames_to_label=2) == config
    np.testing.assert_array_equal(read_labels(open_project(config), SCENE.name).xy, table.xy)


@pytest.mark.parametrize("content", ["thesis.docx", "Videos.txt"])
def test_a_folder_with_other_things_is_refused(tmp_path, content):
    """Nothing is written among a person's own files."""
    (tmp_path / content).write_text("mine")
    with pytest.raises(ArgumentError, match=f"holds {content}"):
        check_folder(tmp_path)


def test_a_file_is_refused(tmp_path):
    """A file in the folder's place is left alone."""
    (tmp_path / "demo").write_text("mine")
    with pytest.raises(ArgumentError, match="is a file"):
        check_folder(tmp_path / "demo")


def test_new_and_earlier_folders_are_welcome(tmp_path):
    """A folder that does not exist, an empty one, and that of an earlier demo will do."""
    check_folder(tmp_path / "new")
    check_folder(tmp_path)
    (tmp_path / "videos").mkdir()
    (tmp_path / "mouse-posecut-2026-01-31").mkdir()
    check_folder(tmp_path)


def test_projects_of_two_tasks_are_told_apart(tmp_path):
    """The demonstration in one round and that in two find each its own project, in the same folder."""
    assert earlier_project(tmp_path) is None
    for task in ("mouse", "mouse-refined"):
        (tmp_path / f"{task}-posecut-2026-01-31").mkdir()
        (tmp_path / f"{task}-posecut-2026-01-31" / "config.yaml").write_text("")
    check_folder(tmp_path)
    found = [earlier_project(tmp_path, task=task) for task in ("mouse", "mouse-refined")]
    assert [path.parent.name for path in found] == ["mouse-posecut-2026-01-31", "mouse-refined-posecut-2026-01-31"]
