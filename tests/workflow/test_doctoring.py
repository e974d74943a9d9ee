"""The doctor finds a flipped bit in any file of a project, names the file, and mends what can be mended."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from posecut_core.errors import ProjectError, Remedy
from posecut_core.health.doctor import doctor
from posecut_core.health.project import sums_path
from posecut_core.labels.images import adopt_project
from posecut_core.labels.store import read_labels, write_labels
from posecut_core.labels.table import LabelTable
from posecut_core.project.opening import open_project
from tests.workflow.test_file_sums import flip


@pytest.fixture
def sound(trainable):
    """A project with frames, labels and a training dataset, checked once."""
    project = open_project(trainable)
    table = read_labels(project, "dots")
    write_labels(project, LabelTable("dots", table.bodyparts, table.numbers[:1], table.xy[:1] + 1))
    assert doctor(trainable).findings == ()
    return trainable


def files(root):
    return [path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink()]


def test_what_was_checked_is_counted(sound):
    """Every kind of file is among it."""
    checked = doctor(sound).checked
    assert (checked["frames"], checked["videos"], checked["training datasets"]) == (4, 1, 1)
    assert (
        min(checked[name] for name in ("journals", "edits", "labels", "label snapshots", "settings files", "files")) > 0
    )


def test_a_bit_flipped_in_any_file_is_found(sound):
    """The finding names the file, or the frame store or snapshot that it belongs to."""
    root, tried = sound.parent, 0
    for path in files(root):
        if path.name.endswith(".lock") or not path.stat().st_size:
            continue
        content, status, sums = path.read_bytes(), path.stat(), sums_path(root).read_bytes()
        flip(path)
        named = [finding.path for finding in doctor(sound).findings]
        assert any(path == name or name in path.parents for name in named), path
        path.write_bytes(content)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        sums_path(root).write_bytes(sums)
        tried += 1
    assert tried > 20
    assert doctor(sound).findings == ()


@pytest.mark.parametrize(
    "name", ["labels.jsonl", "labels-*.json", "CollectedData_me.h5", "frames.zarr/frames/c/*/0/0/0"]
)
def test_checksums_of_their_own_need_no_earlier_check(sound, name):
    """Journals, snapshots, frames and label files are found damaged at first sight."""
    sums_path(sound.parent).unlink()
    path = sorted((sound.parent / "labeled-data" / "dots").glob(name))[0]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert not doctor(sound).sound


def test_mending_loses_no_label(sound):
    """A damaged journal, half a line, leftovers and a damaged snapshot are mended, and nothing is wrong then."""
    folder = sound.parent / "labeled-data" / "dots"
    before = read_labels(open_project(sound), "dots")
    flip(folder / "labels.jsonl")
    flip(sound.parent / "bodyparts.jsonl")
    flip(sorted(folder.glob("labels-*.json"))[0])
    (folder / ".labels-x.partial.json").write_text("half")
    with (folder / "CollectedData_me.h5").open("ab") as stream:
        stream.write(b"\0")  # a byte that says nothing
    mended = doctor(sound, mend=True)
    assert any(
        "no label is lost, but earlier edits can no longer be undone" in finding.problem for finding in mended.findings
    )
    assert len([finding for finding in mended.findings if finding.mended]) == 5
    found = read_labels(open_project(sound), "dots")
    np.testing.assert_array_equal(found.xy, before.xy)
    np.testing.assert_array_equal(found.annotated, before.annotated)
    with (folder / "labels.jsonl").open("ab") as stream:
        stream.write(b'{"half')
    assert not doctor(sound).sound
    assert doctor(sound, mend=True).sound
    assert doctor(sound).findings == ()


def test_what_is_missing_is_named(sound):
    """A video that is gone, and frames that are."""
    project = adopt_project(sound)  # it is a copy: config.yaml would lead to the other one's video
    next(iter(Path(video) for video in project.config.video_sets)).unlink()
    shutil.rmtree(project.frame_store("dots"))
    found = doctor(sound).findings
    missing, lost = (finding.problem for finding in found)
    assert "is missing; put it into" in missing
    assert found[1].remedies == (Remedy("extract_frames", config=sound.parent, frames=[0], videos=["dots"]),)
    assert "put img1.png, img2.png, img3.png (no frame of the video) back into" in lost


def test_a_video_whose_name_no_file_can_have_is_named(sound):
    """Names in config.yaml are anybody's: one of 300 letters is missing like any other, not an error of the system."""
    name = f"{'x' * 300}.mp4"
    sound.write_text(sound.read_text().replace("dots.", f"{name[:-4]}."))
    assert any(f"{name} is missing" in finding.problem for finding in doctor(sound).findings)


def test_labels_that_are_gone_are_missed(sound):
    """Until they are back: a journal with its snapshots, or a video's whole folder."""
    folder = sound.parent / "labeled-data" / "dots"
    content = {path: path.read_bytes() for path in folder.glob("labels*.json*")}
    for path in content:
        path.unlink()
    for _ in range(2):
        assert [finding.path.name for finding in doctor(sound).findings] == ["labels.jsonl"]
    for path, written in content.items():
        path.write_bytes(written)
    assert doctor(sound).findings == ()
    shutil.rmtree(folder)
    for _ in range(2):
        assert [finding.path for finding in doctor(sound).findings] == [folder / "frames.zarr", folder]


def test_files_for_deeplabcut_are_written_again(sound):
    """The journal has what was in them."""
    files = sorted((sound.parent / "labeled-data" / "dots").glob("CollectedData_*"))
    for path in files:
        path.unlink()
    assert sorted(finding.path for finding in doctor(sound).findings) == files
    assert doctor(sound, mend=True).sound
    assert all(path.exists() for path in files)
    assert doctor(sound).findings == ()


def test_a_project_that_cannot_be_opened_is_a_finding(sound, tmp_path):
    """Where there is no project at all, that is an error."""
    sound.write_text("Task: [")
    (finding,) = [finding for finding in doctor(sound).findings if finding.path == sound]
    assert "not valid YAML" in finding.problem
    with pytest.raises(ProjectError):
        doctor(tmp_path / "nowhere")
