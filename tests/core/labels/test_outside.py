"""What other programs change in CollectedData files is seen, and nothing else is taken for it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from posecut_core.errors import LabelError
from posecut_core.formats.deeplabcut.tables import _write_csv, read_csv
from posecut_core.labels import contents
from posecut_core.labels.contents import read_contents
from posecut_core.labels.edits import Delete, Place
from posecut_core.labels.exchange import changed_suffixes, describe, outside_edits
from posecut_core.labels.session import LabelSession, outside_of
from posecut_core.labels.snapshots import snapshot_paths
from posecut_core.labels.store import read_labels, write_labels
from posecut_core.labels.table import LabelTable
from posecut_core.project.paths import Project
from posecut_core.storage.tables import read_hdf, write_hdf

XY = np.array([[[41.25, 62.5], [np.nan, np.nan]], [[8.0, 9.0], [10.0, 11.0]]])


@pytest.fixture
def labeled(project):
    """The project with labels of both frames."""
    write_labels(project, LabelTable("m1", ("nose", "tail"), np.array([3, 20], dtype=np.int64), XY))
    return project


def found(project):
    known = read_contents(project, "m1")
    return outside_edits(project, "m1", known.history.state, known.naming, known.generations)


def change(project, row, column, value, *, csv=True):
    """Change a cell as DeepLabCut would, in both files or in the .h5 only."""
    frame = read_hdf(project.collected_data("m1"))
    frame.iloc[row, column] = value
    write_hdf(project.collected_data("m1"), frame)
    if csv:
        _write_csv(project.collected_data("m1", ".csv"), frame)


def test_moves_additions_and_deletions_are_seen(labeled):
    """Each is one edit, in pixels of the full frame."""
    change(labeled, 0, slice(0, 2), [2.0, 3.0])
    change(labeled, 0, slice(2, 4), [4.0, 5.0])
    change(labeled, 1, slice(0, 2), np.nan)
    edits = found(labeled)
    assert edits == (Place(3, "nose", (42.0, 63.0)), Place(3, "tail", (44.0, 65.0)), Delete(20, "nose"))
    columns = {"nose": "nose", "tail": "tail"}
    assert describe(edits[0], columns) == "frame 3: nose placed at (42.0, 63.0)"
    assert describe(edits[2], columns) == "frame 20: nose deleted"


def test_a_frame_that_is_gone_lost_its_labels(labeled):
    """Rows that another program removed are deletions."""
    write_hdf(labeled.collected_data("m1"), read_hdf(labeled.collected_data("m1")).iloc[:1])
    assert found(labeled) == (Delete(20, "nose"), Delete(20, "tail"))


def test_the_table_as_text_counts_where_only_it_was_changed(labeled):
    """Who edits the .csv by hand is heard."""
    path = labeled.collected_data("m1", ".csv")
    frame = read_csv(path)
    frame.iloc[1, 0] = 41.0
    _write_csv(path, frame)
    assert changed_suffixes(labeled, "m1", read_contents(labeled, "m1").generations) == (".csv",)
    assert found(labeled) == (Place(20, "nose", (46.0, 9.0)),)


def test_two_files_that_were_changed_differently_are_not_read(labeled):
    """Neither change is lost: nothing is taken over, and discarding keeps copies of both."""
    change(labeled, 0, 0, 2.0)
    path = labeled.collected_data("m1", ".csv")
    frame = read_csv(path)
    frame.iloc[0, 0] = 2.004  # a spreadsheet rounds
    _write_csv(path, frame)
    assert found(labeled) == (Place(3, "nose", (42.0, 62.5)),)
    frame.iloc[1, 2] = 4.0
    _write_csv(path, frame)
    with pytest.raises(LabelError, match=r"were both changed .* differ in 1 labels \(the first: frame 20: tail\)"):
        found(labeled)
    with LabelSession.open(labeled, "m1") as session:
        with pytest.raises(LabelError, match="were both changed"):
            session.merge_outside()
        assert [copy.suffix for copy in session.discard_outside()] == [".h5", ".csv"]


def test_the_text_is_heard_beside_a_table_that_was_saved_again(labeled):
    """Other bytes of the .h5 hide no change of the .csv."""
    change(labeled, 0, 0, 2.0)
    frame = pd.read_hdf(labeled.collected_data("m1"))
    frame.iloc[0, 0] = 1.25
    frame.index = pd.Index(["/".join(row) for row in frame.index])
    frame.to_hdf(labeled.collected_data("m1"), key="df_with_missing", mode="w", format="table")
    assert found(labeled) == (Place(3, "nose", (42.0, 62.5)),)


def test_saving_again_unchanged_is_no_change(labeled):
    """Other bytes that say the same are taken as ours."""
    frame = pd.read_hdf(labeled.collected_data("m1"))
    frame.index = pd.Index(["/".join(row) for row in frame.index])
    frame.to_hdf(labeled.collected_data("m1"), key="df_with_missing", mode="w", format="table")
    assert changed_suffixes(labeled, "m1", read_contents(labeled, "m1").generations) == (".h5",)
    assert found(labeled) == ()


def test_what_a_spreadsheet_rounds_is_no_change(labeled):
    """Opening and saving the .csv there changes no label, and what somebody does change there is heard alone."""
    with LabelSession.open(labeled, "m1") as session:
        session.apply(Place(3, "tail", (40 + 10 / 3, 60 + 1 / 7)))
    path = labeled.collected_data("m1", ".csv")
    _write_csv(path, read_csv(path).round(4))
    assert changed_suffixes(labeled, "m1", read_contents(labeled, "m1").generations) == (".csv",)
    assert found(labeled) == ()
    frame = read_csv(path)
    frame.iloc[1, 0] = 41.0
    _write_csv(path, frame)
    assert found(labeled) == (Place(20, "nose", (46.0, 9.0)),)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_spreadsheet_in_another_language_is_no_change_either(labeled, encoding):
    """Kind: the same labels in another dress. What was typed in there is a change, to be decided about."""
    path = labeled.collected_data("m1", ".csv")
    text = path.read_text().replace(",", ";").replace(".", ",").replace(",png", ".png").replace("\n", "\r\n")
    path.write_bytes(text.encode(encoding))
    assert found(labeled) == ()
    path.write_bytes(text.replace(";3,0;", ";4,5;").encode(encoding))
    assert found(labeled) == (Place(20, "nose", (9.5, 9.0)),)


def test_files_of_any_kept_revision_are_ours(labeled):
    """A crash may leave the file of the revision before."""
    old = labeled.collected_data("m1").read_bytes()
    with LabelSession.open(labeled, "m1") as session:
        session.apply(Place(3, "tail", (49.0, 60.0)))
    labeled.collected_data("m1").write_bytes(old)
    assert found(labeled) == ()
    for path in snapshot_paths(labeled.frame_folder("m1")):
        path.unlink()
    assert found(labeled) == (Delete(3, "tail"),)


@pytest.mark.parametrize(("edits", "snapshots"), [(3, 3), (9, 4)])
def test_what_was_labeled_since_the_files_were_written_is_not_deleted(labeled, monkeypatch, edits, snapshots):
    """Only what the other program did is told, after one snapshot or after more than are kept."""
    monkeypatch.setattr("posecut_core.labels.session._SNAPSHOT_EVERY", 2)
    session = LabelSession.open(labeled, "m1")
    for place in range(edits):
        session.apply(Place(3, "tail", (44.0, 60.0 + place)))
    assert len(snapshot_paths(labeled.frame_folder("m1"))) == snapshots
    change(labeled, 1, slice(0, 2), np.nan)
    assert found(labeled) == (Delete(20, "nose"),)
    session.close()
    assert found(labeled) == (Delete(20, "nose"),)


@pytest.mark.parametrize("damage", ["flip", "delete"])
@pytest.mark.parametrize("later", [0, 2])
def test_a_damaged_snapshot_invents_no_changes(labeled, monkeypatch, damage, later):
    """Kind: what one file knew, the journal knows as well. Only what the other program did is told.

    The snapshot of the labels that it found is damaged, be it the newest, or older than edits made since.
    """
    monkeypatch.setattr("posecut_core.labels.session._SNAPSHOT_EVERY", 1)
    with LabelSession.open(labeled, "m1") as session:
        session.apply(Place(3, "tail", (49.0, 60.0)))
        session.save()
        exported = snapshot_paths(labeled.frame_folder("m1"))[0]
        change(labeled, 1, slice(0, 2), np.nan)
        for place in range(later):
            session.apply(Place(3, "tail", (44.0, 60.0 + place)))
    if damage == "delete" and later:
        exported.unlink()
    else:
        exported.write_text(exported.read_text()[:-20])
    assert found(labeled) == (Delete(20, "nose"),)


@pytest.mark.parametrize("name", ["sound_snapshots", "read_journal", "read_identities"])
def test_labels_are_read_while_somebody_edits(labeled, monkeypatch, name):
    """Kind: a reader without the lock that reads one file before an edit and the next one behind it.

    However much was saved in between, also labels of a bodypart that is new, nothing is damaged, and nobody else has
    changed anything.
    """
    project = Project(labeled.root, replace(labeled.config, bodyparts=("nose", "tail", "ear")))
    read, edits = getattr(contents, name), [Place(20, "ear", (9.0, 8.0))]

    def late(*arguments, **options):
        found = read(*arguments, **options)
        while edits:
            edit = edits.pop()
            with LabelSession.open(project, "m1") as session:
                session.apply(edit)
        return found

    monkeypatch.setattr(contents, name, late)
    assert read_labels(project, "m1").numbers.tolist() == [3, 20]
    assert not edits


def test_labels_are_not_read_past_an_undecided_change(labeled):
    """Neither reading nor writing ignores it; the message says what to do."""
    change(labeled, 0, 0, 2.0)
    with pytest.raises(LabelError, match=r"Another program changed labels of m1 .*\(1 of them\)") as raised:
        read_labels(labeled, "m1")
    assert {remedy.step for remedy in raised.value.remedies} == {"merge_labels"}
    with pytest.raises(LabelError, match="Another program changed labels"):
        write_labels(labeled, LabelTable("m1", ("nose",), np.array([3], dtype=np.int64), XY[:1, :1] + 1))
    assert read_contents(labeled, "m1").journal.revision == 3


def test_a_video_that_is_not_open_is_looked_at_by_its_files(labeled):
    """What was changed is found; labels that are damaged are told elsewhere."""
    change(labeled, 0, slice(0, 2), [2.0, 3.0])
    assert outside_of(labeled, "m1").edits == found(labeled)
    labeled.label_journal("m1").write_text("no journal\n")
    assert not outside_of(labeled, "m1")
    with pytest.raises(LabelError):
        found(labeled)


def test_files_as_they_were_written_are_not_read_again(labeled, monkeypatch):
    """A project of many videos is looked at often."""
    monkeypatch.setattr(LabelSession, "open", lambda *_, **__: pytest.fail("the labels were read"))
    assert not outside_of(labeled, "m1")
