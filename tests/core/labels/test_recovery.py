"""A damaged journal gives back what snapshots and sound lines have."""

import pytest

from posecut_core.errors import LabelError
from posecut_core.labels.bodypart_ids import read_identities
from posecut_core.labels.contents import read_contents
from posecut_core.labels.edits import Begin, Place, Redo, Undo, apply, encode, replay
from posecut_core.labels.session import LabelSession
from posecut_core.labels.snapshots import LabelSnapshot, _recover, rebuild_journal, rebuild_names
from posecut_core.labels.state import LabelState
from posecut_core.storage.journal import _parse_journal, journal_line

STEPS = [Begin({}), *(Place(number, "nose", (1.0 * number, 0.0)) for number in range(2, 7)), Undo()]


def text_without(*missing):
    kept = [(number, encode(step)) for number, step in enumerate(STEPS, start=1) if number not in missing]
    return _parse_journal(b"".join(journal_line(*line) for line in kept))


def generation(revision):
    return LabelSnapshot(revision, replay(STEPS[:revision]).state, {"nose": "nose"})


@pytest.mark.parametrize("missing", [(3,), (1,), (2, 3, 4), (6, 7), tuple(range(1, 8))])
def test_a_snapshot_after_the_damage_restores_everything(missing):
    """Whatever lines are gone."""
    found = _recover(text_without(*missing), (generation(7), generation(1)))
    assert (found.history.state, found.revision, found.lost) == (replay(STEPS).state, 7, ())


def test_later_edits_follow_a_snapshot():
    """Lines after it are sound and are made again."""
    found = _recover(text_without(3), (generation(5),))
    assert (found.history.state, found.lost) == (replay(STEPS).state, ())


def test_without_a_snapshot_only_the_damaged_edit_is_lost():
    """What follows is made as far as it can be."""
    found = _recover(text_without(3), ())
    assert found.lost == (3,)
    assert found.history.state == replay([STEPS[0], STEPS[1], *STEPS[3:]]).state


def test_without_a_beginning_edits_are_made_on_nothing():
    """That is better than nothing."""
    found = _recover(text_without(1, 2), ())
    assert (found.lost, sorted(found.history.state.frames)) == ((1, 2), [3, 4, 5])


def test_a_line_that_holds_no_edit_is_damage(project):
    """Its checksum is right, so only reading it tells; everything else is restored."""
    with LabelSession.open(project, "m1") as session:
        session.apply(Place(3, "nose", (41.0, 62.0)))
        revision, state = session.revision, session.state
    short = {"op": "place", "frame": 3, "bodypart": "nose", "xy": [1.0]}
    with project.label_journal("m1").open("ab") as stream:
        stream.write(journal_line(revision + 1, short))
    with pytest.raises(LabelError, match=rf"entry {revision + 1} is not a valid edit.*rebuild it"):
        read_contents(project, "m1")
    _, found = rebuild_journal(project, "m1")
    assert (found.lost, read_contents(project, "m1").history.state) == ((revision + 1,), state)


def test_a_line_that_cannot_follow_is_damage(project):
    """Its checksum is right and it holds an edit; what was before it counts, what follows is made where it can be."""
    with LabelSession.open(project, "m1") as session:
        session.apply(Place(3, "nose", (41.0, 62.0)))
        revision = session.revision
        later = Place(20, "tail", (7.0, 8.0))
    with project.label_journal("m1").open("ab") as stream:
        stream.write(journal_line(revision + 1, encode(Redo())) + journal_line(revision + 2, encode(later)))
    with pytest.raises(LabelError, match=rf"entry {revision + 1} contradicts earlier entries.*rebuild it"):
        read_contents(project, "m1")
    kept, found = rebuild_journal(project, "m1")
    assert (found.lost, kept.exists()) == ((revision + 1,), True)
    assert read_contents(project, "m1").history.state == apply(session.state, later)


def test_a_newer_programs_line_is_no_damage(project):
    """It is not thrown away."""
    with LabelSession.open(project, "m1") as session:
        session.apply(Place(3, "nose", (41.0, 62.0)))
    with project.label_journal("m1").open("ab") as stream:
        stream.write(journal_line(session.revision + 1, {"op": "fly"}))
    for read in (read_contents, rebuild_journal):
        with pytest.raises(LabelError, match="update PoseCut"):
            read(project, "m1")


def test_a_rebuilt_journal_opens(project):
    """The damaged one is kept; editing goes on under the next revision."""
    with LabelSession.open(project, "m1") as session:
        session.apply(Place(3, "nose", (41.0, 62.0)))
        session.apply(Place(20, "tail", (7.0, 8.0)))
        state, revision = session.state, session.revision
    journal = project.label_journal("m1")
    damaged = journal.read_bytes().replace(b"41.0", b"42.0")
    journal.write_bytes(damaged)
    kept, found = rebuild_journal(project, "m1")
    assert (kept.read_bytes(), found.lost) == (damaged, ())
    with LabelSession.open(project, "m1") as session:
        assert (session.state, session.revision) == (state, revision + 1)
        assert session.apply(Place(3, "nose", (43.0, 62.0))) == revision + 2
    assert apply(LabelState(), Begin(state.frames)) == state


def test_names_are_rebuilt_from_snapshots(project):
    """Identities and present names come back, without the earlier ones."""
    with LabelSession.open(project, "m1") as session:
        session.apply(Place(3, "nose", (41.0, 62.0)))
    path = project.bodypart_journal
    path.write_bytes(path.read_bytes().replace(b"nose", b"nase", 1))
    kept = rebuild_names(project, ["m1", "never added"])
    assert b"nase" in kept.read_bytes()
    assert read_identities(project).names == {"nose": ("nose",), "tail": ("tail",)}
    assert read_contents(project, "m1").naming.columns == {"nose": "nose", "tail": "tail"}
