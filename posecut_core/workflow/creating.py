"""Step A: create a project, and add videos to it later."""

import datetime
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from posecut_core.errors import ProjectError, StorageError
from posecut_core.progress import Progress, Report, silent
from posecut_core.project.atomic import storage_error, write_text
from posecut_core.project.config import Crop, edit_config, parse_config, read_config, video_entry
from posecut_core.project.creation import (
    PLACEHOLDERS,
    check_bodyparts,
    check_name,
    check_places,
    check_skeleton,
    check_stems,
    collect_videos,
    contradictions,
    date_label,
    folder_name,
    place_video,
)
from posecut_core.project.layout import Project
from posecut_core.project.new_config import new_config_text
from posecut_core.project.settings import Settings, VideoRecord, fingerprint, update_settings, write_settings
from posecut_core.project.yaml_text import load_mapping, read_text
from posecut_core.video.index import index_video
from posecut_core.workflow.opening import Config, open_project, project_videos

Videos = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


@dataclass(frozen=True)
class CreatedProject:
    """A project on disk; usable wherever the path of config.yaml is wanted."""

    config_path: Path
    videos: tuple[Path, ...]  # in the project's folder
    created: bool  # False: the project existed already and was left as it was
    ignored: tuple[str, ...] = ()  # arguments that say otherwise than the project that existed

    def __fspath__(self) -> str:
        """Return the path of config.yaml."""
        return str(self.config_path)


@dataclass(frozen=True)
class AddedVideos:
    """What `add_new_videos` did."""

    config_path: Path
    added: tuple[Path, ...]  # in the project's folder
    already_there: tuple[Path, ...]  # given, and videos of the project before


def create_new_project(
    project: str,
    experimenter: str,
    videos: Videos,
    working_directory: str | os.PathLike[str] | None = None,
    copy_videos: bool = False,
    *,
    bodyparts: Sequence[str] = PLACEHOLDERS,
    skeleton: Sequence[Sequence[str]] = (),
    date: datetime.date | None = None,
    report: Report = silent,
) -> CreatedProject:
    """Create `<project>-<experimenter>-<YYYY-MM-DD>` with its config.yaml and links to its videos.

    Either the whole project appears or, where a video or name is bad, nothing. A project that exists already under this
    name is returned as it is, with the names of the arguments that it contradicts. Source: Nath et al. 2019, stage I.

    Args:
        project: Name of the task, part of file names.
        experimenter: Name of the one who labels, part of file names.
        videos: Video files, or folders of them.
        working_directory: Where to put the project; by default the current folder.
        copy_videos: Copy the videos instead of linking to them.
        bodyparts: What to label; may be edited in config.yaml before labelling.
        skeleton: Pairs of bodyparts to join by lines in plots.
        date: Day in the project's name; by default today.
        report: Told about each video.

    Raises:
        ArgumentError: a name, the bodyparts or the skeleton are not usable.
        ProjectError: a folder of that name exists and holds something else.
        VideoError: a video is missing, unreadable, or named as another.
        StorageError: the disk refuses.
    """
    check_name(project, what="project name")
    check_name(experimenter, what="experimenter name")
    check_bodyparts(bodyparts)
    check_skeleton(skeleton, bodyparts)
    day = date or datetime.date.today()
    parent = Path(os.path.abspath(os.path.expanduser(working_directory or ".")))
    root = parent / folder_name(project, experimenter, day)
    if root.exists():
        existing = _existing(root, project, experimenter)
        return replace(
            existing,
            ignored=contradictions(
                read_config(existing.config_path),
                existing.videos,
                sources=collect_videos(_listed(videos)),
                copy=copy_videos,
                bodyparts=bodyparts,
                skeleton=skeleton,
            ),
        )
    sources = collect_videos(_listed(videos))
    check_stems(sources)
    records = {source: _record(source, report) for source in sources}
    text = new_config_text(
        task=project,
        scorer=experimenter,
        date=date_label(day),
        root=root,
        bodyparts=bodyparts,
        skeleton=skeleton,
        videos={root / "videos" / source.name: _full_frame(record) for source, record in records.items()},
    )
    parse_config(load_mapping(text, root / "config.yaml"), root / "config.yaml")
    _build(root, text, records, copy_videos, report)
    return CreatedProject(root / "config.yaml", tuple(root / "videos" / source.name for source in sources), True)


def add_new_videos(
    config: Config, videos: Videos, copy_videos: bool = False, *, report: Report = silent
) -> AddedVideos:
    """Add videos to a project at any time; a video that it has already is left as it is.

    Args:
        config: Path of config.yaml.
        videos: Video files, or folders of them.
        copy_videos: Copy the videos instead of linking to them.
        report: Told about each video.

    Raises:
        ProjectError: there is no project, or its config.yaml is malformed.
        VideoError: a video is missing, unreadable, or named as another here or in `videos/`; then none is added.
        StorageError: the disk refuses.
    """
    project = open_project(config)
    present = {path.resolve() for path in project_videos(project).values()}
    sources = collect_videos(_listed(videos))
    new = [source for source in sources if source.resolve() not in present]
    check_stems(new, taken=project_videos(project))
    check_places(new, project.videos)
    records = {source: _record(source, report) for source in new}
    targets = _place(records, project, copy_videos, report)
    return AddedVideos(project.config_path, targets, tuple(source for source in sources if source not in records))


def _place(records: dict[Path, VideoRecord], project: Project, copy: bool, report: Report) -> tuple[Path, ...]:
    """Link or copy videos into an existing project and name them in its files; undo the links if that fails."""
    targets: list[Path] = []
    before = set(project.videos.iterdir()) if project.videos.is_dir() else set()
    try:
        for source in records:
            targets.append(place_video(source, project.videos, copy=copy))
            project.frame_folder(source.stem).mkdir(parents=True, exist_ok=True)
            report(Progress("placing videos", len(targets), len(records)))
        _name_videos(project, dict(zip(targets, records.values(), strict=True)))
    except BaseException as error:
        for target in set(targets) - before:
            target.unlink(missing_ok=True)
        if isinstance(error, OSError) and not isinstance(error, StorageError):
            raise storage_error(project.root, error) from error
        raise
    return tuple(targets)


def _name_videos(project: Project, records: dict[Path, VideoRecord]) -> None:
    if not records:
        return
    values = load_mapping(read_text(project.config_path), project.config_path)
    entries = values.get("video_sets")
    videos = dict(entries) if isinstance(entries, dict) else {}
    videos.update((str(target), video_entry(_full_frame(record))) for target, record in records.items())
    added = {target.stem: record for target, record in records.items()}
    update_settings(project, lambda settings: replace(settings, videos={**settings.videos, **added}))
    edit_config(project.config_path, {"video_sets": videos})


def _build(root: Path, text: str, records: dict[Path, VideoRecord], copy: bool, report: Report) -> None:
    """Make the folder under another name and rename it when it is complete."""
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
    except OSError as error:
        raise storage_error(root, error) from error
    try:
        unfinished.chmod(0o755)
        for folder in ("videos", "labeled-data", "training-datasets"):
            (unfinished / folder).mkdir()
        for done, source in enumerate(records, start=1):
            place_video(source, unfinished / "videos", copy=copy)
            (unfinished / "labeled-data" / source.stem).mkdir()
            report(Progress("placing videos", done, len(records)))
        write_text(unfinished / "config.yaml", text)
        write_settings(
            unfinished / "posecut.yaml", Settings(videos={path.stem: record for path, record in records.items()})
        )
        os.rename(unfinished, root)
    except OSError as error:
        raise storage_error(root, error) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _existing(root: Path, task: str, scorer: str) -> CreatedProject:
    path = root / "config.yaml"
    if not path.is_file():
        raise ProjectError(
            f"Found a folder {root} without a config.yaml, expected a project or nothing; remove it or choose another "
            "project name."
        )
    config = read_config(path)
    if (config.task, config.scorer) != (task, scorer):
        raise ProjectError(
            f"{root} holds the project {config.task} of {config.scorer}, expected {task} of {scorer}; choose another "
            "project name."
        )
    return CreatedProject(path, tuple(project_videos(Project(root, config)).values()), False)


def _record(source: Path, report: Report) -> VideoRecord:
    """Read through a video's packets, so that a file that cannot be used is refused before anything is made."""
    report(Progress(f"checking {source.name}", 0, 1))
    index = index_video(source)
    size, sha256 = fingerprint(source)
    report(Progress(f"checking {source.name}", 1, 1))
    for gap in index.gaps:
        report(Progress(f"{source.name}: {gap.sentence}", 0, 0))
    return VideoRecord(size, sha256, index.frame_count, index.width, index.height)


def _full_frame(record: VideoRecord) -> Crop:
    return Crop(0, record.width, 0, record.height)


def _listed(videos: Videos) -> list[str | os.PathLike[str]]:
    return [videos] if isinstance(videos, str | os.PathLike) else list(videos)
