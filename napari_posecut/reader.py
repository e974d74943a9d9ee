"""Open a project that was dropped on napari: its config.yaml, or its folder."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from napari import current_viewer

from napari_posecut.desk import desk_of
from napari_posecut.window import open_here
from posecut_core.errors import PosecutError
from posecut_core.project.yaml_text import read_text
from posecut_core.workflow.opening import config_path

NO_LAYERS = [(None,)]  # napari's word for: read, and nothing to add
_KEYS = {"Task", "scorer", "video_sets"}  # which a project's config.yaml has, also one that is no YAML any more
_LINES = re.compile(r"^(\w+)[ \t]*:", re.MULTILINE)
Reader = Callable[[str], list[tuple[None]]]


def project_reader(path: str | Sequence[str]) -> Reader | None:
    """Return what opens the project at a path in the current window; None for anything that is no project.

    Args:
        path: of a project's config.yaml, or of its folder; several paths are never a project.
    """
    return _open if isinstance(path, str) and is_project(Path(path)) else None


def is_project(path: Path) -> bool:
    """Tell whether a path leads to a project, be it damaged: opening it says what is wrong, as napari cannot."""
    if path.name != "config.yaml" and not (path / "config.yaml").is_file():
        return False
    try:
        return set(_LINES.findall(read_text(config_path(path)))) >= _KEYS
    except PosecutError:
        return False


def _open(path: str) -> list[tuple[None]]:
    viewer = current_viewer()
    if viewer is not None:
        desk_of(viewer).attempt(lambda: open_here(viewer, path))
    return NO_LAYERS
