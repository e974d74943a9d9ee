"""The files beside the journal are replaced together with the snapshot that knows them."""

import pytest

from posecut_core.errors import LabelError
from posecut_core.labels.bodypart_ids import Naming
from posecut_core.labels.exchange import collected_hashes
from posecut_core.labels.session import Outside, _SavedFiles
from posecut_core.labels.snapshots import sound_snapshots
from posecut_core.labels.state import Frame, LabelState, Point

NAMING = Naming({"nose": "nose", "tail": "tail"}, (), frozenset({"nose", "tail"}))
STATE = LabelState({3: Frame(points={"nose": Point("placed", (41.0, 62.0))})})


def test_what_was_written_is_known(project):
    """The newest snapshot has the hashes of the files."""
    files = _SavedFiles(project, "m1", ())
    assert files.revision == 0
    files.begin(LabelState(), NAMING, 1, {"CollectedData_Ann.h5": "00"})
    assert files.generations[0].files == {"CollectedData_Ann.h5": "00"}
    files.write(STATE, NAMING, 4)
    assert [found.revision for found in sound_snapshots(project.frame_folder("m1"))] == [4, 1]
    assert sound_snapshots(project.frame_folder("m1"))[0].files == collected_hashes(project, "m1")
    assert (files.revision, files.exported, files.outside(STATE, NAMING)) == (4, 4, Outside())
    files.snapshot(STATE, NAMING, 9)
    assert (files.revision, files.exported, files.outside(STATE, NAMING)) == (9, 4, Outside())


def test_a_file_that_cannot_be_read_is_not_written_over(project):
    """Who decides against it has it kept, once, and nothing that is as it was written."""
    files = _SavedFiles(project, "m1", ())
    files.write(STATE, NAMING, 4)
    project.collected_data("m1").write_bytes(b"garbage")
    found = files.outside(STATE, NAMING)
    assert bool(found)
    with pytest.raises(LabelError, match=r"not a readable HDF5 table.*Or let PoseCut write it again") as raised:
        files.refuse(found)
    assert [dict(remedy.arguments)["discard"] for remedy in raised.value.remedies] == [True]
    assert [path.name for path in files.copy(4)] == ["outside-4-CollectedData_Ann.h5"]
    assert [path.name for path in files.copy(4)] == ["outside-4-CollectedData_Ann.h5"]  # as after a kill
    project.collected_data("m1").write_bytes(b"other garbage")
    assert [path.name for path in files.copy(4)] == ["outside-4-CollectedData_Ann-2.h5"]
