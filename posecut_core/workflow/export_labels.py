"""Labels of a project as a file of another program (`export_labels`)."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from posecut_core.errors import LabelError, Remedy
from posecut_core.interchange.project_labels import project_labels
from posecut_core.interchange.registry import Animals, Format, Labels, chosen_format, losses
from posecut_core.labels.images import adopt_project, export_images
from posecut_core.progress import Report, silent
from posecut_core.project.given import forgiving, given_path
from posecut_core.project.opening import chosen_stems, frame_folders
from posecut_core.results import Summary, counted
from posecut_core.types import WrittenLabelFormat


@dataclass(frozen=True)
class ExportedLabels:
    """The file that `export_labels` wrote, and what it does not hold."""

    config_path: Path
    file: Path
    format: str
    videos: tuple[str, ...]
    frames: int
    lost: tuple[str, ...]  # what the format has no word for, and what it became

    def summary(self) -> Summary:
        """Say where the file is, and what is lost in it."""
        text = f"{counted(self.frames, 'labeled frame')} of {counted(len(self.videos), 'video')} in {self.file}."
        return Summary(text, tuple(f"Lost in this format: {one}" for one in self.lost))


@forgiving
def export_labels(
    config: str | os.PathLike[str],
    *,
    format: WrittenLabelFormat = "coco",
    videos: str | Sequence[str] | None = None,
    destination: str | os.PathLike[str] | None = None,
    report: Report = silent,
) -> ExportedLabels:
    """Write the labels of a project as a file that another program reads, and say what the format cannot hold.

    Where the format is about images, they are written into `labeled-data` as well, and the file names them from the
    project's folder.

    Args:
        config: path of config.yaml.
        format: of the file, by the program that reads it.
        videos: only these videos of the project; by default all that have labels.
        destination: the file to write; by default one in the project's folder `exports`.
        report: called while images are written.

    Raises:
        ArgumentError: the format needs a package that is not installed.
        LabelError: there are no labels, or they are damaged.
        VideoError: a video is not of the project, or its frames are damaged.
        StorageError: the disk refuses.
    """
    chosen = chosen_format(format, "labels", "w")
    write = chosen.function("write_labels")
    project = adopt_project(config, report=report)
    stems = chosen_stems((folder.name for folder in frame_folders(project)), videos)
    labels = _held(project_labels(project, stems, images=chosen.images), chosen)
    labeled = tuple(stem for stem, video in zip(stems, labels.videos, strict=True) if video.frames)
    if not labeled:
        raise LabelError(
            f"Found no labels of {', '.join(stems) or 'any video'}; label frames first.",
            Remedy("label_frames", config=project.root),
        )
    if chosen.images:
        for stem in labeled:
            if project.frame_store(stem).exists():
                export_images(project, stem, report=report)
    name = f"{project.config.task}_{chosen.name}{chosen.suffixes[0]}"
    path = given_path(destination) if destination is not None else project.exports / name
    labels = project_labels(project, labeled, images=chosen.images)
    write(path, _held(labels, chosen), scorer=project.config.scorer, name=chosen.name)
    frames = sum(_is_labeled(animals) for video in labels.videos for animals in video.frames.values())
    return ExportedLabels(project.config_path, path, chosen.name, labeled, frames, losses(chosen, labels))


def _held(labels: Labels, chosen: Format) -> Labels:
    """Leave out frames that have nothing but suggestions where a format has no word for these.

    Without them such a frame would say that no animal is in it.
    """
    if "proposed" not in chosen.becomes:
        return labels
    videos = [
        replace(video, frames={key: animals for key, animals in video.frames.items() if _is_labeled(animals)})
        for video in labels.videos
    ]
    return replace(labels, videos=tuple(videos))


def _is_labeled(animals: Animals) -> bool:
    return any(point.is_label for points in animals.values() for point in points.values())
