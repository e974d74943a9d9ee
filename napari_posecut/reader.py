"""Open a project that was dropped on napari: its config.yaml, or its folder."""

from collections.abc import Callable, Sequence
from pathlib import Path

from napari import current_viewer

from napari_posecut.desk import desk_of
from napari_posecut.window import open_here
from posecut_core.errors import PosecutError
from posecut_core.project.config import parse_config
from posecut_core.project.yaml_text import load_mapping, read_text
from posecut_core.workflow.opening import config_path

NO_LAYERS = [(None,)]  # napari's word for: read, and nothing to add
Reader = Callable[[str], list[tuple[None]]]


def project_reader(path: str | Sequence[str]) -> Reader | None:
    """Return what opens the project at a path in the current window; None for anything that is no project.

    Args:
        path: of a project's config.yaml, or of its folder; several paths are never a project.
    """
    return _open if isinstance(path, str) and is_project(Path(path)) else None


def is_project(path: Path) -> bool:
    """Tell whether a path leads to a project, by what config.yaml says."""
    if path.name != "config.yaml" and not (path / "config.yaml").is_file():
        return False
    try:
        config = config_path(path)
        parse_config(load_mapping(read_text(config), config), config)
    except PosecutError:
        return False
    return True


def _open(path: str) -> list[tuple[None]]:
    viewer = current_viewer()
    if viewer is not None:
        desk_of(viewer).attempt(lambda: open_here(viewer, path))
    return NO_LAYERS
