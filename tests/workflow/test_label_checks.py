"""What is wrong with the labels of one video is found, each thing once."""

import shutil

import imageio.v3 as iio
import numpy as np
import pytest

from posecut_core.errors import LabelError, Remedy
from posecut_core.health import Findings
from posecut_core.health.labels import check_labels_of, check_names
from posecut_core.labels.edits import Redo, encode
from posecut_core.labels.session import LabelSession
from posecut_core.labels.snapshots import snapshot_paths
from posecut_core.labels.store import read_labels
from posecut_core.project.opening import open_project
from posecut_core.storage.journal import journal_line, read_journal
from posecut_core.storage.locks import acquire, note_path
from posecut_core.video.frame_store import FrameStore
from posecut_core.workflow.edit_bodyparts import edit_bodyparts


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


def test_folders_that_changed_names_are_named(project):
    """Kind: two folders of labeled-data in each other's place. A journal knows no video; the rows of the tables do."""
    shutil.copytree(project.frame_folder("spot"), project.frame_folder("other"))
    found = Findings()
    for video in ("spot", "other"):
        check_labels_of(project, video, found, mend=False)
    (told,) = found.wrong
    assert told.path == project.frame_folder("other")
    assert "holds rows of 'spot' only, expected rows of 'other': the two folders may have been swapped" in told.problem


def test_another_scorer_in_the_columns_is_named(project):
    """Kind: labels of somebody else under this scorer's file name; they are used, and doctor says so."""
    path = project.collected_data("spot", ".csv")
    path.write_text(path.read_text().replace("scorer,me", "scorer,Bob").replace(",me", ",Bob"))
    found = Findings()
    check_labels_of(project, "spot", found, mend=False)
    assert any(f"{path} has the scorer 'Bob' in its columns" in finding.problem for finding in found.wrong)


def test_a_note_from_another_computer_is_named(project):
    """Only a person knows whether its program has ended, so mending leaves it; one of this computer is no matter."""
    lock = acquire(project.label_lock("spot"))
    assert checked(project) == ([], [])
    lock.release()
    note_path(project.label_lock("spot")).write_text('{"host": "elsewhere", "pid": 7}')
    assert checked(project, mend=True) == (["labels.lock-holder.json"], [False])


def test_an_edit_that_cannot_follow_is_mended(project):
    """Labels are then as they were before it."""
    path, before = project.label_journal("spot"), read_labels(project, "spot")
    with path.open("ab") as stream:
        stream.write(journal_line(read_journal(path).revision + 1, encode(Redo())))
    assert checked(project) == (["labels.jsonl"], [False])
    assert checked(project, mend=True) == (["labels.jsonl"], [True])
    assert checked(project) == ([], [])
    np.testing.assert_array_equal(read_labels(project, "spot").xy, before.xy)


def test_every_damaged_journal_is_kept(project):
    """Mending twice at the same revision leaves two copies."""
    path, copies = project.label_journal("spot"), []
    sound = path.read_bytes()
    for word in (b"plate", b"plane"):
        path.write_bytes(sound.replace(b"place", word, 1))
        assert checked(project, mend=True) == (["labels.jsonl"], [True])
        copies = sorted(path.parent.glob("labels-damaged-*"))
    assert [word in copy.read_bytes() for word, copy in zip((b"plane", b"plate"), copies, strict=True)] == [True, True]


@pytest.mark.parametrize("snapshots", [True, False])
def test_missing_names_are_noticed_and_rebuilt(spot_project, snapshots):
    """Labels of a renamed bodypart are not read as another's; without snapshots one is asked what was renamed."""
    edit_bodyparts(spot_project, rename={"spot": "dot"})
    project = open_project(spot_project)
    before = read_labels(project, "spot").xy
    project.bodypart_journal.unlink()
    for refused in (read_labels, LabelSession.open):
        with pytest.raises(LabelError, match=r"bodyparts.jsonl is missing.*'beside', 'spot'.*rebuild it"):
            refused(project, "spot")
    assert checked(project)[0][0] == "bodyparts.jsonl"
    if not snapshots:
        for path in snapshot_paths(project.frame_folder("spot")):
            path.unlink()
    assert checked(project, mend=True)[1][0]
    if not snapshots:
        with pytest.raises(LabelError, match="rename the old ones") as raised:
            read_labels(project, "spot")
        assert raised.value.remedies[0].arguments["rename"] == {"spot": "dot"}
        return
    np.testing.assert_array_equal(read_labels(project, "spot").xy, before)


def test_a_file_cut_off_can_be_written_again(project):
    """The journal has its labels, so the advice is to discard it."""
    project.collected_data("spot").write_bytes(b"cut off")
    found = Findings()
    check_labels_of(project, "spot", found, mend=True)
    (finding,) = found.wrong
    assert finding.remedies == (Remedy("merge_labels", config=project.root, discard=True),)


def test_damaged_names_are_rebuilt(project):
    """From the snapshots of the videos."""
    project.bodypart_journal.write_bytes(project.bodypart_journal.read_bytes().replace(b"add", b"bad", 1))
    assert checked(project, mend=True) == (["bodyparts.jsonl"], [True])
    assert checked(project) == ([], [])


def test_images_that_cannot_be_read_are_named(project):
    """Nobody else may open the project for days: what is wrong with them is said here too."""
    (project.frame_folder("spot") / "img0002.png").write_bytes(b"")
    (project.frame_folder("spot") / "img0003.png").write_bytes(b"")  # stored already
    found = Findings()
    check_labels_of(project, "spot", found, mend=False)
    assert [finding.problem.partition("; ")[0] for finding in found.wrong] == [
        f"{project.frame_folder('spot') / 'img0002.png'} is empty (0 bytes)"
    ]


def test_images_that_show_another_picture_are_named(project):
    """Kind: an image was replaced after it had been read. Labeled or not, nobody else would ever look at it again."""
    folder = project.frame_folder("spot")
    for name, value in (("img0003.png", 90), ("img0007.png", 7)):
        iio.imwrite(folder / name, np.full((48, 64, 3), value, np.uint8))
    store = FrameStore.open(project.frame_store("spot"))
    store.append([(7, np.full((48, 64, 3), 200, np.uint8), (0, 0))])
    found = Findings()
    check_labels_of(project, "spot", found, mend=False)
    disputed, new = found.wrong
    assert "img0003.png shows another picture than when it was read and labeled as frame 3" in disputed.problem
    assert new.harmless
    assert "img0007.png differ from" in new.problem
