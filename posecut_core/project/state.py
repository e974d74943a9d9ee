"""posecut.yaml: what PoseCut keeps about a project and config.yaml has no key for."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from posecut_core.errors import ProjectError, refuse_newer
from posecut_core.project.paths import Project
from posecut_core.storage.files import write_text
from posecut_core.storage.locks import hold
from posecut_core.storage.values import as_integer, shown
from posecut_core.storage.yaml_files import Fields, edit_text, load_mapping, read_yaml

SCHEMA = 1
_HEADER = f"""\
# What PoseCut keeps about this project; settings that DeepLabCut shares are in config.yaml.
schema: {SCHEMA}

# Where random choices start (frames, splits, training): the same seed gives the same result.
seed: 0

# How each video is recognised again: size in bytes, SHA-256 of its first and last MiB, frames and their size in pixels.
videos: {{}}

# The seed with which each video's frames were chosen last.
extraction_seeds: {{}}
"""


@dataclass(frozen=True)
class VideoRecord:
    """How a video is recognised again after it was moved or renamed."""

    size: int  # bytes
    sha256: str  # of the first and last MiB
    frames: int
    width: int  # pixels
    height: int


@dataclass(frozen=True)
class ProjectState:
    """Content of posecut.yaml."""

    seed: int = 0
    videos: Mapping[str, VideoRecord] = field(default_factory=dict)  # stem -> record
    extraction_seeds: Mapping[str, int] = field(default_factory=dict)  # stem -> seed of the last choice of frames


def read_state(path: Path) -> ProjectState:
    """Read posecut.yaml; a project without one, as DeepLabCut makes them, has the defaults.

    Raises:
        ProjectError: the file is malformed, or a newer PoseCut wrote it.
    """
    return _parsed(read_yaml(path), path) if path.exists() else ProjectState()


@lru_cache(maxsize=4)
def _parsed(text: str, path: Path) -> ProjectState:
    """Parse once what every step on every video asks for; entries cannot be changed, so that all can share them."""
    fields = Fields(load_mapping(text, path), path)
    schema = fields.integer("schema", SCHEMA, at_least=1)
    refuse_newer(path, schema, known=SCHEMA, kind=ProjectError)
    return ProjectState(
        seed=fields.integer("seed", 0, at_least=0),
        videos=MappingProxyType({stem: _record(path, stem, entry) for stem, entry in _entries(fields, "videos")}),
        extraction_seeds=MappingProxyType(
            {stem: _seed(path, stem, entry) for stem, entry in _entries(fields, "extraction_seeds")}
        ),
    )


def write_state(path: Path, settings: ProjectState) -> None:
    """Write posecut.yaml; keys and comments of an existing file that are not ours stay.

    Raises:
        ProjectError: the existing file is malformed.
        StorageError: the disk refuses.
    """
    old = read_yaml(path) if path.exists() else _HEADER
    videos = {stem: vars(record) for stem, record in settings.videos.items()}
    values = {"schema": SCHEMA, "seed": settings.seed, "videos": videos}
    new = edit_text(old, {**values, "extraction_seeds": dict(settings.extraction_seeds)}, path)
    if new != old or not path.exists():
        write_text(path, new)


def update_state(project: Project, change: Callable[[ProjectState], ProjectState]) -> None:
    """Change posecut.yaml while no other program does, so that nobody's change is lost.

    Args:
        project: The project.
        change: Returns the settings after the change, given those before.

    Raises:
        ProjectError: the existing file is malformed.
        StorageError: the disk refuses, or another program keeps the file locked.
    """
    with hold(project.settings_lock):
        before = read_state(project.settings_path)
        after = change(before)
        if after != before:
            write_state(project.settings_path, after)


def _entries(fields: Fields, key: str) -> list[tuple[str, object]]:
    """Return the entries of a mapping by video; a key that is absent has none."""
    entries = fields.values[key] if fields.is_set(key) else {}
    if not isinstance(entries, dict):
        raise fields.wrong(key, "a mapping of videos")
    return [(str(stem), entry) for stem, entry in entries.items()]


def _seed(path: Path, stem: str, entry: object) -> int:
    seed = as_integer(entry)
    if seed is None or seed < 0:
        raise ProjectError(
            f"{path}: extraction_seeds has {shown(entry)} for video {stem}, expected a whole number of 0 or more; "
            "correct it or remove the entry."
        )
    return seed


def _record(path: Path, stem: str, entry: object) -> VideoRecord:
    values = entry if isinstance(entry, dict) else {}
    size, frames, width, height = (as_integer(values.get(key)) for key in ("size", "frames", "width", "height"))
    sha256 = values.get("sha256")
    if (
        size is None
        or frames is None
        or width is None
        or height is None
        or not isinstance(sha256, str)
        or not re.fullmatch("[0-9a-f]{64}", sha256)
    ):
        raise ProjectError(
            f"{path}: the entry of video {stem} is {shown(entry)}, expected size, sha256, frames, width and height; "
            "remove the entry and it is made again."
        )
    return VideoRecord(size, sha256, frames, width, height)
