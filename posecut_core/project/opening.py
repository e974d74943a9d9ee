"""Open a project, PoseCut's or DeepLabCut's, where it lies, choose its videos, and warn of what is odd in it."""

import difflib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from posecut_core.errors import (
    ProjectError,
    Remedy,
    VideoError,
    raise_together,
)
from posecut_core.progress import Notice, Report, silent
from posecut_core.project.config import folders_of_frames, is_placeholder, parse_config, repairs, video_stem
from posecut_core.project.given import (
    GivenVideos,
    Videos,
    given_path,
    given_videos,
    listed,
    missing_video,
    name_key,
    named_few,
    refuse_other_kind,
    same_name,
)
from posecut_core.project.paths import IMAGE_SUFFIXES, Project, refuse_links
from posecut_core.project.state import VideoRecord, read_state
from posecut_core.storage.files import fingerprint
from posecut_core.storage.yaml_files import load_mapping, read_yaml

# --- opening ----------------------------------------------------------------------------------------------------------
# Open a project, PoseCut's or DeepLabCut's, where it lies: every step begins here.


Config = str | os.PathLike[str]


def open_project(config: Config) -> Project:
    """Open a project by its config.yaml or its folder. Nothing is written, so that it may be read-only.

    The paths of a project that was moved, or came with placeholders instead of paths, are corrected in memory.
    `adopt_project` also writes them to config.yaml, and reads the images that DeepLabCut has extracted.

    Args:
        config: Path of config.yaml, or of the folder that holds it.

    Raises:
        ProjectError: there is no project, or its config.yaml is malformed.
    """
    return open_with_repairs(config)[0]


def opened(project: Project | Config) -> Project:
    """Return a project as it is, or open it as `open_project` does, for functions that take either.

    Raises:
        ProjectError: as for `open_project`.
    """
    return project if isinstance(project, Project) else open_project(project)


def open_with_repairs(config: Config) -> tuple[Project, dict[str, object]]:
    """Open a project as `open_project` does, and return with it what was corrected: keys of config.yaml and values."""
    path = config_path(config)
    refuse_links(path.parent)
    values = load_mapping(read_yaml(path), path)
    changes = repairs(values, path.parent)
    return Project(path.parent, parse_config({**values, **changes}, path)), changes


def config_path(config: Config) -> Path:
    """Return the absolute path of a project's config.yaml, given it or its folder.

    Raises:
        ProjectError: there is no such file, or it is no .yaml file, or PoseCut's own.
    """
    path = given_path(config)
    path = path / "config.yaml" if path.is_dir() else path
    if path.is_file() and (path.suffix.lower() not in (".yaml", ".yml") or path.name == "posecut.yaml"):
        raise ProjectError(
            f"{path} is not a project, expected a project's folder or its config.yaml; give the project first, then "
            "videos."
        )
    if not path.is_file():
        raise ProjectError(
            f"Found no file {path}; give the path of a project's config.yaml, or create a project first.",
            Remedy("create_new_project"),
        )
    return path


def frame_folders(project: Project) -> list[Path]:
    """Return the folders of extracted frames, one per video of `video_sets`, in the order of their names.

    The names of videos decide, wherever their files lie, as in DeepLabCut. Where config.yaml lists none, or a
    placeholder, every folder is a video's.
    """
    if _listed_folders(project) is None:
        return folders_of_frames(project.labeled_data)
    folders = {folder.name: folder for folder in _all_folders(project)}
    strangers = strangers_among(project, folders)
    return [folder for name, folder in folders.items() if name not in strangers]


def _strange_folders(project: Project) -> list[Path]:
    """Return the folders in labeled-data with labels or frames of no video of `video_sets`, ordered by their names.

    Such are backup copies, and folders of videos that were taken out. The check images of a video are none of them.
    """
    folders = {folder.name: folder for folder in _all_folders(project)}
    return [folders[name] for name in strangers_among(project, folders) if holds_frames(folders[name])]


def strangers_among(project: Project, videos: Iterable[str]) -> tuple[str, ...]:
    """List those of some videos, by stem, that `video_sets` does not list; none where it does not decide."""
    listed = _listed_folders(project)
    return () if listed is None else tuple(video for video in videos if name_key(video) not in listed)


def project_videos(project: Project) -> dict[str, Path]:
    """Return stem -> path of the project's videos, in config.yaml's order; a path need not exist."""
    return {video_stem(video): Path(video) for video in _listed_videos(project)}


def _listed_videos(project: Project) -> list[str]:
    """Return the entries of `video_sets`, placeholders left out."""
    videos = project.config.video_sets
    return [video for video in videos if not is_placeholder(video) or project.frame_folder(video).is_dir()]


def _listed_folders(project: Project) -> set[str] | None:
    """Return the names of the videos' folders; None where config.yaml does not decide which are the project's."""
    videos = _listed_videos(project)
    if not videos or len(videos) < len(project.config.video_sets):
        return None
    return {name_key(video_stem(video)) for video in videos}


def _all_folders(project: Project) -> list[Path]:
    root = project.labeled_data
    found = (path for path in root.iterdir() if path.is_dir()) if root.is_dir() else ()
    return sorted(found, key=lambda path: path.name)


def holds_frames(folder: Path) -> bool:
    """Tell whether a folder has labels or frames that a training could be made of; check images are not."""
    if folder.name.startswith("."):
        return False
    patterns = ("CollectedData_*", "labels.jsonl", "frames.zarr", "machinelabels*")
    if any(next(folder.glob(pattern), None) for pattern in patterns):
        return True
    images = (path for path in folder.glob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    return not folder.name.endswith("_labeled") and next(images, None) is not None


def _named_video(project: Project, name: str) -> Path | None:
    """Return the path of the project's video of this stem or file name; None where there is none.

    Letters' case and spelling count only where two videos differ in nothing else.

    Raises:
        VideoError: it is of the project, but the file is missing.
    """
    videos = project_videos(project)
    found = videos.get(name) or next((path for path in videos.values() if path.name == name), None)
    if found is None:
        alike = [path for stem, path in videos.items() if same_name(stem, name) or same_name(path.name, name)]
        found = alike[0] if len(alike) == 1 else None
    if found is not None and not os.path.isfile(found):
        raise VideoError(f"Video {found} of the project is missing; put it into {project.videos} under the same name.")
    return found


def resolve_video(project: Project, video: str | os.PathLike[str]) -> Path:
    """Return the path of a video given by its path, or by its name or stem in the project.

    Raises:
        VideoError: there is no such video, or it is no recording.
    """
    given = given_path(video)
    if os.path.isfile(given):
        refuse_other_kind(given)
        return given
    found = _named_video(project, os.fspath(video))
    if found is None:
        raise missing_video(given, video, known=tuple(project_videos(project)))
    return found


def check_videos(project: Project, paths: Iterable[Path]) -> None:
    """Make sure that videos are those that were added to the project, before frames of them are added to others.

    Raises:
        VideoError: another file has taken the place of one.
        ProjectError: posecut.yaml is malformed.
    """
    records = read_state(project.settings_path).videos
    for path in paths:
        refuse_other_video(project, path, records.get(path.stem))


def note_other_videos(project: Project, paths: Iterable[Path], *, report: Report) -> None:
    """Warn of videos of the project whose place another file has taken; they are used as they are."""
    records, known = read_state(project.settings_path).videos, project_videos(project)
    for path in paths:
        record, place = records.get(path.stem), known.get(path.stem)
        if not record or not place or not place.exists() or not path.exists() or not place.samefile(path):
            continue
        if _is_other(path, record):
            report(Notice(f"{path} is not the file that was added to the project; its size or contents differ"))


def refuse_other_video(project: Project, path: Path, record: VideoRecord | None) -> None:
    """Make sure that a video is the file of a record; without one, as in DeepLabCut's projects, any will do.

    Raises:
        VideoError: it is another file.
    """
    if record and _is_other(path, record):
        raise VideoError(
            f"Video {path} is not the file that was added to the project (its size or contents differ), so labels may "
            f"no longer match its frames; restore it, or, if it has the same frames, remove the entry of {path.stem} "
            f"under `videos` in {project.settings_path}."
        )


def _is_other(path: Path, record: VideoRecord) -> bool:
    return fingerprint(path) != (record.size, record.sha256)


# --- stored frames ----------------------------------------------------------------------------------------------------
# Which of a project's videos are meant, by their names, and which of them have extracted frames.


def chosen_stems(known: Iterable[str], wanted: str | Sequence[str] | None) -> tuple[str, ...]:
    """List the videos meant, by stem, in the order of `known`; None means all.

    Args:
        known: stems of the videos that may be chosen.
        wanted: stems, file names or paths.

    Raises:
        VideoError: one is not known.
    """
    stems = tuple(known)
    if wanted is None:
        return stems
    chosen = {_stem(os.fspath(name), stems) for name in listed(wanted)}
    return tuple(stem for stem in stems if stem in chosen)


def videos_with_frames(project: Project, wanted: str | Sequence[str] | None) -> tuple[str, ...]:
    """List the videos meant that have extracted frames, by stem.

    Raises:
        VideoError: a video is not of the project, or none has extracted frames.
    """
    stems = chosen_stems((folder.name for folder in frame_folders(project)), wanted)
    found = tuple(stem for stem in stems if project.frame_store(stem).exists())
    if not found:
        raise VideoError(
            f"Found no extracted frames of {', '.join(stems) or 'any video'} in {project.labeled_data}; extract some "
            "first.",
            Remedy("extract_frames", config=project.root, **({"videos": list(stems)} if stems else {})),
        )
    return found


def _stem(name: str, stems: tuple[str, ...]) -> str:
    stem = name if name in stems else given_path(name).stem
    alike = [other for other in stems if other == stem] or [other for other in stems if same_name(other, stem)]
    if len(alike) != 1:
        near = difflib.get_close_matches(stem, stems, n=1)
        raise VideoError(
            f"The project has no video {name!r}{f', perhaps {near[0]}' if near else ''}; choose among "
            f"{named_few(stems) or 'none: add one first'}."
        )
    return alike[0]


# --- notes ------------------------------------------------------------------------------------------------------------
# What people should know about a project although it stops nothing: told through `report`, as headings are.


_NAMED = 5  # labels in a note; check_labels has all


def note_strangers(project: Project, *, report: Report) -> None:
    """Tell which folders and tables of labels are of no video or scorer of the project: nothing of them is used."""
    for sentence in filter(None, (strange_labels(project), other_tables(project))):
        report(Notice(sentence))


def other_tables(project: Project) -> str:
    """Say which tables of labels are of other scorers than config.yaml's; "" where none is."""
    own = {f"CollectedData_{project.config.scorer}{suffix}" for suffix in (".h5", ".csv")}
    found = [
        f"{folder.name}/{path.name}"
        for folder in frame_folders(project)
        for path in sorted(folder.glob("CollectedData_*"))
        if path.suffix in (".h5", ".csv") and path.name not in own
    ]
    if not found:
        return ""
    plural, them = ("s", "them") if len(found) > 1 else ("", "it")
    return (
        f"{project.labeled_data} holds {named_few(found, most=_NAMED)}, expected tables of scorer "
        f"{project.config.scorer!r} of config.yaml only; the table{plural} {'are' if plural else 'is'} ignored: move "
        f"{them} elsewhere, or, if you need the labels in {them}, copy their rows into that scorer's table"
    )


def strange_labels(project: Project) -> str:
    """Say which folders of labels or frames are of no video of the project; "" where there are none."""
    names = [folder.name for folder in _strange_folders(project)]
    if not names:
        return ""
    belong, them = ("belongs", "it") if len(names) == 1 else ("belong", "them")
    return (
        f"{named_few([*map(repr, names)], most=_NAMED)} in {project.labeled_data} {belong} to no video of "
        f"`video_sets` in {project.config_path}, and nothing in {them} is used; if that is not intended, list the "
        f"video there (a line `videos/NAME.mp4:` with the folder's name will do), else move {them} out of labeled-data"
    )


def chosen_videos(
    project: Project,
    videos: Videos,
    *,
    videotype: str | Sequence[str] = "",
    elsewhere: bool = False,
    report: Report = silent,
) -> GivenVideos:
    """List the video files meant by files, names of project videos, folders and patterns, each file once.

    Args:
        project: the opened project.
        videos: what was given.
        videotype: suffixes of the videos to take from folders; by default any known one.
        elsewhere: whether addresses such as s3://bucket/mouse7.mp4 will do.
        report: told what is left out, and what is no video, before the work on the others begins.

    Raises:
        ArgumentError: nothing is given.
        VideoError: none of it is a video.
    """
    known = tuple(project_videos(project))
    given = given_videos(
        videos,
        videotype=videotype,
        named=lambda name: _named_video(project, name),
        known=known,
        elsewhere=elsewhere,
    )
    if not given.paths:
        raise_together(given.refused, of=len(given.refused), what="are no videos", kind=VideoError, done=None)
    for sentence in (*given.notes, *(str(error) for error in given.refused.values())):
        report(Notice(sentence))
    return given
