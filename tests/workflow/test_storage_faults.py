"""Whatever call to the disk fails, and whenever power is lost, no acknowledged edit of labels is lost."""

import contextlib
import errno
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from posecut_core.errors import LabelError, StorageError
from posecut_core.formats.deeplabcut import tables
from posecut_core.labels.contents import read_contents
from posecut_core.labels.edits import MarkAbsent, Place, Undo, encode
from posecut_core.labels.session import LabelSession
from posecut_core.labels.store import read_labels
from posecut_core.project.config import ProjectConfig
from posecut_core.project.paths import Project
from posecut_core.video.frame_store import FrameStore
from tests.benchmarks.kill_steps import STEPS, Home, compared, tree
from tests.failing_disk import SHORT, Changes, FailingDisk, PowerLoss, full

ROOT = Path(__file__).parents[2]
EDITS = (Place(1, "nose", (3.0, 4.0)), Undo(), MarkAbsent(1, "tail"))


@pytest.fixture
def project(tmp_path):
    """A project with three stored frames and no label."""
    project = Project(tmp_path / "project", ProjectConfig("faults", "me", "Oct30", ("nose", "tail")))
    frames = ((number, np.full((32, 32, 3), number, np.uint8), (0, 0)) for number in range(3))
    FrameStore.open(project.frame_store("m1"), create=True).append(frames)
    return project


def label(project, acknowledged):
    """Make the edits and save; note each edit that was acknowledged."""
    with LabelSession.open(project, "m1") as session:
        for edit in EDITS:
            acknowledged.append((session.apply(edit), json.loads(json.dumps(encode(edit)))))
        session.save()


def assert_found(project, acknowledged):
    """The journal has every acknowledged edit, and the labels can be read."""
    records = dict(read_contents(project, "m1").journal.records)
    assert [records.get(revision) for revision, _ in acknowledged] == [edit for _, edit in acknowledged]
    read_labels(project, "m1")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES, SHORT])
def test_no_failing_call_loses_an_edit(project, tmp_path, monkeypatch, number):
    """The n-th call fails, for every n: the error is one of PoseCut's, what was there stays, and editing goes on."""
    fresh = Project(tmp_path / "copy", project.config)
    monkeypatch.setattr(tables, "write_hdf", lambda path, frame: None)  # slow, and tested below
    calls = failing = 0
    while failing <= calls:
        shutil.rmtree(fresh.root, ignore_errors=True)
        shutil.copytree(project.root, fresh.root)
        acknowledged = []
        with monkeypatch.context() as patch:
            disk = FailingDisk(failing, number)
            disk.install(patch)
            with contextlib.suppress(StorageError, LabelError):  # LabelError: opened for reading only
                label(fresh, acknowledged)
            calls = calls or disk.calls
            assert_found(fresh, acknowledged)
            with LabelSession.open(fresh, "m1") as session:
                assert session.writable
                session.apply(Place(2, "tail", (1.0, 1.0)))
        failing += 1
    assert calls > 70


def test_no_loss_of_power_loses_an_edit(project, tmp_path, monkeypatch):
    """After every call, whichever unsynced names and bytes survive: the labels open with all acknowledged edits."""
    acknowledged, seen, lost = [], set(), PowerLoss(project.root)
    fresh = Project(tmp_path / "after", project.config)

    states = []
    with monkeypatch.context() as patch:
        lost.install(patch)
        lost.after_call = lambda: states.append((list(acknowledged), list(lost.states())))
        label(project, acknowledged)
    for told, left in states:
        for state in left:
            mark = hashlib.sha256(repr((sorted(state.items()), len(told))).encode()).digest()
            if mark not in seen:
                seen.add(mark)
                lay_out(fresh, state)
                assert_found(fresh, told)
    assert len(seen) > 50


def test_no_loss_of_power_loses_an_edit_that_settled(project, tmp_path, monkeypatch):
    """Edits that were only written, as a window writes them, may go; then they go from the last one on."""
    lost, fresh = PowerLoss(project.root), Project(tmp_path / "after", project.config)
    lost.install(monkeypatch)
    with LabelSession.open(project, "m1") as session:
        revisions = [session.apply(EDITS[0])]
        histories = [session.history.state]
        for step in EDITS[1:]:
            revisions.append(session.write(step))
            histories.append(session.history.state)
        for state in list(lost.states()):
            lay_out(fresh, state)
            found = read_contents(fresh, "m1")
            assert found.history.state == histories[revisions.index(found.journal.revision)]
        session.settle()
        for state in list(lost.states()):
            lay_out(fresh, state)
            assert read_contents(fresh, "m1").history.state == session.state


def lay_out(project, state):
    """Make the project's folder as a loss of power left it."""
    for name, content in state.items():
        path = project.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for path in [path for path in project.root.rglob("*") if path.is_file()]:
        if path.relative_to(project.root).as_posix() not in state:
            path.unlink()


_EDIT = """
import sys
from pathlib import Path
from posecut_core.labels.edits import Place
from posecut_core.labels.session import LabelSession
from posecut_core.project.config import ProjectConfig
from posecut_core.project.paths import Project
project = Project(Path(sys.argv[1]), ProjectConfig("faults", "me", "Oct30", ("nose", "tail")))
print("ready", flush=True)
sys.stdin.readline()
made = 0
while made < 20:
    with LabelSession.open(project, "m1") as session:
        if session.writable:
            print(session.apply(Place(int(sys.argv[2]), "nose", (float(made), 0.0))), flush=True)
            made += 1
"""


def test_two_processes_edit_at_once_and_lose_nothing(project):
    """Each edit has a revision of its own, and all are in the journal."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    words = [[sys.executable, "-c", _EDIT, str(project.root), frame] for frame in "12"]
    with subprocess.Popen(words[0], **pipes) as one, subprocess.Popen(words[1], **pipes) as two:
        assert [child.stdout.readline() for child in (one, two)] == ["ready\n"] * 2
        for child in (one, two):
            child.stdin.write("go\n")
            child.stdin.flush()
        told = [int(line) for child in (one, two) for line in child.stdout]
    assert [one.returncode, two.returncode] == [0, 0]
    records = dict(read_contents(project, "m1").journal.records)
    assert (len(set(told)), [records[revision]["op"] for revision in told]) == (40, ["place"] * 40)
    assert read_labels(project, "m1").xy[:, 0].tolist() == [[19.0, 0.0]] * 2


@pytest.mark.parametrize(
    "name",
    ["add-new-videos", "create-training-dataset", "edit-bodyparts", "extract-frames", "label", "merge-datasets"],
)
def test_a_step_that_the_disk_refused_ends_well_afterwards(tmp_path, capsys, name):
    """From the n-th change on, the disk refuses: that is a sentence, and the same step again ends as if never refused.

    Kind: steps that were stopped between their files, by a full disk, a kill or a loss of power.
    `tests/benchmarks/kills.py` does it at every change of every step, and kills them.
    """
    step, home, template = STEPS[name], Home(tmp_path / "live"), tmp_path / "template"
    home.root.mkdir()
    step.prepare(home)
    shutil.copytree(home.root, template, symlinks=True)
    with Changes(home.root) as undisturbed:
        assert step.act(home) == 0
    wanted = tree(home.root)
    for number in (3, undisturbed.count // 3, undisturbed.count * 3 // 4, undisturbed.count - 1):
        shutil.rmtree(home.root)
        shutil.copytree(template, home.root, symlinks=True)
        capsys.readouterr()
        with Changes(home.root, number=number, act=full, lasting=True):
            code = step.act(home)
        told = capsys.readouterr().err
        assert (code, "No space left" in told or "disk is full" in told) in ((9, True), (5, True), (0, False)), told
        ended = not compared(tree(home.root), wanted)  # all is there, though the disk would not say that it is durable
        assert step.act(home) == 0
        assert ended or compared(tree(home.root), wanted) == []
