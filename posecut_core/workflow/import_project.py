"""A project of DeepLabCut, SLEAP or Lightning Pose moves in (`import_project`)."""

import datetime
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from posecut_core.errors import PosecutError, ProjectError, Remedy, VideoError
from posecut_core.interchange.registry import Labels, chosen_animal, format_of
from posecut_core.labels.images import adopt_project
from posecut_core.labels.store import read_labels
from posecut_core.progress import Report, silent
from posecut_core.project.config import bones_between
from posecut_core.project.given import forgiving, given_path, named_few, videos_in
from posecut_core.project.opening import frame_folders, project_videos
from posecut_core.results import Summary, counted
from posecut_core.workflow.create_project import create_new_project
from posecut_core.workflow.import_labels import import_labels

_NETWORKS = "its networks, which only the program that trained them can run: train one on the labels"
_FOREIGN = {  # folders of a DeepLabCut project, which stay where they are
    "dlc-models": _NETWORKS,
    "dlc-models-pytorch": _NETWORKS,
    "evaluation-results": "its evaluations: evaluate the new network",
    "evaluation-results-pytorch": "its evaluations: evaluate the new network",
}


@dataclass(frozen=True)
class ImportedProject:
    """The project, what came into it, and what did not."""

    config_path: Path
    created: bool  # False: it was there, and has what it lacked
    came: tuple[str, ...]
    left: tuple[str, ...]

    def __fspath__(self) -> str:
        """Return the path of config.yaml."""
        return str(self.config_path)

    def summary(self) -> Summary:
        """Say what came and what did not."""
        root = self.config_path.parent
        lines = [*(f"Came along: {one}" for one in self.came), *(f"Did not: {one}" for one in self.left)]
        text = f"The project is {root}."
        return Summary(text, tuple(lines), (Remedy("check_labels", config=root),))


@forgiving
def import_project(
    source: str | os.PathLike[str],
    experimenter: str = "imported",
    working_directory: str | os.PathLike[str] | None = None,
    *,
    animal: str | None = None,
    copy_videos: bool = False,
    report: Report = silent,
) -> ImportedProject:
    """Make a project of one of DeepLabCut, SLEAP or Lightning Pose, with its videos, bodyparts, skeleton and labels.

    What did not come along is said. It can be done again: what is there stays, and what is new in the source is added.
    A project of DeepLabCut is one of PoseCut as it lies; its images are read into the store of frames.

    Args:
        source: a project of DeepLabCut or Lightning Pose, as its folder, or a .slp file of SLEAP.
        experimenter: your name, which becomes part of the project's; a project of DeepLabCut keeps its own.
        working_directory: where to make the project's folder; by default the current folder.
        animal: which animal of several, by the name of its track.
        copy_videos: copy the videos instead of linking to them.
        report: called while videos are read and frames extracted.

    Raises:
        ProjectError: the source is none of these.
        ArgumentError: it has several animals and none is named.
        LabelError: its labels cannot be read.
        VideoError: none of its videos is there.
        StorageError: the disk refuses.
    """
    path = given_path(source)
    if (path / "config.yaml").is_file() or path.name == "config.yaml":
        return _adopted(path, report)
    tables = sorted(path.glob("CollectedData*.csv")) if path.is_dir() else []
    if not path.is_file() and not tables:
        raise ProjectError(
            f"{path} is no project of DeepLabCut (a folder with config.yaml), Lightning Pose (a folder with a table "
            "CollectedData*.csv) or SLEAP (a .slp file); give the path of one."
        )
    files = tables or [path]
    read = [(file, format_of(file, "labels").function("read_labels")(file)) for file in files]
    for file, labels in read:
        chosen_animal(labels, animal, path=file, step="import_project")  # before anything is made
    videos, left = _videos(path, [labels for _, labels in read])
    parts = tuple(dict.fromkeys(part for _, labels in read for part in labels.bodyparts))
    bones = tuple(dict.fromkeys(bone for _, labels in read for bone in labels.skeleton))
    stamp = datetime.date.fromtimestamp(min(file.stat().st_mtime for file in files))  # the same at every call
    task = re.sub(r"[^\w-]+", "-", path.name.removesuffix(".slp").removesuffix(".pkg")).strip("-") or "imported"
    found = [*videos.values()]
    created = create_new_project(
        task, experimenter, found, working_directory, copy_videos, bodyparts=parts, skeleton=bones, date=stamp,
        report=report,
    )  # fmt: skip
    came = _contents(len(created.videos), len(parts), len(bones))
    for file, labels in read:
        named = _named_otherwise(labels, videos)
        done = import_labels(created.config_path, file, animal=animal, video=named, report=report)
        came += [f"{file.name}, {one.sentence()}" for one in done.videos]
        left += [one for one in done.left_out if one not in left]
        symmetries = labels.symmetries
        left += ["which bodyparts mirror each other: name it when you create a training dataset"] if symmetries else []
    return ImportedProject(created.config_path, created.created, tuple(came), (*left, _NETWORKS))


def _adopted(path: Path, report: Report) -> ImportedProject:
    """Read the images of a project of DeepLabCut, and say what it has."""
    project = adopt_project(path, report=report)
    videos = [*project_videos(project).values()]
    lost = [str(video) for video in videos if not video.exists()]
    parts = project.config.bodyparts
    came, left = _contents(len(videos) - len(lost), len(parts), len(bones_between(parts, project.config.skeleton))), []
    for folder in frame_folders(project):
        try:
            frames = len(read_labels(project, folder.name, report=report).numbers)
        except PosecutError as error:
            left.append(f"labels of {folder.name}: {error}")
        else:
            came.append(f"{folder.name}: {counted(frames, 'labeled frame')}")
    left += [f"the video {name}, which is not there" for name in lost]
    left += dict.fromkeys(words for name, words in _FOREIGN.items() if (project.root / name).is_dir())
    if project.training_datasets.parent.is_dir():
        left.append("its splits into training and test frames: create a training dataset")
    return ImportedProject(project.config_path, False, tuple(came), tuple(left))


def _contents(videos: int, bodyparts: int, bones: int) -> list[str]:
    """Say what a project is made of, beside its labels."""
    skeleton = [f"a skeleton of {counted(bones, 'bone')}"] if bones else []
    return [f"{counted(videos, 'video')}, {counted(bodyparts, 'bodypart')}", *skeleton]


def _videos(path: Path, tables: Sequence[Labels]) -> tuple[dict[str, Path], list[str]]:
    """Find the videos of labels: where these say, beside the file, or in the folder `videos`.

    Returns:
        name in the labels -> file, and sentences on those that are not there.
    """
    places = [path / "videos", path] if path.is_dir() else [path.parent, path.parent / "videos"]
    there = {video.stem: video for place in reversed(places) for video in videos_in(place)}
    names = dict.fromkeys(one.video for labels in tables for one in labels.videos)
    videos, left = dict[str, Path](), []
    for name in names:
        own = Path(name)
        inside = there.get(own.stem) or (there.get(path.name.partition(".")[0]) if len(names) == 1 else None)
        if own.is_absolute() and own.is_file():
            videos[name] = own
        elif inside is not None:
            videos[name] = inside
        else:
            left.append(f"{name}, as its video is neither there nor in {places[0]}")
    if not videos:
        raise VideoError(
            f"Found none of the videos of {path} ({named_few([*names])}), expected them in {places[0]}; put them there."
        )
    return videos, left


def _named_otherwise(labels: Labels, videos: dict[str, Path]) -> str | None:
    """Return the name of the only video where labels call it otherwise."""
    labeled = [one.video for one in labels.videos if one.frames]
    if len(labeled) != 1 or labeled[0] not in videos:
        return None
    return videos[labeled[0]].stem
