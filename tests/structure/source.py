"""The rooms of the house in their order, and the project's source files as syntax trees."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# A module imports only from its own room and from rooms above it.
ROOMS = (
    "errors",
    "progress",
    "types",
    "steps",
    "storage",
    "results",
    "project",
    "video",
    "cameras",
    "formats",
    "labels",
    "poses",
    "interchange",
    "backbones",
    "dataset",
    "model",
    "inference",
    "evaluation",
    "training",
    "refinement",
    "assistant",
    "plots",
    "distributed",
    "workflow",
    "health",
    "demo",
    "cli",
)
# The same for the plugin, whose modules may import any of the core.
PLUGIN_ROOMS = (
    "loading",
    "remedies",
    "labeling",
    "jobs",
    "preferences",
    "layers",
    "session",
    "widgets",
    "window",
    "contributions",
)
# Modules of the plugin that work without a screen.
HEADLESS = (
    "loading",
    "remedies",
    "labeling/",
    "jobs/files",
    "jobs/verbs",
    "jobs/child",
    "jobs/jobs",
    "layers/convert",
    "layers/overlay",
)
WINDOWS = ("napari", "qtpy", "PyQt5", "PyQt6", "PySide2", "PySide6", "magicgui", "superqt", "vispy")


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
        """First part of the module's name inside its package; None for the package itself."""
        part = self.path.relative_to(ROOT).parts[1].removesuffix(".py")
        return None if part in ("__init__", "__main__") else part


def sources(*folders: str) -> list[Source]:
    """Parse every Python file of the folders."""
    return [_parsed(path) for path in sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))]


@cache
def _parsed(path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    return Source(path, ast.parse(text), len(text.splitlines()))


def imported_modules(source: Source) -> list[str]:
    """List the modules that a file imports, anywhere in it, outside `if TYPE_CHECKING`; of `from`, only the module."""
    found: list[str] = []
    for node in _imports(source):
        found += [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
    return found


def imported_names(source: Source) -> list[str]:
    """List what a file imports as `imported_modules` does, with the names that `from` takes out of each module."""
    found: list[str] = []
    for node in _imports(source):
        before = f"{node.module or ''}." if isinstance(node, ast.ImportFrom) else ""
        found += [before + alias.name for alias in node.names]
    return found


@cache
def _imports(source: Source) -> list[ast.Import | ast.ImportFrom]:
    checked = {node for branch in ast.walk(source.tree) if _only_for_types(branch) for node in ast.walk(branch)}
    nodes = (node for node in ast.walk(source.tree) if node not in checked)
    return [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]


def _only_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
