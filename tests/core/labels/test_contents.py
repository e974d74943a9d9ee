"""Labels are read as they lie on disk, without changing anything."""

from dataclasses import replace

import numpy as np
import pytest

from posecut_core.errors import LabelError
from posecut_core.labels.contents import follow_journal, read_contents
from posecut_core.labels.exchange import collected_hashes, export_table, import_table
from posecut_core.labels.generations import Generation
from posecut_core.labels.journal import journal_line, parse_journal
from posecut_core.labels.point import Point
from posecut_core.labels.session import LabelSession
from posecut_core.labels.state import LabelState
from posecut_core.labels.table import LabelTable

BEGIN, DROP = {"op": "begin", "frames": {}}, {"op": "drop", "frame": 3}
TABLE = LabelTable(
    "m1", ("nose", "tail"), np.array([3, 20]), np.array([[[41.0, 62.0], [np.nan] * 2], [[45.0, 66.0], [47.0, 68.0]]])
)


def test_without_a_journal_deeplabcuts_files_count(project):
    """What they lack in a labelled frame is absent, if it is labelled elsewhere in the video."""
    export_table(project, TABLE)
    before = sorted(project.frame_folder("m1").rglob("*"))
    contents = read_contents(project, "m1")
    np.testing.assert_array_equal(contents.table("m1").xy, TABLE.xy)
    assert contents.history.state.point(3, "tail") == Point("absent")
    assert contents.history.state.point(20, "tail") == Point("placed", (47.0, 68.0))
    assert sorted(project.frame_folder("m1").rglob("*")) == before


def test_a_journal_counts_more_than_files(project):
    """Once there is one, files are only its copies."""
    export_table(project, TABLE)
    with LabelSession.open(project, "m1") as session:
        session.begin()
    project.collected_data("m1").unlink()
    assert read_contents(project, "m1").table("m1").numbers.tolist() == [3, 20]


def test_a_file_that_is_saved_while_it_is_read_is_noticed(project, monkeypatch):
    """Its hash is taken before, so that it is not taken for what was read."""
    export_table(project, TABLE)
    before = collected_hashes(project, "m1")

    def late(*arguments, **options):
        found = import_table(*arguments, **options)
        export_table(project, replace(TABLE, xy=TABLE.xy + 1))
        return found

    monkeypatch.setattr("posecut_core.labels.contents.import_table", late)
    assert read_contents(project, "m1").files == before != collected_hashes(project, "m1")


@pytest.mark.parametrize(
    ("lines", "newest", "problem"),
    [
        ([(1, BEGIN), (2, DROP)], 2, ""),
        ([(1, BEGIN), (2, DROP)], 5, "ends at revision 2, but a snapshot was made of revision 5"),
        ([], 1, "ends at revision 0"),
        ([(2, DROP)], 0, "lacks its first lines"),
        ([(1, BEGIN), (3, DROP)], 0, "is damaged in line 2"),
        ([(1, BEGIN), (2, DROP), (3, DROP)], 0, "holds in revision 3 an edit that cannot follow those before it"),
    ],
)
def test_what_a_journal_lacks_is_said(lines, newest, problem):
    """Lines that are damaged, out of turn, or known to a snapshot only."""
    text = parse_journal(b"".join(journal_line(*line) for line in lines))
    generations = (Generation(newest, LabelState(), {}),) if newest else ()
    found = follow_journal(text, generations)
    assert found.problem.startswith(problem)
    assert bool(found.problem) == bool(problem)


def test_damage_is_an_error(project):
    """The message names the file, the line and the mending."""
    project.label_journal("m1").write_bytes(journal_line(1, BEGIN) + b"x\n" + journal_line(2, DROP))
    with pytest.raises(LabelError, match=r"labels.jsonl is damaged in line 2.*posecut doctor --mend"):
        read_contents(project, "m1")
