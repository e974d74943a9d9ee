"""Names of files, and what each file says about itself."""

import ast

from tests.structure.source import sources

FORBIDDEN = {"utils", "util", "helpers", "helper", "manager", "misc", "common", "tools", "stuff"}
SOURCES = sources("posecut_core", "napari_posecut")


def test_no_file_is_called_after_nothing() -> None:
    """A module is named after what it holds."""
    parts = {source.name: set(source.name.removesuffix(".py").split("/")) for source in SOURCES}
    assert [name for name, words in parts.items() if any(set(word.split("_")) & FORBIDDEN for word in words)] == []


def test_every_file_says_what_it_holds() -> None:
    """Every module opens with a docstring."""
    assert [source.name for source in SOURCES if not ast.get_docstring(source.tree)] == []


def test_every_test_says_what_is_true() -> None:
    """Every test function has a docstring of one sentence."""
    silent = [
        f"{source.name}: {node.name}"
        for source in sources("tests")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert silent == []
