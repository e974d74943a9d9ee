"""Every module has its tests, at the place where one looks for them."""

from pathlib import Path

from tests.structure.source import ROOT

CORE, TESTS = ROOT / "posecut_core", ROOT / "tests" / "core"


def _modules() -> set[Path]:
    return {path.relative_to(CORE) for path in CORE.rglob("*.py") if not path.name.startswith("__")}


def _tested() -> set[Path]:
    paths = (path.relative_to(TESTS) for path in TESTS.rglob("test_*.py"))
    return {path.with_name(path.name.removeprefix("test_")) for path in paths}


def test_every_module_has_tests() -> None:
    """posecut_core/room/noun.py is tested in tests/core/room/test_noun.py."""
    assert sorted(path.as_posix() for path in _modules() - _tested()) == []


def test_every_test_file_has_its_module() -> None:
    """No file of tests outlives what it tests."""
    assert sorted(path.as_posix() for path in _tested() - _modules()) == []
