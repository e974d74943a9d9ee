"""Labels are read as they lie on disk, without changing anything."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from posecut_core.errors import LabelError, Remedy
from posecut_core.labels.contents import follow_journal, read_contents
from posecut_core.labels.edits import Accept, Delete, Place
from posecut_core.labels.exchange import collected_hashes, export_table, import_table
from posecut_core.labels.session import LabelSession
from posecut_core.labels.snapshots import LabelSnapshot
from posecut_core.labels.state import LabelOrigin, LabelState, Point
from posecut_core.labels.table import LabelTable
from posecut_core.storage.journal import _parse_journal, journal_line
from posecut_core.storage.tables import read_hdf

BEGIN, DROP = {"op": "begin", "frames": {}}, {"op": "drop", "frame": 3}
TABLE = LabelTable(
    "m1", ("nose", "tail"), np.array([3, 20]), np.array([[[41.0, 62.0], [np.nan] * 2], [[45.0, 66.0], [47.0, 68.0]]])
)


def test_without_a_journal_deeplabcuts_files_count(project):
    """What they lack in a labeled frame is absent, if it is labeled elsewhere in the video."""
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
        ([(1, BEGIN), (2, DROP), (3, DROP)], 0, "entry 3 contradicts earlier entries"),
    ],
)
def test_what_a_journal_lacks_is_said(lines, newest, problem):
    """Lines that are damaged, out of turn, or known to a snapshot only."""
    text = _parse_journal(b"".join(journal_line(*line) for line in lines))
    generations = (LabelSnapshot(newest, LabelState(), {}),) if newest else ()
    found = follow_journal(text, generations)
    assert found.problem.startswith(problem)
    assert bool(found.problem) == bool(problem)


def test_damage_is_an_error(project):
    """The message names the file, the line and the mending."""
    project.label_journal("m1").write_bytes(journal_line(1, BEGIN) + b"x\n" + journal_line(2, DROP))
    with pytest.raises(LabelError, match=r"labels.jsonl is damaged in line 2.*rebuild it") as raised:
        read_contents(project, "m1")
    assert raised.value.remedies == (Remedy("doctor", config=project.root, mend=True),)


def test_rows_without_any_label_stay_in_the_files(project):
    """Kind: what DeepLabCut lists and nobody has labeled. Nobody says that anyone looked there: it never trains."""
    xy = np.array([[[np.nan] * 2] * 2, [[45.0, 66.0], [47.0, 68.0]]])
    export_table(project, replace(TABLE, xy=xy))
    with LabelSession.open(project, "m1") as session:
        session.apply(Place(20, "nose", (8.0, 9.0)))
    assert list(read_hdf(project.collected_data("m1")).index.get_level_values(2)) == ["img0003.png", "img0020.png"]
    table = read_contents(project, "m1").table("m1")
    assert table.numbers.tolist() == [3, 20]
    assert table.annotated.any(axis=1).tolist() == [False, True]
    assert read_contents(project, "m1").history.state.unreviewed == ()


def machine_labels(project, iteration, rows, model="DLC_resnet50_reachOct30shuffle1_500"):
    """Write what DeepLabCut does at the outliers of a video: positions in stored images, and likelihoods."""
    columns = pd.MultiIndex.from_product([[model], ["nose", "ear"], ["x", "y", "likelihood"]], names=TITLES)
    index = pd.MultiIndex.from_tuples([("labeled-data", "m1", name) for name in rows])
    frame = pd.DataFrame([[*cells, 1.0, 1.0, 1.0] for cells in rows.values()], index=index, columns=columns)
    frame.to_hdf(project.frame_folder("m1") / f"machinelabels-iter{iteration}.h5", key="df_with_missing", mode="w")


TITLES = ["scorer", "bodyparts", "coords"]


@pytest.mark.parametrize("journal", [False, True])
def test_predictions_that_deeplabcut_left_are_drafts(project, journal):
    """Kind: other programs' predictions. Drafts with their likelihoods, of frames that nobody has labeled, only.

    The newest iteration counts; frames without a picture and bodyparts of other projects have none. What a person
    deletes, or takes back, does not come again.
    """
    export_table(project, TABLE.rows(np.array([False, True])))
    if journal:
        with LabelSession.open(project, "m1") as session:
            session.begin()
    machine_labels(project, 0, {"img0003.png": (1.0, 1.0, 0.9), "img0020.png": (1.0, 1.0, 0.9)})
    machine_labels(project, 1, {"img0003.png": (2.0, 3.0, 0.25), "img0099.png": (1.0, 1.0, 0.9)}, model="DLC_newer")
    before = sorted(project.frame_folder("m1").rglob("*"))
    contents = read_contents(project, "m1")
    assert contents.history.state.unreviewed == ((3, "nose"),)
    assert contents.history.state.point(3, "nose") == Point(
        "proposed", (42.0, 63.0), LabelOrigin("machine", 0.25, "DLC_newer")
    )
    assert contents.table("m1").numbers.tolist() == [20]
    assert sorted(project.frame_folder("m1").rglob("*")) == before
    with LabelSession.open(project, "m1") as session:
        session.apply(Accept(3, "nose"))
        assert session.state.point(3, "nose").origin.model == "DLC_newer"
        session.apply(Delete(3, "nose"))
    again = read_contents(project, "m1")
    assert again.history.state.unreviewed == again.drafts == ()
    assert read_hdf(project.collected_data("m1")).shape == (1, 4)


def test_damaged_predictions_of_deeplabcut_stop_nothing(project):
    """They are told; labels are read without them."""
    export_table(project, TABLE)
    (project.frame_folder("m1") / "machinelabels-iter0.h5").write_bytes(b"damaged")
    said = []
    assert read_contents(project, "m1", report=said.append).table("m1").numbers.tolist() == [3, 20]
    assert "machinelabels-iter0.h5 is not a readable HDF5 table" in said[0].text
