"""Hand a project's frames to other tools."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from posecut_core.formats.deeplabcut import export_images
from posecut_core.progress import Report, silent
from posecut_core.project.given_values import forgiving
from posecut_core.workflow.opening import open_project
from posecut_core.workflow.stored_frames import videos_with_frames


@dataclass(frozen=True)
class ExportedVideo:
    """The images of one video."""

    video: str
    folder: Path
    written: int  # images that were not there before


@dataclass(frozen=True)
class ExportedImages:
    """What `export_deeplabcut` wrote."""

    config_path: Path
    videos: tuple[ExportedVideo, ...]


@forgiving
def export_deeplabcut(
    config: str | os.PathLike[str], *, videos: str | Sequence[str] | None = None, report: Report = silent
) -> ExportedImages:
    """Write the extracted frames as `img*.png` beside the labels; DeepLabCut then labels and trains on the project.

    Images that are there already stay as they are.

    Args:
        config: path of config.yaml.
        videos: names of project videos; by default all that have extracted frames.
        report: told of every image.

    Raises:
        VideoError: a video is not of the project, or no frames were extracted.
        StorageError: the disk refuses.
    """
    project = open_project(config, report=report)
    exported = [
        ExportedVideo(video, project.frame_folder(video), export_images(project, video, report=report))
        for video in videos_with_frames(project, videos)
    ]
    return ExportedImages(project.config_path, tuple(exported))
