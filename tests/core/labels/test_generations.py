"""Snapshots of labels are whole, and the newest few are kept."""

import pytest

from posecut_core.errors import LabelError
from posecut_core.labels import snapshots
from posecut_core.labels.snapshots import (
    _KEPT,
    LabelSnapshot,
    kept_revisions,
    read_snapshot,
    snapshot_paths,
    sound_snapshots,
    write_snapshot,
)
from posecut_core.labels.state import Frame, LabelOrigin, LabelState, Point

POINTS = {
    "nose": Point("proposed", (1.25, 2.0), LabelOrigin("machine", 0.4, "net", 720)),
    "tail": Point("occluded"),
    "ear": Point("absent"),
}
STATE = LabelState({3: Frame(points=POINTS, image="ab"), 9: Frame(dropped=True)})


def generation(revision):
    return LabelSnapshot(revision, STATE, {"nose": "snout", "tail": "tail"}, {"CollectedData_Ann.h5": "00"}, 11)


def test_reading_undoes_writing(tmp_path):
    """Drafts, hidden and absent points, dropped frames and hashes come back."""
    assert read_snapshot(write_snapshot(tmp_path, generation(12))) == generation(12)


def test_the_newest_few_are_kept(tmp_path):
    """Older ones go when a new one is whole; the same revision is replaced."""
    for revision in (5, 7, 7, 9, 100_000_000, 11):
        write_snapshot(tmp_path, generation(revision))
    assert [found.revision for found in sound_snapshots(tmp_path)] == [100_000_000, 11, 9]
    assert len(snapshot_paths(tmp_path)) == _KEPT
    assert sound_snapshots(tmp_path / "nowhere") == ()


def test_what_deeplabcuts_files_have_is_kept(tmp_path):
    """However many snapshots were made since they were written."""
    assert kept_revisions((1, 9, 7, 5, 3), exported=1) == {9, 7, 5, 1}
    for revision in (11, 12, 14, 16, 18):
        write_snapshot(tmp_path, generation(revision))
    assert [found.revision for found in sound_snapshots(tmp_path)] == [18, 16, 14, 11]


def test_every_flipped_bit_is_noticed(tmp_path):
    """A snapshot with one is passed over, and reading it says so."""
    path = write_snapshot(tmp_path, generation(12))
    content = path.read_bytes()
    for place in range(len(content)):
        flipped = bytearray(content)
        flipped[place] ^= 1 << place % 8
        path.write_bytes(flipped)
        assert sound_snapshots(tmp_path) == ()
    with pytest.raises(LabelError, match=r"labels-00000012.json has changed since it was written"):
        read_snapshot(path)


def test_a_snapshot_of_what_is_no_label_is_named(tmp_path, monkeypatch):
    """Its checksum is right; the snapshots beside it are read."""
    point = {"points": {"nose": {"state": "placed", "xy": [1.0]}}}
    with monkeypatch.context() as patch:
        patch.setattr(snapshots, "encode_frames", lambda frames: {"3": point})
        path = write_snapshot(tmp_path, LabelSnapshot(7, LabelState({3: Frame()}), {"nose": "nose"}))
    with pytest.raises(LabelError, match=r"labels-00000007.json holds an invalid label"):
        read_snapshot(path)
    assert sound_snapshots(tmp_path) == ()
