"""Findings are collected as they come."""

from pathlib import Path

from posecut_core.errors import LabelError
from posecut_core.health import Finding, Findings


def test_errors_become_findings():
    """A PoseCut error inside the block is noted with its place; what was looked at is counted."""
    found = Findings()
    with found.about(Path("a")):
        raise LabelError("wrong")
    found.add("b", "also wrong", mended=True)
    found.count("files", 2)
    found.count("files")
    assert found.wrong == [Finding(Path("a"), "wrong"), Finding(Path("b"), "also wrong", mended=True)]
    assert found.checked == {"files": 3}


def test_nothing_is_told_twice():
    """Every frame of a damaged store says the same."""
    found = Findings()
    found.add("a", "a is damaged.", mendable=True)
    found.add("a", "a is damaged.")
    assert found.wrong == [Finding(Path("a"), "a is damaged.", mendable=True)]
