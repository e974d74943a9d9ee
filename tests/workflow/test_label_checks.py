"""What is wrong with the labels of one video is found, each thing once."""

import pytest

from posecut_core.labels.lock import acquire
from posecut_core.workflow.findings import Findings
from posecut_core.workflow.label_checks import check_labels_of, check_names
from posecut_core.workflow.opening import open_project


@pytest.fixture
def project(spot_project):
    return open_project(spot_project)


def checked(project, *, mend=False):
    found = Findings()
    check_names(project, ["spot"], found, mend=mend)
    check_labels_of(project, "spot", found, mend=mend)
    return [finding.path.name for finding in found.wrong], [finding.mended for finding in found.wrong]


def test_sound_labels_have_no_finding(project):
    """Also where there are none at all."""
    assert checked(project) == ([], [])
    found = Findings()
    check_labels_of(project, "never added", found, mend=True)
    assert found.wrong == []


def test_damage_is_found_once_and_waits_for_an_editor(project):
    """Nothing is mended while somebody edits."""
    path = project.label_journal("spot")
    path.write_bytes(path.read_bytes().replace(b"place", b"plate", 1))
    assert checked(project) == (["labels.jsonl"], [False])
    lock = acquire(project.label_lock("spot"))
    assert checked(project, mend=True) == (["labels.jsonl"], [False])
    lock.release()
    assert checked(project, mend=True) == (["labels.jsonl"], [True])
    assert checked(project, mend=True) == ([], [])


def test_damaged_names_are_rebuilt(project):
    """From the snapshots of the videos."""
    project.bodypart_journal.write_bytes(project.bodypart_journal.read_bytes().replace(b"add", b"bad", 1))
    assert checked(project, mend=True) == (["bodyparts.jsonl"], [True])
    assert checked(project) == ([], [])
