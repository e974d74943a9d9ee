"""Every module has its tests, at the place where one looks for them."""

from pathlib import Path

from tests.structure.source import ROOT

CORE, TESTS = ROOT / "posecut_core", ROOT / "tests"
ROOM_TESTS = TESTS / "core"  # workflow's are in tests/workflow, with the tests that span several steps


def _modules() -> set[Path]:
    return {path.relative_to(CORE) for path in CORE.rglob("*.py") if not path.name.startswith("__")}


def _tested(folder: Path) -> set[Path]:
    paths = (path.relative_to(folder) for path in folder.rglob("test_*.py"))
    return {path.with_name(path.name.removeprefix("test_")) for path in paths}


def test_every_module_has_tests() -> None:
    """posecut_core/room/noun.py is tested in tests/core/room/test_noun.py, a step in tests/workflow/."""
    tested = _tested(ROOM_TESTS) | {Path("workflow") / path for path in _tested(TESTS / "workflow")}
    assert sorted(path.as_posix() for path in _modules() - tested) == []


def test_every_test_file_has_its_module() -> None:
    """No file of tests outlives what it tests."""
    assert sorted(path.as_posix() for path in _tested(ROOM_TESTS) - _modules()) == []
