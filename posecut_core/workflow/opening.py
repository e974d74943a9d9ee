"""Open a project, PoseCut's or DeepLabCut's, where it lies: every step begins here."""

import os
from collections.abc import Iterable
from pathlib import Path

from posecut_core.errors import ProjectError, StorageError, VideoError
from posecut_core.formats.deeplabcut import import_images
from posecut_core.labels.image_names import SUFFIXES
from posecut_core.progress import Report, silent
from posecut_core.project.config import ProjectConfig, edit_config, parse_config
from posecut_core.project.given_files import given_path, missing_video, name_key, refuse_other_kind, same_name
from posecut_core.project.layout import Project, refuse_links
from posecut_core.project.repair import folders_of_frames, is_placeholder, repairs, video_stem
from posecut_core.project.settings import VideoRecord, fingerprint, read_settings
from posecut_core.project.yaml_text import load_mapping, read_text

Config = str | os.PathLike[str]


def open_project(config: Config, *, report: Report = silent) -> Project:
    """Open a project by its config.yaml or its folder.

    A moved project, or one with placeholders instead of paths, is repaired: on disk where that may be written, else
    in memory. Images that the frame store lacks (DeepLabCut's `img*.png`) are copied into it; one that cannot be read
    is told and left out. Opening a second time changes nothing.

    Args:
        config: Path of config.yaml, or of the folder that holds it.
        report: Told about images that are copied or cannot be read.

    Raises:
        ProjectError: there is no project, or its config.yaml is malformed.
        VideoError: a frame store is damaged.
        LabelError: the record of images' names is damaged.
        StorageError: images cannot be copied because the disk is full.
    """
    path = config_path(config)
    refuse_links(path.parent)
    project = Project(path.parent, _repaired_config(path))
    for folder in frame_folders(project):
        if os.access(folder, os.W_OK):
            import_images(project, folder.name, report=report)
    return project


def config_path(config: Config) -> Path:
    """Return the absolute path of a project's config.yaml, given it or its folder.

    Raises:
        ProjectError: there is no such file, or it is no .yaml file.
    """
    path = given_path(config)
    path = path / "config.yaml" if path.is_dir() else path
    if path.is_file() and path.suffix.lower() not in (".yaml", ".yml"):
        raise ProjectError(
            f"{path} is no project, expected a project's folder or its config.yaml; give that first, and videos only "
            "where they are asked for (--help says how)."
        )
    if not path.is_file():
        raise ProjectError(
            f"Found no file {path}; give the path of a project's config.yaml, or create a project first "
            "(posecut create-new-project)."
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


def strange_folders(project: Project) -> list[Path]:
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
    images = (path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)
    return not folder.name.endswith("_labeled") and next(images, None) is not None


def named_video(project: Project, name: str) -> Path | None:
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
    found = named_video(project, os.fspath(video))
    if found is None:
        raise missing_video(given, video, known=tuple(project_videos(project)))
    return found


def check_videos(project: Project, paths: Iterable[Path]) -> None:
    """Make sure that videos are those that were added to the project, before frames of them are added to others.

    Raises:
        VideoError: another file has taken the place of one.
        ProjectError: posecut.yaml is malformed.
    """
    records = read_settings(project.settings_path).videos
    for path in paths:
        refuse_other_video(project, path, records.get(path.stem))


def refuse_other_video(project: Project, path: Path, record: VideoRecord | None) -> None:
    """Make sure that a video is the file of a record; without one, as in DeepLabCut's projects, any will do.

    Raises:
        VideoError: it is another file.
    """
    if record and fingerprint(path) != (record.size, record.sha256):
        raise VideoError(
            f"Video {path} is not the file that was added to the project (size or first or last MiB differ), expected "
            "the same one, or labels may lie on other pictures; restore it, or, if it shows the same frames, remove "
            f"the entry of {path.stem} under `videos` in {project.settings_path}."
        )


def _repaired_config(path: Path) -> ProjectConfig:
    values = load_mapping(read_text(path), path)
    config = parse_config(values, path)
    changes = repairs(values, path.parent)
    if not changes:
        return config
    try:
        return edit_config(path, changes)
    except StorageError:
        return parse_config({**values, **changes}, path)
