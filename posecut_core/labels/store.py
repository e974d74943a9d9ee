"""The labels of a project's videos, in pixels of the full frame; the files hold pixels of the stored images."""

from collections.abc import Iterable

import imageio.v3 as iio
import numpy as np
from jaxtyping import Float64, Int64

from posecut_core.errors import LabelError
from posecut_core.labels.collected_data import ImageLabels, read_collected_data, write_collected_data
from posecut_core.labels.image_names import DIGITS, digits_for, image_name, images_in
from posecut_core.labels.image_origins import image_origin
from posecut_core.labels.table import LabelTable
from posecut_core.progress import Report, silent
from posecut_core.project.layout import Project
from posecut_core.project.settings import read_settings
from posecut_core.video.store import FrameStore


def read_labels(project: Project, video: str, *, report: Report = silent) -> LabelTable:
    """Read the labels of a video; a video without labels has a table without rows.

    Args:
        project: The opened project.
        video: Stem of the video's file name.
        report: Told where one of the two files is damaged or says otherwise than the one that is read.

    Raises:
        LabelError: the files are unreadable, do not fit the project, or label a frame that is not in the frame store.
    """
    bodyparts = project.config.bodyparts
    folder, scorer = project.frame_folder(video), project.config.scorer
    labels = read_collected_data(folder, scorer, bodyparts=bodyparts, report=report)
    if labels is None or not labels.names:
        return LabelTable(video, bodyparts, np.empty(0, np.int64), np.empty((0, len(bodyparts), 2)))
    numbers = np.array(list(labels.names), dtype=np.int64)
    return LabelTable(video, bodyparts, numbers, labels.xy + _origins(project, video, numbers)[:, None])


def write_labels(project: Project, table: LabelTable) -> None:
    """Replace the labels of a video by `table`; columns get the project's order, bodyparts not in `table` are missing.

    Raises:
        LabelError: a bodypart is not of the project, or a frame is not in the frame store; nothing is then written.
        StorageError: the disk refuses.
    """
    bodyparts, video = project.config.bodyparts, table.video
    unknown = [part for part in table.bodyparts if part not in bodyparts]
    if unknown:
        raise LabelError(
            f"Labels of {video} contain {', '.join(map(repr, unknown))}, expected only bodyparts of the project "
            f"({', '.join(bodyparts)}); add them to `bodyparts` in {project.config_path} or leave them out."
        )
    xy = np.full((len(table.numbers), len(bodyparts), 2), np.nan)
    xy[:, [bodyparts.index(part) for part in table.bodyparts]] = table.xy
    xy -= _origins(project, video, table.numbers)[:, None]
    names = image_names(project, video, table.numbers.tolist())
    write_collected_data(project.frame_folder(video), project.config.scorer, ImageLabels(names, bodyparts, xy))


def image_names(project: Project, video: str, numbers: Iterable[int]) -> dict[int, str]:
    """Return frame number -> image name: as the folder or the labels have it, else padded by the video's length."""
    folder = project.frame_folder(video)
    labels = read_collected_data(folder, project.config.scorer, bodyparts=project.config.bodyparts)
    known = dict(labels.names) if labels else {}
    known.update((number, path.name) for number, path in images_in(folder).items())
    record = read_settings(project.settings_path).videos.get(video)
    digits = digits_for(record.frames) if record else DIGITS
    return {number: known.get(number) or image_name(number, digits=digits) for number in numbers}


def _origins(project: Project, video: str, numbers: Int64[np.ndarray, " F"]) -> Float64[np.ndarray, "F 2"]:
    """Return x, y of the stored images' top-left pixels in the full frame.

    Where the project may only be read, images that could not be copied into the frame store count as stored.
    """
    path = project.frame_store(video)
    known: dict[int, tuple[int, int]] = {}
    if path.exists():
        store = FrameStore.open(path)
        known = {int(number): (int(x), int(y)) for number, (x, y) in zip(store.numbers, store.origins, strict=True)}
    missing = [number for number in numbers.tolist() if number not in known]
    if missing:
        known.update(_image_origins(project, video, missing))
    return np.array([known[number] for number in numbers.tolist()], dtype=np.float64).reshape(-1, 2)


def _image_origins(project: Project, video: str, numbers: list[int]) -> dict[int, tuple[int, int]]:
    images = images_in(project.frame_folder(video))
    absent = [number for number in numbers if number not in images]
    if absent:
        raise LabelError(
            f"Frame {absent[0]} of {video} is labelled but was never extracted ({len(absent)} such); extract it "
            f"(posecut extract-frames) or put its image into {project.frame_folder(video)}."
        )
    sizes = {number: iio.improps(images[number], plugin="pillow").shape for number in numbers}
    return {number: image_origin(project, video, (size[0], size[1])) for number, size in sizes.items()}
