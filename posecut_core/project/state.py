"""posecut.yaml: what PoseCut keeps about a project and config.yaml has no key for."""

import dataclasses
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from posecut_core.errors import ProjectError, refuse_newer
from posecut_core.project.config import ProjectConfig
from posecut_core.project.given import VIDEO_SUFFIXES
from posecut_core.project.paths import Project
from posecut_core.storage.files import write_text
from posecut_core.storage.locks import hold
from posecut_core.storage.values import SettingError, as_integer, as_number, faults, is_set, shown
from posecut_core.storage.yaml_files import edit_text, load_mapping, read_yaml, refusal
from posecut_core.types import EngineName, View

SCHEMA = 1
DISTINCT: Final = "distinct"  # colors that color-blind people can tell apart
_HEADER = f"""\
# What PoseCut keeps about this project; settings that DeepLabCut shares are in config.yaml.
schema: {SCHEMA}

# Where random choices start (frames, splits, training): the same seed gives the same result.
seed: 0

# How each video is recognized again: size in bytes, SHA-256 of its first and last MiB, frames and their size in pixels.
videos: {{}}

# The seed with which each video's frames were chosen last.
extraction_seeds: {{}}
"""


_Number = Annotated[int, Field(ge=0), BeforeValidator(as_integer)]


@dataclass(frozen=True, config=ConfigDict(strict=True))
class VideoRecord:
    """How a video is recognized again after it was moved or renamed."""

    size: Annotated[int, BeforeValidator(as_integer)]  # bytes
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]  # of the first and last MiB
    frames: Annotated[int, BeforeValidator(as_integer)]
    width: Annotated[int, BeforeValidator(as_integer)]  # pixels
    height: Annotated[int, BeforeValidator(as_integer)]


def _by_video(found: Any) -> Mapping[str, Any]:
    if not isinstance(found, Mapping):
        raise ValueError("a mapping of videos")
    return {str(stem): entry for stem, entry in found.items()}


def _records(found: Any) -> Mapping[str, VideoRecord]:
    return {stem: _record(stem, entry) for stem, entry in _by_video(found).items()}


def _record(stem: str, entry: Any) -> VideoRecord:
    try:
        return entry if isinstance(entry, VideoRecord) else VideoRecord(**entry)
    except (ValidationError, TypeError) as error:
        raise SettingError(
            f"the entry of video {stem} is {shown(entry)}, expected size, sha256, frames, width and height",
            at=("videos", stem),
            remedy="remove the entry, and it is created again",
        ) from error


def _seeds(found: Any) -> Mapping[str, int]:
    seeds: dict[str, int] = {}
    for stem, entry in _by_video(found).items():
        seeds[stem] = -1 if (seed := as_integer(entry)) is None else seed
        if seeds[stem] < 0:
            words = f"extraction_seeds has {shown(entry)} for video {stem}, expected a whole number of 0 or more"
            raise SettingError(words, at=("extraction_seeds", stem), remedy="correct it or remove the entry")
    return seeds


def _limits(found: Any) -> Mapping[str, tuple[float, float]]:
    return dict(_LIMITS) | {str(engine): _limit(engine, entry) for engine, entry in _by_video(found).items()}


def _limit(engine: str, entry: Any) -> tuple[float, float]:
    median, most = (
        (as_number(value) for value in entry) if isinstance(entry, list | tuple) and len(entry) == 2 else (None,) * 2
    )
    if engine not in _LIMITS or median is None or most is None or not median >= 0 or not most >= 0:
        raise SettingError(
            f"engine_limits has {shown(entry)} for {engine}, expected for {' or '.join(_LIMITS)} a median and a 99th "
            "percentile in pixels, as [0.1, 1]",
            at=("engine_limits", engine),
        )
    return median, most


def check_pattern(found: Any) -> str:
    """Return a pattern of views' names as it is.

    Raises:
        SettingError: it does not have {camera} once and {session} at most once, or has other braces.
    """
    named = _BRACES.findall(found) if isinstance(found, str) else []
    others = set(_BRACES.sub("", str(found))) & {*"{}"}
    if found != "" and (others or named not in (["camera"], *_BOTH)):
        words = f"views is {shown(found)}, expected a pattern of file names such as {{session}}_{{camera}}"
        raise SettingError(words, at=("views",))
    return str(found)


def _sessions(found: Any) -> Mapping[str, Mapping[str, str]]:
    return {session: _session(session, of) for session, of in _by_video(found).items()}


def _session(session: str, of: Any) -> Mapping[str, str]:
    if not isinstance(of, Mapping) or not all(isinstance(stem, str) for stem in of.values()):
        words = f"sessions has {shown(of)} for {session}, expected the name of each camera's video"
        raise SettingError(words, at=("sessions", session))
    named = {str(camera): Path(video) for camera, video in of.items()}
    return {camera: path.stem if path.suffix.lower() in VIDEO_SUFFIXES else path.name for camera, path in named.items()}


def _brightness(found: Any) -> Mapping[str, tuple[float, float, float]]:
    return {video: _seen(video, entry) for video, entry in _by_video(found).items()}


def _seen(video: str, entry: Any) -> tuple[float, float, float]:
    values = tuple(map(as_number, entry)) if isinstance(entry, list | tuple) and len(entry) == 3 else (None,) * 3
    low, high, gamma = values
    if low is None or high is None or gamma is None or not (0 <= low < high <= 255 and 0 < gamma < 100):
        raise SettingError(
            f"brightness has {shown(entry)} for {video}, expected the gray values from 0 to 255 that are black and "
            "white, and a gamma above 0, as [0, 255, 1]",
            at=("brightness", video),
            remedy="correct it or remove the entry",
        )
    return low, high, gamma


_BRACES = re.compile(r"\{([^{}]*)\}")
_BOTH = (["session", "camera"], ["camera", "session"])
_LIMITS = {"openvino": (0.1, 1.0), "openvino-int8": (0.25, 2.0)}
_Fixed = AfterValidator(MappingProxyType)


@dataclass(frozen=True, config=ConfigDict(strict=True))
class ProjectState:
    """Content of posecut.yaml; entries cannot be changed, so that all steps can share them."""

    seed: _Number = 0
    videos: Annotated[Mapping[str, VideoRecord], _Fixed, BeforeValidator(_records)] = Field(  # stem -> record
        default_factory=dict
    )
    extraction_seeds: Annotated[Mapping[str, int], _Fixed, BeforeValidator(_seeds)] = Field(  # of the last choice
        default_factory=dict
    )
    view: View = "auto"  # of the camera, from above or from the side: says how far training turns crops
    views: Annotated[str, BeforeValidator(check_pattern)] = ""  # pattern of names, where several cameras see one scene
    # Of each session, camera -> its video, where names do not say it; this and what follows is only read.
    sessions: Annotated[Mapping[str, Mapping[str, str]], _Fixed, BeforeValidator(_sessions)] = Field(
        default_factory=dict
    )
    palette: Literal["colormap", "distinct"] = "colormap"  # colors of bodyparts: config.yaml's colormap, or DISTINCT
    # Of each video in the window: gray values that are black and white, and gamma.
    brightness: Annotated[Mapping[str, tuple[float, float, float]], _Fixed, BeforeValidator(_brightness)] = Field(
        default_factory=dict
    )
    engine: EngineName = "auto"  # of analyses
    engine_limits: Annotated[Mapping[str, tuple[float, float]], _Fixed, BeforeValidator(_limits)] = Field(
        default_factory=lambda: dict(_LIMITS)  # pixels that positions may differ from XLA's: median, 99th percentile
    )


def read_state(path: Path) -> ProjectState:
    """Read posecut.yaml; a project without one, as DeepLabCut makes them, has the defaults.

    Raises:
        ProjectError: the file is malformed, or a newer PoseCut wrote it.
    """
    return _parsed(read_yaml(path), path) if path.exists() else ProjectState()


@lru_cache(maxsize=4)
def _parsed(text: str, path: Path) -> ProjectState:
    """Parse once what every step on every video asks for."""
    values: dict[str, Any] = {key: value for key, value in load_mapping(text, path).items() if is_set(value)}
    schema = as_integer(values.get("schema", SCHEMA))
    if schema is None or schema < 1:
        words = f"schema is {shown(values['schema'])}, expected a whole number of at least 1"
        raise refusal(path, [SettingError(words, at=("schema",))])
    refuse_newer(path, schema, known=SCHEMA, kind=ProjectError)
    try:
        return ProjectState(**values)
    except ValidationError as error:
        raise refusal(path, faults(error, values, ProjectState)) from error


def write_state(path: Path, state: ProjectState) -> None:
    """Write posecut.yaml; keys and comments of an existing file that are not ours stay.

    Raises:
        ProjectError: the existing file is malformed.
        StorageError: the disk refuses.
    """
    old = read_yaml(path) if path.exists() else _HEADER
    videos = {stem: dataclasses.asdict(record) for stem, record in state.videos.items()}
    values: dict[str, object] = {"schema": SCHEMA, "seed": state.seed, "videos": videos}
    values["extraction_seeds"] = dict(state.extraction_seeds)
    usual, there = ProjectState(), load_mapping(old, path)
    brightness = {video: list(values) for video, values in state.brightness.items()}
    choices = {"views": state.views, "palette": state.palette, "view": state.view, "brightness": brightness}
    values |= {name: value for name, value in choices.items() if name in there or value != getattr(usual, name)}
    new = edit_text(old, values, path)
    if new != old or not path.exists():
        write_text(path, new)


def update_state(project: Project, change: Callable[[ProjectState], ProjectState]) -> None:
    """Change posecut.yaml while no other program does, so that nobody's change is lost.

    Args:
        project: The project.
        change: Returns the state after the change, given that before.

    Raises:
        ProjectError: the existing file is malformed.
        StorageError: the disk refuses, or another program keeps the file locked.
    """
    with hold(project.settings_lock):
        before = read_state(project.settings_path)
        after = change(before)
        if after != before:
            write_state(project.settings_path, after)


def look_of(project: Project) -> ProjectConfig:
    """Return config.yaml with the colormap that bodyparts are drawn in: posecut.yaml may name a palette instead.

    Raises:
        ProjectError: posecut.yaml is malformed.
    """
    chosen = read_state(project.settings_path).palette
    return dataclasses.replace(project.config, colormap=DISTINCT) if chosen == DISTINCT else project.config
