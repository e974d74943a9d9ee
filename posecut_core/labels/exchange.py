"""Labels into DeepLabCut's files and out of them: positions of the full frame become positions in the stored images."""

from pathlib import Path
from typing import Literal

import numpy as np

from posecut_core.errors import LabelError
from posecut_core.labels.collected_data import ImageLabels, foreign_rows, read_collected_data, write_collected_data
from posecut_core.labels.stored_images import image_names, image_origins
from posecut_core.labels.table import LabelTable
from posecut_core.progress import Report, silent
from posecut_core.project.hashing import file_sha256
from posecut_core.project.layout import Project


def import_table(project: Project, video: str, *, report: Report = silent) -> LabelTable:
    """Read the labels of a video from its CollectedData files; a video without any has a table without rows.

    `report` is told where the two files differ.

    Raises:
        LabelError: the files are unreadable or do not fit the project.
        VideoError: the frame store is damaged.
    """
    labels = read_images(project, video, report=report)
    bodyparts = project.config.bodyparts
    if labels is None or not labels.names:
        return LabelTable(video, bodyparts, np.empty(0, np.int64), np.empty((0, len(bodyparts), 2)))
    numbers = np.array(list(labels.names), dtype=np.int64)
    return LabelTable(video, bodyparts, numbers, labels.xy + image_origins(project, video, numbers)[:, None])


def export_table(project: Project, table: LabelTable) -> None:
    """Replace the CollectedData files of a video; the table has the project's bodyparts.

    Raises:
        VideoError: the frame store is damaged; nothing is then written.
        StorageError: the disk refuses.
    """
    labels = as_images(project, table)
    write_collected_data(project.frame_folder(table.video), project.config.scorer, labels)


def as_images(project: Project, table: LabelTable) -> ImageLabels:
    """Return labels as DeepLabCut's files hold them: per image, in pixels of the stored images.

    Raises:
        VideoError: the frame store is damaged.
    """
    names = image_names(project, table.video, table.numbers.tolist())
    xy = table.xy - image_origins(project, table.video, table.numbers)[:, None]
    return ImageLabels(names, table.bodyparts, xy)


def read_images(
    project: Project, video: str, *, suffix: Literal[".h5", ".csv"] | None = None, report: Report = silent
) -> ImageLabels | None:
    """Read the labels of a video as DeepLabCut's files hold them; None where there are none.

    `report` is told where the two files differ.

    Raises:
        LabelError: the file is unreadable or does not fit the project.
    """
    folder, scorer = project.frame_folder(video), project.config.scorer
    return read_collected_data(folder, scorer, bodyparts=project.config.bodyparts, suffix=suffix, report=report)


def collected_files(project: Project, video: str) -> dict[str, Path]:
    """Return the CollectedData files of a video that are there, by their names, the .h5 first."""
    paths = (project.collected_data(video, suffix) for suffix in (".h5", ".csv"))
    return {path.name: path for path in paths if path.exists()}


def shared_files(project: Project, video: str) -> tuple[Path, ...]:
    """Return the CollectedData files of a video that hold labels of other videos too; replacing them loses those."""
    return foreign_rows(project.frame_folder(video), project.config.scorer)


def collected_hashes(project: Project, video: str) -> dict[str, str]:
    """Return name -> SHA-256 of the CollectedData files of a video that are there.

    Raises:
        LabelError: a file cannot be read.
    """
    try:
        return {name: file_sha256(path) for name, path in collected_files(project, video).items()}
    except OSError as error:
        raise LabelError(f"Cannot read {error.filename} ({error.strerror}); check its permissions.") from error
