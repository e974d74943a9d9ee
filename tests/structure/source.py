"""The rooms of the house in their order, and the project's source files as syntax trees."""

import ast
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# A module imports only from its own room and from rooms above it.
ROOMS = (
    "errors",
    "progress",
    "project",
    "video",
    "labels",
    "dataset",
    "model",
    "analysis",
    "refinement",
    "cameras",
    "formats",
    "plots",
    "workflow",
    "demo",
    "cli",
)


@dataclass(frozen=True)
class Source:
    """One Python file."""

    path: Path
    tree: ast.Module
    lines: int

    @property
    def name(self) -> str:
        """Path below the project's root."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def room(self) -> str | None:
        """First part of the module's name inside `posecut_core`; None for the package itself."""
        part = self.path.relative_to(ROOT / "posecut_core").parts[0].removesuffix(".py")
        return None if part in ("__init__", "__main__") else part


def sources(*folders: str) -> list[Source]:
    """Parse every Python file of the folders."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return [Source(path, ast.parse(text := path.read_text(encoding="utf-8")), len(text.splitlines())) for path in paths]


def imported_modules(source: Source) -> list[str]:
    """List the modules that a file imports, anywhere in it, outside `if TYPE_CHECKING`."""
    checked = {node for branch in ast.walk(source.tree) if _only_for_types(branch) for node in ast.walk(branch)}
    found = []
    for node in ast.walk(source.tree):
        if node in checked:
            continue
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(node.module or "")
    return found


def _only_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
