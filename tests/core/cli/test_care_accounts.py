"""What is told about bodyparts, other programs and health is complete."""

from functools import partial
from pathlib import Path

import pytest

from posecut_core.cli.summaries import outcome_of
from posecut_core.health import Finding
from posecut_core.health.doctor import Diagnosis
from posecut_core.workflow.edit_bodyparts import EditedBodyparts
from posecut_core.workflow.merge_labels import MergedLabels, MergedVideo

CONFIG = Path("/p/config.yaml")
tell = partial(outcome_of, given={})


def test_bodyparts_are_listed():
    """Renamed, added, and all."""
    told = tell(EditedBodyparts(CONFIG, ("b", "c"), {"a": "b"}, ("c",)))
    assert told.lines == (
        "a is now called b.",
        "Added c; in frames labeled so far it is not annotated.",
        "The bodyparts are b, c.",
    )


def test_many_changes_are_cut_short():
    """The number is told; copies are named; without changes there is one sentence."""
    video = MergedVideo("m1", tuple(f"frame {number}: nose deleted" for number in range(25)), (Path("/p/copy"),))
    lines = tell(MergedLabels(CONFIG, "discarded", (video,))).lines
    assert lines[0] == "m1: 25 changes, discarded"
    assert lines[-2:] == ("  and 5 more", "  the previous file is kept as /p/copy")
    assert tell(MergedLabels(CONFIG, "shown", ())).lines == ("No other program changed the labels.",)


def test_findings_decide_the_exit_code():
    """One that is left is enough."""
    left = Finding(Path("a"), "a is damaged.", mendable=True)
    mended = Finding(Path("b"), "b was damaged.", mended=True)
    told = tell(Diagnosis(CONFIG, {"files": 2}, (left, mended), False))
    assert told.lines == ("a is damaged.", "Mended: b was damaged.", "Checked 2 files: 1 problem left.")
    assert (told.exit_code, len(told.following)) == (1, 1)
    told = tell(Diagnosis(CONFIG, {"files": 2}, (mended,), True))
    assert (told.exit_code, told.following) == (0, ())


@pytest.mark.parametrize("mend", [True, False])
def test_what_mending_cannot_mend_is_not_sent_there(mend):
    """Neither before nor after it, the command is no advice."""
    left = Finding(Path("a.csv"), "a.csv is damaged; restore it.")
    told = tell(Diagnosis(CONFIG, {"files": 2}, (left,), mend))
    assert (told.exit_code, told.following) == (1, ())


@pytest.mark.parametrize(
    ("changes", "line"),
    [((), "m1: changes that cannot be read, shown"), (("frame 1: nose deleted",), "m1: 1 change, shown")],
)
def test_what_cannot_be_taken_over_is_only_offered_to_be_discarded(changes, line):
    """An unreadable file can be replaced, not followed; why is said."""
    merged = MergedLabels(CONFIG, "shown", (MergedVideo("m1", changes, (), "The .csv is unreadable."),))
    told = tell(merged)
    assert (told.lines[0], told.lines[-1]) == (line, "  The .csv is unreadable.")
    assert told.following == (f"posecut merge-labels {CONFIG.parent} --discard",)
