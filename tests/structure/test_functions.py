"""How big functions may become."""

import ast

from tests.structure.source import sources

FUNCTION_CEILING, FUNCTION_USUAL = 60, 40
SOURCES = sources("posecut_core", "napari_posecut")


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function's body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def _functions() -> dict[str, int]:
    return {
        f"{source.name}:{node.lineno} {node.name}": _body_lines(node)
        for source in SOURCES
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_functions_stay_readable() -> None:
    """No function's body is longer than 60 lines, and nine in ten have at most 40."""
    lengths = _functions()
    assert {name: lines for name, lines in lengths.items() if lines > FUNCTION_CEILING} == {}
    long = {name: lines for name, lines in lengths.items() if lines > FUNCTION_USUAL}
    assert len(long) <= 0.1 * len(lengths), long
