"""Bodyparts, labels of other programs and the project's health, as typed into a shell."""

import numpy as np
import pytest

from posecut_core.errors import LabelError
from posecut_core.labels.table import LabelTable
from posecut_core.project.config import read_config
from posecut_core.storage.tables import read_hdf, write_hdf
from posecut_core.workflow.check_labels import write_labels


@pytest.fixture
def labeled(posecut, project):
    """The project with a labeled frame."""
    posecut("extract-frames", project, "--video", "mouse one", "--frames", "1,4")
    write_labels(project, LabelTable("mouse one", ("hand", "tip"), np.array([4]), np.full((1, 2, 2), 10.0)))
    return project


def test_bodyparts_are_edited(posecut, labeled):
    """Old and new names are pairs; asking for nothing is wrong usage."""
    code, out, _ = posecut("edit-bodyparts", labeled, "--rename", "hand:paw", "--add", "ear")
    assert (code, read_config(labeled / "config.yaml").bodyparts) == (0, ("paw", "tip", "ear"))
    assert "hand is now called paw." in out
    assert posecut("edit-bodyparts", labeled)[0] == 2


def test_edits_are_undone_and_redone(posecut, posecut_json, labeled):
    """What is known now is told, and how far one can go; more than there is changes nothing."""
    code, out, _ = posecut("undo-labels", labeled, "mouse one")
    assert (code, "frame 4: hand is without a label" in out, "0 edits can still be undone" in out) == (0, True, True)
    assert "posecut redo-labels" in out.splitlines()[-1]
    assert posecut("undo-labels", labeled, "mouse one")[0] == LabelError.exit_code
    code, result, _ = posecut_json("redo-labels", labeled, "mouse one.mp4")
    assert (code, result["changes"][0]) == (0, "frame 4: hand is placed at (10.0, 10.0)")
    assert (result["undoable"], result["redoable"]) == (1, 0)
    assert read_hdf(next(labeled.rglob("CollectedData_ada.h5"))).iloc[0, 0] == 10.0


def test_changes_of_other_programs_are_shown_and_taken_over(posecut, posecut_json, labeled):
    """The next steps are told."""
    path = next(labeled.rglob("CollectedData_ada.h5"))
    frame = read_hdf(path)
    frame.iloc[0, 0] = 11.0
    write_hdf(path, frame)
    code, out, _ = posecut("merge-labels", labeled)
    assert (code, "frame 4: hand placed at (11.0, 10.0)" in out, "--discard" in out) == (0, True, True)
    assert posecut("doctor", labeled)[0] == 1
    code, result, _ = posecut_json("merge-labels", labeled, "--take")
    assert (code, result["decision"], len(result["videos"])) == (0, "taken over", 1)
    assert posecut_json("doctor", labeled)[:2][0] == 0


def test_the_exit_code_says_whether_anything_is_wrong(posecut, posecut_json, labeled):
    """What was mended is not wrong any more; the findings are in the JSON."""
    assert "nothing is wrong" in posecut("doctor", labeled)[1]
    with next(labeled.rglob("labels.jsonl")).open("ab") as stream:
        stream.write(b'{"revi')
    code, out, _ = posecut("doctor", labeled)
    assert (code, f"posecut doctor {labeled} --mend" in out) == (1, True)
    code, result, _ = posecut_json("doctor", labeled)
    assert (code, result["findings"][0]["mended"]) == (1, False)
    assert posecut_json("doctor", labeled, "--mend")[0] == 0
    assert posecut("doctor", labeled)[0] == 0
