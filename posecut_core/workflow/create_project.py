"""Step A: create a project, and add videos to it later."""

import datetime
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from posecut_core.errors import ProjectError, Remedy, StorageError, VideoError, raise_together, treat_each
from posecut_core.labels.images import adopt_project, frame_window
from posecut_core.progress import Notice, Progress, Report, silent
from posecut_core.project.config import edit_config, new_config_text, parse_config, read_config, video_entry
from posecut_core.project.creation import (
    check_bodyparts,
    check_name,
    check_skeleton,
    clashing_names,
    contradictions,
    date_label,
    folder_name,
    joining,
    place_video,
)
from posecut_core.project.given import GivenVideos, Videos, forgiving, given_folder, given_videos, named_few, videos_in
from posecut_core.project.opening import Config, frame_folders, holds_frames, project_videos
from posecut_core.project.paths import CREATED, Project
from posecut_core.project.state import DISTINCT, ProjectState, VideoRecord, read_state, update_state, write_state
from posecut_core.results import Summary, counted
from posecut_core.storage import disk
from posecut_core.storage.files import fingerprint, storage_error, write_text
from posecut_core.storage.yaml_files import load_mapping, read_yaml
from posecut_core.types import PLACEHOLDERS, Crop, View
from posecut_core.video.index import gap_sentences, index_video


@dataclass(frozen=True)
class SkippedVideo:
    """A video that could not join a project, and why."""

    video: str  # as it was given, or its path
    reason: str


def _left_out(videos: Sequence[SkippedVideo]) -> tuple[str, ...]:
    reasons = (one.reason if one.video in one.reason else f"{one.video}: {one.reason}" for one in videos)
    return tuple(f"Left out: {reason}" for reason in reasons)


@dataclass(frozen=True)
class CreatedProject:
    """A project on disk; usable wherever the path of config.yaml is wanted."""

    config_path: Path
    videos: tuple[Path, ...]  # in the project's folder
    created: bool  # False: the project existed already and was left as it was
    ignored: tuple[str, ...] = ()  # arguments that say otherwise than the project that existed
    skipped: tuple[SkippedVideo, ...] = ()  # which were left out on request
    bodyparts: tuple[str, ...] = ()  # of config.yaml

    def __fspath__(self) -> str:
        """Return the path of config.yaml."""
        return str(self.config_path)

    def summary(self) -> Summary:
        """Say where the project is, and what of the request it does not have."""
        root, videos = self.config_path.parent, counted(len(self.videos), "video")
        text = f"Created the project {root} with {videos}."
        if not self.created:
            text = f"The project {root} exists already, with {videos}; it was left as it was."
        if self.ignored:
            text += f" Not taken over: {', '.join(self.ignored)}; edit {self.config_path} or, for videos, add them."
        if self.created and self.bodyparts == PLACEHOLDERS:
            text += f" Before you go on, name your bodyparts in {self.config_path}."
        elif self.bodyparts:
            text += f" Its bodyparts are {', '.join(map(repr, self.bodyparts))}."
        lines, following = _left_out(self.skipped), (Remedy("extract_frames", config=root),)
        return Summary(text, lines, following, is_warning=bool(self.skipped))


@dataclass(frozen=True)
class AddedVideos:
    """What `add_new_videos` did."""

    config_path: Path
    added: tuple[Path, ...]  # in the project's folder
    already_there: tuple[Path, ...]  # given, and videos of the project before
    skipped: tuple[SkippedVideo, ...] = ()  # which were left out on request

    def summary(self) -> Summary:
        """Say which videos are new."""
        lines = [f"Added {path}." for path in self.added]
        lines += [f"{path} was in the project already." for path in self.already_there]
        text = " ".join((f"{counted(len(self.added), 'new video')}.", *_left_out(self.skipped)))
        following = (Remedy("extract_frames", config=self.config_path.parent),)
        return Summary(text, tuple(lines), following, is_warning=bool(self.skipped))


@forgiving
def create_new_project(
    project: str,
    experimenter: str,
    videos: Videos,
    working_directory: str | os.PathLike[str] | None = None,
    copy_videos: bool = False,
    *,
    bodyparts: Sequence[str] = PLACEHOLDERS,
    skeleton: Sequence[Sequence[str]] = (),
    view: View = "auto",
    date: datetime.date | None = None,
    skip_broken: bool = False,
    report: Report = silent,
) -> CreatedProject:
    """Create a project: a folder with config.yaml and links to its videos.

    The folder is called `<project>-<experimenter>-<YYYY-MM-DD>`. Either the whole project appears or, where a video or
    name is bad, nothing; all bad videos are named. A project that exists already under this name is returned as it is,
    with the names of the arguments that it contradicts. Source: Nath et al. 2019, stage I.

    Args:
        project: Name of the task, such as reaching; becomes part of file names.
        experimenter: Your name; becomes part of file names.
        videos: Video files, folders of them, or patterns such as `*.mp4`.
        working_directory: Where to make the project's folder; by default the current folder.
        copy_videos: Copy the videos instead of linking to them.
        bodyparts: What to track, separated by commas; a name with a comma in double quotes. May be changed
            in config.yaml until labels are made.
        skeleton: Pairs of bodyparts to join by lines in pictures, as snout:neck,neck:tailbase.
        view: Whether the camera looks from above (or below), so that animals face any way, or from the side. Training
            turns its pictures accordingly; auto guesses from the labels. Kept in posecut.yaml.
        date: Day in the project's name; by default today.
        skip_broken: Leave out videos that cannot be used, and create the project with the others.
        report: Called after each video.

    Raises:
        ArgumentError: a name, the bodyparts or the skeleton are not usable.
        ProjectError: a folder of that name exists and holds something else.
        VideoError: videos are missing, unreadable, or named as another; with `skip_broken`, all of them.
        StorageError: the disk refuses.
    """
    bodyparts = tuple(part.strip() for part in bodyparts)
    check_name(project, what="project name")
    check_name(experimenter, what="experimenter name")
    check_bodyparts(bodyparts)
    check_skeleton(skeleton, bodyparts)
    day = date or datetime.date.today()
    root = given_folder(working_directory or ".") / folder_name(project, experimenter, day)
    given = given_videos(videos)
    if root.exists():
        existing = _existing(root, project, experimenter)
        return replace(
            existing,
            ignored=contradictions(
                read_config(existing.config_path),
                read_state(root / "posecut.yaml"),
                existing.videos,
                sources=given.paths,
                copy=copy_videos,
                bodyparts=bodyparts,
                skeleton=skeleton,
                view=view,
            ),
        )
    again = None if skip_broken else Remedy("create_new_project", skip_broken=True)
    usable = _usable(given, root / "videos", taken={}, without=again, report=report)
    records = usable.records
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
    _build(root, text, records, copy_videos, view, report)
    placed = tuple(root / "videos" / source.name for source in records)
    return CreatedProject(root / "config.yaml", placed, True, skipped=usable.skipped, bodyparts=bodyparts)


@forgiving
def add_new_videos(
    config: Config,
    videos: Videos,
    copy_videos: bool = False,
    *,
    skip_broken: bool = False,
    report: Report = silent,
) -> AddedVideos:
    """Add videos to a project, at any time; videos that it has already stay as they are.

    Args:
        config: Path of config.yaml.
        videos: Video files, folders of them, or patterns such as `*.mp4`.
        copy_videos: Copy the videos instead of linking to them.
        skip_broken: Leave out videos that cannot be used, and add the others.
        report: Called after each video.

    Raises:
        ProjectError: there is no project, or its config.yaml is malformed.
        VideoError: videos are missing, unreadable, or named as another here or in `videos/`; then none is added and all
            of these are named, unless `skip_broken` leaves them out.
        StorageError: the disk refuses.
    """
    project = adopt_project(config, report=report)
    given = given_videos(videos)
    new, _ = joining(project, given.paths)
    there = tuple(path for path in given.paths if path not in new)
    again = None if skip_broken else Remedy("add_new_videos", skip_broken=True)
    usable = _usable(
        replace(given, paths=new), project.videos, taken=project_videos(project), without=again, report=report
    )
    targets = _place({**_unlisted(project, new, report), **usable.records}, project, copy_videos, report)
    return AddedVideos(project.config_path, targets, there, usable.skipped)


@dataclass(frozen=True)
class _Usable:
    """Videos that can join a project, and those that were left out on request."""

    records: dict[Path, VideoRecord]
    skipped: tuple[SkippedVideo, ...]


def _usable(
    given: GivenVideos, folder: Path, *, taken: Iterable[str], without: Remedy | None, report: Report
) -> _Usable:
    """Look through all videos before anything is made, so that all that cannot be used are named at once.

    Args:
        given: the videos.
        folder: where they will be.
        taken: names of videos that are there.
        without: the step that leaves out videos that cannot be used; None where this is that step.
        report: called for what is noticed.

    Raises:
        VideoError: some cannot be used and are not to be left out, or none can.
    """
    for sentence in given.notes:
        report(Notice(sentence))
    sources = _once(given.paths, report)
    clashing = clashing_names(sources, folder, taken=taken)
    records, broken = treat_each(
        [source for source in sources if source not in clashing], lambda source: (source, _record(source, report))
    )
    failed = {**given.refused, **{str(path): error for path, error in clashing.items()}, **broken}
    if without is not None or not records:
        advice = "; the others are intact and can be added without these" if records else ""
        wrong, helps = f"videos cannot be used{advice}", (without,) if without is not None and records else ()
        count = len(sources) + len(given.refused)
        raise_together(failed, of=count, what=wrong, kind=VideoError, done=None, remedies=helps)
    return _Usable(dict(records), tuple(SkippedVideo(name, str(error)) for name, error in failed.items()))


def _once(videos: Sequence[Path], report: Report) -> tuple[Path, ...]:
    """Leave out links to a file that was given as well: else its frames would test what they have taught."""
    first: dict[tuple[int, int], Path] = {}
    for video in videos:
        same = first.setdefault((video.stat().st_dev, video.stat().st_ino), video)
        if same != video:
            report(Notice(f"{video} is the same file as {same} and is skipped"))
    return tuple(first.values())


def _unlisted(project: Project, new: Sequence[Path], report: Report) -> dict[Path, VideoRecord]:
    """Look through the videos in `videos/` with frames where config.yaml lists none: with its first one it decides."""
    if project.config.video_sets:
        return {}
    folders = {folder.name for folder in frame_folders(project)} - {video.stem for video in new}
    there = [path for path in videos_in(project.videos) if path.stem in folders and path.is_file()]
    return dict(treat_each(there, lambda path: (path, _record(path, report)))[0])


def _without_file(project: Project, placed: Iterable[Path], report: Report) -> dict[str, dict[str, str]]:
    """Make entries for folders of frames that would count no more once config.yaml lists a video, and tell of them."""
    stems = {path.stem for path in placed}
    if project.config.video_sets or not stems:
        return {}
    alone = [folder.name for folder in frame_folders(project) if folder.name not in stems and holds_frames(folder)]
    if alone:
        told = f"video_sets in {project.config_path} listed no video, so every folder of frames was used"
        kept = "they get entries there as well, without a file in videos"
        told = f"{told}; so that {named_few(alone)} still do, {kept}; remove the entries of those that are backups"
        report(Notice(told))
    return {str(project.videos / f"{name}.mp4"): video_entry(frame_window(project, name)) for name in alone}


def _place(records: dict[Path, VideoRecord], project: Project, copy: bool, report: Report) -> tuple[Path, ...]:
    """Link or copy videos into an existing project and name them in its files; undo what is not named if that fails."""
    targets: list[Path] = []
    before = set(project.videos.iterdir()) if project.videos.is_dir() else set()
    try:
        for source in records:
            targets.append(place_video(source, project.videos, copy=copy))
            project.frame_folder(source.stem).mkdir(parents=True, exist_ok=True)
            report(Progress("placing videos", len(targets), len(records)))
        others = _without_file(project, targets, report)
        _name_videos(project, dict(zip(targets, records.values(), strict=True)), others)
    except BaseException as error:
        for target in set(targets) - before:
            if str(target) not in _named(project):  # a disk may refuse to make config.yaml durable that is there
                target.unlink(missing_ok=True)
        if isinstance(error, OSError) and not isinstance(error, StorageError):
            raise storage_error(project.root, error) from error
        raise
    return tuple(targets)


def _name_videos(project: Project, records: dict[Path, VideoRecord], others: dict[str, dict[str, str]]) -> None:
    if not records:
        return
    videos = _named(project)
    videos.update((str(target), video_entry(_full_frame(record))) for target, record in records.items())
    videos.update(others)
    added = {target.stem: record for target, record in records.items()}
    update_state(project, lambda settings: replace(settings, videos={**settings.videos, **added}))
    edit_config(project.config_path, {"video_sets": videos})


def _named(project: Project) -> dict[str, object]:
    """Read the videos that config.yaml names now."""
    entries = load_mapping(read_yaml(project.config_path), project.config_path).get("video_sets")
    return dict(entries) if isinstance(entries, dict) else {}


def _build(root: Path, text: str, records: dict[Path, VideoRecord], copy: bool, view: View, report: Report) -> None:
    """Make the folder under another name and rename it when it is complete."""
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        unfinished = disk.new_folder(root)
    except OSError as error:
        raise storage_error(root, error) from error
    try:
        unfinished.chmod(0o755)
        for folder in CREATED:
            (unfinished / folder).mkdir()
        for done, source in enumerate(records, start=1):
            place_video(source, unfinished / "videos", copy=copy)
            (unfinished / "labeled-data" / source.stem).mkdir()
            report(Progress("placing videos", done, len(records)))
        write_text(unfinished / "config.yaml", text)
        videos = {path.stem: record for path, record in records.items()}
        write_state(unfinished / "posecut.yaml", ProjectState(videos=videos, view=view, palette=DISTINCT))
        os.rename(unfinished, root)
    except OSError as error:
        raise storage_error(root, error) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _existing(root: Path, task: str, scorer: str) -> CreatedProject:
    path = root / "config.yaml"
    if not path.is_file():
        raise ProjectError(
            f"The folder {root} exists but has no config.yaml; remove it or choose another project name."
        )
    config = read_config(path)
    if (config.task, config.scorer) != (task, scorer):
        raise ProjectError(
            f"{root} holds the project {config.task} of {config.scorer}, expected {task} of {scorer}; choose another "
            "project name."
        )
    videos = tuple(project_videos(Project(root, config)).values())
    return CreatedProject(path, videos, False, bodyparts=config.bodyparts)


def _record(source: Path, report: Report) -> VideoRecord:
    """Read through a video's packets, so that a file that cannot be used is refused before anything is made."""
    report(Progress(f"checking {source.name}", 0, 1))
    index = index_video(source)
    size, sha256 = fingerprint(source)
    report(Progress(f"checking {source.name}", 1, 1))
    for sentence in gap_sentences(index.gaps):
        report(Notice(f"{source.name}: {sentence}"))
    return VideoRecord(size, sha256, index.frame_count, index.width, index.height)


def _full_frame(record: VideoRecord) -> Crop:
    return Crop.of_frame(record.width, record.height)
