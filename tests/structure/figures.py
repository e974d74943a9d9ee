"""Count what the house is made of: `python -m tests.structure.figures` prints one JSON object."""

import ast
import json
from collections.abc import Iterator

from tests.structure.source import ROOT, Source, sources


def main() -> None:
    """Print modules, lines and names of both packages, and lines of tests and README."""
    house = sources("posecut_core", "napari_posecut")
    lines = sum(source.lines for source in house)
    figures = {
        "modules": len(house),
        "modules of one line": sum(source.lines <= 1 for source in house),
        "mean lines": round(lines / len(house)),
        "source lines": lines,
        "modules of workflow": sum(source.name.startswith("posecut_core/workflow/") for source in house),
        "public top-level names": sum(not name.startswith("_") for source in house for name in _names(source)),
        "test lines": sum(source.lines for source in sources("tests")),
        "README lines": len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()),
    }
    print(json.dumps(figures, indent=2))


def _names(source: Source) -> Iterator[str]:
    """Name the functions, classes and values that a module defines at its top level."""
    for node in source.tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


if __name__ == "__main__":
    main()
